//! StateSet, from an HTML form to the lead that the vendor was asked for.

use fakes::stateset::StateSet;
use fakes::{Mood, Response};
use serde_json::{Value, json};

use crate::world::{ADMIN_TOKEN, World, quick, with};

const KEY: &str = "sk_test_stateset_1";
const PAGE: &str = "page: https://www.example.com/contact";

/// A form that leads to StateSet with these options.
fn world(options: &Value) -> World {
    let destination = with(json!({ "type": "stateset" }), options);
    let vars = json!({ "FORM_CONTACT": { "destinations": ["shop"] }, "DESTINATION_SHOP": quick(destination) });
    World::new(&vars, &[("SHOP_API_KEY", KEY)], vec![Box::new(StateSet::new(KEY))])
}

/// A request as it has to be, whole.
fn post(host: &str, idempotency_key: &str, body: Value) -> Value {
    let headers = json!({
        "authorization": format!("Bearer {KEY}"), "content-type": "application/json", "accept": "application/json",
        "idempotency-key": idempotency_key,
    });
    json!({
        "method": "POST", "host": host, "path": "/v1/leads", "query": {}, "headers": headers, "body": body,
    })
}

/// The id of the lead that the fake made as its `number`th.
fn id(number: usize) -> String {
    format!("7c9e6679-7425-40de-944b-{number:012x}")
}

fn no_complaints(world: &World) {
    assert_eq!(world.fakes.complaints("stateset"), [] as [String; 0]);
}

#[test]
fn a_lead_with_everything_that_stateset_takes() {
    let world = world(&json!({ "fields": {
        "department": { "text": "{department}" }, "email_opt_out": { "bool": "{no_mail}" },
        "do_not_call": { "bool": "{no_calls}" },
    } }));
    let submission = world.visit(
        "contact",
        &[
            ("name", "Grace Brewster Hopper"),
            ("email", "grace@example.com"),
            ("phone", "+1-555-000-0000"),
            ("job_title", "Rear Admiral"),
            ("company", "Navy"),
            ("street", "1 Main St"),
            ("city", "Arlington"),
            ("state", "VA"),
            ("zip", "22201"),
            ("country", "USA"),
            ("how_did_you_hear", "Trade Show"),
            ("department", "Compilers"),
            ("no_mail", "on"),
            ("no_calls", "only on weekdays"),
            ("message", "Please write\r\nsoon"),
            ("shoe size", "38"),
        ],
    );
    assert_eq!(world.delivered("contact", &submission), id(1));
    let description = format!(
        "Please write\nsoon\n\ncompany: Navy\npostal_code: 22201\nlocale: ko-KR\nshoe size: 38\n\
         do_not_call: only on weekdays\n{PAGE}"
    );
    let lead = json!({
        "firstName": "Grace Brewster", "lastName": "Hopper", "email": "grace@example.com", "phone": "+1-555-000-0000",
        "title": "Rear Admiral", "department": "Compilers", "email_opt_out": true, "leadSource": "trade_show",
        "mailingStreet": "1 Main St", "mailingCity": "Arlington", "mailingState": "VA", "mailingCountry": "USA",
        "description": description,
    });
    assert_eq!(world.requests("stateset"), [post("api.stateset.com", &format!("{submission}-shop"), lead)]);
    no_complaints(&world);
}

#[test]
fn little_is_enough_and_an_email_that_is_there_already_is_delivered() {
    let world = world(&json!({ "environment": "sandbox" }));
    let fields = [("email", "grace@example.com"), ("source", "a friend"), ("shoe size", "38")];
    let first = world.visit("contact", &fields);
    assert_eq!(world.delivered("contact", &first), id(1));
    let description = format!("source: a friend\nlocale: ko-KR\nshoe size: 38\n{PAGE}");
    let lead = json!({
        "firstName": "-", "lastName": "-", "email": "grace@example.com", "leadSource": "other",
        "description": description,
    });
    let request = |submission: &str| post("api.sandbox.stateset.com", &format!("{submission}-shop"), lead.clone());
    assert_eq!(world.requests("stateset"), [request(&first)]);

    let second = world.visit("contact", &fields);
    assert_eq!(world.delivered("contact", &second), "");
    assert_eq!(world.requests("stateset"), [request(&first), request(&second)]);
    let record = &world.submission("contact", &second)["deliveries"][0]["record"];
    let note = "already there: StateSet has a lead with this email";
    assert_eq!(*record, json!({ "id": "", "note": note, "message_missing": true }));
    assert_eq!(world.fakes.records("stateset").len(), 1);
    no_complaints(&world);
}

#[test]
fn a_value_that_is_refused_by_name_goes_to_the_description() {
    let world = world(&json!({}));
    let error = json!({ "error": {
        "type": "invalid_request_error", "code": "parameter_invalid", "message": "phone is not valid", "param": "phone",
    } });
    world.fakes.next("stateset", Mood::Answer(Response::json(400, error)));
    let submission =
        world.visit("contact", &[("name", "Grace Hopper"), ("email", "g@example.com"), ("tel", "ring twice")]);
    assert_eq!(world.delivered("contact", &submission), id(1));
    let lead = json!({
        "firstName": "Grace", "lastName": "Hopper", "email": "g@example.com", "leadSource": "website",
    });
    let (mut with, mut without) = (lead.clone(), lead);
    with["phone"] = json!("ring twice");
    with["description"] = json!(format!("locale: ko-KR\n{PAGE}"));
    without["description"] = json!(format!("phone: ring twice\nlocale: ko-KR\n{PAGE}"));
    let key = format!("{submission}-shop");
    assert_eq!(
        world.requests("stateset"),
        [post("api.stateset.com", &key, with), post("api.stateset.com", &format!("{key}-without-1"), without),]
    );
    no_complaints(&world);
}

#[test]
fn what_a_person_sends_again_is_a_new_request_with_nothing_left_out() {
    let world = world(&json!({}));
    for field in ["phone", "email"] {
        let error = json!({ "error": {
            "type": "invalid_request_error", "code": "parameter_invalid", "message": "not valid", "param": field,
        } });
        world.fakes.next("stateset", Mood::Answer(Response::json(400, error)));
    }
    let submission = world.visit("contact", &[("name", "Grace Hopper"), ("email", "g@example.com"), ("tel", "0100")]);
    let view = world.settled("contact", &submission);
    assert_eq!(view["deliveries"][0]["state"], "rejected", "{view:#}");
    let path = format!("/api/forms/contact/submissions/{submission}/release");
    let token = format!("Bearer {ADMIN_TOKEN}");
    assert_eq!(world.send("POST", &path, &[("authorization", &token)], b"").status, 200);
    assert_eq!(world.delivered("contact", &submission), id(1));
    let sent = world.requests("stateset");
    let (keys, phones): (Vec<_>, Vec<_>) =
        sent.iter().map(|request| (&request["headers"]["idempotency-key"], &request["body"]["phone"])).unzip();
    let key = format!("{submission}-shop");
    assert_eq!(keys, [&json!(key), &json!(format!("{key}-without-1")), &json!(format!("{key}-again-1"))]);
    assert_eq!(phones, [&json!("0100"), &Value::Null, &json!("0100")]);
    no_complaints(&world);
}
