//! A fake AgencyHandy, with the documented contract of a company's members and the current one of `/members`:
//! <https://docs.agencyhandy.com/agencyhandy-user-guide-for-client/use-case/how-to-create-lead-via-api>,
//! <https://docs.agencyhandy.com/api/create-lead>.
//!
//! - Email is unique in the workspace, in any case. Each contract reports a duplicate in its own way.
//! - The current contract drops unknown members silently and sends an invitation unless it is switched off. Tests ask
//!   [`Fake::complaints`] for these.
//! - Error bodies are not documented for these routes; they have the shape of the vendor's neighboring ones.

use serde_json::{Map, Value, json};

use crate::{Fake, Request, Response};

/// The company of the key.
pub const COMPANY_ID: &str = "6525994184e9ddd79853450e";
/// The role "client" of that company: the outer `_id`, which the create takes.
pub const ROLE_ID: &str = "6525994184e9ddd798534535";
/// The inner `role._id`, which the create rejects.
const INNER_ROLE_ID: &str = "6525994184e9ddd79853451e";
/// The labels of the workspace.
pub const CATEGORY_IDS: &[&str] = &["6525994184e9ddd7985345c1", "6525994184e9ddd7985345c2"];

/// What a member of an entry takes.
#[derive(Clone, Copy)]
enum Takes {
    Text,
    Filled,
    Email,
    False,
    Flag,
    Number,
    Ids,
    Word(&'static [&'static str]),
    CustomFields,
}

use Takes::{CustomFields, Email, False, Filled, Flag, Ids, Number, Text, Word};

/// The members of a lead under the documented contract; a client has all but `role`.
const DOCUMENTED: &[(&str, Takes)] = &[
    ("role", Filled),
    ("firstName", Filled),
    ("lastName", Filled),
    ("email", Email),
    // `true` turns a lead into a client, which no form does.
    ("isConvertedClient", False),
    ("status", Text),
    ("contactNo", Text),
    ("source", Text),
    ("positionInBoard", Number),
];

/// The members of a client under the current contract.
const CURRENT: &[(&str, Takes)] = &[
    ("email", Email),
    ("firstName", Filled),
    ("lastName", Filled),
    ("status", Word(&["Client"])),
    ("contactNo", Text),
    ("source", Text),
    ("companyName", Text),
    ("website", Text),
    ("leadValue", Text),
    ("country", Text),
    ("city", Text),
    ("state", Text),
    ("zipCode", Text),
    ("address", Text),
    ("agent", Text),
    ("password", Text),
    ("sendInvitationEmail", Flag),
    ("category", Ids),
    ("customFields", CustomFields),
];

/// Where a lead differs from a client.
const CURRENT_LEAD: &[(&str, Takes)] = &[
    ("type", Word(&["individual", "leadCompanyMember"])),
    ("status", Word(&["New", "Contacted", "Qualified", "Working", "Proposal Sent", "Negotiation"])),
    ("firstName", Text),
    ("lastName", Text),
];

/// An error response.
type Checked<T> = Result<T, Response>;

/// A workspace at AgencyHandy.
#[derive(Debug)]
pub struct AgencyHandy {
    api_key: String,
    company_id: String,
    role_id: String,
    retired: bool,
    members: Vec<Value>,
    complaints: Vec<String>,
}

impl AgencyHandy {
    /// An empty workspace with this API key.
    pub fn new(api_key: &str) -> Self {
        Self {
            api_key: api_key.to_owned(),
            company_id: COMPANY_ID.to_owned(),
            role_id: ROLE_ID.to_owned(),
            retired: false,
            members: Vec::new(),
            complaints: Vec::new(),
        }
    }

    /// Ends the documented contract: the role look-up and the company's members are 404, clients are taken by the current
    /// contract only. The companies are still listed, as the current guide says.
    pub fn retire_company_contract(&mut self) {
        self.retired = true;
    }

    /// Moves the key to another workspace: what was looked up before is wrong.
    pub fn move_to(&mut self, company_id: &str, role_id: &str) {
        company_id.clone_into(&mut self.company_id);
        role_id.clone_into(&mut self.role_id);
    }

