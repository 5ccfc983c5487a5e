//! Salesmap: creates an organization, a person and a lead. <https://docs.salesmap.kr/developers/api-reference/lead/create>
//!
//! - The lead takes its person and organization by id, and the ids are checked: hence three calls, in this order.
//! - A person's email and an organization's name are unique: a repeated create is rejected with the id of the record that
//!   exists. Leads, and people without an email, are not unique, so a create with an unknown outcome is looked up.
//! - `success` in the body decides, not the status: a rejection was documented under 201. The text is in `reason`.

mod reason;
mod requests;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::domain::template::{Part, render};
use crate::domain::{Lead, LeadField, Template, TypedField};

use reason::{items, mentions, named, reason, seconds_in, texts};
use requests::{API, TYPES, call, create, created_since, equals, item, item_of, memo, search};

use super::draft::Draft;
use super::{
    AnyConnector, Call, Connector, Descriptor, Failure, FailureKind, Guarantee, Opt, Options, Outcome, Pace, Progress,
    Record, RecordRef, Response, Secret, Step,
};

/// What a Salesmap destination is.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "salesmap",
    title: "Salesmap",
    records: &[Record {
        name: "lead",
        creates: "a lead with its person and organization; known ones are reused and not changed",
        guarantee: Guarantee::ExactlyOnce,
        needs_token: false,
    }],
    secrets: &[Secret {
        suffix: "TOKEN",
        hint: "the Salesmap API token, from Personal settings > Integrations (개인 설정 > 연동) > API; a new one ends the old one",
    }],
    pace: Some(Pace { points: 100, window_ms: 10_000 }),
    options: &[
        Opt::template(
            "lead_name",
            "{name} ({form})",
            "the lead's name; without a name, the email, phone or company is used",
        ),
        Opt::flag("organization", "whether the company becomes an organization; if not, it goes to the memo")
            .or("true"),
        Opt::text("email_label", "the workspace's label of a person's email").or("이메일"),
        Opt::text("phone_label", "the workspace's label of a person's phone").or("전화"),
        Opt::text("pipeline_id", "the pipeline in which the lead starts; the workspace's default if it is missing"),
        Opt::text("pipeline_stage_id", "a stage of that pipeline; set both or neither"),
        Opt::text("owner_id", "the user who owns the lead and its person; by default the token's user"),
        Opt::fields("lead_fields", TYPES, "your own values for the lead's fields, by label"),
        Opt::fields("people_fields", TYPES, "your own values for the person's fields, by label"),
        Opt::fields("organization_fields", TYPES, "your own values for the organization's fields, by label"),
    ],
    is_own_format: |body| {
        let has_reason = || body["message"].is_string() || reason(body).is_some();
        body["success"].as_bool().is_some_and(|success| if success { body["data"].is_object() } else { has_reason() })
    },
    message: |body| reason(body).or_else(|| body["message"].as_str().map(str::to_owned)),
    build,
};

/// The steps; those of the creates are also the sections of their omission keys. `organization` alone omits all of it.
const ORGANIZATION: &str = "organization";
const PERSON: &str = "person";
const LEAD: &str = "lead";
const FIND_PERSON: &str = "find_person";
const FIND_EMAIL: &str = "find_email";
const FIND_LEAD: &str = "find_lead";

/// What Salesmap calls persons.
const PEOPLE: &str = "people";

/// Labels that every workspace has: the name of any record, its owner, a lead's person.
const NAME_LABEL: &str = "이름";
const OWNER_LABEL: &str = "담당자";
const PERSON_LABEL: &str = "고객";

/// The wait that the vendor documents for too many calls: <https://docs.salesmap.kr/developers/api-reference/rate-limiting>.
const RATE_LIMIT_WAIT_MS: u64 = 10_000;

/// What a search costs of the documented points; any other call costs one.
const SEARCH_COST: u32 = 10;

/// A Salesmap workspace.
#[derive(Debug)]
struct Salesmap {
    /// The destination's name.
    destination: String,
    lead_name: Template,
    has_organizations: bool,
    /// A pipeline and one of its stages.
    pipeline: Option<(String, String)>,
    email_label: String,
    phone_label: String,
    owner_id: Option<String>,
    lead_fields: Vec<TypedField>,
    people_fields: Vec<TypedField>,
    organization_fields: Vec<TypedField>,
}

