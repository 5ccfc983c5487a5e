//! The messages for visitors, English and Korean: plain, kind, and without internals.

use super::language::Language;
use super::refusal::{FieldCode, RefusalKind};

/// The text for an accepted submission.
pub const fn accepted(language: Language) -> &'static str {
    match language {
        Language::En => "Thank you. Your message has arrived.",
        Language::Ko => "감사합니다. 메시지가 접수되었습니다.",
    }
}

/// Why a request was refused, and what the visitor can do.
#[rustfmt::skip]
pub const fn refused(kind: RefusalKind, language: Language) -> &'static str {
    use Language::{En, Ko};
    match (kind, language) {
        (RefusalKind::Malformed, En) => "We could not read what was sent. Please send it again.",
        (RefusalKind::Malformed, Ko) => "보내신 내용을 읽을 수 없습니다. 다시 보내 주세요.",
        (RefusalKind::Empty, En) => "Nothing was filled in. Please fill in the form and send it again.",
        (RefusalKind::Empty, Ko) => "입력된 내용이 없습니다. 내용을 입력한 뒤 다시 보내 주세요.",
        (RefusalKind::Unauthorized, En) => "The access token of this form is missing or wrong. Please check it and send it again.",
        (RefusalKind::Unauthorized, Ko) => "이 양식의 액세스 토큰이 없거나 올바르지 않습니다. 토큰을 확인한 뒤 다시 보내 주세요.",
        (RefusalKind::Origin, En) => "This website is not allowed to send to this form. Please reach its owner in another way.",
        (RefusalKind::Origin, Ko) => "이 웹사이트에서는 이 양식으로 보낼 수 없습니다. 다른 방법으로 웹사이트에 문의해 주세요.",
        (RefusalKind::Captcha, En) => "We could not confirm that you are a person. Please complete the check on the website's form once more and send it from there.",
        (RefusalKind::Captcha, Ko) => "자동 등록 방지 확인을 마치지 못했습니다. 웹사이트의 양식에서 다시 확인한 뒤 보내 주세요.",
        (RefusalKind::UnknownForm, En) => "There is no form at this address. Please check it, or reach the website's owner in another way.",
        (RefusalKind::UnknownForm, Ko) => "이 주소에는 양식이 없습니다. 주소를 확인하거나 다른 방법으로 웹사이트에 문의해 주세요.",
        (RefusalKind::Method, En) => "This address only takes what a form sends (POST). Please fill in the form on the website.",
        (RefusalKind::Method, Ko) => "이 주소는 양식에서 보낸 내용(POST)만 받습니다. 웹사이트의 양식에서 보내 주세요.",
        (RefusalKind::Timeout, En) => "The form took too long to arrive. Please send it again.",
        (RefusalKind::Timeout, Ko) => "양식이 제때 도착하지 않았습니다. 다시 보내 주세요.",
        (RefusalKind::TooLarge, En) => "This is more than the form can take. Please shorten it and send it again.",
        (RefusalKind::TooLarge, Ko) => "내용이 너무 많습니다. 줄여서 다시 보내 주세요.",
        (RefusalKind::Type, En) => "The form was sent in a format that we cannot read. Send it as an HTML form or as a JSON object.",
        (RefusalKind::Type, Ko) => "지원하지 않는 형식입니다. HTML 양식이나 JSON 객체로 보내 주세요.",
        (RefusalKind::Invalid, En) => "Please check what is marked and send it again.",
        (RefusalKind::Invalid, Ko) => "표시된 항목을 확인한 뒤 다시 보내 주세요.",
        (RefusalKind::KeyReused, En) => "An earlier message from this page has already arrived. Please send this one again as a new message.",
        (RefusalKind::KeyReused, Ko) => "이 페이지에서 먼저 보내신 메시지가 이미 접수되었습니다. 이 내용은 새 메시지로 다시 보내 주세요.",
        (RefusalKind::TooMany, En) => "Too many messages at once. Please wait a minute and send it again.",
        (RefusalKind::TooMany, Ko) => "짧은 시간에 너무 많은 메시지가 들어왔습니다. 잠시 후 다시 보내 주세요.",
        (RefusalKind::BrokenForm, En) => "This form is out of order at the moment. Please try again later.",
        (RefusalKind::BrokenForm, Ko) => "지금은 이 양식을 사용할 수 없습니다. 나중에 다시 시도해 주세요.",
        (RefusalKind::NotStored, En) => "We could not store your message. Please send it again.",
        (RefusalKind::NotStored, Ko) => "메시지를 저장하지 못했습니다. 다시 보내 주세요.",
    }
}

