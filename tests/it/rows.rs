//! What the platform bills: the rows that an Outbox writes. Each setting of an alarm is one, too.

use std::thread;
use std::time::Duration;

use fakes::Mood;
use serde_json::{Value, json};

use crate::filled::{Filling, backlog, fillable};
use crate::hooks::{SECRETS, answer, fakes, hook, slow_hook, vars, wait_for_records};
use crate::world::{World, at_once, delivery, quick};

/// JavaScript that logs the rows that each statement reads and writes, and each setting of an alarm.
pub const COUNTING: &str = r"
const before = globalThis.onObject;
globalThis.onObject = (ctx) => {
  before?.(ctx);
  const { storage, id } = ctx, { sql, setAlarm } = storage;
  const log = (cursor) => console.log(`rows ${id.name} ${cursor.rowsRead} ${cursor.rowsWritten}`);
  const exec = (statement, ...given) => {
    const cursor = sql.exec(statement, ...given);
    if (!statement.startsWith('SELECT')) { log(cursor); return cursor; }
    const raw = cursor.raw.bind(cursor);
    cursor.raw = () => {
      const rows = raw(), toArray = rows.toArray.bind(rows);
      rows.toArray = () => { const all = toArray(); log(cursor); return all; };
      return rows;
    };
    return cursor;
  };
  Object.defineProperty(storage, 'sql', { value: { exec } });
  Object.defineProperty(storage, 'setAlarm', { value: (...given) => {
    console.log(`rows ${id.name} 0 1`);
    return setAlarm.apply(storage, given);
  } });
};
";

/// The rows that each statement of `outbox` and each setting of its alarm wrote, since the log had this length.
fn statements(world: &World, outbox: &str, since: usize) -> Vec<u64> {
    let log = world.worker.log();
    let lines = log[since..].lines().filter_map(|line| line.strip_prefix(&format!("rows {outbox} ")));
    lines.filter_map(|line| line.split(' ').nth(1)?.parse().ok()).collect()
}

/// A world that counts, in which one lead was delivered.
fn counting(destination: Value) -> World {
    let secrets = [SECRETS, &[("HOOK_TOKEN", "t1")]].concat();
    let world = World::with_prelude(&vars(&[("hook", destination)]), &secrets, fakes(), COUNTING);
    let first = world.submit("contact", "name=Kim&email=first%40example.com");
    world.delivered("contact", &first);
    at_rest();
    world
}

/// The alarm ends after its last call.
fn at_rest() {
    thread::sleep(Duration::from_millis(500));
}

#[test]
fn a_lead_writes_few_rows() {
    // As many attempts as in the product's schedule.
    let mut failing = hook();
    failing["retry"] = json!(vec!["100ms"; 11]);
    let salesmap = quick(json!({ "type": "salesmap" }));
    // How the CRM answers -> state, attempts, rows written.
    let cases = [
        ("webhook", slow_hook(), None, ("delivered", 1), 7),
        ("webhook", failing, Some(Mood::Answer(answer(503))), ("exhausted", 12), 41),
        // A person, and a lead: its create is stored as in doubt, with the person, before it leaves.
        ("salesmap", salesmap, None, ("delivered", 1), 8),
    ];
    at_once(cases.into(), |(fake, destination, mood, (state, attempts), expected)| {
        let world = counting(destination);
        world.fakes.always(fake, mood);
        let since = world.worker.log().len();
        let id = world.submit("contact", "name=Kim&email=second%40example.com");
        let view = world.settled("contact", &id);
        at_rest();
        let written: u64 = statements(&world, "contact", since).iter().sum();
        let found = delivery(&view, "hook");
        assert_eq!((&found["state"], &found["attempts"]), (&json!(state), &json!(attempts)));
        // On a slow machine, a retry or two may be late, and a late one is stored before it is made.
        let late = if attempts > 1 { 6 } else { 0 };
        assert!(
            (expected..=expected + late).contains(&written),
            "{written} rows, {fake}, {state}: {}",
            &world.worker.log()[since..]
        );
    });
}

#[test]
fn a_backlog_takes_three_statements_and_rows_a_lead() {
    const LEADS: usize = 200;
    let filling = Filling { prelude: COUNTING, ..backlog(LEADS) };
    let mut world = fillable(&vars(&[("hook", slow_hook())]), SECRETS, fakes(), &filling);
    let since = world.worker.log().len();
    world.worker.kill_and_restart();
    world.worker.run_cron();
    wait_for_records(&world, "webhook", 1 + LEADS);
    at_rest();
    // It is read with its submission, its attempt begins, and ends. Besides, the tables are opened, and an alarm ends.
    let statements = statements(&world, "contact", since);
    let (count, written) = (statements.len(), statements.iter().sum::<u64>());
    assert!((LEADS..=LEADS * 33 / 10).contains(&count), "{count} statements");
    assert!((LEADS..=LEADS * 23 / 10).contains(&usize::try_from(written).unwrap()), "{written} rows");
}
