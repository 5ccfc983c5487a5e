//! The operator API: only with the token; every submission, page by page.

use serde_json::{Value, json};

use crate::intake::{contact, world, world_with};
use crate::world::{ADMIN_TOKEN, Reply, World, visitor};

fn get(world: &World, path: &str, authorization: &str) -> Reply {
    let headers: Vec<_> =
        Some(("authorization", authorization)).into_iter().filter(|(_, value)| !value.is_empty()).collect();
    world.send("GET", path, &headers, b"")
}

fn error(message: &str) -> Value {
    json!({ "ok": false, "error": message })
}

#[test]
fn without_the_token_nothing_is_revealed() {
    let world = contact();
    let id = world.submit("contact", "name=Ada");
    let wrong_token = error("wrong ADMIN_TOKEN: send it as `Authorization: Bearer`");
    let none = error("log in at /console/, or send ADMIN_TOKEN as `Authorization: Bearer`");
    let wrong =
        [String::new(), "Bearer".into(), "Bearer ".into(), format!("Bearer {ADMIN_TOKEN}x"), ADMIN_TOKEN.into()];
    for authorization in &wrong {
        for path in [
            "/api/forms/contact/submissions".to_owned(),
            format!("/api/forms/contact/submissions/{id}"),
            "/api/forms/contact/submissions/nothing".to_owned(),
            "/api/forms/nobody/submissions".to_owned(),
            "/api/forms".to_owned(),
        ] {
            // Each from another address: after ten wrong attempts an address is refused.
            let address = visitor().replace("test visitor ", "192.0.2.");
            let mut headers = vec![("cf-connecting-ip", address.as_str())];
            headers.extend(Some(("authorization", authorization.as_str())).filter(|(_, value)| !value.is_empty()));
            let reply = world.send("GET", &path, &headers, b"");
            let message = if authorization.is_empty() { &none } else { &wrong_token };
            assert_eq!((reply.status, reply.json()), (401, message.clone()), "{path} {authorization}");
            assert_eq!(reply.header("cache-control"), Some("no-store"));
        }
    }
}

#[test]
fn a_token_that_was_pasted_with_a_line_break_opens_the_view() {
    let world = world_with(&json!({ "FORM_CONTACT": {} }), &[("ADMIN_TOKEN", &format!("{ADMIN_TOKEN}\n"))]);
    let id = world.submit("contact", "name=Ada");
    assert_eq!(world.stored("contact")[0]["id"], id.as_str());
}

#[test]
fn without_a_token_there_is_no_view() {
    for unset in ["", " "] {
        let world = world_with(&json!({ "FORM_CONTACT": {} }), &[("ADMIN_TOKEN", unset)]);
        world.submit("contact", "name=Ada");
        for authorization in ["", "Bearer ", "Bearer x"] {
            let reply = get(&world, "/api/forms/contact/submissions", authorization);
            let told = "the secret ADMIN_TOKEN is not set: run `npx wrangler secret put ADMIN_TOKEN`";
            assert_eq!((reply.status, reply.json()), (404, error(told)));
        }
    }
}

#[test]
fn what_is_not_there() {
    let world = world(&json!({ "FORM_CONTACT": {}, "FORM_OTHER": {} }));
    let id = world.submit("contact", "name=Ada");
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let no_submission = error("there is no such submission");
    for path in [
        format!("/api/forms/other/submissions/{id}"),
        "/api/forms/contact/submissions/0192a0d4-0000-7000-8000-000000000000".into(),
        "/api/forms/contact/submissions/x".into(),
        "/api/forms/contact/submissions/..%2F..%2Faccept".into(),
        format!("/api/forms/contact/submissions/{}'--", &id[..33]),
    ] {
        let reply = get(&world, &path, &bearer);
        assert_eq!((reply.status, reply.json()), (404, no_submission.clone()), "{path}");
    }
    for (path, what) in [
        ("/api/forms/nobody/submissions".to_owned(), "there is no such form"),
        (format!("/api/forms/nobody/submissions/{id}"), "there is no such submission"),
    ] {
        let reply = get(&world, &path, &bearer);
        assert_eq!((reply.status, reply.json()), (404, error(what)), "{path}");
    }
    let routes = error(
        "the routes are GET /api/forms/{form}/submissions, GET and DELETE /api/forms/{form}/submissions/{id}, POST \
         /api/forms/{form}/submissions/{id}/release, POST /api/destinations/{name}/resume and POST \
         /api/alerts/{id}/dismiss",
    );
    // The last is a release without `-X POST`.
    let release = format!("/api/forms/contact/submissions/{id}/release");
    for path in ["/api", "/api/forms", "/api/forms/contact", &release] {
        let reply = get(&world, path, &bearer);
        assert_eq!((reply.status, reply.json()), (404, routes.clone()), "{path}");
    }
    let reply = get(&world, "/api/forms/other/submissions", &bearer);
    assert_eq!((reply.status, reply.json()), (200, json!({ "submissions": [] })));
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
    for (pointer, number) in [
        ("/received_at", "a time"),
        ("/deliveries/0/timeline/0/at", "a time"),
        ("/deliveries/0/timeline/0/ms", "a duration"),
    ] {
        let value = view.pointer_mut(pointer).expect(number);
        assert!(value.take().as_i64().is_some_and(|found| found >= 0), "{pointer}");
    }
    let expected = json!({
        "id": id, "form": "contact", "received_at": null, "fields": [["name", "Ada"], ["tag", "a"], ["tag", "b"]],
        "page": "https://www.example.com/contact", "locale": "ko-KR",
        "deliveries": [{
            "destination": "hook", "state": "delivered", "record": { "id": format!("{id}-hook") }, "failure": null,
            "attempts": 1, "next_at": null,
            "timeline": [{ "at": null, "ms": null, "step": "post", "status": 200, "outcome": "delivered" }],
        }],
    });
    assert_eq!(view, expected);
    assert_eq!(world.newest("contact")["id"], id.as_str());
}

