//! Intake in two pure functions: [`read`] turns a request into a [`Candidate`], [`judge`] decides about it. Between them the
//! caller does the I/O: the rate limit and Turnstile.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::{Fields, Filled, Lead, LeadField, Submission};

use super::decode::decode;
use super::dialect::{Input, ReplyTo, ignored, reply_to, separate};
use super::form::{Access, Form};
use super::guard::suspicions;
use super::guard::timing::{self, Trap};
use super::guard::turnstile::{Captcha, UNVERIFIED};
use super::map;
use super::normalize::normalize;
use super::origin;
use super::redirect::{self, Next};
use super::refusal::{FieldCode, Refusal, RefusalKind};
use super::validate::{is_email, validate};
use super::visit::{Visit, is_secret};

/// A longer idempotency key is replaced by its digest.
const KEY_CHARS: usize = 200;

/// The reason for quarantine beyond the form's rate limit.
const OVER_LIMIT: &str = "over_limit";

/// The longest page address that is stored, in characters.
const PAGE_CHARS: usize = 2000;

/// The longest language tag that is stored, in characters.
const LOCALE_CHARS: usize = 35;

/// What [`read`] needs besides the request.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// The id of the submission, a `UUIDv7`.
    pub id: String,
    /// Now, milliseconds since 1970.
    pub now: i64,
    /// The secret of a form with `access = "token"`; `None` when it is not set.
    pub token: Option<&'a str>,
    /// Local development.
    pub local: bool,
    /// Composes a text (Unicode NFC); the platform has it.
    pub nfc: fn(&str) -> String,
}

/// A valid submission, before the spam checks.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The submission, mapped.
    pub lead: Lead,
    /// What the page sent, for the error page.
    pub input: Input,
    /// Where an HTML visitor goes after a success: an absolute address or a path of ours.
    pub next: String,
    key: Option<String>,
    digest: String,
    visitor: Option<String>,
}

/// Results of the I/O between [`read`] and [`judge`].
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Whether the client is over its rate limit.
    pub is_over_limit: bool,
    /// How the form's submissions stand to its rate limit.
    pub load: Load,
    /// Turnstile's verdict, if the form asks for one.
    pub captcha: Option<Captcha>,
    /// The time trap, if there is a key for it.
    pub trap: Option<Trap>,
}

/// How many submissions a form gets, measured by its rate limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Load {
    /// As many as it may.
    #[default]
    Usual,
    /// More: they wait in quarantine, so that none is lost and no destination is flooded.
    High,
    /// Five times as many: they are refused.
    Flood,
}

/// A submission to store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSubmission {
    /// The submission.
    pub submission: Submission,
    /// The names of its destinations.
    pub destinations: Vec<String>,
    /// The visitor's idempotency key.
    pub key: Option<String>,
    /// A digest of the fields: the same key with another digest is a mistake of the page.
    pub digest: String,
    /// A digest of the visitor and the fields, which recognizes a repeat; `None` when there is a key.
    pub visitor: Option<String>,
    /// Machine-readable reasons to suspect spam; any reason sends it to quarantine.
    pub reasons: Vec<String>,
}

/// An accepted candidate.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// What to store.
    pub new: NewSubmission,
    /// See [`Candidate::next`].
    pub next: String,
    /// See [`Candidate::input`]; storing may still fail.
    pub input: Input,
}

/// A refused request, with as much of the visitor's input as could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// What the page sent.
    pub input: Input,
}

