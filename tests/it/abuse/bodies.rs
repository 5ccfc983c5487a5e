//! Hostile bodies: deeply nested, many fields, huge, compressed, invalid boundaries.

use serde_json::{Value, json};

use super::{accepted, lives_on, pairs, refused};
use crate::intake::{BROWSER, FORM, JSON, PARTS, contact, parts};
use crate::raw;
use crate::world::World;

/// A world whose form takes a quarter of a megabyte.
fn roomy() -> World {
    crate::intake::world(&json!({ "FORM_CONTACT": { "max_body_bytes": 262_144 } }))
}

/// Just above nothing, and far above every limit.
const MANY: usize = 100_000;

#[test]
fn a_hundred_thousand_of_everything() {
    let world = roomy();
    let short = "a&".repeat(MANY);
    let list = format!("{{\"a\":[{}1]}}", "1,".repeat(MANY));
    let members = format!("{{{}\"a\":1}}", "\"\":1,".repeat(40_000));
    let nulls = format!("{{{}\"a\":1}}", "\"\":null,".repeat(25_000));
    let in_parts = parts(&vec![("name=\"a\"", "1"); 4_000]);
    let files = parts(&vec![("name=\"a\"; filename=\"\"", ""); 3_000]);
    let headers: String = (0..3000).map(|at| format!("\r\nX-{at}: y")).collect::<Vec<_>>().concat();
    let many = "TOO_MANY_FIELDS";
    for (what, content_type, body, status, code) in [
        ("pairs", FORM, short, 413, many),
        ("items", JSON, list, 413, many),
        ("members", JSON, members, 413, many),
        ("parts", PARTS, in_parts, 413, many),
        ("unfilled files", PARTS, files, 413, many),
        ("headers of a part", PARTS, parts(&[(&format!("name=\"a\"{headers}"), "1")]), 400, "MALFORMED"),
        ("all above the limit of bytes", FORM, "name=1&".repeat(MANY), 413, "BODY_TOO_LARGE"),
        ("parts above the limit of bytes", PARTS, parts(&vec![("name=\"a\"", "1"); 10_000]), 413, "BODY_TOO_LARGE"),
    ] {
        // The Worker may answer and close before the body has been sent.
        let post = |accept, mode| {
            let headers = [("Accept", accept), ("Content-Type", content_type), ("Sec-Fetch-Mode", mode)];
            raw::send(&world, "POST /f/contact", &headers, body.as_bytes())
        };
        assert_eq!(refused(&post(JSON, "cors")), (status, code.to_owned()), "{what}");
        let page = post(BROWSER, "navigate");
        assert_eq!(page.status, status, "{what}");
        assert!(page.body.len() < 1_000_000, "{what}: a page of {} bytes", page.body.len());
    }
    assert_eq!(world.stored("contact"), [Value::Null; 0]);
    // Members without a value are not fields, however many there are.
    assert_eq!(accepted(&world, "nulls", JSON, nulls.as_bytes()), pairs(&[("a", "1")]));
    lives_on(&world, "contact");
}

#[test]
fn json_that_is_deep_or_grows() {
    let world = roomy();
    let nested = |open: &str, close: &str, times: usize| format!("{}1{}", open.repeat(times), close.repeat(times));
    let name = "n".repeat(60_000);
    let malformed = [
        ("lists", format!("{{\"a\":{}}}", nested("[", "]", MANY))),
        ("objects", nested("{\"a\":", "}", 30_000)),
        ("lists without an end", format!("{{\"a\":{}", "[".repeat(200_000))),
        ("objects without an end", "{\"a\":".repeat(40_000)),
        ("a string without an end", format!("{{\"a\":\"{}", "\\\"".repeat(60_000))),
        ("seventeen levels", format!("{{\"a\":{}}}", nested("[", "]", 16))),
    ];
    for (what, body) in malformed {
        assert_eq!(refused(&world.post_json("contact", JSON, &body)), (400, "MALFORMED".to_owned()), "{what}");
    }
    // A name that is once in the body would be in every field: 60 KB would become 12 MB.
    let grown =
        format!("{{\"{name}\":{{{}}}}}", (0..190).map(|at| format!("\"{at}\":1")).collect::<Vec<_>>().join(","));
    assert_eq!(refused(&world.post_json("contact", JSON, &grown)), (413, "BODY_TOO_LARGE".to_owned()));
    assert_eq!(world.stored("contact"), [Value::Null; 0]);
    // Without values, the same costs nothing.
    let hollow = format!("{{\"{name}\":{{{}}},\"a\":\"b\"}}", vec!["\"\":null"; 20_000].join(","));
    assert_eq!(accepted(&world, "hollow", JSON, hollow.as_bytes()), pairs(&[("a", "b")]));
    lives_on(&world, "contact");
}

