//! A user: `POST UserManagement.svc/User/Create`, <https://apidocs.leadsquared.com/create-a-user/>.
//!
//! - The page requires `FirstName`, `EmailAddress` and `Role`; everything else is left out when it is empty.
//! - Nothing is bent to fit: a user has no note, and a login that is not quite what was asked for is worse than
//!   none. A value that the page does not allow stops the delivery, and a person decides.
//! - A second call with the same email is answered with a duplicate error, so repeating one is safe.

use serde_json::{Map, Value, json};

use crate::config::destination::leadsquared::UserOptions;
use crate::config::destination::leadsquared::user::{GROUP_RIGHTS, ParameterKind};
use crate::crm::{Answer, Call, RecordRef, Safety, Step, Trouble, Verdict, Why, status};
use crate::domain::{LeadField, Template};
use crate::lead::{self, Lead, NameParts};

use super::LeadSquared;
use super::answers::{self, Said};
use super::value::{self, Days};

/// What to do next for `lead`: one call, or a refusal that says what is wrong.
pub(super) fn next(account: &LeadSquared, options: &UserOptions, lead: &Lead) -> Step {
    match body(options, lead) {
        Ok(body) => {
            let body = Some(body.to_string());
            Step::Call(Box::new(account.call("user", Safety::Idempotent, "UserManagement.svc/User/Create", body)))
        }
        Err(trouble) => Step::Refused(trouble),
    }
}

fn body(options: &UserOptions, lead: &Lead) -> Result<Value, Trouble> {
    let incomplete = |what| Trouble::new(Why::Incomplete, format!("LeadSquared requires {what} of a user"));
    let parts = lead.name_parts();
    let mut body = Map::new();
    if parts.first == NameParts::UNKNOWN {
        return Err(incomplete("a first name"));
    }
    body.insert("FirstName".into(), json!(parts.first));
    if parts.last != NameParts::UNKNOWN {
        body.insert("LastName".into(), json!(parts.last));
    }
    body.insert("EmailAddress".into(), json!(lead.get(LeadField::Email).ok_or_else(|| incomplete("an email"))?));
    body.insert("Role".into(), json!(role(options, lead)?));
    let custom_fields = custom_fields(options, lead)?;
    if !custom_fields.is_empty() {
        body.insert("CustomFields".into(), Value::Object(custom_fields));
    }
    for parameter in &options.parameters {
        let rendered = lead::render::render(&parameter.template, lead);
        let text = match parameter.kind {
            // A password may begin or end with a space: it is taken as it was typed. No error repeats it.
            ParameterKind::Password => as_typed(&parameter.template, lead),
            _ => rendered.trim(),
        };
        if text.is_empty() {
            continue;
        }
        let value = parameter.kind.value(text).ok_or_else(|| {
            let detail = format!("{} takes {}, and the form gave \"{text}\"", parameter.name, parameter.kind.takes());
            Trouble::new(Why::Invalid, detail)
        })?;
        body.insert(parameter.name.into(), value);
    }
    let groups = groups(options, lead);
    if !groups.is_empty() {
        body.insert("AssociatedGroups".into(), Value::Array(groups));
    }
    Ok(Value::Object(body))
}

/// The form field that a template of one variable names, without the trimming of a Lead.
fn as_typed<'a>(template: &Template, lead: &'a Lead) -> &'a str {
    template.variables().find_map(|name| lead.submission.fields.first(name)).unwrap_or_default()
}

/// The role, held to what the operator allows: a form's field must not make an Administrator by itself.
fn role(options: &UserOptions, lead: &Lead) -> Result<String, Trouble> {
    let role = lead::render::render(&options.role.template, lead).trim().to_owned();
    if role.is_empty() {
        return Err(Trouble::new(Why::Incomplete, "LeadSquared requires a role of a user"));
    }
    if !options.role.allowed.contains(&role) {
        let detail =
            format!("the role \"{role}\" is not allowed here; allowed_roles has: {}", options.role.allowed.join(", "));
        return Err(Trouble::new(Why::Invalid, detail));
    }
    Ok(role)
}

fn custom_fields(options: &UserOptions, lead: &Lead) -> Result<Map<String, Value>, Trouble> {
    let mut fields = Map::new();
    for field in &options.custom_fields {
        let value = lead::typed::typed(field, lead).map_err(|unfit| {
            let detail = format!("{} takes a {}, and the form gave \"{}\"", unfit.name, field.word, unfit.text);
            Trouble::new(Why::Invalid, detail)
        })?;
        let text = value.map(|value| value::text(&value, Days::Bare)).unwrap_or_default();
        if !text.trim().is_empty() {
            fields.insert(field.name.clone(), json!(text));
        }
    }
    Ok(fields)
}

/// The groups whose id is filled.
fn groups(options: &UserOptions, lead: &Lead) -> Vec<Value> {
    let mut groups = Vec::new();
    for group in &options.groups {
        let id = lead::render::render(&group.id, lead);
        if !id.trim().is_empty() {
            let rights = GROUP_RIGHTS.iter().zip(group.rights).map(|(name, right)| ((*name).to_owned(), json!(right)));
            groups.push(std::iter::once(("GroupId".to_owned(), json!(id.trim()))).chain(rights).collect());
        }
    }
    groups
}

/// What the answer to [`next`]'s call means.
pub(super) fn read(call: &Call, answer: &Answer, host: &str) -> Verdict {
    let verdict = match answers::said(call, answer, host) {
        Said::Success { id: Some(id), .. } => Verdict::Delivered(RecordRef { id, note: None }),
        Said::Success { id: None, .. } => status::verdict(call, answer),
        // The page names no error for an email that has a user; leads get this one, and so, it seems, do users. An
        // earlier call whose answer was lost ends here too. The id of the other user is not told.
        Said::Duplicate(_) => Verdict::Delivered(RecordRef { id: String::new(), note: Some("already there".into()) }),
        Said::Failed(verdict) => verdict,
    };
    without_password(verdict, call, answer)
}

/// Takes the vendor's words out of `verdict` when they repeat the password that `call` carries: the words are stored.
fn without_password(verdict: Verdict, call: &Call, answer: &Answer) -> Verdict {
    let body = call.json();
    let Some(password) = body.as_ref().and_then(|body| body["Password"].as_str()) else { return verdict };
    let quoted = json!(password).to_string();
    if !answer.body.contains(password) && !answer.body.contains(quoted.trim_matches('"')) {
        return verdict;
    }
    let hide = |trouble: Trouble| Trouble {
        detail: format!("HTTP {}: the answer repeats the password and is not kept", answer.status),
        ..trouble
    };
    match verdict {
        Verdict::TryLater(trouble) => Verdict::TryLater(hide(trouble)),
        Verdict::Refused(trouble) => Verdict::Refused(hide(trouble)),
        Verdict::InDoubt(trouble) => Verdict::InDoubt(hide(trouble)),
        other => other,
    }
}
