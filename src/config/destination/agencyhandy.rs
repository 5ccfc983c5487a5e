//! Options of an AgencyHandy destination.
//!
//! AgencyHandy has two contracts: the documented one of a company's members (company and role are looked up first), and
//! the current one of `/members`, which has more fields. `api` chooses; a key that the chosen contract cannot use is a
//! mistake and not ignored. Under `api = "auto"` every key is allowed and works where its contract is the one in use.

use serde_json::Value;

use crate::config::reader::texts_of;
use crate::domain::settings::Reader;
use crate::domain::{Kind, Template, TypedField};

/// Secrets, without the destination's name in front.
pub const SECRETS: &[&str] = &["API_KEY"];

/// The pipeline columns that the current contract knows for a lead.
pub const LEAD_STATUSES: &[&str] = &["New", "Contacted", "Qualified", "Working", "Proposal Sent", "Negotiation"];

/// The only status that the current contract takes for a client. It sets it by itself.
pub const CLIENT_STATUS: &str = "Client";

/// The types of custom field that a form can fill. AgencyHandy has one for files too, but its `fileValue` wants the id,
/// size and storage key of a file that AgencyHandy already holds; the address of a file goes into a text field.
const KINDS: &[(&str, Kind)] =
    &[Kind::Text.word(), Kind::Number.word(), Kind::Bool.word(), Kind::Date.word(), Kind::List.word()];

/// Keys that only the current contract can use.
const MEMBERS_KEYS: &[&str] = &["lead_type", "lead_value", "category", "agent", "note_field", "fields"];

/// Keys that only the documented contract can use.
const COMPANY_KEYS: &[&str] = &["role_id", "position_in_board"];

/// Keys that a client has no use for.
const LEAD_KEYS: &[&str] = &["role_id", "lead_type"];

/// Options of an AgencyHandy destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// `record`: what is made.
    pub record: Record,
    /// `api`: which contract.
    pub api: Api,
    /// `company_id`: the workspace's company; looked up when it is not given.
    pub company_id: Option<String>,
    /// `role_id`: the outer `_id` of the role "client"; looked up when it is not given. Documented contract, lead only.
    pub role_id: Option<String>,
    /// `status`: the pipeline column, `New` by default. The current contract makes every client a `Client`, whatever
    /// this says.
    pub status: String,
    /// `source`: how the lead was won; `{source|website}` by default. AgencyHandy shows 50 characters of it.
    pub source: Template,
    /// `position_in_board`: the place in the column, 1 by default. Documented contract only.
    pub position_in_board: i64,
    /// `lead_type`: a person of their own, or one of a company. Current contract, lead only.
    pub lead_type: LeadType,
    /// `lead_value`: what the lead is worth, as AgencyHandy takes it: text. Current contract only.
    pub lead_value: Option<Template>,
    /// `category`: the ids of labels. Current contract only.
    pub category: Vec<String>,
    /// `agent`: the id of the member who looks after the lead. Current contract only.
    pub agent: Option<String>,
    /// `note_field`: the id of a text custom field that takes the note, which is everything that has no field of its
    /// own, the visitor's message above all. AgencyHandy's API has no note: without this key, and under the documented
    /// contract always, what is mapped nowhere is kept in the Outbox and does not reach AgencyHandy.
    pub note_field: Option<String>,
    /// `fields`: custom fields, by the id of their definition. Leads and clients have separate definitions. Current
    /// contract only.
    pub fields: Vec<TypedField>,
}

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// A lead of the pipeline.
    Lead,
    /// A client; a lead with the same email becomes one.
    Client,
}

/// Which contract is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// The documented one, until AgencyHandy shows that it is gone; then the current one.
    Auto,
    /// The documented one, of a company's members.
    Company,
    /// The current one, of `/members`.
    Members,
}

/// The `type` of a lead under the current contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadType {
    /// A person of their own.
    Individual,
    /// A member of a company that is a lead.
    CompanyMember,
}

impl LeadType {
    /// As AgencyHandy spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Individual => "individual",
            Self::CompanyMember => "leadCompanyMember",
        }
    }
}

/// Whether this can be an id of AgencyHandy (24 hex digits, in practice) and can stand in a path and in a header.
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Reads the keys of an AgencyHandy destination.
pub fn read(reader: &mut Reader<'_>) -> Option<Options> {
    let record = reader.choice("record", &[("lead", Record::Lead), ("client", Record::Client)]).unwrap_or(Record::Lead);
    let api = reader
        .choice("api", &[("auto", Api::Auto), ("company", Api::Company), ("members", Api::Members)])
        .unwrap_or(Api::Auto);
    refuse_useless_keys(reader, record, api);
    let source = reader.template_or("source", "{source|website}")?;
    let note_field = id(reader, "note_field");
    Some(Options {
        record,
        api,
        company_id: id(reader, "company_id"),
        role_id: id(reader, "role_id"),
        status: status(reader, record, api),
        source,
        position_in_board: reader.integer("position_in_board", 0, i64::from(u32::MAX)).unwrap_or(1),
        lead_type: reader
            .choice(
                "lead_type",
                &[LeadType::Individual, LeadType::CompanyMember].map(|lead_type| (lead_type.name(), lead_type)),
            )
            .unwrap_or(LeadType::Individual),
        lead_value: reader.template("lead_value"),
        category: category(reader),
        agent: id(reader, "agent"),
        fields: fields(reader, note_field.as_deref()),
        note_field,
    })
}

