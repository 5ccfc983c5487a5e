//! LeadSquared, a lead or a user: <https://apidocs.leadsquared.com/capture-lead/>,
//! <https://apidocs.leadsquared.com/create-a-user/>.
//!
//! - The keys go into headers: the vendor also takes them in the query, where they end up in logs.
//! - The HTTP status says little: validation errors and duplicates come as 500, too many calls as 200, 403 or 429.
//!   What counts is `ExceptionType`, see [`answers`].
//! - A lead is captured, which is an upsert by email or phone; a user is created, and its email is unique.

mod answers;
mod attributes;
mod lead;
mod refusal;
mod user;
mod value;

#[cfg(test)]
mod tests;

use crate::config::destination::leadsquared::{Options, Record};
use crate::config::names;
use crate::lead::Lead;

use super::{Answer, Call, Crm, HeaderValue, Method, Progress, Safety, Step, Verdict};

/// A LeadSquared account.
#[derive(Debug)]
pub struct LeadSquared {
    name: String,
    options: Options,
}

impl LeadSquared {
    /// The account of the destination `name`.
    pub fn new(name: &str, options: Options) -> Self {
        Self { name: name.to_owned(), options }
    }

    fn call(&self, step: &'static str, safety: Safety, path_and_query: &str, body: Option<String>) -> Call {
        let key = |secret| HeaderValue::Secret { prefix: "", name: names::secret_name(&self.name, secret) };
        let json = || HeaderValue::Text("application/json".into());
        let mut headers = vec![("x-LSQ-AccessKey", key("ACCESS_KEY")), ("x-LSQ-SecretKey", key("SECRET_KEY"))];
        if body.is_some() {
            headers.push(("Content-Type", json()));
        }
        headers.push(("Accept", json()));
        Call {
            step,
            method: if body.is_some() { Method::Post } else { Method::Get },
            url: format!("https://{}/v2/{path_and_query}", self.options.host),
            headers,
            body,
            safety,
        }
    }
}

impl Crm for LeadSquared {
    fn next(&self, lead: &Lead, progress: &Progress) -> Step {
        match &self.options.record {
            Record::Lead(options) => lead::next(self, options, lead, progress),
            Record::User(options) => user::next(self, options, lead),
        }
    }

    fn read(&self, call: &Call, answer: &Answer) -> Verdict {
        match &self.options.record {
            Record::Lead(options) => lead::read(options, call, answer, &self.options.host),
            Record::User(_) => user::read(call, answer, &self.options.host),
        }
    }
}
