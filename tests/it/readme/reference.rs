//! What the pages list, held against the code: keys, names, types, codes, states, the schedule, links.

use std::collections::BTreeSet;

use fakes::workerd::root;
use formcourier::config::{Config, names};
use formcourier::crm::Why;
use formcourier::delivery::{State, schedule::SCHEDULE};
use formcourier::domain::LeadField;
use formcourier::domain::control::Dialect;
use formcourier::domain::control::{is_control, is_control_in};
use formcourier::domain::settings::duration;
use formcourier::form::refusal::RefusalKind;
use formcourier::intake::form::Limits;
use formcourier::lead::recognise::recognise;
use serde_json::{Map, Value, json};

use super::markdown::{Page, anchor, codes};
use super::{crms, example, readme, vars_of};

const FORMS: &str = "### Forms: `FORM_*`";
const DESTINATIONS: &str = "### Destinations: `DESTINATION_*`";

fn read(vars: &Map<String, Value>) -> Config {
    Config::from_vars(vars.iter().map(|(name, value)| (name.as_str(), value)))
}

fn set<T: Into<String>>(names: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    names.into_iter().map(Into::into).collect()
}

/// The keys that the code knows where `vars` have the key `zz` too: the error says them all.
fn known(vars: &Value) -> BTreeSet<String> {
    let config = read(vars.as_object().expect("vars"));
    let messages: Vec<String> = config.errors.iter().map(ToString::to_string).collect();
    let [message] = messages.as_slice() else { panic!("one error is expected: {messages:?}") };
    let (_, list) = message.split_once("is not a key; known here: ").unwrap_or_else(|| panic!("{message}"));
    set(list.split(", "))
}

/// Each record of `docs/crms.md`: its heading, its row in the README, and the least table that it takes.
fn records() -> [(&'static str, [&'static str; 2], Value); 7] {
    let leadsquared = |record: &str| json!({ "crm": "leadsquared", "record": record, "region": "us" });
    let mut user = leadsquared("user");
    user["role"] = json!("{role}");
    [
        ("## Salesmap", ["salesmap", "lead"], json!({ "crm": "salesmap" })),
        ("## AgencyHandy", ["agencyhandy", "lead"], json!({ "crm": "agencyhandy" })),
        ("## AgencyHandy", ["agencyhandy", "client"], json!({ "crm": "agencyhandy", "record": "client" })),
        ("## LeadSquared, a lead", ["leadsquared", "lead"], leadsquared("lead")),
        ("## LeadSquared, a user", ["leadsquared", "user"], user),
        ("## StateSet", ["stateset", "lead"], json!({ "crm": "stateset" })),
        ("## Webhook", ["webhook", ""], json!({ "crm": "webhook", "url": "https://hooks.example.com" })),
    ]
}

#[test]
fn every_example_of_a_config_is_right() {
    for page in [readme(), crms()] {
        let blocks = page.blocks("toml");
        // A block may lean on the forms and destinations of the others, but what it says itself counts.
        let mut all = Map::new();
        for block in blocks.iter().rev() {
            all.extend(vars_of(block));
        }
        for block in blocks {
            let mut vars = all.clone();
            vars.extend(vars_of(&block));
            let errors: Vec<String> = read(&vars).errors.iter().map(ToString::to_string).collect();
            assert_eq!(errors, [""; 0], "{}:\n{block}", page.name);
        }
    }
}

