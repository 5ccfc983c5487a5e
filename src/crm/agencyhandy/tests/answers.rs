//! The table of AgencyHandy's answers and their verdicts, one row an answer.

use super::*;

fn answer(status: u16, body: &str) -> Answer {
    let retry = if status == 429 { vec![("retry-after".to_owned(), "7".to_owned())] } else { Vec::new() };
    Answer { status, headers: retry, body: body.to_owned() }
}

fn said(why: Why, status: u16, body: &str) -> Trouble {
    Trouble::new(why, format!("HTTP {status}: {body}")).wait((status == 429).then_some(7000))
}

fn delivered(id: &str, note: Option<&str>) -> Verdict {
    Verdict::Delivered(RecordRef { id: id.into(), note: note.map(Into::into) })
}

fn look_again() -> Verdict {
    Verdict::GoOn(vec![
        Lesson::ForgetAccount("company_id"),
        Lesson::ForgetAccount("role_id"),
        Lesson::Fact("looked_up_again", "yes".into()),
    ])
}

fn back() -> Verdict {
    Verdict::GoOn(vec![Lesson::ForgetAccount("api")])
}

const MISSING: &str = "<pre>Cannot POST /company/6525994184e9ddd79853450e/members/bulk-client</pre>";
const MISSING_JSON: &str =
    r#"{"status":404,"message":"Cannot POST /company/6525994184e9ddd79853450e/members/bulk-client"}"#;
const NO_COMPANY: &str = r#"{"type":"NotFoundError","status":404,"message":"Company not found"}"#;
const NO_ROLE: &str =
    r#"{"type":"ValidationError","status":400,"fieldName":"members[0].role","message":"Role not found"}"#;
const FORBIDDEN: &str = r#"{"type":"PermissionError","status":403,"message":"Your subscription has expired"}"#;
const NOT_YOURS: &str = r#"{"type":"PermissionError","status":403,"message":"No access to this company"}"#;
const BAD_EMAIL: &str = r#"{"type":"ValidationError","status":400,"fieldName":"email","message":"Invalid email"}"#;
const TAKEN: &str = r#"{"type":"ValidationError","status":400,"fieldName":"email","message":"Email already exists"}"#;
const STATUS: &str = r#"{"type":"ValidationError","status":400,"fieldName":"[0].status","message":"must be Client"}"#;
const CONVERTED: &str = r#"{"type":"ValidationError","status":400,"message":"\"isConvertedClient\" is required"}"#;
const CUT: &str = r#"{"type":"ValidationError","status":400,"fieldName":"email","mess"#;
const BUSY: &str = r#"{"message":"This company sends too much"}"#;
const LIMIT: &str = r#"{"message":"You have already reached your limit of clients"}"#;

