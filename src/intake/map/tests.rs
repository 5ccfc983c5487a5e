//! Tests from a Submission to a Lead; other test modules borrow [`lead_of`].

use proptest::prelude::*;

use super::*;
use crate::connectors::note;
use crate::intake::fields;
use crate::intake::validate::{Rule, RuleKind};

fn form(map: Vec<(LeadField, Source)>) -> Form {
    Form { map, ..Form::plain("contact", &["crm"]) }
}

fn submission(pairs: &[(&str, &str)]) -> Submission {
    Submission {
        id: "0192-id".into(),
        form: "contact".into(),
        received_at: 1_713_251_897_516,
        fields: fields(pairs),
        page: None,
        country: None,
        locale: None,
        ignored: Vec::new(),
    }
}

/// The lead of a form without a `map`.
pub(crate) fn lead_of(pairs: &[(&str, &str)]) -> Lead {
    from_submission(submission(pairs), &form(Vec::new()))
}

fn named(names: &[&str]) -> Source {
    Source::Fields(names.iter().map(|name| (*name).to_owned()).collect())
}

fn template(text: &str) -> Source {
    Source::Template(Template::parse(text).unwrap())
}

type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// The lead's values by name, and what is unmapped.
fn shown(lead: &Lead) -> (Pairs<'_>, Pairs<'_>) {
    let values = lead.values.iter().map(|(field, value)| (field.name(), value.as_str())).collect();
    (values, lead.unmapped.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect())
}

#[test]
fn an_ordinary_form_needs_no_map() {
    let lead = lead_of(&[
        ("your-name", " Ada Lovelace "),
        ("E-Mail", "ada@example.com"),
        ("tel", "123"),
        ("subject", "Engines"),
        ("company", "  "),
        ("message", "Hello\r\nthere"),
        ("count", "0"),
        ("urgent", "false"),
        ("topic", "a"),
        ("topic", "b"),
    ]);
    assert_eq!(
        shown(&lead),
        (
            vec![("name", "Ada Lovelace"), ("email", "ada@example.com"), ("phone", "123"), ("message", "Hello\nthere")],
            vec![("subject", "Engines"), ("count", "0"), ("urgent", "false"), ("topic", "a"), ("topic", "b")]
        )
    );
    assert_eq!(lead.origin(LeadField::Email), Some("E-Mail"));
    assert_eq!(lead.origin(LeadField::Company), None);
}

#[test]
fn a_salesforce_web_to_lead_form_needs_no_map() {
    let lead = lead_of(&[
        ("first_name", "Ada"),
        ("last_name", "Lovelace"),
        ("company", "Engines"),
        ("lead_source", "Web"),
        ("00N5e00000ABCDE", "x"),
    ]);
    let values = vec![
        ("name", "Ada Lovelace"),
        ("first_name", "Ada"),
        ("last_name", "Lovelace"),
        ("company", "Engines"),
        ("source", "Web"),
    ];
    assert_eq!(shown(&lead), (values, vec![("00N5e00000ABCDE", "x")]));
    assert_eq!(lead.origin(LeadField::Name), Some("first_name"));
}

type Sent = &'static [(&'static str, &'static str)];

