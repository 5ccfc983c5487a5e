//! Alerts: what the operator has to know, said once when it begins and once when it is over, never once a lead.
//!
//! A message holds names of the configuration and nothing of a visitor.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

/// The secret that holds the address of the operator's webhook.
pub const URL_SECRET: &str = "ALERT_WEBHOOK_URL";

/// The operator is alerted to a backlog when the oldest pending submission is this old, in milliseconds.
pub const BACKLOG_MS: i64 = 60 * 60 * 1000;

/// [`Condition::Unverified`] ends this long after the last submission that could not be verified, in milliseconds.
pub const UNVERIFIED_MS: i64 = 60 * 60 * 1000;

/// Something that a person should know of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Deliveries to this destination were rejected or exhausted: they wait for a person.
    Stuck(String),
    /// Nothing can be sent to this destination: bad credentials, a missing right, or a missing secret or setting.
    Credentials(String),
    /// A lead has been pending for an hour.
    Backlog,
    /// Turnstile does not answer, rejects the Worker itself, or does not fit the form: real people wait in quarantine.
    Unverified,
}

impl Condition {
    /// As it is stored.
    pub fn key(&self) -> String {
        match self {
            Self::Stuck(destination) => format!("stuck:{destination}"),
            Self::Credentials(destination) => format!("credentials:{destination}"),
            Self::Backlog => "backlog".to_owned(),
            Self::Unverified => "unverified".to_owned(),
        }
    }

    /// From what is stored; `None` for a word of another version.
    pub fn from_key(key: &str) -> Option<Self> {
        match key.split_once(':') {
            Some(("stuck", destination)) => Some(Self::Stuck(destination.to_owned())),
            Some(("credentials", destination)) => Some(Self::Credentials(destination.to_owned())),
            None if key == "backlog" => Some(Self::Backlog),
            None if key == "unverified" => Some(Self::Unverified),
            _ => None,
        }
    }

    fn begins(&self) -> String {
        match self {
            Self::Stuck(to) => format!("leads for `{to}` were rejected or ran out of attempts; they are kept and wait for you"),
            Self::Credentials(to) => {
                format!(
                    "nothing can be sent to `{to}`: it rejects the credentials or lacks a right, or a secret or setting is \
                     missing; its leads are kept and wait"
                )
            }
            Self::Backlog => "a lead has been pending for more than an hour; it is kept and retried".to_owned(),
            Self::Unverified => {
                "Turnstile does not answer, rejects TURNSTILE_SECRET, or was passed on a website or for an action that the \
                 form does not list; submissions are quarantined as `unverified` and wait for you to release them"
                    .to_owned()
            }
        }
    }

    fn is_over(&self) -> String {
        match self {
            Self::Stuck(to) => format!("no lead for `{to}` waits for you any more"),
            Self::Credentials(to) => format!("`{to}` accepts leads again; what waited is on its way"),
            Self::Backlog => "no lead has been pending for more than an hour any more".to_owned(),
            Self::Unverified => {
                "every submission of the last hour was verified; those in quarantine still wait".to_owned()
            }
        }
    }
}

/// The message about what changed between what the operator knows and what `holds` now, in Slack's format
/// (`{"text": …}`); `None` when nothing changed.
pub fn message(form: &str, known: &BTreeSet<Condition>, holds: &BTreeSet<Condition>) -> Option<Json> {
    let begun = holds.difference(known).map(|condition| format!("⚠️ {}", condition.begins()));
    let over = known.difference(holds).map(|condition| format!("✅ {}", condition.is_over()));
    let mut lines: Vec<String> = begun.chain(over).collect();
    if holds.difference(known).next().is_some() {
        lines.push(format!("Which and why: GET /api/forms/{form}/submissions"));
    }
    (!lines.is_empty()).then(|| json!({ "text": format!("formcourier, form `{form}`:\n{}", lines.join("\n")) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(conditions: &[Condition]) -> BTreeSet<Condition> {
        conditions.iter().cloned().collect()
    }

    #[test]
    fn one_message_tells_what_began_and_what_is_over() {
        let told = set(&[Condition::Backlog, Condition::Stuck("crm".into())]);
        let holds = set(&[Condition::Credentials("crm".into()), Condition::Stuck("crm".into())]);
        assert_eq!(
            message("contact", &told, &holds),
            Some(json!({ "text": "formcourier, form `contact`:\n\
                ⚠️ nothing can be sent to `crm`: it rejects the credentials or lacks a right, or a secret or \
                setting is missing; its leads are kept and wait\n\
                ✅ no lead has been pending for more than an hour any more\n\
                Which and why: GET /api/forms/contact/submissions" }))
        );
        let over = "formcourier, form `contact`:\n✅ no lead for `crm` waits for you any more\n✅ no lead has been pending for \
                    more than an hour any more";
        assert_eq!(message("contact", &told, &set(&[])), Some(json!({ "text": over })));
        assert_eq!(message("contact", &holds, &holds), None);
    }

    #[test]
    fn stored_words_have_not_drifted() {
        let conditions = [
            Condition::Stuck("a".into()),
            Condition::Credentials("b-c".into()),
            Condition::Backlog,
            Condition::Unverified,
        ];
        let keys = conditions.clone().map(|condition| condition.key());
        assert_eq!(keys, ["stuck:a", "credentials:b-c", "backlog", "unverified"]);
        for condition in conditions {
            assert_eq!(Condition::from_key(&condition.key()), Some(condition));
        }
        assert_eq!(Condition::from_key("other"), None);
    }
}
