//! A fake Salesmap workspace: <https://docs.salesmap.kr/developers/api-reference>.
//!
//! - It answers as the vendor does, Korean reasons included. What the vendor would have ignored in silence (an `email`
//!   beside `fieldList`, markup in a memo) is stored as the vendor stores it, and is a complaint: a test asserts that
//!   [`Fake::complaints`] is empty.
//! - Unique: the email of a person, the name of an organization. A repeat is a 400 with the id of the record that is there.
//! - 100 points in 10 seconds; a search costs 10. An unknown path is an HTML page.
//! - Reasons that no public page shows are worded like those that are; a client must not depend on them.

pub mod catalogue;
mod create;
mod search;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use crate::{Fake, Request, Response};
use catalogue::{Access, Field};
use search::{Failure, Search};

/// The user whose token it is.
pub const USER_ID: &str = "10000000-0000-4000-8000-000000000001";
/// A colleague.
pub const OTHER_USER_ID: &str = "10000000-0000-4000-8000-000000000002";
/// The only pipeline of leads.
pub const PIPELINE_ID: &str = "20000000-0000-4000-8000-000000000001";
/// The first stage of [`PIPELINE_ID`].
pub const STAGE_ID: &str = "20000000-0000-4000-8000-000000000011";
/// The second stage of [`PIPELINE_ID`].
pub const OTHER_STAGE_ID: &str = "20000000-0000-4000-8000-000000000012";
/// A deal, web form, sequence, team, product and custom object, whichever is asked for.
pub const RELATED_ID: &str = "30000000-0000-4000-8000-000000000001";

const WINDOW_MS: i64 = 10_000;
const POINTS: u32 = 100;

/// A kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// A company.
    Organization,
    /// A person.
    People,
    /// A lead.
    Lead,
}

impl Object {
    /// Every kind.
    pub const ALL: &'static [Object] = &[Object::Organization, Object::People, Object::Lead];

    /// As the API spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::People => "people",
            Self::Lead => "lead",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|object| object.name() == name)
    }

    /// The keys of a create; others are ignored.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Organization => &["name", "memo", "fieldList"],
            Self::People => &["name", "organizationId", "memo", "fieldList"],
            Self::Lead => &["name", "peopleId", "organizationId", "memo", "pipelineId", "pipelineStageId", "fieldList"],
        }
    }
}

/// A fake workspace.
#[derive(Debug)]
pub struct Salesmap {
    /// Points in ten seconds: the documented limit unless told otherwise.
    pub points: u32,
    token: String,
    fields: Vec<Field>,
    stored: Vec<Stored>,
    complaints: Vec<String>,
    spent: VecDeque<(i64, u32)>,
    wait_hint: bool,
    is_terse: bool,
}

#[derive(Debug)]
struct Stored {
    object: Object,
    id: String,
    name: String,
    created_at: String,
    /// The top-level keys besides `name` and `fieldList`.
    body: Map<String, Value>,
    /// Label to value.
    values: Map<String, Value>,
}

impl Salesmap {
    /// An empty workspace that takes this token.
    pub fn new(token: &str) -> Self {
        Self {
            points: POINTS,
            token: token.to_owned(),
            fields: catalogue::defaults(),
            stored: Vec::new(),
            complaints: Vec::new(),
            spent: VecDeque::new(),
            wait_hint: false,
            is_terse: false,
        }
    }

    /// Adds a field to the workspace; `options` for a select.
    pub fn add_field(&mut self, object: Object, name: &str, code: &str, options: &[&str]) {
        self.fields.push(Field {
            object,
            name: name.to_owned(),
            code: code.to_owned(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            access: Access::List,
            unique: false,
        });
    }

    /// No two records of this kind may hold the same value in this field from now on.
    pub fn prevent_duplicates(&mut self, object: Object, name: &str) {
        for field in self.fields.iter_mut().filter(|field| field.object == object && field.name == name) {
            field.unique = true;
        }
    }

    /// Whether "Too Many Requests" says how long to wait, as it does in the field and not in the documentation.
    pub fn give_wait_hint(&mut self, on: bool) {
        self.wait_hint = on;
    }

    /// Whether "already exists" comes without the person that is there: the vendor's pages for AI agents promise the id of
    /// an organization only.
    pub fn be_terse(&mut self, on: bool) {
        self.is_terse = on;
    }

    fn complain(&mut self, text: impl Into<String>) {
        self.complaints.push(text.into());
    }

    /// `Err` when the calls of the last ten seconds leave no room for one of `cost` points.
    fn spend(&mut self, cost: u32, now_ms: i64) -> Result<(), Response> {
        while self.spent.front().is_some_and(|(at, _)| at + WINDOW_MS <= now_ms) {
            self.spent.pop_front();
        }
        let spent: u32 = self.spent.iter().map(|(_, points)| points).sum();
        if spent + cost <= self.points {
            self.spent.push_back((now_ms, cost));
            return Ok(());
        }
        let mut body = json!({ "success": false, "message": "Too Many Requests" });
        if self.wait_hint {
            let wait = self.spent.front().map_or(WINDOW_MS, |(at, _)| at + WINDOW_MS - now_ms);
            body["reason"] = json!(format!("{}.{:03}초 후 재시도해주세요.", wait / 1000, wait % 1000));
        }
        Err(Response::json(429, body))
    }

    fn search(&mut self, object: Object, request: &Request) -> Response {
        let body = Value::Object(self.body(request));
        let fields: Vec<_> = self.fields.iter().filter(|field| field.object == object).collect();
        let search = match Search::read(&body, &fields) {
            Ok(search) => search,
            Err(Failure::Refused(reason)) => return bad_request(&reason),
            Err(Failure::Server) => return Response::json(500, json!({ "message": "Unexpected Server Error" })),
        };
        let of_object = self.stored.iter().filter(|stored| stored.object == object);
        let found: Vec<_> = of_object
            .filter(|stored| search.finds(&stored.searchable()))
            .map(|stored| json!({ "id": stored.id, "name": stored.name }))
            .collect();
        Response::json(200, json!({ "success": true, "data": { "objectList": found, "nextCursor": null } }))
    }

    fn field_catalogue(&self, object: Object) -> Response {
        let of_object = self.fields.iter().enumerate().filter(|(_, field)| field.object == object);
        let list: Vec<_> = of_object
            .map(|(at, field)| {
                let required = field.name == "이름";
                let mut entry =
                    json!({ "id": field_id(at), "name": field.name, "type": field.code, "required": required });
                if field.code.ends_with("Select") {
                    let option = |(nth, value): (usize, &String)| json!({ "id": field_id(nth + 1000), "value": value });
                    entry["optionList"] = field.options.iter().enumerate().map(option).collect();
                }
                entry
            })
            .collect();
        Response::json(200, json!({ "success": true, "data": { "fieldList": list } }))
    }
}

impl Stored {
    /// Label to value, of everything that a search can name.
    fn searchable(&self) -> Value {
        let mut values = self.values.clone();
        values.insert("이름".into(), json!(self.name));
        values.insert("생성 날짜".into(), json!(self.created_at));
        values.insert("RecordId".into(), json!(self.id));
        for (key, label) in [
            ("peopleId", "고객"),
            ("organizationId", if self.object == Object::Lead { "연결회사" } else { "회사" }),
            ("pipelineId", "파이프라인"),
            ("pipelineStageId", "파이프라인 단계"),
        ] {
            if let Some(id) = self.body.get(key) {
                let many = !key.starts_with("pipeline");
                values.insert(label.into(), if many { json!([id]) } else { id.clone() });
            }
        }
        Value::Object(values)
    }
}

impl Fake for Salesmap {
    fn name(&self) -> &'static str {
        "salesmap"
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["salesmap.kr"]
    }

