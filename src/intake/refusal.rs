//! A Refusal: why a request did not become a submission, as the visitor sees it.
//!
//! Scripts depend on the codes. Where Formspree has a code of the same meaning, it is used, because the libraries
//! `@formspree/core` and `@formspree/ajax` know it (<https://github.com/formspree/formspree-js>). The texts are in
//! [`super::messages`].

use std::fmt;

/// Why a request did not become a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The class; it decides the status.
    pub kind: RefusalKind,
    /// Everything that is wrong with single fields, in the order of the form. May be empty.
    pub errors: Vec<FieldError>,
}

impl Refusal {
    /// A refusal of the whole request.
    pub const fn new(kind: RefusalKind) -> Self {
        Self { kind, errors: Vec::new() }
    }

    /// A refusal for one reason that concerns `field`; empty for no particular field.
    pub fn because(kind: RefusalKind, code: FieldCode, field: impl Into<String>) -> Self {
        Self { kind, errors: vec![FieldError { code, field: field.into() }] }
    }
}

impl From<RefusalKind> for Refusal {
    fn from(kind: RefusalKind) -> Self {
        Self::new(kind)
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.code())
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $status:literal, $code:literal, $resend:literal;)+) => {
        /// The class of a [`Refusal`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum RefusalKind { $($(#[$doc])* $variant,)+ }

        impl RefusalKind {
            /// Every kind.
            pub const ALL: &'static [RefusalKind] = &[$(RefusalKind::$variant,)+];

            /// The HTTP status, the code for scripts, and [`Self::can_resend`].
            const fn row(self) -> (u16, &'static str, bool) {
                match self { $(RefusalKind::$variant => ($status, $code, $resend),)+ }
            }
        }
    };
}

kinds! {
    /// The body is not what its type says.
    Malformed = 400, "MALFORMED", false;
    /// No data field is filled.
    Empty = 400, "EMPTY", true;
    /// The bearer token is missing or wrong.
    Unauthorized = 401, "UNAUTHORIZED", false;
    /// The website may not post to this form.
    Origin = 403, "ORIGIN_NOT_ALLOWED", false;
    /// The visitor has not passed the captcha.
    Captcha = 403, "CAPTCHA_FAILED", false;
    /// There is no such form.
    UnknownForm = 404, "FORM_NOT_FOUND", false;
    /// A method that the address does not take.
    Method = 405, "METHOD_NOT_ALLOWED", false;
    /// The body did not arrive in time.
    Timeout = 408, "TIMEOUT", false;
    /// More than the form takes.
    TooLarge = 413, "TOO_LARGE", true;
    /// A content type that is not supported.
    Type = 415, "UNSUPPORTED_TYPE", false;
    /// One or more fields are wrong.
    Invalid = 422, "INVALID", true;
    /// The same `Idempotency-Key` came with other content.
    KeyReused = 422, "KEY_REUSED", true;
    /// Too many requests.
    TooMany = 429, "TOO_MANY_REQUESTS", true;
    /// The form is configured wrongly.
    BrokenForm = 503, "INACTIVE", true;
    /// The submission could not be stored.
    NotStored = 503, "NOT_STORED", true;
}

impl RefusalKind {
    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.row().0
    }

    /// The code for scripts.
    pub const fn code(self) -> &'static str {
        self.row().1
    }

    /// Whether our error page can send the same text again, corrected or a little later. It posts from our own origin,
    /// without a bearer token and without a captcha.
    pub const fn can_resend(self) -> bool {
        self.row().2
    }

    /// The header that HTTP requires with this status, or that tells a script when to retry.
    pub const fn header(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Unauthorized => Some(("WWW-Authenticate", "Bearer")),
            Self::Method => Some(("Allow", "POST, OPTIONS")),
            Self::TooMany => Some(("Retry-After", "60")),
            Self::NotStored => Some(("Retry-After", "5")),
            _ => None,
        }
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The mistake.
    pub code: FieldCode,
    /// The name in the form; empty for no particular field.
    pub field: String,
}

