//! Invalid input: each gets its status and a clear error in both kinds of reply and both languages, and is not stored.

use serde_json::{Value, json};

use crate::intake::{BROWSER, FORM, JSON, PARTS, contact, parts, refusal, world};
use crate::page::{fields_of, main_of};
use crate::raw::{self, Raw};
use crate::world::{Reply, World};

/// A code, its status, its words in English and Korean.
type Kind = (&'static str, u16, &'static str, &'static str);

const MALFORMED: Kind = (
    "MALFORMED",
    400,
    "We could not read what was sent. Please send it again.",
    "보내신 내용을 읽을 수 없습니다. 다시 보내 주세요.",
);
const EMPTY: Kind = (
    "EMPTY",
    400,
    "Nothing was filled in. Please fill in the form and send it again.",
    "입력된 내용이 없습니다. 내용을 입력한 뒤 다시 보내 주세요.",
);
const NO_FORM: Kind = (
    "FORM_NOT_FOUND",
    404,
    "There is no form at this address. Please check it, or reach the website's owner in another way.",
    "이 주소에는 양식이 없습니다. 주소를 확인하거나 다른 방법으로 웹사이트에 문의해 주세요.",
);
const METHOD: Kind = (
    "METHOD_NOT_ALLOWED",
    405,
    "This address only takes what a form sends (POST). Please fill in the form on the website.",
    "이 주소는 양식에서 보낸 내용(POST)만 받습니다. 웹사이트의 양식에서 보내 주세요.",
);
const TYPE: Kind = (
    "UNSUPPORTED_TYPE",
    415,
    "The form was sent in a format that we cannot read. Send it as an HTML form or as a JSON object.",
    "지원하지 않는 형식입니다. HTML 양식이나 JSON 객체로 보내 주세요.",
);

/// Sends the same as a script and as a browser, in English and in Korean, and compares the four answers.
#[track_caller]
fn refuses(world: &World, kind: Kind, method: &str, path: &str, content_type: Option<&str>, body: &[u8]) -> [Reply; 2] {
    let (code, status, english, korean) = kind;
    let mut replies = Vec::new();
    for (language, words, not_sent, nothing_sent) in [
        ("en", english, "Your message was not sent", "Nothing was sent"),
        ("ko", korean, "메시지를 보내지 못했습니다", "전송된 내용이 없습니다"),
    ] {
        let ask = |accept| {
            let mut headers = vec![("Accept", accept), ("Accept-Language", language)];
            headers.extend(content_type.map(|value| ("Content-Type", value)));
            raw::send(world, &format!("{method} {path}"), &headers, body)
        };
        let what = format!("{method} {path} {content_type:?} {language} {:?}", String::from_utf8_lossy(body));
        let reply = ask(JSON);
        assert_eq!((reply.status, reply.json()), (status, refusal(code, words, &[])), "{what}");
        assert_eq!(reply.header("content-language"), Some(language), "{what}");
        let page = ask(BROWSER);
        assert_eq!((page.status, page.header("content-language")), (status, Some(language)), "{what}");
        let is_looked_at = [NO_FORM, METHOD].contains(&kind) && fields_of(main_of(&page)).is_empty();
        let heading = if is_looked_at { nothing_sent } else { not_sent };
        let alert = format!(
            "<h1>{heading}</h1>\n<div class=\"alert\" role=\"alert\" tabindex=\"-1\" autofocus>\n<p>{}</p>\n",
            words.replace('\'', "&#39;")
        );
        assert!(main_of(&page).contains(&alert), "{what}: {}", page.body);
        replies = vec![reply, page];
    }
    replies.try_into().expect("two replies")
}

#[test]
fn addresses_that_are_no_form() {
    let world = contact();
    for path in [
        "/f/nobody",
        "/f/",
        "/f",
        "/f/CONTACT",
        "/f/contact/more",
        "/f/contact/../nobody",
        "/f/contact/..",
        "/f/%63ontact",
        "/f/contact%2F",
        "/f/contact%00",
        "/f/%ED%99%8D",
        "/f//contact",
        "/f/contact;x",
        "/F/contact",
        "/contact",
        "/",
        "/favicon.ico",
    ] {
        refuses(&world, NO_FORM, "POST", path, Some(FORM), b"name=Ada");
    }
    refuses(&world, NO_FORM, "GET", "/f/nobody", None, b"");
    assert_eq!(world.stored("contact"), [Value::Null; 0]);

    // These are the form, in another spelling.
    for path in ["/f/contact/", "/f/contact?a=1", "/f/x/../contact", "/f/./contact"] {
        let reply = raw::send(&world, &format!("POST {path}"), &[("Content-Type", FORM)], b"name=Ada");
        assert_eq!((reply.status, reply.header("location")), (303, Some("/f/contact/thanks")), "{path}");
    }
    assert_eq!(world.stored("contact").len(), 4);
}

#[test]
fn methods_that_are_not_post() {
    let world = contact();
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        for reply in refuses(&world, METHOD, method, "/f/contact", Some(FORM), b"") {
            assert_eq!(reply.header("allow"), Some("POST, OPTIONS"), "{method}");
        }
    }
    for (method, path, allow) in [
        ("PROPFIND", "/f/contact", Some("POST, OPTIONS")),
        ("PUT", "/f/contact/thanks", Some("GET, HEAD")),
        ("POST", "/f/contact/thanks", Some("GET, HEAD")),
        ("PROPFIND", "/f/contact/start", Some("GET, HEAD, OPTIONS")),
        ("PROPFIND", "/", None),
    ] {
        let reply = raw::send(&world, &format!("{method} {path}"), &[("Content-Type", FORM)], b"name=Ada");
        let status = if allow.is_some() { 405 } else { 404 };
        assert_eq!((reply.status, reply.header("allow")), (status, allow), "{method} {path}");
    }
    let head = world.send("HEAD", "/f/contact", &[], b"");
    assert_eq!((head.status, head.header("allow"), head.body.as_str()), (405, Some("POST, OPTIONS"), ""));
    assert_eq!(world.stored("contact"), [Value::Null; 0]);
}

