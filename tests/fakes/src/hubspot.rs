//! A fake HubSpot account: contacts and notes. <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide>
//!
//! - A contact's email is unique, without regard to case. A create with a known one says who has it only in words.
//! - Values are texts, and a property has to exist. The error's message quotes the faults as JSON.
//! - HubSpot lets a client overwrite values and put markup into notes; both are complaints here.

use std::collections::VecDeque;

use chrono::DateTime;
use serde_json::{Map, Value, json};

use crate::{Fake, Request, Response};

const ROOT: &str = "/crm/objects/2026-03/";

/// The rate limit is counted in any ten seconds.
const WINDOW_MS: i64 = 10_000;

const MOST_NOTE_CHARS: usize = 65_536;

/// HubSpot's own properties of a contact that a client may write.
const PROPERTIES: &str = "email firstname lastname phone company jobtitle website address city state zip country \
                          hubspot_owner_id lifecyclestage";

/// A HubSpot account.
#[derive(Debug, Default)]
pub struct HubSpot {
    /// The limit of the free plan is 100 requests in ten seconds; tests lower it.
    pub limit: usize,
    /// The custom properties of contacts.
    pub custom: Vec<String>,
    token: String,
    /// Contacts and notes, oldest first, as [`Fake::records`] shows them.
    records: Vec<Value>,
    complaints: Vec<String>,
    recent: VecDeque<i64>,
}

impl HubSpot {
    /// An empty account that takes this token.
    pub fn new(token: &str) -> Self {
        Self { limit: 100, token: token.to_owned(), ..Self::default() }
    }

    fn route(&mut self, request: &Request) -> Result<Response, Response> {
        let path: Vec<&str> = request.path.strip_prefix(ROOT).unwrap_or_default().split('/').collect();
        let is_json = request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        let body = request.json().filter(|_| is_json).unwrap_or_default();
        match (request.method.as_str(), path.as_slice()) {
            ("GET", ["contacts"]) => Ok(Response::json(200, json!({ "results": [] }))),
            ("GET", ["contacts", key]) => self.read(key, &request.query),
            ("POST", ["contacts"]) => self.create(&body),
            ("PATCH", ["contacts", id]) => self.update(id, &body),
            ("POST", ["notes"]) => self.create_note(&body),
            _ => Err(Response::html(404, "<h1>Error 404 Not Found</h1>")),
        }
    }

    /// The place of a contact in `records`.
    fn find(&self, is_it: impl Fn(&Value) -> bool) -> Result<usize, Response> {
        let found = self.records.iter().position(|record| record["record"] == "contact" && is_it(record));
        found.ok_or_else(|| error(404, "OBJECT_NOT_FOUND", "resource not found"))
    }

    fn find_by_email(&self, email: &str) -> Result<usize, Response> {
        let is_same = |other: &str| other.eq_ignore_ascii_case(email);
        self.find(|contact| contact["properties"]["email"].as_str().is_some_and(is_same))
    }

    fn read(&self, key: &str, query: &[(String, String)]) -> Result<Response, Response> {
        let of = |name: &str| query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
        let key = form_urlencoded::parse(key.replace('+', "%2B").as_bytes()).next().unwrap_or_default().0.into_owned();
        let by_email = of("idProperty") == "email";
        let at = if by_email { self.find_by_email(&key) } else { self.find(|contact| contact["id"] == *key) }?;
        let value = |name: &str| (name.to_owned(), self.records[at]["properties"][name].clone());
        Ok(self.shown(200, at, &of("properties").split(',').map(value).collect()))
    }

    fn shown(&self, status: u16, at: usize, properties: &Map<String, Value>) -> Response {
        let id = &self.records[at]["id"];
        let url = format!("https://app.hubspot.com/contacts/6362600/record/0-1/{}", id.as_str().unwrap_or_default());
        Response::json(status, json!({ "id": id, "properties": properties, "archived": false, "url": url }))
    }

