//! Console sessions in the registry: their epoch, and the wrong attempts at `ADMIN_TOKEN`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::operator::attempts::Attempts;

use super::client::Session;
use super::core::{Outbox, OutboxError, Result};

/// The note of the sessions' epoch.
const EPOCH: &str = "session_epoch";

/// The note of wrong attempts.
const ATTEMPTS: &str = "wrong_attempts";

impl Outbox {
    /// What checks a session. Of an attempt with `ADMIN_TOKEN`, `client` is its network; a wrong one is counted.
    pub fn session(&self, client: Option<&str>, is_wrong: bool) -> Result<Session> {
        let key = self.deployment_key()?;
        let now = self.host.now();
        let refused_until = match client {
            Some(client) => {
                // No address is stored.
                let client = URL_SAFE_NO_PAD.encode(key.sign("client", &[client.as_bytes()]));
                let stored = self.store.note(ATTEMPTS)?;
                let mut attempts: Attempts =
                    stored.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
                if is_wrong {
                    attempts.count(&client, now);
                    let json = serde_json::to_string(&attempts);
                    let json = json.map_err(|error| OutboxError::Platform(error.to_string()))?;
                    self.store.set_note(ATTEMPTS, Some(&json))?;
                }
                attempts.refused_until(&client, now)
            }
            None => None,
        };
        Ok(Session { key: key.text().to_owned(), epoch: self.epoch()?, refused_until })
    }

    /// Ends every session.
    pub fn end_sessions(&self) -> Result<()> {
        Ok(self.store.set_note(EPOCH, Some(&(self.epoch()? + 1).to_string()))?)
    }

    fn epoch(&self) -> Result<i64> {
        Ok(self.store.time_note(EPOCH)?.unwrap_or(0))
    }
}
