//! AgencyHandy: creates a lead or a client, under either of the vendor's two contracts.
//!
//! - The documented one (`company`) looks up the company and, for a lead, the role "client":
//!   <https://docs.agencyhandy.com/agencyhandy-user-guide-for-client/use-case/how-to-create-lead-via-api>. The role's id
//!   is the outer `_id`. The current one (`members`) needs no look-up: <https://docs.agencyhandy.com/api/create-lead>.
//! - The vendor calls the documented one stale, so `auto` moves the account over once it is gone.
//! - Email is unique in a workspace, so a repeated create is rejected. A 2xx may have created nothing: success is an id.
//! - Neither contract has a note. The current one takes it as a text custom field, `note_field`.

mod account;
mod read;

use serde_json::{Value as Json, json};

use crate::domain::template::render;
use crate::domain::typed::Value;
use crate::domain::{Kind, Lead, LeadField, Template};

use super::draft::{Draft, Source};
use super::{
    AnyConnector, Call, Connector, Descriptor, Guarantee, Opt, Options, Outcome, Progress, Record, Response, Secret,
    Step,
};
use account::{
    Account, AgencyHandy, Api, COMPANIES, CREATED, CURRENT, CUSTOM, DOCUMENTED, REQUIRED, ROLES, SKIPPED, State, first,
    is_id,
};

/// What an AgencyHandy destination is.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "agencyhandy",
    title: "AgencyHandy",
    records: &[
        Record { name: "lead", creates: "a lead", guarantee: Guarantee::OncePerPerson, needs_token: false },
        Record {
            name: "client",
            creates: "a client; a lead with the same email becomes one",
            guarantee: Guarantee::OncePerPerson,
            needs_token: false,
        },
    ],
    secrets: &[Secret {
        suffix: "API_KEY",
        hint: "the AgencyHandy API key, from Workspace Config > API Key; a new key ends the old one",
    }],
    pace: None,
    options: &[
        Opt::choice(
            "api",
            &["auto", "company", "members"],
            "the contract: the documented one, the current one, or both",
        ),
        Opt::text("company_id", "the workspace's company; looked up when it is missing"),
        Opt::text("role_id", "the outer `_id` of the role \"client\"; looked up when it is missing")
            .only("lead")
            .unless("api", "members"),
        Opt::text("status", "the pipeline column; clients of the current contract are always `Client`").or("New"),
        Opt::template("source", "{source|website}", "how the lead was won; AgencyHandy takes 50 characters"),
        Opt::integer("position_in_board", 0, u32::MAX as i64, "the place in the column")
            .or("1")
            .unless("api", "members"),
        Opt::choice("lead_type", &["individual", "leadCompanyMember"], "a person, or a member of a company")
            .only("lead")
            .unless("api", "company"),
        Opt::template("lead_value", "", "what the lead is worth").unless("api", "company"),
        Opt::texts("category", "the ids of labels").unless("api", "company"),
        Opt::text("agent", "the id of the member who looks after the lead").unless("api", "company"),
        Opt::text("note_field", "the id of a text custom field for the note, which has no other place")
            .unless("api", "company"),
        Opt::fields("fields", TYPES, "custom fields, by the id of their definition").unless("api", "company"),
    ],
    is_own_format: |body| {
        let has_list = |list: &&str| body[*list].is_array() || body["data"][*list].is_array();
        LOOKED_UP.iter().chain(CREATED).chain(SKIPPED).any(has_list)
            || body["type"].as_str().is_some_and(|word| word.ends_with("Error"))
            || body["fieldName"].is_string()
    },
    message: |body| {
        let skipped = first(body, SKIPPED).and_then(|entry| entry["reason"].as_str());
        skipped.or_else(|| body["message"].as_str()).map(str::to_owned)
    },
    build,
};

const ORIGIN: &str = "https://api.agencyhandy.com";

/// The lists of the look-ups, of created members, and of members that were not created, each with a `reason`.
const LOOKED_UP: &[&str] = &["companies", "roles"];
/// The statuses of a lead and of a client under the current contract.
const LEAD_STATUSES: &[&str] = &["New", "Contacted", "Qualified", "Working", "Proposal Sent", "Negotiation"];
const CLIENT_STATUS: &str = "Client";

