//! Submissions: the list, one of them, and what an operator does to them.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::delivery::State;
use crate::edge::environment;
use crate::intake::Reply;
use crate::outbox::client::Client;
use crate::outbox::operate::{Acted, Action};
use crate::outbox::query::Filter;

use super::answer::{error, json_reply, submission};
use super::call::{Answer, Call};
use super::query::{self, Asked, is_id};
use super::reach::{Merged, Reach};

/// Submissions of a part of the list: by default, and at most.
const LIMIT: usize = 50;
const MOST: usize = 100;

const IN_FLIGHT: &str = "a call was under way: the record may exist at the destination";
const UNFINISHED: &str = "there are more than one request can reach: send the same again for the rest";

/// `GET /api/submissions`.
pub async fn list(call: &Call<'_>) -> Answer {
    let asked = Asked::of(call.visit);
    let filter = asked.filter()?;
    let (before, limit) = (query::before(call.visit)?, query::number(call.visit, "limit", LIMIT, MOST)?);
    let mut reach = reach(call, asked.form.as_deref()).await?;
    let merged = reach.list(call.env, &filter, before.as_deref(), limit).await;
    Ok(listed(&merged, &reach.unreachable))
}

/// The Outboxes of the form that the client names, or of all.
pub async fn reach(call: &Call<'_>, form: Option<&str>) -> Result<Reach, Reply> {
    match form {
        Some(form) => Reach::of_form(call.env, form).await,
        None => Ok(Reach::of(call.env, None).await),
    }
}

fn listed(merged: &Merged, unreachable: &[String]) -> Reply {
    let views: Vec<Value> = merged.views.iter().map(submission).collect();
    let mut body = json!({ "submissions": views, "next": merged.next });
    if !unreachable.is_empty() {
        body["unreachable"] = json!(unreachable);
    }
    json_reply(200, &body)
}

