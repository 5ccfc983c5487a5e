//! `POST /api/forms/{form}/preview`: what would become of a body that a visitor sends. Nothing is stored or sent.

use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::connectors::{Call as Request, HeaderValue, Progress, Step};
use crate::domain::Lead;
use crate::domain::settings::secret_name;
use crate::intake::form::Access;
use crate::intake::{self, Accepted, Context, Evidence, Form, reply};
use crate::outbox::lead_view;

use super::call::{Answer, Call};
use crate::edge::answer::{error, json_reply};
use crate::edge::{answer, clock, environment};

/// Answers with the lead and the first request to each destination, or with the refusal that the visitor would see.
pub async fn preview(call: &Call<'_>, name: &str) -> Answer {
    let config = environment::config(call.env);
    let form = match answer::form(&config, name) {
        Ok(form) => Form { access: Access::Public, ..form.clone() },
        Err(intake::RefusalKind::UnknownForm) => return Err(error(404, "there is no such form")),
        Err(_) => return Err(error(503, "the form has mistakes in its configuration: GET /api/forms names them")),
    };
    let body = call.body(form.limits.body_bytes).await?;
    let now = clock::now();
    let context =
        Context { id: clock::new_id(now), now, token: None, local: config.crm_origin.is_some(), nfc: environment::nfc };
    let refused = |refused: intake::Refused| reply::refused_json(&refused.refusal, call.visit.language());
    let candidate = intake::read(call.visit, &form, &body, context).map_err(refused)?;
    let lead = candidate.lead.clone();
    // Of rate limits, Turnstile and the time that the page was open a preview knows nothing.
    let Accepted { new, next, .. } = intake::judge(candidate, &form, &Evidence::default()).map_err(refused)?;
    let destinations: Vec<Value> = new.destinations.iter().map(|name| destination(&config, name, &lead)).collect();
    let next = call.visit.url.join(&next).map_or(next, String::from);
    let body = json!({
        "lead": lead_view(&lead), "reasons": new.reasons, "next": next, "destinations": destinations,
    });
    Ok(json_reply(200, &body))
}

fn destination(config: &Config, name: &str, lead: &Lead) -> Value {
    let mut shown = json!({ "destination": name, "connector": null, "requests": [] });
    let Some(found) = config.destination(name) else { return shown };
    shown["connector"] = json!(found.descriptor.name);
    match found.connector.next(lead, &Progress::default(), &Value::Null) {
        Ok(Step::Call(request)) => shown["requests"] = json!([request_shown(name, &request)]),
        Ok(Step::Rejected(failure)) => {
            shown["failure"] = json!({ "kind": failure.kind, "detail": failure.detail });
        }
        Ok(Step::Delivered(_)) | Err(_) => {}
    }
    shown
}

/// A request with the names of secrets where their values go.
fn request_shown(destination: &str, request: &Request) -> Value {
    let secret = |suffix: &str| format!("<{}>", secret_name(destination, suffix));
    let mut headers = Map::new();
    for (name, value) in &request.headers {
        let value = match value {
            HeaderValue::Text(text) => text.clone(),
            HeaderValue::Secret { prefix, suffix } => format!("{prefix}{}", secret(suffix)),
            HeaderValue::Timestamp => "<time of sending>".to_owned(),
            HeaderValue::Signature { suffix, .. } => {
                format!("v1,<signature with {}>", secret_name(destination, suffix))
            }
        };
        headers.insert((*name).to_owned(), json!(value));
    }
    json!({
        "step": request.step, "method": request.method.name(), "url": request.url, "headers": headers,
        "body": request.sent(),
    })
}
