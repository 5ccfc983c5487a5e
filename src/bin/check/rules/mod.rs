//! The rules of `make check`, for the top level of `wrangler.toml` and for every `[env.*]`.
//!
//! Each is checked as wrangler would deploy it: an environment inherits neither vars nor bindings
//! (<https://developers.cloudflare.com/workers/wrangler/configuration/#non-inheritable-keys>).

mod platform;
#[cfg(test)]
mod tests;
mod warnings;

use std::fmt::Write as _;

use crate::file::Node;
use formcourier::config::{Config, ExpectedSecret, names, secrets};
use formcourier::intake::form::{Access, Form};
use serde_json::{Value, json};

/// The longest var: <https://developers.cloudflare.com/workers/platform/limits/#environment-variables>.
const VAR_BYTES: usize = 5 * 1024;

/// How many vars and secrets the free plan takes.
const FREE_VARS: usize = 64;

/// Vars for local development only.
const LOCAL: &[&str] = &["DEMO", "CRM_ORIGIN"];

/// The endings of secrets' names, and of public vars that look like secrets.
const SECRET_ENDINGS: &[&str] = &["_TOKEN", "_KEY", "_SECRET", "_PASSWORD"];
const PUBLIC_ENDINGS: &[&str] = &["_SITE_KEY", "_PUBLIC_KEY"];

/// The result of checking a `wrangler.toml`.
#[derive(Debug, Default)]
pub struct Report {
    /// What must be fixed, by line.
    pub errors: Vec<Finding>,
    /// Valid settings that would lose visitors or leads, by line.
    pub warnings: Vec<Finding>,
    /// For the top level and every `[env.*]` with vars: the secrets to set, and a summary.
    pub summaries: Vec<String>,
    /// The same for programs: the secrets and the forms of each.
    pub environments: Vec<Value>,
}

/// An error or a warning.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1.
    pub line: usize,
    /// The message; an environment's begins with `[env.staging] `.
    pub text: String,
}

fn prefix(environment: Option<&str>) -> String {
    environment.map(|name| format!("[env.{name}] ")).unwrap_or_default()
}

fn env_option(environment: Option<&str>) -> String {
    environment.map(|name| format!(" --env {name}")).unwrap_or_default()
}

/// `1 form`, `2 forms`.
fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// What a program needs to know to send a form.
fn described(form: &Form) -> Value {
    let token = match &form.access {
        Access::Token { secret } => Some(secret),
        Access::Public => None,
    };
    let origin = form.allowed_origins.first().map(|rule| {
        let host = if rule.subdomains { format!("www.{}", rule.host) } else { rule.host.clone() };
        let port = rule.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{host}{port}", rule.scheme)
    });
    json!({
        "name": form.name,
        "destinations": form.destinations,
        "required": form.required,
        "origin": origin,
        "token": token,
        "turnstile": form.turnstile.is_some(),
    })
}

/// Checks the text of the file at `path`.
pub fn check(path: &str, text: &str) -> Report {
    let mut report = Report::default();
    let root = match Node::parse(text) {
        Ok(root) => root,
        Err((line, text)) => {
            report.errors.push(Finding { line, text });
            return report;
        }
    };
    Checking { report: &mut report, path, root: &root, name: None, node: &root }.run();
    for (name, node) in root.get("env").map(|env| env.members.as_slice()).unwrap_or_default() {
        Checking { report: &mut report, path, root: &root, name: Some(name), node }.run();
    }
    report.errors.sort_by_key(|finding| finding.line);
    report.warnings.sort_by_key(|finding| finding.line);
    report
}

/// One environment being checked.
struct Checking<'a> {
    report: &'a mut Report,
    path: &'a str,
    root: &'a Node,
    name: Option<&'a str>,
    node: &'a Node,
}