#[test]
fn bodies_that_are_no_form() {
    let world = contact();
    let whole = parts(&[("name=\"name\"", "Ada")]);
    let whole = whole.as_bytes();
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let no_colon: &[u8] = b"--XX\r\nno colon\r\n\r\nx\r\n--XX--\r\n";
    let rows: &[(Kind, Option<&str>, &[u8])] = &[
        // Unsupported types, and none at all.
        (TYPE, None, b"name: Ada"),
        (TYPE, Some("text/html"), b"name=Ada"),
        (TYPE, Some("application/xml"), b"<name>Ada</name>"),
        (TYPE, Some("application/octet-stream"), b"name=Ada"),
        (TYPE, Some("multipart/mixed; boundary=XX"), whole),
        (TYPE, Some("text/plain"), b"name=Ada Lovelace"),
        (TYPE, Some("text/plain"), b"[1]"),
        (MALFORMED, Some(FORM), b"{\"name\":\"Ada"),
        (TYPE, Some("nonsense"), b"name=Ada"),
        // multipart
        (MALFORMED, Some("multipart/form-data"), whole),
        (MALFORMED, Some("multipart/form-data; boundary="), whole),
        (MALFORMED, Some("multipart/form-data; boundary=YY"), whole),
        (MALFORMED, Some(PARTS), &whole[..whole.len() - 8]),
        (MALFORMED, Some(PARTS), b"--XX"),
        (MALFORMED, Some(PARTS), b"name=Ada"),
        (MALFORMED, Some(PARTS), no_colon),
        // JSON
        (MALFORMED, Some(JSON), b"{\"name\":\"Ada\""),
        (MALFORMED, Some(JSON), b"{'name':'Ada'}"),
        (MALFORMED, Some(JSON), b"{\"name\":\"Ada\"}{}"),
        (MALFORMED, Some(JSON), b"name=Ada"),
        (MALFORMED, Some(JSON), b"[{\"name\":\"Ada\"}]"),
        (MALFORMED, Some(JSON), b"\"Ada\""),
        (MALFORMED, Some(JSON), b"42"),
        (MALFORMED, Some(JSON), b"null"),
        (MALFORMED, Some(JSON), b" "),
        (MALFORMED, Some(JSON), deep.as_bytes()),
        // Nothing in it
        (EMPTY, None, b""),
        (EMPTY, Some(FORM), b""),
        (EMPTY, Some(PARTS), b""),
        (EMPTY, Some(JSON), b""),
        (EMPTY, Some("image/png"), b""),
        (EMPTY, Some(FORM), b"name=&email=+%0A%09&message="),
        (EMPTY, Some(FORM), b"_next=/x&_gotcha=1"),
        (EMPTY, Some(FORM), b"&&=x&"),
        (EMPTY, Some(PARTS), b"--XX--\r\n"),
        (EMPTY, Some(JSON), b"{}"),
        (EMPTY, Some(JSON), br#"{"name":null,"list":[],"blank":" "}"#),
        (EMPTY, Some("text/plain"), b"{}"),
    ];
    for (kind, content_type, body) in rows {
        refuses(&world, *kind, "POST", "/f/contact", *content_type, body);
    }
    assert_eq!(world.stored("contact"), [Value::Null; 0]);
    assert_eq!(world.fakes.requests("webhook"), []);
}

#[test]
fn an_invalid_host_is_a_bad_request() {
    let world = contact();
    for host in ["a b", "[::1", "%zz"] {
        let mut raw = Raw::open(&world);
        raw.offer(format!("POST /f/contact HTTP/1.1\r\nHost: {host}\r\nContent-Length: 8\r\n\r\nname=Ada").as_bytes());
        assert_eq!(raw.answer().map(|reply| reply.status), Some(400), "{host}");
    }
}

#[test]
fn a_body_that_stalls_is_refused() {
    let world = contact();
    let mut raw = Raw::open(&world);
    raw.head("POST /f/contact", &[("Content-Type", FORM), ("Accept", JSON), ("Content-Length", "100")]);
    raw.offer(b"name=Ada");
    let reply = raw.answer().expect("a reply");
    let message = "The form took too long to arrive. Please send it again.";
    assert_eq!((reply.status, reply.json()), (408, refusal("TIMEOUT", message, &[])));
    assert_eq!(world.stored("contact"), [Value::Null; 0]);
}

#[test]
fn every_mistake_of_a_form_at_once_in_both_kinds_and_languages() {
    let world = world(&json!({ "FORM_CONTACT": { "required": ["name", "email", "phone", "문의내용"] } }));
    let body = "your-name=+&email=nobody&%EB%AC%B8%EC%9D%98%EB%82%B4%EC%9A%A9=&etc=x";
    let rows = [
        (
            "en",
            "Please check what is marked and send it again.",
            "Please fill this in.",
            "Please enter an email address, such as name@example.com.",
            ["Name", "Email", "문의내용", "Etc", "Phone"],
        ),
        (
            "ko",
            "표시된 항목을 확인한 뒤 다시 보내 주세요.",
            "필수 입력 항목입니다.",
            "이메일 주소를 정확히 입력해 주세요. 예: name@example.com",
            ["이름", "이메일", "문의내용", "Etc", "전화번호"],
        ),
    ];
    for (language, message, fill_in, email, labels) in rows {
        let ask = |accept| {
            let headers = [("accept", accept), ("content-type", FORM), ("accept-language", language)];
            world.send("POST", "/f/contact", &headers, body.as_bytes())
        };
        let errors = [
            ("REQUIRED_FIELD_EMPTY", "your-name", fill_in),
            ("REQUIRED_FIELD_MISSING", "phone", fill_in),
            ("REQUIRED_FIELD_EMPTY", "문의내용", fill_in),
            ("TYPE_EMAIL", "email", email),
        ];
        let reply = ask(JSON);
        assert_eq!((reply.status, reply.json()), (422, refusal("INVALID", message, &errors)));
        let page = ask(BROWSER);
        let field = |place: usize, name: &str, value: &str, wrong: Option<&str>| {
            let (id, label) = (format!("f{place}"), labels[place]);
            let hints = match name {
                "your-name" => " autocomplete=\"name\"",
                "email" => " inputmode=\"email\" autocapitalize=\"none\" autocomplete=\"email\"",
                "phone" => " inputmode=\"tel\" autocomplete=\"tel\"",
                _ => "",
            };
            let mark =
                wrong.map(|_| format!(" aria-invalid=\"true\" aria-describedby=\"{id}-wrong\"")).unwrap_or_default();
            let hint =
                wrong.map(|text| format!("<p class=\"wrong\" id=\"{id}-wrong\">{text}</p>\n")).unwrap_or_default();
            let input = if name == "문의내용" {
                format!("<textarea id=\"{id}\" name=\"{name}\"{mark}>\n{value}</textarea>\n")
            } else {
                format!("<input id=\"{id}\" name=\"{name}\"{mark} type=\"text\"{hints} value=\"{value}\">\n")
            };
            format!("<label for=\"{id}\">{label}</label>\n{input}{hint}")
        };
        let fields = [
            field(0, "your-name", " ", Some(fill_in)),
            field(1, "email", "nobody", Some(email)),
            field(2, "문의내용", "", Some(fill_in)),
            field(3, "etc", "x", None),
            field(4, "phone", "", Some(fill_in)),
        ]
        .concat();
        let (_, form) = main_of(&page).split_once("<form").expect("a form");
        let (_, inside) = form.split_once(">\n").expect("its tag ends");
        let (found, _) = inside.split_once("<button").expect("a button");
        assert_eq!((page.status, found), (422, fields.as_str()));
    }
    assert_eq!(world.stored("contact"), [Value::Null; 0]);
}

#[test]
fn headers_of_any_length_and_kind_cost_no_lead() {
    let world = contact();
    let long = "x".repeat(12_000);
    let page = format!("https://www.example.com/{long}?secret=1");
    let languages = format!("ko-KR,{}", "en;q=0.1,".repeat(1000));
    let rows = [
        ("Referer", page.as_str()),
        ("Accept-Language", &languages),
        ("Accept", &long),
        ("User-Agent", &long),
        ("Idempotency-Key", &long),
        ("Origin", &long),
        ("X-Requested-With", &long),
        ("Cookie", &long),
        ("Referer", "\u{1f600} not an address"),
        ("Accept-Language", "한국어"),
        ("Idempotency-Key", "열쇠"),
    ];
    for (name, value) in rows {
        let reply = raw::send(&world, "POST /f/contact", &[("Content-Type", FORM), (name, value)], b"name=Ada");
        assert!(matches!(reply.status, 200 | 303), "{name}: {} {}", reply.status, reply.body);
    }
    let stored = world.stored("contact");
    assert_eq!(stored.len(), rows.len());
    let first = stored.last().expect("the first");
    assert_eq!(first["page"], page[..2000]);
    assert_eq!(stored[rows.len() - 2]["locale"], "ko-KR");
}

#[test]
fn a_required_lead_field_may_be_written_with_a_capital() {
    let world = world(&json!({ "FORM_CONTACT": { "required": ["Email", "Name"] } }));
    for body in
        ["email=ada@example.com&name=Ada", "your-email=bob@example.com&이름=홍길동", "Email=c@example.com&Name=C"]
    {
        assert_eq!(world.post_json("contact", FORM, body).status, 200, "{body}");
    }
    let reply = world.post_json("contact", FORM, "email=ada@example.com&message=hello");
    assert_eq!((reply.status, reply.json()["errors"][0]["field"].clone()), (422, json!("Name")));
}
