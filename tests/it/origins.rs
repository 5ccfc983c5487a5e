//! Look-alike origins, `require_origin`, the preflights of the Formspree clients, and local development.

use serde_json::{Value, json};

use crate::intake::{BROWSER, FORM, JSON, ORIGIN_REFUSED, refusal, vars, world};
use crate::raw;
use crate::world::{Reply, World};

fn forms() -> World {
    world(&json!({
        "FORM_STAR": { "allowed_origins": ["https://*.example.org"] },
        "FORM_PORT": { "allowed_origins": ["https://www.example.com:8443", "http://plain.example.com"] },
        "FORM_STRICT": { "allowed_origins": ["https://www.example.com"], "require_origin": true },
        "FORM_ANY": { "require_origin": true },
        "FORM_LOOSE": { "allowed_origins": ["https://www.example.com"] },
    }))
}

fn post(world: &World, form: &str, accept: &str, origin: Option<&str>) -> Reply {
    let mut headers = vec![("Accept", accept), ("Content-Type", FORM)];
    headers.extend(origin.map(|origin| ("Origin", origin)));
    raw::send(world, &format!("POST /f/{form}"), &headers, b"name=Ada")
}

#[test]
fn look_alikes() {
    let world = forms();
    let refused = refusal("ORIGIN_NOT_ALLOWED", ORIGIN_REFUSED, &[]);
    let rows: &[(&str, &str, bool)] = &[
        ("star", "https://a.example.org", true),
        ("star", "https://a.b.c.example.org", true),
        ("star", "https://A.EXAMPLE.ORG", true),
        ("star", "https://a.example.org:443", true),
        ("star", "https://xn--9g3b.example.org", true),
        ("star", "https://example.org", false),
        ("star", "https://evilexample.org", false),
        ("star", "https://evil-example.org", false),
        ("star", "https://example.org.evil.com", false),
        ("star", "https://a.example.org.evil.com", false),
        ("star", "https://a.example.org.", false),
        ("star", "https://.example.org", false),
        ("star", "https://a.example.org@evil.com", false),
        ("star", "https://evil.com@a.example.org", false),
        ("star", "https://a.example.org:444", false),
        ("star", "http://a.example.org", false),
        ("star", "http://a.example.org:443", false),
        ("star", "https://a.example.org/", false),
        ("star", "https://a.example.org?x", false),
        ("star", "https://a.example.org#x", false),
        ("star", "https://a.example.org\\.evil.com", false),
        ("star", "https://evil.com/.example.org", false),
        ("star", "https://evil.com#.example.org", false),
        ("star", "https://*.example.org", false),
        ("star", "https://a.ex\u{430}mple.org", false),
        ("star", "https://a\u{3002}example\u{3002}org", false),
        ("star", "https://a.example.org https://evil.com", false),
        ("star", "null", false),
        ("star", "NULL", false),
        ("star", "*", false),
        ("star", "file://", false),
        ("star", "chrome-extension://a.example.org", false),
        ("star", "https://localhost", false),
        ("star", "http://127.0.0.1:8787", false),
        ("port", "https://www.example.com:8443", true),
        ("port", "https://www.example.com", false),
        ("port", "https://www.example.com:443", false),
        ("port", "https://www.example.com:84430", false),
        ("port", "http://www.example.com:8443", false),
        ("port", "http://plain.example.com", true),
        ("port", "http://plain.example.com:80", true),
        ("port", "https://plain.example.com", false),
        ("port", "http://plain.example.com:8080", false),
    ];
    for (form, origin, may) in rows {
        let reply = post(&world, form, JSON, Some(origin));
        assert_eq!(reply.status, if *may { 200 } else { 403 }, "{form} {origin}");
        if !may {
            assert_eq!(reply.json(), refused, "{form} {origin}");
        }
        // Readable by the page that asked, yes or no.
        assert_eq!(reply.header("access-control-allow-origin"), Some(*origin), "{form}");
        assert_eq!(reply.header("vary"), Some("Accept, Accept-Language, Origin"), "{form} {origin}");
        assert_eq!(reply.header("access-control-allow-credentials"), may.then_some("true"), "{form} {origin}");
    }
    let allowed = |form: &str| rows.iter().filter(|(name, _, may)| *name == form && *may).count();
    assert_eq!([world.stored("star").len(), world.stored("port").len()], [allowed("star"), allowed("port")]);
}

/// The log names a website that is missing in the list; otherwise the operator would only see no leads.
#[test]
fn the_log_says_which_website_was_refused() {
    let world = forms();
    for origin in [Some("https://Example.com"), Some("ada@example.com"), None] {
        assert_eq!(post(&world, "strict", JSON, origin).status, 403);
    }
    let log = world.worker.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let told: Vec<Value> = lines.filter(|line| line["event"] == "origin_refused").collect();
    let line = |origin: Value| json!({ "event": "origin_refused", "form": "strict", "origin": origin });
    assert_eq!(told, [line(json!("https://example.com")), line(Value::Null), line(Value::Null)]);
}

