//! Checks the JWT of Cloudflare Access: its keys are fetched and kept in the isolate, its signature is checked by the
//! platform's `WebCrypto`, so that the Worker carries no RSA.

use std::cell::{Cell, RefCell};

use js_sys::{JSON, Promise, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;
use worker::Env;

use crate::operator::access::{Application, Assertion, Invalid, PublicKey, keys};

use crate::edge::{clock, environment, http, log};

/// How long keys are used, in milliseconds. Access changes them every six weeks and takes back none without need.
const KEEP_MS: i64 = 60 * 60 * 1000;

/// How soon keys are fetched again, in milliseconds: an invented key id must not make the Worker ask each time.
const AGAIN_MS: i64 = 10_000;

/// How long Access may take to give its keys, in milliseconds.
const PATIENCE_MS: u32 = 5_000;

const ALGORITHM: &str = r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-256"}"#;

thread_local! {
    static KEYS: RefCell<Vec<PublicKey>> = const { RefCell::new(Vec::new()) };
    /// When they were fetched, and when that was last tried.
    static FETCHED_AT: Cell<i64> = const { Cell::new(0) };
    static TRIED_AT: Cell<i64> = const { Cell::new(0) };
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = importKey)]
    fn import_key(
        format: &str,
        key: &JsValue,
        algorithm: &JsValue,
        is_extractable: bool,
        usages: &JsValue,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"])]
    fn verify(
        algorithm: &JsValue,
        key: &JsValue,
        signature: &Uint8Array,
        data: &Uint8Array,
    ) -> Result<Promise, JsValue>;
}

/// Why nobody is let in.
pub enum Refused {
    /// The JWT is not valid.
    Invalid(Invalid),
    /// There are no keys to check it with.
    NoKeys,
}

impl From<Invalid> for Refused {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

/// The operator that this JWT names.
pub async fn identity(env: &Env, application: &Application, jwt: &str) -> Result<String, Refused> {
    let assertion = Assertion::read(jwt)?;
    let key = key(env, application, &assertion.kid).await?;
    if !is_signed(&assertion, &key).await.unwrap_or(false) {
        return Err(Invalid::Signature.into());
    }
    Ok(assertion.identity(application, clock::now())?.to_owned())
}

/// The key of this id. An unknown one may be new.
async fn key(env: &Env, application: &Application, kid: &str) -> Result<PublicKey, Refused> {
    let known = || KEYS.with(|keys| keys.borrow().iter().find(|key| key.kid == kid).cloned());
    let now = clock::now();
    if let Some(key) = known().filter(|_| now < FETCHED_AT.get() + KEEP_MS) {
        return Ok(key);
    }
    if now >= TRIED_AT.get() + AGAIN_MS {
        fetch_keys(env, application).await;
        TRIED_AT.set(clock::now());
    }
    // When Access does not answer, the keys of the last time still hold.
    let has_any = KEYS.with(|keys| !keys.borrow().is_empty());
    known().ok_or(if has_any { Refused::Invalid(Invalid::UnknownKey) } else { Refused::NoKeys })
}

async fn fetch_keys(env: &Env, application: &Application) {
    let config = environment::config(env);
    match http::get(&config, "access", &application.keys_url(), PATIENCE_MS).await {
        Ok(reply) => match keys(&reply.body).filter(|keys| reply.status == 200 && !keys.is_empty()) {
            Some(fetched) => {
                KEYS.set(fetched);
                FETCHED_AT.set(clock::now());
            }
            None => log::failure("access keys", &format!("status {}: not a key set", reply.status)),
        },
        Err(error) => log::failure("access keys", &error),
    }
}

async fn is_signed(assertion: &Assertion<'_>, key: &PublicKey) -> Result<bool, JsValue> {
    let jwk = key.jwk().to_string();
    let algorithm = JSON::parse(ALGORITHM)?;
    let imported = import_key("jwk", &JSON::parse(&jwk)?, &algorithm, false, &JSON::parse(r#"["verify"]"#)?)?;
    let imported = JsFuture::from(imported).await?;
    let (signature, data) =
        (Uint8Array::from(assertion.signature.as_slice()), Uint8Array::from(assertion.signed.as_bytes()));
    Ok(JsFuture::from(verify(&algorithm, &imported, &signature, &data)?).await?.is_truthy())
}