/// The most characters of `source`.
const SOURCE_CHARS: usize = 50;

/// The header with the company. The current contract does not need it.
const COMPANY_HEADER: &str = "companyid";

/// A file field takes only files that AgencyHandy holds already, so there is no type for it.
const TYPES: &[(&str, Kind)] =
    &[Kind::Text.word(), Kind::Number.word(), Kind::Bool.word(), Kind::Date.word(), Kind::List.word()];

/// Where the lead's fields go under both contracts.
const DEFAULTS: &[(&str, Source)] = &[
    ("email", Source::Field(LeadField::Email)),
    ("firstName", Source::FirstName),
    ("lastName", Source::LastName),
    ("contactNo", Source::Field(LeadField::Phone)),
];

/// What the current contract takes besides.
const CURRENT_DEFAULTS: &[(&str, Source)] = &[
    ("companyName", Source::Field(LeadField::Company)),
    ("website", Source::Field(LeadField::Website)),
    ("country", Source::Field(LeadField::Country)),
    ("city", Source::Field(LeadField::City)),
    ("state", Source::Field(LeadField::State)),
    ("zipCode", Source::Field(LeadField::PostalCode)),
    ("address", Source::Field(LeadField::Street)),
];

fn build(_: &str, options: &mut Options<'_, '_>) -> Option<Box<dyn AnyConnector>> {
    let is_client = options.record.name == "client";
    let api = match options.choice("api")? {
        "company" => Api::Company,
        "members" => Api::Members,
        _ => Api::Auto,
    };
    let connector = AgencyHandy {
        is_client,
        api,
        company_id: id(options, "company_id"),
        role_id: id(options, "role_id"),
        status: status(options, is_client, api),
        source: options.template("source")?,
        position_in_board: options.integer("position_in_board").unwrap_or(1),
        lead_type: options.choice("lead_type"),
        lead_value: options.template("lead_value"),
        category: options.texts("category"),
        agent: id(options, "agent"),
        note_field: id(options, "note_field"),
        fields: options.fields("fields"),
    };
    if !connector.category.iter().all(|label| is_id(label)) {
        options.reader().error("category", "takes the id of a label, or a list of them");
    }
    for name in connector.fields.iter().map(|field| &field.name) {
        let key = format!("fields.{name}");
        if !is_id(name) {
            options.reader().error(&key, "is not an id; custom fields go by the id of their definition");
        } else if connector.note_field.as_ref() == Some(name) {
            options.reader().error(&key, "is already the note_field; a custom field takes one value");
        }
    }
    Some(Box::new(connector))
}

/// An id. The error does not show what was found: it may be the API key, pasted into the wrong place.
fn id(options: &mut Options<'_, '_>, key: &'static str) -> Option<String> {
    let text = options.text(key)?;
    if !is_id(&text) {
        options.reader().error(key, "is not an id; it takes letters and digits, usually 24 of them");
    }
    Some(text)
}

/// The status, checked against every contract that may get it.
fn status(options: &mut Options<'_, '_>, is_client: bool, api: Api) -> String {
    let (is_set, status) = (options.has("status"), options.text("status").unwrap_or_default());
    let problem = match (is_client, api) {
        (true, Api::Members) if !is_set => return CLIENT_STATUS.to_owned(),
        (true, Api::Members) if status != CLIENT_STATUS => "can only be \"Client\" with api = \"members\"".to_owned(),
        // Without the current contract's `sendInvitationEmail`, this status invites every visitor by email.
        (true, Api::Auto | Api::Company) if status == CLIENT_STATUS => {
            "cannot be \"Client\" without api = \"members\"; take \"New\" or \"Active\"".to_owned()
        }
        (false, Api::Auto | Api::Members) if !LEAD_STATUSES.contains(&status.as_str()) => {
            format!("takes one of {}; any other needs api = \"company\"", LEAD_STATUSES.join(", "))
        }
        _ => return status,
    };
    options.reader().error("status", problem);
    status
}

impl Connector for AgencyHandy {
    type State = State;
    type Account = Account;

