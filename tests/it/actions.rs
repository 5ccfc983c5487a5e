//! What the operator API does to submissions, and the preview, which does nothing.

use fakes::Mood;
use serde_json::{Value, json};

use crate::hooks::{SECRETS, answer, fakes, first_object_fails, hook, pages, stateset, submit_many, vars};
use crate::world::{World, deliveries, delivery, quick};

/// A world whose form leads to a webhook.
fn hooked() -> World {
    World::new(&vars(&[("hook", hook())]), SECRETS, fakes())
}

fn place(id: &str, action: &str) -> String {
    format!("/api/forms/contact/submissions/{id}{action}")
}

/// Who did what, by the audit trail.
fn audit(world: &World, id: &str) -> Vec<Value> {
    let view = world.submission("contact", id);
    let lines = view["audit"].as_array().cloned().expect("a trail");
    lines.iter().map(|line| json!([line["actor"], line["action"]])).collect()
}

/// The form's numbers in the overview.
fn counts(world: &World) -> Value {
    world.api("GET", "/api/forms", "")["forms"][0]["counts"].clone()
}

#[test]
fn spam_waits_until_it_is_released_and_the_trail_says_who_did_it() {
    let world = hooked();
    world.fakes.always("webhook", Some(Mood::Answer(answer(503))));
    let mut slow = hook();
    slow["retry"] = json!(["1h"]);
    let id = world.submit("contact", "email=a@example.com");
    world.wait_until("contact", &id, |view| view["deliveries"][0]["failure"]["kind"] == "unavailable");
    let marked = world.api("POST", &place(&id, "/spam"), "");
    assert_eq!(marked["quarantined"], 1);
    assert_eq!(marked["submission"]["deliveries"][0]["state"], "quarantined", "{marked:#}");
    assert_eq!(marked["submission"]["reasons"], json!(["marked"]));
    assert_eq!(world.api("POST", &place(&id, "/spam"), "")["quarantined"], 0, "once is enough");
    // Nothing more is sent.
    world.fakes.always("webhook", None);
    let other = world.submit("contact", "email=b@example.com");
    world.delivered("contact", &other);
    assert_eq!(world.fakes.records("webhook").len(), 1);
    assert_eq!(world.api("POST", &place(&id, "/release"), "")["released"], 1);
    world.delivered("contact", &id);
    assert_eq!(audit(&world, &id), [json!(["token", "spam"]), json!(["token", "release"])]);
    // What is delivered stays so.
    assert_eq!(world.api("POST", &place(&id, "/spam"), "")["quarantined"], 0);
    assert_eq!(audit(&world, &other), [] as [Value; 0]);
}

#[test]
fn everything_that_failed_since_then_is_sent_again_at_once() {
    let mut vars = vars(&[("hook", hook()), ("stateset", stateset())]);
    vars["FORM_CONTACT"]["shards"] = json!(2);
    vars["FORM_SALES"] = json!({ "destinations": ["hook"] });
    let world = World::new(&vars, SECRETS, fakes());
    world.fakes.always("webhook", Some(Mood::Answer(answer(400))));
    let early = world.submit("contact", "email=early@example.com");
    world.settled("contact", &early);
    let failed = submit_many(&world, "a", 12);
    let sales = world.submit("sales", "email=s@example.com");
    let spam = world.submit("contact", "email=x@example.com&_gotcha=x");
    for id in &failed {
        world.settled("contact", id);
    }
    world.settled("sales", &sales);
    world.fakes.always("webhook", None);
    let since = world.received_at("contact", failed.iter().min().expect("an id"));
    let body = json!({ "form": "contact", "since": since, "destination": "hook" }).to_string();
    assert_eq!(world.api("POST", "/api/release", &body), json!({ "released": 12 }));
    for id in &failed {
        let view = world.settled("contact", id);
        assert!(deliveries(&view).iter().all(|delivery| delivery["state"] == "delivered"), "{view:#}");
    }
    assert_eq!(audit(&world, &failed[0]), [json!(["token", "release"])]);
    assert_eq!(delivery(&world.settled("contact", &early), "hook")["state"], "rejected");
    assert_eq!(world.api("POST", "/api/release", &body), json!({ "released": 0 }));
    // An empty body means all that failed; suspects only by name and form.
    assert_eq!(world.api("POST", "/api/release", ""), json!({ "released": 2 }));
    world.settled("sales", &sales);
    assert_eq!(delivery(&world.submission("contact", &spam), "hook")["state"], "quarantined");
    let body = r#"{"form":"contact","state":"quarantined"}"#;
    assert_eq!(world.api("POST", "/api/release", body), json!({ "released": 2 }));
    for id in [&spam, &early] {
        world.settled("contact", id);
    }
    assert_eq!(world.fakes.records("webhook").len(), 15);
}