fn build(destination: &str, options: &mut Options<'_, '_>) -> Option<Box<dyn AnyConnector>> {
    let lead_name = options.template("lead_name");
    let salesmap = Salesmap {
        destination: destination.to_owned(),
        has_organizations: options.flag("organization"),
        pipeline: options.text("pipeline_id").zip(options.text("pipeline_stage_id")),
        email_label: options.text("email_label")?,
        phone_label: options.text("phone_label")?,
        owner_id: options.text("owner_id"),
        lead_fields: options.fields("lead_fields"),
        people_fields: options.fields("people_fields"),
        organization_fields: options.fields("organization_fields"),
        lead_name: lead_name?,
    };
    for (set, missing) in [("pipeline_id", "pipeline_stage_id"), ("pipeline_stage_id", "pipeline_id")] {
        if options.has(set) && !options.has(missing) {
            options.reader().error(missing, format!("is missing; Salesmap takes it together with {set}"));
        }
    }
    let (email, phone) = (salesmap.email_label.as_str(), salesmap.phone_label.as_str());
    if email == phone {
        options.reader().error("phone_label", format!("is \"{phone}\", which is the label of the email too"));
    }
    // A field that is filled already would be sent twice; one outside of `fieldList` would be rejected.
    let owner = (salesmap.owner_id.as_ref().map_or("", |_| OWNER_LABEL), "is filled by owner_id");
    for (key, fields, filled) in [
        (
            "lead_fields",
            &salesmap.lead_fields,
            &[
                (NAME_LABEL, "is the lead's name; use lead_name"),
                ("파이프라인", "is not one of the fields; use pipeline_id"),
                ("파이프라인 단계", "is not one of the fields; use pipeline_stage_id"),
                owner,
            ][..],
        ),
        (
            "people_fields",
            &salesmap.people_fields,
            &[
                (NAME_LABEL, "is the person's name; map the lead field `name`"),
                (email, "holds the email (email_label); map the lead field `email`"),
                (phone, "holds the phone (phone_label); map the lead field `phone`"),
                owner,
            ],
        ),
        (
            "organization_fields",
            &salesmap.organization_fields,
            &[(NAME_LABEL, "is the organization's name; map the lead field `company`")],
        ),
    ] {
        for field in fields {
            if let Some((label, why)) = filled.iter().find(|(label, _)| *label == field.name) {
                options.reader().error(&format!("{key}.{label}"), *why);
            }
        }
    }
    Some(Box::new(salesmap))
}

/// What the calls of a delivery established.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    organization: Option<Known>,
    person: Option<Known>,
    /// A person has the lead's email, and Salesmap did not name the person.
    email_is_taken: bool,
}

/// A record at Salesmap.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    id: String,
    /// This delivery created it, so it has the lead's values.
    is_new: bool,
}

/// Whether the record has the lead's values, or will once it is created. Nothing is ever written to an older one.
fn takes_values(known: Option<&Known>) -> bool {
    known.is_none_or(|known| known.is_new)
}

impl Connector for Salesmap {
    type State = State;
    type Account = ();

    fn next(&self, lead: &Lead, progress: &Progress<State>, (): &()) -> Step {
        let Some(name) = person_name(lead) else {
            return Step::incomplete("Salesmap requires a name; the lead has no name, email, phone or company");
        };
        let (state, in_doubt) = (&progress.state, progress.in_doubt.as_deref());
        let lead_name = self.lead_name(lead, state, name);
        if in_doubt == Some(LEAD) {
            let person = state.person.as_ref().map(|person| equals(PERSON_LABEL, &person.id));
            let filters: Vec<_> =
                [equals(NAME_LABEL, &lead_name), created_since(lead)].into_iter().chain(person).collect();
            return search(FIND_LEAD, LEAD, &filters).into();
        }
        // All three are drafted each time: the lead's memo has what none of them holds.
        let mut draft = Draft::new(lead, &progress.omitted);
        let is_wanted = self.has_organizations && !progress.omitted.has(ORGANIZATION);
        let company = lead.get(LeadField::Company).filter(|_| is_wanted);
        if let Some(company) = company {
            let organization = self.organization(&mut draft, company, state);
            if state.organization.is_none() {
                return organization.idempotent().into();
            }
        }
        let organization_id = state.organization.as_ref().filter(|_| company.is_some()).map(|known| known.id.as_str());
        let person = self.person(&mut draft, lead, name, organization_id, state);
        match (&state.person, lead.get(LeadField::Email)) {
            (Some(known), _) => self.lead(&mut draft, &lead_name, &known.id, organization_id).into(),
            (None, Some(email)) if state.email_is_taken => {
                search(FIND_EMAIL, PEOPLE, &[equals(&self.email_label, email)]).into()
            }
            (None, Some(_)) => person.idempotent().into(),
            // Name, phone (or its absence) and time tell the person apart.
            (None, None) if in_doubt == Some(PERSON) => {
                let phone = lead.get(LeadField::Phone).filter(|_| !draft.section(PERSON).is_omitted(&self.phone_label));
                let absent = || json!({ "fieldName": self.phone_label, "operator": "NOT_EXISTS" });
                let phone = phone.map_or_else(absent, |phone| equals(&self.phone_label, phone));
                search(FIND_PERSON, PEOPLE, &[equals(NAME_LABEL, name), phone, created_since(lead)]).into()
            }
            (None, None) => person.into(),
        }
    }

