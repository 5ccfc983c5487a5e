//! Options of a Salesmap destination.
//!
//! Field names are the workspace's own labels, in Korean as a rule: `이메일` and `전화` are where Salesmap keeps a
//! person's email and phone, and a workspace may have renamed them. Types: <https://docs.salesmap.kr/developers/api-reference/fieldlist>.

use crate::domain::settings::Reader;
use crate::domain::{Kind, Template, TypedField};

/// Secrets, without the destination's name in front.
pub const SECRETS: &[&str] = &["TOKEN"];

/// The owner's label, on every kind of record.
pub const OWNER_LABEL: &str = "담당자";

/// The name of a lead when the operator says nothing. A lead without a name is named by its email, phone or company.
pub const LEAD_NAME: &str = "{name} ({form})";

/// The types of value that a Salesmap field may hold: the common ones and relations to other records.
pub const KINDS: &[(&str, Kind)] = &[
    Kind::Text.word(),
    Kind::Number.word(),
    Kind::Bool.word(),
    Kind::Date.word(),
    Kind::DateTime.word(),
    Kind::List.word(),
    ("user", Kind::Id),
    ("users", Kind::Ids),
    ("person", Kind::Id),
    ("people", Kind::Ids),
    ("organization", Kind::Id),
    ("organizations", Kind::Ids),
    ("pipeline", Kind::Id),
    ("pipeline_stage", Kind::Id),
    ("web_form", Kind::Id),
    ("web_forms", Kind::Ids),
    ("sequence", Kind::Id),
    ("sequences", Kind::Ids),
    ("deal", Kind::Id),
    ("deals", Kind::Ids),
    ("leads", Kind::Ids),
    ("custom_objects", Kind::Ids),
    ("teams", Kind::Ids),
    ("products", Kind::Ids),
];

/// Options of a Salesmap destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The name of the lead. A lead of a person who was there before gets a code behind it, unless the template has
    /// `{submission_id}`.
    pub lead_name: Template,
    /// Whether the lead's company becomes an organization of its own.
    pub organization: bool,
    /// Where in the sales process the lead begins; `None`: where the workspace puts it.
    pub pipeline: Option<Pipeline>,
    /// The label of a person's email.
    pub email_label: String,
    /// The label of a person's phone.
    pub phone_label: String,
    /// The user who owns the lead and its person; `None`: the user whose token it is.
    pub owner_id: Option<String>,
    /// The lead's own fields.
    pub lead_fields: Vec<TypedField>,
    /// The person's own fields.
    pub people_fields: Vec<TypedField>,
    /// The organization's own fields.
    pub organization_fields: Vec<TypedField>,
}

/// A pipeline and one of its stages: Salesmap takes both or neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// The pipeline's id.
    pub id: String,
    /// The id of a stage of that pipeline.
    pub stage_id: String,
}

/// Reads the keys of a Salesmap destination.
pub fn read(reader: &mut Reader<'_>) -> Option<Options> {
    reader.choice("record", &[("lead", ())]);
    let lead_name = reader.template_or("lead_name", LEAD_NAME)?;
    let organization = reader.flag("organization").unwrap_or(true);
    let pipeline = pipeline(reader);
    let email_label = reader.text("email_label").unwrap_or_else(|| "이메일".to_owned());
    let phone_label = reader.text("phone_label").unwrap_or_else(|| "전화".to_owned());
    if email_label == phone_label {
        reader.error("phone_label", format!("found \"{phone_label}\", which is the label of the email as well"));
    }
    let owner_id = reader.text("owner_id");
    let lead_fields = reader.typed_fields("lead_fields", KINDS);
    let people_fields = reader.typed_fields("people_fields", KINDS);
    let organization_fields = reader.typed_fields("organization_fields", KINDS);

    // A field that the CRM fills already, or takes outside of `fieldList`, would be refused or sent twice.
    let owned = owner_id.as_ref().map(|_| (OWNER_LABEL, "is filled by owner_id"));
    let mut taken = vec![
        ("이름", "is the lead's name; use lead_name"),
        ("파이프라인", "goes outside of the fields; use pipeline_id"),
        ("파이프라인 단계", "goes outside of the fields; use pipeline_stage_id"),
    ];
    taken.extend(owned);
    refuse_taken(reader, "lead_fields", &lead_fields, &taken);
    let mut taken = vec![
        ("이름", "is the person's name; map the lead field `name`"),
        (email_label.as_str(), "holds the email (email_label); map the lead field `email`"),
        (phone_label.as_str(), "holds the phone (phone_label); map the lead field `phone`"),
    ];
    taken.extend(owned);
    refuse_taken(reader, "people_fields", &people_fields, &taken);
    let taken = [("이름", "is the organization's name; map the lead field `company`")];
    refuse_taken(reader, "organization_fields", &organization_fields, &taken);

    Some(Options {
        lead_name,
        organization,
        pipeline,
        email_label,
        phone_label,
        owner_id,
        lead_fields,
        people_fields,
        organization_fields,
    })
}

fn pipeline(reader: &mut Reader<'_>) -> Option<Pipeline> {
    let has_pipeline = reader.raw("pipeline_id").is_some();
    let has_stage = reader.raw("pipeline_stage_id").is_some();
    let pipeline = reader.text("pipeline_id");
    let stage = reader.text("pipeline_stage_id");
    match (has_pipeline, has_stage) {
        (true, false) => reader.error("pipeline_stage_id", "is missing; Salesmap takes it and pipeline_id together"),
        (false, true) => reader.error("pipeline_id", "is missing; Salesmap takes it and pipeline_stage_id together"),
        _ => {}
    }
    Some(Pipeline { id: pipeline?, stage_id: stage? })
}

