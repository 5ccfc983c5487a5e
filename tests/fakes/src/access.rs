//! The keys of a Cloudflare Access team:
//! <https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/>.

use serde_json::{Value, json};

use crate::{Fake, Request, Response};

/// A team that publishes these public keys, as JWKs.
#[derive(Debug, Default)]
pub struct Access {
    /// The keys, each with its `kid`.
    pub keys: Vec<Value>,
}

impl Fake for Access {
    fn name(&self) -> &'static str {
        "access"
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["acme.cloudflareaccess.com"]
    }

    fn answer(&mut self, request: &Request, _now_ms: i64) -> Response {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/cdn-cgi/access/certs") => Response::json(200, json!({ "keys": self.keys, "public_certs": [] })),
            _ => Response::html(404, "Not Found"),
        }
    }

    fn records(&self) -> Vec<Value> {
        Vec::new()
    }
}