#[test]
fn names_that_scripts_stumble_over() {
    let world = contact();
    let body = r#"{"constructor":{"prototype":{"polluted":"yes"}},"toString":"x","__proto__":{"polluted":"yes"},
                   "hasOwnProperty":"y","length":"9","a":{"__proto__":"z"},"0":"first"}"#;
    let stored = accepted(&world, "prototypes", JSON, body.as_bytes());
    // `__proto__` begins with `_`: a control field, which is never data.
    let expected = [
        ("constructor.prototype.polluted", "yes"),
        ("toString", "x"),
        ("hasOwnProperty", "y"),
        ("length", "9"),
        ("a.__proto__", "z"),
        ("0", "first"),
    ];
    assert_eq!(stored, pairs(&expected));
    let body = "constructor=x&__proto__[polluted]=yes&__proto__=z&constructor.prototype.a=b&name=Ada";
    let stored = accepted(&world, "prototypes of a form", FORM, body.as_bytes());
    assert_eq!(stored, pairs(&[("constructor", "x"), ("constructor.prototype.a", "b"), ("name", "Ada")]));
    lives_on(&world, "contact");
}

/// A body with another boundary in place of `XX`.
fn bounded(boundary: &str, content: &str) -> Vec<u8> {
    format!("--{boundary}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{content}\r\n--{boundary}--\r\n").into()
}

#[test]
fn boundaries_that_are_tricks() {
    let world = contact();
    let of = |parameter: &str| format!("multipart/form-data; boundary={parameter}");
    let long = "b".repeat(70);
    let longer = "b".repeat(300);
    let odd = "'()+_,-./:=?";
    let inside = "text --XX in it\r\n --XX\r\n-XX\r\n--X";
    let around = format!("--XY\r\nno part\r\n{}\r\n--XX\r\nnot read", parts(&[("name=\"a\"", "b")]));
    let accepts: Vec<(&str, String, Vec<u8>, &str)> = vec![
        ("seventy characters", of(&long), bounded(&long, "v"), "v"),
        ("three hundred", of(&longer), bounded(&longer, "v"), "v"),
        ("quoted", of("\"X X\""), bounded("X X", "v"), "v"),
        ("of spaces", of("\"   \""), bounded("   ", "v"), "v"),
        ("every odd character", of(&format!("\"{odd}\"")), bounded(odd, "v"), "v"),
        ("nearly a boundary in the text", PARTS.into(), bounded("XX", inside), inside),
        ("text before and after", PARTS.into(), around.into(), "b"),
        ("in capitals", "Multipart/Form-Data; Boundary=XX".into(), bounded("XX", "v"), "v"),
    ];
    for (what, content_type, body, value) in accepts {
        assert_eq!(accepted(&world, what, &content_type, &body), pairs(&[("a", value)]), "{what}");
    }
    let before = world.stored("contact").len();
    let nested = "Content-Type: multipart/mixed; boundary=YY\r\n\r\n--YY\r\nContent-Disposition: file; filename=\"x\"\r\n\r\nz\r\n--YY--";
    for (what, content_type, body) in [
        ("none", "multipart/form-data".to_owned(), bounded("XX", "v")),
        ("empty", of(""), bounded("", "v")),
        ("empty and quoted", of("\"\""), bounded("", "v")),
        ("another", of("YY"), bounded("XX", "v")),
        ("in other letters", of("xx"), bounded("XX", "v")),
        (
            "without an end",
            PARTS.into(),
            b"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n--XX".to_vec(),
        ),
        (
            "a header without an end",
            PARTS.into(),
            [&b"--XX\r\nContent-Disposition: "[..], &vec![b'x'; 200_000]].concat(),
        ),
        ("only boundaries", PARTS.into(), b"--XX\r\n".repeat(40_000)),
    ] {
        // The Worker may answer and close before the body has been sent.
        let headers = [("Accept", JSON), ("Content-Type", &*content_type)];
        let reply = raw::send(&world, "POST /f/contact", &headers, &body);
        assert!(matches!(reply.status, 400 | 413), "{what}: {} {}", reply.status, reply.body);
    }
    assert_eq!(world.stored("contact").len(), before);
    // A multipart body inside a part is plain text: it adds no fields.
    let body = format!("--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n{nested}\r\n--XX--\r\n");
    let text = nested.split_once("\r\n\r\n").expect("a head and a text").1;
    assert_eq!(accepted(&world, "nested", PARTS, body.as_bytes()), pairs(&[("a", text)]));
    lives_on(&world, "contact");
}

