//! Valid settings that would lose visitors or leads. They may be intended, so they are warnings.

use formcourier::config::{Config, names};
use formcourier::domain::settings::typos;
use formcourier::domain::{Address, LeadField, Template};
use formcourier::intake::form::{Form, Source};
use formcourier::intake::map::recognize::recognize;
use serde_json::Value;

use super::Checking;
use crate::file::Node;

/// Words of templates besides the lead fields. `form` is left out: `from` is a field of many pages.
const SYSTEM_WORDS: &[&str] = &["submission_id", "submitted_at"];

impl Checking<'_> {
    pub(super) fn warnings(&mut self, vars: &Node, config: &Config) {
        for form in config.forms.values() {
            let var = names::var_of_name(&form.name, names::FORM);
            let mut found = self.hosts(form);
            let required =
                form.required.iter().map(|field| (field, "required".to_owned(), "every visitor is rejected"));
            let ruled = form.rules.iter().map(|rule| &rule.field);
            let ruled = ruled.map(|field| (field, format!("rules.{field}"), "the rule does nothing"));
            for (field, key, loss) in required.chain(ruled).filter(|(field, ..)| !is_mapped(config, field)) {
                found.extend(near_miss(field).map(|word| {
                    let text =
                        format!("\"{field}\" looks like \"{word}\"; if no field of your page has that name, {loss}");
                    (key, text)
                }));
            }
            for (key, text) in found {
                self.warn(vars.line_of(&format!("{var}.{key}")), &format!("{var}: {key}: {text}"));
            }
        }
        for (var, node) in vars.members.iter().filter(|(var, _)| names::is_ours(var)) {
            self.texts(var, "", node, config);
        }
        for destination in config.destinations.values().filter(|destination| !destination.connector.takes_note()) {
            let var = names::var_of_name(&destination.name, names::DESTINATION);
            let title = destination.descriptor.title;
            let text = format!(
                "{var}: the visitor's message will not reach {title}; docs/connectors.md says which keys it takes"
            );
            self.warn(vars.line_of(&var), &text);
        }
        // A form with errors may send there.
        for name in config.destinations.keys().filter(|_| config.broken.is_empty()) {
            if !config.forms.values().any(|form| form.destinations.contains(name)) {
                let var = names::var_of_name(name, names::DESTINATION);
                self.warn(vars.line_of(&var), &format!("{var}: no form sends to this destination"));
            }
        }
    }

    /// Hosts and paths that fail for every visitor.
    fn hosts(&self, form: &Form) -> Vec<(String, String)> {
        let mut found = Vec::new();
        // With a route such as `www.example.com/f/*`, the website serves the other paths.
        let is_part =
            ["route", "routes"].into_iter().any(|key| self.level(key).0.json[key].to_string().contains("/f/"));
        let redirect = form.redirect.as_deref().filter(|path| path.starts_with('/') && !path.starts_with("/f/"));
        if let Some(path) = redirect.filter(|_| !is_part) {
            let text = format!("this Worker has no page {path}; write the full address: \"https://…{path}\"");
            found.push(("redirect".to_owned(), text));
        }
        let origins = form.allowed_origins.iter().map(|rule| rule.host.as_str()).collect::<Vec<_>>();
        let widgets = form.turnstile.iter().flat_map(|it| &it.hostnames).map(String::as_str).collect();
        for (key, hosts) in [("allowed_origins", origins), ("turnstile.hostnames", widgets)] {
            let is_loopback = |host: &&str| matches!(*host, "localhost" | "127.0.0.1" | "[::1]");
            if !hosts.is_empty() && hosts.iter().all(is_loopback) {
                let text = "lists only this machine, so every visitor is rejected; add your website";
                found.push((key.to_owned(), text.to_owned()));
            }
        }
        found
    }

    /// Checks every text of a form or destination: placeholder addresses, this machine's, and variables with a typo.
    fn texts(&mut self, var: &str, key: &str, node: &Node, config: &Config) {
        for (name, member) in &node.members {
            // A list's items have no names.
            let name = if name.starts_with('[') { "" } else { name };
            let dot = if key.is_empty() || name.is_empty() { "" } else { "." };
            let key = format!("{key}{dot}{name}");
            self.texts(var, &key, member, config);
        }
        let Value::String(text) = &node.json else { return };
        let host = text.rsplit("://").next().unwrap_or_default().split(['/', ':', '?', '#']).next().unwrap_or_default();
        let is_example = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
        if ["example.com", "example.org", "example.net"].into_iter().any(is_example) {
            self.warn(node.line, &format!("{var}: {key}: {host} is a placeholder; write your own address"));
        }
        let is_destination = var.starts_with(names::DESTINATION);
        if is_destination && Address::parse(text).is_ok_and(|address| address.is_loopback()) {
            self.warn(node.line, &format!("{var}: {key}: is this machine, which a deployed Worker cannot reach"));
        }
        let Ok(template) = Template::parse(text) else { return };
        for name in template.variables().filter(|name| !is_mapped(config, name)) {
            if let Some(word) = near_miss(name) {
                let text =
                    format!("{{{name}}} looks like {{{word}}}; if no field of your page has that name, it stays empty");
                self.warn(node.line, &format!("{var}: {key}: {text}"));
            }
        }
    }
}

/// The known word that differs from a field's name by one typo. A recognized name is never a typo.
fn near_miss(name: &str) -> Option<&'static str> {
    let is_known = LeadField::from_name(name).is_some() || SYSTEM_WORDS.contains(&name) || recognize(name).is_some();
    let mut words = LeadField::ALL.iter().map(|field| field.name()).chain(SYSTEM_WORDS.iter().copied());
    words.find(|word| !is_known && typos(name, word) <= 1)
}

/// Whether a form's `map` names the field, so it exists.
fn is_mapped(config: &Config, field: &str) -> bool {
    let sources = config.forms.values().flat_map(|form| &form.map);
    sources
        .into_iter()
        .any(|(_, source)| matches!(source, Source::Fields(names) if names.iter().any(|name| name == field)))
}
