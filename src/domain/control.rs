//! Which fields steer the service and are no data, name by name: the one place that decides it.
//!
//! - A name that begins with `_` steers everywhere. So do a few names that have one meaning only: [`HONEYPOTS`],
//!   [`CAPTCHAS`] and what names the form.
//! - Some names steer in one service and are data in all others (`subject`): they follow the form's `dialect`.
//! - Some tell by their value what they are: an `oid` is Salesforce's when it looks like one of its ids.
//!
//! What a form's `map`, `required` or `rules` name is data, whatever a dialect says: the operator asked for it.
//! <https://formspree.io>, <https://docs.web3forms.com>, <https://docs.netlify.com/forms/setup/>, <https://formsubmit.co>.

/// The service that a form's pages were written for.
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

/// The honeypots of `Web3Forms` and Netlify: without an underscore, and with no other meaning anywhere.
pub const HONEYPOTS: &[&str] = &["botcheck", "bot-field"];

/// The field that Turnstile's widget adds: <https://developers.cloudflare.com/turnstile/get-started/client-side-rendering/>.
pub const TURNSTILE: &str = "cf-turnstile-response";

/// The tokens of captchas: Turnstile, reCAPTCHA, hCaptcha and Friendly Captcha. Those of Contact Form 7 and Botpoison
/// begin with `_`.
pub const CAPTCHAS: &[&str] = &[
    TURNSTILE,
    "g-recaptcha-response",
    "h-captcha-response",
    "recaptcha_response",
    "frc-captcha-response",
    "frc-captcha-solution",
];

/// What names the form at Netlify and at static site builders.
const FORM_NAMES: &[&str] = &["form-name", "static-form-name"];

/// Addresses of pages, when they hold one: where to go after a success, and after a failure.
const PAGES: &[&str] = &["retURL", "redirect_to", "failUrl"];

impl Dialect {
    /// Every dialect by the name that the config has for it.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("formspree", Self::Formspree),
        ("web3forms", Self::Web3Forms),
        ("netlify", Self::Netlify),
        ("formspark", Self::Formspark),
        ("formsubmit", Self::FormSubmit),
        ("formcarry", Self::Formcarry),
        ("webtolead", Self::WebToLead),
    ];

    /// The names that steer in this dialect and may be data elsewhere. Most services keep to names with `_`.
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
                // The button of the HTML that Salesforce writes.
                "submit",
            ],
            Self::Formspree | Self::Netlify | Self::Formspark | Self::FormSubmit | Self::Formcarry => &[],
        }
    }
}

/// Whether a field of this name steers the service in every form, whatever it holds.
pub fn is_control(name: &str) -> bool {
    name.starts_with('_') || [HONEYPOTS, CAPTCHAS, FORM_NAMES].iter().any(|names| names.contains(&name))
}

/// Whether this field steers the service in a form of this dialect.
pub fn is_control_in(dialect: Option<Dialect>, name: &str, value: &str) -> bool {
    is_control(name)
        || dialect.is_some_and(|dialect| dialect.names().contains(&name))
        || match name {
            "access_key" => is_uuid(value.trim()),
            "oid" => is_salesforce_organization(value.trim()),
            _ => PAGES.contains(&name) && is_page(value.trim()),
        }
}

/// `01234567-89ab-cdef-0123-456789abcdef`.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

/// 15 letters and digits, or 18 with the ones that make case not matter; an organization's begin with `00D`.
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
    fn what_steers_everywhere() {
        for name in [
            "_next",
            "_",
            "_botpoison",
            "_wpcf7_turnstile_response",
            "_email.subject",
            "botcheck",
            "bot-field",
            "form-name",
            "static-form-name",
            "cf-turnstile-response",
            "g-recaptcha-response",
            "h-captcha-response",
            "recaptcha_response",
            "frc-captcha-solution",
        ] {
            assert!(is_control(name), "{name}");
        }
        for name in ["email", "subject", "redirect", "oid", "bot", "Botcheck", "이름", "form name", "recordType"] {
            assert!(!is_control(name), "{name}");
        }
    }

    #[test]
    fn what_follows_the_dialect() {
        let of = |name| Dialect::ALL.iter().filter(move |(_, dialect)| is_control_in(Some(*dialect), name, "x"));
        for (name, dialects) in [
            ("subject", &["web3forms"][..]),
            ("redirect", &["web3forms"]),
            ("access_key", &["web3forms"]),
            ("apikey", &["web3forms"]),
            ("replyto", &["web3forms"]),
            ("ccemail", &["web3forms"]),
            ("from_name", &["web3forms"]),
            ("webhook", &["web3forms"]),
            ("oid", &["webtolead"]),
            ("retURL", &["webtolead"]),
            ("debug", &["webtolead"]),
            ("debugEmail", &["webtolead"]),
            ("recordType", &["webtolead"]),
            ("Campaign_ID", &["webtolead"]),
            ("member_status", &["webtolead"]),
            ("captcha_settings", &["webtolead"]),
            ("submit", &["webtolead"]),
            ("lead_source", &[]),
            ("00N5e00000AbCdE", &[]),
            ("description", &[]),
            ("email", &[]),
        ] {
            assert_eq!(of(name).map(|(name, _)| *name).collect::<Vec<_>>(), dialects, "{name}");
            assert!(!is_control_in(None, name, "x"), "{name}");
        }
    }

    #[test]
    fn what_tells_by_its_value() {
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
            // Data unless the form's dialect says otherwise, whatever they hold.
            ("redirect", "https://www.example.com", false),
            ("subject", "/thanks", false),
            ("apikey", UUID, false),
        ] {
            assert_eq!(is_control_in(None, name, value), is, "{name}={value}");
        }
    }
}
