//! What the operator API says of the whole: totals, days, alerts, health.

use fakes::Mood;
use serde_json::{Value, json};

use crate::hooks::{SECRETS, answer, clock_off_by, fakes, hook, pages, stateset, submit_many, vars};
use crate::world::{World, at_millis, delivery};

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

/// The form's numbers in the overview.
fn counts(world: &World) -> Value {
    world.api("GET", "/api/forms", "")["forms"][0]["counts"].clone()
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