    fn route(&mut self, request: &Request) -> Checked<Response> {
        if request.header("x-api-key") != Some(&self.api_key) {
            return Err(error(401, "PermissionError", None, "Invalid API key"));
        }
        let path: Vec<_> = request.path.trim_start_matches('/').split('/').collect();
        match (request.method.as_str(), path.as_slice()) {
            ("GET", ["accounts", "companies"]) => Ok(self.companies()),
            ("GET", ["roles"]) if !self.retired && request.query == [("type".to_owned(), "company".to_owned())] => {
                self.roles(request)
            }
            ("POST", ["company", id, "members", "bulk-client"]) if !self.retired => {
                let body = json_body(request)?;
                if *id != self.company_id {
                    return Err(no_company());
                }
                let is_object = body.as_object().is_some_and(|body| body.len() == 1);
                let members = list(&body["members"]).filter(|_| is_object);
                self.documented(request, "lead", members.ok_or_else(|| invalid("members", "must be an array"))?)
            }
            ("POST", ["members", route @ ("bulk-lead" | "bulk-client")]) => {
                let body = json_body(request)?;
                let entries = list(&body).ok_or_else(|| invalid("body", "must be an array of 1 to 200 items"))?;
                // One route for clients, two contracts: the current one knows only the status "Client".
                let is_current = self.retired || entries.iter().all(|entry| entry["status"] == "Client");
                match *route {
                    "bulk-lead" => self.current("lead", entries),
                    _ if is_current => self.current("client", entries),
                    _ => self.documented(request, "client", entries),
                }
            }
            _ => {
                let message = format!("Cannot {} {}", request.method, request.path);
                Err(error(404, "NotFoundError", None, &message))
            }
        }
    }

    fn companies(&self) -> Response {
        let company = json!({
            "_id": self.company_id, "name": "onethread123", "logo": "", "extraSmallLogo": "", "largeLogo": "",
        });
        Response::json(200, json!({ "message": "Companies accosiated with API token.", "companies": [company] }))
    }

    fn roles(&self, request: &Request) -> Checked<Response> {
        // The page sends no company here, later copies of it do: only a wrong one is rejected.
        if request.header("companyid").is_some_and(|id| id != self.company_id) {
            return Err(no_company());
        }
        let role = |id: &str, inner: &str, name: &str| {
            json!({
                "_id": id, "role": { "_id": inner, "responsibility": "", "name": name }, "company": self.company_id,
                "createdAt": "2023-10-10T18:34:41.567Z", "updatedAt": "2024-10-01T07:28:48.340Z", "__v": 0,
                "type": "company",
            })
        };
        let admin = role("6525994184e9ddd798534530", "6525994184e9ddd79853451a", "admin");
        Ok(Response::json(200, json!({ "roles": [admin, role(&self.role_id, INNER_ROLE_ID, "client")] })))
    }

    /// The documented contract creates all or nothing: a known email is a validation error.
    fn documented(&mut self, request: &Request, record: &str, entries: &[Value]) -> Checked<Response> {
        match request.header("companyid") {
            None => return Err(invalid("companyid", "the header companyid is required")),
            Some(id) if id != self.company_id => return Err(no_company()),
            Some(_) => {}
        }
        // A lead has the nine members of the page's example; a client needs four of them.
        let (members, optional) = if record == "lead" { (DOCUMENTED, 0) } else { (&DOCUMENTED[1..], 4) };
        for entry in entries {
            let entry = object(entry)?;
            if let Some(key) = entry.keys().find(|key| members.iter().all(|(name, _)| name != key)) {
                return Err(invalid(key, "is not allowed"));
            }
            check(entry, members, &members[..members.len() - optional])?;
            if record == "lead" && entry["role"] != self.role_id {
                return Err(invalid("role", "Role not found"));
            }
            if self.find(entry).is_some() {
                return Err(invalid("email", "Email already exists"));
            }
        }
        let created: Vec<_> =
            entries.iter().filter_map(Value::as_object).map(|entry| self.keep(record, entry)).collect();
        let created: Vec<_> = created
            .iter()
            .map(|made| json!({ "_id": made["_id"], "name": made["name"], "status": made["status"], "role": "client" }))
            .collect();
        let message = if record == "lead" { "Lead created successfully" } else { "Client created successfully" };
        Ok(Response::json(201, json!({ "message": message, "createdMembers": created })))
    }

