//! Silence: when a form that usually gets leads has got none for too long, so that a form that broke is noticed before its
//! owner misses the leads. Pure: the hours in which leads came go in, the time at which silence is an alert comes out.
//!
//! A gap is measured by the leads that one would expect in it, weekday by weekday, so a closed weekend is short. Expecting
//! six and getting none is rare. In a burst, several leads have one cause, so 4.5 bursts' worth must be missing. The silence
//! must also be twice the form's longest gap; the one longer gap, the last outage, is left out.

use crate::intake::form::Expected;

/// An hour, in milliseconds.
pub const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_HOURS: i64 = 24;

/// How far back arrivals count, in hours.
pub const WINDOW_HOURS: i64 = 60 * DAY_HOURS;

/// The fewest leads that something is learned from, and the fewest hours from the first to the last.
const FEWEST: u32 = 10;
const SPAN_HOURS: i64 = 21 * DAY_HOURS;

/// The fewest leads that must be missing, and the same in average hours with leads.
const MISSING: f64 = 6.0;
const MISSING_HOURS: f64 = 4.5;

/// How many times the form's own longest gap is unusual.
const LONGER: f64 = 2.0;

/// Silence is never shorter, in milliseconds: every form has its nights, and one of which nothing is known its weekends.
const SHORTEST_MS: i64 = 24 * HOUR_MS;
const SHORTEST_UNKNOWN_MS: i64 = 4 * 24 * HOUR_MS;

/// How many days of the average a weekday's own count is mixed with.
const PRIOR_DAYS: f64 = 1.0;

/// An hour in which leads came, counted from 1970, and how many.
pub type Arrivals = (i64, u32);

/// What is known of the form's leads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// The first hour that is not counted yet.
    pub(super) hour: i64,
    /// The last lead.
    pub(super) last: i64,
    /// When silence is an alert. It may be later by now: leads have come since.
    pub(super) due_at: Option<i64>,
    /// What the operator expected then: leads, and days.
    pub(super) expected: Option<(u32, u32)>,
}

/// What is [`Known`], as it is stored.
pub(super) type Stored = (i64, i64, Option<i64>, Option<(u32, u32)>);

impl Known {
    /// What was stored.
    pub(super) fn read((hour, last, due_at, expected): Stored) -> Self {
        Self { hour, last, due_at, expected }
    }

    /// As it is stored.
    pub(super) fn stored(self) -> Stored {
        (self.hour, self.last, self.due_at, self.expected)
    }
}

/// The hour of a moment, milliseconds since 1970.
pub fn hour_of(at: i64) -> i64 {
    at.div_euclid(HOUR_MS)
}

/// When silence since the lead at `last`, milliseconds since 1970, is an alert; `arrivals` are in the order of time. `None`:
/// too little is known.
pub fn due_at(arrivals: &[Arrivals], last: i64, expected: Option<Expected>) -> Option<i64> {
    let learned = Rates::learned(arrivals, expected);
    let shortest = match (&learned, expected) {
        (None, Some(expected)) => SHORTEST_UNKNOWN_MS.max(2 * i64::from(expected.days) * DAY_HOURS * HOUR_MS),
        _ => SHORTEST_MS,
    };
    let rates = learned.or_else(|| expected.map(Rates::flat))?;
    let leads: u32 = arrivals.iter().map(|(_, count)| count).sum();
    let of_an_hour = f64::from(leads) / float(i64::try_from(arrivals.len().max(1)).unwrap_or(1));
    let mut missing = MISSING.max(MISSING_HOURS * of_an_hour).max(LONGER * rates.longest_gap(arrivals));
    let mut at = last;
    loop {
        let rate = rates.of(day_of(hour_of(at)));
        let midnight = (day_of(hour_of(at)) + 1) * DAY_HOURS * HOUR_MS;
        let until_midnight = rate * float(midnight - at) / float(HOUR_MS);
        if until_midnight >= missing {
            #[allow(clippy::cast_possible_truncation, reason = "the hours of a day")]
            let rest = (missing / rate * float(HOUR_MS)) as i64;
            return Some((at + rest).max(last + shortest));
        }
        missing -= until_midnight;
        at = midnight;
    }
}

