//! What an Outbox has to do and when: its destinations, which of them can be sent to, and when the next alarm is due.

use std::rc::Rc;

use sha2::{Digest, Sha256};
use worker::{Env, Result};

use crate::config::names::secret_name;
use crate::config::{Config, CrmOptions};
use crate::crm::Trouble;
use crate::delivery::obstacle::obstacle;
use crate::delivery::slots::Lane;
use crate::edge::store::Store;
use crate::edge::{clock, environment};

/// How often an Outbox looks whether what keeps its deliveries from their destination is gone. A deploy does not call the
/// object; a submission or the operator's view does, and then it looks at once.
const LOOK_AGAIN_MS: i64 = 10 * 60 * 1000;

/// What an Outbox has to do.
pub struct Agenda {
    /// The Outbox's own name.
    pub outbox: String,
    /// The form whose Outbox it is.
    pub form: String,
    /// The Worker's environment.
    pub env: Env,
    /// Its config.
    pub config: Rc<Config>,
    /// The tables.
    pub store: Store,
}

impl Agenda {
    /// The destinations that can be sent to and have something waiting, and among how many the slots are shared.
    pub fn open_lanes(&self) -> Result<(Vec<Lane>, usize)> {
        let Some(form) = self.config.forms.get(&self.form) else { return Ok((Vec::new(), 0)) };
        let mut lanes = Vec::new();
        let mut sharing = 0;
        for row in self.store.lanes()? {
            let is_done_with = row.next_at.is_none() && !form.destinations.contains(&row.name);
            if is_done_with || self.obstacle(&row.name).is_some() {
                continue;
            }
            sharing += 1;
            let waiting = |next_at| Lane { destination: row.name, next_at, paused_until: row.paused_until };
            lanes.extend(row.next_at.map(waiting));
        }
        Ok((lanes, sharing))
    }

    /// When the next alarm has to be. Deliveries that cannot be sent anywhere are told why on the way.
    pub fn next_alarm(&self) -> Result<Option<i64>> {
        let (lanes, _) = self.open_lanes()?;
        let mut next = lanes.iter().map(Lane::ready_at).min();
        for row in self.store.lanes()?.into_iter().filter(|row| row.next_at.is_some()) {
            if let Some(trouble) = self.obstacle(&row.name) {
                self.store.strand(&row.name, &trouble)?;
                let look_again = clock::now() + LOOK_AGAIN_MS;
                next = Some(next.map_or(look_again, |next| next.min(look_again)));
            }
        }
        Ok(next)
    }

    /// A mark that changes with the credentials of a destination and with what is configured of it (the region, or the
    /// address, may be what was wrong), and tells nothing of either: sixteen bits of a digest.
    pub fn credentials(&self, destination: &str) -> String {
        let crm = self.config.destination(destination).map(|found| &found.crm);
        let names = crm.map_or(&[][..], CrmOptions::secrets);
        let secrets = names.iter().filter_map(|name| environment::secret(&self.env, &secret_name(destination, name)));
        let config = Sha256::new_with_prefix(format!("{crm:?}"));
        let digest = secrets.fold(config, |digest, secret| digest.chain_update(secret).chain_update("\n"));
        let mark = digest.finalize().iter().take(2).fold(0_u32, |mark, byte| (mark << 8) | u32::from(*byte));
        format!("{mark:04x}")
    }

    /// Lets go of destinations that are parked with credentials which have been changed since: they are tried at once.
    pub fn unpark(&self) -> Result<()> {
        for lane in self.store.lanes()? {
            let parking = self.store.parking(&lane.name)?;
            if parking.is_some_and(|parking| parking.is_outdated(&self.credentials(&lane.name))) {
                self.store.probe_at_once(&lane.name, clock::now())?;
            }
        }
        Ok(())
    }

    /// What keeps deliveries from `destination`, if anything does.
    pub fn obstacle(&self, destination: &str) -> Option<Trouble> {
        let is_set = |secret: &str| environment::secret(&self.env, secret).is_some();
        obstacle(&self.config, &self.form, destination, is_set)
    }
}
