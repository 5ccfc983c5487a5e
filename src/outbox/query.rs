//! Finds submissions for the operator: newest first, in parts that stay small whatever is stored.
//!
//! Leads that wait for a person are rare, and an index finds them. A text search scans: each page of the list reads a bounded
//! number of rows and says how far it came, so accepting a submission maintains no search index.

use serde::{Deserialize, Serialize};

use crate::delivery::State;
use crate::domain::sorted::Set;
use crate::domain::submission::floor;

use super::core::{Outbox, Result};
use super::store::{self, Store, count};
use super::view::SubmissionView;

/// Rows that one statement searches for a text.
const SCAN_ROWS: usize = 10_000;

/// Statements that search for a text in one part of a list.
const SCANS: usize = 5;

/// Submissions that one part of a list looks at.
const LOOKS: usize = 1000;

/// The longest pattern that the platform's SQLite takes, in bytes; what is found is compared in full.
const PATTERN_BYTES: usize = 50;

/// The lower bound of every id, and the upper one: `g` sorts after every hexadecimal digit.
const LOWEST: &str = "";
const HIGHEST: &str = "g";

/// Which submissions are meant. What is left out matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// One of the deliveries is in one of these states.
    pub states: Vec<State>,
    /// That delivery goes to this destination.
    pub destination: Option<String>,
    /// This text is in a value, in the page's address or is the id; upper and lower case are the same.
    pub text: Option<String>,
    /// A value is this address.
    pub person: Option<String>,
    /// Received at this moment or later, milliseconds since 1970.
    pub since: Option<i64>,
    /// Received at this moment or earlier.
    pub until: Option<i64>,
}

/// A part of a list, newest first.
#[derive(Debug, Default, Serialize)]
pub struct Page {
    /// The submissions.
    pub submissions: Vec<SubmissionView>,
    /// The list continues below this id; `None` when this is all.
    pub next: Option<String>,
}

/// Ids that may match, newest first.
struct Candidates {
    ids: Vec<String>,
    /// Others follow below this id; `None` when these are all.
    next: Option<String>,
}

impl Filter {
    /// Whether a delivery in `state` to `destination` is meant.
    pub fn means(&self, state: State, destination: &str) -> bool {
        (self.states.is_empty() || self.states.contains(&state))
            && self.destination.as_deref().is_none_or(|name| name == destination)
    }

    /// Whether the filter matches. Ids tell the time, so the bounds of time are kept by the statements.
    pub fn matches(&self, view: &SubmissionView) -> bool {
        let is_any = self.states.is_empty() && self.destination.is_none();
        let mut deliveries = view.deliveries.iter();
        (is_any || deliveries.any(|delivery| self.means(delivery.state, &delivery.destination)))
            && self.text.as_deref().is_none_or(|text| has_text(view, text))
            && self.person.as_deref().is_none_or(|person| is_of(view, person))
    }

    fn needle(&self) -> Option<&str> {
        self.person.as_deref().or(self.text.as_deref())
    }

    /// The states by which the submissions are found; empty when delivered ones, the most, are among them.
    fn rare_states(&self) -> &[State] {
        if self.states.contains(&State::Delivered) { &[] } else { &self.states }
    }

    fn lowest(&self) -> String {
        self.since.map_or_else(|| LOWEST.to_owned(), floor)
    }

    fn highest(&self, before: Option<&str>) -> String {
        let before = before.unwrap_or(HIGHEST).to_owned();
        match self.until {
            Some(until) => before.min(floor(until.saturating_add(1))),
            None => before,
        }
    }
}

fn has_text(view: &SubmissionView, text: &str) -> bool {
    let text = text.to_lowercase();
    let values = view.fields.0.iter().map(|(_, value)| value).chain(&view.page);
    view.id == text || values.map(|value| value.to_lowercase()).any(|value| value.contains(&text))
}

/// Whether the submission is this person's: a value is the address.
fn is_of(view: &SubmissionView, address: &str) -> bool {
    view.fields.0.iter().any(|(_, value)| value.trim().eq_ignore_ascii_case(address))
}

/// A pattern that matches at least where the text is. SQLite knows upper and lower case of ASCII only, so other letters that
/// have both match anything.
fn pattern(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for c in text.chars() {
        let piece = match c {
            '%' | '_' | '!' => format!("!{c}"),
            _ if c.is_ascii() || !(c.is_lowercase() || c.is_uppercase()) => c.to_string(),
            _ => "%".to_owned(),
        };
        if pattern.len() + piece.len() >= PATTERN_BYTES {
            break;
        }
        pattern.push_str(&piece);
    }
    if pattern.len() > 1 {
        pattern.push('%');
    }
    pattern
}

