//! Does the client want a page or JSON? A script must never get a redirect, a visitor never JSON.
//!
//! The first of these that applies decides:
//! 1. `Sec-Fetch-Mode: navigate`: the browser shows the reply to a person. Scripts cannot forge it.
//! 2. `HX-Request`, `X-Up-Version`, `Turbo-Frame`: the library shows a page in the page that it runs on.
//! 3. `X-Requested-With`, except an Android package name: apps send that with everything their web views load.
//! 4. Any other `Sec-Fetch-Mode` from another website (`Sec-Fetch-Site`): its script would follow a redirect into a CORS
//!    error and report a stored message as lost, whatever it accepts (jQuery's `html` accepts pages).
//! 5. `Accept`, when it prefers one of the two. 6. Any other `Sec-Fetch-Mode`. 7. A JSON body wants JSON.

use std::cmp::{Ordering, Reverse};

use super::decode::{essence, is_json};
use super::language::weighted;
use super::visit::Visit;

/// What the client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// A page, or a redirect to one.
    Html,
    /// JSON, never a redirect.
    Json,
}

/// What the client wants.
pub fn wants(visit: &Visit) -> Wants {
    let mode = visit.fetch_mode.as_deref().map(str::trim).filter(|mode| !mode.is_empty());
    if mode.is_some_and(|mode| mode.eq_ignore_ascii_case("navigate")) || visit.is_fragment {
        return Wants::Html;
    }
    if visit.requested_with.as_deref().is_some_and(is_script) || (mode.is_some() && is_cross_origin(visit)) {
        return Wants::Json;
    }
    preferred(visit.accept.as_deref().unwrap_or_default()).unwrap_or_else(|| {
        let body = visit.content_type.as_deref().map(essence).unwrap_or_default();
        if mode.is_some() || is_json(&body) { Wants::Json } else { Wants::Html }
    })
}

/// Whether the client shows a page that it cannot be redirected to: a library that fetches pages cannot read one of another
/// origin, since it carries no CORS headers.
pub fn needs_page_itself(visit: &Visit, next: &str) -> bool {
    let is_other = |origin: &str| origin != visit.own_origin;
    visit.is_fragment
        && (is_cross_origin(visit)
            || visit.origin.as_deref().is_some_and(is_other)
            || visit.url.join(next).is_ok_and(|next| is_other(&next.origin().ascii_serialization())))
}

fn is_script(requested_with: &str) -> bool {
    let value = requested_with.trim();
    // `com.kakao.talk`: the app's name, not the script's.
    !value.is_empty() && !value.contains('.')
}

/// Whether the request comes from a page of another origin. On the Worker's own, a script can follow a redirect.
fn is_cross_origin(visit: &Visit) -> bool {
    let site = visit.fetch_site.as_deref().unwrap_or_default().trim();
    ["cross-site", "same-site"].iter().any(|other| site.eq_ignore_ascii_case(other))
}

/// Which of the two an `Accept` header prefers; `None` when it prefers neither (`*/*`). A higher q-value wins, then the
/// earlier place.
fn preferred(accept: &str) -> Option<Wants> {
    let html = |kind: &str| matches!(kind, "text/html" | "application/xhtml+xml");
    let items: Vec<(String, f64)> =
        accept.split(',').map(weighted).map(|(kind, q)| (kind.to_ascii_lowercase(), q)).collect();
    match (rank(&items, "application/*", is_json), rank(&items, "text/*", html)) {
        (Some(_), None) => Some(Wants::Json),
        (None, Some(_)) => Some(Wants::Html),
        (Some(json), Some(html)) if json > html => Some(Wants::Json),
        (Some(json), Some(html)) if html > json => Some(Wants::Html),
        _ => None,
    }
}

