//! How strict the fake is.

use super::*;

const CAPTURE: &str = "/v2/LeadManagement.svc/Lead.Capture";
const USER: &str = "/v2/UserManagement.svc/User/Create";

fn fake() -> LeadSquared {
    LeadSquared::new("u$r1", "s1")
}

fn post(path: &str, body: &Value) -> Request {
    let headers =
        [("x-lsq-accesskey", "u$r1"), ("x-lsq-secretkey", "s1"), ("content-type", "application/json; charset=utf-8")];
    Request {
        method: "POST".into(),
        host: "api-in21.leadsquared.com".into(),
        path: path.into(),
        query: Vec::new(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: body.to_string(),
    }
}

fn lead(pairs: &[(&str, &str)]) -> Request {
    post(CAPTURE, &pairs.iter().map(|(name, text)| json!({ "Attribute": name, "Value": text })).collect())
}

fn get(call: &str, name: &str, value: &str) -> Request {
    let mut request = post(&format!("/v2/LeadManagement.svc/{call}"), &Value::Null);
    request.method = "GET".into();
    request.query = vec![(name.into(), value.into())];
    request
}

/// The status and the exception's type, or the plain text, or `ok` and the id.
fn said(response: &Response) -> (u16, String) {
    let body: Value = serde_json::from_str(&response.body).unwrap_or_default();
    let one_of = [&body["ExceptionType"], &body["Message"]["RelatedId"]].into_iter().find_map(Value::as_str);
    (response.status, one_of.unwrap_or(&response.body).to_owned())
}

fn id(number: u8) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

#[test]
fn who_calls_and_where() {
    let mut fake = fake();
    let good = lead(&[("FirstName", "Jane")]);
    let without = |name: &str| {
        let mut request = good.clone();
        request.headers.retain(|(header, _)| header != name);
        request
    };
    let keys = (401, "Invalid AccessKey or SecretKey".to_owned());
    assert_eq!(said(&fake.answer(&without("x-lsq-accesskey"), 0)), keys);
    assert_eq!(said(&fake.answer(&without("x-lsq-secretkey"), 0)), keys);
    let mut elsewhere = good.clone();
    elsewhere.host = "api.leadsquared.com".into();
    assert_eq!(
        fake.answer(&elsewhere, 0),
        Response::json(
            401,
            json!({
                "Status": "Error",
                "ExceptionMessage": "This account is on https://api-in21.leadsquared.com/v2/. Please call that host.",
            })
        )
    );
    let mut loopback = good.clone();
    loopback.host = "127.0.0.1:8080".into();
    assert_eq!(said(&fake.answer(&loopback, 0)), (200, id(1)));
    let mut put = good.clone();
    put.method = "PUT".into();
    assert_eq!(fake.answer(&put, 0).status, 404);
    let mut other = good.clone();
    other.path.push('x');
    assert_eq!(fake.answer(&other, 0).status, 404);
    assert_eq!(fake.answer(&without("content-type"), 0).status, 400);
    let mut leaked = good.clone();
    leaked.query = vec![("accessKey".into(), "u$r1".into())];
    assert_eq!(fake.answer(&leaked, 0).status, 400);
    assert_eq!(fake.records().len(), 1);
}

#[test]
fn what_is_no_lead() {
    let invalid = || (500, "MXInvalidEntityException".to_owned());
    let missing = || (500, "MXMandatoryAttributeMissingException".to_owned());
    let shape = || (400, "Each item takes Attribute and Value, both text, and nothing else".to_owned());
    let table = [
        (lead(&[("mx_Unknown", "x"), ("Phone", "1")]), invalid()),
        (lead(&[("firstname", "x")]), invalid()),
        (lead(&[("Company", "Acme")]), missing()),
        (lead(&[("FirstName", " ")]), missing()),
        (lead(&[("EmailAddress", "jane")]), invalid()),
        (lead(&[("EmailAddress", "jane@nowhere")]), invalid()),
        (lead(&[("Phone", "1"), ("SearchBy", "EmailAddress")]), invalid()),
        (lead(&[("Phone", "1"), ("SearchBy", "Colour")]), invalid()),
        (lead(&[("Phone", "1"), ("Notes", "<SCRIPT>x</SCRIPT>")]), (500, "MXXSSException".to_owned())),
        (lead(&[("Phone", "1"), ("Phone", "2")]), (400, "An attribute stands twice".to_owned())),
        (post(CAPTURE, &json!({ "FirstName": "x" })), (400, "The body has to be an array of attributes".to_owned())),
        (post(CAPTURE, &json!([{ "Attribute": "Phone", "Value": 1 }])), shape()),
        (post(CAPTURE, &json!([{ "Attribute": "Phone", "Value": "1", "X": 1 }])), shape()),
    ];
    let mut fake = fake();
    for (request, expected) in table {
        assert_eq!(said(&fake.answer(&request, 0)), expected, "{}", request.body);
    }
    let mut unknown = lead(&[("Phone", "1")]);
    unknown.query = vec![("LeadUpdateBehavior".into(), "Never".into())];
    assert_eq!(fake.answer(&unknown, 0).status, 400);
    fake.require_lead_field("mx_City");
    assert_eq!(said(&fake.answer(&lead(&[("Phone", "1")]), 0)), missing());
    assert_eq!(fake.records(), Vec::<Value>::new());
    fake.add_lead_field("mx_Unknown");
    assert_eq!(fake.answer(&lead(&[("Phone", "1"), ("mx_Unknown", "x"), ("mx_City", "x")]), 0).status, 200);
}

#[test]
fn a_capture_updates_what_it_finds() {
    let mut fake = fake();
    let mut send = |pairs: &[(&str, &str)], behavior: &str| {
        let mut request = lead(pairs);
        if !behavior.is_empty() {
            request.query = vec![("LeadUpdateBehavior".into(), behavior.into())];
        }
        said(&fake.answer(&request, 0))
    };
    let duplicate = || (500, "MXDuplicateEntryException".to_owned());
    let jane = [("EmailAddress", "jane@example.com"), ("Source", "web")];
    assert_eq!(send(&jane, ""), (200, id(1)));
    assert_eq!(
        send(&[("EmailAddress", "JANE@example.com"), ("Source", "fair"), ("FirstName", "Jane")], ""),
        (200, id(1))
    );
    assert_eq!(send(&[("Phone", "1")], ""), (200, id(2)));
    // The phone is somebody else's.
    assert_eq!(send(&[jane[0], ("Phone", "1")], ""), duplicate());
    assert_eq!(send(&[jane[0], ("Phone", "1"), ("SearchBy", "Phone")], ""), duplicate());
    assert_eq!(
        send(&[("EmailAddress", "new@example.com"), ("Phone", "1"), ("SearchBy", "EmailAddress")], ""),
        duplicate()
    );
    assert_eq!(send(&[jane[0], ("Phone", "1")], "DoNotUpdateUniqueFields"), (200, id(1)));
    assert_eq!(send(&[jane[0], ("Phone", "1")], "DoNotUpdate"), (200, id(1)));
    assert_eq!(send(&[jane[0], ("FirstName", "X"), ("LastName", "Doe")], "UpdateOnlyEmptyFields"), (200, id(1)));
    assert_eq!(send(&[jane[0], ("FirstName", "X")], "DoNotUpdate"), (200, id(1)));
    assert_eq!(send(&[("ProspectID", &id(2)), ("LastName", "Roe")], ""), (200, id(2)));
    assert_eq!(
        fake.records(),
        [
            json!({ "ProspectID": id(1), "EmailAddress": "JANE@example.com", "Source": "web", "FirstName": "Jane", "LastName": "Doe", "record": "lead" }),
            json!({ "ProspectID": id(2), "Phone": "1", "LastName": "Roe", "record": "lead" }),
        ]
    );
}

#[test]
fn leads_are_found_by_email_and_phone() {
    let mut fake = fake();
    fake.terse = true;
    let captured = fake.answer(&lead(&[("EmailAddress", "a@b.c"), ("Phone", "+91-1")]), 0);
    assert_eq!(captured, Response::json(200, json!({ "Status": "Success", "Message": { "AffectedRows": 1 } })));
    let found = Response::json(200, json!([{ "ProspectID": id(1), "EmailAddress": "a@b.c", "Phone": "+91-1" }]));
    assert_eq!(fake.answer(&get("Leads.GetByEmailaddress", "emailaddress", "A@b.c"), 0), found);
    for phone in ["911", "1"] {
        assert_eq!(fake.answer(&get("RetrieveLeadByPhoneNumber", "phone", phone), 0), found, "{phone}");
    }
    assert_eq!(fake.answer(&get("RetrieveLeadByPhoneNumber", "phone", "2"), 0), Response::json(200, json!([])));
    for (name, value) in [("emailaddress", "2"), ("phone", "+91-1"), ("phone", "")] {
        assert_eq!(fake.answer(&get("RetrieveLeadByPhoneNumber", name, value), 0).status, 400, "{name} {value}");
    }
}

#[test]
fn the_25th_call_in_five_seconds_is_the_last() {
    let table = [(Disguise::Status200, 200), (Disguise::Status403, 403), (Disguise::Status429, 429)];
    for (disguise, status) in table {
        let mut fake = fake();
        fake.disguise = disguise;
        let request = get("RetrieveLeadByPhoneNumber", "phone", "2");
        let limited =
            exception(status, "MXAPIRateLimitExceededException", "API calls exceeded the limit of 25 in 5 second(s)");
        for _ in 0..25 {
            assert_eq!(fake.answer(&request, 1_000), Response::json(200, json!([])));
        }
        assert_eq!(fake.answer(&request, 5_999), limited);
        assert_eq!(fake.answer(&request, 6_000), Response::json(200, json!([])));
    }
}

#[test]
fn a_user_as_on_the_page() {
    let page = json!({
        "FirstName": "Chris", "LastName": "Harris", "EmailAddress": "charris@example.com", "Role": "Sales_User",
        "CustomFields": { "Appraisal_Date": "2023-10-04", "Lead_Assignment_Daily_Limit": "30", "Marital_Status": "Single" },
        "AssociatedPhoneNumbers": "+91-8888888888", "IsPhoneCallAgent": false, "UserType": 0,
        "ManagerUserId": "0cd3c94b-acb5-11eb-9ad7-06f221480cd8", "PhoneMobile": "", "TimeZone": "", "DateFormat": "",
        "Password": "", "TeamId": "", "WorkDayTemplateId": "", "HolidayCalendarId": "",
        "AssociatedGroups": [{ "GroupId": "022bc5d4", "ViewAllLeadsOfGroup": 1, "ModifyAllLeadsOfGroup": 0,
            "AddUsersToGroup": 0, "ViewAllAccountsOfGroup": 0, "ModifyAllAccountsOfGroup": 0 }],
    });
    let mut fake = fake();
    let success = Response::json(200, json!({ "Status": "Success", "Message": { "Id": id(1) } }));
    assert_eq!(fake.answer(&post(USER, &page), 0), success);
    let again = exception(500, "MXDuplicateEntryException", "A User with same Email already exists.");
    assert_eq!(fake.answer(&post(USER, &page), 0), again);
    let mut record = page;
    record["ID"] = json!(id(1));
    record["record"] = json!("user");
    assert_eq!(fake.records(), [record]);
}

#[test]
fn what_is_no_user() {
    let wrong = |name: &str| (400, format!("{name} is no parameter or has the wrong type"));
    let invalid = || (500, "MXInvalidEntityException".to_owned());
    let missing = || (500, "MXMandatoryAttributeMissingException".to_owned());
    let table = [
        (json!({ "FirstName": null }), wrong("FirstName")),
        (json!({ "FirstName": "" }), missing()),
        (json!({ "EmailAddress": "" }), missing()),
        (json!({ "EmailAddress": "chris" }), invalid()),
        (json!({ "Role": "" }), missing()),
        (json!({ "Role": "sales_user" }), invalid()),
        (json!({ "IsPhoneCallAgent": "false" }), wrong("IsPhoneCallAgent")),
        (json!({ "UserType": "0" }), wrong("UserType")),
        (json!({ "UserType": 2 }), wrong("UserType")),
        (json!({ "Nickname": "x" }), wrong("Nickname")),
        (json!({ "CustomFields": { "Unknown": "x" } }), wrong("CustomFields")),
        (json!({ "CustomFields": { "Marital_Status": 1 } }), wrong("CustomFields")),
        (json!({ "AssociatedGroups": [{ "ViewAllLeadsOfGroup": 1 }] }), wrong("AssociatedGroups")),
        (json!({ "AssociatedGroups": [{ "GroupId": "g", "AddUsersToGroup": "1" }] }), wrong("AssociatedGroups")),
        (json!({ "DateFormat": "yyyy" }), invalid()),
        (json!({ "TimeZone": "KST" }), invalid()),
        (json!({ "LastName": "<script>" }), (500, "MXXSSException".to_owned())),
    ];
    let mut fake = fake();
    for (change, expected) in table {
        let mut body = json!({ "FirstName": "Chris", "EmailAddress": "c@example.com", "Role": "Sales_User" });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(said(&fake.answer(&post(USER, &body), 0)), expected, "{change}");
    }
    assert_eq!(fake.records(), Vec::<Value>::new());
}
