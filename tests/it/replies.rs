//! Both kinds of reply: who gets a page and who JSON, where they are redirected, and the error page that keeps the text.

use serde_json::{Value, json};

use crate::intake::{BROWSER, FORM, JSON, PARTS, THANKS, accepted, contact, parts, refusal, world};
use crate::page::{fields_of, form_of, main_of};
use crate::raw;
use crate::world::{Reply, World};

const AXIOS: &str = "application/json, text/plain, */*";
const JQUERY: &str = "application/json, text/javascript, */*; q=0.01";
const ANY: &str = "*/*";
const NONE: &str = "";

/// Content-Type, Accept, X-Requested-With, Sec-Fetch-Mode and -Site; `NONE`: the header is not sent.
type Asked = (&'static str, &'static str, &'static str, &'static str);

const PAGES: &[Asked] = &[
    (FORM, NONE, NONE, NONE),
    (FORM, ANY, NONE, NONE),
    (FORM, BROWSER, NONE, NONE),
    (FORM, BROWSER, NONE, "navigate"),
    (FORM, ANY, "XMLHttpRequest", "navigate"),
    (FORM, BROWSER, "com.kakao.talk", NONE),
    (FORM, "text/html", NONE, NONE),
    (FORM, "text/html, application/json", NONE, NONE),
    (FORM, "application/json;q=0.5, text/html;q=0.6", NONE, NONE),
    (FORM, "application/json;q=0, */*", NONE, NONE),
    (FORM, "image/png", NONE, NONE),
    (FORM, BROWSER, NONE, "cors"),
    (FORM, BROWSER, NONE, "cors same-origin"),
    (PARTS, NONE, NONE, NONE),
    (PARTS, BROWSER, NONE, "navigate"),
    (JSON, BROWSER, NONE, NONE),
    (JSON, "text/html;q=0.9, application/json;q=0.8", NONE, NONE),
    (JSON, ANY, NONE, "navigate"),
];

const SCRIPTS: &[Asked] = &[
    (FORM, JSON, NONE, NONE),
    (FORM, AXIOS, NONE, NONE),
    (FORM, JQUERY, "XMLHttpRequest", NONE),
    (FORM, BROWSER, "XMLHttpRequest", NONE),
    (FORM, NONE, "XMLHttpRequest", NONE),
    (FORM, "application/json, text/html", NONE, NONE),
    (FORM, "text/html;q=0.5, application/json;q=0.6", NONE, NONE),
    (FORM, "text/html;q=0, */*", NONE, NONE),
    (FORM, ANY, NONE, "cors"),
    (FORM, NONE, NONE, "no-cors"),
    (FORM, ANY, NONE, "same-origin"),
    (FORM, BROWSER, NONE, "cors cross-site"),
    (PARTS, "text/html", NONE, "cors same-site"),
    (PARTS, JSON, NONE, "cors"),
    (PARTS, ANY, NONE, "cors"),
    ("text/plain;charset=UTF-8", ANY, NONE, "no-cors"),
    (JSON, NONE, NONE, NONE),
    (JSON, ANY, NONE, NONE),
    (JSON, ANY, NONE, "cors"),
    (JSON, "image/png", NONE, NONE),
    ("application/vnd.api+json", NONE, NONE, NONE),
];

fn ask(world: &World, (content_type, accept, requested_with, fetch_mode): Asked, is_filled: bool) -> Reply {
    let (mode, site) = fetch_mode.split_once(' ').unwrap_or((fetch_mode, NONE));
    let headers = [
        ("Content-Type", content_type),
        ("Accept", accept),
        ("X-Requested-With", requested_with),
        ("Sec-Fetch-Mode", mode),
        ("Sec-Fetch-Site", site),
    ];
    let headers: Vec<_> = headers.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let value = if is_filled { "Ada" } else { "" };
    let body = match content_type {
        FORM => format!("name={value}"),
        PARTS => parts(&[("name=\"name\"", value)]),
        _ => json!({ "name": value }).to_string(),
    };
    raw::send(world, "POST /f/contact", &headers, body.as_bytes())
}

#[test]
fn who_shows_the_answer_to_a_person_gets_a_page() {
    let world = contact();
    for asked in PAGES {
        let reply = ask(&world, *asked, true);
        assert_eq!((reply.status, reply.header("location")), (303, Some("/f/contact/thanks")), "{asked:?}");
        assert_eq!((reply.body.as_str(), reply.header("cache-control")), ("", Some("no-store")), "{asked:?}");
        let refused = ask(&world, *asked, false);
        assert_eq!(
            (refused.status, refused.header("content-type")),
            (400, Some("text/html; charset=utf-8")),
            "{asked:?}"
        );
    }
    assert_eq!(world.stored("contact").len(), PAGES.len());
}

