//! The HTML that a visitor sees: the thank-you page, the error page that keeps what was typed, the demo.
//!
//! Every page works without JavaScript, loads nothing and is readable on a phone. `layout::Html` escapes all text from
//! outside.

mod demo;
mod labels;
mod layout;
mod refused;
mod words;

pub use demo::{DemoForm, demo};
pub use refused::{Kept, refused};

use crate::intake::{Language, Reply};

use layout::{Html, Reach, page};

/// The thank-you page, for forms without a `redirect`; `back` is the website's page to link to.
pub fn thanks(language: Language, back: Option<&str>) -> Reply {
    let words = words::words(language);
    let mut main = Html::default();
    main.element("h1", words.thanks).element("p", words.thanks_line).back_link(back, words.back);
    page(200, words.thanks, language, Reach::NoForm, &main)
}

#[cfg(test)]
mod tests {
    use super::layout::tests::main_of;
    use super::*;

    #[test]
    fn the_thank_you_page_links_back() {
        let reply = thanks(Language::En, Some("https://example.com/?a=1&b=\"2\""));
        assert_eq!(reply.status, 200);
        assert_eq!(
            main_of(&reply),
            "<h1>Thank you</h1>\n<p>Your message has arrived.</p>\n<p><a href=\"https://example.com/?a=1&amp;b=&quot;2&quot;\" \
             rel=\"noreferrer\">Back to the website</a></p>\n"
        );
        let reply = thanks(Language::Ko, None);
        assert_eq!(main_of(&reply), "<h1>감사합니다</h1>\n<p>메시지가 접수되었습니다.</p>\n");
    }

    #[test]
    fn only_a_web_address_becomes_a_link() {
        for (address, expected) in [
            ("https://example.com", true),
            ("HTTP://example.com:8080/a?b#c", true),
            // Browsers send the referrer in ASCII.
            ("https://xn--vf4b27j.xn--3e0b707e/감사", true),
            ("https://예시.한국/감사", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("//example.com", false),
            ("/\\example.com", false),
            ("/thanks", false),
            ("https://", false),
            ("https:///example.com", false),
            ("https://good.example@evil.example/", false),
            ("https://good.example\\@evil.example/", false),
            (" https://example.com", false),
            ("https://exa\tmple.com", false),
            ("java\nscript:alert(1)", false),
        ] {
            assert_eq!(main_of(&thanks(Language::En, Some(address))).contains("<a "), expected, "{address:?}");
        }
    }
}
