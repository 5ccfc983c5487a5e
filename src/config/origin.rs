//! Which websites may post to a form: `https://www.example.com`, `https://*.example.org`.

use std::fmt;

use super::address::{Address, AddressError};

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

/// Why a text is not an [`OriginRule`]; its `Display` says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OriginError {
    /// `*`.
    Anyone,
    /// `www.example.com`: without a scheme.
    Bare(String),
    /// `https://www.example.com/form`: more than an origin; holds the origin.
    Path(String),
    /// A `*` that is not the whole first label.
    Wildcard,
    /// Not an address at all.
    Address(AddressError),
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => write!(f, "\"*\" is not an origin; leave the key out to let every website post"),
            Self::Bare(host) => write!(f, "\"{host}\" does not say https or http; write \"https://{host}\""),
            Self::Path(origin) => write!(f, "an origin has no path; write \"{origin}\""),
            Self::Wildcard => {
                write!(f, "a * stands only for the whole first label, as in \"https://*.example.org\"")
            }
            Self::Address(error) => {
                write!(f, "an entry {error}; write an origin, as in \"https://www.example.com\"")
            }
        }
    }
}

impl OriginRule {
    /// Reads one entry of `allowed_origins`.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        if text == "*" {
            return Err(OriginError::Anyone);
        }
        if Address::parse(&format!("https://{}", text.trim_start_matches("*."))).is_ok_and(|a| a.rest.is_empty()) {
            return Err(OriginError::Bare(text.to_owned()));
        }
        let without_star = text.replacen("://*.", "://", 1);
        let subdomains = without_star != text;
        let address = Address::parse(&without_star).map_err(|error| {
            if error == AddressError::Host && text.contains('*') {
                OriginError::Wildcard
            } else {
                OriginError::Address(error)
            }
        })?;
        if !address.rest.is_empty() {
            let origin = address.origin();
            return Err(OriginError::Path(if subdomains { origin.replacen("://", "://*.", 1) } else { origin }));
        }
        Ok(Self { scheme: address.scheme.to_owned(), host: address.host, port: address.port, subdomains })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_and_subdomains() {
        let rule = |scheme: &str, host: &str, port, subdomains| OriginRule {
            scheme: scheme.into(),
            host: host.into(),
            port,
            subdomains,
        };
        for (text, expected) in [
            ("https://www.example.com", rule("https", "www.example.com", None, false)),
            ("https://WWW.example.com:443", rule("https", "www.example.com", None, false)),
            ("http://localhost:3000", rule("http", "localhost", Some(3000), false)),
            ("https://*.example.org", rule("https", "example.org", None, true)),
            ("https://*.example.org:8443", rule("https", "example.org", Some(8443), true)),
        ] {
            assert_eq!(OriginRule::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_origin_says_what_to_write() {
        for (text, message) in [
            ("*", r#""*" is not an origin; leave the key out to let every website post"#),
            ("www.example.com", r#""www.example.com" does not say https or http; write "https://www.example.com""#),
            ("*.example.com", r#""*.example.com" does not say https or http; write "https://*.example.com""#),
            ("localhost:3000", r#""localhost:3000" does not say https or http; write "https://localhost:3000""#),
            ("https://www.example.com/", r#"an origin has no path; write "https://www.example.com""#),
            ("https://*.example.com/a", r#"an origin has no path; write "https://*.example.com""#),
            ("https://a.*.example.com", r#"a * stands only for the whole first label, as in "https://*.example.org""#),
            ("https://*", r#"a * stands only for the whole first label, as in "https://*.example.org""#),
            ("https://*w.example.com", r#"a * stands only for the whole first label, as in "https://*.example.org""#),
            (
                "https://u:p@a.example",
                r#"an entry has a user name in it; write an origin, as in "https://www.example.com""#,
            ),
            (
                "ftp://a.example",
                r#"an entry does not begin with https:// or http://; write an origin, as in "https://www.example.com""#,
            ),
        ] {
            assert_eq!(OriginRule::parse(text).unwrap_err().to_string(), message, "{text}");
        }
    }
}
