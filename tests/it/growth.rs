//! How long it takes to accept a submission and to pick it for delivery, by how many are stored already. A report
//! (`make growth`), not a test: what must hold on any machine is that statements run by an index, which `plans` shows.

use std::time::Duration;

use fakes::Fake;
use fakes::webhook::Webhook;
use serde_json::json;

use crate::world::{World, now};

const SECRET: &str = "whsec_Zm9ybWNvdXJpZXIgaW4gZGV2ZWxvcG1lbnQ=";

/// Submissions posted for each size.
const POSTS: usize = 200;

/// Fills the tables of an object that has them, in SQL and by the platform, up to so many submissions: most are delivered,
/// one in a hundred waits for a later try. Ids are of the last days, so that none of them is to be purged.
fn prelude(stored: usize) -> String {
    FILL.replace("STORED", &stored.to_string())
}

const FILL: &str = r#"
globalThis.onObject = (ctx) => {
  const sql = ctx.storage.sql;
  const has = sql.exec("SELECT name FROM sqlite_master WHERE name = 'submission'").toArray().length;
  if (!has || sql.exec("SELECT id FROM submission WHERE id LIKE '%-ffffffffffff' LIMIT 1").toArray().length) return;
  if (!sql.exec("SELECT id FROM submission LIMIT 1").toArray().length) return;
  const now = Date.now();
  const rows = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < STORED),
    row AS (SELECT i, ${now} - 86400000 + i AS at FROM n),
    ided AS (SELECT i, at, printf('%08x-%04x-7000-8000-%s', at >> 16, at & 65535,
      CASE i WHEN STORED THEN 'ffffffffffff' ELSE printf('%012x', i) END) AS id FROM row)`;
  sql.exec(rows + ` INSERT INTO submission (id, received_at, body, digest, visitor, reasons)
    SELECT id, at, json_object('id', id, 'form', 'contact', 'received_at', at,
      'fields', json_array(json_array('email', 'visitor' || i || '@example.com'))), 'digest' || i, 'visitor' || i, '[]' FROM ided`);
  sql.exec(rows + ` INSERT INTO delivery (submission_id, destination, state, attempts, next_at, progress, record)
    SELECT id, 'hook', CASE WHEN i % 100 THEN 'delivered' ELSE 'pending' END, 1, at + 864000000, '{"facts":{}}',
      json_object('id', id) FROM ided`);
  sql.exec(rows + ` INSERT INTO attempt (submission_id, destination, number, at, millis, step, status, verdict, detail)
    SELECT id, 'hook', 1, at, 20, 'post', 200, 'delivered', '' FROM ided`);
};
"#;

fn world(stored: usize) -> World {
    let vars = json!({
        "FORM_CONTACT": { "destinations": ["hook"] },
        "DESTINATION_HOOK": { "crm": "webhook", "url": "https://hooks.example.com/leads" },
    });
    let fakes: Vec<Box<dyn Fake>> = vec![Box::new(Webhook::new(SECRET))];
    World::with_prelude(&vars, &[("HOOK_SIGNING_SECRET", SECRET)], fakes, &prelude(stored))
}

/// The middle one and the one that only one in twenty is slower than.
fn middle_and_slow(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() * 19 / 20])
}

/// The world whose outbox holds this many.
fn filled(stored: usize) -> World {
    let mut world = world(stored);
    let first = world.submit("contact", "email=first%40example.com");
    world.delivered("contact", &first);
    // The tables are there; the next life of the object begins with filling them.
    world.worker.kill_and_restart();
    let path = format!("/api/forms/contact/submissions/{first}");
    let token = format!("Bearer {}", crate::world::ADMIN_TOKEN);
    let start = now();
    while world.send("GET", &path, &[("authorization", &token)], b"").status != 200 {
        assert!(start.elapsed() < Duration::from_mins(5), "it is not filled\n{}", world.worker.log());
    }
    println!("growth: {stored} submissions filled in {:.1?}", start.elapsed());
    world
}

#[test]
#[ignore = "a report that takes minutes: `make growth`"]
fn growth() {
    for stored in [100, 10_000, 1_000_000] {
        let world = filled(stored);
        let listed = (0..20).map(|_| {
            let start = now();
            assert_eq!(world.newest("contact")["fields"][0][0], "email");
            start.elapsed()
        });
        let listed = middle_and_slow(listed.collect());
        let before = world.fakes.requests("webhook").len();
        let (mut accepted, mut picked) = (Vec::new(), Vec::new());
        for number in 0..POSTS {
            let start = now();
            world.submit("contact", &format!("email=new{number}%40example.com"));
            accepted.push(start.elapsed());
            while world.fakes.requests("webhook").len() <= before + number {
                std::thread::sleep(Duration::from_micros(500));
            }
            picked.push(start.elapsed());
        }
        let rows = [
            ("accepted", middle_and_slow(accepted)),
            ("at the CRM", middle_and_slow(picked)),
            ("the operator's first page", listed),
        ];
        for (what, (middle, slow)) in rows {
            println!("growth: {stored} stored, {what} after {middle:.1?}, 95 of 100 within {slow:.1?}");
        }
        assert_eq!(world.fakes.requests("webhook").len(), before + POSTS);
    }
}
