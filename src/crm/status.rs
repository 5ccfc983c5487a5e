//! What an HTTP status says by itself: the fallback when a CRM's body says nothing better; and how long to wait.
//!
//! <https://www.rfc-editor.org/rfc/rfc9110#name-retry-after>: seconds, or a date. A date is measured against the answer's
//! own `Date`, so that no clock but the vendor's is in it. The `X-RateLimit-*` headers have no standard; those of StateSet
//! are read, which many others use as well. Nothing is clamped here: `delivery/` does that.

use chrono::DateTime;

use super::{Answer, Call, Safety, Trouble, Verdict, Why};

/// The verdict of an answer whose body the CRM could not read.
///
/// 2xx without a record is in doubt for a `Create` and tried again otherwise; so are 408 and 5xx, whose sender may have
/// given up on a request that still went through. Redirects are not followed (a CRM's API does not move, but its sign-in
/// page answers so).
pub fn verdict(call: &Call, answer: &Answer) -> Verdict {
    let creates = call.safety == Safety::Create;
    let trouble = |why| Trouble::new(why, excerpt(answer)).wait(wait_ms(answer));
    match answer.status {
        200..=299 if creates => Verdict::InDoubt(trouble(Why::Unexpected)),
        200..=299 => Verdict::TryLater(trouble(Why::Unexpected)),
        401 | 403 => Verdict::TryLater(trouble(Why::Credentials)),
        429 => Verdict::TryLater(trouble(Why::RateLimited)),
        501 => Verdict::Refused(trouble(Why::Invalid)),
        408 | 500.. if creates => Verdict::InDoubt(trouble(Why::Unavailable)),
        // Another server, a lock, too early: turned away before anything was done.
        408 | 421 | 423 | 425 => Verdict::TryLater(trouble(Why::Unavailable)),
        400..=499 if is_cut(answer) => Verdict::TryLater(trouble(Why::Unexpected)),
        404 | 405 | 410 => Verdict::Refused(trouble(Why::NotFound)),
        409 => Verdict::Refused(trouble(Why::Conflict)),
        400..=499 => Verdict::Refused(trouble(Why::Invalid)),
        _ => Verdict::TryLater(trouble(Why::Unavailable)),
    }
}

/// Whether the body begins as JSON and does not end as such. A refusal of which only a part came may have said that the
/// record is there already; asked again, the CRM says it whole.
pub fn is_cut(answer: &Answer) -> bool {
    answer.body.trim_start().starts_with(['{', '[']) && answer.json().is_none()
}

