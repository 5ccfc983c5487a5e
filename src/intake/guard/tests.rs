//! Rulings, compared whole.

use super::*;
use crate::config::{Config, Lookup};
use crate::form::Submission;
use crate::lead;

use serde_json::{Value, json};

const NOW: i64 = 1_763_000_000_000;

fn form(keys: &Value) -> Form {
    let mut table = json!({ "destinations": "crm" });
    table.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    let vars = [("FORM_CONTACT", table), ("DESTINATION_CRM", json!({ "crm": "stateset" }))];
    let config = Config::from_vars(vars.iter().map(|(name, value)| (*name, value)));
    match config.form("contact") {
        Lookup::Found(form) => form.clone(),
        _ => panic!("{:?}", config.errors),
    }
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

fn lead_of(form: &Form, data: &[(&str, &str)]) -> Lead {
    let submission = Submission {
        id: "0192a0d4-0000-7000-8000-000000000000".into(),
        form: form.name.clone(),
        received_at: NOW,
        fields: fields(data),
        page: None,
        country: None,
        locale: None,
        ignored: Vec::new(),
    };
    lead::from_submission(&submission, form)
}

/// The ruling on an ordinary message with these control fields.
fn ruling(form: &Form, control: &[(&str, &str)], turnstile: Option<&Verdict>) -> Ruling {
    let control = fields(control);
    let lead = lead_of(form, &[("name", "Ada"), ("message", "Do you open on Sunday?")]);
    let trap = Trap::new("admin");
    judge(&Evidence { form, control: &control, lead: &lead, trap: Some(&trap), turnstile, now: NOW })
}

fn quarantine(reasons: &[&str]) -> Vec<String> {
    reasons.iter().map(|reason| (*reason).to_owned()).collect()
}

fn reasons(ruling: &Ruling) -> Vec<String> {
    match ruling {
        Ruling::Pass => Vec::new(),
        Ruling::Quarantine(reasons) => reasons.iter().map(ToString::to_string).collect(),
        Ruling::Refuse(kind) => panic!("refused: {kind:?}"),
    }
}

/// Control fields, and the reasons that they give.
type Row = (&'static [(&'static str, &'static str)], &'static [&'static str]);

#[test]
fn honeypots() {
    let form = form(&json!({ "honeypot": "website2" }));
    let rows: &[Row] = &[
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
        assert_eq!(reasons(&ruling(&form, control, None)), quarantine(expected), "{control:?}");
    }
}

#[test]
fn all_suspicions_together_and_the_captcha_before_them() {
    let form = form(&json!({}));
    let suspect = [("_gotcha", "x"), ("_start", "1763000000000")];
    let unverified = Verdict::Unverified("siteverify cannot be reached".into());
    assert_eq!(ruling(&form, &[], Some(&Verdict::Human)), Ruling::Pass);
    assert_eq!(ruling(&form, &[], Some(&unverified)), Ruling::Quarantine(vec![Reason::Unverified]));
    assert_eq!(reasons(&ruling(&form, &suspect, Some(&unverified))), ["honeypot:_gotcha", "bad_start", "unverified"]);
    assert_eq!(reasons(&ruling(&form, &suspect, Some(&Verdict::Human))), ["honeypot:_gotcha", "bad_start"]);
    // A suspect without the captcha gets what everybody gets without it.
    let visitor = Verdict::Visitor("no token".into());
    for control in [&suspect[..], &[]] {
        assert_eq!(ruling(&form, control, Some(&visitor)), Ruling::Refuse(RefusalKind::Captcha));
    }
}

#[test]
fn who_is_too_fast() {
    let form = form(&json!({}));
    let trap = Trap::new("admin");
    let (fast, slow) = (trap.start("contact", NOW - 2999), trap.start("contact", NOW - 3000));
    assert_eq!(reasons(&ruling(&form, &[("_start", &fast)], None)), ["too_fast"]);
    assert_eq!(ruling(&form, &[("_start", &slow)], None), Ruling::Pass);

    let (control, lead) = (fields(&[("_start", &fast)]), lead_of(&form, &[("name", "Ada")]));
    let evidence = Evidence { form: &form, control: &control, lead: &lead, trap: None, turnstile: None, now: NOW };
    assert_eq!(judge(&evidence), Ruling::Pass, "without a key the trap is off");
}

#[test]
fn whoever_holds_the_token_is_no_stranger() {
    let form = form(&json!({ "access": "token" }));
    let suspect = [("_gotcha", "x"), ("_start", "1763000000000")];
    assert_eq!(ruling(&form, &suspect, None), Ruling::Pass);
    let visitor = Verdict::Visitor("no token".into());
    assert_eq!(ruling(&form, &suspect, Some(&visitor)), Ruling::Refuse(RefusalKind::Captcha));
}
