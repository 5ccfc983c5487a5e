//! Background work that delays no reply: fetching the deployment's key from the registry, and telling a form's Outbox what
//! was turned away.

use std::cell::{Cell, RefCell};

use futures_util::future::join_all;
use worker::Env;

use crate::domain::Address;
use crate::intake::guard::key::Key;
use crate::intake::{RefusalKind, Visit};
use crate::outbox::client::Client;
use crate::outbox::names;
use crate::outbox::turned_away::{Code, Note, add};

use super::outbox::Platform;
use super::{clock, environment, log, platform};

/// A form's Outbox gets a note once in this time, however much was turned away.
const AGAIN_MS: i64 = 10_000;

/// What was turned away at a form.
#[derive(Default)]
struct Counted {
    form: String,
    note: Note,
    sent_at: i64,
    /// Until when a request takes care of the note; after that, the next one does.
    taken_until: i64,
}

thread_local! {
    /// The deployment's key. It never changes.
    static KEY: RefCell<Option<Key>> = const { RefCell::new(None) };
    /// Until when a request takes care of the key; after that, the next one does: the platform may cancel a request.
    static KEY_TAKEN_UNTIL: Cell<i64> = const { Cell::new(0) };
    /// What was turned away, each form once.
    static COUNTED: RefCell<Vec<Counted>> = const { RefCell::new(Vec::new()) };
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

/// Notes that a post to a form was turned away; `website` is the one that was refused.
pub fn turned_away(visit: &Visit, form: &str, kind: RefusalKind, website: Option<&str>) {
    let is_unavailable = matches!(kind, RefusalKind::BrokenForm | RefusalKind::NotStored);
    let code = Code::of(kind);
    if code.is_none() && !is_unavailable {
        return;
    }
    with_counted(form, |counted| {
        let note = &mut counted.note;
        if let Some(code) = code {
            add(&mut note.counts, &code.once());
        }
        if code == Some(Code::Origin) {
            // Anybody can write anything there; a valid origin is a website's and says nothing of a visitor.
            note.origin = website.and_then(|origin| Some(Address::parse(origin).ok()?.origin()));
        }
        note.is_unavailable |= is_unavailable;
        note.base.clone_from(&visit.own_origin);
    });
}

fn with_counted<T>(form: &str, work: impl FnOnce(&mut Counted) -> T) -> T {
    COUNTED.with(|all| {
        let mut all = all.borrow_mut();
        let at = all.iter().position(|counted| counted.form == form).unwrap_or_else(|| {
            all.push(Counted { form: form.to_owned(), ..Counted::default() });
            all.len() - 1
        });
        work(&mut all[at])
    })
}

/// Whether there is anything to do after the reply.
pub fn has_work() -> bool {
    let is_open = |of: &Counted| !of.note.is_empty() && of.taken_until < clock::now();
    lacks_key() || COUNTED.with(|counted| counted.borrow().iter().any(is_open))
}

fn lacks_key() -> bool {
    key().is_none() && KEY_TAKEN_UNTIL.get() < clock::now()
}

/// Fetches the key and sends the notes. Runs after the reply.
pub async fn work(env: Env) {
    environment::log_errors(&env);
    if lacks_key() {
        KEY_TAKEN_UNTIL.set(clock::now() + AGAIN_MS);
        ask_for_key(&env).await;
        KEY_TAKEN_UNTIL.set(0);
    }
    let now = clock::now();
    let due: Vec<(String, i64)> = COUNTED.with(|counted| {
        let mut counted = counted.borrow_mut();
        let open = counted.iter_mut().filter(|of| !of.note.is_empty() && of.taken_until < now);
        let take = |of: &mut Counted| {
            let wait = (of.sent_at + AGAIN_MS - now).max(0);
            of.taken_until = now + wait + AGAIN_MS;
            (of.form.clone(), wait)
        };
        open.map(take).collect()
    });
    join_all(due.into_iter().map(|(form, wait)| send(&env, form, wait))).await;
}

/// Sends a form's note, once that is due.
async fn send(env: &Env, form: String, wait: i64) {
    if let Some(wait) = u32::try_from(wait).ok().filter(|wait| *wait > 0) {
        // Should it fail, the note leaves early.
        drop(platform::sleep(wait).await);
    }
    let note = with_counted(&form, |of| {
        (of.sent_at, of.taken_until) = (clock::now(), 0);
        std::mem::take(&mut of.note)
    });
    if let Err(error) = Client::new(&Platform::new(env), &form).turned_away(note).await {
        log::form_failure("turned away", &form, None, &error);
    }
}