/// The status and the beginning of the body, for the timeline.
pub fn excerpt(answer: &Answer) -> String {
    format!("HTTP {}: {}", answer.status, answer.body.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// How long the answer asks to wait, in milliseconds.
pub fn wait_ms(answer: &Answer) -> Option<u64> {
    // StateSet has this header on every answer, and a zero in it when there is nothing to wait for.
    let limited = seconds_ms(answer, "x-ratelimit-retry-after").filter(|wait| *wait > 0);
    let asked = limited.or_else(|| seconds_ms(answer, "retry-after"));
    let dated = || until_ms(answer, unix_time(answer, "retry-after")?);
    // On any other answer this header only tells when the count begins anew.
    let reset = || (answer.status == 429).then(|| reset_ms(answer)).flatten();
    asked.or_else(dated).or_else(reset)
}

fn seconds_ms(answer: &Answer, header: &str) -> Option<u64> {
    let seconds: f64 = answer.header(header)?.trim().parse().ok()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and negative is filtered")]
    (seconds >= 0.0).then(|| (seconds * 1000.0).ceil() as u64)
}

fn unix_time(answer: &Answer, header: &str) -> Option<i64> {
    DateTime::parse_from_rfc2822(answer.header(header)?.trim()).ok().map(|at| at.timestamp())
}

/// From the answer's own `Date`; `None` when that is missing, or later.
fn until_ms(answer: &Answer, at: i64) -> Option<u64> {
    let seconds = u64::try_from(at.checked_sub(unix_time(answer, "date")?)?).ok()?;
    seconds.checked_mul(1000)
}

/// `X-RateLimit-Reset`: seconds from now, a Unix time, or one in milliseconds.
fn reset_ms(answer: &Answer) -> Option<u64> {
    match answer.header("x-ratelimit-reset")?.trim().parse::<i64>().ok()? {
        // Four months at most are a wait and no time of day; beyond the year 5000 it is milliseconds.
        wait @ 0..10_000_000 => u64::try_from(wait).ok().map(|seconds| seconds * 1000),
        at @ 10_000_000..100_000_000_000 => until_ms(answer, at),
        at => until_ms(answer, at / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::Method;

    fn call(safety: Safety) -> Call {
        Call { step: "lead", method: Method::Post, url: String::new(), headers: Vec::new(), body: None, safety }
    }

    #[test]
    fn each_status_for_a_create_and_for_what_may_be_repeated() {
        use Why::{Conflict, Credentials, Invalid, NotFound, RateLimited, Unavailable, Unexpected};
        type Make = fn(Trouble) -> Verdict;
        let (later, refused, doubt): (Make, Make, Make) = (Verdict::TryLater, Verdict::Refused, Verdict::InDoubt);
        // status -> why, what it means for a create, and for the others
        let rows = [
            (200, Unexpected, doubt, later),
            (204, Unexpected, doubt, later),
            (301, Unavailable, later, later),
            (304, Unavailable, later, later),
            (400, Invalid, refused, refused),
            (401, Credentials, later, later),
            (402, Invalid, refused, refused),
            (403, Credentials, later, later),
            (404, NotFound, refused, refused),
            (405, NotFound, refused, refused),
            (408, Unavailable, doubt, later),
            (409, Conflict, refused, refused),
            (410, NotFound, refused, refused),
            (413, Invalid, refused, refused),
            (415, Invalid, refused, refused),
            (421, Unavailable, later, later),
            (422, Invalid, refused, refused),
            (423, Unavailable, later, later),
            (425, Unavailable, later, later),
            (429, RateLimited, later, later),
            (500, Unavailable, doubt, later),
            (501, Invalid, refused, refused),
            (502, Unavailable, doubt, later),
            (503, Unavailable, doubt, later),
            (504, Unavailable, doubt, later),
            (505, Unavailable, doubt, later),
            (520, Unavailable, doubt, later),
            (599, Unavailable, doubt, later),
        ];
        for (status, why, create, other) in rows {
            let answer = Answer { status, headers: Vec::new(), body: " some\n words ".into() };
            let trouble = || Trouble::new(why, format!("HTTP {status}: some words"));
            for (safety, make) in [(Safety::Create, create), (Safety::Idempotent, other), (Safety::Read, other)] {
                assert_eq!(verdict(&call(safety), &answer), make(trouble()), "{status} {safety:?}");
            }
        }
    }

    #[test]
    fn a_refusal_that_came_in_part_is_none() {
        let answer = |status, body: &str| Answer { status, headers: Vec::new(), body: body.to_owned() };
        let rows = [
            (400, r#" {"message":"Email alrea"#, true),
            (422, "[", true),
            (409, r#"{"a":1}"#, false),
            (400, "", false),
            (400, "<h1>Bad Request</h1>", false),
        ];
        for (status, body, is_cut) in rows {
            let verdict = verdict(&call(Safety::Idempotent), &answer(status, body));
            assert_eq!(matches!(verdict, Verdict::TryLater(_)), is_cut, "{status} {body}: {verdict:?}");
        }
        // For what reason it is tried again, the status still says.
        for (status, why) in [(401, Why::Credentials), (429, Why::RateLimited), (423, Why::Unavailable)] {
            let expected = Trouble::new(why, format!("HTTP {status}: {{"));
            assert_eq!(verdict(&call(Safety::Create), &answer(status, "{")), Verdict::TryLater(expected));
        }
        let expected = Trouble::new(Why::Unavailable, "HTTP 408: {");
        assert_eq!(verdict(&call(Safety::Create), &answer(408, "{")), Verdict::InDoubt(expected));
    }

    #[test]
    fn the_wait_that_is_asked_for() {
        type Row<'a> = (u16, &'a [(&'a str, &'a str)], Option<u64>);
        const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let rows: [Row<'_>; 22] = [
            (503, &[], None),
            (503, &[("retry-after", "120")], Some(120_000)),
            (429, &[("retry-after", " 1.5 ")], Some(1_500)),
            (429, &[("retry-after", "0")], Some(0)),
            (429, &[("retry-after", "-1")], None),
            (429, &[("retry-after", "soon")], None),
            (429, &[("retry-after", "1e300")], Some(u64::MAX)),
            // A date, by the vendor's own clock.
            (503, &[DATE, ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")], Some(60_000)),
            (503, &[DATE, ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], Some(0)),
            (503, &[DATE, ("retry-after", "Sun, 06 Nov 1994 08:49:36 GMT")], None),
            (503, &[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")], None),
            (503, &[("date", "today"), ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")], None),
            // Headers without a standard.
            (429, &[("x-ratelimit-retry-after", "30"), ("retry-after", "5")], Some(30_000)),
            (503, &[("x-ratelimit-retry-after", "0"), ("retry-after", "120")], Some(120_000)),
            (429, &[("x-ratelimit-retry-after", "0"), ("x-ratelimit-reset", "45")], Some(45_000)),
            (429, &[("x-ratelimit-reset", "45")], Some(45_000)),
            (429, &[DATE, ("x-ratelimit-reset", "784111787")], Some(10_000)),
            (429, &[DATE, ("x-ratelimit-reset", "784111787000")], Some(10_000)),
            (429, &[DATE, ("x-ratelimit-reset", "784111776")], None),
            (429, &[("x-ratelimit-reset", "784111787")], None),
            (429, &[("retry-after", "7"), ("x-ratelimit-reset", "45")], Some(7_000)),
            // The count of an answer that has nothing to do with it.
            (500, &[("x-ratelimit-reset", "45")], None),
        ];
        for (status, headers, expected) in rows {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let answer = Answer { status, headers, body: String::new() };
            assert_eq!(wait_ms(&answer), expected, "{status} {:?}", answer.headers);
        }
    }
}
