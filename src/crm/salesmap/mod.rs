//! Salesmap, a lead: organization, person, lead. <https://docs.salesmap.kr/developers/api-reference/lead/create>
//!
//! - The lead names its person and organization by id, and the ids are checked: hence three calls, in this order.
//! - An email belongs to one person and a name to one organization: a repeat answers with the id of the record that is
//!   there. Leads, and people without an email, have no such rule: a repeat makes a second one, so it is looked for first.
//! - No call takes an idempotency key.

mod answers;
mod fields;
mod records;
mod refusal;
#[cfg(test)]
mod tests;

use chrono::DateTime;
use serde_json::{Value as Json, json};

use crate::config::destination::salesmap::Options;
use crate::config::names;
use crate::domain::LeadField;
use crate::lead::Lead;

use super::{Answer, Call, Crm, HeaderValue, Lesson, Method, Progress, RecordRef, Safety, Step, Trouble, Verdict, Why};
use answers::Made;
use records::{FOUND, ORGANIZATION_HOLDS, ORGANIZATION_ID, PEOPLE_HOLDS, PEOPLE_ID, Records, TAKEN};

const ORGANIZATION: &str = "organization";
const PEOPLE: &str = "people";
const LEAD: &str = "lead";
const FIND_PEOPLE: &str = "find_people";
const FIND_LEAD: &str = "find_lead";
const FIND_EMAIL: &str = "find_email";

/// How far the vendor's clock may be behind ours when a search asks for records made since the submission came in.
const CLOCK_SKEW_MS: i64 = 60_000;

/// A Salesmap workspace.
#[derive(Debug)]
pub struct Salesmap {
    name: String,
    options: Options,
}

impl Salesmap {
    /// The workspace of the destination `name`.
    pub fn new(name: &str, options: Options) -> Self {
        Self { name: name.to_owned(), options }
    }

    fn call(&self, step: &'static str, path: &str, body: &Json, safety: Safety) -> Step {
        let token = names::secret_name(&self.name, "TOKEN");
        Step::Call(Box::new(Call {
            step,
            method: Method::Post,
            url: format!("https://salesmap.kr/api/v2/{path}"),
            headers: vec![
                ("Authorization", HeaderValue::Secret { prefix: "Bearer ", name: token }),
                ("Content-Type", HeaderValue::Text("application/json".into())),
                ("Accept", HeaderValue::Text("application/json".into())),
            ],
            body: Some(body.to_string()),
            safety,
        }))
    }

    /// Looks for the lead of a create that was never answered. A match is certain enough to end the delivery because no
    /// other delivery makes a lead of this name for this person:
    ///
    /// - Exactly one delivery is answered that it made a person, and only that one gives its lead the bare name; every
    ///   other one finds the person there, and its lead's name ends with a code of its submission and destination. So two
    ///   messages of one visitor are not taken for one another, however their deliveries overlap.
    /// - A lead from before the submission came in does not match: not an earlier one of a returning visitor, not one
    ///   that a colleague made by hand.
    ///
    /// What remains: a lead made by hand in the meantime under the very same name; two codes of 24 bits that are the
    /// same; and, the other way round, a lead that is not found although it was made, because `lead_name` was changed in
    /// between, the lead was renamed by hand, or Salesmap finishes a create, or lists it, later than the next try looks.
    fn find_lead(&self, lead: &Lead, progress: &Progress, name: &str) -> Step {
        let mut filters = vec![filter("이름", "EQ", name)];
        filters.extend(progress.fact(PEOPLE_ID).map(|id| filter("고객", "EQ", id)));
        filters.extend(made_since(lead));
        self.call(FIND_LEAD, "object/lead/search", &search(&filters), Safety::Read)
    }

    /// Looks for the person of a create that was never answered; only for a lead without an email, since with one a
    /// repeat finds the person by itself. Name, phone (or its absence) and the time tell the person apart. Two visitors
    /// of one name who leave neither email nor phone at the same time would share a person: nothing on either could
    /// tell them apart for a salesperson, and each still has a lead of their own.
    fn find_people(&self, lead: &Lead, progress: &Progress, name: &str) -> Step {
        let label = &self.options.phone_label;
        let phone = match records::phone(lead, progress) {
            Some(phone) => filter(label, "EQ", phone),
            None => json!({ "fieldName": label, "operator": "NOT_EXISTS" }),
        };
        let mut filters = vec![filter("이름", "EQ", name), phone];
        filters.extend(made_since(lead));
        self.call(FIND_PEOPLE, "object/people/search", &search(&filters), Safety::Read)
    }
}

