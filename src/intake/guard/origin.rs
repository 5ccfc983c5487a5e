//! Origin: may the website that this request comes from post to this form?
//!
//! It keeps other websites from using a form; it is no security, because whoever is not a browser writes into `Origin`
//! what it likes. Browsers send it with every POST of another site (<https://fetch.spec.whatwg.org/#origin-header>), in
//! lower case, hosts in punycode. `Referer` is not looked at: strict policies and local files leave it out.

use crate::config::OriginRule;
use crate::config::address::Address;

/// What is known of the website, by `Origin` and `Sec-Fetch-Mode`. A plain form on a page with the referrer policy
/// `no-referrer` (Helmet's default) or `same-origin` is posted with `Origin: null`: its visitor is no stranger, and nothing
/// is known. A script's origin is sent whatever the policy, so its `null` is one (<https://fetch.spec.whatwg.org/#origin-header>).
pub fn told<'a>(origin: Option<&'a str>, fetch_mode: Option<&str>) -> Option<&'a str> {
    let is_plain_form = fetch_mode.is_some_and(|mode| mode.trim().eq_ignore_ascii_case("navigate"));
    let says_nothing = |origin: &str| origin.is_empty() || (is_plain_form && origin == "null");
    origin.map(str::trim).filter(|origin| !says_nothing(origin))
}

/// Whether a request with this `Origin` may post. `own` is the Worker's own origin, from which its error page posts;
/// `local` is local development, where pages on loopback addresses may post too.
pub fn allowed(rules: &[OriginRule], origin: Option<&str>, own: &str, local: bool) -> bool {
    if rules.is_empty() {
        return true;
    }
    // Older browsers and every non-browser leave it out; refusing them would lose leads and stop no attacker.
    let Some(text) = origin.map(str::trim).filter(|text| !text.is_empty()) else { return true };
    // `null` is what scripts in sandboxed frames and local files say: any website can make itself one.
    let Some(origin) = parse(text) else { return false };
    parse(own).is_some_and(|own| own == origin)
        || (local && (origin.is_loopback() || origin.host.ends_with(".localhost")))
        || rules.iter().any(|rule| follows(&origin, rule))
}

/// An origin and nothing behind it.
fn parse(text: &str) -> Option<Address<'_>> {
    Address::parse(text).ok().filter(|address| address.rest.is_empty())
}

fn follows(origin: &Address<'_>, rule: &OriginRule) -> bool {
    let same_host = if rule.subdomains {
        // The dot belongs to the rule: `evilexample.org` is no subdomain of `example.org`.
        origin.host.strip_suffix(&rule.host).is_some_and(|front| front.ends_with('.'))
    } else {
        origin.host == rule.host
    };
    same_host && origin.scheme == rule.scheme && origin.port == rule.port
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
    fn a_plain_form_may_keep_quiet_about_its_website_and_a_script_may_not() {
        for (origin, fetch_mode, expected) in [
            (Some("null"), Some("navigate"), None),
            (Some(" null "), Some(" Navigate "), None),
            (Some("null"), Some("cors"), Some("null")),
            (Some("null"), Some("no-cors"), Some("null")),
            (Some("null"), None, Some("null")),
            (Some("https://evil.example"), Some("navigate"), Some("https://evil.example")),
            (Some(" https://a.example"), None, Some("https://a.example")),
            (Some(" "), Some("cors"), None),
            (None, Some("navigate"), None),
        ] {
            assert_eq!(told(origin, fetch_mode), expected, "{origin:?} {fetch_mode:?}");
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
