//! Gathers the evidence that intake judges by: rate limits, Turnstile, and the key of the time trap.
//!
//! The rate limits are those of Workers' binding
//! (<https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/>), set in `wrangler.toml`. It counts per
//! Cloudflare location and roughly. A binding that is missing or fails lets everybody through: it must not cost a lead.

use std::time::Duration;

use worker::Env;

use crate::config::Config;
use crate::domain::control::TURNSTILE;
use crate::intake::guard::timing::Trap;
use crate::intake::guard::turnstile::{Asking, Captcha, Question, Reading, SECRET, URL};
use crate::intake::{Candidate, Evidence, Form, Visit};

use super::{environment, http, log};

/// The binding that counts a form's submissions.
const FORM_RATE: &str = "FORM_RATE";

/// The binding that counts one client's submissions to a form.
const ADDRESS_RATE: &str = "ADDRESS_RATE";

/// How long one question to siteverify may take. A visitor is waiting.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often siteverify is asked at most.
const ATTEMPTS: usize = 2;

/// The evidence about a candidate. A client over the limit must not use up a captcha's token, so that comes first.
pub async fn evidence(env: &Env, config: &Config, visit: &Visit, form: &Form, candidate: &Candidate) -> Evidence {
    // Whoever holds the form's token may send as often as they like.
    let is_over_limit = form.is_public() && !is_within_limits(env, visit, &form.name).await;
    let captcha = if is_over_limit { None } else { captcha(env, config, visit, form, candidate).await };
    Evidence { is_over_limit, captcha, trap: trap(env) }
}

/// The time trap; without `ADMIN_TOKEN` there is no key for it.
pub fn trap(env: &Env) -> Option<Trap> {
    environment::secret(env, "ADMIN_TOKEN").map(|token| Trap::new(&token))
}

/// The client is counted first: what is refused there does not use up the form's limit for others.
async fn is_within_limits(env: &Env, visit: &Visit, form: &str) -> bool {
    if let Some(network) = visit.network()
        && !is_within(env, ADDRESS_RATE, form, format!("{form} {network}")).await
    {
        return false;
    }
    is_within(env, FORM_RATE, form, form.to_owned()).await
}

async fn is_within(env: &Env, binding: &str, form: &str, key: String) -> bool {
    let Ok(limiter) = env.rate_limiter(binding) else { return true };
    match limiter.limit(key).await {
        Ok(outcome) => outcome.success,
        Err(error) => {
            log::form_failure(binding, form, None, &error);
            true
        }
    }
}

/// What Turnstile says about the visitor, if the form asks for it. When it cannot be asked, the result says so.
async fn captcha(env: &Env, config: &Config, visit: &Visit, form: &Form, candidate: &Candidate) -> Option<Captcha> {
    let secret = environment::secret(env, SECRET);
    let asking = Asking {
        expected: form.turnstile.as_ref()?,
        form: &form.name,
        repeat_key: candidate.repeat_key(),
        token: candidate.input.control.first(TURNSTILE),
        secret: secret.as_deref(),
        address: visit.address.as_deref(),
        local: config.crm_origin.is_some(),
    };
    let captcha = match asking.question() {
        Ok(question) => ask(config, &question).await,
        Err(captcha) => captcha,
    };
    let id = &candidate.lead.submission.id;
    match &captcha {
        Captcha::Passed => {}
        Captcha::Failed(why) => log::captcha_refused(&form.name, id, why),
        Captcha::Unverified(why) => log::unverified(&form.name, id, why),
    }
    Some(captcha)
}

async fn ask(config: &Config, question: &Question) -> Captcha {
    let mut why = String::new();
    for _ in 0..ATTEMPTS {
        match http::post(config, "turnstile", URL, "application/x-www-form-urlencoded", &question.body, PATIENCE).await
        {
            Ok(answer) => match question.read(answer.status, &answer.body) {
                Reading::Final(captcha) => return captcha,
                Reading::AskAgain(reason) => why = reason,
            },
            // The platform's message may quote the request, so it is not passed on.
            Err(_) => "siteverify cannot be reached".clone_into(&mut why),
        }
    }
    Captcha::Unverified(why)
}
