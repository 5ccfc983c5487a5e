//! LeadSquared: captures leads, finds them, creates users. <https://apidocs.leadsquared.com/>
//!
//! - Keys only in the headers `x-LSQ-AccessKey` and `x-LSQ-SecretKey`. The vendor also takes them in the query; here
//!   any query parameter that a call does not have is refused, so that a leaked key is seen.
//! - One account in one region: the hosts of the others answer 401 and name the right one. A request that came to
//!   none of the vendor's hosts came through a loopback origin and is meant for the account's own.
//! - Where the vendor documents no exception type, `MXInvalidEntityException` stands in.

mod leads;
mod users;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::{Fake, Request, Response};
use leads::Leads;
use users::Users;

const HOSTS: &[&str] = &[
    "api.leadsquared.com",
    "api-us11.leadsquared.com",
    "api-in21.leadsquared.com",
    "api-in22.leadsquared.com",
    "api-ir31.leadsquared.com",
    "api-ca12.leadsquared.com",
];

/// So many calls in so many milliseconds, as on the page of users.
const LIMIT: (usize, i64) = (25, 5_000);

/// How too many calls are answered: each has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disguise {
    /// As a success that says `"Status":"Error"`.
    Status200,
    /// As a refusal of the keys.
    Status403,
    /// As what it is.
    Status429,
}

/// One LeadSquared account.
#[derive(Debug)]
pub struct LeadSquared {
    /// The host of the account's region.
    pub home: String,
    /// How too many calls are answered.
    pub disguise: Disguise,
    /// Says of a captured lead only how many rows changed, and not its id.
    pub terse: bool,
    /// So many calls in so many milliseconds: the documented limit unless told otherwise.
    pub limit: (usize, i64),
    access_key: String,
    secret_key: String,
    recent: VecDeque<i64>,
    leads: Leads,
    users: Users,
}

impl LeadSquared {
    /// An empty account in Mumbai with these keys.
    pub fn new(access_key: &str, secret_key: &str) -> Self {
        Self {
            home: "api-in21.leadsquared.com".into(),
            disguise: Disguise::Status429,
            terse: false,
            limit: LIMIT,
            access_key: access_key.into(),
            secret_key: secret_key.into(),
            recent: VecDeque::new(),
            leads: Leads::default(),
            users: Users::default(),
        }
    }

    /// Adds a field of leads, by schema name (`mx_Budget`).
    pub fn add_lead_field(&mut self, name: &str) {
        self.leads.fields.push(name.into());
    }

    /// Makes a field of leads mandatory.
    pub fn require_lead_field(&mut self, name: &str) {
        self.leads.mandatory.push(name.into());
    }

    /// What is wrong with who calls, and where.
    fn stranger(&self, request: &Request) -> Option<Response> {
        if HOSTS.contains(&request.host.as_str()) && request.host != self.home {
            let message = format!("This account is on https://{}/v2/. Please call that host.", self.home);
            return Some(Response::json(401, json!({ "Status": "Error", "ExceptionMessage": message })));
        }
        let keys = [("x-lsq-accesskey", &self.access_key), ("x-lsq-secretkey", &self.secret_key)];
        let known = keys.iter().all(|(header, key)| request.header(header) == Some(key.as_str()));
        (!known).then(|| text(401, "Invalid AccessKey or SecretKey"))
    }

    fn is_too_many(&mut self, now_ms: i64) -> bool {
        let (calls, window_ms) = self.limit;
        self.recent.retain(|at| *at > now_ms - window_ms);
        if self.recent.len() >= calls {
            return true;
        }
        self.recent.push_back(now_ms);
        false
    }

    fn too_many(&self) -> Response {
        let status = match self.disguise {
            Disguise::Status200 => 200,
            Disguise::Status403 => 403,
            Disguise::Status429 => 429,
        };
        exception(status, "MXAPIRateLimitExceededException", "API calls exceeded the limit of 25 in 5 second(s)")
    }

    /// The id of the record that is made next; nothing is ever deleted.
    fn next_id(&self) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.leads.len() + self.users.len() + 1)
    }

    fn capture(&mut self, request: &Request) -> Response {
        let body = match body(request) {
            Ok(body) => body,
            Err(response) => return response,
        };
        let new_id = self.next_id();
        match self.leads.capture(&body, &request.query, new_id.clone()) {
            Ok((_, rows)) if self.terse => success(&json!({ "AffectedRows": rows })),
            // The lead's id is the second one; the first is nothing that a look-up knows.
            Ok((id, _)) => {
                let capture = id.replace("-4000-8000-", "-4000-9000-");
                success(&json!({ "Id": capture, "RelatedId": id, "IsCreated": id == new_id }))
            }
            Err(response) => response,
        }
    }

    fn create_user(&mut self, request: &Request) -> Response {
        if !request.query.is_empty() {
            return text(400, "User/Create has no query");
        }
        let body = match body(request) {
            Ok(body) => body,
            Err(response) => return response,
        };
        let id = self.next_id();
        match self.users.create(&body, &id) {
            Ok(()) => success(&json!({ "Id": id })),
            Err(response) => response,
        }
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
        if let Some(response) = self.stranger(request) {
            return response;
        }
        if self.is_too_many(now_ms) {
            return self.too_many();
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/v2/LeadManagement.svc/Lead.Capture") => self.capture(request),
            ("GET", "/v2/LeadManagement.svc/Leads.GetByEmailaddress") => self.leads.find_by_email(&request.query),
            ("GET", "/v2/LeadManagement.svc/RetrieveLeadByPhoneNumber") => self.leads.find_by_phone(&request.query),
            ("POST", "/v2/UserManagement.svc/User/Create") => self.create_user(request),
            _ => text(404, "The API could not be found. Please check the API signature."),
        }
    }

    fn records(&self) -> Vec<Value> {
        let leads = self.leads.records().into_iter().map(|lead| ("lead", lead));
        let users = self.users.records().into_iter().map(|user| ("user", user));
        // Ids count up, so that they give the order of making.
        let mut all: Vec<(String, Value)> = leads
            .chain(users)
            .map(|(kind, (id, mut record))| {
                record.insert("record".into(), json!(kind));
                (id, Value::Object(record))
            })
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.into_iter().map(|(_, record)| record).collect()
    }
}

/// The JSON of a request, which has to say that it is JSON.
fn body(request: &Request) -> Result<Value, Response> {
    let kind = request.header("content-type").unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("application/json") {
        return Err(text(400, "The content type has to be application/json"));
    }
    request.json().ok_or_else(|| text(400, "The body is no JSON"))
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

fn text(status: u16, body: &str) -> Response {
    let headers = vec![("Content-Type".to_owned(), "text/plain; charset=utf-8".to_owned())];
    Response { status, headers, body: body.to_owned() }
}

/// Input that looks like a script is refused wherever it stands.
fn scripted(value: &str) -> Option<Response> {
    let found = value.to_ascii_lowercase().contains("<script");
    found.then(|| exception(500, "MXXSSException", "A potentially dangerous value was detected in the input"))
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain = !text.contains(|c: char| c.is_whitespace() || c == ',' || c == ';');
    plain && !local.is_empty() && !domain.contains('@') && domain.contains('.') && !domain.starts_with('.')
}
