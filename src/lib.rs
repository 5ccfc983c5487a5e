//! formcourier: website forms to CRM leads, at the edge. A form posts straight to this Worker; it stores the submission,
//! maps it to what the CRM's API wants, and does not let go of it until the CRM has the record.
//!
//! This file is wiring only. The way of the data: `edge/router` -> `form` (decode, validate) -> `edge/outbox` (store) ->
//! reply; then the alarm: `lead` (map) -> `crm` (say what to send, read what came back) -> `delivery` (what it means).

pub mod config;
pub mod connectors;
pub mod delivery;
pub mod domain;
pub mod edge;
pub mod intake;
pub mod outbox;
pub mod pages;

#[doc(hidden)]
pub mod lead {
    pub use crate::connectors::note;
    pub(crate) use crate::domain::lead::rfc3339;
    pub use crate::domain::{Lead, NameParts, name, render, text, typed};
    #[cfg(test)]
    pub(crate) use crate::intake::map::tests;
    pub use crate::intake::map::{from_submission, left_blank, recognise};
}
#[doc(hidden)]
pub use {intake as form, intake::guard};

use worker::{Context, Env, Request, Response, Result, ScheduleContext, ScheduledEvent, event};

pub use edge::outbox::Outbox;

/// Runs once, when the module starts.
#[event(start)]
fn start() {
    // `worker` has set a hook that makes the shim re-create the Wasm instance after a panic. `set_once` of
    // console_error_panic_hook would replace it and switch that off, so its report goes in front of it.
    let recover = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        console_error_panic_hook::hook(info);
        edge::outbox::watchdog::abort_all();
        recover(info);
    }));
}

/// Answers a request.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    edge::router::route(request, &env).await
}

/// Comes with the cron trigger of `wrangler.toml`.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    edge::sweep::sweep(&env).await;
}
