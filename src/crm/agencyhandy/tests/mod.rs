//! What the tests share: options, a lead, and every request that AgencyHandy gets for it, whole.

mod answers;
mod deliveries;
mod requests;

use serde_json::{Value as Json, json};

use super::*;
use crate::config::destination::agencyhandy::LeadType;
use crate::domain::Template;
use crate::form::{Fields, Submission};

const COMPANY: &str = "6525994184e9ddd79853450e";
const ROLE: &str = "6525994184e9ddd798534535";

fn options(record: Record, api: Api) -> Options {
    Options {
        record,
        api,
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

fn crm(record: Record, api: Api) -> AgencyHandy {
    AgencyHandy::new("acme-ah", options(record, api))
}

fn lead(values: &[(LeadField, &str)]) -> Lead {
    let submission = Submission {
        id: "0190-1".into(),
        form: "contact".into(),
        received_at: 0,
        fields: Fields::default(),
        page: None,
        country: None,
        locale: None,
        ignored: Vec::new(),
    };
    let values = values.iter().map(|(field, value)| (*field, (*value).to_owned())).collect();
    Lead::new(submission, values, Fields::default())
}

fn john() -> Lead {
    lead(&[
        (LeadField::FirstName, "John"),
        (LeadField::LastName, "Doe"),
        (LeadField::Email, "john.doe@example.com"),
        (LeadField::Phone, "1234567890"),
    ])
}

fn progress(learned: &[(&str, &str)], facts: &[&str]) -> Progress {
    Progress {
        facts: facts.iter().map(|fact| ((*fact).to_owned(), YES.to_owned())).collect(),
        learned: learned.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..Progress::default()
    }
}

/// A whole request, with the header of the company if it has one.
fn request(step: &'static str, url: &str, company: Option<&'static str>, body: Option<&Json>) -> Call {
    let text = |value: &str| HeaderValue::Text(value.to_owned());
    let mut headers = vec![("x-api-key", HeaderValue::Secret { prefix: "", name: "ACME_AH_API_KEY".into() })];
    headers.extend(company.map(|header| (header, text(COMPANY))));
    headers.extend(body.map(|_| ("Content-Type", text("application/json"))));
    headers.push(("Accept", text("application/json")));
    let (method, safety) =
        if body.is_some() { (Method::Post, Safety::Idempotent) } else { (Method::Get, Safety::Read) };
    Call {
        step,
        method,
        url: format!("https://api.agencyhandy.com{url}"),
        headers,
        body: body.map(ToString::to_string),
        safety,
    }
}

fn documented_lead(step: &'static str) -> Call {
    let body = json!({ "members": [{
        "firstName": "John", "lastName": "Doe", "email": "john.doe@example.com", "role": ROLE,
        "isConvertedClient": false, "status": "New", "contactNo": "1234567890", "source": "website",
        "positionInBoard": 1,
    }] });
    request(step, &format!("/company/{COMPANY}/members/bulk-client"), Some("companyid"), Some(&body))
}

fn documented_client(step: &'static str) -> Call {
    let body = json!([{
        "firstName": "John", "lastName": "Doe", "email": "john.doe@example.com", "isConvertedClient": false,
        "status": "New", "contactNo": "1234567890", "source": "website", "positionInBoard": 1,
    }]);
    request(step, "/members/bulk-client", Some("companyId"), Some(&body))
}

fn members_lead(step: &'static str, company: Option<&'static str>) -> Call {
    let body = json!([{
        "type": "individual", "email": "john.doe@example.com", "status": "New", "firstName": "John",
        "lastName": "Doe", "contactNo": "1234567890", "source": "website", "sendInvitationEmail": false,
    }]);
    request(step, "/members/bulk-lead", company, Some(&body))
}

fn members_client(step: &'static str) -> Call {
    let body = json!([{
        "email": "john.doe@example.com", "status": "Client", "firstName": "John", "lastName": "Doe",
        "contactNo": "1234567890", "source": "website", "sendInvitationEmail": false,
    }]);
    request(step, "/members/bulk-client", None, Some(&body))
}

fn companies() -> Call {
    request("companies", "/accounts/companies", None, None)
}

fn roles(step: &'static str) -> Call {
    request(step, "/roles?type=company", Some("companyid"), None)
}
