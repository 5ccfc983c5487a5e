//! Is it spam or a stranger? What guards a form between decoding and storing.
//!
//! - **A suspicion never changes the reply.** A suspect that is valid is thanked as everybody is, and waits in quarantine
//!   with its reasons; a suspect with a mistake gets the same error as everybody. So a bot learns nothing by comparing,
//!   and a person whose browser filled the honeypot can still mend the email address.
//! - Refused is only who can do something about it at once: send again later, or pass the captcha.
//! - Whoever holds the token of a form with `access = "token"` is no stranger: nothing is guessed about them.

pub mod honeypot;
pub mod origin;
pub mod rate;
pub mod signals;
pub mod timing;
pub mod turnstile;

use std::fmt;

use crate::config::{Access, Form};
use crate::form::{Fields, RefusalKind};
use crate::lead::Lead;

use signals::Signal;
use timing::Trap;
use turnstile::Verdict;

/// What is to be done with a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// Store and deliver it.
    Pass,
    /// Store it and let it wait for a person.
    Quarantine(Vec<Reason>),
    /// Do not store it, and say so.
    Refuse(RefusalKind),
}

/// Why a submission is in quarantine. Its `Display` is what is stored, for machines: `honeypot:_gotcha`, `too_fast`,
/// `signal:bbcode`. It never quotes the visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A field that people do not see is filled; its name.
    Honeypot(String),
    /// It was sent sooner than a person can type.
    TooFast,
    /// The time stamp is none of ours.
    BadStart,
    /// What is written looks like spam, because of this among others.
    Signal(Signal),
    /// Turnstile's answer says nothing of the visitor, or there is none: through no fault of the visitor's.
    Unverified,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Honeypot(name) => write!(f, "honeypot:{name}"),
            Self::TooFast => f.write_str("too_fast"),
            Self::BadStart => f.write_str("bad_start"),
            Self::Signal(signal) => write!(f, "signal:{}", signal.name()),
            Self::Unverified => f.write_str("unverified"),
        }
    }
}

/// All that a ruling looks at.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The form that it came in by.
    pub form: &'a Form,
    /// The control fields.
    pub control: &'a Fields,
    /// The data, as it will be mapped.
    pub lead: &'a Lead,
    /// The time trap, when it is on.
    pub trap: Option<&'a Trap>,
    /// What Turnstile says, when the form asks it.
    pub turnstile: Option<&'a Verdict>,
    /// Now, milliseconds since 1970.
    pub now: i64,
}

/// Judges a valid submission.
pub fn judge(evidence: &Evidence) -> Ruling {
    if let Some(Verdict::Visitor(_)) = evidence.turnstile {
        return Ruling::Refuse(RefusalKind::Captcha);
    }
    let mut reasons = suspicions(evidence);
    if let Some(Verdict::Unverified(_)) = evidence.turnstile {
        reasons.push(Reason::Unverified);
    }
    if reasons.is_empty() { Ruling::Pass } else { Ruling::Quarantine(reasons) }
}

fn suspicions(evidence: &Evidence) -> Vec<Reason> {
    let Evidence { form, control, lead, trap, now, .. } = *evidence;
    if form.access != Access::Public {
        return Vec::new();
    }
    let mut reasons = honeypot::filled(form, control);
    reasons.extend(trap.and_then(|trap| trap.check(&form.name, control, now)));
    if form.guard.signals {
        reasons.extend(signals::found(lead).into_iter().map(Reason::Signal));
    }
    reasons
}

#[cfg(test)]
mod tests;
