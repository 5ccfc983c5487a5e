//! The HTML that a visitor sees: the thank-you page, and the error page that keeps what was typed; and the operator's page at
//! `/`.
//!
//! Every page works without JavaScript, loads nothing but a configured logo, and is readable on a phone. `layout::Html`
//! escapes all text from outside.

mod home;
mod labels;
mod layout;
mod refused;
mod words;

pub use home::{Home, HomeForm, home};
pub use refused::{Kept, refused};

use crate::domain::Address;
use crate::intake::{Brand, Language, Reply};

use layout::{Html, Page, Reach};

/// The thank-you page, for forms without a `redirect`.
#[derive(Debug, Clone, Copy)]
pub struct Thanks<'a> {
    /// The website's page to link to.
    pub back: Option<&'a str>,
    /// How the website presents itself.
    pub brand: &'a Brand,
    /// In the demo, where the fake CRM shows the record.
    pub record: Option<&'a str>,
}

impl Thanks<'_> {
    /// The page.
    pub fn page(&self, language: Language) -> Reply {
        let words = words::words(language);
        let mut main = Html::default();
        main.mark(true).element("h1", words.thanks);
        let host = self.back.and_then(|page| Some(Address::parse(page).ok()?.host));
        match self.brand.name.as_ref().or(host.as_ref()) {
            Some(website) => main.element("p", &format!("{website}{}", words.has_received)),
            None => main.element("p", words.thanks_line),
        };
        main.back_link(self.back, words.back, true);
        if let Some(record) = self.record {
            main.raw("<p><a").attribute("href", record).raw(">").text(words.see_record);
            main.raw("</a> · <a href=\"/console/#/inbox\">").text(words.see_deliveries).raw("</a></p>\n");
        }
        let (title, brand) = (words.thanks, self.brand);
        Page { status: 200, title, language, reach: Reach::NoForm, layout: "page thanks", brand }.around(&main)
    }
}

#[cfg(test)]
mod tests {
    use super::layout::tests::{main_of, mark};
    use super::*;

    fn thanks(language: Language, back: Option<&str>, brand: &Brand, record: Option<&str>) -> String {
        let reply = Thanks { back, brand, record }.page(language);
        assert_eq!(reply.status, 200);
        main_of(&reply).to_owned()
    }

    #[test]
    fn the_thank_you_page_names_the_website_and_links_back() {
        let acme = Brand { name: Some("Acme".into()), ..Brand::NONE };
        let back = Some("https://example.com/?a=1&b=\"2\"");
        let link = "<p><a href=\"https://example.com/?a=1&amp;b=&quot;2&quot;\" rel=\"noreferrer\" \
                    class=\"button\">Back to the website</a></p>\n";
        for (language, back, brand, main) in [
            (
                Language::En,
                back,
                &Brand::NONE,
                format!("<h1>Thank you</h1>\n<p>example.com has received your message.</p>\n{link}"),
            ),
            (Language::En, back, &acme, format!("<h1>Thank you</h1>\n<p>Acme has received your message.</p>\n{link}")),
            (Language::Ko, None, &acme, "<h1>감사합니다</h1>\n<p>Acme에서 메시지를 접수했습니다.</p>\n".to_owned()),
            (Language::Ko, None, &Brand::NONE, "<h1>감사합니다</h1>\n<p>메시지가 접수되었습니다.</p>\n".to_owned()),
        ] {
            let name = if brand == &acme { "<p class=\"brand\">Acme</p>\n" } else { "" };
            assert_eq!(thanks(language, back, brand, None), format!("{name}{}{main}", mark(true)));
        }
        let demo = thanks(Language::En, None, &Brand::NONE, Some("http://127.0.0.1:8788/#salesmap"));
        assert!(
            demo.ends_with(
                "<p><a href=\"http://127.0.0.1:8788/#salesmap\">See the record in the fake CRM</a> · \
                 <a href=\"/console/#/inbox\">See its deliveries</a></p>\n"
            ),
            "{demo}"
        );
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
            assert_eq!(
                thanks(Language::En, Some(address), &Brand::NONE, None).contains("<a "),
                expected,
                "{address:?}"
            );
        }
    }
}
