//! A lead: <https://apidocs.leadsquared.com/capture-lead/>.
//!
//! - `Lead.Capture` finds a lead by `ProspectID`, email, then phone, and updates it, or creates one: it may be repeated,
//!   unless the lead has none of them.
//! - When another lead owns the phone, the lead is captured again by its email, or the other way round. The value in
//!   conflict goes to the note.
//! - A success may say only how many rows changed. Then the id is looked up.
//! - A visitor can enter anyone's email, so a known lead keeps its values by default, those of a note attribute too. So the
//!   note is a record of its lead: <https://apidocs.leadsquared.com/create-notes-with-attachment/>. Notes are not looked up:
//!   after a lost response one may repeat.
//! - Addresses and campaign data have no attribute that every account has, so they are in the note unless `fields` has them.

use form_urlencoded::byte_serialize;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::connectors::call::Drafted;
use crate::connectors::draft::{Draft, Source, named_in};
use crate::connectors::{
    AnyConnector, Call, Connector, Failure, Omitted, Options, Outcome, Progress, RecordRef, Response, Safety, Step,
};
use crate::domain::sorted::Set;
use crate::domain::typed::Value;
use crate::domain::{Kind, Lead, LeadField, TypedField};

use super::api::{Api, Said, record, text_of, with_keys};

const EMAIL: &str = "EmailAddress";
const PHONE: &str = "Phone";

/// The attributes that are unique in every account and that a look-up takes.
const UNIQUE: [&str; 2] = [EMAIL, PHONE];

/// What a lead keeps when everything optional is omitted: the attribute that finds it, else its name. LeadSquared requires
/// one.
const IDENTITY: [&[&str]; 3] = [&[EMAIL], &[PHONE], &["FirstName", "LastName"]];

/// The attribute for a note that every account has.
const NOTES: &str = "Notes";

/// Where the lead's fields go unless the operator's `fields` fill the same attribute.
const DEFAULTS: &[(&str, Source)] = &[
    ("FirstName", Source::FirstName),
    ("LastName", Source::LastName),
    (EMAIL, Source::Field(LeadField::Email)),
    (PHONE, Source::Field(LeadField::Phone)),
    ("Company", Source::Field(LeadField::Company)),
    ("JobTitle", Source::Field(LeadField::JobTitle)),
    ("Website", Source::Field(LeadField::Website)),
];

const KNOWN: &str = "LeadSquared has a lead with this email or phone";

/// The leads of a LeadSquared account.
#[derive(Debug)]
struct Leads {
    api: Api,
    search_by: Option<String>,
    update_behavior: &'static str,
    note_attribute: String,
    fields: Vec<TypedField>,
}

pub(super) fn build(api: Api, options: &mut Options<'_, '_>) -> Option<Box<dyn AnyConnector>> {
    let (search_by, update_behavior) = (options.text("search_by"), options.choice("update_behavior")?);
    let (note_attribute, source) = (options.text("note_attribute")?, options.template("source")?);
    let mut fields = options.fields("fields");
    if !is_schema_name(&note_attribute) || note_attribute == "Source" || has_default(&note_attribute) {
        let takes = "the schema name of a text field that nothing else fills, as in \"Notes\" or \"mx_Message\"";
        options.reader().wrong("note_attribute", &json!(note_attribute), takes);
    }
    if options.has("note_attribute") && keeps_values(update_behavior) {
        let message = "works only with update_behavior = \"Overwrite\" or \"DoNotUpdateUniqueFields\"; without it, every \
                       lead gets a note";
        options.reader().error("note_attribute", message);
    }
    for field in &fields {
        let mistake = match field.name.as_str() {
            "SearchBy" => "is not an attribute; use the key search_by",
            name if name == note_attribute => "takes the note already; name another field in note_attribute",
            name if !is_schema_name(name) => "is not a schema name, such as \"mx_City\" or \"JobTitle\"",
            _ => continue,
        };
        options.reader().error(&format!("fields.{}", field.name), mistake);
    }
    // A search by an attribute that no lead has finds nothing and would create a lead each time.
    let is_filled = |name: &str| UNIQUE.contains(&name) || fields.iter().any(|field| field.name == name);
    if let Some(name) = search_by.as_deref().filter(|name| !is_filled(name)) {
        options.reader().wrong("search_by", &json!(name), "EmailAddress, Phone, or an attribute that `fields` fills");
    }
    if !fields.iter().any(|field| field.name == "Source") {
        fields.push(TypedField::new("Source", Kind::Text, source));
    }
    Some(Box::new(Leads { api, search_by, update_behavior, note_attribute, fields }))
}

/// Whether a known lead keeps its values, the note attribute's too.
fn keeps_values(update_behavior: &str) -> bool {
    matches!(update_behavior, "UpdateOnlyEmptyFields" | "DoNotUpdate")
}

fn has_default(name: &str) -> bool {
    DEFAULTS.iter().any(|(key, _)| *key == name)
}

/// `mx_` and more, or a name of the vendor's: a capital letter, then letters and digits.
fn is_schema_name(name: &str) -> bool {
    match name.strip_prefix("mx_") {
        Some(rest) => !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
        None => name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(|b| b.is_ascii_alphanumeric()),
    }
}

