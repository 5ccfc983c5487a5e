//! Why nothing can be sent to a Destination as the Worker is configured now.
//!
//! A deploy or a new secret ends it, not time. So deliveries that meet an obstacle use up no try, are not tried over and
//! over, say what they wait for, and are due the moment it is gone.

use crate::config::{Config, Lookup, names};
use crate::crm::call::SealError;
use crate::crm::{Trouble, Why};

/// What keeps deliveries of `form` from `destination`, if anything does; `is_set` says whether a secret is set.
pub fn obstacle(config: &Config, form: &str, destination: &str, is_set: impl Fn(&str) -> bool) -> Option<Trouble> {
    let config_trouble = |text: String| Some(Trouble::new(Why::Config, text));
    match config.form(form) {
        Lookup::Found(_) => {}
        Lookup::Broken => return config_trouble(format!("the configuration of the form {form} has mistakes")),
        Lookup::Unknown => return config_trouble(format!("the form {form} is not configured")),
    }
    let Some(found) = config.destination(destination) else {
        return config_trouble(format!("the destination {destination} is not configured"));
    };
    let mut secrets = found.crm.secrets().iter().map(|secret| names::secret_name(destination, secret));
    secrets.find(|name| !is_set(name)).and_then(|name| config_trouble(SealError::Missing(name).to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_obstacle_says_what_to_do_about_it() {
        let vars = [
            ("DESTINATION_HOOK", json!({ "crm": "webhook", "url": "https://hooks.example.com/" })),
            ("FORM_CONTACT", json!({ "destinations": ["hook"] })),
            ("FORM_WRONG", json!({ "destinations": ["hook"], "typo": 1 })),
        ];
        let config = Config::from_vars(vars.iter().map(|(name, value)| (*name, value)));
        let found = |form, destination, secret: bool| {
            obstacle(&config, form, destination, |name| secret && name == "HOOK_SIGNING_SECRET")
                .map(|trouble| (trouble.why, trouble.detail))
        };
        let says = |text: &str| Some((Why::Config, text.to_owned()));
        assert_eq!(found("contact", "hook", true), None);
        assert_eq!(
            found("contact", "hook", false),
            says("the secret HOOK_SIGNING_SECRET is not set: run `npx wrangler secret put HOOK_SIGNING_SECRET`")
        );
        assert_eq!(found("contact", "salesmap", true), says("the destination salesmap is not configured"));
        assert_eq!(found("gone", "hook", true), says("the form gone is not configured"));
        assert_eq!(found("wrong", "hook", true), says("the configuration of the form wrong has mistakes"));
    }
}
