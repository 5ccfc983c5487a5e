//! What a member goes without when AgencyHandy refuses it (see [`left_out`](crate::crm::left_out) for the order of steps).
//!
//! A refusal names a member by `fieldName` (`customFields[1].stringValue`), by a word of its message, or by the reason
//! of a skipped entry ("One or more category not found"). Never left out: the email, the name, the type and the status.
//! The custom field of the note is the last to go: without it AgencyHandy has the lead as it would have it without the
//! key `note_field`, and the Outbox has the message.

use serde_json::{Map, Value as Json};

use crate::config::destination::agencyhandy::Options;
use crate::crm::left_out::{self, EVERYTHING, LONG_NOTE, MARKUP, OWN_FIELDS};
use crate::crm::{Call, Trouble, Verdict, Why};

/// The members that only the operator fills, besides the custom fields.
const OWN: &[&str] = &["leadValue", "category", "agent"];

/// The members that every lead fills by itself.
const BUILT_IN: &[&str] =
    &["contactNo", "companyName", "website", "country", "city", "state", "zipCode", "address", "source"];

const CUSTOM: &str = "customFields";

/// AgencyHandy says no to `call`: the verdict is to go on without something, or the refusal itself.
/// `path` is the `fieldName` of the error, if it has one, and `words` its message.
pub(super) fn met(options: &Options, call: &Call, path: Option<&str>, words: &str, trouble: Trouble) -> Verdict {
    let fields = match Sent::of(call) {
        Some(sent) if trouble.why == Why::Invalid => sent.left_out(options, path, words),
        _ => Vec::new(),
    };
    left_out::met(fields, trouble)
}

/// The one member that a call sent.
struct Sent {
    member: Map<String, Json>,
    /// The ids of the custom fields, in order.
    custom: Vec<String>,
}

impl Sent {
    fn of(call: &Call) -> Option<Self> {
        let body = call.json()?;
        let member = body.get("members").unwrap_or(&body).get(0)?.as_object()?.clone();
        let ids = member.get(CUSTOM).and_then(Json::as_array).into_iter().flatten();
        let custom = ids.filter_map(|field| field["_id"].as_str().map(str::to_owned)).collect();
        Some(Self { member, custom })
    }

    /// Whether it has something in this member: the documented contract sends empty texts as well.
    fn fills(&self, key: &str) -> bool {
        self.member.get(key).is_some_and(|value| *value != "")
    }

    fn left_out(&self, options: &Options, path: Option<&str>, words: &str) -> Vec<String> {
        let one = |field: &str| vec![field.to_owned()];
        let is_note = |id: &str| options.note_field.as_deref() == Some(id);
        // (1) What the refusal names: a custom field by its place or its id, any other member by its name.
        let id = path.and_then(|path| self.custom_at(path));
        let id = id.or_else(|| self.custom.iter().find(|id| words.contains(id.as_str())).map(String::as_str));
        if let Some(id) = id {
            return if is_note(id) { self.about_note(id) } else { one(id) };
        }
        // Beside a path the message is only more words, and a message has `type` and `status` for any reason.
        let key = match path {
            Some(path) => self.named(path),
            None => self.named(words).filter(|key| !["type", "status"].contains(key)),
        };
        if let Some(key) = key {
            let is_spare = OWN.contains(&key) || BUILT_IN.contains(&key);
            return if is_spare { one(key) } else { Vec::new() };
        }
        // (2) The operator's own fields; (3) whatever is not needed; (4) the note.
        if OWN.iter().any(|key| self.fills(key)) || self.custom.iter().any(|id| !is_note(id)) {
            return one(OWN_FIELDS);
        }
        if BUILT_IN.iter().any(|key| self.fills(key)) {
            return one(EVERYTHING);
        }
        self.custom.first().map(|id| self.about_note(id)).unwrap_or_default()
    }

    /// The custom field of `customFields[1].stringValue` or `0.customFields.1._id`.
    fn custom_at(&self, path: &str) -> Option<&str> {
        let (_, rest) = path.split_once(CUSTOM)?;
        let place = rest.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| !word.is_empty())?;
        self.custom.get(place.parse::<usize>().ok()?).map(String::as_str)
    }

    fn named(&self, words: &str) -> Option<&str> {
        let keys = || self.member.keys().map(String::as_str).filter(|key| *key != CUSTOM && self.fills(key));
        let categories = || self.fills("category") && left_out::named(words, ["categories"]).is_some();
        left_out::named(words, keys()).or_else(|| categories().then_some("category"))
    }

    /// The note is spelled plainly and cut before it is given up.
    fn about_note(&self, id: &str) -> Vec<String> {
        let fields = self.member.get(CUSTOM).and_then(Json::as_array).into_iter().flatten();
        let text = fields.filter(|field| field["_id"] == id).find_map(|field| field["stringValue"].as_str());
        let text = text.unwrap_or_default();
        let milder = [(left_out::has_markup(text), MARKUP), (left_out::is_long(text), LONG_NOTE)];
        let milder: Vec<_> = milder.into_iter().filter(|(helps, _)| *helps).map(|(_, what)| what.to_owned()).collect();
        if milder.is_empty() { vec![id.to_owned()] } else { milder }
    }
}
