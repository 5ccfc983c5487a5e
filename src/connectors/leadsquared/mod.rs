//! LeadSquared: captures a lead, or creates a user. <https://apidocs.leadsquared.com/overview/>
//!
//! - The keys go into headers. The vendor also takes them in the query, where they end up in logs.
//! - The HTTP status says little: rejections and duplicates come as 500, too many calls as 200, 403 or 429. What counts is
//!   `ExceptionType` (<https://apidocs.leadsquared.com/error-handling/>). A 500 without one passes.
//! - An account lives in one region; the hosts of the others answer 401 and name the right one.

mod api;
mod lead;
mod user;

use serde_json::{Value as Json, json};

use crate::domain::Kind;

use super::{Descriptor, Guarantee, Opt, Options, Pace, Record, Secret};
use api::{Api, HOSTS, REGIONS};

/// What a LeadSquared destination is.
pub static DESCRIPTOR: Descriptor = Descriptor {
    name: "leadsquared",
    title: "LeadSquared",
    records: &[
        Record {
            name: "lead",
            creates: "a lead with a note; of one with this email or phone only empty fields are filled",
            guarantee: Guarantee::Upsert,
            needs_token: false,
        },
        Record {
            name: "user",
            creates: "a user: a login and a paid seat",
            guarantee: Guarantee::OncePerPerson,
            needs_token: true,
        },
    ],
    secrets: &[
        Secret {
            suffix: "ACCESS_KEY",
            hint: "the access key of a LeadSquared administrator, from Settings > API and Webhooks > API Access Keys",
        },
        Secret { suffix: "SECRET_KEY", hint: "the secret key that belongs to the access key: Show Secret Key there" },
    ],
    pace: Some(Pace { points: 25, window_ms: 5_000 }),
    options: &[
        Opt::choice("region", REGIONS, "where the account lives; this or `host` is required").or(""),
        Opt::text("host", "the API host itself, for a region that is not in the list"),
        Opt::text("search_by", "the attribute that finds an existing lead, instead of email, then phone").only("lead"),
        Opt::choice(
            "update_behavior",
            &["UpdateOnlyEmptyFields", "DoNotUpdate", "DoNotUpdateUniqueFields", "Overwrite"],
            "what an existing lead keeps; with the first two, every lead gets a note",
        )
        .only("lead"),
        Opt::template("source", "{source|website}", "written to `Source`").only("lead"),
        Opt::text("note_attribute", "the text attribute for the note, by schema name, where values are overwritten")
            .or("Notes")
            .only("lead"),
        Opt::fields("fields", Kind::COMMON, "your own attributes, by schema name (`mx_City`)").only("lead"),
        Opt::template("role", "", "the user's role, or a template that gives it").only("user").required(),
        Opt::texts("allowed_roles", "what a template in `role` may come out as").or("Sales_User").only("user"),
        Opt::fields(
            "parameters",
            &[Kind::Text.word(), Kind::Bool.word(), Kind::Number.word()],
            "optional parameters of a user, such as `TeamId`; `Password` takes one form field and nothing else",
        )
        .only("user"),
        Opt::table("groups", "a list of the sales groups that the user joins: `GroupId` and rights, each 0 or 1")
            .only("user"),
        Opt::fields("custom_fields", Kind::COMMON, "your account's own fields of users, by schema name").only("user"),
    ],
    is_own_format: |body| {
        let is_error = body["ExceptionType"].is_string() || body["ExceptionMessage"].is_string();
        body["Status"] == "Error" && is_error
            || body["Status"] == "Success" && body["Message"].is_object()
            || body.as_array().is_some_and(|leads| leads.iter().all(Json::is_object))
    },
    message: |body| {
        let words = ["ExceptionType", "ExceptionMessage"].into_iter().filter_map(|key| body[key].as_str());
        Some(words.collect::<Vec<_>>().join(": ")).filter(|message| !message.is_empty())
    },
    build: |_, options| {
        let api = Api { host: host(options)? };
        match options.record.name {
            "user" => user::build(api, options),
            _ => lead::build(api, options),
        }
    },
};

