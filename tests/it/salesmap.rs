//! Salesmap, from an HTML form to the organization, the person and the lead that the vendor is asked for.

use fakes::salesmap::{OTHER_STAGE_ID, OTHER_USER_ID, PIPELINE_ID, Salesmap};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::world::{World, delivery, quick, with};

const TOKEN: &str = "salesmap-token-1";

/// A form that leads to Salesmap with these options.
fn world(options: &Value) -> World {
    let destination = json!({ "type": "salesmap" });
    let vars = json!({
        "FORM_CONTACT": { "destinations": ["salesmap"] },
        "DESTINATION_SALESMAP": with(quick(destination), options),
    });
    World::new(&vars, &[("SALESMAP_TOKEN", TOKEN)], vec![Box::new(Salesmap::new(TOKEN))])
}

/// A whole request.
fn post(path: &str, body: Value) -> Value {
    let headers = json!({
        "authorization": format!("Bearer {TOKEN}"), "content-type": "application/json", "accept": "application/json",
    });
    json!({
        "method": "POST", "host": "salesmap.kr", "path": format!("/api/v2/{path}"), "query": {}, "headers": headers,
        "body": body,
    })
}

/// The id of the fake's `number`th record.
fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

fn text(name: &str, value: &str) -> Value {
    json!({ "name": name, "stringValue": value })
}

/// Kind and id of each of the fake's records.
fn held(world: &World) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    world.fakes.records("salesmap").iter().map(|record| (text(&record["record"]), text(&record["id"]))).collect()
}

fn no_complaints(world: &World) {
    assert_eq!(world.fakes.complaints("salesmap"), [] as [String; 0]);
}

#[test]
fn a_korean_form_makes_organization_person_and_lead() {
    let world = world(&json!({}));
    let submission = world.visit(
        "contact",
        &[
            ("성함", "홍길동"),
            ("이메일", "hong@example.com"),
            ("연락처", "010-1234-5678"),
            ("회사명", "한빛상사 & Co."),
            ("문의내용", "견적 부탁드립니다.\r\n\r\n<b>급합니다</b>"),
            ("희망 색상", "빨강"),
        ],
    );
    assert_eq!(world.delivered("contact", &submission), id(3));
    let memo = "견적 부탁드립니다.\n\u{a0}\n&lt;b&gt;급합니다&lt;/b&gt;\n\u{a0}\nlocale: ko-KR\n희망 색상: 빨강\n\
                page: https://www.example.com/contact";
    assert_eq!(
        world.requests("salesmap"),
        [
            post("organization", json!({ "name": "한빛상사 & Co." })),
            post(
                "people",
                json!({
                    "name": "홍길동", "organizationId": id(1),
                    "fieldList": [text("이메일", "hong@example.com"), text("전화", "010-1234-5678")],
                }),
            ),
            post(
                "lead",
                json!({
                    "name": "홍길동 (contact)", "peopleId": id(2), "organizationId": id(1), "memo": memo,
                }),
            ),
        ]
    );
    let records = ["organization", "person", "lead"];
    assert_eq!(held(&world), records.iter().zip(1..).map(|(r, n)| ((*r).to_owned(), id(n))).collect::<Vec<_>>());
    no_complaints(&world);
}

#[test]
fn without_a_company_there_is_no_organization() {
    let fields = [("first-name", "Ada"), ("last-name", "Lovelace"), ("your-email", "ada@example.com"), ("Fax", "none")];
    let people = json!({ "name": "Ada Lovelace", "fieldList": [text("이메일", "ada@example.com")] });
    let memo = |company: &str| format!("{company}locale: ko-KR\nFax: none\npage: https://www.example.com/contact");
    let lead = |memo: String| json!({ "name": "Ada Lovelace (contact)", "peopleId": id(1), "memo": memo });

    let none_given = world(&json!({}));
    let submission = none_given.visit("contact", &fields);
    assert_eq!(none_given.delivered("contact", &submission), id(2));
    let expected = [post("people", people.clone()), post("lead", lead(memo("")))];
    assert_eq!(none_given.requests("salesmap"), expected);
    no_complaints(&none_given);

    // Given but not wanted: it is in the memo.
    let none_wanted = world(&json!({ "organization": false }));
    let submission = none_wanted.visit("contact", &[&fields[..], &[("company", "Engines Ltd")]].concat());
    assert_eq!(none_wanted.delivered("contact", &submission), id(2));
    let expected = [post("people", people), post("lead", lead(memo("company: Engines Ltd\n")))];
    assert_eq!(none_wanted.requests("salesmap"), expected);
    no_complaints(&none_wanted);
}

