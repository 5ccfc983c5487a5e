//! A user: <https://apidocs.leadsquared.com/create-a-user/>. A login and a paid seat, and an Administrator owns the account.
//!
//! - A user has no note, and a login that is not quite what was asked for is worse than none: a value that does not fit
//!   its type rejects the lead, and nothing is ever omitted.
//! - A role that comes from the form must be one of `allowed_roles`.
//! - An email has one user, so a repeated create is rejected. The page documents no error for it; leads get this one.

use serde_json::{Map, Value as Json, json};

use crate::connectors::{
    AnyConnector, Call, Connector, Failure, FailureKind, Options, Outcome, Progress, RecordRef, Response, Step,
};
use crate::domain::template::Part;
use crate::domain::template::render;
use crate::domain::typed::{Value, typed};
use crate::domain::{Kind, Lead, LeadField, NameParts, Template, TypedField};

use super::api::{Api, Said, record, text_of, with_keys};

const ROLES: &[&str] = &["Administrator", "Marketing_User", "Sales_Manager", "Sales_User"];

/// The optional parameters; `build` has the types of those that are not texts.
const PARAMETERS: &[&str] = &[
    "AssociatedPhoneNumbers",
    "IsPhoneCallAgent",
    "UserType",
    "ManagerUserId",
    "PhoneMobile",
    "TimeZone",
    "DateFormat",
    "Password",
    "TeamId",
    "WorkDayTemplateId",
    "HolidayCalendarId",
];

/// What a user may do in a sales group.
const RIGHTS: [&str; 5] = [
    "ViewAllLeadsOfGroup",
    "ModifyAllLeadsOfGroup",
    "AddUsersToGroup",
    "ViewAllAccountsOfGroup",
    "ModifyAllAccountsOfGroup",
];

const KNOWN: &str = "LeadSquared has a user with this email";

/// The users of a LeadSquared account.
#[derive(Debug)]
struct Users {
    api: Api,
    role: Template,
    allowed_roles: Vec<String>,
    parameters: Vec<TypedField>,
    groups: Vec<Group>,
    custom_fields: Vec<TypedField>,
}

/// A sales group that the user joins.
#[derive(Debug)]
struct Group {
    id: Template,
    /// Each of [`RIGHTS`], 0 or 1.
    rights: Map<String, Json>,
}

pub(super) fn build(api: Api, options: &mut Options<'_, '_>) -> Option<Box<dyn AnyConnector>> {
    let (role, mut allowed_roles) = (options.template("role"), options.texts("allowed_roles"));
    let key = match role.as_ref().map(|role| role.parts.as_slice()) {
        Some([Part::Text(role)]) => {
            allowed_roles = vec![role.clone()];
            "role"
        }
        _ => "allowed_roles",
    };
    if allowed_roles.is_empty() {
        allowed_roles.push("Sales_User".to_owned());
    }
    if let Some(unknown) = allowed_roles.iter().find(|role| !ROLES.contains(&role.as_str())) {
        options.reader().wrong(key, &json!(unknown), &format!("one of {}", ROLES.join(", ")));
    }
    let password = options.reader().raw("parameters").and_then(|parameters| parameters.get("Password"));
    if password.is_some_and(|password| !is_one_field(password)) {
        // The mistake must not show what it found.
        let takes = "takes one form field and nothing else, as in \"{password}\"; the config must not hold a password";
        options.reader().error("parameters.Password", takes);
        return None;
    }
    let mut parameters = options.fields("parameters");
    for parameter in &mut parameters {
        parameter.kind = match parameter.name.as_str() {
            "IsPhoneCallAgent" => Kind::Bool,
            "UserType" => Kind::Number,
            name if PARAMETERS.contains(&name) => Kind::Text,
            name => {
                let message = format!("is not an optional parameter of a user; those are {}", PARAMETERS.join(", "));
                options.reader().error(&format!("parameters.{name}"), message);
                continue;
            }
        };
    }
    let (groups, custom_fields) = (groups(options)?, options.fields("custom_fields"));
    Some(Box::new(Users { api, role: role?, allowed_roles, parameters, groups, custom_fields }))
}

