//! The keys of a LeadSquared destination, and every mistake that they can hold.

use serde_json::{Value, json};

use super::user::{Group, Parameter, ParameterKind, Role};
use super::*;
use crate::domain::settings::ConfigError;

fn read_json(table: &Value) -> (Option<Options>, Vec<String>) {
    let mut errors: Vec<ConfigError> = Vec::new();
    let mut reader = Reader::new("DESTINATION_LSQ", table.as_object().unwrap(), &mut errors);
    let options = read(&mut reader);
    reader.finish();
    (options, errors.iter().map(ToString::to_string).collect())
}

fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

#[test]
fn a_lead_needs_only_its_region() {
    let (options, errors) = read_json(&json!({ "region": "india-mumbai" }));
    assert_eq!(errors, [""; 0]);
    assert_eq!(
        options,
        Some(Options {
            host: "api-in21.leadsquared.com".into(),
            record: Record::Lead(LeadOptions {
                search_by: None,
                update_behavior: None,
                source: template("{source|website}"),
                note_attribute: "Notes".into(),
                fields: Vec::new(),
            }),
        })
    );
}

#[test]
fn every_key_of_a_lead() {
    let (options, errors) = read_json(&json!({
        "host": "API-us11.leadsquared.com", "record": "lead", "search_by": "mx_Card",
        "update_behavior": "UpdateOnlyEmptyFields", "source": "{utm_source|direct}", "note_attribute": "mx_Message",
        "fields": { "mx_Card": "{card}", "ProspectStage": { "text": "New" }, "mx_Seen": { "datetime": "{seen}" } },
    }));
    assert_eq!(errors, [""; 0]);
    let field = |name: &str, kind, text| TypedField::new(name, kind, template(text));
    assert_eq!(
        options,
        Some(Options {
            host: "api-us11.leadsquared.com".into(),
            record: Record::Lead(LeadOptions {
                search_by: Some("mx_Card".into()),
                update_behavior: Some("UpdateOnlyEmptyFields"),
                source: template("{utm_source|direct}"),
                note_attribute: "mx_Message".into(),
                fields: vec![
                    field("mx_Card", Kind::Text, "{card}"),
                    field("ProspectStage", Kind::Text, "New"),
                    field("mx_Seen", Kind::DateTime, "{seen}"),
                ],
            }),
        })
    );
}

#[test]
fn every_key_of_a_user() {
    let (options, errors) = read_json(&json!({
        "region": "us", "record": "user", "role": "{role|Sales_User}", "allowed_roles": ["Sales_User", "Sales_Manager"],
        "parameters": {
            "AssociatedPhoneNumbers": "{phone}", "IsPhoneCallAgent": false, "UserType": 1, "ManagerUserId": "{manager}",
            "PhoneMobile": "{mobile}", "TimeZone": "Asia/Kolkata", "DateFormat": "dd/mm/yyyy", "Password": "{password}",
            "TeamId": "{team}", "WorkDayTemplateId": "w1", "HolidayCalendarId": "h1",
        },
        "groups": [{ "GroupId": "{group}", "ViewAllLeadsOfGroup": 1, "AddUsersToGroup": 0 }],
        "custom_fields": { "Appraisal_Date": { "date": "{appraisal}" } },
    }));
    assert_eq!(errors, [""; 0]);
    let parameter = |name, kind, text| Parameter { name, kind, template: template(text) };
    let expected = UserOptions {
        role: Role {
            template: template("{role|Sales_User}"),
            allowed: vec!["Sales_User".into(), "Sales_Manager".into()],
        },
        parameters: vec![
            parameter("AssociatedPhoneNumbers", ParameterKind::Text, "{phone}"),
            parameter("IsPhoneCallAgent", ParameterKind::Flag, "false"),
            parameter("UserType", ParameterKind::UserType, "1"),
            parameter("ManagerUserId", ParameterKind::Text, "{manager}"),
            parameter("PhoneMobile", ParameterKind::Text, "{mobile}"),
            parameter("TimeZone", ParameterKind::TimeZone, "Asia/Kolkata"),
            parameter("DateFormat", ParameterKind::DateFormat, "dd/mm/yyyy"),
            parameter("Password", ParameterKind::Password, "{password}"),
            parameter("TeamId", ParameterKind::Text, "{team}"),
            parameter("WorkDayTemplateId", ParameterKind::Text, "w1"),
            parameter("HolidayCalendarId", ParameterKind::Text, "h1"),
        ],
        groups: vec![Group { id: template("{group}"), rights: [1, 0, 0, 0, 0] }],
        custom_fields: vec![TypedField::new("Appraisal_Date", Kind::Date, template("{appraisal}"))],
    };
    assert_eq!(
        options,
        Some(Options { host: "api-us11.leadsquared.com".into(), record: Record::User(Box::new(expected)) })
    );
}

