//! A fake LeadSquared, as strict as <https://apidocs.leadsquared.com/>: captures leads, finds and notes them, creates users.
//!
//! - Keys are taken only from headers. The vendor also takes them in the query; here every query parameter that a call
//!   does not have is rejected, so that a leaked key fails a test.
//! - The hosts of other regions answer 401 and name the right one. Any other host is a loopback origin and stands for the
//!   account's own.
//! - The look-up by email serves as the probe: it takes an unused address.
//! - Where the vendor documents no exception type, `MXInvalidEntityException` is used.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use crate::{Fake, Request, Response};

const HOSTS: &[&str] = &[
    "api.leadsquared.com",
    "api-us11.leadsquared.com",
    "api-in21.leadsquared.com",
    "api-in22.leadsquared.com",
    "api-ir31.leadsquared.com",
    "api-ca12.leadsquared.com",
];

/// The attributes that every account has, as far as a form can fill them.
const ATTRIBUTES: &[&str] = &[
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

/// The parameters of a user that are texts. The page's own example sends empty ones.
const TEXTS: [&str; 13] = [
    "FirstName",
    "LastName",
    "EmailAddress",
    "Role",
    "AssociatedPhoneNumbers",
    "ManagerUserId",
    "PhoneMobile",
    "TimeZone",
    "DateFormat",
    "Password",
    "TeamId",
    "WorkDayTemplateId",
    "HolidayCalendarId",
];
const ROLES: [&str; 4] = ["Administrator", "Marketing_User", "Sales_Manager", "Sales_User"];
const DATE_FORMATS: [&str; 5] = ["", "mm/dd/yy", "mm/dd/yyyy", "dd/mm/yy", "dd/mm/yyyy"];
/// The custom fields of the page's example.
const USER_FIELDS: [&str; 3] = ["Appraisal_Date", "Lead_Assignment_Daily_Limit", "Marital_Status"];
const RIGHTS: [&str; 5] = [
    "ViewAllLeadsOfGroup",
    "ModifyAllLeadsOfGroup",
    "AddUsersToGroup",
    "ViewAllAccountsOfGroup",
    "ModifyAllAccountsOfGroup",
];

/// How too many calls are answered: each has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disguise {
    /// As a success that says `"Status":"Error"`.
    Status200 = 200,
    /// As a rejection of the keys.
    Status403 = 403,
    /// As what it is.
    Status429 = 429,
}

type Object = Map<String, Value>;

/// One LeadSquared account.
#[derive(Debug)]
pub struct LeadSquared {
    /// The host of the account's region.
    pub home: String,
    /// How too many calls are answered.
    pub disguise: Disguise,
    /// Says of a captured lead only how many rows changed, and not its id.
    pub terse: bool,
    /// So many calls in so many milliseconds; the documented limit by default.
    pub limit: (usize, i64),
    keys: [(&'static str, String); 2],
    recent: VecDeque<i64>,
    custom: Vec<String>,
    mandatory: Vec<String>,
    leads: Vec<Object>,
    notes: Vec<Object>,
    users: Vec<Object>,
}

impl LeadSquared {
    /// An empty account in Mumbai with these keys.
    pub fn new(access_key: &str, secret_key: &str) -> Self {
        Self {
            home: "api-in21.leadsquared.com".into(),
            disguise: Disguise::Status429,
            terse: false,
            limit: (25, 5_000),
            keys: [("x-lsq-accesskey", access_key.into()), ("x-lsq-secretkey", secret_key.into())],
            recent: VecDeque::new(),
            custom: Vec::new(),
            mandatory: Vec::new(),
            leads: Vec::new(),
            notes: Vec::new(),
            users: Vec::new(),
        }
    }

    /// Adds an attribute of leads, by schema name (`mx_Budget`).
    pub fn add_lead_field(&mut self, name: &str) {
        self.custom.push(name.into());
    }

    /// Makes an attribute of leads mandatory.
    pub fn require_lead_field(&mut self, name: &str) {
        self.mandatory.push(name.into());
    }

    /// Rejects a call to the wrong region or with the wrong keys, and one too many.
    fn admit(&mut self, request: &Request, now_ms: i64) -> Result<(), Response> {
        if HOSTS.contains(&request.host.as_str()) && request.host != self.home {
            let message = format!("This account is on https://{}/v2/. Please call that host.", self.home);
            return Err(Response::json(401, json!({ "Status": "Error", "ExceptionMessage": message })));
        }
        if !self.keys.iter().all(|(header, key)| request.header(header) == Some(key)) {
            return Err(text(401, "Invalid AccessKey or SecretKey"));
        }
        let (calls, window_ms) = self.limit;
        self.recent.retain(|at| *at > now_ms - window_ms);
        if self.recent.len() >= calls {
            let message = "API calls exceeded the limit of 25 in 5 second(s)";
            return Err(exception(self.disguise as u16, "MXAPIRateLimitExceededException", message));
        }
        self.recent.push_back(now_ms);
        Ok(())
    }

    /// The id of the next record; nothing is ever deleted.
    fn next_id(&self) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.leads.len() + self.notes.len() + self.users.len() + 1)
    }