fn is_one_field(value: &Json) -> bool {
    let template = value.as_str().and_then(|text| Template::parse(text).ok());
    template.is_some_and(|template| matches!(template.parts.as_slice(), [Part::Variable { fallback: None, .. }]))
}

fn groups(options: &mut Options<'_, '_>) -> Option<Vec<Group>> {
    let Some(value) = options.reader().raw("groups") else { return Some(Vec::new()) };
    let groups = value.as_array().and_then(|groups| groups.iter().map(group).collect());
    if groups.is_none() {
        let rights = RIGHTS.join(", ");
        let takes = format!("a list of tables, each with a GroupId and any of these, 0 or 1: {rights}");
        options.reader().wrong("groups", value, &takes);
    }
    groups
}

/// A right that is not granted is sent as 0: the vendor documents no default.
fn group(value: &Json) -> Option<Group> {
    let table = value.as_object()?;
    let is_known = |key: &str| key == "GroupId" || RIGHTS.contains(&key);
    let id = table.get("GroupId")?.as_str().filter(|id| !id.trim().is_empty())?;
    let right = |name: &str| match table.get(name).map_or(Some(0), Json::as_u64)? {
        granted @ (0 | 1) => Some((name.to_owned(), json!(granted))),
        _ => None,
    };
    let rights = RIGHTS.into_iter().map(right).collect::<Option<_>>()?;
    table.keys().all(|key| is_known(key)).then_some(Group { id: Template::parse(id).ok()?, rights })
}

impl Connector for Users {
    type State = ();
    type Account = ();

    fn next(&self, lead: &Lead, _: &Progress<()>, (): &()) -> Step {
        match self.body(lead) {
            Ok(body) => {
                let url = self.api.url("UserManagement.svc/User/Create");
                with_keys(Call::post("user", url)).json(&Json::Object(body)).idempotent().into()
            }
            Err(failure) => Step::Rejected(failure),
        }
    }

    fn read(&self, call: &Call, response: &Response, _: &mut Progress<()>, (): &mut ()) -> Outcome {
        let phrases = response.phrases(call);
        let outcome = match self.api.said(response, &phrases) {
            Said::Success(message) => record(message, KNOWN).map_or_else(|| response.by_status(), Outcome::Delivered),
            // Only an email makes it the same person; the response does not say which user has it.
            Said::Duplicate(failure) if phrases.contains("phone") && !phrases.contains("email") => {
                Outcome::Rejected(failure)
            }
            Said::Duplicate(_) => Outcome::Delivered(RecordRef::already_there("", KNOWN)),
            Said::Invalid(failure) => Outcome::Rejected(failure),
            Said::Other(outcome) => outcome,
        };
        without_password(outcome, call, response.status)
    }

    fn probe(&self) -> Option<Call> {
        Some(self.api.probe())
    }
}

impl Users {
    fn body(&self, lead: &Lead) -> Result<Map<String, Json>, Failure> {
        let incomplete = |what| Failure::new(FailureKind::Incomplete, format!("LeadSquared requires {what} of a user"));
        let (names, email) = (lead.name_parts(), lead.get(LeadField::Email).ok_or_else(|| incomplete("an email"))?);
        if names.first == NameParts::UNKNOWN {
            return Err(incomplete("a first name"));
        }
        let mut body = Map::from_iter([("FirstName".to_owned(), json!(names.first))]);
        if names.last != NameParts::UNKNOWN {
            body.insert("LastName".into(), json!(names.last));
        }
        body.insert("EmailAddress".into(), json!(email));
        body.insert("Role".into(), json!(self.role(lead)?));
        for parameter in &self.parameters {
            let value = match value_of(parameter, lead)? {
                // A password is taken as it was typed, with the spaces around it.
                Some(_) if parameter.name == "Password" => {
                    json!(parameter.template.variables().find_map(|name| lead.submission.fields.first(name)))
                }
                Some(Value::Bool(flag)) => json!(flag),
                Some(Value::Number(number)) => json!(number),
                Some(other) => json!(text_of(other)),
                None => continue,
            };
            body.insert(parameter.name.clone(), value);
        }
        let mut custom_fields = Map::new();
        for field in &self.custom_fields {
            let value = value_of(field, lead)?.map(|value| json!(text_of(value)));
            custom_fields.extend(value.map(|value| (field.name.clone(), value)));
        }
        if !custom_fields.is_empty() {
            body.insert("CustomFields".into(), Json::Object(custom_fields));
        }
        let groups: Vec<Json> = self.groups.iter().filter_map(|group| group.json(lead)).collect();
        if !groups.is_empty() {
            body.insert("AssociatedGroups".into(), Json::Array(groups));
        }
        Ok(body)
    }

