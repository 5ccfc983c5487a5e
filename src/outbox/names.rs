//! Which Outboxes a Form has: one, or `shards` of them, and an overflow. Names are the identity of stored objects, so
//! they never change once they were used: shard 0 of `contact` is `contact`, the others are `contact~1`, `contact~2`, …,
//! the overflow is `contact~overflow`. A form's own name has no `~` in it.

use sha2::{Digest, Sha256};

use crate::intake::{Form, NewSubmission};

/// The object in which every Outbox registers itself, so that none is forgotten when the config changes.
pub const REGISTRY: &str = "~registry";

const OVERFLOW: &str = "overflow";

/// The Outboxes that a form has by its config, shards first, the overflow last.
pub fn of_form(form: &str, shards: u32) -> Vec<String> {
    (0..shards.max(1)).map(|shard| name(form, shard)).chain([overflow(form)]).collect()
}

/// The Outbox for what carries this text (an idempotency key, or the visitor's fingerprint): the same text always comes
/// to the same one, so that a repeat is seen, as long as `shards` stays what it is.
pub fn for_text(form: &str, shards: u32, text: &str) -> String {
    if shards <= 1 {
        return form.to_owned();
    }
    let digest = Sha256::digest(text.as_bytes());
    let number = digest.iter().take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    name(form, number % shards)
}

/// The Outbox of a submission, by the form's current shards.
pub fn for_submission(form: &Form, new: &NewSubmission) -> String {
    let text = new.key.as_ref().or(new.visitor.as_ref()).unwrap_or(&new.submission.id);
    for_text(&form.name, form.shards, text)
}

/// Where a submission goes when its own Outbox does not take it.
pub fn overflow(form: &str) -> String {
    format!("{form}~{OVERFLOW}")
}

/// Whether an Outbox is a form's overflow.
pub fn is_overflow(outbox: &str) -> bool {
    outbox.split_once('~').is_some_and(|(_, part)| part == OVERFLOW)
}

/// The form that an Outbox belongs to.
pub fn form_of(outbox: &str) -> &str {
    outbox.split('~').next().unwrap_or(outbox)
}

fn name(form: &str, shard: u32) -> String {
    if shard == 0 { form.to_owned() } else { format!("{form}~{shard}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_stored_objects_have_not_drifted() {
        assert_eq!(of_form("contact-us", 1), ["contact-us", "contact-us~overflow"]);
        assert_eq!(of_form("contact", 3), ["contact", "contact~1", "contact~2", "contact~overflow"]);
        assert_eq!(of_form("contact", 0), ["contact", "contact~overflow"]);
        assert_eq!(for_text("contact", 1, "any"), "contact");
        assert_eq!(["a", "b", "c", "d"].map(|text| for_text("contact", 4, text)).concat(), FOUR);
        assert_eq!(["a", "b", "c", "d"].map(|text| for_text("contact", 3, text)).concat(), THREE);
    }

    /// Where four texts go among four shards, and among three: a change here would strand every idempotency key in use.
    const FOUR: &str = "contact~2contact~2contact~3contact~3";
    const THREE: &str = "contact~2contactcontact~2contact~1";

    #[test]
    fn an_outbox_knows_its_form() {
        for outbox in ["contact", "contact~7", "contact~overflow"] {
            assert_eq!(form_of(outbox), "contact");
        }
    }

    #[test]
    fn texts_spread_over_the_shards() {
        let mut counts = std::collections::BTreeMap::new();
        for number in 0..1000 {
            *counts.entry(for_text("hot", 4, &number.to_string())).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 4);
        assert!(counts.values().all(|count| *count > 200), "{counts:?}");
    }
}
