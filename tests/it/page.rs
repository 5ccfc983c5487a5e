//! Reads our own pages as a browser would: the form on it, what is in its fields, and the body that it would send.

use std::fmt::Write as _;

use crate::intake::BROWSER;
use crate::world::{Reply, World};

/// The form of a page.
#[derive(Debug, PartialEq, Eq)]
pub struct PageForm {
    pub method: String,
    pub action: String,
    pub enctype: String,
    /// Name and value of every field that would be sent, in order.
    pub fields: Vec<(String, String)>,
}

/// The content of `main`.
pub fn main_of(reply: &Reply) -> &str {
    let rest = reply.body.split_once("<main>\n").map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split_once("</main>")).map(|(main, _)| main).expect("a page")
}

/// The only form of a page.
pub fn form_of(reply: &Reply) -> Option<PageForm> {
    let main = main_of(reply);
    let (_, rest) = main.split_once("<form ")?;
    let (tag, rest) = rest.split_once('>')?;
    let (inside, after) = rest.split_once("</form>")?;
    assert!(!after.contains("<form "), "one form: {main}");
    let own = |name| attribute(tag, name).unwrap_or_default();
    Some(PageForm { method: own("method"), action: own("action"), enctype: own("enctype"), fields: fields_of(inside) })
}

/// Every field in a piece of a page, in order, `readonly` ones too.
pub fn fields_of(html: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, after) = after.split_once('>').expect("a tag ends");
        rest = after;
        let value = if tag.starts_with("input ") {
            attribute(tag, "value").unwrap_or_default()
        } else if tag.starts_with("textarea ") {
            let (text, after) = after.split_once("</textarea>").expect("a textarea ends");
            rest = after;
            // A parser drops one line break right after the tag.
            unescaped(text.strip_prefix('\n').unwrap_or(text))
        } else {
            continue;
        };
        fields.push((attribute(tag, "name").expect("a field has a name"), value));
    }
    fields
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\"")).or_else(|| tag.split_once(&format!("{name}=\"")))?;
    rest.split_once('"').map(|(value, _)| unescaped(value))
}

fn unescaped(html: &str) -> String {
    let mut text = html.to_owned();
    for (reference, character) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#13;", "\r"), ("&amp;", "&")]
    {
        text = text.replace(reference, character);
    }
    text
}

impl PageForm {
    /// The same form with other text in one of its fields.
    pub fn typed(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|(key, _)| key == name).expect("a field of this name");
        value.clone_into(&mut field.1);
        self
    }

    /// Sends it as a browser does: multipart, line breaks as CRLF, from our own origin with the page as referrer.
    pub fn send(&self, world: &World) -> Reply {
        assert_eq!((self.method.as_str(), self.enctype.as_str()), ("post", "multipart/form-data"));
        let mut body = String::new();
        for (name, value) in &self.fields {
            let name = name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22");
            let value = value.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
            let _ = write!(body, "--page\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        body += "--page--\r\n";
        let origin = format!("http://{}", world.worker.address);
        let headers = [
            ("accept", BROWSER),
            ("content-type", "multipart/form-data; boundary=page"),
            ("sec-fetch-mode", "navigate"),
            ("origin", &origin),
            ("referer", &format!("{origin}{}", self.action)),
        ];
        world.send("POST", &self.action, &headers, body.as_bytes())
    }
}