    fn capture(&mut self, request: &Request) -> Result<Response, Response> {
        let body = body(request)?;
        let behavior = behavior(&request.query)?;
        let (mut sent, search_by) = self.attributes(&body)?;
        let found = self.matching(&sent, search_by.as_deref());
        if behavior == "DoNotUpdateUniqueFields" && found.is_some() {
            sent.retain(|name, _| !UNIQUE.contains(&name.as_str()));
        }
        let is_kept = behavior == "DoNotUpdate" && found.is_some();
        if !is_kept {
            self.check_unique(&sent, found)?;
        }
        let id = found.map_or_else(|| self.next_id(), |at| str_of(&self.leads[at], "ProspectID").to_owned());
        match found {
            Some(at) if !is_kept => update(&mut self.leads[at], sent, behavior),
            Some(_) => {}
            None => {
                sent.insert("ProspectID".into(), json!(id));
                self.leads.push(sent);
            }
        }
        Ok(success(&if self.terse {
            json!({ "AffectedRows": u8::from(!is_kept) })
        } else {
            // The lead's id is the second one; no look-up knows the first.
            let capture = id.replace("-4000-8000-", "-4000-9000-");
            json!({ "Id": capture, "RelatedId": id, "IsCreated": found.is_none() })
        }))
    }

