//! Each body type: what is sent, what is stored, and what the webhook gets, compared whole.

use serde_json::{Value, json};

use crate::intake::{self, FORM, JSON, PARTS, THANKS, accepted, contact, object, parts, refusal};
use crate::page::{form_of, main_of};

type Pairs = Vec<(&'static str, &'static str)>;

/// What, content type, body, data fields.
type Row = (&'static str, &'static str, Vec<u8>, Pairs);

#[test]
fn every_body_type_is_stored_and_delivered_as_it_was_sent() {
    let world = contact();
    let next = format!("http://{}/f/contact/thanks", world.worker.address);
    for (what, content_type, body, fields) in urlencoded().into_iter().chain(multipart()).chain(json_bodies()) {
        let reply = world.post_json("contact", content_type, body);
        let id = accepted(&reply, THANKS, &next);
        assert_eq!(world.submission("contact", &id)["fields"], json!(fields), "{what}");
        let record = world.delivered("contact", &id);
        let messages = world.fakes.records("webhook");
        let message = messages.iter().find(|message| message["webhook_id"] == record.as_str()).expect(what);
        assert_eq!(message["data"]["fields"], object(&fields), "{what}");
    }
    let count = urlencoded().len() + multipart().len() + json_bodies().len();
    assert_eq!(world.fakes.records("webhook").len(), count);
}

fn urlencoded() -> Vec<Row> {
    let row = |what, content_type, body: &[u8], fields: &[_]| (what, content_type, body.to_vec(), fields.to_vec());
    vec![
        row(
            "plain",
            FORM,
            b"name=Ada+Lovelace&note=50%25&flag",
            &[("name", "Ada Lovelace"), ("note", "50%"), ("flag", "")],
        ),
        row(
            "Korean, percent-encoded",
            FORM,
            b"%EC%9D%B4%EB%A6%84=%ED%99%8D%EA%B8%B8%EB%8F%99&message=%EC%95%88%EB%85%95",
            &[("이름", "홍길동"), ("message", "안녕")],
        ),
        row("Korean, as bytes", FORM, "이름=홍길동".as_bytes(), &[("이름", "홍길동")]),
        row("a charset", "application/x-www-form-urlencoded; charset=UTF-8", b"name=Ada", &[("name", "Ada")]),
        row(
            "another charset",
            "application/x-www-form-urlencoded;charset=euc-kr",
            b"a=%B0%A1",
            &[("a", "\u{fffd}\u{fffd}")],
        ),
        row("upper case", "APPLICATION/X-WWW-FORM-URLENCODED", b"name=Ada", &[("name", "Ada")]),
        row("a byte order mark", FORM, b"\xEF\xBB\xBFname=Ada", &[("name", "Ada")]),
        row("invalid UTF-8", FORM, b"name=A\xFFda&x=%FF%41", &[("name", "A\u{fffd}da"), ("x", "\u{fffd}A")]),
        row("stray percents", FORM, b"a=50%&b=%zz", &[("a", "50%"), ("b", "%zz")]),
        row("repeated names", FORM, b"tag=a&x=1&tag=b", &[("tag", "a"), ("x", "1"), ("tag", "b")]),
        row("lists of PHP", FORM, b"tag%5B%5D=a&tag[]=b", &[("tag", "a"), ("tag", "b")]),
        row(
            "control fields",
            FORM,
            b"name=Ada&_next=https://evil.example&_gotcha=&_subject=s&__proto__=x&+_x=y&_id=control",
            &[("name", "Ada")],
        ),
        row("line breaks and NUL", FORM, b"m=a%0D%0Ab%00c", &[("m", "a\r\nbc")]),
        row("counted indices", FORM, b"tag[0]=a&tag[1]=b&x.0=1", &[("tag", "a"), ("tag", "b"), ("x", "1")]),
        row("Korean of a Mac", FORM, "\u{110b}\u{1175}\u{1105}\u{1173}\u{11b7}=\u{1112}\u{1169}\u{11bc}\u{1100}\u{1175}\u{11af}\u{1103}\u{1169}\u{11bc}".as_bytes(), &[("이름", "홍길동")]),
        row(
            "invisible characters",
            FORM,
            "name=\u{3164}&email=ada@example.com\u{200b}&message=👩\u{200d}💻".as_bytes(),
            &[("name", ""), ("email", "ada@example.com"), ("message", "👩\u{200d}💻")],
        ),
        row("emoji", FORM, "m=😀 안녕".as_bytes(), &[("m", "😀 안녕")]),
        row("pairs without a name", FORM, b"=lost&name=Ada&&", &[("name", "Ada")]),
    ]
}