    fn role(&self, lead: &Lead) -> Result<String, Failure> {
        let role = render(&self.role, lead).trim().to_owned();
        if role.is_empty() {
            return Err(Failure::new(FailureKind::Incomplete, "LeadSquared requires a role of a user"));
        }
        if !self.allowed_roles.contains(&role) {
            let allowed = self.allowed_roles.join(", ");
            let detail = format!("the role \"{role}\" is not allowed here; allowed_roles has: {allowed}");
            return Err(Failure::new(FailureKind::Invalid, detail));
        }
        Ok(role)
    }
}

impl Group {
    /// `None` when the form left the group's id empty.
    fn json(&self, lead: &Lead) -> Option<Json> {
        let id = render(&self.id, lead);
        let id = Some(id.trim()).filter(|id| !id.is_empty())?;
        let mut group = Map::from_iter([("GroupId".to_owned(), json!(id))]);
        group.extend(self.rights.clone());
        Some(Json::Object(group))
    }
}

fn value_of(field: &TypedField, lead: &Lead) -> Result<Option<Value>, Failure> {
    typed(field, lead).map_err(|mismatch| {
        let (name, kind, text) = (mismatch.name, field.kind.name(), mismatch.text);
        Failure::new(FailureKind::Invalid, format!("{name} takes a {kind}, and the form gave \"{text}\""))
    })
}

