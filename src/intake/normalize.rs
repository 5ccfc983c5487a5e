//! Normalizes decoded Fields, so that later code can compare texts as they are.
//!
//! - Text is composed (Unicode NFC): macOS may send `홍길동` as eight letters, in values and in names.
//! - Invisible characters are removed, except from running text, where joiners carry meaning. A value without a visible
//!   character becomes blank.
//! - Ascending indices under one name (`topics.0`, `topics.1`; `topics[0]`) become one repeated name.
//! - A list of objects with `name` and `value` becomes fields (`{"fields": [{"name": "email", "value": "…"}]}`).

use crate::domain::control::is_control;
use crate::domain::sorted::{Map, Set};
use crate::domain::text::is_invisible;
use crate::domain::{Fields, LeadField, NameKey};

use super::form::{Form, Source};
use super::map::recognize::{bare, recognize};

/// Names that a list of fields goes by.
const LISTS: &[&str] =
    &["fields", "formfields", "formdata", "form", "data", "inputs", "answers", "responses", "values"];

/// The longest field name in such a list, in bytes. Every value repeats it.
const NAME_BYTES: usize = 200;

/// Normalizes the fields of a form. `nfc` composes a text.
pub fn normalize(fields: Fields, form: &Form, nfc: fn(&str) -> String) -> Fields {
    let pairs = fields.0.into_iter().map(|(name, value)| {
        let shown = visible(&name).map(|shown| shown.trim().to_owned()).filter(|shown| !shown.is_empty());
        let name = composed(shown.unwrap_or(name), nfc);
        let shown = visible(&value).filter(|shown| is_blank(shown) || !is_running_text(form, &name, &value));
        let value = composed(shown.unwrap_or(value), nfc);
        (name, value)
    });
    Fields(join_lists(read_lists(pairs.collect()), &form.data()))
}

fn composed(text: String, nfc: fn(&str) -> String) -> String {
    // Latin letters, kana, Han characters and whole Hangul syllables are composed already.
    let is_plain = |c| matches!(c, '\0'..='\u{2FF}' | '\u{3000}'..='\u{3098}' | '\u{309B}'..='\u{D7A3}');
    if text.chars().all(is_plain) { text } else { nfc(&text) }
}

/// The text without invisible characters; `None` when it has none.
fn visible(text: &str) -> Option<String> {
    // Invisible characters are never ASCII.
    (!text.is_ascii() && text.contains(is_invisible)).then(|| text.replace(is_invisible, ""))
}

/// Whether the text shows nothing. A variation selector alone is invisible too.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || matches!(c, '\u{FE00}'..='\u{FE0F}'))
}

/// Whether a value is the text of a message, or has several lines.
fn is_running_text(form: &Form, name: &str, value: &str) -> bool {
    let is_source = |(field, source): &(LeadField, Source)| {
        *field == LeadField::Message
            && match source {
                Source::Fields(names) => names.iter().any(|known| known == name),
                Source::Template(template) => template.variables().any(|known| known == name),
                Source::Value(_) => false,
            }
    };
    value.trim().contains('\n') || recognize(name) == Some(LeadField::Message) || form.map.iter().any(is_source)
}

/// `fields[0][name]` is `name` of `fields[0]`; `fields.0` is `0` of `fields`.
fn split_last(name: &str) -> Option<(&str, &str)> {
    let (at, end) = match name.strip_suffix(']') {
        Some(inner) => (inner.rfind('['), inner.len()),
        None => (name.rfind('.'), name.len()),
    };
    let at = at.filter(|at| *at > 0)?;
    Some((&name[..at], &name[at + 1..end]))
}

/// `topics.12` is the item 12 of `topics`. Control fields have no items.
fn item(name: &str) -> Option<(&str, usize)> {
    let (list, index) = split_last(name)?;
    let is_index = (1..=4).contains(&index.len()) && index.bytes().all(|byte| byte.is_ascii_digit());
    // `GPL 2.0` is a name.
    let is_version = !name.ends_with(']') && list.ends_with(|c: char| c.is_ascii_digit());
    index.parse().ok().filter(|_| is_index && !is_version && !is_control(name)).map(|index| (list, index))
}

