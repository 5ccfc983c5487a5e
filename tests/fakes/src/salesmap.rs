//! A fake Salesmap workspace, as strict as <https://docs.salesmap.kr/developers/api-reference>.
//!
//! - It rejects with the vendor's Korean reasons. What the vendor ignores silently (an `email` beside `fieldList`, markup
//!   in a memo) is stored as the vendor stores it, and is a complaint.
//! - Unique: the email of a person, the name of an organization, the business number of an organization.
//! - 100 points in 10 seconds; a search costs 10. An unknown path is an HTML page. `GET /user/me` is the probe.
//! - Reasons that no public page shows are worded like those that are; a client must not depend on them.

use std::collections::VecDeque;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, SecondsFormat, TimeZone};
use serde_json::{Map, Value, json};

use crate::{Fake, Request, Response};

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
/// A deal, web form, sequence, team, product and custom object.
pub const RELATED_ID: &str = "30000000-0000-4000-8000-000000000001";

const WINDOW_MS: i64 = 10_000;
const POINTS: u32 = 100;

/// The objects by their paths, with the keys of a create besides `name`, `memo` and `fieldList`.
const OBJECTS: &[(&str, &[&str])] = &[
    ("organization", &[]),
    ("people", &["organizationId"]),
    ("lead", &["peopleId", "organizationId", "pipelineId", "pipelineStageId"]),
];

/// The keys that hold an id, with the object or family it belongs to and the label under which a search knows it.
const ID_KEYS: &[(&str, &str, &str)] = &[
    ("organizationId", "organization", "회사"),
    ("peopleId", "people", "고객"),
    ("pipelineId", "pipeline", "파이프라인"),
    ("pipelineStageId", "pipelineStage", "파이프라인 단계"),
];

/// The types of fields, as the API spells them, and the member of an item that holds the value:
/// <https://docs.salesmap.kr/developers/api-reference/fieldlist>. A `ValueId` is the id of a record of the type's family.
pub const TYPES: &[(&str, &str)] = &[
    ("boolean", "booleanValue"),
    ("date", "dateValue"),
    ("dateTime", "dateValue"),
    ("number", "numberValue"),
    ("string", "stringValue"),
    ("singleSelect", "stringValue"),
    ("multiSelect", "stringValueList"),
    ("user", "userValueId"),
    ("multiUser", "userValueIdList"),
    ("people", "peopleValueId"),
    ("multiPeople", "peopleValueIdList"),
    ("organization", "organizationValueId"),
    ("multiOrganization", "organizationValueIdList"),
    ("pipeline", "pipelineValueId"),
    ("pipelineStage", "pipelineStageValueId"),
    ("webForm", "webformValueId"),
    ("multiWebForm", "webformValueIdList"),
    ("sequence", "sequenceValueId"),
    ("multiSequence", "sequenceValueIdList"),
    ("deal", "dealValueId"),
    ("multiDeal", "dealValueIdList"),
    ("multiLead", "leadValueIdList"),
    ("multiCustomObject", "customObjectValueIdList"),
    ("multiTeam", "teamValueIdList"),
    ("multiProduct", "productValueIdList"),
];

/// A field that only Salesmap writes.
const READ_ONLY: &str = "formula";
/// A field that a key of the body writes; in `fieldList` it is rejected.
const TOP_LEVEL: &str = "a key of the body";

/// The fields of the workspace: object (empty: each), label, type. Besides, a lead has a field of each type, labeled by it.
const FIELDS: &[(&str, &str, &str)] = &[
    ("", "이름", TOP_LEVEL),
    ("", "담당자", "user"),
    ("", "생성 날짜", READ_ONLY),
    ("organization", "전화", "string"),
    ("organization", "웹 주소", "string"),
    ("organization", "사업자등록번호", "string"),
    ("organization", "직원수", "number"),
    ("organization", "업종", "singleSelect"),
    ("people", "이메일", "string"),
    ("people", "전화", "string"),
    ("people", "직함/직책/직급", "string"),
    ("people", "회사", TOP_LEVEL),
    ("people", "유입경로", "singleSelect"),
    ("people", "동의 일시", "dateTime"),
    ("lead", "파이프라인", TOP_LEVEL),
    ("lead", "파이프라인 단계", TOP_LEVEL),
    ("lead", "고객", TOP_LEVEL),
    ("lead", "회사", TOP_LEVEL),
    ("lead", "예산", "number"),
    ("lead", "유입 페이지", "string"),
    ("lead", "문의 유형", "singleSelect"),
    ("lead", "방문 희망일", "date"),
    ("lead", "점수", READ_ONLY),
];

