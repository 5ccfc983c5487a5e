//! The deployment's key: random, created once by the registry, never configured and never shown. It signs the times of the
//! time trap and keys the digests that recognize a visitor's repeats.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The length of a key.
pub const KEY_BYTES: usize = 32;

/// A key, as it is stored and sent: base64.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// A key made of these random bytes.
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// A stored key.
    pub const fn from_text(text: String) -> Self {
        Self(text)
    }

    /// As it is stored.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The HMAC-SHA256 of `parts`, for one purpose: a signature made for one is of no use for another.
    pub fn sign(&self, purpose: &str, parts: &[&[u8]]) -> Vec<u8> {
        let key = hmac(self.0.as_bytes(), &[purpose.as_bytes()]);
        hmac(&key, parts)
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
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

    #[test]
    fn a_signature_depends_on_key_purpose_and_parts() {
        let [one, two] = [1, 2].map(|byte| Key::new(&[byte; KEY_BYTES]));
        assert_eq!(one, Key::from_text(one.text().to_owned()));
        let signed = one.sign("a", &[b"text"]);
        assert_eq!((signed.len(), &signed), (32, &one.sign("a", &[b"te", b"xt"])));
        for other in [two.sign("a", &[b"text"]), one.sign("b", &[b"text"]), one.sign("a", &[b"Text"])] {
            assert_ne!(signed, other);
        }
        assert_eq!(format!("{one:?}"), "Key");
    }
}
