//! The strictness of the fake, rule by rule.

use super::*;

const KEY: &str = "ah-key";

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    Request {
        method: method.to_owned(),
        host: "api.agencyhandy.com".to_owned(),
        path: path.to_owned(),
        query: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: if body.is_null() { String::new() } else { body.to_string() },
    }
}

fn get(fake: &mut AgencyHandy, path: &str) -> (u16, Value) {
    answered(fake, &request("GET", path, &[("x-api-key", KEY)], &Value::Null))
}

fn post(fake: &mut AgencyHandy, path: &str, body: &Value) -> (u16, Value) {
    let headers = [("x-api-key", KEY), ("companyid", COMPANY_ID), ("content-type", "application/json")];
    answered(fake, &request("POST", path, &headers, body))
}

fn answered(fake: &mut AgencyHandy, request: &Request) -> (u16, Value) {
    let response = fake.answer(request, 0);
    (response.status, serde_json::from_str(&response.body).expect("JSON"))
}

fn invalid(field: &str, message: &str) -> (u16, Value) {
    (400, json!({ "type": "ValidationError", "status": 400, "message": message, "fieldName": field }))
}

fn not_found(message: &str) -> (u16, Value) {
    (404, json!({ "type": "NotFoundError", "status": 404, "message": message }))
}

/// `base` with one member set, or taken out when the value is null.
fn with(base: &Value, key: &str, value: Value) -> Value {
    let mut changed = base.clone();
    if value.is_null() {
        changed.as_object_mut().expect("an object").remove(key);
    } else {
        changed[key] = value;
    }
    changed
}

fn lead() -> Value {
    json!({
        "firstName": "John", "lastName": "Doe", "email": "john@example.com", "role": ROLE_ID,
        "isConvertedClient": false, "status": "New", "contactNo": "", "source": "website", "positionInBoard": 1,
    })
}

fn current_lead() -> Value {
    json!({ "type": "individual", "email": "john@example.com", "status": "New", "sendInvitationEmail": false })
}

fn current_client() -> Value {
    json!({
        "email": "john@example.com", "firstName": "John", "lastName": "Doe", "status": "Client",
        "sendInvitationEmail": false,
    })
}

fn company_path() -> String {
    format!("/company/{COMPANY_ID}/members/bulk-client")
}

#[test]
fn the_documented_way_to_a_lead_and_its_duplicate() {
    let mut fake = AgencyHandy::new(KEY);
    assert_eq!(get(&mut fake, "/accounts/companies").1["companies"][0]["_id"], COMPANY_ID);
    let roles = get(&mut fake, "/roles?type=company").1;
    assert_eq!(
        (&roles["roles"][1]["_id"], &roles["roles"][1]["role"]["_id"]),
        (&json!(ROLE_ID), &json!(INNER_ROLE_ID))
    );

    let id = "000000000000000000000001";
    let made = json!({
        "message": "Lead created successfully",
        "createdMembers": [{ "_id": id, "name": "John Doe", "status": "New", "role": "client" }],
    });
    let body = json!({ "members": [lead()] });
    assert_eq!(post(&mut fake, &company_path(), &body), (201, made));
    let mut record = json!({ "record": "lead", "_id": id, "name": "John Doe" });
    record.as_object_mut().expect("an object").extend(lead().as_object().expect("an object").clone());
    assert_eq!(fake.records(), [record]);

    let again = json!({ "members": [with(&lead(), "email", json!("JOHN@example.com"))] });
    assert_eq!(post(&mut fake, &company_path(), &again), invalid("email", "Email already exists"));
    assert_eq!(fake.records().len(), 1);
}

