//! Fields as they are stored: each name and value with its length in front, `4:name3:Ada`. JSON would double quotation marks
//! and line breaks, and a stranger chooses the text.

use std::fmt::Write as _;

use crate::domain::{Fields, Submission};

/// About what a submission takes besides its fields: ids, digests, its deliveries.
const ROW_BYTES: usize = 1000;

/// The fields as one text.
pub fn packed(fields: &Fields) -> String {
    let mut text = String::with_capacity(fields.0.iter().map(|(name, value)| name.len() + value.len() + 10).sum());
    for part in fields.0.iter().flat_map(|(name, value)| [name, value]) {
        let _ = write!(text, "{}:{part}", part.len());
    }
    text
}

/// The fields of such a text; `None` when it is damaged.
pub fn unpacked(mut text: &str) -> Option<Fields> {
    let mut fields = Fields::default();
    while !text.is_empty() {
        let (name, rest) = part(text)?;
        let (value, rest) = part(rest)?;
        fields.push(name, value);
        text = rest;
    }
    Some(fields)
}

fn part(text: &str) -> Option<(&str, &str)> {
    let (length, rest) = text.split_once(':')?;
    rest.split_at_checked(length.parse().ok()?)
}

/// About how many bytes a submission takes.
pub fn bytes_of(submission: &Submission) -> usize {
    submission.fields.0.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() + ROW_BYTES
}

/// The submission without its fields, which have a column.
pub fn without_fields(submission: &Submission) -> Submission {
    Submission {
        id: submission.id.clone(),
        form: submission.form.clone(),
        received_at: submission.received_at,
        fields: Fields::default(),
        page: submission.page.clone(),
        country: submission.country.clone(),
        locale: submission.locale.clone(),
        ignored: submission.ignored.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::fields;

    #[test]
    fn what_is_stored_is_no_larger_than_what_came() {
        for (value, bytes) in [("\"", 1), ("\n", 1), ("\\", 1), ("\u{1}", 1), ("한", 3), ("🎉", 4)] {
            let long = value.repeat(65_536);
            let all = fields(&[("a", &long), ("b:1", ""), ("", "2:x"), ("a", "Ada\r\n")]);
            let text = packed(&all);
            assert!(text.len() * 10 <= long.len() * 13 && long.len() == 65_536 * bytes, "{value:?}: {}", text.len());
            assert_eq!(unpacked(&text).as_ref(), Some(&all), "{value:?}");
        }
    }

    #[test]
    fn damaged_texts_are_no_fields() {
        assert_eq!(packed(&fields(&[("name", "Ada")])), "4:name3:Ada");
        for text in ["4:name3:Ad", "4:name", "x:a1:b", "4name", "1:한1:b", "-1:a1:b", "1:a1:b1"] {
            assert_eq!(unpacked(text), None, "{text}");
        }
    }
}
