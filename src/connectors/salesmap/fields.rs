//! `fieldList`: every value of Salesmap goes under a key of its own type.
//! <https://docs.salesmap.kr/developers/api-reference/fieldlist>
//!
//! - A wrong key is refused (`lead 팔로워에 userValueIdList가 없습니다.`), so the operator names each field's type.
//! - `webformValueId` has a small `f`, alone among the keys.
//! - A single choice is a text, and must be one of the field's options; several choices are a list of texts.

use serde_json::{Value as Json, json};

use crate::domain::{Kind, TypedField};
use crate::lead::typed::Value;

/// The key that holds a value of this kind.
pub(super) const fn value_key(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "stringValue",
        Kind::Number => "numberValue",
        Kind::Bool => "booleanValue",
        Kind::Date | Kind::DateTime => "dateValue",
        Kind::List => "stringValueList",
        Kind::User => "userValueId",
        Kind::Users => "userValueIdList",
        Kind::Person => "peopleValueId",
        Kind::People => "peopleValueIdList",
        Kind::Organization => "organizationValueId",
        Kind::Organizations => "organizationValueIdList",
        Kind::Pipeline => "pipelineValueId",
        Kind::PipelineStage => "pipelineStageValueId",
        Kind::WebForm => "webformValueId",
        Kind::WebForms => "webformValueIdList",
        Kind::Sequence => "sequenceValueId",
        Kind::Sequences => "sequenceValueIdList",
        Kind::Deal => "dealValueId",
        Kind::Deals => "dealValueIdList",
        Kind::Leads => "leadValueIdList",
        Kind::CustomObjects => "customObjectValueIdList",
        Kind::Teams => "teamValueIdList",
        Kind::Products => "productValueIdList",
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
    entry(&field.name, value_key(field.kind), value)
}

/// One item of `fieldList` with a text in it.
pub(super) fn text(label: &str, text: &str) -> Json {
    entry(label, value_key(Kind::Text), json!(text))
}

/// One item of `fieldList` that names a user.
pub(super) fn user(label: &str, id: &str) -> Json {
    entry(label, value_key(Kind::User), json!(id))
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
    use crate::domain::Template;
    use crate::config::destination::salesmap::KINDS;

    #[test]
    fn every_kind_of_the_table() {
        let ids = || Value::List(vec!["a".into(), "b".into()]);
        let id = || Value::Text("a".into());
        let cases = [
            (Kind::Text, Value::Text("글".into()), json!({ "name": "필드", "stringValue": "글" })),
            (Kind::Number, Value::Number(12000.into()), json!({ "name": "필드", "numberValue": 12000 })),
            (Kind::Bool, Value::Bool(true), json!({ "name": "필드", "booleanValue": true })),
            (Kind::Date, Value::Date("2024-04-16".into()), json!({ "name": "필드", "dateValue": "2024-04-16" })),
            (
                Kind::DateTime,
                Value::DateTime("2024-04-16T07:18:17.516Z".into()),
                json!({ "name": "필드", "dateValue": "2024-04-16T07:18:17.516Z" }),
            ),
            (Kind::List, ids(), json!({ "name": "필드", "stringValueList": ["a", "b"] })),
            (Kind::User, id(), json!({ "name": "필드", "userValueId": "a" })),
            (Kind::Users, ids(), json!({ "name": "필드", "userValueIdList": ["a", "b"] })),
            (Kind::Person, id(), json!({ "name": "필드", "peopleValueId": "a" })),
            (Kind::People, ids(), json!({ "name": "필드", "peopleValueIdList": ["a", "b"] })),
            (Kind::Organization, id(), json!({ "name": "필드", "organizationValueId": "a" })),
            (Kind::Organizations, ids(), json!({ "name": "필드", "organizationValueIdList": ["a", "b"] })),
            (Kind::Pipeline, id(), json!({ "name": "필드", "pipelineValueId": "a" })),
            (Kind::PipelineStage, id(), json!({ "name": "필드", "pipelineStageValueId": "a" })),
            (Kind::WebForm, id(), json!({ "name": "필드", "webformValueId": "a" })),
            (Kind::WebForms, ids(), json!({ "name": "필드", "webformValueIdList": ["a", "b"] })),
            (Kind::Sequence, id(), json!({ "name": "필드", "sequenceValueId": "a" })),
            (Kind::Sequences, ids(), json!({ "name": "필드", "sequenceValueIdList": ["a", "b"] })),
            (Kind::Deal, id(), json!({ "name": "필드", "dealValueId": "a" })),
            (Kind::Deals, ids(), json!({ "name": "필드", "dealValueIdList": ["a", "b"] })),
            (Kind::Leads, ids(), json!({ "name": "필드", "leadValueIdList": ["a", "b"] })),
            (Kind::CustomObjects, ids(), json!({ "name": "필드", "customObjectValueIdList": ["a", "b"] })),
            (Kind::Teams, ids(), json!({ "name": "필드", "teamValueIdList": ["a", "b"] })),
            (Kind::Products, ids(), json!({ "name": "필드", "productValueIdList": ["a", "b"] })),
        ];
        assert_eq!(cases.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>(), KINDS);
        for (kind, value, expected) in cases {
            let field = TypedField { name: "필드".into(), kind, template: Template { parts: Vec::new() } };
            assert_eq!(item(&field, &value), expected);
        }
    }
}
