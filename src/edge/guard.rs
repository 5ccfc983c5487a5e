//! Gathers what `crate::guard` judges by: the rate limits, Turnstile's answer, the clock and the key of the time trap.

use worker::{Env, Request};

use crate::config::dialect::TURNSTILE;
use crate::config::{Access, Config, Form};
use crate::form::{Fields, RefusalKind};
use crate::guard::timing::Trap;
use crate::guard::turnstile::{Verdict, idempotency_key};
use crate::guard::{Evidence, Ruling, judge};
use crate::lead::Lead;

use super::request::header;
use super::turnstile::{Visit, verify};
use super::{clock, environment, rate};

/// A valid submission.
#[derive(Debug, Clone, Copy)]
pub struct Suspect<'a> {
    /// Its control fields.
    pub control: &'a Fields,
    /// Its data, as it will be mapped.
    pub lead: &'a Lead,
    /// What it has in common with itself when it is sent again: its idempotency key, or else a digest of the visitor and
    /// the fields.
    pub same: &'a str,
}

/// What is to be done with it. The rate limit comes first: what is over it must not use up a captcha's token.
pub async fn rule(request: &Request, env: &Env, config: &Config, form: &Form, suspect: &Suspect<'_>) -> Ruling {
    let address = header(request, "cf-connecting-ip");
    // Whoever holds the form's token may send as often as they like.
    if form.access == Access::Public && !rate::within(env, &form.name, address.as_deref()).await {
        return Ruling::Refuse(RefusalKind::TooMany);
    }
    let verdict = ask_turnstile(env, config, form, suspect, address.as_deref()).await;
    judge(&Evidence {
        form,
        control: suspect.control,
        lead: suspect.lead,
        trap: trap(env).as_ref(),
        turnstile: verdict.as_ref(),
        now: clock::now(),
    })
}

/// The signed time of a page of `form` that is opened now; empty when there is no key to sign with.
pub fn start(env: &Env, form: &str) -> String {
    trap(env).map(|trap| trap.start(form, clock::now())).unwrap_or_default()
}

fn trap(env: &Env) -> Option<Trap> {
    environment::secret(env, "ADMIN_TOKEN").map(|token| Trap::new(&token))
}

/// `None` when the form does not ask for it.
async fn ask_turnstile(
    env: &Env,
    config: &Config,
    form: &Form,
    suspect: &Suspect<'_>,
    address: Option<&str>,
) -> Option<Verdict> {
    let expected = form.guard.turnstile.as_ref()?;
    let token = suspect.control.first(TURNSTILE);
    let key = idempotency_key(&form.name, suspect.same, token.unwrap_or_default());
    Some(verify(env, config, expected, &Visit { form: &form.name, token, address, idempotency_key: &key }).await)
}