#[test]
fn a_returning_visitor_keeps_person_and_organization() {
    let world = world(&json!({}));
    let first = [("name", "Ada Lovelace"), ("email", "ada@example.com"), ("company", "Engines Ltd")];
    let submission = world.visit("contact", &first);
    assert_eq!(world.delivered("contact", &submission), id(3));

    let again = [("name", "A. King"), ("email", "ada@example.com"), ("tel", "555 0100"), ("company", "Engines Ltd")];
    let submission = world.visit("contact", &[&again[..], &[("message", "It is me again"), ("Fax", "none")]].concat());
    assert_eq!(world.delivered("contact", &submission), id(4));
    // The person may have several leads, so this one has a distinct name.
    let digest = Sha256::digest(format!("{submission}\nsalesmap"));
    let name = format!("A. King (contact) #{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2]);
    // Nothing was written to the known person, so the memo of the new lead has everything that the visitor wrote.
    let memo = "It is me again\n\u{a0}\nname: A. King\nemail: ada@example.com\nphone: 555 0100\ncompany: Engines Ltd\n\
                locale: ko-KR\nFax: none\npage: https://www.example.com/contact";
    assert_eq!(
        world.requests("salesmap")[3..],
        [
            post("organization", json!({ "name": "Engines Ltd" })),
            post(
                "people",
                json!({
                    "name": "A. King", "organizationId": id(1),
                    "fieldList": [text("이메일", "ada@example.com"), text("전화", "555 0100")],
                }),
            ),
            post("lead", json!({ "name": name, "peopleId": id(2), "organizationId": id(1), "memo": memo }),),
        ]
    );
    let leads: Vec<_> = held(&world).into_iter().filter(|(record, _)| record == "lead").map(|(_, id)| id).collect();
    assert_eq!((leads, held(&world).len()), (vec![id(3), id(4)], 4));

    // The same when Salesmap does not say who has the email.
    world.fakes.with(|fake: &mut Salesmap| fake.be_terse(true));
    let submission = world.visit("contact", &[("name", "Ada"), ("email", "ada@example.com")]);
    assert_eq!(world.delivered("contact", &submission), id(5));
    let requests = world.requests("salesmap").split_off(6);
    let filters = json!([{ "fieldName": "이메일", "operator": "EQ", "value": "ada@example.com" }]);
    assert_eq!(requests[1], post("object/people/search", json!({ "filterGroupList": [{ "filters": filters }] })));
    assert_eq!((requests.len(), &requests[2]["body"]["peopleId"]), (3, &json!(id(2))));
    no_complaints(&world);
}

#[test]
fn pipeline_owner_and_the_fields_of_all_three_records() {
    let world = world(&json!({
        "lead_name": "[{form}] {company|개인}: {name}",
        "pipeline_id": PIPELINE_ID, "pipeline_stage_id": OTHER_STAGE_ID, "owner_id": OTHER_USER_ID,
        "organization_fields": { "직원수": { "number": "{employees}" }, "웹 주소": { "text": "{website}" } },
        "people_fields": { "유입경로": { "text": "{source|웹사이트}" }, "동의 일시": { "datetime": "{consent_at}" } },
        "lead_fields": { "유입 페이지": { "text": "{landing_page}" } },
    }));
    let submission = world.visit(
        "contact",
        &[
            ("이름", "김하나"),
            ("이메일", "hana@example.com"),
            ("회사", "하나 주식회사"),
            ("employees", "1,200명"),
            ("website", "https://hana.example.com"),
            ("개인정보 수집 동의", "동의합니다"),
            ("landing_page", "https://www.example.com/spring"),
            ("utm_source", "naver"),
            ("좋아하는 숫자", "7"),
        ],
    );
    assert_eq!(world.delivered("contact", &submission), id(3));
    let consent_at = world.received_at("contact", &submission);
    let owner = json!({ "name": "담당자", "userValueId": OTHER_USER_ID });
    let memo = "consent (개인정보 수집 동의): 동의합니다\nlocale: ko-KR\nutm_source: naver\n좋아하는 숫자: 7\n직원수: 1,200명\n\
                page: https://www.example.com/contact";
    assert_eq!(
        world.requests("salesmap"),
        [
            // "1,200명" is not a number, so it is in the memo.
            post(
                "organization",
                json!({
                    "name": "하나 주식회사", "fieldList": [text("웹 주소", "https://hana.example.com")],
                })
            ),
            post(
                "people",
                json!({
                    "name": "김하나", "organizationId": id(1),
                    "fieldList": [
                        text("이메일", "hana@example.com"), owner, text("유입경로", "웹사이트"),
                        { "name": "동의 일시", "dateValue": consent_at },
                    ],
                })
            ),
            post(
                "lead",
                json!({
                    "name": "[contact] 하나 주식회사: 김하나", "peopleId": id(2), "organizationId": id(1), "memo": memo,
                    "pipelineId": PIPELINE_ID, "pipelineStageId": OTHER_STAGE_ID,
                    "fieldList": [owner, text("유입 페이지", "https://www.example.com/spring")],
                })
            ),
        ]
    );
    no_complaints(&world);
}

#[test]
fn mismatched_and_rejected_values_are_in_the_memo() {
    let world = world(&json!({ "lead_fields": {
        "예산": { "number": "{budget}" }, "방문 희망일": { "date": "{visit}" }, "문의 유형": { "text": "{topic}" },
    } }));
    // Neither a number nor a date in one sense only; neither is sent.
    let fields = [
        ("name", "A"),
        ("email", "a@example.com"),
        ("budget", "about 300"),
        ("visit", "04/05/2026"),
        ("topic", "견적"),
    ];
    let submission = world.visit("contact", &fields);
    assert_eq!(world.delivered("contact", &submission), id(2));
    let memo = "locale: ko-KR\n예산: about 300\n방문 희망일: 04/05/2026\npage: https://www.example.com/contact";
    let list = [text("문의 유형", "견적")];
    let lead = json!({ "name": "A (contact)", "peopleId": id(1), "memo": memo, "fieldList": list });
    assert_eq!(world.requests("salesmap")[1..], [post("lead", lead)]);

    // Only Salesmap knows its options; the lead is created without the rejected one.
    let fields = [("name", "B"), ("email", "b@example.com"), ("budget", "300"), ("topic", "환불")];
    let submission = world.visit("contact", &fields);
    assert_eq!(world.delivered("contact", &submission), id(4));
    let lead = |memo: &str, list: &[Value]| {
        let memo = format!("locale: ko-KR\n{memo}page: https://www.example.com/contact");
        post("lead", json!({ "name": "B (contact)", "peopleId": id(3), "memo": memo, "fieldList": list }))
    };
    let budget = json!({ "name": "예산", "numberValue": 300 });
    let (rejected, accepted) =
        (lead("", &[budget.clone(), text("문의 유형", "환불")]), lead("문의 유형: 환불\n", &[budget]));
    assert_eq!(world.requests("salesmap")[3..], [rejected, accepted]);
    let detail = "omitted lead.문의 유형: HTTP 400: lead 문의 유형에 정의 되지 않은 값을 입력했습니다.";
    assert_eq!(delivery(&world.submission("contact", &submission), "salesmap")["timeline"][1]["detail"], detail);
    no_complaints(&world);
}

/// A token that may create persons but no leads.
const NO_LEADS: &str = r#"
const send = globalThis.fetch;
const forbidden = '{"success":false,"message":"Forbidden"}';
globalThis.fetch = async (url, init) =>
  url.endsWith("/lead") ? new Response(forbidden, { status: 403 }) : send(url, init);
"#;

#[test]
fn a_delivery_starts_over_when_its_person_is_in_another_workspace() {
    let mut world =
        world(&json!({ "retry": ["200ms", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s"] }));
    world.on_platform(NO_LEADS);
    let submission = world.visit("contact", &[("name", "Ada Lovelace"), ("email", "ada@example.com")]);
    world.wait_until("contact", &submission, |view| delivery(view, "salesmap")["failure"]["kind"] == "forbidden");
    assert_eq!(held(&world), [("person".into(), id(1))]);
    // The token was one of another workspace. The right one does not have that person.
    world.fakes.with(|salesmap: &mut Salesmap| *salesmap = Salesmap::new(TOKEN));
    world.on_platform("");
    assert_eq!(world.delivered("contact", &submission), id(2));
    assert_eq!(held(&world), [("person".into(), id(1)), ("lead".into(), id(2))]);
}