impl Crm for Salesmap {
    fn next(&self, lead: &Lead, progress: &Progress) -> Step {
        let Some(records) = Records::of(&self.name, &self.options, lead, progress) else {
            let missing = "Salesmap needs a name for the person, and the lead has no name, email, phone or company";
            return Step::Refused(Trouble::new(Why::Incomplete, missing));
        };
        let in_doubt = progress.in_doubt.as_deref();

        // (0) A lead that may be there already: look before making another.
        if in_doubt == Some(LEAD) {
            return self.find_lead(lead, progress, &records.lead_name);
        }
        // (1) The organization, whose name is unique.
        if let Some(organization) = &records.organization
            && progress.fact(ORGANIZATION_ID).is_none()
        {
            return self.call(ORGANIZATION, ORGANIZATION, organization, Safety::Idempotent);
        }
        // (2) The person, whose email is unique, if there is one.
        if progress.fact(PEOPLE_ID).is_none() {
            let email = lead.get(LeadField::Email);
            if let Some(email) = email.filter(|_| progress.fact(PEOPLE_HOLDS) == Some(TAKEN)) {
                let filters = [filter(&self.options.email_label, "EQ", email)];
                return self.call(FIND_EMAIL, "object/people/search", &search(&filters), Safety::Read);
            }
            let has_email = email.is_some();
            if in_doubt == Some(PEOPLE) && !has_email {
                return self.find_people(lead, progress, &records.person_name);
            }
            let safety = if has_email { Safety::Idempotent } else { Safety::Create };
            return self.call(PEOPLE, PEOPLE, &records.people, safety);
        }
        // (3) The lead.
        self.call(LEAD, LEAD, &records.lead, Safety::Create)
    }

    /// A search costs ten of the vendor's hundred points in ten seconds.
    fn cost(&self, call: &Call) -> u32 {
        if call.step.starts_with("find_") { 10 } else { 1 }
    }

    fn read(&self, call: &Call, answer: &Answer) -> Verdict {
        let made = match call.step {
            FIND_LEAD => {
                let note = || Some("found after an unanswered create".to_owned());
                return answers::searched(call, answer, |id| match id {
                    Some(id) => Verdict::Delivered(RecordRef { id, note: note() }),
                    None => Verdict::GoOn(vec![Lesson::NotInDoubt]),
                });
            }
            FIND_PEOPLE | FIND_EMAIL => return answers::searched(call, answer, |id| person(call.step, id)),
            ORGANIZATION => Made { member: ORGANIZATION, facts: Some((ORGANIZATION_ID, ORGANIZATION_HOLDS)) },
            PEOPLE => Made { member: PEOPLE, facts: Some((PEOPLE_ID, PEOPLE_HOLDS)) },
            _ => Made { member: LEAD, facts: None },
        };
        answers::created(&made, &self.options, call, answer)
    }
}

/// What the search for a person says. Found or not, the doubt is over. Whose person it is, is not known: it counts as one
/// that was there.
fn person(step: &str, id: Option<String>) -> Verdict {
    match id {
        Some(id) => {
            let holds = Lesson::Fact(PEOPLE_HOLDS, FOUND.to_owned());
            Verdict::GoOn(vec![Lesson::Fact(PEOPLE_ID, id), holds, Lesson::NotInDoubt])
        }
        None if step == FIND_EMAIL => {
            let detail = "Salesmap says that a person has this email, and its search finds none";
            Verdict::TryLater(Trouble::new(Why::Unexpected, detail))
        }
        None => Verdict::GoOn(vec![Lesson::NotInDoubt]),
    }
}

/// <https://docs.salesmap.kr/developers/api-reference/object-search>: filters of one group are joined by AND, and a group
/// holds at most three.
fn search(filters: &[Json]) -> Json {
    json!({ "filterGroupList": [{ "filters": filters }] })
}

fn filter(field: &str, operator: &str, value: &str) -> Json {
    json!({ "fieldName": field, "operator": operator, "value": value })
}

/// Records made since the submission came in.
fn made_since(lead: &Lead) -> Option<Json> {
    let since = DateTime::from_timestamp_millis(lead.submission.received_at.checked_sub(CLOCK_SKEW_MS)?)?;
    Some(filter("생성 날짜", "DATE_ON_OR_AFTER", &since.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()))
}
