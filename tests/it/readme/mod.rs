//! The README and the pages beside it, held against the code: what they show must work, what they list must be all there is.

mod live;
mod markdown;
mod reference;

use serde_json::{Map, Value};

use markdown::Page;

/// The README.
fn readme() -> Page {
    Page::read("README.md")
}

/// The page of the CRMs.
fn crms() -> Page {
    Page::read("docs/crms.md")
}

/// The vars of a piece of `wrangler.toml`.
fn vars_of(toml: &str) -> Map<String, Value> {
    let mut table: Map<String, Value> = toml::from_str(toml).unwrap_or_else(|error| panic!("{error}\n{toml}"));
    match table.remove("vars") {
        Some(Value::Object(vars)) => vars,
        _ => Map::new(),
    }
}

/// The example of `var` on a page; the first, when there are several.
fn example(page: &Page, var: &str) -> Value {
    let found = page.blocks("toml").iter().find_map(|block| vars_of(block).remove(var));
    found.unwrap_or_else(|| panic!("{} has no example of {var}", page.name))
}
