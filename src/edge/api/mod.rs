//! The operator API. [`ROUTES`] is its only list of routes: it drives routing, the replies 404 and 405, which parameters are
//! known, and a test compares it with `openapi.json`.

pub mod access;
mod assertion;
mod call;
mod export;
mod overview;
mod preview;
mod query;
mod reach;
mod submissions;

use wasm_bindgen::JsValue;
use worker::Env;

use crate::edge::answer::{error, json_reply, respond};
use crate::edge::request::Body;
use crate::intake::{Reply, Visit};

use access::authorize;
use call::Call;

/// The document that describes the routes, in `OpenAPI`.
pub const OPENAPI: &str = include_str!("openapi.json");

/// A route.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path; what is in braces stands for any one segment.
    pub path: &'static str,
    /// The parameters of the query.
    pub parameters: &'static [&'static str],
    handler: Handler,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handler {
    Forms,
    Submissions,
    Csv,
    Ndjson,
    Submission,
    Release,
    Spam,
    Erase,
    ReleaseAll,
    ErasePerson,
    Person,
    Resume,
    Alerts,
    Dismiss,
    Preview,
    Stats,
    OpenApi,
}

const FILTER: &[&str] = &["form", "state", "destination", "q", "since", "until"];
const LIST: &[&str] = &["form", "state", "destination", "q", "since", "until", "before", "limit"];

const fn route(
    method: &'static str,
    path: &'static str,
    parameters: &'static [&'static str],
    handler: Handler,
) -> Route {
    Route { method, path, parameters, handler }
}

/// Every route.
pub const ROUTES: &[Route] = &[
    route("GET", "/api/forms", &[], Handler::Forms),
    route("GET", "/api/submissions", LIST, Handler::Submissions),
    route("GET", "/api/submissions.csv", FILTER, Handler::Csv),
    route("GET", "/api/submissions.ndjson", FILTER, Handler::Ndjson),
    route("GET", "/api/forms/{form}/submissions/{id}", &[], Handler::Submission),
    route("DELETE", "/api/forms/{form}/submissions/{id}", &[], Handler::Erase),
    route("POST", "/api/forms/{form}/submissions/{id}/release", &[], Handler::Release),
    route("POST", "/api/forms/{form}/submissions/{id}/spam", &[], Handler::Spam),
    route("POST", "/api/forms/{form}/preview", &[], Handler::Preview),
    route("POST", "/api/release", &[], Handler::ReleaseAll),
    route("POST", "/api/erase", &[], Handler::ErasePerson),
    route("GET", "/api/person", &["email", "before"], Handler::Person),
    route("POST", "/api/destinations/{name}/resume", &[], Handler::Resume),
    route("GET", "/api/alerts", &[], Handler::Alerts),
    route("POST", "/api/alerts/{id}/dismiss", &[], Handler::Dismiss),
    route("GET", "/api/stats", &["form", "days"], Handler::Stats),
    route("GET", "/api/openapi.json", &[], Handler::OpenApi),
];

/// Answers a request below `/api`.
pub async fn answer(visit: &Visit, body: Body, env: &Env) -> JsValue {
    route_to(visit, body, env).await.unwrap_or_else(|reply| respond(visit, &reply))
}

/// `GET /health`.
pub async fn health(visit: &Visit, env: &Env) -> Reply {
    if matches!(visit.method.as_str(), "GET" | "HEAD") {
        overview::health(env).await
    } else {
        error(405, "the method is GET").with("Allow", "GET, HEAD")
    }
}

