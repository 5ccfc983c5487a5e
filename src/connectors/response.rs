//! A Response to a Call, and what its status means without the body.
//!
//! Only JSON in the API's own format is the vendor's word. A sign-in page with 200, a firewall's 403 or an empty body
//! proves nothing about a record, so [`Response::json`] does not give it and [`Response::by_status`] never rejects on it.
//!
//! Waits: <https://www.rfc-editor.org/rfc/rfc9110#name-retry-after>, and the `X-RateLimit-*` headers of StateSet and
//! others. A date is measured against the response's own `Date`.

use chrono::DateTime;
use serde_json::Value as Json;

use crate::domain::sorted::Set;
use crate::domain::text::bounded;
use crate::domain::text::decimal;

use super::{Call, Failure, FailureKind, Health, Outcome, Safety};

/// The fewest characters of a value that is masked wherever it appears.
const DISTINCTIVE: usize = 8;

/// A longer value is also masked where a vendor has shortened it to this many characters or more.
const SHORTENED: usize = 16;

/// How much of a vendor's message is read.
const MESSAGE_CHARS: usize = 10_000;

/// What HTML, JSON and URLs escape: a vendor may repeat it in another spelling than it was sent in.
const ESCAPED: &[char] = &['<', '>', '&', '"', '\'', '`', '\\', '/'];

/// How to tell a vendor's own responses, and the message in them.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Whether a JSON body is in the API's own format.
    pub is_own: fn(&Json) -> bool,
    /// The vendor's message in such a body.
    pub message: fn(&Json) -> Option<String>,
}

/// What came back for a [`Call`].
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// When it arrived, milliseconds since 1970.
    pub received_at: i64,
    /// The whole body.
    text: String,
    /// The body, if it is JSON in the API's own format.
    json: Option<Json>,
    /// The vendor's message in it; empty if it has none.
    message: String,
}

impl Response {
    /// A response of a vendor whose own responses have this format.
    pub fn new(format: Format, status: u16, headers: Vec<(String, String)>, body: &str, received_at: i64) -> Self {
        let json = parse(body).filter(format.is_own);
        let message = json.as_ref().and_then(format.message).unwrap_or_default();
        let message = bounded(&message, MESSAGE_CHARS);
        Self { status, headers, received_at, text: body.to_owned(), json, message }
    }

    /// A header's value; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body, if it is JSON in the API's own format.
    pub fn json(&self) -> Option<&Json> {
        self.json.as_ref()
    }

    /// The whole body, in whatever format. A proxy may repeat the visitor's words in it: look only for a pattern of the
    /// vendor's own, such as its host names, and store nothing else of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The vendor's message; empty if it sent none.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The vendor's message in lower case, without the values that `call` carried: a visitor who writes "client
    /// duplicate" must not decide what the vendor said. Look for phrases only here.
    pub fn phrases(&self, call: &Call) -> String {
        let (sent, mut values) = (call.sent(), Vec::new());
        collect_texts(&sent, &mut values);
        // An address in the URL is a value too.
        let encoded = call.url.split(['/', '?', '&', '=']).filter(|part| part.contains('%'));
        let in_url: Vec<_> = encoded.flat_map(|part| form_urlencoded::parse(part.as_bytes())).collect();
        values.extend(in_url.iter().map(|(text, _)| &**text));
        self.phrases_without(&values)
    }

    /// The same without these values, for a request whose texts are not all the visitor's.
    pub fn phrases_without(&self, values: &[&str]) -> String {
        let spaced = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let parts = |text: &str| text.split(ESCAPED).map(|part| part.trim().to_owned()).collect::<Vec<_>>();
        let (mut short, mut long) = (Set::new(), Vec::new());
        for value in values.iter().map(|value| value.to_lowercase()) {
            let lines = value.lines().flat_map(|line| parts(&spaced(line)));
            long.extend(parts(&spaced(&value)).into_iter().chain(lines));
            short.insert(value.trim().to_owned());
        }
        long.retain(|part| part.chars().nth(DISTINCTIVE - 1).is_some());
        long.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        long.dedup();
        let message = spaced(&self.message.to_lowercase());
        let mut message = long.iter().fold(message, |message, part| without(&message, part));
        for value in short.iter().filter(|value| !value.is_empty()) {
            for quote in ['"', '\'', '`'] {
                message = message.replace(&format!("{quote}{value}{quote}"), "…");
            }
        }
        message
    }

    /// 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A failure in the vendor's words, with the wait that it asks for. Of a body that is not the API's own, only status,
    /// type and length are kept.
    pub fn failure(&self, kind: FailureKind) -> Failure {
        let detail = match &self.json {
            Some(_) if !self.message.is_empty() => format!("HTTP {}: {}", self.status, self.message),
            Some(_) => format!("HTTP {}", self.status),
            None => {
                let content_type = self.header("content-type").unwrap_or("no content type");
                let content_type = content_type.split(';').next().unwrap_or_default();
                format!("HTTP {}, {content_type}, {} bytes: not a response of the API", self.status, self.text.len())
            }
        };
        Failure::new(kind, detail).wait(self.wait_ms())
    }

