//! AgencyHandy, with the documented contract of a company's members and the current one of `/members`:
//! <https://docs.agencyhandy.com/agencyhandy-user-guide-for-client/use-case/how-to-create-lead-via-api>,
//! <https://docs.agencyhandy.com/api/create-lead>.
//!
//! - Email is unique in the workspace, without regard to case. Each contract says a duplicate in its own way.
//! - The current contract drops unknown members without a word and sends an invitation unless told not to. A test asks
//!   [`Fake::complaints`] for these: the answer does not show them.
//! - Error bodies are not documented for these routes; they have the shape of the vendor's neighbouring ones.

mod check;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::{Fake, Request, Response};
use check::Wrong;

/// The company of the key.
pub const COMPANY_ID: &str = "6525994184e9ddd79853450e";
/// The role "client" of that company: the outer `_id`, which the create takes.
pub const ROLE_ID: &str = "6525994184e9ddd798534535";
/// The inner `role._id`, which the create refuses.
pub const INNER_ROLE_ID: &str = "6525994184e9ddd79853451e";
/// The labels that the workspace knows.
pub const CATEGORY_IDS: &[&str] = &["6525994184e9ddd7985345c1", "6525994184e9ddd7985345c2"];

/// At most `calls` calls in any `window_ms`. AgencyHandy documents no limit, and so no `Retry-After` either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many calls.
    pub calls: usize,
    /// In how many milliseconds.
    pub window_ms: i64,
}

/// A workspace at AgencyHandy.
#[derive(Debug)]
pub struct AgencyHandy {
    /// How many calls it takes; `None`: any number.
    pub limit: Option<Limit>,
    api_key: String,
    company_id: String,
    role_id: String,
    retired: bool,
    members: Vec<Value>,
    complaints: Vec<String>,
    recent: VecDeque<i64>,
}

impl AgencyHandy {
    /// An empty workspace with this API key.
    pub fn new(api_key: &str) -> Self {
        Self {
            limit: None,
            api_key: api_key.to_owned(),
            company_id: COMPANY_ID.to_owned(),
            role_id: ROLE_ID.to_owned(),
            retired: false,
            members: Vec::new(),
            complaints: Vec::new(),
            recent: VecDeque::new(),
        }
    }

    /// The documented contract is not served any more: the look-up of roles and the company's members are 404, and
    /// clients are taken by the current contract only. The companies are still listed, as the current guide says.
    pub fn retire_company_contract(&mut self) {
        self.retired = true;
    }

    /// The key belongs to another workspace from now on: what was looked up before does not hold.
    pub fn move_to(&mut self, company_id: &str, role_id: &str) {
        company_id.clone_into(&mut self.company_id);
        role_id.clone_into(&mut self.role_id);
    }

    fn is_over_limit(&mut self, now_ms: i64) -> bool {
        let Some(limit) = self.limit else { return false };
        while self.recent.front().is_some_and(|at| *at <= now_ms - limit.window_ms) {
            self.recent.pop_front();
        }
        if self.recent.len() >= limit.calls {
            return true;
        }
        self.recent.push_back(now_ms);
        false
    }

    fn companies(&self) -> Response {
        let company = json!({
            "_id": self.company_id, "name": "onethread123", "logo": "", "extraSmallLogo": "", "largeLogo": "",
        });
        Response::json(200, json!({ "message": "Companies accosiated with API token.", "companies": [company] }))
    }

