//! A Destination: a configured account at a vendor. The keys that all destinations share are here.

use std::rc::Rc;

use serde_json::{Map, Value as Json};

use crate::domain::settings::{Reader, millis, secret_name};

use super::{AnyConnector, Descriptor, Options, REGISTRY, Record};

/// The default of the key `timeout`, in milliseconds.
pub const TIMEOUT_MS: u64 = 20_000;

/// The most pauses that `retry` can list, and the longest of them.
const MOST_RETRIES: usize = 50;
const LONGEST_RETRY: &str = "30d";

/// A configured account at a vendor.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Its name (`acme-salesmap` for `DESTINATION_ACME_SALESMAP`).
    pub name: String,
    /// Its vendor.
    pub descriptor: &'static Descriptor,
    /// What it creates.
    pub record: &'static Record,
    /// The connector, with the destination's options.
    pub connector: Rc<dyn AnyConnector>,
    /// The operator's pauses between attempts, in milliseconds; `None`: the standard schedule.
    pub retry: Option<Vec<u64>>,
    /// How long a call may take, in milliseconds.
    pub timeout_ms: u64,
    /// How many calls it may get: the operator's limit, else the documented one.
    pub pace: Option<Pace>,
}

impl Destination {
    /// Reads a destination's table. Mistakes go to the reader; `None` when there are any that matter.
    pub fn read(name: &str, mut reader: Reader<'_>) -> Option<Self> {
        let retry = reader.durations("retry", MOST_RETRIES, LONGEST_RETRY);
        let timeout_ms = reader.duration("timeout", "1s", "60s").unwrap_or(TIMEOUT_MS);
        let pace = reader.parsed("pace", Pace::parse, "a number of calls and a time up to 1h, as in \"100/10s\"");
        // Without a known type there is no saying which keys are known: one mistake is reported, not ten.
        let types: Vec<(&str, &Descriptor)> = REGISTRY.iter().map(|entry| (entry.name, *entry)).collect();
        let descriptor = reader.required_choice("type", &types)?;
        let records: Vec<(&str, &Record)> = descriptor.records.iter().map(|record| (record.name, record)).collect();
        let record = match reader.choice("record", &records) {
            Some(record) => record,
            None if reader.has("record") => return None,
            None => &descriptor.records[0],
        };
        let mut options = Options::new(&mut reader, descriptor, record);
        let connector = (descriptor.build)(name, &mut options);
        options.finish();
        reader.finish();
        let pace = pace.or(descriptor.pace);
        Some(Self { name: name.to_owned(), descriptor, record, connector: connector?.into(), retry, timeout_ms, pace })
    }

    /// The names of its secrets in the environment.
    pub fn secrets(&self) -> impl Iterator<Item = String> {
        self.descriptor.secrets.iter().map(|secret| secret_name(&self.name, secret.suffix))
    }
}

/// Whether a destination's table, which may have errors, asks for a record that costs money or opens a login.
pub fn needs_token(table: &Map<String, Json>) -> bool {
    let is = |key: &str, name: &str| table.get(key).is_some_and(|value| value == name);
    REGISTRY.iter().filter(|descriptor| is("type", descriptor.name)).any(|descriptor| {
        let default = (!table.contains_key("record")).then(|| &descriptor.records[0]);
        descriptor
            .records
            .iter()
            .find(|record| is("record", record.name))
            .or(default)
            .is_some_and(|record| record.needs_token)
    })
}

/// How many calls a destination may get in a window of time: at most `points`; an ordinary call costs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The points in a window.
    pub points: u32,
    /// The window's length, in milliseconds.
    pub window_ms: u64,
}

impl Pace {
    const MOST_POINTS: u32 = 10_000;

    /// Parses `"100/10s"`; `None` when it is malformed or out of range.
    pub fn parse(text: &str) -> Option<Self> {
        let (points, window) = text.split_once('/')?;
        let points = points.trim().parse().ok().filter(|points| (1..=Self::MOST_POINTS).contains(points))?;
        let window_ms = millis(window).filter(|ms| (1..=3_600_000).contains(ms))?;
        Some(Self { points, window_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pace_is_calls_and_a_window() {
        for (text, expected) in [
            ("100/10s", Some((100, 10_000))),
            (" 25 / 5s", Some((25, 5_000))),
            ("0/5s", None),
            ("20000/5s", None),
            ("5/0s", None),
            ("5/2h", None),
            ("5", None),
            ("5s/5", None),
        ] {
            assert_eq!(Pace::parse(text).map(|pace| (pace.points, pace.window_ms)), expected, "{text}");
        }
    }
}