/// What the calls of a delivery established.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// Attributes whose value another lead owns; they go to the note.
    owned: Set<String>,
    /// The attribute that finds the lead since another lead owned a value.
    search_by: Option<String>,
    /// The lead, which gets a note.
    lead: Option<Saved>,
    /// LeadSquared saved the lead and did not say its id.
    is_saved: bool,
    /// The attributes by which the look-up found nothing.
    not_found: Set<String>,
}

/// A lead at LeadSquared.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    id: String,
    /// This delivery created it, so it has the lead's values.
    is_new: bool,
}

/// An item of the body.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    attribute: String,
    value: String,
}

impl Connector for Leads {
    type State = State;
    type Account = ();

    fn next(&self, lead: &Lead, progress: &Progress<State>, (): &()) -> Step {
        let state = &progress.state;
        let mut omitted = progress.omitted.clone();
        for name in &state.owned {
            omitted.add(name);
        }
        let all = self.place(lead, &Omitted::default(), &[]).take().values;
        let is_kept = |name: &&&str| all.contains_key(**name) && !omitted.names(name);
        let kept = IDENTITY.iter().find(|names| names.iter().any(|name| is_kept(&name)));
        let Some(kept) = kept else { return Step::incomplete("LeadSquared requires a name, an email or a phone") };
        let kept: Vec<&str> = kept.iter().filter(is_kept).copied().collect();
        let mut draft = self.place(lead, &omitted, &kept);
        if let Some(saved) = &state.lead {
            return self.note(if saved.is_new { draft } else { Draft::new(lead, &omitted) }, saved);
        }
        if !self.keeps_values() {
            // An account may lack the operator's attribute for the note.
            draft.note_under(if omitted.names(&self.note_attribute) { NOTES } else { &self.note_attribute });
        }
        let drafted = draft.take();
        let has = |name: &&str| drafted.values.contains_key(*name);
        let search_by = state.search_by.as_deref().or(self.search_by.as_deref()).filter(has);
        if state.is_saved {
            return self.find(&drafted, search_by, &state.not_found);
        }
        let pairs = drafted.values.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
        let pairs = pairs.chain(search_by.map(|name| ("SearchBy", name)));
        let body: Vec<_> = pairs.map(|(name, value)| json!({ "Attribute": name, "Value": value })).collect();
        let query = match self.update_behavior {
            "Overwrite" => String::new(),
            word => format!("?LeadUpdateBehavior={word}"),
        };
        let url = self.api.url(&format!("LeadManagement.svc/Lead.Capture{query}"));
        let call = with_keys(Call::post("lead", url)).json(&json!(body)).carries(&drafted);
        let is_findable = search_by.is_some() || [EMAIL, PHONE, "ProspectID"].iter().any(has);
        if is_findable { call.idempotent().into() } else { call.into() }
    }

    fn read(&self, call: &Call, response: &Response, progress: &mut Progress<State>, (): &mut ()) -> Outcome {
        match call.step {
            "find" => return self.read_find(call, response, &mut progress.state),
            "note" => return self.read_note(call, response, progress),
            _ => {}
        }
        let sent = Sent::of(call);
        let phrases = response.phrases_without(&sent.values());
        match self.api.said(response, &phrases) {
            Said::Success(message) => match record(message, KNOWN) {
                Some(RecordRef { id, .. }) if self.keeps_values() => {
                    let is_new = call.safety == Safety::Create || message["IsCreated"] == true;
                    progress.state.lead = Some(Saved { id, is_new });
                    Outcome::CONTINUE
                }
                Some(record) => Outcome::Delivered(record),
                None if message["AffectedRows"].as_u64().is_some_and(|rows| rows > 0) => {
                    progress.state.is_saved = true;
                    Outcome::CONTINUE
                }
                None => response.by_status(),
            },
            Said::Duplicate(failure) => duplicate(&sent, &phrases, failure, &mut progress.state),
            Said::Invalid(failure) => self.invalid(call, &sent, &phrases, failure, &mut progress.omitted),
            Said::Other(outcome) => outcome,
        }
    }

    fn probe(&self) -> Option<Call> {
        Some(self.api.probe())
    }
}

impl Leads {
    fn keeps_values(&self) -> bool {
        keeps_values(self.update_behavior)
    }

    /// The lead's attributes, without the omitted ones.
    fn place<'a>(&self, lead: &'a Lead, omitted: &'a Omitted, required: &[&str]) -> Draft<'a> {
        let mut draft = Draft::new(lead, omitted);
        let json = |_: &TypedField, value| Ok(json!(moment_or_text(value)));
        draft.fields(&self.fields, required, json).defaults(DEFAULTS, required);
        draft
    }

    /// The note on a saved lead, with what no attribute holds. Of a known lead that is everything: the response to the
    /// capture does not say which attributes were empty.
    fn note(&self, mut draft: Draft<'_>, lead: &Saved) -> Step {
        draft.take();
        let text = draft.note_text();
        if text.is_empty() {
            return Step::Delivered(lead.record());
        }
        let body = json!({ "RelatedProspectId": lead.id, "Note": text });
        let call = Call::post("note", self.api.url("LeadManagement.svc/CreateNote"));
        with_keys(call).json(&body).carries(&draft.take()).into()
    }

