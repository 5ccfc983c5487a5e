//! Origin: may the website that this request comes from post to this form?
//!
//! It keeps other websites from using a form; it is no security, because whoever is not a browser writes into `Origin`
//! what it likes. Browsers send it with every POST of another site (<https://fetch.spec.whatwg.org/#origin-header>), in
//! lower case, hosts in punycode. `Referer` is not looked at: strict policies and local files leave it out.

use crate::config::OriginRule;

/// Whether a request with this `Origin` may post. `own` is the Worker's own origin, from which its error page posts;
/// `local` is local development, where pages on loopback addresses may post too.
pub fn allowed(rules: &[OriginRule], origin: Option<&str>, own: &str, local: bool) -> bool {
    if rules.is_empty() {
        return true;
    }
    // Older browsers and every non-browser leave it out; refusing them would lose leads and stop no attacker.
    let Some(text) = origin.map(str::trim).filter(|text| !text.is_empty()) else { return true };
    // `null` is what sandboxed frames and local files say: any website can make itself one.
    let Some(origin) = Origin::parse(text) else { return false };
    Origin::parse(own).is_some_and(|own| own == origin)
        || (local && origin.is_loopback())
        || rules.iter().any(|rule| origin.follows(rule))
}

/// An origin taken apart: lower case, the scheme's own port left out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        // The colons inside the brackets of an IPv6 address are not a port's.
        let host_end = rest.find(']').map_or(0, |at| at + 1);
        let (host, port) = match rest[host_end..].find(':') {
            Some(at) => (&rest[..host_end + at], Some(digits(&rest[host_end + at + 1..])?)),
            None => (rest, None),
        };
        let is_host = |c: char| c.is_alphanumeric() || "-._[]:".contains(c);
        if host.is_empty() || !host.chars().all(is_host) {
            return None;
        }
        let port = port.filter(|port| Some(*port) != own_port(&scheme));
        Some(Self { scheme, host: host.to_lowercase(), port })
    }

    fn follows(&self, rule: &OriginRule) -> bool {
        let scheme = rule.scheme.to_ascii_lowercase();
        let port = rule.port.filter(|port| Some(*port) != own_port(&scheme));
        let host = rule.host.to_lowercase();
        let same_host = if rule.subdomains {
            // The dot belongs to the rule: `evilexample.org` is no subdomain of `example.org`.
            self.host.strip_suffix(&host).and_then(|front| front.strip_suffix('.')).is_some_and(|sub| !sub.is_empty())
        } else {
            self.host == host
        };
        same_host && self.scheme == scheme && self.port == port
    }

    fn is_loopback(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "[::1]") || self.host.ends_with(".localhost")
    }
}

fn digits(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn own_port(scheme: &str) -> Option<u16> {
    match scheme {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    }
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
            rule("https", "xn--9g3b.example.kr", Some(443), false),
        ]
    }

    #[test]
    fn without_rules_anyone_may() {
        for origin in [None, Some("null"), Some("https://anyone.example"), Some("rubbish")] {
            assert!(allowed(&[], origin, OWN, false), "{origin:?}");
        }
    }

    #[test]
    fn who_may() {
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
    fn who_may_not() {
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
    fn loopback_pages_only_in_local_development() {
        for origin in ["http://localhost:3000", "http://127.0.0.1:8787", "http://[::1]:5173", "http://shop.localhost"] {
            assert!(allowed(&rules(), Some(origin), OWN, true), "{origin}");
            assert!(!allowed(&rules(), Some(origin), OWN, false), "{origin}");
        }
        assert!(!allowed(&rules(), Some("http://localhost.evil.net"), OWN, true));
        assert!(!allowed(&rules(), Some("null"), OWN, true));
    }
}
