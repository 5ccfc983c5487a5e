//! The conventions of form services: control fields are not data, and what a page may not decide is ignored and noted.

use serde_json::{Value, json};

use crate::intake::{FORM, JSON, refusal, world};
use crate::world::World;

const KEY: &str = "8d1f4a52-1f3b-4c5d-9e6f-0a1b2c3d4e5f";

fn forms() -> World {
    let of = |dialect: &str| json!({ "dialect": dialect });
    world(&json!({
        "FORM_NONE": {},
        "FORM_FORMSPREE": of("formspree"),
        "FORM_WEB3FORMS": of("web3forms"),
        "FORM_NETLIFY": of("netlify"),
        "FORM_FORMSPARK": of("formspark"),
        "FORM_FORMSUBMIT": of("formsubmit"),
        "FORM_FORMCARRY": of("formcarry"),
        "FORM_WEBTOLEAD": of("webtolead"),
        "FORM_TOPIC": { "dialect": "web3forms", "required": ["subject"] },
        "FORM_MAPPED": { "dialect": "web3forms", "map": { "message": { "template": "{subject}: {body}" } } },
        "FORM_NEEDY": { "required": ["email"] },
    }))
}

/// What is stored of a submission: its fields, and what was ignored.
fn stored(world: &World, form: &str, sent: &[(&str, &str)]) -> (Value, Value) {
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(sent).finish();
    let id = world.submit(form, &body);
    let view = world.submission(form, &id);
    assert_eq!(view.get("reasons"), None, "{form} {sent:?}");
    (view["fields"].clone(), view.get("ignored").cloned().unwrap_or(json!([])))
}

/// A form as a service's own documentation has it: the form here, what is sent, what is data, what is ignored.
type Row = (&'static str, &'static [(&'static str, &'static str)], Value, Value);

#[test]
#[allow(clippy::too_many_lines, reason = "a table of seven services")]
fn forms_of_every_service_keep_working() {
    let world = forms();
    let rows: Vec<Row> = vec![
        (
            "formspree",
            &[
                ("name", "Ada"),
                ("email", "ada@example.com"),
                ("subject", "Prices"),
                ("message", "Hello"),
                ("_subject", "New lead"),
                ("_gotcha", ""),
                ("_language", "ko"),
                ("_cc", "boss@example.com"),
                ("g-recaptcha-response", "03AGdBq2"),
            ],
            json!([["name", "Ada"], ["email", "ada@example.com"], ["subject", "Prices"], ["message", "Hello"]]),
            json!(["_subject", "_language", "_cc"]),
        ),
        (
            "web3forms",
            &[
                ("access_key", KEY),
                ("subject", "New lead"),
                ("from_name", "My website"),
                ("replyto", "ada@example.com"),
                ("ccemail", "boss@example.com"),
                ("webhook", "https://evil.example/hook"),
                ("botcheck", ""),
                ("h-captcha-response", "P1_ey"),
                ("name", "Ada"),
                ("email", "ada@example.com"),
            ],
            json!([["name", "Ada"], ["email", "ada@example.com"]]),
            json!(["subject", "from_name", "ccemail", "webhook"]),
        ),
        (
            "netlify",
            &[
                ("form-name", "contact"),
                ("bot-field", ""),
                ("subject", "Prices"),
                ("name", "Ada"),
                ("g-recaptcha-response", "03AGdBq2"),
            ],
            json!([["subject", "Prices"], ["name", "Ada"]]),
            json!([]),
        ),
        (
            "formspark",
            &[
                ("email", "ada@example.com"),
                ("_honeypot", ""),
                ("_error", "https://www.example.com/sorry"),
                ("_append", "false"),
                ("_email.subject", "New lead"),
                ("_feedback.success.title", "Thanks"),
                ("_botpoison", "token"),
            ],
            json!([["email", "ada@example.com"]]),
            json!(["_error", "_append", "_email.subject", "_feedback.success.title"]),
        ),
        (
            "formsubmit",
            &[
                ("_captcha", "false"),
                ("_autoresponse", "Buy at evil.example"),
                ("_template", "table"),
                ("_blacklist", "casino, loan"),
                ("_webhook", "https://evil.example/hook"),
                ("_url", "https://www.example.com/contact"),
                ("_honey", ""),
                ("_cc", "a@evil.example,b@evil.example"),
                ("email", "ada@example.com"),
            ],
            json!([["email", "ada@example.com"]]),
            json!(["_captcha", "_autoresponse", "_template", "_blacklist", "_webhook", "_cc"]),
        ),
        (
            "formcarry",
            &[("name", "Ada"), ("email", "ada@example.com"), ("_gotcha", ""), ("recaptcha_response", "x")],
            json!([["name", "Ada"], ["email", "ada@example.com"]]),
            json!([]),
        ),
        (
            "webtolead",
            &[
                ("oid", "00D5e000001AbCd"),
                ("debug", "1"),
                ("debugEmail", "dev@example.com"),
                ("recordType", "0125e000000AbCd"),
                ("Campaign_ID", "7015e000000AbCd"),
                ("member_status", "Responded"),
                ("captcha_settings", "{\"keyname\":\"k\"}"),
                ("encoding", "UTF-8"),
                ("first_name", "Ada"),
                ("last_name", "Lovelace"),
                ("company", "Engines"),
                ("lead_source", "Web"),
                ("description", "Hello"),
                ("00N5e00000AbCdE", "300"),
                ("submit", "Submit"),
            ],
            json!([
                ["first_name", "Ada"],
                ["last_name", "Lovelace"],
                ["company", "Engines"],
                ["lead_source", "Web"],
                ["description", "Hello"],
                ["00N5e00000AbCdE", "300"],
            ]),
            json!(["debug", "debugEmail", "recordType", "Campaign_ID", "member_status"]),
        ),
    ];
    for (form, sent, fields, ignored) in rows {
        assert_eq!(stored(&world, form, sent), (fields, ignored), "{form}");
    }
}