    fn read_note(&self, call: &Call, response: &Response, progress: &mut Progress<State>) -> Outcome {
        let outcome = match (self.api.said(response, &response.phrases(call)), &progress.state.lead) {
            (Said::Success(message), Some(lead)) if record(message, KNOWN).is_some() => {
                Outcome::Delivered(lead.record())
            }
            (Said::Success(_), _) => response.by_status(),
            (Said::Invalid(failure) | Said::Duplicate(failure), _) => {
                progress.omitted.after_note_rejection(call, failure)
            }
            (Said::Other(outcome), _) => outcome,
        };
        // The lead may be gone: when a person sends it again, it is captured again.
        if matches!(outcome, Outcome::Rejected(_)) {
            progress.state.lead = None;
        }
        outcome
    }

    /// Looks up the id of a saved lead: <https://apidocs.leadsquared.com/get-a-lead-by-email-id/>, and
    /// <https://apidocs.leadsquared.com/get-lead-by-phone/>, which takes digits only.
    fn find(&self, drafted: &Drafted, search_by: Option<&str>, not_found: &Set<String>) -> Step {
        let mut names = UNIQUE;
        names.sort_by_key(|name| search_by != Some(name));
        for name in names.into_iter().filter(|name| !not_found.contains(*name)) {
            let text = drafted.values.get(name).and_then(|value| value.as_str()).unwrap_or_default();
            let digits = || text.chars().filter(char::is_ascii_digit).collect();
            let (path, text) = match name {
                EMAIL => ("Leads.GetByEmailaddress?emailaddress", text.to_owned()),
                _ => ("RetrieveLeadByPhoneNumber?phone", digits()),
            };
            if !text.is_empty() {
                let text: String = byte_serialize(text.as_bytes()).collect();
                return with_keys(Call::get("find", self.api.url(&format!("LeadManagement.svc/{path}={text}")))).into();
            }
        }
        let record = RecordRef::new("").with_note(Some("LeadSquared saved it without saying its id"));
        Step::Delivered(if self.keeps_values() { record.without_message() } else { record })
    }

    /// The lead is saved in any case, so only a failure that passes is worth another look-up.
    fn read_find(&self, call: &Call, response: &Response, state: &mut State) -> Outcome {
        let found = response.json().filter(|_| response.is_success()).and_then(|body| body.as_array());
        if let Some(leads) = found {
            if let Some(id) = leads.first().and_then(|lead| RecordRef::id_in(&lead["ProspectID"])) {
                if !self.keeps_values() {
                    return Outcome::Delivered(RecordRef::new(id));
                }
                state.lead = Some(Saved { id, is_new: false });
                return Outcome::CONTINUE;
            }
        } else {
            match self.api.said(response, &response.phrases(call)) {
                Said::Other(retry @ Outcome::Retry(_)) if response.status != 404 => return retry,
                Said::Success(_) => return response.by_status(),
                _ => {}
            }
        }
        let name = if call.url.contains("/Leads.GetByEmailaddress?") { EMAIL } else { PHONE };
        state.not_found.insert(name.to_owned());
        Outcome::CONTINUE
    }

    /// LeadSquared rejects a value; the exception's message names the attribute or does not.
    fn invalid(&self, call: &Call, sent: &Sent, phrases: &str, failure: Failure, omitted: &mut Omitted) -> Outcome {
        // Of all the texts, the visitor's message looks like a script most often.
        let is_script = phrases.starts_with("mxxss");
        match named_in(phrases, sent.names()) {
            Some(name) if (name == self.note_attribute && name != NOTES && !is_script) || sent.can_spare(name) => {
                omitted.add(name);
                Outcome::Continue(format!("omitted {name}: {}", failure.detail))
            }
            Some(name) if name == NOTES || name == self.note_attribute => omitted.after_note_rejection(call, failure),
            Some(name) => omitted.after_rejection(call, &[name], failure),
            None => match is_script.then(|| omitted.after_note_rejection(call, failure.clone())) {
                Some(outcome @ Outcome::Continue(_)) => outcome,
                _ => omitted.after_rejection(call, &[""; 0], failure),
            },
        }
    }
}

impl Saved {
    fn record(&self) -> RecordRef {
        if self.is_new { RecordRef::new(&*self.id) } else { RecordRef::already_there(&*self.id, KNOWN) }
    }
}

/// Another lead owns a unique value. An email or phone gives way once to the other one of the two; if it is the only one,
/// another submission of the same visitor was faster, and the lead that owns it is the one to update.
fn duplicate(sent: &Sent, phrases: &str, failure: Failure, state: &mut State) -> Outcome {
    let Some(name) = conflict(phrases, sent) else { return Outcome::Rejected(failure) };
    let is_unique = UNIQUE.contains(&name);
    let is_key = is_unique || sent.search_by.as_deref() == Some(name);
    if (is_key && state.search_by.is_some()) || (!is_key && IDENTITY.concat().contains(&name)) {
        return Outcome::Rejected(failure);
    }
    let other = UNIQUE.into_iter().find(|other| is_unique && *other != name && sent.has(other));
    if is_key {
        state.search_by = Some(other.unwrap_or(name).to_owned());
    }
    if is_key && other.is_none() {
        return Outcome::Continue(failure.detail);
    }
    state.owned.insert(name.to_owned());
    Outcome::Continue(format!("omitted {name}: {}", failure.detail))
}

