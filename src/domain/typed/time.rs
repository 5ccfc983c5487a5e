//! Dates and times as people and browsers write them.
//!
//! Year, month and day must be certain: the year has four digits and comes first, or it comes last and only one of the
//! other two can be a month. `04/05/2024` is April in one country and May in another, so it is not a date.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};

/// The date as `YYYY-MM-DD`. Of a time with a zone it is the local date, not the one in UTC.
pub(super) fn date(text: &str) -> Option<String> {
    let text = text.trim();
    let day = day(text).or_else(|| moment(text).map(|(local, _)| local.date()))?;
    Some(day.to_string())
}

/// The time as RFC 3339 in UTC with milliseconds. A time without a zone counts as UTC, because a `datetime-local` input names
/// no zone. A date alone means midnight.
pub(super) fn date_time(text: &str) -> Option<String> {
    let text = text.trim();
    let utc = day(text).map(|day| day.and_time(NaiveTime::MIN)).or_else(|| moment(text).map(|(_, utc)| utc))?;
    Some(utc.and_utc().to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// The time as written and in UTC.
fn moment(text: &str) -> Option<(NaiveDateTime, NaiveDateTime)> {
    let known = |local: NaiveDateTime| (0..=9999).contains(&local.year()).then_some(local);
    if let Ok(zoned) = DateTime::parse_from_rfc3339(text) {
        return Some((known(zoned.naive_local())?, known(zoned.with_timezone(&Utc).naive_utc())?));
    }
    let (days, time) = text.split_once(['T', ' '])?;
    let local = day(days)?.and_time(time.trim().parse::<NaiveTime>().ok()?);
    Some((local, local))
}

fn day(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return day_of(&text[..4], &text[4..6], &text[6..]);
    }
    if let Some((year, rest)) = text.split_once('년') {
        let (month, rest) = rest.split_once('월')?;
        return day_of(year, month, rest.trim().strip_suffix('일')?);
    }
    let separator = text.chars().find(|c| matches!(c, '-' | '.' | '/'))?;
    // Korean dates end with a point: `2024. 4. 16.`
    let parts: Vec<&str> = text.trim_end_matches('.').split(separator).map(str::trim).collect();
    let [first, second, third] = parts[..] else { return None };
    if first.len() == 4 {
        return day_of(first, second, third);
    }
    let (day_first, month_first) = (day_of(third, second, first), day_of(third, first, second));
    match (day_first, month_first) {
        (Some(one), Some(other)) if one != other => None,
        (one, other) => one.or(other),
    }
}

/// A date whose year has four digits.
fn day_of(year: &str, month: &str, day: &str) -> Option<NaiveDate> {
    let part = |text: &str, digits: std::ops::RangeInclusive<usize>| -> Option<u32> {
        let text = text.trim();
        let valid = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        valid.then(|| text.parse().ok())?
    };
    let year = i32::try_from(part(year, 4..=4)?).ok()?;
    NaiveDate::from_ymd_opt(year, part(month, 1..=2)?, part(day, 1..=2)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_when_they_are_certain() {
        for (text, expected) in [
            ("2024-04-16", "2024-04-16"),
            (" 2024-4-6 ", "2024-04-06"),
            ("2024.04.16", "2024-04-16"),
            ("2024. 4. 16.", "2024-04-16"),
            ("2024/4/16", "2024-04-16"),
            ("20240416", "2024-04-16"),
            ("2024년 4월 16일", "2024-04-16"),
            ("2024년4월16일", "2024-04-16"),
            ("16/04/2024", "2024-04-16"),
            ("04/16/2024", "2024-04-16"),
            ("16.4.2024", "2024-04-16"),
            ("05/05/2024", "2024-05-05"),
            ("2024-02-29", "2024-02-29"),
            ("2024-04-16T23:30:00-09:00", "2024-04-16"),
            ("2024-04-16T10:00", "2024-04-16"),
        ] {
            assert_eq!(date(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn times_are_converted_to_utc() {
        for (text, expected) in [
            ("2024-04-16T07:18:17.516Z", "2024-04-16T07:18:17.516Z"),
            ("2024-04-16T16:18:17+09:00", "2024-04-16T07:18:17.000Z"),
            ("2024-04-16T07:18", "2024-04-16T07:18:00.000Z"),
            ("2024-04-16T07:18:17", "2024-04-16T07:18:17.000Z"),
            ("2024-04-16 07:18:17.5", "2024-04-16T07:18:17.500Z"),
            ("2024/4/16 7:18", "2024-04-16T07:18:00.000Z"),
            ("2024-04-16", "2024-04-16T00:00:00.000Z"),
            ("2024년 4월 16일", "2024-04-16T00:00:00.000Z"),
        ] {
            assert_eq!(date_time(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn doubtful_texts_are_neither_dates_nor_times() {
        for text in [
            "",
            "-",
            "tomorrow",
            "04/05/2024",
            "4.5.2024",
            "2024-13-01",
            "2024-02-30",
            "2023-02-29",
            "24-04-16",
            "16/04/24",
            "2024-04",
            "20241301",
            "2024-04-16-1",
            "12024-04-16",
            "2024년 4월",
            "2024-04/16",
            "+024-04-16",
            "１６/04/2024",
            "0000000",
            "2024-04-16T25:00",
            "2024-04-16T10:00 pm",
        ] {
            assert_eq!(date(text), None, "{text}");
            assert_eq!(date_time(text), None, "{text}");
        }
    }
}
