//! The error page of each kind of refusal, compared whole.

use super::*;
use crate::intake::fields;
use crate::pages::layout::tests::mark;

/// The link to the website's page.
const BACK_LINK: &str = "<p><a href=\"https://example.com/contact\" rel=\"noreferrer\">Back to the website</a></p>\n";

/// The website's page, passed on.
const BACK_FIELD: &str = "<input type=\"hidden\" name=\"_back\" value=\"https://example.com/contact\">\n";

fn main_of(refusal: &Refusal, data: &[(&str, &str)], control: &[(&str, &str)], language: Language) -> String {
    let (data, control) = (fields(data), fields(control));
    let back = Some("https://example.com/contact");
    let kept = Kept { action: "/f/contact", back, brand: &Brand::NONE, fields: &data, control: &control };
    let reply = refused(refusal, &kept, language);
    assert_eq!(reply.status, refusal.kind.status());
    let main = crate::pages::layout::tests::main_of(&reply);
    main.strip_prefix(&mark(false)).expect("a mark").to_owned()
}

#[test]
fn everything_typed_can_be_corrected_and_sent_again() {
    let refusal = Refusal {
        kind: RefusalKind::Invalid,
        errors: vec![
            FieldError { code: FieldCode::RequiredFieldMissing, field: "phone".into() },
            FieldError { code: FieldCode::TypeEmail, field: "your-email".into() },
            FieldError { code: FieldCode::NoFileUploads, field: "cv".into() },
        ],
    };
    let data = [
        ("your-email", "nobody\"><script>alert(1)</script>"),
        ("message", "\nfirst\r\n</textarea><b>"),
        ("tag", "a"),
        ("tag", "b"),
        ("password", "hunter2"),
    ];
    let control =
        [("_next", "https://example.com/?a&b"), ("_id", "k"), ("_token", "secret"), ("cf-turnstile-response", "0.abc")];
    assert_eq!(
        main_of(&refusal, &data, &control, Language::En),
        format!(
            "<h1>Your message was not sent</h1>\n\
         <div class=\"alert\" role=\"alert\" tabindex=\"-1\" autofocus>\n\
         <p>Please check what is marked and send it again.</p>\n\
         <p>Cv: This form does not take files. Please send it without the file.</p>\n\
         <p>Needs attention: <a href=\"#f0\">Email</a>, <a href=\"#f5\">Phone</a></p>\n\
         <p>What you typed is still here.</p>\n\
         <p>Files are not kept.</p>\n\
         </div>\n\
         <form method=\"post\" enctype=\"multipart/form-data\" accept-charset=\"utf-8\" action=\"/f/contact\">\n\
         <label for=\"f0\">Email</label>\n\
         <input id=\"f0\" name=\"your-email\" aria-invalid=\"true\" aria-describedby=\"f0-wrong\" type=\"text\" inputmode=\"email\" \
         autocapitalize=\"none\" autocomplete=\"email\" \
         value=\"nobody&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\">\n\
         <p class=\"wrong\" id=\"f0-wrong\">Please enter an email address, such as name@example.com.</p>\n\
         <label for=\"f1\">Message</label>\n\
         <textarea id=\"f1\" name=\"message\">\n\nfirst&#13;\n&lt;/textarea&gt;&lt;b&gt;</textarea>\n\
         <label for=\"f2\">Tag</label>\n\
         <input id=\"f2\" name=\"tag\" type=\"text\" value=\"a\">\n\
         <label for=\"f3\">Tag</label>\n\
         <input id=\"f3\" name=\"tag\" type=\"text\" value=\"b\">\n\
         <label for=\"f4\">Password</label>\n\
         <input id=\"f4\" name=\"password\" type=\"password\" value=\"hunter2\">\n\
         <label for=\"f5\">Phone</label>\n\
         <input id=\"f5\" name=\"phone\" aria-invalid=\"true\" aria-describedby=\"f5-wrong\" type=\"text\" inputmode=\"tel\" autocomplete=\"tel\" value=\"\">\n\
         <p class=\"wrong\" id=\"f5-wrong\">Please fill this in.</p>\n\
         <input type=\"hidden\" name=\"_next\" value=\"https://example.com/?a&amp;b\">\n\
         <input type=\"hidden\" name=\"_id\" value=\"k\">\n\
         <label for=\"token\">Access token</label>\n\
         <input id=\"token\" name=\"_token\" type=\"password\" autocomplete=\"off\">\n\
         <input type=\"hidden\" name=\"cf-turnstile-response\" value=\"0.abc\">\n{BACK_FIELD}\
         <button type=\"submit\">Send again</button>\n</form>\n{BACK_LINK}"
        )
    );
}

