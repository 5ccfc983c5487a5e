//! What a lead goes without when Salesmap refuses one of its records (see [`left_out`](crate::crm::left_out) for the order
//! of steps).
//!
//! A reason names its field in a Korean sentence, with a particle behind the label (`people 유입경로에 정의 되지 않은 값을
//! 입력했습니다.`), or names only the key of the value (`[fieldList,numberValue]: …`), or names nothing. Never left out: the
//! names, the email, and the lead's person. An organization that is refused for good becomes a line of the memo.

use serde_json::Value as Json;

use crate::config::destination::salesmap::{OWNER_LABEL, Options};
use crate::crm::left_out::{self, LONG_NOTE};
use crate::crm::{Call, Trouble, Verdict, Why};
use crate::domain::TypedField;

use super::{LEAD, ORGANIZATION, PEOPLE};

/// The person's phone.
pub(super) const PHONE: &str = "phone";
/// The organization, as the lead names it.
pub(super) const COMPANY: &str = "company";
/// The owner, by the config's key.
pub(super) const OWNER: &str = "owner_id";
/// The pipeline and its stage, by the config's key.
pub(super) const PIPELINE: &str = "pipeline_id";

/// The config's table of a record's own fields.
pub(super) fn table(step: &str) -> &'static str {
    match step {
        ORGANIZATION => "organization_fields",
        PEOPLE => "people_fields",
        _ => "lead_fields",
    }
}

/// One of a record's own fields, as the config's errors name it.
pub(super) fn own_field(table: &str, label: &str) -> String {
    format!("{table}.{label}")
}

/// Salesmap says no to `call`: the verdict is to go on without something, or the refusal itself.
pub(super) fn met(options: &Options, call: &Call, trouble: Trouble) -> Verdict {
    let fields = match trouble.why {
        Why::Invalid | Why::NotFound | Why::Conflict => Sent::of(options, call).left_out(&trouble.detail),
        _ => Vec::new(),
    };
    left_out::met(fields, trouble)
}

/// The values besides the email that another person must not have as well, when `reason` says that one does. The one
/// that does is somebody else, since the email tells who this is; without an email it is the same person.
pub(super) fn somebody_elses(options: &Options, call: &Call, reason: &str) -> Vec<String> {
    let sent = Sent::of(options, call);
    if call.step != PEOPLE || !sent.has(&options.email_label) || reason.contains("이메일") {
        return Vec::new();
    }
    if names(reason, &options.email_label) { Vec::new() } else { sent.named(reason) }
}

/// Whether `reason` says that another person has the email of this one.
pub(super) fn email_is_taken(options: &Options, call: &Call, reason: &str) -> bool {
    let sent = Sent::of(options, call);
    let is_there = reason.contains("존재") && !reason.contains("존재하지");
    let of_email = || reason.contains("이메일") || names(reason, &options.email_label);
    call.step == PEOPLE && sent.has(&options.email_label) && is_there && of_email()
}

/// What a call carried.
struct Sent<'a> {
    options: &'a Options,
    step: &'a str,
    body: Json,
}

impl<'a> Sent<'a> {
    fn of(options: &'a Options, call: &'a Call) -> Self {
        Self { options, step: call.step, body: call.json().unwrap_or_default() }
    }

    fn items(&self) -> &[Json] {
        self.body["fieldList"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    fn has(&self, label: &str) -> bool {
        self.items().iter().any(|item| item["name"] == label)
    }

    fn own(&self) -> &'a [TypedField] {
        match self.step {
            ORGANIZATION => &self.options.organization_fields,
            PEOPLE => &self.options.people_fields,
            _ => &self.options.lead_fields,
        }
    }

    /// The items of `fieldList` that the record can do without: label, value key, and how they are left out.
    fn spare(&self) -> Vec<(&str, &str, String)> {
        let mut spare = Vec::new();
        for item in self.items() {
            let Some(label) = item["name"].as_str() else { continue };
            let key = item.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).find(|key| *key != "name");
            let field = if self.own().iter().any(|field| field.name == label) {
                own_field(table(self.step), label)
            } else if self.step == PEOPLE && label == self.options.phone_label {
                PHONE.to_owned()
            } else if label == OWNER_LABEL {
                OWNER.to_owned()
            } else {
                continue;
            };
            spare.push((label, key.unwrap_or_default(), field));
        }
        spare
    }