#[test]
fn a_script_gets_json_and_never_a_redirect() {
    let world = contact();
    let empty = refusal("EMPTY", "Nothing was filled in. Please fill in the form and send it again.", &[]);
    for asked in SCRIPTS {
        let reply = ask(&world, *asked, true);
        assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"), "{asked:?}");
        accepted(&reply, THANKS, "http://forms.example.com/f/contact/thanks");
        let refused = ask(&world, *asked, false);
        assert_eq!((refused.status, refused.json()), (400, empty.clone()), "{asked:?}");
    }
    assert_eq!(world.stored("contact").len(), SCRIPTS.len());
}

#[test]
fn a_library_that_shows_pages_gets_a_page() {
    let world = world(&json!({ "FORM_CONTACT": {}, "FORM_AWAY": { "redirect": "https://www.example.com/thanks" } }));
    let own = "http://forms.example.com";
    for name in ["HX-Request", "X-Up-Version", "Turbo-Frame"] {
        for (form, origin, site, status) in [
            ("contact", own, "same-origin", 303),
            ("contact", "https://www.example.com", "cross-site", 200),
            // The redirect itself would leave the origin.
            ("away", own, "same-origin", 200),
        ] {
            let headers = [
                (name, "true"),
                ("Content-Type", FORM),
                ("Accept", ANY),
                ("Origin", origin),
                ("Sec-Fetch-Mode", "cors"),
                ("Sec-Fetch-Site", site),
            ];
            let reply = raw::send(&world, &format!("POST /f/{form}"), &headers, b"name=Ada");
            assert_eq!(reply.status, status, "{name} {site}");
            assert_eq!(reply.body.contains("<h1>Thank you</h1>"), status == 200, "{name} {site}");
            assert_eq!(reply.header("access-control-allow-origin"), Some(origin), "{name} {site}");
            let refused = raw::send(&world, &format!("POST /f/{form}"), &headers, b"name=");
            assert_eq!((refused.status, refused.header("content-type")), (400, Some("text/html; charset=utf-8")));
        }
    }
}

#[test]
fn where_a_visitor_is_led() {
    let world = world(&json!({
        "FORM_AWAY": { "redirect": "https://www.example.com/감사?a=1&b=%20#x" },
        "FORM_HERE": { "redirect": "/done?a=1" },
        "FORM_BUILT_IN": {},
    }));
    let own = format!("http://{}", world.worker.address);
    let rows = [
        ("away", "https://www.example.com/%EA%B0%90%EC%82%AC?a=1&b=%20#x", ""),
        ("here", "/done?a=1", own.as_str()),
        ("built-in", "/f/built-in/thanks", own.as_str()),
    ];
    for (form, location, origin) in rows {
        // What the page itself asks for is not an address that the operator allowed.
        let reply = world.post_html(form, "name=Ada&_next=https://evil.example/&_redirect=//evil.example");
        assert_eq!((reply.status, reply.header("location")), (303, Some(location)), "{form}");
        let reply = world.post_json(form, FORM, "name=Ada&_next=https://evil.example/");
        accepted(&reply, THANKS, &format!("{origin}{location}"));
    }
}

#[test]
fn the_thanks_page_in_english_and_korean() {
    let world = contact();
    let rows = [
        ("en-US,en;q=0.9,ko;q=0.8", "en", "<h1>Thank you</h1>\n<p>Your message has arrived.</p>\n"),
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko", "<h1>감사합니다</h1>\n<p>메시지가 접수되었습니다.</p>\n"),
        ("fr", "en", "<h1>Thank you</h1>\n<p>Your message has arrived.</p>\n"),
    ];
    for (accept_language, language, main) in rows {
        let reply = world.send("GET", "/f/contact/thanks", &[("accept-language", accept_language)], b"");
        let headers =
            ["content-type", "content-language", "cache-control", "x-content-type-options", "referrer-policy"];
        let found = headers.map(|name| reply.header(name).unwrap_or_default());
        assert_eq!(found, ["text/html; charset=utf-8", language, "no-store", "nosniff", "same-origin"]);
        assert!(reply.status == 200 && main_of(&reply).ends_with(main), "{}", reply.body);
        let policy = reply.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.ends_with("'; base-uri 'none'; form-action 'none'; frame-ancestors *"), "{policy}");
    }
    let head = world.send("HEAD", "/f/contact/thanks", &[], b"");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(world.send("GET", "/f/nobody/thanks", &[], b"").status, 404);
}

#[test]
fn a_success_in_korean() {
    let world = contact();
    let headers = [("accept", JSON), ("content-type", FORM), ("accept-language", "ko-KR,ko;q=0.9")];
    let reply = world.send("POST", "/f/contact", &headers, b"name=Ada");
    let next = format!("http://{}/f/contact/thanks", world.worker.address);
    let id = accepted(&reply, "감사합니다. 메시지가 접수되었습니다.", &next);
    assert_eq!(reply.header("content-language"), Some("ko"));
    assert_eq!(world.submission("contact", &id)["locale"], "ko-KR");
}

