//! What AgencyHandy refuses, as strictly as its pages say.

use serde_json::{Map, Value, json};

use crate::{Request, Response};

/// An error in the vendor's shape.
#[derive(Debug)]
pub(super) struct Wrong {
    kind: &'static str,
    status: u16,
    field: Option<String>,
    message: String,
}

impl Wrong {
    pub(super) fn field(field: &str, message: &str) -> Self {
        Self { kind: "ValidationError", status: 400, field: Some(field.to_owned()), message: message.to_owned() }
    }

    pub(super) fn key() -> Self {
        Self { kind: "PermissionError", status: 401, field: None, message: "Invalid API key".to_owned() }
    }

    pub(super) fn no_company() -> Self {
        Self { kind: "NotFoundError", status: 404, field: None, message: "Company not found".to_owned() }
    }

    pub(super) fn route(request: &Request) -> Self {
        let message = format!("Cannot {} {}", request.method, request.path);
        Self { kind: "NotFoundError", status: 404, field: None, message }
    }

    pub(super) fn too_many() -> Self {
        Self { kind: "RateLimitError", status: 429, field: None, message: "Too many requests".to_owned() }
    }

    pub(super) fn response(&self) -> Response {
        let mut body = json!({ "type": self.kind, "status": self.status, "message": self.message });
        if let Some(field) = &self.field {
            body["fieldName"] = json!(field);
        }
        Response::json(self.status, body)
    }
}

type Checked<T> = Result<T, Wrong>;

/// The company's header of the documented contract.
pub(super) fn company(request: &Request, company_id: &str) -> Checked<()> {
    match request.header("companyid") {
        None => Err(Wrong::field("companyid", "the header companyid is required")),
        Some(id) if id != company_id => Err(Wrong::no_company()),
        Some(_) => Ok(()),
    }
}

/// The body, which has to be said to be JSON.
pub(super) fn json_body(request: &Request) -> Checked<Value> {
    let content_type = request.header("content-type").unwrap_or_default();
    if content_type.split(';').next().map(str::trim) != Some("application/json") {
        return Err(Wrong::field("content-type", "Content-Type must be application/json"));
    }
    request.json().ok_or_else(|| Wrong::field("body", "the body is not JSON"))
}

/// `{"members": […]}` and nothing else.
pub(super) fn only_list<'a>(body: &'a Value, key: &str) -> Checked<&'a [Value]> {
    let object = object(body)?;
    known(object, &[key])?;
    list(&body[key], key)
}

/// A bare array.
pub(super) fn bare_list(body: &Value) -> Checked<&[Value]> {
    list(body, "body")
}

fn list<'a>(value: &'a Value, name: &str) -> Checked<&'a [Value]> {
    match value.as_array() {
        Some(list) if (1..=200).contains(&list.len()) => Ok(list),
        _ => Err(Wrong::field(name, "must be an array of 1 to 200 items")),
    }
}

/// A lead of the documented contract: exactly the members of the page's example.
pub(super) fn documented_lead(value: &Value, role_id: &str) -> Checked<()> {
    const KEYS: &[&str] = &[
        "firstName",
        "lastName",
        "email",
        "role",
        "isConvertedClient",
        "status",
        "contactNo",
        "source",
        "positionInBoard",
    ];
    let lead = object(value)?;
    known(lead, KEYS)?;
    if let Some(missing) = KEYS.iter().find(|key| !lead.contains_key(**key)) {
        return Err(Wrong::field(missing, "is required"));
    }
    documented(lead)?;
    if lead["role"] != role_id {
        return Err(Wrong::field("role", "Role not found"));
    }
    Ok(())
}

/// A client of the documented contract: four members required, four optional.
pub(super) fn documented_client(value: &Value) -> Checked<()> {
    let client = object(value)?;
    known(
        client,
        &["firstName", "lastName", "email", "isConvertedClient", "status", "contactNo", "source", "positionInBoard"],
    )?;
    documented(client)
}

fn documented(entry: &Map<String, Value>) -> Checked<()> {
    filled(entry, "firstName")?;
    filled(entry, "lastName")?;
    email(entry)?;
    // `true` is for turning a lead into a client, which no form does.
    if entry.get("isConvertedClient") != Some(&json!(false)) {
        return Err(Wrong::field("isConvertedClient", "must be the boolean false"));
    }
    texts(entry, &["status", "contactNo", "source"])?;
    match entry.get("positionInBoard") {
        Some(position) if !position.is_number() => Err(Wrong::field("positionInBoard", "must be a number")),
        _ => Ok(()),
    }
}

