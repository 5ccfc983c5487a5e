//! Reaches the Outboxes that a request is about: those of one form or of all, by the config and by the registry.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use worker::Env;

use crate::config::Lookup;
use crate::intake::Reply;
use crate::outbox::client::Client;
use crate::outbox::operate::{Action, Progress};
use crate::outbox::query::Filter;
use crate::outbox::{OutboxError, SubmissionView, names};

use super::answer::error;
use crate::edge::outbox::Platform;
use crate::edge::{environment, log};

/// About how many bytes of JSON a part of a list may have: fifty of the longest submissions are more than the 128 MB of a
/// Worker.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Parts of a bulk action in one request. The free plan allows fifty subrequests.
const PARTS: usize = 40;

/// The Outboxes that a request is about.
#[derive(Debug)]
pub struct Reach {
    /// Their names: those that deliver, then the overflows.
    pub names: Vec<String>,
    /// Those that do not answer; the registry among them when it does not.
    pub unreachable: Vec<String>,
}

/// A part of a list, merged of several Outboxes.
#[derive(Debug)]
pub struct Merged {
    /// Newest first.
    pub views: Vec<SubmissionView>,
    /// The list continues below this id; `None` when this is all.
    pub next: Option<String>,
}

impl Reach {
    /// The Outboxes of a form; `None`: of all. A form that is gone from the config keeps those that it had.
    pub async fn of(env: &Env, form: Option<&str>) -> Self {
        let config = environment::config(env);
        let configured: Vec<&str> = match form {
            Some(form) => vec![form],
            None => config.forms.keys().chain(&config.broken).map(String::as_str).collect(),
        };
        let of_form = |form: &str| match config.form(form) {
            Lookup::Found(form) => names::of_form(&form.name, form.shards),
            Lookup::Broken => names::of_form(form, 1),
            Lookup::Unknown => Vec::new(),
        };
        let mut names: Vec<String> = configured.into_iter().flat_map(of_form).collect();
        let mut unreachable = Vec::new();
        match Client::new(&Platform::new(env), names::REGISTRY).outboxes().await {
            Ok(registered) => {
                names
                    .extend(registered.into_iter().filter(|name| form.is_none_or(|form| names::form_of(name) == form)));
            }
            Err(error) => {
                log::failure("registry", &error);
                unreachable.push(names::REGISTRY.to_owned());
            }
        }
        names.sort_by_cached_key(|name| (names::is_overflow(name), name.clone()));
        names.dedup();
        Self { names, unreachable }
    }

    /// The Outboxes of a form that there is or was.
    pub async fn of_form(env: &Env, form: &str) -> Result<Self, Reply> {
        let reach = Self::of(env, Some(form)).await;
        if reach.names.is_empty() && reach.unreachable.is_empty() {
            return Err(error(404, "there is no such form"));
        }
        Ok(reach)
    }

    /// What each of them answers, asked all at once.
    pub async fn ask<T>(
        &mut self,
        env: &Env,
        ask: impl AsyncFn(Client<'_>) -> Result<T, OutboxError>,
    ) -> BTreeMap<String, T> {
        let (network, ask) = (&Platform::new(env), &ask);
        let answers =
            join_all(self.names.iter().map(|name| async move { ask(Client::new(network, name)).await })).await;
        let mut answered = BTreeMap::new();
        for (name, answer) in self.names.iter().zip(answers) {
            match answer {
                Ok(answer) => drop(answered.insert(name.clone(), answer)),
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
    pub async fn tell<T>(&mut self, env: &Env, ask: impl AsyncFn(Client<'_>) -> Result<T, OutboxError>) -> Vec<T> {
        let network = &Platform::new(env);
        let mut answers = Vec::new();
        for name in self.names.iter().rev() {
            match ask(Client::new(network, name)).await {
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
        let mut pages = self.ask(env, async |client: Client<'_>| client.list(filter, before, limit, bytes).await).await;
        // Where a part ends early, others may go on with what belongs behind it: that comes with the next part.
        let end = pages.values().filter_map(|page| page.next.clone()).max();
        // In the order of names, so that of a submission that an overflow is handing over the copy that is delivered is shown.
        let in_order = self.names.iter().filter_map(|name| pages.remove(name));
        let mut views: Vec<SubmissionView> = in_order.flat_map(|page| page.submissions).collect();
        views.retain(|view| end.as_ref().is_none_or(|end| view.submission.id >= *end));
        views.sort_by(|a, b| b.submission.id.cmp(&a.submission.id));
        views.dedup_by(|later, earlier| later.submission.id == earlier.submission.id);
        let is_cut = views.len() > limit;
        views.truncate(limit);
        let next = if is_cut { views.last().map(|view| view.submission.id.clone()) } else { end };
        Merged { views, next }
    }

    /// Does this to every submission that is meant. `next` is set when that is more than one request can do.
    pub async fn act_on_all(&mut self, env: &Env, action: Action, filter: &Filter, actor: &str) -> Progress {
        let network = &Platform::new(env);
        let (mut total, mut parts) = (Progress::default(), 0);
        for name in self.names.iter().rev() {
            let mut before = None;
            loop {
                if parts >= PARTS {
                    total.next = Some(name.clone());
                    return total;
                }
                parts += 1;
                match Client::new(network, name).act_on_all(action, filter, before.as_deref(), actor).await {
                    Ok(progress) => {
                        total.count += progress.count;
                        total.was_out |= progress.was_out;
                        before = progress.next;
                    }
                    Err(error) => {
                        log::failure("operator", &error);
                        self.unreachable.push(name.clone());
                        break;
                    }
                }
                if before.is_none() {
                    break;
                }
            }
        }
        total
    }
}
