//! How the deployment stands: forms, numbers by day, alerts, health.

use serde_json::{Value, json};
use worker::Env;

use crate::config::{Config, Lookup, names as vars};
use crate::connectors::Destination;
use crate::domain::settings::ConfigError;
use crate::domain::sorted::{Map, Set};
use crate::edge::answer::{error, json_reply, unreachable};
use crate::edge::outbox::Platform;
use crate::edge::{clock, environment, log};
use crate::intake::form::{Access, Form};
use crate::intake::guard::turnstile;
use crate::intake::{OriginRule, Reply};
use crate::outbox::client::{Ask, Client};
use crate::outbox::days::{DAY_MS, day_of};
use crate::outbox::names;
use crate::outbox::totals::{Counts, DayCounts};

use super::call::{Answer, Call};
use super::query::number;
use super::reach::Reach;

/// Days of `GET /api/stats`: by default, and at most.
const DAYS: usize = 30;
const MOST_DAYS: usize = 90;

/// `GET /api/forms`.
pub async fn forms(call: &Call<'_>) -> Answer {
    let config = environment::config(call.env);
    let mut reach = Reach::of(call.env, None).await;
    let mut all: Map<String, Value> = Map::new();
    for form in config.forms.keys().chain(&config.broken) {
        all.insert(form.clone(), Value::Null);
    }
    for (outbox, part) in reach.ask(call.env, &Ask::Overview).await {
        merge(all.or_default(names::form_of(&outbox).to_owned()), part);
    }
    let forms: Vec<Value> = all.iter_mut().map(|(name, overview)| shown(call, &config, name, overview)).collect();
    let mistakes: Vec<Value> = config.errors.iter().map(mistake).collect();
    Ok(json_reply(200, &json!({ "forms": forms, "mistakes": mistakes, "unreachable": reach.unreachable })))
}

/// Adds the part of another Outbox. Times in RFC 3339 are in the order of their texts.
fn merge(sum: &mut Value, part: Value) {
    let time = |value: &Value, name: &str| value[name].as_str().map(str::to_owned);
    let last = time(sum, "last_received_at").max(time(&part, "last_received_at"));
    let oldest = [time(sum, "oldest_pending_at"), time(&part, "oldest_pending_at")].into_iter().flatten().min();
    add(sum, part);
    sum["last_received_at"] = json!(last);
    sum["oldest_pending_at"] = json!(oldest);
}

fn shown(call: &Call<'_>, config: &Config, name: &str, overview: &mut Value) -> Value {
    let (form, mut mistakes) = match config.form(name) {
        Lookup::Found(form) => (Some(form), mistakes(config, name, Some(form))),
        Lookup::Broken => (None, mistakes(config, name, None)),
        Lookup::Unknown => {
            let why = "the form is not configured any more: what waits is kept, and nothing new is taken";
            (None, vec![mistake(&ConfigError::new(&vars::var_of_name(name, vars::FORM), "", why))])
        }
    };
    if config.crm_origin.is_some() && !call.visit.is_local() {
        let why = "is set, so no lead would reach a CRM: it is for local development only";
        mistakes.push(mistake(&ConfigError::new("CRM_ORIGIN", "", why)));
    }
    let missing = form.map(|form| missing_secrets(call.env, config, form)).unwrap_or_default();
    let mut destinations: Vec<Value> = Vec::new();
    for name in form.map(|form| form.destinations.as_slice()).unwrap_or_default() {
        destinations.push(destination(config, name, overview["destinations"][name].take()));
    }
    // Those that the form had before.
    for (name, view) in
        overview["destinations"].as_object_mut().into_iter().flatten().filter(|(_, view)| !view.is_null())
    {
        destinations.push(destination(config, name, view.take()));
    }
    let fields: Vec<Value> = overview["fields"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, uses)| {
            let uses: Vec<&String> = uses.as_object().into_iter().flat_map(|uses| uses.keys()).collect();
            json!({ "name": name, "goes_to": uses })
        })
        .collect();
    let mut counts = json!(Counts::default());
    add(&mut counts, overview["counts"].take());
    json!({
        "form": name,
        "endpoint": format!("{}/f/{name}", call.visit.own_origin),
        "ready": form.is_some() && missing.is_empty() && mistakes.is_empty(),
        "mistakes": mistakes,
        "missing_secrets": missing,
        "website": form.and_then(|form| form.allowed_origins.first()).map(website),
        "last_received_at": overview["last_received_at"],
        "oldest_pending_at": overview["oldest_pending_at"],
        "counts": counts,
        "fields": fields,
        "destinations": destinations,
    })
}

