//! Runs what the docs tell readers to paste against the real workerd: the form, the scripts, the commands, the JSON.

use std::process::Command;

use fakes::salesmap::Salesmap;
use fakes::webhook::Webhook;
use fakes::workerd::root;
use fakes::{Fake, Mood, Request};
use formcourier::connectors::call::signature;
use serde_json::{Value, json};

use super::example;
use super::markdown::Page;
use crate::world::{ADMIN_TOKEN, World, quick};

const SIGNING_SECRET: &str = "whsec_Zm9ybWNvdXJpZXIgaW4gdGhlIFJFQURNRSBvZiBpdA==";

/// The forms that the pages post to, with the destinations of `docs/connectors.md`.
fn world() -> World {
    let connectors = Page::read("docs/connectors.md");
    let vars = json!({
        "FORM_CONTACT": { "destinations": ["salesmap"], "required": ["email"] },
        "FORM_NEWSLETTER": { "destinations": ["hook"], "required": ["email"] },
        "DESTINATION_SALESMAP": quick(example(&connectors, "DESTINATION_SALESMAP")),
        "DESTINATION_HOOK": quick(example(&connectors, "DESTINATION_HOOK")),
    });
    let secrets = [("SALESMAP_TOKEN", "t"), ("HOOK_SIGNING_SECRET", SIGNING_SECRET)];
    let fakes: Vec<Box<dyn Fake>> = vec![Box::new(Salesmap::new("t")), Box::new(Webhook::new(SIGNING_SECRET))];
    World::new(&vars, &secrets, fakes)
}

fn http_api() -> Page {
    Page::read("docs/http-api.md")
}

/// A block of JSON on a page.
fn documented(page: &Page, place: usize) -> Value {
    let blocks = page.blocks("json");
    serde_json::from_str(&blocks[place]).unwrap_or_else(|error| panic!("{error}: {}", blocks[place]))
}

// Their places in docs/http-api.md.
const ACCEPTED: usize = 0;
const REFUSED: usize = 1;
const SUBMISSION: usize = 2;

