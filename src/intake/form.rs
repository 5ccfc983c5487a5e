//! A Form: one configured endpoint, `/f/{form}`, and the reader of its settings.

use serde_json::Value;

use crate::domain::control::{Dialect, is_control};
use crate::domain::settings::{Reader, SEVERAL, did_you_mean, is_several, text_of, texts_of};
use crate::domain::{Address, LeadField, Template};

use super::brand::Brand;
use super::guard::turnstile::Turnstile;
use super::origin::{OriginRule, is_path};
use super::validate::Rule;

/// A configured endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// The name in its URL.
    pub name: String,
    /// The names of its destinations; never empty.
    pub destinations: Vec<String>,
    /// The websites that may post to it; empty: any.
    pub allowed_origins: Vec<OriginRule>,
    /// Whether a POST without `Origin` is refused.
    pub require_origin: bool,
    /// The form service that its pages were written for.
    pub dialect: Option<Dialect>,
    /// Where an HTML visitor is sent after a success; `None`: the built-in page.
    pub redirect: Option<String>,
    /// Form fields or lead fields that must be filled.
    pub required: Vec<String>,
    /// Rules for the values of fields.
    pub rules: Vec<Rule>,
    /// The operator's mapping, which precedes the built-in one.
    pub map: Vec<(LeadField, Source)>,
    /// Who may post.
    pub access: Access,
    /// Size limits of a request.
    pub limits: Limits,
    /// The form's own honeypot, besides the common names.
    pub honeypot: Option<String>,
    /// Whether the text is searched for signs of spam (`spam = "off"`); honeypot and time trap stay.
    pub spam_filter: bool,
    /// The Turnstile settings; `None`: the form uses no Turnstile.
    pub turnstile: Option<Turnstile>,
    /// The website's name, color and logo on our pages.
    pub brand: Brand,
    /// How many leads it gets, by the operator; `None`: that is learned.
    pub expect: Option<Expected>,
    /// The number of Outboxes that the form is spread over.
    pub shards: u32,
    /// Days after which a delivered submission is deleted.
    pub retention_days: u32,
    /// Days after which one that waits for a person (quarantined, rejected, exhausted) is deleted.
    pub quarantine_days: u32,
    /// Whether what the visitor wrote is erased once every destination has it.
    pub erase_delivered: bool,
}

/// What fills a lead field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The first filled of these form fields.
    Fields(Vec<String>),
    /// A constant.
    Value(String),
    /// A template.
    Template(Template),
}

/// Who may post to a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// Only requests with the bearer token in this secret.
    Token {
        /// The secret's name (`STAFF_TOKEN`).
        secret: String,
    },
}

/// Size limits of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Fields of a submission, control fields included.
    pub fields: usize,
    /// Bytes of one name or one value.
    pub value_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 64 * 1024, fields: 200, value_bytes: 64 * 1024 }
    }
}

/// The destinations that a form may name.
pub trait Known {
    /// Every configured destination, right or wrong.
    fn names(&self) -> Vec<&str>;
    /// Whether it takes leads only from forms with `access = "token"`.
    fn needs_token(&self, name: &str) -> bool;
}

impl Form {
    /// The default of `retention_days` and of `quarantine_days`.
    pub const RETENTION_DAYS: u32 = 90;

