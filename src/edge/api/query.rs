//! The parameters of a request, and the filter that they make.

use chrono::{DateTime, NaiveDate};
use serde::Deserialize;

use crate::delivery::State;
use crate::intake::{Reply, Visit};
use crate::outbox::days::DAY_MS;
use crate::outbox::query::Filter;

use crate::edge::answer::error;
use crate::edge::environment;

/// What a list or a bulk action is about, as the client says it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Of this form only.
    pub form: Option<String>,
    /// One state or several, separated by commas.
    pub state: Option<String>,
    /// Of this destination only.
    pub destination: Option<String>,
    /// This text is somewhere in it.
    #[serde(skip_deserializing)]
    pub q: Option<String>,
    /// Received then or later.
    pub since: Option<String>,
    /// Received then or earlier.
    pub until: Option<String>,
}

impl Asked {
    /// From the query.
    pub fn of(visit: &Visit) -> Self {
        let get = |name: &str| visit.parameter(name).filter(|value| !value.is_empty());
        Self {
            form: get("form"),
            state: get("state"),
            destination: get("destination"),
            q: get("q"),
            since: get("since"),
            until: get("until"),
        }
    }

    /// The filter that it makes.
    pub fn filter(&self) -> Result<Filter, Reply> {
        let state = |name: &str| {
            let names = State::ALL.map(State::name).join(", ");
            State::from_name(name).ok_or_else(|| error(400, &format!("state {name:?} is unknown; it takes {names}")))
        };
        let states = self.state.as_deref().map(|states| states.split(',').map(state).collect()).transpose()?;
        Ok(Filter {
            states: states.unwrap_or_default(),
            destination: self.destination.clone(),
            text: self.q.as_deref().map(|text| environment::nfc(text.trim())).filter(|text| !text.is_empty()),
            person: None,
            since: moment("since", self.since.as_deref(), 0)?,
            until: moment("until", self.until.as_deref(), DAY_MS - 1)?,
        })
    }
}

/// A time, or a day: then `of_day` later than its beginning.
fn moment(name: &str, text: Option<&str>, of_day: i64) -> Result<Option<i64>, Reply> {
    let Some(text) = text else { return Ok(None) };
    let time = DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis());
    let day = || Some(text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis() + of_day);
    match time.or_else(day) {
        Some(at) => Ok(Some(at)),
        None => {
            Err(error(400, &format!("{name} takes a time, as in 2026-11-28T09:00:00Z, or a day, as in 2026-11-28")))
        }
    }
}

/// A whole number between 1 and `most`.
pub fn number(visit: &Visit, name: &str, default: usize, most: usize) -> Result<usize, Reply> {
    let Some(text) = visit.parameter(name) else { return Ok(default) };
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| error(400, &format!("{name} takes a whole number from 1 to {most}")))
}

/// The id of a submission, below which a list begins.
pub fn before(visit: &Visit) -> Result<Option<String>, Reply> {
    let before = visit.parameter("before");
    if before.as_deref().is_some_and(|id| !is_id(id)) {
        return Err(error(400, "before takes the `next` of the part before, or the id of a submission"));
    }
    Ok(before)
}

/// Whether a text is the id of a submission by its form.
pub fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_days_are_moments() {
        for (text, since, until) in [
            ("2026-11-28", Some(1_795_824_000_000), Some(1_795_910_399_999)),
            ("2026-11-28T00:00:00Z", Some(1_795_824_000_000), Some(1_795_824_000_000)),
            ("2026-11-28T09:00:00.5+09:00", Some(1_795_824_000_500), Some(1_795_824_000_500)),
            ("28.11.2026", None, None),
            ("yesterday", None, None),
        ] {
            assert_eq!(moment("since", Some(text), 0).ok().flatten(), since, "{text}");
            assert_eq!(moment("until", Some(text), DAY_MS - 1).ok().flatten(), until, "{text}");
        }
    }
}
