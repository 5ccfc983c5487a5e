//! The labels of fields on our pages: a word of the visitor's language for a recognized field, else the name made readable.
//!
//! - A Korean name stays as it is in both languages: the visitor has just read it on the website.
//! - Two fields of a page never share a word: `phone` and `mobile` are shown by name.
//! - There are many consents (terms, privacy, marketing), so a consent always shows its name too.

use crate::domain::sorted::{Map, Set};
use crate::domain::{LeadField, NameKey};
use crate::intake::Language;
use crate::intake::map::recognize::recognize;

/// The labels of one page.
#[derive(Debug)]
pub(super) struct Labels {
    language: Language,
    /// The words that fit more than one field.
    ambiguous: Set<&'static str>,
}

impl Labels {
    /// For a page with fields of these names, which may repeat.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a str>, language: Language) -> Self {
        let mut ambiguous: Set<_> = recognized_word(LeadField::Consent, language).into_iter().collect();
        let mut taken: Map<&'static str, NameKey<'a>> = Map::new();
        for name in names {
            let Some(word) = word_of(name, language) else { continue };
            if *taken.or_insert_with(word, || NameKey::of(name)) != NameKey::of(name) {
                ambiguous.insert(word);
            }
        }
        Self { language, ambiguous }
    }

    /// The label of a field.
    pub(super) fn label(&self, name: &str) -> String {
        let is_korean = || name.chars().any(|c| ('가'..='힣').contains(&c));
        match word_of(name, self.language).filter(|_| !is_korean()) {
            Some(word) if !self.ambiguous.contains(word) => word.to_owned(),
            Some(word) if self.language == Language::Ko => format!("{word} ({})", readable(name)),
            Some(_) | None => readable(name),
        }
    }
}

fn word_of(name: &str, language: Language) -> Option<&'static str> {
    recognize(name).and_then(|field| recognized_word(field, language))
}

/// The word for a lead field; `None` for one that the website fills in.
#[rustfmt::skip]
const fn recognized_word(field: LeadField, language: Language) -> Option<&'static str> {
    let (english, korean) = match field {
        LeadField::Name => ("Name", "이름"),
        LeadField::FirstName => ("First name", "이름"),
        LeadField::LastName => ("Last name", "성"),
        LeadField::Email => ("Email", "이메일"),
        LeadField::Phone => ("Phone", "전화번호"),
        LeadField::Company => ("Company", "회사"),
        LeadField::JobTitle => ("Job title", "직책"),
        LeadField::Website => ("Website", "웹사이트"),
        LeadField::Message => ("Message", "문의 내용"),
        LeadField::Street => ("Address", "주소"),
        LeadField::City => ("City", "도시"),
        LeadField::State => ("State or province", "시/도"),
        LeadField::PostalCode => ("Postal code", "우편번호"),
        LeadField::Country => ("Country", "국가"),
        LeadField::Source => ("Source", "유입 경로"),
        LeadField::Consent => ("Consent", "동의"),
        LeadField::Locale => ("Language", "언어"),
        _ => return None,
    };
    Some(match language {
        Language::En => english,
        Language::Ko => korean,
    })
}

/// Whether the website fills this field in, hidden: the campaign, the click, the landing page. A referrer may be a question.
pub(super) fn is_unseen(name: &str) -> bool {
    recognize(name).is_some_and(|field| field != LeadField::Referrer && recognized_word(field, Language::En).is_none())
}

/// The longest label made from a name, in characters of the name.
const LABEL_CHARS: usize = 100;

