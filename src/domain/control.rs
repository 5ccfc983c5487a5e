//! Control fields steer the service and are not data. Only this module decides which fields they are.
//!
//! - A name that begins with `_` is a control field in every form. So are honeypots, captcha tokens and form names.
//! - Some names are control fields in one service only (`subject`): in forms of that `dialect`.
//! - Some depend on the value: `oid` is Salesforce's if it looks like one of its ids.
//!
//! <https://formspree.io>, <https://docs.web3forms.com>, <https://docs.netlify.com/forms/setup/>, <https://formsubmit.co>

/// The form service that a page was written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Formspree.
    Formspree,
    /// `Web3Forms`.
    Web3Forms,
    /// Netlify Forms.
    Netlify,
    /// Formspark.
    Formspark,
    /// `FormSubmit`.
    FormSubmit,
    /// Formcarry.
    Formcarry,
    /// Salesforce Web-to-Lead.
    WebToLead,
}

/// The honeypots that pages of the form services have.
pub const HONEYPOTS: &[&str] = &["_gotcha", "_honey", "_honeypot", "botcheck", "bot-field"];

/// The field that Turnstile's widget adds: <https://developers.cloudflare.com/turnstile/get-started/client-side-rendering/>.
pub const TURNSTILE: &str = "cf-turnstile-response";

/// The tokens of Turnstile, reCAPTCHA, hCaptcha and Friendly Captcha. Those of Contact Form 7 and Botpoison begin with `_`.
const CAPTCHAS: &[&str] = &[
    TURNSTILE,
    "g-recaptcha-response",
    "h-captcha-response",
    "recaptcha_response",
    "frc-captcha-response",
    "frc-captcha-solution",
];

/// Names of the form itself, for Netlify and static site builders.
const FORM_NAMES: &[&str] = &["form-name", "static-form-name"];

/// Control fields if they hold an address: the page to open after a success or a failure.
const PAGES: &[&str] = &["retURL", "redirect_to", "failUrl"];

impl Dialect {
    /// Every dialect with its config word.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("formspree", Self::Formspree),
        ("web3forms", Self::Web3Forms),
        ("netlify", Self::Netlify),
        ("formspark", Self::Formspark),
        ("formsubmit", Self::FormSubmit),
        ("formcarry", Self::Formcarry),
        ("webtolead", Self::WebToLead),
    ];

    /// The control fields of this dialect that may be data elsewhere. Most services use only names with `_`.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Web3Forms => {
                &["access_key", "apikey", "subject", "from_name", "replyto", "ccemail", "redirect", "webhook"]
            }
            Self::WebToLead => &[
                "oid",
                "retURL",
                "debug",
                "debugEmail",
                "recordType",
                "Campaign_ID",
                "member_status",
                "captcha_settings",
                "encoding",
                // The button of the HTML that Salesforce generates.
                "submit",
            ],
            Self::Formspree | Self::Netlify | Self::Formspark | Self::FormSubmit | Self::Formcarry => &[],
        }
    }
}

/// Whether a field of this name is a control field in every form, whatever its value.
pub fn is_control(name: &str) -> bool {
    name.starts_with('_') || [HONEYPOTS, CAPTCHAS, FORM_NAMES].iter().any(|names| names.contains(&name))
}

/// Whether this field is a control field in a form of this dialect.
pub fn is_control_in(dialect: Option<Dialect>, name: &str, value: &str) -> bool {
    is_control(name)
        || dialect.is_some_and(|dialect| dialect.names().contains(&name))
        || match name {
            // The hyphenated form only; the parser accepts others.
            "access_key" => value.trim().len() == 36 && uuid::Uuid::try_parse(value.trim()).is_ok(),
            "oid" => is_salesforce_organization(value.trim()),
            _ => PAGES.contains(&name) && is_page(value.trim()),
        }
}

/// An organization's id: 15 letters and digits, or 18 with a checksum, beginning with `00D`.
fn is_salesforce_organization(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.starts_with("00D") && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_page(text: &str) -> bool {
    let begins = |with: &str| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    text.starts_with('/') || begins("https://") || begins("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "8d1f4a52-1f3b-4c5d-9e6f-0a1b2c3d4e5f";
    const ORG: &str = "00D5e000001AbCd";

    #[test]
    fn some_names_are_control_fields_everywhere() {
        let control = "_next _ _botpoison _wpcf7_turnstile_response _email.subject botcheck bot-field form-name \
                       static-form-name cf-turnstile-response g-recaptcha-response h-captcha-response recaptcha_response \
                       frc-captcha-solution";
        for name in control.split_whitespace() {
            assert!(is_control(name), "{name}");
        }
        for name in ["email", "subject", "redirect", "oid", "bot", "Botcheck", "이름", "form name", "recordType"] {
            assert!(!is_control(name), "{name}");
        }
    }

    #[test]
    fn some_names_are_control_fields_in_their_dialect_only() {
        for (dialect, names) in [
            ("web3forms", "subject redirect access_key apikey replyto ccemail from_name webhook"),
            ("webtolead", "oid retURL debug debugEmail recordType Campaign_ID member_status captcha_settings submit"),
            ("", "lead_source 00N5e00000AbCdE description email"),
        ] {
            for name in names.split_whitespace() {
                for (known, value) in Dialect::ALL {
                    assert_eq!(is_control_in(Some(*value), name, "x"), *known == dialect, "{name} in {known}");
                }
                assert!(!is_control_in(None, name, "x"), "{name}");
            }
        }
    }

    #[test]
    fn some_names_depend_on_their_value() {
        for (name, value, is) in [
            ("access_key", UUID, true),
            ("access_key", &UUID.to_uppercase(), true),
            ("access_key", &UUID[1..], false),
            ("access_key", &UUID.replace('-', "0"), false),
            ("access_key", "my locker", false),
            ("oid", ORG, true),
            ("oid", "00D5e000001AbCdEAK", true),
            ("oid", "00D5e000001AbC", false),
            ("oid", "0015e000001AbCd", false),
            ("oid", "00D5e000001Ab-d", false),
            ("oid", "4711", false),
            ("retURL", "https://www.example.com/thanks", true),
            ("retURL", " HTTP://www.example.com", true),
            ("retURL", "/thanks", true),
            ("retURL", "none", false),
            ("retURL", "", false),
            ("redirect_to", "https://www.example.com", true),
            ("redirect_to", "sales", false),
            ("failUrl", "/sorry", true),
            // Data unless the form's dialect says otherwise.
            ("redirect", "https://www.example.com", false),
            ("subject", "/thanks", false),
            ("apikey", UUID, false),
        ] {
            assert_eq!(is_control_in(None, name, value), is, "{name}={value}");
        }
    }
}
