//! Recognises the lead field behind a form field's name, in English and Korean.
//!
//! Names are compared without case, spaces, hyphens and brackets, and without the wrapping that form builders add:
//! `your-email`, `contact[email]`, `form_fields[email]`, `emailField` and `email_1` are all `email`. Only whole names count:
//! `company_name` is a company; `username`, `email_preferences` and `fax` are nothing. Ambiguous names (`subject`, `title`,
//! `제목`) are left out: what is not recognised reaches the CRM in its note, a wrong guess would be in the wrong field.
//! Nothing means [`LeadField::ConsentAt`]: a visitor cannot set the time of their consent.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::domain::LeadField;
use crate::domain::control::is_control;

/// No meaningful name is longer, wrapping included; reading a longer one would waste time.
const LONGEST: usize = 80;

/// The same before brackets and spaces are removed.
const LONGEST_BYTES: usize = 480;

/// No form builder wraps a name in more layers (`form_fields[your-email-field]_1` has four), and each takes time.
const LAYERS: usize = 6;

/// Wrapping before a name; a longer one before its own beginning.
const PREFIXES: &str = "formfields formfield formdata form fields field inputs input txt your my contactform contact submitted \
                        data billing customer client lead visitor sender etpb wpcf7 mx 고객님 고객 신청자 담당자 문의자 작성자 \
                        예약자 신청인 의뢰인 귀하의 본인";

/// Wrapping after a name.
const SUFFIXES: &str = "field input txt textbox required optional 필수 선택";

/// Names that would mean something else without their wrapping.
const NEVER: &str = "username formname formtitle formurl formsite formdescription formlanguage formlocale formlang formsource \
                     formref formaction fieldname inputname dataname datasource";

/// The names of `names.txt`.
static FIELDS: LazyLock<BTreeMap<&str, LeadField>> = LazyLock::new(|| {
    let lines = include_str!("names.txt").lines().filter_map(|line| line.split_once(": "));
    let lines = lines.filter_map(|(field, names)| Some((LeadField::from_name(field)?, names)));
    lines.flat_map(|(field, names)| names.split(' ').map(move |name| (name, field))).collect()
});

/// The lead field that a form field of this name means.
pub fn recognise(name: &str) -> Option<LeadField> {
    if is_control(name) || name.len() > LONGEST_BYTES {
        return None;
    }
    let bare = bare(name);
    if bare.chars().count() > LONGEST {
        return None;
    }
    let mut rest = bare.as_str();
    for _ in 0..=LAYERS {
        if NEVER.split(' ').any(|never| never == rest) {
            return None;
        }
        if let Some(field) = known(rest) {
            return Some(field);
        }
        rest = unwrapped(rest)?;
    }
    None
}

/// The name in lower case, letters and digits only.
pub(super) fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
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
    [PREFIXES, SUFFIXES].iter().any(|list| list.split(' ').any(|word| word == rest))
}

/// The name without one layer of wrapping, if it has any.
fn unwrapped(bare: &str) -> Option<&str> {
    let inner = bare.trim_end_matches(|c: char| c.is_ascii_digit());
    if inner.len() < bare.len() {
        return Some(inner);
    }
    let suffix = SUFFIXES.split(' ').find_map(|suffix| bare.strip_suffix(suffix));
    let prefix = || PREFIXES.split(' ').find_map(|prefix| bare.strip_prefix(prefix));
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
