//! What AgencyHandy's responses mean, under either contract.
//!
//! - Success is the id of a created member. A 2xx with a member in a `notAdded...` list has created nothing.
//! - An error is `{"type", "status", "fieldName", "message"}`; the pages document it for neighboring routes only.

use serde_json::{Map, Value as Json};

use crate::connectors::draft::{named_in, says_already_there};
use crate::connectors::{Call, Failure, FailureKind, Outcome, Progress, RecordRef, Response};

use super::account::{
    Account, AgencyHandy, Api, COMPANIES, CREATED, CUSTOM, DOCUMENTED, REQUIRED, ROLES, SKIPPED, State, first, id_of,
    is_id,
};

/// A response, being read.
pub(super) struct Reading<'a> {
    connector: &'a AgencyHandy,
    call: &'a Call,
    response: &'a Response,
    progress: &'a mut Progress<State>,
    account: &'a mut Account,
    /// What an error is about, as in `members[0].role`.
    path: Option<&'a str>,
    /// The vendor's phrases.
    words: String,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        connector: &'a AgencyHandy,
        call: &'a Call,
        response: &'a Response,
        progress: &'a mut Progress<State>,
        account: &'a mut Account,
    ) -> Self {
        let path = response.json().and_then(|body| body["fieldName"].as_str());
        Self { connector, call, response, progress, account, path, words: response.phrases(call) }
    }

    pub(super) fn outcome(&mut self) -> Outcome {
        match self.call.step {
            COMPANIES | ROLES => self.look_up(),
            _ => self.create(),
        }
    }

    /// The first company, as the page takes it, or the role "client".
    fn look_up(&mut self) -> Outcome {
        let body = self.response.json().filter(|_| self.response.is_success());
        let entries = |list: &str| body.and_then(|body| body[list].as_array()).into_iter().flatten();
        let (found, what) = if self.call.step == COMPANIES {
            (entries("companies").find_map(id_of), "no company of this API key")
        } else {
            let role = entries("roles").filter(|entry| entry["role"]["name"] == "client").find_map(id_of);
            (role, "no role named \"client\" in this company")
        };
        if let Some(id) = found.filter(|id| is_id(id)) {
            let known =
                if self.call.step == COMPANIES { &mut self.account.company_id } else { &mut self.account.role_id };
            *known = Some(id);
            return Outcome::CONTINUE;
        }
        if self.forgets_ids() {
            return Outcome::Continue("looks up the company again".to_owned());
        }
        if self.connector.api == Api::Auto && (body.is_some() || self.is_missing_route()) {
            return self.moves_over();
        }
        if body.is_some() {
            let failure = self.response.failure(FailureKind::Unexpected);
            return Outcome::Retry(Failure::new(failure.kind, format!("{what}: {}", failure.detail)));
        }
        self.response.by_status()
    }

    fn create(&mut self) -> Outcome {
        let (is_documented, is_auto) = (self.call.step == DOCUMENTED, self.connector.api == Api::Auto);
        let body = self.response.json().filter(|_| self.response.is_success()).unwrap_or(&Json::Null);
        if let Some(id) = first(body, CREATED).and_then(id_of) {
            return Outcome::Delivered(RecordRef::new(id).with_note(self.call.remark.as_deref()));
        }
        let skipped = first(body, SKIPPED);
        let is_taken = self.rejects(&["email", "lead", "client", "member", "user"]);
        if (skipped.is_some() || is_taken) && says_already_there(&self.words) {
            // Sometimes the existing record is in the entry, under a key that is not documented.
            let inside = skipped.and_then(Json::as_object).into_iter().flat_map(Map::values).find_map(id_of);
            let record = RecordRef::already_there(inside.unwrap_or_default(), self.response.message());
            return Outcome::Delivered(record.without_message());
        }
        if self.forgets_ids() {
            return Outcome::Continue("goes on without the company that was looked up".to_owned());
        }
        // Both contracts have one route for clients, where the current one takes only "Client" as the status. Only the
        // current one skips members.
        let member = if self.connector.is_client && is_documented { "status" } else { "role" };
        let is_gone = (!self.connector.is_client && self.is_missing_route())
            || self.rejects(&[member, "isConvertedClient", "positionInBoard"])
            || (is_documented && skipped.is_some());
        if is_auto && is_gone && is_documented {
            return self.moves_over();
        }
        if is_auto && is_gone && !self.progress.state.switched {
            self.account.api = Api::Auto;
            return Outcome::Continue("AgencyHandy's current contract is gone".to_owned());
        }
        match self.response.by_status() {
            Outcome::Rejected(failure) if failure.kind == FailureKind::Invalid => self.omits(),
            _ if skipped.is_some() => self.omits(),
            outcome => outcome,
        }
    }

    /// Forgets a company or role that was looked up and is rejected: the API key of another workspace, most of all. Where
    /// they are needed they are looked up again.
    fn forgets_ids(&mut self) -> bool {
        let connector = self.connector;
        let is_company = connector.company_id.is_none()
            && self.account.company_id.is_some()
            && (self.response.status == 403 || self.is_rejection())
            && self.names(&["company", "companyId", "company_id", "workspace"]);
        let is_role =
            connector.role_id.is_none() && self.call.step == DOCUMENTED && self.rejects(&["role", "roleId", "role_id"]);
        if self.progress.state.looked_up_again || !(is_company || is_role) {
            return false;
        }
        self.progress.state.looked_up_again = true;
        (self.account.company_id, self.account.role_id) = (None, None);
        true
    }

    /// The documented contract is gone: the delivery and the account move over to the current one.
    fn moves_over(&mut self) -> Outcome {
        self.account.api = Api::Members;
        self.progress.state.switched = true;
        Outcome::Continue("AgencyHandy's documented contract is gone".to_owned())
    }

    /// The next call omits what was rejected. The note is reduced and then omitted after everything else: AgencyHandy
    /// then has the lead as it would have it without `note_field`.
    fn omits(&mut self) -> Outcome {
        let (call, failure) = (self.call, self.response.failure(FailureKind::Invalid));
        let body = call.body.as_deref().unwrap_or_default();
        let note = self.connector.note_field.as_deref().filter(|id| body.contains(id));
        let custom = call.optional.iter().filter_map(|key| key.strip_prefix(CUSTOM)?.strip_prefix('.'));
        let custom: Vec<&str> = custom.chain(note).collect();
        // (1) A custom field, by its place in `customFields[1].stringValue` or its id. Phrases hide the ids, which the call
        // carried; a visitor does not write them.
        let place = self.path.and_then(|path| path.split_once(CUSTOM)).and_then(|(_, rest)| {
            rest.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| !word.is_empty())?.parse::<usize>().ok()
        });
        let id = place.and_then(|place| custom.get(place).copied());
        let id = id.or_else(|| named_in(self.response.message(), custom.iter().copied()));
        // (2) Another member, by its name.
        let members = call.optional.iter().map(String::as_str).chain(REQUIRED.iter().copied());
        let named = match id {
            Some(id) => Some(format!("{CUSTOM}.{id}")),
            None => named_in(self.path.unwrap_or(&self.words), members).map(str::to_owned),
        };
        let omitted = &mut self.progress.omitted;
        let is_note = id.is_some() && id == note;
        let outcome = if is_note {
            omitted.after_note_rejection(call, failure)
        } else {
            omitted.after_rejection(call, named.as_slice(), failure)
        };
        match outcome {
            Outcome::Rejected(failure) if is_note || (note.is_some() && named.is_none()) => {
                self.progress.state.without_note = true;
                Outcome::Continue(format!("omitted the note: {}", failure.detail))
            }
            outcome => outcome,
        }
    }

    /// Whether the error is about one of these: by the end of its path when it has one, else by a word of its message.
    fn names(&self, names: &[&str]) -> bool {
        // A word with a slash is a path ("Cannot POST /company/...") and says nothing about a company.
        let words: Vec<&str> = self.words.split_whitespace().filter(|word| !word.contains('/')).collect();
        let text =
            self.path.map_or_else(|| words.join(" "), |path| path.rsplit('.').next().unwrap_or_default().to_owned());
        named_in(&text, names.iter().copied()).is_some()
    }

    fn is_rejection(&self) -> bool {
        matches!(self.response.status, 400 | 404 | 409 | 422)
    }

    fn rejects(&self, names: &[&str]) -> bool {
        self.is_rejection() && self.names(names)
    }

    /// Whether the server does not know the path or the method, in the API's own JSON or in the page of its framework. A
    /// proxy's 404 says nothing about the contract.
    fn is_missing_route(&self) -> bool {
        let says_so = || ["Cannot POST /", "Cannot GET /"].iter().any(|page| self.response.text().contains(page));
        matches!(self.response.status, 404 | 405 | 410) && (self.response.json().is_some() || says_so())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::DESCRIPTOR;
    use super::super::tests::{COMPANY, ROLE, connector};
    use super::*;
    use crate::connectors::Step;
    use crate::connectors::testing::{self, lead};

    const FOUND: &str = r#"{"companies":[{"_id":"c1"},{"_id":"c2"}]}"#;
    const NO_ROUTE: &str = "<pre>Cannot POST /company/c1/members/bulk-client</pre>";
    const NO_ROUTE_JSON: &str =
        r#"{"type":"NotFoundError","status":404,"message":"Cannot POST /company/c1/members/bulk-client"}"#;
    const NO_COMPANY: &str = r#"{"type":"NotFoundError","status":404,"message":"Company not found"}"#;
    const NOT_YOURS: &str = r#"{"type":"PermissionError","status":403,"message":"No access to this company"}"#;
    const NO_ROLE: &str = r#"{"type":"ValidationError","fieldName":"members[0].role","message":"Role not found"}"#;
    const EXPIRED: &str = r#"{"type":"PermissionError","status":403,"message":"Your subscription has expired"}"#;
    const TAKEN: &str = r#"{"type":"ValidationError","fieldName":"email","message":"Email already exists"}"#;
    const BAD_EMAIL: &str = r#"{"type":"ValidationError","fieldName":"[0].email","message":"Invalid email"}"#;
    const STATUS: &str = r#"{"type":"ValidationError","fieldName":"[0].status","message":"must be Client"}"#;
    const CONVERTED: &str = r#"{"type":"ValidationError","message":"\"isConvertedClient\" is required"}"#;
    const CATEGORY: &str = r#"{"success":false,"data":{"addedClients":[],"notAddedClients":[{"email":"j@e","reason":"One or more category not found"}]}}"#;
    const KNOWN: &str = r#"{"success":true,"data":{"addedLeads":[],"notAddedLeads":[{"email":"j@e","reason":"Lead already exists","lead":{"_id":"m4"}}]}}"#;

    const MOVES: &str = "continue AgencyHandy's documented contract is gone";
    const BACK: &str = "continue AgencyHandy's current contract is gone";
    const FORGETS: &str = "continue goes on without the company that was looked up";
    const TAKEN_MEANS: &str = "delivered (already there: Email already exists) without the message";

    /// The account of `first_calls`: everything is known.
    fn known(api: &str) -> Json {
        json!({ "company_id": COMPANY, "role_id": ROLE, "api": api })
    }

    fn john() -> crate::domain::Lead {
        lead(&[("name", "John Doe"), ("email", "john.doe@example.com"), ("phone", "1234567890"), ("message", "Hi <b>")])
    }

    /// What a response means to the create of a connector with these settings; `state` is that of the delivery.
    fn meaning(settings: &Json, account: &Json, state: &Json, status: u16, body: &str) -> String {
        let connector = connector(settings);
        let mut progress = Progress { state: state.clone(), ..Progress::default() };
        let mut account = account.clone();
        let call = testing::call(connector.next(&john(), &progress, &account));
        testing::read(&*connector, &DESCRIPTOR, &call, status, body, &mut progress, &mut account)
    }

    #[test]
    fn what_each_response_to_a_look_up_means() {
        let roles = r#"{"roles":[{"_id":"r1","role":{"_id":"x","name":"admin"}},{"_id":"r2","role":{"_id":"y","name":"client"}}]}"#;
        let admin = r#"{"roles":[{"_id":"r1","role":{"_id":"x","name":"admin"}}]}"#;
        let company = json!({ "company_id": "c1" });
        let again = "continue looks up the company again";
        for (api, account, status, body, expected) in [
            ("company", &Json::Null, 200, FOUND, "continue"),
            ("company", &Json::Null, 200, r#"{"companies":[]}"#, "retry unexpected"),
            ("company", &Json::Null, 200, r#"{"companies":[{"_id":"../x"}]}"#, "retry unexpected"),
            ("company", &Json::Null, 404, NO_ROUTE, "retry unavailable"),
            ("company", &Json::Null, 404, NO_ROUTE_JSON, "rejected not_found"),
            ("auto", &Json::Null, 404, NO_ROUTE, MOVES),
            ("auto", &Json::Null, 200, r#"{"companies":[]}"#, MOVES),
            ("auto", &Json::Null, 200, "<h1>Sign in</h1>", "retry unexpected"),
            ("auto", &Json::Null, 401, EXPIRED, "retry credentials"),
            ("company", &company, 200, roles, "continue"),
            ("company", &company, 200, admin, "retry unexpected"),
            ("auto", &company, 200, admin, MOVES),
            ("auto", &company, 503, "", "retry unavailable"),
            ("company", &company, 404, NO_COMPANY, again),
            ("company", &company, 403, NOT_YOURS, again),
        ] {
            let found = meaning(&json!({ "api": api }), account, &Json::Null, status, body);
            assert_eq!(found, expected, "{api} {account} {status} {body}");
        }
    }

    #[test]
    fn what_each_response_to_a_create_means() {
        let lead = |api: &str| json!({ "api": api });
        let client = |api: &str| json!({ "api": api, "record": "client" });
        let (fresh, used) = (&Json::Null, &json!({ "looked_up_again": true, "switched": true }));
        let created = r#"{"message":"Lead created successfully","createdMembers":[{"_id":"m1","name":"John Doe"}]}"#;
        let added = r#"{"success":true,"data":{"addedLeads":[{"_id":"m2"}],"notAddedLeads":[]}}"#;
        let nobody = r#"{"success":true,"data":{"addedLeads":[],"notAddedLeads":[]}}"#;
        let limit = r#"{"type":"ValidationError","message":"You have already reached your limit of clients"}"#;
        let (documented, moved) = (&known("auto"), &known("members"));
        let everything = "continue omitted everything optional";
        let stays = "delivered m1 (the message stays here: AgencyHandy's documented contract has no field for it)";
        let no_field = "delivered m2 (the message stays here: the destination has no `note_field`)";
        for (settings, account, state, status, body, expected) in [
            (lead("auto"), documented, fresh, 201, created, stays),
            (client("company"), documented, fresh, 201, created, stays),
            (lead("members"), moved, fresh, 201, added, no_field),
            // Already there.
            (
                lead("members"),
                moved,
                fresh,
                200,
                KNOWN,
                "delivered m4 (already there: Lead already exists) without the message",
            ),
            (lead("auto"), documented, fresh, 400, TAKEN, TAKEN_MEANS),
            (client("auto"), documented, fresh, 409, TAKEN, TAKEN_MEANS),
            (lead("auto"), documented, fresh, 400, limit, everything),
            // A success without a record.
            (lead("members"), moved, fresh, 200, nobody, "retry unexpected"),
            (lead("auto"), documented, fresh, 200, r#"{"createdMembers":[]}"#, "retry unexpected"),
            (lead("auto"), documented, fresh, 200, "<h1>Sign in</h1>", "retry unexpected"),
            (lead("auto"), documented, fresh, 201, "", "retry unexpected"),
            // The vendor's no, and a proxy's.
            (lead("auto"), documented, fresh, 403, EXPIRED, "retry credentials"),
            (lead("auto"), documented, fresh, 400, BAD_EMAIL, "rejected invalid"),
            (lead("auto"), documented, fresh, 400, r#"{"error":"forbidden"}"#, "retry unavailable"),
            (lead("auto"), documented, fresh, 409, r#"{"message":"Email already exists"}"#, "retry unavailable"),
            (lead("auto"), documented, fresh, 500, created, "retry unavailable"),
            (client("members"), moved, fresh, 200, CATEGORY, everything),
            (client("company"), documented, fresh, 200, CATEGORY, everything),
            // The documented contract is gone.
            (lead("auto"), documented, fresh, 404, NO_ROUTE, MOVES),
            (lead("auto"), documented, fresh, 404, NO_ROUTE_JSON, MOVES),
            (lead("auto"), documented, used, 405, "", "retry unavailable"),
            (lead("auto"), documented, fresh, 404, "<h1>Not Found</h1>", "retry unavailable"),
            (lead("auto"), documented, used, 400, NO_ROLE, MOVES),
            (lead("auto"), documented, fresh, 400, CONVERTED, MOVES),
            (lead("company"), documented, fresh, 404, NO_ROUTE, "retry unavailable"),
            (lead("company"), documented, fresh, 404, NO_ROUTE_JSON, "rejected not_found"),
            (client("auto"), documented, fresh, 400, STATUS, MOVES),
            (client("auto"), documented, fresh, 200, CATEGORY, MOVES),
            (client("auto"), documented, fresh, 404, NO_ROUTE_JSON, "rejected not_found"),
            (client("company"), documented, fresh, 400, STATUS, everything),
            // The current contract is gone, or was never there.
            (lead("auto"), moved, fresh, 404, NO_ROUTE, BACK),
            (lead("auto"), moved, fresh, 400, NO_ROLE, BACK),
            (lead("auto"), moved, used, 404, NO_ROUTE, "retry unavailable"),
            (lead("auto"), moved, used, 404, NO_ROUTE_JSON, "rejected not_found"),
            (lead("members"), moved, fresh, 404, NO_ROUTE, "retry unavailable"),
            (client("auto"), moved, fresh, 400, CONVERTED, BACK),
            // The account looked up before belongs to another workspace.
            (lead("auto"), documented, fresh, 404, NO_COMPANY, FORGETS),
            (lead("company"), documented, fresh, 400, NO_ROLE, FORGETS),
            (lead("company"), documented, fresh, 403, NOT_YOURS, FORGETS),
            (lead("members"), moved, fresh, 403, NOT_YOURS, FORGETS),
            (lead("company"), documented, used, 404, NO_COMPANY, "rejected not_found"),
            (lead("company"), documented, used, 400, NO_ROLE, everything),
            (lead("company"), documented, used, 403, NOT_YOURS, "retry credentials"),
            (
                json!({ "company_id": "c", "role_id": "r", "api": "company" }),
                fresh,
                fresh,
                404,
                NO_COMPANY,
                "rejected not_found",
            ),
        ] {
            let found = meaning(&settings, account, state, status, body);
            assert_eq!(found, expected, "{settings} {account} {state} {status} {body}");
        }
    }

    #[test]
    fn what_account_and_delivery_learn() {
        let roles = r#"{"roles":[{"_id":"r1","role":{"_id":"x","name":"client"}}]}"#;
        let (company, none) = (json!({ "company_id": "c1" }), Json::Null);
        let ids = |company_id: Option<&str>, role_id: Option<&str>, api: &str| json!({ "company_id": company_id, "role_id": role_id, "api": api });
        let state = |looked_up_again: bool, switched: bool| json!({ "looked_up_again": looked_up_again, "switched": switched, "without_note": false });
        for (account, before, status, body, learned, after) in [
            (&none, state(false, false), 200, FOUND, ids(Some("c1"), None, "auto"), state(false, false)),
            (&company, state(true, false), 200, roles, ids(Some("c1"), Some("r1"), "auto"), state(true, false)),
            (&company, state(false, false), 404, NO_ROUTE, ids(Some("c1"), None, "members"), state(false, true)),
            (&known("auto"), state(false, false), 404, NO_COMPANY, ids(None, None, "auto"), state(true, false)),
            (&known("members"), state(false, false), 403, NOT_YOURS, ids(None, None, "members"), state(true, false)),
            (&known("members"), state(false, false), 404, NO_ROUTE, known("auto"), state(false, false)),
            // The next attempt starts over.
            (&known("auto"), state(true, true), 503, "", known("auto"), state(false, false)),
        ] {
            let connector = connector(&json!({}));
            let mut progress = Progress { state: before, ..Progress::default() };
            let mut learns = account.clone();
            let call = testing::call(connector.next(&john(), &progress, &learns));
            testing::read(&*connector, &DESCRIPTOR, &call, status, body, &mut progress, &mut learns);
            assert_eq!((learns, progress.state), (learned, after), "{account} {status} {body}");
        }
    }

    #[test]
    fn what_a_rejection_omits() {
        let connector = connector(&json!({
            "api": "members", "agent": "a1", "note_field": "note1", "fields": { "field1": "{plan}" },
        }));
        let full = lead(&[("email", "j@example.com"), ("phone", "123"), ("plan", "gold"), ("message", "Hi <b>")]);
        let note = "continue omitted the note's markup and length";
        for (path, message, expected) in [
            (Some("[0].agent"), "No", "continue omitted agent"),
            (Some("[0].customFields[0]._id"), "No", "continue omitted customFields.field1"),
            (Some("0.customFields.1.stringValue"), "No", note),
            (Some("[0].customFields"), "No", "continue omitted everything optional"),
            (Some("[0].email"), "agent is fine", "rejected invalid"),
            (None, "field1 is unknown", "continue omitted customFields.field1"),
            (None, "note1 is wrong", note),
            (None, "source is too long", "continue omitted source"),
            (None, "status and type are wrong", "continue omitted everything optional"),
        ] {
            let (mut progress, mut account) = (Progress::default(), Json::Null);
            let call = testing::first_call(&*connector, &full);
            let body = json!({ "type": "ValidationError", "fieldName": path, "message": message }).to_string();
            let found = testing::read(&*connector, &DESCRIPTOR, &call, 400, &body, &mut progress, &mut account);
            assert_eq!(found, expected, "{path:?} {message}");
        }

        // Always rejected: the lead goes without the note before it is given up, and its record says so.
        let (mut progress, mut account) = (Progress::default(), Json::Null);
        let body = r#"{"type":"ValidationError","message":"No"}"#;
        let mut next = || {
            let call = testing::call(connector.next(&full, &progress, &account));
            (testing::read(&*connector, &DESCRIPTOR, &call, 400, body, &mut progress, &mut account), call.remark)
        };
        for expected in ["continue omitted everything optional", note, "continue omitted the note", "rejected invalid"]
        {
            let (found, remark) = next();
            let is_gone = expected == "rejected invalid";
            assert_eq!((found.as_str(), remark.is_some()), (expected, is_gone), "{remark:?}");
        }
    }

    /// Every response, always the same one: a delivery ends within a few calls.
    #[test]
    fn no_response_leads_in_circles() {
        let bodies =
            [NO_ROUTE, NO_ROUTE_JSON, NO_COMPANY, NOT_YOURS, NO_ROLE, TAKEN, STATUS, CONVERTED, CATEGORY, "{}"];
        let looked_up = r#"{"companies":[{"_id":"c1"}],"roles":[{"_id":"r1","role":{"name":"client"}}]}"#;
        for record in ["lead", "client"] {
            for api in ["auto", "company", "members"] {
                for start in [Json::Null, known("auto"), known("members")] {
                    for (status, body) in
                        [200, 400, 403, 404, 405, 422, 500].into_iter().flat_map(|s| bodies.map(|b| (s, b)))
                    {
                        let connector = connector(&json!({ "record": record, "api": api }));
                        let (mut progress, mut account) = (Progress::default(), start.clone());
                        for calls in 0.. {
                            assert!(calls < 12, "{record} {api} {start} {status} {body}");
                            let Ok(Step::Call(call)) = connector.next(&john(), &progress, &account) else { panic!() };
                            let (status, body) = if call.body.is_none() { (200, looked_up) } else { (status, body) };
                            let response = Response::new(DESCRIPTOR.format(), status, Vec::new(), body, 0);
                            let outcome = connector.read(&call, &response, &mut progress, &mut account);
                            if !matches!(outcome, Ok(Outcome::Continue(_))) {
                                break;
                            }
                        }
                    }
                }
            }
        }
    }
}
