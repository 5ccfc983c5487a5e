//! One bad value never costs a lead: whatever optional values a CRM refuses, by name or without a word, the lead is
//! delivered in one try, and what the visitor wrote is in the CRM all the same.

use fakes::agencyhandy::CATEGORY_IDS;
use fakes::salesmap::{PIPELINE_ID, STAGE_ID, USER_ID};

use super::*;

/// What a visitor sends; every value can be told from the others.
const FIELDS: &[(&str, &str)] = &[
    ("first_name", "Minsu"),
    ("last_name", "Seong"),
    ("email", "minsu@example.com"),
    ("phone", "02-123-4567"),
    ("company", "Hanbit"),
    ("job_title", "Buyer"),
    ("website", "https://hanbit.example"),
    ("street", "Mapo-daero"),
    ("city", "Seoul"),
    ("state", "Gyeonggi"),
    ("postal_code", "04524"),
    ("country", "Korea"),
    ("budget", "98765"),
    ("team", "Purchasing"),
    ("message", "Please call me."),
];

/// How a CRM says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// It names the value.
    Named,
    /// It says only that something is wrong.
    Unnamed,
}

/// A CRM that may refuse any of these, how a request carries one, and how it is refused.
struct Account {
    name: &'static str,
    options: Value,
    optional: &'static [&'static str],
    carries: fn(&Request, &str) -> bool,
    refusal: fn(&str, Style) -> Response,
    /// Whether the CRM has room for what is left out.
    has_note: bool,
}

const NOTE_ID: &str = "6525994184e9ddd7985345f1";
const FIELD_ID: &str = "6525994184e9ddd7985345f2";

#[allow(clippy::too_many_lines, reason = "a table, one entry an account")]
fn accounts() -> Vec<Account> {
    vec![
        Account {
            name: "salesmap",
            options: json!({
                "owner_id": USER_ID, "pipeline_id": PIPELINE_ID, "pipeline_stage_id": STAGE_ID,
                "organization_fields": { "주소": "{street}" },
                "people_fields": { "부서": "{team}" },
                "lead_fields": { "예산": { "number": "{budget}" }, "문의 유형": "상담", "유입 페이지": "{website}" },
            }),
            optional: &[
                "organization",
                "organization 주소",
                "people 전화",
                "people 담당자",
                "people 부서",
                "lead 담당자",
                "lead 예산",
                "lead 문의 유형",
                "lead 유입 페이지",
                "lead pipelineId",
            ],
            carries: |request, field| {
                let (object, label) = field.split_once(' ').unwrap_or((field, ""));
                let body = request.json().unwrap_or_default();
                let items = body["fieldList"].as_array().map(Vec::as_slice).unwrap_or_default();
                request.path.ends_with(&format!("/v2/{object}"))
                    && (label.is_empty() || body.get(label).is_some() || items.iter().any(|item| item["name"] == label))
            },
            refusal: |field, style| {
                let reason = match style {
                    Style::Unnamed => "잘못된 값입니다.".to_owned(),
                    Style::Named if field.ends_with("pipelineId") => "pipelineId의 대상을 찾을 수 없습니다.".to_owned(),
                    Style::Named => format!("{field}에 정의 되지 않은 값을 입력했습니다."),
                };
                Response::json(400, json!({ "success": false, "message": "Bad Request", "reason": [reason] }))
            },
            has_note: true,
        },
        Account {
            name: "leadsquared",
            options: json!({
                "region": "india-mumbai",
                "fields": { "mx_City": "{city}", "mx_Street1": "{street}", "mx_Zip": "{postal_code}" },
            }),
            optional: &[
                "FirstName",
                "LastName",
                "Phone",
                "Company",
                "JobTitle",
                "Website",
                "Source",
                "mx_City",
                "mx_Street1",
                "mx_Zip",
            ],
            carries: |request, field| {
                let body = request.json().unwrap_or_default();
                body.as_array().into_iter().flatten().any(|pair| pair["Attribute"] == field)
            },
            refusal: |field, style| {
                let message =
                    if style == Style::Named { format!("'{field}' takes no such value") } else { "No".to_owned() };
                let kind = "MXInvalidEntityException";
                Response::json(500, json!({ "Status": "Error", "ExceptionType": kind, "ExceptionMessage": message }))
            },
            has_note: true,
        },
        Account {
            name: "stateset",
            options: json!({ "fields": { "department": "{team}" } }),
            optional: &[
                "phone",
                "title",
                "department",
                "leadSource",
                "mailingStreet",
                "mailingCity",
                "mailingState",
                "mailingCountry",
            ],
            carries: |request, field| request.json().unwrap_or_default().get(field).is_some(),
            refusal: |field, style| {
                let mut error = json!({ "code": "parameter_invalid", "message": "No" });
                if style == Style::Named {
                    error["param"] = json!(field);
                }
                Response::json(400, json!({ "error": error }))
            },
            has_note: true,
        },
        Account {
            name: "agencyhandy",
            options: json!({
                "api": "members", "category": [CATEGORY_IDS[0]], "agent": "6525994184e9ddd7985345a1",
                "lead_value": "{budget}", "note_field": NOTE_ID, "fields": { FIELD_ID: "{team}" },
            }),
            optional: &[
                "contactNo",
                "companyName",
                "website",
                "country",
                "city",
                "state",
                "zipCode",
                "address",
                "source",
                "leadValue",
                "category",
                "agent",
                FIELD_ID,
            ],
            carries: |request, field| {
                let member = &request.json().unwrap_or_default()[0];
                let custom = member["customFields"].as_array().map(Vec::as_slice).unwrap_or_default();
                member.get(field).is_some() || custom.iter().any(|custom| custom["_id"] == field)
            },
            refusal: |field, style| {
                let skipped = |reason: &str| {
                    let skipped = json!([{ "email": "minsu@example.com", "reason": reason }]);
                    Response::json(
                        200,
                        json!({ "success": true, "data": { "addedLeads": [], "notAddedLeads": skipped } }),
                    )
                };
                let path =
                    if field == FIELD_ID { "[0].customFields[0]._id".to_owned() } else { format!("[0].{field}") };
                match (style, field) {
                    (Style::Named, "category") => skipped("One or more category not found"),
                    (Style::Unnamed, "category" | "agent") => skipped("No"),
                    (Style::Named, _) => Response::json(
                        400,
                        json!({ "type": "ValidationError", "status": 400, "fieldName": path, "message": "wrong type" }),
                    ),
                    (Style::Unnamed, _) => Response::json(400, json!({ "message": "No" })),
                }
            },
            has_note: true,
        },
        Account {
            name: "agencyhandy",
            options: json!({ "api": "company" }),
            optional: &["contactNo", "source"],
            carries: |request, field| {
                request
                    .json()
                    .is_some_and(|body| body["members"][0][field].as_str().is_some_and(|text| !text.is_empty()))
            },
            refusal: |field, style| {
                let mut error = json!({ "type": "ValidationError", "status": 400, "message": "No" });
                if style == Style::Named {
                    error["fieldName"] = json!(format!("members[0].{field}"));
                }
                Response::json(400, error)
            },
            has_note: false,
        },
    ]
}

