//! What each of Salesmap's answers means, one row an answer.

use serde_json::json;

use super::*;

fn read(step: &'static str, safety: Safety, status: u16, body: &str) -> Verdict {
    read_with(step, safety, status, &[], body)
}

fn read_with(step: &'static str, safety: Safety, status: u16, headers: &[(&str, &str)], body: &str) -> Verdict {
    let Step::Call(call) = call(step, step, &json!({ "name": "x" }), safety) else { panic!("a call") };
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    salesmap(options()).read(&call, &Answer { status, headers, body: body.to_owned() })
}

fn id_of(key: &'static str, id: &str) -> Lesson {
    Lesson::Fact(key, id.to_owned())
}

fn delivered(note: Option<&str>) -> Verdict {
    Verdict::Delivered(RecordRef { id: "l1".into(), note: note.map(str::to_owned) })
}

fn later(why: Why, said: &str) -> Verdict {
    Verdict::TryLater(Trouble::new(why, said))
}

fn limited(wait_ms: u64, said: &str) -> Verdict {
    Verdict::TryLater(Trouble::new(Why::RateLimited, said).wait(Some(wait_ms)))
}

fn refused(why: Why, said: &str) -> Verdict {
    Verdict::Refused(Trouble::new(why, said))
}

fn doubt(why: Why, said: &str) -> Verdict {
    Verdict::InDoubt(Trouble::new(why, said))
}