#[test]
fn what_cannot_be_sent_again_can_be_copied() {
    for kind in [RefusalKind::UnknownForm, RefusalKind::Origin, RefusalKind::Unauthorized, RefusalKind::Malformed] {
        let message = messages::refused(kind, Language::Ko);
        assert_eq!(
            main_of(&kind.into(), &[("이름", "김철수")], &[("_next", "/x")], Language::Ko),
            format!(
                "<h1>메시지를 보내지 못했습니다</h1>\n\
                 <div class=\"alert\" role=\"alert\" tabindex=\"-1\" autofocus>\n<p>{message}</p>\n\
                 <p>입력하신 내용은 아래에 그대로 있습니다. 필요하면 복사해 두세요.</p>\n</div>\n\
                 <label for=\"f0\">이름</label>\n<input id=\"f0\" name=\"이름\" readonly type=\"text\" autocomplete=\"name\" value=\"김철수\">\n\
                 <p><a href=\"https://example.com/contact\" rel=\"noreferrer\">웹사이트로 돌아가기</a></p>\n"
            )
        );
    }
}

#[test]
fn a_token_from_a_field_can_be_typed_again_and_one_from_a_header_cannot() {
    let page = |control: &[_]| main_of(&RefusalKind::Unauthorized.into(), &[("a", "b")], control, Language::En);
    let token = "<input id=\"token\" name=\"_token\" type=\"password\" autocomplete=\"off\">\n";
    let end = format!("{BACK_FIELD}<button type=\"submit\">Send again</button>\n</form>\n{BACK_LINK}");
    let with_field = page(&[("_token", "wrong")]);
    assert!(with_field.ends_with(&format!("{token}{end}")), "{with_field}");
    let wrong = Refusal::because(RefusalKind::Unauthorized, FieldCode::Unauthorized, "_token");
    let marked = main_of(&wrong, &[("a", "b")], &[("_token", "wrong")], Language::En);
    let token = "<input id=\"token\" name=\"_token\" type=\"password\" aria-invalid=\"true\" \
                 aria-describedby=\"token-wrong\" autocomplete=\"off\">\n\
                 <p class=\"wrong\" id=\"token-wrong\">Please check the access token.</p>\n";
    assert!(
        marked.ends_with(&format!("{token}{end}")) && marked.matches("check the access token").count() == 1,
        "{marked}"
    );
    assert!(!with_field.contains("wrong\""), "the token came back: {with_field}");
    assert!(!page(&[]).contains("<form"));
}

#[test]
fn opening_the_address_is_not_a_lost_message() {
    let heading = |kind: RefusalKind, data: &[_]| {
        let page = main_of(&kind.into(), data, &[], Language::En);
        let heading = page.split(['<', '>']).nth(2).unwrap().to_owned();
        // A message that did not arrive may still be in the browser.
        assert_eq!(
            page.contains("Go back in your browser"),
            data.is_empty() && heading != "Nothing was sent",
            "{kind:?}"
        );
        heading
    };
    let (none, not_sent) = ("Nothing was sent", "Your message was not sent");
    for (kind, nothing, something) in [
        (RefusalKind::Method, none, not_sent),
        (RefusalKind::UnknownForm, none, not_sent),
        (RefusalKind::Empty, not_sent, not_sent),
        (RefusalKind::Malformed, not_sent, not_sent),
    ] {
        assert_eq!(heading(kind, &[]), nothing, "{kind:?}");
        assert_eq!(heading(kind, &[("a", "b")]), something, "{kind:?}");
    }
}