const LEAD_STATUSES: &[&str] = &["New", "Contacted", "Qualified", "Working", "Proposal Sent", "Negotiation"];
const LEAD_TYPES: &[&str] = &["individual", "leadCompanyMember"];
const TEXTS: &[&str] = &[
    "firstName",
    "lastName",
    "contactNo",
    "source",
    "companyName",
    "website",
    "leadValue",
    "country",
    "city",
    "state",
    "zipCode",
    "address",
    "agent",
    "password",
    "lastContactedAt",
    "profileImage",
];
const OTHERS: &[&str] = &["email", "status", "sendInvitationEmail", "category", "files", "customFields"];

/// A member of the current contract, without what the vendor strips.
pub(super) fn current(record: &str, value: &Value, complaints: &mut Vec<String>) -> Checked<Value> {
    let entry = object(value)?;
    email(entry)?;
    if record == "lead" {
        one_of(entry, "type", LEAD_TYPES)?;
        one_of(entry, "status", LEAD_STATUSES)?;
    } else {
        filled(entry, "firstName")?;
        filled(entry, "lastName")?;
        one_of(entry, "status", &["Client"])?;
    }
    texts(entry, TEXTS)?;
    ids(entry, "category")?;
    ids(entry, "files")?;
    custom_fields(entry)?;
    match entry.get("sendInvitationEmail") {
        Some(Value::Bool(false)) => {}
        None | Some(Value::Bool(true)) => {
            complaints.push(format!("an invitation was sent to {}", entry["email"]));
        }
        Some(_) => return Err(Wrong::field("sendInvitationEmail", "must be a boolean")),
    }
    if entry.contains_key("password") {
        complaints.push(format!("a password was set for {}", entry["email"]));
    }
    Ok(stripped(record, entry, complaints))
}

fn stripped(record: &str, entry: &Map<String, Value>, complaints: &mut Vec<String>) -> Value {
    let mut kept = entry.clone();
    kept.retain(|key, _| {
        let is_known =
            TEXTS.contains(&key.as_str()) || OTHERS.contains(&key.as_str()) || (record == "lead" && key == "type");
        if !is_known {
            complaints.push(format!("the unknown member {key} was dropped"));
        }
        is_known
    });
    Value::Object(kept)
}

fn custom_fields(entry: &Map<String, Value>) -> Checked<()> {
    let Some(value) = entry.get("customFields") else { return Ok(()) };
    let is_label = |item: &Value| item["value"].is_string() && item["label"].is_string();
    for field in value.as_array().ok_or_else(|| Wrong::field("customFields", "must be an array"))? {
        let field = object(field)?;
        filled(field, "_id")?;
        for (key, value) in field {
            let is_right = match key.as_str() {
                "_id" | "stringValue" => value.is_string(),
                "numberValue" => value.is_number(),
                "booleanValue" => value.is_boolean(),
                "dateValue" => value.as_str().is_some_and(|text| text.len() == 24 && text.ends_with('Z')),
                "arrayValue" => value.as_array().is_some_and(|items| items.iter().all(is_label)),
                // A form has no file that AgencyHandy holds, so nothing that is sent here can be right.
                _ => false,
            };
            if !is_right {
                return Err(Wrong::field(&format!("customFields.{key}"), "is not allowed or of the wrong type"));
            }
        }
    }
    Ok(())
}

fn object(value: &Value) -> Checked<&Map<String, Value>> {
    value.as_object().ok_or_else(|| Wrong::field("body", "must be an object"))
}

fn known(entry: &Map<String, Value>, keys: &[&str]) -> Checked<()> {
    match entry.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(Wrong::field(key, "is not allowed")),
        None => Ok(()),
    }
}

fn filled(entry: &Map<String, Value>, key: &str) -> Checked<()> {
    match entry.get(key).and_then(Value::as_str) {
        Some(text) if !text.trim().is_empty() => Ok(()),
        _ => Err(Wrong::field(key, "is required")),
    }
}

fn email(entry: &Map<String, Value>) -> Checked<()> {
    let text = entry.get("email").and_then(Value::as_str).unwrap_or_default();
    let is_address = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if is_address { Ok(()) } else { Err(Wrong::field("email", "must be a valid email")) }
}

fn texts(entry: &Map<String, Value>, keys: &[&str]) -> Checked<()> {
    match keys.iter().find(|key| entry.get(**key).is_some_and(|value| !value.is_string())) {
        Some(key) => Err(Wrong::field(key, "must be a string")),
        None => Ok(()),
    }
}

fn ids(entry: &Map<String, Value>, key: &str) -> Checked<()> {
    match entry.get(key) {
        Some(value) if !value.as_array().is_some_and(|ids| ids.iter().all(Value::is_string)) => {
            Err(Wrong::field(key, "must be an array of ids"))
        }
        _ => Ok(()),
    }
}

fn one_of(entry: &Map<String, Value>, key: &str, allowed: &[&str]) -> Checked<()> {
    match entry.get(key).and_then(Value::as_str) {
        Some(text) if allowed.contains(&text) => Ok(()),
        _ => Err(Wrong::field(key, &format!("must be one of {}", allowed.join(", ")))),
    }
}
