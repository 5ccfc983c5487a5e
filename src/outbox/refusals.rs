//! What is stored of posts that were turned away: the counts of each day, for statistics, and the recent ones, for an alert.
//!
//! An isolate counts and sends a note every ten seconds; a row is written once a minute, however many there were. So counts
//! are "at least": what an isolate or an object had in memory when it was evicted is missing.

use serde_json::json;

use crate::config::Lookup;
use crate::domain::submission::floor;

use super::alerts::Incident;
use super::core::{Outbox, Result};
use super::days::day_of;
use super::store::{Columns, Result as Stored, Store, count};
use super::turned_away::{Code, Counts, Note, POSTS, RECENT_MS, Tally, add};

/// A row is written once in this time, in milliseconds.
const WRITE_MS: i64 = 60 * 1000;

/// How long a day's counts are kept, in milliseconds.
const KEEP_MS: i64 = 90 * 24 * 60 * 60 * 1000;

impl Outbox {
    /// An isolate turned posts away. Returns whether that is news, which the alarm takes care of now.
    pub fn turned_away(&self, note: &Note) -> Result<bool> {
        if note.is_unavailable {
            self.happened(Incident::Unavailable)?;
        }
        let now = self.host.now();
        let before = self.turns_away()?;
        let mut tally = self.tally()?;
        tally.add(note, now);
        let is_due = tally.written_at + WRITE_MS <= now;
        self.run.borrow_mut().turned_away = Some(tally);
        if is_due {
            self.write_turned_away()?;
        }
        let is_news = note.is_unavailable || before.is_some() != self.turns_away()?.is_some();
        self.run.borrow_mut().is_news |= is_news;
        Ok(is_news)
    }

    /// Writes what was counted, if that is due.
    pub(super) fn write_turned_away(&self) -> Result<()> {
        let now = self.host.now();
        let Some(mut tally) = self.run.borrow().turned_away.clone() else { return Ok(()) };
        // Each post that is accepted may end it.
        self.run.borrow_mut().is_news |= tally.is_excess;
        if tally.unwritten == Counts::default() || tally.written_at + WRITE_MS > now {
            return Ok(());
        }
        let unwritten = std::mem::take(&mut tally.unwritten);
        tally.written_at = now;
        self.store.add_refused(&unwritten, &tally, now)?;
        self.run.borrow_mut().turned_away = Some(tally);
        Ok(())
    }

    /// When the next writing is due.
    pub(super) fn turned_away_at(&self) -> Option<i64> {
        let run = self.run.borrow();
        let tally = run.turned_away.as_ref().filter(|tally| tally.unwritten != Counts::default())?;
        Some(tally.written_at + WRITE_MS)
    }

    /// Why more than half of the recent posts were turned away, if they were, and the website that was refused last.
    pub(super) fn turns_away(&self) -> Result<Option<(Code, Option<String>)>> {
        let (now, tally) = (self.host.now(), self.tally()?);
        if tally.recent_until().is_none_or(|until| until <= now) {
            return Ok(None);
        }
        // This shard gets every note, and a part of the submissions.
        let shards = match self.config.form(&self.form) {
            Lookup::Found(form) => usize::try_from(form.shards).unwrap_or(1),
            Lookup::Broken | Lookup::Unknown => 1,
        };
        let accepted = self.store.accepted_since(now - RECENT_MS, POSTS)?;
        let accepted = accepted.into_iter().flat_map(|at| std::iter::repeat_n(at, shards));
        let excess = tally.excess(accepted, now);
        if let Some(tally) = &mut self.run.borrow_mut().turned_away {
            tally.is_excess = excess.is_some();
        }
        Ok(excess.map(|code| (code, tally.origin)))
    }

    /// When they are no longer recent.
    pub(super) fn turned_away_until(&self) -> Option<i64> {
        let run = self.run.borrow();
        run.turned_away.as_ref()?.recent_until()
    }

    fn tally(&self) -> Result<Tally> {
        if let Some(tally) = &self.run.borrow().turned_away {
            return Ok(tally.clone());
        }
        let tally = self.store.tally()?;
        self.run.borrow_mut().turned_away = Some(tally.clone());
        Ok(tally)
    }
}

impl Store {
    fn tally(&self) -> Stored<Tally> {
        let state = self.texts("SELECT state FROM refusal ORDER BY day DESC LIMIT 1", &[])?.pop();
        Ok(state.and_then(|json| serde_json::from_str(&json).ok()).map(Tally::read).unwrap_or_default())
    }

    /// Adds to the day's counts: one row. The first ones of a day also clear away: only the newest row names a website.
    fn add_refused(&self, counts: &Counts, tally: &Tally, now: i64) -> Stored<()> {
        let (day, oldest) = (day_of(now), day_of(now - KEEP_MS));
        self.transaction(|| {
            let stored = self.texts("SELECT counts FROM refusal WHERE day = ?", &[day.as_str().into()])?.pop();
            let is_first = stored.is_none();
            let mut all: Counts = stored.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
            add(&mut all, counts);
            let (all, state) = (json!(all).to_string(), json!(tally.stored()).to_string());
            self.run(
                "INSERT INTO refusal (day, counts, state) VALUES (?, ?, ?)
                 ON CONFLICT (day) DO UPDATE SET counts = excluded.counts, state = excluded.state",
                &[day.as_str().into(), all.into(), state.into()],
            )?;
            if is_first {
                self.run("UPDATE refusal SET state = NULL WHERE day < ?", &[day.as_str().into()])?;
                self.run("DELETE FROM refusal WHERE day < ?", &[oldest.as_str().into()])?;
            }
            Ok(())
        })
    }

    /// The counts of the days from this one on.
    pub(super) fn refused_since(&self, day: &str) -> Stored<Vec<(String, Counts)>> {
        let read = |row| {
            let mut columns = Columns::new(row);
            let day = columns.text()?;
            Some((day, serde_json::from_str(&columns.text()?).ok()?))
        };
        let rows = self.database.query("SELECT day, counts FROM refusal WHERE day >= ?", &[day.into()])?;
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// When the newest submissions came in, since a moment.
    fn accepted_since(&self, since: i64, limit: usize) -> Stored<Vec<i64>> {
        let sql = "SELECT received_at FROM submission WHERE id >= ? ORDER BY id DESC LIMIT ?";
        let rows = self.database.query(sql, &[floor(since).into(), count(limit)])?;
        Ok(rows.into_iter().map(|row| Columns::new(row).integer()).collect())
    }
}
