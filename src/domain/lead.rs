//! Lead: the vendor-neutral person and message that a Submission maps to.
//!
//! Every filled value that the visitor sent is in `values` or in `unmapped`. A connector that places `values` and writes
//! `unmapped` to its note loses nothing.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::domain::sorted::Map;

use super::name::NameParts;
use super::submission::{Fields, Submission};

macro_rules! lead_fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// One vendor-neutral property of a lead; form fields map to these.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum LeadField { $($(#[$doc])* $variant,)+ }

        impl LeadField {
            /// Every lead field, in the order of notes and pages.
            pub const ALL: &'static [LeadField] = &[$(LeadField::$variant,)+];

            /// The name used in `map`, in templates and in the webhook's JSON.
            pub const fn name(self) -> &'static str {
                match self { $(LeadField::$variant => $name,)+ }
            }
        }
    };
}

lead_fields! {
    /// The full name, as the visitor wrote it.
    Name = "name",
    /// Given name.
    FirstName = "first_name",
    /// Family name.
    LastName = "last_name",
    /// E-mail address.
    Email = "email",
    /// Telephone number, as written.
    Phone = "phone",
    /// Company or organization.
    Company = "company",
    /// Position, role or job title.
    JobTitle = "job_title",
    /// The visitor's own website.
    Website = "website",
    /// What the visitor wrote.
    Message = "message",
    /// Street and house number, every line of it.
    Street = "street",
    /// City or town.
    City = "city",
    /// State, province or region.
    State = "state",
    /// Postal code.
    PostalCode = "postal_code",
    /// Country, as written, or the two letters of the visitor's network.
    Country = "country",
    /// Where the lead came from (`website`).
    Source = "source",
    /// The visitor's consent, as sent.
    Consent = "consent",
    /// When the consent was given, RFC 3339.
    ConsentAt = "consent_at",
    /// The visitor's language (`ko-KR`).
    Locale = "locale",
    /// Campaign source.
    UtmSource = "utm_source",
    /// Campaign medium.
    UtmMedium = "utm_medium",
    /// Campaign name.
    UtmCampaign = "utm_campaign",
    /// Campaign term.
    UtmTerm = "utm_term",
    /// Campaign content.
    UtmContent = "utm_content",
    /// Google Ads click id.
    Gclid = "gclid",
    /// Google Ads click id of an app.
    Gbraid = "gbraid",
    /// Google Ads click id of a web-to-app campaign.
    Wbraid = "wbraid",
    /// Google Display click id.
    Dclid = "dclid",
    /// Meta click id.
    Fbclid = "fbclid",
    /// Microsoft Ads click id.
    Msclkid = "msclkid",
    /// `TikTok` click id.
    Ttclid = "ttclid",
    /// `LinkedIn` click id.
    LiFatId = "li_fat_id",
    /// X (Twitter) click id.
    Twclid = "twclid",
    /// The page that led to the site.
    Referrer = "referrer",
    /// The first page of the visit.
    LandingPage = "landing_page",
}

impl LeadField {
    /// The lead field of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }
}

/// The vendor-neutral person and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// The submission, with all fields that the visitor sent.
    pub submission: Submission,
    /// The recognized and mapped values; trimmed, never blank.
    pub values: Map<LeadField, String>,
    /// The unmapped fields, in order, without blank values.
    pub unmapped: Fields,
    /// The places in the submission's fields that each value was made from. A place in none of these lists is unmapped.
    pub(crate) origins: Map<LeadField, Vec<usize>>,
    submitted_at: String,
}