macro_rules! field_codes {
    ($($(#[$doc:meta])* $variant:ident $(($limit:ty))? = $code:literal;)+) => {
        /// What is wrong with a field, or with a form as a whole.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum FieldCode { $($(#[$doc])* $variant $(($limit))?,)+ }

        impl FieldCode {
            /// The code for scripts.
            pub const fn code(self) -> &'static str {
                match self { $(FieldCode::$variant { .. } => $code,)+ }
            }
        }
    };
}

field_codes! {
    /// A required field came without a value.
    RequiredFieldEmpty = "REQUIRED_FIELD_EMPTY";
    /// A required field did not come.
    RequiredFieldMissing = "REQUIRED_FIELD_MISSING";
    /// Not an email address.
    TypeEmail = "TYPE_EMAIL";
    /// Not a telephone number.
    TypePhone = "TYPE_PHONE";
    /// Not a web address.
    TypeUrl = "TYPE_URL";
    /// Not a number.
    TypeNumeric = "TYPE_NUMERIC";
    /// Fewer characters than this.
    MinLength(usize) = "MIN_LENGTH";
    /// More characters than this.
    MaxLength(usize) = "MAX_LENGTH";
    /// Less than this.
    Min(i64) = "MIN";
    /// More than this.
    Max(i64) = "MAX";
    /// Not one of the allowed values.
    OneOf = "ONE_OF";
    /// Does not fit the form's pattern.
    Pattern = "PATTERN";
    /// The access token is wrong.
    Unauthorized = "UNAUTHORIZED";
    /// A file; only text is accepted.
    NoFileUploads = "NO_FILE_UPLOADS";
    /// The body has more bytes than this.
    BodyTooLarge(usize) = "BODY_TOO_LARGE";
    /// There are more fields than this.
    TooManyFields(usize) = "TOO_MANY_FIELDS";
    /// The value has more bytes than this.
    ValueTooLong(usize) = "VALUE_TOO_LONG";
    /// The name has more bytes than this.
    NameTooLong(usize) = "NAME_TOO_LONG";
}

impl FieldCode {
    /// The name for logs, which is that of the form's setting where there is one: `required`, `max_length`.
    pub fn log_name(self) -> String {
        match self {
            Self::RequiredFieldEmpty | Self::RequiredFieldMissing => "required".to_owned(),
            _ => self.code().to_ascii_lowercase(),
        }
    }

    /// Whether typing something else into the field corrects it.
    pub const fn is_correctable(self) -> bool {
        !self.is_size() && !matches!(self, Self::NoFileUploads | Self::Unauthorized)
    }

    /// Whether it is about size (413) and not about content (422).
    pub const fn is_size(self) -> bool {
        matches!(self, Self::BodyTooLarge(_) | Self::TooManyFields(_) | Self::ValueTooLong(_) | Self::NameTooLong(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_codes_and_headers_are_a_contract_with_scripts() {
        let found: Vec<_> = RefusalKind::ALL
            .iter()
            .map(|kind| (kind.status(), kind.code(), kind.header(), kind.can_resend()))
            .collect();
        assert_eq!(
            found,
            [
                (400, "MALFORMED", None, false),
                (400, "EMPTY", None, true),
                (401, "UNAUTHORIZED", Some(("WWW-Authenticate", "Bearer")), false),
                (403, "ORIGIN_NOT_ALLOWED", None, false),
                (403, "CAPTCHA_FAILED", None, false),
                (404, "FORM_NOT_FOUND", None, false),
                (405, "METHOD_NOT_ALLOWED", Some(("Allow", "POST, OPTIONS")), false),
                (408, "TIMEOUT", None, false),
                (413, "TOO_LARGE", None, true),
                (415, "UNSUPPORTED_TYPE", None, false),
                (422, "INVALID", None, true),
                (422, "KEY_REUSED", None, true),
                (429, "TOO_MANY_REQUESTS", Some(("Retry-After", "60")), true),
                (503, "INACTIVE", None, true),
                (503, "NOT_STORED", Some(("Retry-After", "5")), true),
            ]
        );
    }
}
