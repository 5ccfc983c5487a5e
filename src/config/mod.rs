//! The Worker's vars, read once and checked whole: `FORM_*` and `DESTINATION_*` become [`Form`] and [`Destination`].
//!
//! Every mistake is reported, not only the first, and each names the var, the key, what was found and what is allowed.
//! One wrong form does not take down the others: it is listed in [`Config::broken`] and the rest work.
//! Nothing here knows where the vars come from: `edge/` takes them from the environment, `make check` from `wrangler.toml`.

pub mod destination;
pub mod error;
pub mod form;
pub mod lead_field;
pub mod names;
pub mod reader;
pub mod template;
pub mod typed;

use std::collections::{BTreeMap, BTreeSet};

pub use destination::{CrmOptions, Destination};
pub use error::ConfigError;
pub use form::{Access, Form, Limits, OriginRule, Source};
pub use lead_field::LeadField;
pub use template::Template;
pub use typed::{Kind, TypedField};

/// Everything the operator configured, checked.
#[derive(Debug, Default)]
pub struct Config {
    /// The forms that are right, by name (`contact-us` for `FORM_CONTACT_US`).
    pub forms: BTreeMap<String, Form>,
    /// The destinations that are right, by name.
    pub destinations: BTreeMap<String, Destination>,
    /// Forms that exist and are wrong, or lead to a destination that is wrong: they answer 503.
    pub broken: BTreeSet<String>,
    /// `CRM_ORIGIN`: local development only, a loopback origin that stands in for every vendor.
    pub crm_origin: Option<String>,
    /// `DEMO = "on"`: serve the demo page at `/`.
    pub demo: bool,
    /// All that is wrong, in the order of the vars.
    pub errors: Vec<ConfigError>,
}

/// What a form's name leads to.
#[derive(Debug)]
pub enum Lookup<'a> {
    /// The form, ready to take submissions.
    Found(&'a Form),
    /// The form is configured, but wrongly.
    Broken,
    /// There is no such form.
    Unknown,
}

impl Config {
    /// The form of this name, in the spelling of the URL.
    pub fn form(&self, name: &str) -> Lookup<'_> {
        match self.forms.get(name) {
            Some(form) => Lookup::Found(form),
            None if self.broken.contains(name) => Lookup::Broken,
            None => Lookup::Unknown,
        }
    }
}
