//! HubSpot: creates a contact, or fills the empty properties of a known one, and adds a note.
//! <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide>
//!
//! - The email decides who a contact is. `GET /contacts/{email}` reads it at once and knows secondary addresses too;
//!   `/search` lags up to 30 s.
//! - A visitor can enter anyone's email, so a known contact keeps its values; what differs goes to the note.
//! - Notes cannot be looked up: after a lost response a note may repeat. A known contact never does.
//! - A rejection names its values in `errors[].context`, or as JSON inside `message`.

use form_urlencoded::byte_serialize;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::domain::lead::rfc3339;
use crate::domain::sorted::Set;
use crate::domain::text::escape_html;
use crate::domain::typed::Value;
use crate::domain::{Address, Kind, Lead, LeadField, TypedField};

use super::draft::{Draft, Source, named_in};
use super::{
    AnyConnector, Call, Connector, Descriptor, Drafted, FailureKind, Guarantee, Opt, Options, Outcome, Pace, Progress,
    Record, RecordRef, Response, Secret, Step,
};

/// What a HubSpot destination is.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "hubspot",
    title: "HubSpot",
    records: &[Record {
        name: "contact",
        creates: "a contact with a note",
        guarantee: Guarantee::Upsert,
        needs_token: false,
    }],
    secrets: &[Secret {
        suffix: "TOKEN",
        hint: "a HubSpot service key with the scopes crm.objects.contacts.read and .write, from Development > Keys",
    }],
    // What the free plan allows; paid plans take 190.
    pace: Some(Pace { points: 100, window_ms: 10_000 }),
    options: &[
        Opt::template("owner_id", "", "the id of the user who owns new contacts"),
        Opt::template("lifecycle_stage", "", "the internal name of the stage of new contacts, such as `lead`"),
        Opt::fields("fields", Kind::COMMON, "your own values for contact properties, by their internal names"),
    ],
    is_own_format,
    message: |body| body["message"].as_str().map(str::to_owned),
    build,
};

const API: &str = "https://api.hubapi.com/crm/objects/2026-03";

/// HubSpot's own association of a note with a contact.
const NOTE_TO_CONTACT: u32 = 202;

/// Where the lead's fields go unless the operator's `fields` fill the same property.
const DEFAULTS: &[(&str, Source)] = &[
    ("email", Source::Field(LeadField::Email)),
    ("firstname", Source::FirstName),
    ("lastname", Source::LastName),
    ("phone", Source::Field(LeadField::Phone)),
    ("company", Source::Field(LeadField::Company)),
    ("jobtitle", Source::Field(LeadField::JobTitle)),
    ("website", Source::Field(LeadField::Website)),
    ("address", Source::Field(LeadField::Street)),
    ("city", Source::Field(LeadField::City)),
    ("state", Source::Field(LeadField::State)),
    ("zip", Source::Field(LeadField::PostalCode)),
    ("country", Source::Field(LeadField::Country)),
];

const REQUIRED: &[&str] = &["email"];

/// Members of an error besides its message. A proxy's `{"message":"forbidden"}` has none of them.
const ERROR_MEMBERS: &[&str] = &["category", "correlationId", "policyName"];

fn is_own_format(body: &Json) -> bool {
    let is_record = body["id"].is_string() && body["properties"].is_object();
    let is_error = body["message"].is_string() && ERROR_MEMBERS.iter().any(|member| body[*member].is_string());
    is_record || is_error || body["results"].is_array()
}

/// A HubSpot account.
#[derive(Debug)]
struct HubSpot {
    fields: Vec<TypedField>,
}

fn build(_: &str, options: &mut Options<'_, '_>) -> Option<Box<dyn AnyConnector>> {
    let mut fields = options.fields("fields");
    if fields.iter().any(|field| field.name == "email") {
        options.reader().error("fields.email", "is filled from the lead; use the form's `map` for another field");
        return None;
    }
    for (key, property) in [("owner_id", "hubspot_owner_id"), ("lifecycle_stage", "lifecyclestage")] {
        fields.extend(options.template(key).map(|template| TypedField::new(property, Kind::Text, template)));
    }
    Some(Box::new(HubSpot { fields }))
}

