//! The strictness of the fake: each documented refusal, and what is only a complaint.

use super::*;

const NOW: i64 = 1_712_553_926_020;

fn request(method: &str, path: &str, token: &str, body: &Value) -> Request {
    Request {
        method: method.into(),
        host: "salesmap.kr".into(),
        path: format!("/api/v2/{path}"),
        query: Vec::new(),
        headers: vec![
            ("authorization".into(), format!("Bearer {token}")),
            ("content-type".into(), "application/json".into()),
        ],
        body: body.to_string(),
    }
}

fn post(fake: &mut Salesmap, path: &str, body: &Value) -> (u16, Value) {
    let response = fake.answer(&request("POST", path, "t", body), NOW);
    (response.status, serde_json::from_str(&response.body).unwrap_or_default())
}

fn refusal(reason: &Value) -> (u16, Value) {
    (400, json!({ "success": false, "message": "Bad Request", "reason": reason }))
}

/// A workspace with the organization Acme (…1) and the person hong@example.com (…2).
fn workspace() -> Salesmap {
    let mut fake = Salesmap::new("t");
    assert_eq!(post(&mut fake, "organization", &json!({ "name": "Acme" })).0, 201);
    let email = json!([{ "name": "이메일", "stringValue": "hong@example.com" }]);
    assert_eq!(post(&mut fake, "people", &json!({ "name": "홍길동", "fieldList": email })).0, 201);
    fake
}

const ACME: &str = "00000000-0000-4000-8000-000000000001";
const HONG: &str = "00000000-0000-4000-8000-000000000002";

#[test]
fn a_lead_with_everything() {
    let mut fake = workspace();
    let body = json!({
        "name": "문의",
        "peopleId": HONG,
        "organizationId": ACME,
        "memo": "안녕하세요",
        "pipelineId": PIPELINE_ID,
        "pipelineStageId": STAGE_ID,
        "fieldList": [
            { "name": "예산", "numberValue": 12000 },
            { "name": "문의 유형", "stringValue": "견적" },
            { "name": "방문 희망일", "dateValue": "2024-04-16" },
            { "name": "상담 일시", "dateValue": "2024-04-16T07:18:17.516Z" },
            { "name": "마케팅 동의", "booleanValue": true },
            { "name": "관심 제품", "stringValueList": ["기본형", "고급형"] },
            { "name": "팔로워", "userValueIdList": [USER_ID, OTHER_USER_ID] },
            { "name": "추천인", "peopleValueId": HONG },
            { "name": "웹 폼", "webformValueId": RELATED_ID },
        ],
    });
    let id = "00000000-0000-4000-8000-000000000003";
    let made = json!({ "id": id, "name": "문의", "createdAt": "2024-04-08T05:25:26.020Z" });
    assert_eq!(post(&mut fake, "lead", &body), (201, json!({ "success": true, "data": { "lead": made } })));
    assert_eq!(fake.complaints(), <[String; 0]>::default());
    assert_eq!(
        fake.records()[2],
        json!({
            "record": "lead",
            "id": id,
            "name": "문의",
            "createdAt": "2024-04-08T05:25:26.020Z",
            "peopleId": HONG,
            "organizationId": ACME,
            "memo": "안녕하세요",
            "pipelineId": PIPELINE_ID,
            "pipelineStageId": STAGE_ID,
            "fields": {
                "예산": 12000,
                "문의 유형": "견적",
                "방문 희망일": "2024-04-15T15:00:00.000Z",
                "상담 일시": "2024-04-16T07:18:17.516Z",
                "마케팅 동의": true,
                "관심 제품": ["기본형", "고급형"],
                "팔로워": [USER_ID, OTHER_USER_ID],
                "추천인": HONG,
                "웹 폼": RELATED_ID,
            },
        })
    );
}

