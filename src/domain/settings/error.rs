//! What is wrong with the configuration, said so that the operator can mend it.

use std::fmt;

/// One mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The var, as it stands in `wrangler.toml` (`FORM_CONTACT`).
    pub var: String,
    /// The key inside the var, dotted (`map.phone`), or empty when the var as a whole is meant.
    pub key: String,
    /// What was found and what is allowed, in one sentence without a full stop.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}: {}", self.var, self.message)
        } else {
            write!(f, "{}: {}: {}", self.var, self.key, self.message)
        }
    }
}
