//! A Form: one configured endpoint, `/f/{form}`.

use super::{LeadField, Template};

/// A configured endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Its name in the URL.
    pub name: String,
    /// Where its submissions go; never empty.
    pub destinations: Vec<String>,
    /// The websites that may post to it; empty: any.
    pub allowed_origins: Vec<OriginRule>,
    /// Where an HTML visitor is sent after a success; `None`: the built-in page.
    pub redirect: Option<String>,
    /// Form fields or lead fields that must be filled.
    pub required: Vec<String>,
    /// The operator's mapping, which goes before the built-in one.
    pub map: Vec<(LeadField, Source)>,
    /// Who may post.
    pub access: Access,
    /// How much may be posted.
    pub limits: Limits,
}

/// What fills a lead field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The first of these form fields that is filled.
    Fields(Vec<String>),
    /// A constant.
    Value(String),
    /// A template.
    Template(Template),
}

/// Who may post to a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// Whoever has the bearer token in the secret of this name.
    Token {
        /// The secret's name (`STAFF_TOKEN`).
        secret: String,
    },
}

/// How much a form takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Fields of a submission, control fields included.
    pub fields: usize,
    /// Bytes of one name or one value.
    pub value_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 256 * 1024, fields: 200, value_bytes: 64 * 1024 }
    }
}

/// A website that may post: an exact origin, or every subdomain of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginRule {
    /// `https` or `http`.
    pub scheme: String,
    /// The host in lower case, without the `*.`.
    pub host: String,
    /// The port, when it is not the scheme's own.
    pub port: Option<u16>,
    /// `https://*.example.org`: the subdomains of `host`, at any depth, and not `host` itself.
    pub subdomains: bool,
}
