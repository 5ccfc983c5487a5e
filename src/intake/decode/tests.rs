//! What each body decodes to, compared whole, and what no body may do.

use proptest::prelude::*;

use super::*;
use crate::form::FieldError;

const FORM: &str = "application/x-www-form-urlencoded";
const PARTS: &str = "multipart/form-data; boundary=XX";
const JSON: &str = "application/json";

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn fields(pairs: Pairs) -> Fields {
    Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

fn small() -> Limits {
    Limits { body_bytes: 4096, fields: 5, value_bytes: 40 }
}

#[track_caller]
fn decodes(content_type: &str, body: impl AsRef<[u8]>, data: Pairs, control: Pairs) {
    let expected = Decoded { fields: fields(data), control: fields(control) };
    assert_eq!(decode(Some(content_type), body.as_ref(), &Limits::default()), Ok(expected));
}

#[track_caller]
fn refuses(content_type: Option<&str>, body: impl AsRef<[u8]>, kind: RefusalKind) {
    assert_eq!(decode(content_type, body.as_ref(), &Limits::default()), Err(Refusal::new(kind)));
}

/// A multipart body: `(headers after form-data, content)`, boundary `XX`.
fn parts(parts: &[(&str, &str)]) -> String {
    let one = |(parameters, content): &(&str, &str)| {
        format!("--XX\r\nContent-Disposition: form-data; {parameters}\r\n\r\n{content}\r\n")
    };
    parts.iter().map(one).collect::<String>() + "--XX--\r\n"
}

#[test]
fn urlencoded_bodies() {
    decodes(
        FORM,
        "name=Ada+Lovelace&tag=a&tag=b&_next=%2Fthanks&%EC%9D%B4%EB%A6%84=%EA%B9%80&empty=&flag",
        &[("name", "Ada Lovelace"), ("tag", "a"), ("tag", "b"), ("이름", "김"), ("empty", ""), ("flag", "")],
        &[("_next", "/thanks")],
    );
    decodes("Application/X-WWW-Form-Urlencoded; charset=EUC-KR", "a=%FF%41", &[("a", "\u{fffd}A")], &[]);
    decodes(FORM, b"\xEF\xBB\xBFname=Ada", &[("name", "Ada")], &[]);
    decodes(FORM, "a=50%&b=%zz&c=%00x%0d%0ay", &[("a", "50%"), ("b", "%zz"), ("c", "x\r\ny")], &[]);
}

#[test]
fn names_are_cleaned_before_they_are_told_apart() {
    decodes(
        FORM,
        "interest%5B%5D=a&interest[]=b&=lost&%20=lost&[]=lost&+_gotcha=x&%00_id%00=k&__x=y",
        &[("interest", "a"), ("interest", "b")],
        &[("_gotcha", "x"), ("_id", "k"), ("__x", "y")],
    );
}

#[test]
fn multipart_bodies() {
    let body = parts(&[
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
    decodes(
        PARTS,
        format!("preamble\r\n{body}"),
        &[
            ("name", "Ada"),
            ("message", "two\r\nlines -- and --XX in it"),
            ("tag", "a"),
            ("tag", "b"),
            ("say \"hi\"", "yes"),
            ("이름", "김"),
            ("bare", "x"),
        ],
        &[("_subject", "s")],
    );
    decodes("Multipart/Form-Data; boundary=\"XX\"", parts(&[("name=\"a\"", "b")]), &[("a", "b")], &[]);
    let invalid = b"--XX\r\nContent-Disposition: form-data; name=\"\xFFn\"\r\n\r\nv\xE2\x82\r\n--XX--\r\n";
    decodes(PARTS, invalid, &[("\u{fffd}n", "v\u{fffd}")], &[]);
}

#[test]
fn a_file_is_refused_and_the_text_kept() {
    for file in ["filename=\"cv.pdf\"", "filename=\"\"", "filename*=UTF-8''cv.pdf"] {
        let disposition = format!("name=\"cv\"; {file}");
        let body = parts(&[("name=\"name\"", "Ada"), (&disposition, "%PDF"), ("name=\"message\"", "hi")]);
        let (decoded, refusal) = decode_keeping(Some(PARTS), body.as_bytes(), &Limits::default());
        assert_eq!(decoded.fields, fields(&[("name", "Ada"), ("message", "hi")]), "{file}");
        assert_eq!(refusal, Some(Refusal::because(RefusalKind::Invalid, FieldCode::NoFileUploads, "cv")), "{file}");
    }
}

#[test]
fn json_objects() {
    decodes(
        JSON,
        r#" {"name":"Ada","age":36,"budget":1.50,"big":12345678901234567890123,"e":-1e3,"ok":true,"no":false,"nil":null,
             "address":{"city":"London","geo":{"lat":51.50}},"tags":["a",2,null,true],"items":[{"sku":"x"},{"sku":"y"}],
             "grid":[[1,2],[3]],"_next":"/t","_utm":{"source":"s"},"name":"twice","":"lost","none":{},"nothing":[]} "#,
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
            ("name", "twice"),
        ],
        &[("_next", "/t"), ("_utm.source", "s")],
    );
    decodes("application/vnd.api+json; charset=utf-8", b"\xEF\xBB\xBF{\"a\":\"b\"}", &[("a", "b")], &[]);
    decodes(JSON, b"{\"a\":\"x\xFFy\"}", &[("a", "x\u{fffd}y")], &[]);
    decodes(JSON, r#"{"\u0061":"q\"\u0000\n\ud83d\ude00"}"#, &[("a", "q\"\n😀")], &[]);
    decodes(
        JSON,
        r#"{"a":"cut \ud83d","k\ud83d":"v"}"#,
        &[("a", "cut \u{fffd}\u{fffd}\u{fffd}"), ("k\u{fffd}\u{fffd}\u{fffd}", "v")],
        &[],
    );
    decodes("text/plain;charset=UTF-8", r#"{"a":"b"}"#, &[("a", "b")], &[]);
}

#[test]
fn what_is_malformed() {
    for body in [
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
    ] {
        refuses(Some(JSON), body, RefusalKind::Malformed);
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    refuses(Some(JSON), deep, RefusalKind::Malformed);
    let nested = |lists: usize| format!("{{\"a\":{}1{}}}", "[".repeat(lists), "]".repeat(lists));
    assert!(decode(Some(JSON), nested(15).as_bytes(), &Limits::default()).is_ok());
    refuses(Some(JSON), nested(16), RefusalKind::Malformed);
    let whole = parts(&[("name=\"a\"", "b")]);
    for cut in [
        &whole[..whole.len() - 4],
        &whole[..whole.len() / 2],
        "--XX",
        "no boundary",
        "--XX\r\nno colon\r\n\r\nx\r\n--XX--",
    ] {
        refuses(Some(PARTS), cut, RefusalKind::Malformed);
    }
    for content_type in ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=YY"] {
        refuses(Some(content_type), &whole, RefusalKind::Malformed);
    }
}

#[test]
fn what_was_read_before_a_truncation_is_kept() {
    let whole = parts(&[("name=\"a\"", "b"), ("name=\"c\"", "d")]);
    let (decoded, refusal) = decode_keeping(Some(PARTS), &whole.as_bytes()[..whole.len() - 12], &Limits::default());
    assert_eq!(decoded.fields, fields(&[("a", "b")]));
    assert_eq!(refusal, Some(RefusalKind::Malformed.into()));
}

#[test]
fn what_has_another_type() {
    for content_type in [
        None,
        Some(""),
        Some("text/html"),
        Some("application/xml"),
        Some("image/png"),
        Some("multipart/mixed; boundary=XX"),
    ] {
        refuses(content_type, "a=b", RefusalKind::Type);
    }
    for body in ["a=b", "hello", "[1]", "{"] {
        refuses(Some("text/plain"), body, RefusalKind::Type);
    }
}

#[test]
fn what_is_empty() {
    for content_type in [None, Some(FORM), Some(PARTS), Some(JSON), Some("text/plain")] {
        refuses(content_type, "", RefusalKind::Empty);
    }
    for body in ["name=&email=+%0A", "_gotcha=x&_next=y", "&&&", "=x"] {
        refuses(Some(FORM), body, RefusalKind::Empty);
    }
    for body in ["{}", r#"{"a":null,"b":[],"c":" "}"#, r#"{"_id":"k"}"#] {
        refuses(Some(JSON), body, RefusalKind::Empty);
    }
    refuses(Some(PARTS), "--XX--\r\n", RefusalKind::Empty);
    refuses(Some("text/plain"), "{}", RefusalKind::Empty);
}

#[test]
fn each_limit_at_its_edge() {
    let check = |content_type: &str, body: &str| decode(Some(content_type), body.as_bytes(), &small());
    let too_large = |code, field: &str| Err(Refusal::because(RefusalKind::TooLarge, code, field));
    let (at, over) = ("v".repeat(40), "v".repeat(41));

    assert!(check(FORM, &format!("a={at}&{at}=1&c=1&_d=1&e=1")).is_ok());
    assert_eq!(check(FORM, &format!("a=1&b={over}")), too_large(FieldCode::ValueTooLong(40), "b"));
    assert_eq!(check(FORM, &format!("a=1&{over}=1")), too_large(FieldCode::NameTooLong(40), ""));
    assert_eq!(check(FORM, "a=1&b=1&c=1&_d=1&e=1&f=1"), too_large(FieldCode::TooManyFields(5), ""));
    assert_eq!(check(FORM, "a=1&=1&=1&=1&=1&=1"), too_large(FieldCode::TooManyFields(5), ""));
    assert_eq!(check(JSON, r#"{"a":[1,2,3,4,5,6]}"#), too_large(FieldCode::TooManyFields(5), ""));
    assert_eq!(check("text/plain", r#"{"a":[1,2,3,4,5,6]}"#), too_large(FieldCode::TooManyFields(5), ""));
    assert_eq!(check(PARTS, &parts(&[("name=\"a\"", "1"); 6])), too_large(FieldCode::TooManyFields(5), ""));
    assert_eq!(
        check(PARTS, &parts(&[("name=\"a\"; filename=\"f\"", "1"); 6])),
        too_large(FieldCode::TooManyFields(5), "")
    );

    let body = |bytes: usize| format!("{}a=1", "&".repeat(bytes - 3));
    assert!(check(FORM, &body(4096)).is_ok());
    for content_type in [FORM, PARTS, JSON, "text/plain", "image/png"] {
        assert_eq!(check(content_type, &body(4097)), too_large(FieldCode::BodyTooLarge(4096), ""), "{content_type}");
    }
}

#[test]
fn a_value_that_is_too_long_is_kept_to_be_shortened_and_counts_more_than_a_file() {
    let long = "v".repeat(41);
    let body = parts(&[("name=\"m\"", &long), ("name=\"f\"; filename=\"x\"", "x"), ("name=\"n\"", "Ada")]);
    let (decoded, refusal) = decode_keeping(Some(PARTS), body.as_bytes(), &small());
    assert_eq!(decoded.fields, fields(&[("m", &long), ("n", "Ada")]));
    let errors = vec![
        FieldError { code: FieldCode::ValueTooLong(40), field: "m".into() },
        FieldError { code: FieldCode::NoFileUploads, field: "f".into() },
    ];
    assert_eq!(refusal, Some(Refusal { kind: RefusalKind::TooLarge, errors }));
}

#[test]
fn a_name_is_clean_before_it_is_looked_at() {
    let body = b"name=Ada&bot%00-field=x&cf-turnstile\0-response=y&%00_next=z&_%00id=k&a%00[]=b&%00=c";
    decodes(
        FORM,
        body,
        &[("name", "Ada"), ("a", "b")],
        &[("bot-field", "x"), ("cf-turnstile-response", "y"), ("_next", "z"), ("_id", "k")],
    );
}

#[test]
fn a_body_does_not_grow_when_it_is_read() {
    let members = |count: usize| (0..count).map(|at| format!("\"{at}\":1")).collect::<Vec<_>>().join(",");
    let nested = |name: usize, count: usize| format!("{{\"{}\":{{{}}}}}", "n".repeat(name), members(count));
    assert!(decode(Some(JSON), nested(1000, 100).as_bytes(), &Limits::default()).is_ok());
    let code = FieldCode::BodyTooLarge(256 * 1024);
    let refused = Err(Refusal::because(RefusalKind::TooLarge, code, ""));
    assert_eq!(decode(Some(JSON), nested(60_000, 100).as_bytes(), &Limits::default()), refused);
    // What has no value takes no room, whatever its name, and takes no time either.
    let hollow = format!("{{\"a\":\"b\",\"{}\":[{}{{}}]}}", "n".repeat(60_000), "{},null,".repeat(20_000));
    decodes(JSON, hollow.as_bytes(), &[("a", "b")], &[]);
}

#[test]
fn ten_thousand_fields_stop_at_the_limit() {
    let body = "a=1&".repeat(10_000);
    let (decoded, refusal) = decode_keeping(Some(FORM), body.as_bytes(), &Limits::default());
    assert_eq!(decoded.fields.0.len(), 200);
    assert_eq!(refusal, Some(Refusal::because(RefusalKind::TooLarge, FieldCode::TooManyFields(200), "")));
}

/// Whatever comes out holds the limits and keeps control and data apart.
fn holds(content_type: Option<&str>, body: &[u8]) {
    let limits = small();
    let (decoded, refusal) = decode_keeping(content_type, body, &limits);
    let all = decoded.fields.0.iter().chain(&decoded.control.0);
    assert!(all.clone().count() <= limits.fields);
    assert!(all.clone().all(|(name, value)| !name.is_empty() && !name.contains('\0') && !value.contains('\0')));
    assert!(decoded.fields.0.iter().all(|(name, _)| !name.starts_with('_')));
    assert!(decoded.control.0.iter().all(|(name, _)| name.starts_with('_')));
    if refusal.is_none() {
        assert!(all.clone().all(|(name, value)| name.len() <= limits.value_bytes && value.len() <= limits.value_bytes));
        assert!(!decoded.fields.is_blank());
    }
}

/// Bytes that look enough like each encoding to get past its first line.
fn plausible() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
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
    ]);
    prop::collection::vec(prop_oneof![pieces.prop_map(|piece| piece.as_bytes().to_vec()), any::<Vec<u8>>()], 0..40)
        .prop_map(|pieces| pieces.concat())
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
    fn urlencoded_comes_back_as_it_went(pairs in prop::collection::vec(("[a-z가-힣][a-zA-Z0-9 .-]{0,8}[a-z]", "[^\u{0}-\u{8}\u{b}\u{c}\u{e}-\u{1f}\u{7f}]{1,20}"), 1..20)) {
        prop_assume!(pairs.iter().any(|(_, value)| !value.trim().is_empty()));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        prop_assert_eq!(decode(Some(FORM), body.as_bytes(), &Limits::default()).map(|decoded| decoded.fields), Ok(Fields(pairs)));
    }

    #[test]
    fn json_comes_back_as_it_went(pairs in prop::collection::vec(("[a-z가-힣][a-zA-Z0-9 .-]{0,8}[a-z]", "[^\u{0}-\u{8}\u{b}\u{c}\u{e}-\u{1f}\u{7f}]{1,20}"), 1..20)) {
        prop_assume!(pairs.iter().any(|(_, value)| !value.trim().is_empty()));
        let members: Vec<_> = pairs.iter().map(|(name, value)| format!("{}:{}", serde_json::json!(name), serde_json::json!(value))).collect();
        let body = format!("{{{}}}", members.join(","));
        prop_assert_eq!(decode(Some(JSON), body.as_bytes(), &Limits::default()).map(|decoded| decoded.fields), Ok(Fields(pairs)));
    }
}
