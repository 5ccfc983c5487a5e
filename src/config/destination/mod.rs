//! A Destination: a configured CRM account. What all of them share is here; each CRM's own keys are in its file.

pub mod agencyhandy;
pub mod leadsquared;
pub mod salesmap;
pub mod stateset;
pub mod webhook;

use serde_json::{Map, Value};

use crate::domain::settings::Reader;

use super::Pace;

/// A configured CRM account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Its name (`acme-salesmap` for `DESTINATION_ACME_SALESMAP`).
    pub name: String,
    /// Which CRM, and its own options.
    pub crm: CrmOptions,
    /// The pauses between tries, in milliseconds; `None`: the schedule of `delivery::schedule`.
    pub retry: Option<Vec<u64>>,
    /// How long one call may take, in milliseconds.
    pub timeout_ms: u64,
    /// How many calls it may get; `None`: as many as there are.
    pub pace: Option<Pace>,
}

/// Which CRM a destination speaks to, with the options of that CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrmOptions {
    /// AgencyHandy, a lead or a client.
    AgencyHandy(agencyhandy::Options),
    /// Salesmap, a lead with its person and organization.
    Salesmap(salesmap::Options),
    /// LeadSquared, a lead or a user.
    LeadSquared(leadsquared::Options),
    /// StateSet, a lead.
    StateSet(stateset::Options),
    /// A signed webhook.
    Webhook(webhook::Options),
}

impl CrmOptions {
    /// The word of the key `crm`, which is also the folder of the CRM below `CRM_ORIGIN`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AgencyHandy(_) => "agencyhandy",
            Self::Salesmap(_) => "salesmap",
            Self::LeadSquared(_) => "leadsquared",
            Self::StateSet(_) => "stateset",
            Self::Webhook(_) => "webhook",
        }
    }

    /// What is made there, for people: `lead`, `client`, `user`.
    pub const fn record(&self) -> &'static str {
        match self {
            Self::AgencyHandy(agencyhandy::Options { record: agencyhandy::Record::Client, .. }) => "client",
            Self::LeadSquared(leadsquared::Options { record: leadsquared::Record::User(_), .. }) => "user",
            Self::Webhook(_) => "submission",
            _ => "lead",
        }
    }

    /// The secrets that this CRM needs, without the destination's name in front (`TOKEN`).
    pub const fn secrets(&self) -> &'static [&'static str] {
        match self {
            Self::AgencyHandy(_) => agencyhandy::SECRETS,
            Self::Salesmap(_) => salesmap::SECRETS,
            Self::LeadSquared(_) => leadsquared::SECRETS,
            Self::StateSet(_) => stateset::SECRETS,
            Self::Webhook(_) => webhook::SECRETS,
        }
    }

    /// The limit that the vendor documents, where it does (LeadSquared's is that of its user page; plans differ).
    pub const fn documented_pace(&self) -> Option<Pace> {
        match self {
            Self::Salesmap(_) => Some(Pace { points: 100, window_ms: 10_000 }),
            Self::LeadSquared(_) => Some(Pace { points: 25, window_ms: 5_000 }),
            Self::StateSet(_) => Some(Pace { points: 100, window_ms: 60_000 }),
            Self::AgencyHandy(_) | Self::Webhook(_) => None,
        }
    }

    /// Whether what has no field of its own, the visitor's message above all, has a place in the lead that is made there.
    /// (Who becomes a client has written a message before.)
    pub fn takes_note(&self) -> bool {
        match self {
            Self::AgencyHandy(options) => {
                let is_client = options.record == agencyhandy::Record::Client;
                is_client || (options.api == agencyhandy::Api::Members && options.note_field.is_some())
            }
            Self::Salesmap(_) | Self::LeadSquared(_) | Self::StateSet(_) | Self::Webhook(_) => true,
        }
    }

    /// Whether only a form with `access = "token"` may lead here.
    pub const fn needs_token(&self) -> bool {
        matches!(self, Self::LeadSquared(leadsquared::Options { record: leadsquared::Record::User(_), .. }))
    }
}

/// The same of a table that may be wrong otherwise, see [`CrmOptions::needs_token`].
pub(super) fn is_to_make_logins(table: &Map<String, Value>) -> bool {
    table.get("crm").is_some_and(|crm| crm == "leadsquared") && table.get("record").is_some_and(|kind| kind == "user")
}

/// Reads the keys of one CRM.
type Read = fn(&mut Reader<'_>) -> Option<CrmOptions>;

/// The words of the key `crm`.
const CRMS: &[(&str, Read)] = &[
    ("agencyhandy", |r| agencyhandy::read(r).map(CrmOptions::AgencyHandy)),
    ("salesmap", |r| salesmap::read(r).map(CrmOptions::Salesmap)),
    ("leadsquared", |r| leadsquared::read(r).map(CrmOptions::LeadSquared)),
    ("stateset", |r| stateset::read(r).map(CrmOptions::StateSet)),
    ("webhook", |r| webhook::read(r).map(CrmOptions::Webhook)),
];

impl Destination {
    /// How long a call may take when the operator says nothing.
    pub const TIMEOUT_MS: u64 = 20_000;
    /// How many pauses a `retry` of the operator's own may have.
    const RETRIES: usize = 50;
    /// The longest pause: an alarm may be set later, but a lead of last month is no lead.
    const LONGEST_PAUSE: &str = "30d";

    /// Reads the destination's table. Mistakes go to the reader; a destination with mistakes is not to be used.
    pub(super) fn read(name: &str, mut reader: Reader<'_>) -> Option<Self> {
        let retry = reader.durations("retry", Self::RETRIES, Self::LONGEST_PAUSE);
        let timeout_ms = reader.duration("timeout", "1s", "60s").unwrap_or(Self::TIMEOUT_MS);
        let pace = reader.pace("pace");
        // Without a known CRM there is no saying which keys are known: one mistake is reported, not ten.
        let read = reader.required_choice("crm", CRMS)?;
        let crm = read(&mut reader);
        reader.finish();
        let crm = crm?;
        let pace = pace.or_else(|| crm.documented_pace());
        Some(Self { name: name.to_owned(), crm, retry, timeout_ms, pace })
    }
}
