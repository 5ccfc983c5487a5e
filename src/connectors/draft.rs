//! A Draft: the values of a lead as a vendor's fields, the note with the rest, and what a rejection omits.
//!
//! One bad value never costs a lead. A rejection is met by omitting (1) the values it names, else (2) everything the
//! vendor does not require, else (3) the note's markup and length. Each step omits something that the rejected call
//! carried, and after a few of them everything optional goes at once, so the steps end within one attempt.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::domain::sorted::Set;
use crate::domain::template::render;
use crate::domain::typed::{Value, typed};
use crate::domain::{Lead, LeadField, NameParts, Template, TypedField};

use super::note::Note;
use super::{Call, Drafted, Failure, Outcome};

/// The omission key of everything that is optional.
const EVERYTHING: &str = "everything optional";

/// The omission key of the note's markup and length.
const NOTE: &str = "the note's markup and length";

/// After so many omissions, everything optional goes at once.
const MOST_OMISSIONS: usize = 4;

/// How much of a note is sent once a vendor has rejected it: every vendor's text fields take that much.
const NOTE_CHARS: usize = 1000;

/// Ends a note that was cut. The submission keeps the whole text.
const CUT: &str = "\n[…]";

/// The values a vendor rejected, by their omission keys (`phone`; `person.phone` in a section); never the values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Omitted(Set<String>);

impl Omitted {
    /// Whether nothing is omitted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many omissions there are. It only grows, so it tells the requests of one delivery apart.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether the optional value of this key is omitted.
    pub fn has(&self, key: &str) -> bool {
        self.0.contains(key) || self.0.contains(EVERYTHING) || self.0.len() >= MOST_OMISSIONS
    }

    /// Whether this very value is omitted, not as one of everything optional.
    pub fn names(&self, key: &str) -> bool {
        self.0.contains(key)
    }

    /// Omits a value outside of a draft (a header that the vendor can do without).
    pub fn add(&mut self, key: &str) {
        self.0.insert(key.to_owned());
    }

    /// Takes in that the vendor rejects `call`, naming these omission keys: continues without something the call
    /// carried, or rejects the lead when nothing is left to omit. A required value that is named rejects it at once.
    pub fn after_rejection<S: AsRef<str>>(&mut self, call: &Call, named: &[S], failure: Failure) -> Outcome {
        let carried = |key: &str| call.optional.iter().any(|optional| optional == key);
        let named: Vec<&str> = named.iter().map(AsRef::as_ref).filter(|key| *key != NOTE).collect();
        let everything = || call.optional.iter().any(|key| key != NOTE).then_some(EVERYTHING);
        let omit: Vec<&str> = if named.is_empty() {
            everything().or_else(|| carried(NOTE).then_some(NOTE)).into_iter().collect()
        } else if named.iter().all(|key| carried(key)) {
            named
        } else {
            Vec::new()
        };
        if omit.is_empty() {
            return Outcome::Rejected(failure);
        }
        self.0.extend(omit.iter().map(|key| (*key).to_owned()));
        Outcome::Continue(format!("omitted {}: {}", omit.join(", "), failure.detail))
    }

    /// The same for a rejection of the note.
    pub fn after_note_rejection(&mut self, call: &Call, failure: Failure) -> Outcome {
        if !call.optional.iter().any(|key| key == NOTE) {
            return Outcome::Rejected(failure);
        }
        self.add(NOTE);
        Outcome::Continue(format!("omitted {NOTE}: {}", failure.detail))
    }
}

/// What fills a field by default.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// A field of the lead.
    Field(LeadField),
    /// The given name; where it is required and unknown, a dash.
    FirstName,
    /// The family name, likewise.
    LastName,
}

/// A lead being placed into a vendor's fields. Sections share one note.
#[derive(Debug)]
pub struct Draft<'a> {
    lead: &'a Lead,
    omitted: &'a Omitted,
    occupied: Option<&'a Set<String>>,
    section: &'static str,
    drafted: Drafted,
    note: Note<'a>,
}

impl<'a> Draft<'a> {
    /// Nothing is placed yet.
    pub fn new(lead: &'a Lead, omitted: &'a Omitted) -> Self {
        Self { lead, omitted, occupied: None, section: "", drafted: Drafted::default(), note: Note::new(lead) }
    }

    /// The vendor's record has values under these keys, which a visitor must not overwrite: the lead's go to the note.
    pub fn occupied(&mut self, keys: &'a Set<String>) -> &mut Self {
        self.occupied = Some(keys);
        self
    }

    /// Begins a section: its omission keys start with `{section}.`.
    pub fn section(&mut self, section: &'static str) -> &mut Self {
        self.section = section;
        self
    }

    /// Ends a section.
    pub fn take(&mut self) -> Drafted {
        std::mem::take(&mut self.drafted)
    }