#[test]
fn without_a_dialect_a_name_is_data_unless_it_can_mean_one_thing_only() {
    let world = forms();
    let rows: &[(&str, &str, bool)] = &[
        ("subject", "Prices", true),
        ("redirect", "https://www.example.com/thanks", true),
        ("replyto", "ada@example.com", true),
        ("ccemail", "boss@example.com", true),
        ("from_name", "Ada", true),
        ("apikey", KEY, true),
        ("webhook", "https://example.com/x", true),
        ("debug", "1", true),
        ("recordType", "012", true),
        ("Campaign_ID", "701", true),
        ("access_key", "under the mat", true),
        ("oid", "4711", true),
        ("retURL", "I do not know", true),
        ("redirect_to", "the sales team", true),
        ("captcha", "blue", true),
        ("token", "x", true),
        ("form", "x", true),
        ("Form-Name", "x", true),
        ("access_key", KEY, false),
        ("oid", "00D5e000001AbCd", false),
        ("oid", "00D5e000001AbCdEAM", false),
        ("retURL", "https://www.example.com/thanks", false),
        ("retURL", "/thanks", false),
        ("redirect_to", "/thanks", false),
        ("failUrl", "https://www.example.com/sorry", false),
        ("form-name", "contact", false),
        ("static-form-name", "contact", false),
        ("bot-field", "", false),
        ("botcheck", "false", false),
        ("g-recaptcha-response", "03AG", false),
        ("h-captcha-response", "P1_", false),
        ("cf-turnstile-response", "0.x", false),
        ("recaptcha_response", "x", false),
        ("frc-captcha-response", "x", false),
        ("_wpcf7_turnstile_response", "0.x", false),
        ("_botpoison", "x", false),
        ("_timestamp", "1763000000", false),
        ("_submit_time", "1763000000", false),
        ("_form_start_time", "1763000000", false),
        ("_anything", "x", false),
    ];
    for (name, value, is_data) in rows {
        let (fields, _) = stored(&world, "none", &[("name", "Ada"), (name, value)]);
        let expected = if *is_data { json!([["name", "Ada"], [name, value]]) } else { json!([["name", "Ada"]]) };
        assert_eq!(fields, expected, "{name}={value}");
    }
}

#[test]
fn what_steers_reaches_no_crm_and_what_the_operator_names_does() {
    let world = forms();
    let sent = format!(
        "name=Ada&subject=Prices&access_key={KEY}&ccemail=boss%40example.com&_template=table&g-recaptcha-response=03AG"
    );
    let id = world.submit("web3forms", &sent);
    let name = json!({ "name": "Ada" });
    let lead = json!({ "name": "Ada", "first_name": "Ada" });
    world.assert_delivered("web3forms", &id, &name, &lead, &json!({}));

    let id = world.submit("topic", &sent);
    let fields = json!({ "name": "Ada", "subject": "Prices" });
    world.assert_delivered("topic", &id, &fields, &lead, &json!({ "subject": "Prices" }));

    let id = world.submit("mapped", "subject=Prices&body=Hello");
    let fields = json!({ "subject": "Prices", "body": "Hello" });
    world.assert_delivered("mapped", &id, &fields, &json!({ "message": "Prices: Hello" }), &json!({}));
}