    /// The attributes of a body, and `SearchBy`, checked one by one.
    fn attributes(&self, body: &Value) -> Result<(Object, Option<String>), Response> {
        let list = body.as_array().ok_or_else(|| text(400, "The body must be an array of attributes"))?;
        let (mut sent, mut search_by) = (Object::new(), None);
        let has = |name: &str| ATTRIBUTES.contains(&name) || self.custom.iter().any(|custom| custom == name);
        for pair in list {
            let (Some(name), Some(value), Some(2)) =
                (pair["Attribute"].as_str(), pair["Value"].as_str(), pair.as_object().map(Map::len))
            else {
                return Err(text(400, "Each item takes Attribute and Value, both text, and nothing else"));
            };
            check_script(value)?;
            if name == "SearchBy" {
                search_by = Some(value.to_owned());
            } else if !has(name) {
                return Err(invalid(&format!("'{name}' is not an attribute of a lead")));
            } else if sent.insert(name.to_owned(), json!(value)).is_some() {
                return Err(text(400, "An attribute appears twice"));
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
        if let Some(name) = search_by.as_deref().filter(|name| !has(name) || empty(name)) {
            return Err(invalid(&format!("SearchBy '{name}' has no value")));
        }
        Ok((sent, search_by))
    }

    /// The lead that these attributes identify.
    fn matching(&self, sent: &Object, search_by: Option<&str>) -> Option<usize> {
        let by = |name: &str| {
            let value = str_of(sent, name);
            self.leads.iter().position(|lead| !value.is_empty() && is_same(str_of(lead, name), value))
        };
        let all = ["ProspectID", "EmailAddress", "Phone"].iter().all(|name| !str_of(sent, name).is_empty());
        if let Some(name) = search_by.filter(|_| !all) {
            return by(name);
        }
        if let Some(at) = by("ProspectID") {
            // An id with another email is another person.
            let email = str_of(sent, "EmailAddress");
            return (email.is_empty() || is_same(str_of(&self.leads[at], "EmailAddress"), email)).then_some(at);
        }
        by("EmailAddress").or_else(|| by("Phone"))
    }

    fn check_unique(&self, sent: &Object, found: Option<usize>) -> Result<(), Response> {
        for name in UNIQUE {
            let value = str_of(sent, name);
            let owned = |(at, lead): (usize, &Object)| Some(at) != found && is_same(str_of(lead, name), value);
            if !value.is_empty() && self.leads.iter().enumerate().any(owned) {
                let message = format!("Duplicate entry '{value}' for key 'UQ_Prospect_Base_{name}'");
                return Err(exception(500, "MXDuplicateEntryException", &message));
            }
        }
        Ok(())
    }

    /// The leads with the query's email, or with its phone, which takes digits only and may lack the country's code.
    fn find(&self, request: &Request, key: &str) -> Result<Response, Response> {
        let [(name, value)] = request.query.as_slice() else { return Err(text(400, "The query takes one parameter")) };
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        if name != key || value.is_empty() || (key == "phone" && digits(value) != *value) {
            return Err(text(400, &format!("The query takes {key}, and a phone in digits")));
        }
        let is_meant = |lead: &&Object| match key {
            "phone" => digits(str_of(lead, "Phone")).ends_with(value.as_str()),
            _ => is_same(str_of(lead, "EmailAddress"), value),
        };
        Ok(Response::json(200, self.leads.iter().filter(is_meant).cloned().map(Value::Object).collect()))
    }

    fn create_note(&mut self, request: &Request) -> Result<Response, Response> {
        let Value::Object(mut note) = body(request)? else { return Err(text(400, "The body must be an object")) };
        let is_known = |name: &str| ["RelatedProspectId", "Note", "AttachmentName"].contains(&name);
        if !request.query.is_empty() || !note.iter().all(|(name, value)| is_known(name) && value.is_string()) {
            return Err(text(400, "CreateNote takes RelatedProspectId, Note and AttachmentName, all text"));
        }
        if let Some(name) = ["RelatedProspectId", "Note"].into_iter().find(|name| str_of(&note, name).is_empty()) {
            return Err(missing(name));
        }
        check_script(str_of(&note, "Note"))?;
        if !self.leads.iter().any(|lead| str_of(lead, "ProspectID") == str_of(&note, "RelatedProspectId")) {
            return Err(invalid("Lead does not exist in the system"));
        }
        let id = self.next_id();
        note.insert("ProspectNoteId".into(), json!(id));
        self.notes.push(note);
        Ok(success(&json!({ "Id": id })))
    }

    fn create_user(&mut self, request: &Request) -> Result<Response, Response> {
        let Value::Object(sent) = body(request)? else { return Err(text(400, "The body must be an object")) };
        if !request.query.is_empty() {
            return Err(text(400, "User/Create has no query"));
        }
        for (name, value) in &sent {
            let is_right = match name.as_str() {
                "IsPhoneCallAgent" => value.is_boolean(),
                "UserType" => is_bit(value),
                "CustomFields" => value.as_object().is_some_and(|fields| {
                    fields.iter().all(|(name, value)| USER_FIELDS.contains(&name.as_str()) && value.is_string())
                }),
                "AssociatedGroups" => value.as_array().is_some_and(|groups| groups.iter().all(is_group)),
                name => TEXTS.contains(&name) && value.is_string(),
            };
            if !is_right {
                return Err(text(400, &format!("{name} is not a parameter or has the wrong type")));
            }
            check_script(value.as_str().unwrap_or_default())?;
        }
        let get = |name: &str| str_of(&sent, name);
        if let Some(name) = ["FirstName", "EmailAddress", "Role"].into_iter().find(|name| get(name).trim().is_empty()) {
            return Err(missing(name));
        }
        let is_zone = |zone: &str| zone.is_empty() || zone.contains('/') || zone == "Egypt";
        for (name, is_right) in [
            ("Role", ROLES.contains(&get("Role"))),
            ("EmailAddress", is_email(get("EmailAddress"))),
            ("DateFormat", DATE_FORMATS.contains(&get("DateFormat"))),
            ("TimeZone", is_zone(get("TimeZone"))),
        ] {
            if !is_right {
                return Err(invalid(&format!("{name} is not valid")));
            }
        }
        if self.users.iter().any(|user| is_same(str_of(user, "EmailAddress"), get("EmailAddress"))) {
            return Err(exception(500, "MXDuplicateEntryException", "A User with same Email already exists."));
        }
        let id = self.next_id();
        let mut user = Object::from_iter([("ID".to_owned(), json!(id))]);
        user.extend(sent);
        self.users.push(user);
        Ok(success(&json!({ "Id": id })))
    }
}

impl Fake for LeadSquared {
    fn name(&self) -> &'static str {
        "leadsquared"
    }

    fn hosts(&self) -> &'static [&'static str] {
        HOSTS
    }

