//! The operator API on a large Outbox: what each question reads and writes, how long it takes, and the memory. `make test`
//! holds the bounds at 10,000 submissions, `make scale` reports a million.

use std::io::{BufRead as _, BufReader};

use fakes::Fake;
use fakes::webhook::Webhook;
use serde_json::{Value, json};

use crate::filled::{Filling, fill, fillable};
use crate::rows::COUNTING;
use crate::world::{ADMIN_TOKEN, World, now};

const SECRET: &str = "whsec_Zm9ybWNvdXJpZXIgaW4gZGV2ZWxvcG1lbnQ=";

/// Ninety days of which one in a hundred waits, is rejected, and is in quarantine.
const STATE: &str =
    "CASE i % 100 WHEN 1 THEN 'pending' WHEN 2 THEN 'rejected' WHEN 3 THEN 'quarantined' ELSE 'delivered' END";

/// The most memory that an export takes, in megabytes: a few parts, and the garbage that an isolate may have.
const EXPORT_MB: u64 = 100;

/// What a question cost.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    requests: usize,
    read: u64,
    written: u64,
    ms: u128,
}

struct Scale {
    world: World,
    rows: usize,
}

impl Scale {
    fn new(rows: usize) -> Self {
        let vars = json!({
            "FORM_CONTACT": { "destinations": ["hook"] },
            "DESTINATION_HOOK": { "type": "webhook", "url": "https://hooks.example.com/leads" },
        });
        let fakes: Vec<Box<dyn Fake>> = vec![Box::new(Webhook::new(SECRET))];
        let filling = Filling {
            count: rows,
            state: STATE,
            attempts: "1",
            next_at: "at + 8640000000",
            days: 89,
            prelude: COUNTING,
        };
        let mut world = fillable(&vars, &[("HOOK_SIGNING_SECRET", SECRET)], fakes, &filling);
        fill(&mut world);
        Self { world, rows }
    }

    /// Asks and measures; with `all`, every part of a list.
    fn ask(&self, what: &str, method: &str, path: &str, body: &str, all: bool) -> (Vec<Value>, Cost) {
        let (before, start) = (self.world.worker.log().len(), now());
        let (mut replies, mut path) = (Vec::new(), path.to_owned());
        loop {
            let reply = self.world.api(method, &path, body);
            let next = reply["next"].as_str().filter(|_| all).map(str::to_owned);
            replies.push(reply);
            let Some(next) = next else { break };
            let end = path.find("&before=").unwrap_or(path.len());
            path = format!("{}&before={next}", &path[..end]);
        }
        let ms = start.elapsed().as_millis();
        let log = self.world.worker.log();
        let mut cost = Cost { requests: replies.len(), ms, ..Cost::default() };
        for line in log[before..].lines().filter(|line| line.starts_with("rows ")) {
            let mut numbers = line.split(' ').skip(2).filter_map(|number| number.parse::<u64>().ok());
            cost.read += numbers.next().unwrap_or(0);
            cost.written += numbers.next().unwrap_or(0);
        }
        println!(
            "scale: {} stored, {what}: {} request(s), {} rows read, {} written, {} ms, {} MB resident",
            self.rows,
            cost.requests,
            cost.read,
            cost.written,
            cost.ms,
            resident(self.world.worker.pid()),
        );
        (replies, cost)
    }
}

/// The memory of a process in megabytes; 0 where the platform does not tell.
pub fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn found(replies: &[Value]) -> usize {
    replies.iter().map(|reply| reply["submissions"].as_array().map_or(0, Vec::len)).sum()
}

