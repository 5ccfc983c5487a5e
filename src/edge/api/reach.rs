//! Reaches the Outboxes that a request is about: those of one form or of all, by the config and by the registry.

use futures_util::stream::{self, StreamExt};
use serde_json::Value;
use worker::Env;

use crate::config::Lookup;
use crate::domain::sorted::{Map, Set};
use crate::edge::outbox::Platform;
use crate::edge::{environment, log};
use crate::intake::Reply;
use crate::outbox::client::{Ask, Client};
use crate::outbox::names;
use crate::outbox::operate::Action;
use crate::outbox::query::Filter;

use crate::edge::answer::error;

/// About how many bytes of JSON a part of a list may have: fifty of the longest submissions are more than the 128 MB of a
/// Worker.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Parts of a bulk action in one request. The free plan allows fifty subrequests.
const PARTS: usize = 40;

/// Outboxes asked at the same time.
const AT_ONCE: usize = 40;

/// The Outboxes that a request is about.
#[derive(Debug)]
pub struct Reach {
    /// Their names: those that deliver, then the overflows.
    pub names: Vec<String>,
    /// Those that do not answer; the registry among them when it does not.
    pub unreachable: Vec<String>,
}

/// A part of a list, merged of several Outboxes.
#[derive(Debug, Default)]
pub struct Merged {
    /// The submissions, newest first.
    pub submissions: Vec<Value>,
    /// The list continues below this id; `None` when this is all.
    pub next: Option<String>,
}

/// What a bulk action did.
#[derive(Debug, Default)]
pub struct Done {
    /// Deliveries or submissions.
    pub count: u64,
    /// A call was out.
    pub was_out: bool,
    /// There is more than one request can do.
    pub is_cut: bool,
    /// Questions that were asked for it.
    parts: usize,
}

/// The id of a submission.
pub fn id_of(submission: &Value) -> &str {
    submission["id"].as_str().unwrap_or_default()
}

impl Reach {
    /// The Outboxes of a form; `None`: of all. A form that is gone from the config keeps those that it had.
    pub async fn of(env: &Env, form: Option<&str>) -> Self {
        let config = environment::config(env);
        let mut all = Set::new();
        for name in config.forms.keys().chain(&config.broken).filter(|name| form.is_none_or(|form| form == *name)) {
            all.extend(match config.form(name) {
                Lookup::Found(form) => names::of_form(&form.name, form.shards),
                _ => names::of_form(name, 1),
            });
        }
        let mut unreachable = Vec::new();
        match Client::new(&Platform::new(env), names::REGISTRY).outboxes().await {
            Ok(registered) => {
                all.extend(registered.into_iter().filter(|name| form.is_none_or(|form| names::form_of(name) == form)));
            }
            Err(error) => {
                log::failure("registry", &error);
                unreachable.push(names::REGISTRY.to_owned());
            }
        }
        let (overflows, mut names): (Vec<String>, Vec<String>) =
            all.into_iter().partition(|name| names::is_overflow(name));
        names.extend(overflows);
        Self { names, unreachable }
    }

    /// The Outboxes of a form that there is or was; of all without a name.
    pub async fn known(env: &Env, form: Option<&str>) -> Result<Self, Reply> {
        let reach = Self::of(env, form).await;
        if form.is_some() && reach.names.is_empty() && reach.unreachable.is_empty() {
            return Err(error(404, "there is no such form"));
        }
        Ok(reach)
    }

    /// What each of them answers, in the order of the names.
    pub async fn ask(&mut self, env: &Env, ask: &Ask) -> Vec<(String, Value)> {
        let network = &Platform::new(env);
        let asked = self.names.iter().map(|name| async move { (name, Client::new(network, name).ask_json(ask).await) });
        let answers: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
        let mut answered = Vec::new();
        for (name, answer) in answers {
            match answer {
                Ok(answer) => answered.push((name.clone(), answer)),
                Err(error) => {
                    log::failure("operator", &error);
                    self.unreachable.push(name.clone());
                }
            }
        }
        answered
    }

    /// What each of them answers, asked one after the other, the overflows first: what they hand over meanwhile is then met
    /// by the others.
    pub async fn tell(&mut self, env: &Env, ask: &Ask) -> Vec<Value> {
        let network = &Platform::new(env);
        let mut answers = Vec::new();
        for name in self.names.iter().rev() {
            match Client::new(network, name).ask_json(ask).await {
                Ok(answer) => answers.push(answer),
                Err(error) => {
                    log::failure("operator", &error);
                    self.unreachable.push(name.clone());
                }
            }
        }
        answers
    }