    fn answer(&mut self, request: &Request, now_ms: i64) -> Response {
        let response =
            self.admit(request, now_ms).and_then(|()| match (request.method.as_str(), request.path.as_str()) {
                ("POST", "/v2/LeadManagement.svc/Lead.Capture") => self.capture(request),
                ("GET", "/v2/LeadManagement.svc/Leads.GetByEmailaddress") => self.find(request, "emailaddress"),
                ("GET", "/v2/LeadManagement.svc/RetrieveLeadByPhoneNumber") => self.find(request, "phone"),
                ("POST", "/v2/LeadManagement.svc/CreateNote") => self.create_note(request),
                ("POST", "/v2/UserManagement.svc/User/Create") => self.create_user(request),
                _ => Err(text(404, "The API could not be found. Please check the API signature.")),
            });
        response.unwrap_or_else(|rejection| rejection)
    }

    fn records(&self) -> Vec<Value> {
        let of = |kind: &'static str, id: &'static str, records: &[Object]| {
            let with_kind = move |record: &Object| {
                let mut record = record.clone();
                record.insert("record".into(), json!(kind));
                (str_of(&record, id).to_owned(), Value::Object(record))
            };
            records.iter().map(with_kind).collect::<Vec<_>>()
        };
        let mut all = [
            of("lead", "ProspectID", &self.leads),
            of("note", "ProspectNoteId", &self.notes),
            of("user", "ID", &self.users),
        ]
        .concat();
        // Ids count up, in the order of creation.
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.into_iter().map(|(_, record)| record).collect()
    }
}

/// The first source of a lead stays.
fn update(lead: &mut Object, sent: Object, behavior: &str) {
    for (name, value) in sent {
        let is_kept = name == "ProspectID" || (name == "Source" && lead.contains_key("Source"));
        let is_filled = behavior == "UpdateOnlyEmptyFields" && !str_of(lead, &name).is_empty();
        if !is_kept && !is_filled {
            lead.insert(name, value);
        }
    }
}

/// The JSON of a request that says it is JSON.
fn body(request: &Request) -> Result<Value, Response> {
    let kind = request.header("content-type").unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("application/json") {
        return Err(text(400, "The content type must be application/json"));
    }
    request.json().ok_or_else(|| text(400, "The body is not JSON"))
}

