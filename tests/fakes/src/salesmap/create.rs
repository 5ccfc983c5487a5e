//! `POST /v2/{organization,people,lead}`: what is checked, in which order, and what is stored.
//! <https://docs.salesmap.kr/developers/api-reference/lead/create>
//!
//! Keys that the page does not list are ignored by the vendor, and are complaints here.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

use super::{OTHER_STAGE_ID, OTHER_USER_ID, Object, PIPELINE_ID, RELATED_ID, STAGE_ID, Salesmap, Stored, USER_ID};
use super::{bad_request, catalogue};
use crate::{Request, Response};

impl Salesmap {
    /// Answers a create.
    pub(super) fn create(&mut self, object: Object, request: &Request, now_ms: i64) -> Response {
        let body = self.body(request);
        match self.checked(object, &body) {
            Ok(values) => self.store(object, body, values, now_ms),
            Err(response) => response,
        }
    }

    /// The body as an object; what is none is read as an empty one.
    pub(super) fn body(&mut self, request: &Request) -> Map<String, Value> {
        if !request.header("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
            self.complain(format!("{}: Content-Type is not application/json", request.path));
            return Map::new();
        }
        if let Some(Value::Object(body)) = request.json() {
            body
        } else {
            self.complain(format!("{}: the body is not a JSON object", request.path));
            Map::new()
        }
    }

    /// Checks a create in the vendor's order: shape, ids, fields, uniqueness. `Ok`: label to value, of `fieldList`.
    fn checked(&mut self, object: Object, body: &Map<String, Value>) -> Result<Map<String, Value>, Response> {
        for key in body.keys().filter(|key| !object.keys().contains(&key.as_str())) {
            self.complaints.push(format!("{}: the key {key} is ignored", object.name()));
        }
        let name = match body.get("name") {
            None | Some(Value::Null) => return Err(bad_request(&json!(["[name]: 필수 입력 사항입니다."]))),
            Some(Value::String(name)) if name.is_empty() => {
                return Err(bad_request(&json!(["[name]: 1자 이상 입력해주세요."])));
            }
            Some(Value::String(name)) => name,
            Some(_) => return Err(bad_request(&json!(["[name]: 형식에 맞게 입력해주세요."]))),
        };
        for key in object.keys().iter().filter(|key| **key != "fieldList") {
            if body.get(*key).is_some_and(|value| !value.is_string()) {
                return Err(bad_request(&json!([format!("[{key}]: 형식에 맞게 입력해주세요.")])));
            }
        }
        if object == Object::Lead {
            refine_lead(body)?;
        }
        for (key, family) in [
            ("organizationId", "organization"),
            ("peopleId", "people"),
            ("pipelineId", "pipeline"),
            ("pipelineStageId", "pipelineStage"),
        ] {
            if object.keys().contains(&key)
                && let Some(id) = body.get(key).and_then(Value::as_str)
                && !self.exists(family, id)
            {
                return Err(bad_request(&json!(format!("{key}의 대상을 찾을 수 없습니다."))));
            }
        }
        self.inspect_memo(object, body);
        let values = self.field_list(object, body.get("fieldList"))?;
        self.unique(object, name, &values)?;
        Ok(values)
    }

    /// The memo becomes HTML as it stands, a `<div>` a line.
    fn inspect_memo(&mut self, object: Object, body: &Map<String, Value>) {
        let memo = body.get("memo").and_then(Value::as_str).unwrap_or_default();
        if memo.contains(['<', '>']) {
            self.complain(format!("{}: the memo holds markup", object.name()));
        }
        if memo.lines().any(str::is_empty) {
            self.complain(format!("{}: a blank line of the memo vanishes", object.name()));
        }
    }

    fn field_list(&mut self, object: Object, list: Option<&Value>) -> Result<Map<String, Value>, Response> {
        let misshapen = || bad_request(&json!(["[fieldList]: 형식에 맞게 입력해주세요."]));
        let items = match list {
            None => return Ok(Map::new()),
            Some(list) => list.as_array().ok_or_else(misshapen)?,
        };
        let mut values = Map::new();
        for item in items {
            let name = item["name"].as_str().ok_or_else(misshapen)?;
            let Some(field) = self.fields.iter().find(|field| field.object == object && field.name == name) else {
                let reason = format!("{}에 정의되있지 않은 데이터 필드를 입력했습니다", object.name());
                return Err(bad_request(&json!(reason)));
            };
            let value = catalogue::accept(field, item, |family, id| self.exists(family, id));
            let value = value.map_err(|reason| bad_request(&reason))?;
            if item.as_object().is_some_and(|item| item.len() > 2) {
                self.complain(format!("{}: {name} has more than a name and a value", object.name()));
            }
            if values.insert(name.to_owned(), value).is_some() {
                self.complain(format!("{}: {name} is given twice", object.name()));
            }
        }
        Ok(values)
    }

    fn exists(&self, family: &str, id: &str) -> bool {
        match family {
            "user" => [USER_ID, OTHER_USER_ID].contains(&id),
            "pipeline" => id == PIPELINE_ID,
            "pipelineStage" => [STAGE_ID, OTHER_STAGE_ID].contains(&id),
            _ => match Object::from_name(family) {
                Some(object) => self.stored.iter().any(|stored| stored.object == object && stored.id == id),
                None => id == RELATED_ID,
            },
        }
    }

    fn unique(&self, object: Object, name: &str, values: &Map<String, Value>) -> Result<(), Response> {
        for stored in self.stored.iter().filter(|stored| stored.object == object) {
            let taken = if object == Object::Organization && stored.name == name {
                Some("이름")
            } else {
                let mut fields = self.fields.iter().filter(|field| field.object == object && field.unique);
                let same = |name: &str| values.get(name).is_some_and(|value| stored.values.get(name) == Some(value));
                fields.find(|field| same(&field.name)).map(|field| field.name.as_str())
            };
            if let Some(label) = taken {
                let mut body = json!({
                    "success": false, "message": "Bad Request", "reason": format!("이미 존재하는 {label}입니다"),
                });
                if !self.is_terse || object == Object::Organization {
                    body["data"] = json!({ "id": stored.id, "name": stored.name });
                }
                return Err(Response::json(400, body));
            }
        }
        Ok(())
    }

    fn store(
        &mut self,
        object: Object,
        mut body: Map<String, Value>,
        values: Map<String, Value>,
        now: i64,
    ) -> Response {
        body.retain(|key, _| object.keys().contains(&key.as_str()) && key != "fieldList");
        let name = body.shift_remove("name").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
        let id = format!("00000000-0000-4000-8000-{:012x}", self.stored.len() + 1);
        let created_at = DateTime::from_timestamp_millis(now).unwrap_or_default();
        let created_at = created_at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let record = json!({ "id": id, "name": name, "createdAt": created_at });
        self.stored.push(Stored { object, id, name, created_at, body, values });
        Response::json(201, json!({ "success": true, "data": { object.name(): record } }))
    }
}

fn refine_lead(body: &Map<String, Value>) -> Result<(), Response> {
    let has = |key: &str| body.contains_key(key);
    if !has("peopleId") && !has("organizationId") {
        return Err(bad_request(&json!(["[refine]: peopleId 또는 organizationId를 입력해주세요."])));
    }
    if has("pipelineId") != has("pipelineStageId") {
        return Err(bad_request(&json!([
            "[refine]: 파이프라인 또는 파이프라인 단계를 변경하기 위해서는 pipelineId와 pipelineStageId 모두 필요합니다."
        ])));
    }
    Ok(())
}
