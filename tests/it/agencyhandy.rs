//! AgencyHandy, from an HTML form to the lead or client that the vendor was asked for, under both of its contracts.

use fakes::agencyhandy::{AgencyHandy, CATEGORY_IDS, COMPANY_ID, ROLE_ID};
use serde_json::{Value, json};

use crate::world::{World, delivery, quick, with};

const KEY: &str = "agencyhandy-key-1";
const NOTE_FIELD: &str = "6525994184e9ddd7985345f0";

/// A form that leads to AgencyHandy with these options.
fn world(options: &Value) -> World {
    let destination = with(json!({ "type": "agencyhandy" }), options);
    let vars = json!({
        "FORM_CONTACT": { "destinations": ["agencyhandy"] },
        "DESTINATION_AGENCYHANDY": quick(destination),
    });
    World::new(&vars, &[("AGENCYHANDY_API_KEY", KEY)], vec![Box::new(AgencyHandy::new(KEY))])
}

/// A whole request; `company` is the value of its company header.
fn request(method: &str, path: &str, company: Option<&str>, body: Value) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query: Value = query.split_once('=').map_or_else(|| json!({}), |(key, value)| json!({ key: value }));
    let mut headers = json!({ "x-api-key": KEY, "accept": "application/json" });
    if let Some(company) = company {
        headers["companyid"] = json!(company);
    }
    if method == "POST" {
        headers["content-type"] = json!("application/json");
    }
    json!({
        "method": method, "host": "api.agencyhandy.com", "path": path, "query": query, "headers": headers, "body": body,
    })
}

fn companies() -> Value {
    request("GET", "/accounts/companies", None, json!(""))
}

fn roles() -> Value {
    request("GET", "/roles?type=company", Some(COMPANY_ID), json!(""))
}

fn documented(company: &str, member: Value) -> Value {
    let path = format!("/company/{company}/members/bulk-client");
    request("POST", &path, Some(company), json!({ "members": [member] }))
}

/// A lead of the documented contract: exactly the members of the page's example.
fn member(first: &str, last: &str, email: &str) -> Value {
    json!({
        "firstName": first, "lastName": last, "email": email, "role": ROLE_ID, "isConvertedClient": false,
        "status": "New", "contactNo": "", "source": "website", "positionInBoard": 1,
    })
}

/// A lead of the current contract without optional members.
fn current(first: &str, last: &str, email: &str) -> Value {
    json!({
        "type": "individual", "email": email, "status": "New", "firstName": first, "lastName": last,
        "source": "website", "sendInvitationEmail": false,
    })
}

/// The id of the fake's record of this number.
fn id(number: usize) -> String {
    format!("{number:024x}")
}

/// Kind, id and email of each of the fake's records.
fn held(world: &World) -> Value {
    let records = world.fakes.records("agencyhandy");
    records.iter().map(|record| json!([record["record"], record["_id"], record["email"]])).collect()
}

fn no_complaints(world: &World) {
    assert_eq!(world.fakes.complaints("agencyhandy"), [] as [String; 0]);
}

#[test]
fn the_documented_contract_looks_up_once_and_keeps_the_message() {
    let world = world(&json!({ "api": "company" }));
    let submission = world.visit(
        "contact",
        &[
            ("full_name", "Ada King Lovelace"),
            ("email", "ada@example.com"),
            ("phone", "+44 20 7946 0958"),
            ("how_did_you_hear", "A friend"),
            ("message", "Please call me"),
            ("shoe size", "38"),
        ],
    );
    assert_eq!(world.delivered("contact", &submission), id(1));
    let mut ada = member("Ada King", "Lovelace", "ada@example.com");
    ada["contactNo"] = json!("+44 20 7946 0958");
    ada["source"] = json!("A friend");
    assert_eq!(world.requests("agencyhandy"), [companies(), roles(), documented(COMPANY_ID, ada)]);

    // This contract has no note. The submission keeps the message, and the record says so.
    let view = world.submission("contact", &submission);
    let kept: Vec<_> = view["fields"].as_array().unwrap().iter().skip(4).cloned().collect();
    assert_eq!(kept, [json!(["message", "Please call me"]), json!(["shoe size", "38"])]);
    let note = "the message stays here: AgencyHandy's documented contract has no field for it";
    assert_eq!(delivery(&view, "agencyhandy")["record"], json!({ "id": id(1), "note": note }));

    // The company and the role are known from now on.
    let submission = world.visit("contact", &[("name", "홍길동"), ("email", "hong@example.com")]);
    assert_eq!(world.delivered("contact", &submission), id(2));
    assert_eq!(world.requests("agencyhandy")[3..], [documented(COMPANY_ID, member("길동", "홍", "hong@example.com"))]);
    assert_eq!(held(&world), json!([["lead", id(1), "ada@example.com"], ["lead", id(2), "hong@example.com"]]));
    no_complaints(&world);
}