/// There is no default region: a wrong one is answered like a wrong key.
fn host(options: &mut Options<'_, '_>) -> Option<String> {
    let (region, host) = (options.choice("region"), options.text("host").map(|host| host.to_ascii_lowercase()));
    let label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match (region, host) {
        (Some(_), Some(_)) => {
            options.reader().error("host", "cannot be set together with region; keep one of them");
            None
        }
        (Some(region), None) => {
            HOSTS.iter().zip(REGIONS).find(|(_, word)| **word == region).map(|(host, _)| (*host).into())
        }
        (None, Some(host)) if host.contains('.') && host.split('.').all(label) => Some(host),
        (None, Some(host)) => {
            let takes = "a host name alone, as in \"api-in21.leadsquared.com\"";
            options.reader().wrong("host", &json!(host), takes);
            None
        }
        (None, None) if options.has("region") || options.has("host") => None,
        (None, None) => {
            let message = format!("is missing; it takes one of {}, or set host instead", REGIONS.join(", "));
            options.reader().error("region", message);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::api::limited;
    use super::*;
    use crate::connectors::Method;
    use crate::connectors::testing::{self, account, destination, lead};
    use crate::connectors::{FailureKind, Response};

    pub(super) const SUCCESS: &str = r#"{"Status":"Success","Message":{"Id":"b3d4098f"}}"#;
    pub(super) const LIMIT: &str = "API calls exceeded the limit of 25 in 5 second(s)";

    pub(super) fn exception(kind: &str, message: &str) -> String {
        json!({ "Status": "Error", "ExceptionType": kind, "ExceptionMessage": message }).to_string()
    }

    /// The mistakes in a destination's options.
    pub(super) fn mistakes(options: &Json) -> String {
        let mut settings = json!({ "type": "leadsquared" });
        settings.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        destination("acme", settings).expect_err("a mistake").replace("DESTINATION_X: ", "")
    }

    #[test]
    fn what_responses_mean_to_both_records() {
        let limit = exception("MXAPIRateLimitExceededException", LIMIT);
        let untyped = |message: &str| json!({ "Status": "Error", "ExceptionMessage": message }).to_string();
        let unauthorized = exception("MXUnauthorizedException", "no");
        let rows = [
            (200, limit.as_str(), "retry rate_limited"),
            (403, &limit, "retry rate_limited"),
            (429, &limit, "retry rate_limited"),
            (500, &limit, "retry rate_limited"),
            (200, &untyped(LIMIT), "retry rate_limited"),
            (429, "", "retry rate_limited"),
            (401, "", "retry credentials"),
            (401, &unauthorized, "retry credentials"),
            (403, "Forbidden", "retry credentials"),
            (404, "Not Found", "retry unavailable"),
            (400, "Bad Request", "retry unavailable"),
            (500, "", "retry unavailable"),
            (500, &untyped("Object reference not set"), "retry unavailable"),
            (500, r#"{"ExceptionType":"System.Exception","ExceptionMessage":"no"}"#, "retry unavailable"),
            (500, SUCCESS, "retry unavailable"),
            (502, "<html>Bad Gateway</html>", "retry unavailable"),
            (302, "", "retry unavailable"),
            (200, "<html>Sign in</html>", "retry unexpected"),
            (200, "", "retry unexpected"),
            (200, r#"{"Status":"Success","Mess"#, "retry unexpected"),
            (200, r#"{"Status":"Error"}"#, "retry unexpected"),
            (200, r#"{"Status":"Success","Message":{"Id":5}}"#, "retry unexpected"),
        ];
        for record in ["lead", "user"] {
            let role = (record == "user").then_some("Sales_User");
            let mut settings = json!({ "type": "leadsquared", "record": record, "region": "us" });
            settings.as_object_mut().unwrap().extend(role.map(|role| ("role".to_owned(), json!(role))));
            let connector = account("acme", settings);
            let call = testing::first_call(&*connector, &lead(&[("name", "Jane"), ("email", "j@example.com")]));
            for (status, body, expected) in rows {
                let found = testing::outcome(&*connector, &DESCRIPTOR, &call, status, body);
                assert_eq!(found, expected, "{record} {status} {body}");
            }
            let probe = connector.probe().unwrap();
            assert_eq!((probe.method, probe.secret_suffixes().count()), (Method::Get, 2));
        }
    }

    #[test]
    fn a_rate_limit_waits_for_its_window() {
        let words = |limit: &str| {
            exception("MXAPIRateLimitExceededException", &format!("API calls exceeded the limit of {limit}"))
        };
        let after = |seconds: &str| vec![("retry-after".to_owned(), seconds.to_owned())];
        for (body, headers, wait_ms) in [
            (words("25 in 5 second(s)"), Vec::new(), 5_000),
            (words("10 in 1 second(s)"), Vec::new(), 5_000),
            (words("10 in 30 second(s)"), Vec::new(), 30_000),
            (words("99 in 2 minute(s)"), Vec::new(), 120_000),
            (words("900 in 2 hour(s)"), Vec::new(), 3_600_000),
            (words("10000 in 1 day(s)"), Vec::new(), 3_600_000),
            (words("25 in 5 second(s)"), after("40"), 40_000),
            (words("many"), Vec::new(), 5_000),
            (String::new(), after("1"), 5_000),
        ] {
            let response = Response::new(DESCRIPTOR.format(), 429, headers, &body, 0);
            assert_eq!(limited(&response, &response.phrases_without(&[])).wait_ms, Some(wait_ms), "{body}");
        }
    }

    #[test]
    fn a_visitors_words_are_no_rate_limit_and_no_wait() {
        let options = json!({ "type": "leadsquared", "region": "us", "update_behavior": "Overwrite" });
        let leads = account("acme", options);
        let words = "API calls exceeded the limit of 9 in 9 hour(s)";
        let message = format!("Hello\n{words} <b>");
        let call = testing::first_call(&*leads, &lead(&[("email", "j@example.com"), ("message", &message)]));
        let untyped = json!({ "Status": "Error", "ExceptionMessage": format!("'{words}' is not valid") }).to_string();
        let typed = exception("MXAPIRateLimitExceededException", &format!("{words}: {LIMIT}"));
        for (status, body, expected) in [
            (400, &untyped, "continue omitted everything optional"),
            (200, &untyped, "retry unexpected"),
            (429, &typed, "retry rate_limited"),
        ] {
            assert_eq!(testing::outcome(&*leads, &DESCRIPTOR, &call, status, body), expected, "{status} {body}");
        }
        let response = Response::new(DESCRIPTOR.format(), 429, Vec::new(), &typed, 0);
        assert_eq!(limited(&response, &response.phrases(&call)).wait_ms, Some(5_000));
    }

    #[test]
    fn the_wrong_region_names_the_right_one() {
        let api = Api { host: "api-in21.leadsquared.com".into() };
        let elsewhere = "HTTP 401: the account is not on api-in21.leadsquared.com but on";
        for (body, expected) in [
            (
                "Please use https://api-us11.leadsquared.com/v2/ for this account.",
                format!("{elsewhere} api-us11.leadsquared.com; set region = \"us\""),
            ),
            (
                r#"{"host":"api-id51.leadsquared.com"}"#,
                format!("{elsewhere} api-id51.leadsquared.com; set host = \"api-id51.leadsquared.com\""),
            ),
            (
                &exception("MXUnauthorizedException", "Use api.leadsquared.com."),
                format!("{elsewhere} api.leadsquared.com; set region = \"singapore\""),
            ),
            (
                "no key for api-in21.leadsquared.com; see login.leadsquared.com",
                "HTTP 401, no content type, 62 bytes: not a response of the API".into(),
            ),
        ] {
            let response = Response::new(DESCRIPTOR.format(), 401, Vec::new(), body, 0);
            let failure = api.unauthorized(&response);
            assert_eq!((failure.kind, failure.detail), (FailureKind::Credentials, expected), "{body}");
        }
    }
}
