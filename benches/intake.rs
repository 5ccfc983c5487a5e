//! `make worst`: how long each step of intake takes natively, for the worst bodies that a form accepts.
//!
//! Wasm is slower, by a factor that the other half of `make worst` shows: it measures the whole Worker.

#![allow(missing_docs, reason = "a program")]

mod worst;

use std::hint::black_box;
use std::time::{Duration, Instant};

use formcourier::connectors::note::Note;
use formcourier::intake::{self, Candidate, Context, Evidence, Form, Refused, Visit, decode::decode};
use url::Url;

fn main() {
    println!("{:<36} {:>8} {:>9} {:>9} {:>9} {:>9}", "microseconds", "bytes", "decode", "read", "judge", "note");
    let form = Form { required: vec!["name".into(), "email".into()], ..Form::plain("contact", &["crm"]) };
    let open = Form::plain("contact", &["crm"]);
    for worst in worst::bodies() {
        assert!(worst.body.len() <= form.limits.body_bytes, "{}: {}", worst.what, worst.body.len());
        let url = Url::parse("https://forms.example.com/f/contact").expect("an address");
        let header = |name: &str| (name == "content-type").then(|| worst.content_type.to_owned());
        let visit = Visit::new("POST", url, None, header);
        let read = |form: &Form| -> Result<Candidate, Refused> {
            let id = "0192a0d4-0000-7000-8000-000000000000".to_owned();
            intake::read(
                &visit,
                form,
                &worst.body,
                Context { id, now: 0, token: None, local: false, nfc: str::to_owned },
            )
        };
        let (_, decoded) = timed(|| decode(Some(worst.content_type), &worst.body, &form.limits));
        let (_, whole) = timed(|| read(&form));
        print!("{:<36} {:>8} {:>9} {:>9}", worst.what, worst.body.len(), decoded.as_micros(), whole.as_micros());
        // Without required fields, so that as many as possible are judged.
        let Ok(candidate) = read(&open) else {
            println!(" refused");
            continue;
        };
        let (_, judged) = timed(|| intake::judge(candidate.clone(), &open, &Evidence::default()).is_ok());
        let (_, noted) = timed(|| Note::new(&candidate.lead).text());
        println!(" {:>9} {:>9}", judged.as_micros(), noted.as_micros());
    }
}

/// The shortest of five runs: the others include noise.
#[allow(clippy::disallowed_methods, reason = "it runs natively")]
fn timed<T>(work: impl Fn() -> T) -> (T, Duration) {
    let one = || {
        let start = Instant::now();
        let made = black_box(work());
        (made, start.elapsed())
    };
    (0..4).map(|_| one()).fold(one(), |best, next| if next.1 < best.1 { next } else { best })
}