    /// A public form with every default.
    pub fn plain(name: &str, destinations: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            destinations: destinations.iter().map(|name| (*name).to_owned()).collect(),
            allowed_origins: Vec::new(),
            require_origin: false,
            dialect: None,
            redirect: None,
            required: Vec::new(),
            rules: Vec::new(),
            map: Vec::new(),
            access: Access::Public,
            limits: Limits::default(),
            honeypot: None,
            spam_filter: true,
            turnstile: None,
            brand: Brand::NONE,
            expect: None,
            shards: 1,
            retention_days: Self::RETENTION_DAYS,
            quarantine_days: Self::RETENTION_DAYS,
            erase_delivered: false,
        }
    }

    /// Reads the form's table. `token` names the secret that opens the form when `access = "token"`. Mistakes go to the
    /// reader; a form with mistakes must not be used.
    pub fn read(name: &str, token: String, mut reader: Reader<'_>, known: &impl Known) -> Self {
        let mut form = Self {
            name: name.to_owned(),
            destinations: destinations(&mut reader, known),
            allowed_origins: allowed_origins(&mut reader),
            require_origin: reader.flag("require_origin").unwrap_or_default(),
            dialect: reader.choice("dialect", Dialect::ALL),
            redirect: redirect(&mut reader),
            required: required(&mut reader),
            rules: Rule::read_all(&mut reader),
            map: map(&mut reader),
            access: match reader.choice("access", &[("public", false), ("token", true)]) {
                Some(true) => Access::Token { secret: token },
                _ => Access::Public,
            },
            limits: limits(&mut reader),
            honeypot: reader.text("honeypot"),
            spam_filter: reader.choice("spam", &[("on", true), ("off", false)]).unwrap_or(true),
            turnstile: Turnstile::read(&mut reader),
            brand: Brand::read(&mut reader),
            expect: reader.parsed("expect", Expected::parse, Expected::TAKES),
            shards: count(&mut reader, "shards", 64).unwrap_or(1),
            retention_days: count(&mut reader, "retention_days", 3650).unwrap_or(Self::RETENTION_DAYS),
            quarantine_days: count(&mut reader, "quarantine_days", 3650).unwrap_or(Self::RETENTION_DAYS),
            erase_delivered: reader.flag("erase_delivered").unwrap_or_default(),
        };
        let is_data = form.honeypot.as_deref().is_some_and(|name| form.data().contains(&name));
        if let Some(name) = form.honeypot.take_if(|_| is_data) {
            reader.error(
                "honeypot",
                format!(
                    "\"{name}\" is also in required, rules or map; a field that people fill in cannot be a honeypot"
                ),
            );
        }
        if form.is_public() {
            for destination in form.destinations.iter().filter(|name| known.needs_token(name)) {
                reader.error(
                    "destinations",
                    format!("\"{destination}\" creates a login; its form needs access = \"token\""),
                );
            }
        }
        reader.finish();
        form
    }

    /// Whether anyone may post.
    pub fn is_public(&self) -> bool {
        self.access == Access::Public
    }

    /// The form fields that the operator names as data: no dialect makes control fields of them.
    pub fn data(&self) -> Vec<&str> {
        let mapped = self.map.iter().flat_map(|(_, source)| match source {
            Source::Fields(names) => names.iter().map(String::as_str).collect(),
            Source::Template(template) => template.variables().collect(),
            Source::Value(_) => Vec::new(),
        });
        let required = self.required.iter().map(String::as_str);
        let ruled = self.rules.iter().map(|rule| rule.field.as_str());
        mapped.chain(required).chain(ruled).collect()
    }
}

fn destinations(reader: &mut Reader<'_>, known: &impl Known) -> Vec<String> {
    const KEY: &str = "destinations";
    let all = known.names().join(", ");
    let all = if all.is_empty() { "none is configured".to_owned() } else { all };
    if !reader.has(KEY) {
        reader.error(KEY, format!("is missing; it takes the names of destinations: {all}"));
    }
    let mut found: Vec<String> = Vec::new();
    for name in reader.texts(KEY).unwrap_or_default() {
        if found.contains(&name) {
            reader.error(KEY, format!("\"{name}\" is listed twice"));
        } else if known.names().contains(&name.as_str()) {
            found.push(name);
        } else {
            let meant = did_you_mean(&name, known.names());
            reader
                .error(KEY, format!("\"{name}\" is not a destination; known here: {all}{}", meant.unwrap_or_default()));
        }
    }
    found
}

fn count(reader: &mut Reader<'_>, key: &'static str, most: u32) -> Option<u32> {
    reader.integer(key, 1, i64::from(most)).and_then(|number| u32::try_from(number).ok())
}

fn allowed_origins(reader: &mut Reader<'_>) -> Vec<OriginRule> {
    const KEY: &str = "allowed_origins";
    let mut rules = Vec::new();
    for text in reader.texts(KEY).unwrap_or_default() {
        match OriginRule::parse(&text) {
            Ok(rule) => rules.push(rule),
            Err(error) => reader.error(KEY, error.to_string()),
        }
    }
    rules
}

