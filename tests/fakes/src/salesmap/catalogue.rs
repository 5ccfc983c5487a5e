//! The fields of a Salesmap workspace, and what each of them takes:
//! <https://docs.salesmap.kr/developers/api-reference/fieldlist>, `GET /v2/field/{object}`.
//!
//! The system fields are those of a new workspace; the others stand for what an operator adds, one of each type.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, SecondsFormat, TimeZone};
use serde_json::{Value, json};

use super::Object;

/// A field of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Which kind of record has it.
    pub object: Object,
    /// Its label.
    pub name: String,
    /// Its type, as the API spells it (`multiSelect`).
    pub code: String,
    /// The options of a select.
    pub options: Vec<String>,
    /// Who writes it.
    pub access: Access,
    /// No two records may hold the same value (`preventDuplicates`).
    pub unique: bool,
}

/// Who writes a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// `fieldList` does.
    List,
    /// A key of the body does; in `fieldList` it is refused.
    TopLevel,
    /// Salesmap does.
    ReadOnly,
}

/// What a type takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `true` or `false`, never a text.
    Bool,
    /// `2024-04-16`.
    Date,
    /// `2024-04-16T07:18:17.516Z`.
    DateTime,
    /// A number.
    Number,
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// The id of a record of this family.
    Id(&'static str),
    /// Ids of records of this family.
    Ids(&'static str),
}

/// Types, their value keys and what these hold. A type that is not here is read-only (`formula`, `multiPeopleGroup`).
pub const TYPES: &[(&str, &str, Shape)] = &[
    ("boolean", "booleanValue", Shape::Bool),
    ("date", "dateValue", Shape::Date),
    ("dateTime", "dateValue", Shape::DateTime),
    ("number", "numberValue", Shape::Number),
    ("string", "stringValue", Shape::Text),
    ("singleSelect", "stringValue", Shape::Text),
    ("multiSelect", "stringValueList", Shape::Texts),
    ("user", "userValueId", Shape::Id("user")),
    ("multiUser", "userValueIdList", Shape::Ids("user")),
    ("people", "peopleValueId", Shape::Id("people")),
    ("multiPeople", "peopleValueIdList", Shape::Ids("people")),
    ("organization", "organizationValueId", Shape::Id("organization")),
    ("multiOrganization", "organizationValueIdList", Shape::Ids("organization")),
    ("pipeline", "pipelineValueId", Shape::Id("pipeline")),
    ("pipelineStage", "pipelineStageValueId", Shape::Id("pipelineStage")),
    ("webForm", "webformValueId", Shape::Id("webForm")),
    ("multiWebForm", "webformValueIdList", Shape::Ids("webForm")),
    ("sequence", "sequenceValueId", Shape::Id("sequence")),
    ("multiSequence", "sequenceValueIdList", Shape::Ids("sequence")),
    ("deal", "dealValueId", Shape::Id("deal")),
    ("multiDeal", "dealValueIdList", Shape::Ids("deal")),
    ("multiLead", "leadValueIdList", Shape::Ids("lead")),
    ("multiCustomObject", "customObjectValueIdList", Shape::Ids("customObject")),
    ("team", "teamValueIdList", Shape::Ids("team")),
    ("multiTeam", "teamValueIdList", Shape::Ids("team")),
    ("multiProduct", "productValueIdList", Shape::Ids("product")),
];

type Default = (&'static str, &'static str, &'static [&'static str], Access, bool);

const COMMON: &[Default] = &[
    ("이름", "string", &[], Access::TopLevel, false),
    ("담당자", "user", &[], Access::List, false),
    ("생성 날짜", "dateTime", &[], Access::ReadOnly, false),
    ("수정 날짜", "dateTime", &[], Access::ReadOnly, false),
    ("RecordId", "string", &[], Access::ReadOnly, false),
];

const ORGANIZATION: &[Default] = &[
    ("전화", "string", &[], Access::List, false),
    ("웹 주소", "string", &[], Access::List, false),
    ("주소", "string", &[], Access::List, false),
    ("사업자등록번호", "string", &[], Access::List, true),
    ("직원수", "number", &[], Access::List, false),
    ("설립일", "date", &[], Access::List, false),
    ("업종", "singleSelect", &["제조", "유통", "IT"], Access::List, false),
];

const PEOPLE: &[Default] = &[
    ("이메일", "string", &[], Access::List, true),
    ("전화", "string", &[], Access::List, false),
    ("직함/직책/직급", "string", &[], Access::List, false),
    ("부서", "string", &[], Access::List, false),
    ("회사", "multiOrganization", &[], Access::TopLevel, false),
    ("고객 그룹", "multiPeopleGroup", &[], Access::ReadOnly, false),
    ("유입경로", "singleSelect", &["웹사이트", "소개", "전시회"], Access::List, false),
    ("마케팅 동의", "boolean", &[], Access::List, false),
    ("동의 일시", "dateTime", &[], Access::List, false),
];

