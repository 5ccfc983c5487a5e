//! AgencyHandy, from an HTML form to the lead or client that the vendor was asked for, under both of its contracts.

use fakes::agencyhandy::{AgencyHandy, CATEGORY_IDS, COMPANY_ID, ROLE_ID};
use serde_json::{Value, json};

use crate::world::{World, quick, with};

const KEY: &str = "agencyhandy-key-1";

/// A form that leads to AgencyHandy with these options.
fn world(options: &Value) -> World {
    let destination = with(json!({ "type": "agencyhandy" }), options);
    let vars = json!({
        "FORM_CONTACT": { "destinations": ["agencyhandy"] },
        "DESTINATION_AGENCYHANDY": quick(destination),
    });
    World::new(&vars, &[("AGENCYHANDY_API_KEY", KEY)], vec![Box::new(AgencyHandy::new(KEY))])
}

/// A request as it has to be, whole; `company` is the value of its company header.
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

/// A member of the documented contract: the nine of the page's example, and no other.
fn member(first: &str, last: &str, email: &str) -> Value {
    json!({
        "firstName": first, "lastName": last, "email": email, "role": ROLE_ID, "isConvertedClient": false,
        "status": "New", "contactNo": "", "source": "website", "positionInBoard": 1,
    })
}

/// A lead of the current contract, as far as it is the same for all.
fn current(first: &str, last: &str, email: &str) -> Value {
    json!({
        "type": "individual", "email": email, "status": "New", "firstName": first, "lastName": last,
        "source": "website", "sendInvitationEmail": false,
    })
}

/// The id of the member that the fake made as its `number`th.
fn id(number: usize) -> String {
    format!("{number:024x}")
}

/// Id and kind of what the fake holds.
fn held(world: &World) -> Value {
    let records = world.fakes.records("agencyhandy");
    records.iter().map(|record| json!([record["record"], record["_id"], record["email"]])).collect()
}

fn no_complaints(world: &World) {
    assert_eq!(world.fakes.complaints("agencyhandy"), [] as [String; 0]);
}

#[test]
fn the_documented_contract_looks_up_once_and_creates() {
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

    // This contract has no room for a note: what it cannot take is kept, and the operator sees it.
    let view = world.submission("contact", &submission);
    let kept: Vec<_> = view["fields"].as_array().unwrap().iter().skip(4).cloned().collect();
    assert_eq!(kept, [json!(["message", "Please call me"]), json!(["shoe size", "38"])]);

    // The company and the role are known from now on.
    let submission = world.visit("contact", &[("name", "홍길동"), ("email", "hong@example.com")]);
    assert_eq!(world.delivered("contact", &submission), id(2));
    assert_eq!(world.requests("agencyhandy")[3..], [documented(COMPANY_ID, member("길동", "홍", "hong@example.com"))]);
    assert_eq!(held(&world), json!([["lead", id(1), "ada@example.com"], ["lead", id(2), "hong@example.com"]]));
    no_complaints(&world);
}

#[test]
fn ids_that_are_configured_are_not_looked_up() {
    let world = world(&json!({
        "company_id": COMPANY_ID, "role_id": ROLE_ID, "status": "Qualified", "position_in_board": 4,
        "source": "form {form}",
    }));
    let submission = world.visit("contact", &[("name", "Ada"), ("email", "ada@example.com"), ("shoe size", "38")]);
    assert_eq!(world.delivered("contact", &submission), id(1));
    let mut ada = member("Ada", "-", "ada@example.com");
    ada["status"] = json!("Qualified");
    ada["positionInBoard"] = json!(4);
    ada["source"] = json!("form contact");
    assert_eq!(world.requests("agencyhandy"), [documented(COMPANY_ID, ada)]);
    no_complaints(&world);
}

