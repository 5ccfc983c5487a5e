//! The table of answers: one row an answer, for each of the calls.

use super::*;

pub(super) fn answer(status: u16, body: &str) -> Answer {
    Answer { status, headers: Vec::new(), body: body.into() }
}

pub(super) fn trouble(why: Why, detail: &str) -> Trouble {
    Trouble::new(why, detail)
}

fn limited(detail: &str, wait_ms: u64) -> Verdict {
    Verdict::TryLater(trouble(Why::RateLimited, detail).wait(Some(wait_ms)))
}

fn delivered(id: &str) -> Verdict {
    Verdict::Delivered(RecordRef { id: id.into(), note: None })
}

fn fact(key: &'static str, text: &str) -> Verdict {
    Verdict::GoOn(vec![Lesson::Fact(key, text.into())])
}

pub(super) fn left_out(field: &str, why: &str) -> Verdict {
    Verdict::GoOn(vec![Lesson::LeftOut { field: field.into(), why: why.into() }])
}

pub(super) fn mx(kind: &str, message: &str) -> String {
    json!({ "Status": "Error", "ExceptionType": kind, "ExceptionMessage": message }).to_string()
}

const LIMIT: &str = "API calls exceeded the limit of 25 in 5 second(s)";
const SUCCESS: &str = r#"{"Status":"Success","Message":{"Id":"x","RelatedId":"b3d4098f","IsCreated":true}}"#;