    /// What the status says by itself: the fallback when the body says nothing better.
    pub fn by_status(&self) -> Outcome {
        use FailureKind::{Conflict, Credentials, Invalid, NotFound, RateLimited, Unavailable, Unexpected};
        let is_own = self.json.is_some();
        match self.status {
            200..=299 => Outcome::Retry(self.failure(Unexpected)),
            401 | 403 => Outcome::Retry(self.failure(Credentials)),
            429 => Outcome::Retry(self.failure(RateLimited)),
            // Another server, a lock, too early; everything else that is not the API's word.
            408 | 421 | 423 | 425 => Outcome::Retry(self.failure(Unavailable)),
            404 | 405 | 410 if is_own => Outcome::Rejected(self.failure(NotFound)),
            409 if is_own => Outcome::Rejected(self.failure(Conflict)),
            400..=499 if is_own => Outcome::Rejected(self.failure(Invalid)),
            _ => Outcome::Retry(self.failure(Unavailable)),
        }
    }

    /// Whether `outcome`, read from this response, settles a create: a success, or the API's own rejection, which
    /// precedes the write. 5xx and 408 never settle, nor does anything that is not in the API's own format.
    pub fn settles(&self, call: &Call, outcome: &Outcome) -> bool {
        let is_rejection = self.json.is_some() && self.status < 500 && self.status != 408;
        call.safety != Safety::Create
            || match outcome {
                Outcome::Delivered(_) => true,
                Outcome::Continue(_) | Outcome::Rejected(_) => is_rejection,
                // Some vendors answer too many calls with 200.
                Outcome::Retry(failure) => {
                    is_rejection && (self.status >= 400 || failure.kind == FailureKind::RateLimited)
                }
            }
    }

    /// What a probe's response says about the account.
    pub fn health(&self) -> Health {
        match self.status {
            200..=299 if self.json.is_some() => Health::Well,
            401 | 403 => Health::Unwell(self.failure(FailureKind::Credentials)),
            429 => Health::Unwell(self.failure(FailureKind::RateLimited)),
            408 | 500.. => Health::Unwell(self.failure(FailureKind::Unavailable)),
            _ => Health::Broken(self.failure(FailureKind::Unexpected).detail),
        }
    }

    /// How long the response asks to wait, in milliseconds.
    pub fn wait_ms(&self) -> Option<u64> {
        // StateSet sends this header with every response, and a zero in it when there is nothing to wait for.
        let limited = self.seconds_ms("x-ratelimit-retry-after").filter(|wait| *wait > 0);
        let asked = limited.or_else(|| self.seconds_ms("retry-after"));
        let dated = || self.until_ms(unix_time(self.header("retry-after")?)?);
        // On any other response this header only says when the count starts over.
        let reset = || (self.status == 429).then(|| self.reset_ms()).flatten();
        asked.or_else(dated).or_else(reset)
    }

    fn seconds_ms(&self, header: &str) -> Option<u64> {
        let seconds = decimal(self.header(header)?)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; negatives are filtered")]
        (seconds >= 0.0).then(|| (seconds * 1000.0).ceil() as u64)
    }

    /// From the response's own `Date`, else from its arrival; `None` when that is later.
    fn until_ms(&self, at: i64) -> Option<u64> {
        let date = self.header("date").and_then(unix_time).unwrap_or(self.received_at / 1000);
        u64::try_from(at.checked_sub(date)?).ok()?.checked_mul(1000)
    }

    /// `X-RateLimit-Reset`: seconds from now, a Unix time, or one in milliseconds.
    fn reset_ms(&self) -> Option<u64> {
        match self.header("x-ratelimit-reset")?.trim().parse::<i64>().ok()? {
            // Four months at most are a wait and no point in time; beyond the year 5000 it is milliseconds.
            wait @ 0..10_000_000 => u64::try_from(wait).ok().map(|seconds| seconds * 1000),
            at @ 10_000_000..100_000_000_000 => self.until_ms(at),
            at => self.until_ms(at / 1000),
        }
    }
}

/// The JSON of a body, read as leniently as a visitor's: a byte order mark is skipped, and half an emoji, where a vendor cut
/// a text, becomes U+FFFD.
fn parse(body: &str) -> Option<Json> {
    let body = body.trim_start_matches('\u{feff}');
    serde_json::from_str(body).or_else(|_| serde_json::from_str(&without_lone_surrogates(body))).ok()
}

