//! A console session: a signed cookie. The server stores only the epoch, which a logout raises: every session of an earlier
//! epoch ends. The signature covers a keyed digest of `ADMIN_TOKEN`, so a new token ends every session too.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::intake::guard::key::Key;
use crate::intake::visit::is_secret;

/// The name of the cookie.
pub const COOKIE: &str = "formcourier";

/// How long a session lasts, in seconds.
pub const SECONDS: i64 = 12 * 60 * 60;

/// What signs and checks sessions.
#[derive(Debug, Clone)]
pub struct Signer {
    key: Key,
    epoch: i64,
    /// The keyed digest of `ADMIN_TOKEN`.
    token: Vec<u8>,
}

impl Signer {
    /// The signer of this deployment: its key, the current epoch, and `ADMIN_TOKEN`.
    pub fn new(key: Key, epoch: i64, token: &str) -> Self {
        let token = key.sign("admin token", &[token.as_bytes()]);
        Self { key, epoch, token }
    }

    /// The value of the cookie for a session that begins now: its end, its epoch, and their signature.
    pub fn issue(&self, now: i64) -> String {
        self.signed(now + SECONDS * 1000, self.epoch)
    }

    /// Whether `Cookie` holds a session that is still open. A browser may send several cookies of one name.
    pub fn is_open(&self, header: &str, now: i64) -> bool {
        cookies(header).any(|value| {
            let ends_at = value.split('.').next().and_then(|text| text.parse().ok()).unwrap_or(0);
            ends_at > now && is_secret(value, &self.signed(ends_at, self.epoch))
        })
    }

    fn signed(&self, ends_at: i64, epoch: i64) -> String {
        let claim = format!("{ends_at}.{epoch}");
        let signature = self.key.sign("session", &[&self.token, claim.as_bytes()]);
        format!("{claim}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Whether `Cookie` holds one of ours, open or not.
pub fn has_cookie(header: &str) -> bool {
    cookies(header).next().is_some()
}

fn cookies(header: &str) -> impl Iterator<Item = &str> {
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// `Set-Cookie` for a session, or, without a value, for its end.
pub fn set_cookie(value: Option<&str>, is_secure: bool) -> String {
    let (value, seconds) = (value.unwrap_or_default(), value.map_or(0, |_| SECONDS));
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Path=/; HttpOnly{secure}; SameSite=Strict; Max-Age={seconds}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::guard::key::KEY_BYTES;

    const NOW: i64 = 1_763_000_000_000;

    fn signer(key: u8, epoch: i64, token: &str) -> Signer {
        Signer::new(Key::new(&[key; KEY_BYTES]), epoch, token)
    }

    #[test]
    fn a_session_ends_by_time_logout_and_a_new_token() {
        let value = signer(1, 4, "token").issue(NOW);
        let cookie = format!("a=1; {COOKIE}={value}; b=2");
        let end = NOW + 12 * 60 * 60 * 1000;
        for (key, epoch, token, now, is_open) in [
            (1, 4, "token", NOW, true),
            (1, 4, "token", end - 1, true),
            (1, 4, "token", end, false),
            (1, 5, "token", NOW, false),
            (1, 3, "token", NOW, false),
            (1, 4, "other", NOW, false),
            (2, 4, "token", NOW, false),
        ] {
            assert_eq!(signer(key, epoch, token).is_open(&cookie, now), is_open, "{key} {epoch} {token} {now}");
        }
    }

    #[test]
    fn only_what_was_signed_opens() {
        let signer = signer(1, 0, "token");
        let value = signer.issue(NOW);
        let (claim, signature) = value.rsplit_once('.').unwrap();
        let later = format!("{}.0.{signature}", NOW + SECONDS * 1000 + 1);
        for (header, is_open, has_any) in [
            (format!("{COOKIE}={value}"), true, true),
            (format!("{COOKIE}=rubbish;{COOKIE}={value}"), true, true),
            (format!("other={value}"), false, false),
            (format!("{COOKIE}={later}"), false, true),
            (format!("{COOKIE}={claim}."), false, true),
            (format!("{COOKIE}={claim}"), false, true),
            (format!("{COOKIE}={value}x"), false, true),
            (format!("{COOKIE}="), false, true),
            (COOKIE.to_owned(), false, false),
            (String::new(), false, false),
        ] {
            assert_eq!((signer.is_open(&header, NOW), has_cookie(&header)), (is_open, has_any), "{header}");
        }
    }

    #[test]
    fn the_cookie_is_for_our_own_pages_only() {
        let rest = "; SameSite=Strict; Max-Age=";
        assert_eq!(set_cookie(Some("v"), true), format!("formcourier=v; Path=/; HttpOnly; Secure{rest}43200"));
        assert_eq!(set_cookie(Some("v"), false), format!("formcourier=v; Path=/; HttpOnly{rest}43200"));
        assert_eq!(set_cookie(None, true), format!("formcourier=; Path=/; HttpOnly; Secure{rest}0"));
    }
}
