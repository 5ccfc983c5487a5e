//! A Destination: a configured account at a vendor. The keys that all destinations share are here.

use std::rc::Rc;

use form_urlencoded::byte_serialize;
use serde_json::{Map, Value as Json};

use crate::domain::Address;
use crate::domain::settings::{Reader, secret_name};

use super::{AnyConnector, Descriptor, Options, Pace, REGISTRY, Record};

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
    /// The address of a record's page, with `{id}`.
    pub record_url: Option<String>,
    /// How many calls it may get: the operator's limit, else the documented one.
    pub pace: Option<Pace>,
}

impl Destination {
    /// Reads a destination's table. Mistakes go to the reader; `None` when there are any that matter.
    pub fn read(name: &str, mut reader: Reader<'_>) -> Option<Self> {
        let retry = reader.durations("retry", MOST_RETRIES, LONGEST_RETRY);
        let timeout_ms = reader.duration("timeout", "1s", "60s").unwrap_or(TIMEOUT_MS);
        let pace = reader.parsed("pace", Pace::parse, "a number of calls and a time up to 1h, as in \"100/10s\"");
        let allowed = "an https address with {id} in its path, as in \"https://crm.example.com/leads/{id}\"";
        let record_url = reader.parsed("record_url", record_url, allowed);
        // Without a known type there is no saying which keys are known: one mistake is reported, not ten.
        let types: Vec<(&str, &Descriptor)> = REGISTRY.iter().map(|entry| (entry.name, *entry)).collect();
        let descriptor = reader.required_choice("type", &types)?;
        let records: Vec<(&str, &Record)> = descriptor.records.iter().map(|record| (record.name, record)).collect();
        let record = match reader.choice("record", &records) {
            Some(record) => record,
            None if reader.has("record") => return None,
            None => &descriptor.records[0],
        };
        let mut options = Options::new(&mut reader, descriptor.options, record);
        let connector = (descriptor.build)(name, &mut options);
        options.finish();
        reader.finish();
        let pace = pace.or(descriptor.pace);
        let connector = connector?.into();
        Some(Self { name: name.to_owned(), descriptor, record, connector, retry, timeout_ms, record_url, pace })
    }

    /// The page of a record, if the operator says where it is.
    pub fn page_of(&self, id: &str) -> Option<String> {
        let url = self.record_url.as_ref().filter(|_| !id.is_empty())?;
        Some(url.replace("{id}", &byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20")))
    }

    /// The names of its secrets in the environment.
    pub fn secrets(&self) -> impl Iterator<Item = String> {
        self.descriptor.secrets.iter().map(|secret| secret_name(&self.name, secret.suffix))
    }
}

fn record_url(text: &str) -> Option<String> {
    let address = Address::parse(text).ok()?;
    (address.scheme == "https" && address.rest.contains("{id}")).then(|| text.to_owned())
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
