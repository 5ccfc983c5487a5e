//! The Worker's vars, read once and checked whole: `FORM_*` and `DESTINATION_*` become [`Form`] and [`Destination`].
//!
//! Every mistake is reported, not only the first, and each names the var, the key, what was found and what is allowed.
//! One wrong form does not take down the others: it is listed in [`Config::broken`] and the rest work.
//! Nothing here knows where the vars come from: `edge/` takes them from the environment, `make check` from `wrangler.toml`.

pub mod names;
pub mod secrets;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::connectors::{self, Destination};
use crate::domain::Address;
use crate::domain::settings::{self, ConfigError, Reader};
use crate::domain::sorted;
use crate::intake::form::{Access, Form, Known};
use crate::operator::access::{Application, is_audience, is_team};

pub use secrets::ExpectedSecret;

/// Everything the operator configured, checked.
#[derive(Debug, Default)]
pub struct Config {
    /// The forms that are right, by name (`contact-us` for `FORM_CONTACT_US`).
    pub forms: sorted::Map<String, Form>,
    /// The destinations that are right, by name.
    pub destinations: sorted::Map<String, Destination>,
    /// Forms that exist and are wrong, or lead to a destination that is wrong: they answer 503.
    pub broken: sorted::Set<String>,
    /// `CRM_ORIGIN`: local development only, a loopback origin that replaces every vendor.
    pub crm_origin: Option<String>,
    /// `DEMO = "on"`: serve the demo page at `/`.
    pub demo: bool,
    /// `HOME = "off"`: no page at `/`.
    pub home: bool,
    /// Who may use the operator API.
    pub operators: Operators,
    /// All that is wrong, in the order of the vars.
    pub errors: Vec<ConfigError>,
}

/// Who may use the operator API, besides whoever holds `ADMIN_TOKEN`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Operators {
    /// A console session, which begins with `ADMIN_TOKEN`.
    #[default]
    Session,
    /// `ACCESS_TEAM` and `ACCESS_AUD`: everyone whom Cloudflare Access lets through.
    Access(Application),
    /// Those are wrong, so nobody.
    Broken,
}

/// What a form's name leads to.
#[derive(Debug)]
pub enum Lookup<'a> {
    /// The form, ready to take submissions.
    Found(&'a Form),
    /// The form is configured, but wrongly.
    Broken,
    /// There is no such form.
    Unknown,
}

impl Config {
    /// Reads the vars, in their order. Vars that are neither forms nor destinations nor the Worker's own are left alone.
    ///
    /// A var may hold a table, or the JSON text of one: both ways exist to set it.
    pub fn from_vars<'a>(vars: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Self {
        let vars: Vec<(&str, &Value)> = vars.into_iter().collect();
        let mut reading = Reading { config: Self { home: true, ..Self::default() }, ..Reading::default() };
        // Destinations first, because forms name them; the errors go back into the order of the vars.
        let mut errors: Vec<Vec<ConfigError>> = vars.iter().map(|_| Vec::new()).collect();
        for ((var, value), errors) in vars.iter().zip(&mut errors) {
            if let Some(name) = names::name_of_var(var, names::DESTINATION) {
                reading.destination(var, name, value, errors);
            }
        }
        for ((var, value), errors) in vars.iter().zip(&mut errors) {
            if let Some(name) = names::name_of_var(var, names::FORM) {
                reading.form(var, name, value, errors);
            } else {
                reading.other(var, value, errors);
            }
        }
        reading.operators(&vars, &mut errors);
        Self { errors: errors.into_iter().flatten().collect(), ..reading.config }
    }

    /// The form of this name, in the spelling of the URL.
    pub fn form(&self, name: &str) -> Lookup<'_> {
        match self.forms.get(name) {
            Some(form) => Lookup::Found(form),
            None if self.broken.contains(name) => Lookup::Broken,
            None => Lookup::Unknown,
        }
    }

    /// The destination of this name, if it is configured and right.
    pub fn destination(&self, name: &str) -> Option<&Destination> {
        self.destinations.get(name)
    }

    /// The names of the secrets that a form needs: its destinations' and its own.
    pub fn secrets_of(&self, form: &Form) -> Vec<String> {
        let mut names = Vec::new();
        for name in &form.destinations {
            names.extend(self.destination(name).into_iter().flat_map(Destination::secrets));
        }
        names.extend(secrets::token_of(form).map(|secret| secret.name));
        names.extend(secrets::turnstile_of(form).map(|secret| secret.name));
        names
    }

    /// The secrets that the valid destinations and forms expect: destinations first, each by name.
    pub fn expected_secrets(&self) -> Vec<ExpectedSecret> {
        let of_destinations = self.destinations.values().flat_map(secrets::of_destination);
        let of_forms = self.forms.values().filter_map(secrets::token_of);
        of_destinations.chain(of_forms).chain(self.forms.values().find_map(secrets::turnstile_of)).collect()
    }
}

/// A config that is being read.
#[derive(Default)]
struct Reading {
    config: Config,
    /// Destinations that exist and are wrong.
    wrong: sorted::Set<String>,
    /// Those of them that would create logins: fixing their errors must not reveal the next one.
    wrong_logins: sorted::Set<String>,
    /// Secrets in use, with the var that expects each.
    secrets: sorted::Map<String, String>,
}

