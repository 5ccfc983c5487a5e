//! One bad value never costs a lead: what a CRM refuses is left out of the next request and told in its note.
//!
//! A refusal is met with the mildest step that may help: (1) the values that it names, (2) the operator's own fields,
//! (3) everything that the CRM does not insist on, (4) texts without markup, and a shorter note. Only when nothing is
//! left to try, or the refusal names something that the lead cannot do without, is the lead refused.
//!
//! Every step leaves out something that the refused call carried, so the steps come to an end; and after a few of them
//! everything optional goes at once ([`Progress::is_bare`](super::Progress::is_bare)), so that they end within one try.

use std::borrow::Cow;

use super::{Lesson, Trouble, Verdict};

/// Every field of the operator's own, by the config's word for the table of them.
pub const OWN_FIELDS: &str = "fields";

/// Everything that the CRM does not insist on; the note stays.
pub const EVERYTHING: &str = "everything optional";

/// What looks like markup or a script: texts are sent in another spelling.
pub const MARKUP: &str = "markup";

/// The rest of a note that is longer than [`NOTE_CHARS`]. The submission keeps the whole text.
pub const LONG_NOTE: &str = "the rest of a long note";

/// How much of a note is sent once a CRM has refused it whole: every CRM's text fields take that much.
pub const NOTE_CHARS: usize = 1000;

/// What stands where a note was cut.
const CUT: &str = "\n[…]";

/// The delivery goes on without these, or stays refused when there are none. `trouble` says why, in the vendor's words.
pub fn met<F: Into<String>>(fields: impl IntoIterator<Item = F>, trouble: Trouble) -> Verdict {
    let lessons = lessons(fields, &trouble);
    if lessons.is_empty() { Verdict::Refused(trouble) } else { Verdict::GoOn(lessons) }
}

/// That these are left out from here on.
pub fn lessons<F: Into<String>>(fields: impl IntoIterator<Item = F>, trouble: &Trouble) -> Vec<Lesson> {
    let lesson = |field: F| Lesson::LeftOut { field: field.into(), why: trouble.detail.clone() };
    fields.into_iter().map(lesson).collect()
}

/// The one of `names` that stands in `words` as a word of its own, in any case; the longest when there are several.
/// A message often repeats the visitor's value, which may be any word: a wrong guess costs a step and nothing else.
pub fn named<'a>(words: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let stands = |name: &&str| words.split(|c| !is_word(c)).any(|word| word.eq_ignore_ascii_case(name));
    names.into_iter().filter(stands).max_by_key(|name| name.len())
}

/// Whether a note, as it was sent, can still be shortened.
pub fn is_long(note: &str) -> bool {
    note.chars().count() > NOTE_CHARS && !note.ends_with(CUT)
}

/// The note, cut when it is long.
pub fn shortened(note: String) -> String {
    if !is_long(&note) {
        return note;
    }
    let kept: String = note.chars().take(NOTE_CHARS - CUT.chars().count()).collect();
    format!("{}{CUT}", kept.trim_end())
}

/// Whether [`plain`] would change a text.
pub fn has_markup(text: &str) -> bool {
    matches!(plain(text), Cow::Owned(_))
}

/// The text in a spelling that no filter takes for a script and every person still reads: angle brackets become
/// quotation marks, a character reference comes apart, and script words get a dot inside (`j·avascript:`).
pub fn plain(text: &str) -> Cow<'_, str> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word: &str = &rest[..rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len())];
        let taken = if word.is_empty() { first.len_utf8() } else { word.len() };
        let (this, after) = rest.split_at(taken);
        match this {
            "<" => plain.push('‹'),
            ">" => plain.push('›'),
            "&" if after.starts_with('#') => plain.push_str("& "),
            word if is_script(word, after) => {
                plain.push_str(&word[..1]);
                plain.push('·');
                plain.push_str(&word[1..]);
            }
            other => plain.push_str(other),
        }
        rest = after;
    }
    if plain == text { Cow::Borrowed(text) } else { Cow::Owned(plain) }
}

/// Whether a word, with what comes after it, is one that filters look for: `script`, `alert(`, `onclick =`.
fn is_script(word: &str, after: &str) -> bool {
    const ALWAYS: &[&str] = &["script", "javascript", "vbscript", "iframe"];
    const CALLED: &[&str] = &["alert", "confirm", "prompt", "eval", "expression"];
    let one_of = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    let is_handler = word.len() > 3 && word.is_char_boundary(2) && word[..2].eq_ignore_ascii_case("on");
    let after = after.trim_start();
    one_of(ALWAYS) || (one_of(CALLED) && after.starts_with('(')) || (is_handler && after.starts_with('='))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_in_a_spelling_without_markup() {
        for (text, expected) in [
            ("", ""),
            (
                "Please call me: 1 & 2, a description of the event.",
                "Please call me: 1 & 2, a description of the event.",
            ),
            ("price < 5 && > 3", "price ‹ 5 && › 3"),
            ("<script>alert('x')</script>", "‹s·cript›a·lert('x')‹/s·cript›"),
            ("JavaScript: <IFRAME onLoad = 'x'>", "J·avaScript: ‹I·FRAME o·nLoad = 'x'›"),
            ("&#60;b&#62; R&D", "& #60;b& #62; R&D"),
            ("on = off, once=1", "on = off, o·nce=1"),
            ("안녕<b>하세요", "안녕‹b›하세요"),
        ] {
            assert_eq!((plain(text).as_ref(), has_markup(text)), (expected, text != expected), "{text}");
        }
    }

    #[test]
    fn a_long_note_is_cut_once() {
        let short = "가".repeat(NOTE_CHARS);
        assert_eq!(shortened(short.clone()), short);
        let cut = shortened("가".repeat(NOTE_CHARS + 1));
        assert_eq!(cut, format!("{}\n[…]", "가".repeat(NOTE_CHARS - 4)));
        assert!(!is_long(&cut));
    }

    #[test]
    fn the_name_in_a_message() {
        let names = ["Phone", "mx_Phone", "Notes", "mx_City"];
        for (words, expected) in [
            ("'mx_City' is not an attribute of a lead", Some("mx_City")),
            ("MX_CITY: bad; Notes too", Some("mx_City")),
            ("the mx_Phone", Some("mx_Phone")),
            ("Phones and PhoneNumbers", None),
            ("", None),
        ] {
            assert_eq!(named(words, names), expected, "{words}");
        }
    }

    #[test]
    fn a_refusal_goes_on_without_what_it_names() {
        let trouble = Trouble::new(crate::crm::Why::Invalid, "no");
        let left_out = |field: &str| Lesson::LeftOut { field: field.into(), why: "no".into() };
        assert_eq!(met(["a", "b"], trouble.clone()), Verdict::GoOn(vec![left_out("a"), left_out("b")]));
        assert_eq!(met([""; 0], trouble.clone()), Verdict::Refused(trouble));
    }

    proptest! {
        /// What was made plain is plain: otherwise a delivery would try it again and again.
        #[test]
        fn plain_is_final(text in r"([a-zA-Z<>&#=(: ·]|script|on|javascript|\PC){0,60}") {
            let once = plain(&text).into_owned();
            prop_assert!(!has_markup(&once), "{once}");
        }
    }
}