/// `fields.0.name=email&fields.0.value=ada@example.com` becomes `email=ada@example.com`.
fn read_lists(pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    /// The list, the item and the word of `fields.0.name`.
    fn member(name: &str) -> Option<(&str, &str, &str)> {
        let (whole, word) = split_last(name).filter(|(_, word)| ["name", "value"].contains(word))?;
        let (list, _) = item(whole)?;
        let own = split_last(list).map_or(list, |(_, own)| own);
        LISTS.contains(&bare(own).as_str()).then_some((list, whole, word))
    }
    let mut names: Map<NameKey<'_>, usize> = Map::new();
    let mut with_value: Set<NameKey<'_>> = Set::new();
    for (place, (name, value)) in pairs.iter().enumerate() {
        match member(name) {
            Some((_, whole, "name")) if !value.trim().is_empty() && value.len() <= NAME_BYTES => {
                names.insert(NameKey::of(whole), place);
            }
            Some((list, whole, "value")) => with_value.extend([NameKey::of(list), NameKey::of(whole)]),
            _ => {}
        }
    }
    let pair = |(name, value): &(String, String)| {
        let (list, whole, word) = member(name)?;
        let field =
            pairs[*names.get(&NameKey::of(whole)).filter(|_| with_value.contains(&NameKey::of(list)))?].1.trim();
        let field = field.strip_suffix("[]").unwrap_or(field).to_owned();
        Some(match word {
            "value" => Some((field, value.clone())),
            // An item without a value is a field that came blank.
            _ => (!with_value.contains(&NameKey::of(whole))).then(|| (field, String::new())),
        })
    };
    if names.is_empty() || with_value.is_empty() {
        return pairs;
    }
    pairs.iter().filter_map(|own| pair(own).unwrap_or_else(|| Some(own.clone()))).collect()
}