impl Reading {
    fn destination(&mut self, var: &str, name: String, value: &Value, errors: &mut Vec<ConfigError>) {
        let table = table_of(var, value, errors);
        let read = table.as_ref().and_then(|table| Destination::read(&name, Reader::new(var, table, errors)));
        for secret in read.iter().flat_map(Destination::secrets) {
            self.claim(secret, var, "", errors);
        }
        match read {
            Some(destination) if errors.is_empty() => drop(self.config.destinations.insert(name, destination)),
            _ => {
                if table.is_some_and(|table| connectors::destination::needs_token(&table)) {
                    self.wrong_logins.insert(name.clone());
                }
                self.wrong.insert(name);
            }
        }
    }

    fn form(&mut self, var: &str, name: String, value: &Value, errors: &mut Vec<ConfigError>) {
        let token = settings::secret_name(&name, "TOKEN");
        let read = table_of(var, value, errors)
            .map(|table| Form::read(&name, token, Reader::new(var, &table, errors), &*self));
        if let Some(Form { access: Access::Token { secret }, .. }) = &read {
            self.claim(secret.clone(), var, "access", errors);
        }
        match read {
            Some(form) if errors.is_empty() && !form.destinations.iter().any(|name| self.wrong.contains(name)) => {
                drop(self.config.forms.insert(name, form));
            }
            _ => drop(self.config.broken.insert(name)),
        }
    }

    /// Any var but a form: the Worker's own, a misspelt one, or a destination, which was already read.
    fn other(&mut self, var: &str, value: &Value, errors: &mut Vec<ConfigError>) {
        let mut error = |message: String| errors.push(ConfigError::new(var, "", message));
        match var {
            "CRM_ORIGIN" => match value.as_str().filter(|text| is_loopback_origin(text)) {
                Some(origin) => self.config.crm_origin = Some(origin.to_owned()),
                None => error(format!(
                    "found {}; it takes the origin of this machine, as in \"http://127.0.0.1:8788\", and is for local \
                     development only",
                    settings::shown(value)
                )),
            },
            "DEMO" | "HOME" => {
                let switch = if var == "DEMO" { &mut self.config.demo } else { &mut self.config.home };
                match value.as_str() {
                    Some("on") => *switch = true,
                    Some("off") => *switch = false,
                    _ => error(format!("found {}; it takes \"on\" or \"off\"", settings::shown(value))),
                }
            }
            _ => {
                if let Some(message) = names::misspelt(var) {
                    error(message);
                }
            }
        }
    }

    /// `ACCESS_TEAM` and `ACCESS_AUD`; a blank one is not set.
    fn operators(&mut self, vars: &[(&str, &Value)], errors: &mut [Vec<ConfigError>]) {
        let [var_of_team, var_of_audience] = names::ACCESS;
        let mut broken = false;
        let mut read = |var: &str, other: &str, is_valid: fn(&str) -> bool, takes: &str| {
            let at = vars.iter().position(|(name, value)| *name == var && !is_blank(value))?;
            let mut error = |message: String| {
                errors[at].push(ConfigError::new(var, "", message));
                broken = true;
            };
            if !vars.iter().any(|(name, value)| *name == other && !is_blank(value)) {
                error(format!("needs {other} too"));
            }
            let text = vars[at].1.as_str().filter(|text| is_valid(text));
            if text.is_none() {
                error(format!("found {}; it takes {takes}", settings::shown(vars[at].1)));
            }
            text
        };
        let team = "the name of your team, \"acme\" of acme.cloudflareaccess.com";
        let audience =
            "the application's audience tag: 64 digits and letters a to f (Zero Trust > Access > Applications)";
        let team = read(var_of_team, var_of_audience, is_team, team);
        let audience = read(var_of_audience, var_of_team, is_audience, audience);
        let application = team.zip(audience).and_then(|(team, audience)| Application::new(team, audience));
        self.config.operators = match application {
            _ if broken => Operators::Broken,
            Some(application) => Operators::Access(application),
            None => Operators::Session,
        };
    }

    fn claim(&mut self, secret: String, var: &str, key: &str, errors: &mut Vec<ConfigError>) {
        let clash = secrets::clash(&secret, self.secrets.get(&secret).map(String::as_str));
        errors.extend(clash.map(|message| ConfigError::new(var, key, message)));
        self.secrets.or_insert_with(secret, || var.to_owned());
    }
}

impl Known for Reading {
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.config.destinations.keys().chain(&self.wrong).map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    fn needs_token(&self, name: &str) -> bool {
        self.wrong_logins.contains(name)
            || self.config.destination(name).is_some_and(|destination| destination.record.needs_token)
    }
}

/// The table that a var holds. What else it holds is not shown: it may be a secret under a wrong name.
fn table_of<'v>(var: &str, value: &'v Value, errors: &mut Vec<ConfigError>) -> Option<Cow<'v, Map<String, Value>>> {
    let not_a_table = || format!("is not a table; write [vars.{var}] with its keys below");
    let read = match value {
        Value::Object(table) => Ok(Cow::Borrowed(table)),
        Value::String(text) => serde_json::from_str(text).map(Cow::Owned).map_err(|error| {
            // Words about JSON's grammar and a place: nothing of the text.
            if text.trim_start().starts_with('{') { format!("is not JSON: {error}") } else { not_a_table() }
        }),
        _ => Err(not_a_table()),
    };
    match read {
        Ok(table) => Some(table),
        Err(message) => {
            errors.push(ConfigError::new(var, "", message));
            None
        }
    }
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Whether `text` is an origin on this machine, and nothing more: calls with real secrets go there.
fn is_loopback_origin(text: &str) -> bool {
    Address::parse(text)
        .is_ok_and(|address| address.scheme == "http" && address.is_loopback() && address.rest.is_empty())
}