/// What is said of a lead and of a user alike.
#[allow(clippy::too_many_lines, reason = "a table, one row an answer")]
fn common() -> Vec<(u16, String, Verdict)> {
    use Verdict::{Refused, TryLater};
    let limit = mx("MXAPIRateLimitExceededException", LIMIT);
    let limit_shown = |status: u16| format!("HTTP {status}: {limit}");
    let one = |status: u16, body: &str, verdict: Verdict| (status, body.to_owned(), verdict);
    let credentials = |detail: &str| TryLater(trouble(Why::Credentials, detail));
    let unexpected = |detail: &str| TryLater(trouble(Why::Unexpected, detail));
    let down = |detail: &str| TryLater(trouble(Why::Unavailable, detail));
    vec![
        // Created.
        one(200, SUCCESS, delivered("b3d4098f")),
        one(200, "{\"Status\":\"Success\",\"Message\":{\"Id\":\"b3d4098f\"}}", delivered("b3d4098f")),
        one(200, "{\"Status\":\"Success\",\"Message\":{\"RelatedId\":\"b3d4098f\"}}", delivered("b3d4098f")),
        one(
            200,
            "{\"Status\":\"Success\",\"Message\":{\"Id\":\"b3d4098f\",\"RelatedId\":null}}",
            delivered("b3d4098f"),
        ),
        // Too many calls, in each disguise.
        one(200, &limit, limited(&limit_shown(200), 5_000)),
        one(403, &limit, limited(&limit_shown(403), 5_000)),
        one(429, &limit, limited(&limit_shown(429), 5_000)),
        one(500, &limit, limited(&limit_shown(500), 5_000)),
        one(200, LIMIT, limited(&format!("HTTP 200: {LIMIT}"), 5_000)),
        one(403, LIMIT, limited(&format!("HTTP 403: {LIMIT}"), 5_000)),
        one(
            200,
            &format!("{{\"Status\":\"Error\",\"ExceptionMessage\":\"{LIMIT}\"}}"),
            limited(&format!("HTTP 200: {{\"Status\":\"Error\",\"ExceptionMessage\":\"{LIMIT}\"}}"), 5_000),
        ),
        one(
            429,
            "API calls exceeded the limit of 10 in 30 second(s)",
            limited("HTTP 429: API calls exceeded the limit of 10 in 30 second(s)", 30_000),
        ),
        one(
            429,
            "API calls exceeded the limit of 10 in 1 second(s)",
            limited("HTTP 429: API calls exceeded the limit of 10 in 1 second(s)", 5_000),
        ),
        one(
            429,
            "API calls exceeded the limit of 99 in 2 minute(s)",
            limited("HTTP 429: API calls exceeded the limit of 99 in 2 minute(s)", 120_000),
        ),
        one(
            429,
            "API calls exceeded the limit of 10000 in 1 day(s)",
            limited("HTTP 429: API calls exceeded the limit of 10000 in 1 day(s)", 3_600_000),
        ),
        one(
            429,
            "API calls exceeded the limit of 900 in 1 hour(s)",
            limited("HTTP 429: API calls exceeded the limit of 900 in 1 hour(s)", 3_600_000),
        ),
        one(429, "", limited("HTTP 429: ", 5_000)),
        // LeadSquared's own no, whatever the status.
        one(
            500,
            &mx("MXMandatoryAttributeMissingException", "'mx_City' is mandatory"),
            Refused(trouble(Why::Invalid, "HTTP 500: MXMandatoryAttributeMissingException: 'mx_City' is mandatory")),
        ),
        one(
            400,
            &mx("MXMandatoryAttributeMissingException", "'mx_City' is mandatory"),
            Refused(trouble(Why::Invalid, "HTTP 400: MXMandatoryAttributeMissingException: 'mx_City' is mandatory")),
        ),
        one(
            500,
            &mx("MXXSSException", "A potentially dangerous value"),
            Refused(trouble(Why::Invalid, "HTTP 500: MXXSSException: A potentially dangerous value")),
        ),
        one(
            500,
            &mx("MXInvalidEntityException", "Lead does not exist in the system"),
            Refused(trouble(Why::Invalid, "HTTP 500: MXInvalidEntityException: Lead does not exist in the system")),
        ),
        one(
            200,
            &mx("MXSomethingNewException", "no"),
            Refused(trouble(Why::Invalid, "HTTP 200: MXSomethingNewException: no")),
        ),
        // The words of a limit inside another error's message are the visitor's.
        one(
            500,
            &mx("MXXSSException", LIMIT),
            Refused(trouble(Why::Invalid, &format!("HTTP 500: MXXSSException: {LIMIT}"))),
        ),
        // Credentials.
        one(401, "", credentials("HTTP 401: ")),
        one(401, "Invalid AccessKey", credentials("HTTP 401: Invalid AccessKey")),
        one(401, "See login.leadsquared.com", credentials("HTTP 401: See login.leadsquared.com")),
        one(
            401,
            "Please use https://api-us11.leadsquared.com/v2/ for this account.",
            credentials(
                "HTTP 401: the account is not on api-in21.leadsquared.com but on api-us11.leadsquared.com; set region = \"us\"",
            ),
        ),
        one(
            401,
            "{\"host\":\"api-id51.leadsquared.com\"}",
            credentials(
                "HTTP 401: the account is not on api-in21.leadsquared.com but on api-id51.leadsquared.com; set host = \"api-id51.leadsquared.com\"",
            ),
        ),
        one(
            401,
            &mx("MXUnauthorizedException", "Use api-us11.leadsquared.com"),
            credentials(
                "HTTP 401: the account is not on api-in21.leadsquared.com but on api-us11.leadsquared.com; set region = \"us\"",
            ),
        ),
        one(
            401,
            &mx("MXUnauthorizedException", "no"),
            credentials(&format!("HTTP 401: {}", mx("MXUnauthorizedException", "no"))),
        ),
        one(401, "no key for api-in21.leadsquared.com", credentials("HTTP 401: no key for api-in21.leadsquared.com")),
        one(403, "Forbidden", credentials("HTTP 403: Forbidden")),
        // By status.
        one(400, "Bad Request", Refused(trouble(Why::Invalid, "HTTP 400: Bad Request"))),
        one(404, "Not Found", Refused(trouble(Why::NotFound, "HTTP 404: Not Found"))),
        one(500, "", down("HTTP 500: ")),
        one(502, "<html>Bad Gateway</html>", down("HTTP 502: <html>Bad Gateway</html>")),
        one(503, "{\"Message\":\"busy\"}", down("HTTP 503: {\"Message\":\"busy\"}")),
        // A 2xx that is no answer of this API.
        one(200, "<html>Sign in</html>", unexpected("HTTP 200: <html>Sign in</html>")),
        one(200, "", unexpected("HTTP 200: ")),
        one(200, "{\"Status\":\"Success\",\"Mess", unexpected("HTTP 200: {\"Status\":\"Success\",\"Mess")),
        one(200, "{\"Status\":\"Error\"}", unexpected("HTTP 200: {\"Status\":\"Error\"}")),
        one(200, "[]", unexpected("HTTP 200: []")),
        one(
            200,
            "{\"Status\":\"Success\",\"Message\":{\"Id\":\"\"}}",
            unexpected("HTTP 200: {\"Status\":\"Success\",\"Message\":{\"Id\":\"\"}}"),
        ),
        one(
            200,
            "{\"Status\":\"Success\",\"Message\":{\"Id\":5}}",
            unexpected("HTTP 200: {\"Status\":\"Success\",\"Message\":{\"Id\":5}}"),
        ),
        one(
            200,
            "{\"Status\":\"Success\",\"Message\":{\"AffectedRows\":0}}",
            unexpected("HTTP 200: {\"Status\":\"Success\",\"Message\":{\"AffectedRows\":0}}"),
        ),
        // A page that moved, or a sign-in: not followed.
        one(302, "", down("HTTP 302: ")),
        // Success words under a failure's status.
        one(500, SUCCESS, down(&format!("HTTP 500: {SUCCESS}"))),
    ]
}

