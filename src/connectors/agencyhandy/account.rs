//! An AgencyHandy account: its options, what is known of it, and how its lists and ids look.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::connectors::RecordRef;
use crate::domain::{Template, TypedField};

pub(super) const CREATED: &[&str] = &["createdMembers", "addedLeads", "addedClients"];

pub(super) const SKIPPED: &[&str] = &["notAddedLeads", "notAddedClients"];

/// The steps. Both contracts create clients on the same route, so the step says which one a create speaks.
pub(super) const COMPANIES: &str = "companies";

pub(super) const ROLES: &str = "roles";

pub(super) const DOCUMENTED: &str = "documented_create";

pub(super) const CURRENT: &str = "current_create";

/// The member with the custom fields; also the section of their omission keys.
pub(super) const CUSTOM: &str = "customFields";

pub(super) const REQUIRED: &[&str] = &["email", "firstName", "lastName"];

/// One of the vendor's contracts, or the choice between them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Api {
    #[default]
    Auto,
    Company,
    Members,
}

/// What was looked up, and the contract that the account has moved to.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Account {
    pub(super) company_id: Option<String>,
    pub(super) role_id: Option<String>,
    pub(super) api: Api,
}

/// What an attempt does only once. The next attempt starts over, since the vendor may have changed.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// Company and role were rejected and looked up again.
    pub(super) looked_up_again: bool,
    /// The documented contract was found gone.
    pub(super) switched: bool,
    /// The note's field was rejected, even without markup.
    pub(super) without_note: bool,
}

/// An AgencyHandy account.
#[derive(Debug)]
pub(super) struct AgencyHandy {
    pub(super) is_client: bool,
    pub(super) api: Api,
    pub(super) company_id: Option<String>,
    pub(super) role_id: Option<String>,
    pub(super) status: String,
    pub(super) source: Template,
    pub(super) position_in_board: i64,
    pub(super) lead_type: Option<&'static str>,
    pub(super) lead_value: Option<Template>,
    pub(super) category: Vec<String>,
    pub(super) agent: Option<String>,
    pub(super) note_field: Option<String>,
    pub(super) fields: Vec<TypedField>,
}

/// Whether this can be an id (24 hex digits, in practice) and is safe in a path and a header.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The first entry of the first of these lists.
pub(super) fn first<'a>(body: &'a Json, lists: &[&str]) -> Option<&'a Json> {
    lists.iter().find_map(|list| body["data"][*list].get(0).or_else(|| body[*list].get(0)))
}

pub(super) fn id_of(entry: &Json) -> Option<String> {
    RecordRef::id_in(entry.get("_id")?)
}
