//! The Worker's environment: its vars as a checked [`Config`], its secrets by name.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Once;

use js_sys::{JSON, JsString, Object, Reflect};
use serde_json::Value;
use wasm_bindgen::{JsCast, JsValue};
use worker::Env;

use crate::config::{Config, names};

use super::log;

thread_local! {
    /// The config of this isolate. An isolate belongs to one version of the Worker, so its vars never change.
    static CONFIG: RefCell<Option<Rc<Config>>> = const { RefCell::new(None) };
}

/// The config, read and checked once per isolate.
pub fn config(env: &Env) -> Rc<Config> {
    CONFIG.with(|cell| {
        if let Some(config) = cell.borrow().as_ref() {
            return Rc::clone(config);
        }
        let config = Rc::new(read(env));
        *cell.borrow_mut() = Some(Rc::clone(&config));
        config
    })
}

/// Logs the errors of the config, once per isolate. Not while the module starts: what is logged then is shown nowhere.
pub fn log_errors(env: &Env) {
    static LOG: Once = Once::new();
    LOG.call_once(|| config(env).errors.iter().for_each(log::config_error));
}

/// A secret, or a plain var, by its name; `None` when it is not set or blank. White space around it came with the paste
/// and is removed: with it, no token would ever match.
pub fn secret(env: &Env, name: &str) -> Option<String> {
    let value = Reflect::get(env.unchecked_ref(), &JsValue::from_str(name)).ok()?.as_string()?;
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// The text in Unicode's composed form.
pub fn nfc(text: &str) -> String {
    JsString::from(text).normalize("NFC").into()
}

/// The vars besides forms and destinations.
const OWN: &[&str] = &["CRM_ORIGIN", "DEMO", "HOME"];

/// Only these vars are configuration; everything else in the environment (secrets among it) is never read here.
fn is_config(name: &str) -> bool {
    name.starts_with("FORM_")
        || name.starts_with("DESTINATION_")
        || OWN.contains(&name)
        || names::ACCESS.contains(&name)
}

/// The binding `FORM_RATE` is named like a form. A var is JSON and holds no function; a binding does.
fn is_rate_limit(value: &JsValue) -> bool {
    Reflect::get(value, &JsValue::from_str("limit")).is_ok_and(|limit| limit.is_function())
}

fn read(env: &Env) -> Config {
    let env: &Object = env.unchecked_ref();
    let vars: Vec<(String, Value)> = Object::keys(env)
        .iter()
        .filter_map(|key| key.as_string())
        .filter(|name| is_config(name))
        .filter_map(|name| {
            let value = Reflect::get(env, &JsValue::from_str(&name)).ok().filter(|value| !is_rate_limit(value))?;
            // The names of fields are compared with what visitors send, which is composed too.
            let json = String::from(JSON::stringify(&value).ok()?.normalize("NFC"));
            Some((name, serde_json::from_str(&json).ok()?))
        })
        .collect();
    Config::from_vars(vars.iter().map(|(name, value)| (name.as_str(), value)))
}