#[test]
fn every_key_is_in_its_table_and_in_an_example() {
    let readme = readme();
    let form = known(&json!({
        "FORM_A": { "destinations": ["x"], "zz": 1 }, "DESTINATION_X": { "crm": "stateset" },
    }));
    assert_eq!(set(readme.names(FORMS, "key")), form);
    let examples = example(&readme, "FORM_CONTACT");
    assert_eq!(set(examples.as_object().unwrap().keys()), form);

    let common = set(readme.names(DESTINATIONS, "key"));
    let page = crms();
    for (heading, [crm, record], mut table) in records() {
        table["zz"] = json!(1);
        let keys = known(&json!({ "DESTINATION_X": table }));
        let own: BTreeSet<String> = keys.difference(&common).cloned().collect();
        assert_eq!(set(page.names(heading, "key")), own, "{heading}");
        assert!(keys.is_superset(&common), "{heading}");

        let examples = page.blocks("toml");
        let of_record = examples.iter().flat_map(|block| vars_of(block).into_iter()).filter(|(name, destination)| {
            name.starts_with(names::DESTINATION)
                && destination["crm"] == crm
                && (crm == "agencyhandy"
                    || destination["record"].as_str().unwrap_or("lead") == record
                    || record.is_empty())
        });
        let shown =
            set(of_record.flat_map(|(_, table)| table.as_object().unwrap().keys().cloned().collect::<Vec<_>>()));
        // A destination is in one region: the user's example shows the one way, the lead's both.
        let missing: Vec<_> = own.difference(&shown).filter(|key| record != "user" || *key != "host").collect();
        assert!(missing.is_empty(), "{heading} has no example of {missing:?}");
    }
}

#[test]
fn every_parameter_and_right_of_a_leadsquared_user() {
    let user = |key: &str, value: Value| {
        let mut table = json!({ "crm": "leadsquared", "record": "user", "region": "us", "role": "Sales_User" });
        table[key] = value;
        known(&json!({ "DESTINATION_X": table }))
    };
    let heading = "## LeadSquared, a user";
    assert_eq!(set(crms().names(heading, "in `parameters`")), user("parameters", json!({ "zz": 1 })));
    let groups = json!([{ "GroupId": "a", "zz": 1 }]);
    assert_eq!(set(crms().names(heading, "in each of `groups`")), user("groups", groups));
}

#[test]
fn the_secrets_of_every_record() {
    let rows = readme().rows("## CRMs", "`crm`, `record`");
    assert_eq!(rows.len(), records().len());
    for (row, (_, record, table)) in rows.iter().zip(records()) {
        let record: Vec<&str> = record.into_iter().filter(|word| !word.is_empty()).collect();
        assert_eq!(codes(&row[0]), record);
        let config = read(json!({ "DESTINATION_X": table }).as_object().unwrap());
        let secrets: Vec<_> = config.destinations["x"].crm.secrets().iter().map(|name| format!("…_{name}")).collect();
        assert_eq!(codes(&row[2]), secrets, "{record:?}");
    }
}

#[test]
fn the_limits_that_a_form_may_change() {
    let Limits { body_bytes, fields, value_bytes } = Limits::default();
    for (key, default) in [("max_body_bytes", body_bytes), ("max_fields", fields), ("max_value_bytes", value_bytes)] {
        let row = readme().rows(FORMS, "key").into_iter().find(|row| codes(&row[0]) == [key]).unwrap();
        assert_eq!(row[2], default.to_string(), "{key}");
        let most: i64 = row[1].rsplit(' ').next().unwrap().parse().unwrap();
        for (value, errors) in [(1, 0), (most, 0), (0, 1), (most + 1, 1)] {
            let mut form = json!({ "destinations": "x" });
            form[key] = json!(value);
            let vars = json!({ "FORM_A": form, "DESTINATION_X": { "crm": "stateset" } });
            assert_eq!(read(vars.as_object().unwrap()).errors.len(), errors, "{key} = {value}");
        }
    }
}

#[test]
fn every_lead_field_and_the_names_that_fill_it() {
    let rows = readme().rows("## Field names that map by themselves", "lead field");
    let mut seen = BTreeSet::new();
    for row in rows {
        let field = codes(&row[0]).remove(0);
        seen.insert(field.clone());
        for name in codes(&row[1]) {
            let found = recognise(&name).unwrap_or_else(|| panic!("{name} is not recognised")).name();
            // `likewise …` names other lead fields.
            assert!(found == field || found == name, "{name} is {found}, not {field}");
            seen.insert(found.to_owned());
        }
    }
    assert_eq!(seen, set(LeadField::ALL.iter().map(|field| field.name())));
}

