//! The operator API: who may use it.

pub mod access;
mod assertion;
