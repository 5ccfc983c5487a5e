//! The tables of an Outbox.

/// The schema. Until the first release a change edits it; from then on, changes are added as migrations.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE submission (
        id TEXT PRIMARY KEY,
        received_at INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        idempotency_key TEXT,
        digest TEXT NOT NULL,
        visitor TEXT,
        reasons TEXT NOT NULL,
        repeats INTEGER NOT NULL DEFAULT 0,
        body TEXT NOT NULL,
        fields TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX submission_key ON submission (idempotency_key) WHERE idempotency_key IS NOT NULL",
    "CREATE TABLE delivery (
        submission_id TEXT NOT NULL,
        destination TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        next_at INTEGER NOT NULL,
        not_before INTEGER NOT NULL,
        cut_short INTEGER NOT NULL,
        progress TEXT NOT NULL,
        record TEXT,
        failure TEXT,
        timeline TEXT NOT NULL,
        PRIMARY KEY (submission_id, destination)
    ) WITHOUT ROWID",
    "CREATE INDEX delivery_due ON delivery (destination, next_at) WHERE state = 'pending'",
    "CREATE INDEX delivery_stuck ON delivery (destination, submission_id, state) WHERE state IN ('rejected', 'exhausted')",
    "CREATE INDEX delivery_quarantined ON delivery (submission_id) WHERE state = 'quarantined'",
    // A submission and its deliveries, stored by one statement: all of them or none.
    "CREATE VIEW arrival AS SELECT *, '[]' AS deliveries FROM submission",
    "CREATE TRIGGER arrival_stored INSTEAD OF INSERT ON arrival BEGIN
        SELECT RAISE(ABORT, 'barred') WHERE EXISTS (SELECT 1 FROM barred WHERE id = NEW.id
            AND (action = 'erase' OR NEW.reasons NOT LIKE '%marked%'));
        INSERT INTO submission (id, received_at, bytes, idempotency_key, digest, visitor, reasons, body, fields)
            VALUES (NEW.id, NEW.received_at, NEW.bytes, NEW.idempotency_key, NEW.digest, NEW.visitor, NEW.reasons,
                NEW.body, NEW.fields);
        INSERT INTO delivery (submission_id, destination, state, attempts, next_at, not_before, cut_short, progress,
                timeline)
            SELECT NEW.id, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, '{}', '[]'
            FROM json_each(NEW.deliveries);
    END",
    // Every destination that this Outbox ever had a delivery for.
    "CREATE TABLE destination (
        name TEXT PRIMARY KEY,
        pause TEXT,
        account TEXT,
        forbidden TEXT
    ) WITHOUT ROWID",
    // What the operator was alerted to and is not over yet: how many there were, and whether the operator dismissed it.
    "CREATE TABLE alert (condition TEXT PRIMARY KEY, count INTEGER NOT NULL, dismissed INTEGER NOT NULL) WITHOUT ROWID",
    // Submissions that were erased, or marked as spam before they arrived. A later copy of the former is not stored, one of
    // the latter is quarantined.
    "CREATE TABLE barred (id TEXT PRIMARY KEY, action TEXT NOT NULL) WITHOUT ROWID",
    // What the Outbox remembers for itself: where the purge is, the deployment's key.
    "CREATE TABLE note (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    // Only in the registry: every Outbox that ever stored something.
    "CREATE TABLE outbox (name TEXT PRIMARY KEY) WITHOUT ROWID",
    // Only in the registry: why an Outbox was not well at the last sweep.
    "CREATE TABLE unwell (outbox TEXT PRIMARY KEY, reasons TEXT NOT NULL) WITHOUT ROWID",
    // What operators did. It outlives an erasure and holds nothing of the person.
    "CREATE TABLE audit (
        submission_id TEXT NOT NULL,
        at INTEGER NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        PRIMARY KEY (submission_id, at, action)
    ) WITHOUT ROWID",
    // What came in each day, and what of it is gone; without a destination: the submissions.
    "CREATE TABLE day (
        day TEXT NOT NULL,
        destination TEXT NOT NULL,
        received INTEGER NOT NULL,
        erased INTEGER NOT NULL,
        purged INTEGER NOT NULL,
        delivered INTEGER NOT NULL,
        PRIMARY KEY (day, destination)
    ) WITHOUT ROWID",
    // Posts that were turned away: a row a day, the counts by code as JSON.
    "CREATE TABLE refusal (day TEXT PRIMARY KEY, counts TEXT NOT NULL, state TEXT) WITHOUT ROWID",
    // The hours, counted from 1970, in which leads came, and how many.
    "CREATE TABLE lead_hour (hour INTEGER PRIMARY KEY, leads INTEGER NOT NULL)",
];

/// Why a submission is in `barred`; the names of two actions.
pub(super) const ERASE: &str = "erase";
pub(super) const SPAM: &str = "spam";

/// The version of [`SCHEMA`].
pub(super) const VERSION: i64 = 1;
