//! The users of an account: `User/Create`. <https://apidocs.leadsquared.com/create-a-user/>
//!
//! The page's own example sends empty texts for what it leaves open, so an empty text is taken and means nothing.

use serde_json::{Map, Value, json};

use super::{exception, invalid, is_email, scripted, text};
use crate::Response;

const ROLES: [&str; 4] = ["Administrator", "Marketing_User", "Sales_Manager", "Sales_User"];
const DATE_FORMATS: [&str; 4] = ["mm/dd/yy", "mm/dd/yyyy", "dd/mm/yy", "dd/mm/yyyy"];
const TEXTS: [&str; 12] = [
    "FirstName",
    "LastName",
    "AssociatedPhoneNumbers",
    "ManagerUserId",
    "PhoneMobile",
    "TimeZone",
    "DateFormat",
    "Password",
    "TeamId",
    "WorkDayTemplateId",
    "HolidayCalendarId",
    "EmailAddress",
];
const RIGHTS: [&str; 5] = [
    "ViewAllLeadsOfGroup",
    "ModifyAllLeadsOfGroup",
    "AddUsersToGroup",
    "ViewAllAccountsOfGroup",
    "ModifyAllAccountsOfGroup",
];

/// The users of an account.
#[derive(Debug)]
pub(super) struct Users {
    /// Custom fields, by schema name.
    pub(super) fields: Vec<String>,
    list: Vec<(String, Map<String, Value>)>,
}

impl Default for Users {
    /// No user, and the custom fields of the page's example.
    fn default() -> Self {
        let fields = ["Appraisal_Date", "Lead_Assignment_Daily_Limit", "Marital_Status"].map(str::to_owned);
        Self { fields: fields.into(), list: Vec::new() }
    }
}

impl Users {
    /// Makes a user with this id.
    pub(super) fn create(&mut self, body: &Value, id: &str) -> Result<(), Response> {
        let Some(sent) = body.as_object() else { return Err(text(400, "The body has to be an object")) };
        for (name, value) in sent {
            let right = match name.as_str() {
                name if TEXTS.contains(&name) => value.is_string(),
                "Role" => value.is_string(),
                "IsPhoneCallAgent" => value.is_boolean(),
                "UserType" => matches!(value.as_u64(), Some(0 | 1)),
                "CustomFields" => self.are_fields(value),
                "AssociatedGroups" => value.as_array().is_some_and(|groups| groups.iter().all(is_group)),
                _ => false,
            };
            if !right {
                return Err(text(400, &format!("{name} is no parameter or has the wrong type")));
            }
            if let Some(response) = value.as_str().and_then(scripted) {
                return Err(response);
            }
        }
        let get = |name: &str| sent.get(name).and_then(Value::as_str).unwrap_or_default();
        for name in ["FirstName", "EmailAddress", "Role"] {
            if get(name).trim().is_empty() {
                let message = format!("'{name}' is mandatory for creating user");
                return Err(exception(500, "MXMandatoryAttributeMissingException", &message));
            }
        }
        if !ROLES.contains(&get("Role")) {
            return Err(invalid("Role does not exist"));
        }
        if !is_email(get("EmailAddress")) {
            return Err(invalid("EmailAddress is not a valid email"));
        }
        if !get("DateFormat").is_empty() && !DATE_FORMATS.contains(&get("DateFormat")) {
            return Err(invalid("DateFormat is not supported"));
        }
        if !get("TimeZone").is_empty() && !get("TimeZone").contains('/') && get("TimeZone") != "Egypt" {
            return Err(invalid("TimeZone is not supported"));
        }
        let email = get("EmailAddress").to_lowercase();
        if self.list.iter().any(|(_, user)| user["EmailAddress"].as_str().map(str::to_lowercase) == Some(email.clone()))
        {
            return Err(exception(500, "MXDuplicateEntryException", "A User with same Email already exists."));
        }
        let mut user = Map::from_iter([("ID".to_owned(), json!(id))]);
        user.extend(sent.clone());
        self.list.push((id.to_owned(), user));
        Ok(())
    }

    fn are_fields(&self, value: &Value) -> bool {
        let known = |(name, value): (&String, &Value)| self.fields.contains(name) && value.is_string();
        value.as_object().is_some_and(|fields| fields.iter().all(known))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Each user with its id.
    pub(super) fn records(&self) -> Vec<(String, Map<String, Value>)> {
        self.list.clone()
    }
}

fn is_group(value: &Value) -> bool {
    let Some(group) = value.as_object() else { return false };
    group.get("GroupId").and_then(Value::as_str).is_some_and(|id| !id.is_empty())
        && group.iter().all(|(name, value)| {
            name == "GroupId" || (RIGHTS.contains(&name.as_str()) && matches!(value.as_u64(), Some(0 | 1)))
        })
}
