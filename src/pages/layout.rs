//! The frame of every page: head, style, Content-Security-Policy.
//!
//! The policy allows one thing, the inline style, by its hash (<https://www.w3.org/TR/CSP3/#grammardef-hash-source>); the
//! hash is taken from the text that is sent, so the two cannot part.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use crate::intake::{Language, Reply};

use super::html::Html;

/// System fonts and colours, one column. Sizes are of the visitor's own font size; inputs have 16 px or more, below which
/// phones zoom in. A field's edge stands out 3 to 1 in both schemes (WCAG 1.4.11); a name or a text that is written from the
/// right begins there.
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

/// Where a page's forms may lead, and who may show the page in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// No forms. Shown in any frame: a website may have its form in one, and the thank-you appears there.
    Still,
    /// A form that posts to us and is then redirected to any website. Chromium holds `form-action` against the redirect
    /// too, so `'self'` alone would stop the visitor at a blank page after the message was stored. What could be abused is
    /// small: the page has no script and no markup from outside, and its form's action is ours.
    Resend,
    /// As `Resend`, but nobody else's frame: nothing embeds the demo.
    Demo,
}

impl Reach {
    const fn directives(self) -> &'static str {
        match self {
            Self::Still => "form-action 'none'; frame-ancestors *",
            Self::Resend => "form-action 'self' https: http:; frame-ancestors *",
            Self::Demo => "form-action 'self' https: http:; frame-ancestors 'none'",
        }
    }

    fn policy(self) -> String {
        let (style, directives) = (STYLE_HASH.as_str(), self.directives());
        format!("default-src 'none'; style-src {style}; base-uri 'none'; {directives}")
    }
}

/// A whole page around `main`.
pub fn page(status: u16, title: &str, language: Language, reach: Reach, main: &str) -> Reply {
    let mut head = Html::new();
    head.raw("<!doctype html>\n<html").attribute("lang", language.tag()).raw(">\n<head>\n<meta charset=\"utf-8\">\n");
    head.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    head.raw("<meta name=\"robots\" content=\"noindex\">\n");
    head.element("title", title).raw("<style>").raw(STYLE).raw("</style>\n</head>\n<body>\n<main>\n");
    let body = head.finish() + main + "</main>\n</body>\n</html>\n";
    Reply::page(status, reach.policy(), language, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_whole_and_its_policy_names_the_style_that_is_sent() {
        let reply = page(200, "A & B", Language::Ko, Reach::Still, "<h1>x</h1>\n");
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