/// Leads an hour, by the day of the week.
struct Rates([f64; 7]);

impl Rates {
    fn flat(expected: Expected) -> Self {
        Self([expected.per_day() / float(DAY_HOURS); 7])
    }

    fn learned(arrivals: &[Arrivals], expected: Option<Expected>) -> Option<Self> {
        let ((first, _), (last, _)) = (arrivals.first()?, arrivals.last()?);
        let total: u32 = arrivals.iter().map(|(_, count)| count).sum();
        if total < FEWEST || last - first < SPAN_HOURS {
            return None;
        }
        let mean = f64::from(total) * float(DAY_HOURS) / float(last - first + 1);
        let (mut days, mut leads) = ([0.0; 7], [0.0; 7]);
        for day in day_of(*first)..=day_of(*last) {
            let hours = (day * DAY_HOURS + DAY_HOURS).min(last + 1) - (day * DAY_HOURS).max(*first);
            days[weekday(day)] += float(hours) / float(DAY_HOURS);
        }
        for (hour, count) in arrivals {
            leads[weekday(day_of(*hour))] += f64::from(*count);
        }
        let level = expected.map_or(1.0, |expected| expected.per_day() / mean) / float(DAY_HOURS);
        let rate = |day: usize| (leads[day] + PRIOR_DAYS * mean) / (days[day] + PRIOR_DAYS) * level;
        Some(Self(std::array::from_fn(rate)))
    }

    fn of(&self, day: i64) -> f64 {
        self.0[weekday(day)]
    }

    /// The leads to be expected between two hours.
    fn between(&self, from: i64, to: i64) -> f64 {
        if day_of(from) == day_of(to) {
            return self.of(day_of(from)) * float(to - from);
        }
        let whole: f64 = (day_of(from) + 1..day_of(to)).map(|day| self.of(day) * float(DAY_HOURS)).sum();
        let first = self.of(day_of(from)) * float(DAY_HOURS - from.rem_euclid(DAY_HOURS));
        first + whole + self.of(day_of(to)) * float(to.rem_euclid(DAY_HOURS))
    }

    /// The leads to be expected in the longest gap but one.
    fn longest_gap(&self, arrivals: &[Arrivals]) -> f64 {
        let mut longest = [0.0_f64; 2];
        for pair in arrivals.windows(2) {
            let gap = self.between(pair[0].0, pair[1].0);
            if gap > longest[0] {
                longest = [gap, longest[0]];
            } else if gap > longest[1] {
                longest[1] = gap;
            }
        }
        longest[1]
    }
}

const fn day_of(hour: i64) -> i64 {
    hour.div_euclid(DAY_HOURS)
}

