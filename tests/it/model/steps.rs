//! Whatever a CRM answers, one try of a delivery comes to an end within the steps that the Outbox allows.
//!
//! Not at random but in full: from every state of a delivery each answer that sends it another way is tried, and the
//! longest way of all is measured. Most of them no CRM would ever go.

use std::collections::{BTreeSet, HashMap};

use super::*;

/// An account that uses whatever can be left out, what it may have learned and been in doubt about, and its answers.
struct Account {
    name: &'static str,
    options: Value,
    learned: &'static [(&'static str, &'static str)],
    in_doubt: &'static [&'static str],
    answers: Vec<(u16, Value)>,
}

const COMPANY: &str = "6525994184e9ddd79853450e";
const NOTE_ID: &str = "6525994184e9ddd7985345f1";
const FIELD_ID: &str = "6525994184e9ddd7985345f2";

fn salesmap() -> Account {
    let refusal = |reason: &str| (400, json!({ "success": false, "message": "Bad Request", "reason": reason }));
    let made = |kind: &str| (201, json!({ "success": true, "data": { kind: { "id": "x" } } }));
    let taken = |reason: &str| (400, json!({ "success": false, "reason": reason, "data": { "id": "y" } }));
    let found = |list: Value| (200, json!({ "success": true, "data": { "objectList": list } }));
    let mut answers = vec![
        made("organization"),
        made("people"),
        made("lead"),
        taken("이미 존재하는 이메일입니다"),
        taken("이미 존재하는 전화입니다"),
        found(json!([])),
        found(json!([{ "id": "z" }])),
        refusal("이미 존재하는 이메일입니다"),
        refusal("잘못된 값입니다."),
        refusal("[fieldList,stringValue]: 형식에 맞게 입력해주세요."),
        refusal("organizationId의 대상을 찾을 수 없습니다."),
        refusal("pipelineId의 대상을 찾을 수 없습니다."),
    ];
    for label in ["담당자", "부서", "예산"] {
        answers.push(refusal(&format!("lead {label}에 정의 되지 않은 값을 입력했습니다.")));
    }
    Account {
        name: "salesmap",
        options: json!({
            "owner_id": "u1", "pipeline_id": "p1", "pipeline_stage_id": "s1",
            "organization_fields": { "주소": "a" },
            "people_fields": { "부서": "a" },
            "lead_fields": { "예산": { "number": "5" } },
        }),
        learned: &[],
        in_doubt: &["people", "lead"],
        answers,
    }
}

fn leadsquared() -> Account {
    let exception = |kind: &str, message: &str| {
        (500, json!({ "Status": "Error", "ExceptionType": kind, "ExceptionMessage": message }))
    };
    let mut answers = vec![
        (200, json!({ "Status": "Success", "Message": { "AffectedRows": 1 } })),
        (200, json!([])),
        exception("MXXSSException", "A dangerous value"),
        exception("MXDuplicateEntryException", "for key 'UQ_Prospect_Base_EmailAddress'"),
        exception("MXDuplicateEntryException", "for key 'UQ_Prospect_Base_Phone'"),
        exception("MXInvalidEntityException", "No"),
        (400, json!("No")),
    ];
    for name in ["FirstName", "Phone", "Notes", "mx_Card", "mx_Text"] {
        answers.push(exception("MXInvalidEntityException", &format!("{name} is wrong")));
    }
    Account {
        name: "leadsquared",
        options: json!({
            "region": "us", "note_attribute": "mx_Text", "fields": { "mx_Card": "1" },
        }),
        learned: &[],
        in_doubt: &[],
        answers,
    }
}

fn stateset() -> Account {
    let refusal = |param: &str| (400, json!({ "error": { "code": "parameter_invalid", "param": param } }));
    let mut answers = vec![(422, json!({ "error": "No" }))];
    let names =
        ["phone", "title", "department", "leadSource", "description", "mailingCity", "mailingState", "do_not_call"];
    answers.extend(names.map(refusal));
    Account {
        name: "stateset",
        options: json!({ "fields": { "department": "x", "do_not_call": { "bool": "yes" } } }),
        learned: &[],
        in_doubt: &[],
        answers,
    }
}