/// Runs an ES module under Node and returns what it printed.
fn node(module: &str, input: &Value) -> String {
    let output = Command::new(root().join("node_modules/.bin/node"))
        .args(["--input-type=module", "--eval", module])
        .env("INPUT", input.to_string())
        .output()
        .expect("node runs; `make setup` fetches it");
    assert!(output.status.success(), "{}\n{module}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn body(request: &Request) -> (&str, Value) {
    (&request.path, request.json().expect("a body of JSON"))
}

#[test]
fn the_form_in_ten_lines() {
    let html = Page::read("README.md").blocks("html").remove(0);
    assert_eq!(html.lines().count(), 10);
    let attributes = |name: &str| -> Vec<String> {
        html.split(&format!(" {name}=\"")).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    };
    assert_eq!(attributes("action"), ["http://localhost:8787/f/contact"]);
    assert_eq!(attributes("value"), ["newsletter"]);
    let values = [
        ("name", "Ada Lovelace"),
        ("email", "ada@example.com"),
        ("phone", "010-1234-5678"),
        ("company", "Analytical Engines"),
        ("budget", "5,000"),
        ("message", "Hello <you>"),
        ("utm_source", "newsletter"),
    ];
    assert_eq!(attributes("name"), values.map(|(name, _)| name));

    let world = world();
    let body_sent = form_urlencoded::Serializer::new(String::new()).extend_pairs(values).finish();
    let headers = [
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "ko-KR,ko;q=0.9"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("referer", "https://www.example.com/contact?from=mail"),
        ("sec-fetch-mode", "navigate"),
    ];
    let reply = world.send("POST", "/f/contact", &headers, body_sent.as_bytes());
    assert_eq!((reply.status, reply.header("location")), (303, Some("/f/contact/thanks")));
    let id = world.newest("contact")["id"].as_str().unwrap().to_owned();
    world.delivered("contact", &id);

    let owner = json!({ "name": "담당자", "userValueId": fakes::salesmap::USER_ID });
    let text = |name: &str, value: &str| json!({ "name": name, "stringValue": value });
    let requests = world.fakes.requests("salesmap");
    let records = world.fakes.records("salesmap");
    assert_eq!(
        requests.iter().map(body).collect::<Vec<_>>(),
        [
            ("/api/v2/organization", json!({ "name": "Analytical Engines" })),
            (
                "/api/v2/people",
                json!({
                    "name": "Ada Lovelace", "organizationId": records[0]["id"],
                    "fieldList": [text("이메일", "ada@example.com"), text("전화", "010-1234-5678"), owner],
                })
            ),
            (
                "/api/v2/lead",
                json!({
                    "name": "Ada Lovelace (contact)", "peopleId": records[1]["id"], "organizationId": records[0]["id"],
                    "memo": "Hello &lt;you&gt;\n\u{a0}\nlocale: ko-KR\nutm_source: newsletter\npage: https://www.example.com/contact",
                    "pipelineId": fakes::salesmap::PIPELINE_ID, "pipelineStageId": fakes::salesmap::STAGE_ID,
                    "fieldList": [owner, { "name": "예산", "numberValue": 5000 }],
                })
            ),
        ]
    );
    assert_eq!(world.fakes.complaints("salesmap"), [""; 0]);

    // The operator's list; in a test, no network tells the visitor's country.
    let view = world.newest("contact");
    let mut expected = documented(&http_api(), SUBMISSION);
    expected.as_object_mut().unwrap().shift_remove("country");
    expected["fields"] = json!(values);
    let mut found = view.clone();
    let timeline = found["deliveries"][0]["timeline"].as_array_mut().unwrap();
    assert_eq!(timeline.iter().map(|attempt| &attempt["step"]).collect::<Vec<_>>(), ["organization", "person", "lead"]);
    // The documented visitor has no company.
    timeline.remove(0);
    // Equal in every word except ids and times.
    for (place, own) in [
        ("", &["id", "received_at"][..]),
        ("/deliveries/0/record", &["id"]),
        ("/deliveries/0/timeline/0", &["at", "ms"]),
        ("/deliveries/0/timeline/1", &["at", "ms"]),
    ] {
        for member in own {
            let value = found.pointer(place).unwrap()[member].clone();
            expected.pointer_mut(place).unwrap()[member] = value;
        }
    }
    assert_eq!(found, expected);
    let commands = http_api().blocks("sh").remove(0);
    let token = format!("Bearer {ADMIN_TOKEN}");
    let answers = commands.lines().take(3).map(|line| {
        let (options, path) = line.split_once("https://forms.example.com").unwrap();
        let method = if options.contains("-X POST") { "POST" } else { "GET" };
        let path = path.trim_matches('"').replace("$ID", &id);
        world.send(method, &path, &[("authorization", &token)], b"").json()
    });
    let mut answers: Vec<Value> = answers.collect();
    let whole = answers[1].as_object_mut().unwrap();
    assert_eq!((&whole["lead"]["email"], &whole["audit"]), (&json!("ada@example.com"), &json!([])));
    whole.retain(|member, _| member != "lead" && member != "audit");
    let note = "nothing to send: no delivery waits for you or for a pause to end";
    let released = json!({ "released": 0, "submission": view, "note": note });
    assert_eq!(answers, [json!({ "submissions": [view], "next": null }), view.clone(), released]);
}

#[test]
fn a_rejected_delivery_is_released() {
    let world = world();
    world.fakes.always("salesmap", Mood::named("refusing"));
    let id = world.submit("contact", "name=Ada&email=ada@example.com");
    assert_eq!(world.settled("contact", &id)["deliveries"][0]["state"], "rejected");
    world.fakes.always("salesmap", None);
    let token = format!("Bearer {ADMIN_TOKEN}");
    let path = format!("/api/forms/contact/submissions/{id}/release");
    let reply = world.send("POST", &path, &[("authorization", &token)], b"");
    assert_eq!(reply.status, 200, "{}", reply.body);
    world.delivered("contact", &id);
}

#[test]
fn the_script_and_the_replies_it_gets() {
    const BROWSER: &str = r#"
        const { action, fields } = JSON.parse(process.env.INPUT);
        let submit;
        const form = { action, addEventListener: (event, listener) => { submit = listener; } };
        globalThis.document = { querySelector: () => form };
        globalThis.location = { assign: (address) => console.log("go to", address) };
        globalThis.alert = (text) => console.log("alert", text);
        const Data = FormData;
        globalThis.FormData = class {
          constructor() {
            const data = new Data();
            for (const [name, value] of fields) data.append(name, value);
            return data;
          }
        };
    "#;
    let world = world();
    let origin = format!("http://{}", world.worker.address);
    let script = http_api().blocks("js").remove(0);
    let module = format!("{BROWSER}{{{script}}}\nawait submit({{ preventDefault() {{}} }});");
    let run = |fields: Value| node(&module, &json!({ "action": format!("{origin}/f/contact"), "fields": fields }));

    let fields = json!([["name", "Ada"], ["email", "ada@example.com"]]);
    assert_eq!(run(fields.clone()), format!("go to {origin}/f/contact/thanks"));
    let stored = world.newest("contact");
    assert_eq!(stored["fields"], fields);
    assert_eq!(run(json!([["name", "Ada"]])), "alert email Please fill this in.");

    let headers = [("accept", "application/json"), ("content-type", "application/x-www-form-urlencoded")];
    let reply = world.send("POST", "/f/contact", &headers, b"email=ada@example.com");
    let mut expected = documented(&http_api(), ACCEPTED);
    expected["id"] = reply.json()["id"].clone();
    expected["next"] = json!(expected["next"].as_str().unwrap().replace("http://localhost:8787", &origin));
    assert_eq!((reply.status, reply.json()), (200, expected));
    let reply = world.send("POST", "/f/contact", &headers, b"name=Ada");
    assert_eq!((reply.status, reply.json()), (422, documented(&http_api(), REFUSED)));
}

#[test]
fn the_webhook_and_its_verification() {
    let world = world();
    let webhooks = Page::read("docs/webhooks.md");
    let expected = documented(&webhooks, 0);
    let fields = expected["data"]["fields"].as_object().unwrap();
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for (name, value) in fields {
        let values = value.as_array().map_or_else(|| vec![value], |list| list.iter().collect());
        pairs.extend(values.into_iter().map(|value| (name.as_str(), value.as_str().unwrap())));
    }
    let sent = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let headers = [
        ("accept", "application/json"),
        ("accept-language", "ko-KR,ko;q=0.9"),
        ("referer", "https://www.example.com/news?from=mail"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let reply = world.send("POST", "/f/newsletter", &headers, sent.as_bytes());
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    world.delivered("newsletter", &id);

    let requests = world.fakes.requests("webhook");
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    let found = request.json().unwrap();
    let mut expected = expected;
    let data = &mut expected["data"];
    data["id"] = json!(id);
    data["country"] = Value::Null;
    data["lead"].as_object_mut().unwrap().shift_remove("country");
    for at in [&mut data["submitted_at"], &mut found["data"]["submitted_at"].clone()] {
        assert_eq!(at.as_str().unwrap().len(), "2026-11-20T09:30:00.000Z".len());
    }
    data["submitted_at"] = found["data"]["submitted_at"].clone();
    expected["timestamp"] = found["data"]["submitted_at"].clone();
    assert_eq!(found, expected);

    let script = webhooks.blocks("js").remove(0);
    let module = format!(
        "{script}\nconst {{ headers, body, secret }} = JSON.parse(process.env.INPUT);\n\
         console.log(verify(headers, body, secret));"
    );
    let (id, time) = (request.header("webhook-id").unwrap(), request.header("webhook-timestamp").unwrap());
    let given = request.header("webhook-signature").unwrap();
    let headers = |time: &str, signature: &str| json!({ "webhook-id": id, "webhook-timestamp": time, "webhook-signature": format!("v1,AAAA {signature}") });
    let now: i64 = time.parse().unwrap();
    let earlier = (now - 1).to_string();
    let old = signature(SIGNING_SECRET, id, now - 400, &request.body).unwrap();
    let longer = format!("{} ", request.body);
    let other = "whsec_b3RoZXI=";
    for (headers, body, secret, verified) in [
        (headers(time, given), &request.body, SIGNING_SECRET, "true"),
        (headers(&(now - 400).to_string(), &old), &request.body, SIGNING_SECRET, "false"),
        (headers(&earlier, given), &request.body, SIGNING_SECRET, "false"),
        (headers("soon", given), &request.body, SIGNING_SECRET, "false"),
        (headers(time, given), &longer, SIGNING_SECRET, "false"),
        (headers(time, given), &request.body, other, "false"),
        (json!({}), &request.body, SIGNING_SECRET, "false"),
    ] {
        let input = json!({ "headers": headers, "body": body, "secret": secret });
        assert_eq!(node(&module, &input), verified, "{input:#}");
    }
}
