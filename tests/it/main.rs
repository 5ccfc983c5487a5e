//! End to end: every test starts the real `workerd` on the shipped build, with the fakes behind it.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]
#![allow(clippy::needless_pass_by_value, reason = "the values are built with json! in place")]

mod abuse;
mod access;
mod agencyhandy;
mod alerts;
mod architecture;
mod bad_input;
mod bodies;
mod config;
mod cors;
mod cpu;
mod destinations;
mod dialects;
mod fairness;
mod faults;
mod filled;
mod fuzz;
mod growth;
mod guard;
mod hooks;
mod hubspot;
mod idempotency;
mod intake;
mod leadsquared;
mod leaks;
mod limits;
mod matrix;
mod operator;
mod origins;
mod outage;
mod outbox;
mod overflow;
mod page;
mod panics;
mod pauses;
mod plans;
mod rate;
mod raw;
mod readme;
mod redirects;
mod repeats;
mod replies;
mod retention;
mod rules;
mod salesmap;
mod shards;
mod stateset;
mod storm;
mod sweep;
mod turmoil;
mod turnstile;
mod webhook;
mod world;
mod wrangler;
