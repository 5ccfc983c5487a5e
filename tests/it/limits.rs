//! Each limit, at its edge and one above; bodies that never end, and wrong lengths.

use std::thread;

use serde_json::{Value, json};

use crate::intake::{FORM, JSON, PARTS, SIGNING_SECRET, THANKS, accepted, contact, parts, refusal, vars, world};
use crate::raw::Raw;
use crate::world::{Reply, World};

const TOO_LARGE: &str = "This is more than the form can take. Please shorten it and send it again.";

fn too_large(code: &str, field: &str, message: &str) -> Value {
    refusal("TOO_LARGE", TOO_LARGE, &[(code, field, message)])
}

/// A urlencoded body of so many bytes with one small field in it.
fn padded(bytes: usize) -> Vec<u8> {
    let mut body = vec![b'&'; bytes - 8];
    body.extend_from_slice(b"name=Ada");
    body
}

fn post_chunked(world: &World, form: &str, body: &[u8]) -> Reply {
    let mut raw = Raw::open(world);
    let headers = [("Content-Type", FORM), ("Accept", JSON), ("Transfer-Encoding", "chunked")];
    raw.head(&format!("POST /f/{form}"), &headers);
    let mut writer = raw.other_end();
    thread::scope(|scope| {
        scope.spawn(move || {
            // The connection may be closed before a rejected body is sent.
            let sent = body.chunks(10_000).try_for_each(|chunk| writer.chunk(chunk));
            let _ = sent.and_then(|()| writer.chunk(b""));
        });
        raw.answer().expect("an answer")
    })
}

#[test]
fn the_bytes_of_a_body_with_and_without_a_length() {
    let world = world(&json!({ "FORM_CONTACT": {}, "FORM_SMALL": { "max_body_bytes": 1000 } }));
    let rows = [
        ("contact", 65_536, "The form may hold at most 64 KB."),
        ("small", 1000, "The form may hold at most 1000 bytes."),
    ];
    for (form, limit, message) in rows {
        let (at, above) = (padded(limit), padded(limit + 1));
        let refused = too_large("BODY_TOO_LARGE", "", message);
        for (reply, host) in [
            (world.post_json(form, FORM, &at), world.worker.address.to_string()),
            (post_chunked(&world, form, &at), "forms.example.com".to_owned()),
        ] {
            let id = accepted(&reply, THANKS, &format!("http://{host}/f/{form}/thanks"));
            assert_eq!(world.submission(form, &id)["fields"], json!([["name", "Ada"]]));
        }
        for reply in [world.post_json(form, FORM, &above), post_chunked(&world, form, &above)] {
            assert_eq!((reply.status, reply.json()), (413, refused.clone()), "{form}");
        }
        let page = world.post_page(form, FORM, &above);
        assert_eq!((page.status, page.header("content-type")), (413, Some("text/html; charset=utf-8")));
        assert_eq!(world.stored(form).len(), 2, "{form}");
    }
}