#[test]
fn what_a_lead_must_have() {
    let pair =
        "[refine]: 파이프라인 또는 파이프라인 단계를 변경하기 위해서는 pipelineId와 pipelineStageId 모두 필요합니다.";
    let cases = [
        (json!({}), json!(["[name]: 필수 입력 사항입니다."])),
        (json!({ "name": "" }), json!(["[name]: 1자 이상 입력해주세요."])),
        (json!({ "name": 7 }), json!(["[name]: 형식에 맞게 입력해주세요."])),
        (json!({ "name": "x" }), json!(["[refine]: peopleId 또는 organizationId를 입력해주세요."])),
        (json!({ "name": "x", "peopleId": 7 }), json!(["[peopleId]: 형식에 맞게 입력해주세요."])),
        (json!({ "name": "x", "peopleId": ACME }), json!("peopleId의 대상을 찾을 수 없습니다.")),
        (json!({ "name": "x", "organizationId": "none" }), json!("organizationId의 대상을 찾을 수 없습니다.")),
        (json!({ "name": "x", "peopleId": HONG, "pipelineId": PIPELINE_ID }), json!([pair])),
        (json!({ "name": "x", "peopleId": HONG, "pipelineStageId": STAGE_ID }), json!([pair])),
        (
            json!({ "name": "x", "peopleId": HONG, "pipelineId": PIPELINE_ID, "pipelineStageId": PIPELINE_ID }),
            json!("pipelineStageId의 대상을 찾을 수 없습니다."),
        ),
        (json!({ "name": "x", "peopleId": HONG, "fieldList": {} }), json!(["[fieldList]: 형식에 맞게 입력해주세요."])),
    ];
    for (body, reason) in cases {
        assert_eq!(post(&mut workspace(), "lead", &body), refusal(&reason), "{body}");
    }
}

#[test]
fn what_a_field_takes() {
    let cases = [
        (
            json!({ "name": "없는 필드", "stringValue": "x" }),
            json!("lead에 정의되있지 않은 데이터 필드를 입력했습니다"),
        ),
        (json!({ "name": "예산", "stringValue": "5" }), json!(["lead 예산에 numberValue가 없습니다."])),
        (json!({ "name": "팔로워", "userValueId": USER_ID }), json!(["lead 팔로워에 userValueIdList가 없습니다."])),
        (json!({ "name": "웹 폼", "webFormValueId": RELATED_ID }), json!(["lead 웹 폼에 webformValueId가 없습니다."])),
        (json!({ "name": "예산", "numberValue": "5" }), json!(["[fieldList,numberValue]: 형식에 맞게 입력해주세요."])),
        (
            json!({ "name": "마케팅 동의", "booleanValue": "true" }),
            json!(["[fieldList,booleanValue]: 형식에 맞게 입력해주세요."]),
        ),
        (
            json!({ "name": "방문 희망일", "dateValue": "16/04/2024" }),
            json!(["[fieldList,dateValue]: 형식에 맞게 입력해주세요."]),
        ),
        (
            json!({ "name": "문의 유형", "stringValue": "환불" }),
            json!("lead 문의 유형에 정의 되지 않은 값을 입력했습니다."),
        ),
        (
            json!({ "name": "관심 제품", "stringValueList": ["기본형", "x"] }),
            json!("lead 관심 제품에 정의 되지 않은 값을 입력했습니다."),
        ),
        (json!({ "name": "담당자", "userValueId": HONG }), json!("담당자의 대상을 찾을 수 없습니다.")),
        (json!({ "name": "파이프라인", "pipelineValueId": PIPELINE_ID }), {
            json!("파이프라인 값은 fieldList가 아닌 파라메터 입니다")
        }),
        (json!({ "name": "점수", "numberValue": 1 }), json!("lead 점수은(는) 수정할 수 없는 필드입니다.")),
    ];
    for (item, reason) in cases {
        let body = json!({ "name": "x", "peopleId": HONG, "fieldList": [item] });
        assert_eq!(post(&mut workspace(), "lead", &body), refusal(&reason), "{body}");
    }
    let mut fake = workspace();
    fake.add_field(Object::Lead, "색상", "singleSelect", &["빨강"]);
    let list = json!([{ "name": "색상", "stringValue": "빨강" }]);
    assert_eq!(post(&mut fake, "lead", &json!({ "name": "x", "peopleId": HONG, "fieldList": list })).0, 201);
}

