//! The HTML a person sees: the thank-you, the error page that keeps what was typed, the demo. And the script that a
//! website's own page may load.
//!
//! Every page works without JavaScript, loads nothing, and is readable on a phone. All text from outside goes through
//! [`html::Html::text`] or [`html::Html::attribute`]; nothing else writes it.

pub mod demo;
pub mod html;
mod labels;
pub mod layout;
pub mod refused;
pub mod script;
pub mod thanks;
mod words;

pub use demo::{DemoForm, demo, demo_forms};
pub use refused::{Kept, refused};
pub use script::script;
pub use thanks::thanks;
