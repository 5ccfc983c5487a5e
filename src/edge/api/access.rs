//! Who may use the operator API.

use worker::Env;

use crate::config::secrets::admin_token_error;
use crate::intake::{Reply, Visit};

use super::answer::error;
use crate::edge::environment;

/// Who asks: `token`, or an address of Cloudflare Access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(pub String);

/// Who asks, or the reply to whoever may not.
pub async fn authorize(visit: &Visit, env: &Env) -> Result<Actor, Reply> {
    let Some(token) = environment::secret(env, "ADMIN_TOKEN") else {
        return Err(error(404, "there is no operator API: run `npx wrangler secret put ADMIN_TOKEN`"));
    };
    if let Some(why) = admin_token_error(Some(&token), visit.is_local()) {
        return Err(error(503, why));
    }
    if visit.has_bearer(&token) {
        Ok(Actor("token".to_owned()))
    } else {
        Err(error(401, "wrong ADMIN_TOKEN: send it as `Authorization: Bearer`"))
    }
}
