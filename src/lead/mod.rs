//! Lead: the CRM-neutral person and message that a Submission is mapped to.

pub mod note;
pub mod render;
pub mod typed;

use std::collections::BTreeMap;

use crate::config::LeadField;
use crate::form::{Fields, Submission};

/// The CRM-neutral person and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// The submission that it was made from; its `fields` hold everything the visitor sent.
    pub submission: Submission,
    /// What was recognised or mapped; never blank, trimmed.
    pub values: BTreeMap<LeadField, String>,
    /// What was mapped nowhere, in order, blank values left out.
    pub unmapped: Fields,
}

impl Lead {
    /// The value of a lead field.
    pub fn get(&self, field: LeadField) -> Option<&str> {
        self.values.get(&field).map(String::as_str)
    }

    /// Given and family name, for the CRMs that want them apart; neither is ever empty (skeleton).
    pub fn name_parts(&self) -> NameParts {
        NameParts {
            first: self.get(LeadField::FirstName).unwrap_or("-").into(),
            last: self.get(LeadField::LastName).unwrap_or("-").into(),
        }
    }

    /// What a template's variable stands for: a system word, a lead field, or a form field; no blank values.
    pub fn variable(&self, name: &str) -> Vec<&str> {
        match name {
            "form" => return vec![&self.submission.form],
            "submission_id" => return vec![&self.submission.id],
            _ => {}
        }
        if let Some(value) = LeadField::from_name(name).and_then(|field| self.get(field)) {
            return vec![value];
        }
        self.submission.fields.all(name).filter(|value| !value.trim().is_empty()).collect()
    }
}

/// A name in two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameParts {
    /// Given name.
    pub first: String,
    /// Family name.
    pub last: String,
}
