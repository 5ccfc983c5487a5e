//! The Durable Object around an [`Object`]: it lends it the platform and decides nothing.
//!
//! Every handler runs under the [`watchdog`].

#![allow(missing_docs, reason = "the platform's macro adds items without docs; what is written here has them")]

pub mod watchdog;

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{FutureExt, LocalBoxFuture};
use worker::{Delay, DurableObject, Env, Error, Method, Request, RequestInit, Response, Result, State, durable_object};

use crate::connectors::Call;
use crate::delivery::Event;
use crate::intake::guard::key::KEY_BYTES;
use crate::outbox::client::{Ask, Client, Network};
use crate::outbox::object::{Object, Storage};
use crate::outbox::{Host, OutboxError, alerts, names};

use super::sql::DurableSql;
use super::{clock, environment, http, log};
use watchdog::Watchdog;

/// The binding of the Durable Object namespace in `wrangler.toml`.
pub const BINDING: &str = "OUTBOX";

/// How long an alert may take.
const ALERT_TIMEOUT: Duration = Duration::from_secs(8);

/// The Durable Object. The name of the class is bound in `wrangler.toml`.
#[durable_object(alarm)]
pub struct Outbox {
    state: Rc<State>,
    env: Env,
    object: OnceCell<Object>,
}

impl DurableObject for Outbox {
    fn new(state: State, env: Env) -> Self {
        Self { state: Rc::new(state), env, object: OnceCell::new() }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let _watchdog = Watchdog::arm(&self.state)?;
        if request.method() != Method::Post {
            return Ok(Response::empty()?.with_status(404));
        }
        let ask: Ask = serde_json::from_str(&request.text().await?)?;
        Response::ok(self.object()?.answer(&ask).await.map_err(|error| Error::RustError(error.to_string()))?)
    }

    async fn alarm(&self) -> Result<Response> {
        let watchdog = Watchdog::arm(&self.state)?;
        let ended = self.object()?.alarm(&|| watchdog.pet()).await;
        ended.map_err(|error| Error::RustError(error.to_string()))?;
        Response::ok("")
    }
}

impl Outbox {
    fn object(&self) -> Result<&Object> {
        if let Some(object) = self.object.get() {
            return Ok(object);
        }
        let name = self.state.id().name().ok_or_else(|| Error::RustError("an outbox has a name".into()))?;
        let object = Object::new(
            &name,
            environment::config(&self.env),
            Rc::new(Platform::new(&self.env)),
            Rc::new(DurableStorage(Rc::clone(&self.state))),
            Rc::new(DurableSql::new(self.state.storage())),
        );
        Ok(self.object.get_or_init(|| object))
    }
}

/// The storage of a Durable Object.
#[derive(Debug)]
struct DurableStorage(Rc<State>);

impl Storage for DurableStorage {
    fn alarm(&self) -> LocalBoxFuture<'_, Result<Option<i64>, OutboxError>> {
        async move { self.0.storage().get_alarm().await.map_err(platform) }.boxed_local()
    }

    fn set_alarm(&self, at: Option<i64>) -> LocalBoxFuture<'_, Result<(), OutboxError>> {
        let storage = self.0.storage();
        async move {
            match at {
                Some(at) => storage.set_alarm((at - clock::now()).max(0)).await,
                None => storage.delete_alarm().await,
            }
            .map_err(platform)
        }
        .boxed_local()
    }

    fn sync(&self) -> LocalBoxFuture<'_, Result<(), OutboxError>> {
        async move { self.0.storage().sync().await.map_err(platform) }.boxed_local()
    }

    fn beside(&self, work: LocalBoxFuture<'static, ()>) {
        self.0.wait_until(work);
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
        clock::fill_random(&mut key);
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
    fn ask(&self, outbox: &str, ask: &Ask) -> LocalBoxFuture<'static, Result<String, OutboxError>> {
        let (env, outbox, body) = (self.env.clone(), outbox.to_owned(), serde_json::to_string(ask));
        async move { ask_object(&env, &outbox, body?).await }.map(|answer| answer.map_err(platform)).boxed_local()
    }

    fn send(&self, destination: String, call: Box<Call>) -> LocalBoxFuture<'static, Event> {
        let (env, config) = (self.env.clone(), environment::config(&self.env));
        async move { http::send(&env, &config, &destination, &call).await }.boxed_local()
    }

    fn alert(&self, message: String) -> LocalBoxFuture<'static, bool> {
        let (env, config) = (self.env.clone(), environment::config(&self.env));
        async move {
            let Some(url) = environment::secret(&env, alerts::URL_SECRET) else { return false };
            let posted = http::post(&config, "alerts", &url, "application/json", &message, ALERT_TIMEOUT).await;
            posted.is_ok_and(|reply| (200..300).contains(&reply.status))
        }
        .boxed_local()
    }

    fn sleep(&self, ms: u64) -> LocalBoxFuture<'static, ()> {
        Delay::from(Duration::from_millis(ms)).boxed_local()
    }
}

/// The cron trigger came: the registry wakes every Outbox.
pub async fn sweep(env: &Env) {
    if let Err(error) = Client::new(&Platform::new(env), names::REGISTRY).sweep().await {
        log::failure("sweep", &error);
    }
}

async fn ask_object(env: &Env, outbox: &str, body: String) -> Result<String> {
    let stub = env.durable_object(BINDING)?.get_by_name(outbox)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(body.into()));
    let mut response = stub.fetch_with_request(Request::new_with_init("https://outbox/", &init)?).await?;
    match response.status_code() {
        200 => response.text().await,
        status => Err(Error::RustError(format!("the outbox answered {status}"))),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn platform(error: Error) -> OutboxError {
    OutboxError::Platform(error.to_string())
}
