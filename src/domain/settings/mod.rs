//! How settings are read: one table of the config key by key, every mistake collected with its var and key.

pub mod duration;
pub mod error;
pub mod nearest;
pub mod reader;

pub use error::ConfigError;
pub use reader::Reader;

/// `acme-salesmap`, `TOKEN` -> `ACME_SALESMAP_TOKEN`: the secret that belongs to a destination or a form.
pub fn secret_name(owner: &str, suffix: &str) -> String {
    format!("{}_{suffix}", owner.to_ascii_uppercase().replace('-', "_"))
}