fn agencyhandy(api: &str) -> Account {
    let error = |status: u16, path: &str, message: &str| {
        (status, json!({ "type": "ValidationError", "status": status, "fieldName": path, "message": message }))
    };
    let skipped = |reason: &str| (200, json!({ "success": true, "data": { "notAddedLeads": [{ "reason": reason }] } }));
    let mut answers = vec![
        (200, json!({ "companies": [{ "_id": COMPANY }] })),
        (200, json!({ "roles": [{ "_id": "r1", "role": { "name": "client" } }] })),
        (404, json!("Cannot POST")),
        (404, json!({ "message": "Company not found" })),
        (403, json!({ "message": "No access to this company" })),
        (400, json!({ "message": "No" })),
        error(400, "members[0].role", "Role not found"),
        error(400, "[0].isConvertedClient", "not allowed"),
        skipped("One or more category not found"),
        skipped("No"),
    ];
    for path in ["contactNo", "source", "website", "agent", "category", "customFields[0]._id", "customFields[1]._id"] {
        answers.push(error(400, path, "wrong"));
    }
    let mut options = json!({ "api": api });
    if api != "company" {
        options["category"] = json!([COMPANY]);
        options["agent"] = json!(COMPANY);
        options["note_field"] = json!(NOTE_ID);
        options["fields"] = json!({ FIELD_ID: "x" });
    }
    let learned = &[("api", "members"), ("company_id", COMPANY), ("role_id", "r1")];
    Account { name: "agencyhandy", options, learned, in_doubt: &[], answers }
}

/// The longest way from a state to the end of its try, in steps.
struct Longest<'a> {
    account: &'a Account,
    model: &'a Model,
    /// Steps from each state on that has been seen; `None` while it is being measured.
    known: HashMap<String, Option<usize>>,
    /// Every kind of step on the way, for a look at what was covered.
    seen: BTreeSet<&'static str>,
}

impl Longest<'_> {
    fn from(&mut self, progress: &Progress) -> usize {
        let state = format!("{progress:?}");
        match self.known.get(&state) {
            Some(Some(steps)) => return *steps,
            Some(None) => panic!("{} goes around in circles: {state}", self.account.name),
            None => {}
        }
        let Step::Call(call) = self.model.crm.next(&self.model.tracks[0].lead, progress) else { return 1 };
        self.seen.insert(call.step);
        self.known.insert(state.clone(), None);
        let mut longest = 0;
        for (status, body) in &self.account.answers {
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            let answer = Answer { status: *status, headers, body: body.to_string() };
            if let Verdict::GoOn(lessons) = self.model.crm.read(&call, &answer) {
                let mut next = progress.clone();
                // As `delivery::advance` does with a create that was answered.
                if next.in_doubt.as_deref() == Some(call.step) {
                    next.in_doubt = None;
                }
                next.take(&lessons);
                longest = longest.max(self.from(&next));
            }
        }
        self.known.insert(state, Some(longest + 1));
        longest + 1
    }
}

#[test]
fn every_try_comes_to_an_end() {
    let long = format!("<script>{}", "x".repeat(1_010));
    let all = [
        ("first_name", "Ann"),
        ("last_name", "Lee"),
        ("phone", "02-1"),
        ("company", "Acme"),
        ("job_title", "CTO"),
        ("city", "Seoul"),
        ("message", long.as_str()),
        ("email", "ann@example.com"),
    ];
    for (account, steps) in [
        (salesmap(), &["find_email", "find_lead", "find_people", "lead", "organization", "people"][..]),
        (leadsquared(), &["find", "lead", "lead_again"]),
        (stateset(), &["lead"]),
        (
            agencyhandy("auto"),
            &["companies", "lead", "lead_again", "members_lead", "members_lead_again", "roles", "roles_again"],
        ),
        (agencyhandy("company"), &["companies", "lead", "lead_again", "roles", "roles_again"]),
        (agencyhandy("members"), &["members_lead", "members_lead_again"]),
    ] {
        let mut seen = BTreeSet::new();
        for fields in [&all[..], &all[..7]] {
            let mut model = Model::new(account.name, &account.options);
            model.submit(fields);
            let mut longest =
                Longest { account: &account, model: &model, known: HashMap::new(), seen: BTreeSet::new() };
            let doubts = account.in_doubt.iter().map(|step| Some((*step).to_owned()));
            for in_doubt in doubts.chain([None]) {
                for known in 0..=account.learned.len() {
                    let learned = account.learned[..known].iter();
                    let learned = learned.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
                    let start = Progress { in_doubt: in_doubt.clone(), learned, ..Progress::default() };
                    let steps = longest.from(&start);
                    assert!(steps <= STEPS_PER_TRY, "{} takes {steps} steps from {start:?}", account.name);
                }
            }
            seen.extend(longest.seen);
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), steps, "{}", account.name);
    }
}
