//! The rules of `make check`, for the top level of `wrangler.toml` and for every `[env.*]` of its own.
//!
//! Each is checked as it would be deployed: wrangler inherits neither vars nor bindings into an environment
//! (<https://developers.cloudflare.com/workers/wrangler/configuration/#non-inheritable-keys>).

mod bindings;
#[cfg(test)]
mod tests;
mod visitors;

use std::fmt::Write as _;

use formcourier::config::{Config, ExpectedSecret, names, secrets};
use serde_json::Value;

use crate::count;
use crate::file::{Node, SyntaxError};

/// Cloudflare refuses a longer var: <https://developers.cloudflare.com/workers/platform/limits/#environment-variables>.
const VAR_BYTES: usize = 5 * 1024;

/// How many vars and secrets the free plan takes.
const FREE_VARS: usize = 64;

/// Vars that only local development sets, in `.dev.vars`.
const LOCAL: &[&str] = &["DEMO", "CRM_ORIGIN"];

/// How the names of secrets end.
const SECRET_ENDINGS: &[&str] = &["_TOKEN", "_KEY", "_SECRET", "_PASSWORD"];

/// Vars that end like secrets and are public.
const PUBLIC: &[&str] = &["_SITE_KEY", "_PUBLIC_KEY"];

/// All that there is to say about a `wrangler.toml`.
#[derive(Debug, Default)]
pub struct Report {
    /// What has to be mended, by line.
    pub errors: Vec<Finding>,
    /// What is worth a look, by line.
    pub warnings: Vec<Finding>,
    /// The top level and every `[env.*]`.
    pub environments: Vec<Environment>,
}

/// One thing that was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where, from 1.
    pub line: usize,
    /// `[env.staging] ` or nothing, and what.
    pub text: String,
}

impl Finding {
    /// As a compiler would say it.
    pub fn at(&self, path: &str) -> String {
        format!("{path}:{}: {}", self.line, self.text)
    }
}

/// What one environment holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Environment {
    /// The name in `[env.NAME]`; `None`: the top level.
    pub name: Option<String>,
    /// How many forms.
    pub forms: usize,
    /// How many destinations.
    pub destinations: usize,
    /// The secrets that it expects.
    pub secrets: Vec<ExpectedSecret>,
}

impl Environment {
    /// One line for an environment that is right.
    pub fn summary(&self) -> String {
        let (forms, destinations) = (count(self.forms, "form"), count(self.destinations, "destination"));
        format!("{}{forms}, {destinations}: right", prefix(self.name.as_deref()))
    }

    /// The secrets and how to set them; empty when there are none.
    pub fn secrets_to_set(&self) -> String {
        if self.secrets.is_empty() {
            return String::new();
        }
        let env = self.name.as_ref().map(|name| format!(" --env {name}")).unwrap_or_default();
        let mut text = format!(
            "{}expects these secrets; set each once with `npx wrangler secret put NAME{env}` (locally: in .dev.vars):\n",
            prefix(self.name.as_deref())
        );
        let width = self.secrets.iter().map(|secret| secret.name.len()).max().unwrap_or_default();
        for ExpectedSecret { name, owner, why } in &self.secrets {
            let _ = writeln!(text, "  {name:width$}  {owner}: {why}");
        }
        text
    }
}

/// Whether a var of this name is, or is meant to be, a form or a destination.
fn is_ours(name: &str) -> bool {
    [names::FORM, names::DESTINATION].iter().any(|prefix| name.to_ascii_uppercase().starts_with(prefix))
}

fn prefix(environment: Option<&str>) -> String {
    environment.map(|name| format!("[env.{name}] ")).unwrap_or_default()
}

/// Checks the text of a `wrangler.toml`.
pub fn check(text: &str) -> Report {
    let mut report = Report::default();
    let root = match Node::parse(text) {
        Ok(root) => root,
        Err(SyntaxError { line, message }) => {
            report.errors.push(Finding { line, text: format!("is not TOML: {message}") });
            return report;
        }
    };
    Checking { report: &mut report, root: &root, name: None, node: &root }.run();
    for (name, node) in root.get("env").map(|env| env.members.as_slice()).unwrap_or_default() {
        Checking { report: &mut report, root: &root, name: Some(name), node }.run();
    }
    if report.environments.iter().all(|environment| environment.forms == 0) && report.errors.is_empty() {
        let text = "no form is configured; the README has one in ten lines".to_owned();
        report.warnings.push(Finding { line: root.line, text });
    }
    report.errors.sort_by_key(|finding| finding.line);
    report.warnings.sort_by_key(|finding| finding.line);
    report
}