/// The options of the selects.
const OPTIONS: &[(&str, &[&str])] = &[
    ("업종", &["제조", "유통", "IT"]),
    ("유입경로", &["웹사이트", "소개", "전시회"]),
    ("문의 유형", &["견적", "상담", "기타"]),
];

/// Fields that no two records share.
const UNIQUE: &[(&str, &str)] = &[("organization", "이름"), ("organization", "사업자등록번호"), ("people", "이메일")];

/// A fake workspace.
#[derive(Debug)]
pub struct Salesmap {
    /// Points in ten seconds; the documented limit by default.
    pub points: u32,
    token: String,
    records: Vec<Stored>,
    complaints: Vec<String>,
    spent: VecDeque<(i64, u32)>,
    is_terse: bool,
}

#[derive(Debug)]
struct Stored {
    object: &'static str,
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
            records: Vec::new(),
            complaints: Vec::new(),
            spent: VecDeque::new(),
            is_terse: false,
        }
    }

    /// Whether "already exists" comes without the person who exists: the vendor's pages for AI agents promise the id of an
    /// organization only.
    pub fn be_terse(&mut self, on: bool) {
        self.is_terse = on;
    }

    fn complain(&mut self, text: impl Into<String>) {
        self.complaints.push(text.into());
    }

    fn admit(&mut self, request: &Request, cost: u32, now_ms: i64) -> Result<(), Response> {
        let unauthorized = |reason: &str| {
            Response::json(401, json!({ "success": false, "message": "Unauthorized", "reason": reason }))
        };
        match request.header("authorization") {
            None => return Err(unauthorized("헤더에서 Authorization을 찾을 수 없습니다.")),
            Some(value) if value.strip_prefix("Bearer ") == Some(&self.token) => {}
            Some(_) => return Err(unauthorized("유효하지 않은 토큰입니다.")),
        }
        self.spent.retain(|(at, _)| at + WINDOW_MS > now_ms);
        let spent: u32 = self.spent.iter().map(|(_, points)| points).sum();
        if spent + cost > self.points {
            return Err(Response::json(429, json!({ "success": false, "message": "Too Many Requests" })));
        }
        self.spent.push_back((now_ms, cost));
        Ok(())
    }

    /// The body as an object; anything else counts as an empty one.
    fn body(&mut self, request: &Request) -> Map<String, Value> {
        if !request.header("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
            self.complain(format!("{}: Content-Type is not application/json", request.path));
        } else if let Some(Value::Object(body)) = request.json() {
            return body;
        } else {
            self.complain(format!("{}: the body is not a JSON object", request.path));
        }
        Map::new()
    }

    /// `POST /v2/{object}`, checked in the vendor's order: shape, ids, fields, uniqueness.
    fn create(&mut self, object: &'static str, request: &Request, now_ms: i64) -> Result<Response, Response> {
        let mut body = self.body(request);
        let keys = OBJECTS.iter().find(|(name, _)| *name == object).map_or(&[][..], |(_, keys)| keys);
        let is_known = |key: &str| ["name", "memo", "fieldList"].contains(&key) || keys.contains(&key);
        for key in body.keys().filter(|key| !is_known(key)) {
            self.complaints.push(format!("{object}: the key {key} is ignored"));
        }
        body.retain(|key, _| is_known(key));
        match body.get("name").unwrap_or(&Value::Null) {
            Value::Null => return Err(no(json!(["[name]: 필수 입력 사항입니다."]))),
            Value::String(name) if name.is_empty() => return Err(no(json!(["[name]: 1자 이상 입력해주세요."]))),
            _ => {}
        }
        if let Some((key, _)) = body.iter().find(|(key, value)| *key != "fieldList" && !value.is_string()) {
            return Err(no(json!([format!("[{key}]: 형식에 맞게 입력해주세요.")])));
        }
        if object == "lead" && !body.contains_key("peopleId") && !body.contains_key("organizationId") {
            return Err(no(json!(["[refine]: peopleId 또는 organizationId를 입력해주세요."])));
        }
        if body.contains_key("pipelineId") != body.contains_key("pipelineStageId") {
            return Err(no(json!([
                "[refine]: 파이프라인 또는 파이프라인 단계를 변경하기 위해서는 pipelineId와 pipelineStageId 모두 필요합니다."
            ])));
        }
        for (key, family, _) in ID_KEYS {
            if body.get(*key).and_then(Value::as_str).is_some_and(|id| !self.exists(family, id)) {
                return Err(no(json!(format!("{key}의 대상을 찾을 수 없습니다."))));
            }
        }
        let list = body.shift_remove("fieldList");
        let values = self.values(object, list.as_ref())?;
        let name = body.shift_remove("name").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
        let id = format!("00000000-0000-4000-8000-{:012x}", self.records.len() + 1);
        let created_at = utc(DateTime::from_timestamp_millis(now_ms).unwrap_or_default().fixed_offset());
        let stored = Stored { object, id, name, created_at, body, values };
        self.check_unique(&stored)?;
        // The memo becomes HTML as it is, a `<div>` per line.
        let memo = stored.body.get("memo").and_then(Value::as_str).unwrap_or_default();
        if memo.contains(['<', '>']) {
            self.complain(format!("{object}: the memo holds markup"));
        }
        if memo.lines().any(str::is_empty) {
            self.complain(format!("{object}: a blank line of the memo vanishes"));
        }
        let record = json!({ "id": stored.id, "name": stored.name, "createdAt": stored.created_at });
        self.records.push(stored);
        Ok(Response::json(201, json!({ "success": true, "data": { object: record } })))
    }

    /// What `fieldList` stores: label to value.
    fn values(&mut self, object: &str, list: Option<&Value>) -> Result<Map<String, Value>, Response> {
        let misshapen = || no(json!(["[fieldList]: 형식에 맞게 입력해주세요."]));
        let items = list.map_or(Some(&[][..]), |list| list.as_array().map(Vec::as_slice)).ok_or_else(misshapen)?;
        let mut values = Map::new();
        for item in items {
            let name = item["name"].as_str().ok_or_else(misshapen)?;
            let code = type_of(object, name)
                .ok_or_else(|| no(json!(format!("{object}에 정의되있지 않은 데이터 필드를 입력했습니다"))))?;
            let value = self.value(object, name, code, item).map_err(no)?;
            if item.as_object().is_some_and(|item| item.len() > 2) {
                self.complain(format!("{object}: {name} has more than a name and a value"));
            }
            if values.insert(name.to_owned(), value).is_some() {
                self.complain(format!("{object}: {name} is given twice"));
            }
        }
        Ok(values)
    }

    /// What an item stores, or the reason for which it is rejected.
    fn value(&self, object: &str, name: &str, code: &str, item: &Value) -> Result<Value, Value> {
        if code == TOP_LEVEL {
            return Err(json!(format!("{name} 값은 fieldList가 아닌 파라메터 입니다")));
        }
        let Some((_, member)) = TYPES.iter().find(|(name, _)| *name == code) else {
            return Err(json!(format!("{object} {name}은(는) 수정할 수 없는 필드입니다.")));
        };
        let Some(value) = item.get(*member) else {
            return Err(json!([format!("{object} {name}에 {member}가 없습니다.")]));
        };
        let misshapen = || json!([format!("[fieldList,{member}]: 형식에 맞게 입력해주세요.")]);
        match *member {
            "booleanValue" => return value.is_boolean().then(|| value.clone()).ok_or_else(misshapen),
            "numberValue" => return value.is_number().then(|| value.clone()).ok_or_else(misshapen),
            "dateValue" => {
                let read = if code == "date" { korean_midnight } else { moment };
                return value.as_str().and_then(read).map(Value::from).ok_or_else(misshapen);
            }
            _ => {}
        }
        let list = if member.ends_with("List") { value.as_array().cloned() } else { Some(vec![value.clone()]) };
        let texts: Option<Vec<&str>> = list.as_ref().and_then(|list| list.iter().map(Value::as_str).collect());
        let texts = texts.ok_or_else(misshapen)?;
        if let Some((family, _)) = member.split_once("ValueId") {
            let absent = || json!(format!("{name}의 대상을 찾을 수 없습니다."));
            return texts.iter().all(|id| self.exists(family, id)).then(|| value.clone()).ok_or_else(absent);
        }
        let options = OPTIONS.iter().find(|(label, _)| *label == name).map(|(_, options)| *options);
        let is_option = |text: &&str| options.is_none_or(|options| options.contains(text));
        let undefined = || json!(format!("{object} {name}에 정의 되지 않은 값을 입력했습니다."));
        texts.iter().all(is_option).then(|| value.clone()).ok_or_else(undefined)
    }

    fn exists(&self, family: &str, id: &str) -> bool {
        match family {
            "user" => [USER_ID, OTHER_USER_ID].contains(&id),
            "pipeline" => id == PIPELINE_ID,
            "pipelineStage" => [STAGE_ID, OTHER_STAGE_ID].contains(&id),
            "organization" | "people" | "lead" => self.records.iter().any(|r| r.object == family && r.id == id),
            _ => id == RELATED_ID,
        }
    }

    /// The record that holds a unique value of this one is named in the rejection.
    fn check_unique(&self, new: &Stored) -> Result<(), Response> {
        let labels = UNIQUE.iter().filter(|(object, _)| *object == new.object).map(|(_, label)| label);
        for (record, label) in self.records.iter().flat_map(|record| labels.clone().map(move |label| (record, label))) {
            let value = new.get(label);
            if record.object == new.object && !value.is_null() && record.get(label) == value {
                let reason = format!("이미 존재하는 {label}입니다");
                let mut body = json!({ "success": false, "message": "Bad Request", "reason": reason });
                if !self.is_terse || new.object == "organization" {
                    body["data"] = json!({ "id": record.id, "name": record.name });
                }
                return Err(Response::json(400, body));
            }
        }
        Ok(())
    }

    /// `POST /v2/object/{object}/search`: groups joined by OR, filters of a group by AND, one to three of each.
    /// <https://docs.salesmap.kr/developers/api-reference/object-search>
    fn search(&mut self, object: &'static str, request: &Request) -> Result<Response, Response> {
        fn few<'a>(list: &'a Value, name: &str) -> Result<&'a Vec<Value>, Response> {
            let found = list.as_array().filter(|list| (1..=3).contains(&list.len()));
            found.ok_or_else(|| no(json!([format!("[{name}]: 1개 이상 3개 이하로 입력해주세요.")])))
        }
        let body = Value::Object(self.body(request));
        let mut found = Vec::new();
        for group in few(&body["filterGroupList"], "filterGroupList")? {
            let filters = few(&group["filters"], "filterGroupList,filters")?;
            let filters: Vec<_> = filters.iter().map(|filter| read_filter(object, filter)).collect::<Result<_, _>>()?;
            let of_object = self.records.iter().filter(|record| record.object == object);
            found.extend(of_object.filter(|record| filters.iter().all(|holds| holds(record))));
        }
        let list: Vec<_> = found.iter().map(|record| json!({ "id": record.id, "name": record.name })).collect();
        Ok(Response::json(200, json!({ "success": true, "data": { "objectList": list, "nextCursor": null } })))
    }
}

