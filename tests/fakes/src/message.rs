//! A request as a fake sees it, and a response as it gives it.

use serde_json::{Value, json};

/// One request, read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// The host that the Worker meant (`api.stateset.com`), or the fake's own when it was reached through `CRM_ORIGIN`.
    pub host: String,
    /// The path, percent-encoded as it was sent, without the query.
    pub path: String,
    /// The query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Request {
    /// A header's value; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }

    /// Reads a request and its time in milliseconds: `{"now", "method", "host", "path", "query", "headers", "body"}`. A
    /// program around the fakes writes down each request that may change them, and asks them all again at its next start.
    pub fn from_json(question: &Value) -> (Self, i64) {
        let text = |name: &str| question[name].as_str().unwrap_or_default().to_owned();
        let headers = question["headers"].as_array().into_iter().flatten();
        let request = Self {
            method: text("method"),
            host: text("host"),
            path: text("path"),
            query: form_urlencoded::parse(text("query").as_bytes()).into_owned().collect(),
            headers: headers.filter_map(|pair| Some((pair[0].as_str()?.into(), pair[1].as_str()?.into()))).collect(),
            body: text("body"),
        };
        (request, question["now"].as_i64().unwrap_or_default())
    }

    /// The opposite.
    pub fn to_json(&self, now_ms: i64) -> Value {
        let Self { method, host, path, query, headers, body } = self;
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        json!({ "now": now_ms, "method": method, "host": host, "path": path, "query": query, "headers": headers, "body": body })
    }
}

/// A fake's response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers besides `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Response {
    /// A JSON response.
    #[allow(clippy::needless_pass_by_value, reason = "callers build it with json! in place")]
    pub fn json(status: u16, body: Value) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned())];
        Self { status, headers, body: body.to_string() }
    }

    /// An HTML response.
    pub fn html(status: u16, body: impl Into<String>) -> Self {
        let headers = vec![("Content-Type".to_owned(), "text/html; charset=utf-8".to_owned())];
        Self { status, headers, body: body.into() }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