/// What is wrong with one field.
#[rustfmt::skip]
pub fn field(code: FieldCode, language: Language) -> String {
    use Language::{En, Ko};
    match (code, language) {
        (FieldCode::RequiredFieldEmpty | FieldCode::RequiredFieldMissing, En) => "Please fill this in.".into(),
        (FieldCode::RequiredFieldEmpty | FieldCode::RequiredFieldMissing, Ko) => "필수 입력 항목입니다.".into(),
        (FieldCode::TypeEmail, En) => "Please enter an email address, such as name@example.com.".into(),
        (FieldCode::TypeEmail, Ko) => "이메일 주소를 정확히 입력해 주세요. 예: name@example.com".into(),
        (FieldCode::TypePhone, En) => "Please enter a telephone number, such as 010-1234-5678.".into(),
        (FieldCode::TypePhone, Ko) => "전화번호를 정확히 입력해 주세요. 예: 010-1234-5678".into(),
        (FieldCode::TypeUrl, En) => "Please enter a web address, such as https://www.example.com.".into(),
        (FieldCode::TypeUrl, Ko) => "웹사이트 주소를 정확히 입력해 주세요. 예: https://www.example.com".into(),
        (FieldCode::TypeNumeric, En) => "Please enter a number.".into(),
        (FieldCode::TypeNumeric, Ko) => "숫자로 입력해 주세요.".into(),
        (FieldCode::MinLength(least), En) => format!("Please enter at least {}.", counted(least, "character")),
        (FieldCode::MinLength(least), Ko) => format!("{least}자 이상 입력해 주세요."),
        (FieldCode::MaxLength(most), En) => format!("Please enter at most {}.", counted(most, "character")),
        (FieldCode::MaxLength(most), Ko) => format!("{most}자 이하로 입력해 주세요."),
        (FieldCode::Min(least), En) => format!("Please enter a number that is at least {least}."),
        (FieldCode::Min(least), Ko) => format!("{least} 이상의 숫자를 입력해 주세요."),
        (FieldCode::Max(most), En) => format!("Please enter a number that is at most {most}."),
        (FieldCode::Max(most), Ko) => format!("{most} 이하의 숫자를 입력해 주세요."),
        (FieldCode::OneOf, En) => "Please choose one of the answers that the form offers.".into(),
        (FieldCode::OneOf, Ko) => "양식에 있는 항목 중에서 선택해 주세요.".into(),
        (FieldCode::Pattern, En) => "Please write this in the format that the form asks for.".into(),
        (FieldCode::Pattern, Ko) => "요청된 형식에 맞게 입력해 주세요.".into(),
        (FieldCode::Unauthorized, En) => "Please check the access token.".into(),
        (FieldCode::Unauthorized, Ko) => "액세스 토큰을 확인해 주세요.".into(),
        (FieldCode::NoFileUploads, En) => "This form does not take files. Please send it without the file.".into(),
        (FieldCode::NoFileUploads, Ko) => "이 양식은 파일을 받지 않습니다. 파일 없이 보내 주세요.".into(),
        (FieldCode::BodyTooLarge(bytes), En) => format!("The form may hold at most {}.", size(bytes, language)),
        (FieldCode::BodyTooLarge(bytes), Ko) => format!("양식 전체는 {}까지 보낼 수 있습니다.", size(bytes, language)),
        (FieldCode::TooManyFields(most), En) => format!("The form may have at most {}.", counted(most, "field")),
        (FieldCode::TooManyFields(most), Ko) => format!("항목은 {most}개까지 보낼 수 있습니다."),
        (FieldCode::ValueTooLong(bytes), En) => format!("This is too long. Please shorten it to {}.", size(bytes, language)),
        (FieldCode::ValueTooLong(bytes), Ko) => format!("너무 깁니다. {} 이하로 줄여 주세요.", size(bytes, language)),
        (FieldCode::NameTooLong(bytes), En) => format!("The name of a field may have at most {}.", size(bytes, language)),
        (FieldCode::NameTooLong(bytes), Ko) => format!("항목 이름은 {} 이하여야 합니다.", size(bytes, language)),
    }
}

/// English: `1 character`, `2 characters`.
fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

fn size(bytes: usize, language: Language) -> String {
    match language {
        _ if bytes >= 1024 && bytes.is_multiple_of(1024) => format!("{} KB", bytes / 1024),
        Language::En => counted(bytes, "byte"),
        Language::Ko => format!("{bytes}바이트"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_own_message_in_both_languages() {
        for language in Language::ALL {
            let mut texts: Vec<_> = RefusalKind::ALL.iter().map(|kind| refused(*kind, *language)).collect();
            texts.sort_unstable();
            texts.dedup();
            assert_eq!(texts.len(), RefusalKind::ALL.len(), "{language:?}");
            let korean = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
            assert!(texts.iter().all(|text| korean(text) == (*language == Language::Ko)), "{language:?}");
        }
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(
            field(FieldCode::ValueTooLong(65536), Language::En),
            "This is too long. Please shorten it to 64 KB."
        );
        assert_eq!(field(FieldCode::BodyTooLarge(1000), Language::En), "The form may hold at most 1000 bytes.");
        assert_eq!(field(FieldCode::BodyTooLarge(1500), Language::En), "The form may hold at most 1500 bytes.");
        assert_eq!(field(FieldCode::BodyTooLarge(1), Language::En), "The form may hold at most 1 byte.");
        assert_eq!(field(FieldCode::BodyTooLarge(1500), Language::Ko), "양식 전체는 1500바이트까지 보낼 수 있습니다.");
        assert_eq!(field(FieldCode::TooManyFields(1), Language::En), "The form may have at most 1 field.");
        assert_eq!(field(FieldCode::TooManyFields(200), Language::En), "The form may have at most 200 fields.");
        assert_eq!(field(FieldCode::MinLength(1), Language::En), "Please enter at least 1 character.");
        assert_eq!(field(FieldCode::MaxLength(20), Language::En), "Please enter at most 20 characters.");
        assert_eq!(field(FieldCode::BodyTooLarge(262_144), Language::Ko), "양식 전체는 256 KB까지 보낼 수 있습니다.");
    }
}