/// Whether a record is found.
type Filter<'a> = Box<dyn Fn(&Stored) -> bool + 'a>;

/// A filter of a search, read. Of the documented operators the fake has those that a connector uses.
fn read_filter<'a>(object: &str, filter: &'a Value) -> Result<Filter<'a>, Response> {
    let (name, value) = (filter["fieldName"].as_str().unwrap_or_default(), &filter["value"]);
    let invalid = || no(json!(format!("Invalid value: {name}")));
    type_of(object, name).ok_or_else(|| no(json!(format!("Invalid fieldName: {name}"))))?;
    Ok(match filter["operator"].as_str().unwrap_or_default() {
        "NOT_EXISTS" => Box::new(move |record| record.get(name).is_null()),
        "EQ" => {
            let text = value.as_str().ok_or_else(invalid)?;
            // A relation is searched by id; anything else is an error of the server.
            if ID_KEYS.iter().any(|(.., label)| *label == name) && !is_id(text) {
                return Err(Response::json(500, json!({ "message": "Unexpected Server Error" })));
            }
            Box::new(move |record| record.get(name) == *value)
        }
        "DATE_ON_OR_AFTER" if name == "생성 날짜" => {
            let from = value.as_str().and_then(|text| moment(text).or_else(|| korean_midnight(text)));
            let from = from.ok_or_else(invalid)?;
            // All are in UTC with milliseconds, so they compare as texts.
            Box::new(move |record| record.created_at >= from)
        }
        word => return Err(no(json!(format!("Invalid operator: {word}")))),
    })
}

