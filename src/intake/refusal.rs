//! A Refusal: why a request became no submission, told to the visitor and to nobody else.
//!
//! The codes are a contract with scripts: where Formspree has a code of the same meaning it is used, because the libraries
//! `@formspree/core` and `@formspree/ajax` know those (<https://github.com/formspree/formspree-js>). Words are in
//! [`super::messages`], not here.

/// Why a request became no submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The class; it decides the status.
    pub kind: RefusalKind,
    /// What is wrong with single fields, all of it, in the order of the form. May be empty.
    pub errors: Vec<FieldError>,
}

impl Refusal {
    /// A refusal of the whole request.
    pub const fn new(kind: RefusalKind) -> Self {
        Self { kind, errors: Vec::new() }
    }

    /// A refusal for one reason that concerns `field`, or no field in particular when it is empty.
    pub fn because(kind: RefusalKind, code: FieldCode, field: impl Into<String>) -> Self {
        Self { kind, errors: vec![FieldError { code, field: field.into() }] }
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.kind.status()
    }

    /// The code of the member `error`.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl From<RefusalKind> for Refusal {
    fn from(kind: RefusalKind) -> Self {
        Self::new(kind)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $status:literal, $code:literal;)+) => {
        /// The class of a [`Refusal`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum RefusalKind { $($(#[$doc])* $variant,)+ }

        impl RefusalKind {
            /// Every kind.
            pub const ALL: &'static [RefusalKind] = &[$(RefusalKind::$variant,)+];

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(RefusalKind::$variant => $status,)+ }
            }

            /// The code for scripts.
            pub const fn code(self) -> &'static str {
                match self { $(RefusalKind::$variant => $code,)+ }
            }
        }
    };
}

kinds! {
    /// The body is not what its type says.
    Malformed = 400, "MALFORMED";
    /// No data field is filled.
    Empty = 400, "EMPTY";
    /// The bearer token is missing or wrong.
    Unauthorized = 401, "UNAUTHORIZED";
    /// The website may not post to this form.
    Origin = 403, "ORIGIN_NOT_ALLOWED";
    /// The visitor has not passed the captcha.
    Captcha = 403, "CAPTCHA_FAILED";
    /// There is no such form.
    UnknownForm = 404, "FORM_NOT_FOUND";
    /// Not a POST.
    Method = 405, "METHOD_NOT_ALLOWED";
    /// More than the form takes.
    TooLarge = 413, "TOO_LARGE";
    /// A content type that nobody here reads.
    Type = 415, "UNSUPPORTED_TYPE";
    /// One or more fields are wrong.
    Invalid = 422, "INVALID";
    /// The same `Idempotency-Key` came with other content.
    KeyReused = 422, "KEY_REUSED";
    /// Too many requests.
    TooMany = 429, "TOO_MANY_REQUESTS";
    /// The form is configured, but wrongly.
    BrokenForm = 503, "INACTIVE";
    /// The submission could not be stored.
    NotStored = 503, "NOT_STORED";
}

impl RefusalKind {
    /// Whether sending the same text again, mended or a little later, can succeed. A page of ours posts from our own
    /// origin, without a bearer token and without a captcha, so it must not offer to send what was refused for one of these.
    pub const fn is_mendable(self) -> bool {
        match self {
            Self::Empty
            | Self::TooLarge
            | Self::Invalid
            | Self::KeyReused
            | Self::TooMany
            | Self::BrokenForm
            | Self::NotStored => true,
            Self::Malformed
            | Self::Unauthorized
            | Self::Origin
            | Self::Captcha
            | Self::UnknownForm
            | Self::Method
            | Self::Type => false,
        }
    }

    /// The header that HTTP asks for with this status, or that tells a script when to come back.
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
    /// What.
    pub code: FieldCode,
    /// The name in the form; empty when no field in particular is meant.
    pub field: String,
}

