//! Alerts: what the operator has to know. One message says what began and what is over, never one per lead; what grows is
//! repeated each time it has doubled.
//!
//! A message holds names of the configuration and nothing of a visitor.

use std::cmp::Ordering;

use serde_json::{Value as Json, json};

use crate::domain::sorted::Map;

use super::notes::{Alerted, Known};
use super::turned_away::Code;

/// The secret that holds the address of the operator's webhook.
pub const URL_SECRET: &str = "ALERT_WEBHOOK_URL";

/// The operator is alerted to a backlog when the oldest pending submission is this old, in milliseconds.
pub const BACKLOG_MS: i64 = 60 * 60 * 1000;

/// The operator is alerted to a vendor's wait of this length, in milliseconds.
pub const LONG_WAIT_MS: i64 = 60 * 60 * 1000;

/// The operator is alerted this long before something is deleted, in milliseconds.
pub const EXPIRING_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// An [`Incident`] is over this long after it last happened, in milliseconds.
pub const INCIDENT_MS: i64 = 60 * 60 * 1000;

/// The highest count; larger numbers are reported as "at least" this.
pub const MOST: usize = 1000;

/// Something that happened, and is over when it has not happened for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Incident {
    /// Turnstile does not answer, rejects the Worker itself, or does not fit the form: real people wait in quarantine.
    Unverified,
    /// The form answered 503.
    Unavailable,
    /// The quarantine is full: suspects are refused.
    Full,
    /// A CRM that knows the person took nothing of a message.
    Unread,
}

impl Incident {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Unverified, Self::Unavailable, Self::Full, Self::Unread];

    /// As it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unverified => "unverified",
            Self::Unavailable => "unavailable",
            Self::Full => "full",
            Self::Unread => "unread",
        }
    }

    const fn begins(self) -> &'static str {
        match self {
            Self::Unverified => {
                "Turnstile does not answer, rejects TURNSTILE_SECRET, or was passed on a website or for an action that the \
                 form does not list; submissions are quarantined as `unverified` and wait for you to release them"
            }
            Self::Unavailable => {
                "visitors got 503: the configuration has errors, a secret is missing, or the storage does not respond; \
                 `make check` and the log say which"
            }
            Self::Full => {
                "the quarantine is full: suspected submissions are refused until you release or delete some, or the oldest \
                 expire"
            }
            Self::Unread => {
                "people whom a CRM already knows wrote again, and it took nothing of their messages: read those that say \
                 `message_missing`"
            }
        }
    }

    const fn is_over(self) -> &'static str {
        match self {
            Self::Unverified => "every submission of the last hour was verified; those in quarantine still wait",
            Self::Unavailable => "no visitor got 503 in the last hour",
            Self::Full => "no submission was refused for a full quarantine in the last hour",
            Self::Unread => "every message of the last hour reached its CRM; those before it are still to be read",
        }
    }
}

/// Something that a person should know of. Two are the same when their keys are: what else they hold is a detail.
#[derive(Debug, Clone)]
pub enum Condition {
    /// Deliveries to this destination were rejected or exhausted: they wait for a person.
    Stuck(String),
    /// Nothing can be sent to this destination: bad credentials, a missing right, or a missing secret or setting.
    Credentials(String),
    /// This destination asks for a long wait.
    Limited(String),
    /// What is stuck there will be deleted.
    Expiring(String),
    /// A lead has been pending for an hour.
    Backlog,
    /// Submissions wait in quarantine.
    Quarantined,
    /// They will be deleted.
    QuarantineExpiring,
    /// No lead has come for so many days, which is unusual.
    Silent(i64),
    /// More than half of the recent posts were turned away, most of them for this; and the website that was refused last.
    TurnedAway(Code, Option<String>),
    /// See [`Incident`].
    Incident(Incident),
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Condition {}

impl PartialOrd for Condition {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Condition {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Condition {
    /// As it is stored.
    pub fn key(&self) -> String {
        match self.destination() {
            Some(destination) => format!("{}:{destination}", self.name()),
            None => self.name().to_owned(),
        }
    }

