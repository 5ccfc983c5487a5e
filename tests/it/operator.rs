//! The operator API: who may use it, the list with its filters, and the exports.

use fakes::Mood;
use formcourier::edge::api::{OPENAPI, ROUTES};
use serde_json::{Value, json};

use crate::hooks::{self, answer, first_object_fails, pages};
use crate::intake::{contact, world, world_with};
use crate::world::{ADMIN_TOKEN, Reply, World, deliveries, visitor};

/// Sends a request from another address each time: after ten wrong attempts an address is refused.
fn send(world: &World, method: &str, path: &str, authorization: &str) -> Reply {
    let address = visitor().replace("test visitor ", "2001:db8:0:") + "::1";
    let mut headers = vec![("cf-connecting-ip", address.as_str())];
    headers.extend(Some(("authorization", authorization)).filter(|(_, value)| !value.is_empty()));
    world.send(method, path, &headers, b"")
}

fn error(message: &str) -> Value {
    json!({ "ok": false, "error": message })
}

/// Every operation of the `OpenAPI` document that needs access, with places that exist.
fn operations(id: &str) -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(OPENAPI).expect("a document");
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let path = path.replace("{form}", "contact").replace("{name}", "hook");
        let path = path.replace("/alerts/{id}", "/alerts/contact:stuck:hook").replace("{id}", id);
        for (method, operation) in operations.as_object().expect("operations") {
            if operation["security"] != json!([]) {
                found.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    found
}

#[test]
fn without_the_token_no_route_reveals_anything() {
    let world = contact();
    let id = world.submit("contact", "name=Ada");
    let operations = operations(&id);
    assert_eq!(operations.len(), ROUTES.len());
    let wrong_token = error("wrong ADMIN_TOKEN: send it as `Authorization: Bearer`");
    let none = error("log in at /console/, or send ADMIN_TOKEN as `Authorization: Bearer`");
    let wrong =
        [String::new(), "Bearer".into(), "Bearer ".into(), format!("Bearer {ADMIN_TOKEN}x"), ADMIN_TOKEN.into()];
    let nowhere = [("GET".to_owned(), "/api/nothing".to_owned()), ("PUT".to_owned(), "/api/forms".to_owned())];
    for authorization in &wrong {
        for (method, path) in operations.iter().chain(&nowhere) {
            let reply = send(&world, method, path, authorization);
            let message = if authorization.is_empty() { &none } else { &wrong_token };
            assert_eq!((reply.status, &reply.json()), (401, message), "{method} {path} {authorization}");
            assert_eq!(reply.header("cache-control"), Some("no-store"));
            assert_eq!(reply.header("access-control-allow-origin"), None);
        }
    }
    world.delivered("contact", &id);
    for unset in ["", " "] {
        let world = world_with(&json!({ "FORM_CONTACT": {} }), &[("ADMIN_TOKEN", unset)]);
        world.submit("contact", "name=Ada");
        for authorization in ["", "Bearer ", "Bearer x"] {
            for (method, path) in &operations {
                assert_eq!(send(&world, method, path, authorization).status, 404, "{method} {path}");
            }
        }
    }
}

#[test]
fn a_token_that_was_pasted_with_a_line_break_opens_the_api() {
    let world = world_with(&json!({ "FORM_CONTACT": {} }), &[("ADMIN_TOKEN", &format!("{ADMIN_TOKEN}\n"))]);
    let id = world.submit("contact", "name=Ada");
    assert_eq!(world.stored("contact")[0]["id"], id.as_str());
}

#[test]
fn what_is_not_there() {
    let world = world(&json!({ "FORM_CONTACT": {}, "FORM_OTHER": {} }));
    let id = world.submit("contact", "name=Ada");
    let no_submission = error("there is no such submission");
    for path in [
        format!("/api/forms/other/submissions/{id}"),
        "/api/forms/contact/submissions/0192a0d4-0000-7000-8000-000000000000".into(),
        "/api/forms/contact/submissions/x".into(),
        "/api/forms/contact/submissions/..%2F..%2Faccept".into(),
        format!("/api/forms/contact/submissions/{}'--", &id[..33]),
        format!("/api/forms/nobody/submissions/{id}"),
    ] {
        let reply = world.operator("GET", &path, "");
        assert_eq!((reply.status, reply.json()), (404, no_submission.clone()), "{path}");
        for (method, path) in
            [("DELETE", path.clone()), ("POST", format!("{path}/release")), ("POST", format!("{path}/spam"))]
        {
            assert_eq!(world.operator(method, &path, "").status, 404, "{method} {path}");
        }
    }
    for path in ["/api/submissions?form=nobody", "/api/stats?form=nobody", "/api/submissions.csv?form=nobody"] {
        let reply = world.operator("GET", path, "");
        assert_eq!((reply.status, reply.json()), (404, error("there is no such form")), "{path}");
    }
    // The list of one form had this address before.
    for path in ["/api", "/api/forms/contact/submissions", "/api/forms/contact", "/api/submissions.xml"] {
        let reply = world.operator("GET", path, "");
        let text = reply.json()["error"].as_str().expect("a text").to_owned();
        assert_eq!(reply.status, 404, "{path}");
        let is_named =
            |route: &&formcourier::edge::api::Route| text.contains(&format!("{} {}", route.method, route.path));
        assert_eq!(ROUTES.iter().filter(is_named).count(), ROUTES.len(), "{text}");
    }
    let release = format!("/api/forms/contact/submissions/{id}/release");
    let one = format!("/api/forms/contact/submissions/{id}");
    for (method, path, allow) in
        [("GET", release.as_str(), "POST"), ("POST", &one, "GET, DELETE"), ("PUT", "/api/forms", "GET")]
    {
        let reply = world.operator(method, path, "");
        assert_eq!((reply.status, reply.header("allow")), (405, Some(allow)), "{method} {path}");
    }
    let reply = world.operator("GET", "/api/submissions?form=other", "");
    assert_eq!((reply.status, reply.json()), (200, json!({ "submissions": [], "next": null })));
}

#[test]
fn one_submission_whole() {
    let world = contact();
    let headers = [
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept-language", "ko-KR,ko;q=0.9"),
        ("referer", "https://www.example.com/contact?secret=1#here"),
    ];
    let reply = world.send("POST", "/f/contact", &headers, b"name=Ada&tag=a&tag=b&_x=1");
    let id = reply.json()["id"].as_str().expect("an id").to_owned();
    world.delivered("contact", &id);
    let mut view = world.submission("contact", &id);
    for pointer in ["/received_at", "/deliveries/0/timeline/0/at"] {
        let value = view.pointer_mut(pointer).expect("a time").take();
        assert!(value.as_str().is_some_and(|text| text.len() == 24 && text.ends_with('Z')), "{pointer}: {value}");
    }
    let ms = view.pointer_mut("/deliveries/0/timeline/0/ms").expect("a duration").take();
    assert!(ms.as_i64().is_some_and(|ms| ms >= 0));
    let mut expected = json!({
        "id": id, "form": "contact", "received_at": null, "fields": [["name", "Ada"], ["tag", "a"], ["tag", "b"]],
        "page": "https://www.example.com/contact", "locale": "ko-KR",
        "deliveries": [{
            "destination": "hook", "state": "delivered", "record": { "id": format!("{id}-hook") }, "failure": null,
            "attempts": 1, "next_at": null,
            "timeline": [{ "at": null, "ms": null, "step": "post", "status": 200, "outcome": "delivered" }],
        }],
        "lead": { "locale": "ko-KR", "name": "Ada", "unmapped": [["tag", "a"], ["tag", "b"]] },
        "audit": [],
    });
    assert_eq!(view, expected);
    let members = expected.as_object_mut().expect("members");
    members.retain(|member, _| member != "lead" && member != "audit");
    let mut listed = world.newest("contact");
    for pointer in ["/received_at", "/deliveries/0/timeline/0/at", "/deliveries/0/timeline/0/ms"] {
        listed.pointer_mut(pointer).expect("a value").take();
    }
    assert_eq!(listed, expected);
}

fn ids(submissions: &[Value]) -> Vec<String> {
    submissions.iter().map(|view| view["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn the_list_goes_back_part_by_part() {
    let world = contact();
    let mut sent: Vec<_> = (0..53).map(|number| world.submit("contact", &format!("name={number}"))).collect();
    sent.reverse();
    for (limit, sizes) in [("", vec![50, 3]), ("&limit=20", vec![20, 20, 13]), ("&limit=53", vec![53])] {
        let parts = pages(&world, &format!("form=contact{limit}"));
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), sizes, "{limit}");
        assert_eq!(ids(&parts.concat()), sent);
    }
}

/// Fifty of the longest would be 12 MB, and twice that with many quotes, each copied several times on its way here.
#[test]
fn long_submissions_make_short_parts_and_none_is_passed_over() {
    let world = world(&json!({ "FORM_CONTACT": { "shards": 2, "max_body_bytes": 262_144 } }));
    let long: String = ["a", "b", "c", "d"].map(|name| format!("&{name}={}", "x".repeat(60_000))).concat();
    let sent: Vec<_> = (0..30).rev().map(|number| world.submit("contact", &format!("name={number}{long}"))).collect();
    let parts = pages(&world, "form=contact");
    assert!(parts.len() > 1 && parts.iter().all(|part| json!(part).to_string().len() < 5 * 1024 * 1024));
    let mut found = ids(&parts.concat());
    found.reverse();
    assert_eq!(found, sent);
}

#[test]
fn what_is_unknown_or_malformed_is_named() {
    let world = contact();
    let id = world.submit("contact", "name=Ada");
    let one = format!("/api/forms/contact/submissions/{id}");
    let states = "pending, delivered, rejected, exhausted, quarantined";
    for (method, path, body, message) in [
        ("GET", "/api/submissions?before=x", "", "before takes the `next`"),
        ("GET", "/api/submissions?before=", "", "before takes the `next`"),
        ("GET", "/api/submissions?before=%27%20OR%201=1", "", "before takes the `next`"),
        ("GET", "/api/submissions?after=x", "", "unknown parameter \"after\"; known here: form, state"),
        ("GET", "/api/submissions?state=refused", "", states),
        ("GET", "/api/submissions?since=yesterday", "", "since takes a time"),
        ("GET", "/api/submissions?until=1", "", "until takes a time"),
        ("GET", "/api/submissions?limit=0", "", "limit takes a whole number from 1 to 100"),
        ("GET", "/api/submissions?limit=101", "", "limit takes a whole number from 1 to 100"),
        ("GET", "/api/submissions.csv?limit=5", "", "unknown parameter \"limit\""),
        ("GET", "/api/stats?days=91", "", "days takes a whole number from 1 to 90"),
        ("GET", "/api/person", "", "email takes an email address"),
        ("GET", "/api/person?email=ada", "", "email takes an email address"),
        ("GET", &format!("{one}?verbose"), "", "unknown parameter \"verbose\"; known here: this route takes none"),
        ("POST", "/api/release", "{\"states\":\"rejected\"}", "unknown field `states`"),
        ("POST", "/api/release", "{\"state\":\"delivered\"}", "does not wait for you"),
        ("POST", "/api/release", "{\"state\":\"quarantined\"}", "needs a form"),
        ("POST", "/api/release", "[]", "the body is not what this route takes"),
        ("POST", "/api/erase", "{\"email\":\"@\"}", "email takes an email address"),
        ("POST", "/api/erase", "{}", "missing field `email`"),
        ("POST", "/api/erase", "{\"email\":\"a@b.co\",\"form\":\"contact\"}", "unknown field `form`"),
    ] {
        let reply = world.operator(method, path, body);
        let text = reply.json()["error"].as_str().unwrap_or_default().to_owned();
        assert!(reply.status == 400 && text.contains(message), "{path} {body}: {} {text}", reply.status);
    }
    assert_eq!(world.stored("contact").len(), 1);
}

/// A submission: its id, its form, and where its delivery to the webhook stands.
type Sent = (String, &'static str, &'static str);

/// Three forms, one of them in shards and one whose own object fails, so that everything of it is in the overflow.
#[test]
fn filters_and_cursors_hold_across_forms_shards_and_the_overflow() {
    let mut vars = hooks::vars(&[("hook", hooks::hook()), ("stateset", hooks::stateset())]);
    vars["FORM_CONTACT"]["shards"] = json!(3);
    vars["FORM_SALES"] = json!({ "destinations": ["hook"] });
    let mut world = World::new(&vars, hooks::SECRETS, hooks::fakes());
    // Every third is rejected by the webhook, every fifth is spam.
    let mut sent: Vec<Sent> = Vec::new();
    for number in 0..30 {
        let form = ["contact", "sales"][number % 2];
        let state = if number % 5 == 0 { "quarantined" } else { ["rejected", "delivered", "delivered"][number % 3] };
        world.fakes.always("webhook", (state == "rejected").then(|| Mood::Answer(answer(400))));
        let trap = if state == "quarantined" { "&_gotcha=x" } else { "" };
        let text = ["Überraschung 100%", "상담 문의 드립니다", "O'Hara_said <b>"][number % 3];
        let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let id = world.submit(form, &format!("email=p{number}@example.com&message={text}{trap}"));
        world.settled(form, &id);
        sent.push((id, form, state));
    }
    world.fakes.always("webhook", None);
    world.on_platform(&first_object_fails());
    for number in 30..34 {
        let id = world.submit("sales", &format!("email=p{number}@example.com&message=Overflow"));
        sent.push((id, "sales", "pending"));
    }
    sent.reverse();
    let middle = world.received_at(sent[16].1, &sent[16].0);
    let all = |is_meant: &dyn Fn(usize, &Sent) -> bool| -> Vec<String> {
        sent.iter().enumerate().filter(|(place, row)| is_meant(*place, row)).map(|(_, row)| row.0.clone()).collect()
    };
    let number = |place: usize| sent.len() - 1 - place;
    let text = |text: &str| format!("q={}", form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>());
    let rows: Vec<(String, Vec<String>)> = vec![
        (String::new(), all(&|_, _| true)),
        ("form=contact".into(), all(&|_, row| row.1 == "contact")),
        ("form=sales".into(), all(&|_, row| row.1 == "sales")),
        ("state=quarantined".into(), all(&|_, row| row.2 == "quarantined")),
        ("state=rejected".into(), all(&|_, row| row.2 == "rejected")),
        (
            "state=rejected,quarantined&form=sales".into(),
            all(&|_, row| row.1 == "sales" && ["rejected", "quarantined"].contains(&row.2)),
        ),
        ("state=pending".into(), all(&|_, row| row.2 == "pending")),
        ("state=exhausted".into(), vec![]),
        ("destination=stateset".into(), all(&|_, row| row.1 == "contact")),
        // Of a rejected submission, the other destination has the lead.
        ("destination=stateset&state=delivered".into(), all(&|_, row| row.1 == "contact" && row.2 != "quarantined")),
        ("destination=hook&state=delivered".into(), all(&|_, row| row.2 == "delivered")),
        (format!("since={middle}"), all(&|place, _| place <= 16)),
        (format!("until={middle}"), all(&|place, _| place >= 16)),
        (format!("since={middle}&state=rejected"), all(&|place, row| place <= 16 && row.2 == "rejected")),
        (text("ÜBERRASCHUNG"), all(&|place, row| row.2 != "pending" && number(place) % 3 == 0)),
        (text("100%"), all(&|place, row| row.2 != "pending" && number(place) % 3 == 0)),
        (text("문의"), all(&|place, row| row.2 != "pending" && number(place) % 3 == 1)),
        (text("o'hara_SAID <B>"), all(&|place, row| row.2 != "pending" && number(place) % 3 == 2)),
        (text("O'HaraXsaid"), vec![]),
        (text("overflow"), all(&|_, row| row.2 == "pending")),
        (text("P1@example.com"), all(&|place, _| number(place) == 1)),
        (text(&sent[20].0), vec![sent[20].0.clone()]),
        (
            format!("{}&state=quarantined", text("문의")),
            all(&|place, row| row.2 == "quarantined" && number(place) % 3 == 1),
        ),
    ];
    for (query, expected) in rows {
        for limit in [1, 7, 100] {
            let parts = pages(&world, &format!("{query}&limit={limit}"));
            assert_eq!(ids(&parts.concat()), expected, "{query} {limit}");
            assert!(parts.iter().all(|part| part.len() <= limit), "{query}");
        }
    }
    // The totals add up to the same.
    let forms = world.api("GET", "/api/forms", "");
    assert_eq!(forms["unreachable"], json!([]));
    for (form, deliveries_each) in [("contact", 2), ("sales", 1)] {
        let found =
            forms["forms"].as_array().expect("forms").iter().find(|found| found["form"] == form).expect("the form");
        let stored = pages(&world, &format!("form={form}")).concat();
        let counts = |state: &str| {
            let all = stored.iter().flat_map(deliveries);
            all.filter(|delivery| delivery["state"] == state).count()
        };
        let mut sum = 0;
        for state in ["delivered", "pending", "rejected", "exhausted", "quarantined"] {
            assert_eq!(found["counts"][state], counts(state), "{form} {state}: {:#}", found["counts"]);
            sum += counts(state);
        }
        assert_eq!((found["counts"]["received"].clone(), sum), (json!(stored.len()), stored.len() * deliveries_each));
        for destination in found["destinations"].as_array().expect("destinations") {
            let counts = destination["counts"].as_object().expect("counts");
            let sum: u64 = counts.iter().filter(|(name, _)| *name != "received").filter_map(|(_, n)| n.as_u64()).sum();
            assert_eq!(counts["received"], sum, "{destination:#}");
        }
    }
}

#[test]
fn a_short_token_and_crm_origin_are_for_this_machine() {
    let world = world_with(&json!({ "FORM_CONTACT": {} }), &[("ADMIN_TOKEN", "development")]);
    for (host, status) in [("localhost", 200), ("forms.example.com", 503)] {
        let headers = [("authorization", "Bearer development"), ("host", host), ("cf-connecting-ip", "203.0.113.1")];
        assert_eq!(world.send("GET", "/api/submissions", &headers, b"").status, status, "{host}");
    }
    let world = world_with(&json!({ "FORM_CONTACT": {}, "CRM_ORIGIN": "http://127.0.0.1:9" }), &[]);
    for (host, status) in [("localhost", 200), ("forms.example.com", 503)] {
        let headers =
            [("host", host), ("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];
        assert_eq!(world.send("POST", "/f/contact", &headers, b"name=Ada").status, status, "{host}");
    }
}
