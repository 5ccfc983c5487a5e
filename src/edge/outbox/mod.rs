//! The Durable Object around an [`Object`]: gives it the platform and decides nothing.

#![allow(missing_docs, reason = "wasm-bindgen adds items without docs; what is written here has them")]

use std::rc::Rc;

use futures_util::future::{FutureExt, LocalBoxFuture};
use js_sys::{Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::future_to_promise;
use worker::Env;

use crate::connectors::Call;
use crate::delivery::Event;
use crate::intake::guard::key::KEY_BYTES;
use crate::outbox::client::{Ask, Client, Network};
use crate::outbox::object::{Object, Storage};
use crate::outbox::{Host, OutboxError, alerts, names};

use super::platform::{self, ObjectContext, Watchdog};
use super::sql::DurableSql;
use super::{clock, environment, http, log};

/// How long an alert may take, in milliseconds.
const ALERT_MS: u32 = 8_000;

/// The Durable Object; `worker.js` extends the platform's class around it.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Outbox {
    object: Rc<Object>,
}

#[wasm_bindgen]
impl Outbox {
    /// The object of this context. Nothing is opened yet.
    #[wasm_bindgen(constructor)]
    pub fn new(context: ObjectContext, env: &Env) -> Self {
        environment::log_errors(env);
        let context = Rc::new(context);
        let object = Object::new(
            &name(&context),
            environment::config(env),
            Rc::new(Platform::new(env)),
            Rc::new(DurableStorage(Rc::clone(&context))),
            Rc::new(DurableSql(context)),
        );
        Self { object: Rc::new(object) }
    }

    /// Answers a question, by a string or by the promise of one.
    pub fn ask(&self, question: &str) -> Result<JsValue, JsValue> {
        let question = serde_json::from_str(question).map_err(|_| JsValue::from("not a question"))?;
        match self.object.answer_now(&question) {
            Some(answer) => Ok(answer.map_err(thrown)?.into()),
            None => Ok(self.run(async move |object| object.answer(&question).await.map(JsValue::from)).into()),
        }
    }

    /// The alarm rings.
    pub fn alarm(&self, watchdog: Watchdog) -> Promise {
        self.run(async move |object| object.alarm(&|| watchdog.pet()).await.map(|()| JsValue::UNDEFINED))
    }
}

impl Outbox {
    fn run(&self, work: impl AsyncFnOnce(&Object) -> Result<JsValue, OutboxError> + 'static) -> Promise {
        let object = Rc::clone(&self.object);
        future_to_promise(async move { work(&object).await.map_err(thrown) })
    }
}

/// The name of an object; every Outbox has one.
fn name(context: &ObjectContext) -> String {
    let get = |from: &JsValue, key: &str| Reflect::get(from, &key.into()).unwrap_or_default();
    get(&get(context.unchecked_ref(), "id"), "name").as_string().unwrap_or_default()
}

/// The storage of a Durable Object.
#[derive(Debug)]
struct DurableStorage(Rc<ObjectContext>);

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "times are far below 2^53")]
impl Storage for DurableStorage {
    fn alarm(&self) -> LocalBoxFuture<'_, Result<Option<i64>, OutboxError>> {
        async move { Ok(platform::get_alarm(&self.0).await.map_err(failed)?.as_f64().map(|at| at as i64)) }
            .boxed_local()
    }

    fn set_alarm(&self, at: Option<i64>) -> Result<(), OutboxError> {
        platform::set_alarm(&self.0, at.map(|at| at as f64)).map_err(failed)
    }

    fn sync(&self) -> LocalBoxFuture<'_, Result<(), OutboxError>> {
        async move { platform::sync(&self.0).await.map(drop).map_err(failed) }.boxed_local()
    }

    fn beside(&self, work: LocalBoxFuture<'static, ()>) {
        self.0.wait_until(future_to_promise(work.map(|()| Ok(JsValue::UNDEFINED))));
    }
}

/// Clock, secrets, log and network of the Worker, as Outboxes and their clients see them.
#[derive(Debug)]
pub struct Platform {
    env: Env,
}

impl Platform {
    /// The platform of this environment.
    pub fn new(env: &Env) -> Self {
        Self { env: env.clone() }
    }
}

impl Host for Platform {
    fn now(&self) -> i64 {
        clock::now()
    }

    fn random(&self) -> f64 {
        clock::random()
    }

    fn random_key(&self) -> [u8; KEY_BYTES] {
        let mut key = [0; KEY_BYTES];
        platform::fill_random(&mut key);
        key
    }

    fn has_secret(&self, name: &str) -> bool {
        environment::secret(&self.env, name).is_some()
    }

    fn log(&self, event: serde_json::Value) {
        log::event(&event);
    }
}

impl Network for Platform {
    fn ask(&self, outbox: &str, ask: &Ask, timeout_ms: u32) -> LocalBoxFuture<'static, Result<String, OutboxError>> {
        let (env, outbox, question) = (self.env.clone(), outbox.to_owned(), serde_json::to_string(ask));
        async move {
            let question = question.map_err(|error| OutboxError::Platform(error.to_string()))?;
            let answer = platform::ask(&env, &outbox, &question, timeout_ms).await.map_err(failed)?;
            Ok(answer.as_string().unwrap_or_default())
        }
        .boxed_local()
    }

    fn send(&self, destination: String, call: Box<Call>) -> LocalBoxFuture<'static, Event> {
        let (env, config) = (self.env.clone(), environment::config(&self.env));
        async move { http::send(&env, &config, &destination, &call).await }.boxed_local()
    }

    fn alert(&self, message: String) -> LocalBoxFuture<'static, bool> {
        let (env, config) = (self.env.clone(), environment::config(&self.env));
        async move {
            let Some(url) = environment::secret(&env, alerts::URL_SECRET) else { return false };
            let posted = http::post(&config, "alerts", &url, "application/json", &message, ALERT_MS).await;
            posted.is_ok_and(|reply| (200..300).contains(&reply.status))
        }
        .boxed_local()
    }

    fn sleep(&self, ms: u32) -> LocalBoxFuture<'static, ()> {
        platform::sleep(ms).map(drop).boxed_local()
    }
}

/// The cron trigger came: the registry wakes every Outbox.
pub async fn sweep(env: &Env) {
    if let Err(error) = Client::new(&Platform::new(env), names::REGISTRY).sweep().await {
        log::failure("sweep", &error);
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn failed(error: JsValue) -> OutboxError {
    OutboxError::Platform(platform::message(&error))
}

#[allow(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn thrown(error: OutboxError) -> JsValue {
    js_sys::Error::new(&error.to_string()).into()
}
