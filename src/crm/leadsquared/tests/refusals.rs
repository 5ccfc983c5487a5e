//! What a lead goes without, message by message, and what it is sent as then.

use fakes::Fake;
use fakes::leadsquared::LeadSquared as Account;

use super::against_fake::{deliver, id, made};
use super::answers::{answer, left_out, mx, trouble};
use super::*;

/// One row a message: the attributes that were sent, and what the lead goes without.
#[test]
fn each_refusal_of_a_lead() {
    type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], Option<&'a str>);
    let account =
        account(json!({ "fields": { "mx_City": "{city}", "mx_Card": "{card}" }, "note_attribute": "mx_Message" }));
    let (invalid, scripted) = ("MXInvalidEntityException", "MXXSSException");
    let long = "x".repeat(1001);
    let (city, script) = (("mx_City", "Pune"), ("mx_Message", "<script>"));
    let (email, phone, name) = (("EmailAddress", "a@b.c"), ("Phone", "010"), ("FirstName", "Jane"));
    let (company, notes, long_notes) = (("Company", "Acme"), ("Notes", "Hello"), ("Notes", long.as_str()));
    let table: [Row<'_>; 22] = [
        (invalid, "'mx_City' is not an attribute of a lead", &[email, city], Some("mx_City")),
        (invalid, "mx_City takes no 'Phone'", &[email, phone, city], Some("mx_City")),
        (invalid, "Phone: wrong format", &[email, phone, city], Some("Phone")),
        (invalid, "Phone: wrong format", &[name, phone], Some("Phone")),
        (invalid, "Phone: wrong format", &[phone, city], None),
        (invalid, "FirstName is too long", &[email, name], Some("FirstName")),
        (invalid, "EmailAddress is not valid", &[email, phone, city], None),
        (invalid, "'mx_Message' is not an attribute of a lead", &[email, script], Some("mx_Message")),
        (invalid, "Notes is too long", &[email, city, long_notes], Some("the rest of a long note")),
        (invalid, "Notes is wrong", &[email, city, notes], None),
        // Nothing is named: the operator's own, then everything else, then the texts.
        (invalid, "no", &[email, company, city], Some("fields")),
        (invalid, "no", &[email, company, script], Some("everything optional")),
        (invalid, "no", &[email, script], Some("markup")),
        (invalid, "no", &[email, long_notes], Some("the rest of a long note")),
        (invalid, "no", &[email, notes], None),
        (invalid, "no", &[phone, name], Some("everything optional")),
        (invalid, "no", &[phone], None),
        (invalid, "no", &[phone, name, company], Some("everything optional")),
        // A script is about the spelling, named or not.
        (scripted, "A dangerous value", &[email, city, script], Some("markup")),
        (scripted, "A dangerous value in mx_Message", &[email, city, script], Some("markup")),
        (scripted, "A dangerous value in mx_City", &[email, city, notes], Some("mx_City")),
        // What is missing does not come by leaving out more.
        ("MXMandatoryAttributeMissingException", "'mx_Card' is mandatory", &[email, city], None),
    ];
    for (kind, message, sent, expected) in table {
        let mut call = call_of(account.next(&jane(), &Progress::default()));
        call.body = Some(pairs(sent).to_string());
        let why = format!("HTTP 500: {kind}: {message}");
        let expected = match expected {
            Some(field) => left_out(field, &why),
            None => Verdict::Refused(trouble(Why::Invalid, &why)),
        };
        assert_eq!(account.read(&call, &answer(500, &mx(kind, message))), expected, "{message} {sent:?}");
    }
}

/// What LeadSquared refuses is in the note, and everything else in its attribute.
#[test]
fn what_is_left_out_is_in_the_note() {
    type Row<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);
    let account = account(json!({
        "fields": { "mx_Budget": { "number": "{budget}" }, "Company": "{firm}" }, "note_attribute": "mx_Message",
    }));
    // An address is never spelled in another way, whatever stands in it.
    let lead = lead_of(
        &[(F::Email, "a&#1@b.c"), (F::Phone, "010"), (F::Company, "Acme"), (F::Message, "<b>Hi</b>")],
        &[("budget", "1500"), ("firm", "Acme Ltd")],
    );
    let (email, phone, source) = (("EmailAddress", "a&#1@b.c"), ("Phone", "010"), ("Source", "website"));
    let (budget, company) = (("mx_Budget", "1500"), ("Company", "Acme Ltd"));
    let table: [Row<'_>; 7] = [
        (&["Phone"], &[email, budget, company, source, ("mx_Message", "<b>Hi</b>\n\ncompany: Acme\nPhone: 010")]),
        (
            &["mx_Budget"],
            &[email, phone, company, source, ("mx_Message", "<b>Hi</b>\n\ncompany: Acme\nmx_Budget: 1500")],
        ),
        // The built-in value does not take the place of the operator's.
        (
            &["fields"],
            &[email, phone, source, ("mx_Message", "<b>Hi</b>\n\ncompany: Acme\nmx_Budget: 1500\nCompany: Acme Ltd")],
        ),
        (
            &["everything optional"],
            &[
                email,
                (
                    "mx_Message",
                    "<b>Hi</b>\n\ncompany: Acme\nPhone: 010\nmx_Budget: 1500\nCompany: Acme Ltd\nSource: website",
                ),
            ],
        ),
        (&["mx_Message"], &[email, phone, budget, company, source, ("Notes", "<b>Hi</b>\n\ncompany: Acme")]),
        (&["markup"], &[email, phone, budget, company, source, ("mx_Message", "‹b›Hi‹/b›\n\ncompany: Acme")]),
        // Four at least: everything that is optional.
        (
            &["markup", "a", "b", "c"],
            &[
                email,
                (
                    "mx_Message",
                    "‹b›Hi‹/b›\n\ncompany: Acme\nPhone: 010\nmx_Budget: 1500\nCompany: Acme Ltd\nSource: website",
                ),
            ],
        ),
    ];
    for (fields, expected) in table {
        let left_out = fields.iter().map(|field| (*field).to_owned()).collect();
        let call = call_of(account.next(&lead, &Progress { left_out, ..Progress::default() }));
        assert_eq!(json_body(&call), pairs(expected), "{fields:?}");
    }
    // Without an email the phone is what the lead is known by.
    let by_phone = lead_of(&[(F::Phone, "010"), (F::Company, "Acme")], &[]);
    let call = call_of(
        account.next(&by_phone, &Progress { left_out: ["everything optional".into()].into(), ..Progress::default() }),
    );
    assert_eq!(json_body(&call), pairs(&[("Phone", "010"), ("mx_Message", "Company: Acme\nSource: website")]));
}

/// A script in the visitor's message, as the fake account refuses it; and a field that the account does not have.
#[test]
fn the_message_survives() {
    let crm = account(json!({ "fields": { "mx_Gone": "{budget}", "mx_Budget": "{budget}" } }));
    let mut fake = Account::new("u$r1", "s1");
    fake.add_lead_field("mx_Budget");
    let lead =
        lead_of(&[(F::Email, "a@b.c"), (F::Message, "<script>alert(1)</script> call me")], &[("budget", "1500")]);
    assert_eq!(deliver(&crm, &mut fake, &lead), (vec!["lead", "lead", "lead"], made(1)));
    assert_eq!(
        fake.records(),
        [json!({
            "ProspectID": id(1), "EmailAddress": "a@b.c", "mx_Budget": "1500", "Source": "website",
            "Notes": "‹s·cript›a·lert(1)‹/s·cript› call me\n\nmx_Gone: 1500", "record": "lead",
        })]
    );
}