/// What is wrong with a field, or with a form as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldCode {
    /// A required field came without a value.
    RequiredFieldEmpty,
    /// A required field did not come.
    RequiredFieldMissing,
    /// Not an email address.
    TypeEmail,
    /// Not a telephone number.
    TypePhone,
    /// Not a web address.
    TypeUrl,
    /// Not a number.
    TypeNumeric,
    /// Fewer characters than this.
    MinLength(usize),
    /// More characters than this.
    MaxLength(usize),
    /// Less than this.
    Min(i64),
    /// More than this.
    Max(i64),
    /// None of the values that there are.
    OneOf,
    /// Not as the form's pattern has it.
    Pattern,
    /// A file; only text is taken.
    NoFileUploads,
    /// The body has more bytes than this.
    BodyTooLarge(usize),
    /// There are more fields than this.
    TooManyFields(usize),
    /// The value has more bytes than this.
    ValueTooLong(usize),
    /// The name has more bytes than this.
    NameTooLong(usize),
}

impl FieldCode {
    /// The code for scripts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::RequiredFieldEmpty => "REQUIRED_FIELD_EMPTY",
            Self::RequiredFieldMissing => "REQUIRED_FIELD_MISSING",
            Self::TypeEmail => "TYPE_EMAIL",
            Self::TypePhone => "TYPE_PHONE",
            Self::TypeUrl => "TYPE_URL",
            Self::TypeNumeric => "TYPE_NUMERIC",
            Self::MinLength(_) => "MIN_LENGTH",
            Self::MaxLength(_) => "MAX_LENGTH",
            Self::Min(_) => "MIN",
            Self::Max(_) => "MAX",
            Self::OneOf => "ONE_OF",
            Self::Pattern => "PATTERN",
            Self::NoFileUploads => "NO_FILE_UPLOADS",
            Self::BodyTooLarge(_) => "BODY_TOO_LARGE",
            Self::TooManyFields(_) => "TOO_MANY_FIELDS",
            Self::ValueTooLong(_) => "VALUE_TOO_LONG",
            Self::NameTooLong(_) => "NAME_TOO_LONG",
        }
    }

    /// Whether it is about what was typed into a field, so that typing something else mends it.
    pub const fn is_mendable(self) -> bool {
        !self.is_size() && !matches!(self, Self::NoFileUploads)
    }

    /// Whether it is a matter of size (413) and not of content (422).
    pub const fn is_size(self) -> bool {
        matches!(self, Self::BodyTooLarge(_) | Self::TooManyFields(_) | Self::ValueTooLong(_) | Self::NameTooLong(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_codes_are_a_contract_with_scripts() {
        let found: Vec<_> = RefusalKind::ALL.iter().map(|kind| (kind.status(), kind.code())).collect();
        assert_eq!(
            found,
            [
                (400, "MALFORMED"),
                (400, "EMPTY"),
                (401, "UNAUTHORIZED"),
                (403, "ORIGIN_NOT_ALLOWED"),
                (403, "CAPTCHA_FAILED"),
                (404, "FORM_NOT_FOUND"),
                (405, "METHOD_NOT_ALLOWED"),
                (413, "TOO_LARGE"),
                (415, "UNSUPPORTED_TYPE"),
                (422, "INVALID"),
                (422, "KEY_REUSED"),
                (429, "TOO_MANY_REQUESTS"),
                (503, "INACTIVE"),
                (503, "NOT_STORED"),
            ]
        );
    }

    #[test]
    fn what_http_wants_beside_a_status_and_when_to_come_back() {
        let with_header: Vec<_> =
            RefusalKind::ALL.iter().filter_map(|kind| Some((kind.code(), kind.header()?))).collect();
        assert_eq!(
            with_header,
            [
                ("UNAUTHORIZED", ("WWW-Authenticate", "Bearer")),
                ("METHOD_NOT_ALLOWED", ("Allow", "POST, OPTIONS")),
                ("TOO_MANY_REQUESTS", ("Retry-After", "60")),
                ("NOT_STORED", ("Retry-After", "5")),
            ]
        );
    }

    #[test]
    fn what_a_stranger_sent_cannot_be_sent_again_from_our_own_page() {
        for kind in [RefusalKind::Origin, RefusalKind::Unauthorized, RefusalKind::Captcha] {
            assert!(!kind.is_mendable(), "{kind:?}");
        }
    }
}
