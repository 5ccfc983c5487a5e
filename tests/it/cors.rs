//! Which websites may post; their scripts can read every reply.

use serde_json::{Value, json};

use crate::intake::{BROWSER, FORM, JSON, ORIGIN_REFUSED, refusal, world};
use crate::page::form_of;
use crate::raw;
use crate::world::{Reply, World};

const WEBSITE: &str = "https://www.example.com";

fn guarded() -> World {
    world(&json!({
        "FORM_CONTACT": { "allowed_origins": [WEBSITE, "https://*.example.org", "http://shop.example.net:8080"], "required": ["email"] },
        "FORM_OPEN": {},
    }))
}

fn post(world: &World, form: &str, origin: &str, body: &str) -> Reply {
    let mut headers = vec![("Accept", JSON), ("Content-Type", FORM)];
    headers.extend(Some(("Origin", origin)).filter(|_| !origin.is_empty()));
    raw::send(world, &format!("POST /f/{form}"), &headers, body.as_bytes())
}

/// `Access-Control-Allow-Origin` and `Vary`.
fn cors(reply: &Reply) -> (Option<&str>, Option<&str>) {
    (reply.header("access-control-allow-origin"), reply.header("vary"))
}

#[test]
fn an_allowed_website_reads_its_answer() {
    let world = guarded();
    let rows = [
        WEBSITE,
        "https://shop.example.org",
        "https://a.b.example.org",
        "http://shop.example.net:8080",
        "HTTPS://WWW.EXAMPLE.COM",
        "https://www.example.com:443",
        // Our own error page sends its form from here.
        "http://forms.example.com",
    ];
    for origin in rows {
        let reply = post(&world, "contact", origin, "email=ada@example.com");
        assert_eq!(
            (reply.status, cors(&reply)),
            (200, (Some(origin), Some("Accept, Accept-Language, Origin"))),
            "{origin}"
        );
    }
    let reply = post(&world, "contact", "", "email=ada@example.com");
    assert_eq!((reply.status, cors(&reply)), (200, (None, Some("Accept, Accept-Language, Origin"))));
    assert_eq!(world.stored("contact").len(), rows.len() + 1);
}

#[test]
fn others_and_their_look_alikes_are_refused() {
    let world = guarded();
    let expected = refusal("ORIGIN_NOT_ALLOWED", ORIGIN_REFUSED, &[]);
    for origin in [
        "null",
        "https://evil.example",
        "http://www.example.com",
        "https://www.example.com:8443",
        "https://example.com",
        "https://evilwww.example.com",
        "https://www.example.com.evil.example",
        "https://www.example.com@evil.example",
        "https://www.example.com/",
        "https://example.org",
        "https://evilexample.org",
        "https://a.example.org.evil.example",
        "http://shop.example.net",
        "https://www.ex\u{430}mple.com",
        "https://forms.example.com",
        "http://localhost:3000",
        "rubbish",
    ] {
        let reply = post(&world, "contact", origin, "email=ada@example.com");
        assert_eq!((reply.status, reply.json()), (403, expected.clone()), "{origin}");
        // So that the developer of that website can read why.
        assert_eq!(cors(&reply), (Some(origin), Some("Accept, Accept-Language, Origin")));
    }
    let headers = [("Accept", BROWSER), ("Content-Type", FORM), ("Origin", "https://evil.example")];
    let page = raw::send(&world, "POST /f/contact", &headers, b"email=ada@example.com");
    assert_eq!((page.status, form_of(&page)), (403, None));
    assert_eq!(world.stored("contact"), [Value::Null; 0]);
}

#[test]
fn a_form_without_rules_takes_every_website() {
    let world = guarded();
    for origin in ["https://anyone.example", "null", "http://localhost:3000"] {
        let reply = post(&world, "open", origin, "name=Ada");
        assert_eq!((reply.status, cors(&reply).0), (200, Some(origin)));
    }
    assert_eq!(world.stored("open").len(), 3);
}

#[test]
fn a_preflight_says_what_may_be_sent_to_whoever_asks() {
    let world = guarded();
    let ask = |form: &str, origin: &str| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type, traceparent"),
        ];
        let reply = raw::send(&world, &format!("OPTIONS /f/{form}"), &headers, b"");
        let names = ["origin", "credentials", "methods", "headers", "max-age"];
        let found = names.map(|name| {
            let name = if name == "max-age" {
                "access-control-max-age".into()
            } else {
                format!("access-control-allow-{name}")
            };
            reply.header(&name).unwrap_or_default().to_owned()
        });
        (reply.status, found, reply.header("vary").unwrap_or_default().to_owned(), reply.body)
    };
    // The post itself tells a website that it may not post.
    let evil = "https://evil.example";
    for (form, origin, credentials) in [
        ("contact", WEBSITE, "true"),
        ("contact", evil, ""),
        ("contact", "null", ""),
        ("open", evil, "true"),
        ("open", "null", "true"),
        ("nobody", WEBSITE, ""),
        ("contact/start", WEBSITE, "true"),
    ] {
        let method = if form == "contact/start" { "GET" } else { "POST" };
        let allowed = [origin, credentials, method, "content-type, traceparent", "86400"].map(str::to_owned);
        let expected = (204, allowed, "Access-Control-Request-Headers, Origin".to_owned(), String::new());
        assert_eq!(ask(form, origin), expected, "{form}");
    }
}

#[test]
fn a_script_can_read_every_error() {
    let world = world(&json!({
        "FORM_CONTACT": { "allowed_origins": [WEBSITE], "required": ["email"], "max_body_bytes": 1000 },
        "FORM_STAFF": { "access": "token" },
        "FORM_BROKEN": { "colour": "red" },
    }));
    let long = "a=1&".repeat(300);
    for (form, content_type, body, status) in [
        ("contact", FORM, "", 400),
        ("contact", JSON, "[]", 400),
        ("contact", FORM, long.as_str(), 413),
        ("contact", "text/html", "x", 415),
        ("contact", FORM, "name=Ada", 422),
        ("staff", FORM, "name=Ada", 503),
        ("broken", FORM, "name=Ada", 503),
        ("nobody", FORM, "name=Ada", 404),
    ] {
        let headers = [("Accept", JSON), ("Content-Type", content_type), ("Origin", WEBSITE)];
        let reply = raw::send(&world, &format!("POST /f/{form}"), &headers, body.as_bytes());
        assert_eq!((reply.status, cors(&reply).0), (status, Some(WEBSITE)), "{form} {body}");
        assert_eq!(cors(&reply).1, Some("Accept, Accept-Language, Origin"), "{form} {body}");
    }
}

#[test]
fn the_error_page_of_a_guarded_form_can_send_again() {
    let world = guarded();
    let headers = [("accept", BROWSER), ("content-type", FORM), ("origin", WEBSITE)];
    let page = world.send("POST", "/f/contact", &headers, b"name=Ada&email=nobody");
    assert_eq!(page.status, 422);
    // With `no-referrer` a browser would send `Origin: null` from it.
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    let reply = form_of(&page).expect("a form").typed("email", "ada@example.com").send(&world);
    assert_eq!((reply.status, reply.header("location")), (303, Some("/f/contact/thanks")));
    assert_eq!(world.stored("contact")[0]["fields"], json!([["name", "Ada"], ["email", "ada@example.com"]]));
}
