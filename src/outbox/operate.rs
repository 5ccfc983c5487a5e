//! What operators do to submissions, one by one or many.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::delivery::{Delivery, State};

use super::audit::AuditLine;
use super::core::{MARKED, Outbox, Result, is_marked};
use super::flights::{Flying, Phase};
use super::query::Filter;
use super::view::SubmissionView;

/// Submissions that one question sends again or erases.
const AT_A_TIME: usize = 200;

/// About how many bytes of submissions are read for that.
const BYTES: usize = 16 * 1024 * 1024;

/// What an operator does to submissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Send again what waits for a person.
    Release,
    /// Quarantine what is not delivered yet.
    Spam,
    /// Delete.
    Erase,
}

impl Action {
    /// As it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Spam => "spam",
            Self::Erase => "erase",
        }
    }
}

/// A submission after an action.
#[derive(Debug, Serialize)]
pub struct Acted {
    /// Deliveries that changed; of an erasure, 1.
    pub count: usize,
    /// A call was out when it was erased: its record may exist at the vendor.
    pub was_out: bool,
    /// The submission; `None` once it is erased.
    pub view: Option<SubmissionView>,
}

/// How far an action on many submissions came.
#[derive(Debug, Default, Serialize)]
pub struct Progress {
    /// The sum of what [`Acted`] counts.
    pub count: usize,
    /// See [`Acted::was_out`].
    pub was_out: bool,
    /// It continues below this id; `None` when it is done.
    pub next: Option<String>,
}

impl Outbox {
    /// Does this to a submission, for an operator; `None` when it is not here.
    pub fn act(&self, action: Action, id: &str, actor: &str) -> Result<Option<Acted>> {
        let (count, was_out) = match action {
            Action::Release => {
                self.store.unbar(id)?;
                (self.release(id)?, false)
            }
            Action::Spam => (self.mark_spam(id)?, false),
            Action::Erase => {
                let erased = self.erase(id)?;
                (usize::from(erased.is_some()), erased == Some(true))
            }
        };
        self.note_action(action, id, actor, count)?;
        let view = self.view(id)?;
        let is_known = view.is_some() || count > 0;
        Ok(is_known.then_some(Acted { count, was_out, view }))
    }

    /// Does this to every submission that the filter matches, a part at a time. Released are the deliveries that it means,
    /// and the pauses that they wait for end.
    pub fn act_on_all(&self, action: Action, filter: &Filter, before: Option<&str>, actor: &str) -> Result<Progress> {
        let page = self.list(filter, before, AT_A_TIME, BYTES)?;
        let mut progress = Progress { next: page.next, ..Progress::default() };
        for view in &page.submissions {
            let id = &view.id;
            let count = match action {
                Action::Release => {
                    self.release_where(id, |delivery| filter.means(delivery.state, &delivery.destination))?
                }
                Action::Spam => self.mark_spam(id)?,
                Action::Erase => {
                    let erased = self.erase(id)?;
                    progress.was_out |= erased == Some(true);
                    usize::from(erased.is_some())
                }
            };
            self.note_action(action, id, actor, count)?;
            progress.count += count;
        }
        if action == Action::Release && progress.count > 0 {
            let names: Vec<String> = self.run.borrow().destinations.keys().cloned().collect();
            let is_meant = |name: &&String| filter.destination.as_ref().is_none_or(|wanted| wanted == *name);
            names.iter().filter(is_meant).try_for_each(|name| self.resume(name).map(drop))?;
        }
        Ok(progress)
    }

    /// Quarantines whatever is not delivered yet, and a copy that an overflow hands over later. What a call under way brings
    /// is kept, and no other call follows it. Returns how many deliveries were quarantined.
    fn mark_spam(&self, id: &str) -> Result<usize> {
        let Some(extras) = self.store.extras(id)? else {
            self.store.bar(id, Action::Spam)?;
            return Ok(0);
        };
        self.drop_flights(id, |phase| phase != Phase::Out);
        let mut count = 0;
        for stored in self.store.deliveries(id)? {
            if !matches!(stored.state, State::Delivered | State::Quarantined) {
                let delivery = Delivery { state: State::Quarantined, ..stored.clone() };
                self.store.save(&delivery, &stored)?;
                self.run.borrow_mut().stands(&delivery);
                count += 1;
            }
        }
        if count > 0 {
            let mut reasons = extras.reasons;
            if !is_marked(&reasons) {
                reasons.push(MARKED.to_owned());
            }
            self.store.set_reasons(id, &reasons)?;
            let mut run = self.run.borrow_mut();
            (run.quarantined_bytes, run.is_news) = (None, true);
        }
        Ok(count)
    }

    /// Forgets what is under way for a submission, in these phases. Returns whether there was anything.
    pub(super) fn drop_flights(&self, id: &str, is_meant: impl Fn(Phase) -> bool) -> bool {
        let is_it = |flying: &Flying| {
            matches!(flying, Flying::Attempt { flight, phase, .. }
                if flight.delivery.submission_id == id && is_meant(*phase))
        };
        let mut run = self.run.borrow_mut();
        let before = run.flights.len();
        run.flights.retain(|_, flying| !is_it(flying));
        run.flights.len() < before
    }

    fn note_action(&self, action: Action, id: &str, actor: &str, count: usize) -> Result<()> {
        if count == 0 {
            return Ok(());
        }
        self.host.log(json!({ "event": "operator", "form": self.form, "submission": id, "action": action.name() }));
        let line = AuditLine { at: self.host.now(), actor: actor.to_owned(), action: action.name().to_owned() };
        Ok(self.store.add_audit(id, &line)?)
    }
}
