//! What a Worker with forms needs from Cloudflare besides its vars, and the rate limits, which are a choice.

use serde_json::Value;

use super::Checking;
use crate::file::Node;

/// A key that a Worker with forms needs, whether it is right, and the error if it is not. `{env}` becomes `env.NAME.` in an
/// environment.
type Need = (&'static str, fn(&Node) -> bool, &'static str);

const NEEDS: &[Need] = &[
    (
        "durable_objects.bindings",
        |node| {
            let mut bindings = items(&node.json, "/durable_objects/bindings").iter();
            bindings.any(|binding| binding["name"] == "OUTBOX" && binding["class_name"] == "Outbox")
        },
        "has no Outbox; add [[{env}durable_objects.bindings]] with name = \"OUTBOX\" and class_name = \"Outbox\"",
    ),
    (
        "migrations",
        |node| {
            let migrations = items(&node.json, "/migrations").iter();
            migrations.flat_map(|migration| items(migration, "/new_sqlite_classes")).any(|class| class == "Outbox")
        },
        "has no migration for the Outbox; add [[{env}migrations]] with tag = \"v1\" and new_sqlite_classes = [\"Outbox\"]",
    ),
    (
        "triggers.crons",
        |node| !items(&node.json, "/triggers/crons").is_empty(),
        "has no cron trigger, so a lost alarm is never found; add [{env}triggers] with crons = [\"*/5 * * * *\"]",
    ),
    (
        "compatibility_date",
        |node| node.get("compatibility_date").is_some(),
        "has no compatibility_date; add compatibility_date = \"2026-10-01\"",
    ),
];

/// The binding of a rate limit, what happens without it, and the limit of the shipped file.
const RATES: &[(&str, &str, u32)] = &[
    ("FORM_RATE", "a form may be sent any number of times", 120),
    ("ADDRESS_RATE", "one address may send a form any number of times", 10),
    ("NETWORK_RATE", "one address may be refused any number of times", 60),
];

impl<'a> Checking<'a> {
    pub(super) fn platform(&mut self) {
        for (place, is_met, error) in NEEDS {
            let (node, name) = self.level(place.split('.').next().unwrap_or_default());
            if !is_met(node) {
                self.error_at(name, node.line_of(place), &error.replace("{env}", &env(name)));
            }
        }
        let (node, name) = self.level("observability");
        let setting = |pointer: &str| node.json.pointer(pointer).and_then(Value::as_bool);
        if setting("/observability/enabled") == Some(true) && setting("/observability/traces/enabled") != Some(false) {
            let text = format!(
                "traces would record the full address of every request; add [{}observability.traces] with enabled = false",
                env(name)
            );
            self.warn(node.line_of("observability.traces.enabled"), &text);
        }
        for (name, without, limit) in RATES {
            let rates = items(&self.node.json, "/ratelimits");
            let Some(at) = rates.iter().position(|binding| binding["name"] == *name) else {
                let text = format!(
                    "has no {name}, so {without}; add [[{}ratelimits]] with name = \"{name}\", a namespace_id not \
                     used elsewhere in your account and simple = {{ limit = {limit}, period = 60 }}",
                    env(self.name)
                );
                self.warn(self.node.line_of("ratelimits"), &text);
                continue;
            };
            if let Some(var) = self.node.get("vars").and_then(|vars| vars.get(name)) {
                self.error(var.line, &format!("{name}: is the name of the rate limit; rename the form"));
            }
            // Wrangler deploys it without a warning.
            let limit = &rates[at]["simple"]["limit"];
            if limit.as_f64().is_some_and(|limit| limit < 1.0) {
                let text = format!("{name}: a limit of {limit} rejects every visitor; for no limit, delete the table");
                self.error(self.node.line_of(&format!("ratelimits[{at}].simple.limit")), &text);
            }
        }
    }

    /// Where a key is, or belongs: in the environment if it has its own, else at the top level. Bindings are not inherited
    /// (<https://developers.cloudflare.com/workers/wrangler/configuration/#non-inheritable-keys>).
    pub(super) fn level(&self, key: &str) -> (&'a Node, Option<&'a str>) {
        let is_own = self.node.get(key).is_some() || key == "durable_objects";
        if is_own { (self.node, self.name) } else { (self.root, None) }
    }
}

fn env(name: Option<&str>) -> String {
    name.map(|name| format!("env.{name}.")).unwrap_or_default()
}

fn items<'a>(json: &'a Value, pointer: &str) -> &'a [Value] {
    json.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