#[test]
fn the_current_contract_takes_everything_and_the_note() {
    let world = world(&json!({
        "api": "members", "status": "Contacted", "lead_type": "leadCompanyMember", "lead_value": "{budget}",
        "category": [CATEGORY_IDS[0]], "agent": "6525994184e9ddd7985345a1", "note_field": "6525994184e9ddd7985345f0",
        "fields": {
            "6525994184e9ddd7985345f1": { "text": "{plan}" },
            "6525994184e9ddd7985345f2": { "number": "{seats}" },
            "6525994184e9ddd7985345f3": { "bool": "{agree}" },
            "6525994184e9ddd7985345f4": { "date": "{start}" },
            "6525994184e9ddd7985345f5": { "list": "{topic}" },
            "6525994184e9ddd7985345f6": { "number": "{age}" },
        },
    }));
    let submission = world.visit(
        "contact",
        &[
            ("fname", "Ada"),
            ("lname", "Lovelace"),
            ("email", "ada@example.com"),
            ("tel", "+44 20 7946 0958"),
            ("company", "Engines Ltd"),
            ("website", "https://engines.example.com"),
            ("address", "12 St James's Square"),
            ("city", "London"),
            ("state", "Greater London"),
            ("zip", "SW1Y 4JH"),
            ("country", "United Kingdom"),
            ("budget", "2500"),
            ("plan", "Gold"),
            ("seats", "12"),
            ("agree", "on"),
            ("start", "2026-05-04"),
            ("topic", "price"),
            ("topic", "support"),
            ("age", "old enough"),
            ("message", "Please call me\r\nin the morning"),
            ("shoe size", "38"),
        ],
    );
    assert_eq!(world.delivered("contact", &submission), id(1));
    let consent_at = world.received_at("contact", &submission);
    let note = format!(
        "Please call me\nin the morning\n\nconsent_at: {consent_at}\nlocale: ko-KR\nage: old enough\n\
         shoe size: 38\n6525994184e9ddd7985345f6: old enough\npage: https://www.example.com/contact"
    );
    let lead = json!({
        "type": "leadCompanyMember", "email": "ada@example.com", "status": "Contacted", "firstName": "Ada",
        "lastName": "Lovelace", "contactNo": "+44 20 7946 0958", "companyName": "Engines Ltd",
        "website": "https://engines.example.com", "country": "United Kingdom", "city": "London",
        "state": "Greater London", "zipCode": "SW1Y 4JH", "address": "12 St James's Square", "source": "website",
        "leadValue": "2500", "sendInvitationEmail": false, "category": [CATEGORY_IDS[0]],
        "agent": "6525994184e9ddd7985345a1",
        "customFields": [
            { "_id": "6525994184e9ddd7985345f1", "stringValue": "Gold" },
            { "_id": "6525994184e9ddd7985345f2", "numberValue": 12 },
            { "_id": "6525994184e9ddd7985345f3", "booleanValue": true },
            { "_id": "6525994184e9ddd7985345f4", "dateValue": "2026-05-04T00:00:00.000Z" },
            { "_id": "6525994184e9ddd7985345f5", "arrayValue": [
                { "value": "price", "label": "price" }, { "value": "support", "label": "support" },
            ] },
            { "_id": "6525994184e9ddd7985345f0", "stringValue": note },
        ],
    });
    assert_eq!(world.requests("agencyhandy"), [request("POST", "/members/bulk-lead", None, json!([lead]))]);
    no_complaints(&world);
}

#[test]
fn auto_moves_to_the_current_contract_and_stays_there() {
    // (1) Retired before the first lead: the look-up of the role is what shows it.
    let world = world(&json!({ "note_field": "6525994184e9ddd7985345f0" }));
    world.fakes.with(AgencyHandy::retire_company_contract);
    let visit = |first: &str, last: &str, email: &str| {
        let name = format!("{first} {last}");
        world.visit("contact", &[("name", &name), ("email", email), ("shoe size", "38")])
    };
    let with_note = |mut lead: Value| {
        let note = "locale: ko-KR\nshoe size: 38\npage: https://www.example.com/contact";
        lead["customFields"] = json!([{ "_id": "6525994184e9ddd7985345f0", "stringValue": note }]);
        request("POST", "/members/bulk-lead", Some(COMPANY_ID), json!([lead]))
    };
    let submission = visit("Ada", "Lovelace", "ada@example.com");
    assert_eq!(world.delivered("contact", &submission), id(1));
    let ada = with_note(current("Ada", "Lovelace", "ada@example.com"));
    assert_eq!(world.requests("agencyhandy"), [companies(), roles(), ada]);

    // (2) The next lead does not ask again.
    let submission = visit("Mary", "Somerville", "mary@example.com");
    assert_eq!(world.delivered("contact", &submission), id(2));
    let mary = with_note(current("Mary", "Somerville", "mary@example.com"));
    assert_eq!(world.requests("agencyhandy")[3..], [mary]);
    no_complaints(&world);
}

