//! The thank-you page, for forms without a redirect of their own.

use crate::domain::Address;
use crate::intake::{Language, Reply};

use super::html::Html;
use super::layout::{Reach, page};
use super::words::words;

/// The thank-you page, with a link `back` when that is an `http` or `https` address.
pub fn thanks(language: Language, back: Option<&str>) -> Reply {
    let words = words(language);
    let mut main = Html::new();
    main.element("h1", words.thanks).element("p", words.thanks_line);
    back_link(&mut main, back, language);
    page(200, words.thanks, language, Reach::Still, &main.finish())
}

/// A link to the page that the visitor came from, when that is an `http` or `https` address.
pub(super) fn back_link(main: &mut Html, back: Option<&str>, language: Language) {
    if let Some(address) = back.filter(|address| Address::parse(address).is_ok()) {
        let text = words(language).back;
        main.raw("<p><a").attribute("href", address).raw(" rel=\"noreferrer\">").text(text).raw("</a></p>\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn main_of(reply: &Reply) -> &str {
        reply.body.split("<main>\n").nth(1).and_then(|rest| rest.split("</main>").next()).unwrap()
    }

    #[test]
    fn a_heading_a_line_and_a_way_back() {
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
            // A browser says where it came from in ASCII.
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
