//! A Destination: a configured CRM account. What all of them share is here; each CRM's own keys are in its file.

pub mod agencyhandy;
pub mod leadsquared;
pub mod salesmap;
pub mod stateset;
pub mod webhook;

use super::reader::Reader;

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

    /// Whether only a form with `access = "token"` may lead here.
    pub const fn needs_token(&self) -> bool {
        matches!(self, Self::LeadSquared(leadsquared::Options { record: leadsquared::Record::User(_), .. }))
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        type Read = fn(&mut Reader<'_>) -> Option<CrmOptions>;
        const CRMS: &[(&str, Read)] = &[
            ("agencyhandy", |r| agencyhandy::read(r).map(CrmOptions::AgencyHandy)),
            ("salesmap", |r| salesmap::read(r).map(CrmOptions::Salesmap)),
            ("leadsquared", |r| leadsquared::read(r).map(CrmOptions::LeadSquared)),
            ("stateset", |r| stateset::read(r).map(CrmOptions::StateSet)),
            ("webhook", |r| webhook::read(r).map(CrmOptions::Webhook)),
        ];
        let read = reader.choice("crm", CRMS)?;
        read(reader)
    }
}