/// `serde_json` rejects `\ud83d` without its second half.
fn without_lone_surrogates(json: &str) -> String {
    let (mut repaired, mut rest) = (String::with_capacity(json.len()), json);
    let unit = |text: &str| text.strip_prefix("\\u").and_then(|hex| u16::from_str_radix(hex.get(..4)?, 16).ok());
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at..];
        let length = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => 0,
            // Any other escape ends here or has only hex digits left.
            _ => escape.char_indices().nth(2).map_or(escape.len(), |(at, _)| at),
        };
        repaired.push_str(&rest[..at + length]);
        if length == 0 {
            repaired.push('\u{fffd}');
        }
        rest = &escape[if length == 0 { 6 } else { length }..];
    }
    repaired + rest
}

/// `message` without `value`, or as much of its beginning as a vendor that shortens values repeats.
fn without(message: &str, value: &str) -> String {
    let least = value.char_indices().nth(SHORTENED).map_or(value.len(), |(at, _)| at);
    let (mut masked, mut rest) = (String::new(), message);
    while let Some(at) = rest.find(&value[..least]) {
        let same = rest[at..].chars().zip(value.chars()).take_while(|(said, sent)| said == sent);
        let end = at + same.map(|(said, _)| said.len_utf8()).sum::<usize>();
        masked = masked + &rest[..at] + "…";
        rest = &rest[end..];
    }
    masked + rest
}

fn unix_time(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc2822(text.trim()).ok().map(|at| at.timestamp())
}

