//! The keys of a form that say how it is guarded: `honeypot`, `spam`, `turnstile`.
//!
//! Turnstile's words are those of <https://developers.cloudflare.com/turnstile/get-started/server-side-validation/>: the
//! hostname is the one of the page that showed the widget, the action is the widget's `data-action`.

use super::address::Address;
use super::reader::Reader;

/// The secret that siteverify takes, one for all forms.
pub const TURNSTILE_SECRET: &str = "TURNSTILE_SECRET";

/// The longest action that a widget takes.
const ACTION_CHARS: usize = 32;

/// How a form is guarded against spam.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The form's own honeypot, besides the names that everybody uses.
    pub honeypot: Option<String>,
    /// Whether what is written is looked at (`spam = "off"` turns it off; honeypot and time trap stay).
    pub signals: bool,
    /// Whether a visitor has to pass Turnstile.
    pub turnstile: Option<Turnstile>,
}

impl Default for Guard {
    fn default() -> Self {
        Self { honeypot: None, signals: true, turnstile: None }
    }
}

/// What a Turnstile token must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turnstile {
    /// The widget's `data-action`; `None`: any.
    pub action: Option<String>,
    /// The hosts whose pages show the widget, in lower case; never empty.
    pub hostnames: Vec<String>,
}

impl Guard {
    /// Reads the keys. `data` holds the fields that the form needs as data, so that none of them becomes the honeypot.
    pub(super) fn read(reader: &mut Reader<'_>, data: &[&str]) -> Self {
        Self {
            honeypot: honeypot(reader, data),
            signals: reader.choice("spam", &[("on", true), ("off", false)]).unwrap_or(true),
            turnstile: turnstile(reader),
        }
    }
}

fn honeypot(reader: &mut Reader<'_>, data: &[&str]) -> Option<String> {
    const KEY: &str = "honeypot";
    let name = reader.text(KEY)?;
    if data.contains(&name.as_str()) {
        reader.error(
            KEY,
            format!("\"{name}\" is also in required, rules or map; a field that people fill in is no honeypot"),
        );
        return None;
    }
    Some(name)
}

fn turnstile(reader: &mut Reader<'_>) -> Option<Turnstile> {
    let mut table = reader.table("turnstile")?;
    let action = action(&mut table);
    let hostnames = hostnames(&mut table);
    table.finish();
    Some(Turnstile { action, hostnames })
}

fn action(table: &mut Reader<'_>) -> Option<String> {
    const KEY: &str = "action";
    let action = table.text(KEY)?;
    let fits = action.len() <= ACTION_CHARS
        && action.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if !fits {
        table.error(
            KEY,
            format!("\"{action}\" is no action of a widget: those have up to {ACTION_CHARS} of A-Z, a-z, 0-9, _ and -"),
        );
    }
    fits.then_some(action)
}

fn hostnames(table: &mut Reader<'_>) -> Vec<String> {
    const KEY: &str = "hostnames";
    if !table.has(KEY) {
        table.error(KEY, "is missing; it takes the hosts whose pages show the widget, as in [\"www.example.com\"]");
    }
    let mut hosts = Vec::new();
    for text in table.texts(KEY).unwrap_or_default() {
        let with_scheme = if text.contains("://") { text.clone() } else { format!("https://{text}") };
        match Address::parse(&with_scheme) {
            Ok(address) if address.host.eq_ignore_ascii_case(&text) => hosts.push(address.host),
            Ok(address) => {
                table.error(KEY, format!("\"{text}\" is more than a host; write \"{}\"", address.host));
            }
            Err(error) => {
                table.error(KEY, format!("the entry \"{text}\" {error}; it takes hosts, as in \"www.example.com\""));
            }
        }
    }
    hosts
}
