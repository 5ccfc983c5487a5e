//! The rate limit: Workers' own binding, <https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/>.
//!
//! It counts per Cloudflare location and roughly, which is enough against floods. A binding that is missing or failing
//! lets people through: a limit that cannot count must not cost a lead. The limits stand in `wrangler.toml`.

use worker::Env;

use crate::guard::rate::address_key;

use super::log;

/// The binding that counts a form's submissions.
const FORM: &str = "FORM_RATE";

/// The binding that counts one address's submissions to a form.
const ADDRESS: &str = "ADDRESS_RATE";

/// Whether this submission is still within the limits. The address is asked first: what is refused there does not use up
/// what the form allows to others.
pub async fn within(env: &Env, form: &str, address: Option<&str>) -> bool {
    if let Some(address) = address
        && !is_allowed(env, ADDRESS, address_key(form, address)).await
    {
        return false;
    }
    is_allowed(env, FORM, form.to_owned()).await
}

async fn is_allowed(env: &Env, binding: &str, key: String) -> bool {
    // Without the binding there is no limit, which is a choice and no failure.
    let Ok(limiter) = env.rate_limiter(binding) else { return true };
    match limiter.limit(key).await {
        Ok(outcome) => outcome.success,
        Err(error) => {
            log::failure(binding, &error);
            true
        }
    }
}