/// An absolute address, or a path on the Worker's own host.
fn redirect(reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.text("redirect")?;
    if !is_path(&text)
        && let Err(error) = Address::parse(&text)
    {
        let write = "write the full address: \"https://www.example.com/thanks\"";
        reader.error("redirect", format!("the address {error}; {write}"));
        return None;
    }
    Some(text)
}

fn required(reader: &mut Reader<'_>) -> Vec<String> {
    const KEY: &str = "required";
    let names = reader.texts(KEY).unwrap_or_default();
    for name in names.iter().filter(|name| is_control(name)) {
        reader.error(KEY, format!("\"{name}\" is a control field; those are never data"));
    }
    names
}

fn map(reader: &mut Reader<'_>) -> Vec<(LeadField, Source)> {
    let Some(mut table) = reader.table("map") else { return Vec::new() };
    let mut map = Vec::new();
    for (key, value) in table.entries() {
        let is_open = |field: &LeadField| *field != LeadField::ConsentAt;
        let Some(field) = LeadField::from_name(key).filter(is_open) else {
            let names: Vec<_> =
                LeadField::ALL.iter().filter(|field| is_open(field)).map(|field| field.name()).collect();
            let meant = did_you_mean(key, names.iter().copied());
            let known = names.join(", ");
            table.error(key, format!("cannot be mapped; lead fields that can: {known}{}", meant.unwrap_or_default()));
            continue;
        };
        if let Some(source) = source(&mut table, key, value) {
            map.push((field, source));
        }
    }
    map
}

fn source(table: &mut Reader<'_>, key: &str, value: &Value) -> Option<Source> {
    let only = value.as_object().filter(|inner| inner.len() == 1).and_then(|inner| inner.iter().next());
    match only.map(|(word, value)| (word.as_str(), text_of(value))) {
        Some(("value", Some(text))) => return Some(Source::Value(text)),
        Some(("template", Some(text))) => return table.parse_template(key, &text).map(Source::Template),
        _ => {}
    }
    if is_several(value) {
        table.wrong(key, value, SEVERAL);
        return None;
    }
    let Some(names) = texts_of(value) else {
        table.wrong(
            key,
            value,
            "a form field, a list of them, { value = \"a constant\" } or { template = \"{utm_source|direct}\" }",
        );
        return None;
    };
    for name in names.iter().filter(|name| is_control(name)) {
        table.error(key, format!("\"{name}\" is a control field; those are never data"));
    }
    for name in names.iter().filter(|name| name.contains('{')) {
        table.error(key, format!("\"{name}\" is a template; write {{ template = \"{name}\" }}"));
    }
    Some(Source::Fields(names))
}

/// The largest body that a form may take. A row of a Durable Object's SQLite holds two megabytes: below this limit, whatever
/// is accepted can be stored.
const MOST_BYTES: i64 = 524_288;

fn limits(reader: &mut Reader<'_>) -> Limits {
    let default = Limits::default();
    let mut limit = |key, max, default| {
        reader.integer(key, 1, max).and_then(|number| usize::try_from(number).ok()).unwrap_or(default)
    };
    Limits {
        body_bytes: limit("max_body_bytes", MOST_BYTES, default.body_bytes),
        fields: limit("max_fields", 1000, default.fields),
        value_bytes: limit("max_value_bytes", MOST_BYTES, default.value_bytes),
    }
}

/// A number of leads in a number of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The leads.
    pub leads: u32,
    /// The days.
    pub days: u32,
}

impl Expected {
    /// The words for a period, and its days.
    const PERIODS: [(&'static str, u32); 3] = [("day", 1), ("week", 7), ("month", 30)];

    /// What a setting takes.
    pub const TAKES: &'static str = "a number and a day, a week or a month, as in \"5/week\"";

    /// Reads `5/week`.
    pub fn parse(text: &str) -> Option<Self> {
        let (leads, period) = text.split_once('/')?;
        let (_, days) = Self::PERIODS.into_iter().find(|(word, _)| *word == period.trim())?;
        let leads = leads.trim().parse().ok().filter(|leads| (1..=1_000_000).contains(leads))?;
        Some(Self { leads, days })
    }

    /// Leads a day.
    pub fn per_day(self) -> f64 {
        f64::from(self.leads) / f64::from(self.days)
    }
}

#[cfg(test)]
mod tests;