fn destination(config: &Config, name: &str, mut view: Value) -> Value {
    let found = config.destination(name);
    let mut counts = json!(Counts::default());
    add(&mut counts, view["counts"].take());
    json!({
        "destination": name,
        "connector": found.map(|found| found.descriptor.name),
        "record": found.map(|found| found.record.name),
        "guarantee": found.map(|found| found.record.guarantee.name()),
        "counts": counts,
        "pause": view["pause"],
    })
}

fn website(rule: &OriginRule) -> String {
    let port = rule.port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", rule.scheme, rule.host)
}

fn mistake(error: &ConfigError) -> Value {
    let key = Some(&error.key).filter(|key| !key.is_empty());
    json!({ "var": error.var, "key": key, "message": error.message })
}

/// The mistakes in a form's var and in those of its destinations.
fn mistakes(config: &Config, name: &str, form: Option<&Form>) -> Vec<Value> {
    let destinations = form.map(|form| form.destinations.as_slice()).unwrap_or_default();
    let names = destinations.iter().map(|name| vars::var_of_name(name, vars::DESTINATION));
    let names: Set<String> = names.chain([vars::var_of_name(name, vars::FORM)]).collect();
    config.errors.iter().filter(|error| names.contains(&error.var)).map(mistake).collect()
}

/// The secrets that a form and its destinations need and that are not set.
fn missing_secrets(env: &Env, config: &Config, form: &Form) -> Vec<String> {
    let destinations = form.destinations.iter().filter_map(|name| config.destination(name));
    let mut names: Set<String> = destinations.flat_map(Destination::secrets).collect();
    if let Access::Token { secret } = &form.access {
        names.insert(secret.clone());
    }
    if form.turnstile.is_some() {
        names.insert(turnstile::SECRET.to_owned());
    }
    names.into_iter().filter(|name| environment::secret(env, name).is_none()).collect()
}

/// `GET /api/stats`.
pub async fn stats(call: &Call<'_>) -> Answer {
    let days = number(call.visit, "days", DAYS, MOST_DAYS)?;
    let mut reach = Reach::known(call.env, call.visit.parameter("form").as_deref()).await?;
    let now = clock::now();
    let since = now - now.rem_euclid(DAY_MS) - DAY_MS * (i64::try_from(days).unwrap_or(0) - 1);
    let mut all = json!({ "days": {}, "delivery_ms": [] });
    for day in (0..days).filter_map(|day| i64::try_from(day).ok()) {
        all["days"][day_of(since + DAY_MS * day)] = json!(DayCounts::default());
    }
    for (_, part) in reach.ask(call.env, &Ask::Stats(since)).await {
        add(&mut all, part);
    }
    let mut times: Vec<i64> = Vec::new();
    for time in all["delivery_ms"].as_array().into_iter().flatten().filter_map(Value::as_i64) {
        times.insert(times.partition_point(|other| *other < time), time);
    }
    let mut shown = Vec::new();
    for (day, counts) in all["days"].as_object_mut().into_iter().flatten() {
        counts["day"] = json!(day);
        shown.push(counts.take());
    }
    let mut body = json!({ "days": shown, "median_ms": times.get(times.len() / 2) });
    if !reach.unreachable.is_empty() {
        body["unreachable"] = json!(reach.unreachable);
    }
    Ok(json_reply(200, &body))
}

