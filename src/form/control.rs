//! Control fields: what steers the service instead of being data. Never stored, never mapped, never in a note.
//!
//! A name that begins with `_` is a control field, and so are the names below, which have no other meaning anywhere.
//! A name that is data in one service and control in another (`subject`, `redirect`) is not decided here.

/// The honeypots of `Web3Forms` and Netlify.
pub const HONEYPOTS: &[&str] = &["botcheck", "bot-field"];

/// The field that Turnstile's widget adds: <https://developers.cloudflare.com/turnstile/get-started/client-side-rendering/>.
pub const TURNSTILE: &str = "cf-turnstile-response";

/// Whether a field of this name steers the service instead of being data.
pub fn is_control(name: &str) -> bool {
    name.starts_with('_') || HONEYPOTS.contains(&name) || name == TURNSTILE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_and_what_is_data() {
        for (name, control) in [
            ("_next", true),
            ("_", true),
            ("botcheck", true),
            ("bot-field", true),
            ("cf-turnstile-response", true),
            ("email", false),
            ("subject", false),
            ("bot", false),
            ("Botcheck", false),
            ("이름", false),
        ] {
            assert_eq!(is_control(name), control, "{name}");
        }
    }
}
