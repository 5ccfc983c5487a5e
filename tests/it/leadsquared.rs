//! LeadSquared, from an HTML form to the captured lead, and from a form for staff to the created user.

use fakes::leadsquared::LeadSquared;
use serde_json::{Value, json};

use crate::world::{World, quick, with};

const ACCESS_KEY: &str = "u$r-leadsquared-access-key";
const SECRET_KEY: &str = "leadsquared-secret-key-1";
const STAFF_TOKEN: &str = "token-of-the-staff-form";
/// Where the fake's account lives.
const HOST: &str = "api-in21.leadsquared.com";

/// A form whose leads go to LeadSquared, with these options.
fn world(form: &Value, options: &Value) -> World {
    let destination = with(json!({ "type": "leadsquared", "region": "india-mumbai" }), options);
    let staff = with(json!({ "destinations": ["leadsquared"] }), form);
    let vars = json!({ "FORM_STAFF": staff, "DESTINATION_LEADSQUARED": quick(destination) });
    let secrets =
        [("LEADSQUARED_ACCESS_KEY", ACCESS_KEY), ("LEADSQUARED_SECRET_KEY", SECRET_KEY), ("STAFF_TOKEN", STAFF_TOKEN)];
    World::new(&vars, &secrets, vec![Box::new(LeadSquared::new(ACCESS_KEY, SECRET_KEY))])
}

/// A whole request.
fn post(path: &str, query: Value, body: Value) -> Value {
    let headers = json!({
        "x-lsq-accesskey": ACCESS_KEY, "x-lsq-secretkey": SECRET_KEY, "content-type": "application/json",
        "accept": "application/json",
    });
    json!({
        "method": "POST", "host": HOST, "path": format!("/v2/{path}"), "query": query, "headers": headers, "body": body,
    })
}

fn capture(query: Value, attributes: &[(&str, &str)]) -> Value {
    let pairs: Value = attributes.iter().map(|(name, value)| json!({ "Attribute": name, "Value": value })).collect();
    post("LeadManagement.svc/Lead.Capture", query, pairs)
}

/// The id of the fake's `number`th record.
fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

fn no_complaints(world: &World) {
    assert_eq!(world.fakes.complaints("leadsquared"), [] as [String; 0]);
}

#[test]
fn a_visitor_who_comes_back_updates_the_lead() {
    let update = json!({ "LeadUpdateBehavior": "DoNotUpdateUniqueFields" });
    let world = world(&json!({}), &json!({ "update_behavior": "DoNotUpdateUniqueFields" }));
    let note = "locale: ko-KR\nshoe size: 38\npage: https://www.example.com/contact";
    let mut expected = Vec::new();
    for (first, email) in [("Asha", "asha@example.com"), ("A.", "ASHA@example.com")] {
        let name = format!("{first} Rao");
        let submission = world.visit("staff", &[("name", &name), ("email", email), ("shoe size", "38")]);
        assert_eq!(world.delivered("staff", &submission), id(1));
        let attributes = [
            ("Source", "website"),
            ("FirstName", first),
            ("LastName", "Rao"),
            ("EmailAddress", email),
            ("Notes", note),
        ];
        expected.push(capture(update.clone(), &attributes));
    }
    assert_eq!(world.requests("leadsquared"), expected);
    let lead = json!({
        "record": "lead", "ProspectID": id(1), "FirstName": "A.", "LastName": "Rao", "EmailAddress": "asha@example.com",
        "Source": "website", "Notes": note,
    });
    assert_eq!(world.fakes.records("leadsquared"), [lead]);
    no_complaints(&world);
}

#[test]
fn a_known_lead_keeps_its_values_and_every_message_is_a_note() {
    let world = world(&json!({}), &json!({}));
    for (name, phone, message) in [("Asha Rao", "+91-1", "Call me"), ("Mallory", "+91-2", "Call Mallory")] {
        let fields = [("name", name), ("email", "asha@example.com"), ("phone", phone), ("message", message)];
        let submission = world.visit("staff", &fields);
        assert_eq!(world.delivered("staff", &submission), id(1));
    }
    let page = "locale: ko-KR\npage: https://www.example.com/contact";
    let own = json!({ "RelatedProspectId": id(1), "Note": format!("Call me\n\n{page}") });
    let of_mallory = format!("Call Mallory\n\nname: Mallory\nemail: asha@example.com\nphone: +91-2\n{page}");
    let of_mallory = json!({ "RelatedProspectId": id(1), "Note": of_mallory });
    let requests = world.requests("leadsquared");
    let create_note = |note: &Value| post("LeadManagement.svc/CreateNote", json!({}), note.clone());
    assert_eq!((&requests[1], &requests[3]), (&create_note(&own), &create_note(&of_mallory)));
    let note = |note: Value, number| with(note, &json!({ "record": "note", "ProspectNoteId": id(number) }));
    let lead = json!({
        "record": "lead", "ProspectID": id(1), "FirstName": "Asha", "LastName": "Rao", "EmailAddress": "asha@example.com",
        "Phone": "+91-1", "Source": "website",
    });
    assert_eq!(world.fakes.records("leadsquared"), [lead, note(own, 2), note(of_mallory, 3)]);
    no_complaints(&world);
}

