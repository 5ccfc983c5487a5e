//! The tables of the pages against the code: keys, names, types, codes, states, the schedule; and examples and links.

use std::collections::BTreeSet;
use std::fs;

use fakes::workerd::root;
use formcourier::config::{Config, names};
use formcourier::connectors::options::OptKind;
use formcourier::connectors::{FailureKind, REGISTRY};
use formcourier::delivery::State;
use formcourier::delivery::schedule::SCHEDULE;
use formcourier::domain::LeadField;
use formcourier::domain::control::{Dialect, is_control, is_control_in};
use formcourier::domain::settings::millis;
use formcourier::intake::form::Limits;
use formcourier::intake::map::recognize::recognize;
use formcourier::intake::refusal::RefusalKind;
use serde_json::{Map, Value, json};

use super::markdown::{Page, anchor, codes};
use super::{example, vars_of};

fn configuration() -> Page {
    Page::read("docs/configuration.md")
}

fn read(vars: &Map<String, Value>) -> Config {
    Config::from_vars(vars.iter().map(|(name, value)| (name.as_str(), value)))
}

fn errors(vars: &Map<String, Value>) -> Vec<String> {
    read(vars).errors.iter().map(ToString::to_string).collect()
}

fn set<T: Into<String>>(names: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    names.into_iter().map(Into::into).collect()
}

/// The keys that the code knows: the error about the unknown key `zz` in `vars` lists them.
fn known(vars: Value) -> BTreeSet<String> {
    let errors = errors(vars.as_object().expect("vars"));
    let [message] = errors.as_slice() else { panic!("one error is expected: {errors:?}") };
    let list =
        ["known here: ", "; those are ", ", 0 or 1: "].iter().find_map(|intro| Some(message.split_once(intro)?.1));
    set(list.unwrap_or_else(|| panic!("{message}")).split(", "))
}

#[test]
fn examples_on_the_pages_are_valid() {
    for page in Page::all() {
        let blocks = page.blocks("toml");
        // A block may name the forms and destinations of the page's other blocks.
        let mut all = Map::new();
        for block in blocks.iter().rev() {
            all.extend(vars_of(block));
        }
        for block in blocks {
            let mut vars = all.clone();
            vars.extend(vars_of(&block));
            assert_eq!(errors(&vars), [""; 0], "{}:\n{block}", page.name);
        }
    }
}

