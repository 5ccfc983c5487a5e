//! Outboxes that hold many submissions. Posting them would take minutes, so the platform fills the tables in SQL when the
//! object starts.

use fakes::Fake;
use serde_json::Value;

use crate::world::{ADMIN_TOKEN, World, now};

/// What fills the tables of the form `contact`, whose destination is `hook`. The SQL may name a row's number `i`, which
/// counts from the oldest on, and the time `at` when it came in.
pub struct Filling {
    pub count: usize,
    /// The state of its delivery.
    pub state: &'static str,
    /// How many attempts it used up.
    pub attempts: &'static str,
    /// When it is due.
    pub next_at: &'static str,
    /// In how many of the last days they came in, evenly.
    pub days: u32,
    /// JavaScript that runs behind what fills the tables.
    pub prelude: &'static str,
}

/// An ordinary history: most are delivered, one in a hundred waits for a later attempt.
pub fn history(count: usize) -> Filling {
    let state = "CASE WHEN i % 100 THEN 'delivered' ELSE 'pending' END";
    Filling { count, state, attempts: "1", next_at: "at + 864000000", days: 1, prelude: "" }
}

/// All of them have been due for hours; every second one was never tried, the others up to three times.
pub fn backlog(count: usize) -> Filling {
    Filling { count, state: "'pending'", attempts: "(i % 2) * (1 + i % 3)", next_at: "at", days: 1, prelude: "" }
}

const FILL: &str = r#"
globalThis.onObject = (ctx) => {
  const sql = ctx.storage.sql;
  const has = sql.exec("SELECT name FROM sqlite_master WHERE name = 'submission'").toArray().length;
  if (!has || sql.exec("SELECT id FROM submission WHERE id LIKE '%-ffffffffffff' LIMIT 1").toArray().length) return;
  if (!sql.exec("SELECT id FROM submission LIMIT 1").toArray().length) return;
  const now = Date.now();
  const rows = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < COUNT),
    row AS (SELECT i, ${now} - DAYS * 86400000 + i * (DAYS * 86400000 / (COUNT + 1)) AS at FROM n),
    stored AS (SELECT i, at, printf('%08x-%04x-7000-8000-%s', at >> 16, at & 65535,
      CASE i WHEN COUNT THEN 'ffffffffffff' ELSE printf('%012x', i) END) AS id,
      STATE AS state, ATTEMPTS AS attempts, NEXT_AT AS next_at FROM row)`;
  sql.exec(rows + ` INSERT INTO submission (id, received_at, bytes, body, fields, digest, visitor, reasons)
    SELECT id, at, 1000, json_object('id', id, 'form', 'contact', 'received_at', at, 'fields', json_array()),
      '5:email' || length('visitor' || i || '@example.com') || ':visitor' || i || '@example.com', 'digest' || i, 'visitor' || i, '[]' FROM stored`);
  sql.exec(rows + ` INSERT INTO delivery
    (submission_id, destination, state, attempts, next_at, not_before, cut_short, progress, record, timeline)
    SELECT id, 'hook', state, attempts, next_at, 0, 0, '{}', iif(state = 'delivered', json_object('id', id), NULL),
      json_array(json_object('at', at, 'ms', 20, 'step', 'post', 'status', iif(state = 'delivered', 200, 503),
        'outcome', iif(state = 'delivered', 'delivered', 'retry'), 'detail', '')) FROM stored`);
};
"#;

/// A world whose Outbox has its tables and one delivered lead, and is filled at its next start.
pub fn fillable(vars: &Value, secrets: &[(&str, &str)], fakes: Vec<Box<dyn Fake>>, filling: &Filling) -> World {
    let prelude = FILL
        .replace("COUNT", &filling.count.to_string())
        .replace("STATE", filling.state)
        .replace("ATTEMPTS", filling.attempts)
        .replace("NEXT_AT", filling.next_at)
        .replace("DAYS", &filling.days.to_string())
        + filling.prelude;
    let world = World::with_prelude(vars, secrets, fakes, &prelude);
    let first = world.submit("contact", "email=first%40example.com");
    world.delivered("contact", &first);
    world
}

/// Restarts a fillable world and waits until it is filled.
pub fn fill(world: &mut World) {
    world.worker.kill_and_restart();
    let token = format!("Bearer {ADMIN_TOKEN}");
    let start = now();
    while world.send("GET", "/api/submissions?form=contact", &[("authorization", &token)], b"").status != 200 {
        assert!(start.elapsed() < std::time::Duration::from_mins(5), "it is not filled\n{}", world.worker.log());
    }
}
