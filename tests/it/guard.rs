//! Spam under the real Worker: answered like any submission, quarantined with its reasons, delivered only after release.

use std::time::Duration;

use fakes::stateset::StateSet;
use serde_json::{Value, json};

use crate::hooks::clock_off_by;
use crate::world::{ADMIN_TOKEN, PATIENCE, Reply, World, deliveries, now, quick};

/// The forms of these tests.
fn vars() -> Value {
    let form = |extra: Value| {
        let mut form = json!({ "destinations": "crm", "required": ["email"] });
        form.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        form
    };
    json!({
        "FORM_CONTACT": form(json!({ "honeypot": "website2", "allowed_origins": ["https://www.example.com"] })),
        "FORM_THANKS": form(json!({ "redirect": "https://www.example.com/thanks" })),
        "FORM_CASINO": form(json!({ "spam": "off" })),
        "FORM_SERVER": form(json!({ "access": "token" })),
        "DESTINATION_CRM": quick(json!({ "type": "stateset" })),
    })
}

fn world() -> World {
    World::new(
        &vars(),
        &[("CRM_API_KEY", "sk_test_1"), ("SERVER_TOKEN", "s")],
        vec![Box::new(StateSet::new("sk_test_1"))],
    )
}

const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn post(world: &World, form: &str, accept: &str, body: &str) -> Reply {
    let headers =
        [("accept", accept), ("content-type", "application/x-www-form-urlencoded"), ("authorization", "Bearer s")];
    world.send("POST", &format!("/f/{form}"), &headers, body.as_bytes())
}

/// A reply without what differs from one submission to the next.
fn shape(reply: &Reply, id: &str) -> (u16, Vec<(String, String)>, String) {
    (reply.status, reply.headers.clone(), reply.body.replace(id, "ID"))
}

const CASINO: &str = "email=a%40b.co&name=Ada&message=%5Burl%3Dhttps%3A%2F%2Fcasino.example.bet%2F%5DOnline+casino+no+deposit+bonus%5B%2Furl%5D";

#[test]
fn spam_gets_the_same_reply_and_is_delivered_only_after_release() {
    let world = world();
    // From here on this isolate knows the key.
    world.send("GET", "/f/contact/start", &[], b"");
    let honest = post(&world, "contact", "application/json", "email=honest%40b.co&message=Hello");
    let honest_id = honest.json()["id"].as_str().unwrap().to_owned();
    let rows: &[(&str, &[&str])] = &[
        ("email=spam%40b.co&message=Hello&_gotcha=x", &["honeypot:_gotcha"]),
        ("email=spam%40b.co&message=Hello&botcheck=on", &["honeypot:botcheck"]),
        ("email=spam%40b.co&message=Hello&bot-field=x", &["honeypot:bot-field"]),
        ("email=spam%40b.co&message=Hello&website2=x", &["honeypot:website2"]),
        ("email=spam%40b.co&message=Hello&_honey=x&_start=1763000000000", &["honeypot:_honey", "bad_start"]),
    ];
    let mut ids = Vec::new();
    for (body, reasons) in rows {
        let reply = post(&world, "contact", "application/json", body);
        let id = reply.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(shape(&reply, &id), shape(&honest, &honest_id), "{body}");
        let view = world.submission("contact", &id);
        assert_eq!(view["reasons"], json!(reasons), "{body}");
        assert_eq!(deliveries(&view)[0]["state"], "quarantined", "{body}");
        assert_eq!(view["fields"], json!([["email", "spam@b.co"], ["message", "Hello"]]), "{body}");
        ids.push(id);
    }
    world.delivered("contact", &honest_id);
    assert_eq!(world.fakes.records("stateset").len(), 1, "spam was delivered");

    let token = format!("Bearer {ADMIN_TOKEN}");
    let path = format!("/api/forms/contact/submissions/{}/release", ids[0]);
    assert_eq!(world.send("POST", &path, &[("authorization", &token)], b"").status, 200);
    world.delivered("contact", &ids[0]);
    let emails: Vec<_> = world.fakes.records("stateset").iter().map(|record| record["email"].clone()).collect();
    assert_eq!(emails, ["honest@b.co", "spam@b.co"]);
    // The reasons stay on record.
    assert_eq!(world.submission("contact", &ids[0])["reasons"], json!(["honeypot:_gotcha"]));
}

#[test]
fn spam_is_redirected_like_any_submission() {
    let world = world();
    for (form, to) in [("contact", "/f/contact/thanks"), ("thanks", "https://www.example.com/thanks")] {
        let honest = post(&world, form, HTML, "email=honest%40b.co&message=Hello");
        let spam = post(&world, form, HTML, "email=spam%40b.co&message=Hello&_gotcha=x");
        assert_eq!((honest.status, honest.header("location")), (303, Some(to)));
        assert_eq!(shape(&spam, "-"), shape(&honest, "-"));
        assert_eq!(world.newest(form)["reasons"], json!(["honeypot:_gotcha"]));
    }
}