/// `topics[0]=seo&topics[1]=ads` becomes `topics=seo&topics=ads`, unless the config names an item.
fn join_lists(mut pairs: Vec<(String, String)>, named: &[&str]) -> Vec<(String, String)> {
    /// An index of no list.
    const NONE: usize = usize::MAX;
    let mut counts: Map<NameKey<'_>, usize> = Map::new();
    for (name, _) in &pairs {
        let Some((list, index)) = item(name) else { continue };
        // Gaps are unticked boxes. Other starts are ids (`wpforms[fields][3]`), unless the config names the list.
        let is_next = match counts.get(&NameKey::of(list)) {
            None => index == 0 || named.contains(&list),
            Some(before) => *before < index,
        };
        let is_item = is_next && !named.contains(&name.as_str());
        counts.insert(NameKey::of(list), if is_item { index } else { NONE });
    }
    let is_list = |list: &&str| counts.get(&NameKey::of(list)).is_some_and(|index| *index != NONE);
    let lists: Vec<_> = pairs
        .iter()
        .map(|(name, _)| item(name).map(|(list, _)| list).filter(is_list).map(|list| list.trim_end().len()))
        .collect();
    for ((name, _), list) in pairs.iter_mut().zip(lists) {
        name.truncate(list.unwrap_or(name.len()));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::{fields, nfc};

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    #[test]
    fn fields_are_normalized() {
        let mut form = Form::plain("contact", &["crm"]);
        form.required = vec!["colours".into(), "size.0".into()];
        form.map = vec![(LeadField::Message, Source::Fields(vec!["wish".into()]))];
        let rows: &[(Pairs, Pairs)] = &[
            (&[("email", "ada@example.com\u{200b}")], &[("email", "ada@example.com")]),
            (&[("e\u{200b}mail", "\u{feff}ada\u{ad}@example.com")], &[("email", "ada@example.com")]),
            (&[("phone", "\u{202d}+44 20 7946 0018\u{202c}")], &[("phone", "+44 20 7946 0018")]),
            (&[("name", "홍\u{3164}길동"), ("company", "A\u{200d}B")], &[("name", "홍길동"), ("company", "AB")]),
            // A message keeps its joiners; a value without a visible character is blank.
            (&[("message", "می\u{200c}خواهم 👩\u{200d}💻")], &[("message", "می\u{200c}خواهم 👩\u{200d}💻")]),
            (
                &[("wish", "می\u{200c}خواهم"), ("note2", "a\u{200d}\nb")],
                &[("wish", "می\u{200c}خواهم"), ("note2", "a\u{200d}\nb")],
            ),
            (
                &[("name", "\u{3164}"), ("message", "\u{200b} \n\u{2800}"), ("x", "\u{fe0f}\u{200d}")],
                &[("name", ""), ("message", " \n"), ("x", "\u{fe0f}")],
            ),
            (&[("\u{200b}", "x")], &[("\u{200b}", "x")]),
            // Decomposed text.
            (
                &[
                    (
                        "\u{110b}\u{1175}\u{1105}\u{1173}\u{11b7}",
                        "\u{1112}\u{1169}\u{11bc}\u{1100}\u{1175}\u{11af}\u{1103}\u{1169}\u{11bc}",
                    ),
                    ("city", "Sa\u{303}o Paulo"),
                ],
                &[("이름", "홍길동"), ("city", "São Paulo")],
            ),
            (&[("name", "か\u{3099}")], &[("name", "が")]),
            (
                &[("topics.0", "seo"), ("x", "1"), ("topics.1", "ads")],
                &[("topics", "seo"), ("x", "1"), ("topics", "ads")],
            ),
            (&[("topics[0]", "seo"), ("topics[2]", "ads")], &[("topics", "seo"), ("topics", "ads")]),
            (&[("a[b][0]", "1"), ("a[c][0]", "2")], &[("a[b]", "1"), ("a[c]", "2")]),
            (&[("colours.1", "red"), ("colours.10", "blue")], &[("colours", "red"), ("colours", "blue")]),
            // No lists.
            (&[("topics.1", "a"), ("topics.2", "b")], &[("topics.1", "a"), ("topics.2", "b")]),
            (&[("topics.0", "a"), ("topics.0", "b")], &[("topics.0", "a"), ("topics.0", "b")]),
            (&[("topics.1", "a"), ("topics.0", "b")], &[("topics.1", "a"), ("topics.0", "b")]),
            (&[("size.0", "a"), ("size.1", "b")], &[("size.0", "a"), ("size.1", "b")]),
            (
                &[("GPL 2.0", "a"), ("x.y", "b"), ("_a.0", "x"), (".0", "c"), ("[0]", "d")],
                &[("GPL 2.0", "a"), ("x.y", "b"), ("_a.0", "x"), (".0", "c"), ("[0]", "d")],
            ),
            (&[("items.0.sku", "x"), ("items.1.sku", "y")], &[("items.0.sku", "x"), ("items.1.sku", "y")]),
            // Lists of fields.
            (
                &[
                    ("fields.0.name", "email"),
                    ("fields.0.value", "a@b.co"),
                    ("fields.1.value", "x"),
                    ("fields.1.name", "tag[]"),
                    ("fields.1.value", "y"),
                ],
                &[("email", "a@b.co"), ("tag", "x"), ("tag", "y")],
            ),
            (&[("form[fields][0][value]", "a"), ("form[fields][0][name]", "b")], &[("b", "a")]),
            (
                &[
                    ("fields.0.name", "company"),
                    ("fields.1.name", "x"),
                    ("fields.1.value", "y"),
                    ("fields.1.type", "z"),
                ],
                &[("company", ""), ("x", "y"), ("fields.1.type", "z")],
            ),
            (
                &[("fields.0.name", "Ada"), ("fields.0.email", "a")],
                &[("fields.0.name", "Ada"), ("fields.0.email", "a")],
            ),
            (
                &[("carts.0.name", "email"), ("carts.0.value", "5")],
                &[("carts.0.name", "email"), ("carts.0.value", "5")],
            ),
            (&[("fields.0.value", "5"), ("fields.1.value", "6")], &[("fields.0.value", "5"), ("fields.1.value", "6")]),
        ];
        for (sent, expected) in rows {
            let found = normalize(fields(sent), &form, nfc);
            assert_eq!(found, fields(expected), "{sent:?}");
            assert_eq!(normalize(found.clone(), &form, nfc), found, "again: {sent:?}");
        }
    }

    #[test]
    fn a_long_name_is_not_repeated() {
        let long = "x".repeat(NAME_BYTES + 1);
        let sent = fields(&[("fields.0.name", &long), ("fields.0.value", "a"), ("fields.0.value", "b")]);
        assert_eq!(normalize(sent.clone(), &Form::plain("contact", &["crm"]), nfc), sent);
    }
}