const LEAD: &[Default] = &[
    ("파이프라인", "pipeline", &[], Access::TopLevel, false),
    ("파이프라인 단계", "pipelineStage", &[], Access::TopLevel, false),
    ("고객", "multiPeople", &[], Access::TopLevel, false),
    ("연결회사", "multiOrganization", &[], Access::TopLevel, false),
    ("팔로워", "multiUser", &[], Access::List, false),
    ("예산", "number", &[], Access::List, false),
    ("유입 페이지", "string", &[], Access::List, false),
    ("문의 유형", "singleSelect", &["견적", "상담", "기타"], Access::List, false),
    ("관심 제품", "multiSelect", &["기본형", "고급형", "맞춤형"], Access::List, false),
    ("방문 희망일", "date", &[], Access::List, false),
    ("상담 일시", "dateTime", &[], Access::List, false),
    ("마케팅 동의", "boolean", &[], Access::List, false),
    ("추천인", "people", &[], Access::List, false),
    ("참석자", "multiPeople", &[], Access::List, false),
    ("대리점", "organization", &[], Access::List, false),
    ("협력사", "multiOrganization", &[], Access::List, false),
    ("이전 파이프라인", "pipeline", &[], Access::List, false),
    ("이전 단계", "pipelineStage", &[], Access::List, false),
    ("웹 폼", "webForm", &[], Access::List, false),
    ("웹 폼 목록", "multiWebForm", &[], Access::List, false),
    ("시퀀스", "sequence", &[], Access::List, false),
    ("시퀀스 목록", "multiSequence", &[], Access::List, false),
    ("이전 딜", "deal", &[], Access::List, false),
    ("관련 딜", "multiDeal", &[], Access::List, false),
    ("관련 리드", "multiLead", &[], Access::List, false),
    ("관련 오브젝트", "multiCustomObject", &[], Access::List, false),
    ("담당 팀", "multiTeam", &[], Access::List, false),
    ("관심 상품", "multiProduct", &[], Access::List, false),
    ("점수", "formula", &[], Access::ReadOnly, false),
];

/// The fields of a new fake.
pub fn defaults() -> Vec<Field> {
    let mut fields = Vec::new();
    for (object, own) in [(Object::Organization, ORGANIZATION), (Object::People, PEOPLE), (Object::Lead, LEAD)] {
        fields.extend(COMMON.iter().chain(own).map(|(name, code, options, access, unique)| Field {
            object,
            name: (*name).to_owned(),
            code: (*code).to_owned(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            access: *access,
            unique: *unique,
        }));
    }
    fields
}

/// Why a value is refused: the `reason` of the answer.
pub type Reason = Value;

/// What Salesmap stores for one item of `fieldList`, or why it refuses it. `exists` tells whether a family has an id.
pub fn accept(field: &Field, item: &Value, exists: impl Fn(&str, &str) -> bool) -> Result<Value, Reason> {
    let (object, name) = (field.object.name(), &field.name);
    match field.access {
        Access::List => {}
        Access::TopLevel => return Err(json!(format!("{name} 값은 fieldList가 아닌 파라메터 입니다"))),
        Access::ReadOnly => return Err(json!(format!("{object} {name}은(는) 수정할 수 없는 필드입니다."))),
    }
    let Some((_, key, shape)) = TYPES.iter().find(|(code, ..)| *code == field.code) else {
        return Err(json!(format!("{object} {name}은(는) 수정할 수 없는 필드입니다.")));
    };
    let Some(value) = item.get(*key) else { return Err(json!([format!("{object} {name}에 {key}가 없습니다.")])) };
    let misshapen = || json!([format!("[fieldList,{key}]: 형식에 맞게 입력해주세요.")]);
    let option = |text: &str| field.options.is_empty() || field.options.iter().any(|option| option == text);
    let undefined = || json!(format!("{object} {name}에 정의 되지 않은 값을 입력했습니다."));
    let absent = || json!(format!("{name}의 대상을 찾을 수 없습니다."));
    let texts = |value: &Value| -> Option<Vec<String>> {
        value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
    };
    match shape {
        Shape::Bool => value.is_boolean().then(|| value.clone()).ok_or_else(misshapen),
        Shape::Number => value.is_number().then(|| value.clone()).ok_or_else(misshapen),
        Shape::Date => value.as_str().and_then(korean_midnight).map(Value::from).ok_or_else(misshapen),
        Shape::DateTime => value.as_str().and_then(moment).map(Value::from).ok_or_else(misshapen),
        Shape::Text => {
            let text = value.as_str().ok_or_else(misshapen)?;
            if option(text) { Ok(value.clone()) } else { Err(undefined()) }
        }
        Shape::Texts => {
            let texts = texts(value).ok_or_else(misshapen)?;
            if texts.iter().all(|text| option(text)) { Ok(value.clone()) } else { Err(undefined()) }
        }
        Shape::Id(family) => {
            let id = value.as_str().ok_or_else(misshapen)?;
            if exists(family, id) { Ok(value.clone()) } else { Err(absent()) }
        }
        Shape::Ids(family) => {
            let ids = texts(value).ok_or_else(misshapen)?;
            if ids.iter().all(|id| exists(family, id)) { Ok(value.clone()) } else { Err(absent()) }
        }
    }
}

/// A day as Salesmap stores it: midnight in Korea, which is 15:00 UTC of the day before.
pub fn korean_midnight(day: &str) -> Option<String> {
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
    let midnight = FixedOffset::east_opt(9 * 3600)?.from_local_datetime(&day.and_time(NaiveTime::MIN)).single()?;
    Some(midnight.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// A moment as Salesmap stores it.
pub fn moment(text: &str) -> Option<String> {
    let moment = DateTime::parse_from_rfc3339(text).ok()?;
    Some(moment.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true))
}