/// The meaning of a template's variable in one lead.
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
    /// A lead whose values come from no form field.
    pub fn new(submission: Submission, values: Map<LeadField, String>, unmapped: Fields) -> Self {
        let submitted_at = rfc3339(submission.received_at);
        Self { submission, values, unmapped, origins: Map::new(), submitted_at }
    }

    /// The value of a lead field.
    pub fn get(&self, field: LeadField) -> Option<&str> {
        self.values.get(&field).map(String::as_str)
    }

    /// The form field that an error about this lead field belongs to: the first one that its value was made from. `None`
    /// for a constant, and for a value that the visitor did not send.
    pub fn origin(&self, field: LeadField) -> Option<&str> {
        self.origins_of(field).next().map(|(name, _)| name)
    }

    /// Every form field by its name, in order, and where it goes: the names of lead fields, or `note`.
    pub fn uses(&self) -> Vec<(&str, Vec<String>)> {
        let fields = self.submission.fields.places_by_name().into_iter();
        fields
            .map(|(name, places)| {
                let made = self.origins.iter().filter(|(_, from)| from.iter().any(|place| places.contains(place)));
                let mut uses: Vec<String> = made.map(|(field, _)| field.name().to_owned()).collect();
                if uses.is_empty() {
                    uses.push("note".to_owned());
                }
                (name, uses)
            })
            .collect()
    }

    /// Every form field that the value was made from, with what it held.
    pub(crate) fn origins_of(&self, field: LeadField) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        let places = self.origins.get(&field).map(Vec::as_slice).unwrap_or_default();
        let pairs = places.iter().filter_map(|place| self.submission.fields.0.get(*place));
        pairs.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Given and family name, for vendors that want both; [`NameParts::UNKNOWN`] replaces a missing part. Parts that the
    /// visitor gave win over the split of the full name.
    pub fn name_parts(&self) -> NameParts {
        let filled = |field| self.get(field).map(str::trim).filter(|value| !value.is_empty());
        NameParts::from_known(filled(LeadField::FirstName), filled(LeadField::LastName), filled(LeadField::Name))
    }

    /// The filled values of a template's variable.
    pub fn variable(&self, name: &str) -> Vec<&str> {
        match self.meaning(name) {
            Meaning::System("") => Vec::new(),
            Meaning::System(value) | Meaning::Lead(_, value) => vec![value],
            Meaning::Form => {
                self.submission.fields.all(name).map(str::trim).filter(|value| !value.is_empty()).collect()
            }
        }
    }

    /// The meaning of a template's variable; the first match wins.
    pub(crate) fn meaning(&self, name: &str) -> Meaning<'_> {
        match name {
            "form" => return Meaning::System(&self.submission.form),
            "submission_id" => return Meaning::System(&self.submission.id),
            "submitted_at" => return Meaning::System(&self.submitted_at),
            _ => {}
        }
        match LeadField::from_name(name).map(|field| (field, self.get(field))) {
            Some((field, Some(value))) => Meaning::Lead(field, value),
            // No form field sets the time of a consent.
            Some((LeadField::ConsentAt, None)) => Meaning::System(""),
            _ => Meaning::Form,
        }
    }
}

/// Milliseconds since 1970 as RFC 3339 in UTC: `2024-04-16T07:18:17.516Z`.
pub(crate) fn rfc3339(milliseconds: i64) -> String {
    let time: DateTime<Utc> = DateTime::from_timestamp_millis(milliseconds).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A lead with these form fields, nothing recognized.
    pub(crate) fn unmapped_lead(pairs: &[(&str, &str)]) -> Lead {
        let fields = Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
        let submission = Submission {
            id: "0192-id".into(),
            form: "contact".into(),
            received_at: 1_713_251_897_516,
            fields: fields.clone(),
            page: None,
            country: None,
            locale: None,
            ignored: Vec::new(),
        };
        Lead::new(submission, Map::new(), fields)
    }

    #[test]
    fn a_visitor_cannot_set_system_words() {
        let own = ["form", "submission_id", "submitted_at", "consent_at"];
        let lead = unmapped_lead(&own.map(|name| (name, "x")));
        assert!(lead.variable("consent_at").is_empty());
        assert_eq!(lead.variable("form"), ["contact"]);
        assert_eq!(lead.variable("submission_id"), ["0192-id"]);
        assert_eq!(lead.variable("submitted_at"), ["2024-04-16T07:18:17.516Z"]);
    }
}
