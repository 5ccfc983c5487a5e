//! A request to the operator API, after its authorization.

use std::cell::RefCell;

use serde::de::DeserializeOwned;
use worker::Env;

use crate::edge::request::Body;
use crate::intake::{Reply, Visit};

use super::access::Actor;
use crate::edge::answer::error;

/// The longest JSON that a route takes, in bytes.
const JSON_BYTES: usize = 64 * 1024;

/// A reply; as an `Err`, a refusal.
pub type Answer = Result<Reply, Reply>;

/// An authorized request.
#[derive(Debug)]
pub struct Call<'a> {
    /// The request.
    pub visit: &'a Visit,
    /// The Worker's environment.
    pub env: &'a Env,
    /// The operator.
    pub actor: Actor,
    body: RefCell<Option<Body>>,
}

impl<'a> Call<'a> {
    /// An authorized request.
    pub fn new(visit: &'a Visit, env: &'a Env, actor: Actor, body: Body) -> Self {
        Self { visit, env, actor, body: RefCell::new(Some(body)) }
    }

    /// The body, up to `limit` bytes; it can be read once.
    pub async fn body(&self, limit: usize) -> Result<Vec<u8>, Reply> {
        let body = self.body.borrow_mut().take();
        let Some(body) = body else { return Ok(Vec::new()) };
        let refused = |_| error(413, &format!("the body did not arrive, or is longer than {limit} bytes"));
        body.read(limit).await.map_err(refused)
    }

    /// The JSON of the body; an empty body is an empty object.
    pub async fn json<T: DeserializeOwned>(&self) -> Result<T, Reply> {
        let body = self.body(JSON_BYTES).await?;
        let body = if body.is_empty() { b"{}" } else { body.as_slice() };
        // The message names members and types, and quotes no value that is a text.
        serde_json::from_slice(body).map_err(|why| error(400, &format!("the body is not what this route takes: {why}")))
    }
}
