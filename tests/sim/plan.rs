//! What a seed's world consists of, and which faults it has.

use std::collections::{BTreeMap, BTreeSet};

use fakes::Vendor;
use formcourier::config::Config;
use formcourier::connectors::{REGISTRY, Record};
use serde_json::{Value as Json, json};

use crate::random::Random;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A destination as it is configured at first.
#[derive(Debug, Clone)]
pub struct Planned {
    pub name: String,
    pub vendor: &'static Vendor,
    pub record: &'static Record,
    settings: Json,
}

/// A form as it is configured at first.
#[derive(Debug, Clone)]
pub struct PlannedForm {
    pub name: String,
    pub destinations: Vec<String>,
    pub shards: u32,
}

/// The faults of a seed. A number is how seldom something happens; 0: never.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is an independent fault")]
pub struct Plan {
    pub destinations: Vec<Planned>,
    pub forms: Vec<PlannedForm>,
    /// How long the faults last, in milliseconds.
    pub faults_ms: i64,
    pub stories: i64,
    /// Only vendors fail, and some never do: their leads must not wait for the others.
    pub is_about_fairness: bool,
    pub crash_in_statements: u32,
    pub crash_after_turn: u32,
    pub crash_after_output: u32,
    pub clock_jumps: bool,
    pub loses_alarms: bool,
    pub loses_answers: bool,
    pub full_disk: bool,
    pub deploys: bool,
    pub reshards: bool,
    pub poison: bool,
    pub unreachable: bool,
    pub operators: bool,
}

/// What a deploy has changed.
#[derive(Debug, Clone, Default)]
pub struct Deploy {
    pub removed: BTreeSet<String>,
    /// Forms that still name a removed destination are broken.
    pub is_broken: bool,
    pub missing_secrets: BTreeSet<String>,
    pub retry: BTreeMap<String, &'static [&'static str]>,
    pub shards: BTreeMap<String, u32>,
}

/// Schedules an operator writes.
pub const RETRIES: [&[&str]; 3] =
    [&["1s", "10s", "1min", "10min"], &["2s", "2s", "30min"], &["30s", "5min", "1h", "6h", "1d"]];

impl Planned {
    /// Whether its operator wants it to be called slowly.
    pub fn is_paced(&self) -> bool {
        self.settings["pace"].is_string()
    }
}

impl Plan {
    pub fn new(random: &mut Random) -> Self {
        let mut destinations = Vec::new();
        for index in 0..random.between(1, 7) {
            let descriptor = *random.pick(REGISTRY);
            let vendor = Vendor::named(descriptor.name).expect("every connector has a fake");
            let number = random.below(descriptor.records.len());
            let record = &descriptor.records[number];
            let mut settings: Json = serde_json::from_str(vendor.options[number]).expect("an object");
            settings["type"] = json!(descriptor.name);
            settings["record"] = json!(record.name);
            if random.one_in(2) {
                settings["timeout"] = json!(format!("{}s", random.between(1, 20)));
            }
            if random.one_in(4) {
                settings["pace"] = json!(*random.pick(&["5/10s", "1/1s", "30/1min"]));
            }
            if random.one_in(5) {
                settings["retry"] = json!(random.pick(&RETRIES));
            }
            let name = format!("{}-{index}", descriptor.name);
            destinations.push(Planned { name, vendor, record, settings });
        }
        let mut forms = Vec::new();
        for name in ["contact", "quote"].iter().take(if random.one_in(3) { 2 } else { 1 }) {
            let mut names: Vec<String> = destinations.iter().map(|planned| planned.name.clone()).collect();
            if forms.is_empty() || names.len() == 1 {
                names.truncate(6);
            } else {
                names.retain(|_| random.one_in(2));
                names.extend(destinations.first().map(|planned| planned.name.clone()));
                names.dedup();
            }
            names.sort();
            names.dedup();
            let shards = if random.one_in(3) { 2 } else { 1 };
            forms.push(PlannedForm { name: (*name).to_owned(), destinations: names, shards });
        }
        let faults_ms = *random.pick(&[2 * MINUTE, 20 * MINUTE, 20 * MINUTE, 3 * HOUR, 26 * HOUR, 110 * HOUR]);
        let is_about_fairness = random.one_in(6);
        let mut seldom = |numbers: &[u32]| if is_about_fairness { 0 } else { *random.pick(numbers) };
        let (crash_in_statements, crash_after_turn) = (seldom(&[0, 0, 3, 20]), seldom(&[0, 0, 100, 1000]));
        let crash_after_output = seldom(&[0, 0, 10, 100]);
        let mut is = |one_in: u32| random.one_in(one_in) && !is_about_fairness;
        Self {
            crash_in_statements,
            crash_after_turn,
            crash_after_output,
            clock_jumps: is(5),
            loses_alarms: is(8),
            loses_answers: is(3),
            full_disk: is(6),
            deploys: is(3),
            reshards: is(8),
            poison: is(5),
            unreachable: is(3),
            operators: is(2),
            stories: if is_about_fairness { 25 } else { random.between(1, 25) },
            destinations,
            forms,
            faults_ms,
            is_about_fairness,
        }
    }

    pub fn destination(&self, name: &str) -> &Planned {
        self.destinations.iter().find(|planned| planned.name == name).expect("a planned destination")
    }

    /// The config of a deploy.
    pub fn config(&self, deploy: &Deploy) -> Config {
        let var = |kind: &str, name: &str| format!("{kind}_{}", name.to_ascii_uppercase().replace('-', "_"));
        let mut vars: Vec<(String, Json)> = Vec::new();
        for planned in self.destinations.iter().filter(|planned| !deploy.removed.contains(&planned.name)) {
            let mut settings = planned.settings.clone();
            if let Some(retry) = deploy.retry.get(&planned.name) {
                settings["retry"] = json!(retry);
            }
            vars.push((var("DESTINATION", &planned.name), settings));
        }
        for form in &self.forms {
            let is_there = |name: &&String| deploy.is_broken || !deploy.removed.contains(*name);
            let mut table = json!({
                "destinations": form.destinations.iter().filter(is_there).collect::<Vec<_>>(),
                "shards": deploy.shards.get(&form.name).unwrap_or(&form.shards),
                // Some records open a login at the vendor.
                "access": "token",
            });
            // A form that delivers nowhere is a mistake; it then keeps its list and is broken.
            if table["destinations"].as_array().is_some_and(Vec::is_empty) {
                table["destinations"] = json!(form.destinations);
            }
            vars.push((var("FORM", &form.name), table));
        }
        Config::from_vars(vars.iter().map(|(name, value)| (name.as_str(), value)))
    }

    /// How long the schedule of a destination takes, in milliseconds.
    pub fn schedule_ms(&self, destination: &str) -> i64 {
        let of = |texts: &[&str]| -> i64 {
            let millis = |text: &&str| formcourier::domain::settings::millis(text).unwrap_or(0);
            texts.iter().map(millis).sum::<u64>().try_into().unwrap_or(0)
        };
        let standard = i64::try_from(formcourier::delivery::schedule::SCHEDULE.iter().sum::<u64>()).unwrap_or(0);
        let planned = &self.destination(destination).settings["retry"];
        let texts = planned.as_array().map(|texts| texts.iter().filter_map(Json::as_str).collect::<Vec<_>>());
        texts.map_or(standard, |texts| of(&texts))
    }
}
