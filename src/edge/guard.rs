//! Gathers the evidence that intake judges by: rate limits, Turnstile, and the time trap.
//!
//! The rate limits are those of Workers' binding
//! (<https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/>), set in `wrangler.toml`. It counts per
//! Cloudflare location and roughly. A binding that is missing or fails lets everybody through: it must not cost a lead.

use std::cell::RefCell;

use wasm_bindgen_futures::JsFuture;
use worker::Env;

use crate::config::Config;
use crate::domain::control::TURNSTILE;
use crate::domain::sorted::Map;
use crate::intake::guard::timing::Trap;
use crate::intake::guard::turnstile::{Asking, Captcha, Question, Reading, SECRET, URL};
use crate::intake::{Candidate, Evidence, Form, Load, Visit};

use super::{beside, clock, environment, http, log, platform};

/// The binding that counts a form's submissions.
const FORM_RATE: &str = "FORM_RATE";

/// The binding that counts one client's submissions to a form.
const ADDRESS_RATE: &str = "ADDRESS_RATE";

/// The binding that counts one client's refused posts, and the submissions of a wide IPv6 network to a form.
const NETWORK_RATE: &str = "NETWORK_RATE";

/// A form that gets this many times its limit is flooded.
const FLOOD: usize = 5;

/// How long a client with too many refused posts is refused unread, in milliseconds.
const BLOCK_MS: i64 = 60_000;

/// The most clients that an isolate remembers as blocked.
const BLOCKED: usize = 1000;

/// How long one question to siteverify may take. A visitor is waiting.
const PATIENCE_MS: u32 = 5_000;

/// How often siteverify is asked at most.
const ATTEMPTS: usize = 2;

thread_local! {
    /// Until when a client is refused unread.
    static BLOCKS: RefCell<Map<String, i64>> = const { RefCell::new(Map::new()) };
}

/// Whether this client had so many refused posts that the next is not read.
pub fn is_blocked(visit: &Visit) -> bool {
    let Some(network) = visit.network() else { return false };
    BLOCKS.with(|blocks| blocks.borrow().get(&network).is_some_and(|until| *until > clock::now()))
}

/// Counts a refused post. Their limit is separate: typing mistakes do not use up the limit of an office.
pub async fn count_refused(env: &Env, visit: &Visit, form: &str) {
    let Some(network) = visit.network() else { return };
    if is_within(env, NETWORK_RATE, form, format!("refused {network}")).await {
        return;
    }
    let now = clock::now();
    BLOCKS.with(|blocks| {
        let mut blocks = blocks.borrow_mut();
        if blocks.len() >= BLOCKED {
            blocks.retain(|_, until| *until > now);
        }
        if blocks.len() < BLOCKED {
            blocks.insert(network, now + BLOCK_MS);
        }
    });
}

/// The evidence about a candidate. The client's limit comes first: a client over it must not use up a captcha's token. A
/// failed captcha does not use up the form's limit.
pub async fn evidence(env: &Env, config: &Config, visit: &Visit, form: &Form, candidate: &Candidate) -> Evidence {
    let trap = beside::key().map(Trap::new);
    // Token holders have no limit.
    if !form.is_public() {
        return Evidence { captcha: captcha(env, config, visit, form, candidate).await, trap, ..Evidence::default() };
    }
    if !is_client_within_limits(env, visit, &form.name).await {
        return Evidence { is_over_limit: true, trap, ..Evidence::default() };
    }
    let captcha = captcha(env, config, visit, form, candidate).await;
    let has_failed = matches!(captcha, Some(Captcha::Failed(_)));
    let load = if has_failed { Load::Usual } else { load(env, &form.name).await };
    Evidence { is_over_limit: false, load, captcha, trap }
}

async fn is_client_within_limits(env: &Env, visit: &Visit, form: &str) -> bool {
    if let Some(network) = visit.network()
        && !is_within(env, ADDRESS_RATE, form, format!("{form} {network}")).await
    {
        return false;
    }
    match visit.site() {
        Some(site) => is_within(env, NETWORK_RATE, form, format!("{form} {site}")).await,
        None => true,
    }
}

/// The binding only says whether a key is over its limit, so what is over the first key's limit counts for the next.
async fn load(env: &Env, form: &str) -> Load {
    if is_within(env, FORM_RATE, form, form.to_owned()).await {
        return Load::Usual;
    }
    for number in 2..=FLOOD {
        if is_within(env, FORM_RATE, form, format!("{form} {number}")).await {
            return Load::High;
        }
    }
    Load::Flood
}

async fn is_within(env: &Env, binding: &str, form: &str, key: String) -> bool {
    let asked = match platform::is_within(env, binding, &key) {
        Ok(None) => return true,
        Ok(Some(promise)) => JsFuture::from(promise).await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(is_within) => is_within.as_bool().unwrap_or(true),
        Err(error) => {
            log::form_failure(binding, form, None, &platform::message(&error));
            true
        }
    }
}

/// What Turnstile says about the visitor, if the form asks for it. When it cannot be asked, the result says so.
async fn captcha(env: &Env, config: &Config, visit: &Visit, form: &Form, candidate: &Candidate) -> Option<Captcha> {
    let expected = form.turnstile.as_ref()?;
    let secret = environment::secret(env, SECRET);
    let asking = Asking {
        expected,
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
        match http::post(config, "turnstile", URL, "application/x-www-form-urlencoded", &question.body, PATIENCE_MS)
            .await
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
