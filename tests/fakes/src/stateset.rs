//! A fake StateSet, as strict as <https://docs.stateset.com/api-reference/leads/create> and its error pages.
//!
//! Where the pages leave it open, it is strict: unknown keys, blank required texts and `current_token` are rejected, a
//! repeat under a known `Idempotency-Key` gets the first response, and one with another body is an error.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

use crate::{Fake, Request, Response};

const TEXTS: &[&str] = &[
    "firstName",
    "lastName",
    "email",
    "phone",
    "title",
    "department",
    "leadSource",
    "description",
    "mailingStreet",
    "mailingCity",
    "mailingState",
    "mailingCountry",
];
const FLAGS: &[&str] = &["do_not_call", "email_opt_out"];
const REQUIRED: &[&str] = &["firstName", "lastName", "email"];
const SOURCES: &[&str] = &["website", "referral", "trade_show", "cold_call", "social_media", "partner", "other"];

/// The rate limit is counted by the minute.
const WINDOW_MS: i64 = 60_000;

/// A StateSet account with its leads.
#[derive(Debug)]
pub struct StateSet {
    api_key: String,
    /// Requests in a minute; the documented limit of the smallest plan, 100, unless told otherwise.
    pub limit: usize,
    window: (i64, usize),
    leads: Vec<Map<String, Value>>,
    responses: BTreeMap<String, (String, Response)>,
}

impl StateSet {
    /// An empty account with this key.
    pub fn new(api_key: &str) -> Self {
        Self { api_key: api_key.to_owned(), limit: 100, window: (0, 0), leads: Vec::new(), responses: BTreeMap::new() }
    }

    /// Counts a request; the error when it is one too many.
    fn count(&mut self, now_ms: i64) -> (i64, Option<Response>) {
        let start = now_ms - now_ms.rem_euclid(WINDOW_MS);
        if self.window.0 != start {
            self.window = (start, 0);
        }
        self.window.1 += 1;
        let wait = (start + WINDOW_MS - now_ms + 999) / 1000;
        let rejection = (self.window.1 > self.limit).then(|| {
            error_a(429, "RATE_LIMIT_EXCEEDED", "Rate limit exceeded", &json!({}))
                .with("X-RateLimit-Retry-After", wait.to_string())
        });
        (start / 1000 + WINDOW_MS / 1000, rejection)
    }

    fn create(&mut self, request: &Request, now_ms: i64) -> Response {
        if let Some(rejection) = self.rejection(request) {
            return rejection;
        }
        let Some(Value::Object(body)) = request.json() else {
            return error_b("request_invalid", "The body is not a JSON object", None);
        };
        if let Some(rejection) = invalid(&body) {
            return rejection;
        }
        let key = request.header("idempotency-key").map(str::to_owned);
        if let Some((sent, response)) = key.as_ref().and_then(|key| self.responses.get(key)) {
            let same = *sent == request.body;
            let in_use = || error_b("idempotency_key_in_use", "Idempotency key already used", None);
            return if same { response.clone() } else { in_use() };
        }
        let response = self.store(body, now_ms);
        if let Some(key) = key {
            self.responses.insert(key, (request.body.clone(), response.clone()));
        }
        response
    }

    /// What is wrong with the request around its body.
    fn rejection(&self, request: &Request) -> Option<Response> {
        match request.header("authorization") {
            None => return Some(error_a(401, "MISSING_AUTH_HEADER", "No Authorization header provided", &json!({}))),
            Some(value) => match value.strip_prefix("Bearer ") {
                None => return Some(error_a(401, "INVALID_TOKEN_FORMAT", "Token format is incorrect", &json!({}))),
                Some(key) if key != self.api_key => {
                    return Some(error_a(401, "INVALID_API_KEY", "API key is invalid or revoked", &json!({})));
                }
                Some(_) => {}
            },
        }
        let kind = request.header("content-type").unwrap_or_default();
        let is_json = kind.split(';').next().is_some_and(|kind| kind.trim() == "application/json");
        (!is_json).then(|| error_b("request_invalid", "Content-Type must be application/json", None))
    }

    fn store(&mut self, body: Map<String, Value>, now_ms: i64) -> Response {
        let email = |lead: &Map<String, Value>| lead["email"].as_str().unwrap_or_default().to_lowercase();
        if self.leads.iter().any(|lead| email(lead) == email(&body)) {
            let details = json!({ "field": "email" });
            return error_a(409, "RESOURCE_ALREADY_EXISTS", "A lead with this email already exists", &details);
        }
        let mut lead = Map::new();
        lead.insert("id".into(), json!(format!("7c9e6679-7425-40de-944b-{:012x}", self.leads.len() + 1)));
        lead.insert("object".into(), json!("lead"));
        lead.extend(body);
        for flag in FLAGS {
            lead.entry(*flag).or_insert(json!(false));
        }
        lead.insert("status".into(), json!("new"));
        lead.insert("created_at".into(), json!(rfc3339(now_ms)));
        self.leads.push(lead.clone());
        Response::json(201, Value::Object(lead))
    }
}