impl Input {
    /// Refuses this input. A correction is quick, so the time check ends with the first attempt.
    pub fn refused(mut self, refusal: impl Into<Refusal>) -> Refused {
        self.control.0.retain(|(name, _)| name != timing::FIELD);
        Refused { refusal: refusal.into(), input: self }
    }
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

/// Accept or refuse.
pub type Decision = Result<Accepted, Refused>;

/// Whether the request's website may open the form.
pub fn may_open(visit: &Visit, form: &Form, local: bool) -> bool {
    origin::allowed(&form.allowed_origins, visit.website(), &visit.own_origin, local)
}

/// Whether the request's website may post to the form.
pub fn may_post(visit: &Visit, form: &Form, local: bool) -> bool {
    // Browsers send no `Origin` with a same-origin GET, so only a POST can require one.
    let is_known = !form.require_origin || visit.website().is_some();
    is_known && may_open(visit, form, local)
}

/// The input of a POST that is refused unread, for the error page.
pub fn input(visit: &Visit, form: &Form, body: &[u8]) -> Input {
    separate(form, decode(visit.content_type.as_deref(), body, &form.limits).0)
}

/// Reads a POST to a form: decodes it, checks who may post, maps it to a Lead and validates it.
pub fn read(visit: &Visit, form: &Form, body: &[u8], context: Context<'_>) -> Result<Candidate, Refused> {
    let (fields, refusal) = decode(visit.content_type.as_deref(), body, &form.limits);
    let mut input = separate(form, normalize(fields, form, context.nfc));
    let local = context.local;
    let next = redirect::next(&mut input.control, visit, form, local);
    // Without the token, a staff form reveals nothing about the body.
    if let Err(refusal) = authorize(visit, form, &input.control, context.token) {
        return Err(input.refused(refusal));
    }
    if let Some(refusal) = refusal {
        return Err(input.refused(refusal));
    }
    let mut lead = map::from_submission(submission(visit, form, context, &input, &next), form);
    let reply_to = reply_to(&input.control).filter(|_| lead.get(LeadField::Email).is_none());
    if let Some(reply_to) = &reply_to {
        use_reply_to(reply_to, &mut lead, &mut input);
    }
    if lead.submission.fields.is_blank() {
        return Err(input.refused(RefusalKind::Empty));
    }
    let names = Names { form, lead: &lead, reply_to: reply_to.as_ref() };
    if let Err(refusal) = validate(&form.required, &form.rules, &|name| names.find(name)) {
        return Err(input.refused(refusal));
    }
    let key = visit.idempotency_key.as_deref().or_else(|| input.control.first("_id")).map(str::trim);
    let is_long = |key: &str| key.chars().count() > KEY_CHARS;
    let key = key.filter(|key| !key.is_empty());
    let key = key.map(|key| if is_long(key) { encoded_digest(key) } else { key.to_owned() });
    let digest = digest(&lead.submission.fields);
    let visitor = key.is_none().then(|| visitor(visit, &digest));
    let next = match (next, &form.redirect) {
        (Next::To(page), _) => page,
        (Next::Default | Next::Refused(_), Some(redirect)) => redirect.clone(),
        (Next::Default | Next::Refused(_), None) => redirect::thanks(visit, form, &input.control, local),
    };
    Ok(Candidate { lead, input, next, key, digest, visitor })
}

/// Accepts or refuses a candidate. Only what the visitor can fix is refused: they can retry later or pass the captcha.
/// Suspected spam is accepted into quarantine.
pub fn judge(candidate: Candidate, form: &Form, evidence: &Evidence) -> Decision {
    let Candidate { lead, input, next, key, digest, visitor } = candidate;
    if evidence.is_over_limit {
        return Err(input.refused(RefusalKind::TooMany));
    }
    if let Some(Captcha::Failed(_)) = evidence.captcha {
        return Err(input.refused(RefusalKind::Captcha));
    }
    if evidence.load == Load::Flood {
        return Err(input.refused(RefusalKind::TooMany));
    }
    let now = lead.submission.received_at;
    let mut reasons = suspicions(form, &input.control, &lead, evidence.trap.as_ref(), now);
    if let Some(Captcha::Unverified(_)) = evidence.captcha {
        reasons.push(UNVERIFIED.to_owned());
    }
    if evidence.load == Load::High {
        reasons.push(OVER_LIMIT.to_owned());
    }
    let destinations = form.destinations.clone();
    let new = NewSubmission { submission: lead.submission, destinations, key, digest, visitor, reasons };
    Ok(Accepted { new, next, input })
}

impl Candidate {
    /// The key that a repeat of this submission shares.
    pub fn repeat_key(&self) -> &str {
        self.key.as_deref().or(self.visitor.as_deref()).unwrap_or(&self.digest)
    }
}

/// Checks the bearer token. An HTML form cannot send headers, so the control field `_token` works too.
fn authorize(visit: &Visit, form: &Form, control: &Fields, expected: Option<&str>) -> Result<(), Refusal> {
    if form.access == Access::Public {
        return Ok(());
    }
    let expected = expected.ok_or(RefusalKind::BrokenForm)?;
    let token = control.first("_token");
    if token.is_some_and(|token| is_secret(token.trim(), expected)) || visit.has_bearer(expected) {
        return Ok(());
    }
    Err(match token {
        Some(_) => Refusal::because(RefusalKind::Unauthorized, FieldCode::Unauthorized, "_token"),
        None => RefusalKind::Unauthorized.into(),
    })
}

fn submission(visit: &Visit, form: &Form, context: Context<'_>, input: &Input, next: &Next) -> Submission {
    let page = visit.page().map(|mut page| {
        page.set_query(None);
        page.set_fragment(None);
        cut(page.as_str(), PAGE_CHARS)
    });
    let locale = visit.accept_language.as_deref().and_then(|list| list.split([',', ';']).next()).map(str::trim);
    let refused = if let Next::Refused(name) = next { Some(name.clone()) } else { None };
    Submission {
        id: context.id,
        form: form.name.clone(),
        received_at: context.now,
        fields: input.fields.clone(),
        page,
        country: visit.country.clone(),
        locale: locale.filter(|first| !first.is_empty() && *first != "*").map(|first| cut(first, LOCALE_CHARS)),
        ignored: ignored(&input.control).into_iter().chain(refused).collect(),
    }
}

/// Takes a missing email address from `_replyto`. The visitor typed it, so it becomes data and the error page shows it.
fn use_reply_to(ReplyTo { field, text }: &ReplyTo, lead: &mut Lead, input: &mut Input) {
    input.control.0.retain(|(name, _)| name != field);
    input.fields.push(field, text);
    if is_email(text) {
        let email = LeadField::Email;
        lead.origins.insert(email, vec![lead.submission.fields.0.len()]);
        lead.submission.fields.push(email.name(), text);
        lead.values.insert(email, text.clone());
    } else if !text.is_empty() {
        lead.submission.ignored.push(field.clone());
    }
}

/// Resolves the names in `required` and `rules`.
struct Names<'a> {
    form: &'a Form,
    lead: &'a Lead,
    reply_to: Option<&'a ReplyTo>,
}

