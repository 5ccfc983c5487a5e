//! Spellings of real forms, and names that only look like a lead field.

use super::*;

#[test]
fn wrapping_is_removed_up_to_a_limit() {
    assert_eq!(recognize("form_fields[your-email-field]_1"), Some(LeadField::Email));
    assert_eq!(recognize(&format!("{}email", "my".repeat(LAYERS))), Some(LeadField::Email));
    assert_eq!(recognize(&format!("{}email", "my".repeat(LAYERS + 1))), None);
    assert_eq!(recognize(&format!("{}email", "-".repeat(LONGEST_BYTES - 5))), Some(LeadField::Email));
    assert_eq!(recognize(&format!("{}email", "-".repeat(LONGEST_BYTES))), None);
}

#[rustfmt::skip]
const SPELLINGS: &[(LeadField, &[&str])] = &[
    (LeadField::Name, &[
        "name", "Name", "NAME", "your-name", "yourName", "full_name", "fullName", "Full Name", "contact[name]",
        "contact_name", "form_fields[name]", "et_pb_contact_name_0", "txtName", "name-2", "name_field",
        "customer_name", "Your Name (required)", "contact_form[name]", "fields[name][value]", "name.value", "q3_name", "이름", "성함", "성명", "고객명", "담당자명", "신청자 성함",
        "이름 *", "이름(필수)",
    ]),
    (LeadField::FirstName, &[
        "first-name", "firstName", "first_name", "FirstName", "FNAME", "fname", "given-name", "forename",
        "name[first]", "name.first", "fields[name][first][value]", "your-first-name", "billing_first_name", "0-1/firstname", "q3_fullName[first]",
    ]),
    (LeadField::LastName, &["last-name", "lastName", "LNAME", "surname", "family-name", "name[last]", "성"]),
    (LeadField::Email, &[
        "email", "e-mail", "E-Mail", "EMAIL", "emailAddress", "email_address", "your-email", "work_email",
        "email-123", "email2", "mail", "fields[email][value]", "fields[email][raw_value]", "form-field-email", "user_email", "contact[email]", "0-1/email", "이메일", "이메일 주소", "메일",
        "담당자 이메일",
    ]),
    (LeadField::Phone, &[
        "phone", "tel", "telephone", "mobile", "phoneNumber", "phone_number", "contactNumber", "contactNo", "cell",
        "mobilephone", "your-tel", "tel-392", "전화", "전화번호", "연락처", "휴대폰", "휴대폰 번호", "핸드폰", "담당자 연락처",
    ]),
    (LeadField::Company, &[
        "company", "company name", "companyName", "your-company", "organization", "organisation", "회사", "회사명",
        "업체명", "소속",
    ]),
    (LeadField::JobTitle, &["jobtitle", "job_title", "position", "organization-title", "직함", "직책", "직급"]),
    (LeadField::Website, &["website", "your-url", "URL", "companyWebsite", "홈페이지", "홈페이지 주소"]),
    (LeadField::Message, &[
        "message", "your-message", "msg", "comments", "note", "notes", "inquiry", "enquiry", "description",
        "question", "textarea-77", "contact[body]", "How can we help you?", "문의내용", "문의 내용", "내용", "메시지",
        "문의사항",
    ]),
    (LeadField::Street, &[
        "address", "address1", "address_line_2", "street-address", "addressLine1", "ADDRESS[addr1]", "주소", "상세주소",
    ]),
    (LeadField::City, &["city", "billing_city", "address.city", "address-level2", "mx_City", "도시"]),
    (LeadField::State, &["state", "province", "address-level1", "시/도"]),
    (LeadField::PostalCode, &["zip", "zipCode", "postal-code", "postcode", "ADDRESS[zip]", "우편번호"]),
    (LeadField::Country, &["country", "country-name", "국가"]),
    (LeadField::Source, &["source", "lead_source", "How did you hear about us?", "유입경로"]),
    (LeadField::Consent, &[
        "consent", "gdpr", "agree", "privacy-policy", "acceptance-816", "terms", "개인정보동의", "동의",
        "개인정보 수집 및 이용에 동의", "마케팅동의",
    ]),
    (LeadField::Locale, &["locale", "language", "lang"]),
    (LeadField::UtmSource, &["utm_source", "utmSource", "UTM Source"]),
    (LeadField::LiFatId, &["li_fat_id"]),
    (LeadField::Gclid, &["gclid", "GCLID"]),
    (LeadField::Referrer, &["referrer", "ref"]),
    (LeadField::LandingPage, &["landing_page", "landingPage", "source_url"]),
];

#[test]
fn spellings_of_real_forms_are_recognized() {
    for (field, names) in SPELLINGS {
        for name in *names {
            assert_eq!(recognize(name), Some(*field), "{name}");
        }
    }
}

#[test]
fn similar_names_are_not_recognized() {
    let names = [
        "",
        "-",
        "username",
        "user-name",
        "nickname",
        "form-name",
        "form.name",
        "contact_form_name",
        "your-form-title",
        "contactFormSource",
        "fields[email][id]",
        "fields[name][required]",
        "fields.phone.label",
        "email.type",
        "[value]",
        "static-form-name",
        "subject",
        "your-subject",
        "title",
        "제목",
        "fax",
        "email_preferences",
        "company_size",
        "budget",
        "예산",
        "message_id",
        "_replyto",
        "_name",
        "field_4",
        "input_1",
        "checkbox-12",
        "consent_at",
        "consentAt",
        "emailed",
        "qemail",
        "rename",
        "동의어",
        "마케팅 비동의",
        "00N5e00000ABCDE",
        "department",
        "부서",
        "text-123",
    ];
    for name in names {
        assert_eq!(recognize(name), None, "{name}");
    }
}

#[test]
fn every_listed_name_is_bare_listed_once_and_recognized() {
    let mut count = 0;
    for line in include_str!("../names.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (field, names) = line.split_once(": ").unwrap();
        for name in names.split(' ') {
            assert_eq!(recognize(name).map(LeadField::name), Some(field), "{name}");
            assert_eq!(bare(name), name);
            count += 1;
        }
    }
    assert_eq!(FIELDS.len(), count);
}

#[test]
fn every_lead_field_but_consent_at_is_recognized_by_its_own_name() {
    for field in LeadField::ALL {
        let expected = (*field != LeadField::ConsentAt).then_some(*field);
        assert_eq!(recognize(field.name()), expected);
    }
}

#[test]
fn an_endless_name_is_not_read() {
    assert_eq!(recognize(&"your".repeat(20_000)), None);
}
