//! What the Worker asks of the platform: the functions of `platform.js`, each one crossing into JavaScript.

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::Env;

#[wasm_bindgen(raw_module = "../../src/edge/platform.js")]
extern "C" {
    /// The state of a Durable Object: its id, its storage, its life.
    #[derive(Debug)]
    pub type ObjectContext;

    /// Resets the object of a handler that hangs.
    #[derive(Debug)]
    pub type Watchdog;

    /// Says that the handler is alive.
    #[wasm_bindgen(method)]
    pub fn pet(this: &Watchdog);

    /// The body of a request as bytes, or why it cannot be read.
    #[wasm_bindgen(catch, js_name = readBody)]
    pub async fn read_body(request: &JsValue, limit: u32) -> Result<JsValue, JsValue>;

    /// Status, headers and body of a response, as JSON.
    #[wasm_bindgen(catch)]
    pub async fn exchange(url: &str, init: &str, limit: u32, ms: u32) -> Result<JsValue, JsValue>;

    /// What an Outbox answers.
    #[wasm_bindgen(catch)]
    pub async fn ask(env: &Env, outbox: &str, question: &str, ms: u32) -> Result<JsValue, JsValue>;

    /// Resolves to whether a key is within a rate limit; `None` without the binding.
    #[wasm_bindgen(catch, js_name = isWithin)]
    pub fn is_within(env: &Env, binding: &str, key: &str) -> Result<Option<Promise>, JsValue>;

    /// Rows as JSON, if the statement has any.
    #[wasm_bindgen(catch)]
    pub fn exec(context: &ObjectContext, statement: &str, values: &str) -> Result<Option<String>, JsValue>;

    /// Runs a closure that may throw in a transaction.
    #[wasm_bindgen(catch)]
    pub fn transaction(context: &ObjectContext, work: &JsValue) -> Result<JsValue, JsValue>;

    /// When the alarm rings, milliseconds since 1970.
    #[wasm_bindgen(catch, js_name = getAlarm)]
    pub async fn get_alarm(context: &ObjectContext) -> Result<JsValue, JsValue>;

    /// Sets the alarm, or deletes it.
    #[wasm_bindgen(catch, js_name = setAlarm)]
    pub fn set_alarm(context: &ObjectContext, at: Option<f64>) -> Result<(), JsValue>;

    /// Ends when everything is on disk.
    #[wasm_bindgen(catch)]
    pub async fn sync(context: &ObjectContext) -> Result<JsValue, JsValue>;

    /// Keeps the object alive until a promise ends.
    #[wasm_bindgen(method, js_name = waitUntil)]
    pub fn wait_until(this: &ObjectContext, work: Promise);

    /// Waits this long.
    #[wasm_bindgen(catch)]
    pub async fn sleep(ms: u32) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    /// Milliseconds since 1970.
    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    pub fn now() -> f64;

    /// A random UUID.
    #[wasm_bindgen(js_namespace = crypto, js_name = randomUUID)]
    pub fn random_uuid() -> String;

    /// Fills bytes with random ones that cannot be guessed.
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    pub fn fill_random(bytes: &mut [u8]);

    /// Writes a line to the log.
    #[wasm_bindgen(js_namespace = console)]
    pub fn log(line: &str);

    /// Writes a line to the error log.
    #[wasm_bindgen(js_namespace = console)]
    pub fn error(line: &str);
}

/// What was thrown, as text.
pub fn message(error: &JsValue) -> String {
    let text = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    text.or_else(|| error.as_string()).unwrap_or_else(|| "an unknown error".to_owned())
}