    /// The note being built, for what a vendor places in its own way.
    pub fn note(&mut self) -> &mut Note<'a> {
        &mut self.note
    }

    /// Whether the optional value `key` of this section is omitted.
    pub fn is_omitted(&self, key: &str) -> bool {
        self.is_occupied(key) || self.omitted.has(&self.omission_key(key))
    }

    fn is_occupied(&self, key: &str) -> bool {
        self.occupied.is_some_and(|keys| keys.contains(key))
    }

    fn omission_key(&self, key: &str) -> String {
        if self.section.is_empty() { key.to_owned() } else { format!("{}.{key}", self.section) }
    }

    /// Places the operator's own fields; they precede the defaults. `json` gives a value in the vendor's form, or the
    /// text that goes to the note when the vendor has no place for its type. `required` are keys that cannot be omitted.
    pub fn fields(
        &mut self,
        fields: &[TypedField],
        required: &[&str],
        json: impl Fn(&TypedField, Value) -> Result<Json, String>,
    ) -> &mut Self {
        for field in fields {
            let is_required = required.contains(&field.name.as_str());
            let value = match typed(field, self.lead) {
                Ok(None) => continue,
                // A constant is not the visitor's word, so a note about a known person does not repeat it.
                Ok(Some(_)) if self.is_occupied(&field.name) && field.template.variables().next().is_none() => continue,
                Ok(Some(_)) if !is_required && self.is_omitted(&field.name) => Err(render(&field.template, self.lead)),
                Ok(Some(value)) => json(field, value),
                Err(mismatch) => Err(mismatch.text),
            };
            self.note.used(&field.template);
            match value {
                Ok(value) if is_required => drop(self.set(&field.name, value)),
                Ok(value) => drop(self.optional(&field.name, value)),
                Err(text) => self.note.rejected(&field.name, &text),
            }
        }
        self
    }

    /// Places the lead's fields where the operator's own have not. `required` are keys that cannot be omitted.
    pub fn defaults(&mut self, table: &[(&str, Source)], required: &[&str]) -> &mut Self {
        for (key, source) in table {
            let is_required = required.contains(key);
            if self.drafted.values.contains_key(*key) || (!is_required && self.is_omitted(key)) {
                continue;
            }
            let Some((value, covers)) = self.default_of(*source) else { continue };
            self.note.placed(covers);
            if is_required {
                self.set(key, json!(value));
            } else if value != NameParts::UNKNOWN {
                self.optional(key, json!(value));
            }
        }
        self
    }

    fn default_of(&self, source: Source) -> Option<(String, &'static [LeadField])> {
        match source {
            Source::Field(field) => {
                let value = self.lead.get(field)?.to_owned();
                let at = LeadField::ALL.iter().position(|known| *known == field)?;
                Some((value, LeadField::ALL.get(at..=at)?))
            }
            Source::FirstName => Some((self.lead.name_parts().first, &[LeadField::FirstName])),
            Source::LastName => Some((self.lead.name_parts().last, &[LeadField::LastName])),
        }
    }

    /// Places a choice: the vendor's word for what `template` renders to, however it is spelled, else `other`. What has no
    /// word stays in the note.
    pub fn one_of(&mut self, key: &str, template: &Template, words: &[&str], other: &str) -> &mut Self {
        if self.drafted.values.contains_key(key) || self.is_omitted(key) {
            return self;
        }
        let text = render(template, self.lead).trim().to_lowercase().replace([' ', '-'], "_");
        let word = words.iter().find(|word| **word == text);
        if word.is_some() {
            self.note.used(template);
        }
        self.optional(key, json!(word.unwrap_or(&other)))
    }

    /// Places a value that the vendor requires.
    pub fn set(&mut self, key: &str, value: Json) -> &mut Self {
        self.drafted.values.insert(key.to_owned(), value);
        self
    }

    /// Places a value that the vendor can do without. The caller has checked [`Draft::is_omitted`].
    pub fn optional(&mut self, key: &str, value: Json) -> &mut Self {
        self.drafted.optional.push(self.omission_key(key));
        self.set(key, value)
    }

    /// The note's text, without markup and shortened once the vendor has rejected it. Registers with the section that
    /// the note can be reduced; place everything else first. Empty when there is nothing to say.
    pub fn note_text(&mut self) -> String {
        let text = self.note.text();
        self.reducible(text)
    }

    /// Places the note below the operator's own text under `key`.
    pub fn note_under(&mut self, key: &str) -> &mut Self {
        let own = self.drafted.values.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let note = self.note.text();
        let parts: Vec<&str> =
            [own.as_str(), note.as_str()].into_iter().filter(|text| !text.trim().is_empty()).collect();
        let text = self.reducible(parts.join("\n\n"));
        if text.is_empty() { self } else { self.set(key, json!(text)) }
    }

    fn reducible(&mut self, text: String) -> String {
        let reduced = reduced(&text);
        if self.omitted.0.contains(NOTE) {
            return reduced;
        }
        if reduced != text {
            self.drafted.optional.push(NOTE.to_owned());
        }
        text
    }
}