    fn next(&self, lead: &Lead, progress: &Progress<State>, account: &Account) -> Step {
        if lead.get(LeadField::Email).is_none() {
            return Step::incomplete("AgencyHandy requires an email");
        }
        let company_id = self.company_id.as_deref().or(account.company_id.as_deref());
        let api = if self.api == Api::Auto { account.api } else { self.api };
        if api == Api::Members {
            return self.current(lead, progress, company_id).into();
        }
        // (1) The company of the key.
        let Some(company_id) = company_id else { return get(COMPANIES, "/accounts/companies").into() };
        // (2) For a lead, the role "client" in that company.
        let role_id = self.role_id.as_deref().or(account.role_id.as_deref()).filter(|_| !self.is_client);
        if role_id.is_none() && !self.is_client {
            return get(ROLES, "/roles?type=company").header(COMPANY_HEADER, company_id).into();
        }
        // (3) The record.
        self.documented(lead, progress, company_id, role_id).into()
    }

    fn read(&self, call: &Call, response: &Response, progress: &mut Progress<State>, account: &mut Account) -> Outcome {
        let outcome = read::Reading::new(self, call, response, progress, account).outcome();
        if !matches!(outcome, Outcome::Continue(_)) {
            progress.state = State::default();
        }
        outcome
    }

    fn probe(&self) -> Option<Call> {
        Some(get("probe", "/accounts/companies"))
    }

    /// `auto` begins with the documented contract. A person who becomes a client has written a message before.
    fn takes_note(&self) -> bool {
        self.is_client || (self.api == Api::Members && self.note_field.is_some())
    }
}

impl AgencyHandy {
    /// The create of the documented contract.
    fn documented(&self, lead: &Lead, progress: &Progress<State>, company_id: &str, role_id: Option<&str>) -> Call {
        let mut draft = Draft::new(lead, &progress.omitted);
        draft.defaults(DEFAULTS, REQUIRED);
        place(&mut draft, lead, "source", &self.source, SOURCE_CHARS);
        draft.set("isConvertedClient", json!(false)).set("status", json!(self.status));
        draft.set("positionInBoard", json!(self.position_in_board));
        let remark = stays_here(&mut draft, "AgencyHandy's documented contract has no field for it");
        let mut drafted = draft.take();
        let (path, body) = if let Some(role_id) = role_id {
            // A lead has all members of the page's example; those without a value are empty.
            for key in ["contactNo", "source"] {
                drafted.values.entry(key).or_insert_with(|| json!(""));
            }
            drafted.values.insert("role".into(), json!(role_id));
            (format!("/company/{company_id}/members/bulk-client"), json!({ "members": [drafted.values] }))
        } else {
            ("/members/bulk-client".to_owned(), json!([drafted.values]))
        };
        create(DOCUMENTED, &path, Some(company_id), &body).carries(&drafted).remark(remark)
    }

    /// The create of the current contract. Its pages ask for no company; the guide before them does.
    fn current(&self, lead: &Lead, progress: &Progress<State>, company_id: Option<&str>) -> Call {
        let mut draft = Draft::new(lead, &progress.omitted);
        draft.defaults(DEFAULTS, REQUIRED).defaults(CURRENT_DEFAULTS, &[]);
        place(&mut draft, lead, "source", &self.source, SOURCE_CHARS);
        if let Some(lead_value) = &self.lead_value {
            place(&mut draft, lead, "leadValue", lead_value, usize::MAX);
        }
        if !self.category.is_empty() && !draft.is_omitted("category") {
            draft.optional("category", json!(self.category));
        }
        if let Some(agent) = self.agent.as_ref().filter(|_| !draft.is_omitted("agent")) {
            draft.optional("agent", json!(agent));
        }
        if let Some(lead_type) = self.lead_type {
            draft.set("type", json!(lead_type));
        }
        // An invitation is sent unless the member says no.
        draft.set("sendInvitationEmail", json!(false));
        draft.set("status", json!(if self.is_client { CLIENT_STATUS } else { &self.status }));
        let mut member = draft.take();

        draft.section(CUSTOM).fields(&self.fields, &[], |field, value| Ok(custom_field(&field.name, value)));
        let remark = match self.note_field.as_deref() {
            None => stays_here(&mut draft, "the destination has no `note_field`"),
            Some(_) if progress.state.without_note => stays_here(&mut draft, "AgencyHandy rejected it"),
            Some(id) => {
                let text = draft.note_text();
                if !text.is_empty() {
                    draft.set(id, custom_field(id, Value::Text(text)));
                }
                None
            }
        };
        let custom = draft.take();
        if !custom.values.is_empty() {
            member.values.insert(CUSTOM.into(), custom.values.values().cloned().collect());
        }
        let path = if self.is_client { "/members/bulk-client" } else { "/members/bulk-lead" };
        create(CURRENT, path, company_id, &json!([member.values])).carries(&member).carries(&custom).remark(remark)
    }
}

