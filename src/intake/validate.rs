//! Validate: what has to be filled is filled, and an email address looks like one. Every mistake is reported at once.

use crate::config::Form;

use super::kinds::is_email;
use super::rules;
use super::{FieldCode, FieldError, Refusal, RefusalKind};
use crate::domain::Filled;

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
}
