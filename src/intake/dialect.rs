//! Separates control fields from data, and says which of the form services' settings are ignored.
//!
//! - [`crate::domain::control`] and the form's dialect decide which fields these are.
//! - Settings that a page may not decide (who else gets the submission, whether the captcha counts) are ignored, because a
//!   bot can write them as well as the page's author. The operator sees the names of ignored fields, never the values.
//! - Honeypots and captcha tokens are handled by [`super::guard`], redirects by [`super::redirect`].

use crate::domain::Fields;
use crate::domain::control::{HONEYPOTS, is_control_in};

use super::form::Form;
use super::map::recognize::is_wrapping;

/// The visitor's email address. At Formspree the email field itself may have such a name.
const REPLY_TO: &[&str] = &["_replyto", "_reply_to", "replyto"];

/// Settings that have no effect: recipients, the look of the email that some services send, spam settings, the page after a
/// failure (the visitor's text would be lost there), and Salesforce's own.
#[rustfmt::skip]
const IGNORED: &[&str] = &[
    "_webhook", "webhook", "_to", "_cc", "_bcc", "ccemail", "_autoresponse",
    "_subject", "subject", "_from", "from_name", "_template", "_append", "_format", "_language",
    "_captcha", "_blacklist", "_error", "failUrl",
    "debug", "debugEmail", "recordType", "Campaign_ID", "member_status",
];

/// The prefixes of Formspark's settings: `_email.subject`, `_feedback.success.title`.
const IGNORED_GROUPS: &[&str] = &["_email.", "_feedback."];

/// The most names that are shown: a bot must not fill the operator's screen.
const MOST_IGNORED: usize = 20;

/// The longest of these names, with some room.
const NAME_BYTES: usize = 64;

/// A decoded body: the visitor's data and the control fields, each in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    /// The data fields.
    pub fields: Fields,
    /// The control fields, without wrapping around their names.
    pub control: Fields,
}

/// Separates control fields from data: those of every form, those of the form's dialect, and its honeypot. Fields that the
/// config names as data stay data.
pub fn separate(form: &Form, fields: Fields) -> Input {
    let data = form.data();
    let mut input = Input::default();
    for (name, value) in fields.0 {
        let control = if data.contains(&name.as_str()) { None } else { control_name(form, &name, &value) };
        match control.map(str::to_owned) {
            Some(control) => input.control.push(control, value),
            None => input.fields.push(name, value),
        }
    }
    input
}

/// The name of a control field, without the wrapping that form builders add (`form_fields[_next]`, `data._next`); `None` for
/// data. Only honeypots count in any other wrapping, and a wrapped `_id` is no idempotency key: `customer._id` is one
/// customer's id in each of their messages.
fn control_name<'n>(form: &Form, name: &'n str, value: &str) -> Option<&'n str> {
    let is_honeypot = |name: &str| HONEYPOTS.contains(&name) || form.honeypot.as_deref() == Some(name);
    if is_honeypot(name) || is_control_in(form.dialect, name, value) {
        return Some(name);
    }
    let (outer, inner) = name.trim_end_matches(']').rsplit_once(['[', '.'])?;
    let is_control =
        is_honeypot(inner) || (inner != "_id" && is_control_in(form.dialect, inner, value) && is_wrapping(outer));
    is_control.then_some(inner)
}

/// The address that the visitor wants an answer at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyTo {
    /// The control field.
    pub field: String,
    /// Its value, an email address or not.
    pub text: String,
}

/// The first filled `_replyto`, else the first.
pub fn reply_to(control: &Fields) -> Option<ReplyTo> {
    let all = || control.0.iter().filter(|(name, _)| REPLY_TO.contains(&name.as_str()));
    let (field, text) = all().find(|(_, text)| !text.trim().is_empty()).or_else(|| all().next())?;
    Some(ReplyTo { field: field.clone(), text: text.trim().to_owned() })
}

/// The names of the filled control fields that have no effect, each once.
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
    fn control_fields_are_recognized_in_wrapped_names() {
        let form = Form {
            honeypot: Some("website2".to_owned()),
            required: vec!["data[_ref]".to_owned()],
            ..Form::plain("contact", &["crm"])
        };
        for (name, control) in [
            ("contact[_gotcha]", Some("_gotcha")),
            ("form_fields[_honey]", Some("_honey")),
            ("data._gotcha", Some("_gotcha")),
            ("order[0][bot-field]", Some("bot-field")),
            ("order.website2", Some("website2")),
            ("fields[website2]", Some("website2")),
            ("data.fields._next", Some("_next")),
            ("contact_form[_replyto]", Some("_replyto")),
            ("customer._id", None),
            ("data[cf-turnstile-response]", Some("cf-turnstile-response")),
            ("_email.subject", Some("_email.subject")),
            ("data[_ref]", None),
            ("product._id", None),
            ("items.0._id", None),
            ("_[x]", Some("_[x]")),
            ("contact[email]", None),
            ("website", None),
            ("a.", None),
        ] {
            let input = separate(&form, fields(&[(name, "x")]));
            assert_eq!(
                input.control,
                fields(&control.map(|name| (name, "x")).into_iter().collect::<Vec<_>>()),
                "{name}"
            );
            assert_eq!(input.fields.0.len() + input.control.0.len(), 1, "{name}");
        }
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
