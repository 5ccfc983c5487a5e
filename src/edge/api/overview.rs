//! How the deployment stands: forms, numbers by day, alerts, health.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use worker::Env;

use crate::config::{Config, Lookup, names as vars};
use crate::connectors::Destination;
use crate::domain::settings::ConfigError;
use crate::intake::form::{Access, Form};
use crate::intake::guard::turnstile;
use crate::intake::{OriginRule, Reply};
use crate::outbox::client::Client;
use crate::outbox::days::{DAY_MS, day_of};
use crate::outbox::names;
use crate::outbox::standing::AlertView;
use crate::outbox::totals::{DayCounts, DestinationView, Overview};

use super::answer::{error, json_reply, time};
use super::call::{Answer, Call};
use super::query::number;
use super::reach::Reach;
use super::submissions::{reach, unreachable};
use crate::edge::outbox::Platform;
use crate::edge::{clock, environment, log};

/// Days of `GET /api/stats`: by default, and at most.
const DAYS: usize = 30;
const MOST_DAYS: usize = 90;

/// `GET /api/forms`.
pub async fn forms(call: &Call<'_>) -> Answer {
    let config = environment::config(call.env);
    let mut reach = Reach::of(call.env, None).await;
    let answers = reach.ask(call.env, async |client: Client<'_>| client.overview().await).await;
    let mut all: BTreeMap<String, Overview> = BTreeMap::new();
    for form in config.forms.keys().chain(&config.broken) {
        all.entry(form.clone()).or_default();
    }
    for (outbox, overview) in answers {
        merge(all.entry(names::form_of(&outbox).to_owned()).or_default(), overview);
    }
    all.remove("");
    let forms: Vec<Value> = all.iter().map(|(name, overview)| shown(call, &config, name, overview)).collect();
    let mistakes: Vec<Value> = config.errors.iter().map(mistake).collect();
    Ok(json_reply(200, &json!({ "forms": forms, "mistakes": mistakes, "unreachable": reach.unreachable })))
}

/// Adds the part of another Outbox.
fn merge(sum: &mut Overview, part: Overview) {
    sum.counts.add(&part.counts);
    for (name, view) in part.destinations {
        let known = sum.destinations.entry(name).or_default();
        known.counts.add(&view.counts);
        // The pause that began first.
        let since = |view: &DestinationView| view.pause.as_ref().map_or(i64::MAX, |pause| pause.pause.since);
        if since(&view) < since(known) {
            known.pause = view.pause;
        }
    }
    sum.last_received_at = sum.last_received_at.max(part.last_received_at);
    sum.oldest_pending_at = [sum.oldest_pending_at, part.oldest_pending_at].into_iter().flatten().min();
    for (name, goes_to) in part.fields {
        match sum.fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, all)) => all.extend(goes_to),
            None => sum.fields.push((name, goes_to)),
        }
    }
}

fn shown(call: &Call<'_>, config: &Config, name: &str, overview: &Overview) -> Value {
    let (form, mut mistakes) = match config.form(name) {
        Lookup::Found(form) => (Some(form), mistakes(config, name, Some(form))),
        Lookup::Broken => (None, mistakes(config, name, None)),
        Lookup::Unknown => {
            let why = "the form is not configured any more: what waits is kept, and nothing new is taken";
            (None, vec![mistake(&ConfigError::new(&vars::var_of_name(name, vars::FORM), "", why))])
        }
    };
    let missing = form.map(|form| missing_secrets(call.env, config, form)).unwrap_or_default();
    let mut destinations: Vec<&str> =
        form.map(|form| form.destinations.iter().map(String::as_str).collect()).unwrap_or_default();
    let others = overview.destinations.keys().map(String::as_str).filter(|name| !destinations.contains(name));
    let others: Vec<&str> = others.collect();
    destinations.extend(others);
    let unused = DestinationView::default();
    let destinations: Vec<Value> = destinations
        .into_iter()
        .map(|name| destination(config, name, overview.destinations.get(name).unwrap_or(&unused)))
        .collect();
    let fields: Vec<Value> =
        overview.fields.iter().map(|(name, goes_to)| json!({ "name": name, "goes_to": goes_to })).collect();
    if config.crm_origin.is_some() && !call.visit.is_local() {
        let why = "is set, so no lead would reach a CRM: it is for local development only";
        mistakes.push(mistake(&ConfigError::new("CRM_ORIGIN", "", why)));
    }
    json!({
        "form": name,
        "endpoint": format!("{}/f/{name}", call.visit.own_origin()),
        "ready": form.is_some() && missing.is_empty() && mistakes.is_empty(),
        "mistakes": mistakes,
        "missing_secrets": missing,
        "website": form.and_then(|form| form.allowed_origins.first()).map(website),
        "last_received_at": time(overview.last_received_at),
        "oldest_pending_at": time(overview.oldest_pending_at),
        "counts": overview.counts,
        "fields": fields,
        "destinations": destinations,
    })
}