    /// A part of the list of their submissions.
    pub async fn list(&mut self, env: &Env, filter: &Filter, before: Option<&str>, limit: usize) -> Merged {
        let bytes = PAGE_BYTES / self.names.len().max(1);
        let ask = Ask::List { filter: filter.clone(), before: before.map(str::to_owned), limit, bytes };
        let parts = self.ask(env, &ask).await;
        // Where a part ends early, others may go on with what belongs behind it: that comes with the next part.
        let end = parts.iter().filter_map(|(_, part)| part["next"].as_str()).max().map(str::to_owned);
        // An overflow that is handing one over comes last, so the copy that is delivered is shown.
        let mut all: Map<String, Value> = Map::new();
        for (_, mut part) in parts {
            for submission in part["submissions"]
                .as_array_mut()
                .into_iter()
                .flat_map(|newest_first| std::mem::take(newest_first).into_iter().rev())
            {
                let id = id_of(&submission).to_owned();
                if end.as_ref().is_none_or(|end| id >= *end) {
                    all.or_insert_with(id, || submission);
                }
            }
        }
        let is_cut = all.len() > limit;
        let submissions: Vec<Value> = all.into_values().rev().take(limit).collect();
        let next = if is_cut { submissions.last().map(|last| id_of(last).to_owned()) } else { end };
        Merged { submissions, next }
    }

    /// Does this to every submission that is meant.
    pub async fn act_on_all(&mut self, env: &Env, action: Action, filter: &Filter, actor: &str) -> Done {
        let mut done = Done::default();
        for name in self.names.clone().into_iter().rev() {
            if action == Action::Erase && names::is_overflow(&name) {
                self.erase_in_overflow(env, &name, filter, actor, &mut done).await;
                continue;
            }
            let mut before = None;
            loop {
                let ask = Ask::ActOnAll { action, filter: filter.clone(), before, actor: actor.to_owned() };
                let Some(progress) = self.ask_part(env, &name, &ask, &mut done).await else { break };
                done.count += progress["count"].as_u64().unwrap_or(0);
                done.was_out |= progress["was_out"] == true;
                before = progress["next"].as_str().map(str::to_owned);
                if before.is_none() {
                    break;
                }
            }
        }
        done
    }

    /// What an overflow holds may be on its way to another Outbox, which does not know it yet. Each is erased by its id: in
    /// the form's other Outboxes first, so that a request that ends early leaves something to find for the next one.
    async fn erase_in_overflow(&mut self, env: &Env, overflow: &str, filter: &Filter, actor: &str, done: &mut Done) {
        let is_of_form = |name: &&String| names::form_of(name) == names::form_of(overflow);
        let of_form: Vec<String> = self.names.iter().filter(is_of_form).cloned().collect();
        let mut before = None;
        loop {
            let ask = Ask::List { filter: filter.clone(), before, limit: PARTS, bytes: PAGE_BYTES };
            let Some(page) = self.ask_part(env, overflow, &ask, done).await else { return };
            for submission in page["submissions"].as_array().into_iter().flatten() {
                let id = id_of(submission).to_owned();
                let ask = Ask::Act { action: Action::Erase, id, actor: actor.to_owned() };
                for name in &of_form {
                    let Some(acted) = self.ask_part(env, name, &ask, done).await else { return };
                    done.was_out |= acted["was_out"] == true;
                }
                done.count += 1;
            }
            before = page["next"].as_str().map(str::to_owned);
            if before.is_none() {
                return;
            }
        }
    }

    /// Asks a part of a bulk action; `None` when it is not answered, or when it is one too many.
    async fn ask_part(&mut self, env: &Env, name: &str, ask: &Ask, done: &mut Done) -> Option<Value> {
        if done.parts >= PARTS {
            done.is_cut = true;
            return None;
        }
        done.parts += 1;
        let answer = Client::new(&Platform::new(env), name).ask_json(ask).await;
        let answer = answer.inspect_err(|error| {
            log::failure("operator", error);
            self.unreachable.push(name.to_owned());
        });
        answer.ok()
    }
}
