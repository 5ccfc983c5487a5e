//! The Outbox without the platform: it stores the submissions of a form and drives their deliveries. No I/O besides SQL.
//!
//! [`object`] carries out its [`Effect`]s. `edge` runs both on a Durable Object's SQLite; the simulator runs them on a native
//! SQLite and a simulated network. Related rows are written in one statement or one transaction:
//!
//! - [`Outbox::accept`] stores a submission and its deliveries, first attempts begun, or finds the one that it repeats.
//! - [`Outbox::begin`] counts the attempts that are due; [`Outbox::effects`] says what to send; [`Outbox::ended`] takes in
//!   how a call ended. [`Outbox::next_wake`] says when to come back.

pub mod alerts;
mod arrivals;
pub mod audit;
pub mod client;
pub mod core;
pub mod database;
pub mod days;
mod flights;
mod forward;
pub mod names;
mod notes;
pub mod object;
pub mod operate;
mod operators;
mod packed;
mod probes;
pub mod query;
mod refusals;
mod registry;
mod run;
pub mod schema;
pub mod silence;
pub mod standing;
pub mod store;
mod strip;
pub mod totals;
pub mod turned_away;
mod upkeep;
mod view;
mod visitors;

#[cfg(test)]
mod tests;

pub use self::core::{Accepted, Chore, Effect, Host, Outbox, OutboxError};
pub use view::{DeliveryView, SubmissionView, lead_view};
