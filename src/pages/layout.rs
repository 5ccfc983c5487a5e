//! Writes HTML, and what every page has: head, style, Content-Security-Policy.
//!
//! The policy allows only the inline style, by the hash of its text: <https://www.w3.org/TR/CSP3/#grammardef-hash-source>.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use crate::domain::Address;
use crate::domain::text::escape_html;
use crate::intake::{Brand, Language, Reply};

/// The style of every page, and its hash.
static STYLE: LazyLock<(String, String)> = LazyLock::new(|| {
    let style = compact(concat!(include_str!("look.css"), include_str!("page.css")));
    let hash = hash(&style);
    (style, hash)
});

/// CSS without its comments and its line breaks.
fn compact(css: &str) -> String {
    let uncommented = css.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, rest)| rest));
    uncommented.flat_map(str::lines).map(str::trim).collect()
}

/// The source in a Content-Security-Policy that allows this inline style or script.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", BASE64.encode(Sha256::digest(text)))
}

/// A part of a page, being written.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup: `'static`, so that no text from outside gets in unescaped.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Any text, escaped.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.0.push_str(&escape_html(text));
        self
    }

    /// A style of ours.
    fn style(&mut self, css: &str) -> &mut Self {
        self.raw("<style>").0.push_str(css);
        self.raw("</style>\n")
    }

    /// ` name="value"`, the value escaped.
    pub(super) fn attribute(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.raw(" ").raw(name).raw("=\"").text(value).raw("\"")
    }

    /// An element that holds only text; `tag` may have attributes (`p class="hint"`).
    pub(super) fn element(&mut self, tag: &'static str, text: &str) -> &mut Self {
        let name = tag.split(' ').next().unwrap_or(tag);
        self.raw("<").raw(tag).raw(">").text(text).raw("</").raw(name).raw(">\n")
    }

    /// The label of the field with this id.
    pub(super) fn label(&mut self, id: &str, text: &str) -> &mut Self {
        self.raw("<label").attribute("for", id).raw(">").text(text).raw("</label>\n")
    }

    /// A hidden field.
    pub(super) fn hidden(&mut self, name: &str, value: &str) -> &mut Self {
        self.raw("<input type=\"hidden\"").attribute("name", name).attribute("value", value).raw(">\n")
    }

    /// A field for an access token, and what is wrong with the last one.
    pub(super) fn token(&mut self, id: &str, label: &str, wrong: Option<&str>) -> &mut Self {
        let hint = format!("{id}-wrong");
        self.label(id, label).raw("<input").attribute("id", id).raw(" name=\"_token\" type=\"password\"");
        if wrong.is_some() {
            self.invalid(&hint);
        }
        self.raw(" autocomplete=\"off\">\n");
        wrong.map(|text| self.wrong(&hint, text));
        self
    }

    /// The attributes of a field with an error, which the element `hint` describes.
    pub(super) fn invalid(&mut self, hint: &str) -> &mut Self {
        self.raw(" aria-invalid=\"true\"").attribute("aria-describedby", hint)
    }

    /// The description of a field's error.
    pub(super) fn wrong(&mut self, hint: &str, text: &str) -> &mut Self {
        self.raw("<p class=\"wrong\"").attribute("id", hint).raw(">").text(text).raw("</p>\n")
    }

    /// The mark of a page that tells how it went: `good` or `bad`.
    pub(super) fn mark(&mut self, is_good: bool) -> &mut Self {
        let (start, path) = if is_good { ("good", "m5 12.5 4.5 4.5L19 7.5") } else { ("bad", "M12 6v7m0 4.5v.1") };
        self.raw("<svg class=\"mark ")
            .raw(start)
            .raw("\" viewBox=\"0 0 24 24\" aria-hidden=\"true\"><path d=\"")
            .raw(path)
            .raw("\"/></svg>\n")
    }

    /// A link back to the website's page, if that is an `http` or `https` address.
    pub(super) fn back_link(&mut self, address: Option<&str>, text: &str, is_button: bool) -> &mut Self {
        match address.filter(|address| Address::parse(address).is_ok()) {
            Some(address) => self
                .raw("<p><a")
                .attribute("href", address)
                .raw(" rel=\"noreferrer\"")
                .raw(if is_button { " class=\"button\">" } else { ">" })
                .text(text)
                .raw("</a></p>\n"),
            None => self,
        }
    }
}

/// Where a page's forms may lead, and who may show the page in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// No forms. Any page may frame it: a website can have its form in a frame, and the thank-you page appears there.
    NoForm,
    /// A form that posts to the Worker, which then redirects to any website. Chromium checks `form-action` against the
    /// redirect too, so `'self'` alone would leave the visitor on a blank page after the message was stored. The risk is
    /// small: the page has no script and no markup from outside, and its form posts to its own origin.
    Resend,
    /// Like `Resend`, but not in a frame, where a stranger's page could get at what is typed: a page that asks for an access
    /// token.
    Unframed,
    /// The operator's page: forms in the demo, `formcourier.js`, no frame.
    Home,
}

impl Reach {
    const fn directives(self) -> &'static str {
        match self {
            Self::NoForm => "form-action 'none'; frame-ancestors *",
            Self::Resend => "form-action 'self' https: http:; frame-ancestors *",
            Self::Unframed => "form-action 'self' https: http:; frame-ancestors 'none'",
            Self::Home => {
                "script-src 'self'; connect-src 'self'; form-action 'self' https: http:; frame-ancestors 'none'"
            }
        }
    }
}

/// What is around the main part of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page<'a> {
    pub(super) status: u16,
    pub(super) title: &'a str,
    pub(super) language: Language,
    pub(super) reach: Reach,
    /// The classes of the body, which choose the layout.
    pub(super) layout: &'static str,
    pub(super) brand: &'a Brand,
}