#[test]
fn the_current_contract_takes_typed_fields_and_the_note() {
    let world = world(&json!({
        "api": "members", "lead_value": "{budget}", "category": [CATEGORY_IDS[0]], "note_field": NOTE_FIELD,
        "fields": {
            "6525994184e9ddd7985345f1": { "number": "{seats}" },
            "6525994184e9ddd7985345f2": { "bool": "{express}" },
            "6525994184e9ddd7985345f3": { "date": "{start}" },
            "6525994184e9ddd7985345f4": { "list": "{topic}" },
        },
    }));
    let submission = world.visit(
        "contact",
        &[
            ("fname", "Ada"),
            ("lname", "Lovelace"),
            ("email", "ada@example.com"),
            ("company", "Engines Ltd"),
            ("budget", "2500"),
            ("seats", "12"),
            ("express", "on"),
            ("start", "2026-05-04"),
            ("topic", "price"),
            ("topic", "support"),
            ("message", "Please call me\r\nin the morning"),
        ],
    );
    assert_eq!(world.delivered("contact", &submission), id(1));
    let note = "Please call me\nin the morning\n\nlocale: ko-KR\npage: https://www.example.com/contact";
    let custom = json!([
        { "_id": "6525994184e9ddd7985345f1", "numberValue": 12 },
        { "_id": "6525994184e9ddd7985345f2", "booleanValue": true },
        { "_id": "6525994184e9ddd7985345f3", "dateValue": "2026-05-04T00:00:00.000Z" },
        { "_id": "6525994184e9ddd7985345f4", "arrayValue": [
            { "value": "price", "label": "price" }, { "value": "support", "label": "support" },
        ] },
        { "_id": NOTE_FIELD, "stringValue": note },
    ]);
    let more = json!({
        "companyName": "Engines Ltd", "leadValue": "2500", "category": [CATEGORY_IDS[0]], "customFields": custom,
    });
    let lead = with(current("Ada", "Lovelace", "ada@example.com"), &more);
    assert_eq!(world.requests("agencyhandy"), [request("POST", "/members/bulk-lead", None, json!([lead]))]);
    no_complaints(&world);
}

#[test]
fn auto_moves_over_and_stays_when_the_documented_contract_ends() {
    let world = world(&json!({}));
    let visit = |number: usize, first: &str, email: &str| {
        let submission = world.visit("contact", &[("name", &format!("{first} Lovelace")), ("email", email)]);
        assert_eq!(world.delivered("contact", &submission), id(number));
    };
    visit(1, "Ada", "ada@example.com");
    let ada = documented(COMPANY_ID, member("Ada", "Lovelace", "ada@example.com"));
    assert_eq!(world.requests("agencyhandy"), [companies(), roles(), ada]);

    world.fakes.with(AgencyHandy::retire_company_contract);
    visit(2, "Mary", "mary@example.com");
    visit(3, "Grace", "grace@example.com");
    let bulk_lead = |lead: Value| request("POST", "/members/bulk-lead", Some(COMPANY_ID), json!([lead]));
    assert_eq!(
        world.requests("agencyhandy")[3..],
        [
            documented(COMPANY_ID, member("Mary", "Lovelace", "mary@example.com")),
            bulk_lead(current("Mary", "Lovelace", "mary@example.com")),
            bulk_lead(current("Grace", "Lovelace", "grace@example.com")),
        ]
    );
    no_complaints(&world);
}