    fn read(&self, call: &Call, response: &Response, progress: &mut Progress<State>, (): &mut ()) -> Outcome {
        let Some(body) = response.json() else { return response.by_status() };
        let sent = call.sent();
        let phrases = response.phrases_without(&texts(&sent));
        match (response.status, body["success"] == true) {
            (200..=299, true) => accepted(call, response, &body["data"], progress),
            (200..=299 | 400 | 404 | 409 | 422, false) => self.rejected(call, response, &sent, &phrases, progress),
            (429, _) => {
                let wait_ms = seconds_in(&phrases).or_else(|| response.wait_ms());
                let failure = response.failure(FailureKind::RateLimited);
                Outcome::Retry(failure.wait(wait_ms.or(Some(RATE_LIMIT_WAIT_MS))))
            }
            _ => response.by_status(),
        }
    }

    fn probe(&self) -> Option<Call> {
        Some(call(Call::get("probe", format!("{API}/user/me"))))
    }

    fn cost(&self, call: &Call) -> u32 {
        if [FIND_PERSON, FIND_EMAIL, FIND_LEAD].contains(&call.step) { SEARCH_COST } else { 1 }
    }
}

impl Salesmap {
    fn organization(&self, draft: &mut Draft<'_>, company: &str, state: &State) -> Call {
        draft.section(ORGANIZATION);
        if takes_values(state.organization.as_ref()) {
            draft.note().placed(&[LeadField::Company]);
            draft.fields(&self.organization_fields, &[], |field, value| Ok(item_of(field, &value)));
        }
        let mut drafted = draft.take();
        drafted.optional.push(ORGANIZATION.to_owned());
        create(ORGANIZATION, ORGANIZATION, company, &[], &drafted)
    }

    fn person(
        &self,
        draft: &mut Draft<'_>,
        lead: &Lead,
        name: &str,
        organization_id: Option<&str>,
        state: &State,
    ) -> Call {
        use LeadField::{Email, FirstName, LastName, Name, Phone};
        draft.section(PERSON);
        if takes_values(state.person.as_ref()) {
            draft.note().placed(&[Name, FirstName, LastName, Email]);
            if let Some(email) = lead.get(Email) {
                draft.set(&self.email_label, item(&self.email_label, "stringValue", json!(email)));
            }
            if let Some(phone) = lead.get(Phone).filter(|_| !draft.is_omitted(&self.phone_label)) {
                draft.optional(&self.phone_label, item(&self.phone_label, "stringValue", json!(phone)));
                draft.note().placed(&[Phone]);
            }
            self.owner(draft);
            draft.fields(&self.people_fields, &[], |field, value| Ok(item_of(field, &value)));
        }
        let mut drafted = draft.take();
        drafted.optional.extend(organization_id.map(|_| ORGANIZATION.to_owned()));
        create(PERSON, PEOPLE, name, &[("organizationId", organization_id)], &drafted)
    }

    fn lead(&self, draft: &mut Draft<'_>, name: &str, person_id: &str, organization_id: Option<&str>) -> Call {
        draft.section(LEAD);
        self.owner(draft);
        draft.fields(&self.lead_fields, &[], |field, value| Ok(item_of(field, &value)));
        if let Some((pipeline, stage)) = self.pipeline.as_ref().filter(|_| !draft.is_omitted("pipelineId")) {
            draft.optional("pipelineId", json!(pipeline)).set("pipelineStageId", json!(stage));
        }
        let memo = memo(&draft.note_text());
        let mut drafted = draft.take();
        drafted.optional.extend(organization_id.map(|_| ORGANIZATION.to_owned()));
        let memo = Some(memo.as_str()).filter(|memo| !memo.is_empty());
        let members = [("peopleId", Some(person_id)), ("organizationId", organization_id), ("memo", memo)];
        create(LEAD, LEAD, name, &members, &drafted)
    }

    fn owner(&self, draft: &mut Draft<'_>) {
        if let Some(id) = self.owner_id.as_ref().filter(|_| !draft.is_omitted(OWNER_LABEL)) {
            draft.optional(OWNER_LABEL, item(OWNER_LABEL, "userValueId", json!(id)));
        }
    }