    fn answer(&mut self, request: &Request, now_ms: i64) -> Response {
        let path: Vec<&str> = request.path.strip_prefix("/api/v2/").unwrap_or_default().split('/').collect();
        let route = match (request.method.as_str(), path.as_slice()) {
            ("POST", [object]) => Object::from_name(object).map(Route::Create),
            ("POST", ["object", object, "search"]) => Object::from_name(object).map(Route::Search),
            ("GET", ["field", object]) => Object::from_name(object).map(Route::Fields),
            ("GET", ["user", "me"]) => Some(Route::Me),
            ("GET", ["lead", "pipeline"]) => Some(Route::Pipelines),
            _ => None,
        };
        let Some(route) = route else { return Response::html(404, "<!DOCTYPE html><title>404 | Salesmap</title>") };
        if let Some(response) = self.unauthorized(request) {
            return response;
        }
        if let Err(response) = self.spend(if matches!(route, Route::Search(_)) { 10 } else { 1 }, now_ms) {
            return response;
        }
        match route {
            Route::Create(object) => self.create(object, request, now_ms),
            Route::Search(object) => self.search(object, request),
            Route::Fields(object) => self.field_catalogue(object),
            Route::Me => me(),
            Route::Pipelines => pipelines(),
        }
    }

    fn complaints(&self) -> Vec<String> {
        self.complaints.clone()
    }

    fn records(&self) -> Vec<Value> {
        let record = |stored: &Stored| {
            let record = if stored.object == Object::People { "person" } else { stored.object.name() };
            let mut all = Map::new();
            all.insert("record".into(), json!(record));
            all.insert("id".into(), json!(stored.id));
            all.insert("name".into(), json!(stored.name));
            all.insert("createdAt".into(), json!(stored.created_at));
            all.extend(stored.body.clone());
            all.insert("fields".into(), Value::Object(stored.values.clone()));
            Value::Object(all)
        };
        self.stored.iter().map(record).collect()
    }
}

#[derive(Debug, Clone, Copy)]
enum Route {
    Create(Object),
    Search(Object),
    Fields(Object),
    Me,
    Pipelines,
}

impl Salesmap {
    fn unauthorized(&self, request: &Request) -> Option<Response> {
        let refuse = |reason: &str| {
            Some(Response::json(401, json!({ "success": false, "message": "Unauthorized", "reason": reason })))
        };
        match request.header("authorization") {
            None => refuse("헤더에서 Authorization을 찾을 수 없습니다."),
            Some(value) if value.strip_prefix("Bearer ") == Some(&self.token) => None,
            Some(_) => refuse("유효하지 않은 토큰입니다."),
        }
    }
}

fn bad_request(reason: &Value) -> Response {
    Response::json(400, json!({ "success": false, "message": "Bad Request", "reason": reason }))
}

fn field_id(at: usize) -> String {
    format!("40000000-0000-4000-8000-{at:012x}")
}

fn me() -> Response {
    let room = json!({ "id": "50000000-0000-4000-8000-000000000001", "name": "테스트 워크스페이스" });
    let user = json!({ "id": USER_ID, "name": "김담당", "status": "활성", "room": room });
    Response::json(200, json!({ "success": true, "data": { "user": user } }))
}

fn pipelines() -> Response {
    let stages = json!([
        { "id": STAGE_ID, "name": "신규", "index": 0 },
        { "id": OTHER_STAGE_ID, "name": "상담", "index": 1 },
    ]);
    let list = json!([{ "id": PIPELINE_ID, "name": "기본", "pipelineStageList": stages }]);
    Response::json(200, json!({ "success": true, "data": { "pipelineList": list } }))
}
