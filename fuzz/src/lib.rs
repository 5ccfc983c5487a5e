//! What must hold for every input of the three fuzz targets. A violation panics.
//!
//! The targets in `fuzz_targets/` feed these functions, and so does `cargo test` with the inputs in `seeds/`. Inputs are
//! readable on purpose: a first line (or byte) that selects a variant, then a body as a website would send it.

use formcourier::connectors::note::Note;
use formcourier::domain::control::is_control;
use formcourier::domain::template::{Part, render, render_values};
use formcourier::domain::{Fields, Lead, LeadField, Submission, Template};
use formcourier::intake::decode::decode as read;
use formcourier::intake::form::{Form, Limits, Source};
use formcourier::intake::{self, Context, Evidence, Visit, map::from_submission};
use serde_json::Value;
use url::Url;

const FORM: &str = "application/x-www-form-urlencoded";

/// A body: the limits hold and no filled value goes missing.
pub fn decode(input: &[u8]) {
    let (first, body) = first_line(input);
    let content_type = String::from_utf8_lossy(first);
    for limits in [Limits::default(), Limits { body_bytes: 4096, fields: 20, value_bytes: 200 }] {
        let (fields, refusal) = read(Some(&content_type), body, &limits);
        within(&fields, &limits);
        if refusal.is_some() {
            continue;
        }
        assert!(fields.0.iter().all(|(name, value)| name.len().max(value.len()) <= limits.value_bytes));
        comes_back(&fields, &limits);
        nothing_is_lost(&content_type, body, &fields);
    }
}

/// A lead: every filled value is in its values or in what is unmapped, and its note holds everything.
pub fn mapping(input: &[u8]) {
    let Some((which, body)) = input.split_first() else { return };
    let form = form(*which);
    let (fields, None) = read(Some(FORM), body, &form.limits) else { return };
    let submission = submission(fields);
    let lead = from_submission(submission.clone(), &form);
    assert_eq!(lead.submission, submission, "what came in never changes");
    for (name, value) in &submission.fields.0 {
        let value = clean(value);
        let mapped = lead.values.values().any(|text| text.contains(&value));
        let unmapped = lead.unmapped.0.iter().any(|(n, v)| n == name && *v == value);
        assert!(value.is_empty() || mapped || unmapped, "{name:?} = {value:?} is lost");
    }
    let note = Note::new(&lead).text();
    assert!(!note.contains(is_unwanted));
    for value in lead.values.values().chain(lead.unmapped.0.iter().map(|(_, value)| value)) {
        assert!(!value.is_empty() && value.trim() == value && !value.contains(is_unwanted), "{value:?}");
        assert!(value.lines().all(|line| note.contains(line)), "{value:?} is not in the note");
    }
    let parts = lead.name_parts();
    assert!(!parts.first.trim().is_empty() && !parts.last.trim().is_empty());
    decided(&form, body);
}

/// The same body as a request: control fields and data are apart, a refusal for mistakes names them, all else is stored.
fn decided(form: &Form, body: &[u8]) {
    let url = Url::parse("https://forms.example.com/f/contact").expect("an address");
    let visit = Visit::new("POST", url, None, |name| (name == "content-type").then(|| FORM.to_owned()));
    let context =
        Context { id: submission(Fields::default()).id, now: 0, token: None, local: false, nfc: str::to_owned };
    let (input, stored) = match intake::read(&visit, form, body, context) {
        Ok(candidate) => {
            let accepted = intake::judge(candidate, form, &Evidence::default()).expect("nothing refuses it");
            (accepted.input, Some(accepted.new.submission.fields))
        }
        Err(refused) => {
            assert!(refused.refusal.kind != intake::RefusalKind::Invalid || !refused.refusal.errors.is_empty());
            (refused.input, None)
        }
    };
    assert!(input.control.0.iter().all(|(name, _)| is_control(name)));
    // A `_replyto` moves to the data.
    assert!(input.fields.0.iter().all(|(name, _)| !is_control(name) || name.starts_with("_reply")));
    assert!(stored.is_none_or(|fields| !fields.is_blank() && fields.0.len() <= input.fields.0.len()));
}

/// A template: whatever parses renders, and a blank renders to nothing.
pub fn template(input: &[u8]) {
    let (first, body) = first_line(input);
    let Ok(template) = Template::parse(&String::from_utf8_lossy(first)) else { return };
    assert!(template.variables().all(|name| !name.trim().is_empty() && !is_control(name)));
    let form = Form { map: vec![(LeadField::Source, Source::Template(template.clone()))], ..form(0) };
    let (fields, _) = read(Some(FORM), body, &form.limits);
    let lead: Lead = from_submission(submission(fields), &form);
    let text = render(&template, &lead);
    let values = render_values(&template, &lead);
    assert!(values.iter().all(|value| is_filled(value)));
    assert_eq!(values.join(", ").trim(), text.trim());
    let literals: String = template.parts.iter().map(literal).collect();
    assert!(text.chars().all(|c| !is_unwanted(c) || literals.contains(c)), "{text:?}");
}