#[test]
fn the_list_goes_back_page_by_page() {
    let world = contact();
    let mut sent: Vec<_> = (0..53).map(|number| world.submit("contact", &format!("name={number}"))).collect();
    sent.reverse();
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let (mut found, mut sizes, mut query) = (Vec::new(), Vec::new(), String::new());
    loop {
        let reply = get(&world, &format!("/api/forms/contact/submissions{query}"), &bearer).json();
        let page: Vec<_> = reply["submissions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|view| view["id"].as_str().map(str::to_owned))
            .collect();
        sizes.push(page.len());
        let Some(last) = page.last() else { break };
        query = format!("?before={last}");
        found.extend(page);
    }
    assert_eq!(sizes, [50, 3, 0]);
    assert_eq!(found.len(), sent.len());
    assert_eq!(found, sent);
    // An invalid id is no place in the list.
    for query in ["?before=", "?before=x", "?before=%27%20OR%201=1", "?after=x"] {
        assert_eq!(get(&world, &format!("/api/forms/contact/submissions{query}"), &bearer).status, 400, "{query}");
    }
}

/// Fifty of the longest would be 12 MB, and twice that with many quotes, each copied several times on its way here.
#[test]
fn long_submissions_make_short_pages_and_none_is_passed_over() {
    let world = world(&json!({ "FORM_CONTACT": { "shards": 2, "max_body_bytes": 262_144 } }));
    let long: String = ["a", "b", "c", "d"].map(|name| format!("&{name}={}", "x".repeat(60_000))).concat();
    let sent: Vec<_> = (0..30).rev().map(|number| world.submit("contact", &format!("name={number}{long}"))).collect();
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let (mut found, mut query) = (Vec::new(), String::new());
    loop {
        let reply = get(&world, &format!("/api/forms/contact/submissions{query}"), &bearer);
        assert!(reply.body.len() < 5 * 1024 * 1024, "{} bytes", reply.body.len());
        let page = reply.json()["submissions"].as_array().cloned().expect("a list");
        let Some(last) = page.last() else { break };
        query = format!("?before={}", last["id"].as_str().expect("an id"));
        found.extend(page.iter().map(|view| view["id"].as_str().expect("an id").to_owned()));
    }
    found.reverse();
    assert_eq!(found, sent);
}

#[test]
fn unknown_parameters_are_named() {
    let world = contact();
    let id = world.submit("contact", "name=Ada");
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    for (path, message) in [
        ("/api/forms/contact/submissions?before=x", "before takes the id of a submission".to_owned()),
        (
            "/api/forms/contact/submissions?state=refused&since=1",
            "unknown parameter \"state\"; known here: before".to_owned(),
        ),
        (
            &format!("/api/forms/contact/submissions/{id}?verbose"),
            "unknown parameter \"verbose\"; known here: this route takes none".to_owned(),
        ),
    ] {
        let reply = get(&world, path, &bearer);
        assert_eq!((reply.status, reply.json()), (400, error(&message)), "{path}");
    }
}

#[test]
fn a_short_token_and_crm_origin_are_for_this_machine() {
    let world = world_with(&json!({ "FORM_CONTACT": {} }), &[("ADMIN_TOKEN", "development")]);
    for (host, status) in [("localhost", 200), ("forms.example.com", 503)] {
        let headers = [("authorization", "Bearer development"), ("host", host), ("cf-connecting-ip", "203.0.113.1")];
        assert_eq!(world.send("GET", "/api/forms/contact/submissions", &headers, b"").status, status, "{host}");
    }
    let world = world_with(&json!({ "FORM_CONTACT": {}, "CRM_ORIGIN": "http://127.0.0.1:9" }), &[]);
    for (host, status) in [("localhost", 200), ("forms.example.com", 503)] {
        let headers =
            [("host", host), ("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];
        assert_eq!(world.send("POST", "/f/contact", &headers, b"name=Ada").status, status, "{host}");
    }
}