#[test]
fn example_files_are_complete_and_valid() {
    let parse = |path: &std::path::Path| -> Map<String, Value> {
        let text = fs::read_to_string(path).unwrap();
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    // All but forms and destinations is the same in every file.
    let platform = |mut file: Map<String, Value>| {
        file.remove("vars");
        file.remove("env");
        Value::Object(file)
    };
    let shipped = parse(&root().join("wrangler.toml"));
    let secrets = fs::read_to_string(root().join("development.vars")).unwrap();
    let mut shown = BTreeSet::new();
    let examples = fs::read_dir(root().join("examples")).unwrap().flatten().map(|entry| entry.path());
    for path in examples.chain([root().join("wrangler.toml")]) {
        let file = parse(&path);
        assert_eq!(platform(file.clone()), platform(shipped.clone()), "{}", path.display());
        let environments =
            file.get("env").and_then(Value::as_object).into_iter().flatten().map(|(_, env)| &env["vars"]);
        for vars in file.get("vars").into_iter().chain(environments).filter_map(Value::as_object) {
            assert_eq!(errors(vars), [""; 0], "{}", path.display());
            let config = read(vars);
            for secret in config.expected_secrets() {
                assert!(secrets.contains(&format!("\n{}=", secret.name)), "{}: {}", path.display(), secret.name);
            }
            let used = config.destinations.values();
            shown.extend(used.map(|destination| (destination.descriptor.name, destination.record.name)));
        }
    }
    let records = REGISTRY.iter().flat_map(|entry| entry.records.iter().map(|record| (entry.name, record.name)));
    assert_eq!(shown, records.collect());
}

#[test]
fn every_key_is_documented_and_shown() {
    let page = configuration();
    let forms = known(json!({
        "FORM_A": { "destinations": ["x"], "zz": 1 }, "DESTINATION_X": { "type": "stateset" },
    }));
    assert_eq!(set(page.section("## Forms: `FORM_*`").names("key")), forms);
    assert_eq!(set(example(&page, "FORM_CONTACT").as_object().unwrap().keys()), forms);

    let shared = set(page.section("## Destinations: `DESTINATION_*`").names("key"));
    let stateset = REGISTRY.iter().find(|entry| entry.name == "stateset").unwrap();
    let own = set(stateset.options.iter().map(|option| option.key));
    let found = known(json!({ "DESTINATION_X": { "type": "stateset", "record": "lead", "zz": 1 } }));
    assert_eq!(found, shared.union(&own).cloned().collect());

    let page = Page::read("docs/connectors.md");
    for entry in REGISTRY {
        let section = page.section(&format!("## {}", entry.title));
        let keys = set(entry.options.iter().map(|option| option.key));
        let documented = if keys.is_empty() { BTreeSet::new() } else { set(section.names("key")) };
        assert_eq!(documented, keys, "{}", entry.title);
        let destinations = section
            .blocks("toml")
            .into_iter()
            .flat_map(|block| vars_of(&block))
            .filter(|(name, table)| name.starts_with(names::DESTINATION) && table["type"] == entry.name);
        let shown =
            set(destinations.flat_map(|(_, table)| table.as_object().unwrap().keys().cloned().collect::<Vec<_>>()));
        let missing: Vec<_> = keys.difference(&shown).collect();
        assert!(missing.is_empty(), "{} has no example of {missing:?}", entry.title);
        for secret in entry.secrets {
            let end = format!("_{}", secret.suffix);
            assert!(section.codes().iter().any(|code| code.ends_with(&end)), "{} lacks …{end}", entry.title);
        }
    }
}

#[test]
fn every_parameter_and_group_right_of_a_leadsquared_user() {
    let user = |key: &str, value: Value| {
        let mut table = json!({ "type": "leadsquared", "record": "user", "region": "us", "role": "Sales_User" });
        table[key] = value;
        known(json!({ "DESTINATION_X": table }))
    };
    let section = Page::read("docs/connectors.md").section("### A user");
    assert_eq!(set(section.names("in `parameters`")), user("parameters", json!({ "zz": "1" })));
    let mut rights = user("groups", json!([{ "GroupId": "a", "zz": 1 }]));
    rights.insert("GroupId".into());
    assert_eq!(set(section.names("in each of `groups`")), rights);
}

#[test]
fn the_readme_lists_every_connector_and_guarantee() {
    let mut expected = Vec::new();
    for entry in REGISTRY {
        for record in entry.records {
            expected.push((entry.title, entry.name, record.name, record.creates, record.guarantee.name()));
        }
    }
    let rows = Page::read("README.md").section("## Connectors").rows("connector");
    assert_eq!(rows.len(), expected.len());
    for (title, name, record, creates, guarantee) in expected {
        let names = [name.to_owned(), record.to_owned()];
        // A connector with one kind of record may leave its name out.
        let row = rows.iter().find(|row| names.starts_with(&codes(&row[1])));
        let row = row.unwrap_or_else(|| panic!("the README lacks {names:?}"));
        assert!(row[0].starts_with(&format!("[{title}]")), "{}", row[0]);
        assert_eq!((row[2].as_str(), row[3].as_str()), (creates, guarantee), "{names:?}");
    }
    let types: BTreeSet<_> = configuration()
        .section("## Destinations: `DESTINATION_*`")
        .rows("key")
        .into_iter()
        .filter(|row| row[0] == "`type`")
        .flat_map(|row| codes(&row[1]))
        .collect();
    assert_eq!(types, set(REGISTRY.iter().map(|entry| format!("\"{}\"", entry.name))));
}

#[test]
fn the_limits_that_a_form_may_change() {
    let Limits { body_bytes, fields, value_bytes } = Limits::default();
    let rows = configuration().section("## Forms: `FORM_*`").rows("key");
    for (key, default) in [("max_body_bytes", body_bytes), ("max_fields", fields), ("max_value_bytes", value_bytes)] {
        let row = rows.iter().find(|row| codes(&row[0]) == [key]).unwrap();
        assert_eq!(row[2], default.to_string(), "{key}");
        let most: i64 = row[1].rsplit(' ').next().unwrap().parse().unwrap();
        for (value, count) in [(1, 0), (most, 0), (0, 1), (most + 1, 1)] {
            let mut form = json!({ "destinations": "x" });
            form[key] = json!(value);
            let vars = json!({ "FORM_A": form, "DESTINATION_X": { "type": "stateset" } });
            assert_eq!(errors(vars.as_object().unwrap()).len(), count, "{key} = {value}");
        }
    }
}

#[test]
fn every_lead_field_and_the_names_that_fill_it() {
    let mut seen = BTreeSet::new();
    for row in configuration().rows("lead field") {
        let field = codes(&row[0]).remove(0);
        seen.insert(field.clone());
        for name in codes(&row[1]) {
            let found = recognize(&name).unwrap_or_else(|| panic!("{name} is not recognized")).name();
            // `likewise …` names other lead fields.
            assert!(found == field || found == name, "{name} is {found}, not {field}");
            seen.insert(found.to_owned());
        }
    }
    assert_eq!(seen, set(LeadField::ALL.iter().map(|field| field.name())));
}

#[test]
fn every_type_of_a_field() {
    let mut documented = set(configuration().section("## Typed fields").names("type"));
    let page = Page::read("docs/connectors.md").section("### Types of Salesmap");
    documented.extend(codes(page.between("these take ids:", "The plural ones")));
    let types = REGISTRY.iter().flat_map(|entry| entry.options).filter_map(|option| match option.kind {
        OptKind::Fields(types) => Some(types),
        _ => None,
    });
    assert_eq!(documented, set(types.flatten().map(|(word, _)| *word)));
}

#[test]
fn every_status_state_and_failure() {
    let page = Page::read("docs/http-api.md");
    let rows = page.section("## Errors").rows("status");
    let documented: Vec<_> = rows.iter().map(|row| (row[0].clone(), codes(&row[1]).remove(0))).collect();
    let known = RefusalKind::ALL.iter().map(|kind| (kind.status().to_string(), kind.code().to_owned()));
    assert_eq!(documented, known.collect::<Vec<_>>());

    let states = [State::Pending, State::Delivered, State::Rejected, State::Exhausted, State::Quarantined];
    assert_eq!(page.names("`state`"), states.map(State::name));

    // The error about an unknown kind lists them all.
    let error = serde_json::from_value::<FailureKind>(json!("zz")).unwrap_err().to_string();
    assert_eq!(set(page.names("`failure.kind`")), set(codes(&error).into_iter().skip(1)));
}

#[test]
fn the_control_fields_of_every_service() {
    let mut of_dialects = BTreeSet::new();
    for row in Page::read("docs/migrating.md").section("## Control fields").rows("field") {
        for name in codes(&row[0]) {
            let name = name.replace('…', "x");
            let always = row[1] == "always";
            assert_eq!(is_control(&name), always, "{name}");
            for (word, dialect) in Dialect::ALL {
                let expected = always || codes(&row[1]).iter().any(|code| code == word);
                assert_eq!(is_control_in(Some(*dialect), &name, "x"), expected, "{name} in {dialect:?}");
            }
            let telling = ["/x", "8d1f4a52-1f3b-4c5d-9e6f-0a1b2c3d4e5f", "00D5e000001AbCd"];
            let by_value = telling.iter().any(|value| is_control_in(None, &name, value));
            assert_eq!(by_value, always || row[1].contains("its value"), "{name}");
            of_dialects.insert(name);
        }
    }
    let known = Dialect::ALL.iter().flat_map(|(_, dialect)| dialect.names());
    let missing: Vec<_> = known.filter(|name| !of_dialects.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_schedule() {
    let page = Page::read("docs/operations.md");
    let list = page.between("further ones after ", ", each").replace(" and ", ", ");
    let pauses: Vec<u64> = list.split(", ").map(|text| millis(text.trim()).unwrap()).collect();
    assert_eq!(pauses, SCHEDULE);
}

#[test]
fn every_link_leads_somewhere() {
    let pages = Page::all();
    for page in &pages {
        for link in page.links().into_iter().filter(|link| !link.contains("://")) {
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let own = root().join(&page.name);
            let file = if path.is_empty() { own } else { own.parent().unwrap().join(path) };
            assert!(file.exists(), "{}: {link}", page.name);
            let target = pages.iter().find(|page| root().join(&page.name) == file.canonicalize().unwrap());
            let has = target.is_some_and(|page| page.headings().iter().any(|heading| anchor(heading) == fragment));
            assert!(fragment.is_empty() || has, "{}: {link}", page.name);
        }
    }
}