fn refuse_taken(reader: &mut Reader<'_>, table: &str, fields: &[TypedField], taken: &[(&str, &str)]) {
    for field in fields {
        if let Some((_, why)) = taken.iter().find(|(name, _)| *name == field.name) {
            reader.error(&format!("{table}.{}", field.name), *why);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::settings::ConfigError;

    fn read_all(table: &Value) -> (Option<Options>, Vec<String>) {
        let mut errors: Vec<ConfigError> = Vec::new();
        let mut reader = Reader::new("DESTINATION_SALESMAP", table.as_object().unwrap(), &mut errors);
        let options = read(&mut reader);
        reader.finish();
        (options, errors.iter().map(|error| format!("{}: {}", error.key, error.message)).collect())
    }

    fn field(name: &str, kind: Kind, template: &str) -> TypedField {
        TypedField::new(name, kind, Template::parse(template).unwrap())
    }

    fn defaults() -> Options {
        Options {
            lead_name: Template::parse("{name} ({form})").unwrap(),
            organization: true,
            pipeline: None,
            email_label: "이메일".into(),
            phone_label: "전화".into(),
            owner_id: None,
            lead_fields: Vec::new(),
            people_fields: Vec::new(),
            organization_fields: Vec::new(),
        }
    }

    #[test]
    fn nothing_is_required() {
        assert_eq!(read_all(&json!({})), (Some(defaults()), Vec::new()));
    }

    #[test]
    fn every_key() {
        let table = json!({
            "record": "lead",
            "lead_name": "{company} 문의",
            "organization": false,
            "pipeline_id": "p",
            "pipeline_stage_id": "s",
            "email_label": "E-mail",
            "phone_label": "Phone",
            "owner_id": "u",
            "lead_fields": { "예산": { "number": "{budget}" } },
            "people_fields": { "직함": "{job_title}" },
            "organization_fields": { "설립일": { "date": "{founded}" } },
        });
        let expected = Options {
            lead_name: Template::parse("{company} 문의").unwrap(),
            organization: false,
            pipeline: Some(Pipeline { id: "p".into(), stage_id: "s".into() }),
            email_label: "E-mail".into(),
            phone_label: "Phone".into(),
            owner_id: Some("u".into()),
            lead_fields: vec![field("예산", Kind::Number, "{budget}")],
            people_fields: vec![field("직함", Kind::Text, "{job_title}")],
            organization_fields: vec![field("설립일", Kind::Date, "{founded}")],
        };
        assert_eq!(read_all(&table), (Some(expected), Vec::new()));
    }

    #[test]
    fn each_mistake_names_its_key() {
        let kinds = KINDS.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        let cases = [
            (json!({ "record": "deal" }), "record: found \"deal\"; it takes one of \"lead\"".to_owned()),
            (
                json!({ "lead_name": "{_next}" }),
                "lead_name: `{_next}` names a control field; those are never data".to_owned(),
            ),
            (json!({ "organization": "yes" }), "organization: found \"yes\"; it takes true or false".to_owned()),
            (
                json!({ "pipeline_id": "p" }),
                "pipeline_stage_id: is missing; Salesmap takes it and pipeline_id together".to_owned(),
            ),
            (
                json!({ "pipeline_stage_id": "s" }),
                "pipeline_id: is missing; Salesmap takes it and pipeline_stage_id together".to_owned(),
            ),
            (
                json!({ "pipeline_id": 7, "pipeline_stage_id": "s" }),
                "pipeline_id: found 7; it takes a text that is not empty".to_owned(),
            ),
            (json!({ "email_label": " " }), "email_label: found \" \"; it takes a text that is not empty".to_owned()),
            (
                json!({ "phone_label": "이메일" }),
                "phone_label: found \"이메일\", which is the label of the email as well".to_owned(),
            ),
            (json!({ "owner_id": [] }), "owner_id: found []; it takes a text that is not empty".to_owned()),
            (
                json!({ "lead_fields": { "첨부": { "file": "{cv}" } } }),
                format!(
                    "lead_fields.첨부: found {{\"file\":\"{{cv}}\"}}; it takes one type and a template, as in \
                     {{ text = \"{{budget}}\" }}; types: {kinds}"
                ),
            ),
            (
                json!({ "lead_fields": { "파이프라인": { "pipeline": "p" } } }),
                "lead_fields.파이프라인: goes outside of the fields; use pipeline_id".to_owned(),
            ),
            (
                json!({ "owner_id": "u", "lead_fields": { "담당자": { "user": "v" } } }),
                "lead_fields.담당자: is filled by owner_id".to_owned(),
            ),
            (
                json!({ "email_label": "Mail", "people_fields": { "Mail": "{email}" } }),
                "people_fields.Mail: holds the email (email_label); map the lead field `email`".to_owned(),
            ),
            (
                json!({ "organization_fields": { "이름": "{company}" } }),
                "organization_fields.이름: is the organization's name; map the lead field `company`".to_owned(),
            ),
            (
                json!({ "leadname": "x" }),
                "leadname: is not a key; known here: email_label, lead_fields, lead_name, organization, \
                 organization_fields, owner_id, people_fields, phone_label, pipeline_id, pipeline_stage_id, record"
                    .to_owned(),
            ),
        ];
        for (table, error) in cases {
            assert_eq!(read_all(&table).1, [error], "{table}");
        }
    }
}
