//! Background work that delays no reply: fetching the deployment's key from the registry, and reporting incidents to a
//! form's Outbox for the operator.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use worker::Env;

use crate::intake::Visit;
use crate::intake::guard::key::Key;
use crate::outbox::alerts::{Incident, URL_SECRET};
use crate::outbox::client::Client;
use crate::outbox::{Host, names};

use super::outbox::Platform;
use super::{clock, log};

/// An incident is reported to the Outbox once in this time, however often it happens.
const AGAIN_MS: i64 = 10_000;

thread_local! {
    /// The deployment's key. It never changes.
    static KEY: RefCell<Option<Key>> = const { RefCell::new(None) };
    static IS_ASKING: Cell<bool> = const { Cell::new(false) };
    /// When each incident of each form was last reported.
    static REPORTED: RefCell<BTreeMap<(String, Incident), i64>> = const { RefCell::new(BTreeMap::new()) };
    /// What is still to be reported: the form, the incident, the Worker's address.
    static PENDING: RefCell<Vec<(String, Incident, String)>> = const { RefCell::new(Vec::new()) };
}

/// The deployment's key, if this isolate has it already.
pub fn key() -> Option<Key> {
    KEY.with(|key| key.borrow().clone())
}

/// The deployment's key; `None` when the registry does not answer.
pub async fn ask_for_key(env: &Env) -> Option<Key> {
    if let Some(key) = key() {
        return Some(key);
    }
    match Client::new(&Platform::new(env), names::REGISTRY).key().await {
        Ok(asked) => KEY.with(|key| key.replace(Some(asked))),
        Err(error) => {
            log::failure("key", &error);
            None
        }
    };
    key()
}

/// Notes an incident at a form, for the operator.
pub fn happened(visit: &Visit, form: &str, incident: Incident) {
    let (now, name) = (clock::now(), (form.to_owned(), incident));
    let is_reported = REPORTED.with(|reported| reported.borrow().get(&name).is_some_and(|at| now < at + AGAIN_MS));
    if !is_reported {
        REPORTED.with(|reported| reported.borrow_mut().insert(name, now));
        PENDING.with(|pending| pending.borrow_mut().push((form.to_owned(), incident, visit.own_origin())));
    }
}

/// Whether there is anything to do after the reply.
pub fn has_work() -> bool {
    (key().is_none() && !IS_ASKING.get()) || PENDING.with(|pending| !pending.borrow().is_empty())
}

/// Fetches the key and reports the noted incidents. Runs after the reply.
pub async fn work(env: Env) {
    if key().is_none() && !IS_ASKING.replace(true) {
        ask_for_key(&env).await;
        IS_ASKING.set(false);
    }
    let network = &Platform::new(&env);
    let pending = PENDING.with(RefCell::take);
    // Without ALERT_WEBHOOK_URL there is no alert.
    for (form, incident, base) in pending.into_iter().filter(|_| network.has_secret(URL_SECRET)) {
        if let Err(error) = Client::new(network, &form).happened(incident, &base).await {
            log::form_failure("incident", &form, None, &error);
        }
    }
}
