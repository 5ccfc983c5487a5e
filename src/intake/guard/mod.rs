//! What makes a submission suspicious. A suspicion never changes the reply: a valid suspect is thanked like everybody else
//! and waits in quarantine with its reasons; a suspect with a mistake gets the usual error. So a bot learns nothing by
//! comparing, and a person whose browser filled in the honeypot can still correct the email address.
//!
//! Submissions to a form with `access = "token"` are never suspected.

pub mod key;
pub mod timing;
pub mod turnstile;

use crate::domain::control::HONEYPOTS;
use crate::domain::{Fields, Lead, typed};

use super::form::Form;
use super::spam;
use timing::Trap;

/// Why a valid submission is suspected, for machines: `honeypot:_gotcha`, `too_fast`, `signal:bbcode`. It never quotes the
/// visitor.
pub fn suspicions(form: &Form, control: &Fields, lead: &Lead, trap: Option<&Trap>, now: i64) -> Vec<String> {
    if !form.is_public() {
        return Vec::new();
    }
    let mut reasons: Vec<String> = honeypots(form, control).map(|name| format!("honeypot:{name}")).collect();
    reasons.extend(trap.and_then(|trap| trap.check(&form.name, control, now)).map(str::to_owned));
    if form.spam_filter {
        reasons.extend(spam::signals(lead).into_iter().map(|signal| format!("signal:{signal}")));
    }
    reasons
}

/// The filled honeypots, in the order of the form: fields that people do not see and bots fill in. It is no proof, since
/// browsers and password managers fill in hidden fields too.
fn honeypots<'a>(form: &'a Form, control: &'a Fields) -> impl Iterator<Item = &'a str> {
    let own = form.honeypot.as_deref();
    let is_honeypot = move |name: &str| HONEYPOTS.contains(&name) || own == Some(name);
    // `Web3Forms` has a checkbox for a honeypot, and scripts send unticked boxes as `false`.
    let is_filled = |value: &&str| !value.trim().is_empty() && typed::yes_or_no(value) != Some(false);
    let groups = control.by_name().into_iter().filter(move |(name, _)| is_honeypot(name));
    groups.filter(move |(_, values)| values.iter().any(is_filled)).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Submission;
    use crate::intake::{fields, map};

    const NOW: i64 = 1_763_000_000_000;

    fn reasons(form: &Form, control: &[(&str, &str)], trap: Option<&Trap>) -> Vec<String> {
        let submission = Submission {
            id: "0192a0d4-0000-7000-8000-000000000000".into(),
            form: form.name.clone(),
            received_at: NOW,
            fields: fields(&[("name", "Ada"), ("message", "Do you open on Sunday?")]),
            page: None,
            country: None,
            locale: None,
            ignored: Vec::new(),
        };
        suspicions(form, &fields(control), &map::from_submission(submission, form), trap, NOW)
    }

    #[test]
    fn filled_honeypots_are_suspicious() {
        type Row<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
        let form = Form { honeypot: Some("website2".into()), ..Form::plain("contact", &["crm"]) };
        let rows: &[Row<'_>] = &[
            (&[], &[]),
            (&[("_gotcha", ""), ("_honey", " \n"), ("botcheck", "")], &[]),
            (&[("_gotcha", "x")], &["honeypot:_gotcha"]),
            (&[("_honey", "x")], &["honeypot:_honey"]),
            (&[("_honeypot", "x")], &["honeypot:_honeypot"]),
            (&[("bot-field", "x")], &["honeypot:bot-field"]),
            (&[("botcheck", "on")], &["honeypot:botcheck"]),
            (&[("botcheck", "false")], &[]),
            (&[("website2", "http://x.example")], &["honeypot:website2"]),
            (&[("_gotcha", ""), ("_gotcha", "x"), ("website2", "y")], &["honeypot:_gotcha", "honeypot:website2"]),
            (&[("_next", "x"), ("_subject", "y"), ("_website", "z")], &[]),
        ];
        for (control, expected) in rows {
            assert_eq!(reasons(&form, control, None), *expected, "{control:?}");
        }
    }

    #[test]
    fn all_reasons_are_listed_and_a_token_holder_is_never_suspected() {
        let trap = Trap::new(key::Key::new(&[7; key::KEY_BYTES]));
        let control = [("_gotcha", "x"), ("_start", "1763000000000")];
        let mut form = Form::plain("contact", &["crm"]);
        assert_eq!(reasons(&form, &control, Some(&trap)), ["honeypot:_gotcha", "bad_start"]);
        assert_eq!(reasons(&form, &control, None), ["honeypot:_gotcha"], "without a key the time trap is off");
        form.access = crate::intake::form::Access::Token { secret: "T".into() };
        assert_eq!(reasons(&form, &control, Some(&trap)), [""; 0]);
    }
}
