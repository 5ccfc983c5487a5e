//! Which secrets a config expects, by name. Their values are never seen here.

use crate::intake::form::Access;
use crate::intake::guard::turnstile;

use super::{Config, names};

/// The secrets of the service itself; each is optional.
pub const OWN: &[&str] = &[turnstile::SECRET, "ADMIN_TOKEN", "ALERT_WEBHOOK_URL"];

/// A secret that the config expects to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedSecret {
    /// Its name in the environment.
    pub name: String,
    /// The var that expects it (`DESTINATION_SALESMAP`).
    pub owner: String,
    /// What it is, for the person who has to get it.
    pub why: &'static str,
}

impl Config {
    /// The secrets that the right destinations and forms expect: destinations first, each by name.
    pub fn expected_secrets(&self) -> Vec<ExpectedSecret> {
        let of_destinations = self.destinations.values().flat_map(|destination| {
            destination.descriptor.secrets.iter().map(|secret| ExpectedSecret {
                name: names::secret_name(&destination.name, secret.suffix),
                owner: names::var_of_name(&destination.name, names::DESTINATION),
                why: secret.hint,
            })
        });
        let of_forms = self.forms.values().filter_map(|form| match &form.access {
            Access::Public => None,
            Access::Token { secret } => Some(ExpectedSecret {
                name: secret.clone(),
                owner: names::var_of_name(&form.name, names::FORM),
                why: "the token that callers of this form send as `Authorization: Bearer`; any long random text",
            }),
        });
        let of_turnstile = self.forms.values().find(|form| form.turnstile.is_some()).map(|form| ExpectedSecret {
            name: turnstile::SECRET.to_owned(),
            owner: names::var_of_name(&form.name, names::FORM),
            why: "the secret key of the Turnstile widget, from the Cloudflare dashboard > Turnstile",
        });
        of_destinations.chain(of_forms).chain(of_turnstile).collect()
    }
}

/// Why a form or destination of the name `owner` cannot have the secret `name`; `taken` says whose it is already.
pub(super) fn clash(name: &str, taken: Option<&str>) -> Option<String> {
    if OWN.contains(&name) {
        Some(format!("its secret would be {name}, which is the service's own; choose another name"))
    } else if let Some(other) = taken {
        Some(format!("its secret would be {name}, which is the secret of {other} too; choose another name"))
    } else if name.starts_with(names::FORM) || name.starts_with(names::DESTINATION) {
        // A secret stands in the same environment as the vars, so it would be read as a form.
        Some(format!("its secret would be {name}, which reads as a form or a destination; choose another name"))
    } else {
        None
    }
}