/// The attribute of "Duplicate entry '…' for key '`UQ_Prospect_Base_EmailAddress`'" or "A Lead with same Email
/// already exists". If none is named it is the phone: a lead is looked for by email first.
fn conflict<'a>(phrases: &str, sent: &'a Sent) -> Option<&'a str> {
    let key = phrases.rsplit_once("for key").or_else(|| phrases.rsplit_once("with same")).map(|(_, key)| key);
    let named = key.and_then(|key| {
        let name = sent.names().filter(|name| key.contains(&name.to_lowercase())).max_by_key(|name| name.len());
        name.or_else(|| key.contains("email").then_some(EMAIL))
    });
    named.or_else(|| UNIQUE.into_iter().rev().find(|name| sent.has(name)))
}

/// The attributes that a call carried.
#[derive(Debug)]
struct Sent {
    list: Vec<Attribute>,
    search_by: Option<String>,
}

impl Sent {
    fn of(call: &Call) -> Self {
        let all: Vec<Attribute> = serde_json::from_value(call.sent()).unwrap_or_default();
        let (search_by, list): (Vec<_>, Vec<_>) = all.into_iter().partition(|item| item.attribute == "SearchBy");
        Self { list, search_by: search_by.into_iter().next().map(|item| item.value) }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|item| item.attribute.as_str())
    }

    fn values(&self) -> Vec<&str> {
        self.list.iter().map(|item| item.value.as_str()).collect()
    }

    fn has(&self, name: &str) -> bool {
        self.names().any(|sent| sent == name)
    }

    /// Whether a phone or a name can go because the lead is known by something else too.
    fn can_spare(&self, name: &str) -> bool {
        let identity = IDENTITY.concat();
        name != EMAIL && identity.contains(&name) && identity.iter().any(|other| *other != name && self.has(other))
    }
}

