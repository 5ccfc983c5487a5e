//! Leads and calls by hand, for the tables of requests and of answers.

mod answers;
mod conversation;
mod refusals;
mod requests;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::*;
use crate::domain::Template;
use crate::form::{Fields, Submission};

fn options() -> Options {
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

fn salesmap(options: Options) -> Salesmap {
    Salesmap::new("acme-salesmap", options)
}

fn lead(values: &[(LeadField, &str)]) -> Lead {
    let submission = Submission {
        id: "0192f3c0-0000-7000-8000-000000000001".into(),
        form: "contact".into(),
        received_at: 1_712_553_926_020,
        fields: Fields::default(),
        page: None,
        country: None,
        locale: None,
        ignored: Vec::new(),
    };
    let values = values.iter().map(|(field, value)| (*field, (*value).to_owned())).collect::<BTreeMap<_, _>>();
    Lead::new(submission, values, Fields::default())
}

fn full_lead() -> Lead {
    lead(&[
        (LeadField::Name, "홍길동"),
        (LeadField::Email, "hong@example.com"),
        (LeadField::Phone, "010-1234-5678"),
        (LeadField::Company, "Acme & Co"),
        (LeadField::Message, "<b>안녕</b>\n\n\"R&D\" 문의"),
    ])
}

fn progress(facts: &[(&str, &str)], in_doubt: Option<&str>) -> Progress {
    Progress {
        facts: facts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        in_doubt: in_doubt.map(str::to_owned),
        ..Progress::default()
    }
}

fn call(step: &'static str, path: &str, body: &Json, safety: Safety) -> Step {
    Step::Call(Box::new(Call {
        step,
        method: Method::Post,
        url: format!("https://salesmap.kr/api/v2/{path}"),
        headers: vec![
            ("Authorization", HeaderValue::Secret { prefix: "Bearer ", name: "ACME_SALESMAP_TOKEN".into() }),
            ("Content-Type", HeaderValue::Text("application/json".into())),
            ("Accept", HeaderValue::Text("application/json".into())),
        ],
        body: Some(body.to_string()),
        safety,
    }))
}
