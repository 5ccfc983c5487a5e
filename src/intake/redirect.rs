//! Where a page wants its visitor to go after a success: `_next` and its kin, followed only to where nobody is led astray.
//!
//! - Allowed are a path of the website that the form was sent from, and an address at that website's origin, at one of the
//!   form's `allowed_origins`, or at the Worker's own. Everything else is as if it had not been said; the submission is
//!   stored all the same.
//! - What is allowed goes out as a whole address with an origin of ours in front, so that no browser can read a path as a
//!   host. <https://cheatsheetseries.owasp.org/cheatsheets/Unvalidated_Redirects_and_Forwards_Cheat_Sheet.html>
//! - The website is known by `Origin`, else by `Referer`: a browser does not let a page write these.

use crate::config::address::Address;

use super::Fields;

/// The control fields that name the page to go to; the first filled one counts.
const NAMES: &[&str] = &["_next", "_redirect", "_return_url", "_redirect_to", "redirect", "redirect_to", "retURL"];

/// The longest address, in bytes.
const LONGEST: usize = 2048;

/// What is known of where a form was sent from.
#[derive(Clone, Copy)]
pub struct Sender<'a> {
    /// The Worker's own origin.
    pub own: &'a str,
    /// The header `Origin`.
    pub origin: Option<&'a str>,
    /// The header `Referer`.
    pub referer: Option<&'a str>,
    /// Whether a website of this origin may post to the form.
    pub may_post: &'a dyn Fn(&str) -> bool,
    /// Whether the form's `allowed_origins` name this origin.
    pub is_listed: &'a dyn Fn(&str) -> bool,
}

impl Sender<'_> {
    /// The origin of the website; `None` when it is not known. Our own error page, which sends a form again, is not it.
    pub fn website(&self) -> Option<String> {
        let referer = self.referer.and_then(|page| Address::parse(page.trim()).ok());
        if referer.as_ref().is_some_and(|page| page.origin() == self.own && page.rest.starts_with("/f/")) {
            return None;
        }
        let named = self.origin.and_then(|origin| Address::parse(origin.trim()).ok());
        let origin = named.or(referer)?.origin();
        (self.may_post)(&origin).then_some(origin)
    }

    /// The whole address that `text` stands for, if a visitor may be sent there.
    pub fn target(&self, text: &str) -> Option<String> {
        let text = text.trim_matches(' ');
        if text.len() > LONGEST {
            return None;
        }
        if text.starts_with('/') {
            // `//host` and `/\host` are hosts to a browser, and it drops tabs and line breaks before it looks.
            let is_clean = !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\');
            let website = self.website().filter(|_| is_clean && !text.starts_with("//"))?;
            return Some(format!("{website}{text}"));
        }
        let address = Address::parse(text).ok()?;
        let origin = address.origin();
        let is_allowed = origin == self.own || (self.is_listed)(&origin) || self.website().as_ref() == Some(&origin);
        is_allowed.then(|| format!("{origin}{}", address.rest))
    }
}

/// What a page asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it is the form's to say.
    Unsaid,
    /// To go here.
    To(String),
    /// To go somewhere where nobody is sent; the name of the field.
    Refused(String),
}

/// Reads it from the control fields. What is allowed is written back as a whole address: our error page sends it again, and
/// is not on the website.
pub fn next(control: &mut Fields, sender: &Sender<'_>) -> Next {
    let asked = NAMES.iter().find_map(|name| Some((*name, control.first(name)?.to_owned())));
    let Some((name, text)) = asked else { return Next::Unsaid };
    let Some(target) = sender.target(&text) else { return Next::Refused(name.to_owned()) };
    for (_, value) in control.0.iter_mut().filter(|(key, value)| key == name && *value == text) {
        value.clone_from(&target);
    }
    Next::To(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "https://forms.example.com";
    const SITE: &str = "https://www.example.com";

    fn sender<'a>(origin: Option<&'a str>, referer: Option<&'a str>) -> Sender<'a> {
        let may_post = &|origin: &str| origin != "https://stranger.example";
        let is_listed = &|origin: &str| origin == SITE || origin == "https://shop.example.org";
        Sender { own: OWN, origin, referer, may_post, is_listed }
    }

    #[test]
    fn the_website_is_where_the_form_was_sent_from() {
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
            assert_eq!(sender(origin, referer).website().as_deref(), website, "{origin:?} {referer:?}");
        }
    }

    #[test]
    fn where_a_visitor_may_be_sent() {
        let sender = sender(Some(SITE), None);
        for (text, target) in [
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
            assert_eq!(sender.target(text).as_deref(), Some(target), "{text}");
        }
    }

    #[test]
    fn where_nobody_is_sent() {
        let long = format!("/{}", "a".repeat(LONGEST));
        let sender = sender(Some(SITE), None);
        for text in OFF_SITE.iter().copied().chain([long.as_str()]) {
            assert_eq!(sender.target(text), None, "{text:?}");
        }
        // One byte less is an address like any other.
        assert!(sender.target(&long[..LONGEST]).is_some());
    }

    #[test]
    fn a_path_without_a_website_leads_nowhere() {
        assert_eq!(sender(None, None).target("/thanks"), None);
        assert_eq!(
            sender(None, None).target("https://www.example.com/a").as_deref(),
            Some("https://www.example.com/a")
        );
        // Without allowed origins only the website that sent the form is left.
        let open = Sender { is_listed: &|_| false, ..sender(Some("https://any.example"), None) };
        assert_eq!(open.target("/a").as_deref(), Some("https://any.example/a"));
        assert_eq!(open.target("https://any.example/a").as_deref(), Some("https://any.example/a"));
        assert_eq!(open.target(SITE), None);
    }

    #[test]
    fn the_first_filled_field_counts_and_is_made_whole() {
        let fields = |pairs: &[(&str, &str)]| {
            Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let sender = sender(Some(SITE), None);
        let mut control = fields(&[("retURL", "/last"), ("_next", ""), ("_redirect", "/a"), ("_redirect", "/b")]);
        assert_eq!(next(&mut control, &sender), Next::To("https://www.example.com/a".to_owned()));
        assert_eq!(
            control,
            fields(&[
                ("retURL", "/last"),
                ("_next", ""),
                ("_redirect", "https://www.example.com/a"),
                ("_redirect", "/b")
            ])
        );
        let mut control = fields(&[("_next", "//evil.example"), ("_redirect", "/a")]);
        assert_eq!(next(&mut control, &sender), Next::Refused("_next".to_owned()));
        assert_eq!(next(&mut fields(&[("_cc", "/a")]), &sender), Next::Unsaid);
    }

    /// What open redirects are made of.
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
