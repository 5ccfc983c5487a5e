//! Where a page may send its visitor: its own website and the form's origins; for everything else the form decides, and
//! the submission is stored all the same.

use serde_json::{Value, json};

use crate::intake::{BROWSER, FORM, JSON, world};
use crate::page::form_of;
use crate::raw;
use crate::world::{Reply, World};

const WEBSITE: &str = "https://www.example.com";
const ORIGINS: &[&str] = &["https://www.example.com", "https://*.example.org"];

fn forms() -> World {
    world(&json!({
        "FORM_LISTED": { "allowed_origins": ORIGINS, "required": ["name"] },
        "FORM_OWN": { "allowed_origins": ORIGINS, "redirect": "https://www.example.com/own" },
        "FORM_OPEN": {},
        "FORM_WEB3FORMS": { "allowed_origins": ORIGINS, "dialect": "web3forms" },
        "FORM_WEBTOLEAD": { "allowed_origins": ORIGINS, "dialect": "webtolead" },
    }))
}

fn post(world: &World, form: &str, accept: &str, from: &[(&str, &str)], sent: &[(&str, &str)]) -> Reply {
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(sent).finish();
    let mut headers = vec![("Accept", accept), ("Content-Type", FORM)];
    headers.extend(from);
    raw::send(world, &format!("POST /f/{form}"), &headers, body.as_bytes())
}

/// Sends it as a browser and as a script: both have to be sent to `to`, and the operator has to see `ignored`.
#[track_caller]
fn leads(world: &World, form: &str, from: &[(&str, &str)], control: (&str, &str), to: &str, ignored: &Value) {
    let sent = [("name", "Ada"), control];
    let page = post(world, form, BROWSER, from, &sent);
    assert_eq!((page.status, page.header("location")), (303, Some(to)), "{form} {from:?} {control:?}");
    let script = post(world, form, JSON, from, &sent);
    let whole = if to.starts_with('/') { format!("http://forms.example.com{to}") } else { to.to_owned() };
    assert_eq!((script.status, script.json()["next"].as_str()), (200, Some(whole.as_str())), "{form} {control:?}");
    let view = world.submission(form, script.json()["id"].as_str().expect("an id"));
    assert_eq!((&view["fields"], &view["ignored"]), (&json!([["name", "Ada"]]), ignored), "{form} {control:?}");
}

#[test]
fn every_services_name_for_it() {
    let world = forms();
    let origin = [("Origin", WEBSITE)];
    let to = "https://www.example.com/thanks";
    for name in ["_next", "_redirect", "_return_url", "redirect_to", "retURL"] {
        leads(&world, "listed", &origin, (name, "/thanks"), to, &Value::Null);
        leads(&world, "listed", &origin, (name, to), to, &Value::Null);
    }
    leads(&world, "web3forms", &origin, ("redirect", to), to, &Value::Null);
    leads(&world, "webtolead", &origin, ("retURL", to), to, &Value::Null);
    // What no dialect declares is data, and errors stay on our page, where the text is.
    let reply = post(&world, "listed", JSON, &origin, &[("name", "Ada"), ("redirect", to)]);
    assert_eq!(reply.json()["next"], "http://forms.example.com/f/listed/thanks");
    for name in ["_error", "failUrl"] {
        leads(&world, "listed", &origin, (name, to), "/f/listed/thanks", &json!([name]));
        let failed = post(&world, "listed", BROWSER, &origin, &[("name", ""), ("x", "y"), (name, to)]);
        assert_eq!((failed.status, failed.header("location")), (422, None));
    }
}