fn destination(config: &Config, name: &str, view: &DestinationView) -> Value {
    let found = config.destination(name);
    let pause = view.pause.as_ref().map(|view| {
        let until = Some(view.pause.until).filter(|until| *until > clock::now());
        json!({
            "kind": view.pause.failure.kind,
            "detail": view.pause.failure.detail,
            "since": time(Some(view.pause.since)),
            "until": time(until),
            "next_check_at": time(view.next_check_at),
            "needs_person": view.needs_person,
        })
    });
    json!({
        "destination": name,
        "connector": found.map(|found| found.descriptor.name),
        "record": found.map(|found| found.record.name),
        "guarantee": found.map(|found| found.record.guarantee.name()),
        "counts": view.counts,
        "pause": pause,
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
    let names: BTreeSet<String> = names.chain([vars::var_of_name(name, vars::FORM)]).collect();
    config.errors.iter().filter(|error| names.contains(&error.var)).map(mistake).collect()
}

/// The secrets that a form and its destinations need and that are not set.
fn missing_secrets(env: &Env, config: &Config, form: &Form) -> Vec<String> {
    let destinations = form.destinations.iter().filter_map(|name| config.destination(name));
    let mut names: BTreeSet<String> = destinations.flat_map(Destination::secrets).collect();
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
    let mut reach = reach(call, call.visit.parameter("form").as_deref()).await?;
    let now = clock::now();
    let since = now - now.rem_euclid(DAY_MS) - DAY_MS * (i64::try_from(days).unwrap_or(0) - 1);
    let answers = reach.ask(call.env, async |client: Client<'_>| client.stats(since).await).await;
    let mut all: BTreeMap<String, DayCounts> =
        (0..days).map(|day| (day_of(since + DAY_MS * i64::try_from(day).unwrap_or(0)), DayCounts::default())).collect();
    let mut times = Vec::new();
    for stats in answers.into_values() {
        for (day, counts) in stats.days {
            if let Some(sum) = all.get_mut(&day) {
                sum.add(&counts);
            }
        }
        times.extend(stats.delivery_ms);
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2);
    let days: Vec<Value> = all
        .iter()
        .map(|(day, counts)| {
            let mut shown = serde_json::to_value(counts).unwrap_or_default();
            shown["day"] = json!(day);
            shown
        })
        .collect();
    let mut body = json!({ "days": days, "median_ms": median });
    if !reach.unreachable.is_empty() {
        body["unreachable"] = json!(reach.unreachable);
    }
    Ok(json_reply(200, &body))
}

/// `GET /api/alerts`.
pub async fn alerts(call: &Call<'_>) -> Answer {
    let mut reach = Reach::of(call.env, None).await;
    let answers = reach.ask(call.env, async |client: Client<'_>| client.alerts().await).await;
    // The shards of a form are one form.
    let mut all: BTreeMap<String, AlertView> = BTreeMap::new();
    for (outbox, alerts) in answers {
        for alert in alerts {
            let id = format!("{}:{}", names::form_of(&outbox), alert.condition);
            match all.get_mut(&id) {
                Some(known) => {
                    known.count = known.count.saturating_add(alert.count);
                    known.since = [known.since, alert.since].into_iter().flatten().min();
                }
                None => drop(all.insert(id, alert)),
            }
        }
    }
    let origin = call.visit.own_origin();
    let alerts: Vec<Value> = all.iter().map(|(id, alert)| alert_shown(id, alert, &origin)).collect();
    let mut body = json!({ "alerts": alerts });
    if !reach.unreachable.is_empty() {
        body["unreachable"] = json!(reach.unreachable);
    }
    Ok(json_reply(200, &body))
}

fn alert_shown(id: &str, alert: &AlertView, origin: &str) -> Value {
    let form = id.split(':').next();
    let mut shown =
        json!({ "id": id, "form": form, "condition": alert.condition, "count": alert.count, "text": alert.text });
    if let Some(destination) = &alert.destination {
        shown["destination"] = json!(destination);
    }
    if alert.since.is_some() {
        shown["since"] = time(alert.since);
    }
    if let Some(path) = &alert.remedy {
        let command = format!("curl -H \"Authorization: Bearer $ADMIN_TOKEN\" -X POST {origin}{path}");
        shown["command"] = json!(command);
    }
    shown
}

/// `POST /api/alerts/{id}/dismiss`.
pub async fn dismiss(call: &Call<'_>, id: &str) -> Answer {
    let Some((form, condition)) = id.split_once(':') else { return Err(error(404, "there is no such alert")) };
    let mut reach = Reach::of(call.env, Some(form)).await;
    let dismissed = reach.tell(call.env, async |client: Client<'_>| client.dismiss(condition).await).await;
    ended(&reach, "dismissed", dismissed.contains(&true))
}

/// `POST /api/destinations/{name}/resume`.
pub async fn resume(call: &Call<'_>, name: &str) -> Answer {
    let mut reach = Reach::of(call.env, None).await;
    let resumed = reach.tell(call.env, async |client: Client<'_>| client.resume(name).await).await;
    ended(&reach, "resumed", resumed.contains(&true))
}

fn ended(reach: &Reach, what: &str, has_ended: bool) -> Answer {
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
    match Client::new(&Platform::new(env), names::REGISTRY).health().await {
        Ok(found) => reasons.extend(found.iter().map(|reason| json!(reason))),
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