/// A text that filters and field limits let pass and people still read: no angle brackets, at most [`NOTE_CHARS`].
fn reduced(text: &str) -> String {
    let plain = text.replace('<', "‹").replace('>', "›").replace("&#", "& #");
    if plain.chars().count() <= NOTE_CHARS {
        return plain;
    }
    let kept: String = plain.chars().take(NOTE_CHARS - CUT.chars().count()).collect();
    format!("{}{CUT}", kept.trim_end())
}

/// The one of `names` that appears in `words` as a whole word, in any case; the longest when there are several. A message
/// often repeats the visitor's value, which may be any word: a wrong guess costs one step.
pub fn named_in<'a>(words: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let appears = |name: &&str| words.split(|c| !is_word(c)).any(|word| word.eq_ignore_ascii_case(name));
    names.into_iter().filter(appears).max_by_key(|name| name.len())
}

/// Whether a vendor's phrases say that the record is there already. It makes a delivery count as delivered, so it is
/// narrow: "the domain of this email does not exist" taken for it would lose a lead.
pub fn says_already_there(phrases: &str) -> bool {
    const PHRASES: &[&str] = &[
        "already exist",
        "already in use",
        "already used",
        "already taken",
        "already registered",
        "already added",
        "already been taken",
        "already been used",
        "already been registered",
        "is already a ",
        "is taken",
        "email exists",
        "must be unique",
        "not unique",
        "duplicate",
    ];
    // Messages repeat the address, and what it says is the visitor's word.
    let words: Vec<_> = phrases.split_whitespace().filter(|word| !word.contains('@')).collect();
    let text = words.join(" ").to_lowercase();
    PHRASES.iter().any(|phrase| text.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::FailureKind;

    #[test]
    fn a_rejection_omits_what_it_names_then_everything_then_the_notes_markup() {
        // carried, named -> omitted; None: rejected
        type Row<'a> = (&'a [&'a str], &'a [&'a str], Option<&'a [&'a str]>);
        let rows: [Row<'_>; 6] = [
            (&["a", "b"], &["a"], Some(&["a"])),
            (&["a", "b"], &["a", "b"], Some(&["a", "b"])),
            // A required value is wrong too: another call without the others changes nothing.
            (&["a"], &["a", "email"], None),
            (&["a", NOTE], &[], Some(&[EVERYTHING])),
            (&[NOTE], &[], Some(&[NOTE])),
            (&[], &[], None),
        ];
        for (carried, named, expected) in rows {
            let mut omitted = Omitted::default();
            let mut call = Call::post("lead", "");
            call.optional = carried.iter().map(|key| (*key).to_owned()).collect();
            let failure = Failure::new(FailureKind::Invalid, "no");
            let outcome = omitted.after_rejection(&call, named, failure.clone());
            let found: Vec<&str> = omitted.0.iter().map(String::as_str).collect();
            assert_eq!(found, expected.unwrap_or_default(), "{carried:?} {named:?}");
            let continues = Outcome::Continue(format!("omitted {}: no", found.join(", ")));
            assert_eq!(outcome, if expected.is_some() { continues } else { Outcome::Rejected(failure) });
        }
    }

    #[test]
    fn a_few_omissions_omit_everything_optional() {
        let mut omitted = Omitted::default();
        for key in ["a", "b", "c"] {
            omitted.add(key);
        }
        assert!(!omitted.has("e"));
        omitted.add("d");
        assert!(omitted.has("e"));
    }

    #[test]
    fn reduced_notes_have_no_markup_and_are_short() {
        for (text, expected) in [
            ("R&D: 1 & 2", "R&D: 1 & 2".to_owned()),
            ("<script>&#60;", "‹script›& #60;".to_owned()),
            (&"가".repeat(NOTE_CHARS), "가".repeat(NOTE_CHARS)),
            (&"가".repeat(NOTE_CHARS + 1), format!("{}\n[…]", "가".repeat(NOTE_CHARS - 4))),
        ] {
            assert_eq!(reduced(text), expected);
            assert_eq!(reduced(&expected), expected, "reducing twice changes nothing");
        }
    }

    #[test]
    fn names_in_a_message_are_whole_words() {
        let names = ["Phone", "mx_Phone", "Notes", "mx_City"];
        for (words, expected) in [
            ("'mx_City' is not an attribute of a lead", Some("mx_City")),
            ("MX_CITY: bad; Notes too", Some("mx_City")),
            ("the mx_Phone", Some("mx_Phone")),
            ("Phones and PhoneNumbers", None),
            ("", None),
        ] {
            assert_eq!(named_in(words, names), expected, "{words}");
        }
    }

    #[test]
    fn already_there_is_not_what_only_sounds_like_it() {
        for (text, expected) in [
            ("Lead already exists", true),
            ("A lead with this email exists", true),
            ("Email ada@example.com has already been taken.", true),
            ("must be unique", true),
            ("Duplicate emails: ada@example.com", true),
            ("", false),
            ("The domain of this email does not exist", false),
            ("You have already reached your limit of clients", false),
            ("This email has already bounced", false),
            ("A unique email address is required", false),
            ("'duplicate@example.com' is not a valid email", false),
        ] {
            assert_eq!(says_already_there(text), expected, "{text}");
        }
    }
}