    fn create(&mut self, body: &Value) -> Result<Response, Response> {
        let properties = self.checked(body)?;
        if !body["associations"].is_array() {
            return Err(invalid("associations is required"));
        }
        match self.find_by_email(body["properties"]["email"].as_str().unwrap_or_default()) {
            Ok(at) => Err(error(409, "CONFLICT", &format!("Contact already exists. Existing ID: {}", at + 1))),
            Err(_) => Ok(self.keep(json!({ "record": "contact", "properties": properties }))),
        }
    }

    fn update(&mut self, id: &str, body: &Value) -> Result<Response, Response> {
        let properties = self.checked(body)?;
        let at = self.find(|contact| contact["id"] == *id)?;
        for (name, value) in &properties {
            if self.records[at]["properties"][name].is_string() {
                self.complaints.push(format!("{name} of the contact {id} was overwritten"));
            }
            self.records[at]["properties"][name] = value.clone();
        }
        Ok(self.shown(200, at, &properties))
    }

    /// The properties of a request, if all of them exist and hold what they can hold.
    fn checked(&self, body: &Value) -> Result<Map<String, Value>, Response> {
        let properties = body["properties"].as_object().filter(|properties| !properties.is_empty());
        let properties = properties.ok_or_else(|| invalid("properties is required"))?;
        let wrong: Vec<Value> = properties.iter().filter_map(|(name, value)| self.wrong(name, value)).collect();
        let message = || format!("Property values were not valid: {}", Value::from(wrong.as_slice()));
        wrong.is_empty().then(|| properties.clone()).ok_or_else(|| invalid(&message()))
    }

    fn wrong(&self, name: &str, value: &Value) -> Option<Value> {
        let text = value.as_str().unwrap_or_default();
        let error = match name {
            _ if !PROPERTIES.split(' ').any(|known| known == name) && !self.custom.contains(&name.to_owned()) => {
                "PROPERTY_DOESNT_EXIST"
            }
            _ if text.is_empty() => "INVALID_STRING",
            "email" if !text.contains('@') || !text.contains('.') => "INVALID_EMAIL",
            _ => return None,
        };
        Some(json!({ "isValid": false, "message": format!("{value} is not valid"), "error": error, "name": name }))
    }

    fn create_note(&mut self, body: &Value) -> Result<Response, Response> {
        let [text, time] = ["hs_note_body", "hs_timestamp"].map(|key| body["properties"][key].as_str().unwrap_or(""));
        if DateTime::parse_from_rfc3339(time).is_err() || text.is_empty() || text.chars().count() > MOST_NOTE_CHARS {
            return Err(invalid("hs_timestamp or hs_note_body is not valid"));
        }
        let contact = &body["associations"][0]["to"]["id"];
        let types = json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202 }]);
        let known = self.find(|known| known["id"] == *contact);
        if known.is_err() || body["associations"] != json!([{ "to": { "id": contact }, "types": types }]) {
            return Err(invalid("the association is not valid"));
        }
        if text.replace("<br>", "").contains(['<', '>', '"']) {
            self.complaints.push("a note holds markup".to_owned());
        }
        Ok(self.keep(json!({ "record": "note", "contact": contact, "properties": body["properties"] })))
    }

    fn keep(&mut self, mut record: Value) -> Response {
        let at = self.records.len();
        record["id"] = json!((at + 1).to_string());
        let properties = record["properties"].as_object().cloned().unwrap_or_default();
        self.records.push(record);
        self.shown(201, at, &properties)
    }
}

impl Fake for HubSpot {
    fn name(&self) -> &'static str {
        "hubspot"
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["api.hubapi.com"]
    }

    fn answer(&mut self, request: &Request, now_ms: i64) -> Response {
        if request.header("authorization").and_then(|value| value.strip_prefix("Bearer ")) != Some(&self.token) {
            return error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found");
        }
        self.recent.retain(|at| at + WINDOW_MS > now_ms);
        self.recent.push_back(now_ms);
        if self.recent.len() > self.limit {
            let message = "You have reached your ten_secondly_rolling limit.";
            return Response::json(429, json!({ "message": message, "policyName": "TEN_SECONDLY_ROLLING" }));
        }
        self.route(request).unwrap_or_else(|refusal| refusal)
    }

    fn records(&self) -> Vec<Value> {
        self.records.clone()
    }

    fn complaints(&self) -> Vec<String> {
        self.complaints.clone()
    }
}