fn literal(part: &Part) -> &str {
    match part {
        Part::Text(text) => text,
        Part::Variable { fallback, .. } => fallback.as_deref().unwrap_or_default(),
    }
}

fn first_line(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    (&input[..end], input.get(end + 1..).unwrap_or_default())
}

/// Checks that hold for a refused body too.
fn within(fields: &Fields, limits: &Limits) {
    assert!(fields.0.len() <= limits.fields);
    assert!(fields.0.iter().all(|(name, value)| !name.is_empty() && !name.contains('\0') && !value.contains('\0')));
    let bytes: usize = fields.0.iter().map(|(name, value)| name.len() + value.len()).sum();
    // 64 KB whatever the limit, because a small nested object may double.
    assert!(bytes <= limits.body_bytes.max(64 * 1024), "{bytes} bytes were kept");
}

/// The fields can be sent again in another encoding and are read as the same fields.
fn comes_back(fields: &Fields, limits: &Limits) {
    // Reading removes one `[]` each time: `a[][]` is `a[]`, and that is `a`.
    if fields.0.iter().any(|(name, _)| name.ends_with("[]")) {
        return;
    }
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields.0).finish();
    let limits = Limits { body_bytes: body.len(), ..*limits };
    assert_eq!(read(Some(FORM), body.as_bytes(), &limits), (fields.clone(), None));
}

/// Every filled value that another parser finds is there.
fn nothing_is_lost(content_type: &str, body: &[u8], fields: &Fields) {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let visible = |c: char| c.is_ascii_control() && !"\t\n\r".contains(c);
    let kept = |value: &str| value.replace('\0', "").replace(visible, "\u{fffd}");
    let is_there = |value: &str| fields.0.iter().any(|(_, found)| *found == kept(value));
    if content_type == FORM {
        for (name, value) in form_urlencoded::parse(body).filter(|(name, _)| is_plain(name)) {
            assert!(is_there(&value), "{name} = {value:?}");
        }
    }
    if content_type == "application/json"
        && std::str::from_utf8(body).is_ok()
        && let Ok(whole) = serde_json::from_slice::<Value>(body)
    {
        each_text("x", &whole, &mut |text| assert!(is_there(text), "{text:?}"));
    }
}

/// Every text whose path consists of plain names.
fn each_text(key: &str, value: &Value, take: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) if is_plain(key) => take(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(key, item, take)),
        Value::Object(members) => {
            members.iter().filter(|(key, _)| is_plain(key)).for_each(|(key, value)| each_text(key, value, take));
        }
        _ => {}
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_filled(text: &str) -> bool {
    !text.trim().is_empty()
}

fn is_unwanted(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

/// A value as a lead has it: Unix line ends, visible control characters.
fn clean(text: &str) -> String {
    text.trim().replace("\r\n", "\n").replace('\r', "\n").replace(is_unwanted, "\u{FFFD}")
}

fn submission(fields: Fields) -> Submission {
    Submission {
        id: "0192a0d4-0000-7000-8000-000000000000".into(),
        form: "contact".into(),
        received_at: 1_713_251_897_516,
        fields,
        page: Some("https://www.example.com/contact".into()),
        country: Some("KR".into()),
        locale: Some("ko-KR".into()),
        ignored: Vec::new(),
    }
}

/// A form for each low three bits: without a map, and with every kind of source.
fn form(which: u8) -> Form {
    let names = |names: &[&str]| Source::Fields(names.iter().map(|name| (*name).to_owned()).collect());
    let template = |text: &str| Source::Template(Template::parse(text).expect("a template"));
    let map = match which % 8 {
        1 => vec![(LeadField::Phone, names(&["tel", "mobile"])), (LeadField::Name, names(&["a"]))],
        2 => vec![(LeadField::Source, Source::Value("website".into())), (LeadField::Message, names(&["a", "b", "c"]))],
        3 => vec![(LeadField::Message, template("{message}\n{a|none}: {b}"))],
        4 => vec![(LeadField::Name, template("{first_name} {last_name}")), (LeadField::FirstName, names(&["a"]))],
        5 => vec![(LeadField::Street, names(&["a"])), (LeadField::Company, template("{street} {city}"))],
        6 => vec![(LeadField::Consent, names(&["a"])), (LeadField::Email, template("{a}@{b}"))],
        7 => vec![(LeadField::Country, template("{country}")), (LeadField::Locale, template("{locale}{phone}"))],
        _ => Vec::new(),
    };
    let required = ["name", "email", "message"].map(str::to_owned).to_vec();
    Form { map, required, ..Form::plain("contact", &["crm"]) }
}
