//! The audit trail: when an operator did what to a submission. It outlives an erasure and holds nothing of the person.

use serde::Serialize;

use super::days::time;
use super::store::{Columns, Result, Store};

/// A line of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditLine {
    /// When, milliseconds since 1970.
    #[serde(serialize_with = "time")]
    pub at: i64,
    /// Who: `token`, or an address of Cloudflare Access.
    pub actor: String,
    /// What: `release`, `spam`, `erase`.
    pub action: String,
}

impl Store {
    /// What operators did to a submission, oldest first.
    pub fn audit(&self, id: &str) -> Result<Vec<AuditLine>> {
        let sql = "SELECT at, actor, action FROM audit WHERE submission_id = ? ORDER BY at";
        let read = |row| {
            let mut columns = Columns::new(row);
            let at = columns.integer();
            AuditLine { at, actor: columns.text().unwrap_or_default(), action: columns.text().unwrap_or_default() }
        };
        Ok(self.database.query(sql, &[id.into()])?.into_iter().map(read).collect())
    }

    /// Notes what an operator did.
    pub fn add_audit(&self, id: &str, line: &AuditLine) -> Result<()> {
        self.run(
            "INSERT OR IGNORE INTO audit (submission_id, at, actor, action) VALUES (?, ?, ?, ?)",
            &[id.into(), line.at.into(), line.actor.as_str().into(), line.action.as_str().into()],
        )
    }
}