/// A day is the beginning of it.
fn moment_or_text(value: Value) -> String {
    match value {
        Value::Date(day) => format!("{day} 00:00:00"),
        other => text_of(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::super::DESCRIPTOR;
    use super::super::tests::{LIMIT, SUCCESS, exception, mistakes};
    use super::*;
    use crate::connectors::FailureKind;
    use crate::connectors::testing::{self, account, lead};

    const FULL: &[(&str, &str)] = &[
        ("name", "Jane Doe"),
        ("email", "jane@example.com"),
        ("phone", "+91-9845098450"),
        ("company", "Acme"),
        ("job_title", "CTO"),
        ("website", "https://acme.example"),
        ("city", "Pune"),
        ("message", "Hello <b>"),
        ("budget", "1,500"),
        ("visit", "2026-05-04"),
        ("call_at", "2026-05-04T10:30:00+05:30"),
        ("topic", "price"),
        ("topic", "support"),
        ("age", "old enough"),
        ("utm_source", "news letter"),
    ];

    fn leads(options: &Json) -> std::rc::Rc<dyn AnyConnector> {
        let mut settings = json!({ "type": "leadsquared", "region": "india-mumbai", "update_behavior": "Overwrite" });
        settings.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        account("acme", settings)
    }

    /// The attributes of a call, `name=value`.
    fn attributes(call: &Call) -> Vec<String> {
        let body = testing::body(call);
        let pair = |item: &Json| format!("{}={}", item["Attribute"].as_str().unwrap(), item["Value"].as_str().unwrap());
        body.as_array().unwrap().iter().map(pair).collect()
    }

    fn progress(state: Json, omitted: &[&str]) -> Progress<Json> {
        let mut progress = Progress { state, ..Progress::default() };
        for key in omitted {
            progress.omitted.add(key);
        }
        progress
    }

    /// What the driver does: calls and the responses to them, until the delivery ends. The bodies are sent in order.
    fn deliver(leads: &dyn AnyConnector, lead: &Lead, responses: &[(u16, String)]) -> (Vec<String>, Vec<Vec<String>>) {
        let (mut progress, mut account) = (Progress::default(), Json::Null);
        let (mut outcomes, mut calls) = (Vec::new(), Vec::new());
        for (status, body) in responses {
            let call = testing::call(leads.next(lead, &progress, &account));
            calls.push(if call.step == "lead" { attributes(&call) } else { vec![call.url.clone()] });
            outcomes.push(testing::read(leads, &DESCRIPTOR, &call, *status, body, &mut progress, &mut account));
        }
        (outcomes, calls)
    }

    #[test]
    fn requests_for_a_full_and_a_minimal_lead() {
        let leads_of_us = leads(&json!({
            "region": "us", "search_by": "Phone", "update_behavior": "DoNotUpdateUniqueFields",
            "source": "{utm_source|website}", "note_attribute": "mx_Message",
            "fields": {
                "mx_Budget": { "number": "{budget}" }, "mx_Visit": { "date": "{visit}" }, "mx_Sure": { "bool": "yes" },
                "mx_Call_At": { "datetime": "{call_at}" }, "mx_Topics": { "list": "{topic}" },
                "mx_Age": { "number": "{age}" },
            },
        }));
        let call = testing::first_call(&*leads_of_us, &lead(FULL));
        assert_eq!(
            call.url,
            "https://api-us11.leadsquared.com/v2/LeadManagement.svc/Lead.Capture?LeadUpdateBehavior=DoNotUpdateUniqueFields"
        );
        assert_eq!(
            testing::headers(&call),
            [
                "Accept: application/json",
                "x-LSQ-AccessKey: {ACCESS_KEY}",
                "x-LSQ-SecretKey: {SECRET_KEY}",
                "Content-Type: application/json",
            ]
        );
        assert_eq!(call.safety, Safety::Idempotent);
        assert_eq!(
            attributes(&call),
            [
                "mx_Budget=1500",
                "mx_Visit=2026-05-04 00:00:00",
                "mx_Sure=true",
                "mx_Call_At=2026-05-04 05:00:00",
                "mx_Topics=price;support",
                "Source=news letter",
                "FirstName=Jane",
                "LastName=Doe",
                "EmailAddress=jane@example.com",
                "Phone=+91-9845098450",
                "Company=Acme",
                "JobTitle=CTO",
                "Website=https://acme.example",
                "mx_Message=Hello <b>\n\ncity: Pune\nmx_Age: old enough",
                "SearchBy=Phone",
            ]
        );
        // Nothing stands in for an unknown name, and nothing is searched by an attribute that the lead lacks.
        let call = testing::first_call(&*leads(&json!({ "search_by": "Phone" })), &lead(&[("email", "a@b.c")]));
        assert_eq!(attributes(&call), ["Source=website", "EmailAddress=a@b.c"]);
        let url = "https://api-in21.leadsquared.com/v2/LeadManagement.svc/Lead.Capture";
        assert_eq!(call.url, url);
        let kept = account("acme", json!({ "type": "leadsquared", "region": "india-mumbai" }));
        let call = testing::first_call(&*kept, &lead(&[("email", "a@b.c"), ("message", "Hi")]));
        assert_eq!(call.url, format!("{url}?LeadUpdateBehavior=UpdateOnlyEmptyFields"));
        assert_eq!(attributes(&call), ["Source=website", "EmailAddress=a@b.c"]);
    }

    #[test]
    fn only_a_lead_that_can_be_found_again_may_be_repeated() {
        for (fields, safety) in [
            (&[("name", "Jane"), ("phone", "010")][..], Some(Safety::Idempotent)),
            (&[("name", "Jane")], Some(Safety::Create)),
            (&[("message", "Hi"), ("company", "Acme")], None),
        ] {
            let step = leads(&json!({})).next(&lead(fields), &Progress::default(), &Json::Null).unwrap();
            match (step, safety) {
                (Step::Call(call), Some(safety)) => assert_eq!(call.safety, safety, "{fields:?}"),
                (Step::Rejected(failure), None) => assert_eq!(failure.kind, FailureKind::Incomplete),
                (other, _) => panic!("{other:?}"),
            }
        }
        let own = leads(&json!({ "search_by": "mx_Card", "fields": { "mx_Card": "{card}" } }));
        let call = testing::first_call(&*own, &lead(&[("name", "Jane"), ("card", "7")]));
        assert_eq!(call.safety, Safety::Idempotent);
    }

    #[test]
    fn omitted_values_are_in_the_note() {
        let leads = leads(&json!({
            "fields": { "mx_Budget": { "number": "{budget}" }, "Company": "{firm}" }, "note_attribute": "mx_Message",
        }));
        let fields = [("email", "a@b.c"), ("phone", "010"), ("message", "<b>Hi"), ("budget", "15"), ("firm", "Acme")];
        let (email, phone, source, budget, company) =
            ("EmailAddress=a@b.c", "Phone=010", "Source=website", "mx_Budget=15", "Company=Acme");
        let everything = "everything optional";
        for (omitted, expected) in [
            (&["mx_Budget"][..], &[company, source, email, phone, "mx_Message=<b>Hi\n\nmx_Budget: 15"][..]),
            (&[everything], &[email, "mx_Message=<b>Hi\n\nphone: 010\nmx_Budget: 15\nCompany: Acme\nSource: website"]),
            (
                &[everything, "EmailAddress"],
                &["Phone=010", "mx_Message=<b>Hi\n\nemail: a@b.c\nmx_Budget: 15\nCompany: Acme\nSource: website"],
            ),
            (&["mx_Message"], &[budget, company, source, email, phone, "Notes=<b>Hi"]),
        ] {
            let call = testing::call(leads.next(&lead(&fields), &progress(Json::Null, omitted), &Json::Null));
            assert_eq!(attributes(&call), expected, "{omitted:?}");
        }
    }

    #[test]
    fn what_each_response_means() {
        let leads = leads(&json!({ "fields": { "mx_City": "{city}" } }));
        let call = testing::first_call(&*leads, &lead(FULL));
        let named = |message: &str| exception("MXInvalidEntityException", message);
        for (status, body, expected) in [
            (200, SUCCESS.to_owned(), "delivered b3d4098f"),
            (
                200,
                json!({ "Status": "Success", "Message": { "Id": "1", "RelatedId": "2" } }).to_string(),
                "delivered 2",
            ),
            (
                200,
                json!({ "Status": "Success", "Message": { "RelatedId": "2", "IsCreated": false } }).to_string(),
                "delivered 2 (already there: LeadSquared has a lead with this email or phone)",
            ),
            (200, json!({ "Status": "Success", "Message": { "Id": "" } }).to_string(), "retry unexpected"),
            (200, json!({ "Status": "Success", "Message": { "AffectedRows": 0 } }).to_string(), "retry unexpected"),
            (200, json!({ "Status": "Success", "Message": { "AffectedRows": 1 } }).to_string(), "continue"),
            (200, "[]".to_owned(), "retry unexpected"),
            (500, named("'mx_City' is not an attribute of a lead"), "continue omitted mx_City"),
            (500, named("Phone: wrong format"), "continue omitted Phone"),
            (500, named("FirstName is too long"), "continue omitted FirstName"),
            (500, named("EmailAddress is not valid"), "rejected invalid"),
            (500, named("Notes is too long"), "continue omitted the note's markup and length"),
            (500, named("no"), "continue omitted everything optional"),
            (
                400,
                json!({ "Status": "Error", "ExceptionMessage": "no" }).to_string(),
                "continue omitted everything optional",
            ),
            // A missing value does not come by omitting more.
            (500, exception("MXMandatoryAttributeMissingException", "'mx_City' is mandatory"), "rejected incomplete"),
            // A script is in the message first of all.
            (500, exception("MXXSSException", "A dangerous value"), "continue omitted the note's markup and length"),
            (500, exception("MXXSSException", LIMIT), "continue omitted the note's markup and length"),
        ] {
            assert_eq!(testing::outcome(&*leads, &DESCRIPTOR, &call, status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_lead_that_keeps_its_values_gets_a_note() {
        let fields = [("email", "a@b.c"), ("name", "Eve"), ("budget", "5"), ("message", "Hi <script>")];
        let captured = |message: Json| (200, json!({ "Status": "Success", "Message": message }).to_string());
        let new = captured(json!({ "RelatedId": "p1", "IsCreated": true }));
        let known = captured(json!({ "RelatedId": "p1", "IsCreated": false }));
        let noted = captured(json!({ "Id": "n1" }));
        let failed = |kind: &str| (500, exception(kind, "no"));
        let found = (200, json!([{ "ProspectID": "p1" }]).to_string());
        let there = "delivered p1 (already there: LeadSquared has a lead with this email or phone)";
        let reduced = "continue omitted the note's markup and length";
        let (empty_only, not_at_all) = ("UpdateOnlyEmptyFields", "DoNotUpdate");
        for (behavior, responses, last) in [
            ("Overwrite", vec![known.clone()], there),
            (empty_only, vec![new.clone(), noted.clone()], "delivered p1"),
            (empty_only, vec![known.clone(), noted.clone()], there),
            (not_at_all, vec![known.clone(), noted.clone()], there),
            // A response that does not say whether the lead is new.
            (empty_only, vec![captured(json!({ "Id": "p1" })), noted.clone()], there),
            (empty_only, vec![captured(json!({ "AffectedRows": 1 })), found, noted.clone()], there),
            (empty_only, vec![known.clone(), captured(json!({}))], "retry unexpected"),
            (empty_only, vec![known.clone(), (503, String::new())], "retry unavailable"),
            (empty_only, vec![known.clone(), failed("MXXSSException")], reduced),
            (empty_only, vec![known.clone(), failed("MXXSSException"), noted], there),
            (empty_only, vec![known, failed("MXXSSException"), failed("MXXSSException")], "rejected invalid"),
        ] {
            let leads = leads(&json!({ "update_behavior": behavior }));
            let (outcomes, _) = deliver(&*leads, &lead(&fields), &responses);
            assert_eq!(outcomes.last().unwrap(), last, "{behavior} {responses:?}");
        }
        let leads = leads(&json!({ "update_behavior": empty_only }));
        let at = |is_new: bool| progress(json!({ "lead": { "id": "p1", "is_new": is_new } }), &[]);
        for (is_new, note) in
            [(true, "Hi <script>\n\nbudget: 5"), (false, "Hi <script>\n\nname: Eve\nemail: a@b.c\nbudget: 5")]
        {
            let call = testing::call(leads.next(&lead(&fields), &at(is_new), &Json::Null));
            assert_eq!(call.url, "https://api-in21.leadsquared.com/v2/LeadManagement.svc/CreateNote");
            assert_eq!((call.step, call.safety), ("note", Safety::Create));
            assert_eq!(testing::body(&call), json!({ "RelatedProspectId": "p1", "Note": note }));
        }
        // Nothing to say; and a lead without email and phone, which is always new.
        let step = leads.next(&lead(&fields[..1]), &at(true), &Json::Null);
        assert_eq!(step, Ok(Step::Delivered(RecordRef::new("p1"))));
        let (outcomes, _) = deliver(&*leads, &lead(&fields[1..]), &[captured(json!({ "Id": "p1" })), new]);
        assert_eq!(outcomes, ["continue", "delivered p1"]);
    }

    #[test]
    fn a_rejection_ends_only_when_nothing_is_left_to_omit() {
        let invalid = |message: &str| (500, exception("MXInvalidEntityException", message));
        let note = "continue omitted the note's markup and length";
        let own_note = leads(&json!({ "note_attribute": "mx_Message" }));
        let fields = [("phone", "010"), ("name", "Jane"), ("message", "<script>")];
        for (responses, expected) in [
            // The phone is all that the lead is found by, and its name is enough.
            (
                vec![invalid("Phone: wrong format"), (200, SUCCESS.to_owned())],
                vec!["continue omitted Phone", "delivered b3d4098f"],
            ),
            (
                vec![invalid("Phone: wrong format"), invalid("FirstName: wrong")],
                vec!["continue omitted Phone", "rejected invalid"],
            ),
            (
                vec![invalid("no"), invalid("no"), invalid("no")],
                vec!["continue omitted everything optional", note, "rejected invalid"],
            ),
            (
                vec![invalid("'mx_Message' is not an attribute"), invalid("Notes is wrong"), invalid("Notes is wrong")],
                vec!["continue omitted mx_Message", note, "rejected invalid"],
            ),
            (
                vec![(500, exception("MXXSSException", "mx_Message")), (500, exception("MXXSSException", "x"))],
                vec![note, "continue omitted everything optional"],
            ),
        ] {
            let (outcomes, calls) = deliver(&*own_note, &lead(&fields), &responses);
            assert_eq!(outcomes, expected);
            let is_there = |call: &Vec<String>| call.iter().any(|item| item.contains("script"));
            assert!(calls.iter().all(is_there), "the message is in every call: {calls:?}");
        }
    }

    #[test]
    fn a_value_of_another_lead_goes_to_the_note_once() {
        // options, lead, the first conflict -> the next request, and whether a conflict with it ends the delivery
        type Row<'a> = (Json, &'a [(&'a str, &'a str)], (u16, String), &'a [&'a str], bool);
        let duplicate = |message: &str| (500, exception("MXDuplicateEntryException", message));
        let of_key = |name: &str| duplicate(&format!("Duplicate entry 'x' for key 'UQ_Prospect_Base_{name}'"));
        let (both, email_only) = ([("email", "a@b.c"), ("phone", "010")], [("email", "a@b.c")]);
        let by_email: &[&str] = &["Source=website", "EmailAddress=a@b.c", "Notes=phone: 010", "SearchBy=EmailAddress"];
        let by_phone: &[&str] = &["Source=website", "Phone=010", "Notes=email: a@b.c", "SearchBy=Phone"];
        let card = json!({ "fields": { "mx_Card": "7" } });
        let by_card = json!({ "fields": { "mx_Card": "7" }, "search_by": "mx_Card" });
        let rows: Vec<Row<'_>> = vec![
            (json!({}), &both, of_key("Phone"), by_email, true),
            (json!({ "search_by": "Phone" }), &both, of_key("EmailAddress"), by_phone, true),
            (json!({}), &both, duplicate("A Lead with same Email already exists."), by_phone, true),
            (json!({}), &both, duplicate("Duplicate"), by_email, true),
            // The entry is the visitor's text.
            (json!({}), &both, duplicate("Duplicate entry 'for key Phone' for key 'UQ_EmailAddress'"), by_phone, true),
            // Another submission of the same visitor was faster.
            (
                json!({}),
                &email_only,
                of_key("EmailAddress"),
                &["Source=website", "EmailAddress=a@b.c", "SearchBy=EmailAddress"],
                true,
            ),
            (
                card,
                &email_only,
                of_key("mx_Card"),
                &["Source=website", "EmailAddress=a@b.c", "Notes=mx_Card: 7"],
                false,
            ),
            (
                by_card,
                &email_only,
                of_key("mx_Card"),
                &["mx_Card=7", "Source=website", "EmailAddress=a@b.c", "SearchBy=mx_Card"],
                true,
            ),
        ];
        for (options, fields, conflict, expected, ends) in rows {
            let leads = leads(&options);
            let (outcomes, calls) = deliver(&*leads, &lead(fields), &[conflict.clone(), of_key("EmailAddress")]);
            assert!(outcomes[0].starts_with("continue"), "{conflict:?} {outcomes:?}");
            assert_eq!(calls[1], expected, "{conflict:?}");
            assert_eq!(outcomes[1] == "rejected conflict", ends, "{conflict:?} {outcomes:?}");
        }
        // It stays there when a person sends the lead again, which forgets omissions.
        let again = progress(json!({ "owned": ["Phone"], "search_by": "EmailAddress" }), &[]);
        let call = testing::call(leads(&json!({})).next(&lead(&both), &again, &Json::Null));
        assert_eq!(attributes(&call), by_email);
    }

    #[test]
    fn the_id_of_a_saved_lead_is_looked_up_by_email_then_by_phone() {
        const BY_EMAIL: &str = "Leads.GetByEmailaddress?emailaddress=a%2Bb%40b.c";
        const BY_PHONE: &str = "RetrieveLeadByPhoneNumber?phone=9198";
        let saved = (200, json!({ "Status": "Success", "Message": { "AffectedRows": 1 } }).to_string());
        let found = (200, json!([{ "ProspectID": "p1" }, { "ProspectID": "p2" }]).to_string());
        let none = (200, "[]".to_owned());
        let gone = (404, "Not Found".to_owned());
        let invalid = (500, exception("MXInvalidEntityException", "Lead does not exist"));
        let both = [("email", "a+b@b.c"), ("phone", "+91 98")];
        let (plain, by_phone) = (leads(&json!({})), leads(&json!({ "search_by": "Phone" })));
        for (leads, responses, urls, last) in [
            (&plain, vec![found.clone()], vec![BY_EMAIL], "delivered p1"),
            (&by_phone, vec![found.clone()], vec![BY_PHONE], "delivered p1"),
            (&plain, vec![none, found.clone()], vec![BY_EMAIL, BY_PHONE], "delivered p1"),
            (&plain, vec![gone, invalid], vec![BY_EMAIL, BY_PHONE], "continue"),
            (
                &plain,
                vec![(200, exception("MXAPIRateLimitExceededException", LIMIT))],
                vec![BY_EMAIL],
                "retry rate_limited",
            ),
            (&plain, vec![(503, String::new())], vec![BY_EMAIL], "retry unavailable"),
            (&plain, vec![(401, String::new())], vec![BY_EMAIL], "retry credentials"),
            (&plain, vec![(200, "<html/>".to_owned())], vec![BY_EMAIL], "retry unexpected"),
            (&plain, vec![(200, SUCCESS.to_owned())], vec![BY_EMAIL], "retry unexpected"),
        ] {
            let all: Vec<_> = std::iter::once(saved.clone()).chain(responses).collect();
            let (outcomes, calls) = deliver(&**leads, &lead(&both), &all);
            let urls =
                urls.iter().map(|path| vec![format!("https://api-in21.leadsquared.com/v2/LeadManagement.svc/{path}")]);
            assert_eq!(calls[1..], urls.collect::<Vec<_>>());
            assert_eq!(outcomes.last().unwrap(), last);
        }
        let known = RecordRef::new("").with_note(Some("LeadSquared saved it without saying its id"));
        for (fields, not_found) in [
            (&both[..], json!(["EmailAddress", "Phone"])),
            (&[("name", "Jane"), ("phone", "please ask")], json!([])),
            (&[("name", "Jane")], json!([])),
        ] {
            let saved = progress(json!({ "is_saved": true, "not_found": not_found }), &[]);
            let step = plain.next(&lead(fields), &saved, &Json::Null);
            assert_eq!(step, Ok(Step::Delivered(known.clone())), "{fields:?}");
        }
    }

    #[test]
    fn mistakes_in_the_options() {
        let regions = "singapore, us, india-mumbai, india-hyderabad, ireland, canada";
        let note = "the schema name of a text field that nothing else fills, as in \"Notes\" or \"mx_Message\"";
        let host = "a host name alone, as in \"api-in21.leadsquared.com\"";
        let search_by = "EmailAddress, Phone, or an attribute that `fields` fills";
        let schema = "is not a schema name, such as \"mx_City\" or \"JobTitle\"";
        for (options, expected) in [
            (json!({}), format!("region: is missing; it takes one of {regions}, or set host instead")),
            (
                json!({ "region": "us", "host": "api.leadsquared.com" }),
                "host: cannot be set together with region; keep one of them".into(),
            ),
            (json!({ "host": "https://a.b" }), format!("host: found \"https://a.b\"; it takes {host}")),
            (json!({ "host": "a.b:8443" }), format!("host: found \"a.b:8443\"; it takes {host}")),
            (json!({ "host": "a..b" }), format!("host: found \"a..b\"; it takes {host}")),
            (json!({ "host": "leadsquared" }), format!("host: found \"leadsquared\"; it takes {host}")),
            (
                json!({ "region": "us", "search_by": "email" }),
                format!("search_by: found \"email\"; it takes {search_by}"),
            ),
            (
                json!({ "region": "us", "note_attribute": "Phone", "update_behavior": "Overwrite" }),
                format!("note_attribute: found \"Phone\"; it takes {note}"),
            ),
            (
                json!({ "region": "us", "note_attribute": "mx_Message", "update_behavior": "DoNotUpdate" }),
                "note_attribute: works only with update_behavior = \"Overwrite\" or \"DoNotUpdateUniqueFields\"; without it, \
                 every lead gets a note".into(),
            ),
            (
                json!({ "region": "us", "fields": { "Notes": "{x}" } }),
                "fields.Notes: takes the note already; name another field in note_attribute".into(),
            ),
            (
                json!({ "region": "us", "fields": { "SearchBy": "Phone" } }),
                "fields.SearchBy: is not an attribute; use the key search_by".into(),
            ),
            (json!({ "region": "us", "fields": { "First Name": "{x}" } }), format!("fields.First Name: {schema}")),
            (json!({ "region": "us", "fields": { "mx_": "{x}" } }), format!("fields.mx_: {schema}")),
            (json!({ "region": "us", "role": "Sales_User" }), "role: works only with record = \"user\"".into()),
        ] {
            assert_eq!(mistakes(&options), expected, "{options}");
        }
    }
}