#[test]
fn a_missing_origin_is_refused_only_where_the_form_says_so() {
    let world = forms();
    for (form, origin, status) in [
        ("loose", None, [200, 303]),
        ("loose", Some(""), [200, 303]),
        ("strict", None, [403, 403]),
        ("strict", Some(""), [403, 403]),
        ("strict", Some(" "), [403, 403]),
        ("strict", Some("null"), [403, 403]),
        ("strict", Some("https://evil.example"), [403, 403]),
        ("strict", Some("https://www.example.com"), [200, 303]),
        // The Worker's own error page.
        ("strict", Some("http://forms.example.com"), [200, 303]),
        ("any", None, [403, 403]),
        ("any", Some("https://anyone.example"), [200, 303]),
        ("any", Some("null"), [200, 303]),
    ] {
        let found = [JSON, BROWSER].map(|accept| post(&world, form, accept, origin).status);
        assert_eq!(found, status, "{form} {origin:?}");
    }
    // Browsers send this for a plain form on a page with the policy `no-referrer` or `same-origin`, never for a script.
    for (form, mode, status) in [
        ("loose", "navigate", 303),
        ("strict", "navigate", 403),
        ("any", "navigate", 403),
        ("loose", "cors", 403),
        ("loose", "no-cors", 403),
    ] {
        let headers = [("Accept", BROWSER), ("Content-Type", FORM), ("Origin", "null"), ("Sec-Fetch-Mode", mode)];
        let reply = raw::send(&world, &format!("POST /f/{form}"), &headers, b"name=Ada");
        assert_eq!(reply.status, status, "{form} {mode}");
    }
    // A browser sends no Origin with a same-origin GET, so the time trap must not ask for one.
    let start = raw::send(&world, "GET /f/strict/start", &[("Accept", JSON)], b"");
    assert_eq!(start.status, 200);
}

/// What `@formspree/core` and `@formspree/ajax` send makes a browser ask first; every name has to be in the answer.
#[test]
fn preflights_of_the_clients() {
    let world = forms();
    for asked in [
        "content-type",
        "formspree-client",
        "formspree-client, formspree-session-data",
        "content-type,formspree-client,formspree-session-data",
        "accept, content-type, x-requested-with",
        "idempotency-key",
        "authorization,idempotency-key",
    ] {
        let headers = [
            ("Origin", "https://a.example.org"),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", asked),
        ];
        let reply = raw::send(&world, "OPTIONS /f/star", &headers, b"");
        assert_eq!((reply.status, reply.body.as_str()), (204, ""));
        assert_eq!(reply.header("access-control-allow-origin"), Some("https://a.example.org"));
        assert_eq!(reply.header("vary"), Some("Access-Control-Request-Headers, Origin"));
        let allowed = reply.header("access-control-allow-headers").unwrap_or_default().to_lowercase();
        let allowed: Vec<&str> = allowed.split(',').map(str::trim).collect();
        for name in asked.split(',').map(str::trim) {
            assert!(allowed.contains(&name), "{name} is not in {allowed:?}");
        }
    }
}

#[test]
fn pages_of_this_machine_only_in_local_development() {
    let forms = json!({ "FORM_STAR": { "allowed_origins": ["https://*.example.org"] } });
    let mut world = world(&forms);
    let origins = ["http://localhost:3000", "http://127.0.0.1:5500", "http://[::1]:8080", "http://app.localhost"];
    let statuses = |world: &World| origins.map(|origin| post(world, "star", JSON, Some(origin)).status);
    assert_eq!(statuses(&world), [403; 4]);
    let mut local = vars(&forms);
    local["CRM_ORIGIN"] = Value::from(format!("http://{}", world.fakes.address));
    world.redeploy(&local, &[("HOOK_SIGNING_SECRET", crate::intake::SIGNING_SECRET)]);
    assert_eq!(statuses(&world), [503; 4], "only a request to this machine is local");
    let status = |origin: &str| {
        let headers = [("accept", JSON), ("content-type", crate::intake::FORM), ("origin", origin)];
        world.send("POST", "/f/star", &headers, b"name=Ada").status
    };
    assert_eq!(origins.map(status), [200; 4]);
    // Look-alikes of this machine are other hosts.
    for origin in ["http://localhost.evil.com", "http://127.0.0.1.evil.com", "http://evil-localhost", "null"] {
        assert_eq!(status(origin), 403, "{origin}");
    }
}
