//! What an HTTP status says by itself: the fallback when a CRM's body says nothing better.

use super::{Answer, Call, Safety, Trouble, Verdict, Why};

/// The verdict of an answer whose body the CRM could not read. 2xx without a record, a 5xx and a 408 say nothing about what
/// became of a `Create`, so they leave it in doubt; other calls are tried again. Redirects are not followed (a CRM's API does not move, but its sign-in page answers so).
pub fn verdict(call: &Call, answer: &Answer) -> Verdict {
    let trouble = |why| Trouble::new(why, excerpt(answer)).wait(retry_after_ms(answer));
    match answer.status {
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

/// The status and the beginning of the body, for the timeline.
pub fn excerpt(answer: &Answer) -> String {
    format!("HTTP {}: {}", answer.status, answer.body.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `Retry-After` in milliseconds, when it is given in seconds.
pub fn retry_after_ms(answer: &Answer) -> Option<u64> {
    let seconds: f64 = answer.header("retry-after")?.trim().parse().ok()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and negative is filtered")]
    (seconds >= 0.0).then(|| (seconds * 1000.0).ceil() as u64)
}
