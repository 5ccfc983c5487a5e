//! What an HTTP status says by itself: the fallback when a CRM's body says nothing better.

use chrono::DateTime;

use super::{Answer, Call, Safety, Trouble, Verdict, Why};

/// The verdict of an answer whose body the CRM could not read. 2xx without a record, a 5xx and a 408 say nothing about what
/// became of a `Create`, so they leave it in doubt; other calls are tried again. Redirects are not followed (a CRM's API does not move, but its sign-in page answers so).
pub fn verdict(call: &Call, answer: &Answer) -> Verdict {
    let trouble = |why| Trouble::new(why, excerpt(answer)).wait(retry_after_ms(answer));
    match answer.status {
        400 | 402 | 404..=428 | 430..=499 if is_cut_short(answer) => unclear(call, trouble(Why::Unexpected)),
        200..=299 if call.safety == Safety::Create => Verdict::InDoubt(trouble(Why::Unexpected)),
        408 | 500 | 502..=599 if call.safety == Safety::Create => Verdict::InDoubt(trouble(Why::Unavailable)),
        200..=299 => Verdict::TryLater(trouble(Why::Unexpected)),
        401 | 403 => Verdict::TryLater(trouble(Why::Credentials)),
        429 => Verdict::TryLater(trouble(Why::RateLimited)),
        404 | 405 | 410 => Verdict::Refused(trouble(Why::NotFound)),
        409 => Verdict::Refused(trouble(Why::Conflict)),
        408 | 423 => Verdict::TryLater(trouble(Why::Unavailable)),
        400..=499 | 501 => Verdict::Refused(trouble(Why::Invalid)),
        _ => Verdict::TryLater(trouble(Why::Unavailable)),
    }
}

/// Whether a body begins as JSON and does not end as such. It was cut on its way, and a refusal that is not heard out may
/// have been "there is one already".
pub fn is_cut_short(answer: &Answer) -> bool {
    answer.body.trim_start().starts_with(['{', '[']) && answer.json().is_none()
}

/// Neither yes nor no: a `Create` is in doubt, anything else is tried again.
pub fn unclear(call: &Call, trouble: Trouble) -> Verdict {
    match call.safety {
        Safety::Create => Verdict::InDoubt(trouble),
        Safety::Read | Safety::Idempotent => Verdict::TryLater(trouble),
    }
}

/// The status and the beginning of the body, for the timeline.
pub fn excerpt(answer: &Answer) -> String {
    format!("HTTP {}: {}", answer.status, answer.body.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `Retry-After` in milliseconds, given in seconds or as a date; a date that is over asks for no wait.
pub fn retry_after_ms(answer: &Answer) -> Option<u64> {
    let value = answer.header("retry-after")?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, and negative is filtered"
        )]
        return (seconds >= 0.0).then(|| (seconds * 1000.0).ceil() as u64);
    }
    until_ms(answer, DateTime::parse_from_rfc2822(value).ok()?.timestamp())
}

/// How far a Unix time is from the moment that the answer's own `Date` gives: the vendor's clock, not ours, so that a
/// clock that is off does no harm.
pub fn until_ms(answer: &Answer, at: i64) -> Option<u64> {
    let sent_at = DateTime::parse_from_rfc2822(answer.header("date")?.trim()).ok()?.timestamp();
    u64::try_from(at.saturating_sub(sent_at).max(0)).ok().map(|seconds| seconds.saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_was_cut_short_is_none() {
        let call = |safety| Call {
            step: "lead",
            method: crate::crm::Method::Post,
            url: String::new(),
            headers: vec![],
            body: None,
            safety,
        };
        let verdict = |safety, status, body: &str| {
            let answer = Answer { status, headers: vec![], body: body.to_owned() };
            match super::verdict(&call(safety), &answer) {
                Verdict::TryLater(trouble) => ("try later", trouble.why),
                Verdict::InDoubt(trouble) => ("in doubt", trouble.why),
                Verdict::Refused(trouble) => ("refused", trouble.why),
                Verdict::GoOn(_) | Verdict::Delivered(_) => ("more", Why::Unexpected),
            }
        };
        let whole = r#"{"message":"Email already exists"}"#;
        for (safety, status, body, expected) in [
            (Safety::Idempotent, 400, whole, ("refused", Why::Invalid)),
            (Safety::Idempotent, 400, &whole[..20], ("try later", Why::Unexpected)),
            (Safety::Create, 400, &whole[..20], ("in doubt", Why::Unexpected)),
            (Safety::Idempotent, 409, "[1, 2", ("try later", Why::Unexpected)),
            (Safety::Idempotent, 400, "Bad Request", ("refused", Why::Invalid)),
            (Safety::Idempotent, 400, "", ("refused", Why::Invalid)),
            (Safety::Idempotent, 401, "{", ("try later", Why::Credentials)),
            (Safety::Idempotent, 429, "{", ("try later", Why::RateLimited)),
        ] {
            assert_eq!(verdict(safety, status, body), expected, "{safety:?} {status} {body}");
        }
    }

    #[test]
    fn retry_after_in_seconds_and_as_a_date() {
        const DATE: &str = "Fri, 21 Nov 2025 10:00:00 GMT";
        // Retry-After, Date -> milliseconds
        for (value, date, expected) in [
            ("7", None, Some(7_000)),
            (" 1.5 ", Some(DATE), Some(1_500)),
            ("-1", Some(DATE), None),
            ("Fri, 21 Nov 2025 10:00:30 GMT", Some(DATE), Some(30_000)),
            ("Fri, 21 Nov 2025 09:59:00 GMT", Some(DATE), Some(0)),
            ("Fri, 21 Nov 2025 10:00:30 GMT", None, None),
            ("soon", Some(DATE), None),
        ] {
            let mut headers = vec![("retry-after".to_owned(), value.to_owned())];
            headers.extend(date.map(|date| ("date".to_owned(), date.to_owned())));
            let answer = Answer { status: 429, headers, body: String::new() };
            assert_eq!(retry_after_ms(&answer), expected, "{value} {date:?}");
        }
    }
}