    /// The spare values that a reason names.
    fn named(&self, reason: &str) -> Vec<String> {
        let spare = self.spare();
        let by_label = spare.iter().filter(|(label, ..)| names(reason, label));
        if let Some((.., field)) = by_label.max_by_key(|(label, ..)| label.len()) {
            return vec![field.clone()];
        }
        for (key, names, field) in [
            ("pipelineId", &["pipelineId", "pipelineStageId", "파이프라인"][..], PIPELINE),
            ("organizationId", &["organizationId"], COMPANY),
        ] {
            if self.body.get(key).is_some() && names.iter().any(|name| reason.contains(name)) {
                return vec![field.to_owned()];
            }
        }
        let by_key = spare.iter().filter(|(_, key, _)| left_out::named(reason, [*key]).is_some());
        by_key.map(|(.., field)| field.clone()).collect()
    }

    fn left_out(&self, reason: &str) -> Vec<String> {
        // (1) What the reason names.
        let named = self.named(reason);
        if !named.is_empty() {
            return named;
        }
        // (2) The operator's own fields of this record; (3) the rest that it can do without.
        if self.own().iter().any(|field| self.has(&field.name)) {
            return vec![table(self.step).to_owned()];
        }
        let mut rest: Vec<_> = self.spare().into_iter().map(|(.., field)| field).collect();
        rest.extend(self.body.get("pipelineId").map(|_| PIPELINE.to_owned()));
        if !rest.is_empty() {
            return rest;
        }
        // (4) The organization altogether, or the end of a long memo.
        let memo = self.body["memo"].as_str().unwrap_or_default();
        match self.step {
            ORGANIZATION => vec![COMPANY.to_owned()],
            LEAD if left_out::is_long(memo) => vec![LONG_NOTE.to_owned()],
            _ => Vec::new(),
        }
    }
}

/// Whether `reason` speaks of this label: as a word that may have a particle behind it (`유입경로에`, `예산은(는)`).
fn names(reason: &str, label: &str) -> bool {
    const BEHIND: &[&str] = &["에", "의", "은", "는", "이", "가", "을", "를", "값", "입", "로", "와", "과"];
    let is_bound = |c: char| !c.is_alphanumeric();
    !label.is_empty()
        && reason.match_indices(label).any(|(at, _)| {
            let after = &reason[at + label.len()..];
            let starts = reason[..at].chars().next_back().is_none_or(is_bound);
            starts && (after.chars().next().is_none_or(is_bound) || BEHIND.iter().any(|word| after.starts_with(word)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_in_a_sentence() {
        for (reason, label, expected) in [
            ("people 유입경로에 정의 되지 않은 값을 입력했습니다.", "유입경로", true),
            ("people 유입경로에 정의 되지 않은 값을 입력했습니다.", "유입", false),
            ("people 유입경로에 정의 되지 않은 값을 입력했습니다.", "경로", false),
            ("lead 팔로워에 userValueIdList가 없습니다.", "팔로워", true),
            ("lead 점수은(는) 수정할 수 없는 필드입니다.", "점수", true),
            ("담당자의 대상을 찾을 수 없습니다.", "담당자", true),
            ("이미 존재하는 전화입니다", "전화", true),
            ("lead 문의 유형에 정의 되지 않은 값을 입력했습니다.", "문의 유형", true),
            ("[직함/직책/직급]: 형식에 맞게 입력해주세요.", "직함/직책/직급", true),
            ("Bad Request", "", false),
        ] {
            assert_eq!(names(reason, label), expected, "{reason} {label}");
        }
    }
}