/// The q-value and the place of the most specific item that accepts these types.
fn rank(items: &[(String, f64)], range: &str, is_exact: fn(&str) -> bool) -> Option<(f64, Reverse<usize>)> {
    let items = items.iter().enumerate().filter_map(|(place, (kind, q))| {
        let specificity = match kind.as_str() {
            "*/*" => 1,
            kind if kind == range => 2,
            kind if is_exact(kind) => 3,
            _ => return None,
        };
        Some((specificity, *q, Reverse(place)))
    });
    let best = items.max_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal))?;
    (best.1 > 0.0).then_some((best.1, best.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";
    const PARTS: &str = "multipart/form-data; boundary=x";
    const JSON: &str = "application/json";
    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
    const AXIOS: &str = "application/json, text/plain, */*";
    const JQUERY: &str = "application/json, text/javascript, */*; q=0.01";
    const ANY: &str = "*/*";
    const NONE: &str = "";

    #[test]
    #[rustfmt::skip]
    fn pages_for_people_and_json_for_scripts() {
        // Content-Type, Accept, X-Requested-With, Sec-Fetch-Mode and -Site (NONE: the header is absent)
        let html = [
            (FORM, NONE, NONE, NONE),
            (FORM, ANY, NONE, NONE),
            (FORM, BROWSER, NONE, NONE),
            (FORM, BROWSER, NONE, "navigate"),
            (FORM, BROWSER, NONE, "navigate cross-site"),
            (FORM, ANY, NONE, "navigate"),
            (FORM, BROWSER, "com.kakao.talk", NONE),
            (FORM, BROWSER, "com.facebook.katana", "navigate"),
            (FORM, "text/html", NONE, NONE),
            (FORM, "text/*", NONE, NONE),
            (FORM, "application/xhtml+xml", NONE, NONE),
            (FORM, "text/html, application/json", NONE, NONE),
            (FORM, "application/json;q=0.5, text/html;q=0.6", NONE, NONE),
            (FORM, "application/json;q=0.9, text/html", NONE, NONE),
            (FORM, "application/json;q=0, */*", NONE, NONE),
            (FORM, "application/json;q=0", NONE, NONE),
            (FORM, "application/pdf", NONE, NONE),
            (FORM, "application/json;q=0.5, text/html;q=0.4, application/xhtml+xml", NONE, NONE),
            (FORM, "image/png", NONE, NONE),
            (FORM, BROWSER, NONE, "cors"),
            (FORM, BROWSER, NONE, "cors same-origin"),
            (PARTS, NONE, NONE, NONE),
            (PARTS, BROWSER, NONE, "navigate"),
            (PARTS, ANY, NONE, NONE),
            (JSON, BROWSER, NONE, NONE),
            (JSON, "text/html", NONE, NONE),
            (JSON, "text/html;q=0.9, application/json;q=0.8", NONE, NONE),
            (NONE, NONE, NONE, NONE),
            ("text/plain", ANY, NONE, NONE),
        ];
        let json = [
            (FORM, JSON, NONE, NONE),
            (FORM, AXIOS, NONE, NONE),
            (FORM, JQUERY, NONE, NONE),
            (FORM, "application/json, text/html", NONE, NONE),
            (FORM, "text/html;q=0.5, application/json;q=0.6", NONE, NONE),
            (FORM, "application/problem+json", NONE, NONE),
            (FORM, "application/*, */*;q=0.1", NONE, NONE),
            (FORM, "text/html;q=0, */*", NONE, NONE),
            (FORM, "*/*, application/json;q=0.9, text/html;q=0.5", NONE, NONE),
            (FORM, "application/json, text/html;q=0.9, text/json;q=0.1", NONE, NONE),
            (FORM, "text/json, text/html, application/json", NONE, NONE),
            (FORM, "APPLICATION/JSON", NONE, NONE),
            (FORM, BROWSER, "XMLHttpRequest", NONE),
            (FORM, NONE, "xmlhttprequest", NONE),
            (FORM, ANY, "fetch", "cors"),
            (FORM, ANY, NONE, "cors"),
            (FORM, NONE, NONE, "cors"),
            (FORM, ANY, NONE, "no-cors"),
            (FORM, ANY, NONE, "same-origin"),
            (FORM, BROWSER, NONE, "cors cross-site"),
            (FORM, "text/html, */*; q=0.01", NONE, "cors same-site"),
            (PARTS, "text/html", NONE, "no-cors cross-site"),
            (FORM, ANY, NONE, "cors same-origin"),
            (PARTS, JSON, NONE, "cors"),
            (PARTS, ANY, NONE, "cors"),
            (PARTS, AXIOS, "XMLHttpRequest", "cors"),
            ("text/plain", ANY, NONE, "no-cors"),
            (JSON, NONE, NONE, NONE),
            (JSON, ANY, NONE, NONE),
            (JSON, ANY, NONE, "cors"),
            (JSON, AXIOS, NONE, NONE),
            (JSON, "image/png", NONE, NONE),
            (JSON, NONE, "com.kakao.talk", NONE),
            ("application/json; charset=utf-8", NONE, NONE, NONE),
            ("application/vnd.api+json", NONE, NONE, NONE),
        ];
        for (rows, expected) in [(&html[..], Wants::Html), (&json[..], Wants::Json)] {
            for row in rows {
                let (mode, site) = row.3.split_once(' ').unwrap_or((row.3, NONE));
                let names = ["content-type", "accept", "x-requested-with", "sec-fetch-mode", "sec-fetch-site"];
                let sent: Vec<_> = names.into_iter().zip([row.0, row.1, row.2, mode, site]).filter(|(_, value)| *value != NONE).collect();
                assert_eq!(wants(&Visit::post(&sent)), expected, "{sent:?}");
            }
        }
    }

    #[test]
    fn libraries_that_show_pages_get_one_that_they_can_read() {
        let (here, other) = ("https://forms.example.com", "https://www.example.com");
        for (name, site, origin, next, is_itself) in [
            ("hx-request", "same-origin", here, "/f/contact/thanks", false),
            ("hx-request", "same-origin", here, "https://www.example.com/thanks", true),
            ("x-up-version", "cross-site", other, "/f/contact/thanks", true),
            ("turbo-frame", "same-site", other, "/f/contact/thanks", true),
            ("hx-request", "", other, "/f/contact/thanks", true),
            ("hx-request", "", here, "/f/contact/thanks", false),
        ] {
            let mut headers =
                vec![(name, "true"), ("sec-fetch-mode", "cors"), ("sec-fetch-site", site), ("origin", origin)];
            headers.push(("x-requested-with", "XMLHttpRequest"));
            let visit = Visit::post(&headers);
            assert_eq!((wants(&visit), needs_page_itself(&visit, next)), (Wants::Html, is_itself), "{headers:?}");
            headers.remove(0);
            let visit = Visit::post(&headers);
            assert_eq!((wants(&visit), needs_page_itself(&visit, next)), (Wants::Json, false), "{headers:?}");
        }
    }
}