#[test]
fn an_email_and_a_company_name_are_unique_and_a_lead_is_not() {
    let mut fake = workspace();
    let duplicate = |reason: &str, id: &str, name: &str| {
        let data = json!({ "id": id, "name": name });
        (400, json!({ "success": false, "message": "Bad Request", "reason": reason, "data": data }))
    };
    let email = json!([{ "name": "이메일", "stringValue": "hong@example.com" }]);
    assert_eq!(
        post(&mut fake, "people", &json!({ "name": "다른 이름", "fieldList": email })),
        duplicate("이미 존재하는 이메일입니다", HONG, "홍길동")
    );
    assert_eq!(
        post(&mut fake, "organization", &json!({ "name": "Acme" })),
        duplicate("이미 존재하는 이름입니다", ACME, "Acme")
    );
    for _ in 0..2 {
        assert_eq!(post(&mut fake, "lead", &json!({ "name": "같은 리드", "peopleId": HONG })).0, 201);
        assert_eq!(post(&mut fake, "people", &json!({ "name": "이메일 없음" })).0, 201);
    }
    assert_eq!(fake.records().len(), 6);
}

#[test]
fn what_the_vendor_ignores_is_a_complaint() {
    let mut fake = workspace();
    let body = json!({ "name": "Kim", "email": "k@example.com", "memo": "<b>\n\nx" });
    assert_eq!(post(&mut fake, "people", &body).0, 201);
    let twice = json!([{ "name": "부서", "stringValue": "a", "x": 1 }, { "name": "부서", "stringValue": "b" }]);
    assert_eq!(post(&mut fake, "people", &json!({ "name": "Lee", "fieldList": twice })).0, 201);
    let mut untyped = request("POST", "people", "t", &json!({ "name": "Lee" }));
    untyped.headers.truncate(1);
    assert_eq!(fake.answer(&untyped, NOW).status, 400);
    let mut cut = request("POST", "people", "t", &json!({}));
    cut.body = "{".into();
    assert_eq!(fake.answer(&cut, NOW).status, 400);
    assert_eq!(
        fake.complaints(),
        [
            "people: the key email is ignored",
            "people: the memo holds markup",
            "people: a blank line of the memo vanishes",
            "people: 부서 has more than a name and a value",
            "people: 부서 is given twice",
            "/api/v2/people: Content-Type is not application/json",
            "/api/v2/people: the body is not a JSON object",
        ]
    );
    // The email was ignored, so it is still free.
    assert_eq!(fake.records()[2]["fields"], json!({}));
}

#[test]
fn the_token_and_the_path() {
    let mut fake = Salesmap::new("t");
    let mut none = request("GET", "user/me", "t", &json!({}));
    none.headers.clear();
    let cases = [(none, "헤더에서 Authorization을 찾을 수 없습니다."), {
        (request("GET", "user/me", "wrong", &json!({})), "유효하지 않은 토큰입니다.")
    }];
    for (request, reason) in cases {
        let response = fake.answer(&request, NOW);
        let body: Value = serde_json::from_str(&response.body).unwrap();
        let expected = json!({ "success": false, "message": "Unauthorized", "reason": reason });
        assert_eq!((response.status, body), (401, expected));
    }
    for (method, path) in [("POST", "leads"), ("GET", "lead"), ("POST", "object/deal/search"), ("GET", "pipeline")] {
        let response = fake.answer(&request(method, path, "t", &json!({})), NOW);
        assert_eq!((response.status, &response.body[..15]), (404, "<!DOCTYPE html>"), "{method} {path}");
    }
    for path in ["user/me", "lead/pipeline", "field/lead", "field/people", "field/organization"] {
        assert_eq!(fake.answer(&request("GET", path, "t", &json!({})), NOW).status, 200, "{path}");
    }
}

