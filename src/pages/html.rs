//! Writes HTML, with text from outside escaped.

/// A piece of a page in the making.
#[derive(Debug, Default)]
pub struct Html(String);

impl Html {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// Markup of ours. `'static`, so that no text from outside can come in this way.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text from anywhere.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // A parser turns a bare CR into LF; as a reference it stays what the visitor sent.
                '\r' => self.0.push_str("&#13;"),
                other => self.0.push(other),
            }
        }
        self
    }

    /// ` name="value"`, the value escaped.
    pub fn attribute(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.raw(" ").raw(name).raw("=\"").text(value).raw("\"")
    }

    /// An element with nothing but text in it: `tag` may hold attributes of ours (`p class="hint"`).
    pub fn element(&mut self, tag: &'static str, text: &str) -> &mut Self {
        let name = tag.split(' ').next().unwrap_or(tag);
        self.raw("<").raw(tag).raw(">").text(text).raw("</").raw(name).raw(">\n")
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_text() {
        let mut html = Html::new();
        html.element("p class=\"hint\"", "<b>\"Ada\" & 'Bob'</b>\r\n")
            .raw("<a")
            .attribute("href", "\"><script>")
            .raw(">");
        assert_eq!(
            html.finish(),
            "<p class=\"hint\">&lt;b&gt;&quot;Ada&quot; &amp; &#39;Bob&#39;&lt;/b&gt;&#13;\n</p>\n<a href=\"&quot;&gt;&lt;script&gt;\">"
        );
    }
}
