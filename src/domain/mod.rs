//! The shared vocabulary: what a visitor sends, the Lead it maps to, and how settings are written. No policy, no I/O.

pub mod address;
pub mod control;
pub mod fields;
pub mod id;
pub mod lead;
pub mod lead_field;
pub mod name;
pub mod render;
pub mod settings;
pub mod template;
pub mod text;
pub mod typed;

pub use address::Address;
pub use fields::{Fields, Filled, NameKey, Submission};
pub use lead::Lead;
pub use lead_field::LeadField;
pub use name::NameParts;
pub use template::Template;
pub use typed::{Kind, TypedField};
