//! `cargo bench`: how long the way in takes natively, step by step, for the worst bodies that a form takes.
//!
//! Decode, map, check, judge, write the note. Wasm is slower by a factor that `make cpu` shows: that measures the whole
//! Worker. A table and not a verdict; the verdict is the test behind `make cpu`.

#![allow(missing_docs, reason = "a program")]

mod worst;

use std::hint::black_box;
use std::time::{Duration, Instant};

use formcourier::config::Form;
use formcourier::form::decode::decode;
use formcourier::form::validate::validate;
use formcourier::form::{Fields, Filled, Submission};
use formcourier::guard::{Evidence, judge};
use formcourier::lead::{self, note::Note};

fn main() {
    println!(
        "{:<36} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "microseconds", "bytes", "decode", "map", "judge", "note", "all"
    );
    for worst in worst::bodies() {
        let form = Form { required: vec!["name".into(), "email".into()], ..Form::plain("contact", &["crm"]) };
        let limits = form.limits;
        assert!(worst.body.len() <= limits.body_bytes, "{}: {}", worst.what, worst.body.len());
        let decoded = decode(Some(worst.content_type), &worst.body, &limits);
        let Ok(decoded) = decoded else {
            let (_, time) = timed(|| decode(Some(worst.content_type), &worst.body, &limits));
            println!("{:<36} {:>8} {:>9} refused", worst.what, worst.body.len(), time.as_micros());
            continue;
        };
        let submission = submission(decoded.fields.clone());
        let lead = lead::from_submission(&submission, &form);
        let evidence =
            Evidence { form: &form, control: &decoded.control, lead: &lead, trap: None, turnstile: None, now: 0 };
        let (_, first) = timed(|| decode(Some(worst.content_type), &worst.body, &limits));
        let (_, second) = timed(|| {
            let lead = lead::from_submission(&submission, &form);
            let blank =
                |name: &str| lead::left_blank(&submission, &form, formcourier::config::LeadField::from_name(name)?);
            let checked =
                validate(&form, &|name| blank(name).map(|field| Filled { field, value: "" }).into_iter().collect());
            (lead, checked.is_ok())
        });
        let (_, third) = timed(|| judge(&evidence));
        let (_, fourth) = timed(|| Note::new(&lead).text());
        let all = first + second + third + fourth;
        let [first, second, third, fourth, all] = [first, second, third, fourth, all].map(|time| time.as_micros());
        println!("{:<36} {:>8} {first:>9} {second:>9} {third:>9} {fourth:>9} {all:>9}", worst.what, worst.body.len());
    }
}

fn submission(fields: Fields) -> Submission {
    Submission {
        id: "0192a0d4-0000-7000-8000-000000000000".into(),
        form: "contact".into(),
        received_at: 0,
        fields,
        page: None,
        country: None,
        locale: None,
        ignored: Vec::new(),
    }
}

/// The shortest of five: the others are the machine's.
#[allow(clippy::disallowed_methods, reason = "it runs natively")]
fn timed<T>(work: impl Fn() -> T) -> (T, Duration) {
    let one = || {
        let start = Instant::now();
        let made = black_box(work());
        (made, start.elapsed())
    };
    (0..4).map(|_| one()).fold(one(), |best, next| if next.1 < best.1 { next } else { best })
}
