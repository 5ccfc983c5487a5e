//! formcourier: website forms to CRM leads, at the edge. A form posts straight to this Worker; it stores the submission,
//! maps it to what the CRM's API expects, and retries until the CRM confirms the record.
//!
//! This file is wiring only. The path of a lead: `edge/router` -> `intake` -> `outbox` (store) -> reply; then the alarm:
//! `outbox` -> `delivery` -> `connectors` -> `edge/http`.

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
use worker::{Context, Env, Request, Response, Result, ScheduleContext, ScheduledEvent, event};

#[cfg(feature = "edge")]
pub use edge::outbox::Outbox;

/// Runs once when the module starts.
#[cfg(feature = "edge")]
#[event(start)]
fn start() {
    // The hook of `worker` makes the shim re-create the Wasm instance after a panic. `console_error_panic_hook::set_once`
    // would replace that hook, so its report runs before it.
    let recover = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        console_error_panic_hook::hook(info);
        edge::outbox::watchdog::abort_all();
        recover(info);
    }));
}

/// Answers a request.
#[cfg(feature = "edge")]
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let response = edge::router::route(request, &env).await;
    context.wait_until(edge::beside::work(env));
    response
}

/// Runs by the cron trigger of `wrangler.toml`.
#[cfg(feature = "edge")]
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    edge::outbox::sweep(&env).await;
}