#[test]
fn a_failed_captcha_is_repeated_on_the_website() {
    assert_eq!(
        main_of(&RefusalKind::Captcha.into(), &[("a", "b")], &[("cf-turnstile-response", "0.abc")], Language::En),
        "<h1>Your message was not sent</h1>\n\
         <div class=\"alert\" role=\"alert\" tabindex=\"-1\" autofocus>\n\
         <p>We could not confirm that you are a person. Please complete the check on the website&#39;s form once more and send it from there.</p>\n\
         <p>What you typed is still here. Copy it if you need it.</p>\n</div>\n\
         <label for=\"f0\">A</label>\n<input id=\"f0\" name=\"a\" readonly type=\"text\" value=\"b\">\n\
         <p><a href=\"https://example.com/contact\" rel=\"noreferrer\">Back to the website</a></p>\n"
    );
}

#[test]
fn without_any_field_there_is_no_form() {
    let refusal = Refusal::because(RefusalKind::TooLarge, FieldCode::BodyTooLarge(262_144), "");
    assert_eq!(
        main_of(&refusal, &[], &[("_next", "x")], Language::En),
        "<h1>Your message was not sent</h1>\n\
         <div class=\"alert\" role=\"alert\" tabindex=\"-1\" autofocus>\n\
         <p>This is more than the form can take. Please shorten it and send it again.</p>\n\
         <p>The form may hold at most 256 KB.</p>\n\
         <p>Go back in your browser to the form: what you typed may still be there.</p>\n</div>\n\
         <p><a href=\"https://example.com/contact\" rel=\"noreferrer\">Back to the website</a></p>\n"
    );
}

#[test]
fn a_cut_off_body_is_only_partly_shown() {
    for (code, is_whole) in [
        (FieldCode::TooManyFields(1), false),
        (FieldCode::BodyTooLarge(1), false),
        (FieldCode::NameTooLong(1), false),
        (FieldCode::ValueTooLong(1), true),
    ] {
        let page = main_of(&Refusal::because(RefusalKind::TooLarge, code, ""), &[("a", "b")], &[], Language::En);
        assert_eq!(page.contains("<p>What you typed is still here.</p>"), is_whole, "{code:?}");
        assert_eq!(page.contains("<p>Only a part of what you typed is here. "), !is_whole, "{code:?}");
    }
}

#[test]
fn a_reused_key_is_not_sent_again() {
    let page = |kind: RefusalKind| main_of(&kind.into(), &[("a", "b")], &[("_id", "k")], Language::En);
    assert!(!page(RefusalKind::KeyReused).contains("name=\"_id\""));
    assert!(page(RefusalKind::NotStored).contains("<input type=\"hidden\" name=\"_id\" value=\"k\">\n"));
}

#[test]
fn long_lines_and_messages_get_a_textarea() {
    let (short, long) = ("x".repeat(80), "x".repeat(81));
    assert!(main_of(&RefusalKind::NotStored.into(), &[("a", &short)], &[], Language::En).contains("<input id=\"f0\""));
    assert!(
        main_of(&RefusalKind::NotStored.into(), &[("a", &long)], &[], Language::En).contains("<textarea id=\"f0\"")
    );
    assert!(main_of(&RefusalKind::NotStored.into(), &[("msg", "")], &[], Language::En).contains("<textarea id=\"f0\""));
}

#[test]
fn the_page_sets_retry_after_and_its_policy() {
    let data = fields(&[("a", "b")]);
    for (control, frames) in [(&[][..], "*"), (&[("_token", "x")], "'none'")] {
        let control = fields(control);
        let kept = Kept { action: "/f/contact", back: None, brand: &Brand::NONE, fields: &data, control: &control };
        let reply = refused(&RefusalKind::TooMany.into(), &kept, Language::En);
        assert_eq!(reply.header("Retry-After"), Some("60"));
        let policy = reply.header("Content-Security-Policy").unwrap();
        let expected = format!("base-uri 'none'; form-action 'self' https: http:; frame-ancestors {frames}");
        assert!(policy.ends_with(&expected), "{policy}");
    }
}