fn collect_texts<'a>(json: &'a Json, texts: &mut Vec<&'a str>) {
    match json {
        Json::String(text) => texts.push(text),
        Json::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Json::Object(members) => members.values().for_each(|member| collect_texts(member, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::stateset;

    const OWN: &str = r#"{"error":{"code":"X","message":"no"}}"#;
    const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Response::new(stateset::DESCRIPTOR.format(), status, headers, body, 1_000)
    }

    #[test]
    fn only_the_apis_own_format_rejects_and_settles() {
        use FailureKind::{Conflict, Credentials, Invalid, NotFound, RateLimited, Unavailable, Unexpected};
        // status -> kind; rejects and settles a create when it is the API's own JSON
        for (status, kind, rejects, settles) in [
            (200, Unexpected, false, false),
            (204, Unexpected, false, false),
            (302, Unavailable, false, false),
            (400, Invalid, true, true),
            (401, Credentials, false, true),
            (403, Credentials, false, true),
            (404, NotFound, true, true),
            (405, NotFound, true, true),
            (408, Unavailable, false, false),
            (409, Conflict, true, true),
            (410, NotFound, true, true),
            (413, Invalid, true, true),
            (421, Unavailable, false, true),
            (422, Invalid, true, true),
            (423, Unavailable, false, true),
            (429, RateLimited, false, true),
            (500, Unavailable, false, false),
            (501, Unavailable, false, false),
            (503, Unavailable, false, false),
            (520, Unavailable, false, false),
        ] {
            let (create, read) = (Call::post("lead", ""), Call::get("find", ""));
            let own = response(status, &[], OWN);
            let (outcome, is_rejected) = match own.by_status() {
                Outcome::Rejected(failure) => (failure, true),
                Outcome::Retry(failure) => (failure, false),
                other => panic!("{other:?}"),
            };
            assert_eq!((outcome.kind, is_rejected), (kind, rejects), "{status}");
            assert_eq!(own.settles(&create, &own.by_status()), settles, "{status}");
            assert!(own.settles(&read, &own.by_status()));
            for body in ["", "<h1>Sign in</h1>", "[]", r#"{"error":"forbidden"}"#, r#"{"id":"7"#] {
                let foreign = response(status, &[("content-type", "text/html; charset=utf-8")], body);
                assert!(matches!(foreign.by_status(), Outcome::Retry(_)), "{status} {body}");
                assert!(!foreign.settles(&create, &foreign.by_status()), "{status} {body}");
            }
        }
    }

    #[test]
    fn a_rate_limit_in_the_apis_own_format_settles_a_create_whatever_its_status() {
        let create = Call::post("lead", "");
        for (body, settles) in [(OWN, true), ("too many calls", false)] {
            let limited = response(200, &[], body);
            let outcome = Outcome::Retry(limited.failure(FailureKind::RateLimited));
            assert_eq!(limited.settles(&create, &outcome), settles, "{body}");
        }
    }

    #[test]
    fn a_probe_passes_only_on_the_apis_own_success() {
        for (status, body, expected) in [
            (200, r#"{"id":"1"}"#, "well"),
            (200, "<h1>Sign in</h1>", "broken"),
            (302, "", "broken"),
            (404, OWN, "broken"),
            (401, OWN, "unwell"),
            (403, "", "unwell"),
            (429, "", "unwell"),
            (503, "", "unwell"),
        ] {
            let found = match response(status, &[], body).health() {
                Health::Well => "well",
                Health::Unwell(_) => "unwell",
                Health::Broken(_) => "broken",
            };
            assert_eq!(found, expected, "{status} {body}");
        }
    }

    #[test]
    fn details_hold_the_vendors_message_or_nothing_of_the_body() {
        let html = response(403, &[("content-type", "text/html; charset=utf-8")], "<p>secret</p>");
        let detail = "HTTP 403, text/html, 13 bytes: not a response of the API";
        assert_eq!(html.failure(FailureKind::Credentials).detail, detail);
        assert_eq!(response(400, &[], OWN).failure(FailureKind::Invalid).detail, "HTTP 400: no");
    }

    #[test]
    fn a_vendors_json_is_read_as_leniently_as_a_visitors() {
        for (body, id) in [
            ("\u{feff}{\"id\":\"1\"}", Some("1")),
            ("\u{feff}\u{feff} \n{\"id\":\"1\"}\n", Some("1")),
            // Half an emoji, where a text was cut.
            (r#"{"id":"1","name":"Ada \ud83d"}"#, Some("1")),
            (r#"{"name":"\ude00\\ud83d \ud83d\ude00\"","id":"1"}"#, Some("1")),
            (r#"{"id":"\ud83d\ude00\ud83dx\u00e9"}"#, Some("😀\u{fffd}xé")),
            (r#"{"id":"1","name":"\u{"}"#, None),
            (r#"{"id":"1"#, None),
        ] {
            assert_eq!(response(200, &[], body).json().map(|body| body["id"].as_str().unwrap()), id, "{body}");
        }
    }

    #[test]
    fn a_visitors_words_are_masked_before_phrases_are_looked_for() {
        let limit = "API calls exceeded the limit of 9 in 9 hour(s)";
        let long = format!("{limit} and {}", "so on ".repeat(100));
        let call = Call::get("find", "https://x.test/v1/leads?email=duplicate%20entry%40example.com");
        let call = call.json(&serde_json::json!({
            "message": "client duplicate", "city": "rate", "ip": "x\" 허용되지\n않은 IP", "long": long,
            "lines": format!("Hello\n{limit}\nBye"),
        }));
        for (said, phrases) in [
            ("Client duplicate found", "… found"),
            ("No: CLIENT  duplicate", "no: …"),
            ("'rate' is not a city; rate limit", "… is not a city; rate limit"),
            ("Value x\\\" 허용되지 않은 IP is invalid", "value x\\\" … is invalid"),
            ("Value x&quot; 허용되지\n않은 IP is invalid", "value x&quot; … is invalid"),
            // One line of several, and a value that was cut.
            (&format!("'{limit}' is spam"), "'…' is spam"),
            (&format!("too long: {}...", &long[..60]), "too long: …..."),
            ("duplicate entry@example.com is there", "… is there"),
            (limit, "…"),
            ("API calls exceeded the limit of 25 in 5 second(s)", "…25 in 5 second(s)"),
        ] {
            let body = serde_json::json!({ "error": { "code": "X", "message": said } }).to_string();
            assert_eq!(response(400, &[], &body).phrases(&call), phrases, "{said}");
        }
    }

    #[test]
    fn waits() {
        type Row<'a> = (u16, &'a [(&'a str, &'a str)], Option<u64>);
        let rows: [Row<'_>; 17] = [
            (503, &[], None),
            (503, &[("retry-after", "120")], Some(120_000)),
            (429, &[("retry-after", " 1.5 ")], Some(1_500)),
            (429, &[("retry-after", "0")], Some(0)),
            (429, &[("retry-after", "-1")], None),
            (429, &[("retry-after", "soon")], None),
            (429, &[("retry-after", "99999999999999999999")], Some(u64::MAX)),
            (429, &[DATE, ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")], Some(60_000)),
            (429, &[("retry-after", "Thu, 01 Jan 1970 00:01:01 GMT")], Some(60_000)),
            (429, &[DATE, ("retry-after", "Sun, 06 Nov 1994 08:48:37 GMT")], None),
            (429, &[("x-ratelimit-retry-after", "30"), ("retry-after", "5")], Some(30_000)),
            (429, &[("x-ratelimit-retry-after", "0"), ("retry-after", "5")], Some(5_000)),
            (429, &[("x-ratelimit-reset", "45")], Some(45_000)),
            (503, &[("x-ratelimit-reset", "45")], None),
            (429, &[DATE, ("x-ratelimit-reset", "784111787")], Some(10_000)),
            (429, &[DATE, ("x-ratelimit-reset", "784111787000")], Some(10_000)),
            (429, &[DATE, ("x-ratelimit-reset", "784111700")], None),
        ];
        for (status, headers, wait_ms) in rows {
            assert_eq!(response(status, headers, "").wait_ms(), wait_ms, "{status} {headers:?}");
        }
    }
}
