//! Is it spam or a stranger? What guards a form between decoding and validating.

pub mod origin;
