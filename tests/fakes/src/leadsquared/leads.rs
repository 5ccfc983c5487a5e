//! The leads of an account: `Lead.Capture` and the look-ups. <https://apidocs.leadsquared.com/capture-lead/>

use serde_json::{Map, Value, json};

use super::{exception, invalid, is_email, scripted, text};
use crate::Response;

/// The fields that every account has, as far as a form has something for them.
const STANDARD: &[&str] = &[
    "ProspectID",
    "FirstName",
    "LastName",
    "EmailAddress",
    "Phone",
    "Mobile",
    "Company",
    "JobTitle",
    "Website",
    "Source",
    "SourceMedium",
    "SourceCampaign",
    "SourceContent",
    "ProspectStage",
    "OwnerId",
    "Notes",
    "mx_Street1",
    "mx_Street2",
    "mx_City",
    "mx_State",
    "mx_Country",
    "mx_Zip",
];

const UNIQUE: [&str; 2] = ["EmailAddress", "Phone"];
const BEHAVIORS: [&str; 3] = ["DoNotUpdate", "UpdateOnlyEmptyFields", "DoNotUpdateUniqueFields"];

type Lead = Map<String, Value>;

/// The leads of an account.
#[derive(Debug, Default)]
pub(super) struct Leads {
    /// Custom fields, by schema name.
    pub(super) fields: Vec<String>,
    /// Fields without which no lead is taken.
    pub(super) mandatory: Vec<String>,
    list: Vec<Lead>,
}

impl Leads {
    /// Creates or updates a lead: its id, and how many rows changed. A new one gets `new_id`.
    pub(super) fn capture(
        &mut self,
        body: &Value,
        query: &[(String, String)],
        new_id: String,
    ) -> Result<(String, u64), Response> {
        let behavior = behavior(query)?;
        let (mut sent, search_by) = self.attributes(body)?;
        let found = self.matching(&sent, search_by.as_deref());
        if behavior == Some("DoNotUpdateUniqueFields") && found.is_some() {
            sent.retain(|name, _| !UNIQUE.contains(&name.as_str()));
        }
        if behavior != Some("DoNotUpdate") || found.is_none() {
            self.check_unique(&sent, found)?;
        }
        let Some(at) = found else {
            let mut lead = Lead::new();
            lead.insert("ProspectID".into(), json!(new_id));
            lead.extend(sent.into_iter().filter(|(name, _)| name != "ProspectID"));
            self.list.push(lead);
            return Ok((new_id, 1));
        };
        let lead = &mut self.list[at];
        let id = str_of(lead, "ProspectID").to_owned();
        if behavior == Some("DoNotUpdate") {
            return Ok((id, 0));
        }
        for (name, value) in sent {
            // The first source of a lead stays.
            let kept = name == "ProspectID" || (name == "Source" && lead.contains_key("Source"));
            let filled = behavior == Some("UpdateOnlyEmptyFields") && !str_of(lead, &name).is_empty();
            if !kept && !filled {
                lead.insert(name, value);
            }
        }
        Ok((id, 1))
    }

    /// The attributes of a body, and `SearchBy`, checked one by one.
    fn attributes(&self, body: &Value) -> Result<(Lead, Option<String>), Response> {
        let Some(list) = body.as_array() else { return Err(text(400, "The body has to be an array of attributes")) };
        let mut sent = Lead::new();
        let mut search_by = None;
        for pair in list {
            let (Some(name), Some(value), Some(2)) =
                (pair["Attribute"].as_str(), pair["Value"].as_str(), pair.as_object().map(Map::len))
            else {
                return Err(text(400, "Each item takes Attribute and Value, both text, and nothing else"));
            };
            if let Some(response) = scripted(value) {
                return Err(response);
            }
            if name == "SearchBy" {
                search_by = Some(value.to_owned());
            } else if !self.has_field(name) {
                return Err(invalid(&format!("'{name}' is not an attribute of a lead")));
            } else if sent.insert(name.to_owned(), json!(value)).is_some() {
                return Err(text(400, "An attribute stands twice"));
            }
        }
        let empty = |name: &str| str_of(&sent, name).trim().is_empty();
        if ["FirstName", "LastName", "EmailAddress", "Phone"].into_iter().all(empty) {
            return Err(missing("FirstName, LastName, EmailAddress or Phone"));
        }
        if let Some(name) = self.mandatory.iter().find(|name| empty(name)) {
            return Err(missing(name));
        }
        if !empty("EmailAddress") && !is_email(str_of(&sent, "EmailAddress")) {
            return Err(invalid("EmailAddress is not a valid email"));
        }
        if let Some(name) = search_by.as_deref().filter(|name| !self.has_field(name) || empty(name)) {
            return Err(invalid(&format!("SearchBy '{name}' has no value")));
        }
        Ok((sent, search_by))
    }