#[test]
fn a_phone_that_another_lead_owns_goes_to_the_note() {
    let world = world(&json!({}), &json!({ "update_behavior": "Overwrite" }));
    let phone = "+91-9845098450";
    for (number, name, email, phone) in [(1, "Asha", "asha@example.com", ""), (2, "Ravi", "ravi@example.com", phone)] {
        let submission = world.visit("staff", &[("name", name), ("email", email), ("phone", phone)]);
        assert_eq!(world.delivered("staff", &submission), id(number));
    }
    let fields = [("name", "Asha"), ("email", "asha@example.com"), ("phone", phone), ("shoe size", "38")];
    let submission = world.visit("staff", &fields);
    assert_eq!(world.delivered("staff", &submission), id(1));
    let asha = [("Source", "website"), ("FirstName", "Asha"), ("EmailAddress", "asha@example.com")];
    let with_phone = "locale: ko-KR\nshoe size: 38\npage: https://www.example.com/contact";
    let without = "phone: +91-9845098450\nlocale: ko-KR\nshoe size: 38\npage: https://www.example.com/contact";
    assert_eq!(
        world.requests("leadsquared")[2..],
        [
            capture(json!({}), &[&asha[..], &[("Phone", phone), ("Notes", with_phone)]].concat()),
            capture(json!({}), &[&asha[..], &[("Notes", without), ("SearchBy", "EmailAddress")]].concat()),
        ]
    );
    assert_eq!(world.fakes.records("leadsquared").len(), 2);
    no_complaints(&world);
}

#[test]
fn a_saved_lead_without_an_id_is_looked_up() {
    let world = world(&json!({}), &json!({ "update_behavior": "Overwrite" }));
    world.fakes.with(|fake: &mut LeadSquared| fake.terse = true);
    let submission = world.visit("staff", &[("name", "Asha Rao"), ("email", "asha+1@example.com")]);
    assert_eq!(world.delivered("staff", &submission), id(1));
    let mut find =
        post("LeadManagement.svc/Leads.GetByEmailaddress", json!({ "emailaddress": "asha+1@example.com" }), json!(""));
    find["method"] = json!("GET");
    find["headers"].as_object_mut().unwrap().remove("content-type");
    assert_eq!(world.requests("leadsquared")[1..], [find]);
    no_complaints(&world);
}

#[test]
fn a_call_to_another_region_waits_and_names_the_right_one() {
    let world = world(&json!({}), &json!({ "region": "us" }));
    let submission = world.visit("staff", &[("name", "Asha Rao"), ("email", "asha@example.com")]);
    let view = world.wait_until("staff", &submission, |view| !view["deliveries"][0]["failure"].is_null());
    let detail = "HTTP 401: the account is not on api-us11.leadsquared.com but on api-in21.leadsquared.com; \
                  set region = \"india-mumbai\"";
    assert_eq!(view["deliveries"][0]["failure"], json!({ "kind": "credentials", "detail": detail }));
    assert_eq!(world.requests("leadsquared")[0]["host"], "api-us11.leadsquared.com");
    assert_eq!(world.fakes.records("leadsquared"), [] as [Value; 0]);
}

/// A form for staff whose destination creates users.
fn staff() -> World {
    world(
        &json!({ "access": "token" }),
        &json!({
            "record": "user", "role": "{role|Sales_User}", "allowed_roles": ["Sales_User", "Marketing_User"],
            "parameters": {
                "AssociatedPhoneNumbers": "{desk_phone}", "IsPhoneCallAgent": "{agent}", "UserType": 0,
                "PhoneMobile": "{mobile}", "TimeZone": "Asia/Kolkata", "DateFormat": "dd/mm/yyyy",
                "TeamId": "{team}", "Password": "{password}",
            },
            "groups": [{ "GroupId": "{group}", "ViewAllLeadsOfGroup": 1 }],
            "custom_fields": {
                "Appraisal_Date": { "date": "{appraisal}" }, "Lead_Assignment_Daily_Limit": { "number": "{limit}" },
            },
        }),
    )
}