#[test]
fn what_the_documented_create_refuses() {
    for (key, value, message) in [
        ("role", json!(INNER_ROLE_ID), "Role not found"),
        ("isConvertedClient", json!(true), "must be the boolean false"),
        ("isConvertedClient", json!("false"), "must be the boolean false"),
        ("positionInBoard", json!("1"), "must be a number"),
        ("contactNo", json!(1), "must be a string"),
        ("contactNo", Value::Null, "is required"),
        ("firstName", json!(" "), "is required"),
        ("email", json!("john"), "must be a valid email"),
        ("companyName", json!("Acme"), "is not allowed"),
    ] {
        let body = json!({ "members": [with(&lead(), key, value)] });
        assert_eq!(post(&mut AgencyHandy::new(KEY), &company_path(), &body), invalid(key, message));
    }
    let bare = json!([lead()]);
    assert_eq!(post(&mut AgencyHandy::new(KEY), &company_path(), &bare), invalid("body", "must be an object"));
    let fake = &mut AgencyHandy::new(KEY);
    let elsewhere = "/company/other/members/bulk-client";
    assert_eq!(post(fake, elsewhere, &json!({ "members": [lead()] })), not_found("Company not found"));
    fake.move_to("c2", "r2");
    assert_eq!(post(fake, &company_path(), &json!({ "members": [lead()] })), not_found("Company not found"));
}

#[test]
fn headers_and_routes() {
    let fake = &mut AgencyHandy::new(KEY);
    let body = json!({ "members": [lead()] });
    let denied = json!({ "type": "PermissionError", "status": 401, "message": "Invalid API key" });
    for headers in [&[][..], &[("x-api-key", "other")], &[("authorization", "Bearer ah-key")]] {
        let request = request("GET", "/accounts/companies", headers, &Value::Null);
        assert_eq!(answered(fake, &request), (401, denied.clone()));
    }
    let no_company =
        request("POST", &company_path(), &[("x-api-key", KEY), ("content-type", "application/json")], &body);
    assert_eq!(answered(fake, &no_company), invalid("companyid", "the header companyid is required"));
    let no_type = request("POST", &company_path(), &[("x-api-key", KEY), ("companyid", COMPANY_ID)], &body);
    assert_eq!(answered(fake, &no_type), invalid("content-type", "Content-Type must be application/json"));
    assert_eq!(get(fake, "/leads"), not_found("Cannot GET /leads"));
    assert_eq!(get(fake, "/roles"), not_found("Cannot GET /roles"));
    assert_eq!(fake.records(), Vec::<Value>::new());
}

#[test]
fn the_current_lead_its_duplicate_and_an_unknown_category() {
    let fake = &mut AgencyHandy::new(KEY);
    let (status, made) = post(fake, "/members/bulk-lead", &json!([current_lead()]));
    assert_eq!((status, &made["data"]["addedLeads"][0]["_id"]), (201, &json!("000000000000000000000001")));
    let skipped = json!({ "success": true, "data": { "addedLeads": [], "notAddedLeads": [{
        "email": "john@example.com", "reason": "Lead already exists", "lead": { "_id": "000000000000000000000001" },
    }] } });
    assert_eq!(post(fake, "/members/bulk-lead", &json!([current_lead()])), (200, skipped));

    let other = with(&with(&current_lead(), "email", json!("b@example.com")), "category", json!(["nope"]));
    let reason = &post(fake, "/members/bulk-lead", &json!([other])).1["data"]["notAddedLeads"][0]["reason"];
    assert_eq!(reason, "One or more category not found");
    let labelled = with(&other, "category", json!([CATEGORY_IDS[0]]));
    assert_eq!(post(fake, "/members/bulk-lead", &json!([labelled])).0, 201);
    assert_eq!((fake.records().len(), fake.complaints()), (2, Vec::new()));
}

