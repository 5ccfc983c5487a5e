//! The world of the model: a CRM, and what may happen to one call to it.

use super::Outcome;
use crate::crm::{Call, Lesson, Method, Progress, RecordRef, Safety, Step, Trouble, Verdict, Why};

/// How a model CRM keeps a repeated create from making a second record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// It does not: its create is looked for first (Salesmap).
    LooksFirst,
    /// A repeat finds the record that is there (a unique email, an idempotency key).
    Repeatable,
}

/// A CRM of two calls: a person, whose repeat finds the one that is there, then the lead.
#[derive(Debug, Clone)]
pub(super) struct ModelCrm {
    pub(super) kind: Kind,
    pub(super) persons: u32,
    pub(super) leads: u32,
    /// A create that was taken and is made only later: when.
    pub(super) late: Vec<i64>,
}

/// What the world does to one call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    Works,
    /// The work is done and the answer does not arrive.
    AnswerLost,
    /// The work is done and the answer says neither yes nor no.
    AnswerUnclear,
    /// The connection was refused.
    NeverArrived,
    TooMany(Option<u64>),
    Unauthorized,
    /// A failure before any work, and the vendor says so.
    Down,
    Refuses,
    /// The Worker lacks a secret.
    NotSent,
    /// The process dies before the call leaves.
    KilledBefore,
    /// The process dies after the vendor has got the call, which it works on for so long.
    KilledAfter(u16),
    /// The object is reset (a panic) after the vendor has answered.
    Panics,
    /// The run has no call left.
    Interrupted,
    /// The clock jumps, then the call works.
    ClockJumps(i32),
}

/// How a try ended.
#[derive(Debug, PartialEq)]
pub(super) enum Ended {
    Whole,
    ProcessDied,
    ObjectReset,
}

impl ModelCrm {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, persons: 0, leads: 0, late: Vec::new() }
    }

    pub(super) fn next(&self, progress: &Progress) -> Step {
        let call = |step, safety| {
            let (method, url, headers, body) = (Method::Post, String::new(), vec![], None);
            Step::Call(Box::new(Call { step, method, url, headers, body, safety }))
        };
        match self.kind {
            Kind::LooksFirst if progress.in_doubt.as_deref() == Some("lead") => call("find_lead", Safety::Read),
            _ if progress.fact("person").is_none() => call("person", Safety::Idempotent),
            Kind::LooksFirst => call("lead", Safety::Create),
            Kind::Repeatable => call("lead", Safety::Idempotent),
        }
    }

    /// Does what the call asks; what the answer says.
    pub(super) fn work(&mut self, call: &Call, now: i64) -> Verdict {
        self.settle(now);
        let record = || RecordRef { id: "lead-1".into(), note: None };
        match call.step {
            "person" => {
                self.persons = 1;
                Verdict::GoOn(vec![Lesson::Fact("person", "person-1".into())])
            }
            "find_lead" if self.leads > 0 => Verdict::Delivered(record()),
            "find_lead" => Verdict::GoOn(vec![Lesson::NotInDoubt]),
            _ => {
                let is_there = self.kind == Kind::Repeatable && self.leads > 0;
                self.leads += u32::from(!is_there);
                Verdict::Delivered(record())
            }
        }
    }

    /// What was taken before is made by now.
    pub(super) fn settle(&mut self, now: i64) {
        let kind = self.kind;
        let made = self.late.extract_if(.., |at| *at <= now).count();
        for _ in 0..made {
            self.leads += u32::from(!(kind == Kind::Repeatable && self.leads > 0));
        }
    }

    /// What the CRM, and whoever asks it, make of a call.
    pub(super) fn meet(&mut self, fate: Fate, call: &Call, now: &mut i64) -> Result<Outcome, Ended> {
        let trouble = |why| Trouble::new(why, "");
        let no_answer = || Ok(Outcome::NoAnswer(trouble(Why::NoAnswer)));
        let said = |verdict| Ok(Outcome::Answered(verdict));
        match fate {
            Fate::Works | Fate::Interrupted => said(self.work(call, *now)),
            Fate::ClockJumps(by) => {
                let outcome = self.work(call, *now);
                *now = now.saturating_add(i64::from(by)).max(0);
                said(outcome)
            }
            Fate::AnswerLost => {
                self.work(call, *now);
                no_answer()
            }
            Fate::AnswerUnclear => {
                self.work(call, *now);
                let trouble = trouble(Why::Unexpected);
                said(if call.safety == Safety::Create { Verdict::InDoubt(trouble) } else { Verdict::TryLater(trouble) })
            }
            Fate::NeverArrived => no_answer(),
            Fate::TooMany(wait) => said(Verdict::TryLater(trouble(Why::RateLimited).wait(wait))),
            Fate::Unauthorized => said(Verdict::TryLater(trouble(Why::Credentials))),
            Fate::Down => said(Verdict::TryLater(trouble(Why::Unavailable))),
            Fate::Refuses => said(Verdict::Refused(trouble(Why::Invalid))),
            Fate::NotSent => Ok(Outcome::NotSent(trouble(Why::Config))),
            Fate::KilledBefore => Err(Ended::ProcessDied),
            Fate::KilledAfter(work) => {
                if call.step == "lead" {
                    self.late.push(*now + i64::from(work));
                } else {
                    self.work(call, *now);
                }
                Err(Ended::ProcessDied)
            }
            Fate::Panics => {
                self.work(call, *now);
                Err(Ended::ObjectReset)
            }
        }
    }
}