#[test]
fn each_answer_about_a_lead() {
    let account = account(json!({}));
    let call = call_of(account.next(&jane(), &Progress::default()));
    for (status, body, expected) in common() {
        // A lead can go on without some of its values; a user cannot.
        let expected = match expected {
            Verdict::Refused(trouble) if trouble.why == Why::Invalid && !body.contains("Mandatory") => {
                left_out("everything optional", &trouble.detail)
            }
            other => other,
        };
        assert_eq!(account.read(&call, &answer(status, &body)), expected, "{status} {body}");
    }
    let rows = "{\"Status\":\"Success\",\"Message\":{\"AffectedRows\":1}}";
    assert_eq!(account.read(&call, &answer(200, rows)), fact("saved", "true"));
}

#[test]
fn each_answer_about_a_user() {
    let account = account(json!({ "record": "user", "role": "Sales_User" }));
    let call = call_of(account.next(&staff(), &Progress::default()));
    for (status, body, expected) in common() {
        assert_eq!(account.read(&call, &answer(status, &body)), expected, "{status} {body}");
    }
    let there = Verdict::Delivered(RecordRef { id: String::new(), note: Some("already there".into()) });
    let duplicate = mx("MXDuplicateEntryException", "A User with same Email already exists.");
    assert_eq!(account.read(&call, &answer(500, &duplicate)), there);
    let rows = "{\"Status\":\"Success\",\"Message\":{\"AffectedRows\":1}}";
    let unexpected = Verdict::TryLater(trouble(Why::Unexpected, &format!("HTTP 200: {rows}")));
    assert_eq!(account.read(&call, &answer(200, rows)), unexpected);
}

#[test]
fn each_duplicate_of_a_lead() {
    let account = account(json!({ "fields": { "mx_Card": "{card}" } }));
    let all = "EmailAddress Phone";
    // message, attributes sent -> the value in conflict, and whether the lead is captured without it; then the verdict
    // on the second conflict
    let table = [
        ("Duplicate entry 'a@b.c' for key 'UQ_Prospect_Base_EmailAddress'", all, "EmailAddress", true, false),
        ("Duplicate entry '010' for key 'UQ_Prospect_Base_Phone'", all, "Phone", true, false),
        // The entry is the visitor's text.
        ("Duplicate entry 'Phone' for key 'UQ_Prospect_Base_EmailAddress'", all, "EmailAddress", true, false),
        ("Duplicate entry '7' for key 'UQ_Prospect_Base_mx_Card'", "EmailAddress mx_Card", "mx_Card", true, true),
        ("A Lead with same Email already exists.", all, "EmailAddress", true, false),
        ("A Lead with same Phone already exists.", all, "Phone", true, false),
        ("Duplicate", all, "Phone", true, false),
        ("Duplicate", "EmailAddress", "EmailAddress", false, false),
    ];
    for (message, sent, conflict, spared, goes_on) in table {
        let mut call = call_of(account.next(&jane(), &Progress::default()));
        let sent: Vec<_> = sent.split(' ').map(|name| (name, "x")).collect();
        call.body = Some(pairs(&sent).to_string());
        let duplicate = answer(500, &mx("MXDuplicateEntryException", message));
        let why = format!("HTTP 500: {message}");
        let mut lessons = vec![Lesson::Fact("conflict", conflict.into())];
        if spared {
            lessons.push(Lesson::LeftOut { field: conflict.into(), why: why.clone() });
        }
        assert_eq!(account.read(&call, &duplicate), Verdict::GoOn(lessons), "{message} {sent:?}");
        // The second time only a value that finds no lead is left out; else a person has to look.
        call.step = "lead_again";
        let refused = Verdict::Refused(trouble(Why::Conflict, &why));
        let expected = if goes_on { left_out(conflict, &why) } else { refused };
        assert_eq!(account.read(&call, &duplicate), expected, "{message}");
    }
    // Found by it and in conflict with it: another capture was faster, and it stays.
    let mut call = call_of(account.next(&jane(), &Progress::default()));
    call.body = Some(pairs(&[("EmailAddress", "x"), ("mx_Card", "7"), ("SearchBy", "mx_Card")]).to_string());
    let duplicate = answer(500, &mx("MXDuplicateEntryException", "for key 'UQ_Prospect_Base_mx_Card'"));
    assert_eq!(account.read(&call, &duplicate), fact("conflict", "mx_Card"));
}