#[test]
fn the_address_to_answer_at_is_the_email_when_there_is_no_other() {
    let world = forms();
    let rows: &[Row] = &[
        ("none", &[("_replyto", "ada@example.com")], json!([["email", "ada@example.com"]]), json!([])),
        ("none", &[("_reply_to", " ada@example.com ")], json!([["email", "ada@example.com"]]), json!([])),
        ("web3forms", &[("replyto", "ada@example.com")], json!([["email", "ada@example.com"]]), json!([])),
        (
            "needy",
            &[("name", "Ada"), ("_replyto", "ada@example.com")],
            json!([["name", "Ada"], ["email", "ada@example.com"]]),
            json!([]),
        ),
        (
            "none",
            &[("email", "ada@example.com"), ("_replyto", "other@example.com")],
            json!([["email", "ada@example.com"]]),
            json!([]),
        ),
        (
            "none",
            &[("이메일", "ada@example.com"), ("_replyto", "other@example.com")],
            json!([["이메일", "ada@example.com"]]),
            json!([]),
        ),
        (
            "none",
            &[("email", ""), ("_replyto", "ada@example.com")],
            json!([["email", ""], ["email", "ada@example.com"]]),
            json!([]),
        ),
        ("none", &[("name", "Ada"), ("_replyto", "%email%")], json!([["name", "Ada"]]), json!(["_replyto"])),
        ("none", &[("name", "Ada"), ("_replyto", "")], json!([["name", "Ada"]]), json!([])),
    ];
    for (form, sent, fields, ignored) in rows {
        assert_eq!(stored(&world, form, sent), (fields.clone(), ignored.clone()), "{form} {sent:?}");
    }
    // Where an email is required, the error stands at the field that the page has for it.
    let invalid = "Please check what is marked and send it again.";
    for (sent, code, field, message) in [
        (
            "name=Ada&_replyto=nobody",
            "TYPE_EMAIL",
            "_replyto",
            "Please enter an email address, such as name@example.com.",
        ),
        ("name=Ada&_replyto=", "REQUIRED_FIELD_EMPTY", "_replyto", "Please fill this in."),
        ("name=Ada", "REQUIRED_FIELD_MISSING", "email", "Please fill this in."),
    ] {
        let reply = world.post_json("needy", FORM, sent);
        let expected = refusal("INVALID", invalid, &[(code, field, message)]);
        assert_eq!((reply.status, reply.json()), (422, expected), "{sent}");
    }
    // The error page lets the visitor correct it.
    let page = world.post_page("needy", FORM, "name=Ada&_replyto=nobody&_subject=s");
    let form = crate::page::form_of(&page).expect("a form");
    let reply = form.typed("_replyto", "ada@example.com").send(&world);
    assert_eq!(reply.status, 303);
    assert_eq!(world.stored("needy")[0]["fields"], json!([["name", "Ada"], ["email", "ada@example.com"]]));
}

#[test]
fn control_fields_alone_are_an_empty_form() {
    let world = forms();
    let expected = refusal("EMPTY", "Nothing was filled in. Please fill in the form and send it again.", &[]);
    for (form, body) in [
        ("web3forms", format!("access_key={KEY}&subject=New+lead&name=+")),
        ("none", format!("access_key={KEY}&form-name=contact&g-recaptcha-response=x")),
        ("webtolead", "oid=00D5e000001AbCd&retURL=%2Fthanks&last_name=".to_owned()),
        ("none", "_replyto=nobody".to_owned()),
    ] {
        let reply = world.post_json(form, FORM, &body);
        assert_eq!((reply.status, reply.json()), (400, expected.clone()), "{body}");
    }
}

#[test]
fn what_is_ignored_has_names_only_and_an_end() {
    let world = forms();
    let mut body = json!({ "name": "Ada", "_webhook": "https://evil.example/secret" });
    for number in 0..100 {
        body[format!("_feedback.{number}")] = json!("x");
    }
    let reply = world.post_json("none", JSON, body.to_string());
    let view = world.submission("none", reply.json()["id"].as_str().expect("an id"));
    assert_eq!(view["ignored"].as_array().map(Vec::len), Some(20));
    assert!(!view.to_string().contains("evil.example"), "{view:#}");
}
