//! An object that the first release made, with what it held then, under the release of today: it walks through the
//! migrations, and every lead goes on from where it stood.

use formcourier::edge::store::schema::MIGRATIONS;
use serde_json::json;

use crate::hooks::{SECRETS, copies, fakes, hook, millis, stands, vars};
use crate::world::{ADMIN_TOKEN, World};

/// What the delivery was when the release changed, its columns beside the id, and what it is when all is quiet.
const ROWS: &[(&str, &str, &str)] = &[
    ("is due", "'pending', 2, 0, '{\"facts\":{}}', NULL, '', 1", "delivered"),
    ("had reset its object, and is tried alone", "'pending', 1, 0, '{\"facts\":{}}', NULL, '', 3", "delivered"),
    ("was being tried", "'pending', 1, 0, '{\"facts\":{}}', NULL, 'a process that is gone', 0", "delivered"),
    ("is through", "'delivered', 1, 0, '{\"facts\":{}}', '{\"id\":\"r1\"}', '', 0", "delivered"),
    ("was refused", "'refused', 1, 0, '{\"facts\":{}}', NULL, '', 0", "refused"),
    ("had given up", "'exhausted', 12, 0, '{\"facts\":{},\"in_doubt\":\"post\"}', NULL, '', 0", "exhausted"),
    ("is suspected", "'quarantined', 0, 0, '{\"facts\":{}}', NULL, '', 0", "quarantined"),
];

/// Ids of what came in at that moment.
fn ids(at: i64) -> Vec<String> {
    (0..ROWS.len()).map(|number| format!("{:08x}-{:04x}-7000-8000-{number:012x}", at >> 16, at & 0xffff)).collect()
}

/// JavaScript that makes the tables of the first release, with the rows in them, in an object that has none.
fn as_the_first_release_left_it(ids: &[String], at: i64) -> String {
    let mut statements = vec!["CREATE TABLE schema_version (version INTEGER NOT NULL)".to_owned()];
    statements.extend(MIGRATIONS[0].iter().map(|statement| (*statement).to_owned()));
    statements.push("INSERT INTO schema_version (version) VALUES (1)".to_owned());
    statements.push("INSERT INTO destination (name) VALUES ('hook')".to_owned());
    for (id, (_, columns, _)) in ids.iter().zip(ROWS) {
        let body = json!({ "id": id, "form": "contact", "received_at": at, "fields": [["email", "old@example.com"]] });
        statements.push(format!(
            "INSERT INTO submission (id, received_at, body, digest, reasons)
             VALUES ('{id}', {at}, '{body}', 'digest of {id}', '[]')"
        ));
        statements.push(format!(
            "INSERT INTO delivery (submission_id, destination, state, attempts, next_at, progress, record, trying, crashes)
             SELECT '{id}', 'hook', column1, column2, column3, column4, column5, NULLIF(column6, ''), column7
             FROM (VALUES ({columns}))"
        ));
    }
    let statements = serde_json::to_string(&statements).expect("text");
    format!(
        "globalThis.onObject = (ctx) => {{
           const sql = ctx.storage.sql;
           if (ctx.id.name !== 'contact' || sql.exec(\"SELECT name FROM sqlite_master WHERE name = 'delivery'\").toArray().length) return;
           for (const statement of {statements}) sql.exec(statement);
         }};"
    )
}

#[test]
fn what_the_first_release_stored_goes_on_from_where_it_stood() {
    assert!(MIGRATIONS.len() > 1, "there is a way to walk");
    let at = millis() - 3_600_000;
    let ids = ids(at);
    let before = as_the_first_release_left_it(&ids, at);
    let world = World::with_prelude(&vars(&[("hook", hook())]), SECRETS, fakes(), &before);
    let new = world.submit("contact", "email=new%40example.com");
    world.delivered("contact", &new);

    for (id, (what, _, expected)) in ids.iter().zip(ROWS) {
        world.settled("contact", id);
        assert_eq!(stands(&world, id, "hook").0, *expected, "{what}");
    }
    assert_eq!(copies(&world, &ids), [1, 1, 1, 0, 0, 0, 0]);

    // What waited for a person can be sent by one, as ever.
    let token = format!("Bearer {ADMIN_TOKEN}");
    for id in &ids[4..] {
        let path = format!("/api/forms/contact/submissions/{id}/release");
        assert_eq!(world.send("POST", &path, &[("authorization", &token)], b"").status, 200);
        world.delivered("contact", id);
    }
    assert_eq!(copies(&world, &ids), [1, 1, 1, 0, 1, 1, 1]);
}