/// A lead that nothing can find again: no answer, or half of one, is a doubt and no failure.
#[test]
fn each_answer_about_a_lead_without_email_and_phone() {
    let account = account(json!({}));
    let call = call_of(account.next(&lead_of(&[(F::FirstName, "Jane")], &[]), &Progress::default()));
    let doubt = |why, detail: &str| Verdict::InDoubt(trouble(why, detail));
    let limit = mx("MXAPIRateLimitExceededException", LIMIT);
    let table = [
        (200, SUCCESS, delivered("b3d4098f")),
        (200, "", doubt(Why::Unexpected, "HTTP 200: ")),
        (500, "", doubt(Why::Unavailable, "HTTP 500: ")),
        (504, "<html/>", doubt(Why::Unavailable, "HTTP 504: <html/>")),
        (408, "", doubt(Why::Unavailable, "HTTP 408: ")),
        (403, limit.as_str(), limited(&format!("HTTP 403: {limit}"), 5_000)),
        (401, "", Verdict::TryLater(trouble(Why::Credentials, "HTTP 401: "))),
        (501, "", left_out("everything optional", "HTTP 501: ")),
        (400, "no", left_out("everything optional", "HTTP 400: no")),
    ];
    for (status, body, expected) in table {
        assert_eq!(account.read(&call, &answer(status, body)), expected, "{status} {body}");
    }
}

#[test]
fn each_answer_to_the_look_up() {
    let account = account(json!({}));
    let find = |list: &[(&str, &str)]| call_of(account.next(&jane(), &facts(list)));
    let by_email = find(&[("saved", "true")]);
    let by_phone = find(&[("saved", "true"), ("not_by_email", "true")]);
    let limit = mx("MXAPIRateLimitExceededException", LIMIT);
    let table = [
        (&by_email, 200, "[{\"ProspectID\":\"p1\",\"FirstName\":\"Jane\"},{\"ProspectID\":\"p2\"}]", delivered("p1")),
        (&by_email, 200, "[]", fact("not_by_email", "true")),
        (&by_email, 200, "[{\"Id\":\"p1\"}]", fact("not_by_email", "true")),
        (&by_phone, 200, "[]", fact("not_by_phone", "true")),
        (&by_phone, 404, "", fact("not_by_phone", "true")),
        (&by_phone, 500, &mx("MXInvalidEntityException", "Lead does not exist"), fact("not_by_phone", "true")),
        (&by_email, 200, limit.as_str(), limited(&format!("HTTP 200: {limit}"), 5_000)),
        (&by_email, 401, "", Verdict::TryLater(trouble(Why::Credentials, "HTTP 401: "))),
        (&by_email, 503, "", Verdict::TryLater(trouble(Why::Unavailable, "HTTP 503: "))),
        (&by_email, 200, "<html/>", Verdict::TryLater(trouble(Why::Unexpected, "HTTP 200: <html/>"))),
        (&by_email, 200, SUCCESS, Verdict::TryLater(trouble(Why::Unexpected, &format!("HTTP 200: {SUCCESS}")))),
    ];
    for (call, status, body, expected) in table {
        assert_eq!(account.read(call, &answer(status, body)), expected, "{status} {body}");
    }
}

#[test]
fn retry_after_counts_when_it_is_longer() {
    let account = account(json!({}));
    let call = call_of(account.next(&jane(), &Progress::default()));
    let mut answer = answer(429, LIMIT);
    answer.headers.push(("retry-after".into(), "40".into()));
    assert_eq!(account.read(&call, &answer), limited(&format!("HTTP 429: {LIMIT}"), 40_000));
}

/// The vendor's words are stored with the attempt; a password in them is not.
#[test]
fn an_answer_that_repeats_the_password_is_not_kept() {
    let account =
        account(json!({ "record": "user", "role": "Sales_User", "parameters": { "Password": "{password}" } }));
    let mut lead = staff();
    lead.submission.fields = Fields(vec![("password".into(), "s3\"cret".into())]);
    let call = call_of(account.next(&lead, &Progress::default()));
    let hidden = |status| format!("HTTP {status}: the answer repeats the password and is not kept");
    let table = [
        (400, "bad password s3\"cret", Verdict::Refused(trouble(Why::Invalid, &hidden(400)))),
        (503, "{\"Password\":\"s3\\\"cret\"}", Verdict::TryLater(trouble(Why::Unavailable, &hidden(503)))),
        (400, "bad password", Verdict::Refused(trouble(Why::Invalid, "HTTP 400: bad password"))),
    ];
    for (status, body, expected) in table {
        assert_eq!(account.read(&call, &answer(status, body)), expected, "{status} {body}");
    }
}
