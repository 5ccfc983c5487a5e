//! The documented contract for a lead: two look-ups, then the company's members,
//! <https://docs.agencyhandy.com/agencyhandy-user-guide-for-client/use-case/how-to-create-lead-via-api>.
//!
//! - The role's id is the outer `_id`; `role._id` is another thing and the create refuses it.
//! - The page's request body lacks its opening brace; it is an object with the one member `members`.
//! - The body has no room for a note, a company name or an address: those stay in the Outbox.

use serde_json::{Value as Json, json};

use crate::config::destination::agencyhandy::{Api, is_id};
use crate::domain::LeadField;
use crate::lead::Lead;

use super::answers::Problem;
use super::{
    AgencyHandy, Answer, COMPANY_HEADER, COMPANY_ID, Call, Chance, Contract, Lesson, Progress, ROLE_ID, Trouble,
    Verdict, Why, is_left_out, status, text_of, to_members,
};

/// The step that looks for the company.
pub(super) const COMPANIES: &str = "companies";
const ROLES: &str = "roles";
const ROLES_AGAIN: &str = "roles_again";

/// The chance of a step that looks for the role; `None` when it is another step.
pub(super) fn roles_of(step: &str) -> Option<Chance> {
    match step {
        ROLES => Some(Chance::First),
        ROLES_AGAIN => Some(Chance::Last),
        _ => None,
    }
}

impl AgencyHandy {
    /// Asks for the companies of the key.
    pub(super) fn companies(&self) -> Call {
        self.get(COMPANIES, "/accounts/companies", None)
    }

    /// Asks for the roles of the company. The page shows no company header here, later copies of it do.
    pub(super) fn roles(&self, company_id: &str, chance: Chance) -> Call {
        let step = if chance == Chance::First { ROLES } else { ROLES_AGAIN };
        self.get(step, "/roles?type=company", Some((COMPANY_HEADER, company_id)))
    }

    /// Creates the lead, with the very members of the page's example.
    pub(super) fn documented_lead(
        &self,
        lead: &Lead,
        progress: &Progress,
        company_id: &str,
        role_id: &str,
        chance: Chance,
    ) -> Call {
        let name = lead.name_parts();
        // The body is that of the page's example, so what is left out is empty.
        let unless_left_out =
            |key: &str, text: String| if is_left_out(key, false, progress) { String::new() } else { text };
        let body = json!({ "members": [{
            "firstName": name.first,
            "lastName": name.last,
            "email": text_of(lead, LeadField::Email),
            "role": role_id,
            "isConvertedClient": false,
            "status": self.options.status,
            "contactNo": unless_left_out("contactNo", text_of(lead, LeadField::Phone).to_owned()),
            "source": unless_left_out("source", self.source(lead).0),
            "positionInBoard": self.options.position_in_board,
        }] });
        let path = format!("/company/{company_id}/members/bulk-client");
        self.create(self.step(Contract::Company, chance), &path, Some((COMPANY_HEADER, company_id)), &body)
    }

    /// Takes the first company, as the page does. A key belongs to one workspace, so there is one; should a key ever
    /// list several, `company_id` in the config says which.
    pub(super) fn read_companies(&self, call: &Call, answer: &Answer) -> Verdict {
        match list(answer, "companies").iter().find_map(id_of) {
            Some(id) => Verdict::GoOn(vec![Lesson::Account(COMPANY_ID, id)]),
            None => self.nothing_found(call, answer, "no company of this API key"),
        }
    }

    /// Takes the outer `_id` of the company's role named "client".
    pub(super) fn read_roles(&self, chance: Chance, call: &Call, answer: &Answer) -> Verdict {
        let company_id = call.header(COMPANY_HEADER);
        let is_clients = |entry: &&Json| {
            let of_another = entry["company"].as_str().is_some_and(|id| Some(id) != company_id);
            entry["role"]["name"] == "client" && !of_another
        };
        if let Some(id) = list(answer, "roles").iter().filter(is_clients).find_map(id_of) {
            return Verdict::GoOn(vec![Lesson::Account(ROLE_ID, id)]);
        }
        match self.ids_to_forget(Contract::Company, chance, call, &Problem::of(answer)) {
            Some(lessons) => Verdict::GoOn(lessons),
            None => self.nothing_found(call, answer, "no role named \"client\" in this company"),
        }
    }

    /// A look-up that did not find. The current contract needs none, so `auto` moves on when the route is gone or
    /// answers in a shape of which the page knows nothing.
    fn nothing_found(&self, call: &Call, answer: &Answer, what: &str) -> Verdict {
        let problem = Problem::of(answer);
        let is_understood = problem.status < 300 && answer.json().is_some_and(|body| body.is_object());
        if self.options.api == Api::Auto && (is_understood || problem.is_missing_route()) {
            return to_members();
        }
        if is_understood {
            let detail = format!("{what}: {}", status::excerpt(answer));
            return Verdict::TryLater(Trouble::new(Why::Unexpected, detail));
        }
        problem.verdict(call, answer)
    }
}

fn list(answer: &Answer, key: &str) -> Vec<Json> {
    let mut body = answer.json().filter(|_| answer.is_success()).unwrap_or_default();
    match body.get_mut(key).map(Json::take) {
        Some(Json::Array(list)) => list,
        _ => Vec::new(),
    }
}

/// The `_id`, when it is one: it goes into a path and a header.
fn id_of(entry: &Json) -> Option<String> {
    entry["_id"].as_str().filter(|id| is_id(id)).map(str::to_owned)
}