async fn route_to(visit: &Visit, body: Body, env: &Env) -> Result<JsValue, Reply> {
    // Access comes first: without it, nothing is said about routes or forms.
    let actor = authorize(visit, env).await?;
    let path = visit.url.path().trim_end_matches('/');
    let here: Vec<(&Route, Vec<String>)> =
        ROUTES.iter().filter_map(|route| Some((route, arguments(route.path, path)?))).collect();
    if here.is_empty() {
        let all: Vec<String> = ROUTES.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        return Err(error(404, &format!("the routes are {}", all.join(", "))));
    }
    let method = if visit.method == "HEAD" { "GET" } else { &visit.method };
    let Some((route, arguments)) = here.iter().find(|(route, _)| route.method == method) else {
        let allow: Vec<&str> = here.iter().map(|(route, _)| route.method).collect();
        let allow = allow.join(", ");
        return Err(error(405, &format!("the method of {path} is {allow}")).with("Allow", allow));
    };
    check_parameters(visit, route)?;
    let call = Call::new(visit, env, actor, body);
    let first = arguments.first().map_or("", String::as_str);
    let second = arguments.get(1).map_or("", String::as_str);
    let reply = match route.handler {
        Handler::Csv => return export::csv(&call).await,
        Handler::Ndjson => return export::ndjson(&call).await,
        Handler::Forms => overview::forms(&call).await,
        Handler::Submissions => submissions::list(&call).await,
        Handler::Submission => submissions::one(&call, first, second).await,
        Handler::Release => submissions::release(&call, first, second).await,
        Handler::Spam => submissions::spam(&call, first, second).await,
        Handler::Erase => submissions::erase(&call, first, second).await,
        Handler::ReleaseAll => submissions::release_all(&call).await,
        Handler::ErasePerson => submissions::erase_person(&call).await,
        Handler::Person => submissions::person(&call).await,
        Handler::Resume => overview::resume(&call, first).await,
        Handler::Alerts => overview::alerts(&call).await,
        Handler::Dismiss => overview::dismiss(&call, first).await,
        Handler::Preview => preview::preview(&call, first).await,
        Handler::Stats => overview::stats(&call).await,
        Handler::OpenApi => Ok(Reply { body: OPENAPI.to_owned(), ..json_reply(200, &serde_json::Value::Null) }),
    };
    Ok(respond(visit, &reply?))
}

/// The segments of a path that are in braces in the pattern; `None` when the path is another one.
fn arguments(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (expected, given): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    if expected.len() != given.len() {
        return None;
    }
    let mut arguments = Vec::new();
    for (expected, given) in expected.into_iter().zip(given) {
        if expected.starts_with('{') {
            // A client may encode the colon of an alert's id.
            let decoded = form_urlencoded::parse(given.as_bytes()).next();
            arguments.push(decoded.map(|(text, _)| text.into_owned()).filter(|text| !text.is_empty())?);
        } else if expected != given {
            return None;
        }
    }
    Some(arguments)
}

fn check_parameters(visit: &Visit, route: &Route) -> Result<(), Reply> {
    let mut names = visit.url.query_pairs().map(|(name, _)| name);
    let Some(unknown) = names.find(|name| !route.parameters.contains(&&**name)) else { return Ok(()) };
    let known =
        if route.parameters.is_empty() { "this route takes none".to_owned() } else { route.parameters.join(", ") };
    Err(error(400, &format!("unknown parameter {unknown:?}; known here: {known}")))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn paths_are_matched_by_segment() {
        for (pattern, path, expected) in [
            ("/api/forms", "/api/forms", Some(vec![])),
            ("/api/forms", "/api/forms/contact", None),
            ("/api/alerts/{id}/dismiss", "/api/alerts/contact%3Astuck:crm/dismiss", Some(vec!["contact:stuck:crm"])),
            ("/api/forms/{form}/submissions/{id}", "/api/forms/contact/submissions/1", Some(vec!["contact", "1"])),
            ("/api/forms/{form}/submissions/{id}", "/api/forms//submissions/1", None),
            ("/api/submissions.csv", "/api/submissions", None),
        ] {
            let expected = expected.map(|all| all.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(arguments(pattern, path), expected, "{path}");
        }
    }

    #[test]
    fn the_document_has_every_route_with_its_parameters_and_no_other() {
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let mut described = Vec::new();
        for (path, methods) in
            document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/api"))
        {
            for (method, operation) in methods.as_object().unwrap() {
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let name = |parameter: &Value| match parameter["$ref"].as_str() {
                    Some(reference) => {
                        let found = document.pointer(&reference[1..]).unwrap_or_else(|| panic!("{reference}"));
                        (found["in"].clone(), found["name"].clone())
                    }
                    None => (parameter["in"].clone(), parameter["name"].clone()),
                };
                let mut names: Vec<(String, String)> = parameters
                    .map(name)
                    .map(|(place, name)| (place.as_str().unwrap().to_owned(), name.as_str().unwrap().to_owned()))
                    .collect();
                names.sort();
                described.push((method.to_uppercase(), path.clone(), names));
            }
        }
        let mut routes: Vec<_> = ROUTES
            .iter()
            .map(|route| {
                let braced = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
                let mut names: Vec<(String, String)> = braced.map(|name| ("path".into(), name.into())).collect();
                names.extend(route.parameters.iter().map(|name| ("query".into(), (*name).to_owned())));
                names.sort();
                (route.method.to_owned(), route.path.to_owned(), names)
            })
            .collect();
        described.sort();
        routes.sort();
        assert_eq!(described, routes);
    }
}
