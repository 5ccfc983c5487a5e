//! `fieldList`: each value goes under a member of its own type. <https://docs.salesmap.kr/developers/api-reference/fieldlist>

use serde_json::{Map, Value as Json, json};

use crate::domain::typed::Value;
use crate::domain::{Kind, TypedField};

/// The config's words for the types, and the member that takes each. `webformValueId` alone has a small `f`.
const VALUES: &[(&str, Kind, &str)] = &[
    ("text", Kind::Text, "stringValue"),
    ("number", Kind::Number, "numberValue"),
    ("bool", Kind::Bool, "booleanValue"),
    ("date", Kind::Date, "dateValue"),
    ("datetime", Kind::DateTime, "dateValue"),
    ("list", Kind::List, "stringValueList"),
    ("user", Kind::Id, "userValueId"),
    ("users", Kind::Ids, "userValueIdList"),
    ("person", Kind::Id, "peopleValueId"),
    ("people", Kind::Ids, "peopleValueIdList"),
    ("organization", Kind::Id, "organizationValueId"),
    ("organizations", Kind::Ids, "organizationValueIdList"),
    ("pipeline", Kind::Id, "pipelineValueId"),
    ("pipeline_stage", Kind::Id, "pipelineStageValueId"),
    ("web_form", Kind::Id, "webformValueId"),
    ("web_forms", Kind::Ids, "webformValueIdList"),
    ("sequence", Kind::Id, "sequenceValueId"),
    ("sequences", Kind::Ids, "sequenceValueIdList"),
    ("deal", Kind::Id, "dealValueId"),
    ("deals", Kind::Ids, "dealValueIdList"),
    ("leads", Kind::Ids, "leadValueIdList"),
    ("custom_objects", Kind::Ids, "customObjectValueIdList"),
    ("teams", Kind::Ids, "teamValueIdList"),
    ("products", Kind::Ids, "productValueIdList"),
];

/// The words of [`VALUES`] with their kinds.
pub(super) const TYPES: &[(&str, Kind)] = &{
    let mut types = [("", Kind::Text); VALUES.len()];
    let mut at = 0;
    while at < types.len() {
        types[at] = (VALUES[at].0, VALUES[at].1);
        at += 1;
    }
    types
};

/// An item of `fieldList`.
pub(super) fn item(label: &str, member: &str, value: Json) -> Json {
    Json::Object(Map::from_iter([("name".to_owned(), json!(label)), (member.to_owned(), value)]))
}

/// An operator's value as an item of `fieldList`.
pub(super) fn item_of(field: &TypedField, value: Value) -> Result<Json, String> {
    let member = VALUES.iter().find(|(word, ..)| *word == field.word).map_or("stringValue", |(.., member)| member);
    let value = match value {
        Value::Text(text) | Value::Date(text) | Value::DateTime(text) => json!(text),
        Value::Number(number) => json!(number),
        Value::Bool(flag) => json!(flag),
        Value::List(texts) => json!(texts),
    };
    Ok(item(&field.name, member, value))
}
