//! Where a visitor goes after a success: `_next` and similar fields, followed only where that is safe, and the link back to
//! the website.
//!
//! - Allowed are a path on the website that sent the form, and an address at that website's origin, at one of the form's
//!   `allowed_origins`, or at the Worker's own. Anything else is ignored; the submission is stored all the same.
//! - An allowed target is sent as a full address that begins with a known origin, so no browser can read a path as a host.
//!   <https://cheatsheetseries.owasp.org/cheatsheets/Unvalidated_Redirects_and_Forwards_Cheat_Sheet.html>
//! - `Origin` names the website, else `Referer`: pages cannot forge these.

use url::Url;

use crate::domain::{Address, Fields};

use super::form::Form;
use super::origin::{allowed, is_path};
use super::visit::{Visit, web_page};

/// The control field, and the parameter of the thank-you page, in which our error page passes on the website's page.
pub const BACK: &str = "_back";

/// The control fields that name the page to go to; the first filled one counts.
const NAMES: &[&str] = &["_next", "_redirect", "_return_url", "_redirect_to", "redirect", "redirect_to", "retURL"];

/// The longest address, in bytes.
const LONGEST: usize = 2048;

/// What a page asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing: the form's own setting applies.
    Default,
    /// To go to this address.
    To(String),
    /// To go to an address that is not allowed; holds the field's name.
    Refused(String),
}

/// Reads the target from the control fields. An allowed target is written back as a full address: our error page, which is
/// not on the website, sends it again.
pub fn next(control: &mut Fields, visit: &Visit, form: &Form, local: bool) -> Next {
    let asked = NAMES.iter().find_map(|name| Some((*name, control.first(name)?.to_owned())));
    let Some((name, text)) = asked else { return Next::Default };
    let Some(target) = target(&text, visit, form, local) else { return Next::Refused(name.to_owned()) };
    for (_, value) in control.0.iter_mut().filter(|(key, value)| key == name && *value == text) {
        value.clone_from(&target);
    }
    Next::To(target)
}

/// The page of the website that a link may lead back to: one of the form's `allowed_origins`, if it lists any. `passed_on`
/// is the value of [`BACK`], which counts only when the visitor comes from our error page: no other page can set it.
pub fn back(visit: &Visit, form: &Form, passed_on: Option<&str>, local: bool) -> Option<Url> {
    let page = if visit.is_from_error_page() { web_page(passed_on?)? } else { visit.page()? };
    let origin = page.origin().ascii_serialization();
    allowed(&form.allowed_origins, Some(&origin), &visit.own_origin, local).then_some(page)
}

/// The built-in thank-you page. After a correction its address says where to link back to: its referrer is our error page.
pub fn thanks(visit: &Visit, form: &Form, control: &Fields, local: bool) -> String {
    let page = if visit.is_from_error_page() { back(visit, form, control.first(BACK), local) } else { None };
    let encoded = |page: Url| form_urlencoded::byte_serialize(page.as_str().as_bytes()).collect::<String>();
    let query = page.map(|page| format!("?{BACK}={}", encoded(page)));
    format!("/f/{}/thanks{}", form.name, query.unwrap_or_default())
}

/// The full address that `text` stands for, if a visitor may be sent there.
fn target(text: &str, visit: &Visit, form: &Form, local: bool) -> Option<String> {
    let text = text.trim_matches(' ');
    if text.len() > LONGEST {
        return None;
    }
    let own = visit.own_origin.as_str();
    let may_post = |website: &str| allowed(&form.allowed_origins, Some(website), own, local);
    let website = website(visit).filter(|website| may_post(website));
    if text.starts_with('/') {
        return website.filter(|_| is_path(text)).map(|website| format!("{website}{text}"));
    }
    let address = Address::parse(text).ok()?;
    let origin = address.origin();
    let is_listed = !form.allowed_origins.is_empty() && may_post(&origin);
    (origin == own || is_listed || website.as_ref() == Some(&origin)).then(|| format!("{origin}{}", address.rest))
}