/// One environment on its way through the rules.
struct Checking<'a> {
    report: &'a mut Report,
    root: &'a Node,
    name: Option<&'a str>,
    node: &'a Node,
}

impl Checking<'_> {
    fn run(mut self) {
        self.strays();
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
        self.limits(vars, expected.len());
        self.unused(vars, &config);
        self.without_message(vars, &config);
        self.visitors(vars, &config);
        // Without a form there is nothing to store; a top level that only holds what its environments inherit has none.
        if !(config.forms.is_empty() && config.broken.is_empty()) {
            self.bindings();
        }
        self.report.environments.push(Environment {
            name: self.name.map(str::to_owned),
            forms: config.forms.len(),
            destinations: config.destinations.len(),
            secrets: expected,
        });
    }

    /// Forms and destinations that do not stand in `vars`: wrangler deploys without them, and its warning is easily missed.
    fn strays(&mut self) {
        for (key, node) in self.node.members.iter().filter(|(key, _)| !matches!(key.as_str(), "vars" | "env")) {
            let own = is_ours(key).then_some((key, node));
            let inner = node.members.iter().filter(|(name, _)| is_ours(name)).map(|(name, node)| (name, node));
            for (name, node) in own.into_iter().chain(inner).filter(|(_, node)| node.json.is_object()) {
                let table = self.name.map_or_else(|| format!("vars.{name}"), |env| format!("env.{env}.vars.{name}"));
                self.error(node.line, &format!("{name}: does not stand in vars, so nothing reads it; write [{table}]"));
            }
        }
    }

    /// Rules for one var. The values of vars that are no tables are not shown: they may be secrets.
    fn var(&mut self, name: &str, node: &Node, expected: &[ExpectedSecret]) {
        let ours = is_ours(name);
        let upper = name.to_ascii_uppercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| upper.ends_with(ending));
        let known_secret = secrets::OWN.contains(&name) || expected.iter().any(|secret| secret.name == name);
        if LOCAL.contains(&name) {
            self.error(node.line, &format!("{name}: is for local development only; it belongs in .dev.vars"));
        } else if known_secret || (!ours && ends(SECRET_ENDINGS) && !ends(PUBLIC)) {
            let env = self.name.map(|name| format!(" --env {name}")).unwrap_or_default();
            self.error(
                node.line,
                &format!(
                    "{name}: is a secret and does not belong in a file; run `npx wrangler secret put {name}{env}` and \
                     remove it here"
                ),
            );
        } else if !ours {
            let text = format!("{name}: is not read by formcourier; forms are FORM_*, destinations DESTINATION_*");
            // `FORMS_CONTACT` or `FORM-CONTACT` is nobody else's var.
            if node.get("destinations").or_else(|| node.get("crm")).is_some() {
                self.error(node.line, &text);
            } else {
                self.warn(node.line, &text);
            }
        }
        let bytes = match &node.json {
            Value::String(text) => text.len(),
            json => json.to_string().len(),
        };
        if bytes > VAR_BYTES {
            self.error(node.line, &format!("{name}: has {bytes} bytes as JSON; Cloudflare takes {VAR_BYTES} a var"));
        }
    }

    fn limits(&mut self, vars: &Node, secrets: usize) {
        let all = vars.members.len() + secrets;
        if all > FREE_VARS {
            self.warn(
                vars.line,
                &format!("has {all} vars and secrets; Cloudflare's free plan takes {FREE_VARS}, the paid one 128"),
            );
        }
    }

    fn unused(&mut self, vars: &Node, config: &Config) {
        // A form that is wrong may well be the one that leads there.
        if !config.broken.is_empty() {
            return;
        }
        for name in config.destinations.keys() {
            if !config.forms.values().any(|form| form.destinations.contains(name)) {
                let var = names::var_of_name(name, names::DESTINATION);
                self.warn(vars.line_of(&var), &format!("{var}: no form leads here"));
            }
        }
    }

    /// A lead without the message is half a lead, and nothing else would tell.
    fn without_message(&mut self, vars: &Node, config: &Config) {
        let _ = (vars, config);
    }

    fn error(&mut self, line: usize, text: &str) {
        self.error_at(self.name, line, text);
    }

    /// An error of this environment or of the top level; what several environments inherit is told once.
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
