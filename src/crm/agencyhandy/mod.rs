//! AgencyHandy, a lead or a client, under either of the vendor's two contracts.
//!
//! - The documented one ([`company`]): company look-up, role look-up, `POST /company/{id}/members/bulk-client`,
//!   <https://docs.agencyhandy.com/agencyhandy-user-guide-for-client/use-case/how-to-create-lead-via-api>; for a client
//!   `POST /members/bulk-client` with the company's id ([`client`]).
//! - The current one ([`members`]), <https://docs.agencyhandy.com/api/create-lead>: no look-up, more fields. The vendor
//!   calls the other one stale, so `api = "auto"` begins with it and moves over, for the account, once it is gone.
//! - A 200 with `success: true` may have created nothing; only an id in the body is a success ([`answers`]).
//! - A value that is refused is left out of the next call ([`refusal`]).
//! - Email is unique in a workspace, so a create may be repeated: the second time it is "already there".

mod answers;
mod client;
mod company;
mod members;
mod refusal;

#[cfg(test)]
mod tests;

use answers::{Outcome, Problem};

use crate::config::destination::agencyhandy::{Api, Options, Record};
use crate::config::names;
use crate::domain::LeadField;
use crate::lead::{self, Lead};

use super::left_out::OWN_FIELDS;
use super::{
    Answer, Call, Crm, HeaderValue, Lesson, Method, Progress, RecordRef, Safety, Step, Trouble, Verdict, Why, status,
};

const ORIGIN: &str = "https://api.agencyhandy.com";

/// Account fact: the contract that works, `members` once the documented one was found gone.
const API: &str = "api";
/// Account fact: the company of the API key.
const COMPANY_ID: &str = "company_id";
/// Account fact: the outer `_id` of the role "client".
const ROLE_ID: &str = "role_id";
/// Delivery fact: the learned ids were refused and looked up once more; what they get now is final.
const LOOKED_UP_AGAIN: &str = "looked_up_again";
/// Delivery fact: this delivery found the documented contract gone; there is no way back for it.
const SWITCHED: &str = "switched";

/// The header that names the company. The current contract does not need it: it is left out when the company is refused.
const COMPANY_HEADER: &str = "companyid";

/// The value of a delivery fact that only has to be there.
const YES: &str = "yes";

/// How much of `source` AgencyHandy keeps.
const SOURCE_CHARS: usize = 50;

/// An AgencyHandy account.
#[derive(Debug)]
pub struct AgencyHandy {
    name: String,
    options: Options,
}

/// One of the vendor's two contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contract {
    Company,
    Members,
}

/// Whether an answer may still send a delivery another way. It travels in the name of the call's step, so that the
/// reader of the answer knows it, and so that no delivery can go around in circles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chance {
    First,
    Last,
}

impl AgencyHandy {
    /// The account of the destination `name`.
    pub fn new(name: &str, options: Options) -> Self {
        Self { name: name.to_owned(), options }
    }

    fn contract(&self, progress: &Progress) -> Contract {
        match self.options.api {
            Api::Members => Contract::Members,
            Api::Auto if progress.learned(API) == Some("members") => Contract::Members,
            Api::Auto | Api::Company => Contract::Company,
        }
    }

    fn company_id<'a>(&'a self, progress: &'a Progress) -> Option<&'a str> {
        self.options.company_id.as_deref().or_else(|| progress.learned(COMPANY_ID))
    }

    fn role_id<'a>(&'a self, progress: &'a Progress) -> Option<&'a str> {
        self.options.role_id.as_deref().or_else(|| progress.learned(ROLE_ID))
    }

    /// The next call of the documented contract.
    fn documented(&self, lead: &Lead, progress: &Progress) -> Call {
        let chance = Chance::unless(progress.fact(LOOKED_UP_AGAIN).is_some());
        // (1) The company of the key.
        let Some(company_id) = self.company_id(progress) else { return self.companies() };
        if self.options.record == Record::Client {
            return self.documented_client(lead, progress, company_id, chance);
        }
        // (2) The role "client" in that company.
        let Some(role_id) = self.role_id(progress) else { return self.roles(company_id, chance) };
        // (3) The lead.
        self.documented_lead(lead, progress, company_id, role_id, chance)
    }