fn refuse_useless_keys(reader: &mut Reader<'_>, record: Record, api: Api) {
    let mut refuse = |keys: &[&'static str], why: &str| {
        for key in keys {
            if reader.raw(key).is_some() {
                reader.error(key, why);
            }
        }
    };
    match api {
        Api::Auto => {}
        Api::Company => refuse(MEMBERS_KEYS, "works only with the current contract: api = \"members\" or \"auto\""),
        Api::Members => refuse(COMPANY_KEYS, "works only with the documented contract: api = \"company\" or \"auto\""),
    }
    if record == Record::Client {
        refuse(LEAD_KEYS, "works only with record = \"lead\"");
    }
}

/// A status is checked against every contract that may get it.
fn status(reader: &mut Reader<'_>, record: Record, api: Api) -> String {
    let default = if (record, api) == (Record::Client, Api::Members) { CLIENT_STATUS } else { "New" };
    let Some(status) = reader.text("status") else { return default.to_owned() };
    let found = Value::from(status.as_str());
    match (record, api) {
        (Record::Lead, Api::Auto | Api::Members) if !LEAD_STATUSES.contains(&status.as_str()) => {
            let known = LEAD_STATUSES.join("\", \"");
            reader.wrong("status", &found, &format!("one of \"{known}\" (any other only with api = \"company\")"));
        }
        (Record::Client, Api::Members) if status != CLIENT_STATUS => {
            reader.wrong("status", &found, "nothing but \"Client\" with api = \"members\"; leave it out");
        }
        // The documented body cannot say "no invitation". A server of the current contract takes it only with this
        // status, and then sends every visitor an invitation by email.
        (Record::Client, Api::Auto | Api::Company) if status == CLIENT_STATUS => {
            reader.wrong("status", &found, "\"Client\" only with api = \"members\"; here it is \"New\", \"Active\", …");
        }
        _ => {}
    }
    status
}

fn category(reader: &mut Reader<'_>) -> Vec<String> {
    let Some(value) = reader.raw("category") else { return Vec::new() };
    let ids = texts_of(value).filter(|ids| ids.iter().all(|id| is_id(id)));
    if ids.is_none() {
        reader.wrong("category", value, "the id of a label, or a list of them");
    }
    ids.unwrap_or_default()
}

fn fields(reader: &mut Reader<'_>, note_field: Option<&str>) -> Vec<TypedField> {
    let fields = reader.typed_fields("fields", KINDS);
    for field in &fields {
        let key = format!("fields.{}", field.name);
        if !is_id(&field.name) {
            reader.error(&key, "is not an id; custom fields go by the id of their definition");
        }
        if note_field == Some(field.name.as_str()) {
            reader.error(&key, "is already the note_field; a custom field takes one value");
        }
    }
    fields
}

