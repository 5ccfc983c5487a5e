//! formcourier: website forms to CRM leads, at the edge. A form posts straight to this Worker; it stores the submission,
//! maps it to what the CRM's API expects, and retries until the CRM confirms the record.
//!
//! This file is wiring only: `edge/worker.js` calls it. The path of a lead: `edge/router` -> `intake` -> `outbox` (store) ->
//! reply; then the alarm: `outbox` -> `delivery` -> `connectors` -> `edge/http`.

pub mod config;
pub mod connectors;
pub mod delivery;
pub mod domain;
#[cfg(feature = "edge")]
pub mod edge;
pub mod intake;
pub mod operator;
pub mod outbox;
pub mod pages;

#[cfg(feature = "edge")]
pub use edge::outbox::Outbox;

#[cfg(feature = "edge")]
mod entry {
    use wasm_bindgen::JsValue;
    use wasm_bindgen::prelude::wasm_bindgen;
    use worker::{Env, event};

    use crate::edge::request::Body;
    use crate::edge::{beside, outbox, rehearsal, router};

    /// Runs once when the module starts.
    #[event(start)]
    fn start() {
        // `console_error_panic_hook::set_once` would replace the hook of `worker`, so its report runs before it.
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            console_error_panic_hook::hook(info);
            report(info);
        }));
    }

    /// Prepares this instance for its first request; whether it came to the end.
    #[wasm_bindgen]
    pub fn rehearse(env: &Env) -> bool {
        rehearsal::rehearse(env)
    }

    /// Answers a request. `body`: its bytes, if they were read; `other`: the request, or why they could not be read.
    #[wasm_bindgen]
    pub async fn fetch(head: String, body: Option<Vec<u8>>, other: JsValue, env: Env) -> JsValue {
        router::route(&head, body.map_or(Body::Other(other), Body::Read), &env).await
    }

    /// What is left to do after the replies, if there is anything.
    #[wasm_bindgen(js_name = hasWork)]
    pub fn has_work() -> bool {
        beside::has_work()
    }

    /// Does that.
    #[wasm_bindgen]
    pub async fn work(env: Env) {
        beside::work(env).await;
    }

    /// Runs by the cron trigger of `wrangler.toml`.
    #[wasm_bindgen]
    pub async fn sweep(env: Env) {
        outbox::sweep(&env).await;
    }
}