#[test]
fn answers_that_establish_something() {
    use Safety::{Create, Idempotent, Read};
    let reused = |id_fact, holds| Verdict::GoOn(vec![id_of(id_fact, "x1"), id_of(holds, "found")]);
    let cases = [
        (
            ("organization", Idempotent, 201),
            r#"{"success":true,"data":{"organization":{"id":"o1","name":"Acme","createdAt":"2024-04-08T05:25:26.020Z"}}}"#,
            Verdict::GoOn(vec![id_of("organization_id", "o1")]),
        ),
        (
            ("people", Idempotent, 201),
            r#"{"success":true,"data":{"people":{"id":"p1","name":"홍길동","createdAt":"2024-04-08T05:25:26.020Z"}}}"#,
            Verdict::GoOn(vec![id_of("people_id", "p1")]),
        ),
        (
            ("lead", Create, 201),
            r#"{"success":true,"data":{"lead":{"id":"l1","name":"문의","createdAt":"2024-04-08T05:25:26.020Z"}}}"#,
            delivered(None),
        ),
        (("lead", Create, 200), r#"{"success":true,"data":{"lead":{"id":"l1"}}}"#, delivered(None)),
        (
            ("people", Idempotent, 400),
            r#"{"success":false,"message":"Bad Request","reason":"이미 존재하는 이메일입니다","data":{"id":"x1","name":"홍"}}"#,
            reused("people_id", "people_holds"),
        ),
        (
            ("people", Idempotent, 201),
            r#"{"success":false,"message":"Bad Request","reason":"동일한 이메일을 가진 고객이 존재합니다.","data":{"id":"x1","name":"홍"}}"#,
            reused("people_id", "people_holds"),
        ),
        (
            ("organization", Idempotent, 400),
            r#"{"success":false,"message":"Bad Request","reason":"이미 존재하는 이름입니다","data":{"id":"x1","name":"Acme"}}"#,
            reused("organization_id", "organization_holds"),
        ),
        (
            ("organization", Idempotent, 400),
            r#"{"success":false,"message":"Bad Request","reason":["중복되는 이름을 가진 기업이 존재합니다."],"data":{"id":"x1","name":"Acme"}}"#,
            reused("organization_id", "organization_holds"),
        ),
        (
            ("find_lead", Read, 200),
            r#"{"success":true,"data":{"objectList":[{"id":"l1","name":"문의"}],"nextCursor":null}}"#,
            delivered(Some("found after an unanswered create")),
        ),
        (
            ("find_lead", Read, 200),
            r#"{"success":true,"data":{"objectList":[],"nextCursor":null}}"#,
            Verdict::GoOn(vec![Lesson::NotInDoubt]),
        ),
        (
            ("find_people", Read, 200),
            r#"{"success":true,"data":{"objectList":[{"id":"p1","name":"Kim"}]}}"#,
            Verdict::GoOn(vec![id_of("people_id", "p1"), id_of("people_holds", "found"), Lesson::NotInDoubt]),
        ),
        (
            ("find_people", Read, 200),
            r#"{"success":true,"data":{"objectList":[]}}"#,
            Verdict::GoOn(vec![Lesson::NotInDoubt]),
        ),
        (
            ("find_email", Read, 200),
            r#"{"success":true,"data":{"objectList":[{"id":"p1","name":"Kim"}],"nextCursor":null}}"#,
            Verdict::GoOn(vec![id_of("people_id", "p1"), id_of("people_holds", "found"), Lesson::NotInDoubt]),
        ),
        (
            ("find_email", Read, 200),
            r#"{"success":true,"data":{"objectList":[],"nextCursor":null}}"#,
            later(Why::Unexpected, "Salesmap says that a person has this email, and its search finds none"),
        ),
    ];
    for ((step, safety, status), body, expected) in cases {
        assert_eq!(read(step, safety, status, body), expected, "{step} {status} {body}");
    }
}

#[test]
fn answers_that_refuse_a_lead() {
    let list = |reason: &str| json!({ "success": false, "message": "Bad Request", "reason": [reason] }).to_string();
    let text = |reason: &str| json!({ "success": false, "message": "Bad Request", "reason": reason }).to_string();
    let no_name = "[name]: 필수 입력 사항입니다.";
    let neither = "[refine]: peopleId 또는 organizationId를 입력해주세요.";
    let pair =
        "[refine]: 파이프라인 또는 파이프라인 단계를 변경하기 위해서는 pipelineId와 pipelineStageId 모두 필요합니다.";
    let option = "people 유입경로에 정의 되지 않은 값을 입력했습니다.";
    let key = "lead 팔로워에 userValueIdList가 없습니다.";
    let person = "peopleId의 대상을 찾을 수 없습니다.";
    let ip = "허용되지 않은 IP 입니다. 워크스페이스 관리에서 IP를 추가해주세요.";
    let cases = [
        (400, text("잘못된 값입니다."), refused(Why::Invalid, "잘못된 값입니다.")),
        (400, list(no_name), refused(Why::Invalid, no_name)),
        (400, list(neither), refused(Why::Invalid, neither)),
        (400, list(pair), refused(Why::Invalid, pair)),
        (400, text(person), refused(Why::NotFound, person)),
        (400, text("organizationId의 대상을 찾을 수 없습니다."), {
            refused(Why::NotFound, "organizationId의 대상을 찾을 수 없습니다.")
        }),
        (400, text(option), refused(Why::Invalid, option)),
        (400, list(key), refused(Why::Invalid, key)),
        (400, text("고객을 찾을 수 없습니다."), refused(Why::NotFound, "고객을 찾을 수 없습니다.")),
        (400, text("리드를 찾을 수 없습니다."), refused(Why::NotFound, "리드를 찾을 수 없습니다.")),
        (400, r#"{"success":false,"message":"에러 메세지"}"#.into(), refused(Why::Invalid, "에러 메세지")),
        (400, r#"{"error":"Invalid request"}"#.into(), refused(Why::Invalid, "Invalid request")),
        (201, list(no_name), refused(Why::Invalid, no_name)),
        (501, text("지원하지 않습니다."), refused(Why::Invalid, "지원하지 않습니다.")),
        (501, "<html>no</html>".into(), refused(Why::Invalid, "HTTP 501: <html>no</html>")),
        (409, text("이미 존재하는 필드입니다."), refused(Why::Conflict, "이미 존재하는 필드입니다.")),
        (400, text(ip), later(Why::Credentials, ip)),
        (403, text(ip), later(Why::Credentials, ip)),
        (401, text("유효하지 않은 토큰입니다."), later(Why::Credentials, "유효하지 않은 토큰입니다.")),
        (401, text("헤더에서 Authorization을 찾을 수 없습니다."), {
            later(Why::Credentials, "헤더에서 Authorization을 찾을 수 없습니다.")
        }),
        (403, r#"{"success":false,"message":"Forbidden"}"#.into(), later(Why::Credentials, "Forbidden")),
        (403, "<html>no</html>".into(), later(Why::Credentials, "HTTP 403: <html>no</html>")),
    ];
    for (status, body, expected) in cases {
        assert_eq!(read("lead", Safety::Create, status, &body), expected, "{status} {body}");
    }
}

#[test]
fn too_many_requests() {
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, Verdict);
    let docs = r#"{"success":false,"message":"Too Many Requests"}"#;
    let field = r#"{"success":false,"message":"Too Many Requests","reason":"2.35초 후 재시도해주세요."}"#;
    let whole = r#"{"success":false,"message":"Too Many Requests","reason":"약 7초 후 재시도해주세요."}"#;
    let cases: [Case<'_>; 5] = [
        (&[], docs, limited(10_000, "Too Many Requests")),
        (&[], field, limited(2_350, "2.35초 후 재시도해주세요.")),
        (&[], whole, limited(7_000, "약 7초 후 재시도해주세요.")),
        (&[("retry-after", "3")], docs, limited(3_000, "Too Many Requests")),
        (&[], "<html>busy</html>", limited(10_000, "HTTP 429: <html>busy</html>")),
    ];
    for (headers, body, expected) in cases {
        for step in ["lead", "find_lead"] {
            assert_eq!(read_with(step, Safety::Create, 429, headers, body), expected, "{step} {body}");
        }
    }
}

/// Answers that are neither yes nor no: in doubt for a create, tried again where a repeat is harmless.
#[test]
fn answers_that_say_nothing() {
    use Why::{Unavailable, Unexpected};
    let page = "<!DOCTYPE html><title>Salesmap</title>";
    let cut = r#"{"success":true,"data":{"lead":{"id":"l1"#;
    let unexpected_server_error = r#"{"message":"Unexpected Server Error"}"#;
    let cases = [
        // (status, body, why, whether a create is in doubt)
        (200, page, Unavailable, false),
        (404, page, Unavailable, false),
        (405, page, Unavailable, false),
        (302, "", Unavailable, false),
        (307, r#"{"success":false,"reason":"Moved"}"#, Unavailable, false),
        (408, "", Unavailable, true),
        (408, r#"{"message":"Request Timeout"}"#, Unavailable, true),
        (423, r#"{"message":"Locked"}"#, Unavailable, false),
        (502, page, Unavailable, true),
        (503, "", Unavailable, true),
        (500, unexpected_server_error, Unavailable, true),
        (500, r#"{"success":false,"message":"Unexpected Server Error"}"#, Unavailable, true),
        (200, "", Unexpected, true),
        (201, cut, Unexpected, true),
        (201, r#"{"success":true,"data":{}}"#, Unexpected, true),
        (201, r#"{"success":true,"data":{"lead":{"id":""}}}"#, Unexpected, true),
        (200, r#"{"message":"ok"}"#, Unexpected, true),
        (200, "[]", Unexpected, true),
    ];
    for (status, body, why, in_doubt) in cases {
        let said = match status {
            500 => "Unexpected Server Error".to_owned(),
            200 if body.contains("ok") => "ok".to_owned(),
            408 if !body.is_empty() => "Request Timeout".to_owned(),
            423 => "Locked".to_owned(),
            _ => format!("HTTP {status}: {body}"),
        };
        let expected = if in_doubt { doubt(why, &said) } else { later(why, &said) };
        assert_eq!(read("lead", Safety::Create, status, body), expected, "lead {status} {body}");
        assert_eq!(read("people", Safety::Create, status, body), expected, "people {status} {body}");
        for step in ["organization", "people"] {
            assert_eq!(read(step, Safety::Idempotent, status, body), later(why, &said), "{step} {status} {body}");
        }
        assert_eq!(read("find_lead", Safety::Read, status, body), later(why, &said), "find_lead {status} {body}");
    }
}

#[test]
fn a_wait_is_heeded_whatever_the_trouble() {
    let after = [("retry-after", "90")];
    for (status, body) in [(503, ""), (500, r#"{"message":"x"}"#), (423, "{}"), (405, "<html>")] {
        let verdict = read_with("organization", Safety::Idempotent, status, &after, body);
        let Verdict::TryLater(trouble) = verdict else { panic!("{status}: {verdict:?}") };
        assert_eq!((trouble.why, trouble.wait_ms), (Why::Unavailable, Some(90_000)), "{status}");
    }
}
