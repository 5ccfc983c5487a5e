//! What Cloudflare's deploy button makes of `starter/`: it turns every line of a `.dev.vars.example` into a secret of the
//! deployed Worker, and explains the secrets with the words of package.json.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use fakes::workerd::root;
use formcourier::config::{Config, secrets};
use serde_json::{Map, Value};

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn file(path: &str) -> Map<String, Value> {
    toml::from_str(&read(path)).unwrap()
}

fn config(path: &str) -> Config {
    let file = file(path);
    let vars = file.get("vars").and_then(Value::as_object).into_iter().flatten();
    Config::from_vars(vars.map(|(name, value)| (name.as_str(), value)))
}

/// The lines `NAME=value` of a file of vars.
fn vars(path: &str) -> BTreeMap<String, String> {
    let text = read(path);
    let pairs = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn expected(config: &Config) -> BTreeSet<String> {
    let own = config.expected_secrets().into_iter().map(|secret| secret.name);
    own.chain(secrets::RECOMMENDED.iter().map(|(name, _)| (*name).to_owned())).collect()
}

#[test]
fn the_button_asks_for_the_secrets_and_gives_none() {
    let config = config("starter/wrangler.toml");
    assert_eq!((config.errors.as_slice(), config.forms.len()), ([].as_slice(), 1));
    let asked = vars("starter/.dev.vars.example");
    assert_eq!(asked.keys().cloned().collect::<BTreeSet<_>>(), expected(&config));
    assert!(asked.values().all(|value| value == "\"\""), "a prefilled secret reaches production: {asked:?}");
}

#[test]
fn the_starter_has_the_bindings_of_the_examples() {
    let platform = |mut file: Map<String, Value>| {
        // The starter takes the Worker from the npm package.
        file.retain(|key, _| !["vars", "main", "build", "assets"].contains(&key.as_str()));
        file
    };
    assert_eq!(platform(file("starter/wrangler.toml")), platform(file("examples/salesmap.toml")));
}

/// The button works on any folder, the root of the repository among them.
#[test]
fn no_other_folder_has_secrets_for_the_button() {
    let (mut folders, mut found) = (vec![root()], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && !["node_modules", "target", ".git", ".tools", "build"].contains(&name.as_str()) {
                folders.push(path);
            } else if [".dev.vars.example", ".env.example"].contains(&name.as_str()) {
                found.push(path.strip_prefix(root()).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    assert_eq!(found, ["starter/.dev.vars.example"]);
}

#[test]
fn every_secret_of_every_connector_is_described() {
    let manifest: Value = serde_json::from_str(&read("starter/package.json")).unwrap();
    let described = manifest["cloudflare"]["bindings"].as_object().unwrap();
    let mut known: BTreeMap<String, String> =
        secrets::RECOMMENDED.iter().map(|(name, loss)| ((*name).to_owned(), (*loss).to_owned())).collect();
    for path in fs::read_dir(root().join("examples")).unwrap().flatten().map(|entry| entry.file_name()) {
        let config = config(&format!("examples/{}", path.to_string_lossy()));
        known.extend(config.expected_secrets().into_iter().map(|secret| (secret.name, secret.why.to_owned())));
    }
    assert!(known.len() > secrets::RECOMMENDED.len() + formcourier::connectors::REGISTRY.len());
    assert_eq!(described.keys().collect::<BTreeSet<_>>(), known.keys().collect());
    for (name, words) in known {
        let text = described[&name]["description"].as_str().unwrap_or_default();
        assert!(text.to_lowercase().contains(&words.to_lowercase()), "{name}: {text} lacks {words}");
    }
}

#[test]
fn the_starter_takes_this_version() {
    let manifest: Value = serde_json::from_str(&read("starter/package.json")).unwrap();
    let (major_minor, _) = env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap();
    assert_eq!(manifest["dependencies"]["formcourier"], format!("^{major_minor}.0"));
}
