//! Which websites may post to a form: its `allowed_origins`, and the check of a request against them.
//!
//! This stops other websites from using a form. It is not security: only browsers send an honest `Origin`. They send it
//! with every cross-site POST (<https://fetch.spec.whatwg.org/#origin-header>), in lower case, hosts in punycode. `Referer`
//! is not used: strict policies and local files leave it out.

use std::fmt;

use crate::domain::address::{Address, AddressError};

/// A website that may post: an exact origin, or every subdomain of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginRule {
    /// `https` or `http`.
    pub scheme: String,
    /// The host in lower case, without the `*.`.
    pub host: String,
    /// The port, when it is not the scheme's default.
    pub port: Option<u16>,
    /// `https://*.example.org`: the subdomains of `host`, at any depth, but not `host` itself.
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

impl std::error::Error for OriginError {}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => write!(f, "\"*\" is not an origin; leave the key out to let every website post"),
            Self::Bare(host) => write!(f, "\"{host}\" does not say https or http; write \"https://{host}\""),
            Self::Path(origin) => write!(f, "an origin has no path; write \"{origin}\""),
            Self::Wildcard => write!(f, "a * stands only for the whole first label, as in \"https://*.example.org\""),
            Self::Address(error) => write!(f, "an entry {error}; write an origin, as in \"https://www.example.com\""),
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

    fn matches(&self, origin: &Address<'_>) -> bool {
        let same_host = if self.subdomains {
            // The dot belongs to the rule: `evilexample.org` is not a subdomain of `example.org`.
            origin.host.strip_suffix(&self.host).is_some_and(|front| front.ends_with('.'))
        } else {
            origin.host == self.host
        };
        same_host && origin.scheme == self.scheme && origin.port == self.port
    }
}

/// Whether a request with this `Origin` may post. `own` is the Worker's origin, from which its error page posts. In `local`
/// development, pages on loopback addresses may post too.
pub fn allowed(rules: &[OriginRule], origin: Option<&str>, own: &str, local: bool) -> bool {
    if rules.is_empty() {
        return true;
    }
    // Older browsers and other clients leave it out; refusing them would lose leads and stop no attacker.
    let Some(text) = origin.map(str::trim).filter(|text| !text.is_empty()) else { return true };
    // Any website can send `null`, from a sandboxed frame.
    let Some(origin) = parse(text) else { return false };
    rules.iter().any(|rule| rule.matches(&origin))
        || (local && (origin.is_loopback() || origin.host.ends_with(".localhost")))
        || origin.origin() == own
}

/// Whether `text` is a path. `//host` and `/\host` are hosts to a browser, which also drops tabs and line breaks before it
/// parses.
pub fn is_path(text: &str) -> bool {
    let is_unsafe = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    text.starts_with('/') && !text.starts_with("//") && !text.contains(is_unsafe)
}

/// An origin without a path.
fn parse(text: &str) -> Option<Address<'_>> {
    Address::parse(text).ok().filter(|address| address.rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "https://forms.example.workers.dev";

    fn rule(scheme: &str, host: &str, port: Option<u16>, subdomains: bool) -> OriginRule {
        OriginRule { scheme: scheme.into(), host: host.into(), port, subdomains }
    }

    fn rules() -> Vec<OriginRule> {
        vec![
            rule("https", "www.example.com", None, false),
            rule("https", "example.org", None, true),
            rule("http", "shop.example.net", Some(8080), false),
            rule("https", "xn--9g3b.example.kr", None, false),
        ]
    }

    #[test]
    fn without_rules_every_website_may_post() {
        for origin in [None, Some("null"), Some("https://anyone.example"), Some("rubbish")] {
            assert!(allowed(&[], origin, OWN, false), "{origin:?}");
        }
    }

    #[test]
    fn these_origins_may_post() {
        for origin in [
            "https://www.example.com",
            "https://www.example.com:443",
            "HTTPS://WWW.Example.COM",
            "https://a.example.org",
            "https://a.b.c.example.org",
            "http://shop.example.net:8080",
            "https://xn--9g3b.example.kr",
            "https://forms.example.workers.dev",
            "https://forms.example.workers.dev:443",
            "",
        ] {
            assert!(allowed(&rules(), Some(origin), OWN, false), "{origin}");
        }
        assert!(allowed(&rules(), None, OWN, false), "no Origin header");
    }

    #[test]
    fn these_origins_may_not_post() {
        for origin in [
            "null",
            "http://www.example.com",
            "https://www.example.com:8443",
            "https://example.com",
            "https://evilwww.example.com",
            "https://www.example.com.evil.net",
            "https://www.example.com@evil.net",
            "https://evil.net/www.example.com",
            "https://www.example.com/",
            "https://example.org",
            "https://.example.org",
            "https://evilexample.org",
            "https://a.example.org.evil.net",
            "https://a.example.org:444",
            "http://a.example.org",
            "http://shop.example.net",
            "http://shop.example.net:80",
            "https://shop.example.net:8080",
            "https://www.example.com.",
            "https://www.ex\u{430}mple.com",
            "https://www.example.com:+443",
            "https://www.example.com:",
            "https://www.example.com:99999",
            "http://forms.example.workers.dev",
            "www.example.com",
            "https://",
            "://",
            "https://[::1",
            "file://",
            "chrome-extension://abcdef",
        ] {
            assert!(!allowed(&rules(), Some(origin), OWN, false), "{origin}");
        }
    }

    #[test]
    fn loopback_pages_may_post_in_local_development_only() {
        for origin in ["http://localhost:3000", "http://127.0.0.1:8787", "http://[::1]:5173", "http://shop.localhost"] {
            assert!(allowed(&rules(), Some(origin), OWN, true), "{origin}");
            assert!(!allowed(&rules(), Some(origin), OWN, false), "{origin}");
        }
        assert!(!allowed(&rules(), Some("http://localhost.evil.net"), OWN, true));
        assert!(!allowed(&rules(), Some("null"), OWN, true));
    }

    #[test]
    fn rules_are_origins_or_subdomains() {
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
    fn errors_say_what_to_write() {
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
