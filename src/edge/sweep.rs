//! The cron sweep: wakes every Outbox, so that a lost alarm delays a lead by minutes.
//!
//! The config names the Outboxes of its forms; the registry names every Outbox that ever stored something, so that a
//! changed config leaves none behind.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt};
use worker::Env;

use crate::delivery::queue::SLOTS;
use crate::outbox::client::Client;
use crate::outbox::names;

use super::outbox::Platform;
use super::{clock, environment, log};

/// Outboxes woken in one sweep: the free plan allows 50 subrequests. With more of them, each sweep takes the next part.
const AT_A_TIME: usize = 45;

/// How often the sweep runs, as `wrangler.toml` says; it only decides which part is next.
const EVERY_MS: i64 = 5 * 60 * 1000;

/// Wakes the Outboxes.
pub async fn sweep(env: &Env) {
    let config = environment::config(env);
    let network = &Platform::new(env);
    let of_config = config.forms.values().flat_map(|form| names::of_form(&form.name, form.shards));
    let mut names: BTreeSet<String> = of_config.collect();
    match Client::new(network, names::REGISTRY).outboxes().await {
        Ok(registered) => names.extend(registered),
        Err(error) => log::failure("registry", &error),
    }
    let names: Vec<String> = names.into_iter().collect();
    // Several at a time: one that hangs delays no other for long.
    let wake = |name: &String| {
        let name = name.clone();
        async move {
            if let Err(error) = Client::new(network, &name).wake().await {
                log::failure("sweep", &error);
            }
        }
    };
    stream::iter(part(&names, clock::now())).map(wake).buffer_unordered(SLOTS).collect::<()>().await;
}

/// The part whose turn it is.
fn part(names: &[String], now: i64) -> &[String] {
    let parts = names.len().div_ceil(AT_A_TIME).max(1);
    let turn = usize::try_from(now / EVERY_MS).unwrap_or(0) % parts;
    names.chunks(AT_A_TIME).nth(turn).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outbox_has_its_turn() {
        let names: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        let mut woken: Vec<&String> = (0..3).flat_map(|turn| part(&names, turn * EVERY_MS)).collect();
        woken.sort_unstable();
        let mut all: Vec<&String> = names.iter().collect();
        all.sort_unstable();
        assert_eq!(woken, all);
        assert!(part(&[], 5).is_empty());
    }
}
