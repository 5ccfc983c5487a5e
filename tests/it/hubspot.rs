//! HubSpot, from an HTML form to the contact and its note.

use fakes::hubspot::HubSpot;
use serde_json::{Value, json};

use crate::world::{World, quick};

const TOKEN: &str = "hubspot-token-1";

/// A form whose destination fills the custom properties `budget`, which the account has, and `floor`, which it lacks.
fn world() -> World {
    let destination = json!({
        "type": "hubspot", "owner_id": "41629779",
        "fields": { "budget": { "number": "{budget}" }, "floor": "{floor}" },
    });
    let vars = json!({
        "FORM_CONTACT": { "destinations": ["hubspot"] }, "DESTINATION_HUBSPOT": quick(destination),
    });
    let mut hubspot = HubSpot::new(TOKEN);
    hubspot.custom.push("budget".to_owned());
    World::new(&vars, &[("HUBSPOT_TOKEN", TOKEN)], vec![Box::new(hubspot)])
}

/// Method, path and properties of each request.
fn calls(world: &World) -> Vec<(String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of =
        |request: &Value| (text(&request["method"]), text(&request["path"]), request["body"]["properties"].clone());
    world.requests("hubspot").iter().map(of).collect()
}

fn call(method: &str, path: &str, properties: Value) -> (String, String, Value) {
    (method.to_owned(), format!("/crm/objects/2026-03/{path}"), properties)
}

#[test]
fn a_form_makes_a_contact_and_a_note_and_a_second_one_fills_only_what_is_empty() {
    let world = world();
    let first = [
        ("name", "Ada Lovelace"),
        ("email", "ada@example.com"),
        ("phone", "+1 555 0100"),
        ("budget", "5000"),
        ("floor", "3rd"),
        ("message", "Hello <b>"),
    ];
    let submission = world.visit("contact", &first);
    assert_eq!(world.delivered("contact", &submission), "1");
    let page = || world.submission("contact", &submission)["deliveries"][0]["record"]["url"].clone();
    assert_eq!(page(), "https://app.hubspot.com/contacts/6362600/record/0-1/1");
    let mut contact = json!({
        "email": "ada@example.com", "firstname": "Ada", "lastname": "Lovelace", "phone": "+1 555 0100", "budget": "5000",
        "hubspot_owner_id": "41629779",
    });
    let mut with_floor = contact.clone();
    with_floor["floor"] = json!("3rd");
    let note = |text: &str, id: &str| {
        let text = format!("{text}<br>page: https://www.example.com/contact");
        json!({ "hs_timestamp": world.received_at("contact", id), "hs_note_body": text })
    };
    let mut expected = vec![
        call("GET", "contacts/ada%40example.com", Value::Null),
        call("POST", "contacts", with_floor),
        call("POST", "contacts", contact.clone()),
        call("POST", "notes", note("Hello &lt;b&gt;<br><br>locale: ko-KR<br>floor: 3rd", &submission)),
    ];
    assert_eq!(calls(&world), expected);

    let second = [
        ("name", "Somebody Else"),
        ("email", "Ada@Example.com"),
        ("phone", "+1 555 0199"),
        ("company", "Engines"),
        ("message", "Again"),
    ];
    let submission = world.visit("contact", &second);
    assert_eq!(world.delivered("contact", &submission), "1");
    expected.extend([
        call("GET", "contacts/Ada%40Example.com", Value::Null),
        call("PATCH", "contacts/1", json!({ "company": "Engines" })),
        call(
            "POST",
            "notes",
            note("Again<br><br>name: Somebody Else<br>phone: +1 555 0199<br>locale: ko-KR", &submission),
        ),
    ]);
    assert_eq!(calls(&world), expected);

    contact["company"] = json!("Engines");
    let records = world.fakes.records("hubspot");
    assert_eq!(records[0]["properties"], contact);
    let kinds: Vec<_> = records.iter().map(|record| record["record"].as_str().unwrap_or_default()).collect();
    assert_eq!(kinds, ["contact", "note", "note"]);
    assert_eq!(world.fakes.complaints("hubspot"), [] as [String; 0]);
}