/// Asks everything; the cost of each question by its name.
fn questions(scale: &Scale) {
    let rows = u64::try_from(scale.rows).expect("a count");
    let hundredth = rows / 100;
    let bounded = |what: &str, cost: Cost, read: u64, written: u64| {
        assert!(cost.read <= read && cost.written <= written, "{what}: {cost:?}; {read} and {written} were expected");
    };
    // The first question counts what nobody has counted yet.
    let (forms, _) = scale.ask("overview, the first time", "GET", "/api/forms", "", false);
    let counts = &forms[0]["forms"][0]["counts"];
    assert_eq!(counts["received"], rows + 1);
    for (state, number) in
        [("pending", hundredth), ("rejected", hundredth), ("quarantined", hundredth), ("exhausted", 0)]
    {
        assert_eq!(counts[state], number, "{state}: {counts:#}");
    }
    assert_eq!(counts["delivered"], rows + 1 - 3 * hundredth);
    let (again, cost) = scale.ask("overview", "GET", "/api/forms", "", false);
    assert_eq!(&again[0]["forms"][0]["counts"], counts);
    // What waits, the oldest of it now and then, the days, the newest fifty with their deliveries.
    bounded("overview", cost, 5 * hundredth + 3000, 0);
    let (stats, cost) = scale.ask("90 days", "GET", "/api/stats?days=90", "", false);
    let delivered: u64 =
        stats[0]["days"].as_array().expect("days").iter().filter_map(|day| day["delivered"].as_u64()).sum();
    assert_eq!(delivered, rows + 1 - 3 * hundredth);
    bounded("90 days", cost, 5 * hundredth + 3000, 0);
    for (query, expected, read) in [
        ("limit=50", 50, 2500),
        ("limit=50&state=rejected", 50, 5000),
        // All that is pending, read and put in order, but none of what is not.
        ("limit=50&state=pending", 50, 2 * hundredth + 2500),
        ("limit=50&state=quarantined", 50, 5000),
        ("limit=50&state=delivered&destination=hook", 50, 2500),
        ("limit=50&since=2000-01-01&until=2100-01-01", 50, 2500),
    ] {
        let (list, cost) = scale.ask(query, "GET", &format!("/api/submissions?{query}"), "", false);
        assert_eq!(found(&list), expected, "{query}");
        bounded(query, cost, read, 0);
    }
    // A search reads a bounded number of rows at a time, and finds the oldest in the end.
    let (list, cost) = scale.ask("search, found at once", "GET", "/api/submissions?limit=10&q=visitor", "", false);
    assert_eq!(found(&list), 10);
    bounded("search", cost, 25_000, 0);
    let (list, cost) = scale.ask("search, to the end", "GET", "/api/submissions?limit=10&q=VISITOR7%40", "", true);
    assert_eq!(found(&list), 1);
    bounded("search", cost, 3 * rows + 2000, 0);
    let (list, _) = scale.ask("a person", "GET", "/api/person?email=visitor8%40example.com", "", true);
    assert_eq!(found(&list), 1);
    let (erased, cost) =
        scale.ask("erase a person", "POST", "/api/erase", r#"{"email":"visitor8@example.com"}"#, false);
    assert_eq!(erased[0], json!({ "erased": 1 }));
    bounded("erase", cost, 3 * rows + 2000, 20);
    let (list, _) = scale.ask("one by its id", "GET", "/api/submissions?limit=1", "", false);
    let id = list[0]["submissions"][0]["id"].as_str().expect("an id").to_owned();
    scale.ask("one submission", "GET", &format!("/api/forms/contact/submissions/{id}"), "", false);
    scale.ask("alerts", "GET", "/api/alerts", "", false);
    export(scale);
}

/// The lines of an export, as they come.
fn lines(scale: &Scale) -> impl Iterator<Item = String> {
    let reply = ureq::get(format!("http://{}/api/submissions.ndjson", scale.world.worker.address))
        .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
        .call()
        .expect("an export");
    let lines = BufReader::new(reply.into_body().into_with_config().limit(u64::MAX).reader()).lines();
    lines.map(|line| line.expect("a line"))
}

fn export(scale: &Scale) {
    let (before, start) = (resident(scale.world.worker.pid()), now());
    let (count, bytes) = lines(scale).fold((0, 0), |(count, bytes), line| (count + 1, bytes + line.len()));
    assert_eq!(count, scale.rows);
    let (mb, after) = (bytes / (1024 * 1024), resident(scale.world.worker.pid()));
    println!(
        "scale: {count} stored, export of all: {mb} MB in {:?}, {before} MB resident before, {after} MB after",
        start.elapsed()
    );
    assert!(after <= before + EXPORT_MB, "an export takes {} MB", after - before);
}

#[test]
fn questions_to_a_large_outbox_read_little() {
    questions(&Scale::new(10_000));
}

#[test]
#[ignore = "a report that takes minutes: `make scale`"]
fn a_million_submissions() {
    let scale = Scale::new(1_000_000);
    questions(&scale);
    // A client that stops reading stops the export: no row is read ahead of it.
    let before = scale.world.worker.log().len();
    let mut lines = lines(&scale);
    lines.next().expect("the first line");
    std::thread::sleep(std::time::Duration::from_secs(5));
    let parts = || scale.world.worker.log()[before..].matches("rows contact 1000 ").count();
    let read = parts();
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert!(read > 0 && parts() == read && read < 100, "{read} parts, then {}", parts());
}