fn behavior(query: &[(String, String)]) -> Result<&str, Response> {
    match query {
        [] => Ok(""),
        [(name, value)] if name == "LeadUpdateBehavior" && BEHAVIORS.contains(&value.as_str()) => Ok(value),
        _ => Err(text(400, "The query takes LeadUpdateBehavior and nothing else")),
    }
}

fn success(message: &Value) -> Response {
    Response::json(200, json!({ "Status": "Success", "Message": message }))
}

fn exception(status: u16, kind: &str, message: &str) -> Response {
    Response::json(status, json!({ "Status": "Error", "ExceptionType": kind, "ExceptionMessage": message }))
}

fn invalid(message: &str) -> Response {
    exception(500, "MXInvalidEntityException", message)
}

fn missing(name: &str) -> Response {
    exception(500, "MXMandatoryAttributeMissingException", &format!("'{name}' is mandatory"))
}

fn text(status: u16, body: &str) -> Response {
    let headers = vec![("Content-Type".to_owned(), "text/plain; charset=utf-8".to_owned())];
    Response { status, headers, body: body.to_owned() }
}

/// Input that looks like a script is rejected in any field.
fn check_script(value: &str) -> Result<(), Response> {
    let message = "A potentially dangerous value was detected in the input";
    let is_script = value.to_ascii_lowercase().contains("<script");
    if is_script { Err(exception(500, "MXXSSException", message)) } else { Ok(()) }
}

fn str_of<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn is_same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

fn is_bit(value: &Value) -> bool {
    matches!(value.as_u64(), Some(0 | 1))
}

