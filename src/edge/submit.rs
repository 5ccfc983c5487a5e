//! `POST /f/{form}`: decode, validate, guard, store, reply. Nothing is answered with success before it is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};
use worker::{Env, Request, Result};

use crate::config::{Access, Config, Form, LeadField, Lookup};
use crate::form::decode::{Decoded, decode_keeping};
use crate::form::dialect::{self, ReplyTo};
use crate::form::redirect::{self, Next, Sender};
use crate::form::refusal::{Refusal, RefusalKind};
use crate::form::reply::Reply;
use crate::form::validate::validate;
use crate::form::{Fields, Filled, Submission};
use crate::guard::{Ruling, origin, timing};
use crate::lead::{self, Lead};

use super::answer::{accepted, refuse, refused};
use super::guard::Suspect;
use super::outbox::Platform;
use super::request::{came_from, header, is_bearer, is_same, language, own_origin, read, website};
use super::{clock, environment, guard, log};
use crate::outbox::{Accepted, NewSubmission, client};

/// Answers a submission.
pub async fn submit(request: &mut Request, env: &Env, name: &str) -> Result<Reply> {
    let config = environment::config(env);
    let form = match config.form(name) {
        Lookup::Found(form) => form,
        Lookup::Broken => return Ok(refuse(request, RefusalKind::BrokenForm)),
        Lookup::Unknown => return Ok(refuse(request, RefusalKind::UnknownForm)),
    };
    let lacks_origin = form.require_origin && website(request).is_none();
    if lacks_origin || !may_post(request, form, config.crm_origin.is_some()) {
        log::origin_refused(&form.name, website(request).as_deref());
        return Ok(refuse(request, RefusalKind::Origin));
    }
    match take(request, env, &config, form).await {
        Ok((id, next)) => accepted(request, form, &id, next),
        Err((refusal, decoded)) => Ok(refused(request, &refusal, &decoded)),
    }
}

/// `GET /f/{form}/start`: a signed time for a page that is opened now; empty when there is no key to sign with. Without
/// it nothing is suspected, so nobody has to ask.
pub fn start(request: &Request, env: &Env, name: &str) -> Reply {
    let config = environment::config(env);
    let form = match config.form(name) {
        Lookup::Found(form) => form,
        Lookup::Broken => return refuse(request, RefusalKind::BrokenForm),
        Lookup::Unknown => return refuse(request, RefusalKind::UnknownForm),
    };
    if !may_post(request, form, config.crm_origin.is_some()) {
        return refuse(request, RefusalKind::Origin);
    }
    let token = guard::start(env, &form.name);
    Reply::json(200, &json!({ timing::FIELD: token }), language(request))
}

fn may_post(request: &Request, form: &Form, local: bool) -> bool {
    origin::allowed(&form.allowed_origins, website(request).as_deref(), &own_origin(request), local)
}

/// What was refused, with what the visitor typed as far as it could be read.
type Refused = (Refusal, Decoded);

