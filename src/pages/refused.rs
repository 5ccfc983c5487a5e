//! The error page: the status of the refusal, what is wrong next to each field, and everything that was typed, to be sent
//! again where that can help and to be copied where it cannot.
//!
//! - It sends multipart, whatever came in: urlencoded Korean takes three times the bytes and could pass the body limit.
//! - A password comes back masked; an access token does not come back at all and has to be given again.
//! - What the website filled in unseen (`utm_source`, a click id) stays unseen, unless it is what is wrong.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::LeadField;
use crate::intake::{FieldCode, FieldError, Fields, Language, NameKey, Refusal, RefusalKind, Reply, messages};
use crate::intake::map::recognise::recognise;

use super::html::Html;
use super::labels::{Labels, is_unseen};
use super::layout::{Reach, page};
use super::thanks::back_link;
use super::words::{Words, words};

/// What the visitor typed, and where it goes.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// The path to post to.
    pub action: &'a str,
    /// The page of the website that it came from.
    pub back: Option<&'a str>,
    /// The data fields.
    pub fields: &'a Fields,
    /// The control fields; sent again as they came.
    pub control: &'a Fields,
}

/// A value longer than this gets a box of several lines, and a message always.
const LINE_CHARS: usize = 80;

/// The error page for a refusal.
pub fn refused(refusal: &Refusal, kept: &Kept, language: Language) -> Reply {
    let words = words(language);
    let inputs = inputs(refusal, kept);
    let names = kept.fields.0.iter().map(|(name, _)| name).chain(refusal.errors.iter().map(|error| &error.field));
    let labels = Labels::of(names.map(String::as_str), language);
    let can_send = (refusal.kind.can_resend() || takes_token(refusal.kind, kept)) && !inputs.is_empty();
    let heading = if is_looked_at(refusal, &inputs) { words.nothing_sent } else { words.not_sent };

    let mut main = Html::new();
    main.element("h1", heading);
    alert(&mut main, refusal, &inputs, can_send, &labels, language);
    if can_send {
        main.raw("<form method=\"post\" enctype=\"multipart/form-data\" accept-charset=\"utf-8\"");
        main.attribute("action", kept.action).raw(">\n");
    }
    for (place, input) in inputs.iter().enumerate() {
        if !input.is_unseen {
            visible(&mut main, place, input, can_send, &labels, language);
        } else if can_send {
            hidden(&mut main, input.name, input.value);
        }
    }
    if can_send {
        control(&mut main, refusal.kind, kept, words);
        main.raw("<button type=\"submit\">").text(words.send_again).raw("</button>\n</form>\n");
    }
    if refusal.kind == RefusalKind::Captcha {
        // Only the website's own page can show the captcha: its widget needs a script, and the key that stands there.
        back_link(&mut main, kept.back, language);
    }
    page(refusal.kind.status(), heading, language, Reach::Resend, &main.finish()).refusing(refusal)
}

/// Who opens the address of a form in a browser has no message to lose.
fn is_looked_at(refusal: &Refusal, inputs: &[Input<'_>]) -> bool {
    matches!(refusal.kind, RefusalKind::Method | RefusalKind::UnknownForm) && inputs.is_empty()
}

/// An HTML form sends its token in a field, which can be filled in anew; a program's header cannot.
fn takes_token(kind: RefusalKind, kept: &Kept<'_>) -> bool {
    kind == RefusalKind::Unauthorized && kept.control.0.iter().any(|(name, _)| name == "_token")
}

/// One field as the page shows it.
struct Input<'a> {
    name: &'a str,
    value: &'a str,
    errors: Vec<FieldCode>,
    /// It stays as it came, without a place on the page.
    is_unseen: bool,
}

impl<'a> Input<'a> {
    fn new(name: &'a str, value: &'a str, errors: Vec<FieldCode>) -> Self {
        let is_unseen = errors.is_empty() && is_unseen(name);
        Self { name, value, errors, is_unseen }
    }
}

/// Every field that came, in order, and every field that is missing. The errors of a repeated name stand at its first.
fn inputs<'a>(refusal: &'a Refusal, kept: &Kept<'a>) -> Vec<Input<'a>> {
    let mut inputs: Vec<Input<'a>> = Vec::new();
    let mut wrong: BTreeMap<NameKey<'_>, Vec<FieldCode>> = BTreeMap::new();
    for FieldError { code, field } in &refusal.errors {
        wrong.entry(NameKey::of(field)).or_default().push(*code);
    }
    let mut seen: BTreeSet<NameKey<'_>> = BTreeSet::new();
    for (name, value) in &kept.fields.0 {
        seen.insert(NameKey::of(name));
        inputs.push(Input::new(name, value, wrong.remove(&NameKey::of(name)).unwrap_or_default()));
    }
    for FieldError { code, field } in &refusal.errors {
        if code.is_correctable() && !field.is_empty() && seen.insert(NameKey::of(field)) {
            inputs.push(Input::new(field, "", wrong.remove(&NameKey::of(field)).unwrap_or_default()));
        }
    }
    inputs
}