fn is_group(value: &Value) -> bool {
    let Some(group) = value.as_object() else { return false };
    !str_of(group, "GroupId").is_empty()
        && group.iter().all(|(name, value)| name == "GroupId" || (RIGHTS.contains(&name.as_str()) && is_bit(value)))
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain = !text.contains(|c: char| c.is_whitespace() || c == ',' || c == ';');
    plain && !local.is_empty() && !domain.contains('@') && domain.contains('.') && !domain.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPTURE: &str = "LeadManagement.svc/Lead.Capture";
    const BY_EMAIL: &str = "LeadManagement.svc/Leads.GetByEmailaddress?emailaddress=";
    const BY_PHONE: &str = "LeadManagement.svc/RetrieveLeadByPhoneNumber?phone=";
    const USER: &str = "UserManagement.svc/User/Create";

    fn request(method: &str, path: &str, body: &Value) -> Request {
        let headers = [
            ("x-lsq-accesskey", "u$r1"),
            ("x-lsq-secretkey", "s1"),
            ("content-type", "application/json; charset=utf-8"),
        ];
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = query.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        Request {
            method: method.into(),
            host: "api-in21.leadsquared.com".into(),
            path: format!("/v2/{path}"),
            query: query.into_iter().collect(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: body.to_string(),
        }
    }

    /// `Phone=1 mx_City=x` as a capture.
    fn lead(pairs: &str, behavior: &str) -> Request {
        let pairs = pairs.split(' ').filter_map(|pair| pair.split_once('='));
        let body = pairs.map(|(name, text)| json!({ "Attribute": name, "Value": text })).collect();
        let query = if behavior.is_empty() { String::new() } else { format!("?LeadUpdateBehavior={behavior}") };
        request("POST", &format!("{CAPTURE}{query}"), &body)
    }

    /// The status, and the exception's type, the id, or the body.
    fn said(fake: &mut LeadSquared, request: &Request) -> String {
        let response = fake.answer(request, 0);
        let body: Value = serde_json::from_str(&response.body).unwrap_or_default();
        let named = [&body["ExceptionType"], &body["Message"]["RelatedId"]].into_iter().find_map(Value::as_str);
        format!("{} {}", response.status, named.unwrap_or(&response.body))
    }

    fn id(number: u8) -> String {
        format!("00000000-0000-4000-8000-{number:012x}")
    }

    #[test]
    fn only_the_accounts_keys_and_region_are_admitted() {
        let change = |change: fn(&mut Request)| {
            let mut request = lead("FirstName=Jane", "");
            change(&mut request);
            request
        };
        let mut fake = LeadSquared::new("u$r1", "s1");
        for (request, expected) in [
            (change(|request| request.headers.retain(|header| header.0 != "x-lsq-accesskey")), "401 Invalid AccessKey"),
            (change(|request| request.headers.retain(|header| header.0 != "x-lsq-secretkey")), "401 Invalid AccessKey"),
            (change(|request| request.headers.retain(|header| header.0 != "content-type")), "400 The content type"),
            (
                change(|request| request.host = "api.leadsquared.com".into()),
                "401 {\"Status\":\"Error\",\"ExceptionMessage\":\"This account is on https://api-in21.leadsquared.com/v2/",
            ),
            (change(|request| request.method = "PUT".into()), "404 "),
            (change(|request| request.path.push('x')), "404 "),
            (change(|request| request.query = vec![("accessKey".into(), "u$r1".into())]), "400 The query"),
            (change(|request| request.host = "127.0.0.1:8080".into()), "200 00000000-0000-4000-8000-000000000001"),
        ] {
            let found = said(&mut fake, &request);
            assert!(found.starts_with(expected), "{found}");
        }
    }

    #[test]
    fn an_invalid_lead_is_rejected() {
        let (invalid, missing) = ("500 MXInvalidEntityException", "500 MXMandatoryAttributeMissingException");
        let shape = "400 Each item takes Attribute and Value, both text, and nothing else";
        let mut fake = LeadSquared::new("u$r1", "s1");
        fake.require_lead_field("mx_City");
        for (request, expected) in [
            (lead("Phone=1 mx_City=x mx_Unknown=x", ""), invalid),
            (lead("firstname=x", ""), invalid),
            (lead("Company=Acme mx_City=x", ""), missing),
            (lead("Phone=1", ""), missing),
            (lead("EmailAddress=jane mx_City=x", ""), invalid),
            (lead("EmailAddress=jane@nowhere mx_City=x", ""), invalid),
            (lead("Phone=1 mx_City=x SearchBy=EmailAddress", ""), invalid),
            (lead("Phone=1 mx_City=x SearchBy=Colour", ""), invalid),
            (lead("Phone=1 Notes=<SCRIPT>", ""), "500 MXXSSException"),
            (lead("Phone=1 Phone=2", ""), "400 An attribute appears twice"),
            (lead("Phone=1 mx_City=x", "Never"), "400 The query takes LeadUpdateBehavior and nothing else"),
            (request("POST", CAPTURE, &json!({ "FirstName": "x" })), "400 The body must be an array of attributes"),
            (request("POST", CAPTURE, &json!([{ "Attribute": "Phone", "Value": 1 }])), shape),
            (request("POST", CAPTURE, &json!([{ "Attribute": "Phone", "Value": "1", "X": 1 }])), shape),
        ] {
            assert_eq!(said(&mut fake, &request), expected, "{}", request.body);
        }
        assert_eq!(fake.records(), Vec::<Value>::new());
        fake.add_lead_field("mx_Unknown");
        assert!(said(&mut fake, &lead("Phone=1 mx_City=x mx_Unknown=x", "")).starts_with("200"));
    }

    #[test]
    fn a_capture_updates_the_lead_that_it_finds() {
        let duplicate = "500 MXDuplicateEntryException".to_owned();
        let (one, two) = (format!("200 {}", id(1)), format!("200 {}", id(2)));
        let by_id = format!("ProspectID={} LastName=Roe", id(2));
        let mut fake = LeadSquared::new("u$r1", "s1");
        for (pairs, behavior, expected) in [
            ("EmailAddress=jane@example.com Source=web", "", &one),
            ("EmailAddress=JANE@example.com Source=fair FirstName=Jane", "", &one),
            ("Phone=1", "", &two),
            // The phone is another lead's.
            ("EmailAddress=jane@example.com Phone=1", "", &duplicate),
            ("EmailAddress=jane@example.com Phone=1 SearchBy=Phone", "", &duplicate),
            ("EmailAddress=new@example.com Phone=1 SearchBy=EmailAddress", "", &duplicate),
            ("EmailAddress=jane@example.com Phone=1", "DoNotUpdateUniqueFields", &one),
            ("EmailAddress=jane@example.com Phone=1", "DoNotUpdate", &one),
            ("EmailAddress=jane@example.com FirstName=X LastName=Doe", "UpdateOnlyEmptyFields", &one),
            (&by_id, "", &two),
        ] {
            assert_eq!(said(&mut fake, &lead(pairs, behavior)), *expected, "{pairs} {behavior}");
        }
        let jane = json!({
            "EmailAddress": "JANE@example.com", "Source": "web", "ProspectID": id(1), "FirstName": "Jane",
            "LastName": "Doe", "record": "lead",
        });
        let other = json!({ "Phone": "1", "ProspectID": id(2), "LastName": "Roe", "record": "lead" });
        assert_eq!(fake.records(), [jane, other]);
    }

    #[test]
    fn leads_are_found_by_email_and_phone() {
        let mut fake = LeadSquared::new("u$r1", "s1");
        fake.terse = true;
        let captured = said(&mut fake, &lead("EmailAddress=a@b.c Phone=+91-1", ""));
        assert_eq!(captured, r#"200 {"Status":"Success","Message":{"AffectedRows":1}}"#);
        let found = format!("200 {}", json!([{ "EmailAddress": "a@b.c", "Phone": "+91-1", "ProspectID": id(1) }]));
        for (path, value, expected) in [
            (BY_EMAIL, "A@b.c", found.as_str()),
            (BY_PHONE, "911", &found),
            (BY_PHONE, "1", &found),
            (BY_PHONE, "2", "200 []"),
            (BY_EMAIL, "probe@example.com", "200 []"),
            (BY_PHONE, "+91-1", "400 The query takes phone, and a phone in digits"),
            (BY_PHONE, "", "400 The query takes phone, and a phone in digits"),
        ] {
            let request = request("GET", &format!("{path}{value}"), &Value::Null);
            assert_eq!(said(&mut fake, &request), expected, "{path}{value}");
        }
    }

    #[test]
    fn a_note_is_created_on_a_known_lead() {
        const NOTE: &str = "LeadManagement.svc/CreateNote";
        let mut fake = LeadSquared::new("u$r1", "s1");
        fake.answer(&lead("Phone=1", ""), 0);
        let missing = "500 MXMandatoryAttributeMissingException";
        let wrong = "400 CreateNote takes RelatedProspectId, Note and AttachmentName, all text";
        for (path, body, expected) in [
            (NOTE, json!({ "RelatedProspectId": id(1), "Note": "<script>" }), "500 MXXSSException"),
            (NOTE, json!({ "RelatedProspectId": id(9), "Note": "Hi" }), "500 MXInvalidEntityException"),
            (NOTE, json!({ "RelatedProspectId": id(1) }), missing),
            (NOTE, json!({ "Note": "Hi" }), missing),
            (NOTE, json!({ "RelatedProspectId": id(1), "Note": 1 }), wrong),
            (NOTE, json!({ "RelatedProspectId": id(1), "Note": "Hi", "Text": "x" }), wrong),
            ("LeadManagement.svc/CreateNote?leadId=1", json!({ "RelatedProspectId": id(1), "Note": "Hi" }), wrong),
        ] {
            assert_eq!(said(&mut fake, &request("POST", path, &body)), expected, "{body}");
        }
        let note = json!({ "RelatedProspectId": id(1), "Note": "Hi" });
        assert_eq!(fake.answer(&request("POST", NOTE, &note), 0), success(&json!({ "Id": id(2) })));
        let mut record = note;
        record["ProspectNoteId"] = json!(id(2));
        record["record"] = json!("note");
        assert_eq!(fake.records()[1..], [record]);
    }

    #[test]
    fn calls_over_the_limit_are_rejected_in_each_disguise() {
        let call = request("GET", &format!("{BY_PHONE}2"), &Value::Null);
        for disguise in [Disguise::Status200, Disguise::Status403, Disguise::Status429] {
            let mut fake = LeadSquared::new("u$r1", "s1");
            fake.disguise = disguise;
            assert!((0..25).all(|_| fake.answer(&call, 1_000).body == "[]"));
            let message = "API calls exceeded the limit of 25 in 5 second(s)";
            let limited = exception(disguise as u16, "MXAPIRateLimitExceededException", message);
            assert_eq!(fake.answer(&call, 5_999), limited);
            assert_eq!(fake.answer(&call, 6_000).body, "[]");
        }
    }

    #[test]
    fn a_user_is_created_as_on_the_page_and_once() {
        let page = json!({
            "FirstName": "Chris", "LastName": "Harris", "EmailAddress": "charris@example.com", "Role": "Sales_User",
            "CustomFields": { "Appraisal_Date": "2023-10-04", "Marital_Status": "Single" },
            "AssociatedPhoneNumbers": "+91-8888888888", "IsPhoneCallAgent": false, "UserType": 0,
            "ManagerUserId": "0cd3c94b", "PhoneMobile": "", "TimeZone": "", "DateFormat": "", "Password": "",
            "TeamId": "", "WorkDayTemplateId": "", "HolidayCalendarId": "",
            "AssociatedGroups": [{ "GroupId": "022bc5d4", "ViewAllLeadsOfGroup": 1, "AddUsersToGroup": 0 }],
        });
        let mut fake = LeadSquared::new("u$r1", "s1");
        let (created, again) = (success(&json!({ "Id": id(1) })), "500 MXDuplicateEntryException");
        assert_eq!(fake.answer(&request("POST", USER, &page), 0), created);
        assert_eq!(said(&mut fake, &request("POST", USER, &page)), again);
        let mut record = page;
        record["ID"] = json!(id(1));
        record["record"] = json!("user");
        assert_eq!(fake.records(), [record]);
    }

    #[test]
    fn an_invalid_user_is_rejected() {
        let (invalid, missing) = ("500 MXInvalidEntityException", "500 MXMandatoryAttributeMissingException");
        let mut fake = LeadSquared::new("u$r1", "s1");
        for (name, value, expected) in [
            ("FirstName", json!(null), "400 FirstName is not a parameter or has the wrong type"),
            ("FirstName", json!(""), missing),
            ("EmailAddress", json!(""), missing),
            ("EmailAddress", json!("chris"), invalid),
            ("Role", json!(""), missing),
            ("Role", json!("sales_user"), invalid),
            ("IsPhoneCallAgent", json!("false"), "400 IsPhoneCallAgent is not a parameter or has the wrong type"),
            ("UserType", json!(2), "400 UserType is not a parameter or has the wrong type"),
            ("Nickname", json!("x"), "400 Nickname is not a parameter or has the wrong type"),
            ("CustomFields", json!({ "Unknown": "x" }), "400 CustomFields is not a parameter or has the wrong type"),
            (
                "CustomFields",
                json!({ "Marital_Status": 1 }),
                "400 CustomFields is not a parameter or has the wrong type",
            ),
            ("AssociatedGroups", json!([{}]), "400 AssociatedGroups is not a parameter or has the wrong type"),
            ("DateFormat", json!("yyyy"), invalid),
            ("TimeZone", json!("KST"), invalid),
            ("LastName", json!("<script>"), "500 MXXSSException"),
        ] {
            let mut body = json!({ "FirstName": "Chris", "EmailAddress": "c@example.com", "Role": "Sales_User" });
            body[name] = value;
            assert_eq!(said(&mut fake, &request("POST", USER, &body)), expected, "{body}");
        }
        assert_eq!(fake.records(), Vec::<Value>::new());
    }
}