/// The way in: the id of the stored submission and where the page wants its visitor to go, or why it is refused.
async fn take(
    request: &mut Request,
    env: &Env,
    config: &Config,
    form: &Form,
) -> std::result::Result<(String, Next), Refused> {
    // (1) Read, never past the limit, whatever Content-Length says.
    let body = read(request, form.limits.body_bytes).await.map_err(|refusal| (refusal, Decoded::default()))?;
    // (2) Decode. What can be read is kept even when the whole is refused: the visitor gets it back.
    let content_type = header(request, "content-type");
    let (mut decoded, refusal) = decode_keeping(content_type.as_deref(), &body, &form.limits);
    // What has been read is not kept while somebody else is waited for: many may be waiting, and a Worker has 128 MB.
    drop(body);
    dialect::set_apart(form, &mut decoded);
    let next = next(request, form, config.crm_origin.is_some(), &mut decoded.control);
    // (3) Who: a form for staff wants its token, and says nothing about the body before.
    if let Err(kind) = authorize(request, env, form, &decoded.control) {
        return Err((kind.into(), decoded));
    }
    // Whether it is empty is seen below: control fields are no data, and a `_replyto` may be all that there is.
    if let Some(refusal) = refusal.filter(|refusal| refusal.kind != RefusalKind::Empty) {
        return Err((refusal, decoded));
    }
    // (4) Validate, on the fields as they will be mapped.
    let mapped = Mapped::of(request, form, &mut decoded, &next);
    if mapped.submission.fields.is_blank() {
        return Err((RefusalKind::Empty.into(), decoded));
    }
    if let Err(refusal) = validate(form, &|name| mapped.find(name)) {
        return Err((refusal, decoded));
    }
    let Mapped { submission, lead, .. } = mapped;
    // (5) Guard. Only what is valid comes here, so that no mistake costs a visitor a captcha's one-time token.
    let key = header(request, "idempotency-key").or_else(|| decoded.control.first("_id").map(str::to_owned));
    let key = key.filter(|key| !key.trim().is_empty()).map(|key| cut(key.trim(), KEY_CHARS));
    let digest = digest(&submission.fields);
    let visitor = key.is_none().then(|| visitor(request, &digest));
    let same = key.as_deref().or(visitor.as_deref()).unwrap_or(&digest);
    let suspect = Suspect { control: &decoded.control, lead: &lead, same };
    let reasons = match guard::rule(request, env, config, form, &suspect).await {
        Ruling::Pass => Vec::new(),
        Ruling::Quarantine(reasons) => reasons.iter().map(ToString::to_string).collect(),
        Ruling::Refuse(kind) => return Err((kind.into(), decoded)),
    };
    drop(lead);
    // (6) Store.
    let accept = NewSubmission {
        digest,
        destinations: form.destinations.clone(),
        key,
        submission,
        visitor,
        reasons,
        is_forwarded: false,
    };
    match client::store(&Platform::new(env), form, accept).await {
        Ok(Accepted::Stored(id)) => Ok((id, next)),
        Ok(Accepted::KeyReused) => Err((RefusalKind::KeyReused.into(), decoded)),
        Err(error) => {
            log::failure("accept", &error);
            Err((RefusalKind::NotStored.into(), decoded))
        }
    }
}

/// A submission that is not stored yet, and the lead that it will be.
struct Mapped<'f> {
    form: &'f Form,
    submission: Submission,
    lead: Lead,
    /// What the form has for the email address that the lead lacks otherwise.
    reply_to: Option<ReplyTo>,
}

impl<'f> Mapped<'f> {
    /// Maps what was decoded. A `_replyto` stands in for the email address that is nowhere else.
    fn of(request: &Request, form: &'f Form, decoded: &mut Decoded, next: &Next) -> Self {
        let mut submission = submission(request, form, decoded.fields.clone());
        submission.ignored = ignored(&decoded.control, next);
        let mut lead = lead::from_submission(&submission, form);
        let reply_to = dialect::reply_to(&decoded.control).filter(|_| lead.get(LeadField::Email).is_none());
        if let Some(reply_to) = &reply_to {
            // It is the visitor's own then, so the error page shows it.
            decoded.control.0.retain(|(name, _)| *name != reply_to.field);
            decoded.fields.push(&reply_to.field, &reply_to.text);
            if reply_to.is_address() {
                submission.fields.push(LeadField::Email.name(), &reply_to.text);
                lead = lead::from_submission(&submission, form);
            } else if !reply_to.text.is_empty() {
                submission.ignored.push(reply_to.field.clone());
            }
        }
        Self { form, submission, lead, reply_to }
    }

