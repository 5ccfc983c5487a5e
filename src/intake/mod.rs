//! Intake: a request becomes a decision. Everything here is a pure function of the visit, the form, the body and the time;
//! the I/O in between (rate limit, Turnstile) is the caller's.

pub mod brand;
pub mod candidate;
pub mod decode;
pub mod dialect;
pub mod form;
pub mod guard;
pub mod language;
pub mod map;
pub mod messages;
pub mod negotiate;
pub mod normalize;
pub mod origin;
pub mod redirect;
pub mod refusal;
pub mod reply;
pub mod spam;
pub mod validate;
pub mod visit;

pub use brand::Brand;
pub use candidate::{
    Accepted, Candidate, Context, Decision, Evidence, Load, NewSubmission, Refused, input, judge, may_open, may_post,
    read,
};
pub use dialect::Input;
pub use form::Form;
pub use language::Language;
pub use origin::OriginRule;
pub use refusal::{FieldCode, FieldError, Refusal, RefusalKind};
pub use reply::Reply;
pub use visit::Visit;

pub use crate::domain::{Fields, Filled, NameKey, Submission};

/// Composes a text without a platform, for tests.
#[cfg(test)]
pub(crate) fn nfc(text: &str) -> String {
    icu_normalizer::ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

/// These pairs, for tests.
#[cfg(test)]
pub(crate) fn fields(pairs: &[(&str, &str)]) -> Fields {
    Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}
