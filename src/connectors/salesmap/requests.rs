//! The requests as Salesmap takes them.
//!
//! - Email, phone and owner are items of `fieldList` under the workspace's labels; at the top level they are ignored.
//! - `memo` is kept as HTML, unsanitised: what a visitor wrote is escaped here.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value as Json, json};

use crate::connectors::{Call, Drafted};
use crate::domain::typed::Value;
use crate::domain::{Kind, Lead, TypedField};

pub(super) const API: &str = "https://salesmap.kr/api/v2";

/// The label of the time of creation.
const CREATED_LABEL: &str = "생성 날짜";

/// How far Salesmap's clock may be behind ours in a search for records created since the submission.
const CLOCK_SKEW_MS: i64 = 60_000;

/// The config's words for the types, and the member of an item that takes each:
/// <https://docs.salesmap.kr/developers/api-reference/fieldlist>. `webformValueId` alone has a small `f`.
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

/// With the workspace's token.
pub(super) fn call(call: Call) -> Call {
    call.bearer("TOKEN")
}

/// The create of a record. Drafted items go to `fieldList`, other drafted values beside it.
pub(super) fn create(
    step: &'static str,
    path: &str,
    name: &str,
    members: &[(&str, Option<&str>)],
    drafted: &Drafted,
) -> Call {
    let mut body = Map::from_iter([("name".to_owned(), json!(name))]);
    body.extend(members.iter().filter_map(|(key, value)| Some(((*key).to_owned(), json!((*value)?)))));
    let (items, others): (Map<_, _>, Map<_, _>) = drafted.values.clone().into_iter().partition(|(_, v)| v.is_object());
    body.extend(others);
    if !items.is_empty() {
        body.insert("fieldList".to_owned(), items.into_iter().map(|(_, item)| item).collect());
    }
    call(Call::post(step, format!("{API}/{path}"))).json(&Json::Object(body)).carries(drafted)
}

/// A search for the records that all these filters match.
/// <https://docs.salesmap.kr/developers/api-reference/object-search>
pub(super) fn search(step: &'static str, object: &str, filters: &[Json]) -> Call {
    let body = json!({ "filterGroupList": [{ "filters": filters }] });
    call(Call::post(step, format!("{API}/object/{object}/search"))).json(&body).read()
}

/// A filter: this field has this value.
pub(super) fn equals(label: &str, value: &str) -> Json {
    json!({ "fieldName": label, "operator": "EQ", "value": value })
}

/// A filter: created since the submission.
pub(super) fn created_since(lead: &Lead) -> Json {
    let since = DateTime::from_timestamp_millis(lead.submission.received_at.saturating_sub(CLOCK_SKEW_MS));
    let since = since.unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true);
    json!({ "fieldName": CREATED_LABEL, "operator": "DATE_ON_OR_AFTER", "value": since })
}

/// An item of `fieldList`.
pub(super) fn item(label: &str, member: &str, value: Json) -> Json {
    Json::Object(Map::from_iter([("name".to_owned(), json!(label)), (member.to_owned(), value)]))
}

/// An operator's value as an item of `fieldList`.
pub(super) fn item_of(field: &TypedField, value: &Value) -> Json {
    let member = VALUES.iter().find(|(word, ..)| *word == field.word).map_or("stringValue", |(.., member)| member);
    item(&field.name, member, json!(value))
}

/// A text as a memo: escaped. Each line becomes a `<div>`, and an empty one would vanish.
pub(super) fn memo(text: &str) -> String {
    const ESCAPES: &[(char, &str)] = &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];
    let escaped = ESCAPES.iter().fold(text.to_owned(), |text, (plain, escaped)| text.replace(*plain, escaped));
    let line = |line: &str| if line.trim().is_empty() { "\u{a0}".to_owned() } else { line.to_owned() };
    escaped.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::{Progress, testing};

    #[test]
    fn every_type_goes_under_its_own_member() {
        let fields: Json =
            VALUES_AND_TEXTS.iter().map(|(word, text, ..)| ((*word).to_owned(), json!({ *word: text }))).collect();
        let lead = testing::lead(&[("name", "Kim")]);
        let known = json!({ "person": { "id": "p1", "is_new": true } });
        let salesmap = testing::account("acme", json!({ "type": "salesmap", "lead_fields": fields }));
        let progress = Progress { state: known, ..Progress::default() };
        let call = testing::call(salesmap.next(&lead, &progress, &Json::Null));
        let expected: Vec<Json> = VALUES_AND_TEXTS
            .iter()
            .map(|(word, _, member, value)| json!({ "name": word, *member: serde_json::from_str::<Json>(value).unwrap() }))
            .collect();
        assert_eq!(testing::body(&call)["fieldList"], Json::Array(expected));
        for (_, _, member, _) in VALUES_AND_TEXTS {
            assert!(fakes::salesmap::TYPES.iter().any(|(_, known)| *known == member), "{member}");
        }
        assert_eq!(
            VALUES_AND_TEXTS.map(|(word, ..)| word).as_slice(),
            TYPES.iter().map(|(word, _)| *word).collect::<Vec<_>>()
        );
    }

    const VALUES_AND_TEXTS: [(&str, &str, &str, &str); 24] = [
        ("text", "글", "stringValue", r#""글""#),
        ("number", "12,000", "numberValue", "12000"),
        ("bool", "예", "booleanValue", "true"),
        ("date", "2024-04-16", "dateValue", r#""2024-04-16""#),
        ("datetime", "2024-04-16T07:18:17.516Z", "dateValue", r#""2024-04-16T07:18:17.516Z""#),
        ("list", "a", "stringValueList", r#"["a"]"#),
        ("user", "a", "userValueId", r#""a""#),
        ("users", "a, b", "userValueIdList", r#"["a","b"]"#),
        ("person", "a", "peopleValueId", r#""a""#),
        ("people", "a, b", "peopleValueIdList", r#"["a","b"]"#),
        ("organization", "a", "organizationValueId", r#""a""#),
        ("organizations", "a, b", "organizationValueIdList", r#"["a","b"]"#),
        ("pipeline", "a", "pipelineValueId", r#""a""#),
        ("pipeline_stage", "a", "pipelineStageValueId", r#""a""#),
        ("web_form", "a", "webformValueId", r#""a""#),
        ("web_forms", "a, b", "webformValueIdList", r#"["a","b"]"#),
        ("sequence", "a", "sequenceValueId", r#""a""#),
        ("sequences", "a, b", "sequenceValueIdList", r#"["a","b"]"#),
        ("deal", "a", "dealValueId", r#""a""#),
        ("deals", "a, b", "dealValueIdList", r#"["a","b"]"#),
        ("leads", "a, b", "leadValueIdList", r#"["a","b"]"#),
        ("custom_objects", "a, b", "customObjectValueIdList", r#"["a","b"]"#),
        ("teams", "a, b", "teamValueIdList", r#"["a","b"]"#),
        ("products", "a, b", "productValueIdList", r#"["a","b"]"#),
    ];
}