    /// What a name of `required` or `rules` stands for: the form's fields of that name, else the lead field that it was
    /// recognised as; when neither is filled, the field that came blank. Who has to give an email address is told at the
    /// `_replyto` that the form has for it.
    fn find(&self, name: &str) -> Vec<Filled<'_>> {
        let direct = self.submission.fields.0.iter().filter(|(key, _)| key == name);
        let (blank, filled): (Vec<_>, Vec<_>) = direct.partition(|(_, value)| value.trim().is_empty());
        if !filled.is_empty() {
            return filled.into_iter().map(|(field, value)| Filled { field, value }).collect();
        }
        // `required = ["Email"]` on a page that has an `email` means that one; refusing everybody would help nobody.
        let lead_field = LeadField::from_name(&name.to_ascii_lowercase());
        if let Some((field, value)) = lead_field.and_then(|field| Some((field, self.lead.get(field)?))) {
            return vec![Filled { field: self.lead.origin(field).unwrap_or(field.name()), value }];
        }
        let is_email =
            lead_field == Some(LeadField::Email) && self.form.required.iter().any(|required| required == name);
        if let Some(ReplyTo { field, text }) = self.reply_to.as_ref().filter(|_| is_email) {
            return vec![Filled { field, value: text }];
        }
        let blank = blank.first().map(|(field, _)| field.as_str());
        let field = blank.or_else(|| lead::left_blank(&self.submission, self.form, lead_field?));
        field.map(|field| Filled { field, value: "" }).into_iter().collect()
    }
}

/// Where the page wants its visitor to go.
fn next(request: &Request, form: &Form, local: bool, control: &mut Fields) -> Next {
    let (origin, referer, own) = (header(request, "origin"), header(request, "referer"), own_origin(request));
    let may_post = |website: &str| origin::allowed(&form.allowed_origins, Some(website), &own, local);
    redirect::next(
        control,
        &Sender {
            own: &own,
            origin: origin.as_deref(),
            referer: referer.as_deref(),
            may_post: &may_post,
            is_listed: &|website| !form.allowed_origins.is_empty() && may_post(website),
        },
    )
}

/// What the operator is told that nobody did.
fn ignored(control: &Fields, next: &Next) -> Vec<String> {
    let mut names = dialect::ignored(control);
    if let Next::Refused(name) = next {
        names.push(name.clone());
    }
    names
}

/// How much of an idempotency key counts.
const KEY_CHARS: usize = 200;

/// How much of a page's address is kept.
const PAGE_CHARS: usize = 2000;

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// An HTML form cannot send a header, so the control field `_token` does as well.
fn authorize(request: &Request, env: &Env, form: &Form, control: &Fields) -> std::result::Result<(), RefusalKind> {
    let Access::Token { secret } = &form.access else { return Ok(()) };
    let Some(expected) = environment::secret(env, secret) else {
        log::failure("authorize", &format!("the secret {secret} is not set: run `npx wrangler secret put {secret}`"));
        return Err(RefusalKind::BrokenForm);
    };
    let in_field = control.first("_token").is_some_and(|token| is_same(token.trim(), &expected));
    if in_field || is_bearer(request, &expected) { Ok(()) } else { Err(RefusalKind::Unauthorized) }
}

fn submission(request: &Request, form: &Form, fields: Fields) -> Submission {
    let page = came_from(request).map(|mut page| {
        page.set_query(None);
        page.set_fragment(None);
        cut(page.as_str(), PAGE_CHARS)
    });
    let locale = header(request, "accept-language")
        .and_then(|list| list.split([',', ';']).next().map(|first| cut(first.trim(), 35)))
        .filter(|first| !first.is_empty() && first != "*");
    Submission {
        id: clock::new_id(),
        form: form.name.clone(),
        received_at: clock::now(),
        fields,
        page,
        country: request.cf().and_then(worker::Cf::country),
        locale,
        ignored: Vec::new(),
    }
}

/// What an idempotency key stands for: the fields, and nothing of when or from where.
fn digest(fields: &Fields) -> String {
    let mut digest = Sha256::new();
    for text in fields.0.iter().flat_map(|(name, value)| [name, value]) {
        // With its length, so that no two lists of texts are the same bytes; as JSON it could be six times as long.
        digest.update(text.len().to_le_bytes());
        digest.update(text);
    }
    URL_SAFE_NO_PAD.encode(digest.finalize())
}

/// The same visitor with the same fields, as a digest: a double click, or a page that was sent again. The address is not
/// stored; behind one address, two people who write the very same fields in one minute are the same person.
fn visitor(request: &Request, digest: &str) -> String {
    let address = header(request, "cf-connecting-ip").unwrap_or_default();
    let agent = header(request, "user-agent").unwrap_or_default();
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{address}\n{agent}\n{digest}")))
}