#[test]
fn fields_names_and_values() {
    let world = world(&json!({
        "FORM_CONTACT": { "max_body_bytes": 262_144 },
        "FORM_SMALL": { "max_fields": 3, "max_value_bytes": 12 },
    }));
    for (form, fields, bytes, size) in [("contact", 200, 65_536, "64 KB"), ("small", 3, 12, "12 bytes")] {
        let text = |extra: usize| "가".repeat(bytes / 3) + &"v".repeat(bytes % 3 + extra);
        let many = |count: usize| "a=1&".repeat(count);
        let list = |count: usize| json!({ "a": vec![1; count] }).to_string();
        let in_parts = |count: usize| parts(&vec![("name=\"a\"", "1"); count]);
        let rows: Vec<(&str, String)> = vec![
            (FORM, many(fields)),
            (FORM, many(fields - 1) + "_x=control"),
            (JSON, list(fields)),
            (PARTS, in_parts(fields)),
            (FORM, format!("m={}", text(0))),
            (JSON, json!({ "m": text(0) }).to_string()),
            (PARTS, parts(&[("name=\"m\"", &text(0))])),
            (FORM, format!("{}=1", text(0))),
        ];
        let count = rows.len();
        for (content_type, body) in rows {
            let reply = world.post_json(form, content_type, &body);
            assert_eq!(reply.status, 200, "{form} {content_type} {}", reply.body);
        }
        assert_eq!(world.stored(form).len(), count);

        let fields_error = too_large("TOO_MANY_FIELDS", "", &format!("The form may have at most {fields} fields."));
        let value_error = too_large("VALUE_TOO_LONG", "m", &format!("This is too long. Please shorten it to {size}."));
        let name_error = too_large("NAME_TOO_LONG", "", &format!("The name of a field may have at most {size}."));
        let rows = [
            (FORM, many(fields + 1), &fields_error),
            (FORM, many(fields) + "_x=control", &fields_error),
            (FORM, many(10_000), &fields_error),
            (JSON, list(fields + 1), &fields_error),
            (PARTS, in_parts(fields + 1), &fields_error),
            (FORM, format!("m={}", text(1)), &value_error),
            (JSON, json!({ "m": text(1) }).to_string(), &value_error),
            (PARTS, parts(&[("name=\"m\"", &text(1))]), &value_error),
            (FORM, format!("{}=1", text(1)), &name_error),
        ];
        for (content_type, body, error) in rows {
            let reply = world.post_json(form, content_type, &body);
            assert_eq!((reply.status, &reply.json()), (413, error), "{form} {content_type}");
        }
        assert_eq!(world.stored(form).len(), count);
    }
}

/// A quarter of a megabyte of text in one form is stored, delivered whole, and its page gives it back.
#[test]
fn a_full_body_arrives_whole() {
    let world = world(&json!({ "FORM_CONTACT": { "max_body_bytes": 262_144 } }));
    let text = "가나다라 \"따옴표\"\r\n".repeat(2000);
    let body = parts(&[("name=\"message\"", &text), ("name=\"etc\"", &text), ("name=\"more\"", &text)]);
    assert!(body.len() > 150_000);
    let id = accepted(
        &world.post_json("contact", PARTS, &body),
        THANKS,
        &format!("http://{}/f/contact/thanks", world.worker.address),
    );
    assert_eq!(world.submission("contact", &id)["fields"], json!([["message", text], ["etc", text], ["more", text]]));
    world.delivered("contact", &id);
    let data = &world.fakes.records("webhook")[0]["data"];
    assert_eq!(data["fields"], json!({ "message": text, "etc": text, "more": text }));
}

/// How many messages wait for the store at once, and how long each is.
const WAITING: usize = 40;
const LONG: usize = 240_000;

/// The object stores nothing before all of them are there; then the Worker's memory is measured.
const MEMORY: &str = r#"
const { Instance } = WebAssembly, { text } = Request.prototype;
let memory, waiting = 0, open;
const all = new Promise((done) => (open = done));
WebAssembly.Instance = function (...args) {
  const instance = new Instance(...args);
  ({ memory } = instance.exports);
  return instance;
};
globalThis.onAsk = async (question) => {
  if (!question.startsWith('{"accept"')) return;
  if (++waiting === WAITING) { console.log("memory: " + memory.buffer.byteLength); open(); }
  await all;
};
"#;

