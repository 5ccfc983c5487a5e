//! What the control fields of form services say, and what becomes of it.
//!
//! - Which fields these are is [`crate::config::dialect`]'s to say. They are taken out of the data here and never come back.
//! - What a page may not decide (who else gets the submission, whether the captcha counts) is ignored, because a bot can
//!   write it as well as the page's author. The operator sees the names of what was ignored, never the values.
//! - Honeypots and captcha tokens are the guard's, redirects are [`super::redirect`]'s.

use crate::config::Form;
use crate::config::dialect::is_control_in;

use super::Fields;
use super::decode::Decoded;
use super::kinds::is_email;

/// Addresses for the answer to the visitor: at Formspree, the email field itself may be named so.
const REPLY_TO: &[&str] = &["_replyto", "_reply_to", "replyto"];

/// What a page asks for and does not get.
const IGNORED: &[&str] = &[
    // Who gets it, and by which way.
    "_webhook",
    "webhook",
    "_to",
    "_cc",
    "_bcc",
    "ccemail",
    "_autoresponse",
    // How the email looks that some services send.
    "_subject",
    "subject",
    "_from",
    "from_name",
    "_template",
    "_append",
    "_format",
    "_language",
    // What counts as spam.
    "_captcha",
    "_blacklist",
    // Where to go after a failure: there the visitor's text would be lost.
    "_error",
    "failUrl",
    // What Salesforce would do with the lead.
    "debug",
    "debugEmail",
    "recordType",
    "Campaign_ID",
    "member_status",
];

/// What Formspark's settings begin with: `_email.subject`, `_feedback.success.title`.
const IGNORED_GROUPS: &[&str] = &["_email.", "_feedback."];

/// No page asks for more; what a bot makes up must not fill the operator's screen.
const MOST_IGNORED: usize = 20;

/// The longest of these names, with room.
const NAME_BYTES: usize = 64;

/// Moves the control fields of the form's dialect out of the data, and the form's own honeypot. What the operator's
/// config names as data stays.
pub fn set_apart(form: &Form, decoded: &mut Decoded) {
    let own = form.guard.honeypot.as_deref();
    let data = form.data();
    let is_control = |name: &str, value: &str| {
        own == Some(name) || (!data.contains(&name) && is_control_in(form.dialect, name, value))
    };
    let (control, fields): (Vec<_>, Vec<_>) =
        decoded.fields.0.drain(..).partition(|(name, value)| is_control(name, value));
    decoded.fields.0 = fields;
    decoded.control.0.extend(control);
}

/// The address that the visitor is to be answered at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyTo {
    /// The field that it stands in.
    pub field: String,
    /// What stands there, an address or not.
    pub text: String,
}

impl ReplyTo {
    /// Whether it is an email address.
    pub fn is_address(&self) -> bool {
        is_email(&self.text)
    }
}

/// The first of the fields for that which is filled, or else the first that is there.
pub fn reply_to(control: &Fields) -> Option<ReplyTo> {
    let there = || control.0.iter().filter(|(name, _)| REPLY_TO.contains(&name.as_str()));
    let (field, text) = there().find(|(_, text)| !text.trim().is_empty()).or_else(|| there().next())?;
    Some(ReplyTo { field: field.clone(), text: text.trim().to_owned() })
}

/// The names of the filled control fields that asked for what they do not get, each once.
pub fn ignored(control: &Fields) -> Vec<String> {
    let is_ignored = |name: &str| {
        (IGNORED.contains(&name) || IGNORED_GROUPS.iter().any(|group| name.starts_with(group)))
            && name.len() <= NAME_BYTES
    };
    let names = control.names().into_iter().filter(|name| is_ignored(name) && control.first(name).is_some());
    names.take(MOST_IGNORED).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Dialect;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_the_operator_names_is_data() {
        let sent = [("subject", "Hello"), ("redirect", "/x"), ("website2", "x"), ("email", "a@b.co")];
        let apart = |form: &Form| {
            let mut decoded = Decoded { fields: fields(&sent), control: fields(&[("_next", "/y")]) };
            set_apart(form, &mut decoded);
            (decoded.fields.names().join(" "), decoded.control.names().join(" "))
        };
        let mut form = Form::plain("contact", &["crm"]);
        assert_eq!(apart(&form), ("subject redirect website2 email".to_owned(), "_next".to_owned()));
        form.dialect = Some(Dialect::Web3Forms);
        form.guard.honeypot = Some("website2".to_owned());
        assert_eq!(apart(&form), ("email".to_owned(), "_next subject redirect website2".to_owned()));
        form.required = vec!["subject".to_owned()];
        assert_eq!(apart(&form), ("subject email".to_owned(), "_next redirect website2".to_owned()));
    }

    #[test]
    fn the_address_to_answer_at() {
        let found = |pairs: &[(&str, &str)]| {
            reply_to(&fields(pairs)).map(|reply| (reply.is_address(), format!("{}={}", reply.field, reply.text)))
        };
        assert_eq!(found(&[("_next", "a@b.co")]), None);
        assert_eq!(found(&[("_replyto", " a@b.co ")]), Some((true, "_replyto=a@b.co".to_owned())));
        assert_eq!(found(&[("_replyto", ""), ("_reply_to", "x")]), Some((false, "_reply_to=x".to_owned())));
        assert_eq!(found(&[("replyto", " ")]), Some((false, "replyto=".to_owned())));
    }

    #[test]
    fn what_is_ignored_is_named_once_and_never_without_end() {
        let mut control = fields(&[
            ("_webhook", "https://evil.example"),
            ("_cc", " "),
            ("_captcha", "false"),
            ("_webhook", "again"),
            ("_gotcha", "x"),
            ("_unheard_of", "x"),
            ("_email.subject", "x"),
        ]);
        assert_eq!(ignored(&control), ["_webhook", "_captcha", "_email.subject"]);
        for number in 0..100 {
            control.push(format!("_feedback.{number}"), "x");
            control.push(format!("_email.{number}{}", "x".repeat(100)), "x");
        }
        assert_eq!(ignored(&control).len(), MOST_IGNORED);
    }
}
