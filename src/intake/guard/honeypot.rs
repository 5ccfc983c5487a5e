//! Honeypots: fields that people do not see and bots fill in.
//!
//! A filled one is a suspicion and no proof: browsers and password managers fill hidden fields too, so the submission
//! waits in quarantine and is not dropped. The names are those of Formspree, `FormSubmit`, Formspark, `Web3Forms` and
//! Netlify, and the form's own.

use crate::config::Form;
use crate::config::dialect::HONEYPOTS;
use crate::form::Fields;

use super::Reason;

/// The honeypots that begin with `_`; those without are in [`HONEYPOTS`].
const UNDERSCORED: &[&str] = &["_gotcha", "_honey", "_honeypot"];

/// What a script sends for an unchecked box: `Web3Forms`' honeypot is one, and React forms send all their fields.
const UNCHECKED: &[&str] = &["false", "off", "0"];

/// A reason for each honeypot that is filled, in the order of the form.
pub fn filled(form: &Form, control: &Fields) -> Vec<Reason> {
    let own = form.guard.honeypot.as_deref();
    let is_honeypot = |name: &str| UNDERSCORED.contains(&name) || HONEYPOTS.contains(&name) || own == Some(name);
    let is_filled =
        |name: &str| control.all(name).map(str::trim).any(|value| !value.is_empty() && !UNCHECKED.contains(&value));
    let names = control.names().into_iter().filter(|name| is_honeypot(name) && is_filled(name));
    names.map(|name| Reason::Honeypot(name.to_owned())).collect()
}