    fn roles(&self, request: &Request) -> Result<Response, Wrong> {
        // The page sends no company here, later copies of it do: a wrong one is refused, none is not.
        if request.header("companyid").is_some_and(|id| id != self.company_id) {
            return Err(Wrong::no_company());
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

    /// The documented contract, leads: `{"members": […]}`.
    fn documented_leads(&mut self, company_id: &str, request: &Request) -> Result<Response, Wrong> {
        check::company(request, &self.company_id)?;
        if company_id != self.company_id {
            return Err(Wrong::no_company());
        }
        let body = check::json_body(request)?;
        let members = check::only_list(&body, "members")?;
        for member in members {
            check::documented_lead(member, &self.role_id)?;
        }
        self.take_documented("lead", "Lead created successfully", members)
    }

    /// The documented contract, clients: a bare array.
    fn documented_clients(&mut self, request: &Request, clients: &[Value]) -> Result<Response, Wrong> {
        check::company(request, &self.company_id)?;
        for client in clients {
            check::documented_client(client)?;
        }
        self.take_documented("client", "Client created successfully", clients)
    }

    /// All or nothing: an email that is known is a validation error of its entry.
    fn take_documented(&mut self, record: &str, message: &str, entries: &[Value]) -> Result<Response, Wrong> {
        let emails: Vec<_> = entries.iter().map(email_of).collect();
        let is_taken = |at: usize| self.find(&emails[at]).is_some() || emails[..at].contains(&emails[at]);
        if (0..emails.len()).any(is_taken) {
            return Err(Wrong::field("email", "Email already exists"));
        }
        let created: Vec<_> = entries
            .iter()
            .map(|entry| {
                let made = self.keep(record, entry);
                json!({ "_id": made["_id"], "name": made["name"], "status": made["status"], "role": "client" })
            })
            .collect();
        Ok(Response::json(201, json!({ "message": message, "createdMembers": created })))
    }

    /// The current contract. What is skipped is said in its list; 201 when anything was added, else 200.
    fn current(&mut self, record: &'static str, entries: &[Value]) -> Result<Response, Wrong> {
        let mut cleaned = Vec::new();
        for entry in entries {
            cleaned.push(check::current(record, entry, &mut self.complaints)?);
        }
        let (mut added, mut skipped) = (Vec::new(), Vec::new());
        for entry in &cleaned {
            match self.take_current(record, entry) {
                Ok(mut made) => {
                    // `record` is this crate's own word.
                    made.as_object_mut().map(|made| made.remove("record"));
                    added.push(made);
                }
                Err(entry) => skipped.push(entry),
            }
        }
        let (added_key, skipped_key) =
            if record == "lead" { ("addedLeads", "notAddedLeads") } else { ("addedClients", "notAddedClients") };
        // A lead's `success` only says that the call was understood; a client's says that one was added.
        let (status, success) = if added.is_empty() { (200, record == "lead") } else { (201, true) };
        Ok(Response::json(status, json!({ "success": success, "data": { added_key: added, skipped_key: skipped } })))
    }

    fn take_current(&mut self, record: &str, entry: &Value) -> Result<Value, Value> {
        let skip = |reason: &str| json!({ "email": entry["email"], "reason": reason });
        let categories = entry["category"].as_array().into_iter().flatten();
        if !categories.into_iter().all(|id| id.as_str().is_some_and(|id| CATEGORY_IDS.contains(&id))) {
            return Err(skip("One or more category not found"));
        }
        match self.find(&email_of(entry)) {
            None => Ok(self.keep(record, entry)),
            Some(at) if record == "client" && self.members[at]["record"] == "lead" => {
                let client = &mut self.members[at];
                client["record"] = json!("client");
                client["status"] = entry["status"].clone();
                client["isConvertedClient"] = json!(true);
                Ok(client.clone())
            }
            Some(at) if record == "lead" => {
                let mut skipped = skip("Lead already exists");
                skipped["lead"] = json!({ "_id": self.members[at]["_id"] });
                Err(skipped)
            }
            Some(_) => Err(skip("Client already exists")),
        }
    }

    fn find(&self, email: &str) -> Option<usize> {
        self.members.iter().position(|member| email_of(member) == email)
    }

    fn keep(&mut self, record: &str, entry: &Value) -> Value {
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let name = format!("{} {}", text("firstName"), text("lastName")).trim().to_owned();
        let mut made = json!({ "record": record, "_id": format!("{:024x}", self.members.len() + 1), "name": name });
        for (key, value) in entry.as_object().into_iter().flatten() {
            made[key] = value.clone();
        }
        if made["status"].is_null() {
            made["status"] = json!("New");
        }
        self.members.push(made.clone());
        made
    }

    fn route(&mut self, request: &Request) -> Result<Response, Wrong> {
        if request.header("x-api-key") != Some(&self.api_key) {
            return Err(Wrong::key());
        }
        let path: Vec<_> = request.path.trim_start_matches('/').split('/').collect();
        match (request.method.as_str(), path.as_slice()) {
            ("GET", ["accounts", "companies"]) => Ok(self.companies()),
            ("GET", ["roles"]) if !self.retired && request.query == [("type".to_owned(), "company".to_owned())] => {
                self.roles(request)
            }
            ("POST", ["company", id, "members", "bulk-client"]) if !self.retired => self.documented_leads(id, request),
            ("POST", ["members", "bulk-lead"]) => {
                let body = check::json_body(request)?;
                self.current("lead", check::bare_list(&body)?)
            }
            ("POST", ["members", "bulk-client"]) => {
                let body = check::json_body(request)?;
                let clients = check::bare_list(&body)?;
                // One route, two contracts: the current one knows only the status "Client".
                if self.retired || clients.iter().all(|client| client["status"] == "Client") {
                    self.current("client", clients)
                } else {
                    self.documented_clients(request, clients)
                }
            }
            _ => Err(Wrong::route(request)),
        }
    }
}

impl Fake for AgencyHandy {
    fn name(&self) -> &'static str {
        "agencyhandy"
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["api.agencyhandy.com"]
    }

    fn answer(&mut self, request: &Request, now_ms: i64) -> Response {
        if self.is_over_limit(now_ms) {
            return Wrong::too_many().response();
        }
        self.route(request).unwrap_or_else(|wrong| wrong.response())
    }

    fn complaints(&self) -> Vec<String> {
        self.complaints.clone()
    }

    fn records(&self) -> Vec<Value> {
        self.members.clone()
    }
}

fn email_of(entry: &Value) -> String {
    entry["email"].as_str().unwrap_or_default().to_lowercase()
}
