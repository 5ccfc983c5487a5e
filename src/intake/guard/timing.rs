//! The time trap: a page asks for a signed time when it is opened and sends it back with the form. A person needs at least
//! three seconds.
//!
//! - The field is `_start`. Without it nothing is suspected: a plain HTML form has no script that could ask.
//! - It is signed with the deployment's key. Until that is known, nothing is suspected.
//! - It only slows bots down: they can ask for a time and wait. Times that other services let pages write themselves
//!   (`_timestamp`, `_submit_time`) are ignored, because a bot writes what it likes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::Fields;

use super::key::Key;

/// The control field.
pub const FIELD: &str = "_start";

/// The least time that a person needs to fill in a form.
const PERSON_MS: i64 = 3000;

/// What the key is used for here.
const PURPOSE: &str = "time trap";

/// Bytes of the time, and of the signature after it.
const TIME_BYTES: usize = 8;
const SIGNATURE_BYTES: usize = 16;

/// Signs times and recognizes its own.
#[derive(Debug, Clone)]
pub struct Trap {
    key: Key,
}

impl Trap {
    /// The trap of a deployment.
    pub const fn new(key: Key) -> Self {
        Self { key }
    }

    /// The token of a page of `form` that is opened now.
    pub fn start(&self, form: &str, now: i64) -> String {
        let mut bytes = now.to_be_bytes().to_vec();
        bytes.extend(self.signature(form, now));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Why the time that came with a form is suspicious: `bad_start` or `too_fast`. An old one is fine: people leave pages
    /// open.
    pub fn check(&self, form: &str, control: &Fields, now: i64) -> Option<&'static str> {
        let token = control.first(FIELD)?.trim();
        match self.opened_at(form, token) {
            None => Some("bad_start"),
            Some(opened) if now.saturating_sub(opened) < PERSON_MS => Some("too_fast"),
            Some(_) => None,
        }
    }

    /// When the page was opened; `None` when this is not our token for this form.
    fn opened_at(&self, form: &str, token: &str) -> Option<i64> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (time, signature) = bytes.split_at_checked(TIME_BYTES)?;
        let time = i64::from_be_bytes(time.try_into().ok()?);
        // Its timing tells a forger nothing worth having.
        (signature == self.signature(form, time)).then_some(time)
    }

    fn signature(&self, form: &str, time: i64) -> Vec<u8> {
        let mut signature = self.key.sign(PURPOSE, &[&time.to_be_bytes(), form.as_bytes()]);
        signature.truncate(SIGNATURE_BYTES);
        signature
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::guard::key::KEY_BYTES;

    fn trap() -> Trap {
        Trap::new(Key::new(&[7; KEY_BYTES]))
    }

    const OPENED: i64 = 1_763_000_000_000;

    fn check(token: &str, now: i64) -> Option<&'static str> {
        let mut control = Fields::default();
        control.push(FIELD, token);
        trap().check("contact", &control, now)
    }

    #[test]
    fn the_format_of_a_token_does_not_change() {
        // Pages are open while a new version is deployed.
        assert_eq!(trap().start("contact", OPENED), "AAABmnr9HgBYgIL55UmfBYWRDBIex_qS");
    }

    #[test]
    fn a_person_takes_three_seconds_and_may_take_days() {
        let token = trap().start("contact", OPENED);
        let rows = [
            (-5000, Some("too_fast")),
            (0, Some("too_fast")),
            (2999, Some("too_fast")),
            (3000, None),
            (30 * 24 * 3_600_000, None),
        ];
        for (after, expected) in rows {
            assert_eq!(check(&token, OPENED + after), expected, "{after}");
        }
    }

    #[test]
    fn forged_tokens_are_recognized() {
        let later = OPENED + 60_000;
        let token = trap().start("contact", OPENED);
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
            &trap().start("other-form", OPENED),
            &Trap::new(Key::new(&[8; KEY_BYTES])).start("contact", OPENED),
        ] {
            assert_eq!(check(forged, later), Some("bad_start"), "{forged}");
        }
    }

    #[test]
    fn without_our_token_nothing_is_suspected() {
        let mut control = Fields::default();
        for name in ["_timestamp", "_submit_time", "_form_start_time", FIELD] {
            control.push(name, if name == FIELD { " " } else { "1763000000000" });
        }
        assert_eq!(trap().check("contact", &control, OPENED), None);
    }
}