#[test]
fn auto_moves_when_the_documented_contract_goes_away_between_two_leads() {
    let world = world(&json!({}));
    let visit =
        |first: &str, email: &str| world.visit("contact", &[("name", &format!("{first} Lovelace")), ("email", email)]);
    let submission = visit("Ada", "ada@example.com");
    assert_eq!(world.delivered("contact", &submission), id(1));
    let ada = documented(COMPANY_ID, member("Ada", "Lovelace", "ada@example.com"));
    assert_eq!(world.requests("agencyhandy"), [companies(), roles(), ada]);

    world.fakes.with(AgencyHandy::retire_company_contract);
    let submission = visit("Mary", "mary@example.com");
    assert_eq!(world.delivered("contact", &submission), id(2));
    let submission = visit("Grace", "grace@example.com");
    assert_eq!(world.delivered("contact", &submission), id(3));
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
fn ids_that_no_longer_hold_are_looked_up_again() {
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
fn an_email_that_is_there_already_is_delivered_and_says_so() {
    for (api, expected) in [
        ("company", json!({ "id": "", "note": "already there: Email already exists" })),
        ("members", json!({ "id": id(1), "note": "already there: Lead already exists" })),
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
fn a_client_under_the_documented_contract() {
    let world = world(&json!({ "record": "client", "api": "company", "status": "Active" }));
    let submission = world.visit(
        "contact",
        &[("name", "Ada Lovelace"), ("email", "ada@example.com"), ("phone", "555 0100"), ("shoe size", "38")],
    );
    assert_eq!(world.delivered("contact", &submission), id(1));
    let client = json!({
        "firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.com", "isConvertedClient": false,
        "status": "Active", "contactNo": "555 0100", "source": "website", "positionInBoard": 1,
    });
    let create = request("POST", "/members/bulk-client", Some(COMPANY_ID), json!([client]));
    assert_eq!(world.requests("agencyhandy"), [companies(), create]);
    assert_eq!(held(&world), json!([["client", id(1), "ada@example.com"]]));
    no_complaints(&world);
}

#[test]
fn a_client_under_the_current_contract_and_by_moving_to_it() {
    let note_field = "6525994184e9ddd7985345f0";
    let note = "locale: ko-KR\nshoe size: 38\npage: https://www.example.com/contact";
    let client = json!({
        "email": "ada@example.com", "status": "Client", "firstName": "Ada", "lastName": "Lovelace",
        "contactNo": "555 0100", "source": "website", "sendInvitationEmail": false,
        "customFields": [{ "_id": note_field, "stringValue": note }],
    });
    let fields = [("name", "Ada Lovelace"), ("email", "ada@example.com"), ("phone", "555 0100"), ("shoe size", "38")];

    let members = world(&json!({ "record": "client", "api": "members", "note_field": note_field }));
    let submission = members.visit("contact", &fields);
    assert_eq!(members.delivered("contact", &submission), id(1));
    let create = request("POST", "/members/bulk-client", None, json!([client]));
    assert_eq!(members.requests("agencyhandy"), [create]);
    no_complaints(&members);

    let auto = world(&json!({ "record": "client", "note_field": note_field }));
    auto.fakes.with(AgencyHandy::retire_company_contract);
    let submission = auto.visit("contact", &fields);
    assert_eq!(auto.delivered("contact", &submission), id(1));
    let documented = json!({
        "firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.com", "isConvertedClient": false,
        "status": "New", "contactNo": "555 0100", "source": "website", "positionInBoard": 1,
    });
    let create = |client: &Value| request("POST", "/members/bulk-client", Some(COMPANY_ID), json!([client]));
    assert_eq!(auto.requests("agencyhandy"), [companies(), create(&documented), create(&client)]);
    assert_eq!(held(&auto), json!([["client", id(1), "ada@example.com"]]));
    no_complaints(&auto);
}