/// `GET /api/forms/{form}/submissions/{id}`.
pub async fn one(call: &Call<'_>, form: &str, id: &str) -> Answer {
    let mut reach = known(call, form, id).await?;
    let mut answers = reach.ask(call.env, async |client: Client<'_>| client.submission(id).await).await;
    // In the order of names: the copy that is delivered, not the one that an overflow is handing over.
    let found = reach.names.iter().find_map(|name| answers.remove(name).flatten());
    found.map(|view| json_reply(200, &submission(&view))).ok_or_else(|| not_found(&reach))
}

/// `POST /api/forms/{form}/submissions/{id}/release`.
pub async fn release(call: &Call<'_>, form: &str, id: &str) -> Answer {
    let (count, _, view) = act(call, Action::Release, form, id).await?;
    let mut body = json!({ "released": count, "submission": view });
    if count == 0 {
        body["note"] = json!("nothing to send: no delivery waits for you or for a pause to end");
    }
    Ok(json_reply(200, &body))
}

/// `POST /api/forms/{form}/submissions/{id}/spam`.
pub async fn spam(call: &Call<'_>, form: &str, id: &str) -> Answer {
    let (count, _, view) = act(call, Action::Spam, form, id).await?;
    Ok(json_reply(200, &json!({ "quarantined": count, "submission": view })))
}

/// `DELETE /api/forms/{form}/submissions/{id}`.
pub async fn erase(call: &Call<'_>, form: &str, id: &str) -> Answer {
    let (_, was_out, _) = act(call, Action::Erase, form, id).await?;
    let mut body = json!({ "erased": 1 });
    if was_out {
        body["note"] = json!(IN_FLIGHT);
    }
    Ok(json_reply(200, &body))
}

/// Does this to every copy of a submission: the sum of what changed, whether a call was out, and the submission.
async fn act(call: &Call<'_>, action: Action, form: &str, id: &str) -> Result<(usize, bool, Value), Reply> {
    let mut reach = known(call, form, id).await?;
    let actor = &call.actor.0;
    let answers = reach.tell(call.env, async |client: Client<'_>| client.act(action, id, actor).await).await;
    let acted: Vec<Acted> = answers.into_iter().flatten().collect();
    // An erasure that did not reach every copy is not done.
    let Some(last) = acted.last().filter(|_| action != Action::Erase || reach.unreachable.is_empty()) else {
        return Err(not_found(&reach));
    };
    let view = last.view.as_ref().map_or(Value::Null, submission);
    Ok((acted.iter().map(|acted| acted.count).sum(), acted.iter().any(|acted| acted.was_out), view))
}

async fn known(call: &Call<'_>, form: &str, id: &str) -> Result<Reach, Reply> {
    let reach = Reach::of(call.env, Some(form)).await;
    if is_id(id) { Ok(reach) } else { Err(error(404, "there is no such submission")) }
}

fn not_found(reach: &Reach) -> Reply {
    if reach.unreachable.is_empty() { error(404, "there is no such submission") } else { unreachable() }
}

/// A part of the storage does not answer, and without it the reply would be wrong.
pub fn unreachable() -> Reply {
    error(503, "a part of the storage does not answer: send the same again in a minute")
}

/// `POST /api/release`.
pub async fn release_all(call: &Call<'_>) -> Answer {
    let asked: Asked = call.json().await?;
    let mut filter = asked.filter()?;
    if filter.states.is_empty() {
        filter.states = vec![State::Rejected, State::Exhausted];
    }
    if filter.states.contains(&State::Quarantined) && asked.form.is_none() {
        return Err(error(400, "state quarantined needs a form: what one form suspects says nothing about another"));
    }
    if let Some(state) = filter.states.iter().find(|state| matches!(state, State::Pending | State::Delivered)) {
        let name = state.name();
        return Err(error(
            400,
            &format!("state {name:?} does not wait for you; release takes rejected, exhausted, quarantined"),
        ));
    }
    let mut reach = reach(call, asked.form.as_deref()).await?;
    let progress = reach.act_on_all(call.env, Action::Release, &filter, &call.actor.0).await;
    let mut body = json!({ "released": progress.count });
    if progress.next.is_some() {
        body["note"] = json!(UNFINISHED);
    }
    if !reach.unreachable.is_empty() {
        body["unreachable"] = json!(reach.unreachable);
    }
    Ok(json_reply(200, &body))
}

/// A person, by the email address.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    email: String,
}

impl Person {
    fn filter(&self) -> Result<Filter, Reply> {
        let email = self.email.trim();
        // Anything else would be found in many submissions of other people.
        let is_address = email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
        if !is_address || email.contains(char::is_whitespace) {
            return Err(error(400, "email takes an email address"));
        }
        Ok(Filter { person: Some(environment::nfc(email)), ..Filter::default() })
    }
}

/// `POST /api/erase`.
pub async fn erase_person(call: &Call<'_>) -> Answer {
    let filter = call.json::<Person>().await?.filter()?;
    let mut reach = Reach::of(call.env, None).await;
    let progress = reach.act_on_all(call.env, Action::Erase, &filter, &call.actor.0).await;
    if !reach.unreachable.is_empty() {
        return Err(unreachable());
    }
    let notes: Vec<&str> = [(progress.was_out, IN_FLIGHT), (progress.next.is_some(), UNFINISHED)]
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, note)| note)
        .collect();
    let mut body = json!({ "erased": progress.count });
    if !notes.is_empty() {
        body["note"] = json!(notes.join("; "));
    }
    Ok(json_reply(200, &body))
}

/// `GET /api/person`. A list like any other, so that a person with very many submissions comes in parts.
pub async fn person(call: &Call<'_>) -> Answer {
    let filter = Person { email: call.visit.parameter("email").unwrap_or_default() }.filter()?;
    let mut before = query::before(call.visit)?;
    let mut reach = Reach::of(call.env, None).await;
    let mut all = Merged { views: Vec::new(), next: None };
    // Parts of a long search are mostly empty.
    for _ in 0..=MOST / reach.names.len().max(1) {
        let part = reach.list(call.env, &filter, before.as_deref(), MOST).await;
        all.views.extend(part.views);
        all.next = part.next;
        before.clone_from(&all.next);
        if all.next.is_none() || all.views.len() >= MOST || !reach.unreachable.is_empty() {
            break;
        }
    }
    Ok(listed(&all, &reach.unreachable))
}
