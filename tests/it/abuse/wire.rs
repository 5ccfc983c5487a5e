//! Hostile requests: two lengths, request smuggling, header injection and log injection.

use serde_json::Value;

use super::{lives_on, with_headers};
use crate::intake::{FORM, JSON, contact, world};
use crate::raw::{self, Raw};

/// A request hidden in the body of another, which must never run.
const SMUGGLED: &str = "POST /f/contact HTTP/1.1\r\nHost: forms.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                        Content-Length: 13\r\n\r\nname=Smuggled";

#[test]
fn two_lengths_are_none() {
    let world = contact();
    let head =
        format!("POST /f/contact HTTP/1.1\r\nHost: forms.example.com\r\nContent-Type: {FORM}\r\nAccept: {JSON}\r\n");
    // Two parsers of the headers would disagree whether the second request is inside the first or follows it.
    let whole = SMUGGLED.len() + 5;
    let chunked = format!("0\r\n\r\n{SMUGGLED}");
    let lying = format!("1\r\na=b{SMUGGLED}");
    for (what, headers, body) in [
        ("two lengths", format!("Content-Length: 0\r\nContent-Length: {whole}\r\n"), SMUGGLED),
        ("two in one", format!("Content-Length: 0, {whole}\r\n"), SMUGGLED),
        ("a length, and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n".to_owned(), &chunked),
        ("chunks, and a length", format!("Transfer-Encoding: chunked\r\nContent-Length: {whole}\r\n"), &chunked),
        ("chunks in disguise", format!("Transfer-Encoding: xchunked\r\nContent-Length: {whole}\r\n"), &chunked),
        ("two encodings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned(), &chunked),
        ("a blank in a name", format!("Content-Length : {whole}\r\nContent-Length: 0\r\n"), SMUGGLED),
        ("a folded header", format!("X: y\r\n Content-Length: {whole}\r\nContent-Length: 0\r\n"), SMUGGLED),
        ("a chunk that is longer than it says", "Transfer-Encoding: chunked\r\n".to_owned(), &lying),
    ] {
        let mut raw = Raw::open(&world);
        raw.offer(format!("{head}Connection: close\r\n{headers}\r\n{body}").as_bytes());
        let rest = raw.other_end();
        // The platform refuses ambiguous requests; of the others it reads only the first.
        assert_eq!(raw.answer().map(|reply| reply.status), Some(400), "{what}");
        assert!(rest.answer().is_none(), "{what}: a second answer");
        assert_eq!(world.stored("contact"), [Value::Null; 0], "{what}");
    }
    lives_on(&world, "contact");
}

#[test]
fn no_header_becomes_another() {
    let world = contact();
    let evil = "https://www.example.com\r\nX-Injected: 1";
    // Headers that are echoed or passed on, with values that only an attacker sends.
    for (name, value) in [
        ("Origin", "https://www.example.com\u{e9}"),
        ("Origin", "https://www.example.com%0d%0aX-Injected:%201"),
        ("Origin", "https://www.example.com, https://evil.example"),
        ("Origin", "이것은 오리진이 아닙니다"),
        ("Referer", "https://www.example.com/%0d%0aX-Injected:%201"),
        ("Referer", "https://www.example.com/\u{ed}\u{fffd}"),
        ("Idempotency-Key", "k\u{1}\u{7f}%0d%0aX-Injected:%201"),
        ("Idempotency-Key", "열쇠 \u{202e}"),
        ("Accept-Language", "ko-KR\u{e9}%0d%0a"),
        ("User-Agent", "\u{1b}[31m\u{e9}"),
        ("Accept", "text/html\u{e9}"),
    ] {
        let reply = with_headers(&world, &[(name, value)], "name=Ada");
        assert!(matches!(reply.status, 200 | 303 | 400 | 403), "{name}: {value}: {} {}", reply.status, reply.body);
        assert_eq!(reply.header("x-injected"), None, "{name}: {value}");
        let stored = world.newest("contact");
        assert!(reply.status >= 400 || stored["fields"].is_array());
    }
    // On the wire, a line feed alone, a carriage return alone, and both.
    for border in ["\r\n", "\n", "\r", "\0"] {
        for name in ["Origin", "Referer", "Idempotency-Key"] {
            let value = evil.replace("\r\n", border);
            let mut raw = Raw::open(&world);
            raw.head(
                "POST /f/contact",
                &[("Content-Type", FORM), ("Accept", JSON), (name, &value), ("Content-Length", "8")],
            );
            let _ = raw.write(b"name=Ada");
            let Some(reply) = raw.answer() else { continue };
            assert!(matches!(reply.status, 200 | 400), "{name} {border:?}: {} {}", reply.status, reply.body);
            assert_eq!(reply.header("x-injected"), None, "{name} {border:?}");
            let echoed = reply.header("access-control-allow-origin").unwrap_or_default();
            assert!(!echoed.contains("X-Injected"), "{name} {border:?}: {echoed}");
        }
    }
    // In fields that other services use as headers or addresses.
    let fields = [
        ("_next", "https://evil.example/\r\nSet-Cookie: a=b"),
        ("_redirect", "/\r\nX-Injected: 1"),
        ("_replyto", "a@example.com\r\nBcc: everyone@example.com"),
        ("_subject", "x\r\nBcc: y@example.com"),
        ("_id", "key\r\nX-Injected: 1"),
        ("redirect", "//evil.example"),
        ("name", "Ada\r\nX-Injected: 1"),
    ];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let reply = world.post_html("contact", &body);
    assert_eq!((reply.status, reply.header("location")), (303, Some("/f/contact/thanks")));
    assert_eq!((reply.header("x-injected"), reply.header("set-cookie")), (None, None));
    let id = world.newest("contact")["id"].as_str().expect("an id").to_owned();
    world.delivered("contact", &id);
    for request in world.fakes.requests("webhook") {
        assert!(request.headers.iter().all(|(name, value)| name != "x-injected" && !value.contains("X-Injected")));
    }
    lives_on(&world, "contact");
}

#[test]
fn headers_that_are_too_many_or_too_long() {
    let world = contact();
    let long = "v".repeat(1_000_000);
    for (what, head) in [
        ("one of a megabyte", format!("X: {long}\r\n")),
        ("ten thousand", (0..10_000).map(|at| format!("X-{at}: y\r\n")).collect::<Vec<_>>().concat()),
        ("a name of a megabyte", format!("{long}: x\r\n")),
    ] {
        let mut raw = Raw::open(&world);
        let request = format!(
            "POST /f/contact HTTP/1.1\r\nHost: a\r\nContent-Type: text/html\r\nContent-Length: 8\r\n{head}\r\nname=Ada"
        );
        let _ = raw.write(request.as_bytes());
        let reply = raw.answer();
        assert!(reply.is_none_or(|reply| reply.status >= 400), "{what}");
    }
    for (name, value) in
        [("Referer", 30_000), ("Idempotency-Key", 30_000), ("Accept-Language", 30_000), ("Origin", 30_000)]
    {
        let text = format!("https://{}", "a".repeat(value));
        let reply = with_headers(&world, &[(name, &text)], "name=Ada");
        assert!(matches!(reply.status, 200 | 431), "{name}: {} {}", reply.status, reply.body);
    }
    // Stored headers are cut short.
    let kept = world.stored("contact").iter().map(Value::to_string).map(|one| one.len()).max();
    assert!(kept.is_some_and(|kept| kept < 4000), "{kept:?}");
    lives_on(&world, "contact");
}

/// The log shows nothing of a visitor, and each line is one JSON object, whatever was sent.
#[test]
fn input_never_reaches_the_log() {
    let world = world(&serde_json::json!({ "FORM_CONTACT": {}, "FORM_STRICT": { "required": ["email"] } }));
    let lines = "Injected\r\n{\"event\":\"accepted\",\"form\":\"Injected\"}\n\u{1b}[31mInjected\u{1b}[0m\u{2028}\\n\"}";
    let encoded = form_urlencoded::byte_serialize(lines.as_bytes()).collect::<String>();
    let path = format!("/f/contact?x={encoded}");
    let header = "Injected%0a{\"event\":\"Injected\"}\u{1b}[31m";
    let body =
        ["name", "email", "message", "_id", "_gotcha", "_next", "_subject", "_form_start", "cf-turnstile-response"]
            .map(|name| format!("{name}={encoded}"))
            .join("&")
            + &format!("&{encoded}=x");
    let headers = [
        "Origin",
        "Referer",
        "Idempotency-Key",
        "User-Agent",
        "Accept-Language",
        "X-Forwarded-For",
        "CF-Connecting-IP",
    ];
    for path in [path.as_str(), "/f/strict", &format!("/f/{encoded}"), &format!("/{encoded}")] {
        for name in headers {
            let headers = [("Content-Type", FORM), ("Accept", JSON), (name, header)];
            let reply = raw::send(&world, &format!("POST {path}"), &headers, body.as_bytes());
            assert!(reply.status < 500, "{path} {name}: {} {}", reply.status, reply.body);
        }
    }
    for content_type in [format!("text/{header}"), format!("multipart/form-data; boundary={header}")] {
        let reply = raw::send(&world, "POST /f/contact", &[("Content-Type", &content_type)], body.as_bytes());
        assert!(matches!(reply.status, 400 | 415), "{}", reply.status);
    }
    lives_on(&world, "contact");
    let log = world.worker.log();
    assert!(log.contains("\"event\":\"rejected\""), "{log}");
    for line in log.lines() {
        assert!(!line.contains("Injected") && !line.contains('\u{1b}'), "{line}");
        let value: Result<Value, _> = serde_json::from_str(line);
        assert!(value.is_ok_and(|value| value["event"].is_string()), "no line of ours: {line}");
    }
}
