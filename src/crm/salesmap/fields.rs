//! `fieldList`: every value of Salesmap goes under a key of its own type.
//! <https://docs.salesmap.kr/developers/api-reference/fieldlist>
//!
//! - A wrong key is refused (`lead 팔로워에 userValueIdList가 없습니다.`), so the operator names each field's type.
//! - `webformValueId` has a small `f`, alone among the keys.
//! - A single choice is a text, and must be one of the field's options; several choices are a list of texts.

use serde_json::{Value as Json, json};

use crate::domain::TypedField;
use crate::lead::typed::Value;

/// The key that holds a value of the type with this config word.
fn value_key(word: &str) -> &'static str {
    match word {
        "number" => "numberValue",
        "bool" => "booleanValue",
        "date" | "datetime" => "dateValue",
        "list" => "stringValueList",
        "user" => "userValueId",
        "users" => "userValueIdList",
        "person" => "peopleValueId",
        "people" => "peopleValueIdList",
        "organization" => "organizationValueId",
        "organizations" => "organizationValueIdList",
        "pipeline" => "pipelineValueId",
        "pipeline_stage" => "pipelineStageValueId",
        "web_form" => "webformValueId",
        "web_forms" => "webformValueIdList",
        "sequence" => "sequenceValueId",
        "sequences" => "sequenceValueIdList",
        "deal" => "dealValueId",
        "deals" => "dealValueIdList",
        "leads" => "leadValueIdList",
        "custom_objects" => "customObjectValueIdList",
        "teams" => "teamValueIdList",
        "products" => "productValueIdList",
        _ => "stringValue",
    }
}

/// One item of `fieldList`.
pub(super) fn item(field: &TypedField, value: &Value) -> Json {
    let value = match value {
        Value::Text(text) | Value::Date(text) | Value::DateTime(text) => json!(text),
        Value::Number(number) => json!(number),
        Value::Bool(flag) => json!(flag),
        Value::List(texts) => json!(texts),
    };
    entry(&field.name, value_key(field.word), value)
}

/// One item of `fieldList` with a text in it.
pub(super) fn text(label: &str, text: &str) -> Json {
    entry(label, "stringValue", json!(text))
}

/// One item of `fieldList` that names a user.
pub(super) fn user(label: &str, id: &str) -> Json {
    entry(label, "userValueId", json!(id))
}

fn entry(label: &str, key: &str, value: Json) -> Json {
    let mut item = serde_json::Map::new();
    item.insert("name".into(), json!(label));
    item.insert(key.into(), value);
    Json::Object(item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::destination::salesmap::KINDS;
    use crate::domain::{Kind, Template};

    #[test]
    fn every_kind_of_the_table() {
        let ids = || Value::List(vec!["a".into(), "b".into()]);
        let id = || Value::Text("a".into());
        let cases = [
            ("text", Value::Text("글".into()), json!({ "name": "필드", "stringValue": "글" })),
            ("number", Value::Number(12000.into()), json!({ "name": "필드", "numberValue": 12000 })),
            ("bool", Value::Bool(true), json!({ "name": "필드", "booleanValue": true })),
            ("date", Value::Date("2024-04-16".into()), json!({ "name": "필드", "dateValue": "2024-04-16" })),
            (
                "datetime",
                Value::DateTime("2024-04-16T07:18:17.516Z".into()),
                json!({ "name": "필드", "dateValue": "2024-04-16T07:18:17.516Z" }),
            ),
            ("list", ids(), json!({ "name": "필드", "stringValueList": ["a", "b"] })),
            ("user", id(), json!({ "name": "필드", "userValueId": "a" })),
            ("users", ids(), json!({ "name": "필드", "userValueIdList": ["a", "b"] })),
            ("person", id(), json!({ "name": "필드", "peopleValueId": "a" })),
            ("people", ids(), json!({ "name": "필드", "peopleValueIdList": ["a", "b"] })),
            ("organization", id(), json!({ "name": "필드", "organizationValueId": "a" })),
            ("organizations", ids(), json!({ "name": "필드", "organizationValueIdList": ["a", "b"] })),
            ("pipeline", id(), json!({ "name": "필드", "pipelineValueId": "a" })),
            ("pipeline_stage", id(), json!({ "name": "필드", "pipelineStageValueId": "a" })),
            ("web_form", id(), json!({ "name": "필드", "webformValueId": "a" })),
            ("web_forms", ids(), json!({ "name": "필드", "webformValueIdList": ["a", "b"] })),
            ("sequence", id(), json!({ "name": "필드", "sequenceValueId": "a" })),
            ("sequences", ids(), json!({ "name": "필드", "sequenceValueIdList": ["a", "b"] })),
            ("deal", id(), json!({ "name": "필드", "dealValueId": "a" })),
            ("deals", ids(), json!({ "name": "필드", "dealValueIdList": ["a", "b"] })),
            ("leads", ids(), json!({ "name": "필드", "leadValueIdList": ["a", "b"] })),
            ("custom_objects", ids(), json!({ "name": "필드", "customObjectValueIdList": ["a", "b"] })),
            ("teams", ids(), json!({ "name": "필드", "teamValueIdList": ["a", "b"] })),
            ("products", ids(), json!({ "name": "필드", "productValueIdList": ["a", "b"] })),
        ];
        assert_eq!(
            cases.iter().map(|(word, ..)| *word).collect::<Vec<_>>(),
            KINDS.iter().map(|(word, _)| *word).collect::<Vec<_>>()
        );
        for (word, value, expected) in cases {
            let field = TypedField { word, ..TypedField::new("필드", Kind::Text, Template { parts: Vec::new() }) };
            assert_eq!(item(&field, &value), expected);
        }
    }
}