impl Stored {
    /// The value under a label, or null.
    fn get(&self, label: &str) -> Value {
        if label == "이름" {
            return json!(self.name);
        }
        let key = ID_KEYS.iter().find(|(.., known)| *known == label).map(|(key, ..)| *key);
        key.and_then(|key| self.body.get(key)).or_else(|| self.values.get(label)).cloned().unwrap_or_default()
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
        let (name, is_search) = match (request.method.as_str(), path.as_slice()) {
            ("GET", ["user", "me"]) => ("me", false),
            ("POST", ["object", name, "search"]) => (*name, true),
            ("POST", [name]) => (*name, false),
            _ => ("", false),
        };
        let object = OBJECTS.iter().map(|(object, _)| *object).find(|object| *object == name);
        if object.is_none() && name != "me" || name == "me" && request.method != "GET" {
            return Response::html(404, "<!DOCTYPE html><title>404 | Salesmap</title>");
        }
        let admitted = self.admit(request, if is_search { 10 } else { 1 }, now_ms);
        let response = admitted.and_then(|()| match object {
            Some(object) if is_search => self.search(object, request),
            Some(object) => self.create(object, request, now_ms),
            None => Ok(me()),
        });
        response.unwrap_or_else(|rejection| rejection)
    }

    fn complaints(&self) -> Vec<String> {
        self.complaints.clone()
    }

