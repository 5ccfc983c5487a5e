//! `erase_delivered`: once every destination has a submission, what the visitor wrote goes. Its id, its times, the ids of its
//! records and what recognizes a repeat stay.

use serde_json::Value as Json;

use crate::config::Lookup;
use crate::connectors::Progress;
use crate::delivery::{Delivery, State};
use crate::domain::{Fields, Submission};

use super::core::Outbox;
use super::store::{Result, Store, to_json};

impl Outbox {
    /// Strips a submission if its form wants that and this delivery, which is stored, was the last one.
    pub(super) fn strip_delivered(&self, delivery: &Delivery) -> Result<()> {
        if self.strips(delivery) { self.store.strip_delivered(&delivery.submission_id) } else { Ok(()) }
    }

    /// Whether the form wants that, and this delivery is delivered.
    pub(super) fn strips(&self, delivery: &Delivery) -> bool {
        let wants = matches!(self.config.form(&self.form), Lookup::Found(form) if form.erase_delivered);
        delivery.state == State::Delivered && wants
    }
}

impl Store {
    fn strip_delivered(&self, id: &str) -> Result<()> {
        let deliveries = self.deliveries(id)?;
        let is_done = |delivery: &Delivery| {
            // A vendor that took nothing of the message leaves it to a person to read it here.
            delivery.state == State::Delivered && !delivery.record.as_ref().is_some_and(|record| record.message_missing)
        };
        let Some(submission) = self.submission(id)?.filter(|_| deliveries.iter().all(is_done)) else { return Ok(()) };
        for stored in deliveries {
            let mut delivery = stored.clone();
            // The vendor's words may be the visitor's.
            delivery.progress = Progress::<Json>::default();
            delivery.record = delivery.record.map(|record| crate::connectors::RecordRef { note: None, ..record });
            for attempt in &mut delivery.timeline {
                attempt.detail.clear();
            }
            self.save(&delivery, &stored)?;
        }
        let bare = Submission {
            fields: Fields::default(),
            page: None,
            country: None,
            locale: None,
            ignored: Vec::new(),
            ..submission
        };
        // The digest of the fields could be guessed at; only a key needs it, to tell a repeat from a mistake.
        self.run(
            "UPDATE submission SET body = ?, fields = '', bytes = 0, reasons = '[]',
               digest = iif(idempotency_key IS NULL, '', digest) WHERE id = ?",
            &[to_json(&bare)?.into(), id.into()],
        )
    }
}
