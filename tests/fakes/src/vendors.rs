//! The fake of every connector, by the connector's name: the mirror of the connectors' registry.
//!
//! A fake is rebuilt from this table, never cloned: two fakes of one name that get the same requests at the same times
//! give the same responses.

use crate::agencyhandy::AgencyHandy;
use crate::hubspot::HubSpot;
use crate::leadsquared::LeadSquared;
use crate::salesmap::Salesmap;
use crate::stateset::StateSet;
use crate::webhook::Webhook;
use crate::{DEVELOPMENT, Fake, SIGNING_SECRET};

/// What builds a fake from its secrets, by their suffixes.
type Build = fn(&dyn Fn(&'static str) -> String) -> Box<dyn Fake>;

/// A vendor that has a fake.
#[derive(Debug)]
pub struct Vendor {
    /// The connector's name, and that of the fake.
    pub name: &'static str,
    /// The suffixes of its secrets.
    pub secrets: &'static [&'static str],
    /// The options that a destination at the fake's account needs besides `type` and `record`, as a JSON object for each
    /// record of the connector, in its order.
    pub options: &'static [&'static str],
    build: Build,
}

/// The current contract, with a custom field that receives the message.
const AGENCYHANDY: &str = r#"{"api":"members","note_field":"6525994184e9ddd7985345f0"}"#;

/// Every vendor, in the order of the connectors' registry.
pub const VENDORS: &[Vendor] = &[
    Vendor {
        name: "agencyhandy",
        secrets: &["API_KEY"],
        options: &[AGENCYHANDY, AGENCYHANDY],
        build: |secret| Box::new(AgencyHandy::new(&secret("API_KEY"))),
    },
    Vendor {
        name: "salesmap",
        secrets: &["TOKEN"],
        options: &["{}"],
        build: |secret| Box::new(Salesmap::new(&secret("TOKEN"))),
    },
    Vendor {
        name: "leadsquared",
        secrets: &["ACCESS_KEY", "SECRET_KEY"],
        options: &[r#"{"region":"india-mumbai"}"#, r#"{"region":"india-mumbai","role":"Sales_User"}"#],
        build: |secret| Box::new(LeadSquared::new(&secret("ACCESS_KEY"), &secret("SECRET_KEY"))),
    },
    Vendor {
        name: "stateset",
        secrets: &["API_KEY"],
        options: &["{}"],
        build: |secret| Box::new(StateSet::new(&secret("API_KEY"))),
    },
    Vendor {
        name: "hubspot",
        secrets: &["TOKEN"],
        options: &["{}"],
        build: |secret| Box::new(HubSpot::new(&secret("TOKEN"))),
    },
    Vendor {
        name: "webhook",
        secrets: &["SIGNING_SECRET"],
        options: &[r#"{"url":"https://hooks.example.com/catch/1"}"#],
        build: |secret| Box::new(Webhook::new(&secret("SIGNING_SECRET"))),
    },
];

impl Vendor {
    /// The vendor of this connector.
    pub fn named(name: &str) -> Option<&'static Self> {
        VENDORS.iter().find(|vendor| vendor.name == name)
    }

    /// An empty account that takes the secrets of `development.vars`.
    pub fn fake(&self) -> Box<dyn Fake> {
        self.fake_with(&|suffix| Self::secret(suffix).to_owned())
    }

    /// An empty account that takes these secrets, given by their suffixes.
    pub fn fake_with(&self, secret: &dyn Fn(&'static str) -> String) -> Box<dyn Fake> {
        (self.build)(secret)
    }

    /// The secret of this suffix in `development.vars`.
    pub fn secret(suffix: &str) -> &'static str {
        if suffix == "SIGNING_SECRET" { SIGNING_SECRET } else { DEVELOPMENT }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn fakes_go_by_the_connectors_names() {
        for vendor in VENDORS {
            let fake = vendor.fake();
            assert_eq!((fake.name(), fake.records().len()), (vendor.name, 0));
        }
        assert!(Vendor::named("turnstile").is_none(), "it has no connector");
    }

    #[test]
    fn the_development_secrets_are_those_of_the_file() {
        let example = include_str!("../../../development.vars");
        let secrets: Vec<(&str, &str)> = example.lines().filter_map(|line| line.split_once('=')).collect();
        for vendor in VENDORS {
            for suffix in vendor.secrets {
                let mut values = secrets.iter().filter(|(name, _)| name.ends_with(&format!("_{suffix}")));
                let expected = format!("\"{}\"", Vendor::secret(suffix));
                assert!(values.all(|(_, value)| *value == expected), "{suffix}");
            }
        }
    }

    /// A simulator holds the fakes in memory and replays a run from its seed.
    #[test]
    fn vendors_do_no_io_and_are_deterministic() {
        const SHELL: &[&str] = &["bin", "desk", "main.rs", "server", "vendors.rs", "workerd.rs"];
        const IMPURE: &[&str] =
            &["std::net", "std::fs", "std::time", "std::thread", "HashMap", "HashSet", "crate::server"];
        let mut paths = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut files = 0;
        while let Some(path) = paths.pop() {
            if path.is_dir() {
                let inside = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
                paths.extend(inside.filter(|path| !SHELL.iter().any(|name| path.ends_with(name))));
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            files += 1;
            for word in IMPURE {
                assert!(!text.contains(word), "{} names {word}", path.display());
            }
        }
        assert!(files > VENDORS.len());
    }
}