#[test]
fn where_a_visitor_may_be_sent() {
    let world = forms();
    for (text, to) in [
        ("/", "https://www.example.com/"),
        (" /thanks ", "https://www.example.com/thanks"),
        ("/thanks?a=b&c=//d#e", "https://www.example.com/thanks?a=b&c=//d#e"),
        ("/%2F%2Fevil.example", "https://www.example.com/%2F%2Fevil.example"),
        ("/%5Cevil.example", "https://www.example.com/%5Cevil.example"),
        ("/@evil.example", "https://www.example.com/@evil.example"),
        ("/감사", "https://www.example.com/%EA%B0%90%EC%82%AC"),
        ("HTTPS://WWW.Example.COM:443/Thanks", "https://www.example.com/Thanks"),
        ("https://shop.example.org/a?b", "https://shop.example.org/a?b"),
        ("https://a.b.example.org/", "https://a.b.example.org/"),
        ("http://forms.example.com/f/listed/thanks", "http://forms.example.com/f/listed/thanks"),
    ] {
        leads(&world, "listed", &[("Origin", WEBSITE)], ("_next", text), to, &Value::Null);
        leads(&world, "own", &[("Origin", WEBSITE)], ("_next", text), to, &Value::Null);
    }
}

#[test]
fn redirects_that_are_not_followed() {
    let world = forms();
    let long = format!("/{}", "a".repeat(2048));
    let corpus = [
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        "/a\r\nSet-Cookie: a=b",
        "/a\r\n\r\n<script>alert(1)</script>",
        "/a b",
        "/\u{a0}/evil.example",
        "/\u{3000}evil.example",
        "https://evil.example",
        "http://www.example.com/thanks",
        "https://www.example.com:8443/",
        "https://www.example.com.evil.example/",
        "https://evilwww.example.com/",
        "https://example.org/",
        "https://evilexample.org/",
        "https://a.example.org.evil.example/",
        "https://www.example.com@evil.example/",
        "https://www.example.com:443@evil.example/",
        "https://user:password@www.example.com/",
        "https://evil.example/https://www.example.com",
        "https://evil.example#@www.example.com",
        "https://evil.example\\@www.example.com",
        "https://www.example.com\\.evil.example",
        "https://www.example.com%2eevil.example/",
        "https://www\u{3002}example\u{3002}com/",
        "https://www.ex\u{430}mple.com/",
        "https://www.example.com\u{ff0f}evil.example/",
        "https://www.example.com./",
        "https:/evil.example",
        "https:evil.example",
        "https:/www.example.com",
        "https:///evil.example",
        "ht\ntps://www.example.com",
        "https://www.exam\tple.com",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "javascript://www.example.com/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd",
        "ftp://www.example.com/",
        "blob:https://www.example.com/x",
        "thanks.html",
        "www.example.com/thanks",
        "?thanks",
        "#thanks",
        &long,
    ];
    for text in corpus {
        leads(&world, "listed", &[("Origin", WEBSITE)], ("_next", text), "/f/listed/thanks", &json!(["_next"]));
        leads(&world, "own", &[("Origin", WEBSITE)], ("_next", text), "https://www.example.com/own", &json!(["_next"]));
        leads(&world, "open", &[("Origin", WEBSITE)], ("_next", text), "/f/open/thanks", &json!(["_next"]));
    }
    assert_eq!(world.stored("listed").len(), 50, "a page of the operator's view");
}

#[test]
fn the_website_is_known_by_its_origin_or_its_referer() {
    let world = forms();
    let (fallback, ignored) = ("/f/open/thanks", json!(["_next"]));
    let (origin, referer) = (("Origin", "https://any.example"), ("Referer", "https://any.example/contact?x=1"));
    let any = "https://any.example/thanks";
    leads(&world, "open", &[origin], ("_next", "/thanks"), any, &Value::Null);
    leads(&world, "open", &[referer], ("_next", "/thanks"), any, &Value::Null);
    leads(&world, "open", &[origin], ("_next", any), any, &Value::Null);
    leads(&world, "open", &[("Origin", "null"), referer], ("_next", "/thanks"), any, &Value::Null);
    leads(&world, "open", &[], ("_next", "/thanks"), fallback, &ignored);
    leads(&world, "open", &[], ("_next", any), fallback, &ignored);
    leads(&world, "open", &[("Origin", "null")], ("_next", "/thanks"), fallback, &ignored);
    leads(&world, "open", &[origin], ("_next", "https://other.example/"), fallback, &ignored);
    // With `allowed_origins`, a form never redirects to another website, even without an `Origin` header.
    leads(&world, "listed", &[referer], ("_next", "/thanks"), "/f/listed/thanks", &ignored);
    leads(&world, "listed", &[], ("_next", "https://www.example.com/a"), "https://www.example.com/a", &Value::Null);
}

