//! What is right in itself and would still turn visitors away, or take their leads elsewhere: worth a look, because only
//! the operator knows whether it is meant.

use formcourier::config::address::Address;
use formcourier::config::{Config, Form, names};
use serde_json::Value;

use super::Checking;
use crate::file::Node;

/// Less than this, in bytes, and a message of some sentences does not fit: then kilobytes were meant.
const SHORT_BODY: usize = 1024;
const SHORT_VALUE: usize = 256;

/// Fields that hardly any page hides.
const FILLED_IN: &[&str] = &["name", "email", "message"];

impl Checking<'_> {
    /// Everything of the kind, of every form and destination that is right.
    pub(super) fn visitors(&mut self, vars: &Node, config: &Config) {
        for form in config.forms.values() {
            let var = names::var_of_name(&form.name, names::FORM);
            for (key, text) in self.of_form(form, config) {
                self.warn(vars.line_of(&format!("{var}.{key}")), &format!("{var}: {key}: {text}"));
            }
        }
    }

    fn of_form(&self, form: &Form, config: &Config) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if let Some(path) = form.redirect.as_deref().filter(|redirect| redirect.starts_with('/')) {
            let page = path.split(['?', '#']).next().unwrap_or_default();
            if !self.is_page(page, config) {
                found.push((
                    "redirect",
                    format!(
                        "\"{path}\" is a path on the Worker's own host, which has no such page; write the whole address, as \
                         in \"https://www.example.com/thanks\""
                    ),
                ));
            }
        }
        let is_loopback = |host: &str| Address::parse(&format!("http://{host}")).is_ok_and(|host| host.is_loopback());
        if !form.allowed_origins.is_empty() && form.allowed_origins.iter().all(|rule| is_loopback(&rule.host)) {
            let text = "names only this machine, so no visitor may post; add your website (pages of this machine may post to \
                        `make dev` without being listed)";
            found.push(("allowed_origins", text.to_owned()));
        }
        if form.guard.turnstile.as_ref().is_some_and(|it| it.hostnames.iter().all(|host| is_loopback(host))) {
            let text = "names only this machine, so no visitor passes; add the host of your website";
            found.push(("turnstile.hostnames", text.to_owned()));
        }
        for (key, bytes, short) in [
            ("max_body_bytes", form.limits.body_bytes, SHORT_BODY),
            ("max_value_bytes", form.limits.value_bytes, SHORT_VALUE),
        ] {
            if bytes < short {
                found.push((
                    key,
                    format!("found {bytes}; it counts bytes, and a short message has more; 1 KiB is 1024"),
                ));
            }
        }
        if let Some(name) = form.guard.honeypot.as_deref().filter(|name| FILLED_IN.contains(name)) {
            let text = format!("\"{name}\" is what people fill in; where they see it, every lead is kept as spam");
            found.push(("honeypot", text));
        }
        found
    }

    /// Whether a visitor who is sent to this path of the Worker's host finds a page there: the Worker's own, or one of the
    /// website, where a route leads only a part of its paths to the Worker.
    fn is_page(&self, path: &str, config: &Config) -> bool {
        if let Some(name) = path.strip_prefix("/f/") {
            return name.strip_suffix("/thanks").is_some_and(|name| config.forms.contains_key(name));
        }
        let several = self.level("routes").0.json["routes"].as_array().cloned().unwrap_or_default();
        let single = self.level("route").0.json.get("route").cloned();
        several.iter().chain(&single).any(leads_a_part)
    }
}

