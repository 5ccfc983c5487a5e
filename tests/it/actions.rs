//! What the operator API does to submissions, and what it says of the whole: totals, days, alerts, health, a preview.

use fakes::Mood;
use serde_json::{Value, json};

use crate::hooks::{
    SECRETS, answer, clock_off_by, fakes, first_object_fails, hook, pages, stateset, submit_many, vars,
};
use crate::world::{World, at_millis, deliveries, delivery, quick};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// A world whose form leads to a webhook.
fn hooked() -> World {
    World::new(&vars(&[("hook", hook())]), SECRETS, fakes())
}

fn place(id: &str, action: &str) -> String {
    format!("/api/forms/contact/submissions/{id}{action}")
}

fn state(world: &World, id: &str) -> Value {
    world.settled("contact", id)["deliveries"][0]["state"].clone()
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
fn the_overview_names_what_is_missing_wrong_and_paused() {
    let mut vars = vars(&[("hook", hook()), ("stateset", stateset())]);
    vars["FORM_CONTACT"]["allowed_origins"] = json!(["https://www.example.com", "https://*.example.org"]);
    vars["FORM_CONTACT"]["map"] = json!({ "company": "firma" });
    vars["FORM_BROKEN"] = json!({ "destinations": ["hook"], "requird": ["email"] });
    let secrets: Vec<_> = SECRETS.iter().copied().filter(|(name, _)| *name != "STATESET_API_KEY").collect();
    let world = World::new(&vars, &secrets, fakes());
    world.fakes.always("webhook", Some(Mood::Answer(answer(401))));
    let body = b"email=a@example.com&firma=ACME&color=red";
    let headers = [
        ("origin", "https://www.example.com"),
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let reply = world.send("POST", "/f/contact", &headers, body);
    let id = reply.json()["id"].as_str().expect("an id").to_owned();
    let view = world.wait_until("contact", &id, |view| delivery(view, "hook")["failure"]["kind"] == "credentials");
    let forms = world.api("GET", "/api/forms", "");
    let [broken, contact] = forms["forms"].as_array().expect("forms").as_slice() else { panic!("{forms:#}") };
    assert_eq!((&broken["form"], &broken["ready"]), (&json!("broken"), &json!(false)));
    let mistake = &broken["mistakes"][0];
    assert_eq!((&mistake["var"], &mistake["key"]), (&json!("FORM_BROKEN"), &json!("requird")), "{broken:#}");
    assert!(mistake["message"].as_str().is_some_and(|text| text.contains("did you mean \"required\"")));
    assert_eq!(forms["mistakes"], broken["mistakes"]);
    assert_eq!(contact["ready"], false);
    assert_eq!(contact["missing_secrets"], json!(["STATESET_API_KEY"]));
    assert_eq!(contact["website"], "https://www.example.com");
    assert_eq!(contact["endpoint"], format!("http://{}/f/contact", world.worker.address));
    assert_eq!(contact["last_received_at"], view["received_at"]);
    assert_eq!(contact["oldest_pending_at"], view["received_at"]);
    assert_eq!(
        contact["fields"],
        json!([
            { "name": "email", "goes_to": ["email"] },
            { "name": "firma", "goes_to": ["company"] },
            { "name": "color", "goes_to": ["note"] },
        ])
    );
    let destinations = contact["destinations"].as_array().expect("destinations");
    assert_eq!(destinations[0]["destination"], "hook");
    assert_eq!((&destinations[0]["connector"], &destinations[0]["record"]), (&json!("webhook"), &json!("message")));
    let pause = &destinations[0]["pause"];
    assert_eq!((&pause["kind"], &pause["needs_person"]), (&json!("credentials"), &json!(true)), "{pause:#}");
    assert!(at_millis(&pause["next_check_at"]) >= at_millis(&pause["since"]), "{pause:#}");
    assert_eq!(destinations[1]["pause"]["kind"], "config", "{:#}", destinations[1]);
    assert_eq!(destinations[1]["counts"]["pending"], 1);
    // The end of a pause.
    world.fakes.always("webhook", None);
    assert_eq!(world.api("POST", "/api/destinations/stateset/resume", ""), json!({ "resumed": false }));
    world.wait_until("contact", &id, |view| delivery(view, "hook")["state"] == "delivered");
}

#[test]
fn a_form_that_is_gone_from_the_config_is_still_shown() {
    let mut world = hooked();
    let id = world.submit("contact", "email=a@example.com");
    world.delivered("contact", &id);
    world.redeploy(&json!({ "FORM_OTHER": { "destinations": ["hook"] }, "DESTINATION_HOOK": hook() }), SECRETS);
    let forms = world.api("GET", "/api/forms", "");
    let contact = &forms["forms"][0];
    assert_eq!(
        (&contact["form"], &contact["ready"], &contact["counts"]["delivered"]),
        (&json!("contact"), &json!(false), &json!(1))
    );
    assert!(contact["mistakes"][0]["message"].as_str().is_some_and(|text| text.contains("not configured any more")));
}

#[test]
fn days_count_what_came_in_then_wherever_it_is_now() {
    let vars = vars(&[("hook", hook())]);
    // Two days ago: three came in; one of them was rejected, one is spam.
    let mut world = World::with_prelude(&vars, SECRETS, fakes(), &clock_off_by(-2 * DAY));
    world.fakes.always("webhook", Some(Mood::Answer(answer(200))));
    let first = world.submit("contact", "email=a@example.com");
    world.delivered("contact", &first);
    world.fakes.next("webhook", Mood::Answer(answer(400)));
    let rejected = world.submit("contact", "email=b@example.com");
    assert_eq!(state(&world, &rejected), "rejected");
    world.submit("contact", "email=c@example.com&_gotcha=x");
    // Today: that day is counted and closed, and what happens to it later counts for it.
    world.on_platform("");
    let now = world.submit("contact", "email=d@example.com");
    world.delivered("contact", &now);
    let days = |world: &World| -> Vec<Value> {
        let stats = world.api("GET", "/api/stats?days=3", "");
        let days = stats["days"].as_array().cloned().expect("days");
        assert_eq!(days.len(), 3);
        let of = |day: &Value| {
            ["received", "delivered", "rejected", "exhausted", "quarantined"].map(|name| day[name].clone())
        };
        days.iter().map(|day| json!(of(day))).collect()
    };
    let median = world.api("GET", "/api/stats", "")["median_ms"].as_i64();
    assert!(median.is_some_and(|ms| (0..60_000).contains(&ms)), "{median:?}");
    let before = json!([3, 1, 1, 0, 1]);
    assert_eq!(days(&world), [before, json!([0, 0, 0, 0, 0]), json!([1, 1, 0, 0, 0])]);
    let total = counts(&world);
    assert_eq!((&total["received"], &total["delivered"], &total["quarantined"]), (&json!(4), &json!(2), &json!(1)));
    assert_eq!(world.api("POST", &place(&rejected, "/release"), "")["released"], 1);
    world.delivered("contact", &rejected);
    assert_eq!(days(&world)[0], json!([3, 2, 0, 0, 1]));
    world.api("DELETE", &place(&first, ""), "");
    world.api("DELETE", &place(&now, ""), "");
    assert_eq!((days(&world)[0].clone(), days(&world)[2].clone()), (json!([3, 1, 0, 0, 1]), json!([1, 0, 0, 0, 0])));
    let total = counts(&world);
    let expected = json!({
        "received": 4, "delivered": 1, "pending": 0, "rejected": 0, "exhausted": 0, "quarantined": 1, "erased": 2, "purged": 0,
    });
    assert_eq!(total, expected);
}

#[test]
fn what_was_deleted_for_its_age_stays_in_the_numbers() {
    let mut vars = vars(&[("hook", hook())]);
    vars["FORM_CONTACT"]["retention_days"] = json!(1);
    let mut world = World::with_prelude(&vars, SECRETS, fakes(), &clock_off_by(-3 * DAY));
    world.fakes.always("webhook", Some(Mood::Answer(answer(200))));
    for id in submit_many(&world, "a", 5) {
        world.delivered("contact", &id);
    }
    world.on_platform("");
    let young = world.submit("contact", "email=young@example.com");
    world.delivered("contact", &young);
    world.wait_for(|| (pages(&world, "form=contact").concat().len() == 1).then_some(()));
    let expected = json!({
        "received": 6, "delivered": 1, "pending": 0, "rejected": 0, "exhausted": 0, "quarantined": 0, "erased": 0, "purged": 5,
    });
    assert_eq!(counts(&world), expected);
    let stats = world.api("GET", "/api/stats?days=4&form=contact", "");
    let day = &stats["days"][0];
    assert_eq!((&day["received"], &day["delivered"]), (&json!(5), &json!(5)), "{stats:#}");
}

#[test]
fn days_count_what_was_turned_away() {
    let mut vars = vars(&[("hook", hook())]);
    vars["FORM_CONTACT"]["required"] = json!(["email"]);
    let world = World::new(&vars, SECRETS, fakes());
    for _ in 0..3 {
        assert_eq!(world.send("POST", "/f/contact", &[], b"email=nobody").status, 422);
    }
    let id = world.submit("contact", "email=a@example.com");
    world.delivered("contact", &id);
    // Counts are written once a minute, the first at once.
    world.wait_for(|| {
        let stats = world.api("GET", "/api/stats?form=contact&days=1", "");
        let day = &stats["days"][0];
        (day["refused"]["validation"].as_u64()? >= 1 && day["received"] == 1).then_some(())
    });
}

/// Without `ALERT_WEBHOOK_URL`, the API is where a person hears of it.
#[test]
fn alerts_are_listed_with_their_command_and_dismissed() {
    let mut vars = vars(&[("hook", hook())]);
    vars["FORM_CONTACT"]["shards"] = json!(2);
    let world = World::new(&vars, SECRETS, fakes());
    assert_eq!(world.api("GET", "/api/alerts", ""), json!({ "alerts": [] }));
    world.fakes.always("webhook", Some(Mood::Answer(answer(400))));
    for id in submit_many(&world, "a", 9) {
        assert_eq!(state(&world, &id), "rejected");
    }
    let alerts = world.api("GET", "/api/alerts", "");
    let [alert] = alerts["alerts"].as_array().expect("alerts").as_slice() else { panic!("{alerts:#}") };
    let command = format!(
        "curl -H \"Authorization: Bearer $ADMIN_TOKEN\" -X POST http://{}/api/alerts/contact:stuck:hook/dismiss",
        world.worker.address
    );
    assert_eq!(
        (&alert["id"], &alert["form"], &alert["destination"], &alert["count"], &alert["command"]),
        (&json!("contact:stuck:hook"), &json!("contact"), &json!("hook"), &json!(9), &json!(command))
    );
    assert!(alert["text"].as_str().is_some_and(|text| text.contains("rejected or out of attempts")));
    let dismiss = |id: &str| world.api("POST", &format!("/api/alerts/{id}/dismiss"), "")["dismissed"].clone();
    assert_eq!(dismiss("contact%3Astuck%3Ahook"), true);
    assert_eq!(world.api("GET", "/api/alerts", ""), json!({ "alerts": [] }));
    assert_eq!((dismiss("contact:backlog"), dismiss("nobody:backlog")), (json!(false), json!(false)));
    assert_eq!(world.operator("POST", "/api/alerts/nonsense/dismiss", "").status, 404);
    // Twice as many are news again.
    submit_many(&world, "b", 30);
    world.wait_for(|| {
        let alerts = world.api("GET", "/api/alerts", "");
        alerts["alerts"][0]["count"].as_u64().is_some_and(|count| count >= 18).then_some(())
    });
}

#[test]
fn health_is_503_while_leads_do_not_arrive_and_needs_no_token() {
    let world = hooked();
    let health = |world: &World| {
        world.worker.run_cron();
        let reply = world.send("GET", "/health", &[], b"");
        (reply.status, reply.json())
    };
    let well = (200, json!({ "ok": true }));
    assert_eq!(health(&world), well);
    world.fakes.next("webhook", Mood::Answer(answer(400)));
    let id = world.submit("contact", "email=kim@example.com");
    assert_eq!(state(&world, &id), "rejected");
    let reasons = json!([{ "form": "contact", "condition": "stuck", "destination": "hook" }]);
    let unwell = (503, json!({ "ok": false, "reasons": reasons }));
    // The sweep goes on after the trigger is answered.
    world.wait_for(|| (health(&world) == unwell).then_some(()));
    assert_eq!(world.api("POST", &place(&id, "/release"), "")["released"], 1);
    world.delivered("contact", &id);
    world.wait_for(|| (health(&world) == well).then_some(()));
    assert_eq!(world.send("POST", "/health", &[], b"").status, 405);
    let broken = World::new(&json!({ "FORM_CONTACT": {} }), SECRETS, fakes());
    let reply = broken.send("GET", "/health", &[], b"");
    let reasons = json!([{ "form": "contact", "condition": "config" }]);
    assert_eq!((reply.status, reply.json()), (503, json!({ "ok": false, "reasons": reasons })));
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