impl Outbox {
    /// A part of the list, of at most `limit` submissions and about `bytes` of JSON. One that cannot be read hides no other.
    pub fn list(&self, filter: &Filter, before: Option<&str>, limit: usize, bytes: usize) -> Result<Page> {
        let mut page = Page::default();
        let (mut size, mut looks, mut parts) = (0, 0, 0);
        let mut high = filter.highest(before);
        // Without other conditions than states, each candidate matches.
        let is_selective = filter.rare_states().is_empty() && !filter.states.is_empty();
        let is_selective = is_selective || filter.destination.is_some() || filter.needle().is_some();
        let chunk = if is_selective { LOOKS } else { LOOKS.min(limit + 1) };
        loop {
            let candidates = self.candidates(filter, &high, chunk)?;
            for id in candidates.ids {
                if page.submissions.len() >= limit || size >= bytes || looks >= LOOKS {
                    page.next = Some(high);
                    return Ok(page);
                }
                looks += 1;
                match self.view(&id) {
                    Ok(Some(view)) if filter.matches(&view) => {
                        size += serde_json::to_string(&view).map_or(0, |text| text.len());
                        page.submissions.push(view);
                    }
                    Ok(_) => {}
                    Err(error) => self.log_failure("submissions", Some(&id), &error),
                }
                high = id;
            }
            let Some(next) = candidates.next else { return Ok(page) };
            high = next;
            parts += 1;
            if parts >= SCANS && filter.needle().is_some() {
                page.next = Some(high);
                return Ok(page);
            }
        }
    }

    fn candidates(&self, filter: &Filter, high: &str, chunk: usize) -> Result<Candidates> {
        let low = filter.lowest();
        if !filter.rare_states().is_empty() {
            return Ok(self.in_states(filter, high, &low, chunk)?);
        }
        Ok(match filter.needle() {
            Some(needle) => self.store.with_text(&pattern(needle), high, &low)?,
            None => self.store.newest(high, &low, chunk)?,
        })
    }

    /// The submissions with a delivery in one of the rare states, merged of a list for each.
    fn in_states(&self, filter: &Filter, high: &str, low: &str, chunk: usize) -> store::Result<Candidates> {
        let mut lists = Vec::new();
        let states = filter.rare_states();
        if states.contains(&State::Pending) {
            lists.push(self.store.pending(high, low, chunk)?);
        }
        if states.contains(&State::Quarantined) {
            lists.push(self.store.suspected(high, low, chunk)?);
        }
        if states.iter().any(|state| matches!(state, State::Rejected | State::Exhausted)) {
            for name in self.run.borrow().destinations.keys() {
                if filter.destination.as_ref().is_none_or(|wanted| wanted == name) {
                    lists.push(self.store.waiting(name, high, low, chunk)?);
                }
            }
        }
        // Where a list was cut, others may go on with ids that belong in between: these come with the next part.
        let cut = lists.iter().filter(|list| list.len() >= chunk).filter_map(|list| list.last()).max().cloned();
        let ids: Set<String> = lists
            .into_iter()
            .flat_map(|newest_first| newest_first.into_iter().rev())
            .filter(|id| cut.as_ref().is_none_or(|cut| id >= cut))
            .collect();
        Ok(Candidates { ids: ids.into_iter().rev().collect(), next: cut })
    }
}

impl Store {
    /// The newest submissions between two ids.
    fn newest(&self, high: &str, low: &str, chunk: usize) -> store::Result<Candidates> {
        let sql = "SELECT id FROM submission WHERE id < ? AND id >= ? ORDER BY id DESC LIMIT ?";
        let ids = self.texts(sql, &[high.into(), low.into(), count(chunk)])?;
        let next = ids.last().filter(|_| ids.len() >= chunk).cloned();
        Ok(Candidates { ids, next })
    }

    /// Those of the newest submissions between two ids that match the pattern.
    fn with_text(&self, pattern: &str, high: &str, low: &str) -> store::Result<Candidates> {
        let sql =
            "SELECT id FROM (SELECT id, fields, body FROM submission WHERE id < ? AND id >= ? ORDER BY id DESC LIMIT ?)
             WHERE fields LIKE ? ESCAPE '!' OR body LIKE ? ESCAPE '!'";
        let ids = self.texts(sql, &[high.into(), low.into(), count(SCAN_ROWS), pattern.into(), pattern.into()])?;
        let end = "SELECT id FROM submission WHERE id < ? AND id >= ? ORDER BY id DESC LIMIT 1 OFFSET ?";
        let next = self.texts(end, &[high.into(), low.into(), count(SCAN_ROWS - 1)])?.pop();
        Ok(Candidates { ids, next })
    }

    /// The newest submissions with a pending delivery. Reads the index of pending deliveries and sorts it: by id, they may be
    /// the last of a million rows.
    fn pending(&self, high: &str, low: &str, chunk: usize) -> store::Result<Vec<String>> {
        let sql =
            "SELECT submission_id FROM delivery INDEXED BY delivery_due WHERE state = 'pending' AND submission_id < ?
             AND submission_id >= ? ORDER BY submission_id DESC LIMIT ?";
        self.texts(sql, &[high.into(), low.into(), count(chunk)])
    }

    /// The newest submissions in quarantine.
    fn suspected(&self, high: &str, low: &str, chunk: usize) -> store::Result<Vec<String>> {
        let sql = "SELECT submission_id FROM delivery WHERE state = 'quarantined' AND submission_id < ?
             AND submission_id >= ? ORDER BY submission_id DESC LIMIT ?";
        self.texts(sql, &[high.into(), low.into(), count(chunk)])
    }

    /// The newest submissions with a rejected or exhausted delivery to this destination.
    fn waiting(&self, destination: &str, high: &str, low: &str, chunk: usize) -> store::Result<Vec<String>> {
        let sql = "SELECT submission_id FROM delivery WHERE destination = ? AND state IN ('rejected', 'exhausted')
             AND submission_id < ? AND submission_id >= ? ORDER BY submission_id DESC LIMIT ?";
        self.texts(sql, &[destination.into(), high.into(), low.into(), count(chunk)])
    }
}