/// A field's name made readable: `your-email`, `yourEmail` and `your.email` read "Your email".
fn readable(name: &str) -> String {
    let mut label = String::new();
    let mut after_lower = false;
    let name = name.char_indices().nth(LABEL_CHARS).map_or(name, |(at, _)| &name[..at]);
    for c in name.chars() {
        if c == '_' || c == '-' || c == '.' || c.is_whitespace() {
            after_lower = false;
            if !label.is_empty() && !label.ends_with(' ') {
                label.push(' ');
            }
            continue;
        }
        if after_lower && c.is_uppercase() {
            label.push(' ');
            label.extend(c.to_lowercase());
        } else if label.is_empty() {
            label.extend(c.to_uppercase());
        } else {
            label.push(c);
        }
        after_lower = c.is_lowercase() || c.is_ascii_digit();
    }
    let label = label.trim_end();
    if label.is_empty() { name.to_owned() } else { label.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(name: &str, language: Language) -> String {
        Labels::of([name].into_iter(), language).label(name)
    }

    #[test]
    fn recognized_fields_are_named_in_the_language_of_the_page() {
        for (name, english, korean) in [
            ("name", "Name", "이름"),
            ("your-name", "Name", "이름"),
            ("fname", "First name", "이름"),
            ("FNAME", "First name", "이름"),
            ("q3_fullName[first]", "First name", "이름"),
            ("lname", "Last name", "성"),
            ("contact[email]", "Email", "이메일"),
            ("email_1", "Email", "이메일"),
            ("tel", "Phone", "전화번호"),
            ("phoneNumber", "Phone", "전화번호"),
            ("org", "Company", "회사"),
            ("role", "Job title", "직책"),
            ("url", "Website", "웹사이트"),
            ("msg", "Message", "문의 내용"),
            ("addr", "Address", "주소"),
            ("town", "City", "도시"),
            ("region", "State or province", "시/도"),
            ("zip", "Postal code", "우편번호"),
            ("nation", "Country", "국가"),
            ("leadSource", "Source", "유입 경로"),
            ("lang", "Language", "언어"),
            ("terms", "Terms", "동의 (Terms)"),
            ("marketing_consent", "Marketing consent", "동의 (Marketing consent)"),
        ] {
            assert_eq!((alone(name, Language::En).as_str(), alone(name, Language::Ko).as_str()), (english, korean));
        }
    }

    #[test]
    fn other_fields_keep_their_names_in_both_languages() {
        for (name, expected) in [
            ("예산", "예산"),
            ("성함", "성함"),
            ("연락처", "연락처"),
            ("문의 내용", "문의 내용"),
            ("your-이메일", "Your 이메일"),
            ("budget", "Budget"),
            ("start-date", "Start date"),
            ("startDate", "Start date"),
            ("delivery.floor", "Delivery floor"),
            ("utm_source", "Utm source"),
            ("line2Shape", "Line2 shape"),
            ("VAT", "VAT"),
            ("--", "--"),
            ("<b>", "<b>"),
            ("a__b", "A b"),
            (&"x".repeat(101), &format!("X{}", "x".repeat(99))),
        ] {
            for language in Language::ALL {
                assert_eq!(alone(name, *language), expected, "{language:?}");
            }
        }
    }

    #[test]
    fn two_fields_of_a_page_have_different_labels() {
        for (names, english, korean) in [
            (&["phone", "mobile"][..], &["Phone", "Mobile"][..], &["전화번호 (Phone)", "전화번호 (Mobile)"][..]),
            (&["tel", "tel", "email"], &["Phone", "Phone", "Email"], &["전화번호", "전화번호", "이메일"]),
            (&["name", "first_name"], &["Name", "First name"], &["이름 (Name)", "이름 (First name)"]),
            (&["first_name", "last_name"], &["First name", "Last name"], &["이름", "성"]),
            (&["이름", "name"], &["이름", "Name"], &["이름", "이름 (Name)"]),
            (&["terms", "privacy"], &["Terms", "Privacy"], &["동의 (Terms)", "동의 (Privacy)"]),
        ] {
            for (language, expected) in [(Language::En, english), (Language::Ko, korean)] {
                let labels = Labels::of(names.iter().copied(), language);
                let found: Vec<_> = names.iter().map(|name| labels.label(name)).collect();
                assert_eq!(found, expected, "{names:?}");
            }
        }
    }

    #[test]
    fn campaign_fields_are_unseen() {
        for (name, expected) in [
            ("utm_source", true),
            ("utm_content", true),
            ("gclid", true),
            ("li_fat_id", true),
            ("landing_page", true),
            ("referrer", false),
            ("source", false),
            ("email", false),
            ("campaign", false),
        ] {
            assert_eq!(is_unseen(name), expected, "{name}");
        }
    }
}