/// What is wrong, and what has become of the text; errors that stand at no field below are listed here.
fn alert(
    main: &mut Html,
    refusal: &Refusal,
    inputs: &[Input<'_>],
    can_send: bool,
    labels: &Labels,
    language: Language,
) {
    let words = words(language);
    // A page that loads announces no alert; it is read out because it gets the focus.
    main.raw("<div class=\"alert\" role=\"alert\" tabindex=\"-1\" autofocus>\n")
        .element("p", messages::refused(refusal.kind, language));
    let shown: BTreeSet<NameKey<'_>> = inputs.iter().map(|input| NameKey::of(input.name)).collect();
    for FieldError { code, field } in &refusal.errors {
        if field.is_empty() {
            main.element("p", &messages::field(*code, language));
        } else if !shown.contains(&NameKey::of(field)) {
            main.element("p", &format!("{}: {}", labels.label(field), messages::field(*code, language)));
        }
    }
    if inputs.iter().any(|input| !input.is_unseen && !input.value.trim().is_empty()) {
        let whole = if can_send { words.still_here } else { words.copy_it };
        main.element("p", if is_cut(refusal) { words.only_part } else { whole });
    } else if inputs.is_empty() && !is_looked_at(refusal, inputs) {
        // Nothing came that could be given back: at most the browser still has it.
        main.element("p", words.go_back);
    }
    if refusal.errors.iter().any(|error| error.code == FieldCode::NoFileUploads) {
        main.element("p", words.files_gone);
    }
    main.raw("</div>\n");
}

/// Whether the reading ended before the body did, or left something out.
fn is_cut(refusal: &Refusal) -> bool {
    use FieldCode::{BodyTooLarge, NameTooLong, TooManyFields};
    refusal.errors.iter().any(|error| matches!(error.code, BodyTooLarge(_) | NameTooLong(_) | TooManyFields(_)))
}

fn visible(main: &mut Html, place: usize, input: &Input<'_>, can_send: bool, labels: &Labels, language: Language) {
    let id = format!("f{place}");
    let hint = format!("f{place}-wrong");
    main.raw("<label").attribute("for", &id).raw(">").text(&labels.label(input.name)).raw("</label>\n");

    let secret = is_secret(input.name);
    let meaning = recognise(input.name);
    let is_long = || input.value.contains(['\n', '\r']) || input.value.chars().count() > LINE_CHARS;
    let lines = !secret && (meaning == Some(LeadField::Message) || is_long());
    main.raw(if lines { "<textarea" } else { "<input" });
    main.attribute("id", &id).attribute("name", input.name);
    if !input.errors.is_empty() {
        main.raw(" aria-invalid=\"true\"").attribute("aria-describedby", &hint);
    }
    if !can_send {
        main.raw(" readonly");
    }
    if lines {
        // A parser drops the first line break of a textarea, so it gets one of ours to drop.
        main.raw(">\n").text(input.value).raw("</textarea>\n");
    } else {
        main.raw(if secret { " type=\"password\"" } else { " type=\"text\"" }).raw(hints(meaning));
        main.attribute("value", input.value).raw(">\n");
    }
    if !input.errors.is_empty() {
        let texts: Vec<_> = input.errors.iter().map(|code| messages::field(*code, language)).collect();
        main.raw("<p class=\"wrong\"").attribute("id", &hint).raw(">").text(&texts.join(" ")).raw("</p>\n");
    }
}

fn control(main: &mut Html, kind: RefusalKind, kept: &Kept<'_>, words: &Words) {
    for (name, value) in &kept.control.0 {
        match name.as_str() {
            // With the key that was used for another message, this one would be refused for ever.
            "_id" if kind == RefusalKind::KeyReused => {}
            "_token" => {
                main.raw("<label for=\"token\">").text(words.access_token).raw("</label>\n");
                main.raw("<input id=\"token\" name=\"_token\" type=\"password\" autocomplete=\"off\">\n");
            }
            _ => hidden(main, name, value),
        }
    }
}

fn hidden(main: &mut Html, name: &str, value: &str) {
    main.raw("<input type=\"hidden\"").attribute("name", name).attribute("value", value).raw(">\n");
}

/// What a phone's keyboard is told, and what a browser may fill in for the visitor (WCAG 1.3.5). The type stays `text`: a
/// browser's own check would stop what we may well take.
const fn hints(meaning: Option<LeadField>) -> &'static str {
    match meaning {
        Some(LeadField::Name) => " autocomplete=\"name\"",
        Some(LeadField::FirstName) => " autocomplete=\"given-name\"",
        Some(LeadField::LastName) => " autocomplete=\"family-name\"",
        Some(LeadField::Email) => " inputmode=\"email\" autocapitalize=\"none\" autocomplete=\"email\"",
        Some(LeadField::Phone) => " inputmode=\"tel\" autocomplete=\"tel\"",
        Some(LeadField::Company) => " autocomplete=\"organization\"",
        Some(LeadField::Website) => " inputmode=\"url\" autocapitalize=\"none\" autocomplete=\"url\"",
        _ => "",
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["password", "passwd", "passcode", "pwd", "비밀번호", "암호"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests;