    fn records(&self) -> Vec<Value> {
        let record = |stored: &Stored| {
            let kind = if stored.object == "people" { "person" } else { stored.object };
            let mut record = json!({
                "record": kind, "id": stored.id, "name": stored.name, "createdAt": stored.created_at,
            });
            for (key, value) in &stored.body {
                record[key] = value.clone();
            }
            record["fields"] = json!(stored.values);
            record
        };
        self.records.iter().map(record).collect()
    }
}

/// The type of a field of this object, by its label.
fn type_of(object: &str, label: &str) -> Option<&'static str> {
    let listed = FIELDS.iter().find(|(of, name, _)| *name == label && (of.is_empty() || *of == object));
    let by_code = || TYPES.iter().map(|(code, _)| *code).find(|code| object == "lead" && *code == label);
    listed.map(|(.., code)| *code).or_else(by_code)
}

#[allow(clippy::needless_pass_by_value, reason = "callers build it with json! in place")]
fn no(reason: Value) -> Response {
    Response::json(400, json!({ "success": false, "message": "Bad Request", "reason": reason }))
}

fn me() -> Response {
    let room = json!({ "id": "50000000-0000-4000-8000-000000000001", "name": "테스트 워크스페이스" });
    let user = json!({ "id": USER_ID, "name": "김담당", "status": "활성", "room": room });
    Response::json(200, json!({ "success": true, "data": { "user": user } }))
}

/// A UUID, or one of the old 24-digit ids.
fn is_id(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    let is_hex = text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    is_hex && (groups == [8, 4, 4, 4, 12] || groups == [24])
}

/// A date as Salesmap stores it: midnight in Korea.
fn korean_midnight(date: &str) -> Option<String> {
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    FixedOffset::east_opt(9 * 3600)?.from_local_datetime(&date.and_time(NaiveTime::MIN)).single().map(utc)
}

/// A moment as Salesmap stores it.
fn moment(text: &str) -> Option<String> {
    DateTime::parse_from_rfc3339(text).ok().map(utc)
}