/// `Content-Encoding` is ignored: a body that is not unpacked cannot be a decompression bomb.
#[test]
fn nothing_is_unpacked() {
    let world = contact();
    // A gzip head, then stored noise: were it unpacked, it would fail; read as it is, it is a name without a value.
    let bomb = [&b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"[..], &[0x4e; 10_000]].concat();
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, gzip"] {
        let head = [("accept", JSON), ("content-encoding", encoding)];
        for (content_type, status) in [(FORM, 400), (JSON, 400), (PARTS, 400), ("application/gzip", 415)] {
            let headers = [&head[..], &[("content-type", content_type)]].concat();
            let reply = world.send("POST", "/f/contact", &headers, &bomb);
            assert_eq!(reply.status, status, "{encoding} {content_type}: {}", reply.body);
        }
        // A proxy that sets it wrongly loses no message.
        let headers = [&head[..], &[("content-type", FORM)]].concat();
        let reply = world.send("POST", "/f/contact", &headers, format!("name={}", encoding.len()).as_bytes());
        assert_eq!(reply.status, 200, "{encoding}: {}", reply.body);
    }
    assert_eq!(world.stored("contact").len(), 5);
    lives_on(&world, "contact");
}

#[test]
fn names_of_a_megabyte_and_the_largest_text() {
    let world = crate::intake::world(&json!({
        "FORM_CONTACT": { "max_body_bytes": 262_144 },
        "FORM_WIDE": { "max_body_bytes": 524_288, "max_value_bytes": 524_288, "max_fields": 1000 },
    }));
    let name = "n".repeat(1_000_000);
    let reply = world.post_json("contact", FORM, format!("{name}=v"));
    assert_eq!(refused(&reply), (413, "BODY_TOO_LARGE".to_owned()));
    let reply = world.post_json("contact", FORM, format!("a=b&{}=v", &name[..200_000]));
    assert_eq!(refused(&reply), (413, "NAME_TOO_LONG".to_owned()));

    // These characters take the most room when stored and sent.
    for (form, length) in [("contact", 65_000), ("wide", 500_000)] {
        for letter in ["\"", "\n", "가", "\u{2028}"] {
            let text = format!("x{}x", letter.repeat(length / letter.len()));
            let id = world.submit(form, &format!("a={text}"));
            assert_eq!(world.submission(form, &id)["fields"], json!([["a", text]]), "{form} {letter:?}");
            world.delivered(form, &id);
        }
        lives_on(&world, form);
    }
    // A control character becomes U+FFFD, and counts as its three bytes.
    let reply = world.post_json("contact", FORM, format!("a={}", "\u{1}".repeat(22_000)));
    assert_eq!(refused(&reply), (413, "VALUE_TOO_LONG".to_owned()));
}
