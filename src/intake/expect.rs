//! How many leads a form is expected to get: `expect = "5/week"`.

/// A number of leads in a number of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The leads.
    pub leads: u32,
    /// The days.
    pub days: u32,
}

impl Expected {
    /// The words for a period, and its days.
    const PERIODS: [(&'static str, u32); 3] = [("day", 1), ("week", 7), ("month", 30)];

    /// What a setting takes.
    pub const TAKES: &'static str = "a number and a day, a week or a month, as in \"5/week\"";

    /// Reads `5/week`.
    pub fn parse(text: &str) -> Option<Self> {
        let (leads, period) = text.split_once('/')?;
        let (_, days) = Self::PERIODS.into_iter().find(|(word, _)| *word == period.trim())?;
        let leads = leads.trim().parse().ok().filter(|leads| (1..=1_000_000).contains(leads))?;
        Some(Self { leads, days })
    }

    /// Leads a day.
    pub fn per_day(self) -> f64 {
        f64::from(self.leads) / f64::from(self.days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_period() {
        for (text, expected) in [
            ("5/week", Some((5, 7))),
            ("20/day", Some((20, 1))),
            (" 3 / month", Some((3, 30))),
            ("0/week", None),
            ("-1/week", None),
            ("1.5/day", None),
            ("5/year", None),
            ("5", None),
            ("", None),
        ] {
            let found = Expected::parse(text).map(|expected| (expected.leads, expected.days));
            assert_eq!(found, expected, "{text}");
        }
    }
}