#[test]
fn a_role_that_a_field_decides_is_a_sales_user_unless_more_is_allowed() {
    let roles = |table: Value| match read_json(&table).0.map(|options| options.record) {
        Some(Record::User(options)) => options.role.allowed,
        other => panic!("{other:?}"),
    };
    assert_eq!(roles(json!({ "region": "us", "record": "user", "role": "{role}" })), ["Sales_User"]);
    assert_eq!(roles(json!({ "region": "us", "record": "user", "role": "Administrator" })), ["Administrator"]);
}

/// Each wrong table (with `region` added to those that lack a place) and the one error that it gives.
#[test]
fn each_mistake_of_a_lead() {
    let table = [
        (
            json!({}),
            "region: is missing; it takes one of \"singapore\", \"us\", \"india-mumbai\", \"india-hyderabad\", \"ireland\", \"canada\", or set host instead",
        ),
        (
            json!({ "region": "us", "host": "api.leadsquared.com" }),
            "host: stands beside region; keep the one that says where the account lives",
        ),
        (
            json!({ "region": "mars" }),
            "region: found \"mars\"; it takes one of \"singapore\", \"us\", \"india-mumbai\", \"india-hyderabad\", \"ireland\", \"canada\"",
        ),
        (
            json!({ "host": "https://api.leadsquared.com" }),
            "host: found \"https://api.leadsquared.com\"; it takes a host name alone, as in \"api-in21.leadsquared.com\"",
        ),
        (
            json!({ "host": "api.leadsquared.com/v2" }),
            "host: found \"api.leadsquared.com/v2\"; it takes a host name alone, as in \"api-in21.leadsquared.com\"",
        ),
        (
            json!({ "host": "api.leadsquared.com:8443" }),
            "host: found \"api.leadsquared.com:8443\"; it takes a host name alone, as in \"api-in21.leadsquared.com\"",
        ),
        (
            json!({ "host": "x@api.leadsquared.com" }),
            "host: found \"x@api.leadsquared.com\"; it takes a host name alone, as in \"api-in21.leadsquared.com\"",
        ),
        (
            json!({ "host": "api..com" }),
            "host: found \"api..com\"; it takes a host name alone, as in \"api-in21.leadsquared.com\"",
        ),
        (
            json!({ "host": "leadsquared" }),
            "host: found \"leadsquared\"; it takes a host name alone, as in \"api-in21.leadsquared.com\"",
        ),
        (json!({ "host": 7 }), "host: found 7; it takes a text that is not empty"),
        (json!({ "region": "us", "record": "deal" }), "record: found \"deal\"; it takes one of \"lead\", \"user\""),
        (
            json!({ "region": "us", "search_by": "email" }),
            "search_by: found \"email\"; it takes EmailAddress, Phone, ProspectID or a custom field (mx_…)",
        ),
        (
            json!({ "region": "us", "search_by": "mx_Card" }),
            "search_by: names mx_Card, which no lead has; fill it in fields.mx_Card",
        ),
        (
            json!({ "region": "us", "search_by": "ProspectID" }),
            "search_by: names ProspectID, which no lead has; fill it in fields.ProspectID",
        ),
        (
            json!({ "region": "us", "update_behavior": "Never" }),
            "update_behavior: found \"Never\"; it takes one of \"DoNotUpdate\", \"UpdateOnlyEmptyFields\", \"DoNotUpdateUniqueFields\"",
        ),
        (
            json!({ "region": "us", "source": "{utm_source" }),
            "source: a `{` is not closed (write `{{` for a literal brace)",
        ),
        (
            json!({ "region": "us", "note_attribute": "Phone" }),
            "note_attribute: found \"Phone\"; it takes the schema name of a text field that nothing else fills, as in \"Notes\" or \"mx_Message\"",
        ),
        (
            json!({ "region": "us", "fields": { "Notes": "{x}" } }),
            "fields.Notes: already takes the note; name another field in note_attribute",
        ),
        (
            json!({ "region": "us", "fields": { "SearchBy": "Phone" } }),
            "fields.SearchBy: is no field of a lead; use the key search_by",
        ),
        (
            json!({ "region": "us", "fields": { "City": { "users": "{city}" } } }),
            "fields.City: found {\"users\":\"{city}\"}; it takes one type and a template, as in { text = \"{budget}\" }; types: text, number, bool, date, datetime, list",
        ),
        (
            json!({ "region": "us", "fields": { "First Name": "{x}" } }),
            "fields.First Name: is no schema name; those look like \"mx_City\" or \"JobTitle\" (not the display name)",
        ),
        (
            json!({ "region": "us", "fields": { "mx_": "{x}" } }),
            "fields.mx_: is no schema name; those look like \"mx_City\" or \"JobTitle\" (not the display name)",
        ),
        (
            json!({ "region": "us", "fields": { "MX_City": "{x}" } }),
            "fields.MX_City: is no schema name; those look like \"mx_City\" or \"JobTitle\" (not the display name)",
        ),
    ];
    for (found, expected) in table {
        assert_eq!(read_json(&found).1, [format!("DESTINATION_LSQ: {expected}")], "{found}");
    }
}