/// `www.example.com/f/*`, as a text or in a table.
fn leads_a_part(route: &Value) -> bool {
    let pattern = route.as_str().or_else(|| route["pattern"].as_str()).unwrap_or_default();
    let pattern = pattern.split_once("://").map_or(pattern, |(_, rest)| rest);
    pattern.split_once('/').is_some_and(|(_, path)| !path.is_empty() && !path.starts_with('*'))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{HOOK, findings};

    /// The warnings for the form `a` with these keys, at line 3 if they have one.
    fn warned(keys: &str) -> Vec<String> {
        let (errors, warnings) =
            findings(&format!("[vars.FORM_A]\n{keys}\ndestinations = \"hook\"\n[vars.DESTINATION_HOOK]\n{HOOK}"));
        assert_eq!(errors, [""; 0], "{keys}");
        warnings
    }

    #[test]
    fn a_redirect_to_a_page_that_is_not_there() {
        let told = |path: &str, line: usize| {
            vec![format!(
                "w:{line}: FORM_A: redirect: \"{path}\" is a path on the Worker's own host, which has no such page; write the \
                 whole address, as in \"https://www.example.com/thanks\""
            )]
        };
        assert_eq!(warned("redirect = \"/thanks\""), told("/thanks", 3));
        assert_eq!(warned("redirect = \"/f/a\""), told("/f/a", 3));
        assert_eq!(warned("redirect = \"/f/b/thanks\""), told("/f/b/thanks", 3));
        for right in ["/f/a/thanks", "/f/a/thanks?from=a#b", "https://www.example.com/thanks"] {
            assert_eq!(warned(&format!("redirect = \"{right}\"")), [""; 0], "{right}");
        }
        let file = |route: &str| {
            let form = "[vars.FORM_A]\nredirect = \"/thanks\"\ndestinations = \"hook\"\n[vars.DESTINATION_HOOK]\n";
            findings(&format!("{route}\n{form}{HOOK}")).1
        };
        for whole in [
            "routes = [{ pattern = \"forms.example.com\", custom_domain = true }]",
            "route = \"forms.example.com/*\"",
            "routes = [\"https://forms.example.com/\"]",
        ] {
            assert_eq!(file(whole), told("/thanks", 4), "{whole}");
        }
        for part in [
            "routes = [{ pattern = \"www.example.com/f/*\", zone_name = \"example.com\" }]",
            "route = \"https://www.example.com/f/*\"",
            "route = { pattern = \"www.example.com/f/*\", zone_name = \"example.com\" }",
        ] {
            assert_eq!(file(part), [""; 0], "{part}");
        }
    }

    #[test]
    fn nobody_but_this_machine() {
        let origins = "w:3: FORM_A: allowed_origins: names only this machine, so no visitor may post; add your website (pages \
                       of this machine may post to `make dev` without being listed)";
        assert_eq!(warned("allowed_origins = [\"http://localhost:3000\", \"http://127.0.0.1\"]"), [origins]);
        assert_eq!(warned("allowed_origins = [\"http://localhost:3000\", \"https://www.example.com\"]"), [""; 0]);
        let hosts = "w:3: FORM_A: turnstile.hostnames: names only this machine, so no visitor passes; add the host of your website";
        assert_eq!(warned("turnstile = { hostnames = [\"localhost\"] }"), [hosts]);
        assert_eq!(warned("turnstile = { hostnames = [\"localhost\", \"www.example.com\"] }"), [""; 0]);
    }

    #[test]
    fn kilobytes_that_are_written_as_bytes() {
        let told = |key: &str, bytes: usize| {
            vec![format!(
                "w:3: FORM_A: {key}: found {bytes}; it counts bytes, and a short message has more; 1 KiB is 1024"
            )]
        };
        assert_eq!(warned("max_body_bytes = 512"), told("max_body_bytes", 512));
        assert_eq!(warned("max_value_bytes = 64"), told("max_value_bytes", 64));
        assert_eq!(warned("max_body_bytes = 1024\nmax_value_bytes = 256"), [""; 0]);
    }

    #[test]
    fn a_honeypot_that_everybody_fills_in() {
        let told =
            "w:3: FORM_A: honeypot: \"email\" is what people fill in; where they see it, every lead is kept as spam";
        assert_eq!(warned("honeypot = \"email\""), [told]);
        assert_eq!(warned("honeypot = \"website\""), [""; 0]);
    }

    #[test]
    fn leads_that_go_elsewhere() {
        let file = |destinations: &str| {
            let (errors, warnings) = findings(&format!("[vars.FORM_A]\ndestinations = [\"x\", \"y\"]\n{destinations}"));
            assert_eq!(errors, [""; 0]);
            warnings
        };
        let hook = |name: &str, url: &str| format!("[vars.DESTINATION_{name}]\ncrm = \"webhook\"\nurl = \"{url}\"\n");
        let two = |x: &str, y: &str| file(&format!("{}{}", hook("X", x), hook("Y", y)));
        assert_eq!(
            two("https://hooks.example.com/1", "https://hooks.example.com/1"),
            ["w:3: FORM_A: destinations: \"x\" and \"y\" post to the same url, which gets every lead twice"]
        );
        assert_eq!(two("https://hooks.example.com/1", "https://hooks.example.com/2"), [""; 0]);
        assert_eq!(
            two("https://hooks.example.com/1", "http://localhost:5678/2"),
            ["w:9: DESTINATION_Y: url: is this machine, which a deployed Worker cannot reach"]
        );
        let squared =
            |name: &str, host: &str| format!("[vars.DESTINATION_{name}]\ncrm = \"leadsquared\"\nhost = \"{host}\"\n");
        let (typo, right) = (squared("X", "api-in21.leadsqaured.com"), squared("Y", "api-in21.leadsquared.com"));
        assert_eq!(
            file(&format!("{typo}{right}")),
            [
                "w:6: DESTINATION_X: host: api-in21.leadsqaured.com is no host of leadsquared.com, and leads and keys are sent \
                 there"
            ]
        );
    }
}