#[test]
fn the_size_of_the_page_is_bounded() {
    let (quotes, plain) = ("\"".repeat(240_000), "x".repeat(520_000));
    let many: Vec<_> = (0..200).map(|at| format!("{at}{}", "\"".repeat(1200))).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "\"")).collect();
    let files: Vec<_> =
        many.iter().map(|(name, _)| FieldError { code: FieldCode::NoFileUploads, field: (*name).to_owned() }).collect();
    let invalid = |errors| Refusal { kind: RefusalKind::Invalid, errors };
    for (errors, data, control, is_whole) in [
        (vec![], &[("a", "b"), ("message", plain.as_str())][..], &[][..], true),
        (vec![], &[("message", quotes.as_str()), ("a", "b")], &[], false),
        (vec![], &[("a", "b")], &[("_x", quotes.as_str())], false),
        (files, many.as_slice(), &[], false),
    ] {
        let page = main_of(&invalid(errors), data, control, Language::En);
        assert!(page.len() < PAGE_BYTES + 256 * 1024, "{}", page.len());
        // A part is not sent again: the rest would be lost.
        assert_eq!((page.contains("<form"), page.contains("Only a part")), (is_whole, !is_whole));
    }
    assert!(main_of(&invalid(vec![]), &[("message", &quotes), ("a", "b")], &[], Language::En).contains("value=\"b\""));
}

#[test]
fn campaign_fields_stay_hidden_unless_they_are_wrong() {
    let data = [("utm_source", "news\"letter"), ("gclid", "x")];
    let hidden = "<input type=\"hidden\" name=\"utm_source\" value=\"news&quot;letter\">\n\
                  <input type=\"hidden\" name=\"gclid\" value=\"x\">\n";
    let alert = |kind| format!("autofocus>\n<p>{}</p>\n</div>\n", messages::refused(kind, Language::En));
    let resendable = main_of(&RefusalKind::NotStored.into(), &data, &[], Language::En);
    assert!(resendable.contains(&alert(RefusalKind::NotStored)), "nothing was typed: {resendable}");
    assert!(resendable.contains(&format!("action=\"/f/contact\">\n{hidden}{BACK_FIELD}<button")), "{resendable}");
    let final_page = main_of(&RefusalKind::Origin.into(), &data, &[], Language::En);
    assert!(final_page.ends_with(&(alert(RefusalKind::Origin) + BACK_LINK)), "{final_page}");

    let wrong = Refusal::because(RefusalKind::Invalid, FieldCode::ValueTooLong(8), "utm_source");
    let page = main_of(&wrong, &data, &[], Language::En);
    assert!(
        page.contains("<label for=\"f0\">Utm source</label>\n<input id=\"f0\" name=\"utm_source\" aria-invalid"),
        "{page}"
    );
}

#[test]
fn fields_are_labeled_in_the_language_of_the_page() {
    let refusal = Refusal {
        kind: RefusalKind::Invalid,
        errors: vec![
            FieldError { code: FieldCode::RequiredFieldMissing, field: "tel".into() },
            FieldError { code: FieldCode::NoFileUploads, field: "company".into() },
        ],
    };
    let data = [("fname", "Ada"), ("회신 이메일", "a"), ("terms", "on"), ("budget", "1")];
    for (language, labels, file) in [
        (Language::En, ["First name", "회신 이메일", "Terms", "Budget", "Phone"], "<p>Company: This form"),
        (Language::Ko, ["이름", "회신 이메일", "동의 (Terms)", "Budget", "전화번호"], "<p>회사: 이 양식은"),
    ] {
        let page = main_of(&refusal, &data, &[], language);
        let found: Vec<_> =
            page.split("<label for=\"f").skip(1).filter_map(|rest| rest.split(['>', '<']).nth(1)).collect();
        assert_eq!(found, labels);
        assert!(page.contains(file), "{page}");
    }
}
