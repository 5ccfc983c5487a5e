//! The shared vocabulary: Fields, Submission, Lead, templates, typed values and the settings reader. No policy, no I/O.

pub mod address;
pub mod control;
pub mod lead;
pub mod name;
pub mod settings;
pub mod sorted;
pub mod submission;
pub mod template;
pub mod text;
pub mod typed;

pub use address::Address;
pub use lead::{Lead, LeadField};
pub use name::NameParts;
pub use submission::{Fields, Filled, NameKey, Submission};
pub use template::Template;
pub use typed::{Kind, TypedField};