/// Rows that mean the same whatever the contract and the record; `0` is the status, `1` the body.
fn common_rows() -> Vec<(u16, &'static str, Verdict)> {
    use Verdict::{Refused, TryLater};
    let unsealed = r#"{"message":"Invalid API key"}"#;
    let wrapped = r#"{"type":"PermissionError","status":403,"message":"Plan"}"#;
    vec![
        (401, unsealed, TryLater(said(Why::Credentials, 401, unsealed))),
        (403, FORBIDDEN, TryLater(said(Why::Credentials, 403, FORBIDDEN))),
        (200, wrapped, TryLater(said(Why::Credentials, 403, wrapped))),
        (429, "{}", TryLater(said(Why::RateLimited, 429, "{}"))),
        (429, "<h1>Slow</h1>", TryLater(said(Why::RateLimited, 429, "<h1>Slow</h1>"))),
        (500, "{}", TryLater(said(Why::Unavailable, 500, "{}"))),
        // Words about the company that say nothing of its id.
        (429, BUSY, TryLater(said(Why::RateLimited, 429, BUSY))),
        (500, BUSY, TryLater(said(Why::Unavailable, 500, BUSY))),
        (503, "<h1>Down</h1>", TryLater(said(Why::Unavailable, 503, "<h1>Down</h1>"))),
        (302, "", TryLater(said(Why::Unavailable, 302, ""))),
        (200, "<h1>Sign in</h1>", TryLater(said(Why::Unexpected, 200, "<h1>Sign in</h1>"))),
        (200, "", TryLater(said(Why::Unexpected, 200, ""))),
        (200, r#"{"_id":"#, TryLater(said(Why::Unexpected, 200, r#"{"_id":"#))),
        (400, BAD_EMAIL, Refused(said(Why::Invalid, 400, BAD_EMAIL))),
        // A refusal of which only a part came.
        (400, CUT, TryLater(said(Why::Unexpected, 400, CUT))),
        (404, CUT, TryLater(said(Why::Unexpected, 404, CUT))),
    ]
}

#[test]
fn what_each_answer_to_a_look_up_means() {
    use Api::{Auto, Company};
    let found = format!(r#"{{"message":"…","companies":[{{"_id":"{COMPANY}"}},{{"_id":"b"}}]}}"#);
    let role = |id: &str, name: &str, company: &str| json!({ "_id": id, "role": { "_id": "inner", "name": name }, "company": company });
    let three =
        json!({ "roles": [role("a", "admin", COMPANY), role("b", "client", "other"), role(ROLE, "client", COMPANY)] });
    let three = three.to_string();
    let admin = json!({ "roles": [role("a", "admin", COMPANY)] }).to_string();
    let none = r#"{"companies":[]}"#;
    let slash = r#"{"companies":[{"_id":"../x"}]}"#;
    let learn = |key, id: &str| Verdict::GoOn(vec![Lesson::Account(key, id.to_owned())]);
    let nothing =
        |what: &str, body: &str| Verdict::TryLater(Trouble::new(Why::Unexpected, format!("{what}: HTTP 200: {body}")));
    let not_found = |body: &str| Verdict::Refused(said(Why::NotFound, 404, body));
    let mut rows = vec![
        (Company, companies(), 200, found.as_str(), learn("company_id", COMPANY)),
        (Company, companies(), 200, none, nothing("no company of this API key", none)),
        (Company, companies(), 200, slash, nothing("no company of this API key", slash)),
        (Company, companies(), 404, MISSING, not_found(MISSING)),
        (Auto, companies(), 404, MISSING, to_members()),
        (Auto, companies(), 405, "", to_members()),
        (Auto, companies(), 200, none, to_members()),
        (Company, roles("roles"), 200, &three, learn("role_id", ROLE)),
        (Company, roles("roles"), 200, &admin, nothing("no role named \"client\" in this company", &admin)),
        (Auto, roles("roles"), 200, &admin, to_members()),
        (Auto, roles("roles"), 404, MISSING, to_members()),
        (Company, roles("roles"), 404, MISSING, not_found(MISSING)),
        (Company, roles("roles"), 404, NO_COMPANY, look_again()),
        (Company, roles("roles_again"), 404, NO_COMPANY, not_found(NO_COMPANY)),
    ];
    for (status, body, verdict) in common_rows() {
        rows.push((Auto, companies(), status, body, verdict.clone()));
        rows.push((Auto, roles("roles"), status, body, verdict));
    }
    for (api, call, status, body, expected) in rows {
        let verdict = crm(Record::Lead, api).read(&call, &answer(status, body));
        assert_eq!(verdict, expected, "{api:?} {} {status} {body}", call.step);
    }
}

#[test]
fn what_each_answer_to_a_create_means() {
    use Api::{Auto, Company, Members};
    use Record::{Client, Lead};
    let created = r#"{"message":"Lead created successfully","createdMembers":[{"_id":"m1","name":"John Doe"}]}"#;
    let added = r#"{"success":true,"data":{"addedLeads":[{"_id":"m2"}],"notAddedLeads":[]}}"#;
    let added_client = r#"{"success":true,"data":{"addedClients":[{"_id":"m3"}],"notAddedClients":[]}}"#;
    let known = r#"{"success":true,"data":{"addedLeads":[],"notAddedLeads":[{"email":"j@e","reason":"Lead already exists","lead":{"_id":"m4"}}]}}"#;
    let known_client = r#"{"success":false,"data":{"addedClients":[],"notAddedClients":[{"email":"j@e","reason":"Client already exists"}]}}"#;
    let category = r#"{"success":false,"data":{"addedClients":[],"notAddedClients":[{"email":"j@e","reason":"One or more category not found"}]}}"#;
    let nobody = r#"{"success":true,"data":{"addedLeads":[],"notAddedLeads":[]}}"#;
    let not_made = r#"{"message":"Lead created successfully","createdMembers":[]}"#;
    let taken = || delivered("", Some("already there: Email already exists"));
    let left_out =
        |field: &str, why: &str| Verdict::GoOn(vec![Lesson::LeftOut { field: field.to_owned(), why: why.to_owned() }]);
    // Nothing that was sent is named, so all that is not needed goes at once.
    let category_refused = || left_out("everything optional", "One or more category not found");
    let refused = |why, status, body: &str| Verdict::Refused(said(why, status, body));
    let later = |why, status, body: &str| Verdict::TryLater(said(why, status, body));
    let forget_company = || {
        let left_out = Lesson::LeftOut { field: "companyid".into(), why: "No access to this company".into() };
        Verdict::GoOn(vec![Lesson::ForgetAccount("company_id"), left_out])
    };
    let first = || documented_lead("lead");
    let again = || documented_lead("lead_again");
    let current = || members_lead("members_lead", None);
    let with_company = || members_lead("members_lead", Some("companyid"));
    let current_again = || members_lead("members_lead_again", None);
    let client = || documented_client("client");
    let client_again = || documented_client("client_again");
    let current_client = || members_client("members_client");
    let mut rows = vec![
        // A record.
        (Lead, Auto, first(), 201, created, delivered("m1", None)),
        (Lead, Auto, first(), 500, created, delivered("m1", None)),
        (Lead, Auto, current(), 201, added, delivered("m2", None)),
        (Client, Auto, client(), 200, created, delivered("m1", None)),
        (Client, Auto, client(), 201, added_client, delivered("m3", None)),
        (Client, Members, current_client(), 201, added_client, delivered("m3", None)),
        // Already there.
        (Lead, Members, current(), 200, known, delivered("m4", Some("already there: Lead already exists"))),
        (
            Client,
            Members,
            current_client(),
            200,
            known_client,
            delivered("", Some("already there: Client already exists")),
        ),
        (Client, Auto, client(), 200, known_client, delivered("", Some("already there: Client already exists"))),
        (Lead, Auto, first(), 400, TAKEN, taken()),
        (Lead, Company, again(), 409, TAKEN, taken()),
        (Client, Auto, client(), 400, TAKEN, taken()),
        // A success of nothing, and a refusal that only sounds like "already there".
        (Lead, Members, current(), 200, nobody, later(Why::Unexpected, 200, nobody)),
        (Lead, Company, first(), 200, not_made, later(Why::Unexpected, 200, not_made)),
        (Lead, Auto, first(), 400, LIMIT, left_out("everything optional", &format!("HTTP 400: {LIMIT}"))),
        (Client, Members, current_client(), 200, category, category_refused()),
        (Client, Company, client(), 200, category, category_refused()),
        // The documented contract is gone.
        (Lead, Auto, first(), 404, MISSING, to_members()),
        (Lead, Auto, first(), 404, MISSING_JSON, to_members()),
        (Lead, Auto, again(), 405, "", to_members()),
        (Lead, Auto, first(), 400, CONVERTED, to_members()),
        (Lead, Company, first(), 404, MISSING, refused(Why::NotFound, 404, MISSING)),
        (Lead, Company, first(), 404, MISSING_JSON, refused(Why::NotFound, 404, MISSING_JSON)),
        (Client, Auto, client(), 400, STATUS, to_members()),
        (Client, Auto, client(), 400, CONVERTED, to_members()),
        (Client, Auto, client(), 200, category, to_members()),
        (Client, Auto, client(), 404, MISSING, refused(Why::NotFound, 404, MISSING)),
        (Client, Company, client(), 400, STATUS, refused(Why::Invalid, 400, STATUS)),
        // The current contract is gone, or was never there.
        (Lead, Auto, current(), 404, MISSING, back()),
        (Lead, Auto, current(), 400, NO_ROLE, back()),
        (Lead, Auto, current_again(), 404, MISSING, refused(Why::NotFound, 404, MISSING)),
        (Lead, Auto, current_again(), 400, NO_ROLE, left_out("everything optional", &format!("HTTP 400: {NO_ROLE}"))),
        (Lead, Members, current(), 404, MISSING, refused(Why::NotFound, 404, MISSING)),
        (Client, Auto, current_client(), 400, CONVERTED, back()),
        (Client, Auto, current_client(), 404, MISSING, refused(Why::NotFound, 404, MISSING)),
        // A company or role that was learned does not hold any more.
        (Lead, Auto, first(), 404, NO_COMPANY, look_again()),
        (Lead, Company, first(), 400, NO_ROLE, look_again()),
        (Lead, Company, first(), 403, NOT_YOURS, look_again()),
        (Lead, Company, again(), 404, NO_COMPANY, refused(Why::NotFound, 404, NO_COMPANY)),
        (Lead, Company, again(), 400, NO_ROLE, refused(Why::Invalid, 400, NO_ROLE)),
        (Lead, Company, again(), 403, NOT_YOURS, later(Why::Credentials, 403, NOT_YOURS)),
        (Lead, Auto, again(), 400, NO_ROLE, to_members()),
        (Lead, Members, with_company(), 403, NOT_YOURS, forget_company()),
        (Lead, Members, current(), 403, NOT_YOURS, later(Why::Credentials, 403, NOT_YOURS)),
        (Client, Auto, client(), 404, NO_COMPANY, look_again()),
        (Client, Auto, client_again(), 404, NO_COMPANY, refused(Why::NotFound, 404, NO_COMPANY)),
    ];
    for (status, body, verdict) in common_rows() {
        rows.push((Lead, Auto, first(), status, body, verdict.clone()));
        rows.push((Lead, Auto, with_company(), status, body, verdict.clone()));
        rows.push((Client, Auto, client(), status, body, verdict.clone()));
        rows.push((Client, Auto, current_client(), status, body, verdict));
    }
    for (record, api, call, status, body, expected) in rows {
        let verdict = crm(record, api).read(&call, &answer(status, body));
        assert_eq!(verdict, expected, "{record:?} {api:?} {} {status} {body}", call.step);
    }
}

/// One row a refusal: what was sent besides the email, what the error names and says, and what the lead goes without.
#[test]
fn each_refusal_of_a_value() {
    let mut options = options(Record::Lead, Api::Members);
    options.note_field = Some("note1".into());
    let crm = AgencyHandy::new("acme-ah", options);
    let custom = |fields: &[(&str, &str)]| -> Json {
        fields.iter().map(|(id, text)| json!({ "_id": id, "stringValue": text })).collect()
    };
    let both = |note: &str| json!({ "source": "ad", "customFields": custom(&[("field1", "x"), ("note1", note)]) });
    let note = |note: &str| json!({ "customFields": custom(&[("note1", note)]) });
    let rows: [(Json, Option<&str>, &str, &[&str]); 20] = [
        (json!({ "agent": "a", "source": "ad" }), Some("[0].agent"), "No", &["agent"]),
        (json!({ "agent": "a", "source": "ad" }), None, "source is too long", &["source"]),
        (json!({ "category": ["c"], "source": "ad" }), None, "Some categories are gone", &["category"]),
        (json!({ "agent": "a", "source": "ad" }), None, "Some categories are gone", &["fields"]),
        (both("Hi"), Some("[0].customFields[0]._id"), "No", &["field1"]),
        (both("Hi"), Some("0.customFields.1.stringValue"), "No", &["note1"]),
        (both("<b>"), Some("0.customFields.1.stringValue"), "No", &["markup"]),
        (both("Hi"), None, "field1 is unknown", &["field1"]),
        (both("<b>"), None, "note1 is wrong", &["markup"]),
        // Nothing that was sent is named: the operator's own, then whatever is not needed, then the note.
        (json!({ "agent": "a", "source": "ad" }), None, "No", &["fields"]),
        (json!({ "category": ["c"], "source": "ad" }), None, "No", &["fields"]),
        (both("Hi"), None, "No", &["fields"]),
        (both("Hi"), Some("[0].customFields"), "No", &["fields"]),
        (json!({ "source": "ad", "customFields": custom(&[("note1", "<b>")]) }), None, "No", &["everything optional"]),
        (json!({ "source": "ad" }), None, "status and type are wrong", &["everything optional"]),
        (note("<b>"), None, "No", &["markup"]),
        (note(&"x".repeat(1001)), None, "No", &["the rest of a long note"]),
        (note("Hi"), None, "No", &["note1"]),
        // Nothing is left that would help.
        (json!({ "source": "", "contactNo": "" }), None, "No", &[]),
        (json!({ "source": "ad" }), Some("[0].email"), "source is fine", &[]),
    ];
    for (mut sent, path, message, fields) in rows {
        sent["email"] = json!("john.doe@example.com");
        sent["status"] = json!("New");
        let call = Call { body: Some(json!([sent]).to_string()), ..members_lead("members_lead", None) };
        let body = json!({ "status": 400, "fieldName": path, "message": message }).to_string();
        let why = said(Why::Invalid, 400, &body);
        let left_out = |field: &&str| Lesson::LeftOut { field: (*field).to_owned(), why: why.detail.clone() };
        let goes_on = Verdict::GoOn(fields.iter().map(left_out).collect());
        let expected = if fields.is_empty() { Verdict::Refused(why) } else { goes_on };
        assert_eq!(crm.read(&call, &answer(400, &body)), expected, "{sent}");
    }
}

#[test]
fn configured_ids_are_not_forgotten() {
    let mut options = options(Record::Lead, Api::Company);
    options.company_id = Some(COMPANY.into());
    options.role_id = Some(ROLE.into());
    let crm = AgencyHandy::new("acme-ah", options);
    for (status, body, why) in [(404, NO_COMPANY, Why::NotFound), (400, NO_ROLE, Why::Invalid)] {
        let verdict = crm.read(&documented_lead("lead"), &answer(status, body));
        assert_eq!(verdict, Verdict::Refused(said(why, status, body)));
    }
}

/// Whatever the server answers, always the same: a delivery comes to an end.
#[test]
fn no_answer_leads_around_in_circles() {
    let bodies = [MISSING, MISSING_JSON, NO_COMPANY, NO_ROLE, FORBIDDEN, NOT_YOURS, TAKEN, STATUS, CONVERTED, "{}", ""];
    let companies =
        format!(r#"{{"companies":[{{"_id":"{COMPANY}"}}],"roles":[{{"_id":"r","role":{{"name":"client"}}}}]}}"#);
    let learned: [&[(&str, &str)]; 3] =
        [&[], &[("api", "members"), ("company_id", "old")], &[("company_id", "old"), ("role_id", "old")]];
    for record in [Record::Lead, Record::Client] {
        for api in [Api::Auto, Api::Company, Api::Members] {
            for start in learned {
                for status in [200, 400, 403, 404, 405, 422, 500] {
                    for body in bodies {
                        let crm = crm(record, api);
                        let mut progress = progress(start, &[]);
                        let mut calls = 0;
                        while let Step::Call(call) = crm.next(&john(), &progress) {
                            let answer = match call.method {
                                Method::Get => answer(200, &companies),
                                Method::Post => answer(status, body),
                            };
                            let Verdict::GoOn(lessons) = crm.read(&call, &answer) else { break };
                            progress.take(&lessons);
                            calls += 1;
                            assert!(calls < 12, "{record:?} {api:?} {start:?} {status} {body}");
                        }
                    }
                }
            }
        }
    }
}
