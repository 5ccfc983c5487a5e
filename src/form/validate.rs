//! Validate: what has to be filled is filled, and an email address looks like one. Every mistake is reported at once.
//!
//! The email rule is that of HTML's `type=email` (<https://html.spec.whatwg.org/#valid-e-mail-address>) and lets accents,
//! Hangul and other international letters pass on both sides of the `@`: a form that refuses `josé@example.com` loses José.

use crate::config::Form;

use super::rules;
use super::{FieldCode, FieldError, Refusal, RefusalKind};

/// A form field and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filled<'a> {
    /// Its name in the form.
    pub field: &'a str,
    /// Its value; may be blank.
    pub value: &'a str,
}

/// The longest address that mail can carry (RFC 5321, with its erratum 1690).
const EMAIL_CHARS: usize = 254;

/// Checks a submission. `find` resolves a name of `required` or `rules`, or `email`, to the form field that it means and its
/// values: the filled ones, or else one that came blank.
pub fn validate<'a>(form: &Form, find: &dyn Fn(&str) -> Vec<Filled<'a>>) -> Result<(), Refusal> {
    let mut errors: Vec<FieldError> = Vec::new();
    for name in &form.required {
        let (code, field) = match find(name).first() {
            None => (FieldCode::RequiredFieldMissing, name.as_str().to_owned()),
            Some(found) if found.value.trim().is_empty() => (FieldCode::RequiredFieldEmpty, found.field.to_owned()),
            Some(_) => continue,
        };
        // `required = ["email", "your-email"]` can name one field twice; one error is enough.
        if !errors.iter().any(|error| error.field == field) {
            errors.push(FieldError { code, field });
        }
    }
    if let Some(email) = find("email").first().filter(|found| !found.value.trim().is_empty() && !is_email(found.value))
    {
        errors.push(FieldError { code: FieldCode::TypeEmail, field: email.field.to_owned() });
    }
    for error in rules::check(&form.rules, find) {
        // `rules.email = { type = "email" }` says what is checked anyway.
        if !errors.contains(&error) {
            errors.push(error);
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Refusal { kind: RefusalKind::Invalid, errors }) }
}

/// Whether `text` has the shape of an email address, white space around it aside.
pub fn is_email(text: &str) -> bool {
    let text = text.trim();
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let foreign = |c: char| !c.is_ascii() && !c.is_whitespace() && !c.is_control();
    let in_local = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c) || foreign(c);
    let in_domain = |c: char| c.is_ascii_alphanumeric() || c == '-' || foreign(c);
    let is_label = |label: &str| {
        let length = label.chars().count();
        (1..=63).contains(&length) && !label.starts_with('-') && !label.ends_with('-') && label.chars().all(in_domain)
    };
    text.chars().count() <= EMAIL_CHARS
        && !local.is_empty()
        && local.chars().all(in_local)
        && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(required: &[&str]) -> Form {
        let required = required.iter().map(|name| (*name).to_owned()).collect();
        Form { required, ..Form::plain("contact", &["crm"]) }
    }

    /// `(the name asked for, the field it means, its value)`.
    fn check(required: &[&str], known: &[(&str, &str, &str)]) -> Vec<(FieldCode, String)> {
        let find = |name: &str| {
            let found = known.iter().filter(|(asked, ..)| *asked == name);
            found.map(|(_, field, value)| Filled { field, value }).collect()
        };
        match validate(&form(required), &find) {
            Ok(()) => Vec::new(),
            Err(refusal) => {
                assert_eq!(refusal.kind, RefusalKind::Invalid);
                refusal.errors.into_iter().map(|error| (error.code, error.field)).collect()
            }
        }
    }

    #[test]
    fn all_mistakes_at_once_under_the_names_of_the_form() {
        let found = check(
            &["name", "email", "phone", "message"],
            &[("name", "your-name", " \n"), ("email", "your-email", "nobody"), ("message", "message", "hello")],
        );
        assert_eq!(
            found,
            [
                (FieldCode::RequiredFieldEmpty, "your-name".to_owned()),
                (FieldCode::RequiredFieldMissing, "phone".to_owned()),
                (FieldCode::TypeEmail, "your-email".to_owned()),
            ]
        );
    }

    #[test]
    fn an_optional_email_may_be_blank_but_not_wrong() {
        assert_eq!(check(&[], &[]), []);
        assert_eq!(check(&[], &[("email", "e", "  ")]), []);
        assert_eq!(check(&[], &[("email", "e", " a@b.co ")]), []);
        assert_eq!(check(&[], &[("email", "e", "a@b@")]), [(FieldCode::TypeEmail, "e".to_owned())]);
    }

    #[test]
    fn one_error_a_field_although_two_names_mean_it() {
        let known = [("email", "e", ""), ("e", "e", "")];
        assert_eq!(check(&["email", "e"], &known), [(FieldCode::RequiredFieldEmpty, "e".to_owned())]);
    }

    #[test]
    fn what_is_an_email_address() {
        let local = "a".repeat(242);
        for good in [
            "a@b.co",
            "first.last+tag@mail.example.co.kr",
            "o'brien@example.ie",
            "josé@example.com",
            "김철수@회사.한국",
            "user@münchen.de",
            "a@localhost",
            "x@xn--3e0b707e.kr",
            " padded@example.com\n",
            "UPPER@EXAMPLE.COM",
            &format!("{local}@example.com"),
        ] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "@",
            "a@",
            "@b.co",
            "a b@c.de",
            "a@b..c",
            "a@.b",
            "a@b.",
            "a@-b.co",
            "a@b-.co",
            "a@b@c.de",
            "a,b@c.de",
            "Ada <ada@example.com>",
            "ada@example.com, bob@example.com",
            "a@b_c.de",
            "a@b.c\r\nBcc: x",
            "a\u{a0}b@c.de",
            "mailto:a@b.c",
            &format!("a@{}.de", "b".repeat(64)),
            &format!("a{local}@example.com"),
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