fn multipart() -> Vec<Row> {
    let row = |what, content_type, body: &[u8], fields: &[_]| (what, content_type, body.to_vec(), fields.to_vec());
    let text = parts(&[("name=\"name\"", "Ada"), ("name=\"message\"", "two\r\nlines, --XX in it")]);
    let korean = parts(&[("name=\"이름\"", "홍길동"), ("name=\"message\"", "안녕")]);
    let names = parts(&[
        ("name=\"tag[]\"", "a"),
        ("name=\"tag[]\"", "b"),
        ("name=\"say %22hi%22\"", "yes"),
        ("name=\"_subject\"", "s"),
    ]);
    let unfilled = parts(&[
        ("name=\"cv\"; filename=\"\"\r\nContent-Type: application/octet-stream", ""),
        ("name=\"name\"", "Ada"),
    ]);
    let typed = parts(&[("name=\"name\"\r\nContent-Type: text/plain; charset=utf-8", "Ada")]);
    let invalid = b"--XX\r\nContent-Disposition: form-data; name=\"n\xFF\"\r\n\r\nv\xE2\x82\r\n--XX--\r\n";
    let around = format!("before\r\n{}after", parts(&[("name=\"name\"", "Ada")]));
    vec![
        row("parts", PARTS, text.as_bytes(), &[("name", "Ada"), ("message", "two\r\nlines, --XX in it")]),
        row("Korean parts", PARTS, korean.as_bytes(), &[("이름", "홍길동"), ("message", "안녕")]),
        row("names of parts", PARTS, names.as_bytes(), &[("tag", "a"), ("tag", "b"), ("say \"hi\"", "yes")]),
        row("an unfilled file input", PARTS, unfilled.as_bytes(), &[("name", "Ada")]),
        row("a text part with a type", PARTS, typed.as_bytes(), &[("name", "Ada")]),
        row("invalid UTF-8 in parts", PARTS, invalid, &[("n\u{fffd}", "v\u{fffd}")]),
        row("text around the parts", PARTS, around.as_bytes(), &[("name", "Ada")]),
        row(
            "a quoted boundary",
            "multipart/form-data; charset=utf-8; boundary=\"XX\"",
            typed.as_bytes(),
            &[("name", "Ada")],
        ),
    ]
}