#[test]
fn ids_of_another_workspace_are_looked_up_again() {
    let world = world(&json!({ "api": "company" }));
    let submission = world.visit("contact", &[("name", "Ada Lovelace"), ("email", "ada@example.com")]);
    assert_eq!(world.delivered("contact", &submission), id(1));

    let (company, role) = ("6525994184e9ddd79853450f", "6525994184e9ddd798534536");
    world.fakes.with(|fake: &mut AgencyHandy| fake.move_to(company, role));
    let submission = world.visit("contact", &[("name", "Mary Somerville"), ("email", "mary@example.com")]);
    assert_eq!(world.delivered("contact", &submission), id(2));
    let mary = member("Mary", "Somerville", "mary@example.com");
    let mut there = mary.clone();
    there["role"] = json!(role);
    assert_eq!(
        world.requests("agencyhandy")[3..],
        [
            documented(COMPANY_ID, mary),
            companies(),
            request("GET", "/roles?type=company", Some(company), json!("")),
            documented(company, there),
        ]
    );
    no_complaints(&world);
}

#[test]
fn a_known_email_counts_as_delivered() {
    for (api, expected) in [
        ("company", json!({ "id": "", "note": "already there: Email already exists", "message_missing": true })),
        ("members", json!({ "id": id(1), "note": "already there: Lead already exists", "message_missing": true })),
    ] {
        let world = world(&json!({ "api": api }));
        let first = world.visit("contact", &[("name", "Ada Lovelace"), ("email", "ada@example.com")]);
        assert_eq!(world.delivered("contact", &first), id(1), "{api}");
        let second = world.visit("contact", &[("name", "A. King"), ("email", "Ada@Example.com")]);
        world.delivered("contact", &second);
        assert_eq!(world.submission("contact", &second)["deliveries"][0]["record"], expected, "{api}");
        assert_eq!(held(&world), json!([["lead", id(1), "ada@example.com"]]), "{api}");
        no_complaints(&world);
    }
}

#[test]
fn clients_under_either_contract() {
    let fields = [("name", "Ada Lovelace"), ("email", "ada@example.com"), ("phone", "555 0100"), ("shoe size", "38")];
    let documented = json!({
        "firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.com", "isConvertedClient": false,
        "status": "New", "contactNo": "555 0100", "source": "website", "positionInBoard": 1,
    });
    let note = "locale: ko-KR\nshoe size: 38\npage: https://www.example.com/contact";
    let current = json!({
        "email": "ada@example.com", "status": "Client", "firstName": "Ada", "lastName": "Lovelace",
        "contactNo": "555 0100", "source": "website", "sendInvitationEmail": false,
        "customFields": [{ "_id": NOTE_FIELD, "stringValue": note }],
    });
    let create =
        |company: Option<&str>, client: &Value| request("POST", "/members/bulk-client", company, json!([client]));
    for (options, is_retired, expected) in [
        (json!({ "api": "company" }), false, vec![companies(), create(Some(COMPANY_ID), &documented)]),
        (json!({ "api": "members", "note_field": NOTE_FIELD }), false, vec![create(None, &current)]),
        (
            json!({ "note_field": NOTE_FIELD }),
            true,
            vec![companies(), create(Some(COMPANY_ID), &documented), create(Some(COMPANY_ID), &current)],
        ),
    ] {
        let world = world(&with(json!({ "record": "client" }), &options));
        if is_retired {
            world.fakes.with(AgencyHandy::retire_company_contract);
        }
        let submission = world.visit("contact", &fields);
        assert_eq!(world.delivered("contact", &submission), id(1), "{options}");
        assert_eq!(world.requests("agencyhandy"), expected, "{options}");
        assert_eq!(held(&world), json!([["client", id(1), "ada@example.com"]]));
        no_complaints(&world);
    }
}