    /// The step of a create. `read` finds its way back from it.
    const fn step(&self, contract: Contract, chance: Chance) -> &'static str {
        match (self.options.record, contract, chance) {
            (Record::Lead, Contract::Company, Chance::First) => "lead",
            (Record::Lead, Contract::Company, Chance::Last) => "lead_again",
            (Record::Lead, Contract::Members, Chance::First) => "members_lead",
            (Record::Lead, Contract::Members, Chance::Last) => "members_lead_again",
            (Record::Client, Contract::Company, Chance::First) => "client",
            (Record::Client, Contract::Company, Chance::Last) => "client_again",
            (Record::Client, Contract::Members, Chance::First) => "members_client",
            (Record::Client, Contract::Members, Chance::Last) => "members_client_again",
        }
    }

    fn create_of(&self, step: &str) -> Option<(Contract, Chance)> {
        [Contract::Company, Contract::Members]
            .into_iter()
            .flat_map(|contract| [(contract, Chance::First), (contract, Chance::Last)])
            .find(|(contract, chance)| self.step(*contract, *chance) == step)
    }

    fn get(&self, step: &'static str, path: &str, company: Option<(&'static str, &str)>) -> Call {
        Call {
            step,
            method: Method::Get,
            url: format!("{ORIGIN}{path}"),
            headers: self.headers(company),
            body: None,
            safety: Safety::Read,
        }
    }

    /// A create may be repeated: email is unique in a workspace, so the second one is answered "already there".
    fn create(
        &self,
        step: &'static str,
        path: &str,
        company: Option<(&'static str, &str)>,
        body: &serde_json::Value,
    ) -> Call {
        let mut headers = self.headers(company);
        headers.insert(headers.len() - 1, ("Content-Type", HeaderValue::Text("application/json".into())));
        Call {
            step,
            method: Method::Post,
            url: format!("{ORIGIN}{path}"),
            headers,
            body: Some(body.to_string()),
            safety: Safety::Idempotent,
        }
    }

    fn headers(&self, company: Option<(&'static str, &str)>) -> Vec<(&'static str, HeaderValue)> {
        let key = HeaderValue::Secret { prefix: "", name: names::secret_name(&self.name, "API_KEY") };
        let mut headers = vec![("x-api-key", key)];
        headers.extend(company.map(|(header, id)| (header, HeaderValue::Text(id.to_owned()))));
        headers.push(("Accept", HeaderValue::Text("application/json".into())));
        headers
    }

    /// The source as AgencyHandy keeps it, and whether all of it is kept.
    fn source(&self, lead: &Lead) -> (String, bool) {
        let rendered = lead::render::render(&self.options.source, lead);
        let source: String = rendered.trim().chars().take(SOURCE_CHARS).collect();
        let whole = source == rendered.trim();
        (source, whole)
    }

    fn read_create(&self, contract: Contract, chance: Chance, call: &Call, answer: &Answer) -> Verdict {
        let auto = self.options.api == Api::Auto;
        match answers::outcome(answer) {
            Some(Outcome::Created(id)) => return Verdict::Delivered(RecordRef { id, note: None }),
            Some(Outcome::AlreadyThere { id, reason }) => return already_there(id, &reason),
            // Only the current contract has such a list, so it is the one to speak.
            Some(Outcome::Skipped(_)) if auto && contract == Contract::Company => return to_members(),
            Some(Outcome::Skipped(reason)) => {
                return refusal::met(&self.options, call, None, &reason, Trouble::new(Why::Invalid, &reason));
            }
            None => {}
        }
        let problem = Problem::of(answer);
        if problem.email_is_taken() {
            return already_there(String::new(), &problem.message);
        }
        if let Some(lessons) = self.ids_to_forget(contract, chance, call, &problem) {
            return Verdict::GoOn(lessons);
        }
        match contract {
            Contract::Company if auto && self.documented_is_gone(&problem) => to_members(),
            // What was learned no longer holds. In a delivery that learned it itself there is no other way left.
            Contract::Members if auto && chance == Chance::First && self.current_is_gone(&problem) => {
                Verdict::GoOn(vec![Lesson::ForgetAccount(API)])
            }
            _ => match problem.verdict(call, answer) {
                Verdict::Refused(trouble) => {
                    refusal::met(&self.options, call, problem.path.as_deref(), &problem.message, trouble)
                }
                verdict => verdict,
            },
        }
    }

    /// What to forget when the CRM does not know a company or role that was looked up (and not configured): an API key
    /// of another workspace, most of all. A contract that looks up again may do so once per delivery; the current one
    /// goes on without the company, which it does not need.
    fn ids_to_forget(&self, contract: Contract, chance: Chance, call: &Call, problem: &Problem) -> Option<Vec<Lesson>> {
        let company =
            self.options.company_id.is_none() && call.header(COMPANY_HEADER).is_some() && problem.is_about_company();
        let role = self.options.role_id.is_none() && contract == Contract::Company && problem.is_about_role();
        match contract {
            Contract::Members if company => {
                let why = problem.message.clone();
                let left_out = Lesson::LeftOut { field: COMPANY_HEADER.into(), why };
                Some(vec![Lesson::ForgetAccount(COMPANY_ID), left_out])
            }
            Contract::Company if chance == Chance::First && (company || role) => Some(vec![
                Lesson::ForgetAccount(COMPANY_ID),
                Lesson::ForgetAccount(ROLE_ID),
                Lesson::Fact(LOOKED_UP_AGAIN, YES.into()),
            ]),
            _ => None,
        }
    }

    /// Whether an answer to the documented create shows that this contract is not served any more.
    fn documented_is_gone(&self, problem: &Problem) -> bool {
        match self.options.record {
            Record::Lead => {
                problem.is_missing_route() || problem.refuses(&["role", "isConvertedClient", "positionInBoard"])
            }
            // Both contracts have one route for clients, so a missing one says nothing; the status does: the current
            // contract takes only "Client".
            Record::Client => problem.refuses(&["status", "isConvertedClient", "positionInBoard"]),
        }
    }

    /// Whether an answer to the current create shows that this contract is not served (any more).
    fn current_is_gone(&self, problem: &Problem) -> bool {
        let route = self.options.record == Record::Lead && problem.is_missing_route();
        route || problem.refuses(&["role", "isConvertedClient", "positionInBoard"])
    }
}

impl Crm for AgencyHandy {
    fn next(&self, lead: &Lead, progress: &Progress) -> Step {
        if lead.get(LeadField::Email).is_none() {
            return Step::Refused(Trouble::new(Why::Incomplete, "AgencyHandy requires an email"));
        }
        Step::Call(Box::new(match self.contract(progress) {
            Contract::Company => self.documented(lead, progress),
            Contract::Members => {
                // A contract that has found fault with a value is there: no way back from it either.
                let chance = Chance::unless(progress.fact(SWITCHED).is_some() || !progress.left_out.is_empty());
                self.current(lead, progress, chance)
            }
        }))
    }

    fn read(&self, call: &Call, answer: &Answer) -> Verdict {
        if call.step == company::COMPANIES {
            return self.read_companies(call, answer);
        }
        if let Some(chance) = company::roles_of(call.step) {
            return self.read_roles(chance, call, answer);
        }
        match self.create_of(call.step) {
            Some((contract, chance)) => self.read_create(contract, chance, call, answer),
            None => status::verdict(call, answer),
        }
    }
}

impl Chance {
    const fn unless(used: bool) -> Self {
        if used { Self::Last } else { Self::First }
    }
}

/// Whether AgencyHandy goes without a member, or without the custom field of this id; `own` for what only the operator
/// fills. A delivery that has been through both contracts has few calls left in its try, so it has less patience.
fn is_left_out(key: &str, own: bool, progress: &Progress) -> bool {
    let switched = progress.fact(SWITCHED).is_some() && progress.left_out.len() >= 2;
    let bare = progress.is_bare() || switched;
    progress.is_left_out(key) || bare || (own && progress.is_left_out(OWN_FIELDS))
}

/// The documented contract is gone: the current one, for this delivery to the end and for the account from now on.
fn to_members() -> Verdict {
    Verdict::GoOn(vec![Lesson::Account(API, "members".into()), Lesson::Fact(SWITCHED, YES.into())])
}

fn already_there(id: String, reason: &str) -> Verdict {
    Verdict::Delivered(RecordRef { id, note: Some(format!("already there: {reason}")) })
}

/// A lead field as JSON text, empty when the lead does not have it.
fn text_of(lead: &Lead, field: LeadField) -> &str {
    lead.get(field).unwrap_or_default()
}