fn get(step: &'static str, path: &str) -> Call {
    Call::get(step, format!("{ORIGIN}{path}")).secret("x-api-key", "API_KEY")
}

/// A create. Repeating it is safe because the email is unique.
fn create(step: &'static str, path: &str, company_id: Option<&str>, body: &Json) -> Call {
    let call = Call::post(step, format!("{ORIGIN}{path}")).secret("x-api-key", "API_KEY").json(body).idempotent();
    if let Some(id) = company_id { call.header(COMPANY_HEADER, id) } else { call }
}

/// Places what `template` renders to, at most `chars` characters. The whole of a longer one stays in the note.
fn place(draft: &mut Draft<'_>, lead: &Lead, key: &str, template: &Template, chars: usize) {
    let whole = render(template, lead);
    let text: String = whole.trim().chars().take(chars).collect();
    if text.is_empty() || draft.is_omitted(key) {
        return;
    }
    if text == whole.trim() {
        draft.note().used(template);
    }
    draft.optional(key, json!(text));
}

/// The record's note when the visitor's message is not in the call.
fn stays_here(draft: &mut Draft<'_>, why: &str) -> Option<String> {
    draft.note().holds(LeadField::Message).then(|| format!("the message stays here: {why}"))
}

/// A custom field, with its value under the key of its type. A date is midnight UTC.
fn custom_field(id: &str, value: Value) -> Json {
    let (key, value) = match value {
        Value::Text(text) => ("stringValue", json!(text)),
        Value::Number(number) => ("numberValue", json!(number)),
        Value::Bool(flag) => ("booleanValue", json!(flag)),
        Value::Date(day) => ("dateValue", json!(format!("{day}T00:00:00.000Z"))),
        Value::DateTime(moment) => ("dateValue", json!(moment)),
        Value::List(texts) => {
            let item = |text: String| json!({ "value": text, "label": text });
            ("arrayValue", texts.into_iter().map(item).collect())
        }
    };
    json!({ "_id": id, key: value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::testing::{self, lead};

    pub(super) const COMPANY: &str = "6525994184e9ddd79853450e";
    pub(super) const ROLE: &str = "6525994184e9ddd798534535";

    /// The connector of a destination with these settings.
    pub(super) fn connector(settings: &Json) -> std::rc::Rc<dyn AnyConnector> {
        let mut settings = settings.clone();
        settings["type"] = json!("agencyhandy");
        testing::account("acme-ah", settings)
    }

    /// Step, path and company of the next call.
    fn next(settings: &Json, account: &Json) -> String {
        let lead = lead(&[("email", "john.doe@example.com")]);
        let call = testing::call(connector(settings).next(&lead, &Progress::default(), account));
        let company =
            testing::headers(&call).into_iter().find_map(|header| Some(header.strip_prefix("companyid: ")?.to_owned()));
        let path = call.url.strip_prefix(ORIGIN).unwrap_or_default().replace(COMPANY, "c1");
        format!("{} {path} {}", call.step, company.unwrap_or_default().replace(COMPANY, "c1")).trim().to_owned()
    }

    #[test]
    fn the_order_of_the_steps() {
        let (company, both) = (json!({ "company_id": COMPANY }), json!({ "company_id": COMPANY, "role_id": ROLE }));
        let (moved, moved_late) = (json!({ "api": "members" }), json!({ "api": "members", "company_id": COMPANY }));
        let configured = json!({ "company_id": COMPANY, "role_id": ROLE });
        let create = "documented_create /company/c1/members/bulk-client c1";
        for (settings, account, expected) in [
            (json!({}), &Json::Null, "companies /accounts/companies"),
            (json!({}), &company, "roles /roles?type=company c1"),
            (json!({}), &both, create),
            (json!({}), &moved, "current_create /members/bulk-lead"),
            (json!({}), &moved_late, "current_create /members/bulk-lead c1"),
            (configured.clone(), &Json::Null, create),
            (configured, &json!({ "company_id": "other", "role_id": "other" }), create),
            (json!({ "api": "company" }), &moved, "companies /accounts/companies"),
            (json!({ "api": "members" }), &Json::Null, "current_create /members/bulk-lead"),
            (json!({ "record": "client" }), &Json::Null, "companies /accounts/companies"),
            (json!({ "record": "client" }), &company, "documented_create /members/bulk-client c1"),
            (json!({ "record": "client" }), &moved, "current_create /members/bulk-client"),
        ] {
            assert_eq!(next(&settings, account), expected, "{settings} {account}");
        }
        let nobody = connector(&json!({})).next(&lead(&[("phone", "1")]), &Progress::default(), &Json::Null);
        assert_eq!(nobody, Ok(Step::incomplete("AgencyHandy requires an email")));
    }

    /// The body of a create, for a full and a minimal lead.
    fn bodies(settings: &Json) -> [Json; 2] {
        let source = "가".repeat(60);
        let full = lead(&[
            ("first_name", "Ada"),
            ("last_name", "Lovelace"),
            ("email", "ada@example.com"),
            ("tel", "123"),
            ("company", "Engines"),
            ("website", "https://engines.test"),
            ("street", "1 Main St"),
            ("city", "Seoul"),
            ("state", "Seoul"),
            ("zip", "04524"),
            ("country", "KR"),
            ("source", &source),
            ("budget", " 2500 "),
            ("plan", "gold"),
            ("seats", "12"),
            ("age", "old enough"),
            ("start", "2026-05-04"),
            ("topic", "a"),
            ("topic", "b"),
            ("vip", "yes"),
            ("message", "Hello"),
        ]);
        let known = json!({ "company_id": COMPANY, "role_id": ROLE });
        [full, lead(&[("email", "a@example.com")])].map(|lead| {
            let call = testing::call(connector(settings).next(&lead, &Progress::default(), &known));
            assert_eq!(testing::headers(&call)[..2], ["Accept: application/json", "x-api-key: {API_KEY}"]);
            testing::body(&call)
        })
    }

    #[test]
    fn requests_of_the_documented_contract() {
        let source = "가".repeat(50);
        let full = json!({
            "email": "ada@example.com", "firstName": "Ada", "lastName": "Lovelace", "contactNo": "123",
            "source": source, "isConvertedClient": false, "status": "Qualified", "positionInBoard": 3,
        });
        let minimal = json!({
            "email": "a@example.com", "firstName": "-", "lastName": "-", "source": "website",
            "isConvertedClient": false, "status": "Qualified", "positionInBoard": 3,
        });
        let settings = json!({ "api": "company", "status": "Qualified", "position_in_board": 3 });
        let lead = |member: &Json, phone: &str| {
            let mut member = member.clone();
            member["role"] = json!(ROLE);
            member["contactNo"] = json!(phone);
            json!({ "members": [member] })
        };
        assert_eq!(bodies(&settings), [lead(&full, "123"), lead(&minimal, "")]);
        let mut client = settings;
        client["record"] = json!("client");
        assert_eq!(bodies(&client), [json!([full]), json!([minimal])]);
    }

    #[test]
    fn requests_of_the_current_contract() {
        let settings = json!({
            "api": "members", "status": "Contacted", "lead_type": "leadCompanyMember", "lead_value": "{budget}",
            "category": ["c1"], "agent": "m1", "note_field": "n1",
            "fields": {
                "f1": "{plan}", "f2": { "number": "{seats}" }, "f3": { "number": "{age}" }, "f4": { "date": "{start}" },
                "f5": { "list": "{topic}" }, "f6": { "bool": "{vip}" },
            },
        });
        let note = format!("Hello\n\nsource: {}\nf3: old enough", "가".repeat(60));
        let full = json!({
            "type": "leadCompanyMember", "email": "ada@example.com", "status": "Contacted", "firstName": "Ada",
            "lastName": "Lovelace", "contactNo": "123", "companyName": "Engines", "website": "https://engines.test",
            "country": "KR", "city": "Seoul", "state": "Seoul", "zipCode": "04524", "address": "1 Main St",
            "source": "가".repeat(50), "leadValue": "2500", "sendInvitationEmail": false, "category": ["c1"],
            "agent": "m1",
            "customFields": [
                { "_id": "f1", "stringValue": "gold" },
                { "_id": "f2", "numberValue": 12 },
                { "_id": "f4", "dateValue": "2026-05-04T00:00:00.000Z" },
                { "_id": "f5", "arrayValue": [{ "value": "a", "label": "a" }, { "value": "b", "label": "b" }] },
                { "_id": "f6", "booleanValue": true },
                { "_id": "n1", "stringValue": note },
            ],
        });
        let minimal = json!({
            "type": "leadCompanyMember", "email": "a@example.com", "status": "Contacted", "firstName": "-",
            "lastName": "-", "source": "website", "sendInvitationEmail": false, "category": ["c1"], "agent": "m1",
        });
        assert_eq!(bodies(&settings), [json!([full]), json!([minimal])]);
        let client = json!([{
            "email": "a@example.com", "status": "Client", "firstName": "-", "lastName": "-", "source": "website",
            "sendInvitationEmail": false,
        }]);
        assert_eq!(bodies(&json!({ "api": "members", "record": "client" }))[1], client);
    }

    #[test]
    fn mistakes_in_the_options() {
        const NO_COMPANY: &str = "does not work with api = \"company\"";
        const NO_MEMBERS: &str = "does not work with api = \"members\"";
        for (settings, expected) in [
            (json!({}), vec![]),
            (json!({ "api": "company", "status": "Anything" }), vec![]),
            (json!({ "record": "client", "api": "members", "status": "Client" }), vec![]),
            (
                json!({ "company_id": "eyJh.secret" }),
                vec!["company_id: is not an id; it takes letters and digits, usually 24 of them".to_owned()],
            ),
            (
                json!({ "status": "Won" }),
                vec!["status: takes one of New, Contacted, Qualified, Working, Proposal Sent, Negotiation; any other needs api = \"company\"".to_owned()],
            ),
            (
                json!({ "record": "client", "api": "members", "status": "New" }),
                vec!["status: can only be \"Client\" with api = \"members\"".to_owned()],
            ),
            (
                json!({ "record": "client", "status": "Client" }),
                vec!["status: cannot be \"Client\" without api = \"members\"; take \"New\" or \"Active\"".to_owned()],
            ),
            (
                json!({ "api": "company", "lead_value": "{v}", "note_field": "n" }),
                vec![format!("lead_value: {NO_COMPANY}"), format!("note_field: {NO_COMPANY}")],
            ),
            (
                json!({ "api": "members", "role_id": "r", "position_in_board": 2 }),
                vec![format!("role_id: {NO_MEMBERS}"), format!("position_in_board: {NO_MEMBERS}")],
            ),
            (
                json!({ "record": "client", "lead_type": "individual" }),
                vec!["lead_type: works only with record = \"lead\"".to_owned()],
            ),
            (
                json!({ "category": ["two words"] }),
                vec!["category: takes the id of a label, or a list of them".to_owned()],
            ),
            (
                json!({ "note_field": "n", "fields": { "n": "{a}", "the field": "{b}" } }),
                vec![
                    "fields.n: is already the note_field; a custom field takes one value".to_owned(),
                    "fields.the field: is not an id; custom fields go by the id of their definition".to_owned(),
                ],
            ),
        ] {
            let mut table = settings.clone();
            table["type"] = json!("agencyhandy");
            let errors = testing::destination("acme-ah", table).err().unwrap_or_default().replace("DESTINATION_X: ", "");
            assert_eq!(errors, expected.join("\n"), "{settings}");
        }
    }

    #[test]
    fn only_some_contracts_take_the_message() {
        for (settings, expected) in [
            (json!({}), false),
            (json!({ "note_field": "n" }), false),
            (json!({ "api": "members" }), false),
            (json!({ "api": "members", "note_field": "n" }), true),
            (json!({ "record": "client" }), true),
        ] {
            assert_eq!(connector(&settings).takes_note(), expected, "{settings}");
        }
    }
}
