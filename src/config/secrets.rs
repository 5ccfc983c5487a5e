//! Which secrets a config expects, by name. Their values are never seen here.

use crate::connectors::Destination;
use crate::domain::settings::secret_name;
use crate::intake::form::{Access, Form};
use crate::intake::guard::turnstile;

use super::names;

/// The secrets that every deployment should have, and what is lost without each.
pub const RECOMMENDED: &[(&str, &str)] = &[
    ("ADMIN_TOKEN", "without it you cannot see or resend submissions"),
    ("ALERT_WEBHOOK_URL", "without it nobody is told when leads stop reaching a destination"),
];

/// The fewest characters of an `ADMIN_TOKEN`, local development aside: it opens every submission, and can be guessed at.
const ADMIN_TOKEN_CHARS: usize = 24;

/// Why this `ADMIN_TOKEN` is not accepted, and what to do.
pub fn admin_token_error(token: Option<&str>, is_local: bool) -> Option<&'static str> {
    match token {
        None => Some("the secret ADMIN_TOKEN is not set: run `npx wrangler secret put ADMIN_TOKEN`"),
        Some(token) if !is_local && token.chars().count() < ADMIN_TOKEN_CHARS => Some(
            "the secret ADMIN_TOKEN has fewer than 24 characters and is not accepted: run `openssl rand -base64 32 | npx \
             wrangler secret put ADMIN_TOKEN`",
        ),
        Some(_) => None,
    }
}

/// A secret that the config expects to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedSecret {
    /// Its name in the environment.
    pub name: String,
    /// The var that expects it (`DESTINATION_SALESMAP`).
    pub owner: String,
    /// What it is and where to find it.
    pub why: &'static str,
}

/// The secrets of a destination.
pub(super) fn of_destination(destination: &Destination) -> impl Iterator<Item = ExpectedSecret> {
    destination.descriptor.secrets.iter().map(|secret| ExpectedSecret {
        name: secret_name(&destination.name, secret.suffix),
        owner: names::var_of_name(&destination.name, names::DESTINATION),
        why: secret.hint,
    })
}

/// The token of a form for staff.
pub(super) fn token_of(form: &Form) -> Option<ExpectedSecret> {
    let Access::Token { secret } = &form.access else { return None };
    Some(ExpectedSecret {
        name: secret.clone(),
        owner: names::var_of_name(&form.name, names::FORM),
        why: "the token that callers send as `Authorization: Bearer`; any long random text",
    })
}

/// The secret of a form's Turnstile; one for all forms.
pub(super) fn turnstile_of(form: &Form) -> Option<ExpectedSecret> {
    form.turnstile.as_ref()?;
    Some(ExpectedSecret {
        name: turnstile::SECRET.to_owned(),
        owner: names::var_of_name(&form.name, names::FORM),
        why: "the secret key of the Turnstile widget, from the Cloudflare dashboard > Turnstile",
    })
}

/// Whether the service itself reads a secret of this name.
pub fn is_own(name: &str) -> bool {
    name == turnstile::SECRET || RECOMMENDED.iter().any(|(own, _)| *own == name)
}

/// Why a form or destination cannot have the secret `name`; `taken` is the var that has it already.
pub(super) fn clash(name: &str, taken: Option<&str>) -> Option<String> {
    let why = if is_own(name) {
        "which formcourier itself uses".to_owned()
    } else if let Some(other) = taken {
        format!("which {other} already uses")
    } else if names::is_ours(name) {
        // Secrets and vars share the environment.
        "which would be read as a form or a destination".to_owned()
    } else {
        return None;
    };
    Some(format!("its secret would be {name}, {why}; choose another name"))
}
