//! The note: everything of a lead that no field of the CRM holds, as text for a person.
//!
//! The message comes first, then a line per value (`label: value`): lead fields, unmapped fields in the visitor's
//! order, values that the CRM refused, and the page that the form stands on. Later lines of a value are indented and a
//! field `page` is labeled `field "page"`, so that a visitor cannot write a line that looks like another value. The text is plain; a CRM that takes HTML escapes it.

use std::borrow::Cow;

use crate::domain::sorted::Set;
use crate::domain::{LeadField, Template};

use crate::domain::lead::{Lead, Meaning};
use crate::domain::text;
use crate::domain::typed::yes_or_no;

/// A note being built: register what was placed, then take the text.
#[derive(Debug)]
pub struct Note<'a> {
    lead: &'a Lead,
    placed: Set<LeadField>,
    used: Set<String>,
    refused: Vec<(String, String)>,
}

impl<'a> Note<'a> {
    /// A note with everything of the lead.
    pub fn new(lead: &'a Lead) -> Self {
        Self { lead, placed: Set::new(), used: Set::new(), refused: Vec::new() }
    }

    /// These lead fields went into fields of the CRM.
    pub fn placed(&mut self, fields: &[LeadField]) {
        self.placed.extend(fields.iter().copied());
    }

    /// Every variable of this template went into a field of the CRM.
    pub fn used(&mut self, template: &Template) {
        for name in template.variables() {
            // Only what the variable stands for is placed: with `map.phone = "tel"`, a template's `{phone}` is the
            // value of `tel`, and a form field `phone` beside it has gone nowhere.
            match self.lead.meaning(name) {
                Meaning::System(_) => {}
                Meaning::Lead(field, _) => drop(self.placed.insert(field)),
                Meaning::Form => drop(self.used.insert(name.to_owned())),
            }
        }
    }

    /// A value that did not fit, or that the CRM rejected, under the CRM's name for it.
    pub fn rejected(&mut self, name: &str, text: &str) {
        self.refused.push((name.to_owned(), text.to_owned()));
    }

    /// The message first, then a line per value: `label: value`. Empty when everything was placed.
    pub fn text(&self) -> String {
        let is_message = |field: LeadField| field == LeadField::Message;
        let open = self.lead.values.iter().filter(|(field, _)| !self.is_covered(**field));
        let (message, others): (Vec<_>, Vec<_>) = open.partition(|(field, _)| is_message(**field));
        let mut lines = Vec::new();
        lines.extend(others.into_iter().map(|(field, value)| line(&self.label(*field, value), value)));
        let unmapped = self.lead.unmapped.by_name().into_iter().filter(|(name, _)| !self.used.contains(*name));
        lines.extend(unmapped.map(|(name, values)| line(&field_label(name), &values.join(", "))));
        lines.extend(self.refused.iter().map(|(name, text)| line(name, text)));
        lines.extend(self.lead.submission.page.iter().map(|page| line("page", page)));
        let message = message.into_iter().map(|(_, value)| text::clean(value).into_owned());
        let lines = Some(lines.join("\n")).filter(|lines| !lines.is_empty());
        message.chain(lines).collect::<Vec<_>>().join("\n\n")
    }

    /// Whether this field of the lead is in the note because nothing else holds it.
    pub fn holds(&self, field: LeadField) -> bool {
        self.lead.get(field).is_some() && !self.is_covered(field)
    }

    /// A ticked box says `on`, and only its name says to what the visitor agreed.
    fn label(&self, field: LeadField, value: &str) -> Cow<'static, str> {
        let is_tick = || value.split(',').all(|word| yes_or_no(word).is_some());
        match self.lead.origin(field) {
            Some(origin) if field == LeadField::Consent && origin != field.name() && is_tick() => {
                format!("{} ({origin})", field.name()).into()
            }
            _ => field.name().into(),
        }
    }

    /// Whether the CRM has this value already, in its own field or as part of another.
    fn is_covered(&self, field: LeadField) -> bool {
        let mut origins = self.lead.origins_of(field).map(|(name, _)| self.used.contains(name)).peekable();
        let used = origins.peek().is_some() && origins.all(|used| used);
        used || self.placed.contains(&field) || self.is_in_other_name(field)
    }

    /// Whether a name adds nothing to the names that were placed: a whole name to its two parts, or a part to the whole.
    fn is_in_other_name(&self, field: LeadField) -> bool {
        let placed = |field| self.placed.contains(&field);
        let whole = self.lead.get(LeadField::Name).unwrap_or_default();
        match field {
            LeadField::Name if placed(LeadField::FirstName) && placed(LeadField::LastName) => {
                let parts = self.lead.name_parts();
                let (first, last) = (letters(&parts.first), letters(&parts.last));
                [format!("{first}{last}"), format!("{last}{first}")].contains(&letters(whole))
            }
            LeadField::FirstName | LeadField::LastName if placed(LeadField::Name) => {
                self.lead.get(field).is_some_and(|part| whole.contains(part))
            }
            _ => false,
        }
    }
}

/// A form field's label, told apart from the lines that only the Worker writes.
fn field_label(name: &str) -> String {
    let label = text::one_line(name);
    let lower = label.to_lowercase();
    let is_reserved = ["page", LeadField::ConsentAt.name()].contains(&lower.as_str()) || lower.starts_with("consent (");
    if is_reserved { format!("field \"{label}\"") } else { label }
}

fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn line(label: &str, value: &str) -> String {
    format!("{}: {}", text::one_line(label), text::clean(value).replace('\n', "\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::map::tests::lead_of;

    fn note(lead: &Lead, say: impl Fn(&mut Note<'_>)) -> String {
        let mut note = Note::new(lead);
        say(&mut note);
        note.text()
    }

    #[test]
    fn the_message_comes_first_and_everything_keeps_its_order() {
        let mut lead = lead_of(&[
            ("budget", "300"),
            ("email", "ada@example.com"),
            ("topic", "a"),
            ("message", "Hello\r\nthere\0"),
            ("topic", "b"),
            ("company", "Engines"),
            ("색상\nemail", "빨강\r\nphone: 1"),
        ]);
        lead.submission.page = Some("https://www.example.com/contact".into());
        assert_eq!(
            note(&lead, |note| note.rejected("예산", "약 300")),
            "Hello\nthere\u{FFFD}\n\nemail: ada@example.com\ncompany: Engines\nbudget: 300\ntopic: a, b\n\
             색상 email: 빨강\n  phone: 1\n예산: 약 300\npage: https://www.example.com/contact"
        );
    }

    #[test]
    fn a_form_field_cannot_forge_a_line_of_the_worker() {
        let sent =
            [("page", "https://evil.example"), ("Consent_at", "2020"), (" consent\n (gdpr)", "on"), ("pages", "2")];
        let mut lead = lead_of(&sent);
        lead.submission.page = Some("https://www.example.com/contact".into());
        assert_eq!(
            note(&lead, |_| {}),
            "field \"page\": https://evil.example\nfield \"Consent_at\": 2020\nfield \"consent (gdpr)\": on\npages: 2\n\
             page: https://www.example.com/contact"
        );
    }

    #[test]
    fn what_was_placed_is_left_out() {
        let lead = lead_of(&[("email", "ada@example.com"), ("budget", "300"), ("tel", "123")]);
        let cases: [(&[LeadField], &[&str], &str); 6] = [
            (&[], &[], "email: ada@example.com\nphone: 123\nbudget: 300"),
            (&[LeadField::Email], &[], "phone: 123\nbudget: 300"),
            (&[LeadField::Email], &["{budget|0} ({form})"], "phone: 123"),
            // The form field by its own name is the lead field that was taken from it.
            (&[LeadField::Email], &["{budget}", "{tel}"], ""),
            (&[], &["{email}{phone}{budget}"], ""),
            (&[LeadField::Message], &["{nothing}"], "email: ada@example.com\nphone: 123\nbudget: 300"),
        ];
        for (placed, used, expected) in cases {
            let text = note(&lead, |note| {
                note.placed(placed);
                for template in used {
                    note.used(&Template::parse(template).unwrap());
                }
            });
            assert_eq!(text, expected, "{placed:?} {used:?}");
        }
    }

    #[test]
    fn a_template_places_what_it_means_and_not_what_is_called_so() {
        let lead = lead_of(&[("email", "first@example.com"), ("이메일", "second@example.com")]);
        let mut lead = lead;
        lead.unmapped = crate::domain::Fields::default();
        lead.unmapped.push("email", "left over");
        let text = note(&lead, |note| note.used(&Template::parse("{email}").unwrap()));
        assert_eq!(text, "email: left over");
    }

    #[test]
    fn a_tick_says_to_what() {
        for (fields, expected) in [
            (&[("마케팅 수신 동의", "on")][..], "consent (마케팅 수신 동의): on"),
            // A hidden `0` in front of a box is no text either.
            (&[("gdpr", "0"), ("gdpr", "1")], "consent (gdpr): 0, 1"),
            (&[("consent", "yes")], "consent: yes"),
            (&[("gdpr", "Yes, I want the newsletter")], "consent: Yes, I want the newsletter"),
        ] {
            assert_eq!(note(&lead_of(fields), |note| note.placed(&[LeadField::ConsentAt])), expected);
        }
    }

    #[test]
    fn a_name_is_not_told_twice() {
        let (whole, parts) = (&[LeadField::Name][..], &[LeadField::FirstName, LeadField::LastName][..]);
        for (fields, placed, expected) in [
            (&[("first_name", "길동"), ("last_name", "홍")][..], whole, ""),
            (&[("first_name", "길동"), ("last_name", "홍")], parts, ""),
            (&[("name", "홍길동")], parts, ""),
            (&[("name", "Smith, John")], parts, ""),
            // One part alone leaves the rest of the name to the note.
            (&[("name", "John Smith")], &parts[..1], "name: John Smith"),
            (&[("first_name", "John"), ("last_name", "Smith")], &parts[..1], "name: John Smith\nlast_name: Smith"),
            // The split drops the honorific; the note keeps it.
            (&[("name", "Dr. John Smith")], parts, "name: Dr. John Smith"),
            (&[("name", "Countess"), ("first_name", "Ada"), ("last_name", "King")], parts, "name: Countess"),
            (&[("name", "Countess"), ("first_name", "Ada")], whole, "first_name: Ada"),
        ] {
            assert_eq!(note(&lead_of(fields), |note| note.placed(placed)), expected, "{fields:?}");
        }
    }
}