/// `GET /api/alerts`.
pub async fn alerts(call: &Call<'_>) -> Answer {
    let mut reach = Reach::of(call.env, None).await;
    // The shards of a form are one form.
    let mut all = json!({});
    for (outbox, alerts) in reach.ask(call.env, &Ask::Alerts).await {
        for alert in alerts.as_array().into_iter().flatten() {
            let form = names::form_of(&outbox);
            let id = format!("{form}:{}", alert["condition"].as_str().unwrap_or_default());
            let mut part = json!({ "id": id, "form": form });
            add(&mut part, alert.clone());
            add(&mut all[&id], part);
        }
    }
    let origin = &call.visit.own_origin;
    let mut alerts = Vec::new();
    for (_, alert) in all.as_object_mut().into_iter().flatten() {
        if let Some(path) = alert.as_object_mut().and_then(|alert| alert.remove("remedy")) {
            let path = path.as_str().unwrap_or_default();
            alert["command"] = json!(format!("curl -H \"Authorization: Bearer $ADMIN_TOKEN\" -X POST {origin}{path}"));
        }
        alerts.push(alert.take());
    }
    let mut body = json!({ "alerts": alerts });
    if !reach.unreachable.is_empty() {
        body["unreachable"] = json!(reach.unreachable);
    }
    Ok(json_reply(200, &body))
}

/// `POST /api/alerts/{id}/dismiss`.
pub async fn dismiss(call: &Call<'_>, id: &str) -> Answer {
    let Some((form, condition)) = id.split_once(':') else { return Err(error(404, "there is no such alert")) };
    ended(call, Some(form), "dismissed", &Ask::Dismiss(condition.to_owned())).await
}

/// `POST /api/destinations/{name}/resume`.
pub async fn resume(call: &Call<'_>, name: &str) -> Answer {
    ended(call, None, "resumed", &Ask::Resume(name.to_owned())).await
}

async fn ended(call: &Call<'_>, form: Option<&str>, what: &str, ask: &Ask) -> Answer {
    let mut reach = Reach::of(call.env, form).await;
    let has_ended = reach.tell(call.env, ask).await.contains(&Value::Bool(true));
    if has_ended || reach.unreachable.is_empty() {
        return Ok(json_reply(200, &json!({ what: has_ended })));
    }
    Err(unreachable())
}

/// `GET /health`: by the last sweep, so one request however many Outboxes there are.
pub async fn health(env: &Env) -> Reply {
    let config = environment::config(env);
    let broken = config.broken.iter().map(|form| json!({ "form": form, "condition": "config" }));
    let mut reasons: Vec<Value> = broken.collect();
    match Client::new(&Platform::new(env), names::REGISTRY).ask_json(&Ask::Health).await {
        Ok(found) => reasons.extend(found.as_array().into_iter().flatten().cloned()),
        Err(error) => {
            log::failure("health", &error);
            reasons.push(json!({ "form": null, "condition": "unreachable" }));
        }
    }
    if reasons.is_empty() {
        json_reply(200, &json!({ "ok": true }))
    } else {
        json_reply(503, &json!({ "ok": false, "reasons": reasons }))
    }
}

/// Adds another part of the same: numbers are added, lists joined, members merged. Of anything else, what is there stays.
fn add(sum: &mut Value, part: Value) {
    match (&mut *sum, part) {
        (Value::Null, part) => *sum = part,
        (Value::Number(number), Value::Number(more)) => {
            *sum = json!(number.as_i64().unwrap_or(0) + more.as_i64().unwrap_or(0));
        }
        (Value::Array(list), Value::Array(more)) => list.extend(more),
        (Value::Object(members), Value::Object(more)) => {
            for (name, part) in more {
                add(members.entry(name).or_insert(Value::Null), part);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_added() {
        let mut sum = json!({ "a": 1, "list": [1], "b": { "c": 2 }, "text": "x", "none": null });
        add(
            &mut sum,
            json!({ "a": 2, "list": [2], "b": { "c": 3, "d": 4 }, "text": "y", "none": "z", "new": { "e": 1 } }),
        );
        let expected = json!({
            "a": 3, "list": [1, 2], "b": { "c": 5, "d": 4 }, "text": "x", "none": "z", "new": { "e": 1 },
        });
        assert_eq!(sum, expected);
    }
}
