//! What came in and what goes back: decode a body, validate it, choose the reply.

pub mod decode;
pub mod dialect;
pub mod guard;
pub mod kinds;
pub mod language;
pub mod map;
pub mod messages;
pub mod negotiate;
pub mod redirect;
pub mod refusal;
pub mod reply;
pub mod rules;
pub mod validate;

pub use crate::domain::{Fields, Filled, NameKey, Submission, id};
pub use language::Language;
pub use refusal::{FieldCode, FieldError, Refusal, RefusalKind};
pub use reply::Reply;