/// The origin of the website that sent the form, if it is known. Our error page, which sends it again, is not the website.
fn website(visit: &Visit) -> Option<String> {
    if visit.is_from_error_page() {
        return None;
    }
    let parse = |text: &Option<String>| Some(Address::parse(text.as_deref()?.trim()).ok()?.origin());
    parse(&visit.origin).or_else(|| parse(&visit.referer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::fields;
    use crate::intake::origin::OriginRule;

    const OWN: &str = "https://forms.example.com";
    const SITE: &str = "https://www.example.com";

    fn listed() -> Form {
        let rules = [SITE, "https://shop.example.org"].map(|rule| OriginRule::parse(rule).unwrap());
        Form { allowed_origins: rules.to_vec(), ..Form::plain("contact", &["crm"]) }
    }

    fn visit(origin: Option<&str>, referer: Option<&str>) -> Visit {
        let headers = [("origin", origin), ("referer", referer)];
        Visit::post(&headers.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect::<Vec<_>>())
    }

    #[test]
    fn a_path_stays_on_the_website_that_sent_the_form() {
        for (origin, referer, website) in [
            (None, None, None),
            (Some(SITE), None, Some(SITE)),
            (Some("HTTPS://WWW.example.com:443"), None, Some(SITE)),
            (None, Some("https://www.example.com/contact?x=1"), Some(SITE)),
            (Some("null"), None, None),
            (Some("null"), Some("https://www.example.com/contact"), Some(SITE)),
            (Some("https://stranger.example"), None, None),
            (None, Some("https://stranger.example/x"), None),
            (Some(OWN), Some("https://forms.example.com/f/contact"), None),
            // A Worker that is routed on the website's own host.
            (Some(OWN), Some("https://forms.example.com/contact"), Some(OWN)),
            (Some("file://"), Some("rubbish"), None),
        ] {
            let found = target("/thanks", &visit(origin, referer), &listed(), false);
            assert_eq!(found, website.map(|website| format!("{website}/thanks")), "{origin:?} {referer:?}");
        }
    }

    #[test]
    fn allowed_targets_become_whole_addresses() {
        let visit = visit(Some(SITE), None);
        for (text, expected) in [
            ("/thanks", "https://www.example.com/thanks"),
            ("/", "https://www.example.com/"),
            (" /thanks ", "https://www.example.com/thanks"),
            ("/a/../b?c=//d#e", "https://www.example.com/a/../b?c=//d#e"),
            ("/%2F%2Fevil.example", "https://www.example.com/%2F%2Fevil.example"),
            ("/%5Cevil.example", "https://www.example.com/%5Cevil.example"),
            ("/@evil.example", "https://www.example.com/@evil.example"),
            ("/.evil.example", "https://www.example.com/.evil.example"),
            ("/https://evil.example", "https://www.example.com/https://evil.example"),
            ("/감사", "https://www.example.com/감사"),
            ("https://www.example.com", "https://www.example.com"),
            ("HTTPS://WWW.EXAMPLE.COM:443/Thanks", "https://www.example.com/Thanks"),
            ("https://shop.example.org/a?b", "https://shop.example.org/a?b"),
            ("https://www.example.com?@evil.example", "https://www.example.com?@evil.example"),
            ("https://www.example.com#//evil.example", "https://www.example.com#//evil.example"),
            ("https://forms.example.com/f/contact/thanks", "https://forms.example.com/f/contact/thanks"),
        ] {
            assert_eq!(target(text, &visit, &listed(), false).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn all_other_targets_are_refused() {
        let long = format!("/{}", "a".repeat(LONGEST));
        let visit = visit(Some(SITE), None);
        for text in OFF_SITE.iter().copied().chain([long.as_str()]) {
            assert_eq!(target(text, &visit, &listed(), false), None, "{text:?}");
        }
        assert!(target(&long[..LONGEST], &visit, &listed(), false).is_some(), "the longest address");
    }

    #[test]
    fn without_allowed_origins_only_the_sending_website_is_left() {
        let open = Form::plain("contact", &["crm"]);
        let any = visit(Some("https://any.example"), None);
        for (visit, form, text, expected) in [
            (&visit(None, None), &listed(), "https://www.example.com/a", Some("https://www.example.com/a")),
            (&any, &open, "/a", Some("https://any.example/a")),
            (&any, &open, "https://any.example/a", Some("https://any.example/a")),
            (&any, &open, SITE, None),
        ] {
            assert_eq!(target(text, visit, form, false).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_first_filled_field_counts_and_is_written_back_whole() {
        let next = |control: &mut Fields| next(control, &visit(Some(SITE), None), &listed(), false);
        let mut control = fields(&[("retURL", "/last"), ("_next", ""), ("_redirect", "/a"), ("_redirect", "/b")]);
        assert_eq!(next(&mut control), Next::To("https://www.example.com/a".to_owned()));
        let whole =
            [("retURL", "/last"), ("_next", ""), ("_redirect", "https://www.example.com/a"), ("_redirect", "/b")];
        assert_eq!(control, fields(&whole));
        let mut control = fields(&[("_next", "//evil.example"), ("_redirect", "/a")]);
        assert_eq!(next(&mut control), Next::Refused("_next".to_owned()));
        assert_eq!(next(&mut fields(&[("_cc", "/a")])), Next::Default);
    }

    #[test]
    fn a_link_leads_back_to_a_listed_website_and_survives_the_error_page() {
        let open = Form::plain("contact", &["crm"]);
        let (site, other) = ("https://www.example.com/contact?a=1", "https://other.example/x");
        let ours = "https://forms.example.com/f/contact";
        for (referer, passed_on, is_back_listed, is_back_open) in [
            (site, None, Some(site), Some(site)),
            (other, None, None, Some(other)),
            (ours, None, None, None),
            (ours, Some(site), Some(site), Some(site)),
            (ours, Some(other), None, Some(other)),
            (ours, Some("javascript:alert(1)"), None, None),
            // Only our error page passes a page on.
            (site, Some(other), Some(site), Some(site)),
            ("", Some(site), None, None),
        ] {
            let (visit, listed) = (visit(None, Some(referer)), listed());
            let found = |form| back(&visit, form, passed_on, false).map(String::from);
            assert_eq!(found(&listed).as_deref(), is_back_listed, "{referer} {passed_on:?}");
            assert_eq!(found(&open).as_deref(), is_back_open, "{referer} {passed_on:?}");
        }
        let control = fields(&[(BACK, site)]);
        for (referer, expected) in [
            (site, "/f/contact/thanks"),
            (ours, "/f/contact/thanks?_back=https%3A%2F%2Fwww.example.com%2Fcontact%3Fa%3D1"),
        ] {
            assert_eq!(thanks(&visit(None, Some(referer)), &listed(), &control, false), expected);
        }
    }

    /// Targets that open redirects are made of.
    const OFF_SITE: &[&str] = &[
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        "/a\r\nLocation: https://evil.example",
        "/a\r\n\r\n<script>alert(1)</script>",
        "/a\0b",
        "/a b",
        "/\u{a0}/evil.example",
        "/\u{3000}/evil.example",
        "https://evil.example",
        "http://www.example.com/thanks",
        "https://www.example.com:8443/",
        "https://www.example.com.evil.example/",
        "https://evilwww.example.com/",
        "https://example.com/",
        "https://www.example.com@evil.example/",
        "https://www.example.com:443@evil.example/",
        "https://user:password@www.example.com/",
        "https://evil.example/https://www.example.com",
        "https://evil.example?https://www.example.com",
        "https://evil.example#@www.example.com",
        "https://evil.example\\@www.example.com",
        "https://www.example.com\\.evil.example",
        "https://www.example.com%2eevil.example/",
        "https://www.example.com%2f.evil.example/",
        "https://www\u{3002}example\u{3002}com/",
        "https://www.ex\u{430}mple.com/",
        "https://www.example.com\u{ff0f}evil.example/",
        "https://www.example.com./",
        "https://[::1]/",
        "https:/evil.example",
        "https:evil.example",
        "https:/www.example.com",
        "https:www.example.com",
        "https:///evil.example",
        "https:\\\\evil.example",
        "ht\ntps://www.example.com",
        "https://www.exam\tple.com",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "javascript://www.example.com/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://www.example.com/",
        "blob:https://www.example.com/x",
        "mailto:a@b.co",
        "thanks.html",
        "www.example.com/thanks",
        "?thanks",
        "#thanks",
        "..//evil.example",
        ".",
    ];
}