    /// Its kind, without a name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stuck(_) => "stuck",
            Self::Credentials(_) => "credentials",
            Self::Limited(_) => "limited",
            Self::Expiring(_) | Self::QuarantineExpiring => "expiring",
            Self::Backlog => "backlog",
            Self::Quarantined => "quarantined",
            Self::Silent(_) => "silent",
            Self::TurnedAway(code, _) => code.condition(),
            Self::Incident(incident) => incident.name(),
        }
    }

    /// The destination that it is about.
    pub fn destination(&self) -> Option<&str> {
        match self {
            Self::Stuck(name) | Self::Credentials(name) | Self::Limited(name) | Self::Expiring(name) => Some(name),
            Self::Backlog
            | Self::Quarantined
            | Self::QuarantineExpiring
            | Self::Silent(_)
            | Self::TurnedAway(..)
            | Self::Incident(_) => None,
        }
    }

    /// From what is stored; `None` for a word of another version.
    pub fn from_key(key: &str) -> Option<Self> {
        Some(match (key, key.split_once(':')) {
            (_, Some(("stuck", destination))) => Self::Stuck(destination.to_owned()),
            (_, Some(("credentials", destination))) => Self::Credentials(destination.to_owned()),
            (_, Some(("limited", destination))) => Self::Limited(destination.to_owned()),
            (_, Some(("expiring", destination))) => Self::Expiring(destination.to_owned()),
            ("backlog", _) => Self::Backlog,
            ("quarantined", _) => Self::Quarantined,
            ("expiring", _) => Self::QuarantineExpiring,
            ("silent", _) => Self::Silent(0),
            _ if let Some(code) = Code::ALL.into_iter().find(|code| code.condition() == key) => {
                Self::TurnedAway(code, None)
            }
            _ => Self::Incident(Incident::ALL.into_iter().find(|incident| incident.name() == key)?),
        })
    }

    /// In words, with how many there are.
    pub(super) fn begins(&self, count: u32) -> String {
        let some = match count {
            1 => "a lead".to_owned(),
            _ => format!("at least {count} leads"),
        };
        match self {
            Self::Stuck(to) => format!("{some} for `{to}`, rejected or out of attempts, kept until you decide"),
            Self::Credentials(to) => {
                format!(
                    "nothing can be sent to `{to}`: it rejects the credentials or lacks a right, or a secret or setting is \
                     missing; its leads are kept and wait"
                )
            }
            Self::Limited(to) => {
                format!(
                    "`{to}` asks for a wait of an hour or more; its leads are kept and go after six hours at the latest"
                )
            }
            Self::Expiring(to) => {
                format!("leads for `{to}` that wait for you will be deleted: the oldest within a week")
            }
            Self::Backlog => "a lead has been pending for more than an hour; it is kept and retried".to_owned(),
            Self::Quarantined => format!("{some} in quarantine, suspected to be spam, kept until you release them"),
            Self::QuarantineExpiring => {
                "submissions in quarantine will be deleted: the oldest within a week".to_owned()
            }
            Self::Silent(days) => {
                let time = if *days == 1 { "a day".to_owned() } else { format!("{days} days") };
                format!("no lead has come for {time}, which is unusual for this form: open its page and send a test")
            }
            Self::TurnedAway(code, origin) => turned_away(*code, origin.as_deref()),
            Self::Incident(incident) => incident.begins().to_owned(),
        }
    }

    fn is_over(&self) -> String {
        match self {
            Self::Stuck(to) => format!("no lead for `{to}` waits for you any more"),
            Self::Credentials(to) => format!("`{to}` accepts leads again; what waited is on its way"),
            Self::Limited(to) => format!("the long wait for `{to}` is over"),
            Self::Expiring(to) => format!("no lead for `{to}` is about to be deleted any more"),
            Self::Backlog => "no lead has been pending for more than an hour any more".to_owned(),
            Self::Quarantined => "nothing is in quarantine any more".to_owned(),
            Self::QuarantineExpiring => "nothing in quarantine is about to be deleted any more".to_owned(),
            Self::Silent(_) => "the silence is over".to_owned(),
            Self::TurnedAway(..) => "most posts are accepted again".to_owned(),
            Self::Incident(incident) => incident.is_over().to_owned(),
        }
    }