/// The case, what is sent, the lead's values, and what is unmapped.
type Row = (&'static str, Sent, Sent, Sent);

fn assert_rows(rows: &[Row]) {
    for (case, sent, values, unmapped) in rows {
        assert_eq!(shown(&lead_of(sent)), (values.to_vec(), unmapped.to_vec()), "{case}");
    }
}

#[test]
fn a_lead_field_holds_one_value() {
    assert_rows(&[
        ("the first", &[("email", "a"), ("email2", "b")], &[("email", "a")], &[("email2", "b")]),
        ("not a blank", &[("email", " "), ("email2", "b")], &[("email", "b")], &[]),
        (
            "repeated",
            &[("email", "a"), ("email", " "), ("email", "b"), ("email", "a")],
            &[("email", "a")],
            &[("email", "b")],
        ),
        ("equal", &[("email", "a@b.co"), ("mail", "a@b.co ")], &[("email", "a@b.co")], &[]),
        ("equal names", &[("name", "Ada"), ("name", "Ada")], &[("name", "Ada")], &[]),
        ("names", &[("name", "Ada"), ("name", "Lovelace")], &[("name", "Ada Lovelace")], &[]),
        ("numbers", &[("tel", "020 1"), ("tel", "020 2")], &[("phone", "020 1")], &[("tel", "020 2")]),
        ("a list", &[("x", "a"), ("x", "b")], &[], &[("x", "a"), ("x", "b")]),
        (
            "a dialling code",
            &[("CountryCode", "+44"), ("country", "GB")],
            &[("country", "GB")],
            &[("CountryCode", "+44")],
        ),
        ("a street", &[("주소", "서울"), ("상세주소", "101호"), ("주소", "서울")], &[("street", "서울, 101호")], &[]),
    ]);
    let lead = lead_of(&[("주소", "서울"), ("상세주소", "101호")]);
    assert_eq!(lead.origin(LeadField::Street), Some("주소"));
}

#[test]
fn values_in_boxes_are_joined() {
    const NUMBER: Sent = &[("phone", "010-1234-5678")];
    const ADDRESS: Sent = &[("email", "gildong@naver.com")];
    assert_rows(&[
        ("three boxes", &[("phone1", "010"), ("phone2", " 1234"), ("phone3", "5678")], NUMBER, &[]),
        ("one name", &[("연락처", "010"), ("연락처", "1234"), ("연락처", "5678")], NUMBER, &[]),
        (
            "boxes and their sum",
            &[("phone", "01012345678"), ("phone1", "010"), ("phone2", "1234"), ("phone3", "5678")],
            NUMBER,
            &[("phone", "01012345678")],
        ),
        ("two boxes", &[("email1", "gildong"), ("email2", "naver.com")], ADDRESS, &[]),
        (
            "boxes among boxes",
            &[
                ("email1", "gildong"),
                ("phone1", "010"),
                ("phone2", "1234"),
                ("phone3", "5678"),
                ("email2", "naver.com"),
            ],
            &[("email", "gildong@naver.com"), ("phone", "010-1234-5678")],
            &[],
        ),
        (
            "a list of domains",
            &[("userEmail1", "gildong"), ("userEmail2", "naver.com"), ("userEmail3", "-")],
            ADDRESS,
            &[("userEmail3", "-")],
        ),
        ("a domain twice", &[("email1", "gildong"), ("email2", "naver.com"), ("email3", "@naver.com")], ADDRESS, &[]),
        ("one name for an address", &[("email", "gildong"), ("email", "naver.com")], ADDRESS, &[]),
        ("named boxes", &[("email_id", "gildong"), ("email_domain", "naver.com")], ADDRESS, &[]),
        ("named boxes in Korean", &[("이메일 아이디", "gildong"), ("이메일 도메인", "naver.com")], ADDRESS, &[]),
        ("a domain alone", &[("email_domain", "naver.com")], &[], &[("email_domain", "naver.com")]),
        // Whole values stay as they are.
        (
            "whole numbers",
            &[("phone1", "010-1234-5678"), ("phone2", "02-123-4567")],
            &[("phone", "010-1234-5678")],
            &[("phone2", "02-123-4567")],
        ),
        (
            "whole numbers in three",
            &[("phone1", "01012345678"), ("phone2", "021234567"), ("phone3", "15881234")],
            &[("phone", "01012345678")],
            &[("phone2", "021234567"), ("phone3", "15881234")],
        ),
        (
            "three names",
            &[("phone", "010"), ("mobile", "1234"), ("tel", "5678")],
            &[("phone", "010")],
            &[("mobile", "1234"), ("tel", "5678")],
        ),
        ("two of three", &[("phone1", "010"), ("phone2", "1234")], &[("phone", "010")], &[("phone2", "1234")]),
        (
            "a whole address",
            &[("email1", "a@example.com"), ("email2", "example.com")],
            &[("email", "a@example.com")],
            &[("email2", "example.com")],
        ),
        (
            "no user",
            &[("email1", "two words"), ("email2", "example.com")],
            &[("email", "two words")],
            &[("email2", "example.com")],
        ),
        (
            "no phone",
            &[("zip1", "010"), ("zip2", "1234"), ("zip3", "5678")],
            &[("postal_code", "010")],
            &[("zip2", "1234"), ("zip3", "5678")],
        ),
    ]);
    let lead = lead_of(&[("phone1", "010"), ("phone2", "1234"), ("phone3", "5678")]);
    assert_eq!(lead.origin(LeadField::Phone), Some("phone1"));
}

#[test]
fn fields_that_the_config_names_come_before_others() {
    let rule = Rule { field: "email".into(), kind: Some(RuleKind::Email), ..Rule::default() };
    let sent = [("e-mail", "eve@evil.example"), ("tel", "1"), ("phone", "2"), ("email", "ok@example.com")];
    let form = Form { rules: vec![rule], required: vec!["phone".into()], ..form(Vec::new()) };
    let lead = from_submission(submission(&sent), &form);
    let values = vec![("email", "ok@example.com"), ("phone", "2")];
    assert_eq!(shown(&lead), (values, vec![("e-mail", "eve@evil.example"), ("tel", "1")]));
}

#[test]
fn a_missing_full_name_is_joined_from_its_parts() {
    for (pairs, name) in [
        (&[("first_name", "길동"), ("last_name", "홍")][..], "홍길동"),
        (&[("first_name", "Gil-dong"), ("last_name", "Hong")], "Gil-dong Hong"),
        (&[("last_name", "Hong")], "Hong"),
        (&[("name", "Lady Lovelace"), ("first_name", "Ada"), ("last_name", "King")], "Lady Lovelace"),
    ] {
        assert_eq!(lead_of(pairs).get(LeadField::Name), Some(name));
    }
}

#[test]
fn country_and_locale_default_to_those_of_the_request() {
    let mut submission = submission(&[("language", "de")]);
    submission.locale = Some("ko-KR".into());
    submission.page = Some("https://www.example.com/".into());
    for (country, expected) in [("KR", vec![("country", "KR"), ("locale", "de")]), ("XX", vec![("locale", "de")])] {
        submission.country = Some(country.into());
        let lead = from_submission(submission.clone(), &form(Vec::new()));
        assert_eq!(shown(&lead), (expected, vec![]));
        assert_eq!((lead.origin(LeadField::Country), lead.origin(LeadField::Locale)), (None, Some("language")));
    }
}

#[test]
fn a_given_consent_gets_a_time() {
    let at = Some("2024-04-16T07:18:17.516Z");
    for (pairs, text, time) in [
        (&[("gdpr", "on")][..], Some("on"), at),
        (&[("동의", "개인정보 수집에 동의합니다.")], Some("개인정보 수집에 동의합니다."), at),
        (&[("agree", "no")], Some("no"), None),
        (&[("marketing", "Nein")], Some("Nein"), None),
        (&[("privacy", "No.")], Some("No."), None),
        (&[("동의", "동의하지 않습니다.")], Some("동의하지 않습니다."), None),
        (&[("terms", "terms of 2024")], Some("terms of 2024"), None),
        (&[("consent", "terms"), ("consent", "I agree")], Some("terms, I agree"), at),
        (&[("agree", "1"), ("agree", "1")], Some("1"), at),
        (&[("agree", "0"), ("agree", "1")], Some("0, 1"), at),
        (&[("agree", "1"), ("agree", "0"), ("agree", " ")], Some("1, 0"), None),
        (&[("agree", "0")], Some("0"), None),
        (&[("consent_at", "2020-01-01")], None, None),
        (&[], None, None),
    ] {
        let lead = lead_of(pairs);
        assert_eq!((lead.get(LeadField::Consent), lead.get(LeadField::ConsentAt)), (text, time), "{pairs:?}");
    }
}

#[test]
fn the_map_wins_over_common_names() {
    let pairs = &[
        ("tel", "1"),
        ("phone", "2"),
        ("mobile", "3"),
        ("source", "ad"),
        ("utm_source", ""),
        ("rooms", "4"),
        ("message", "Hi"),
        ("mail", "a@example.com"),
        ("nick", "Ada"),
    ];
    let map = vec![
        (LeadField::Company, named(&["nowhere", "firm"])),
        (LeadField::Phone, named(&["absent", "mobile", "tel"])),
        (LeadField::Website, Source::Value("https://example.com".into())),
        (LeadField::Source, template("{utm_source|direct}")),
        (LeadField::Message, template("{message} ({rooms} rooms, {nick})")),
        (LeadField::JobTitle, template("{nothing}")),
        (LeadField::Name, named(&["nick"])),
        (LeadField::Referrer, template("{email} {form}")),
    ];
    let lead = from_submission(submission(pairs), &form(map));
    let values = vec![
        ("name", "Ada"),
        ("email", "a@example.com"),
        ("phone", "3"),
        ("website", "https://example.com"),
        ("message", "Hi (4 rooms, Ada)"),
        ("source", "direct"),
        ("referrer", "a@example.com contact"),
    ];
    // `source` was recognized, but the template that replaced it does not use it.
    assert_eq!(shown(&lead), (values, vec![("tel", "1"), ("phone", "2"), ("source", "ad")]));
    let origins: Vec<_> =
        [LeadField::Phone, LeadField::Website, LeadField::Source, LeadField::Message, LeadField::Referrer]
            .map(|field| lead.origin(field))
            .to_vec();
    assert_eq!(origins, [Some("mobile"), None, None, Some("message"), Some("mail")]);
}

#[test]
fn a_mapped_field_is_not_recognized_again() {
    let map = vec![(LeadField::Name, named(&["company"])), (LeadField::Phone, named(&["mobile"]))];
    let boxes = [("phone1", "010"), ("phone2", "1234"), ("phone3", "5678")];
    let pairs = [&[("company", "Ada & Co"), ("mobile", "1")][..], &boxes].concat();
    let lead = from_submission(submission(&pairs), &form(map));
    assert_eq!(shown(&lead), (vec![("name", "Ada & Co"), ("phone", "1")], boxes.to_vec()));
    let map = vec![(LeadField::Source, named(&["email2"])), (LeadField::Phone, named(&["x"]))];
    let pairs = [("email", "a"), ("email2", "b"), ("email2", "c"), ("x", "010"), ("x", "12"), ("x", "34")];
    let lead = from_submission(submission(&pairs), &form(map));
    assert_eq!(shown(&lead), (vec![("email", "a"), ("phone", "010-12-34"), ("source", "b")], vec![("email2", "c")]));
}

#[test]
fn a_blank_mapped_field_leaves_the_common_names_on() {
    let map = vec![(LeadField::Phone, named(&["tel"])), (LeadField::Email, template("{x}"))];
    let lead = from_submission(submission(&[("tel", " "), ("mobile", "1"), ("email", "a")]), &form(map));
    assert_eq!(shown(&lead), (vec![("email", "a"), ("phone", "1")], vec![]));
}

#[test]
fn a_blank_field_is_reported_under_its_name_in_the_form() {
    let asked = |pairs: &[(&str, &str)], map: Vec<(LeadField, Source)>, field| {
        left_blank(&submission(pairs), &form(map), field).map(str::to_owned)
    };
    let map = || vec![(LeadField::Phone, named(&["tel1", "tel2"])), (LeadField::Email, template("{tel2}"))];
    let pairs = [("Your-Email", " "), ("이메일", ""), ("phone", ""), ("tel2", "\n"), ("company", "Ada & Co")];
    assert_eq!(asked(&pairs, map(), LeadField::Email).as_deref(), Some("Your-Email"));
    assert_eq!(asked(&pairs, map(), LeadField::Phone).as_deref(), Some("tel2"));
    assert_eq!(asked(&pairs, Vec::new(), LeadField::Phone).as_deref(), Some("phone"));
    for field in [LeadField::Company, LeadField::Name] {
        assert_eq!(asked(&pairs, map(), field), None, "{field:?}");
    }
    assert_eq!(asked(&[("email", ""), ("email", "a@b.co")], Vec::new(), LeadField::Email), None);
}

/// Names that mean something, names that mean nothing, and any text.
fn any_name() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "name",
        "first_name",
        "last_name",
        "email",
        "email1",
        "email2",
        "email_id",
        "email_domain",
        "phone1",
        "phone2",
        "phone3",
        "tel",
        "message",
        "address",
        "address2",
        "agree",
        "source",
        "이름",
        "a",
        "b",
        "c",
        "form",
        "company",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => "\\PC{1,6}"]
}

fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[0-9]{1,4}", "[a-z]{1,3}(\\.com)?", "\\PC{0,8}", any::<String>()]
}

fn any_source() -> impl Strategy<Value = Source> {
    let text =
        prop::sample::select(vec!["{a} {b|x}", "{name}", "{email}{phone}", "{c}", "{form}", "{source|none}", "x"]);
    prop_oneof![
        prop::collection::vec(any_name(), 1..3).prop_map(Source::Fields),
        "[a-z]{1,3}".prop_map(Source::Value),
        text.prop_map(template),
    ]
}

proptest! {
    #[test]
    fn mapping_loses_no_filled_value(
        pairs in prop::collection::vec((any_name(), any_value()), 0..12),
        map in prop::collection::btree_map(prop::sample::select(LeadField::ALL), any_source(), 0..4),
    ) {
        let mut submission = submission(&[]);
        submission.fields = Fields(pairs);
        let lead = from_submission(submission.clone(), &form(map.into_iter().collect()));
        for (name, value) in &submission.fields.0 {
            let value = clean(value);
            let mapped = lead.values.values().any(|text| text.contains(value.as_ref()));
            let unmapped = lead.unmapped.0.iter().any(|(n, v)| n == name && *v == value);
            prop_assert!(value.is_empty() || mapped || unmapped, "{name:?} = {value:?} in {lead:?}");
        }
        prop_assert!(lead.values.values().all(|value| !value.is_empty() && value.trim() == value));
        prop_assert!(lead.unmapped.0.iter().all(|(_, value)| !value.is_empty() && value.trim() == value));
    }

    #[test]
    fn the_note_of_an_unplaced_lead_holds_every_value(
        pairs in prop::collection::vec((any_name(), "[a-z0-9@. ]{0,8}"), 0..12),
    ) {
        let mut submission = submission(&[]);
        submission.fields = Fields(pairs);
        let lead = from_submission(submission.clone(), &form(Vec::new()));
        let note = note::Note::new(&lead).text();
        for (_, value) in &submission.fields.0 {
            prop_assert!(note.contains(value.trim()), "{value:?} in {note:?}");
        }
    }
}
