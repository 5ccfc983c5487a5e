//! The only folder that knows Cloudflare: requests and responses, the environment, the clock, the network, and the
//! Outbox (a Durable Object with SQLite and an alarm). Decisions are made elsewhere; this folder carries them out.

pub mod answer;
pub mod api;
pub mod beside;
pub mod clock;
pub mod environment;
pub mod guard;
pub mod http;
pub mod log;
pub mod outbox;
pub mod platform;
pub mod rehearsal;
pub mod request;
pub mod router;
pub mod sql;
pub mod submit;
