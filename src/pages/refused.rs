//! The error page: the errors next to their fields, and everything that was typed, to send again where that can help and to
//! copy where it cannot.
//!
//! - It posts multipart, whatever came in: urlencoded Korean takes three times the bytes and could exceed the body limit.
//! - A password is returned masked. An access token is not returned and must be typed again.
//! - Hidden fields of the website (`utm_source`, a click id) stay hidden, unless they are wrong.
//! - Its size is bounded: escaped, a body of quotes is six times as long.

use crate::domain::sorted::{Map, Set};
use crate::domain::text::escape_html;
use crate::domain::{Fields, LeadField, NameKey};
use crate::intake::map::recognize::recognize;
use crate::intake::redirect::BACK;
use crate::intake::{Brand, FieldCode, FieldError, Language, Refusal, RefusalKind, Reply, messages};

use super::labels::{Labels, is_unseen};
use super::layout::{Html, Page, Reach};
use super::words::{Words, words};

/// The visitor's input, and where it is sent again.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// The path to post to.
    pub action: &'a str,
    /// The website's page to link back to.
    pub back: Option<&'a str>,
    /// How the website presents itself.
    pub brand: &'a Brand,
    /// The data fields.
    pub fields: &'a Fields,
    /// The control fields, which are sent again unchanged.
    pub control: &'a Fields,
}

/// The control field of an access token.
const TOKEN: &str = "_token";

/// A longer value gets a `textarea`; so does every message.
const LINE_CHARS: usize = 80;

/// The most that names and values may take on the page, in bytes.
const PAGE_BYTES: usize = 640 * 1024;

/// The error page for a refusal.
pub fn refused(refusal: &Refusal, kept: &Kept, language: Language) -> Reply {
    let mut inputs = inputs(refusal, kept);
    let is_cut = cut(&mut inputs, kept.control);
    let names = kept.fields.0.iter().map(|(name, _)| name).chain(refusal.errors.iter().map(|error| &error.field));
    let labels = Labels::of(names.map(String::as_str), language);
    // An HTML form sends its token in a field, which can be typed again. A program's header cannot.
    let takes_token = refusal.kind == RefusalKind::Unauthorized && kept.control.0.iter().any(|(name, _)| name == TOKEN);
    let can_send = (refusal.kind.can_resend() || takes_token) && !inputs.is_empty() && !is_cut;
    // Opening the address of a form in a browser loses no message.
    let is_opened = matches!(refusal.kind, RefusalKind::Method | RefusalKind::UnknownForm) && inputs.is_empty();
    let is_part = is_cut || is_cut_off(refusal);
    ErrorPage { refusal, kept, inputs, labels, language, words: words(language), can_send, is_opened, is_part }.render()
}

/// One field as the page shows it.
struct Input<'a> {
    name: &'a str,
    value: &'a str,
    errors: Vec<FieldCode>,
    is_hidden: bool,
}

impl<'a> Input<'a> {
    fn new(name: &'a str, value: &'a str, errors: Option<Vec<FieldCode>>) -> Self {
        let errors = errors.unwrap_or_default();
        let is_hidden = errors.is_empty() && is_unseen(name);
        Self { name, value, errors, is_hidden }
    }
}

/// Leaves out the inputs that do not fit on the page, and says whether anything does not fit.
fn cut(inputs: &mut Vec<Input<'_>>, control: &Fields) -> bool {
    let mut room = PAGE_BYTES;
    let mut fits = |name: &str, value: &str| {
        let rest = room.checked_sub(escape_html(name).len() + escape_html(value).len());
        room = rest.unwrap_or(room);
        rest.is_some()
    };
    let count = inputs.len();
    inputs.retain(|input| fits(input.name, input.value));
    inputs.len() < count || !control.0.iter().all(|(name, value)| fits(name, value))
}

/// Every field that came, in order, and every missing field. The errors of a repeated name are shown at its first.
fn inputs<'a>(refusal: &'a Refusal, kept: &Kept<'a>) -> Vec<Input<'a>> {
    let mut inputs: Vec<Input<'a>> = Vec::new();
    let mut errors: Map<NameKey<'_>, Vec<FieldCode>> = Map::new();
    for FieldError { code, field } in &refusal.errors {
        errors.or_default(NameKey::of(field)).push(*code);
    }
    let mut seen: Set<NameKey<'_>> = Set::new();
    for (name, value) in &kept.fields.0 {
        seen.insert(NameKey::of(name));
        inputs.push(Input::new(name, value, errors.remove(&NameKey::of(name))));
    }
    for FieldError { code, field } in &refusal.errors {
        if code.is_correctable() && !field.is_empty() && seen.insert(NameKey::of(field)) {
            inputs.push(Input::new(field, "", errors.remove(&NameKey::of(field))));
        }
    }
    inputs
}

struct ErrorPage<'a> {
    refusal: &'a Refusal,
    kept: &'a Kept<'a>,
    inputs: Vec<Input<'a>>,
    labels: Labels,
    language: Language,
    words: &'static Words,
    /// Whether the page has a form that sends everything again.
    can_send: bool,
    /// Whether the visitor only opened the address and sent nothing.
    is_opened: bool,
    /// Whether only a part of the input is shown.
    is_part: bool,
}