impl Page<'_> {
    /// The whole page around `main`.
    pub(super) fn around(&self, main: &Html) -> Reply {
        let Self { status, title, language, reach, layout, brand } = *self;
        let (style, style_hash) = &*STYLE;
        let mut policy = format!("default-src 'none'; style-src {style_hash}");
        let mut html = Html::default();
        html.raw("<!doctype html>\n<html")
            .attribute("lang", language.tag())
            .raw(">\n<head>\n<meta charset=\"utf-8\">\n");
        html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        html.raw("<meta name=\"robots\" content=\"noindex\">\n<title>").text(title);
        if let Some(name) = &brand.name {
            html.raw(" · ").text(name);
        }
        html.raw("</title>\n").style(style);
        if let Some(color) = brand.color {
            let own = format!(":root{{--go:{color};--on-go:{}}}", color.text());
            html.style(&own);
            policy = format!("{policy} {}", hash(&own));
        }
        html.raw("</head>\n<body").attribute("class", layout).raw(">\n<main>\n");
        if brand.name.is_some() || brand.logo.is_some() {
            html.raw("<p class=\"brand\">");
            if let Some(logo) = &brand.logo {
                html.raw("<img alt=\"\"").attribute("src", logo).raw(">");
                policy.extend(Address::parse(logo).map(|address| format!("; img-src {}", address.origin())));
            }
            html.text(brand.name.as_deref().unwrap_or_default()).raw("</p>\n");
        }
        html.0.push_str(&main.0);
        html.raw("</main>\n</body>\n</html>\n");
        policy = format!("{policy}; base-uri 'none'; {}", reach.directives());
        Reply::page(status, policy, language, html.0)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::intake::brand::Color;

    /// The mark of a page.
    pub(in crate::pages) fn mark(is_good: bool) -> String {
        let mut html = Html::default();
        html.mark(is_good);
        html.0
    }

    /// What is inside `<main>`.
    pub(in crate::pages) fn main_of(reply: &Reply) -> &str {
        reply.body.split("<main>\n").nth(1).and_then(|rest| rest.split("</main>").next()).unwrap()
    }

    #[test]
    fn text_from_outside_is_escaped() {
        let mut html = Html::default();
        html.element("p class=\"hint\"", "<b>\"Ada\" & 'Bob'</b>\r\n")
            .raw("<a")
            .attribute("href", "\"><script>")
            .raw(">");
        assert_eq!(
            html.0,
            "<p class=\"hint\">&lt;b&gt;&quot;Ada&quot; &amp; &#39;Bob&#39;&lt;/b&gt;&#13;\n</p>\n<a href=\"&quot;&gt;&lt;script&gt;\">"
        );
    }

    #[test]
    fn the_policy_allows_exactly_the_styles_and_the_logo_of_the_page() {
        let brand = Brand {
            name: Some("Acme & Co".into()),
            color: Color::parse("#fc0"),
            logo: Some("https://cdn.example.com/a?b=1&c".into()),
        };
        for (brand, title, own, above, sources) in [
            (Brand::NONE, "", "", "", ""),
            (
                brand,
                " · Acme &amp; Co",
                "<style>:root{--go:#ffcc00;--on-go:#000}</style>\n",
                "<p class=\"brand\"><img alt=\"\" src=\"https://cdn.example.com/a?b=1&amp;c\">Acme &amp; Co</p>\n",
                "; img-src https://cdn.example.com",
            ),
        ] {
            let page = Page {
                status: 200,
                title: "A & B",
                language: Language::Ko,
                reach: Reach::NoForm,
                layout: "page",
                brand: &brand,
            };
            let reply = page.around(Html::default().raw("<h1>x</h1>\n"));
            let start = "<!doctype html>\n<html lang=\"ko\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
                         content=\"width=device-width, initial-scale=1\">\n<meta name=\"robots\" content=\"noindex\">\n\
                         <title>A &amp; B";
            let end = "<h1>x</h1>\n</main>\n</body>\n</html>\n";
            let style = format!("{title}</title>\n<style>{}</style>\n{own}", STYLE.0);
            let body = format!("{start}{style}</head>\n<body class=\"page\">\n<main>\n{above}{end}");
            assert_eq!(reply.body, body);

            let styles = reply.body.split("<style>").skip(1).filter_map(|rest| rest.split("</style>").next());
            let hashes: Vec<_> = styles.map(hash).collect();
            let policy = format!(
                "default-src 'none'; style-src {}{sources}; base-uri 'none'; form-action 'none'; frame-ancestors *",
                hashes.join(" ")
            );
            assert_eq!(
                reply.headers,
                [
                    ("Content-Type", "text/html; charset=utf-8".to_owned()),
                    ("Content-Language", "ko".to_owned()),
                    ("Vary", "Accept, Accept-Language".to_owned()),
                    ("Cache-Control", "no-store".to_owned()),
                    ("Content-Security-Policy", policy),
                    ("X-Content-Type-Options", "nosniff".to_owned()),
                    ("Referrer-Policy", "same-origin".to_owned()),
                ]
            );
        }
    }

    #[test]
    fn the_style_is_compact_and_loads_nothing() {
        assert_eq!(
            compact("/* a\nb */\na { b: c; }\n/*x*/@media (x) {\n  d {\n    e: f g;\n  }\n}\n"),
            "a { b: c; }@media (x) {d {e: f g;}}"
        );
        for loader in ["url(", "@import", "http", "</", "/*"] {
            assert!(!STYLE.0.contains(loader), "{loader}");
        }
    }
}