/// Some vendors repeat what they reject, and their words are stored. A password must not be among them.
fn without_password(outcome: Outcome, call: &Call, status: u16) -> Outcome {
    let sent = call.sent();
    let Some(password) = sent["Password"].as_str() else { return outcome };
    let hide = |failure: Failure| {
        let detail = format!("HTTP {status}: the response repeats the password and is not kept");
        if failure.detail.contains(password) { Failure { detail, ..failure } } else { failure }
    };
    match outcome {
        Outcome::Retry(failure) => Outcome::Retry(hide(failure)),
        Outcome::Rejected(failure) => Outcome::Rejected(hide(failure)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::DESCRIPTOR;
    use super::super::tests::{SUCCESS, exception, mistakes};
    use super::*;
    use crate::connectors::testing::{self, account, lead};

    const STAFF: &[(&str, &str)] = &[
        ("first_name", "Chris"),
        ("last_name", "Harris"),
        ("email", "charris@example.com"),
        ("role", "Sales_User"),
        ("password", " s3cret "),
        ("agent", "on"),
        ("type", "1"),
        ("group", "g1"),
        ("appraisal", "2026-10-04"),
        ("limit", "25"),
    ];

    fn settings(options: &Json) -> Json {
        let mut settings =
            json!({ "type": "leadsquared", "record": "user", "region": "india-mumbai", "role": "Sales_User" });
        settings.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        settings
    }

    #[test]
    fn requests_for_a_full_and_a_minimal_user() {
        let full = account(
            "acme",
            settings(&json!({
                "role": "{role}",
                "parameters": {
                    "AssociatedPhoneNumbers": "+91-8888888888", "IsPhoneCallAgent": "{agent}", "UserType": "{type}",
                    "PhoneMobile": "{mobile}", "TimeZone": "Asia/Kolkata", "Password": "{password}",
                },
                "groups": [{ "GroupId": "{group}", "ViewAllLeadsOfGroup": 1 }, { "GroupId": "{other_group}" }],
                "custom_fields": {
                    "Appraisal_Date": { "date": "{appraisal}" }, "Lead_Assignment_Daily_Limit": { "number": "{limit}" },
                },
            })),
        );
        let call = testing::first_call(&*full, &lead(STAFF));
        assert_eq!(call.url, "https://api-in21.leadsquared.com/v2/UserManagement.svc/User/Create");
        assert_eq!(call.safety, crate::connectors::Safety::Idempotent);
        assert_eq!(
            testing::body(&call),
            json!({
                "FirstName": "Chris", "LastName": "Harris", "EmailAddress": "charris@example.com", "Role": "Sales_User",
                "AssociatedPhoneNumbers": "+91-8888888888", "IsPhoneCallAgent": true, "UserType": 1,
                "TimeZone": "Asia/Kolkata", "Password": " s3cret ",
                "CustomFields": { "Appraisal_Date": "2026-10-04", "Lead_Assignment_Daily_Limit": "25" },
                "AssociatedGroups": [{
                    "GroupId": "g1", "ViewAllLeadsOfGroup": 1, "ModifyAllLeadsOfGroup": 0, "AddUsersToGroup": 0,
                    "ViewAllAccountsOfGroup": 0, "ModifyAllAccountsOfGroup": 0,
                }],
            })
        );
        let minimal = account(
            "acme",
            settings(&json!({ "role": "Administrator", "parameters": { "IsPhoneCallAgent": false, "UserType": 0 } })),
        );
        let call = testing::first_call(&*minimal, &lead(&[("name", "Chris"), ("email", "c@example.com")]));
        assert_eq!(
            testing::body(&call),
            json!({
                "FirstName": "Chris", "EmailAddress": "c@example.com", "Role": "Administrator",
                "IsPhoneCallAgent": false, "UserType": 0,
            })
        );
    }

    #[test]
    fn a_value_that_does_not_fit_rejects_the_lead() {
        let admin = [("name", "A"), ("email", "a@b.c"), ("role", "Administrator"), ("agent", "perhaps")];
        let not_allowed = |roles| {
            (
                FailureKind::Invalid,
                format!("the role \"Administrator\" is not allowed here; allowed_roles has: {roles}"),
            )
        };
        let missing = |what| (FailureKind::Incomplete, format!("LeadSquared requires {what} of a user"));
        for (options, fields, (kind, detail)) in [
            (json!({}), &admin[1..2], missing("a first name")),
            (json!({}), &admin[..1], missing("an email")),
            (json!({ "role": "{missing}" }), &admin[..], missing("a role")),
            (json!({ "role": "{role}" }), &admin, not_allowed("Sales_User")),
            (
                json!({ "role": "{role}", "allowed_roles": ["Sales_Manager", "Sales_User"] }),
                &admin,
                not_allowed("Sales_Manager, Sales_User"),
            ),
            (
                json!({ "parameters": { "IsPhoneCallAgent": "{agent}" } }),
                &admin,
                (FailureKind::Invalid, "IsPhoneCallAgent takes a bool, and the form gave \"perhaps\"".into()),
            ),
            (
                json!({ "custom_fields": { "Limit": { "number": "{agent}" } } }),
                &admin,
                (FailureKind::Invalid, "Limit takes a number, and the form gave \"perhaps\"".into()),
            ),
        ] {
            let step = account("acme", settings(&options)).next(&lead(fields), &Progress::default(), &Json::Null);
            assert_eq!(step, Ok(Step::Rejected(Failure::new(kind, detail))), "{options}");
        }
        let allowed = account("acme", settings(&json!({ "role": "{role}", "allowed_roles": "Administrator" })));
        assert_eq!(testing::body(&testing::first_call(&*allowed, &lead(&admin)))["Role"], "Administrator");
    }

    #[test]
    fn what_each_response_means() {
        let users = account("acme", settings(&json!({})));
        let call = testing::first_call(&*users, &lead(STAFF));
        let there = "delivered (already there: LeadSquared has a user with this email)";
        for (status, body, expected) in [
            (200, SUCCESS.to_owned(), "delivered b3d4098f"),
            (200, json!({ "Status": "Success", "Message": { "AffectedRows": 1 } }).to_string(), "retry unexpected"),
            (500, exception("MXDuplicateEntryException", "A User with same Email already exists."), there),
            (500, exception("MXDuplicateEntryException", "Duplicate"), there),
            (500, exception("MXDuplicateEntryException", "AssociatedPhoneNumbers is taken"), "rejected conflict"),
            (500, exception("MXInvalidEntityException", "TimeZone is not supported"), "rejected invalid"),
            (500, exception("MXMandatoryAttributeMissingException", "'TeamId' is mandatory"), "rejected incomplete"),
        ] {
            assert_eq!(testing::outcome(&*users, &DESCRIPTOR, &call, status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_failure_never_repeats_the_password() {
        let users = account("acme", settings(&json!({ "parameters": { "Password": "{password}" } })));
        let fields: Vec<_> = STAFF
            .iter()
            .map(|(name, text)| if *name == "password" { (*name, "s3\"cret") } else { (*name, *text) })
            .collect();
        let call = testing::first_call(&*users, &lead(&fields));
        for (message, detail) in [
            ("bad password s3\"cret", "HTTP 500: the response repeats the password and is not kept"),
            ("bad password", "HTTP 500: MXInvalidEntityException: bad password"),
        ] {
            let body = exception("MXInvalidEntityException", message);
            let response = Response::new(DESCRIPTOR.format(), 500, Vec::new(), &body, 0);
            let outcome = users.read(&call, &response, &mut Progress::default(), &mut Json::Null);
            assert_eq!(outcome, Ok(Outcome::Rejected(Failure::new(FailureKind::Invalid, detail))));
        }
    }

    #[test]
    fn mistakes_in_the_options() {
        let roles = "one of Administrator, Marketing_User, Sales_Manager, Sales_User";
        let password =
            "takes one form field and nothing else, as in \"{password}\"; the config must not hold a password";
        let groups = "a list of tables, each with a GroupId and any of these, 0 or 1: ViewAllLeadsOfGroup, \
                      ModifyAllLeadsOfGroup, AddUsersToGroup, ViewAllAccountsOfGroup, ModifyAllAccountsOfGroup";
        for (options, expected) in [
            (json!({ "role": "Owner" }), format!("role: found \"Owner\"; it takes {roles}")),
            (
                json!({ "role": "{role}", "allowed_roles": ["Owner"] }),
                format!("allowed_roles: found \"Owner\"; it takes {roles}"),
            ),
            (
                json!({ "parameters": { "Nickname": "x" } }),
                format!(
                    "parameters.Nickname: is not an optional parameter of a user; those are {}",
                    PARAMETERS.join(", ")
                ),
            ),
            (json!({ "groups": "g1" }), format!("groups: found \"g1\"; it takes {groups}")),
            (json!({ "groups": [{}] }), format!("groups: found [{{}}]; it takes {groups}")),
            (
                json!({ "groups": [{ "GroupId": "g", "AddUsersToGroup": true }] }),
                format!("groups: found [{{\"GroupId\":\"g\",\"AddUsersToGroup\":true}}]; it takes {groups}"),
            ),
            (
                json!({ "groups": [{ "GroupId": "g", "ViewAll": 1 }] }),
                format!("groups: found [{{\"GroupId\":\"g\",\"ViewAll\":1}}]; it takes {groups}"),
            ),
            (json!({ "search_by": "Phone" }), "search_by: works only with record = \"lead\"".into()),
            // No mistake shows a password.
            (json!({ "parameters": { "Password": "hunter2" } }), format!("parameters.Password: {password}")),
            (json!({ "parameters": { "Password": "{p|hunter2}" } }), format!("parameters.Password: {password}")),
            (json!({ "parameters": { "Password": "hunter2{p}" } }), format!("parameters.Password: {password}")),
            (json!({ "parameters": { "Password": 12_345_678 } }), format!("parameters.Password: {password}")),
        ] {
            assert_eq!(mistakes(&settings(&options)), expected, "{options}");
        }
    }
}
