//! Writes HTML, and what every page has: head, style, Content-Security-Policy.
//!
//! The policy allows only the inline style, by the hash of its text: <https://www.w3.org/TR/CSP3/#grammardef-hash-source>.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use crate::domain::Address;
use crate::domain::text::escape_html;
use crate::intake::{Language, Reply};

/// System fonts and colours, one column. Inputs have at least 16 px, below which phones zoom in. Field borders have a
/// contrast of 3 to 1 in both schemes (WCAG 1.4.11). Text in a right-to-left script starts on the right.
const STYLE: &str = "
:root{color-scheme:light dark;--line:#858585;--mark:#b3261e;--go:#0b57d0;--on-go:#fff}
@media(prefers-color-scheme:dark){:root{--mark:#f2b8b5;--go:#a8c7fa;--on-go:#062e6f}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:40rem;padding:2rem 1.25rem;font:1rem/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
:lang(ko){word-break:keep-all}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .75rem}
h2{font-size:1.2rem;margin:2.5rem 0 .25rem}
label{display:block;font-weight:600;margin:1.1rem 0 .3rem}
input,textarea,button{font:inherit;font-size:max(1rem,16px);width:100%;padding:.6rem .7rem;border:1px solid var(--line);border-radius:.4rem}
textarea{min-height:8rem;resize:vertical}
input,textarea,label{unicode-bidi:plaintext;text-align:start}
[aria-invalid]{border:2px solid var(--mark)}
.wrong{color:var(--mark);margin:.3rem 0 0}
.alert{border-left:.3rem solid var(--mark);padding:.1rem 0 .1rem 1rem;margin:0 0 1rem}
.hint{opacity:.8;margin:.2rem 0}
button{margin-top:1.5rem;border:0;background:var(--go);color:var(--on-go);font-weight:600;cursor:pointer}
a{color:var(--go)}
pre{white-space:pre-wrap;border:1px solid var(--line);border-radius:.4rem;padding:.7rem}
:focus-visible{outline:3px solid var(--go);outline-offset:2px}
.alert:focus{outline:none}
";

static STYLE_HASH: LazyLock<String> = LazyLock::new(|| format!("'sha256-{}'", BASE64.encode(Sha256::digest(STYLE))));

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

    /// A link back to the website's page, if that is an `http` or `https` address.
    pub(super) fn back_link(&mut self, address: Option<&str>, text: &str) -> &mut Self {
        match address.filter(|address| Address::parse(address).is_ok()) {
            Some(address) => {
                self.raw("<p><a").attribute("href", address).raw(" rel=\"noreferrer\">").text(text).raw("</a></p>\n")
            }
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
    /// token, and the demo.
    Unframed,
}

impl Reach {
    fn policy(self) -> String {
        let directives = match self {
            Self::NoForm => "form-action 'none'; frame-ancestors *",
            Self::Resend => "form-action 'self' https: http:; frame-ancestors *",
            Self::Unframed => "form-action 'self' https: http:; frame-ancestors 'none'",
        };
        format!("default-src 'none'; style-src {}; base-uri 'none'; {directives}", STYLE_HASH.as_str())
    }
}

/// A whole page around `main`.
pub(super) fn page(status: u16, title: &str, language: Language, reach: Reach, main: &Html) -> Reply {
    let mut html = Html::default();
    html.raw("<!doctype html>\n<html").attribute("lang", language.tag()).raw(">\n<head>\n<meta charset=\"utf-8\">\n");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.raw("<meta name=\"robots\" content=\"noindex\">\n");
    html.element("title", title).raw("<style>").raw(STYLE).raw("</style>\n</head>\n<body>\n<main>\n");
    html.0.push_str(&main.0);
    html.raw("</main>\n</body>\n</html>\n");
    Reply::page(status, reach.policy(), language, html.0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

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
    fn the_policy_allows_exactly_the_style_that_is_sent() {
        let reply = page(200, "A & B", Language::Ko, Reach::NoForm, Html::default().raw("<h1>x</h1>\n"));
        let start = "<!doctype html>\n<html lang=\"ko\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
                     content=\"width=device-width, initial-scale=1\">\n<meta name=\"robots\" content=\"noindex\">\n\
                     <title>A &amp; B</title>\n<style>";
        let end = "</style>\n</head>\n<body>\n<main>\n<h1>x</h1>\n</main>\n</body>\n</html>\n";
        assert_eq!(reply.body, format!("{start}{STYLE}{end}"));

        let sent = reply.body.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let hash = BASE64.encode(Sha256::digest(sent));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors *"
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

    #[test]
    fn the_style_loads_nothing() {
        for loader in ["url(", "@import", "http", "</"] {
            assert!(!STYLE.contains(loader), "{loader}");
        }
    }
}
