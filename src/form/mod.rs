//! What came in and what goes back: decode a body, validate it, choose the reply.

pub mod fields;

pub use fields::{Fields, Submission};