    /// The path of the operator API that ends it or silences it.
    pub(super) fn remedy(&self, form: &str) -> Option<(&'static str, String)> {
        match self {
            Self::Stuck(_) | Self::Quarantined | Self::Silent(_) | Self::TurnedAway(..) => {
                Some(("Dismiss", format!("/api/alerts/{form}:{}/dismiss", self.key())))
            }
            Self::Limited(to) => Some(("End the wait", format!("/api/destinations/{to}/resume"))),
            _ => None,
        }
    }
}

/// What to change when most posts are turned away for this.
fn turned_away(code: Code, origin: Option<&str>) -> String {
    let (what, remedy) = match (code, origin) {
        (Code::Origin, Some(origin)) => {
            return format!(
                "posts are turned away: {origin} is not in `allowed_origins`; add it if it is your website"
            );
        }
        (Code::Origin, None) => (
            "come from a website that is not in `allowed_origins`, or from an unknown one",
            "list your website, and mind `require_origin`",
        ),
        (Code::Captcha, _) => {
            ("did not pass Turnstile", "check the site key on the page, and `hostnames` and `action` of `turnstile`")
        }
        (Code::Validation, _) => {
            ("were not valid", "compare `required` and `rules` with the fields of the page; the log has the codes")
        }
        (Code::Size, _) => ("were too large", "raise `max_body_bytes`, `max_fields` or `max_value_bytes`"),
        (Code::Rate, _) => ("were over a rate limit", "raise it in `[[ratelimits]]` if they are people"),
    };
    format!("more than half of the recent posts are turned away: most {what}; {remedy}")
}

/// What holds now, and how many there are of it.
pub type Holds = Map<Condition, u32>;

/// What the operator knows of once a message about `holds` is sent.
pub fn known_after(known: &Alerted, holds: &Holds) -> Alerted {
    let after = |(condition, count): (&Condition, &u32)| {
        let is_dismissed =
            known.get(&condition.key()).is_some_and(|known| known.is_dismissed && !has_grown(*known, *count));
        (condition.key(), Known { count: *count, is_dismissed })
    };
    holds.iter().map(after).collect()
}

/// What the operator knows of, when nothing is worth a message: fewer than before, so that growth is seen from there.
pub fn known_meanwhile(known: &Alerted, holds: &Holds) -> Alerted {
    let mut meanwhile = known.clone();
    meanwhile.retain(|key, known| {
        let count = Condition::from_key(key).and_then(|condition| holds.get(&condition));
        known.count = known.count.min(count.copied().unwrap_or(known.count));
        count.is_some() || !known.is_dismissed
    });
    meanwhile
}

fn has_grown(known: Known, count: u32) -> bool {
    // Up to a limit, beyond which nothing is counted.
    count >= known.count.saturating_mul(2).min(u32::try_from(MOST).unwrap_or(u32::MAX)) && count > known.count
}

/// The message about what changed between what the operator knows and what `holds` now, in Slack's format
/// (`{"text": …}`); `None` when nothing changed. `base` is the Worker's address, once a request has told it.
pub fn message(form: &str, base: Option<&str>, known: &Alerted, holds: &Holds) -> Option<Json> {
    let is_news = |(condition, count): &(&Condition, &u32)| {
        known.get(&condition.key()).is_none_or(|known| has_grown(*known, **count))
    };
    let begun: Vec<(&Condition, &u32)> = holds.iter().filter(is_news).collect();
    let over = known.iter().filter(|(_, known)| !known.is_dismissed).filter_map(|(key, _)| Condition::from_key(key));
    let over = over.filter(|condition| !holds.contains_key(condition));
    let mut lines: Vec<String> =
        begun.iter().map(|(condition, count)| format!("⚠️ {}", condition.begins(**count))).collect();
    lines.extend(over.map(|condition| format!("✅ {}", condition.is_over())));
    if !begun.is_empty() {
        let base = base.unwrap_or_default();
        let curl = "curl -H \"Authorization: Bearer $ADMIN_TOKEN\"";
        lines.push(format!("Which and why: {curl} \"{base}/api/submissions?form={form}\""));
        let remedies = begun.iter().filter_map(|(condition, _)| condition.remedy(form));
        lines.extend(remedies.map(|(what, path)| format!("{what}: {curl} -X POST {base}{path}")));
    }
    (!lines.is_empty()).then(|| json!({ "text": format!("formcourier, form `{form}`:\n{}", lines.join("\n")) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Option<&str> = Some("https://forms.example.com");

    fn holds(conditions: &[(Condition, u32)]) -> Holds {
        conditions.iter().cloned().collect()
    }

    fn text(known: &Alerted, holds: &Holds) -> Option<String> {
        let message = message("contact", BASE, known, holds)?;
        message["text"].as_str().map(str::to_owned)
    }

    #[test]
    fn one_message_tells_what_began_and_what_is_over_with_commands_to_run() {
        let first = holds(&[(Condition::Backlog, 1), (Condition::Limited("crm".into()), 1)]);
        let told = known_after(&Alerted::new(), &first);
        let second = holds(&[(Condition::Stuck("crm".into()), 3), (Condition::Limited("crm".into()), 1)]);
        let curl = "curl -H \"Authorization: Bearer $ADMIN_TOKEN\"";
        let host = "https://forms.example.com";
        let expected = format!(
            "formcourier, form `contact`:\n\
             ⚠️ at least 3 leads for `crm`, rejected or out of attempts, kept until you decide\n\
             ✅ no lead has been pending for more than an hour any more\n\
             Which and why: {curl} \"{host}/api/submissions?form=contact\"\n\
             Dismiss: {curl} -X POST {host}/api/alerts/contact:stuck:crm/dismiss"
        );
        assert_eq!(text(&told, &second), Some(expected));
        let over = "formcourier, form `contact`:\n✅ no lead has been pending for more than an hour any more\n✅ the long \
                    wait for `crm` is over";
        assert_eq!(text(&told, &Holds::new()).as_deref(), Some(over));
        assert_eq!(text(&told, &first), None);
        assert!(text(&Alerted::new(), &first).unwrap().contains(&format!("{host}/api/destinations/crm/resume")));
    }

    #[test]
    fn what_grows_is_repeated_each_time_it_has_doubled_and_what_was_dismissed_ends_silently() {
        let stuck = || Condition::Stuck("crm".into());
        let mut known = Alerted::new();
        let mut told = Vec::new();
        for count in (1..=13).chain([4, 5, 7, 8, 9, 1000, 1000]) {
            let now = holds(&[(stuck(), count)]);
            if text(&known, &now).is_some() {
                told.push(count);
                known = known_after(&known, &now);
            } else {
                known = known_meanwhile(&known, &now);
            }
        }
        // After some were released, growth counts from the fewest.
        assert_eq!(told, [1, 2, 4, 8, 8, 1000]);

        let dismissed = Alerted::from_iter([(stuck().key(), Known { count: 3, is_dismissed: true })]);
        for (count, is_told) in [(3, false), (5, false), (6, true), (1, false)] {
            assert_eq!(text(&dismissed, &holds(&[(stuck(), count)])).is_some(), is_told, "{count}");
        }
        assert_eq!(text(&dismissed, &Holds::new()), None);
        assert_eq!(known_meanwhile(&dismissed, &Holds::new()), Alerted::new());
        let again = known_after(&dismissed, &holds(&[(stuck(), 6)]));
        assert_eq!(again.get(&stuck().key()), Some(&Known { count: 6, is_dismissed: false }));
    }

    #[test]
    fn stored_words_have_not_drifted() {
        let named = [Condition::Stuck, Condition::Credentials, Condition::Limited, Condition::Expiring];
        let mut conditions: Vec<Condition> = named.into_iter().map(|condition| condition("b-c".into())).collect();
        conditions.extend([Condition::Backlog, Condition::Quarantined, Condition::QuarantineExpiring]);
        conditions.push(Condition::Silent(3));
        conditions.extend(Code::ALL.map(|code| Condition::TurnedAway(code, Some("https://a.example".into()))));
        conditions.extend(Incident::ALL.map(Condition::Incident));
        let keys: Vec<String> = conditions.iter().map(Condition::key).collect();
        let stored = "stuck:b-c credentials:b-c limited:b-c expiring:b-c backlog quarantined expiring silent \
                      refused_origin refused_captcha refused_validation refused_size refused_rate unverified unavailable full \
                      unread";
        assert_eq!(keys.join(" "), stored);
        for condition in conditions {
            assert_eq!(Condition::from_key(&condition.key()), Some(condition));
        }
        assert_eq!(Condition::from_key("other"), None);
    }
}