impl Fake for StateSet {
    fn name(&self) -> &'static str {
        "stateset"
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["api.stateset.com", "api.sandbox.stateset.com"]
    }

    fn answer(&mut self, request: &Request, now_ms: i64) -> Response {
        let (reset, rejection) = self.count(now_ms);
        let response = match (rejection, request.method.as_str(), request.path.as_str()) {
            (Some(rejection), ..) => rejection,
            (None, "POST", "/v1/leads") => self.create(request, now_ms),
            (None, _, "/v1/leads") => error_a(405, "METHOD_NOT_ALLOWED", "Method not allowed", &json!({})),
            (None, ..) => error_a(404, "RESOURCE_NOT_FOUND", "Requested resource doesn't exist", &json!({})),
        };
        response
            .with("X-RateLimit-Limit", self.limit.to_string())
            .with("X-RateLimit-Remaining", self.limit.saturating_sub(self.window.1).to_string())
            .with("X-RateLimit-Reset", reset.to_string())
    }

    fn records(&self) -> Vec<Value> {
        let record = |lead: &Map<String, Value>| {
            let mut record = Map::from_iter([("record".to_owned(), json!("lead"))]);
            record.extend(lead.clone());
            Value::Object(record)
        };
        self.leads.iter().map(record).collect()
    }
}

/// What is wrong with the keys and values of a lead.
fn invalid(body: &Map<String, Value>) -> Option<Response> {
    for (key, value) in body {
        let key = key.as_str();
        let kind = if TEXTS.contains(&key) {
            (!value.is_string()).then_some("a string")
        } else if FLAGS.contains(&key) {
            (!value.is_boolean()).then_some("a boolean")
        } else {
            return Some(error_b("parameter_unknown", "Unknown parameter provided", Some(key)));
        };
        if let Some(kind) = kind {
            return Some(error_b("parameter_invalid", &format!("{key} must be {kind}"), Some(key)));
        }
    }
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().trim();
    if let Some(key) = REQUIRED.iter().find(|key| text(key).is_empty()) {
        return Some(error_b("parameter_missing", "Required parameter not provided", Some(key)));
    }
    let is_email = text("email").split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if !is_email {
        return Some(error_b("parameter_invalid", "email must be an email address", Some("email")));
    }
    if body.contains_key("leadSource") && !SOURCES.contains(&text("leadSource")) {
        return Some(error_b("parameter_invalid", "leadSource is not one of the known sources", Some("leadSource")));
    }
    None
}

