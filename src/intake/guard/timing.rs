//! The time trap: a page asks for a signed time when it is opened and sends it back with the form; who needs less than
//! three seconds is no person.
//!
//! - The field is `_start`. Without it nothing is suspected: a plain HTML form has no script that could ask.
//! - The key is derived from `ADMIN_TOKEN`, which is also needed to see a quarantine at all. Without that secret there is
//!   no key and the trap is off. When the secret changes, who has a page open at that moment is suspected once.
//! - It slows a bot down and no more: a bot can ask for a time and wait. Times that other services let pages write
//!   themselves (`_timestamp`, `_submit_time`) are ignored, because a bot writes what it likes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::form::Fields;

use super::Reason;

/// The control field.
pub const FIELD: &str = "_start";

/// Sooner than this, no person has filled in a form.
const PERSON_MS: i64 = 3000;

/// What the key is for; another use of the same secret has another key.
const PURPOSE: &[u8] = b"formcourier time trap";

/// Bytes of the time, and of the signature after it.
const TIME_BYTES: usize = 8;
const SIGNATURE_BYTES: usize = 16;

/// Signs times and knows its own again.
#[derive(Clone)]
pub struct Trap {
    key: Vec<u8>,
}

impl std::fmt::Debug for Trap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trap")
    }
}

impl Trap {
    /// The trap of a Worker with this `ADMIN_TOKEN`.
    pub fn new(admin_token: &str) -> Self {
        Self { key: sign(admin_token.as_bytes(), &[PURPOSE]) }
    }

    /// The token of a page of `form` that is opened now.
    pub fn start(&self, form: &str, now: i64) -> String {
        let mut bytes = now.to_be_bytes().to_vec();
        bytes.extend(self.signature(form, now));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What is suspicious about the time that came with a form, if one came. An old one is fine: people leave pages open.
    pub fn check(&self, form: &str, control: &Fields, now: i64) -> Option<Reason> {
        let token = control.first(FIELD)?.trim();
        match self.opened_at(form, token) {
            None => Some(Reason::BadStart),
            Some(opened) if now.saturating_sub(opened) < PERSON_MS => Some(Reason::TooFast),
            Some(_) => None,
        }
    }

    /// When the page was opened; `None` when the token is none of ours for this form.
    fn opened_at(&self, form: &str, token: &str) -> Option<i64> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (time, signature) = bytes.split_at_checked(TIME_BYTES)?;
        let time = i64::from_be_bytes(time.try_into().ok()?);
        // The time that this comparison takes tells a forger nothing worth having.
        (signature == self.signature(form, time)).then_some(time)
    }

    fn signature(&self, form: &str, time: i64) -> Vec<u8> {
        let mut signature = sign(&self.key, &[&time.to_be_bytes(), form.as_bytes()]);
        signature.truncate(SIGNATURE_BYTES);
        signature
    }
}

fn sign(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes keys of every length; the error exists for other constructions.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENED: i64 = 1_763_000_000_000;

    fn check(token: &str, now: i64) -> Option<Reason> {
        let mut control = Fields::default();
        control.push(FIELD, token);
        Trap::new("admin").check("contact", &control, now)
    }

    #[test]
    fn the_token_is_small_and_stays_as_it_is() {
        // Pages are open while a new version is deployed.
        assert_eq!(Trap::new("admin").start("contact", OPENED), "AAABmnr9HgA9uIDaWNe_vMNIIg2-YtuG");
    }

    #[test]
    fn a_person_takes_three_seconds_and_may_take_days() {
        let token = Trap::new("admin").start("contact", OPENED);
        let rows = [
            (-5000, Some(Reason::TooFast)),
            (0, Some(Reason::TooFast)),
            (2999, Some(Reason::TooFast)),
            (3000, None),
            (30 * 24 * 3_600_000, None),
        ];
        for (after, expected) in rows {
            assert_eq!(check(&token, OPENED + after), expected, "{after}");
        }
    }

    #[test]
    fn what_is_none_of_ours() {
        let later = OPENED + 60_000;
        let token = Trap::new("admin").start("contact", OPENED);
        assert_eq!(check(&format!(" {token}\n"), later), None);
        let mut other_time = URL_SAFE_NO_PAD.decode(&token).unwrap();
        other_time[7] ^= 1;
        for forged in [
            "1763000000000",
            "x",
            "AAAA",
            "한글",
            &token[..31],
            &format!("{token}AA"),
            &URL_SAFE_NO_PAD.encode(OPENED.to_be_bytes()),
            &URL_SAFE_NO_PAD.encode(other_time),
            &Trap::new("admin").start("other-form", OPENED),
            &Trap::new("old").start("contact", OPENED),
        ] {
            assert_eq!(check(forged, later), Some(Reason::BadStart), "{forged}");
        }
    }

    #[test]
    fn nothing_sent_is_nothing_suspected_and_foreign_times_are_ignored() {
        let mut control = Fields::default();
        for name in ["_timestamp", "_submit_time", "_form_start_time", FIELD] {
            control.push(name, if name == FIELD { " " } else { "1763000000000" });
        }
        assert_eq!(Trap::new("admin").check("contact", &control, OPENED), None);
    }
}
