//! Recognizes the lead field behind a form field's name, in English and Korean.
//!
//! Names are compared without case, spaces, hyphens and brackets, and without the wrapping that form builders add:
//! `your-email`, `contact[email]`, `form_fields[email]`, `emailField` and `email_1` are all `email`. Only whole names count:
//! `company_name` is a company; `username`, `email_preferences` and `fax` are nothing. Ambiguous names (`subject`, `title`,
//! `제목`) are left out: what is not recognized reaches the CRM in its note, a wrong guess would be in the wrong field.
//! Nothing means [`LeadField::ConsentAt`]: a visitor cannot set the time of their consent.

use std::sync::LazyLock;

use crate::domain::LeadField;
use crate::domain::control::is_control;
use crate::domain::sorted::Map;
use crate::domain::text::push_lower;

/// The longest name that is read, wrapping included.
const LONGEST: usize = 80;

/// The same before brackets and spaces are removed.
pub(super) const LONGEST_BYTES: usize = 480;

/// The most layers of wrapping: form builders use up to four (`form_fields[your-email-field]_1`).
const LAYERS: usize = 6;

/// Wrapping before a name; a longer prefix comes before a shorter one that begins it.
#[rustfmt::skip]
const PREFIXES: &[&str] = &[
    "formfields", "formfield", "formdata", "form", "fields", "field", "inputs", "input", "txt", "your", "my",
    "contactform", "contact", "submitted", "data", "billing", "customer", "client", "lead", "visitor", "sender",
    "etpb", "wpcf7", "mx", "고객님", "고객", "신청자", "담당자", "문의자", "작성자", "예약자", "신청인", "의뢰인",
    "귀하의", "본인",
];

/// Wrapping after a name.
#[rustfmt::skip]
const SUFFIXES: &[&str] = &[
    "field", "input", "txt", "textbox", "required", "optional", "필수", "선택",
];

/// Names that would mean something else without their wrapping.
#[rustfmt::skip]
const NEVER: &[&str] = &[
    "username", "fieldname", "inputname", "dataname", "datasource",
];

/// Properties of the form itself, with any prefix (`contact_form_name`).
#[rustfmt::skip]
const FORM_NAMES: &[&str] = &[
    "formname", "formtitle", "formurl", "formsite", "formdescription", "formlanguage", "formlocale", "formlang",
    "formsource", "formref", "formaction",
];

/// The names of `names.txt`.
static FIELDS: LazyLock<Map<&str, LeadField>> = LazyLock::new(|| {
    let lines = include_str!("names.txt").lines().filter_map(|line| line.split_once(": "));
    let lines = lines.filter_map(|(field, names)| Some((LeadField::from_name(field)?, names)));
    lines.flat_map(|(field, names)| names.split(' ').map(move |name| (name, field))).collect()
});

/// The lead field that a form field of this name means.
pub fn recognize(name: &str) -> Option<LeadField> {
    if is_control(name) || name.len() > LONGEST_BYTES {
        return None;
    }
    let name = without_value(name)?;
    let last = bare(name.trim_end_matches(']').rsplit(['[', '.']).next().unwrap_or(name));
    let last = last.trim_end_matches(|c: char| c.is_ascii_digit());
    if FORM_NAMES.iter().any(|own| last.ends_with(own)) {
        return None;
    }
    let bare = bare(name);
    if bare.chars().count() > LONGEST {
        return None;
    }
    let mut rest = bare.as_str();
    for _ in 0..=LAYERS {
        if NEVER.contains(&rest) || FORM_NAMES.contains(&rest) {
            return None;
        }
        if let Some(field) = known(rest) {
            return Some(field);
        }
        rest = unwrapped(rest)?;
    }
    None
}

/// The name without a final `value`; `None` for another attribute of a field. Elementor sends `fields[email][id]`,
/// `fields[email][value]` and `fields[email][required]`.
fn without_value(name: &str) -> Option<&str> {
    let Some(at) = name.rfind(['[', '.']).filter(|at| *at > 0) else { return Some(name) };
    match bare(&name[at..]).as_str() {
        "value" | "rawvalue" => Some(&name[..at]),
        "id" | "type" | "title" | "label" | "required" | "placeholder" | "order" => None,
        _ => Some(name),
    }
}

/// The name in lower case, letters and digits only.
pub(crate) fn bare(name: &str) -> String {
    let mut bare = String::with_capacity(name.len());
    name.chars().filter(|c| c.is_alphanumeric()).for_each(|c| push_lower(&mut bare, c));
    bare
}

fn known(bare: &str) -> Option<LeadField> {
    // Korean words consent in a hundred ways that all end alike; so do refusals.
    let consents = || bare.ends_with("동의") && !bare.ends_with("미동의") && !bare.ends_with("비동의");
    FIELDS.get(bare).copied().or_else(|| consents().then_some(LeadField::Consent))
}

/// Whether this is nothing but wrapping, as before the `[email]` of `form_fields[email]`.
pub fn is_wrapping(name: &str) -> bool {
    let bare = bare(name);
    let mut rest = bare.as_str();
    while let Some(inner) = unwrapped(rest) {
        rest = inner;
    }
    PREFIXES.contains(&rest) || SUFFIXES.contains(&rest)
}

/// The name without one layer of wrapping, if it has any.
fn unwrapped(bare: &str) -> Option<&str> {
    let inner = bare.trim_end_matches(|c: char| c.is_ascii_digit());
    if inner.len() < bare.len() {
        return Some(inner);
    }
    let suffix = SUFFIXES.iter().find_map(|suffix| bare.strip_suffix(suffix));
    let prefix = || PREFIXES.iter().find_map(|prefix| bare.strip_prefix(prefix));
    // HubSpot writes `0-1/email`, Jotform `q3_email`.
    let number = || {
        let number = bare.strip_prefix('q').unwrap_or(bare);
        let inner = number.trim_start_matches(|c: char| c.is_ascii_digit());
        (inner.len() < number.len()).then_some(inner)
    };
    suffix.or_else(prefix).or_else(number).filter(|inner| !inner.is_empty())
}

#[cfg(test)]
mod tests;