/// Milliseconds since 1970 as `2025-11-13T02:13:20.000Z`.
fn rfc3339(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The error of the API's own page.
fn error_a(status: u16, code: &str, message: &str, details: &Value) -> Response {
    let kind = match status {
        401 => "authentication_error",
        429 => "rate_limit_error",
        _ => "invalid_request_error",
    };
    Response::json(
        status,
        json!({ "error": {
            "code": code,
            "message": message,
            "type": kind,
            "details": details,
            "request_id": "req_1NXWPnCo6bFb1KQto6C8OWvE",
            "timestamp": "2024-01-15T10:30:00Z",
            "documentation_url": format!("https://docs.stateset.com/errors/{code}"),
        } }),
    )
}

/// The error of the commerce API's page, for what is wrong with the request itself; always 400.
fn error_b(code: &str, message: &str, param: Option<&str>) -> Response {
    let mut error = json!({
        "type": "invalid_request_error",
        "code": code,
        "message": message,
        "doc_url": format!("https://docs.stateset.com/errors#{code}"),
        "request_id": "req_1NXWPnCo6bFb1KQto6C8OWvE",
    });
    if let Some(param) = param {
        error["param"] = json!(param);
    }
    Response::json(400, json!({ "error": error }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_763_000_010_000;

    fn request(body: &Value) -> Request {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Request {
            method: "POST".into(),
            host: "api.stateset.com".into(),
            path: "/v1/leads".into(),
            query: Vec::new(),
            headers: vec![header("authorization", "Bearer sk_test_1"), header("content-type", "application/json")],
            body: body.to_string(),
        }
    }

    fn lead() -> Value {
        json!({ "firstName": "S", "lastName": "J", "email": "s@example.com", "leadSource": "website" })
    }

    /// Status, error code and param.
    fn said(response: &Response) -> (u16, Option<String>, Option<String>) {
        let body: Value = serde_json::from_str(&response.body).unwrap();
        let text = |key: &str| body["error"][key].as_str().map(str::to_owned);
        (response.status, text("code"), text("param"))
    }

    #[test]
    fn a_lead_is_created() {
        let mut fake = StateSet::new("sk_test_1");
        let response = fake.answer(&request(&lead()), NOW);
        let made = json!({
            "id": "7c9e6679-7425-40de-944b-000000000001",
            "object": "lead",
            "firstName": "S",
            "lastName": "J",
            "email": "s@example.com",
            "leadSource": "website",
            "do_not_call": false,
            "email_opt_out": false,
            "status": "new",
            "created_at": "2025-11-13T02:13:30.000Z",
        });
        assert_eq!(response.status, 201);
        assert_eq!(serde_json::from_str::<Value>(&response.body).unwrap(), made);
        let mut record = made;
        record["record"] = json!("lead");
        assert_eq!(fake.records(), [record]);
    }

    #[test]
    fn invalid_requests_are_rejected() {
        let with = |key: &str, value: Value| {
            let mut body = lead();
            body[key] = value;
            request(&body)
        };
        let header = |name: &str, value: Option<&str>| {
            let mut request = request(&lead());
            request.headers.retain(|(key, _)| key != name);
            request.headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
            request
        };
        let at = |method: &str, path: &str| Request { method: method.into(), path: path.into(), ..request(&lead()) };
        let rows = [
            (header("authorization", None), 401, "MISSING_AUTH_HEADER", None),
            (header("authorization", Some("Token sk_test_1")), 401, "INVALID_TOKEN_FORMAT", None),
            (header("authorization", Some("Bearer sk_test_2")), 401, "INVALID_API_KEY", None),
            (header("content-type", None), 400, "request_invalid", None),
            (header("content-type", Some("text/plain")), 400, "request_invalid", None),
            (request(&json!([lead()])), 400, "request_invalid", None),
            (with("current_token", json!("x")), 400, "parameter_unknown", Some("current_token")),
            (with("nickname", json!("x")), 400, "parameter_unknown", Some("nickname")),
            (with("phone", json!(5)), 400, "parameter_invalid", Some("phone")),
            (with("phone", json!(null)), 400, "parameter_invalid", Some("phone")),
            (with("do_not_call", json!("true")), 400, "parameter_invalid", Some("do_not_call")),
            (with("lastName", json!(" ")), 400, "parameter_missing", Some("lastName")),
            (request(&json!({ "firstName": "S", "lastName": "J" })), 400, "parameter_missing", Some("email")),
            (with("email", json!("s@")), 400, "parameter_invalid", Some("email")),
            (with("leadSource", json!("web")), 400, "parameter_invalid", Some("leadSource")),
            (at("GET", "/v1/leads"), 405, "METHOD_NOT_ALLOWED", None),
            (at("POST", "/leads"), 404, "RESOURCE_NOT_FOUND", None),
        ];
        let mut fake = StateSet::new("sk_test_1");
        for (request, status, code, param) in rows {
            let expected = (status, Some(code.to_owned()), param.map(str::to_owned));
            assert_eq!(said(&fake.answer(&request, NOW)), expected);
        }
        assert_eq!(fake.records(), [] as [Value; 0]);
    }

    #[test]
    fn an_email_has_one_lead_and_a_key_one_response() {
        let mut fake = StateSet::new("sk_test_1");
        let keyed = |key: &str, body: &Value| {
            let mut request = request(body);
            request.headers.push(("idempotency-key".into(), key.into()));
            request
        };
        let first = fake.answer(&keyed("a", &lead()), NOW);
        let again = fake.answer(&keyed("a", &lead()), NOW);
        assert_eq!((first.status, &first.body), (again.status, &again.body));
        let mut other = lead();
        other["email"] = json!("S@Example.com");
        let exists = (409, Some("RESOURCE_ALREADY_EXISTS".to_owned()), None);
        assert_eq!(said(&fake.answer(&keyed("b", &other), NOW)), exists);
        assert_eq!(said(&fake.answer(&request(&lead()), NOW)), exists);
        let in_use = (400, Some("idempotency_key_in_use".to_owned()), None);
        assert_eq!(said(&fake.answer(&keyed("a", &other), NOW)), in_use);
        assert_eq!(fake.records().len(), 1);
    }

    #[test]
    fn the_limit_is_per_minute() {
        let mut fake = StateSet::new("sk_test_1");
        fake.limit = 1;
        let header = |response: &Response, name: &str| {
            response.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
        };
        let first = fake.answer(&request(&lead()), NOW);
        assert_eq!((first.status, header(&first, "X-RateLimit-Remaining")), (201, Some("0".into())));
        let second = fake.answer(&request(&lead()), NOW);
        assert_eq!(said(&second).0, 429);
        // NOW is 30 s into its minute.
        assert_eq!(header(&second, "X-RateLimit-Retry-After"), Some("30".into()));
        assert_eq!(header(&second, "X-RateLimit-Reset"), Some("1763000040".into()));
        assert_eq!(said(&fake.answer(&request(&lead()), NOW + 30_000)).0, 409);
    }
}