#[test]
fn each_mistake_of_a_user() {
    let all_roles = "Administrator, Marketing_User, Sales_Manager, Sales_User";
    let rights =
        "ViewAllLeadsOfGroup, ModifyAllLeadsOfGroup, AddUsersToGroup, ViewAllAccountsOfGroup, ModifyAllAccountsOfGroup";
    let table = [
        (json!({ "role": "Owner" }), format!("role: found \"Owner\"; it takes one of {all_roles}, or a template")),
        (json!({ "role": "{role|Administrator}" }), "role: falls back to \"Administrator\"; allowed_roles has: Sales_User".into()),
        (json!({ "role": "Sales_User", "allowed_roles": ["Sales_User"] }), "allowed_roles: says nothing when role is a constant; leave it out".into()),
        (json!({ "role": "{role}", "allowed_roles": ["Owner"] }), format!("allowed_roles: found [\"Owner\"]; it takes a list of roles: {all_roles}")),
        (json!({ "parameters": { "IsPhoneCallAgent": "perhaps" } }), "parameters.IsPhoneCallAgent: found \"perhaps\"; it takes true or false".into()),
        (json!({ "parameters": { "UserType": 2 } }), "parameters.UserType: found 2; it takes 0 (a web user) or 1 (a mobile user)".into()),
        (json!({ "parameters": { "UserType": true } }), "parameters.UserType: found true; it takes 0 (a web user) or 1 (a mobile user)".into()),
        (json!({ "parameters": { "TimeZone": "Asia/Pyongyang" } }), "parameters.TimeZone: found \"Asia/Pyongyang\"; it takes a time zone of LeadSquared's list, as in \"Asia/Kolkata\"".into()),
        (json!({ "parameters": { "DateFormat": "yyyy-mm-dd" } }), "parameters.DateFormat: found \"yyyy-mm-dd\"; it takes one of \"mm/dd/yy\", \"mm/dd/yyyy\", \"dd/mm/yy\", \"dd/mm/yyyy\"".into()),
        (json!({ "parameters": { "PhoneMobile": "" } }), "parameters.PhoneMobile: found \"\"; it takes a text".into()),
        (json!({ "parameters": { "TeamId": "{_team}" } }), "parameters.TeamId: `{_team}` names a control field; those are never data".into()),
        (json!({ "parameters": "x" }), "parameters: found \"x\"; it takes a table".into()),
        (json!({ "groups": "g1" }), "groups: found \"g1\"; it takes a list of tables, each with a GroupId".into()),
        (json!({ "groups": ["g1"] }), "groups[0]: found \"g1\"; it takes a table with a GroupId".into()),
        (json!({ "groups": [{ "GroupId": "g1" }, {}] }), "groups[1].GroupId: is missing; it takes the id of a sales group".into()),
        (json!({ "groups": [{ "GroupId": 5 }] }), "groups[0].GroupId: found 5; it takes the id of a sales group".into()),
        (json!({ "groups": [{ "GroupId": "g", "AddUsersToGroup": true }] }), "groups[0].AddUsersToGroup: found true; it takes 0 or 1".into()),
        (json!({ "groups": [{ "GroupId": "g", "ViewAll": 1 }] }), format!("groups[0].ViewAll: is not a key; known here: GroupId, {rights}")),
        (json!({ "search_by": "Phone" }), "search_by: is not a key; known here: allowed_roles, custom_fields, groups, host, parameters, record, region, role".into()),
    ];
    for (mut found, expected) in table {
        let object = found.as_object_mut().unwrap();
        object.insert("region".into(), json!("us"));
        object.insert("record".into(), json!("user"));
        object.entry("role").or_insert(json!("Sales_User"));
        assert_eq!(read_json(&found).1, [format!("DESTINATION_LSQ: {expected}")], "{found}");
    }
    let (_, errors) = read_json(&json!({ "region": "us", "record": "user" }));
    assert_eq!(errors, [format!("DESTINATION_LSQ: role: is missing; it takes one of {all_roles}, or a template")]);
}

/// A password in the config is refused, and the error does not show it.
#[test]
fn a_password_comes_from_a_form_field_or_not_at_all() {
    let found =
        [json!("hunter2"), json!("{password|hunter2}"), json!("hunter2{password}"), json!(""), json!(12_345_678)];
    for password in found {
        let (_, errors) = read_json(
            &json!({ "region": "us", "record": "user", "role": "Sales_User", "parameters": { "Password": password } }),
        );
        let expected = "DESTINATION_LSQ: parameters.Password: takes one form field and nothing else, as in \"{password}\"; a password never stands in the config";
        assert_eq!(errors, [expected], "{password}");
    }
}