    /// The current contract lists what it skipped, and answers 201 when it added anything, else 200.
    fn current(&mut self, record: &str, entries: &[Value]) -> Checked<Response> {
        let is_lead = record == "lead";
        let members: Vec<(&str, Takes)> = if is_lead {
            let same = CURRENT.iter().filter(|(name, _)| CURRENT_LEAD.iter().all(|(other, _)| other != name));
            CURRENT_LEAD.iter().chain(same).copied().collect()
        } else {
            CURRENT.to_vec()
        };
        let required: &[&str] =
            if is_lead { &["type", "email", "status"] } else { &["email", "firstName", "lastName", "status"] };
        let required: Vec<_> = members.iter().filter(|(name, _)| required.contains(name)).copied().collect();
        let (mut added, mut skipped) = (Vec::new(), Vec::new());
        for entry in entries {
            let entry = object(entry)?;
            check(entry, &members, &required)?;
            let email = &entry["email"];
            if entry.get("sendInvitationEmail") != Some(&json!(false)) {
                self.complaints.push(format!("an invitation was sent to {email}"));
            }
            if entry.contains_key("password") {
                self.complaints.push(format!("a password was set for {email}"));
            }
            let mut kept = entry.clone();
            kept.retain(|key, _| members.iter().any(|(name, _)| name == key));
            let dropped = entry.keys().filter(|key| !kept.contains_key(*key));
            self.complaints.extend(dropped.map(|key| format!("the unknown member {key} was dropped")));
            match self.take(record, &kept) {
                Ok(mut made) => {
                    // `record` is this crate's own word.
                    made.as_object_mut().map(|made| made.remove("record"));
                    added.push(made);
                }
                Err(entry) => skipped.push(entry),
            }
        }
        let (added_key, skipped_key) =
            if is_lead { ("addedLeads", "notAddedLeads") } else { ("addedClients", "notAddedClients") };
        // A lead's `success` only says that the call was understood; a client's says that one was added.
        let (status, success) = if added.is_empty() { (200, is_lead) } else { (201, true) };
        Ok(Response::json(status, json!({ "success": success, "data": { added_key: added, skipped_key: skipped } })))
    }

    fn take(&mut self, record: &str, entry: &Map<String, Value>) -> Result<Value, Value> {
        let skip = |reason: &str| json!({ "email": entry["email"], "reason": reason });
        let mut labels = entry.get("category").and_then(Value::as_array).into_iter().flatten();
        if !labels.all(|id| id.as_str().is_some_and(|id| CATEGORY_IDS.contains(&id))) {
            return Err(skip("One or more category not found"));
        }
        match self.find(entry) {
            None => Ok(self.keep(record, entry)),
            Some(at) if record == "lead" => {
                let mut skipped = skip("Lead already exists");
                skipped["lead"] = json!({ "_id": self.members[at]["_id"] });
                Err(skipped)
            }
            Some(at) if self.members[at]["record"] == "lead" => {
                let client = &mut self.members[at];
                client["record"] = json!("client");
                client["status"] = entry["status"].clone();
                client["isConvertedClient"] = json!(true);
                Ok(client.clone())
            }
            Some(_) => Err(skip("Client already exists")),
        }
    }

    fn find(&self, entry: &Map<String, Value>) -> Option<usize> {
        let email = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
        self.members.iter().position(|member| email(&member["email"]) == email(&entry["email"]))
    }

    fn keep(&mut self, record: &str, entry: &Map<String, Value>) -> Value {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        let name = format!("{} {}", text("firstName"), text("lastName")).trim().to_owned();
        let id = format!("{:024x}", self.members.len() + 1);
        let mut made = json!({ "record": record, "_id": id, "name": name, "status": "New" });
        entry.iter().for_each(|(key, value)| made[key] = value.clone());
        self.members.push(made.clone());
        made
    }
}