#[test]
fn a_hundred_points_in_ten_seconds() {
    let mut fake = Salesmap::new("t");
    let me = request("GET", "user/me", "t", &json!({}));
    let body = json!({ "filterGroupList": [{ "filters": [{ "fieldName": "이름", "operator": "EXISTS" }] }] });
    let search = request("POST", "object/lead/search", "t", &body);
    for nth in 0..9 {
        assert_eq!(fake.answer(&search, NOW + nth).status, 200);
    }
    for _ in 0..10 {
        assert_eq!(fake.answer(&me, NOW + 500).status, 200);
    }
    let limited = fake.answer(&me, NOW + 600);
    assert_eq!((limited.status, limited.body.as_str()), (429, r#"{"success":false,"message":"Too Many Requests"}"#));
    fake.give_wait_hint(true);
    let body: Value = serde_json::from_str(&fake.answer(&me, NOW + 600).body).unwrap();
    assert_eq!(body["reason"], "9.400초 후 재시도해주세요.");
    // The first search leaves the window: ten points are free again.
    assert_eq!(fake.answer(&me, NOW + 10_000).status, 200);
    assert_eq!(fake.answer(&search, NOW + 10_000).status, 429);
}

#[test]
fn a_search_finds_by_name_relation_phone_and_time() {
    let mut fake = workspace();
    let phone = json!([{ "name": "전화", "stringValue": "02-1" }]);
    assert_eq!(post(&mut fake, "people", &json!({ "name": "홍길동", "fieldList": phone })).0, 201);
    assert_eq!(post(&mut fake, "lead", &json!({ "name": "문의", "peopleId": HONG })).0, 201);
    let (kim, lead) = ("00000000-0000-4000-8000-000000000003", "00000000-0000-4000-8000-000000000004");
    let eq = |field: &str, value: &str| json!({ "fieldName": field, "operator": "EQ", "value": value });
    let since = |value: &str| json!({ "fieldName": "생성 날짜", "operator": "DATE_ON_OR_AFTER", "value": value });
    let cases = [
        ("lead", json!([eq("이름", "문의"), eq("고객", HONG), since("2024-04-08T05:25:26.000Z")]), vec![lead]),
        ("lead", json!([eq("고객", kim)]), vec![]),
        ("lead", json!([{ "fieldName": "고객", "operator": "IN", "value": [kim, HONG] }]), vec![lead]),
        ("lead", json!([since("2024-04-08T05:25:27.000Z")]), vec![]),
        ("lead", json!([since("2024-04-08")]), vec![lead]),
        ("people", json!([eq("이메일", "hong@example.com")]), vec![HONG]),
        ("people", json!([eq("이름", "홍길동"), eq("전화", "02-1")]), vec![kim]),
        ("people", json!([eq("이름", "홍길동"), { "fieldName": "전화", "operator": "NOT_EXISTS" }]), vec![HONG]),
    ];
    for (object, filters, expected) in cases {
        let body = json!({ "filterGroupList": [{ "filters": filters }] });
        let (status, answer) = post(&mut fake, &format!("object/{object}/search"), &body);
        let list = answer["data"]["objectList"].as_array().unwrap().clone();
        let ids: Vec<_> = list.iter().filter_map(|found| found["id"].as_str()).collect();
        assert_eq!((status, ids), (200, expected), "{body}");
    }
}

#[test]
fn what_a_search_refuses() {
    let filters = |filters: Value| json!({ "filterGroupList": [{ "filters": filters }] });
    let one = |field: &str, operator: &str, value: Value| {
        filters(json!([{ "fieldName": field, "operator": operator, "value": value }]))
    };
    let full = json!({ "fieldName": "이름", "operator": "EXISTS" });
    let cases = [
        (json!({}), json!(["[filterGroupList]: 1개 이상 3개 이하로 입력해주세요."])),
        (filters(json!([])), json!(["[filterGroupList,filters]: 1개 이상 3개 이하로 입력해주세요."])),
        (
            filters(json!([full, full, full, full])),
            json!(["[filterGroupList,filters]: 1개 이상 3개 이하로 입력해주세요."]),
        ),
        (one("name", "EQ", json!("x")), json!("Invalid fieldName: name")),
        (one("이름", "EQUALS", json!("x")), json!("Invalid operator: EQUALS")),
        (one("이름", "DATE_ON_OR_AFTER", json!("2024-04-08")), json!("Invalid operator: DATE_ON_OR_AFTER")),
        (one("생성 날짜", "DATE_ON_OR_AFTER", json!("yesterday")), json!("Invalid value: 생성 날짜")),
        (one("이름", "EQ", Value::Null), json!("Invalid value: 이름")),
    ];
    for (body, reason) in cases {
        assert_eq!(post(&mut workspace(), "object/lead/search", &body), refusal(&reason), "{body}");
    }
    let answer = post(&mut workspace(), "object/lead/search", &one("고객", "EQ", json!("홍길동")));
    assert_eq!(answer, (500, json!({ "message": "Unexpected Server Error" })));
}