impl Checking<'_> {
    fn run(mut self) {
        self.tables_outside_vars();
        let Some(vars) = self.node.get("vars") else {
            if self.name.is_some() {
                self.warn(self.node.line, "has no vars, so it has no forms: wrangler does not inherit them");
            }
            return;
        };
        if !vars.json.is_object() {
            self.error(vars.line, "vars: is not a table");
            return;
        }
        let config = Config::from_vars(vars.members.iter().map(|(name, node)| (name.as_str(), &node.json)));
        for error in &config.errors {
            let line = vars.get(&error.var).map_or(vars.line, |var| var.line_of(&error.key));
            self.error(line, &error.to_string());
        }
        let expected = config.expected_secrets();
        for (name, node) in &vars.members {
            self.var(name, node, &expected);
        }
        let all = vars.members.len() + expected.len();
        if all > FREE_VARS {
            let text =
                format!("has {all} vars and secrets; Cloudflare's free plan takes {FREE_VARS}, the paid one 128");
            self.warn(vars.line, &text);
        }
        self.warnings(vars, &config);
        // A top level that only holds what its environments inherit has no forms and needs nothing.
        if !(config.forms.is_empty() && config.broken.is_empty()) {
            self.platform();
            self.summarize(&config, &expected);
        }
    }

    /// Lists the secrets to set and says that the file is valid.
    fn summarize(&mut self, config: &Config, expected: &[ExpectedSecret]) {
        let own = expected.iter().map(|secret| (secret.name.as_str(), format!("{}: {}", secret.owner, secret.why)));
        let recommended = secrets::RECOMMENDED.iter().map(|(name, loss)| (*name, format!("recommended: {loss}")));
        let rows: Vec<_> = own.chain(recommended).collect();
        self.report.environments.push(json!({
            "name": self.name,
            "secrets": rows.iter().map(|(name, why)| json!({ "name": name, "why": why })).collect::<Vec<_>>(),
            "forms": config.forms.values().map(described).collect::<Vec<_>>(),
        }));
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let (prefix, env) = (prefix(self.name), env_option(self.name));
        let mut text = format!(
            "{prefix}Secrets to set, each with `npx wrangler secret put NAME{env}` (local: add it to .dev.vars):\n"
        );
        for (name, why) in rows {
            let _ = writeln!(text, "  {name:width$}  {why}");
        }
        let (forms, destinations) = (config.forms.len(), config.destinations.len());
        let (forms, destinations) = (count(forms, "form"), count(destinations, "destination"));
        let environment = self.name.map(|name| format!(" [env.{name}]")).unwrap_or_default();
        self.report.summaries.push(format!("{text}{}{environment} is valid: {forms}, {destinations}", self.path));
    }

    /// Forms and destinations outside `vars`: wrangler deploys without them, and its warning is easily missed.
    fn tables_outside_vars(&mut self) {
        for (key, node) in self.node.members.iter().filter(|(key, _)| !matches!(key.as_str(), "vars" | "env")) {
            let inner = node.members.iter().map(|(name, node)| (name, node));
            let found = std::iter::once((key, node)).chain(inner);
            for (name, node) in found.filter(|(name, node)| names::is_ours(name) && node.json.is_object()) {
                let table = self.name.map_or_else(|| format!("vars.{name}"), |env| format!("env.{env}.vars.{name}"));
                self.error(node.line, &format!("{name}: is outside vars, so it is not read; write [{table}]"));
            }
        }
    }

    /// Rules for one var. A value that is not a table is not shown: it may be a secret.
    fn var(&mut self, name: &str, node: &Node, expected: &[ExpectedSecret]) {
        let is_ours = names::is_ours(name);
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.to_ascii_uppercase().ends_with(ending));
        let is_secret = secrets::is_own(name) || expected.iter().any(|secret| secret.name == name);
        if LOCAL.contains(&name) {
            self.error(node.line, &format!("{name}: is for local development only; move it to .dev.vars"));
        } else if is_secret || (!is_ours && ends(SECRET_ENDINGS) && !ends(PUBLIC_ENDINGS)) {
            let env = env_option(self.name);
            let text = format!(
                "{name}: is a secret and does not belong in this file; delete it here and run `npx wrangler secret put \
                 {name}{env}` (local: add it to .dev.vars)"
            );
            self.error(node.line, &text);
        } else if !is_ours && !names::ACCESS.contains(&name) {
            let text = format!("{name}: formcourier does not read it; forms are FORM_*, destinations DESTINATION_*");
            // `FORMS_CONTACT` is a misspelled form and no other program's var.
            if node.get("destinations").or_else(|| node.get("type")).is_some() {
                self.error(node.line, &text);
            } else {
                self.warn(node.line, &text);
            }
        }
        let bytes = node.json.as_str().map_or_else(|| node.json.to_string().len(), str::len);
        if bytes > VAR_BYTES {
            self.error(node.line, &format!("{name}: has {bytes} bytes as JSON; Cloudflare takes {VAR_BYTES} a var"));
        }
    }

    fn error(&mut self, line: usize, text: &str) {
        self.error_at(self.name, line, text);
    }

    /// An error of this environment or of the top level. What several environments inherit is reported once.
    fn error_at(&mut self, environment: Option<&str>, line: usize, text: &str) {
        let finding = Finding { line, text: format!("{}{text}", prefix(environment)) };
        if !self.report.errors.contains(&finding) {
            self.report.errors.push(finding);
        }
    }

    fn warn(&mut self, line: usize, text: &str) {
        self.report.warnings.push(Finding { line, text: format!("{}{text}", prefix(self.name)) });
    }
}
