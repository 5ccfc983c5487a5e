//! What the Worker needs from Cloudflare besides its vars: the Outbox and its migration, without which nothing is stored;
//! the cron trigger, without which a lost alarm is never found; and the rate limits, which are a choice.
//!
//! An `[env.*]` inherits migrations and triggers as long as it has none of its own, and no bindings at all
//! (<https://developers.cloudflare.com/workers/wrangler/configuration/#inheritable-keys>).

use serde_json::Value;

use super::Checking;
use crate::file::Node;

/// The binding of a rate limit (`edge/rate.rs`), what is without it, and the limit of the shipped file.
const RATES: &[(&str, &str, u32)] = &[
    ("FORM_RATE", "a form may be sent any number of times", 120),
    ("ADDRESS_RATE", "one address may send a form any number of times", 10),
];

impl<'a> Checking<'a> {
    /// Everything that a Worker with forms needs.
    pub(super) fn bindings(&mut self) {
        self.outbox();
        self.migration();
        self.sweep();
        self.rates();
    }

    fn outbox(&mut self) {
        let is_ours = |binding: &Value| binding["name"] == "OUTBOX" && binding["class_name"] == "Outbox";
        if !items(self.node, "/durable_objects/bindings").iter().any(is_ours) {
            let table = table(self.name, "durable_objects.bindings");
            self.error(
                self.node.line_of("durable_objects.bindings"),
                &format!("has no Outbox; add [[{table}]] with name = \"OUTBOX\" and class_name = \"Outbox\""),
            );
        }
    }

    /// A class exists from the migration on that names it, or since it stands among the newer `exports`.
    fn migration(&mut self) {
        let (migrating, name) = self.level("migrations");
        let migrations = items(migrating, "/migrations");
        let makes = |key: &str| {
            let classes = migrations.iter().filter_map(|migration| migration[key].as_array()).flatten();
            classes.into_iter().any(|class| class == "Outbox" || class["to"] == "Outbox")
        };
        let is_exported =
            self.level("exports").0.json.pointer("/exports/Outbox/storage").is_some_and(|it| it == "sqlite");
        if is_exported || ["new_sqlite_classes", "renamed_classes", "transferred_classes"].into_iter().any(makes) {
            return;
        }
        let table = table(name, "migrations");
        let text = if makes("new_classes") {
            "migrations: Outbox stores with SQLite; write new_sqlite_classes instead of new_classes".to_owned()
        } else {
            format!(
                "has no migration for the Outbox; add [[{table}]] with tag = \"v1\" and new_sqlite_classes = [\"Outbox\"]"
            )
        };
        self.error_at(name, migrating.line_of("migrations"), &text);
    }

    fn sweep(&mut self) {
        let (node, name) = self.level("triggers");
        if items(node, "/triggers/crons").is_empty() {
            let table = table(name, "triggers");
            let text = format!(
                "has no cron trigger, so a lost alarm is never found; add [{table}] with crons = [\"*/5 * * * *\"]"
            );
            self.error_at(name, node.line_of("triggers.crons"), &text);
        }
    }

    fn rates(&mut self) {
        let table = table(self.name, "ratelimits");
        for (name, without, limit) in RATES {
            let is_named = |binding: &Value| binding["name"] == *name;
            // Wrangler's older place for them still works.
            if items(self.node, "/ratelimits").iter().chain(items(self.node, "/unsafe/bindings")).any(is_named) {
                // `wrangler deploy --dry-run` lists only the binding, and says nothing of the form.
                if let Some(var) = self.node.get("vars").and_then(|vars| vars.get(name)) {
                    self.error(
                        var.line,
                        &format!("{name}: is the name of the rate limit; call the form something else"),
                    );
                }
                self.rate(name);
            } else {
                self.warn(
                    self.node.line_of("ratelimits"),
                    &format!(
                        "has no {name}, so {without}; add [[{table}]] with name = \"{name}\", a namespace_id of its own and \
                         simple = {{ limit = {limit}, period = 60 }}"
                    ),
                );
            }
        }
    }

    /// Wrangler deploys a limit of 0 without a word, which is no limit for who writes it and turns everybody away.
    fn rate(&mut self, name: &str) {
        for place in ["ratelimits", "unsafe.bindings"] {
            for (at, binding) in items(self.node, &format!("/{}", place.replace('.', "/"))).iter().enumerate() {
                let limit = &binding["simple"]["limit"];
                if binding["name"] == name && limit.as_f64().is_some_and(|limit| limit < 1.0) {
                    let text = format!(
                        "{name}: simple.limit: found {limit}, with which every visitor is turned away; it takes a whole number \
                         from 1, and for no limit the table goes"
                    );
                    self.error(self.node.line_of(&format!("{place}[{at}].simple.limit")), &text);
                }
            }
        }
    }

    /// Where a key stands that is inherited, or should stand: in the environment if that has one of its own, else at the
    /// top level, where what is missing is missing for all at once.
    pub(super) fn level(&self, key: &str) -> (&'a Node, Option<&'a str>) {
        if self.node.get(key).is_some() { (self.node, self.name) } else { (self.root, None) }
    }
}

/// The name of a table of an environment, or of the top level.
fn table(environment: Option<&str>, key: &str) -> String {
    environment.map_or_else(|| key.to_owned(), |name| format!("env.{name}.{key}"))
}

fn items<'a>(node: &'a Node, pointer: &str) -> &'a [Value] {
    node.json.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
