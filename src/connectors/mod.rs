//! The connectors: each says which request a vendor needs next and what a response means. No I/O.
//!
//! Everything about a vendor is in its file: options, secrets, pace, guarantee, requests, and how to read responses.
//! [`registry`] has one line per connector; config, `make check`, the docs' tables, the fakes and the test matrices
//! iterate over it. A vendor adds a file, that line, a fake and a docs section.

pub mod agencyhandy;
pub mod call;
pub mod contract;
pub mod descriptor;
pub mod destination;
pub mod draft;
pub mod hubspot;
pub mod leadsquared;
pub mod note;
pub mod options;
pub mod outcome;
pub mod records;
pub mod redact;
pub mod registry;
pub mod response;
pub mod salesmap;
pub mod stateset;
#[cfg(test)]
pub(crate) mod testing;
pub mod webhook;

pub use call::{Call, Drafted, HeaderValue, Method, Safety, SealError};
pub use contract::{AnyConnector, Connector, Progress, StateError, Step};
pub use descriptor::{Descriptor, Pace};
pub use destination::Destination;
pub use draft::{Draft, Omitted};
pub use options::{Opt, Options};
pub use outcome::{Failure, FailureKind, Health, Outcome, RecordRef};
pub use records::{Guarantee, Record, Secret};
pub use registry::REGISTRY;
pub use response::Response;