fn json_bodies() -> Vec<Row> {
    let row = |what, content_type, body: &[u8], fields: &[_]| (what, content_type, body.to_vec(), fields.to_vec());
    vec![
        row(
            "nested",
            JSON,
            br#"{"name":"Ada","address":{"city":"London","geo":{"lat":51.50}},"items":[{"sku":"x"},{"sku":"y"}]}"#,
            &[("name", "Ada"), ("address.city", "London"), ("address.geo.lat", "51.50"), ("items.0.sku", "x"), ("items.1.sku", "y")],
        ),
        row(
            "numbers, booleans, null",
            JSON,
            br#"{"price":1.50,"big":12345678901234567890123,"e":-1e3,"zero":0,"yes":true,"no":false,"nil":null,"none":[],"o":{}}"#,
            &[("price", "1.50"), ("big", "12345678901234567890123"), ("e", "-1e3"), ("zero", "0"), ("yes", "true"), ("no", "false")],
        ),
        row("lists", JSON, br#"{"tag":["a",2,null,true],"tags[]":["x"]}"#, &[("tag", "a"), ("tag", "2"), ("tag", "true"), ("tags", "x")]),
        row(
            "fields as objects",
            JSON,
            br#"{"fields":[{"name":"email","value":"ada@example.com"},{"name":"tag","value":["a","b"]}]}"#,
            &[("email", "ada@example.com"), ("tag", "a"), ("tag", "b")],
        ),
        row("a name twice", JSON, br#"{"a":"1","a":"2"}"#, &[("a", "1"), ("a", "2")]),
        row("Korean", JSON, r#"{"이름":"홍길동","message":"안녕"}"#.as_bytes(), &[("이름", "홍길동"), ("message", "안녕")]),
        row("escapes", JSON, br#"{"\uc774\ub984":"\ud83d\ude00 q\"\n"}"#, &[("이름", "😀 q\"\n")]),
        row("half an emoji", JSON, br#"{"a":"x\ud83d"}"#, &[("a", "x\u{fffd}\u{fffd}\u{fffd}")]),
        row("control fields of JSON", JSON, br#"{"name":"Ada","_next":"/x","_meta":{"a":"b"}}"#, &[("name", "Ada")]),
        row("a byte order mark in JSON", JSON, b"\xEF\xBB\xBF{\"name\":\"Ada\"}", &[("name", "Ada")]),
        row("invalid UTF-8 in JSON", JSON, b"{\"name\":\"A\xFFda\"}", &[("name", "A\u{fffd}da")]),
        row("a charset of JSON", "application/json; charset=utf-8", br#"{"name":"Ada"}"#, &[("name", "Ada")]),
        row("another JSON type", "application/vnd.api+json", br#"{"name":"Ada"}"#, &[("name", "Ada")]),
        row("JSON as plain text", "text/plain;charset=UTF-8", br#"{"name":"Ada"}"#, &[("name", "Ada")]),
    ]
}

#[test]
fn one_korean_form_in_three_encodings_is_one_message() {
    let world = intake::world(&json!({ "FORM_INQUIRY_KR": { "map": { "source": { "value": "homepage" } } } }));
    let fields = json!({
        "성함": "홍길동", "이메일": "gildong@example.kr", "연락처": "010-1234-5678", "회사명": "한빛", "문의내용": "견적을 부탁드립니다.",
        "관심분야": ["디자인", "개발"],
    });
    let lead = json!({
        "name": "홍길동", "email": "gildong@example.kr", "phone": "010-1234-5678", "company": "한빛",
        "message": "견적을 부탁드립니다.", "source": "homepage", "first_name": "길동", "last_name": "홍",
    });
    let pairs: Vec<(String, String)> = fields
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(name, value)| {
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            values.into_iter().filter_map(|value| Some((name.clone(), value.as_str()?.to_owned())))
        })
        .collect();
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(&pairs).append_pair("_language", "ko");
    let named: Vec<_> = pairs.iter().map(|(name, value)| (format!("name=\"{name}\""), value.as_str())).collect();
    let named: Vec<_> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let bodies = [(FORM, encoded.finish()), (PARTS, parts(&named)), (JSON, fields.to_string())];
    for (content_type, body) in bodies {
        let reply = world.post_json("inquiry-kr", content_type, body);
        let id = accepted(&reply, THANKS, &format!("http://{}/f/inquiry-kr/thanks", world.worker.address));
        world.assert_delivered("inquiry-kr", &id, &fields, &lead, &json!({ "관심분야": ["디자인", "개발"] }));
    }
    let log = world.worker.log();
    assert_eq!(log.matches("\"event\":\"attempt\"").count(), 3, "{log}");
    for personal in ["홍길동", "gildong", "1234-5678", "한빛"] {
        assert!(!log.contains(personal), "{personal} is in the log: {log}");
    }
}

#[test]
fn a_file_is_refused_and_the_text_comes_back() {
    let world = contact();
    let body = parts(&[
        ("name=\"name\"", "Ada"),
        ("name=\"cv\"; filename=\"cv.pdf\"\r\nContent-Type: application/pdf", "%PDF-1.7"),
        ("name=\"message\"", "two\r\nlines"),
    ]);
    let no_files = "This form does not take files. Please send it without the file.";
    let reply = world.post_json("contact", PARTS, &body);
    let check = "Please check what is marked and send it again.";
    let expected = refusal("INVALID", check, &[("NO_FILE_UPLOADS", "cv", no_files)]);
    assert_eq!((reply.status, reply.json()), (422, expected));

    let page = world.post_page("contact", PARTS, &body);
    assert_eq!(page.status, 422);
    let form = form_of(&page).expect("a form to send again");
    let kept = [("name", "Ada"), ("message", "two\r\nlines")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form.fields, kept);
    assert!(main_of(&page).contains(&format!("<p>Cv: {no_files}</p>")), "{}", page.body);
    assert_eq!(world.stored("contact"), [Value::Null; 0]);
    assert_eq!(world.fakes.requests("webhook"), []);

    assert_eq!(form.send(&world).status, 303);
    let stored = world.stored("contact");
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0]["fields"], json!([["name", "Ada"], ["message", "two\r\nlines"]]));
}