#[test]
fn a_page_that_is_sent_again_still_goes_where_the_website_wanted() {
    let world = forms();
    let from = [("Origin", WEBSITE), ("Referer", "https://www.example.com/contact")];
    let failed = post(&world, "listed", BROWSER, &from, &[("name", " "), ("x", "y"), ("_next", "/thanks")]);
    assert_eq!(failed.status, 422);
    let reply = form_of(&failed).expect("a form").typed("name", "Ada").send(&world);
    assert_eq!((reply.status, reply.header("location")), (303, Some("https://www.example.com/thanks")));
}

#[test]
fn the_way_back_to_a_listed_website_survives_the_error_page() {
    let world = forms();
    let (contact, stranger) = ("https://www.example.com/contact?a=1", "https://stranger.example/");
    let links = |page: &Reply| page.body.contains("<a href=\"https://www.example.com/contact?a=1\"");
    for (form, referer, is_linked) in [("listed", contact, true), ("listed", stranger, false), ("open", contact, true)]
    {
        let headers = [("Accept", BROWSER), ("Referer", referer)];
        let thanks = raw::send(&world, &format!("GET /f/{form}/thanks"), &headers, b"");
        assert_eq!(links(&thanks), is_linked, "{form} {referer}");
        let failed = post(&world, form, BROWSER, &[("Referer", referer)], &[("name", " "), ("x", "y"), ("email", "x")]);
        let sent =
            form_of(&failed).expect("a form").typed("email", "ada@example.com").typed("name", "Ada").send(&world);
        let location = sent.header("location").expect("a redirect").to_owned();
        let ours = format!("http://forms.example.com/f/{form}");
        let thanks = |referer| raw::send(&world, &format!("GET {location}"), &[("Referer", referer)], b"");
        assert_eq!(links(&thanks(ours.as_str())), is_linked, "{form} {referer} {location}");
        assert!(!links(&thanks(stranger)), "a stranger's link: {location}");
    }
}

#[test]
fn our_own_error_page_is_no_page_of_the_website() {
    let world = forms();
    for (page, expected) in [
        ("http://forms.example.com/f/open", None),
        ("http://forms.example.com/f/other?a", None),
        // A website may be on our own host, and may call its pages as we call ours.
        ("http://forms.example.com/contact", Some("http://forms.example.com/contact")),
        ("https://www.example.com/f/open?a#b", Some("https://www.example.com/f/open")),
    ] {
        let reply = post(&world, "open", JSON, &[("Referer", page)], &[("name", page)]);
        let view = world.submission("open", reply.json()["id"].as_str().expect("an id"));
        assert_eq!(view["page"].as_str(), expected, "{page}");
        let thanks = raw::send(&world, "GET /f/open/thanks", &[("Accept", BROWSER), ("Referer", page)], b"");
        assert_eq!(thanks.body.contains("<a href="), expected.is_some(), "{page}");
    }
}

#[test]
fn spam_gets_the_same_redirect() {
    let world = forms();
    let sent = [("name", "Ada"), ("_next", "/thanks"), ("_gotcha", "x")];
    let reply = post(&world, "listed", BROWSER, &[("Origin", WEBSITE)], &sent);
    assert_eq!((reply.status, reply.header("location")), (303, Some("https://www.example.com/thanks")));
    assert_eq!(world.newest("listed")["reasons"], json!(["honeypot:_gotcha"]));
}