fn utc(moment: DateTime<FixedOffset>) -> String {
    moment.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_712_553_926_020;
    const ACME: &str = "00000000-0000-4000-8000-000000000001";
    const HONG: &str = "00000000-0000-4000-8000-000000000002";

    fn request(method: &str, path: &str, body: &Value) -> Request {
        let headers = [("authorization", "Bearer t"), ("content-type", "application/json")];
        Request {
            method: method.into(),
            host: "salesmap.kr".into(),
            path: format!("/api/v2/{path}"),
            query: Vec::new(),
            headers: headers.map(|(name, value)| (name.into(), value.into())).into(),
            body: body.to_string(),
        }
    }

    fn post(fake: &mut Salesmap, path: &str, body: &Value) -> (u16, Value) {
        let response = fake.answer(&request("POST", path, body), NOW);
        (response.status, serde_json::from_str(&response.body).unwrap_or_default())
    }

    /// A workspace with the organization Acme and the person hong@example.com.
    fn workspace() -> Salesmap {
        let mut fake = Salesmap::new("t");
        assert_eq!(post(&mut fake, "organization", &json!({ "name": "Acme" })).0, 201);
        let email = json!([{ "name": "이메일", "stringValue": "hong@example.com" }]);
        assert_eq!(post(&mut fake, "people", &json!({ "name": "홍길동", "fieldList": email })).0, 201);
        fake
    }

    #[test]
    fn a_lead_is_created_and_stored() {
        let mut fake = workspace();
        let body = json!({
            "name": "문의", "peopleId": HONG, "organizationId": ACME, "memo": "안녕하세요", "pipelineId": PIPELINE_ID,
            "pipelineStageId": STAGE_ID,
            "fieldList": [
                { "name": "예산", "numberValue": 12000 }, { "name": "문의 유형", "stringValue": "견적" },
                { "name": "방문 희망일", "dateValue": "2024-04-16" },
                { "name": "dateTime", "dateValue": "2024-04-16T07:18:17.516Z" },
                { "name": "boolean", "booleanValue": true }, { "name": "multiSelect", "stringValueList": ["a", "b"] },
                { "name": "multiUser", "userValueIdList": [USER_ID, OTHER_USER_ID] },
                { "name": "people", "peopleValueId": HONG }, { "name": "webForm", "webformValueId": RELATED_ID },
            ],
        });
        let id = "00000000-0000-4000-8000-000000000003";
        let created = json!({ "id": id, "name": "문의", "createdAt": "2024-04-08T05:25:26.020Z" });
        assert_eq!(post(&mut fake, "lead", &body), (201, json!({ "success": true, "data": { "lead": created } })));
        let stored = &fake.records()[2];
        assert_eq!(
            (&stored["record"], &stored["peopleId"], &stored["memo"]),
            (&json!("lead"), &json!(HONG), &body["memo"])
        );
        assert_eq!(
            stored["fields"],
            json!({
                "예산": 12000, "문의 유형": "견적", "방문 희망일": "2024-04-15T15:00:00.000Z",
                "dateTime": "2024-04-16T07:18:17.516Z", "boolean": true, "multiSelect": ["a", "b"],
                "multiUser": [USER_ID, OTHER_USER_ID], "people": HONG, "webForm": RELATED_ID,
            })
        );
        assert_eq!(fake.complaints(), [] as [String; 0]);
    }

    #[test]
    fn rejections() {
        let lead = |more: Value| {
            let mut body = json!({ "name": "x", "peopleId": HONG });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            ("lead", body)
        };
        let item = |item: Value| lead(json!({ "fieldList": [item] }));
        let search = |filters: Value| ("object/lead/search", json!({ "filterGroupList": [{ "filters": filters }] }));
        let filter = |name: &str, operator: &str, value: Value| {
            search(json!([{ "fieldName": name, "operator": operator, "value": value }]))
        };
        let any = json!({ "fieldName": "이름", "operator": "NOT_EXISTS" });
        for ((path, body), reason) in [
            (("lead", json!({})), "[name]: 필수 입력 사항입니다."),
            (("lead", json!({ "name": "" })), "[name]: 1자 이상 입력해주세요."),
            (("lead", json!({ "name": 7 })), "[name]: 형식에 맞게 입력해주세요."),
            (("lead", json!({ "name": "x" })), "[refine]: peopleId 또는 organizationId를 입력해주세요."),
            (lead(json!({ "peopleId": ACME })), "peopleId의 대상을 찾을 수 없습니다."),
            (lead(json!({ "organizationId": "none" })), "organizationId의 대상을 찾을 수 없습니다."),
            (lead(json!({ "pipelineId": PIPELINE_ID })), "모두 필요합니다."),
            (
                lead(json!({ "pipelineId": PIPELINE_ID, "pipelineStageId": PIPELINE_ID })),
                "pipelineStageId의 대상을 찾을 수 없습니다.",
            ),
            (lead(json!({ "fieldList": {} })), "[fieldList]: 형식에 맞게 입력해주세요."),
            (
                item(json!({ "name": "없는 필드", "stringValue": "x" })),
                "lead에 정의되있지 않은 데이터 필드를 입력했습니다",
            ),
            (item(json!({ "name": "예산", "stringValue": "5" })), "lead 예산에 numberValue가 없습니다."),
            (
                item(json!({ "name": "webForm", "webFormValueId": RELATED_ID })),
                "lead webForm에 webformValueId가 없습니다.",
            ),
            (item(json!({ "name": "예산", "numberValue": "5" })), "[fieldList,numberValue]: 형식에 맞게 입력해주세요."),
            (item(json!({ "name": "방문 희망일", "dateValue": "16/04/2024" })), "[fieldList,dateValue]: 형식에"),
            (
                item(json!({ "name": "문의 유형", "stringValue": "환불" })),
                "lead 문의 유형에 정의 되지 않은 값을 입력했습니다.",
            ),
            (item(json!({ "name": "담당자", "userValueId": HONG })), "담당자의 대상을 찾을 수 없습니다."),
            (item(json!({ "name": "파이프라인", "pipelineValueId": PIPELINE_ID })), "파이프라인 값은 fieldList가 아닌"),
            (item(json!({ "name": "점수", "numberValue": 1 })), "lead 점수은(는) 수정할 수 없는 필드입니다."),
            (("object/lead/search", json!({})), "[filterGroupList]: 1개 이상 3개 이하로 입력해주세요."),
            (search(json!([any, any, any, any])), "[filterGroupList,filters]: 1개 이상 3개 이하로 입력해주세요."),
            (filter("name", "EQ", json!("x")), "Invalid fieldName: name"),
            (filter("이름", "EQUALS", json!("x")), "Invalid operator: EQUALS"),
            (filter("이름", "EQ", Value::Null), "Invalid value: 이름"),
            (filter("생성 날짜", "DATE_ON_OR_AFTER", json!("yesterday")), "Invalid value: 생성 날짜"),
        ] {
            let (status, answer) = post(&mut workspace(), path, &body);
            let found = answer["reason"].as_str().or_else(|| answer["reason"][0].as_str()).unwrap_or_default();
            assert!(status == 400 && answer["success"] == false && found.contains(reason), "{body}: {answer}");
        }
        let (status, answer) = filter("고객", "EQ", json!("홍길동"));
        let response = post(&mut workspace(), status, &answer);
        assert_eq!(response, (500, json!({ "message": "Unexpected Server Error" })));
    }

    #[test]
    fn emails_and_organization_names_are_unique_and_leads_are_not() {
        let mut fake = workspace();
        let email = json!([{ "name": "이메일", "stringValue": "hong@example.com" }]);
        let again = json!({ "name": "다른 이름", "fieldList": email });
        for (path, body, data) in [
            ("people", &again, json!({ "id": HONG, "name": "홍길동" })),
            ("organization", &json!({ "name": "Acme" }), json!({ "id": ACME, "name": "Acme" })),
        ] {
            let (status, answer) = post(&mut fake, path, body);
            assert_eq!((status, &answer["data"]), (400, &data), "{answer}");
        }
        fake.be_terse(true);
        assert!(post(&mut fake, "people", &again).1.get("data").is_none());
        for _ in 0..2 {
            assert_eq!(post(&mut fake, "lead", &json!({ "name": "같은 리드", "peopleId": HONG })).0, 201);
            assert_eq!(post(&mut fake, "people", &json!({ "name": "이메일 없음" })).0, 201);
        }
        assert_eq!(fake.records().len(), 6);
    }

    #[test]
    fn searches_find_by_name_relation_phone_and_time() {
        let mut fake = workspace();
        let phone = json!([{ "name": "전화", "stringValue": "02-1" }]);
        assert_eq!(post(&mut fake, "people", &json!({ "name": "홍길동", "fieldList": phone })).0, 201);
        assert_eq!(post(&mut fake, "lead", &json!({ "name": "문의", "peopleId": HONG })).0, 201);
        let (kim, lead) = ("00000000-0000-4000-8000-000000000003", "00000000-0000-4000-8000-000000000004");
        let eq = |field: &str, value: &str| json!({ "fieldName": field, "operator": "EQ", "value": value });
        let since = |value: &str| json!({ "fieldName": "생성 날짜", "operator": "DATE_ON_OR_AFTER", "value": value });
        for (object, filters, expected) in [
            ("lead", json!([eq("이름", "문의"), eq("고객", HONG), since("2024-04-08T05:25:26.000Z")]), vec![lead]),
            ("lead", json!([eq("고객", kim)]), vec![]),
            ("lead", json!([since("2024-04-08T05:25:27.000Z")]), vec![]),
            ("lead", json!([since("2024-04-08")]), vec![lead]),
            ("people", json!([eq("이메일", "hong@example.com")]), vec![HONG]),
            ("people", json!([eq("이름", "홍길동"), eq("전화", "02-1")]), vec![kim]),
            ("people", json!([eq("이름", "홍길동"), { "fieldName": "전화", "operator": "NOT_EXISTS" }]), vec![HONG]),
        ] {
            let body = json!({ "filterGroupList": [{ "filters": filters }] });
            let (status, answer) = post(&mut fake, &format!("object/{object}/search"), &body);
            let list = answer["data"]["objectList"].as_array().unwrap();
            let ids: Vec<_> = list.iter().filter_map(|found| found["id"].as_str()).collect();
            assert_eq!((status, ids), (200, expected), "{body}");
        }
    }

    #[test]
    fn what_the_vendor_ignores_is_a_complaint() {
        let mut fake = workspace();
        let body = json!({ "name": "Kim", "email": "k@example.com", "memo": "<b>\n\nx" });
        assert_eq!(post(&mut fake, "people", &body).0, 201);
        let twice = json!([{ "name": "전화", "stringValue": "a", "x": 1 }, { "name": "전화", "stringValue": "b" }]);
        assert_eq!(post(&mut fake, "people", &json!({ "name": "Lee", "fieldList": twice })).0, 201);
        let mut untyped = request("POST", "people", &json!({ "name": "Lee" }));
        untyped.headers.truncate(1);
        assert_eq!(fake.answer(&untyped, NOW).status, 400);
        assert_eq!(
            fake.complaints(),
            [
                "people: the key email is ignored",
                "people: the memo holds markup",
                "people: a blank line of the memo vanishes",
                "people: 전화 has more than a name and a value",
                "people: 전화 is given twice",
                "/api/v2/people: Content-Type is not application/json",
            ]
        );
    }

    #[test]
    fn tokens_paths_and_points() {
        let mut fake = Salesmap::new("t");
        let me = request("GET", "user/me", &json!({}));
        for authorization in [None, Some("Bearer wrong")] {
            let mut request = me.clone();
            request.headers =
                authorization.map(|value| ("authorization".to_owned(), value.to_owned())).into_iter().collect();
            assert_eq!(fake.answer(&request, NOW).status, 401);
        }
        for (method, path) in [("POST", "leads"), ("GET", "lead"), ("POST", "object/deal/search"), ("POST", "user/me")]
        {
            let response = fake.answer(&request(method, path, &json!({})), NOW);
            assert_eq!((response.status, &response.body[..15]), (404, "<!DOCTYPE html>"), "{method} {path}");
        }
        let filters =
            json!({ "filterGroupList": [{ "filters": [{ "fieldName": "이름", "operator": "NOT_EXISTS" }] }] });
        let search = request("POST", "object/lead/search", &filters);
        for _ in 0..9 {
            assert_eq!(fake.answer(&search, NOW).status, 200);
        }
        for _ in 0..10 {
            assert_eq!(fake.answer(&me, NOW + 500).status, 200);
        }
        assert_eq!(fake.answer(&me, NOW + 600).status, 429);
        // The searches leave the window.
        assert_eq!(fake.answer(&search, NOW + 10_000).status, 200);
    }
}