impl Fake for AgencyHandy {
    fn name(&self) -> &'static str {
        "agencyhandy"
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["api.agencyhandy.com"]
    }

    fn answer(&mut self, request: &Request, _now_ms: i64) -> Response {
        self.route(request).unwrap_or_else(|error| error)
    }

    fn complaints(&self) -> Vec<String> {
        self.complaints.clone()
    }

    fn records(&self) -> Vec<Value> {
        self.members.clone()
    }
}

fn error(status: u16, kind: &str, field: Option<&str>, message: &str) -> Response {
    let mut body = json!({ "type": kind, "status": status, "message": message });
    if let Some(field) = field {
        body["fieldName"] = json!(field);
    }
    Response::json(status, body)
}

fn invalid(field: &str, message: &str) -> Response {
    error(400, "ValidationError", Some(field), message)
}

fn no_company() -> Response {
    error(404, "NotFoundError", None, "Company not found")
}

fn json_body(request: &Request) -> Checked<Value> {
    let content_type = request.header("content-type").unwrap_or_default();
    if content_type.split(';').next().map(str::trim) != Some("application/json") {
        return Err(invalid("content-type", "Content-Type must be application/json"));
    }
    request.json().ok_or_else(|| invalid("body", "the body is not JSON"))
}

fn list(value: &Value) -> Option<&[Value]> {
    value.as_array().map(Vec::as_slice).filter(|list| (1..=200).contains(&list.len()))
}

fn object(value: &Value) -> Checked<&Map<String, Value>> {
    value.as_object().ok_or_else(|| invalid("body", "must be an object"))
}

/// Checks the members of an entry.
fn check(entry: &Map<String, Value>, members: &[(&str, Takes)], required: &[(&str, Takes)]) -> Checked<()> {
    if let Some((missing, _)) = required.iter().find(|(key, _)| !entry.contains_key(*key)) {
        return Err(invalid(missing, "is required"));
    }
    for (key, takes) in members {
        let Some(value) = entry.get(*key) else { continue };
        let text = value.as_str();
        let wrong = match takes {
            Text => text.is_none().then(|| "must be a string".to_owned()),
            Filled => text.is_none_or(|text| text.trim().is_empty()).then(|| "is required".to_owned()),
            Email => {
                let parts = text.and_then(|text| text.split_once('@'));
                let is_address = parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
                (!is_address).then(|| "must be a valid email".to_owned())
            }
            False => (value != &json!(false)).then(|| "must be the boolean false".to_owned()),
            Flag => (!value.is_boolean()).then(|| "must be a boolean".to_owned()),
            Number => (!value.is_number()).then(|| "must be a number".to_owned()),
            Ids => {
                let is_ids = value.as_array().is_some_and(|ids| ids.iter().all(Value::is_string));
                (!is_ids).then(|| "must be an array of ids".to_owned())
            }
            Word(words) => {
                let is_known = text.is_some_and(|text| words.contains(&text));
                (!is_known).then(|| format!("must be one of {}", words.join(", ")))
            }
            CustomFields => {
                let are_fields = value.as_array().is_some_and(|fields| fields.iter().all(is_custom_field));
                (!are_fields).then(|| "has a field that is not allowed or of the wrong type".to_owned())
            }
        };
        if let Some(message) = wrong {
            return Err(invalid(key, &message));
        }
    }
    Ok(())
}

