//! Shared by the tests of intake: forms with one webhook, bodies, and replies compared whole.

use fakes::webhook::Webhook;
use formcourier::intake::RefusalKind;
use serde_json::{Map, Value, json};

use crate::world::{Reply, World, quick};

pub const SIGNING_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub const FORM: &str = "application/x-www-form-urlencoded";
pub const JSON: &str = "application/json";
pub const PARTS: &str = "multipart/form-data; boundary=XX";

/// The `Accept` header of a browser that navigates.
pub const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

pub const THANKS: &str = "Thank you. Your message has arrived.";

/// Forms (a JSON object of their vars, `destinations` left out) that lead to the webhook `hook`.
pub fn vars(forms: &Value) -> Value {
    let mut vars = forms.clone();
    for (_, form) in vars.as_object_mut().into_iter().flatten().filter(|(name, _)| name.starts_with("FORM_")) {
        form["destinations"] = json!(["hook"]);
    }
    vars["DESTINATION_HOOK"] = quick(json!({ "type": "webhook", "url": "https://hooks.example.com/catch" }));
    vars
}

/// A world with [`vars`] and further secrets.
pub fn world_with(forms: &Value, secrets: &[(&str, &str)]) -> World {
    let secrets: Vec<_> =
        [("HOOK_SIGNING_SECRET", SIGNING_SECRET)].into_iter().chain(secrets.iter().copied()).collect();
    World::new(&vars(forms), &secrets, vec![Box::new(Webhook::new(SIGNING_SECRET))])
}

/// A world with these forms.
pub fn world(forms: &Value) -> World {
    world_with(forms, &[])
}

/// A world with the form `contact` and nothing special.
pub fn contact() -> World {
    world(&json!({ "FORM_CONTACT": {} }))
}

impl World {
    /// Posts a body as a script that reads JSON.
    pub fn post_json(&self, form: &str, content_type: &str, body: impl AsRef<[u8]>) -> Reply {
        let headers = [("accept", JSON), ("content-type", content_type)];
        self.send("POST", &format!("/f/{form}"), &headers, body.as_ref())
    }

    /// Posts a body as a browser does that shows the answer.
    pub fn post_page(&self, form: &str, content_type: &str, body: impl AsRef<[u8]>) -> Reply {
        let headers = [("accept", BROWSER), ("content-type", content_type), ("sec-fetch-mode", "navigate")];
        self.send("POST", &format!("/f/{form}"), &headers, body.as_ref())
    }

    /// Everything that a form has stored, newest first.
    pub fn stored(&self, form: &str) -> Vec<Value> {
        let list = self.api("GET", &format!("/api/submissions?form={form}"), "");
        list["submissions"].as_array().cloned().expect("a list")
    }

    /// The message that the webhook got for a submission, compared whole with what belongs into it.
    #[track_caller]
    pub fn assert_delivered(&self, form: &str, id: &str, fields: &Value, lead: &Value, unmapped: &Value) {
        let record = self.delivered(form, id);
        let messages = self.fakes.records("webhook");
        let found: Vec<_> = messages.iter().filter(|message| message["webhook_id"] == record.as_str()).collect();
        let at = self.received_at(form, id);
        let expected = json!({
            "record": "message", "webhook_id": format!("{id}-hook"), "type": "submission", "timestamp": at,
            "data": {
                "id": id, "form": form, "submitted_at": at, "page": null, "country": null, "locale": null,
                "fields": fields, "lead": lead, "unmapped": unmapped, "custom": {},
            },
        });
        assert_eq!(found, [&expected]);
    }
}

/// The id in a JSON success, which is compared whole.
#[track_caller]
pub fn accepted(reply: &Reply, message: &str, next: &str) -> String {
    let body = reply.json();
    let id = body["id"].as_str().unwrap_or_default().to_owned();
    let expected = json!({
        "ok": true, "success": true, "code": 200, "status": "success", "id": id, "message": message, "next": next,
    });
    assert_eq!((reply.status, body, id.len()), (200, expected, 36));
    id
}

/// The body of a JSON refusal: its code, its message, and its errors as (code, field, message). Without errors the
/// refusal itself is the only one.
pub fn refusal(code: &str, message: &str, errors: &[(&str, &str, &str)]) -> Value {
    let whole = [(code, "", message)];
    let errors = if errors.is_empty() { &whole } else { errors };
    let errors: Vec<_> = errors
        .iter()
        .map(|(code, field, message)| json!({ "code": code, "field": field, "message": message }))
        .collect();
    let status = RefusalKind::ALL.iter().find(|kind| kind.code() == code).map(|kind| kind.status());
    json!({
        "ok": false, "success": false, "code": status, "status": "error", "error": code, "message": message, "errors": errors,
    })
}

/// The error for a website that may not post.
pub const ORIGIN_REFUSED: &str =
    "This website is not allowed to send to this form. Please reach its owner in another way.";

/// A multipart body of the boundary in [`PARTS`]: (what follows `form-data; `, content).
pub fn parts(parts: &[(&str, &str)]) -> String {
    let one = |(parameters, content): &(&str, &str)| {
        format!("--XX\r\nContent-Disposition: form-data; {parameters}\r\n\r\n{content}\r\n")
    };
    parts.iter().map(one).collect::<String>() + "--XX--\r\n"
}

/// Pairs as the webhook's JSON has them: a name that came once is a text, one that came more often a list.
pub fn object(pairs: &[(&str, &str)]) -> Value {
    let mut object: Map<String, Value> = Map::new();
    for (name, value) in pairs {
        match object.get_mut(*name) {
            None => drop(object.insert((*name).to_owned(), json!(value))),
            Some(Value::Array(list)) => list.push(json!(value)),
            Some(single) => *single = json!([single.take(), value]),
        }
    }
    Value::Object(object)
}