/// Strangers choose how many messages wait for a slow store. Each is kept twice: to be asked for again, and for the error
/// page.
#[test]
fn many_long_messages_that_wait_for_the_store_fit_into_the_memory() {
    let secrets = [("HOOK_SIGNING_SECRET", SIGNING_SECRET)];
    let forms = json!({ "FORM_CONTACT": { "max_body_bytes": 262_144 } });
    let prelude = MEMORY.replace("WAITING", &WAITING.to_string());
    let world = World::with_prelude(&vars(&forms), &secrets, Vec::new(), &prelude);
    let piece = "a".repeat(LONG / 4);
    thread::scope(|scope| {
        for number in 0..WAITING {
            let fields = ["a", "b", "c", "d"].map(|name| (name, piece.as_str()));
            let body =
                fields.iter().fold(format!("n={number}"), |body, (name, value)| format!("{body}&{name}={value}"));
            let world = &world;
            scope.spawn(move || world.post_json("contact", FORM, body));
        }
    });
    let memory = world.wait_for(|| {
        let log = world.worker.log();
        log.lines().find_map(|line| line.strip_prefix("memory: ")?.parse::<usize>().ok())
    });
    assert!(memory < WAITING * LONG * 3 + 8 * 1024 * 1024, "{memory} bytes");
}

#[test]
fn a_body_without_an_end_is_answered_while_it_still_comes() {
    let world = contact();
    let refused = too_large("BODY_TOO_LARGE", "", "The form may hold at most 64 KB.");
    let headers = [("Content-Type", FORM), ("Accept", JSON), ("Transfer-Encoding", "chunked")];

    // Just above the limit, and then silence.
    let mut raw = Raw::open(&world);
    raw.head("POST /f/contact", &headers);
    for _ in 0..27 {
        let _ = raw.chunk(&[b'a'; 10_000]);
    }
    let reply = raw.answer().expect("an answer to a body without an end");
    assert_eq!((reply.status, reply.json()), (413, refused.clone()));

    // Ten megabytes that keep coming.
    let mut raw = Raw::open(&world);
    raw.head("POST /f/contact", &headers);
    let mut writer = raw.other_end();
    let sender = thread::spawn(move || (0..1000).all(|_| writer.chunk(&[b'a'; 10_000]).is_ok()));
    let reply = raw.answer().expect("an answer to ten megabytes");
    assert_eq!((reply.status, reply.json()), (413, refused.clone()));
    sender.join().expect("the sender ends, cut off or not");

    // The same without a content type.
    let mut raw = Raw::open(&world);
    raw.head("POST /f/contact", &[("Transfer-Encoding", "chunked"), ("Accept", JSON)]);
    for _ in 0..27 {
        let _ = raw.chunk(&[b'a'; 10_000]);
    }
    let reply = raw.answer().expect("an answer");
    assert_eq!((reply.status, reply.json()), (413, refused));

    assert_eq!(world.stored("contact"), [Value::Null; 0]);
    world.submit("contact", "name=Ada");
}

#[test]
fn a_length_that_lies() {
    let world = contact();
    let post = |length: &str| {
        let mut raw = Raw::open(&world);
        raw.head("POST /f/contact", &[("Content-Type", FORM), ("Accept", JSON), ("Content-Length", length)]);
        raw
    };
    // More is announced than comes: cut off before its end, a form is not a form.
    let mut raw = post("500");
    raw.offer(b"name=Ada&message=hel");
    raw.hang_up();
    assert!(raw.answer().is_none_or(|reply| reply.status >= 400));

    // A gigabyte is announced; what comes is above the limit.
    let mut raw = post("1000000000");
    raw.offer(&vec![b'a'; 270_000]);
    assert_eq!(raw.answer().map(|reply| reply.status), Some(413));
    assert_eq!(world.stored("contact"), [Value::Null; 0]);

    // Less is announced than comes: the rest does not belong to this body.
    let mut raw = post("8");
    raw.offer(b"name=Ada&message=hello");
    assert_eq!(raw.answer().map(|reply| reply.status), Some(200));
    assert_eq!(world.stored("contact")[0]["fields"], json!([["name", "Ada"]]));

    // Invalid lengths.
    for length in ["-1", "ten", "99999999999999999999"] {
        let mut raw = post(length);
        let _ = raw.write(b"name=Bob");
        raw.hang_up();
        assert!(raw.answer().is_none_or(|reply| reply.status == 400), "{length}");
    }
    assert_eq!(world.stored("contact").len(), 1);
    world.submit("contact", "name=Ada");
}
