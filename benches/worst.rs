//! The worst bodies that a form with the default limits accepts, each aimed at one step.
//!
//! All are just below 256 KiB and 200 fields, so they are decoded, mapped, checked for spam and stored. Used by
//! `intake.rs` beside this file, which times them natively, and by the test that measures the CPU of the Worker.

use std::fmt::Write as _;

/// The default limit of fields in a submission.
pub const FIELDS: usize = 200;

/// The default limit of bytes in a body.
pub const BYTES: usize = 256 * 1024;

/// A body, and what it attacks.
pub struct Worst {
    /// What it attacks.
    pub what: &'static str,
    /// Its content type.
    pub content_type: &'static str,
    /// The bytes.
    pub body: Vec<u8>,
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const PARTS: &str = "multipart/form-data; boundary=XX";

/// The table; the first row is an ordinary contact form, for comparison.
pub fn bodies() -> Vec<Worst> {
    let row = |what, content_type, body: String| Worst { what, content_type, body: body.into_bytes() };
    let each = BYTES / FIELDS - 4;
    let fields = |field: &dyn Fn(usize) -> String| (0..FIELDS).map(field).collect::<Vec<_>>().join("&");
    let long = |letters: &str, bytes: usize| letters.repeat(bytes / letters.len());
    let mut rows = vec![
        row(
            "an ordinary message",
            FORM,
            "name=Ada+Lovelace&email=ada%40example.com&message=Hello%2C+please+call+me.".into(),
        ),
        row("long names with one beginning", FORM, fields(&|at| format!("{}{at:03}=v", long("n", each - 6)))),
        row("one long name, repeated", FORM, fields(&|at| format!("{}={at:03}", long("n", each - 5)))),
        row("wrapped names", FORM, fields(&|at| format!("{}z{at:03}={}", "my".repeat(38), long("v", each - 84)))),
        row("numbered wrappings", FORM, fields(&|at| format!("{}{at:03}=v", "q1".repeat(37)))),
        row("lines of a street", FORM, fields(&|at| format!("address{at}={}", long("v", each - 12)))),
        row("boxes of a telephone", FORM, fields(&|at| format!("{}tel{at}=010", long("-", each - 12)))),
        row("only spaces", FORM, fields(&|at| format!("f{at}={}v", long("+", each - 8)))),
        row("every byte escaped", FORM, format!("message={}&more={0}&rest={0}", long("%EA%B0%80", BYTES / 3 - 10))),
        row("control characters, raw", FORM, format!("a={0}&b={0}&c={0}&d={0}", long("\u{1}", BYTES / 12 - 8))),
        row("quotes", FORM, format!("a={0}&b={0}&c={0}&d={0}", long("\"<&'", BYTES / 4 - 8).replace('&', "\\"))),
    ];
    for (what, text) in [
        ("links", "http://a.co "),
        ("glued links", "http"),
        ("choices", "{a|b}"),
        ("open choices", "{"),
        ("phrases that nearly match", "seo packagez buy viagrx "),
        ("Korean phrases that nearly match", "카지노사이트카지노사이"),
        ("dots", "a."),
        ("telegram", "telegram "),
        ("disguised words", "С\u{200b}a "),
    ] {
        rows.push(row(what, JSON, serde_json::json!({ "message": long(text, 60_000), "name": long(text, 60_000), "c": long(text, 60_000), "d": long(text, 60_000) }).to_string()));
    }
    rows.push(row("a person of many words", FORM, format!("name={}", long("van+der+", 65_000))));
    rows.push(row("a Korean person of many titles", FORM, format!("name=홍길동{}", long("+대표", 65_000))));
    rows.extend(json_bodies().into_iter().map(|(what, body)| row(what, JSON, body)));
    rows.extend(part_bodies().into_iter().map(|(what, body)| row(what, PARTS, body)));
    rows
}

fn json_bodies() -> Vec<(&'static str, String)> {
    let lists = |inside: &str| format!("{{\"a\":{}{inside}{}}}", "[".repeat(14), "]".repeat(14));
    let escapes = "\\u0041".repeat(10_000);
    let name = "n".repeat(60_000);
    let nulls = "\"\":null,".repeat(20_000);
    let numbers = "1,".repeat(FIELDS - 2);
    vec![
        ("fifteen levels around a text", lists(&format!("\"{escapes}\",\"{escapes}\",\"{escapes}\",\"{escapes}\""))),
        ("fifteen levels around nulls", lists(&format!("{}null", "null,".repeat(50_000)))),
        ("a long name around nulls", format!("{{\"{name}\":{{{nulls}\"a\":1}}}}")),
        ("a long name around empty objects", format!("{{\"a\":1,\"{name}\":[{}{{}}]}}", "{},".repeat(60_000))),
        ("a long name around values", format!("{{\"{}\":[{numbers}1]}}", "n".repeat(1000))),
        ("one name, 199 times", format!("{{\"{}\":[{numbers}1]}}", "n".repeat(1200))),
        ("pairs of one character", {
            let mut body = String::from("{\"a\":1");
            for at in 1..FIELDS {
                let _ = write!(body, ",\"{at}\":\"{}\"", "\\n".repeat(600));
            }
            body + "}"
        }),
    ]
}

fn part_bodies() -> Vec<(&'static str, String)> {
    let part = |name: &str, more: &str, content: &str| {
        format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{content}\r\n")
    };
    let all = |parts: String| parts + &part("name", "", "Ada") + "--XX--\r\n";
    vec![
        ("unfilled files", all((0..3500).map(|_| part("f", "; filename=\"\"", "")).collect())),
        (
            "parts with long names",
            all((1..FIELDS).map(|at| part(&format!("{}{at:03}", "n".repeat(1100)), "", "v")).collect()),
        ),
        ("almost a boundary", all((0..4).map(|at| part(&at.to_string(), "", &"\r\n--X".repeat(12_000))).collect())),
        ("parts of many headers", {
            let headers: String = (0..30).fold(String::new(), |mut text, at| {
                let _ = write!(text, "\r\nX-{at}: {}", "h".repeat(34));
                text
            });
            all((1..180).map(|at| part(&at.to_string(), &headers, "v")).collect())
        }),
    ]
}
