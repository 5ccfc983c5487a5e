//! What a Worker with forms needs from Cloudflare: the Outbox and its migration, the cron trigger, a compatibility date;
//! and the rate limits, which are a choice.
//!
//! An `[env.*]` inherits what is not a binding, unless it has its own
//! (<https://developers.cloudflare.com/workers/wrangler/configuration/#inheritable-keys>).

use serde_json::Value;

use super::Checking;
use crate::file::Node;

/// The date that the shipped file has and the tests run with.
pub(super) const COMPATIBILITY_DATE: &str = "2026-10-01";

/// The binding of a rate limit, what happens without it, and the limit of the shipped file.
const RATES: &[(&str, &str, u32)] = &[
    ("FORM_RATE", "a form may be sent any number of times", 120),
    ("ADDRESS_RATE", "one address may send a form any number of times", 10),
];

impl<'a> Checking<'a> {
    pub(super) fn platform(&mut self) {
        let is_outbox = |binding: &Value| binding["name"] == "OUTBOX" && binding["class_name"] == "Outbox";
        if !items(self.node, "/durable_objects/bindings").iter().any(is_outbox) {
            let table = table(self.name, "durable_objects.bindings");
            let text = format!("has no Outbox; add [[{table}]] with name = \"OUTBOX\" and class_name = \"Outbox\"");
            self.error(self.node.line_of("durable_objects.bindings"), &text);
        }
        self.migration();
        self.inherited(
            "triggers",
            "triggers.crons",
            |node| !items(node, "/triggers/crons").is_empty(),
            |table| {
                format!(
                    "has no cron trigger, so a lost alarm is never found; add [{table}] with crons = [\"*/5 * * * *\"]"
                )
            },
        );
        self.inherited(
            "compatibility_date",
            "compatibility_date",
            |node| node.get("compatibility_date").is_some(),
            |_| format!("has no compatibility_date; add compatibility_date = \"{COMPATIBILITY_DATE}\""),
        );
        self.rates();
    }

    fn migration(&mut self) {
        let makes = |node: &Node, key: &str| {
            let classes = items(node, "/migrations").iter().filter_map(|migration| migration[key].as_array());
            classes.flatten().any(|class| class == "Outbox")
        };
        let (node, name) = self.level("migrations");
        if makes(node, "new_classes") {
            let text = "migrations: Outbox needs SQLite; write new_sqlite_classes instead of new_classes";
            self.error_at(name, node.line_of("migrations"), text);
            return;
        }
        self.inherited("migrations", "migrations", |node| makes(node, "new_sqlite_classes"), |table| {
            format!(
                "has no migration for the Outbox; add [[{table}]] with tag = \"v1\" and new_sqlite_classes = [\"Outbox\"]"
            )
        });
    }

    /// Reports what is missing below an inherited key: in the environment if it has the key, else at the top level.
    fn inherited(
        &mut self,
        key: &str,
        place: &str,
        is_there: impl Fn(&Node) -> bool,
        missing: impl Fn(&str) -> String,
    ) {
        let (node, name) = self.level(key);
        if !is_there(node) {
            self.error_at(name, node.line_of(place), &missing(&table(name, key)));
        }
    }

    fn rates(&mut self) {
        for (name, without, limit) in RATES {
            let rates = items(self.node, "/ratelimits");
            let Some(at) = rates.iter().position(|binding| binding["name"] == *name) else {
                let text = format!(
                    "has no {name}, so {without}; add [[{}]] with name = \"{name}\", a namespace_id of its own and simple = \
                     {{ limit = {limit}, period = 60 }}",
                    table(self.name, "ratelimits")
                );
                self.warn(self.node.line_of("ratelimits"), &text);
                continue;
            };
            if let Some(var) = self.node.get("vars").and_then(|vars| vars.get(name)) {
                self.error(var.line, &format!("{name}: is the name of the rate limit; rename the form"));
            }
            // Wrangler deploys it without a word.
            let limit = &rates[at]["simple"]["limit"];
            if limit.as_f64().is_some_and(|limit| limit < 1.0) {
                let text = format!("{name}: a limit of {limit} rejects every visitor; for no limit, delete the table");
                self.error(self.node.line_of(&format!("ratelimits[{at}].simple.limit")), &text);
            }
        }
    }

    /// Where an inherited key is, or belongs: in the environment if it has its own, else at the top level.
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
