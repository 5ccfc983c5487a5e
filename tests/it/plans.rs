//! Every statement of the Outbox finds its rows by an index. The platform's own SQLite explains the statements of the
//! sources on the real schema.

use std::fs;

use fakes::Workerd;
use fakes::workerd::root;
use formcourier::outbox::schema::SCHEMA;
use serde_json::{Value, json};

const LAB: &str = r#"
import { DurableObject } from "cloudflare:workers";
export class Lab extends DurableObject {
  async fetch(request) {
    const sql = this.ctx.storage.sql;
    const { setup, queries } = await request.json();
    for (const statement of setup) sql.exec(statement);
    const explain = (query) => {
      const count = Math.max((query.match(/\?(?!\d)/g) ?? []).length, ...(query.match(/\?\d/g) ?? []).map((name) => +name.slice(1)), 0);
      return sql.exec("EXPLAIN QUERY PLAN " + query, ...Array(count).fill("1")).toArray().map((row) => row.detail);
    };
    return Response.json(queries.map(explain));
  }
}
export default { fetch: (request, env) => env.LAB.get(env.LAB.idFromName("lab")).fetch(request) };
"#;

/// Tables without a row per lead, and lists that are bound: they may be read whole.
const SMALL: &[&str] = &["destination", "alert", "note", "outbox", "unwell", "schema_version", "json_each"];

/// Runs once in the life of an Outbox, right at its beginning.
const ONCE: &[&str] = &["SELECT id, visitor FROM submission WHERE visitor IS NOT NULL"];

/// The text literals of a Rust source, without its tests, that are SQL statements.
fn statements(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    let lines: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    for (number, literal) in lines.join("\n").split('"').enumerate() {
        let text = literal.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = text.replace("{columns}", "state = ?, next_at = ?");
        if number % 2 == 1 && ["SELECT ", "INSERT ", "UPDATE ", "DELETE "].iter().any(|verb| text.starts_with(verb)) {
            found.push(text);
        }
    }
    found
}

fn all_statements() -> Vec<String> {
    let folder = root().join("src/outbox");
    let files = fs::read_dir(&folder).expect("the store's sources").map(|entry| entry.expect("an entry").path());
    let files = files.filter(|path| path.is_file() && !path.ends_with("tests.rs"));
    let mut all: Vec<String> =
        files.flat_map(|path| statements(&fs::read_to_string(path).expect("a source"))).collect();
    all.sort();
    all.dedup();
    all
}

/// The plans of these queries after the setup.
fn plans(setup: &[&str], queries: &[String]) -> Vec<Vec<String>> {
    let lab = Workerd::lab(LAB);
    let body = json!({ "setup": setup, "queries": queries }).to_string();
    let mut answer = ureq::post(format!("http://{}/", lab.address)).send(body).expect("an answer");
    let text = answer.body_mut().read_to_string().expect("a body");
    let plans: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{}", lab.log()));
    serde_json::from_value(plans).expect("plans")
}

/// The steps of a plan that read a large table from one end to the other, or sort what they read.
fn slow_steps<'a>(statement: &str, plan: &'a [String]) -> Vec<&'a String> {
    // The first rows of a table in its own order: SQLite calls that a scan, too.
    let takes_first =
        !statement.contains("WHERE") && ["LIMIT 1", "LIMIT ?"].iter().any(|limit| statement.ends_with(limit));
    // A few days at a time.
    let is_range = statement.contains("submission_id >= ? AND submission_id < ?");
    let is_slow = |step: &&String| {
        let words: Vec<&str> = step.split_whitespace().collect();
        match words.as_slice() {
            ["SCAN", "CONSTANT", "ROW"] => false,
            // A partial index holds only the rows that are wanted.
            ["SCAN", _, "USING", .., "INDEX", index] => !PARTIAL.contains(index),
            // What a bounded query found.
            ["SCAN", table, ..] => !takes_first && !SMALL.contains(table) && !table.starts_with('('),
            ["USE", "TEMP", "B-TREE", "FOR", "GROUP", "BY"] => !is_range,
            // What is pending, in the order of ids.
            ["USE", "TEMP", "B-TREE", "FOR", "ORDER", "BY"] => !statement.contains("INDEXED BY delivery_due"),
            ["USE", "TEMP", "B-TREE", ..] => true,
            _ => false,
        }
    };
    plan.iter().filter(is_slow).collect()
}

/// Partial indexes that a statement walks along: it stops at the first row, or counts them.
const PARTIAL: &[&str] = &["delivery_due", "delivery_quarantined", "delivery_stuck"];

#[test]
fn every_statement_finds_its_rows_by_an_index() {
    let mut setup = vec!["CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)"];
    setup.extend(SCHEMA);
    let statements = all_statements();
    assert!(statements.len() >= 30, "only {} statements were found in the sources: {statements:#?}", statements.len());
    let plans = plans(&setup, &statements);
    let slow: Vec<_> = statements
        .iter()
        .zip(&plans)
        .filter(|(statement, plan)| !ONCE.contains(&statement.as_str()) && !slow_steps(statement, plan).is_empty())
        .map(|(statement, plan)| format!("{statement}\n    {}", plan.join("\n    ")))
        .collect();
    assert!(slow.is_empty(), "these read whole tables:\n{}", slow.join("\n"));
}

#[test]
fn a_statement_without_an_index_is_seen() {
    let setup = ["CREATE TABLE lead (id TEXT PRIMARY KEY, email TEXT) WITHOUT ROWID"];
    let queries = [
        "SELECT id FROM lead WHERE email = ?",
        "SELECT id FROM lead WHERE id = ?",
        "SELECT id FROM lead WHERE id > ? ORDER BY email",
        "UPDATE lead SET email = NULL WHERE email = ?1",
        "SELECT id FROM lead ORDER BY email LIMIT 1",
        "SELECT id FROM lead ORDER BY id LIMIT 1",
    ];
    let plans = plans(&setup, &queries.map(str::to_owned));
    let slow = queries.iter().zip(&plans).map(|(query, plan)| !slow_steps(query, plan).is_empty());
    assert_eq!(slow.collect::<Vec<_>>(), [true, false, true, true, true, false], "{plans:#?}");
}
