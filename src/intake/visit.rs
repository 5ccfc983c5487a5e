//! A Visit: one HTTP request without its body, read once. Everything behind the router takes a Visit instead of the
//! platform's request.

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use url::{Host, Url};

use super::language::Language;

/// A request without its body.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The HTTP method.
    pub method: String,
    /// The full URL of the request.
    pub url: Url,
    /// The country of the client's network, two letters.
    pub country: Option<String>,
    /// `Accept`.
    pub accept: Option<String>,
    /// `Accept-Language`.
    pub accept_language: Option<String>,
    /// `CF-Connecting-IP`: the client's address.
    pub address: Option<String>,
    /// `Authorization`.
    pub authorization: Option<String>,
    /// `Cf-Access-Jwt-Assertion`, of a request of the operator.
    pub assertion: Option<String>,
    /// `Cookie`, of a request of the operator. Of a visitor, none is read.
    pub cookie: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Sec-Fetch-Mode`.
    pub fetch_mode: Option<String>,
    /// `Sec-Fetch-Site`.
    pub fetch_site: Option<String>,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// Whether a library asks for a page to show a piece of it (`HX-Request`, `X-Up-Version`, `Turbo-Frame`).
    pub is_fragment: bool,
    /// `Origin`.
    pub origin: Option<String>,
    /// The Worker's own origin, as this client sees it.
    pub own_origin: String,
    /// `Referer`.
    pub referer: Option<String>,
    /// `Access-Control-Request-Headers`.
    pub requested_headers: Option<String>,
    /// `X-Requested-With`.
    pub requested_with: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
}

impl Visit {
    /// Reads a request; `header` returns a header by its name.
    pub fn new(method: &str, url: Url, country: Option<String>, header: impl Fn(&str) -> Option<String>) -> Self {
        let is_operator = url
            .path_segments()
            .and_then(|mut path| path.next())
            .is_some_and(|first| matches!(first, "api" | "console"));
        let operators = |name: &str| header(name).filter(|_| is_operator);
        Self {
            method: method.to_owned(),
            country,
            accept: header("accept"),
            accept_language: header("accept-language"),
            address: header("cf-connecting-ip"),
            authorization: header("authorization"),
            assertion: operators("cf-access-jwt-assertion"),
            cookie: operators("cookie"),
            content_type: header("content-type"),
            fetch_mode: header("sec-fetch-mode"),
            fetch_site: header("sec-fetch-site"),
            idempotency_key: header("idempotency-key"),
            is_fragment: ["hx-request", "x-up-version", "turbo-frame"].iter().any(|name| header(name).is_some()),
            origin: header("origin"),
            own_origin: url.origin().ascii_serialization(),
            referer: header("referer"),
            requested_headers: header("access-control-request-headers"),
            requested_with: header("x-requested-with"),
            user_agent: header("user-agent"),
            url,
        }
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The language of the answer.
    pub fn language(&self) -> Language {
        Language::from_header(self.accept_language.as_deref())
    }

    /// The origin of the website that sent the request, if the browser names it. A plain form on a page with the referrer
    /// policy `no-referrer` or `same-origin` is posted with `Origin: null`: then nothing is known. A script sends its origin
    /// whatever the policy, so its `null` is an origin (<https://fetch.spec.whatwg.org/#origin-header>).
    pub fn website(&self) -> Option<&str> {
        let is_plain_form = self.fetch_mode.as_deref().is_some_and(|mode| mode.trim().eq_ignore_ascii_case("navigate"));
        let says_nothing = |origin: &str| origin.is_empty() || (is_plain_form && origin == "null");
        self.origin.as_deref().map(str::trim).filter(|origin| !says_nothing(origin))
    }

    /// The page of the website that the visitor came from.
    pub fn page(&self) -> Option<Url> {
        web_page(self.referer.as_deref()?).filter(|page| !self.is_ours(page))
    }

    /// Whether the visitor comes from our error page, which is not a page of the website. A page of another origin cannot
    /// pretend this.
    pub fn is_from_error_page(&self) -> bool {
        self.referer.as_deref().and_then(web_page).is_some_and(|page| self.is_ours(&page))
    }

    fn is_ours(&self, page: &Url) -> bool {
        let path: Vec<&str> = page.path().split('/').skip(1).collect();
        matches!(path.as_slice(), ["f", ..] | ["p", _, "f", ..]) && self.url.origin() == page.origin()
    }

    /// Whether the request carries this bearer token.
    pub fn has_bearer(&self, expected: &str) -> bool {
        let (scheme, token) = self.authorization.as_deref().and_then(|value| value.split_once(' ')).unwrap_or_default();
        scheme.eq_ignore_ascii_case("bearer") && is_secret(token.trim(), expected)
    }

    /// The wider network of an IPv6 client: it may have many /64s.
    pub fn site(&self) -> Option<String> {
        let IpAddr::V6(address) = self.address.as_deref()?.trim().parse::<IpAddr>().ok()?.to_canonical() else {
            return None;
        };
        let [a, b, c, ..] = address.segments();
        Some(format!("{a:x}:{b:x}:{c:x}::/48"))
    }

    /// Whether the request comes from this machine, as in local development. Deployed, the platform sets the host and the
    /// client's address, so neither can be forged.
    pub fn is_local(&self) -> bool {
        let is_loopback = |address: &str| address.trim().parse().is_ok_and(|address: IpAddr| address.is_loopback());
        let is_local_host = match self.url.host() {
            Some(Host::Domain(host)) => host == "localhost" || host.ends_with(".localhost"),
            Some(Host::Ipv4(host)) => host.is_loopback(),
            Some(Host::Ipv6(host)) => host.is_loopback(),
            None => false,
        };
        is_local_host || self.address.as_deref().is_some_and(is_loopback)
    }

    /// The client's network, by which its submissions are counted: an IPv4 address, or the /64 of an IPv6 address, since one
    /// client can use all of it.
    pub fn network(&self) -> Option<String> {
        let address = self.address.as_deref()?.trim();
        Some(match address.parse().map(|address: IpAddr| address.to_canonical()) {
            Ok(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
            Ok(IpAddr::V4(address)) => address.to_string(),
            Err(_) => address.to_owned(),
        })
    }
}

/// The address of a web page, unless it has a user name in it.
pub(super) fn web_page(text: &str) -> Option<Url> {
    let page = Url::parse(text).ok()?;
    (matches!(page.scheme(), "http" | "https") && page.username().is_empty()).then_some(page)
}

/// Compares digests, so that the timing reveals nothing about the secret.
pub fn is_secret(given: &str, expected: &str) -> bool {
    Sha256::digest(given) == Sha256::digest(expected)
}

#[cfg(test)]
impl Visit {
    /// A POST to the form `contact` with these headers.
    pub(crate) fn post(headers: &[(&str, &str)]) -> Self {
        let url = Url::parse("https://forms.example.com/f/contact").unwrap();
        let header = |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Self::new("POST", url, None, header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_website_is_known_unless_a_plain_form_hides_it() {
        for (origin, fetch_mode, expected) in [
            ("null", "navigate", None),
            (" null ", " Navigate ", None),
            ("null", "cors", Some("null")),
            ("null", "no-cors", Some("null")),
            ("null", "", Some("null")),
            ("https://evil.example", "navigate", Some("https://evil.example")),
            (" https://a.example", "", Some("https://a.example")),
            (" ", "cors", None),
        ] {
            let visit = Visit::post(&[("origin", origin), ("sec-fetch-mode", fetch_mode)]);
            assert_eq!(visit.website(), expected, "{origin:?} {fetch_mode:?}");
        }
        assert_eq!(Visit::post(&[("sec-fetch-mode", "navigate")]).website(), None);
    }

    #[test]
    fn the_page_is_the_referrer_unless_it_is_our_own() {
        for (referer, expected) in [
            ("https://www.example.com/a?b#c", Some("https://www.example.com/a?b#c")),
            ("https://forms.example.com/contact", Some("https://forms.example.com/contact")),
            ("https://forms.example.com/f/contact", None),
            ("https://forms.example.com/p/1/f/contact", None),
            ("https://forms.example.com/p/1/contact", Some("https://forms.example.com/p/1/contact")),
            ("https://www.example.com/f/contact", Some("https://www.example.com/f/contact")),
            ("https://ada@www.example.com/", None),
            ("file:///index.html", None),
            ("rubbish", None),
        ] {
            let page = Visit::post(&[("referer", referer)]).page();
            assert_eq!(page.as_ref().map(Url::as_str), expected, "{referer}");
        }
    }

    #[test]
    fn a_bearer_token_is_compared_whole() {
        for (header, expected) in [
            ("Bearer secret", true),
            ("bearer  secret ", true),
            ("Bearer secretx", false),
            ("Basic secret", false),
            ("secret", false),
            ("Bearer", false),
        ] {
            assert_eq!(Visit::post(&[("authorization", header)]).has_bearer("secret"), expected, "{header}");
        }
        assert!(!Visit::post(&[]).has_bearer(""));
    }

    #[test]
    fn cookies_are_read_of_operators_only() {
        for (path, is_read) in [
            ("/api/forms", true),
            ("/console/session", true),
            ("/f/contact", false),
            ("/p/1/f/contact", false),
            ("/apis", false),
            ("/f/api", false),
            ("//api", false),
            ("/", false),
        ] {
            let url = Url::parse(&format!("https://forms.example.com{path}")).unwrap();
            let visit = Visit::new("GET", url, None, |name| Some(name.to_owned()));
            assert_eq!((visit.cookie.is_some(), visit.assertion.is_some()), (is_read, is_read), "{path}");
        }
    }

    #[test]
    fn clients_are_counted_by_network() {
        for (address, network, site) in [
            ("203.0.113.7", "203.0.113.7", None),
            ("::ffff:203.0.113.7", "203.0.113.7", None),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", Some("2001:db8:1::/48")),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64", Some("2001:db8:1::/48")),
            ("2001:db8:2::1", "2001:db8:2:0::/64", Some("2001:db8:2::/48")),
            ("unknown", "unknown", None),
        ] {
            let visit = Visit::post(&[("cf-connecting-ip", address)]);
            assert_eq!((visit.network().as_deref(), visit.site().as_deref()), (Some(network), site), "{address}");
        }
    }

    #[test]
    fn only_this_machine_is_local() {
        for (url, address, expected) in [
            ("http://localhost:8787/", "", true),
            ("http://127.0.0.1/", "", true),
            ("http://[::1]:80/", "", true),
            ("http://a.localhost/", "", true),
            // `wrangler dev` gives a configured route's host.
            ("https://forms.example.com/", "127.0.0.1", true),
            ("https://forms.example.com/", "::1", true),
            ("https://forms.example.com/", "203.0.113.7", false),
            ("https://forms.example.com/", "", false),
            ("https://localhost.evil.example/", "203.0.113.7", false),
            ("http://192.168.0.1/", "192.168.0.2", false),
        ] {
            let header = |name: &str| Some(address.to_owned()).filter(|_| name == "cf-connecting-ip");
            let visit = Visit::new("GET", Url::parse(url).unwrap(), None, header);
            assert_eq!(visit.is_local(), expected, "{url} {address}");
        }
    }
}
