//! Values that a form asks for in pieces: a telephone number in three boxes, an address in two around an `@`.
//!
//! Common on Korean websites: `phone1=010&phone2=1234&phone3=5678`, `tel=02&tel=123&tel=4567`,
//! `email1=gildong&email2=example.com`. Taken one by one, the lead's telephone number would be `010`. The pieces are
//! known by their values, so that two whole numbers in `phone1` and `phone2` stay two.

use crate::domain::LeadField;
use crate::domain::Fields;

use super::recognise::{bare, recognise};

/// A value put together, with the form fields that its pieces stood in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) field: LeadField,
    pub(super) value: String,
    pub(super) origins: Vec<String>,
}

/// Fields that may be pieces of one value: they mean the same, and their names differ in a number at most.
struct Group<'a> {
    field: LeadField,
    stem: String,
    pieces: Vec<(&'a str, &'a str)>,
}

/// Every value of `fields` that stands there in pieces.
pub(super) fn wholes(fields: &Fields) -> Vec<Whole> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (name, value) in &fields.0 {
        let (value, field) = (value.trim(), recognise(name));
        let Some(field @ (LeadField::Phone | LeadField::Email)) = field.filter(|_| !value.is_empty()) else { continue };
        let stem = bare(name).trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        match groups.iter_mut().find(|group| group.field == field && group.stem == stem) {
            Some(group) => group.pieces.push((name, value)),
            None => groups.push(Group { field, stem, pieces: vec![(name, value)] }),
        }
    }
    groups.iter().filter_map(Group::whole).collect()
}

impl Group<'_> {
    fn whole(&self) -> Option<Whole> {
        let values: Vec<&str> = self.pieces.iter().map(|(_, value)| *value).collect();
        let value = match (self.field, values.as_slice()) {
            (LeadField::Phone, [_, _, _]) if values.iter().all(|value| is_block(value)) => values.join("-"),
            (LeadField::Email, [user, host]) if is_user(user) && is_host(host) => values.join("@"),
            _ => return None,
        };
        let mut origins: Vec<String> = self.pieces.iter().map(|(name, _)| (*name).to_owned()).collect();
        origins.dedup();
        Some(Whole { field: self.field, value, origins })
    }
}

fn is_block(text: &str) -> bool {
    (2..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_user(text: &str) -> bool {
    !text.contains(|c: char| c == '@' || c.is_whitespace() || c.is_control())
}

fn is_host(text: &str) -> bool {
    is_user(text) && text.contains('.') && !text.starts_with('.') && !text.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pairs: &[(&str, &str)]) -> Vec<(LeadField, String, Vec<String>)> {
        let fields = Fields(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect());
        wholes(&fields).into_iter().map(|whole| (whole.field, whole.value, whole.origins)).collect()
    }

    #[test]
    fn numbers_in_three_boxes_and_addresses_in_two() {
        let boxes = [("phone1", "010"), ("email1", "gildong"), ("phone2", " 1234"), ("phone3", "5678")];
        let number =
            (LeadField::Phone, "010-1234-5678".to_owned(), ["phone1", "phone2", "phone3"].map(str::to_owned).to_vec());
        assert_eq!(found(&boxes), std::slice::from_ref(&number));
        let mut both = boxes.to_vec();
        both.push(("email2", "example.com"));
        let address =
            (LeadField::Email, "gildong@example.com".to_owned(), vec!["email1".to_owned(), "email2".to_owned()]);
        assert_eq!(found(&both), [number, address]);
        let repeated = [("연락처", "02"), ("연락처", "123"), ("연락처", "4567")];
        assert_eq!(found(&repeated), [(LeadField::Phone, "02-123-4567".to_owned(), vec!["연락처".to_owned()])]);
    }

    #[test]
    fn what_is_whole_already_stays_as_it_is() {
        for pairs in [
            &[("phone1", "010-1234-5678"), ("phone2", "02-123-4567")][..],
            &[("phone1", "01012345678"), ("phone2", "021234567"), ("phone3", "15881234")],
            &[("phone1", "home"), ("phone2", "work"), ("phone3", "none")],
            &[("phone", "010"), ("mobile", "1234"), ("tel", "5678")],
            &[("phone1", "010"), ("phone2", "1234")],
            &[("email", "a@example.com"), ("email2", "b@example.com")],
            &[("email1", "a@example.com"), ("email2", "example.com")],
            &[("email1", "two words"), ("email2", "example.com")],
            &[("zip1", "010"), ("zip2", "1234"), ("zip3", "5678")],
        ] {
            assert_eq!(found(pairs), []);
        }
    }
}
