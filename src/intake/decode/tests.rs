//! What each body decodes to, compared whole, and what no body may do.

use proptest::prelude::*;

use super::*;
use crate::intake::fields;

const FORM: &str = "application/x-www-form-urlencoded";
const PARTS: &str = "multipart/form-data; boundary=XX";
const JSON: &str = "application/json";

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn small() -> Limits {
    Limits { body_bytes: 4096, fields: 5, value_bytes: 40 }
}

/// A multipart body: `(headers after form-data, content)`, boundary `XX`.
fn parts(parts: &[(&str, &str)]) -> String {
    let one = |(parameters, content): &(&str, &str)| {
        format!("--XX\r\nContent-Disposition: form-data; {parameters}\r\n\r\n{content}\r\n")
    };
    parts.iter().map(one).collect::<String>() + "--XX--\r\n"
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn bodies_become_pairs_in_order() {
    let whole = parts(&[
        ("name=\"name\"", "Ada"),
        ("name=\"message\"", "two\r\nlines -- and --XX in it"),
        ("name=\"tag[]\"", "a"),
        ("name=\"tag[]\"", "b"),
        ("name=\"say %22hi%22\"", "yes"),
        ("name=\"이름\"", "김"),
        ("name=bare", "x"),
        ("name=\"_subject\"", "s"),
        ("name=\"photo\"; filename=\"\"\r\nContent-Type: application/octet-stream", ""),
    ]);
    let (around, single) = (format!("preamble\r\n{whole}"), parts(&[("name=\"a\"", "b")]));
    let (after_bom, after_byte) = (format!("\u{feff}{single}"), format!("\n{single}"));
    let unbroken = "--XX\r\ncontent-type: text/plain\nContent-Disposition: form-data; name=\"a\"\r\n\r\n--XX--";
    let object = br#" {"name":"Ada","age":36,"budget":1.50,"big":12345678901234567890123,"e":-1e3,"ok":true,"no":false,
        "nil":null,"address":{"city":"London","geo":{"lat":51.50}},"tags":["a",2,null,true],"items":[{"sku":"x"},{"sku":"y"}],
        "grid":[[1,2],[3]],"_utm":{"source":"s"},"name":"twice","":"lost","none":{},"nothing":[]} "#;
    let rows: &[(&str, &[u8], Pairs)] = &[
        (
            FORM,
            b"name=Ada+Lovelace&tag=a&tag=b&_next=%2Fthanks&%EC%9D%B4%EB%A6%84=%EA%B9%80&empty=&flag",
            &[
                ("name", "Ada Lovelace"),
                ("tag", "a"),
                ("tag", "b"),
                ("_next", "/thanks"),
                ("이름", "김"),
                ("empty", ""),
                ("flag", ""),
            ],
        ),
        ("Application/X-WWW-Form-Urlencoded; charset=EUC-KR", b"a=%FF%41", &[("a", "\u{fffd}A")]),
        (FORM, b"\xEF\xBB\xBFname=Ada", &[("name", "Ada")]),
        (FORM, b"a=50%&b=%zz&c=%00x%0d%0ay", &[("a", "50%"), ("b", "%zz"), ("c", "x\r\ny")]),
        // Names are cleaned before anybody asks whether they are control fields.
        (
            FORM,
            b"interest%5B%5D=a&interest[]=b&=lost&%20=lost&[]=lost&+_gotcha=x&%00_id%00=k&bot%00-field=y&a%00[]=c",
            &[("interest", "a"), ("interest", "b"), ("_gotcha", "x"), ("_id", "k"), ("bot-field", "y"), ("a", "c")],
        ),
        (PARTS, after_bom.as_bytes(), &[("a", "b")]),
        (PARTS, after_byte.as_bytes(), &[("a", "b")]),
        (PARTS, unbroken.as_bytes(), &[("a", "")]),
        (
            PARTS,
            around.as_bytes(),
            &[
                ("name", "Ada"),
                ("message", "two\r\nlines -- and --XX in it"),
                ("tag", "a"),
                ("tag", "b"),
                ("say \"hi\"", "yes"),
                ("이름", "김"),
                ("bare", "x"),
                ("_subject", "s"),
            ],
        ),
        ("Multipart/Form-Data; boundary=\"XX\"", single.as_bytes(), &[("a", "b")]),
        (
            PARTS,
            b"--XX\r\nContent-Disposition: form-data; name=\"\xFFn\"\r\n\r\nv\xE2\x82\r\n--XX--\r\n",
            &[("\u{fffd}n", "v\u{fffd}")],
        ),
        (
            JSON,
            object,
            &[
                ("name", "Ada"),
                ("age", "36"),
                ("budget", "1.50"),
                ("big", "12345678901234567890123"),
                ("e", "-1e3"),
                ("ok", "true"),
                ("no", "false"),
                ("address.city", "London"),
                ("address.geo.lat", "51.50"),
                ("tags", "a"),
                ("tags", "2"),
                ("tags", "true"),
                ("items.0.sku", "x"),
                ("items.1.sku", "y"),
                ("grid.0", "1"),
                ("grid.0", "2"),
                ("grid.1", "3"),
                ("_utm.source", "s"),
                ("name", "twice"),
            ],
        ),
        ("application/vnd.api+json; charset=utf-8", b"\xEF\xBB\xBF{\"a\":\"b\"}", &[("a", "b")]),
        (JSON, b"{\"a\":\"x\xFFy\"}", &[("a", "x\u{fffd}y")]),
        (JSON, br#"{"\u0061":"q\"\u0000\n\ud83d\ude00"}"#, &[("a", "q\"\n😀")]),
        (
            JSON,
            br#"{"a":"cut \ud83d","k\ud83d":"v"}"#,
            &[("a", "cut \u{fffd}\u{fffd}\u{fffd}"), ("k\u{fffd}\u{fffd}\u{fffd}", "v")],
        ),
        ("text/plain;charset=UTF-8", br#"{"a":"b"}"#, &[("a", "b")]),
        (JSON, b"{}", &[]),
        (PARTS, b"--XX--\r\n", &[]),
        ("", b"", &[]),
    ];
    for (content_type, body, expected) in rows {
        let found = decode(Some(content_type), body, &Limits::default());
        assert_eq!(found, (fields(expected), None), "{content_type} {}", String::from_utf8_lossy(body));
    }
}

#[test]
fn careless_clients_are_understood() {
    let shouted = "--XX\r\nCONTENT-DISPOSITION: FORM-DATA; NAME=\"email\"\r\n\r\na@b.co\r\n--XX--\r\n";
    let odd = parts(&[
        ("name=\"cv\"; filename=\"blob\"", ""),
        ("name=\"cv\"; FileName=undefined", ""),
        ("name=\"cv\"; filename*=UTF-8''", ""),
        (r#"name="say \"hi\"; name=x""#, "1"),
        (r#"filename-x="name=\"b\""; Name = c ; y"#, "2"),
    ]);
    let single = parts(&[("name=\"a\"", "b")]);
    let rows: &[(&str, &[u8], Pairs)] = &[
        ("multipart/form-data, x/y; Boundary=XX", single.as_bytes(), &[("a", "b")]),
        ("multipart/form-data boundary=XX", single.as_bytes(), &[("a", "b")]),
        (PARTS, shouted.as_bytes(), &[("email", "a@b.co")]),
        (PARTS, odd.as_bytes(), &[("say \"hi\"; name=x", "1"), ("c", "2")]),
        ("text/plain;charset=UTF-8", b"a=b+c&d=", &[("a", "b c"), ("d", "")]),
        ("", br#" {"a":"b"}"#, &[("a", "b")]),
        ("", b"a=b", &[("a", "b")]),
        (FORM, br#" {"a":"b=c&d"}"#, &[("a", "b=c&d")]),
        (FORM, b"[a]=b&\"=c", &[("[a]", "b"), ("\"", "c")]),
        ("application/json, application/json", br#"{"a":"b"}"#, &[("a", "b")]),
        ("application/json charset=utf-8", br#"{"a":"b"}"#, &[("a", "b")]),
    ];
    for (content_type, body, expected) in rows {
        let found = decode(Some(content_type), body, &Limits::default());
        assert_eq!(found, (fields(expected), None), "{content_type} {}", String::from_utf8_lossy(body));
    }
}

#[test]
fn unreadable_bodies_are_refused() {
    let whole = parts(&[("name=\"a\"", "b")]);
    let nested = |lists: usize| format!("{{\"a\":{}1{}}}", "[".repeat(lists), "]".repeat(lists));
    let (deep, too_deep) = (nested(30_000), nested(16));
    let json = [
        "[]",
        "\"x\"",
        "null",
        "12",
        "{",
        "{\"a\":}",
        "{\"a\":1}x",
        "{\"a\":[1,}",
        "not json",
        " ",
        "{\"a\":\"\n\"}",
        "{a:1}",
    ];
    let json =
        json.into_iter().chain([deep.as_str(), too_deep.as_str()]).map(|body| (JSON, body, RefusalKind::Malformed));
    let cut = [
        &whole[..whole.len() - 4],
        &whole[..whole.len() / 2],
        "--XX",
        "no boundary",
        "--XX\r\nno colon\r\n\r\nx\r\n--XX--",
        "--XX\r\nX: y\r\n\r\nno disposition\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--XX--",
    ];
    let cut = cut.map(|body| (PARTS, body, RefusalKind::Malformed));
    let boundaries = ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=YY"];
    let boundaries = boundaries.map(|content_type| (content_type, whole.as_str(), RefusalKind::Malformed));
    let types = ["text/html", "application/xml", "image/png", "multipart/mixed; boundary=XX"];
    let types = types.map(|content_type| (content_type, "a=b", RefusalKind::Type));
    let texts = ["a = b", "a=b\r\nc=d\r\n", "=b", "hello", "[1]", "{"];
    let texts = texts.into_iter().flat_map(|body| ["", "text/plain"].map(|kind| (kind, body, RefusalKind::Type)));
    let disguised = ["{\"a\":\"b", "[{\"a\":\"b\"}]", "\"a=b\""].map(|body| (FORM, body, RefusalKind::Malformed));
    for (content_type, body, kind) in json.chain(cut).chain(boundaries).chain(types).chain(texts).chain(disguised) {
        let (_, refusal) = decode(Some(content_type), body.as_bytes(), &Limits::default());
        assert_eq!(refusal, Some(kind.into()), "{content_type} {body:.80}");
    }
    assert_eq!(decode(Some(JSON), nested(15).as_bytes(), &Limits::default()).1, None);
}

#[test]
fn each_limit_holds_at_its_edge() {
    let (at, over) = ("v".repeat(40), "v".repeat(41));
    let body = |bytes: usize| format!("{}a=1", "&".repeat(bytes - 3));
    let file = parts(&[("name=\"a\"; filename=\"f\"", "1"); 6]);
    let rows = [
        (FORM, format!("a={at}&{at}=1&c=1&_d=1&e=1"), None),
        (FORM, body(4096), None),
        (FORM, format!("a=1&b={over}"), Some((FieldCode::ValueTooLong(40), "b"))),
        (FORM, format!("a=1&{over}=1"), Some((FieldCode::NameTooLong(40), ""))),
        (FORM, "a=1&b=1&c=1&_d=1&e=1&f=1".into(), Some((FieldCode::TooManyFields(5), ""))),
        (FORM, "a=1&=1&=1&=1&=1&=1".into(), Some((FieldCode::TooManyFields(5), ""))),
        (JSON, r#"{"a":[1,2,3,4,5,6]}"#.into(), Some((FieldCode::TooManyFields(5), ""))),
        ("text/plain", r#"{"a":[1,2,3,4,5,6]}"#.into(), Some((FieldCode::TooManyFields(5), ""))),
        (PARTS, parts(&[("name=\"a\"", "1"); 6]), Some((FieldCode::TooManyFields(5), ""))),
        (PARTS, file, Some((FieldCode::TooManyFields(5), ""))),
    ];
    let long = [FORM, PARTS, JSON, "text/plain", "image/png"];
    let long = long.map(|content_type| (content_type, body(4097), Some((FieldCode::BodyTooLarge(4096), ""))));
    for (content_type, body, expected) in rows.into_iter().chain(long) {
        let (_, refusal) = decode(Some(content_type), body.as_bytes(), &small());
        // Files are reported only when the fields are not too many.
        let refusal = refusal.map(|refusal| (refusal.kind, refusal.errors.last().cloned()));
        let expected =
            expected.map(|(code, field)| (RefusalKind::TooLarge, Some(FieldError { code, field: field.into() })));
        assert_eq!(refusal, expected, "{content_type} {body:.60}");
    }
    let (kept, _) = decode(Some(FORM), "a=1&".repeat(10_000).as_bytes(), &Limits::default());
    assert_eq!(kept.0.len(), 200, "reading stops at the limit");
}

#[test]
fn what_can_be_read_of_a_refused_body_is_kept() {
    let whole = parts(&[("name=\"a\"", "b"), ("name=\"c\"", "d")]);
    let (kept, refusal) = decode(Some(PARTS), &whole.as_bytes()[..whole.len() - 12], &Limits::default());
    assert_eq!((kept, refusal), (fields(&[("a", "b")]), Some(RefusalKind::Malformed.into())));

    for file in ["filename=\"cv.pdf\"", "filename=\"\"", "filename*=UTF-8''cv.pdf"] {
        let disposition = format!("name=\"cv\"; {file}");
        let body = parts(&[("name=\"name\"", "Ada"), (&disposition, "%PDF"), ("name=\"message\"", "hi")]);
        let (kept, refusal) = decode(Some(PARTS), body.as_bytes(), &Limits::default());
        assert_eq!(kept, fields(&[("name", "Ada"), ("message", "hi")]), "{file}");
        assert_eq!(refusal, Some(Refusal::because(RefusalKind::Invalid, FieldCode::NoFileUploads, "cv")), "{file}");
    }

    // A value that is too long is kept to be shortened, and decides the kind of the refusal.
    let long = "v".repeat(41);
    let body = parts(&[("name=\"m\"", &long), ("name=\"f\"; filename=\"x\"", "x"), ("name=\"n\"", "Ada")]);
    let errors = vec![
        FieldError { code: FieldCode::ValueTooLong(40), field: "m".into() },
        FieldError { code: FieldCode::NoFileUploads, field: "f".into() },
    ];
    let expected = (fields(&[("m", &long), ("n", "Ada")]), Some(Refusal { kind: RefusalKind::TooLarge, errors }));
    assert_eq!(decode(Some(PARTS), body.as_bytes(), &small()), expected);
}

#[test]
fn a_nested_body_does_not_grow() {
    let members = |count: usize| (0..count).map(|at| format!("\"{at}\":1")).collect::<Vec<_>>().join(",");
    let nested = |name: usize, count: usize| format!("{{\"{}\":{{{}}}}}", "n".repeat(name), members(count));
    let code = FieldCode::BodyTooLarge(64 * 1024);
    for (name, refusal) in [(600, None), (60_000, Some(Refusal::because(RefusalKind::TooLarge, code, "")))] {
        assert_eq!(decode(Some(JSON), nested(name, 100).as_bytes(), &Limits::default()).1, refusal);
    }
    // What has no value takes no room, whatever its name, and takes no time either.
    let hollow = format!("{{\"a\":\"b\",\"{}\":[{}{{}}]}}", "n".repeat(20_000), "{},null,".repeat(5_000));
    assert_eq!(decode(Some(JSON), hollow.as_bytes(), &Limits::default()), (fields(&[("a", "b")]), None));
}

/// The limits hold for whatever comes out.
fn holds(content_type: Option<&str>, body: &[u8]) {
    let limits = small();
    let (fields, refusal) = decode(content_type, body, &limits);
    assert!(fields.0.len() <= limits.fields);
    assert!(fields.0.iter().all(|(name, value)| !name.is_empty() && !name.contains('\0') && !value.contains('\0')));
    let fits = |(name, value): &(String, String)| name.len() <= limits.value_bytes && value.len() <= limits.value_bytes;
    assert!(refusal.is_some() || fields.0.iter().all(fits));
}

/// Bytes that look enough like each encoding to get past its first line.
fn plausible() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "--XX",
        "--XX--",
        "\r\n",
        "\r\n\r\n",
        "Content-Disposition: form-data; ",
        "name=\"",
        "filename=\"",
        "\"",
        "=",
        "&",
        "%",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\\u",
        "d83d",
        "null",
        "1",
        "-",
        "_a",
        "\0",
        "é",
        ";",
        " ",
        "a\":",
    ];
    let piece = prop::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec());
    prop::collection::vec(prop_oneof![piece, any::<Vec<u8>>()], 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_bytes_make_it_panic_or_break_a_limit(body in prop_oneof![any::<Vec<u8>>(), plausible()]) {
        for content_type in [Some(FORM), Some(PARTS), Some(JSON), Some("text/plain"), Some("multipart/form-data"), None] {
            holds(content_type, &body);
        }
    }

    #[test]
    fn no_content_type_makes_it_panic(content_type in ".{0,60}", boundary in ".{0,20}") {
        holds(Some(&content_type), b"a=b");
        holds(Some(&format!("multipart/form-data; boundary={boundary}")), b"--a\r\n\r\n--a--");
    }

    #[test]
    fn pairs_survive_every_encoding(pairs in prop::collection::vec(("[a-z가-힣][a-zA-Z0-9 .-]{0,8}[a-z]", "[^\u{0}-\u{8}\u{b}\u{c}\u{e}-\u{1f}\u{7f}]{1,20}"), 1..20)) {
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let members: Vec<_> = pairs.iter().map(|(name, value)| format!("{}:{}", serde_json::json!(name), serde_json::json!(value))).collect();
        for (content_type, body) in [(FORM, encoded), (JSON, format!("{{{}}}", members.join(",")))] {
            prop_assert_eq!(decode(Some(content_type), body.as_bytes(), &Limits::default()), (Fields(pairs.clone()), None));
        }
    }
}