impl ErrorPage<'_> {
    fn render(&self) -> Reply {
        let heading = if self.is_opened { self.words.nothing_sent } else { self.words.not_sent };
        let mut main = Html::default();
        main.mark(false).element("h1", heading);
        self.alert(&mut main);
        if self.can_send {
            main.raw("<form method=\"post\" enctype=\"multipart/form-data\" accept-charset=\"utf-8\"");
            main.attribute("action", self.kept.action).raw(">\n");
        }
        for (place, input) in self.inputs.iter().enumerate() {
            if !input.is_hidden {
                self.visible(&mut main, place, input);
            } else if self.can_send {
                main.hidden(input.name, input.value);
            }
        }
        if self.can_send {
            self.control(&mut main);
            main.raw("<button type=\"submit\">").text(self.words.send_again).raw("</button>\n</form>\n");
        }
        main.back_link(self.kept.back, self.words.back, false);
        let asks_token = self.can_send && self.kept.control.0.iter().any(|(name, _)| name == TOKEN);
        let reach = if asks_token { Reach::Unframed } else { Reach::Resend };
        let (status, brand) = (self.refusal.kind.status(), self.kept.brand);
        let page = Page { status, title: heading, language: self.language, reach, layout: "page", brand };
        page.around(&main).refusing(self.refusal)
    }

    /// What is wrong and what became of the text. Errors of no field on the page are listed here.
    fn alert(&self, main: &mut Html) {
        let Self { refusal, inputs, words, .. } = self;
        let error_text = |code| messages::field(code, self.language);
        // Screen readers do not announce an alert of a page that loads. They read it because it gets the focus.
        main.raw("<div class=\"alert\" role=\"alert\" tabindex=\"-1\" autofocus>\n");
        main.element("p", messages::refused(refusal.kind, self.language));
        let shown: Set<NameKey<'_>> = inputs.iter().map(|input| NameKey::of(input.name)).collect();
        for FieldError { code, field } in &refusal.errors {
            if field.is_empty() {
                main.element("p", &error_text(*code));
            } else if field != TOKEN && !shown.contains(&NameKey::of(field)) {
                main.element("p", &format!("{}: {}", self.labels.label(field), error_text(*code)));
            }
        }
        self.links(main);
        if inputs.iter().any(|input| !input.is_hidden && !input.value.trim().is_empty()) {
            let all = if self.can_send { words.still_here } else { words.copy_it };
            main.element("p", if self.is_part { words.only_part } else { all });
        } else if inputs.is_empty() && !self.is_opened {
            // Nothing came that could be shown; the browser may still have it.
            main.element("p", words.go_back);
        }
        if refusal.errors.iter().any(|error| error.code == FieldCode::NoFileUploads) {
            main.element("p", words.files_gone);
        }
        main.raw("</div>\n");
    }

    /// Links to the fields with errors.
    fn links(&self, main: &mut Html) {
        let wrong = self.inputs.iter().enumerate().filter(|(_, input)| !input.errors.is_empty());
        for (count, (place, input)) in wrong.enumerate() {
            if count == 0 {
                main.raw("<p>").text(self.words.to_check);
            }
            main.raw(if count == 0 { " " } else { ", " }).raw("<a").attribute("href", &format!("#f{place}")).raw(">");
            main.text(&self.labels.label(input.name)).raw("</a>");
        }
        if self.inputs.iter().any(|input| !input.errors.is_empty()) {
            main.raw("</p>\n");
        }
    }

    fn visible(&self, main: &mut Html, place: usize, input: &Input<'_>) {
        let (id, hint) = (format!("f{place}"), format!("f{place}-wrong"));
        main.label(&id, &self.labels.label(input.name));

        let secret = is_secret(input.name);
        let meaning = recognize(input.name);
        let is_long = || input.value.contains(['\n', '\r']) || input.value.chars().count() > LINE_CHARS;
        let is_textarea = !secret && (meaning == Some(LeadField::Message) || is_long());
        main.raw(if is_textarea { "<textarea" } else { "<input" });
        main.attribute("id", &id).attribute("name", input.name);
        if !input.errors.is_empty() {
            main.invalid(&hint);
        }
        if !self.can_send {
            main.raw(" readonly");
        }
        if is_textarea {
            // A parser drops the first line break of a textarea: this one, not the visitor's.
            main.raw(">\n").text(input.value).raw("</textarea>\n");
        } else {
            main.raw(if secret { " type=\"password\"" } else { " type=\"text\"" }).raw(hints(meaning));
            main.attribute("value", input.value).raw(">\n");
        }
        if !input.errors.is_empty() {
            let texts: Vec<_> = input.errors.iter().map(|code| messages::field(*code, self.language)).collect();
            main.wrong(&hint, &texts.join(" "));
        }
    }

    fn control(&self, main: &mut Html) {
        for (name, value) in &self.kept.control.0 {
            match name.as_str() {
                // The key belongs to another message; with it, this one would be refused again.
                "_id" if self.refusal.kind == RefusalKind::KeyReused => {}
                BACK => {}
                TOKEN => {
                    let wrong = self.refusal.errors.iter().find(|error| error.field == TOKEN);
                    let wrong = wrong.map(|error| messages::field(error.code, self.language));
                    main.token("token", self.words.access_token, wrong.as_deref());
                }
                _ => drop(main.hidden(name, value)),
            }
        }
        self.kept.back.map(|page| main.hidden(BACK, page));
    }
}

/// Whether reading stopped early or left something out.
fn is_cut_off(refusal: &Refusal) -> bool {
    use FieldCode::{BodyTooLarge, NameTooLong, TooManyFields};
    refusal.errors.iter().any(|error| matches!(error.code, BodyTooLarge(_) | NameTooLong(_) | TooManyFields(_)))
}

/// Hints for a phone's keyboard and a browser's autofill (WCAG 1.3.5). The type stays `text`: a browser's own check would
/// reject values that we accept.
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