#[test]
fn the_error_page_keeps_what_was_typed_and_its_form_is_accepted() {
    let nasty = "<script>alert(1)</script> \"quoted\" & 'single' &amp; </textarea><input name=x>";
    let long = format!("{nasty}\r\n{}", "긴 문장 ".repeat(40));
    let world =
        world(&json!({ "FORM_CONTACT": { "required": ["email"], "redirect": "https://www.example.com/thanks" } }));
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("이름", nasty).append_pair("Your-Email", "nobody").append_pair("message", &long);
    body.append_pair("topic[]", "a").append_pair("topic[]", "b").append_pair("\"><b>", "odd name");
    body.append_pair("password", "s3cret").append_pair("_subject", nasty).append_pair("_id", "key-1");
    let page = world.post_page("contact", FORM, body.finish());

    assert_eq!((page.status, page.header("content-type")), (422, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!page.body.contains("<script") && !page.body.contains("<b>") && !page.body.contains("<input name=x>"));
    let form = form_of(&page).expect("a form to send again");
    assert_eq!((form.method.as_str(), form.action.as_str()), ("post", "/f/contact"));
    let sent = [
        ("이름", nasty),
        ("Your-Email", "nobody"),
        ("message", &long),
        ("topic", "a"),
        ("topic", "b"),
        ("\"><b>", "odd name"),
        ("password", "s3cret"),
        ("_subject", nasty),
        ("_id", "key-1"),
    ];
    assert_eq!(form.fields, sent.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(world.stored("contact"), [Value::Null; 0]);

    let reply = form.typed("Your-Email", "ada@example.com").send(&world);
    assert_eq!((reply.status, reply.header("location")), (303, Some("https://www.example.com/thanks")));
    let stored = world.stored("contact");
    assert_eq!(stored.len(), 1);
    let fields = [
        ("이름", nasty),
        ("Your-Email", "ada@example.com"),
        ("message", &long),
        ("topic", "a"),
        ("topic", "b"),
        ("\"><b>", "odd name"),
        ("password", "s3cret"),
    ];
    assert_eq!(stored[0]["fields"], json!(fields));
}

#[test]
fn a_page_that_sending_again_cannot_mend_offers_no_form_and_shows_the_text() {
    let world = world(&json!({ "FORM_CONTACT": { "allowed_origins": ["https://www.example.com"] } }));
    let body = &parts(&[("name=\"name\"", "Ada"), ("name=\"message\"", "hello")]);
    let cut = &body[..body.len() - 8];
    let page = world.post_page("contact", PARTS, cut);
    assert_eq!((page.status, form_of(&page)), (400, None));
    assert_eq!(fields_of(main_of(&page)), [("name".to_owned(), "Ada".to_owned())]);
    assert_eq!(world.stored("contact"), [Value::Null; 0]);
}

#[test]
fn a_post_that_is_not_read_any_further_keeps_its_text() {
    let world = world(&json!({
        "FORM_CONTACT": { "allowed_origins": ["https://www.example.com"] },
        "FORM_BROKEN": { "colour": "red" },
    }));
    for (form, origin, status) in [
        ("contact", "https://evil.example", 403),
        ("broken", "https://www.example.com", 503),
        ("nobody", "https://www.example.com", 404),
    ] {
        let headers = [("Accept", BROWSER), ("Content-Type", FORM), ("Origin", origin)];
        let page = raw::send(&world, &format!("POST /f/{form}"), &headers, b"name=Ada&message=hello&_next=/x");
        assert_eq!(page.status, status, "{form}");
        let kept: Vec<_> = fields_of(main_of(&page)).into_iter().take(2).collect();
        let sent = [("name", "Ada"), ("message", "hello")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(kept, sent, "{form}");
        assert!(main_of(&page).contains("Your message was not sent"), "{form}");
    }
}

#[test]
fn a_required_field_that_is_missing_can_be_filled_in_on_the_page() {
    let world = world(&json!({ "FORM_CONTACT": { "required": ["email", "phone"] } }));
    let page = world.post_page("contact", FORM, "message=hello&your-email=+");
    let form = form_of(&page).expect("a form");
    let names: Vec<_> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((page.status, names), (422, vec!["message", "your-email", "phone"]));
    let reply = form.typed("your-email", "ada@example.com").typed("phone", "010-1234-5678").send(&world);
    assert_eq!(reply.status, 303);
    let fields = json!([["message", "hello"], ["your-email", "ada@example.com"], ["phone", "010-1234-5678"]]);
    assert_eq!(world.stored("contact")[0]["fields"], fields);
}