#[test]
fn an_invalid_submission_gets_the_same_reply_whether_suspected_or_not() {
    let world = world();
    for accept in ["application/json", HTML] {
        let honest = post(&world, "contact", accept, "email=nobody&message=Hello");
        let spam = post(&world, "contact", accept, "email=nobody&message=Hello&_gotcha=x");
        assert_eq!((honest.status, spam.status), (422, 422));
        // The page keeps the honeypot as a hidden field: the corrected submission is still suspected.
        let hidden = "<input type=\"hidden\" name=\"_gotcha\" value=\"x\">\n";
        assert_eq!(spam.body.contains(hidden), accept == HTML);
        assert_eq!(spam.body.replace(hidden, ""), honest.body);
    }
    assert_eq!(world.newest("contact"), Value::Null);
}

#[test]
fn the_text_is_scored_unless_the_form_turns_it_off() {
    let world = world();
    for (form, state) in [("contact", "quarantined"), ("casino", "delivered"), ("server", "delivered")] {
        let reply = post(&world, form, "application/json", CASINO);
        let id = reply.json()["id"].as_str().unwrap_or_else(|| panic!("{}", reply.body)).to_owned();
        let view = world.settled(form, &id);
        assert_eq!(deliveries(&view)[0]["state"], state, "{view:#}");
        if state == "quarantined" {
            assert_eq!(
                view["reasons"],
                json!(["signal:gambling", "signal:bbcode", "signal:risky_domain", "signal:links"])
            );
        } else {
            assert_eq!(view.get("reasons"), None);
        }
    }
}

/// In milliseconds.
const HOUR: i64 = 60 * 60 * 1000;

#[test]
fn a_page_opened_just_now_is_too_fast() {
    let mut world = world();
    let start = |world: &World, form: &str| {
        let reply = world.send("GET", &format!("/f/{form}/start"), &[], b"").json();
        reply["_start"].as_str().expect("a token").to_owned()
    };
    let suspected = |world: &World, form: &str, start: &str| {
        let id = world.submit(form, &format!("email=a%40b.co&message=Hello&_start={start}"));
        let view = world.submission(form, &id);
        if view.get("reasons").is_none() {
            world.delivered(form, &id);
        }
        view["reasons"].clone()
    };
    let (contact, thanks) = (start(&world, "contact"), start(&world, "thanks"));
    // Opened an hour from now, and an hour ago: the speed of this machine does not matter.
    world.on_platform(&clock_off_by(-HOUR));
    start(&world, "contact");
    assert_eq!(suspected(&world, "contact", &contact), json!(["too_fast"]));
    world.on_platform(&clock_off_by(HOUR));
    // This isolate does not know the key yet, and no lead waits for it.
    start(&world, "contact");
    assert_eq!(suspected(&world, "contact", &contact), Value::Null);
    // A token is valid for its own form only, and a time that the page wrote itself is not a token.
    assert_eq!(suspected(&world, "thanks", &contact), json!(["bad_start"]));
    assert_eq!(suspected(&world, "thanks", &thanks), Value::Null);
    assert_eq!(suspected(&world, "contact", "1763000000000"), json!(["bad_start"]));
    assert_eq!(suspected(&world, "contact", "&_timestamp=1763000000000&_submit_time=1"), Value::Null);
    // A mistake is corrected quickly: the error page leaves the time out.
    let fresh = start(&world, "contact");
    let page = world.post_html("contact", &format!("email=nobody&message=Hello&_start={fresh}"));
    assert!(page.status == 422 && !page.body.contains("_start"), "{}", page.body);
}

#[test]
fn a_page_fetches_its_start_token() {
    let mut world = world();
    let start = |world: &World, origin: &str| {
        world.send("GET", "/f/contact/start", &[("origin", origin), ("accept", "application/json")], b"")
    };
    let reply = start(&world, "https://www.example.com");
    assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")));
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://www.example.com"));
    let token = reply.json()["_start"].as_str().unwrap().to_owned();
    // The token is valid; it was issued a moment ago, so the post may be too fast.
    let id = world.submit("contact", &format!("email=a%40b.co&message=Hello&_start={token}"));
    let reasons = world.submission("contact", &id)["reasons"].clone();
    assert!(reasons == json!(["too_fast"]) || reasons.is_null(), "{reasons}");

    let stranger = start(&world, "https://evil.example");
    assert_eq!((stranger.status, stranger.json()["error"].as_str()), (403, Some("ORIGIN_NOT_ALLOWED")));
    assert_eq!(world.send("GET", "/f/nothing/start", &[], b"").status, 404);

    // The key is the deployment's: it stays, whatever ADMIN_TOKEN is.
    world.redeploy(&vars(), &[("CRM_API_KEY", "sk_test_1"), ("ADMIN_TOKEN", "")]);
    assert_ne!(start(&world, "https://www.example.com").json(), json!({ "_start": "" }));
    assert_eq!(post(&world, "contact", "application/json", "email=late%40b.co").status, 200);
    let begin = now();
    let is_delivered = || world.fakes.records("stateset").iter().any(|record| record["email"] == "late@b.co");
    while !is_delivered() && begin.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(is_delivered(), "{}", world.worker.log());
}
