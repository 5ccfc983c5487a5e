//! Lead: the CRM-neutral person and message that a Submission is mapped to.
//!
//! A Lead holds three views of one visitor: what was recognised or mapped (`values`), what was not (`unmapped`), and
//! the Submission itself. Every filled value that the visitor sent is in the first or in the second, so that a CRM
//! which places the first and puts the second into its note loses nothing.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Fields, LeadField, NameParts, Submission};

/// The CRM-neutral person and message. [`from_submission`] makes it from what the visitor sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// The submission that it was made from; its `fields` hold everything the visitor sent.
    pub submission: Submission,
    /// What was recognised or mapped; never blank, trimmed.
    pub values: BTreeMap<LeadField, String>,
    /// What was mapped nowhere, in order, blank values left out.
    pub unmapped: Fields,
    /// The form fields that each value was made of. A form field that is in none of these lists is unmapped.
    pub(crate) origins: BTreeMap<LeadField, Vec<String>>,
    submitted_at: String,
}

/// What a template's variable stands for, for one lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning<'a> {
    /// A system word, which the visitor cannot set.
    System(&'a str),
    /// A lead field that has a value.
    Lead(LeadField, &'a str),
    /// A form field of the variable's name, filled or not.
    Form,
}

impl Lead {
    /// A lead whose values are known already and come from no form field.
    pub fn new(submission: Submission, values: BTreeMap<LeadField, String>, unmapped: Fields) -> Self {
        let submitted_at = rfc3339(submission.received_at);
        Self { submission, values, unmapped, origins: BTreeMap::new(), submitted_at }
    }

    /// The value of a lead field.
    pub fn get(&self, field: LeadField) -> Option<&str> {
        self.values.get(&field).map(String::as_str)
    }

    /// The form field that a lead field was taken from, the first of them when it was made of several; `None` for a
    /// constant, and for what the visitor did not send. An error about a value belongs at this field.
    pub fn origin(&self, field: LeadField) -> Option<&str> {
        self.origins_of(field).first().map(String::as_str)
    }

    /// Given and family name, for the CRMs that want them apart; `-` stands for a part that is not known, so neither
    /// is ever empty. What the visitor gave apart goes before what the whole name is split into.
    pub fn name_parts(&self) -> NameParts {
        let filled = |field| self.get(field).map(str::trim).filter(|value| !value.is_empty());
        NameParts::from_known(filled(LeadField::FirstName), filled(LeadField::LastName), filled(LeadField::Name))
    }

    /// What a template's variable stands for: a system word, a lead field, or a form field; no blank values.
    pub fn variable(&self, name: &str) -> Vec<&str> {
        match self.meaning(name) {
            Meaning::System(value) | Meaning::Lead(_, value) => vec![value],
            Meaning::Form => {
                self.submission.fields.all(name).map(str::trim).filter(|value| !value.is_empty()).collect()
            }
        }
    }

    /// How a variable is understood: the order is that of [`crate::config::template`].
    pub(crate) fn meaning(&self, name: &str) -> Meaning<'_> {
        match name {
            "form" => return Meaning::System(&self.submission.form),
            "submission_id" => return Meaning::System(&self.submission.id),
            "submitted_at" => return Meaning::System(&self.submitted_at),
            _ => {}
        }
        let lead_field = LeadField::from_name(name).and_then(|field| Some((field, self.get(field)?)));
        lead_field.map_or(Meaning::Form, |(field, value)| Meaning::Lead(field, value))
    }

    pub(crate) fn origins_of(&self, field: LeadField) -> &[String] {
        self.origins.get(&field).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Milliseconds since 1970 as RFC 3339 in UTC: `2024-04-16T07:18:17.516Z`.
pub(crate) fn rfc3339(milliseconds: i64) -> String {
    let time: DateTime<Utc> = DateTime::from_timestamp_millis(milliseconds).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