impl<'a> Names<'a> {
    /// The values of this name: the lead's value if it is a lead field, then the form fields of this name that the lead's value
    /// does not use. If none is filled, the blank field; a missing email address is reported at the form's `_replyto`.
    fn find(&self, name: &str) -> Vec<Filled<'a>> {
        let submission = &self.lead.submission;
        // `required = ["Email"]` means the page's `email`.
        let lead_field = LeadField::from_name(&name.to_ascii_lowercase());
        let used = lead_field.and_then(|field| self.lead.origins.get(&field)).map(Vec::as_slice).unwrap_or_default();
        let pairs = submission.fields.0.iter().enumerate();
        let direct = pairs.filter(|(place, (key, _))| key == name && !used.contains(place)).map(|(_, pair)| pair);
        let (blank, filled): (Vec<_>, Vec<_>) = direct.partition(|(_, value)| value.trim().is_empty());
        let mut found: Vec<_> = filled.into_iter().map(|(field, value)| Filled { field, value }).collect();
        if let Some((field, value)) = lead_field.and_then(|field| Some((field, self.lead.get(field)?)))
            && (!used.is_empty() || found.is_empty())
        {
            found.insert(0, Filled { field: self.lead.origin(field).unwrap_or(field.name()), value });
        }
        if !found.is_empty() {
            return found;
        }
        let is_email =
            lead_field == Some(LeadField::Email) && self.form.required.iter().any(|required| required == name);
        if let Some(ReplyTo { field, text }) = self.reply_to.filter(|_| is_email) {
            return vec![Filled { field, value: text }];
        }
        let blank = blank.first().map(|(field, _)| field.as_str());
        let field = blank.or_else(|| map::left_blank(submission, self.form, lead_field?));
        field.map(|field| Filled { field, value: "" }).into_iter().collect()
    }
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// A digest of the fields alone, regardless of when and from where they came.
fn digest(fields: &Fields) -> String {
    let mut digest = Sha256::new();
    for text in fields.0.iter().flat_map(|(name, value)| [name, value]) {
        // The length keeps two different lists from hashing the same bytes.
        digest.update(text.len().to_le_bytes());
        digest.update(text);
    }
    URL_SAFE_NO_PAD.encode(digest.finalize())
}

/// The same visitor with the same fields: a double click, or a reload. The address itself is not stored. Two people behind
/// one address who write the very same within a minute count as one.
fn visitor(visit: &Visit, digest: &str) -> String {
    let address = visit.address.as_deref().unwrap_or_default();
    let agent = visit.user_agent.as_deref().unwrap_or_default();
    encoded_digest(&format!("{address}\n{agent}\n{digest}"))
}

fn encoded_digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests;