/// What the calls of a delivery established.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// The look-up found no contact.
    is_absent: bool,
    /// The contact that has the email, as a rejected create names it.
    holder: Option<String>,
    contact: Option<Contact>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Contact {
    id: String,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// This delivery created it.
    is_new: bool,
    /// The properties that had a value already.
    occupied: Set<String>,
    /// It has the lead's values.
    is_filled: bool,
}

impl Connector for HubSpot {
    type State = State;
    type Account = ();

    fn next(&self, lead: &Lead, progress: &Progress<State>, (): &()) -> Step {
        let Some(email) = lead.get(LeadField::Email) else { return Step::incomplete("HubSpot requires an email") };
        let state = &progress.state;
        let Some(contact) = &state.contact else {
            // A create whose outcome is unknown is looked for again.
            return if state.is_absent && progress.in_doubt.is_none() {
                let (drafted, _) = self.draft(lead, progress, &Set::new());
                let body = json!({ "properties": drafted.values, "associations": [] });
                call(Call::post("contact", format!("{API}/contacts"))).json(&body).carries(&drafted).into()
            } else {
                self.look_up(email, state.holder.as_deref()).into()
            };
        };
        let (mut drafted, note) = self.draft(lead, progress, &contact.occupied);
        drafted.values.shift_remove("email");
        if !contact.is_filled && !drafted.values.is_empty() {
            let body = json!({ "properties": drafted.values });
            let patch = Call::patch("fill", format!("{API}/contacts/{}", encoded(&contact.id)));
            return call(patch).json(&body).carries(&drafted).into();
        }
        if note.values.is_empty() {
            return Step::Delivered(contact.record());
        }
        let to_contact = json!({ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": NOTE_TO_CONTACT });
        let body = json!({
            "properties": note.values,
            "associations": [{ "to": { "id": contact.id }, "types": [to_contact] }],
        });
        call(Call::post("note", format!("{API}/notes"))).json(&body).carries(&note).into()
    }

    fn read(&self, call: &Call, response: &Response, progress: &mut Progress<State>, (): &mut ()) -> Outcome {
        let Some(body) = response.json() else { return response.by_status() };
        let id = RecordRef::id_in(&body["id"]).filter(|_| response.is_success());
        let (holder, state) = (holder(&response.phrases(call)), &mut progress.state);
        match (call.step, response.status, id) {
            ("find", _, Some(id)) => {
                let is_new = progress.in_doubt.take().is_some();
                let occupied = occupied(&body["properties"], call);
                state.contact = Some(Contact { id, url: page(body), is_new, occupied, is_filled: false });
                Outcome::CONTINUE
            }
            ("find", 404, _) => {
                progress.in_doubt = None;
                *state = State { is_absent: true, ..State::default() };
                Outcome::CONTINUE
            }
            ("contact", _, Some(id)) => {
                state.contact =
                    Some(Contact { id, url: page(body), is_new: true, is_filled: true, ..Contact::default() });
                Outcome::CONTINUE
            }
            ("contact", 409, _) if holder.is_some() => {
                *state = State { holder, ..State::default() };
                Outcome::Continue("HubSpot has a contact with this email".to_owned())
            }
            // Merged or deleted since it was found.
            ("fill", 404, _) => {
                *state = State::default();
                Outcome::Retry(response.failure(FailureKind::NotFound))
            }
            ("fill", _, Some(_)) => {
                state.contact.iter_mut().for_each(|contact| contact.is_filled = true);
                Outcome::CONTINUE
            }
            ("note", _, Some(id)) => {
                Outcome::Delivered(state.contact.as_ref().map_or_else(|| RecordRef::new(id), Contact::record))
            }
            ("note", 400, _) => progress.omitted.after_note_rejection(call, response.failure(FailureKind::Invalid)),
            ("contact" | "fill", 400 | 409, _) => {
                let named = named_properties(body, call, response);
                progress.omitted.after_rejection(call, &named, response.failure(FailureKind::Invalid))
            }
            // A lock on the record, and a move between HubSpot's data centers.
            (_, 423 | 477, _) => {
                Outcome::Retry(response.failure(FailureKind::Unavailable).wait(response.wait_ms().or(Some(2_000))))
            }
            (_, 429, _) => {
                let wait_ms = match body["policyName"].as_str() {
                    Some("SECONDLY") => 1_000,
                    Some("DAILY") => 3_600_000,
                    _ => 10_000,
                };
                Outcome::Retry(response.failure(FailureKind::RateLimited).wait(response.wait_ms().or(Some(wait_ms))))
            }
            _ => response.by_status(),
        }
    }

    fn probe(&self) -> Option<Call> {
        Some(call(Call::get("probe", format!("{API}/contacts?limit=1&properties=hs_object_id"))))
    }
}

impl HubSpot {
    /// The contact's properties without the `occupied` ones, and the note's; the note has none if there is nothing to say.
    fn draft(&self, lead: &Lead, progress: &Progress<State>, occupied: &Set<String>) -> (Drafted, Drafted) {
        let mut draft = Draft::new(lead, &progress.omitted);
        draft
            .occupied(occupied)
            .fields(&self.fields, REQUIRED, |_, value| Ok(json_of(value)))
            .defaults(DEFAULTS, REQUIRED);
        let contact = draft.take();
        let text = draft.note_text();
        if !text.is_empty() {
            draft.set("hs_timestamp", json!(rfc3339(lead.submission.received_at)));
            draft.set("hs_note_body", json!(html(&text)));
        }
        (contact, draft.take())
    }

    /// Reads a contact by its email or id, with the properties that the lead could fill.
    fn look_up(&self, email: &str, id: Option<&str>) -> Call {
        let names = DEFAULTS.iter().map(|(name, _)| *name).chain(self.fields.iter().map(|field| field.name.as_str()));
        let properties = encoded(&names.collect::<Vec<_>>().join(","));
        let contact = id.map_or_else(|| format!("{}?idProperty=email&", encoded(email)), |id| format!("{id}?"));
        call(Call::get("find", format!("{API}/contacts/{contact}properties={properties}")))
    }
}

impl Contact {
    fn record(&self) -> RecordRef {
        let record = if self.is_new {
            RecordRef::new(&*self.id)
        } else {
            RecordRef::already_there(&*self.id, "HubSpot has a contact with this email")
        };
        RecordRef { url: self.url.clone(), ..record }
    }
}

/// The page of a contact: `https://app.hubspot.com/contacts/{account}/record/0-1/{id}`, in accounts elsewhere `app-eu1`.
fn page(contact: &Json) -> Option<String> {
    let url = contact["url"].as_str()?;
    let address = Address::parse(url).ok()?;
    (address.scheme == "https" && address.host.ends_with(".hubspot.com")).then(|| url.to_owned())
}

fn call(call: Call) -> Call {
    call.bearer("TOKEN")
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The properties that have a value. A name counts as one, so that two people's parts are never mixed; the email only
/// when it is not the one that `call` looked up.
fn occupied(properties: &Json, call: &Call) -> Set<String> {
    let filled = properties.as_object().into_iter().flatten().filter_map(|(name, value)| {
        let value = value.as_str().filter(|value| !value.is_empty())?;
        let is_key =
            name == "email" && call.url.to_lowercase().contains(&format!("/{}?", encoded(value)).to_lowercase());
        (!is_key).then(|| name.clone())
    });
    let mut occupied: Set<String> = filled.collect();
    if occupied.contains("firstname") || occupied.contains("lastname") {
        occupied.extend(["firstname".to_owned(), "lastname".to_owned()]);
    }
    occupied
}

/// The id of the contact that has the email, as a rejected create words it.
fn holder(phrases: &str) -> Option<String> {
    let digits: String = phrases.split_once("existing id: ")?.1.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

/// The properties that a rejection names: in `errors`, in the JSON inside of the message, or in words.
fn named_properties(body: &Json, call: &Call, response: &Response) -> Vec<String> {
    let in_message = response.message().find('[').and_then(|at| response.message().get(at..));
    let in_message: Option<Json> = in_message.and_then(|json| serde_json::from_str(json).ok());
    let errors = body["errors"].as_array().into_iter().flatten();
    let by_context = errors.flat_map(|error| error["context"]["propertyName"].as_array().into_iter().flatten());
    let entries = in_message.as_ref().and_then(Json::as_array).into_iter().flatten();
    let named = by_context.chain(entries.map(|entry| &entry["name"])).filter_map(Json::as_str);
    let named: Set<String> = named.map(str::to_owned).collect();
    if named.is_empty() {
        let sent = call.optional.iter().map(String::as_str);
        return named_in(&response.phrases(call), sent).map(str::to_owned).into_iter().collect();
    }
    named.into_iter().collect()
}

/// HubSpot takes every value as a text; the options of a checkbox property are joined by semicolons.
fn json_of(value: Value) -> Json {
    json!(match value {
        Value::Text(text) | Value::Date(text) | Value::DateTime(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::List(list) => list.join(";"),
    })
}

/// A note's body is HTML.
fn html(text: &str) -> String {
    escape_html(text).replace('\n', "<br>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::testing::{self, account, lead};

    const FULL: &[(&str, &str)] = &[
        ("name", "Ada Lovelace"),
        ("email", "Ada+1@example.com"),
        ("phone", "+1 555 0100"),
        ("company", "Engines"),
        ("job_title", "CTO"),
        ("website", "https://example.com"),
        ("street", "1 Main St"),
        ("city", "London"),
        ("postal_code", "N1"),
        ("country", "UK"),
        ("budget", "5,000"),
        ("topic", "a"),
        ("topic", "b"),
        ("message", "Call <me> & \"her\"\nsoon"),
    ];

    fn hubspot() -> std::rc::Rc<dyn AnyConnector> {
        let fields = json!({ "budget": { "number": "{budget}" }, "topics": { "list": "{topic}" } });
        let options = json!({ "type": "hubspot", "owner_id": "7", "lifecycle_stage": "lead", "fields": fields });
        account("hubspot", options)
    }

    fn at(state: Json) -> Progress<Json> {
        Progress { state, ..Progress::default() }
    }

    fn next(lead: &Lead, progress: &Progress<Json>) -> Call {
        testing::call(hubspot().next(lead, progress, &Json::Null))
    }

    fn contact(occupied: &[&str], is_filled: bool) -> Json {
        json!({ "contact": { "id": "51", "is_new": false, "occupied": occupied, "is_filled": is_filled } })
    }

    #[test]
    fn requests_for_a_full_and_a_minimal_lead() {
        let (full, minimal) = (lead(FULL), lead(&[("email", "s@example.com")]));
        let names = "email%2Cfirstname%2Clastname%2Cphone%2Ccompany%2Cjobtitle%2Cwebsite%2Caddress%2Ccity%2Cstate%2Czip\
                     %2Ccountry%2Cbudget%2Ctopics%2Chubspot_owner_id%2Clifecyclestage";
        let find = next(&full, &Progress::default());
        assert_eq!(find.url, format!("{API}/contacts/Ada%2B1%40example.com?idProperty=email&properties={names}"));
        assert_eq!(testing::headers(&find), ["Accept: application/json", "Authorization: Bearer {TOKEN}"]);
        let by_id = next(&full, &at(json!({ "holder": "51" })));
        assert_eq!(by_id.url, format!("{API}/contacts/51?properties={names}"));

        let absent = at(json!({ "is_absent": true }));
        let create = next(&full, &absent);
        assert_eq!(create.url, format!("{API}/contacts"));
        let properties = json!({
            "budget": "5000", "topics": "a;b", "hubspot_owner_id": "7", "lifecyclestage": "lead",
            "email": "Ada+1@example.com", "firstname": "Ada", "lastname": "Lovelace", "phone": "+1 555 0100",
            "company": "Engines", "jobtitle": "CTO", "website": "https://example.com", "address": "1 Main St",
            "city": "London", "zip": "N1", "country": "UK",
        });
        assert_eq!(testing::body(&create), json!({ "properties": properties, "associations": [] }));
        let note = next(&full, &at(contact(&[], true)));
        assert_eq!(note.url, format!("{API}/notes"));
        assert_eq!(
            testing::body(&note),
            json!({
                "properties": {
                    "hs_timestamp": "2024-04-16T07:18:17.516Z",
                    "hs_note_body": "Call &lt;me&gt; &amp; &quot;her&quot;<br>soon",
                },
                "associations": [{
                    "to": { "id": "51" },
                    "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202 }],
                }],
            })
        );
        let properties = json!({ "hubspot_owner_id": "7", "lifecyclestage": "lead", "email": "s@example.com" });
        let body = testing::body(&next(&minimal, &absent));
        assert_eq!(body, json!({ "properties": properties, "associations": [] }));
        let nobody = hubspot().next(&lead(&[("name", "Ada")]), &Progress::default(), &Json::Null);
        assert_eq!(nobody, Ok(Step::incomplete("HubSpot requires an email")));
    }

    #[test]
    fn a_known_contact_keeps_its_values_and_the_note_has_the_others() {
        let known = contact(&["email", "firstname", "lastname", "phone", "budget", "lifecyclestage"], false);
        let lead = lead(&[
            ("name", "Ada King"),
            ("email", "a@example.com"),
            ("phone", "1"),
            ("company", "Engines"),
            ("budget", "5"),
            ("message", "Hi"),
        ]);
        let fill = next(&lead, &at(known.clone()));
        assert_eq!((fill.method.name(), fill.url), ("PATCH", format!("{API}/contacts/51")));
        let body: Json = serde_json::from_str(fill.body.as_deref().unwrap()).unwrap();
        assert_eq!(body, json!({ "properties": { "hubspot_owner_id": "7", "company": "Engines" } }));
        let mut filled = known;
        filled["contact"]["is_filled"] = json!(true);
        let note = testing::body(&next(&lead, &at(filled)));
        let text = "Hi<br><br>name: Ada King<br>phone: 1<br>budget: 5";
        assert_eq!(note["properties"]["hs_note_body"], text);
    }

    #[test]
    fn the_order_of_steps() {
        let (full, silent) = (lead(FULL), lead(&[("email", "s@example.com")]));
        let all = ["hubspot_owner_id", "lifecyclestage", "budget", "topics"];
        let in_doubt = |step: &str, state| Progress { in_doubt: Some(step.to_owned()), ..at(state) };
        for (lead, progress, expected) in [
            (&full, Progress::default(), "find"),
            (&full, at(json!({ "is_absent": true })), "contact"),
            (&full, in_doubt("contact", json!({ "is_absent": true })), "find"),
            (&full, at(json!({ "holder": "51" })), "find"),
            (&full, at(contact(&[], false)), "fill"),
            (&full, at(contact(&[], true)), "note"),
            (&full, in_doubt("note", contact(&[], true)), "note"),
            (&silent, at(contact(&[], false)), "fill"),
            (&silent, at(contact(&all, false)), "delivered"),
            (&silent, at(contact(&[], true)), "delivered"),
        ] {
            let step = match hubspot().next(lead, &progress, &Json::Null) {
                Ok(Step::Call(call)) => call.step,
                Ok(Step::Delivered(record)) if record.id == "51" => "delivered",
                other => panic!("{other:?}"),
            };
            assert_eq!(step, expected, "{progress:?}");
        }
    }

    #[test]
    fn what_a_look_up_establishes() {
        let find = next(&lead(&[("email", "A@example.com")]), &Progress::default());
        let found = |properties: Json| (200, json!({ "id": "51", "properties": properties }));
        let known = |is_new: bool, occupied: &[&str]| {
            let contact = json!({ "id": "51", "is_new": is_new, "occupied": occupied, "is_filled": false });
            json!({ "is_absent": false, "holder": "9", "contact": contact })
        };
        let absent = json!({ "is_absent": true, "holder": null, "contact": null });
        let missing = json!({ "status": "error", "message": "resource not found", "correlationId": "c" });
        for ((status, body), in_doubt, expected) in [
            (found(json!({ "email": "a@example.com", "phone": null, "city": "" })), false, known(false, &[])),
            // The contact that an unknown create of this delivery left behind.
            (found(json!({ "email": "a@example.com", "phone": "1" })), true, known(true, &["phone"])),
            // Found by a secondary address; and half a name counts as a name.
            (
                found(json!({ "email": "b@example.com", "lastname": "B" })),
                false,
                known(false, &["email", "firstname", "lastname"]),
            ),
            ((404, missing.clone()), false, absent.clone()),
            ((404, missing), true, absent),
        ] {
            let in_doubt = in_doubt.then(|| "contact".to_owned());
            let mut progress = Progress { in_doubt, ..at(json!({ "holder": "9" })) };
            let (hubspot, body) = (hubspot(), body.to_string());
            let outcome = testing::read(&*hubspot, &DESCRIPTOR, &find, status, &body, &mut progress, &mut Json::Null);
            assert_eq!((&*outcome, &progress.in_doubt), ("continue", &None), "{body}");
            assert_eq!(progress.state, expected, "{body}");
        }
    }

    #[test]
    fn what_each_response_means() {
        let full = lead(FULL);
        let record = json!({ "id": "51", "properties": {} });
        let error =
            |category: &str, message: &str| json!({ "status": "error", "category": category, "message": message });
        let invalid = |name: &str| {
            error(
                "VALIDATION_ERROR",
                &format!("Property values were not valid: [{{\"name\":\"{name}\",\"error\":\"X\"}}]"),
            )
        };
        let in_context = json!({
            "category": "VALIDATION_ERROR", "message": "no",
            "errors": [{ "code": "PROPERTY_DOESNT_EXIST", "context": { "propertyName": ["budget"] } }],
        });
        let limit = json!({ "message": "You have reached your limit.", "policyName": "TEN_SECONDLY_ROLLING" });
        for (state, status, body, expected) in [
            (json!({}), 200, json!({ "message": "sign in" }), "retry unexpected"),
            (json!({}), 404, json!({ "message": "no route" }), "retry unavailable"),
            (json!({ "is_absent": true }), 201, record.clone(), "continue"),
            (json!({ "is_absent": true }), 201, json!({ "id": "51" }), "retry unexpected"),
            (
                json!({ "is_absent": true }),
                409,
                error("CONFLICT", "Contact already exists. Existing ID: 51"),
                "continue HubSpot has a contact with this email",
            ),
            (json!({ "is_absent": true }), 409, error("CONFLICT", "phone is taken"), "continue omitted phone"),
            (json!({ "is_absent": true }), 400, invalid("jobtitle"), "continue omitted jobtitle"),
            (json!({ "is_absent": true }), 400, in_context, "continue omitted budget"),
            (json!({ "is_absent": true }), 400, invalid("email"), "rejected invalid"),
            (
                json!({ "is_absent": true }),
                400,
                error("VALIDATION_ERROR", "no"),
                "continue omitted everything optional",
            ),
            (json!({ "is_absent": true }), 403, error("MISSING_SCOPES", "no"), "retry credentials"),
            (json!({ "is_absent": true }), 423, error("LOCKED", "no"), "retry unavailable"),
            (json!({ "is_absent": true }), 477, error("MIGRATION", "no"), "retry unavailable"),
            (json!({ "is_absent": true }), 521, Json::Null, "retry unavailable"),
            (json!({ "is_absent": true }), 429, limit, "retry rate_limited"),
            (contact(&[], false), 200, record.clone(), "continue"),
            (contact(&[], false), 400, invalid("city"), "continue omitted city"),
            (contact(&[], false), 404, error("OBJECT_NOT_FOUND", "no"), "retry not_found"),
            (contact(&[], true), 201, record, "delivered 51 (already there: HubSpot has a contact with this email)"),
            (contact(&[], true), 400, error("VALIDATION_ERROR", "no"), "continue omitted the note's markup and length"),
        ] {
            let mut progress = at(state);
            let (call, body) = (next(&full, &progress), body.to_string());
            let hubspot = hubspot();
            let outcome = testing::read(&*hubspot, &DESCRIPTOR, &call, status, &body, &mut progress, &mut Json::Null);
            assert_eq!(outcome, expected, "{} {status} {body}", call.step);
        }
    }

    #[test]
    fn waits_of_a_lock_and_of_the_limits() {
        let call = next(&lead(FULL), &Progress::default());
        for (status, policy, retry_after, expected) in [
            (423, "", None, 2_000),
            (477, "", Some("600"), 600_000),
            (429, "SECONDLY", None, 1_000),
            (429, "TEN_SECONDLY_ROLLING", None, 10_000),
            (429, "DAILY", None, 3_600_000),
            (429, "DAILY", Some("60"), 60_000),
        ] {
            let headers = retry_after.map(|wait| ("retry-after".to_owned(), wait.to_owned())).into_iter().collect();
            let body = json!({ "message": "no", "policyName": policy }).to_string();
            let response = Response::new(DESCRIPTOR.format(), status, headers, &body, 0);
            let outcome = hubspot().read(&call, &response, &mut Progress::default(), &mut Json::Null);
            assert!(matches!(outcome, Ok(Outcome::Retry(failure)) if failure.wait_ms == Some(expected)), "{policy}");
        }
    }
}