    fn has_field(&self, name: &str) -> bool {
        STANDARD.contains(&name) || self.fields.iter().any(|field| field == name)
    }

    /// Where the lead stands that these attributes mean.
    fn matching(&self, sent: &Lead, search_by: Option<&str>) -> Option<usize> {
        let by = |name: &str| {
            let value = str_of(sent, name);
            self.list.iter().position(|lead| !value.is_empty() && is_same(str_of(lead, name), value))
        };
        let all = ["ProspectID", "EmailAddress", "Phone"].iter().all(|name| !str_of(sent, name).is_empty());
        if let Some(name) = search_by.filter(|_| !all) {
            return by(name);
        }
        if let Some(at) = by("ProspectID") {
            let email = str_of(sent, "EmailAddress");
            // An id with somebody else's email is somebody else.
            return (email.is_empty() || is_same(str_of(&self.list[at], "EmailAddress"), email)).then_some(at);
        }
        by("EmailAddress").or_else(|| by("Phone"))
    }

    fn check_unique(&self, sent: &Lead, found: Option<usize>) -> Result<(), Response> {
        for name in UNIQUE {
            let value = str_of(sent, name);
            let owned = |(at, lead): (usize, &Lead)| Some(at) != found && is_same(str_of(lead, name), value);
            if !value.is_empty() && self.list.iter().enumerate().any(owned) {
                let message = format!("Duplicate entry '{value}' for key 'UQ_Prospect_Base_{name}'");
                return Err(exception(500, "MXDuplicateEntryException", &message));
            }
        }
        Ok(())
    }

    /// The leads with the query's email.
    pub(super) fn find_by_email(&self, query: &[(String, String)]) -> Response {
        match query {
            [(name, value)] if name == "emailaddress" => {
                self.found(|lead| is_same(str_of(lead, "EmailAddress"), value))
            }
            _ => text(400, "The query takes emailaddress and nothing else"),
        }
    }

    /// The leads with the query's phone, which may come without the country's code, and in digits only.
    /// <https://apidocs.leadsquared.com/get-lead-by-phone/>
    pub(super) fn find_by_phone(&self, query: &[(String, String)]) -> Response {
        match query {
            [(name, value)] if name == "phone" && !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
                self.found(|lead| digits(str_of(lead, "Phone")).ends_with(value.as_str()))
            }
            _ => text(400, "The query takes phone, in digits, and nothing else"),
        }
    }

    fn found(&self, is_meant: impl Fn(&Lead) -> bool) -> Response {
        let found = self.list.iter().filter(|lead| is_meant(lead));
        Response::json(200, found.cloned().map(Value::Object).collect())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Each lead with its id.
    pub(super) fn records(&self) -> Vec<(String, Lead)> {
        self.list.iter().map(|lead| (str_of(lead, "ProspectID").to_owned(), lead.clone())).collect()
    }
}

fn behavior(query: &[(String, String)]) -> Result<Option<&'static str>, Response> {
    match query {
        [] => Ok(None),
        [(name, value)] if name == "LeadUpdateBehavior" => {
            let known = BEHAVIORS.into_iter().find(|behavior| behavior == value);
            known.map(Some).ok_or_else(|| text(400, "LeadUpdateBehavior takes another value"))
        }
        _ => Err(text(400, "The query takes LeadUpdateBehavior and nothing else")),
    }
}

fn missing(name: &str) -> Response {
    exception(500, "MXMandatoryAttributeMissingException", &format!("'{name}' is mandatory"))
}

fn str_of<'a>(lead: &'a Lead, name: &str) -> &'a str {
    lead.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn is_same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}
