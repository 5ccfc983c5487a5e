//! Wrong attempts at `ADMIN_TOKEN`, counted per client network in the registry: it is one object, so the count holds across
//! isolates and restarts.

use serde::{Deserialize, Serialize};

/// Wrong attempts that a client has within [`WINDOW_MS`].
const MOST: u32 = 10;

/// How long a wrong attempt counts, from the client's first one on, in milliseconds.
const WINDOW_MS: i64 = 10 * 60 * 1000;

/// The most clients that are remembered; beyond it, the earliest is forgotten.
const CLIENTS: usize = 500;

/// A client that was wrong lately: a digest of its network, how often it was, and since when.
type Client = (String, u32, i64);

/// The clients that were wrong lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts(Vec<Client>);

impl Attempts {
    /// Until when a client is refused; `None` while it may try.
    pub fn refused_until(&self, client: &str, now: i64) -> Option<i64> {
        let (_, count, since) = self.0.iter().find(|(name, ..)| name == client)?;
        Some(since + WINDOW_MS).filter(|until| *count >= MOST && *until > now)
    }

    /// Counts a wrong attempt.
    pub fn count(&mut self, client: &str, now: i64) {
        self.0.retain(|(_, _, since)| *since + WINDOW_MS > now);
        if let Some((_, count, _)) = self.0.iter_mut().find(|(name, ..)| name == client) {
            *count += 1;
            return;
        }
        // They are in the order of time.
        if self.0.len() >= CLIENTS {
            self.0.remove(0);
        }
        self.0.push((client.to_owned(), 1, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_wrong_attempts_close_the_door_to_one_client_for_the_rest_of_ten_minutes() {
        let mut attempts = Attempts::default();
        for at in 0..9 {
            attempts.count("a", at);
        }
        assert_eq!(attempts.refused_until("a", 9), None);
        attempts.count("a", 9);
        assert_eq!(attempts.refused_until("a", 9), Some(WINDOW_MS));
        assert_eq!(attempts.refused_until("b", 9), None);
        assert_eq!(attempts.refused_until("a", WINDOW_MS), None);
        attempts.count("a", WINDOW_MS);
        assert_eq!(attempts.0, [("a".to_owned(), 1, WINDOW_MS)]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut attempts = Attempts::default();
        for at in 0..1000 {
            attempts.count(&at.to_string(), at);
        }
        assert_eq!((attempts.0.len(), attempts.0[CLIENTS - 1].0.as_str()), (CLIENTS, "999"));
    }
}
