//! How settings are read: one table of the config key by key, every mistake collected with its var and key.

pub mod duration;
pub mod error;
pub mod nearest;
pub mod reader;

pub use error::ConfigError;
pub use reader::Reader;
