//! Asks Turnstile's siteverify about a visitor: five seconds, and once more with the same idempotency key when it is unwell.

use std::time::Duration;

use worker::Env;

use crate::config::guard::TURNSTILE_SECRET;
use crate::config::{Config, Turnstile};
use crate::guard::turnstile::{Asking, Question, Reading, URL, Verdict};

use super::{environment, http, log};

/// How long one question may take. A visitor is waiting.
const PATIENCE: Duration = Duration::from_secs(5);

/// The question, and once more.
const TRIES: usize = 2;

/// What the visitor's page sent, and what is known about the request.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// The form's name, for the log.
    pub form: &'a str,
    /// The token.
    pub token: Option<&'a str>,
    /// The visitor's address.
    pub address: Option<&'a str>,
    /// A UUID, the same when the same submission comes again.
    pub idempotency_key: &'a str,
}

/// What Turnstile says about a visitor. Never fails: when it cannot be asked, the verdict says so.
pub async fn verify(env: &Env, config: &Config, expected: &Turnstile, visit: &Visit<'_>) -> Verdict {
    let secret = environment::secret(env, TURNSTILE_SECRET);
    let asking = Asking {
        expected,
        token: visit.token,
        secret: secret.as_deref(),
        address: visit.address,
        idempotency_key: visit.idempotency_key,
        local: config.crm_origin.is_some(),
    };
    let verdict = match asking.question() {
        Ok(question) => ask(config, &question).await,
        Err(verdict) => verdict,
    };
    match &verdict {
        Verdict::Human => {}
        Verdict::Visitor(why) => log::captcha_refused(visit.form, why),
        Verdict::Unverified(why) => log::unverified(visit.form, why),
    }
    verdict
}

async fn ask(config: &Config, question: &Question) -> Verdict {
    let mut why = String::new();
    for _ in 0..TRIES {
        match http::post(config, "turnstile", URL, "application/x-www-form-urlencoded", &question.body, PATIENCE).await
        {
            Ok(answer) => match question.read(answer.status, &answer.body) {
                Reading::Final(verdict) => return verdict,
                Reading::AskAgain(reason) => why = reason,
            },
            // The platform's message may quote the request; the operator needs no more than this.
            Err(_) => "siteverify cannot be reached".clone_into(&mut why),
        }
    }
    Verdict::Unverified(why)
}
