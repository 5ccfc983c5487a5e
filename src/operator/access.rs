//! Cloudflare Access in front of the Worker: the JWT that it adds to each request
//! (<https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/>).
//!
//! A request can reach the Worker past Access, on another route or the `workers.dev` address. So the header proves nothing
//! until the signature, the issuer, the audience and the time are checked.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// How far the clocks of Access and of the Worker may differ, in seconds.
const SKEW: i64 = 60;

/// The length of an application's audience tag.
const AUDIENCE_CHARS: usize = 64;

/// An application of Cloudflare Access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    team: String,
    audience: String,
}

impl Application {
    /// The application of this team and audience tag; `None` when they cannot be such.
    pub fn new(team: &str, audience: &str) -> Option<Self> {
        let is_valid = is_team(team) && is_audience(audience);
        is_valid.then(|| Self { team: team.to_owned(), audience: audience.to_owned() })
    }

    /// The issuer of its tokens.
    pub fn issuer(&self) -> String {
        format!("https://{}.cloudflareaccess.com", self.team)
    }

    /// Where the keys are that it signs with.
    pub fn keys_url(&self) -> String {
        format!("{}/cdn-cgi/access/certs", self.issuer())
    }
}

/// Whether this is a team's name: the first label of its `cloudflareaccess.com` address.
pub fn is_team(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Whether this is an audience tag.
pub fn is_audience(text: &str) -> bool {
    text.len() == AUDIENCE_CHARS && text.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
}

/// A public key of a key set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Its id.
    pub kid: String,
    modulus: String,
    exponent: String,
}

impl PublicKey {
    /// As a JWK, with what a key needs and no more.
    pub fn jwk(&self) -> Value {
        json!({ "kty": "RSA", "n": self.modulus, "e": self.exponent })
    }
}

/// The RSA keys of a key set; others are of no use here. `None` when it is no key set.
pub fn keys(body: &str) -> Option<Vec<PublicKey>> {
    let set: Value = serde_json::from_str(body).ok()?;
    let rsa = set["keys"].as_array()?.iter().filter(|key| key["kty"] == "RSA");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let key = |key: &Value| {
        Some(PublicKey { kid: text(&key["kid"])?, modulus: text(&key["n"])?, exponent: text(&key["e"])? })
    };
    Some(rsa.filter_map(key).collect())
}

/// Why an assertion is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalid {
    /// It is no JWT.
    Malformed,
    /// It is not signed as Access signs.
    Algorithm,
    /// No key has its id.
    UnknownKey,
    /// The signature is wrong.
    Signature,
    /// Another team signed it.
    Issuer,
    /// It is for another application.
    Audience,
    /// It is too old.
    Expired,
    /// Its time has not come.
    NotYet,
    /// It names nobody.
    Nobody,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "is not a JWT",
            Self::Algorithm => "is not signed with RS256",
            Self::UnknownKey => "is signed with a key that the team does not have: check ACCESS_TEAM",
            Self::Signature => "has a wrong signature",
            Self::Issuer => "is from another team: check ACCESS_TEAM",
            Self::Audience => "is for another application: check ACCESS_AUD",
            Self::Expired => "has expired: reload the page",
            Self::NotYet => "is not valid yet",
            Self::Nobody => "names neither an email address nor a service token",
        })
    }
}

impl std::error::Error for Invalid {}

/// A JWT whose signature is not checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion<'a> {
    /// The id of the key that it claims to be signed with.
    pub kid: String,
    /// What is signed.
    pub signed: &'a str,
    /// The signature.
    pub signature: Vec<u8>,
    claims: Value,
}

impl<'a> Assertion<'a> {
    /// Reads a JWT.
    pub fn read(jwt: &'a str) -> Result<Self, Invalid> {
        let (signed, signature) = jwt.trim().rsplit_once('.').ok_or(Invalid::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Invalid::Malformed)?;
        let (header, claims) = (decoded(header)?, decoded(claims)?);
        // Never the algorithm that the token asks for.
        if header["alg"] != "RS256" {
            return Err(Invalid::Algorithm);
        }
        let kid = header["kid"].as_str().unwrap_or_default().to_owned();
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Invalid::Malformed)?;
        Ok(Self { kid, signed, signature, claims })
    }

    /// The operator it names, once its signature is verified; `now` is milliseconds since 1970.
    pub fn identity(&self, application: &Application, now: i64) -> Result<&str, Invalid> {
        let Value::Object(claims) = &self.claims else { return Err(Invalid::Malformed) };
        let claim = |name: &str| claims.get(name).unwrap_or(&Value::Null);
        let now = now / 1000;
        let is_ours = |audience: &Value| audience == application.audience.as_str();
        if claim("iss") != application.issuer().as_str() {
            return Err(Invalid::Issuer);
        }
        let audience = claim("aud");
        if !audience.as_array().map_or_else(|| is_ours(audience), |several| several.iter().any(is_ours)) {
            return Err(Invalid::Audience);
        }
        // A token without an expiry is not from Access.
        if claim("exp").as_i64().is_none_or(|exp| exp <= now - SKEW) {
            return Err(Invalid::Expired);
        }
        if claim("nbf").as_i64().is_some_and(|nbf| nbf > now + SKEW) {
            return Err(Invalid::NotYet);
        }
        let names = ["email", "common_name"].into_iter().filter_map(|name| claim(name).as_str());
        names.map(str::trim).find(|name| !name.is_empty()).ok_or(Invalid::Nobody)
    }
}

