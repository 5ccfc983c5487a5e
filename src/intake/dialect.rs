//! Control fields: separated from the data once, here, and what becomes of those of the form services.
//!
//! - Which fields these are is up to [`crate::domain::control`] and the form's dialect.
//! - What a page may not decide (who else gets the submission, whether the captcha counts) is ignored, because a bot can
//!   write it as well as the page's author. The operator sees the names of what was ignored, never the values.
//! - Honeypots and captcha tokens are handled by [`super::guard`], redirects by [`super::redirect`].

use crate::domain::Fields;
use crate::domain::control::is_control_in;

use super::form::Form;

/// Addresses to answer the visitor at. At Formspree the email field itself may have such a name.
const REPLY_TO: &[&str] = &["_replyto", "_reply_to", "replyto"];

/// What a page asks for in vain: who gets it and how, how the email looks that some services send, what counts as spam,
/// where to go after a failure (the visitor's text would be lost there), and what Salesforce would do with the lead.
#[rustfmt::skip]
const IGNORED: &[&str] = &[
    "_webhook", "webhook", "_to", "_cc", "_bcc", "ccemail", "_autoresponse",
    "_subject", "subject", "_from", "from_name", "_template", "_append", "_format", "_language",
    "_captcha", "_blacklist", "_error", "failUrl",
    "debug", "debugEmail", "recordType", "Campaign_ID", "member_status",
];

/// The prefixes of Formspark's settings: `_email.subject`, `_feedback.success.title`.
const IGNORED_GROUPS: &[&str] = &["_email.", "_feedback."];

/// The most names that are shown: what a bot makes up must not fill the operator's screen.
const MOST_IGNORED: usize = 20;

/// The longest of these names, with some room.
const NAME_BYTES: usize = 64;

/// What a page sent: the visitor's data and the control fields, each in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    /// What the visitor filled in.
    pub fields: Fields,
    /// What steers the service.
    pub control: Fields,
}

/// Separates control fields from data: those of every form, of the form's dialect, and its own honeypot. What the operator's
/// config names as data stays data.
pub fn separate(form: &Form, fields: Fields) -> Input {
    let own = form.honeypot.as_deref();
    let data = form.data();
    let is_control = |name: &str, value: &str| {
        own == Some(name) || (!data.contains(&name) && is_control_in(form.dialect, name, value))
    };
    let (control, fields) = fields.0.into_iter().partition(|(name, value)| is_control(name, value));
    Input { fields: Fields(fields), control: Fields(control) }
}

/// Where the visitor wants to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyTo {
    /// The control field.
    pub field: String,
    /// Its value, an email address or not.
    pub text: String,
}

/// The first filled field for it, or else the first that came.
pub fn reply_to(control: &Fields) -> Option<ReplyTo> {
    let all = || control.0.iter().filter(|(name, _)| REPLY_TO.contains(&name.as_str()));
    let (field, text) = all().find(|(_, text)| !text.trim().is_empty()).or_else(|| all().next())?;
    Some(ReplyTo { field: field.clone(), text: text.trim().to_owned() })
}

/// The names of the filled control fields that ask in vain, each once.
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
    use crate::domain::control::Dialect;
    use crate::intake::fields;

    #[test]
    fn fields_that_the_config_names_are_data() {
        let sent = [("subject", "Hi"), ("redirect", "/x"), ("website2", "x"), ("email", "a@b.co"), ("_next", "/y")];
        let apart = |form: &Form| {
            let input = separate(form, fields(&sent));
            (input.fields.names().join(" "), input.control.names().join(" "))
        };
        let mut form = Form::plain("contact", &["crm"]);
        assert_eq!(apart(&form), ("subject redirect website2 email".to_owned(), "_next".to_owned()));
        form.dialect = Some(Dialect::Web3Forms);
        form.honeypot = Some("website2".to_owned());
        assert_eq!(apart(&form), ("email".to_owned(), "subject redirect website2 _next".to_owned()));
        form.required = vec!["subject".to_owned()];
        assert_eq!(apart(&form), ("subject email".to_owned(), "redirect website2 _next".to_owned()));
    }

    #[test]
    fn the_first_filled_address_to_answer_at_counts() {
        let found =
            |pairs: &[(&str, &str)]| reply_to(&fields(pairs)).map(|reply| format!("{}={}", reply.field, reply.text));
        assert_eq!(found(&[("_next", "a@b.co")]), None);
        assert_eq!(found(&[("_replyto", " a@b.co ")]), Some("_replyto=a@b.co".to_owned()));
        assert_eq!(found(&[("_replyto", ""), ("_reply_to", "x")]), Some("_reply_to=x".to_owned()));
        assert_eq!(found(&[("replyto", " ")]), Some("replyto=".to_owned()));
    }

    #[test]
    fn ignored_fields_are_named_once_and_at_most_twenty() {
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