#[test]
fn what_the_current_create_refuses() {
    let types = "must be one of individual, leadCompanyMember";
    let statuses = "must be one of New, Contacted, Qualified, Working, Proposal Sent, Negotiation";
    for (key, value, field, message) in [
        ("type", Value::Null, "type", types),
        ("type", json!("person"), "type", types),
        ("status", json!("Client"), "status", statuses),
        ("email", Value::Null, "email", "must be a valid email"),
        ("leadValue", json!(2500), "leadValue", "must be a string"),
        ("category", json!("a"), "category", "must be an array of ids"),
        ("sendInvitationEmail", json!("no"), "sendInvitationEmail", "must be a boolean"),
        ("customFields", json!([{ "stringValue": "x" }]), "_id", "is required"),
        (
            "customFields",
            json!([{ "_id": "f", "dateValue": "2026-07-19" }]),
            "customFields.dateValue",
            "is not allowed or of the wrong type",
        ),
    ] {
        let body = json!([with(&current_lead(), key, value)]);
        assert_eq!(post(&mut AgencyHandy::new(KEY), "/members/bulk-lead", &body), invalid(field, message));
    }
    let empty = post(&mut AgencyHandy::new(KEY), "/members/bulk-lead", &json!([]));
    assert_eq!(empty, invalid("body", "must be an array of 1 to 200 items"));
    let wrapped = post(&mut AgencyHandy::new(KEY), "/members/bulk-lead", &json!({ "members": [current_lead()] }));
    assert_eq!(wrapped, invalid("body", "must be an array of 1 to 200 items"));
}

#[test]
fn what_is_taken_without_a_word_is_complained_of() {
    let fake = &mut AgencyHandy::new(KEY);
    let loud = with(&with(&current_lead(), "sendInvitationEmail", Value::Null), "role", json!(ROLE_ID));
    assert_eq!(post(fake, "/members/bulk-lead", &json!([with(&loud, "password", json!("Pa55word!"))])).0, 201);
    assert_eq!(
        fake.complaints(),
        [
            "an invitation was sent to \"john@example.com\"",
            "a password was set for \"john@example.com\"",
            "the unknown member role was dropped",
        ]
    );
    assert_eq!(fake.records()[0].get("role"), None);
}

#[test]
fn clients_under_either_contract() {
    let path = "/members/bulk-client";
    let documented = with(&lead(), "role", Value::Null);
    let fake = &mut AgencyHandy::new(KEY);
    assert_eq!(post(fake, path, &json!([documented])).1["message"], "Client created successfully");
    assert_eq!(post(fake, path, &json!([documented])), invalid("email", "Email already exists"));
    assert_eq!(fake.records()[0]["record"], "client");
    let skipped = json!([{ "email": "john@example.com", "reason": "Client already exists" }]);
    let again = post(fake, path, &json!([current_client()]));
    assert_eq!(again, (200, json!({ "success": false, "data": { "addedClients": [], "notAddedClients": skipped } })));

    let fake = &mut AgencyHandy::new(KEY);
    fake.retire_company_contract();
    assert_eq!(post(fake, path, &json!([documented])), invalid("status", "must be one of Client"));
    assert_eq!(get(fake, "/roles?type=company"), not_found("Cannot GET /roles"));
    let gone = post(fake, &company_path(), &json!({ "members": [lead()] }));
    assert_eq!(gone, not_found(&format!("Cannot POST {}", company_path())));
    assert_eq!(get(fake, "/accounts/companies").0, 200);
}

#[test]
fn a_lead_with_the_same_email_becomes_the_client() {
    let fake = &mut AgencyHandy::new(KEY);
    post(fake, "/members/bulk-lead", &json!([current_lead()]));
    let (status, made) = post(fake, "/members/bulk-client", &json!([current_client()]));
    assert_eq!((status, &made["data"]["addedClients"][0]["_id"]), (201, &json!("000000000000000000000001")));
    let records = fake.records();
    assert_eq!((records.len(), &records[0]["record"], &records[0]["status"]), (1, &json!("client"), &json!("Client")));
}

#[test]
fn the_limit_is_of_a_sliding_window() {
    let mut fake = AgencyHandy::new(KEY);
    fake.limit = Some(Limit { calls: 2, window_ms: 1000 });
    let request = request("GET", "/accounts/companies", &[("x-api-key", KEY)], &Value::Null);
    let statuses: Vec<_> = [0, 500, 900, 1000, 1100].map(|now| fake.answer(&request, now).status).into();
    assert_eq!(statuses, [200, 200, 429, 200, 429]);
}