fn decoded(part: &str) -> Result<Value, Invalid> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| Invalid::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| Invalid::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_763_000_000;
    const AUDIENCE: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";

    fn jwt(header: &Value, claims: &Value) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        format!("{}.{}.c2ln", part(header), part(claims))
    }

    #[test]
    fn claims_are_checked_one_by_one() {
        let application = Application::new("acme", AUDIENCE).unwrap();
        let good = json!({
            "iss": "https://acme.cloudflareaccess.com", "aud": [AUDIENCE], "email": "ada@example.com",
            "exp": NOW + 60, "nbf": NOW - 60,
        });
        let rows: &[(Value, Result<&str, Invalid>)] = &[
            (json!({}), Ok("ada@example.com")),
            (json!({ "aud": AUDIENCE }), Ok("ada@example.com")),
            (json!({ "aud": ["other", AUDIENCE] }), Ok("ada@example.com")),
            (json!({ "aud": ["other"] }), Err(Invalid::Audience)),
            (json!({ "aud": [] }), Err(Invalid::Audience)),
            (json!({ "aud": { "0": AUDIENCE } }), Err(Invalid::Audience)),
            (json!({ "iss": "https://evil.cloudflareaccess.com" }), Err(Invalid::Issuer)),
            (json!({ "iss": "https://acme.cloudflareaccess.com.evil.example" }), Err(Invalid::Issuer)),
            (json!({ "exp": NOW - SKEW + 1 }), Ok("ada@example.com")),
            (json!({ "exp": NOW - SKEW }), Err(Invalid::Expired)),
            (json!({ "exp": null }), Err(Invalid::Expired)),
            (json!({ "exp": "9999999999" }), Err(Invalid::Expired)),
            (json!({ "nbf": NOW + SKEW }), Ok("ada@example.com")),
            (json!({ "nbf": NOW + SKEW + 1 }), Err(Invalid::NotYet)),
            (json!({ "email": "", "common_name": "abc.access" }), Ok("abc.access")),
            (json!({ "email": " " }), Err(Invalid::Nobody)),
        ];
        for (change, expected) in rows {
            let mut claims = good.clone();
            claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let jwt = jwt(&json!({ "alg": "RS256", "kid": "k" }), &claims);
            let assertion = Assertion::read(&jwt).unwrap();
            assert_eq!(assertion.identity(&application, NOW * 1000), *expected, "{change}");
            assert_eq!((assertion.kid.as_str(), assertion.signature.as_slice()), ("k", &b"sig"[..]));
        }
    }

    #[test]
    fn what_is_no_jwt_of_access_is_refused_unread() {
        let claims = json!({ "iss": "i", "aud": "a", "exp": NOW });
        let with = |alg: &str| jwt(&json!({ "alg": alg, "kid": "k" }), &claims);
        for alg in ["none", "None", "HS256", "RS512", "rs256", ""] {
            assert_eq!(Assertion::read(&with(alg)), Err(Invalid::Algorithm), "{alg}");
        }
        let good = with("RS256");
        let (signed, _) = good.rsplit_once('.').unwrap();
        for text in ["", "a.b", "a.b.c", "...", &format!("{signed}.?"), &format!("{good}.x"), signed] {
            assert_eq!(Assertion::read(text), Err(Invalid::Malformed), "{text}");
        }
    }

    #[test]
    fn a_key_set_is_read_and_passed_on_without_what_it_does_not_need() {
        let rsa = json!({ "kid": "1", "kty": "RSA", "alg": "RS256", "use": "sig", "n": "AQAB", "e": "AQAB" });
        let set =
            json!({ "keys": [rsa, { "kid": "2", "kty": "EC", "n": "", "e": "" }, { "kid": "3" }], "public_cert": {} });
        let keys = keys(&set.to_string()).unwrap();
        assert_eq!(keys.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), ["1"]);
        assert_eq!(keys[0].jwk(), json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }));
        for body in ["", "{}", "[]", r#"{"keys":{}}"#] {
            assert_eq!(super::keys(body), None, "{body}");
        }
    }

    #[test]
    fn team_and_audience_are_names_not_addresses() {
        for (team, audience, is_valid) in [
            ("acme-2", AUDIENCE, true),
            ("", AUDIENCE, false),
            ("https://acme.cloudflareaccess.com", AUDIENCE, false),
            ("evil.example/", AUDIENCE, false),
            ("acme", "", false),
            ("acme", &AUDIENCE[1..], false),
            ("acme", &AUDIENCE.to_uppercase(), false),
        ] {
            assert_eq!(Application::new(team, audience).is_some(), is_valid, "{team} {audience}");
        }
    }
}
