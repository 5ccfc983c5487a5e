//! A dry run of a first submission while the module starts. V8 compiles each Wasm function at its first call; without this,
//! the first visitor waits for all of them.

use std::rc::Rc;

use futures_util::future::{self, FutureExt, LocalBoxFuture};
use serde_json::json;
use worker::Env;

use crate::connectors::Call;
use crate::delivery::Event;
use crate::intake::guard::key::{KEY_BYTES, Key};
use crate::intake::guard::timing::Trap;
use crate::intake::{Accepted, Context, Evidence, Form, judge, read, reply};
use crate::outbox::client::{Ask, Network, store};
use crate::outbox::database::{Database, Row, StoreError, Value};
use crate::outbox::object::{Object, Storage};
use crate::outbox::{self, Host, OutboxError};

use super::request::Head;
use super::{answer, environment};

const BODY: &[u8] = b"name=Ada+Lovelace&email=ada%40example.com&phone=%2B44+20+7946+0000&message=Hello%21";

/// Runs it, with the first form's destinations. Nothing leaves, and nothing is kept but the config. Returns whether the
/// submission came to the end.
pub fn rehearse(env: &Env) -> bool {
    let config = environment::config(env);
    let Some(first) = config.forms.values().next() else { return true };
    let destinations: Vec<&str> = first.destinations.iter().map(String::as_str).collect();
    let form = Form::plain(&first.name, &destinations);
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "text/html,*/*;q=0.8"),
        ("accept-language", "en"),
        ("origin", "https://forms.example.com"),
        ("cf-connecting-ip", "192.0.2.1"),
    ];
    let head = json!(["POST", "https://forms.example.com/f/rehearsal", "GB", headers]).to_string();
    let Some(visit) = serde_json::from_str(&head).ok().and_then(Head::visit) else { return false };
    let context =
        Context { id: uuid::Uuid::nil().to_string(), now: 0, token: None, local: false, nfc: environment::nfc };
    let trap = Some(Trap::new(Key::new(&[0; KEY_BYTES])));
    let judged = read(&visit, &form, BODY, context)
        .and_then(|candidate| judge(candidate, &form, &Evidence { trap, ..Evidence::default() }));
    let Ok(Accepted { new, next, .. }) = judged else { return false };
    let stored = store(&Nowhere { env: env.clone() }, &form, new, visit.own_origin.clone()).now_or_never();
    drop(answer::respond(&visit, &reply::accepted(&visit, "", &next)));
    matches!(stored, Some(Ok(outbox::Accepted::Stored(_))))
}

/// A platform on which time stands still, no table has rows, and nothing arrives.
#[derive(Debug, Clone)]
struct Nowhere {
    env: Env,
}

impl Host for Nowhere {
    fn now(&self) -> i64 {
        0
    }

    fn random(&self) -> f64 {
        0.0
    }

    fn random_key(&self) -> [u8; KEY_BYTES] {
        [0; KEY_BYTES]
    }

    fn has_secret(&self, _name: &str) -> bool {
        true
    }

    fn log(&self, _event: serde_json::Value) {}
}

impl Network for Nowhere {
    fn ask(&self, outbox: &str, ask: &Ask, _timeout_ms: u32) -> LocalBoxFuture<'static, Result<String, OutboxError>> {
        let nowhere = Rc::new(self.clone());
        let config = environment::config(&self.env);
        let object = Object::new(outbox, config, Rc::clone(&nowhere) as _, Rc::clone(&nowhere) as _, nowhere);
        let question = serde_json::to_string(ask).unwrap_or_default();
        let answer = serde_json::from_str(&question).ok().and_then(|ask| object.answer_now(&ask));
        future::ready(answer.unwrap_or(Err(OutboxError::Missing("answer")))).boxed_local()
    }

    fn send(&self, _destination: String, _call: Box<Call>) -> LocalBoxFuture<'static, Event> {
        future::pending().boxed_local()
    }

    fn alert(&self, _message: String) -> LocalBoxFuture<'static, bool> {
        future::pending().boxed_local()
    }

    fn sleep(&self, _ms: u32) -> LocalBoxFuture<'static, ()> {
        future::pending().boxed_local()
    }
}

impl Database for Nowhere {
    fn query(&self, _sql: &str, _values: &[Value]) -> Result<Vec<Row>, StoreError> {
        Ok(Vec::new())
    }

    fn transaction(&self, work: &mut dyn FnMut() -> Result<(), StoreError>) -> Result<(), StoreError> {
        work()
    }
}

impl Storage for Nowhere {
    fn alarm(&self) -> LocalBoxFuture<'_, Result<Option<i64>, OutboxError>> {
        future::pending().boxed_local()
    }

    fn set_alarm(&self, _at: Option<i64>) -> Result<(), OutboxError> {
        Ok(())
    }

    fn sync(&self) -> LocalBoxFuture<'_, Result<(), OutboxError>> {
        future::pending().boxed_local()
    }

    fn beside(&self, work: LocalBoxFuture<'static, ()>) {
        drop(work);
    }
}
