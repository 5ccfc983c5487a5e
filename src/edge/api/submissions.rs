//! Submissions: the list, one of them, and what an operator does to them.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::delivery::State;
use crate::edge::environment;
use crate::intake::Reply;
use crate::outbox::client::Ask;
use crate::outbox::operate::Action;
use crate::outbox::query::Filter;

use super::call::{Answer, Call};
use super::query::{self, Asked, is_id};
use super::reach::{Merged, Reach};
use crate::edge::answer::{error, json_reply, unreachable};

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
    let mut reach = Reach::known(call.env, asked.form.as_deref()).await?;
    let merged = reach.list(call.env, &filter, before.as_deref(), limit).await;
    Ok(listed(&merged, &reach.unreachable))
}

fn listed(merged: &Merged, unreachable: &[String]) -> Reply {
    let mut body = json!({ "submissions": merged.submissions, "next": merged.next });
    if !unreachable.is_empty() {
        body["unreachable"] = json!(unreachable);
    }
    json_reply(200, &body)
}

/// `GET /api/forms/{form}/submissions/{id}`.
pub async fn one(call: &Call<'_>, form: &str, id: &str) -> Answer {
    let mut reach = known(call, form, id).await?;
    // In the order of names: the copy that is delivered, not the one that an overflow is handing over.
    let found = reach.ask(call.env, &Ask::View(id.to_owned())).await.into_iter().find(|(_, found)| !found.is_null());
    found.map(|(_, found)| json_reply(200, &found)).ok_or_else(|| not_found(&reach))
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
async fn act(call: &Call<'_>, action: Action, form: &str, id: &str) -> Result<(u64, bool, Value), Reply> {
    let mut reach = known(call, form, id).await?;
    let ask = Ask::Act { action, id: id.to_owned(), actor: call.actor.0.clone() };
    let (mut count, mut was_out, mut last) = (0, false, None);
    for mut acted in reach.tell(call.env, &ask).await.into_iter().filter(|acted| !acted.is_null()) {
        count += acted["count"].as_u64().unwrap_or(0);
        was_out |= acted["was_out"] == true;
        last = Some(acted["view"].take());
    }
    // An erasure that did not reach every copy is not done.
    let last = last.filter(|_| action != Action::Erase || reach.unreachable.is_empty());
    last.map(|view| (count, was_out, view)).ok_or_else(|| not_found(&reach))
}

async fn known(call: &Call<'_>, form: &str, id: &str) -> Result<Reach, Reply> {
    let reach = Reach::of(call.env, Some(form)).await;
    if is_id(id) { Ok(reach) } else { Err(error(404, "there is no such submission")) }
}

fn not_found(reach: &Reach) -> Reply {
    if reach.unreachable.is_empty() { error(404, "there is no such submission") } else { unreachable() }
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
    let mut reach = Reach::known(call.env, asked.form.as_deref()).await?;
    let done = reach.act_on_all(call.env, Action::Release, &filter, &call.actor.0).await;
    let mut body = json!({ "released": done.count });
    if done.is_cut {
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
    let done = reach.act_on_all(call.env, Action::Erase, &filter, &call.actor.0).await;
    if !reach.unreachable.is_empty() {
        return Err(unreachable());
    }
    let notes: Vec<&str> = [(done.was_out, IN_FLIGHT), (done.is_cut, UNFINISHED)]
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, note)| note)
        .collect();
    let mut body = json!({ "erased": done.count });
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
    let mut all = Merged::default();
    // Parts of a long search are mostly empty.
    for _ in 0..=MOST / reach.names.len().max(1) {
        let part = reach.list(call.env, &filter, before.as_deref(), MOST).await;
        all.submissions.extend(part.submissions);
        all.next = part.next;
        before.clone_from(&all.next);
        if all.next.is_none() || all.submissions.len() >= MOST || !reach.unreachable.is_empty() {
            break;
        }
    }
    Ok(listed(&all, &reach.unreachable))
}