#[test]
fn a_person_is_erased_everywhere_and_nothing_of_them_stays() {
    let mut vars = vars(&[("hook", hook())]);
    vars["FORM_CONTACT"]["shards"] = json!(3);
    vars["FORM_SALES"] = json!({ "destinations": ["hook"] });
    let mut world = World::new(&vars, SECRETS, fakes());
    let mut meant = Vec::new();
    for (form, body) in [
        ("contact", "email=Ada@Example.com&message=one"),
        ("contact", "name=Ada&mail=%20ada%40example.com%20&message=two"),
        ("sales", "friend=ADA@EXAMPLE.COM&email=bob@example.com"),
    ] {
        meant.push((form, world.submit(form, body)));
    }
    let mut others = Vec::new();
    for (form, body) in [
        ("contact", "email=bob@example.com&message=ada@example.com wrote to me"),
        ("contact", "email=xada@example.com"),
        ("sales", "email=ada@example.com.au"),
    ] {
        others.push((form, world.submit(form, body)));
    }
    for (form, id) in meant.iter().chain(&others) {
        world.delivered(form, id);
    }
    world.on_platform(&first_object_fails());
    let waiting = world.submit("sales", "email=ada@example.com&message=overflow");
    meant.push(("sales", waiting));
    let mut ids: Vec<Value> = meant.iter().map(|(_, id)| json!(id)).collect();
    ids.reverse();
    let person = world.api("GET", "/api/person?email=ADA%40example.com", "");
    let found: Vec<Value> =
        person["submissions"].as_array().expect("a list").iter().map(|view| view["id"].clone()).collect();
    assert_eq!((found, &person["next"]), (ids, &Value::Null));
    let before = counts(&world);
    assert_eq!(world.api("POST", "/api/erase", r#"{"email":"ada@example.com"}"#), json!({ "erased": 4 }));
    assert_eq!(world.api("GET", "/api/person?email=ada@example.com", "")["submissions"], json!([]));
    for (form, id) in &meant {
        assert_eq!(world.operator("GET", &format!("/api/forms/{form}/submissions/{id}"), "").status, 404);
    }
    world.on_platform("");
    for (form, id) in &others {
        world.submission(form, id);
    }
    assert_eq!(pages(&world, "limit=100").concat().len(), others.len());
    let after = counts(&world);
    assert_eq!((&after["received"], &after["erased"]), (&before["received"], &json!(2)), "{after:#}");
    // No file of the database holds the person, and the trail of what was done does.
    let holding = |text: &str| {
        let files = crate::hooks::objects(&world.worker.storage());
        files.iter().filter(|file| crate::hooks::holds(file, text)).count()
    };
    assert!(holding(&meant[0].1) > 0, "the id is remembered");
    assert!(!world.worker.log().to_lowercase().contains("ada@"), "{}", world.worker.log());
}

#[test]
fn an_erased_submission_is_counted_and_never_comes_back() {
    let world = hooked();
    let ids = submit_many(&world, "a", 3);
    for id in &ids {
        world.delivered("contact", id);
    }
    assert_eq!(world.api("DELETE", &place(&ids[0], ""), ""), json!({ "erased": 1 }));
    assert_eq!(world.operator("DELETE", &place(&ids[0], ""), "").status, 404);
    let expected = json!({
        "received": 3, "delivered": 2, "pending": 0, "rejected": 0, "exhausted": 0, "quarantined": 0, "erased": 1, "purged": 0,
    });
    assert_eq!(counts(&world), expected);
    assert_eq!(world.api("GET", "/api/forms", "")["forms"][0]["destinations"][0]["counts"], expected);
}

#[test]
fn a_preview_shows_every_request_and_sends_none() {
    let mut vars =
        vars(&[("hook", hook()), ("stateset", stateset()), ("salesmap", quick(json!({ "type": "salesmap" })))]);
    vars["FORM_CONTACT"]["required"] = json!(["email"]);
    vars["FORM_CONTACT"]["redirect"] = json!("https://www.example.com/thanks");
    vars["FORM_STAFF"] = json!({ "destinations": ["hook"], "access": "token" });
    let world = World::new(&vars, &[SECRETS, &[("STAFF_TOKEN", "the-staff-token")]].concat(), fakes());
    let preview = |form: &str, content_type: &str, body: &str| {
        let token = format!("Bearer {}", crate::world::ADMIN_TOKEN);
        let headers = [("authorization", token.as_str()), ("content-type", content_type)];
        world.send("POST", &format!("/api/forms/{form}/preview"), &headers, body.as_bytes())
    };
    let urlencoded = "application/x-www-form-urlencoded";
    let reply = preview("contact", urlencoded, "email=ada@example.com&color=red&_gotcha=x");
    let found = reply.json();
    assert_eq!(reply.status, 200, "{found:#}");
    assert_eq!(found["lead"], json!({ "email": "ada@example.com", "unmapped": [["color", "red"]] }));
    assert_eq!(
        (&found["reasons"], &found["next"]),
        (&json!(["honeypot:_gotcha"]), &json!("https://www.example.com/thanks"))
    );
    let requests: Vec<(&Value, &Value, &Value)> = found["destinations"]
        .as_array()
        .expect("destinations")
        .iter()
        .map(|found| (&found["destination"], &found["connector"], &found["requests"][0]))
        .collect();
    let [(hook, _, signed), (stateset, _, bearer), (salesmap, connector, person)] = requests.as_slice() else {
        panic!("{found:#}")
    };
    assert_eq!(
        (*hook, *stateset, *salesmap, *connector),
        (&json!("hook"), &json!("stateset"), &json!("salesmap"), &json!("salesmap"))
    );
    assert_eq!(signed["headers"]["webhook-signature"], "v1,<signature with HOOK_SIGNING_SECRET>", "{signed:#}");
    assert_eq!(signed["body"]["data"]["lead"]["email"], "ada@example.com");
    assert_eq!(bearer["headers"]["Authorization"], "Bearer <STATESET_API_KEY>", "{bearer:#}");
    assert_eq!((&person["step"], &person["method"]), (&json!("person"), &json!("POST")), "{person:#}");
    assert!(!reply.body.contains("sk_test_1") && !reply.body.contains("Zm9ybWNvdXJpZXI"), "{}", reply.body);
    // The same body in other clothes, and a form for staff.
    assert_eq!(
        preview("contact", "application/json", r#"{"email":"ada@example.com","color":"red"}"#).json()["lead"],
        found["lead"]
    );
    assert_eq!(preview("staff", urlencoded, "email=ada@example.com").status, 200);
    // What a visitor would be refused for.
    let refused = preview("contact", urlencoded, "email=ada");
    assert_eq!((refused.status, &refused.json()["errors"][0]["code"]), (422, &json!("TYPE_EMAIL")), "{}", refused.body);
    let missing = preview("contact", urlencoded, "color=red").json();
    assert_eq!(missing["errors"][0]["code"], "REQUIRED_FIELD_MISSING");
    assert_eq!(preview("nobody", urlencoded, "email=a@b.co").status, 404);
    assert_eq!(pages(&world, "").concat(), [] as [Value; 0]);
    for fake in ["webhook", "stateset", "salesmap"] {
        assert_eq!(world.fakes.requests(fake), []);
    }
}
