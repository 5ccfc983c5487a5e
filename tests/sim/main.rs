//! The simulator: whole worlds of Outboxes, vendors, visitors and operators run in this process, each from its seed.
//!
//! It runs the production code, from the store to the connectors, on a simulated platform, network and clock, with the
//! fakes as vendors. `make sim SEEDS=from..to` runs more seeds; `make sim SEEDS=42` replays one and prints its events.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod checks;
mod database;
mod disasters;
mod faults;
mod machine;
mod network;
mod operators;
mod plan;
mod random;
mod tasks;
mod visitors;
mod world;

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What `make test` runs.
const SEEDS: Range<u64> = 0..1_000;

/// Failures that are printed.
const SHOWN: usize = 40;

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("SEEDS") else { return SEEDS };
    let number = |text: &str| text.trim().parse::<u64>().expect("SEEDS is a number, or from..to");
    match text.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => number(&text)..number(&text) + 1,
    }
}

#[test]
fn nothing_is_lost_and_nothing_duplicated_in_any_world() {
    let seeds = seeds();
    if seeds.end - seeds.start == 1 {
        let outcome = world::run(seeds.start, true);
        println!("{}", outcome.events.join("\n"));
        assert!(outcome.violations.is_empty(), "seed {}: {:#?}", seeds.start, outcome.violations);
        return;
    }
    #[allow(clippy::disallowed_methods, reason = "it only measures the simulator")]
    let (next, started) = (AtomicU64::new(seeds.start), Instant::now());
    let failures = Mutex::new(Vec::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let outcome = std::panic::catch_unwind(|| world::run(seed, false).violations);
            let violations = outcome.unwrap_or_else(|_| vec!["it panics".to_owned()]);
            if let Some(first) = violations.into_iter().next() {
                failures.lock().unwrap().push((seed, first));
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    let (count, seconds) = (seeds.end - seeds.start, started.elapsed().as_secs_f64());
    #[allow(clippy::cast_precision_loss, reason = "a rate")]
    let rate = count as f64 / seconds;
    println!("{count} seeds in {seconds:.1} s, {rate:.0} a second");
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    for (seed, violation) in failures.iter().take(SHOWN) {
        println!("seed {seed}: {violation}\n    make sim SEEDS={seed}");
    }
    assert!(failures.is_empty(), "{} of {count} seeds fail", failures.len());
}

#[test]
fn a_seed_always_makes_the_same_world() {
    for seed in 0..20 {
        assert_eq!(world::run(seed, false).digest, world::run(seed, true).digest, "seed {seed}");
    }
}
