//! The fixed texts of the pages in English and Korean. The texts of refusals are in `intake::messages`.

use crate::intake::Language;

/// The fixed texts.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) thanks: &'static str,
    pub(super) thanks_line: &'static str,
    pub(super) back: &'static str,
    pub(super) not_sent: &'static str,
    pub(super) nothing_sent: &'static str,
    pub(super) still_here: &'static str,
    pub(super) copy_it: &'static str,
    pub(super) go_back: &'static str,
    pub(super) only_part: &'static str,
    pub(super) files_gone: &'static str,
    pub(super) send_again: &'static str,
    pub(super) send: &'static str,
    pub(super) access_token: &'static str,
    pub(super) demo: &'static str,
    pub(super) demo_line: &'static str,
    pub(super) demo_none: &'static str,
    pub(super) demo_token: &'static str,
    pub(super) goes_to: &'static str,
    pub(super) budget: &'static str,
}

const EN: Words = Words {
    thanks: "Thank you",
    thanks_line: "Your message has arrived.",
    back: "Back to the website",
    not_sent: "Your message was not sent",
    nothing_sent: "Nothing was sent",
    still_here: "What you typed is still here.",
    copy_it: "What you typed is still here. Copy it if you need it.",
    go_back: "Go back in your browser to the form: what you typed may still be there.",
    only_part: "Only a part of what you typed is here. Go back in your browser for the rest.",
    files_gone: "Files are not kept.",
    send_again: "Send again",
    send: "Send",
    access_token: "Access token",
    demo: "Demo",
    demo_line: "Every form of this configuration, as a website would have it. Only for local development.",
    demo_none: "No form is configured yet. Add [vars.FORM_CONTACT] to wrangler.toml.",
    demo_token: "This form takes an access token, which is in .dev.vars. Programs send it as a header:",
    goes_to: "Goes to",
    budget: "Budget",
};

const KO: Words = Words {
    thanks: "감사합니다",
    thanks_line: "메시지가 접수되었습니다.",
    back: "웹사이트로 돌아가기",
    not_sent: "메시지를 보내지 못했습니다",
    nothing_sent: "전송된 내용이 없습니다",
    still_here: "입력하신 내용은 아래에 그대로 있습니다.",
    copy_it: "입력하신 내용은 아래에 그대로 있습니다. 필요하면 복사해 두세요.",
    go_back: "브라우저에서 뒤로 가면 양식으로 돌아갑니다. 입력하신 내용이 남아 있을 수 있습니다.",
    only_part: "입력하신 내용 중 일부만 아래에 있습니다. 나머지는 브라우저에서 뒤로 가서 확인해 주세요.",
    files_gone: "파일은 보관되지 않습니다.",
    send_again: "다시 보내기",
    send: "보내기",
    access_token: "액세스 토큰",
    demo: "데모",
    demo_line: "설정된 모든 양식을 웹사이트에서처럼 보여 줍니다. 로컬 개발에서만 쓰입니다.",
    demo_none: "설정된 양식이 아직 없습니다. wrangler.toml에 [vars.FORM_CONTACT]를 추가하세요.",
    demo_token: "이 양식에는 .dev.vars에 있는 액세스 토큰이 필요합니다. 프로그램에서는 헤더로 보냅니다.",
    goes_to: "보내는 곳",
    budget: "예산",
};

/// The texts of a language.
pub(super) const fn words(language: Language) -> &'static Words {
    match language {
        Language::En => &EN,
        Language::Ko => &KO,
    }
}
