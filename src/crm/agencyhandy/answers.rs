//! What AgencyHandy's bodies say, under either contract.
//!
//! - A success is `createdMembers[0]._id` (documented), `data.addedLeads[0]._id` or `data.addedClients[0]._id`
//!   (current). `success: true` and a 2xx are none: 200 also means "all were skipped".
//! - A skipped member stands in `notAddedLeads` or `notAddedClients` with a `reason`.
//! - Errors are `{"type", "status", "fieldName", "message"}` as far as is known; every member may be missing.

use serde_json::Value as Json;

use crate::crm::already_there::says_already_there;

use super::{Answer, Call, Trouble, Verdict, status};

/// What became of the one member that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was created; its id.
    Created(String),
    /// It was skipped because its email is known; the id of the one that is there, if it was said.
    AlreadyThere { id: String, reason: String },
    /// It was skipped for another reason.
    Skipped(String),
}

/// Reads what became of the member, when the body says it, whatever the status.
pub(super) fn outcome(answer: &Answer) -> Option<Outcome> {
    let body = answer.json()?;
    let first = |key: &str| body["data"][key].get(0).or_else(|| body[key].get(0));
    let mut created = ["createdMembers", "addedLeads", "addedClients"].into_iter().filter_map(first);
    if let Some(id) = created.find_map(id_of) {
        return Some(Outcome::Created(id.to_owned()));
    }
    let skipped = ["notAddedLeads", "notAddedClients"].into_iter().find_map(first)?;
    let reason = skipped["reason"].as_str().unwrap_or("AgencyHandy gives no reason").to_owned();
    if !says_already_there(&reason) {
        return Some(Outcome::Skipped(reason));
    }
    // "Sometimes the existing lead object" is with it, under a key that is not documented.
    let inside = skipped.as_object().into_iter().flat_map(serde_json::Map::values).find_map(id_of);
    let id = id_of(skipped).or(inside).unwrap_or_default().to_owned();
    Some(Outcome::AlreadyThere { id, reason })
}

fn id_of(entry: &Json) -> Option<&str> {
    entry.get("_id")?.as_str().filter(|id| !id.is_empty())
}

/// An error, as far as it can be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// The status; that of the body, when an error comes with a 2xx.
    pub(super) status: u16,
    /// `fieldName` as it came (`members[0].role`).
    pub(super) path: Option<String>,
    /// Its last word (`role`).
    field: Option<String>,
    /// The message, or empty.
    pub(super) message: String,
    /// Only a part of it came.
    is_cut: bool,
}

impl Problem {
    /// Reads the error of an answer.
    pub(super) fn of(answer: &Answer) -> Self {
        let body = answer.json().unwrap_or_default();
        let inner = [&body, &body["error"], &body["errors"][0], &body["data"]];
        let text = |key: &str| inner.iter().find_map(|part| part[key].as_str());
        let said = body["status"].as_u64().and_then(|said| u16::try_from(said).ok()).filter(|said| *said >= 400);
        let path = text("fieldName").map(str::to_owned);
        let field = path.as_deref().and_then(|name| words(name).last().map(str::to_owned));
        let message = text("message").or_else(|| text("error")).unwrap_or_default();
        Self {
            status: said.filter(|_| answer.is_success()).unwrap_or(answer.status),
            path,
            field,
            message: message.chars().take(Trouble::DETAIL_CHARS).collect(),
            is_cut: status::is_cut(answer),
        }
    }

    /// The documented contract's answer to an email that the workspace already has.
    pub(super) fn email_is_taken(&self) -> bool {
        let is_possible = matches!(self.status, 200..=299 | 400 | 409 | 422);
        is_possible
            && says_already_there(&self.message)
            && self.names(&["email"], &["lead", "client", "member", "user"])
    }

    /// Whether the company is unknown or not this key's.
    pub(super) fn is_about_company(&self) -> bool {
        self.is_of_the_request() && self.names(&["company", "companyId", "company_id"], &["workspace"])
    }

    /// Whether the role is unknown.
    pub(super) fn is_about_role(&self) -> bool {
        matches!(self.status, 400 | 404 | 422) && self.names(&["role", "roleId", "role_id"], &[])
    }

    /// Whether the route is not served: the server knows no such path or method.
    pub(super) fn is_missing_route(&self) -> bool {
        !self.is_cut && matches!(self.status, 404 | 405 | 410 | 501)
    }

    /// Whether a validation refuses one of these members of the body.
    pub(super) fn refuses(&self, members: &[&str]) -> bool {
        matches!(self.status, 400 | 422) && self.names(members, &[])
    }

    /// What the status means when nothing better is known.
    pub(super) fn verdict(&self, call: &Call, answer: &Answer) -> Verdict {
        if self.status == answer.status {
            return status::verdict(call, answer);
        }
        let told = Answer { status: self.status, ..answer.clone() };
        status::verdict(call, &told)
    }

    fn is_of_the_request(&self) -> bool {
        (400..500).contains(&self.status) && self.status != 429
    }

    /// Whether the error is about one of these fields: by `fieldName` when there is one, else by a word of the message,
    /// where `others` count as well.
    fn names(&self, fields: &[&str], others: &[&str]) -> bool {
        let is_one_of = |names: &[&str], word: &str| names.iter().any(|name| name.eq_ignore_ascii_case(word));
        match &self.field {
            Some(field) => is_one_of(fields, field),
            // A word with a slash is a path ("Cannot POST /company/…"), which says nothing about the company.
            None => (self.message.split_whitespace().filter(|token| !token.contains('/')))
                .flat_map(words)
                .any(|word| is_one_of(fields, word) || is_one_of(others, word)),
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}