/// An id; what was found is not shown, because what is pasted into the wrong place may be the API key.
fn id(reader: &mut Reader<'_>, key: &'static str) -> Option<String> {
    let text = reader.text(key)?;
    if !is_id(&text) {
        reader.error(key, "is not an id; it takes letters and digits, usually 24 of them");
        return None;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::settings::ConfigError;

    fn read_json(table: &Value) -> (Option<Options>, Vec<String>) {
        let mut errors: Vec<ConfigError> = Vec::new();
        let mut reader = Reader::new("DESTINATION_AH", table.as_object().unwrap(), &mut errors);
        let options = read(&mut reader);
        reader.finish();
        (options, errors.into_iter().map(|error| format!("{}: {}", error.key, error.message)).collect())
    }

    fn defaults() -> Options {
        Options {
            record: Record::Lead,
            api: Api::Auto,
            company_id: None,
            role_id: None,
            status: "New".into(),
            source: Template::parse("{source|website}").unwrap(),
            position_in_board: 1,
            lead_type: LeadType::Individual,
            lead_value: None,
            category: Vec::new(),
            agent: None,
            note_field: None,
            fields: Vec::new(),
        }
    }

    #[test]
    fn every_key_has_its_place_and_none_is_needed() {
        assert_eq!(read_json(&json!({})), (Some(defaults()), vec![]));
        let all = json!({
            "record": "lead", "api": "auto", "company_id": "6525994184e9ddd79853450e",
            "role_id": "6525994184e9ddd798534535", "status": "Proposal Sent", "source": "{utm_source|web}",
            "position_in_board": 3, "lead_type": "leadCompanyMember", "lead_value": "{budget}", "category": ["c1", "c2"],
            "agent": "a1", "note_field": "n1", "fields": { "f1": { "number": "{budget}" } },
        });
        let expected = Options {
            company_id: Some("6525994184e9ddd79853450e".into()),
            role_id: Some("6525994184e9ddd798534535".into()),
            status: "Proposal Sent".into(),
            source: Template::parse("{utm_source|web}").unwrap(),
            position_in_board: 3,
            lead_type: LeadType::CompanyMember,
            lead_value: Some(Template::parse("{budget}").unwrap()),
            category: vec!["c1".into(), "c2".into()],
            agent: Some("a1".into()),
            note_field: Some("n1".into()),
            fields: vec![TypedField::new("f1", Kind::Number, Template::parse("{budget}").unwrap())],
            ..defaults()
        };
        assert_eq!(read_json(&all), (Some(expected), vec![]));
    }

    #[test]
    fn the_status_of_each_record_under_each_contract() {
        for (record, api, status, expected) in [
            ("lead", "company", Some("Anything"), "Anything"),
            ("lead", "members", None, "New"),
            ("client", "auto", None, "New"),
            ("client", "company", Some("Active"), "Active"),
            ("client", "members", None, "Client"),
            ("client", "members", Some("Client"), "Client"),
        ] {
            let mut table = json!({ "record": record, "api": api });
            if let Some(status) = status {
                table["status"] = json!(status);
            }
            let (options, errors) = read_json(&table);
            assert_eq!((options.unwrap().status.as_str(), errors), (expected, vec![]), "{table}");
        }
    }

    #[test]
    fn each_mistake_names_its_key_and_what_is_allowed() {
        const MEMBERS: &str = "works only with the current contract: api = \"members\" or \"auto\"";
        const COMPANY: &str = "works only with the documented contract: api = \"company\" or \"auto\"";
        let statuses = "found \"Won\"; it takes one of \"New\", \"Contacted\", \"Qualified\", \"Working\", \
             \"Proposal Sent\", \"Negotiation\" (any other only with api = \"company\")";
        for (table, expected) in [
            (
                json!({ "record": "deal" }),
                vec!["record: found \"deal\"; it takes one of \"lead\", \"client\"".to_owned()],
            ),
            (json!({ "api": 2 }), vec!["api: found 2; it takes one of \"auto\", \"company\", \"members\"".to_owned()]),
            (
                json!({ "company_id": "eyJh.secret" }),
                vec!["company_id: is not an id; it takes letters and digits, usually 24 of them".to_owned()],
            ),
            (json!({ "status": "Won" }), vec![format!("status: {statuses}")]),
            (
                json!({ "record": "client", "api": "members", "status": "New" }),
                vec![
                    "status: found \"New\"; it takes nothing but \"Client\" with api = \"members\"; leave it out"
                        .to_owned(),
                ],
            ),
            (
                json!({ "record": "client", "status": "Client" }),
                vec![
                    "status: found \"Client\"; it takes \"Client\" only with api = \"members\"; here it is \"New\", \
                     \"Active\", …"
                        .to_owned(),
                ],
            ),
            (
                json!({ "api": "company", "lead_value": "{v}", "note_field": "n" }),
                vec![format!("lead_value: {MEMBERS}"), format!("note_field: {MEMBERS}")],
            ),
            (
                json!({ "api": "members", "role_id": "r", "position_in_board": 2 }),
                vec![format!("role_id: {COMPANY}"), format!("position_in_board: {COMPANY}")],
            ),
            (
                json!({ "record": "client", "lead_type": "individual" }),
                vec!["lead_type: works only with record = \"lead\"".to_owned()],
            ),
            (
                json!({ "category": ["two words"] }),
                vec!["category: found [\"two words\"]; it takes the id of a label, or a list of them".to_owned()],
            ),
            (
                json!({ "fields": { "f": { "file": "{c}" } } }),
                vec![
                    "fields.f: found {\"file\":\"{c}\"}; it takes one type and a template, as in \
                     { text = \"{budget}\" }; types: text, number, bool, date, list"
                        .to_owned(),
                ],
            ),
            (
                json!({ "note_field": "n", "fields": { "n": "{a}", "the field": "{b}" } }),
                vec![
                    "fields.n: is already the note_field; a custom field takes one value".to_owned(),
                    "fields.the field: is not an id; custom fields go by the id of their definition".to_owned(),
                ],
            ),
        ] {
            assert_eq!(read_json(&table).1, expected, "{table}");
        }
    }
}