/// Delivers the visitor's submission to an account that refuses these values.
fn deliver(account: &Account, refused: &[&'static str], style: Style) -> Model {
    let mut model = Model::new(account.name, &account.options);
    let (carries, refusal) = (account.carries, account.refusal);
    let refused = refused.to_vec();
    model.objection = Box::new(move |request| {
        let field = refused.iter().find(|field| carries(request, field))?;
        Some(refusal(field, style))
    });
    model.submit(FIELDS);
    model.finish();
    model
}

#[test]
fn no_optional_value_costs_a_lead() {
    for account in accounts() {
        let all = account.optional;
        let singles = all.iter().map(|one| vec![*one]);
        let pairs =
            all.iter().flat_map(|one| all.iter().filter(move |other| *other > one).map(|other| vec![*one, *other]));
        for refused in singles.chain(pairs).chain([vec![], all.to_vec()]) {
            for style in [Style::Named, Style::Unnamed] {
                let model = deliver(&account, &refused, style);
                let row = format!("{} {refused:?} {style:?}", account.name);
                let delivery = &model.tracks[0].delivery;
                assert_eq!((delivery.state, delivery.attempts), (State::Delivered, 1), "{row}: {delivery:?}");
                assert_eq!(model.count("lead"), 1, "{row}");
                assert_eq!(model.fake.complaints(), [] as [String; 0], "{row}");
                assert_eq!(delivery.progress.left_out.is_empty(), refused.is_empty(), "{row}");
                let held = Value::from(model.fake.records()).to_string();
                for (field, value) in FIELDS.iter().filter(|_| account.has_note) {
                    assert!(held.contains(value), "{row}: {field} is lost in {held}");
                }
            }
        }
    }
}

/// By name, only what is refused is left out.
#[test]
fn a_named_value_costs_no_other() {
    for account in accounts() {
        for refused in account.optional {
            let left_out: Vec<_> = deliver(&account, &[refused], Style::Named).tracks[0]
                .delivery
                .progress
                .left_out
                .iter()
                .cloned()
                .collect();
            let expected = match (account.name, refused.split_once(' ')) {
                // Salesmap refuses the company's very name: first its fields are tried without, then it is.
                ("salesmap", None) => vec!["company", "organization_fields"],
                ("salesmap", Some((_, "전화"))) => vec!["phone"],
                ("salesmap", Some((_, "담당자"))) => vec!["owner_id"],
                ("salesmap", Some((_, "pipelineId"))) => vec!["pipeline_id"],
                ("salesmap", Some((object, label))) => {
                    assert_eq!(left_out, [format!("{object}_fields.{label}")]);
                    continue;
                }
                _ => vec![*refused],
            };
            assert_eq!(left_out, expected, "{} {refused}", account.name);
        }
    }
}

/// AgencyHandy without its note has what it would have without the key `note_field`; the Outbox has the message.
#[test]
fn a_note_that_has_no_field_costs_no_lead() {
    let mut account = accounts().remove(3);
    account.optional = &[NOTE_ID];
    account.refusal = |_, _| Response::json(400, json!({ "message": "Custom field not found" }));
    let model = deliver(&account, &[NOTE_ID], Style::Unnamed);
    let delivery = &model.tracks[0].delivery;
    assert_eq!((delivery.state, model.count("lead")), (State::Delivered, 1), "{delivery:?}");
}