fn is_custom_field(field: &Value) -> bool {
    let is_label = |item: &Value| item["value"].is_string() && item["label"].is_string();
    field["_id"].as_str().is_some_and(|id| !id.is_empty())
        && field.as_object().into_iter().flatten().all(|(key, value)| match key.as_str() {
            "_id" | "stringValue" => value.is_string(),
            "numberValue" => value.is_number(),
            "booleanValue" => value.is_boolean(),
            "dateValue" => value.as_str().is_some_and(|text| text.len() == 24 && text.ends_with('Z')),
            "arrayValue" => value.as_array().is_some_and(|items| items.iter().all(is_label)),
            // A form has no file that AgencyHandy holds already.
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ah-key";
    const LEADS: &str = "/company/6525994184e9ddd79853450e/members/bulk-client";

    fn send(fake: &mut AgencyHandy, method: &str, path: &str, without: &str, body: &Value) -> (u16, Value) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = query.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = [("x-api-key", KEY), ("companyid", COMPANY_ID), ("content-type", "application/json")];
        let headers = headers.into_iter().filter(|(name, _)| *name != without);
        let request = Request {
            method: method.to_owned(),
            host: "api.agencyhandy.com".to_owned(),
            path: path.to_owned(),
            query: query.into_iter().collect(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: body.to_string(),
        };
        let response = fake.answer(&request, 0);
        (response.status, serde_json::from_str(&response.body).expect("JSON"))
    }

    fn post(fake: &mut AgencyHandy, path: &str, body: &Value) -> (u16, Value) {
        send(fake, "POST", path, "", body)
    }

    /// `entry` with these members; null removes one.
    fn with(mut entry: Value, more: Value) -> Value {
        let Value::Object(more) = more else { panic!("members") };
        for (key, value) in more {
            entry[key] = value;
        }
        entry.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        entry
    }

    fn documented(more: Value) -> Value {
        let lead = json!({
            "firstName": "John", "lastName": "Doe", "email": "john@example.com", "role": ROLE_ID,
            "isConvertedClient": false, "status": "New", "contactNo": "", "source": "website", "positionInBoard": 1,
        });
        with(lead, more)
    }

    fn current(more: Value) -> Value {
        let lead =
            json!({ "type": "individual", "email": "john@example.com", "status": "New", "sendInvitationEmail": false });
        with(lead, more)
    }

    fn client() -> Value {
        current(json!({ "type": null, "status": "Client", "firstName": "John", "lastName": "Doe" }))
    }

    #[test]
    fn what_is_rejected() {
        let leads = |more: Value| json!({ "members": [documented(more)] });
        let bulk = "/members/bulk-lead";
        for (method, path, without, body, status, message) in [
            ("GET", "/accounts/companies", "x-api-key", json!(""), 401, "Invalid API key"),
            ("GET", "/leads", "", json!(""), 404, "Cannot GET /leads"),
            ("GET", "/roles", "", json!(""), 404, "Cannot GET /roles"),
            ("POST", LEADS, "companyid", leads(json!({})), 400, "the header companyid is required"),
            ("POST", LEADS, "content-type", leads(json!({})), 400, "Content-Type must be application/json"),
            ("POST", "/company/c2/members/bulk-client", "", leads(json!({})), 404, "Company not found"),
            ("POST", LEADS, "", json!([documented(json!({}))]), 400, "must be an array"),
            ("POST", LEADS, "", leads(json!({ "role": INNER_ROLE_ID })), 400, "Role not found"),
            ("POST", LEADS, "", leads(json!({ "isConvertedClient": "false" })), 400, "must be the boolean false"),
            ("POST", LEADS, "", leads(json!({ "positionInBoard": "1" })), 400, "must be a number"),
            ("POST", LEADS, "", leads(json!({ "contactNo": 1 })), 400, "must be a string"),
            ("POST", LEADS, "", leads(json!({ "contactNo": null })), 400, "is required"),
            ("POST", LEADS, "", leads(json!({ "firstName": " " })), 400, "is required"),
            ("POST", LEADS, "", leads(json!({ "email": "john" })), 400, "must be a valid email"),
            ("POST", LEADS, "", leads(json!({ "companyName": "Acme" })), 400, "is not allowed"),
            ("POST", bulk, "", json!([]), 400, "must be an array of 1 to 200 items"),
            ("POST", bulk, "", leads(json!({})), 400, "must be an array of 1 to 200 items"),
            ("POST", bulk, "", json!([current(json!({ "type": null }))]), 400, "is required"),
            ("POST", bulk, "", json!([current(json!({ "leadValue": 2500 }))]), 400, "must be a string"),
            ("POST", bulk, "", json!([current(json!({ "category": "a" }))]), 400, "must be an array of ids"),
            ("POST", bulk, "", json!([current(json!({ "sendInvitationEmail": "no" }))]), 400, "must be a boolean"),
            (
                "POST",
                bulk,
                "",
                json!([current(json!({ "customFields": [{ "_id": "f", "dateValue": "2026-07-19" }] }))]),
                400,
                "has a field that is not allowed or of the wrong type",
            ),
        ] {
            let fake = &mut AgencyHandy::new(KEY);
            let (found, error) = send(fake, method, path, without, &body);
            assert_eq!((found, error["message"].as_str()), (status, Some(message)), "{path} {body}");
            assert!(fake.records().is_empty());
        }
    }

    #[test]
    fn duplicates_and_conversions() {
        let id = "000000000000000000000001";
        let fake = &mut AgencyHandy::new(KEY);
        let made = post(fake, LEADS, &json!({ "members": [documented(json!({}))] }));
        assert_eq!((made.0, &made.1["createdMembers"][0]["_id"]), (201, &json!(id)));
        let again = post(fake, LEADS, &json!({ "members": [documented(json!({ "email": "JOHN@example.com" }))] }));
        assert_eq!((again.0, &again.1["message"]), (400, &json!("Email already exists")));
        let skipped = post(fake, "/members/bulk-lead", &json!([current(json!({}))]));
        let entry = json!({ "email": "john@example.com", "reason": "Lead already exists", "lead": { "_id": id } });
        let none = json!({ "success": true, "data": { "addedLeads": [], "notAddedLeads": [entry] } });
        assert_eq!(skipped, (200, none));
        // A client with the email of a lead replaces it.
        let converted = post(fake, "/members/bulk-client", &json!([client()]));
        assert_eq!((converted.0, &converted.1["data"]["addedClients"][0]["_id"]), (201, &json!(id)));
        let known = post(fake, "/members/bulk-client", &json!([client()])).1;
        assert_eq!(known["data"]["notAddedClients"][0]["reason"], "Client already exists");
        let label = json!([current(json!({ "email": "b@example.com", "category": ["nope"] }))]);
        let reason = &post(fake, "/members/bulk-lead", &label).1["data"]["notAddedLeads"][0]["reason"];
        assert_eq!(reason, "One or more category not found");
        assert_eq!((fake.records().len(), &fake.records()[0]["record"]), (1, &json!("client")));
        assert!(fake.complaints().is_empty());
    }

    #[test]
    fn the_documented_contract_can_end() {
        let fake = &mut AgencyHandy::new(KEY);
        fake.retire_company_contract();
        let client = json!([documented(json!({ "role": null }))]);
        for (method, path, body, status) in [
            ("GET", "/accounts/companies", json!(""), 200),
            ("GET", "/roles?type=company", json!(""), 404),
            ("POST", LEADS, json!({ "members": [documented(json!({}))] }), 404),
            ("POST", "/members/bulk-client", client.clone(), 400),
        ] {
            assert_eq!(send(fake, method, path, "", &body).0, status, "{path}");
        }
        let fake = &mut AgencyHandy::new(KEY);
        assert_eq!(send(fake, "GET", "/roles?type=company", "", &json!("")).1["roles"][1]["_id"], ROLE_ID);
        assert_eq!(post(fake, "/members/bulk-client", &client).1["message"], "Client created successfully");
    }

    #[test]
    fn what_is_taken_silently_is_a_complaint() {
        let fake = &mut AgencyHandy::new(KEY);
        let loud = current(json!({ "sendInvitationEmail": null, "role": ROLE_ID, "password": "Pa55word!" }));
        assert_eq!(post(fake, "/members/bulk-lead", &json!([loud])).0, 201);
        assert_eq!(
            fake.complaints(),
            [
                "an invitation was sent to \"john@example.com\"",
                "a password was set for \"john@example.com\"",
                "the unknown member role was dropped",
            ]
        );
        assert_eq!(fake.records()[0].get("role"), None);
    }
}