const ASHA: &[(&str, &str)] = &[
    ("first_name", "Asha"),
    ("last_name", "Rao"),
    ("email", "asha@example.com"),
    ("role", "Marketing_User"),
    ("desk_phone", "+91-8041000000"),
    ("agent", "on"),
    ("mobile", "+91-9845098450"),
    ("password", " correct Horse 7! "),
    ("group", "5b5a-group"),
    ("appraisal", "2026-10-04"),
    ("limit", "25"),
    ("shoe size", "38"),
];

#[test]
fn only_staff_create_users() {
    let world = staff();
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(ASHA).finish();
    let accept = ("accept", "application/json");
    let kind = ("content-type", "application/x-www-form-urlencoded");
    for authorization in [None, Some("Bearer wrong"), Some("Basic token-of-the-staff-form"), Some("Bearer ")] {
        let mut headers = vec![accept, kind];
        headers.extend(authorization.map(|value| ("authorization", value)));
        let reply = world.send("POST", "/f/staff", &headers, body.as_bytes());
        assert_eq!((reply.status, reply.json()["ok"].clone()), (401, json!(false)), "{authorization:?}");
    }
    assert_eq!(world.newest("staff"), Value::Null);
    assert_eq!(world.requests("leadsquared"), [] as [Value; 0]);

    let bearer = format!("Bearer {STAFF_TOKEN}");
    let reply = world.send("POST", "/f/staff", &[accept, kind, ("authorization", &bearer)], body.as_bytes());
    let submission = reply.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(world.delivered("staff", &submission), id(1));
    let user = json!({
        "FirstName": "Asha", "LastName": "Rao", "EmailAddress": "asha@example.com", "Role": "Marketing_User",
        "CustomFields": { "Appraisal_Date": "2026-10-04", "Lead_Assignment_Daily_Limit": "25" },
        "AssociatedPhoneNumbers": "+91-8041000000", "IsPhoneCallAgent": true, "UserType": 0,
        "PhoneMobile": "+91-9845098450", "TimeZone": "Asia/Kolkata", "DateFormat": "dd/mm/yyyy",
        "Password": " correct Horse 7! ",
        "AssociatedGroups": [{
            "GroupId": "5b5a-group", "ViewAllLeadsOfGroup": 1, "ModifyAllLeadsOfGroup": 0, "AddUsersToGroup": 0,
            "ViewAllAccountsOfGroup": 0, "ModifyAllAccountsOfGroup": 0,
        }],
    });
    assert_eq!(world.requests("leadsquared"), [post("UserManagement.svc/User/Create", json!({}), user)]);
    no_complaints(&world);
}

#[test]
fn a_staff_form_in_a_browser_takes_the_token_from_a_field() {
    let world = staff();
    let token = [("_token", STAFF_TOKEN)];
    let fields = [&[("name", "Asha"), ("email", "asha@example.com"), ("shoe size", "38")], &token[..]].concat();
    let submission = world.visit("staff", &fields);
    assert_eq!(world.delivered("staff", &submission), id(1));
    // Empty values are not sent, and the token is not data.
    let user = json!({
        "FirstName": "Asha", "EmailAddress": "asha@example.com", "Role": "Sales_User", "UserType": 0,
        "TimeZone": "Asia/Kolkata", "DateFormat": "dd/mm/yyyy",
    });
    assert_eq!(world.requests("leadsquared"), [post("UserManagement.svc/User/Create", json!({}), user)]);
    let kept = json!([["name", "Asha"], ["email", "asha@example.com"], ["shoe size", "38"]]);
    assert_eq!(world.submission("staff", &submission)["fields"], kept);

    // A role that the operator does not allow rejects the lead.
    let admin = [("name", "Mallory"), ("email", "m@example.com"), ("role", "Administrator")];
    let submission = world.visit("staff", &[&admin, &token[..]].concat());
    let view = world.settled("staff", &submission);
    let detail = "the role \"Administrator\" is not allowed here; allowed_roles has: Sales_User, Marketing_User";
    let rejected = (&view["deliveries"][0]["state"], &view["deliveries"][0]["failure"]);
    assert_eq!(rejected, (&json!("rejected"), &json!({ "kind": "invalid", "detail": detail })));
    assert_eq!(world.requests("leadsquared").len(), 1);
    no_complaints(&world);
}