/// The day of the week, of a day counted from 1970.
fn weekday(day: i64) -> usize {
    usize::try_from(day.rem_euclid(7)).unwrap_or_default()
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn float(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "numbers of a simulation"
    )]

    use super::*;

    const START: i64 = 1_763_000_000_000 / HOUR_MS * HOUR_MS;
    const DAY_MS: i64 = 24 * HOUR_MS;

    /// Random numbers of a seed (xorshift64*).
    struct Random(u64);

    impl Random {
        fn new(seed: u64) -> Self {
            Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
        }

        fn unit(&mut self) -> f64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
        }

        fn poisson(&mut self, mean: f64) -> u32 {
            let (limit, mut product, mut count) = ((-mean).exp(), self.unit(), 0);
            while product > limit {
                product *= self.unit();
                count += 1;
            }
            count
        }
    }

    /// How leads come: how many are expected in an hour of the week (0: Monday 0:00), and how many come at once.
    struct Pattern {
        name: &'static str,
        per_week: u32,
        shape: fn(i64) -> f64,
        burst: f64,
        /// By when half of the deaths must be noticed, in days.
        noticed: f64,
    }

    /// Busy by day, quiet by night.
    fn daily(hour: i64) -> f64 {
        if (7..22).contains(&(hour % 24)) { 1.0 } else { 0.05 }
    }

    /// Office hours, hardly a lead at the weekend.
    fn office(hour: i64) -> f64 {
        let at_work = (8..18).contains(&(hour % 24));
        match hour / 24 {
            0..=4 if at_work => 1.0,
            0..=4 => 0.05,
            _ => 0.02,
        }
    }

    const PATTERNS: &[Pattern] = &[
        Pattern { name: "steady, 3 a week", per_week: 3, shape: daily, burst: 1.0, noticed: 13.0 },
        Pattern { name: "steady, 1 a day", per_week: 7, shape: daily, burst: 1.0, noticed: 6.5 },
        Pattern { name: "steady, 5 a day", per_week: 35, shape: daily, burst: 1.0, noticed: 2.0 },
        Pattern { name: "steady, 100 a day", per_week: 700, shape: daily, burst: 1.0, noticed: 1.2 },
        Pattern { name: "weekends, 5 a week", per_week: 5, shape: office, burst: 1.0, noticed: 8.0 },
        Pattern { name: "weekends, 5 a day", per_week: 25, shape: office, burst: 1.0, noticed: 2.0 },
        Pattern { name: "weekends, 50 a day", per_week: 250, shape: office, burst: 1.0, noticed: 2.0 },
        Pattern { name: "bursty, 2 bursts of 5 a week", per_week: 10, shape: daily, burst: 5.0, noticed: 15.0 },
        Pattern { name: "bursty, a burst of 20 a week", per_week: 20, shape: office, burst: 20.0, noticed: 26.0 },
    ];

    const SEEDS: u64 = 1000;
    const DAYS: i64 = 90;
    /// The day on which a form dies, in the runs in which it does.
    const DEATH: i64 = 60;

    /// Leads by hour until the day `until`.
    fn leads(pattern: &Pattern, until: i64, random: &mut Random) -> Vec<Arrivals> {
        let week: f64 = (0..168).map(pattern.shape).sum();
        let mut found = Vec::new();
        for hour in hour_of(START)..hour_of(START) + until * 24 {
            // 1970-01-01 was a Thursday.
            let mean = f64::from(pattern.per_week) / pattern.burst * (pattern.shape)((hour + 72) % 168) / week;
            let bursts = random.poisson(mean);
            let count =
                (0..bursts).map(|_| if pattern.burst > 1.0 { 1 + random.poisson(pattern.burst - 1.0) } else { 1 });
            let count: u32 = count.sum();
            if count > 0 {
                found.push((hour, count));
            }
        }
        found
    }

    /// The alerts of a run: when each begins. As in the Outbox, `due_at` is asked after each lead.
    fn alerts(all: &[Arrivals], until: i64, expected: Option<Expected>) -> Vec<i64> {
        let mut found = Vec::new();
        for at in 0..all.len() {
            let last = all[at].0;
            let next = all.get(at + 1).map_or(until, |(hour, _)| hour * HOUR_MS);
            // Silence is never shorter, and asking each time takes a minute.
            if next - last * HOUR_MS < SHORTEST_MS {
                continue;
            }
            let from = all[..=at].partition_point(|(hour, _)| *hour < last - WINDOW_HOURS);
            found.extend(due_at(&all[from..=at], last * HOUR_MS, expected).filter(|due| *due < next));
        }
        found
    }

    /// What became of the seeds of a pattern.
    #[derive(Debug, Default)]
    struct Report {
        /// False alarms in 90 days, all seeds together, and the seeds that had more than one.
        alarms: usize,
        several: usize,
        /// The days until a death was noticed, in order.
        noticed: Vec<f64>,
    }

    impl Report {
        fn quantile(&self, part: f64) -> f64 {
            self.noticed.get((self.noticed.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN)
        }
    }

    fn report(pattern: &Pattern, expected: Option<Expected>) -> Report {
        let (end, death) = (START + DAYS * DAY_MS, START + DEATH * DAY_MS);
        let mut report = Report::default();
        for seed in 1..=SEEDS {
            let mut random = Random::new(seed);
            let count = alerts(&leads(pattern, DAYS, &mut random), end, expected).len();
            report.alarms += count;
            report.several += usize::from(count > 1);
            let all = leads(pattern, DEATH, &mut random);
            // The last gap is the death; an alert that stood already has noticed it at once.
            let last = all.last().map_or(0, |(hour, _)| hour * HOUR_MS);
            let told = alerts(&all, death + 365 * DAY_MS, expected).into_iter().rev().find(|at| *at > last);
            report.noticed.extend(told.map(|at| (at - death).max(0) as f64 / DAY_MS as f64));
        }
        report.noticed.sort_by(f64::total_cmp);
        report
    }

    #[test]
    fn deaths_are_noticed_and_false_alarms_are_rare() {
        std::thread::scope(|scope| {
            for pattern in PATTERNS {
                for expected in [None, Some(Expected { leads: pattern.per_week, days: 7 })] {
                    scope.spawn(move || {
                        let report = report(pattern, expected);
                        let (median, late) = (report.quantile(0.5), report.quantile(0.95));
                        let alarms = report.alarms as f64 / SEEDS as f64;
                        let (name, how) = (pattern.name, if expected.is_some() { "expected" } else { "learned" });
                        println!(
                            "{name:30} {how:8} {alarms:.2} false alarms a quarter, several for {}; noticed after {median:.1} \
                             days (95 %: {late:.1})",
                            report.several,
                        );
                        assert!(alarms <= 1.0, "{name} {how}: {alarms}");
                        assert!(report.several <= 20, "{name} {how}: {}", report.several);
                        assert!(median <= pattern.noticed, "{name} {how}: {median}");
                        assert!(report.noticed.len() as u64 >= SEEDS * 97 / 100, "{name} {how}: {}", report.noticed.len());
                    });
                }
            }
        });
    }

    #[test]
    fn ten_leads_in_three_weeks_are_the_fewest_unless_a_number_is_expected() {
        let first = hour_of(START);
        let daily = |days: i64| -> Vec<Arrivals> { (0..days).map(|day| (first + day * 24, 1)).collect() };
        let last = |arrivals: &[Arrivals]| arrivals.last().unwrap().0 * HOUR_MS;
        let nine: Vec<Arrivals> = (0..9).map(|day| (first + day * 72, 1)).collect();
        for (arrivals, is_known) in [(nine, false), (daily(21), false), (daily(22), true), (Vec::new(), false)] {
            let due_at = due_at(&arrivals, START, None);
            assert_eq!(due_at.is_some(), is_known, "{arrivals:?}");
        }
        let month = daily(31);
        let days = |expected| (due_at(&month, last(&month), expected).unwrap() - last(&month)) as f64 / DAY_MS as f64;
        assert!((5.7..6.1).contains(&days(None)), "{}", days(None));
        assert!((2.8..3.1).contains(&days(Some(Expected { leads: 2, days: 1 }))));
        // From the first lead on, with the patience of a weekend and of twice the period.
        for (leads, period, expected) in [(5, 7, 14), (1, 1, 6), (50, 1, 4), (1, 30, 180)] {
            let due_at = due_at(&[(first, 1)], START, Some(Expected { leads, days: period })).unwrap();
            assert_eq!((due_at - START + HOUR_MS) / DAY_MS, expected, "{leads}/{period}");
        }
    }
}
