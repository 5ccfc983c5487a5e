//! The README, docs/ and examples/ compared with the code: what they show works, what they list is complete.

mod live;
mod markdown;
mod reference;

use serde_json::{Map, Value};

use markdown::Page;

/// The vars of a piece of `wrangler.toml`.
fn vars_of(toml: &str) -> Map<String, Value> {
    let mut table: Map<String, Value> = toml::from_str(toml).unwrap_or_else(|error| panic!("{error}\n{toml}"));
    match table.remove("vars") {
        Some(Value::Object(vars)) => vars,
        _ => Map::new(),
    }
}

/// The first example of `var` on a page.
fn example(page: &Page, var: &str) -> Value {
    let found = page.blocks("toml").iter().find_map(|block| vars_of(block).remove(var));
    found.unwrap_or_else(|| panic!("{} has no example of {var}", page.name))
}