#[test]
fn every_type_of_a_field() {
    let mut found = set(readme().names("### Templates and typed fields", "type"));
    let page = crms();
    let (_, section) = page.text().split_once("### Types of Salesmap").unwrap();
    let (section, _) = section.split_once("The plural ones").unwrap();
    found.extend(codes(section));
    let known = formcourier::config::destination::salesmap::KINDS.iter().map(|(word, _)| *word);
    assert_eq!(found, set(known));
}

#[test]
fn every_status_code_state_and_trouble() {
    let page = readme();
    let rows = page.rows("## What the visitor gets", "status");
    let found: Vec<_> = rows.iter().map(|row| (row[0].clone(), codes(&row[1]).remove(0))).collect();
    let known = RefusalKind::ALL.iter();
    assert_eq!(found, known.map(|kind| (kind.status().to_string(), kind.code().to_owned())).collect::<Vec<_>>());

    let heading = "## Where a lead is";
    let states =
        [State::Pending, State::Delivered, State::Refused, State::Exhausted, State::Parked, State::Quarantined];
    assert_eq!(page.names(heading, "`state`"), states.map(State::name));
    let whys = page.names(heading, "`trouble.why`");
    for why in &whys {
        assert!(serde_json::from_value::<Why>(json!(why)).is_ok(), "{why}");
    }
    let error = serde_json::from_value::<Why>(json!("zz")).unwrap_err().to_string();
    assert_eq!(set(codes(&error).into_iter().skip(1)), set(whys), "{error}");
}

#[test]
fn the_control_fields_of_every_service() {
    let page = Page::read("docs/moving.md");
    let mut of_dialects = BTreeSet::new();
    for row in page.rows("## Control fields", "field") {
        for name in codes(&row[0]) {
            let name = name.replace('…', "x");
            let dialects: Vec<_> =
                Dialect::ALL.iter().filter(|(dialect, _)| codes(&row[1]).iter().any(|code| code == dialect)).collect();
            assert_eq!(is_control(&name), row[1] == "always", "{name}");
            for (_, dialect) in Dialect::ALL {
                let is = is_control_in(Some(*dialect), &name, "x");
                let expected = row[1] == "always" || dialects.iter().any(|(_, named)| named == dialect);
                assert_eq!(is, expected, "{name} in {dialect:?}");
            }
            let page_like = ["/x", "8d1f4a52-1f3b-4c5d-9e6f-0a1b2c3d4e5f", "00D5e000001AbCd"];
            let tells = page_like.iter().any(|value| is_control_in(None, &name, value));
            assert_eq!(tells, row[1] == "always" || row[1].contains("its value"), "{name}");
            of_dialects.insert(name);
        }
    }
    let known = Dialect::ALL.iter().flat_map(|(_, dialect)| dialect.names());
    let missing: Vec<_> = known.filter(|name| !of_dialects.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_schedule() {
    let page = readme();
    let (_, text) = page.text().split_once("further ones after ").unwrap();
    let (list, _) = text.split_once(", each").unwrap();
    let pauses: Vec<u64> =
        list.replace(" and ", ", ").split(", ").map(|text| duration::millis(text.trim()).unwrap()).collect();
    assert_eq!(pauses, SCHEDULE);
}

#[test]
fn every_link_leads_somewhere() {
    let pages =
        ["README.md", "docs/crms.md", "docs/decisions.md", "docs/moving.md", "docs/snippets.md"].map(Page::read);
    for page in &pages {
        for link in page.links().into_iter().filter(|link| !link.contains("://")) {
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let folder = root().join(page.name).parent().unwrap().to_path_buf();
            let file = if path.is_empty() { root().join(page.name) } else { folder.join(path) };
            assert!(file.exists(), "{}: {link}", page.name);
            let target = pages.iter().find(|page| root().join(page.name) == file.canonicalize().unwrap());
            let is_there = target.is_some_and(|page| page.headings().iter().any(|heading| anchor(heading) == fragment));
            assert!(fragment.is_empty() || is_there, "{}: {link}", page.name);
        }
    }
}
