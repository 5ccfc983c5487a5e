//! What Salesmap's reasons say. They are Korean sentences; there are no machine codes.

use std::slice;

use serde_json::Value as Json;

use crate::connectors::Call;
use crate::domain::text::decimal;

/// What a rejection calls the optional values that have no label, by their omission keys.
const WITHOUT_LABEL: &[(&str, &[&str])] =
    &[("lead.pipelineId", &["pipelineid", "pipelinestageid", "파이프라인"]), ("organization", &["organizationid"])];

/// `reason` is a text or a list of texts.
pub(super) fn reason(body: &Json) -> Option<String> {
    match &body["reason"] {
        Json::String(text) => Some(text.clone()),
        Json::Array(list) => Some(list.iter().filter_map(Json::as_str).collect::<Vec<_>>().join("; ")),
        _ => None,
    }
}

/// `2.5초 후 재시도해주세요.` (retry in 2.5 s) in milliseconds.
pub(super) fn seconds_in(message: &str) -> Option<u64> {
    let before = message.split_once('초')?.0.trim_end();
    let digits = before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let seconds = decimal(before.get(digits..)?)?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "digits only: not negative; saturates")]
    Some((seconds * 1000.0).ceil() as u64)
}

/// The items of `fieldList`.
pub(super) fn items(sent: &Json) -> &[Json] {
    sent["fieldList"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The texts of a create that may be the visitor's: all but the labels, which a rejection names.
pub(super) fn texts(sent: &Json) -> Vec<&str> {
    let members = sent.as_object().into_iter().flatten().filter(|(key, _)| *key != "fieldList");
    let of_items = items(sent).iter().filter_map(Json::as_object).flatten().filter(|(key, _)| *key != "name");
    let values = members.chain(of_items).map(|(_, value)| value);
    values
        .flat_map(|value| value.as_array().map_or(slice::from_ref(value), Vec::as_slice))
        .filter_map(Json::as_str)
        .collect()
}

/// The omission keys of the optional values that a rejection names: by a label, which often has a particle behind it
/// (`people 유입경로에 정의 되지 않은 값을 입력했습니다.`), or by the member of the value (`[fieldList,numberValue]: …`).
pub(super) fn named(call: &Call, sent: &Json, phrases: &str) -> Vec<String> {
    let is_label = |key: &&String| key.split_once('.').is_some_and(|(_, label)| mentions(phrases, label));
    if let Some(key) = call.optional.iter().filter(is_label).max_by_key(|key| key.len()) {
        return vec![key.clone()];
    }
    let is_carried = |key: &str| call.optional.iter().any(|optional| optional == key);
    let mut without_label = WITHOUT_LABEL.iter().filter(|(key, _)| is_carried(key));
    if let Some((key, _)) = without_label.find(|(_, words)| words.iter().any(|word| phrases.contains(word))) {
        return vec![(*key).to_owned()];
    }
    let is_named =
        |item: &&Json| item.as_object().into_iter().flatten().any(|(key, _)| key != "name" && mentions(phrases, key));
    let by_member = items(sent).iter().filter(is_named).filter_map(|item| item["name"].as_str());
    by_member.map(|label| format!("{}.{label}", call.step)).filter(|key| is_carried(key)).collect()
}

/// Whether `phrases` has this name as a word, which may have a particle behind it (`유입경로에`, `예산은(는)`).
pub(super) fn mentions(phrases: &str, name: &str) -> bool {
    const PARTICLES: &[&str] = &["에", "의", "은", "는", "이", "가", "을", "를", "값", "입", "로", "와", "과"];
    let name = name.to_lowercase();
    let is_boundary = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    !name.is_empty()
        && phrases.match_indices(&name).any(|(at, _)| {
            let (before, after) = (&phrases[..at], &phrases[at + name.len()..]);
            let ends = is_boundary(after.chars().next()) || PARTICLES.iter().any(|word| after.starts_with(word));
            ends && is_boundary(before.chars().next_back())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_in_a_sentence() {
        for (reason, label, expected) in [
            ("people 유입경로에 정의 되지 않은 값을 입력했습니다.", "유입경로", true),
            ("people 유입경로에 정의 되지 않은 값을 입력했습니다.", "유입", false),
            ("people 유입경로에 정의 되지 않은 값을 입력했습니다.", "경로", false),
            ("lead 점수은(는) 수정할 수 없는 필드입니다.", "점수", true),
            ("이미 존재하는 전화입니다", "전화", true),
            ("lead 문의 유형에 정의 되지 않은 값을 입력했습니다.", "문의 유형", true),
            ("[직함/직책/직급]: 형식에 맞게 입력해주세요.", "직함/직책/직급", true),
            ("lead crm score에 numbervalue가 없습니다.", "CRM Score", true),
            ("bad request", "", false),
        ] {
            assert_eq!(mentions(reason, label), expected, "{reason} {label}");
        }
    }
}
