//! The note: everything of a lead that found no field of its own in the CRM, as text for a person.

use std::collections::BTreeSet;

use crate::config::{LeadField, Template};

use super::Lead;

/// A note in the making: say what was placed, then take the text.
#[derive(Debug)]
pub struct Note<'a> {
    lead: &'a Lead,
    placed: BTreeSet<LeadField>,
    used: BTreeSet<String>,
    refused: Vec<(String, String)>,
}

impl<'a> Note<'a> {
    /// A note in which everything of the lead still stands.
    pub fn new(lead: &'a Lead) -> Self {
        Self { lead, placed: BTreeSet::new(), used: BTreeSet::new(), refused: Vec::new() }
    }

    /// These lead fields went into fields of the CRM.
    pub fn placed(&mut self, fields: &[LeadField]) {
        self.placed.extend(fields);
    }

    /// Every variable of this template went into a field of the CRM.
    pub fn used(&mut self, template: &Template) {
        for name in template.variables() {
            self.used.insert(name.to_owned());
            self.placed.extend(LeadField::from_name(name));
        }
    }

    /// A value that did not fit, or that the CRM refused, under the CRM's own name for it.
    pub fn refused(&mut self, name: &str, text: &str) {
        self.refused.push((name.to_owned(), text.to_owned()));
    }

    /// The message first, then a line per value: `label: value`. Empty when everything was placed.
    pub fn text(&self) -> String {
        let mut parts = Vec::new();
        let open = |field: LeadField| !self.placed.contains(&field);
        parts.extend(self.lead.get(LeadField::Message).filter(|_| open(LeadField::Message)).map(str::to_owned));
        let mut lines = Vec::new();
        for (field, value) in &self.lead.values {
            if *field != LeadField::Message && open(*field) {
                lines.push(format!("{}: {value}", field.name()));
            }
        }
        for name in self.lead.unmapped.names() {
            if !self.used.contains(name) {
                let values: Vec<_> = self.lead.unmapped.all(name).collect();
                lines.push(format!("{name}: {}", values.join(", ")));
            }
        }
        lines.extend(self.refused.iter().map(|(name, text)| format!("{name}: {text}")));
        if !lines.is_empty() {
            parts.push(lines.join("\n"));
        }
        parts.join("\n\n")
    }
}
