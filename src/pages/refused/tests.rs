//! The error page compared whole, per kind of refusal.

use super::*;

fn fields(pairs: &[(&str, &str)]) -> Fields {
    Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

fn main_of(refusal: &Refusal, data: &[(&str, &str)], control: &[(&str, &str)], language: Language) -> String {
    let (data, control) = (fields(data), fields(control));
    let reply = refused(
        refusal,
        &Kept { action: "/f/contact", back: Some("https://example.com/contact"), fields: &data, control: &control },
        language,
    );
    assert_eq!(reply.status, refusal.kind.status());
    reply.body.split("<main>\n").nth(1).and_then(|rest| rest.split("</main>").next()).unwrap().to_owned()
}

#[test]
fn everything_typed_is_there_to_be_mended_and_sent() {
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
        "<h1>Your message was not sent</h1>\n\
         <div class=\"alert\" role=\"alert\" tabindex=\"-1\" autofocus>\n\
         <p>Please check what is marked and send it again.</p>\n\
         <p>Cv: This form does not take files. Please send it without the file.</p>\n\
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
         <input type=\"hidden\" name=\"cf-turnstile-response\" value=\"0.abc\">\n\
         <button type=\"submit\">Send again</button>\n</form>\n"
    );
}

#[test]
fn what_cannot_be_mended_is_there_to_be_copied() {
    for kind in [RefusalKind::UnknownForm, RefusalKind::Origin, RefusalKind::Unauthorized, RefusalKind::Malformed] {
        let message = messages::refused(kind, Language::Ko);
        assert_eq!(
            main_of(&kind.into(), &[("이름", "김철수")], &[("_next", "/x")], Language::Ko),
            format!(
                "<h1>메시지를 보내지 못했습니다</h1>\n\
                 <div class=\"alert\" role=\"alert\" tabindex=\"-1\" autofocus>\n<p>{message}</p>\n\
                 <p>입력하신 내용은 아래에 그대로 있습니다. 필요하면 복사해 두세요.</p>\n</div>\n\
                 <label for=\"f0\">이름</label>\n<input id=\"f0\" name=\"이름\" readonly type=\"text\" autocomplete=\"name\" value=\"김철수\">\n"
            )
        );
    }
}

#[test]
fn a_token_from_a_field_can_be_given_again_and_one_from_a_header_cannot() {
    let page = |control: &[_]| main_of(&RefusalKind::Unauthorized.into(), &[("a", "b")], control, Language::En);
    let token = "<input id=\"token\" name=\"_token\" type=\"password\" autocomplete=\"off\">\n";
    let mended = page(&[("_token", "wrong")]);
    assert!(mended.ends_with(&format!("{token}<button type=\"submit\">Send again</button>\n</form>\n")), "{mended}");
    assert!(!mended.contains("wrong\""), "the token came back: {mended}");
    assert!(!page(&[]).contains("<form"));
}

#[test]
fn who_has_sent_nothing_is_not_told_that_it_was_not_sent() {
    let heading = |kind: RefusalKind, data: &[_]| {
        let page = main_of(&kind.into(), data, &[], Language::En);
        let heading = page.split(['<', '>']).nth(2).unwrap().to_owned();
        // Who has sent something that did not come is told where it may still be.
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
fn a_captcha_is_passed_on_the_website_not_here() {
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
fn without_any_field_there_is_nothing_to_send() {
    let refusal = Refusal::because(RefusalKind::TooLarge, FieldCode::BodyTooLarge(262_144), "");
    assert_eq!(
        main_of(&refusal, &[], &[("_next", "x")], Language::En),
        "<h1>Your message was not sent</h1>\n\
         <div class=\"alert\" role=\"alert\" tabindex=\"-1\" autofocus>\n\
         <p>This is more than the form can take. Please shorten it and send it again.</p>\n\
         <p>The form may hold at most 256 KB.</p>\n\
         <p>Go back in your browser to the form: what you typed may still be there.</p>\n</div>\n"
    );
}

#[test]
fn what_was_not_read_is_not_said_to_be_still_there() {
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
fn a_key_that_is_used_up_is_not_sent_again() {
    let page = |kind: RefusalKind| main_of(&kind.into(), &[("a", "b")], &[("_id", "k")], Language::En);
    assert!(!page(RefusalKind::KeyReused).contains("name=\"_id\""));
    assert!(page(RefusalKind::NotStored).contains("<input type=\"hidden\" name=\"_id\" value=\"k\">\n"));
}

#[test]
fn a_long_line_gets_a_box_and_a_message_always() {
    let (short, long) = ("x".repeat(80), "x".repeat(81));
    assert!(main_of(&RefusalKind::NotStored.into(), &[("a", &short)], &[], Language::En).contains("<input id=\"f0\""));
    assert!(
        main_of(&RefusalKind::NotStored.into(), &[("a", &long)], &[], Language::En).contains("<textarea id=\"f0\"")
    );
    assert!(main_of(&RefusalKind::NotStored.into(), &[("msg", "")], &[], Language::En).contains("<textarea id=\"f0\""));
}

#[test]
fn the_page_says_when_to_come_back_and_where_its_form_may_lead() {
    let none = Fields::default();
    let kept = Kept { action: "/f/contact", back: None, fields: &none, control: &none };
    let reply = refused(&RefusalKind::TooMany.into(), &kept, Language::En);
    assert_eq!(reply.header("Retry-After"), Some("60"));
    let policy = reply.header("Content-Security-Policy").unwrap();
    assert!(policy.ends_with("base-uri 'none'; form-action 'self' https: http:; frame-ancestors *"), "{policy}");
}

#[test]
fn what_the_website_filled_in_is_sent_again_unseen_unless_it_is_wrong() {
    let data = [("utm_source", "news\"letter"), ("gclid", "x")];
    let hidden = "<input type=\"hidden\" name=\"utm_source\" value=\"news&quot;letter\">\n\
                  <input type=\"hidden\" name=\"gclid\" value=\"x\">\n";
    let alert = |kind| format!("autofocus>\n<p>{}</p>\n</div>\n", messages::refused(kind, Language::En));
    let mendable = main_of(&RefusalKind::NotStored.into(), &data, &[], Language::En);
    assert!(mendable.contains(&alert(RefusalKind::NotStored)), "nobody typed it: {mendable}");
    assert!(mendable.contains(&format!("action=\"/f/contact\">\n{hidden}<button")), "{mendable}");
    let final_word = main_of(&RefusalKind::Origin.into(), &data, &[], Language::En);
    assert!(final_word.ends_with(&alert(RefusalKind::Origin)), "{final_word}");

    let wrong = Refusal::because(RefusalKind::Invalid, FieldCode::ValueTooLong(8), "utm_source");
    let page = main_of(&wrong, &data, &[], Language::En);
    assert!(
        page.contains("<label for=\"f0\">Utm source</label>\n<input id=\"f0\" name=\"utm_source\" aria-invalid"),
        "{page}"
    );
}

#[test]
fn fields_are_named_in_the_language_of_the_page() {
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