    /// The lead's name, on one line. It tells the lead apart from every other lead of its person, so that the search for
    /// a create with an unknown outcome finds this one only: a person whom this delivery created has no other lead, and
    /// for anybody else a code of submission and destination follows the name.
    fn lead_name(&self, lead: &Lead, state: &State, person_name: &str) -> String {
        let mut template = self.lead_name.clone();
        for part in &mut template.parts {
            if let Part::Variable { name, fallback: fallback @ None } = part
                && name == LeadField::Name.name()
            {
                *fallback = Some(person_name.to_owned());
            }
        }
        let mut name = render(&template, lead).split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            person_name.clone_into(&mut name);
        }
        let is_unique = template.variables().any(|variable| variable == "submission_id");
        if takes_values(state.person.as_ref()) || is_unique {
            return name;
        }
        let digest = Sha256::digest(format!("{}\n{}", lead.submission.id, self.destination));
        format!("{name} #{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2])
    }

    /// Salesmap rejects `call`: an existing record is used, a rejected value is omitted.
    fn rejected(
        &self,
        call: &Call,
        response: &Response,
        sent: &Json,
        phrases: &str,
        progress: &mut Progress<State>,
    ) -> Outcome {
        let failure = response.failure(match response.status {
            _ if phrases.contains("찾을 수 없습니다") => FailureKind::NotFound,
            409 => FailureKind::Conflict,
            _ => FailureKind::Invalid,
        });
        // The workspace takes calls from listed addresses only.
        if phrases.contains("허용되지 않은 ip") {
            return Outcome::Retry(response.failure(FailureKind::Credentials));
        }
        let (named, state) = (named(call, sent, phrases), &mut progress.state);
        let has_email = items(sent).iter().any(|item| item["name"] == self.email_label.as_str());
        let of_email = has_email && (phrases.contains("이메일") || mentions(phrases, &self.email_label));
        // With an email, a person who has another of the values is somebody else.
        let is_other = has_email && !of_email && !named.is_empty();
        let says_exists = phrases.contains("존재") && !phrases.contains("존재하지");
        let known = response.json().and_then(|body| id_of(&body["data"])).map(|id| Known { id, is_new: false });
        match (call.step, known) {
            (ORGANIZATION, Some(known)) => state.organization = Some(known),
            (PERSON, Some(known)) if !is_other => state.person = Some(known),
            (PERSON, None) if of_email && says_exists => state.email_is_taken = true,
            // Merged, deleted, or of another workspace. Without an email the person is looked up before it is created.
            (LEAD, _) if failure.kind == FailureKind::NotFound && phrases.contains("peopleid") => {
                *state = State::default();
                progress.in_doubt = Some(PERSON.to_owned());
                return Outcome::Retry(failure);
            }
            (ORGANIZATION, _) if named.is_empty() => {
                return progress.omitted.after_rejection(call, &[ORGANIZATION], failure);
            }
            (LEAD, _) if named.is_empty() && phrases.contains("memo") => {
                return progress.omitted.after_note_rejection(call, failure);
            }
            (ORGANIZATION | PERSON | LEAD, _) => return progress.omitted.after_rejection(call, &named, failure),
            _ => return Outcome::Rejected(failure),
        }
        Outcome::CONTINUE
    }
}

/// Salesmap has done what `call` asks for, if `data` holds the record or the list of records.
fn accepted(call: &Call, response: &Response, data: &Json, progress: &mut Progress<State>) -> Outcome {
    let state = &mut progress.state;
    if [ORGANIZATION, PERSON, LEAD].contains(&call.step) {
        let record = &data[if call.step == PERSON { PEOPLE } else { call.step }];
        let Some(known) = id_of(record).map(|id| Known { id, is_new: true }) else { return response.by_status() };
        match call.step {
            ORGANIZATION => state.organization = Some(known),
            PERSON => state.person = Some(known),
            _ => return Outcome::Delivered(RecordRef::new(known.id)),
        }
        return Outcome::CONTINUE;
    }
    let Some(list) = data["objectList"].as_array() else { return response.by_status() };
    match (call.step, list.first().map(id_of)) {
        (_, Some(None)) => return response.by_status(),
        (FIND_LEAD, Some(Some(id))) => return Outcome::Delivered(RecordRef::new(id)),
        // Another delivery of the same visitor may have created it.
        (_, Some(Some(id))) => state.person = Some(Known { id, is_new: false }),
        (FIND_EMAIL, None) => {
            state.email_is_taken = false;
            let detail = "Salesmap says that a person has this email, but its search does not find one yet";
            return Outcome::Retry(Failure::new(FailureKind::Unexpected, detail));
        }
        (_, None) => {}
    }
    progress.in_doubt = None;
    Outcome::CONTINUE
}

/// The person's name as written, else what a salesperson would recognize.
fn person_name(lead: &Lead) -> Option<&str> {
    let get = |field| lead.get(field);
    let local_part = get(LeadField::Email).and_then(|email| email.split('@').next()).filter(|part| !part.is_empty());
    get(LeadField::Name).or(local_part).or_else(|| get(LeadField::Phone)).or_else(|| get(LeadField::Company))
}

fn id_of(record: &Json) -> Option<String> {
    RecordRef::id_in(&record["id"])
}