fn invalid(message: &str) -> Response {
    error(400, "VALIDATION_ERROR", message)
}

fn error(status: u16, category: &str, message: &str) -> Response {
    Response::json(status, json!({ "status": "error", "message": message, "correlationId": "c", "category": category }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(fake: &mut HubSpot, method: &str, path: &str, body: &Value) -> (u16, String) {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let response = fake.answer(
            &Request {
                method: method.into(),
                host: "api.hubapi.com".into(),
                path: format!("{ROOT}{path}"),
                query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
                headers: vec![header("authorization", "Bearer t"), header("content-type", "application/json")],
                body: body.to_string(),
            },
            0,
        );
        (response.status, response.body)
    }

    #[test]
    fn what_each_request_is_answered() {
        let mut fake = HubSpot::new("t");
        let contact = |name: &str, value: &str| json!({ "properties": { name: value }, "associations": [] });
        let note = |text: &str, id: &str, kind: u32| {
            let types = json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind }]);
            let properties = json!({ "hs_timestamp": "2026-11-21T10:00:00Z", "hs_note_body": text });
            json!({ "properties": properties, "associations": [{ "to": { "id": id }, "types": types }] })
        };
        let find = "contacts/a%2B1%40x.test?idProperty=email&properties=email,phone";
        for (method, path, body, status, holds) in [
            ("GET", "contacts?limit=1", Value::Null, 200, "results"),
            ("GET", "persons", Value::Null, 404, "<h1>"),
            ("GET", find, Value::Null, 404, "OBJECT_NOT_FOUND"),
            ("POST", "contacts", json!({ "properties": { "email": "a+1@x.test" } }), 400, "associations"),
            (
                "POST",
                "contacts",
                contact("nickname", "A"),
                400,
                r#"\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"nickname\""#,
            ),
            ("POST", "contacts", contact("phone", ""), 400, "INVALID_STRING"),
            ("POST", "contacts", contact("email", "a"), 400, "INVALID_EMAIL"),
            ("POST", "contacts", contact("email", "a+1@x.test"), 201, r#""id":"1""#),
            ("POST", "contacts", contact("email", "A+1@x.test"), 409, "Existing ID: 1"),
            ("GET", find, Value::Null, 200, r#""properties":{"email":"a+1@x.test","phone":null}"#),
            ("PATCH", "contacts/1", contact("phone", "1"), 200, r#""phone":"1""#),
            ("PATCH", "contacts/2", contact("phone", "1"), 404, "OBJECT_NOT_FOUND"),
            ("POST", "notes", note("", "1", 202), 400, "hs_note_body"),
            ("POST", "notes", note("Hi", "2", 202), 400, "association"),
            ("POST", "notes", note("Hi", "1", 201), 400, "association"),
            ("POST", "notes", note("Hi<br>&lt;b&gt;", "1", 202), 201, r#""id":"2""#),
        ] {
            let (found, text) = ask(&mut fake, method, path, &body);
            assert!(found == status && text.contains(holds), "{method} {path} {body}: {found} {text}");
        }
        assert_eq!(fake.complaints(), [] as [String; 0]);
        ask(&mut fake, "PATCH", "contacts/1", &contact("phone", "2"));
        ask(&mut fake, "POST", "notes", &note("<b>", "1", 202));
        assert_eq!(fake.complaints(), ["phone of the contact 1 was overwritten", "a note holds markup"]);
        let fake: Box<dyn Fake> = Box::new(fake);
        assert_eq!((fake.holding("HI<BR>").len(), fake.holding("a+1@x.test").len(), fake.records().len()), (1, 1, 3));
    }

    #[test]
    fn tokens_and_limits() {
        let mut fake = HubSpot { limit: 1, ..HubSpot::new("t") };
        let mut other = HubSpot::new("other");
        let status = |fake: &mut HubSpot| ask(fake, "GET", "contacts", &Value::Null).0;
        assert_eq!((status(&mut fake), status(&mut fake), status(&mut other)), (200, 429, 401));
    }
}
