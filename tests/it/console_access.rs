//! Who may use the operator API: a console session, `ADMIN_TOKEN`, or Cloudflare Access.

use fakes::access::Access;
use fakes::webhook::Webhook;
use fakes::{Fake, Mood, Workerd};
use serde_json::{Value, json};

use crate::hooks::{answer, clock_off_by, clock_stopped_at};
use crate::intake::{SIGNING_SECRET, contact, vars, world_with};
use crate::world::{ADMIN_TOKEN, Reply, World};

const HOUR: i64 = 60 * 60 * 1000;
const LIST: &str = "/api/submissions";

impl World {
    /// The Worker's own origin.
    fn origin(&self) -> String {
        format!("http://{}", self.worker.address)
    }

    fn login(&self, token: &str) -> Reply {
        let body = json!({ "token": token }).to_string();
        self.send("POST", "/console/session", &[("origin", &self.origin())], body.as_bytes())
    }

    /// Logs in: the cookie.
    fn cookie(&self) -> String {
        let reply = self.login(ADMIN_TOKEN);
        assert_eq!((reply.status, reply.body.as_str()), (204, ""));
        let cookie = reply.header("set-cookie").expect("a cookie");
        cookie.split(';').next().expect("its value").to_owned()
    }

    fn with_cookie(&self, method: &str, path: &str, cookie: &str) -> Reply {
        self.send(method, path, &[("cookie", cookie), ("origin", &self.origin())], b"")
    }
}

#[test]
fn nothing_is_there_until_a_token_is_set() {
    let world = world_with(&json!({ "FORM_CONTACT": {} }), &[("ADMIN_TOKEN", "")]);
    let origin = world.origin();
    for (method, path) in
        [("GET", LIST), ("POST", "/console/session"), ("GET", "/console/session"), ("DELETE", "/console/session")]
    {
        for header in [("authorization", "Bearer "), ("cookie", "formcourier=x"), ("cf-access-jwt-assertion", "a.b.c")]
        {
            let reply = world.send(method, path, &[header, ("origin", &origin)], br#"{"token":""}"#);
            let told = "the secret ADMIN_TOKEN is not set: run `npx wrangler secret put ADMIN_TOKEN`";
            assert_eq!((reply.status, reply.json()), (404, json!({ "ok": false, "error": told })), "{method} {path}");
        }
    }
}

#[test]
fn a_session_opens_the_api_and_changes_it_from_our_own_pages_only() {
    let world = contact();
    let id = world.submit("contact", "name=Ada");
    let attributes = |reply: &Reply| {
        let cookie = reply.header("set-cookie").expect("a cookie").to_owned();
        cookie.split_once("; ").expect("attributes").1.to_owned()
    };
    let rest = "SameSite=Strict; Max-Age=43200";
    assert_eq!(attributes(&world.login(&format!(" {ADMIN_TOKEN}\n"))), format!("Path=/; HttpOnly; {rest}"));
    let cookie = world.cookie();
    let seen = world.with_cookie("GET", "/console/session", &cookie);
    assert_eq!((seen.status, seen.json()), (200, json!({ "actor": "token", "by": "session" })));
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let by_token = world.send("GET", "/console/session", &[("authorization", &bearer)], b"");
    assert_eq!(by_token.json(), json!({ "actor": "token", "by": "bearer" }));
    assert_eq!(world.send("GET", LIST, &[("cookie", &cookie)], b"").json()["submissions"][0]["id"], id.as_str());

    let release = format!("/api/forms/contact/submissions/{id}/release");
    let origin = world.origin();
    for (headers, status) in [
        (vec![("cookie", cookie.as_str())], 403),
        (vec![("cookie", &cookie), ("origin", "null")], 403),
        (vec![("cookie", &cookie), ("origin", "https://evil.example")], 403),
        (vec![("cookie", &cookie), ("origin", &origin[..origin.len() - 1])], 403),
        (vec![("cookie", &cookie), ("origin", &origin)], 200),
        (vec![("authorization", &bearer)], 200),
        (vec![("authorization", &bearer), ("origin", "https://evil.example")], 200),
        (vec![("origin", &origin)], 401),
        (vec![("cookie", "formcourier=1.0.x"), ("origin", &origin)], 401),
        (vec![("cookie", "other=1"), ("origin", &origin)], 401),
    ] {
        assert_eq!(world.send("POST", &release, &headers, b"").status, status, "{headers:?}");
    }
    for (origin, body, status) in [
        ("", r#"{"token":"x"}"#, 403),
        ("https://evil.example", r#"{"token":"x"}"#, 403),
        (&origin, r#"{"token":"x"}"#, 401),
        (&origin, r#"{"token":"x","remember":true}"#, 400),
        (&origin, r#"{"token":1}"#, 400),
        (&origin, "token=x", 400),
        (&origin, "", 400),
        (&origin, &format!(r#"{{"token":"{}"}}"#, "x".repeat(5000)), 400),
    ] {
        let headers: Vec<_> = Some(("origin", origin)).into_iter().filter(|(_, origin)| !origin.is_empty()).collect();
        let reply = world.send("POST", "/console/session", &headers, body.as_bytes());
        assert_eq!((reply.status, reply.header("set-cookie")), (status, None), "{origin} {body}: {}", reply.body);
    }
    for (method, path, status) in [("PUT", "/console/session", 405), ("GET", "/console/session?x=1", 400)] {
        assert_eq!(world.with_cookie(method, path, &cookie).status, status);
    }

    // Deployed, the cookie never travels in the clear.
    let deployed =
        [("host", "forms.example.com"), ("cf-connecting-ip", "203.0.113.1"), ("origin", "http://forms.example.com")];
    let body = json!({ "token": ADMIN_TOKEN }).to_string();
    let reply = world.send("POST", "/console/session", &deployed, body.as_bytes());
    assert_eq!(attributes(&reply), format!("Path=/; HttpOnly; Secure; {rest}"));
}

#[test]
fn a_session_ends_with_a_logout_a_new_token_or_after_twelve_hours() {
    let mut world = contact();
    let status = |world: &World, cookie: &str| world.with_cookie("GET", LIST, cookie).status;
    let (one, other) = (world.cookie(), world.cookie());
    world.worker.kill_and_restart();
    assert_eq!((status(&world, &one), status(&world, &other)), (200, 200));
    let reply = world.with_cookie("DELETE", "/console/session", &one);
    assert_eq!(reply.status, 204);
    assert!(reply.header("set-cookie").is_some_and(|cookie| cookie.starts_with("formcourier=; ")), "{reply:?}");
    assert_eq!((status(&world, &one), status(&world, &other)), (401, 401));

    let cookie = world.cookie();
    let secret = ("HOOK_SIGNING_SECRET", SIGNING_SECRET);
    let vars = vars(&json!({ "FORM_CONTACT": {} }));
    world.redeploy(&vars, &[secret, ("ADMIN_TOKEN", "another-token-of-the-tests")]);
    assert_eq!(status(&world, &cookie), 401);
    world.redeploy(&vars, &[secret]);
    assert_eq!(status(&world, &cookie), 200);
    world.on_platform(&clock_off_by(12 * HOUR - 60_000));
    assert_eq!(status(&world, &cookie), 200);
    world.on_platform(&clock_off_by(12 * HOUR));
    assert_eq!(status(&world, &cookie), 401);
}

#[test]
fn ten_wrong_attempts_close_the_door_for_ten_minutes() {
    let mut world = contact();
    let bearer = |world: &World, address: &str, token: &str| {
        let token = format!("Bearer {token}");
        world.send("GET", LIST, &[("cf-connecting-ip", address), ("authorization", &token)], b"")
    };
    let login = |world: &World, address: &str, token: &str| {
        let body = json!({ "token": token }).to_string();
        let headers = [("cf-connecting-ip", address), ("origin", &world.origin())];
        world.send("POST", "/console/session", &headers, body.as_bytes())
    };
    let cookie = world.cookie();
    // Bearer and login count together, and so do the addresses of one network.
    for number in 1..10 {
        let address = format!("2001:db8::{number}");
        let reply = if number % 2 == 0 { bearer(&world, &address, "x") } else { login(&world, &address, "x") };
        assert_eq!(reply.status, 401, "{number}");
    }
    assert_eq!(login(&world, "2001:db8::1", ADMIN_TOKEN).status, 204);
    let reply = login(&world, "2001:db8::1", "x");
    assert_eq!(reply.status, 429);
    let wait: i64 = reply.header("retry-after").and_then(|wait| wait.parse().ok()).expect("a time");
    assert!((500..=600).contains(&wait), "{wait}");
    let right = |world: &World, address: &str| {
        (login(world, address, ADMIN_TOKEN).status, bearer(world, address, ADMIN_TOKEN).status)
    };
    assert_eq!(right(&world, "2001:db8::1"), (429, 429));
    assert_eq!(right(&world, "2001:db9::1"), (204, 200));
    // A session that exists stays valid.
    let headers = [("cookie", cookie.as_str()), ("cf-connecting-ip", "2001:db8::1")];
    assert_eq!(world.send("GET", LIST, &headers, b"").status, 200);
    // Another isolate asks the registry.
    world.worker.kill_and_restart();
    assert_eq!(right(&world, "2001:db8::1").0, 429);
    world.on_platform(&clock_off_by(10 * 60_000));
    assert_eq!(right(&world, "2001:db8::1"), (204, 200));
    // Requests without a token are no attempts.
    for _ in 0..12 {
        assert_eq!(world.send("GET", LIST, &[("cf-connecting-ip", "192.0.2.1")], b"").status, 401);
    }
    assert_eq!(right(&world, "192.0.2.1"), (204, 200));
}

/// Signs as a team of Access does: `POST {"kid", "header", "claims"}` is a JWT, `GET /{kid}` the public key.
const SIGNER: &str = r#"
const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const rsa = { ...algorithm, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
const pairs = {};
const pair = async (kid) => (pairs[kid] ??= await crypto.subtle.generateKey(rsa, true, ["sign", "verify"]));
const encoded = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const part = (json) => encoded(new TextEncoder().encode(JSON.stringify(json)));
export class Lab {}
export default {
  async fetch(request) {
    if (request.method === "GET") {
      const kid = new URL(request.url).pathname.slice(1);
      return Response.json({ ...await crypto.subtle.exportKey("jwk", (await pair(kid)).publicKey), kid, use: "sig" });
    }
    const { kid, header, claims } = await request.json();
    const signed = part(header) + "." + part(claims);
    const signature = await crypto.subtle.sign(algorithm, (await pair(kid)).privateKey, new TextEncoder().encode(signed));
    return new Response(signed + "." + encoded(new Uint8Array(signature)));
  },
};"#;

struct Signer(Workerd);

impl Signer {
    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.0.address)
    }

    fn public_key(&self, kid: &str) -> Value {
        let mut reply = ureq::get(self.url(kid)).call().expect("a key");
        serde_json::from_str(&reply.body_mut().read_to_string().expect("a body")).expect("a JWK")
    }

    fn sign(&self, kid: &str, header: &Value, claims: &Value) -> String {
        let body = json!({ "kid": kid, "header": header, "claims": claims }).to_string();
        let mut reply = ureq::post(self.url("")).send(&body).expect("a JWT");
        reply.body_mut().read_to_string().expect("a body")
    }
}

const AUDIENCE: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";

fn behind_access(keys: Vec<Value>, admin_token: &str) -> World {
    let mut vars = vars(&json!({ "FORM_CONTACT": {} }));
    vars["ACCESS_TEAM"] = json!("acme");
    vars["ACCESS_AUD"] = json!(AUDIENCE);
    let fakes: Vec<Box<dyn Fake>> = vec![Box::new(Webhook::new(SIGNING_SECRET)), Box::new(Access { keys })];
    let secrets = [("HOOK_SIGNING_SECRET", SIGNING_SECRET), ("ADMIN_TOKEN", admin_token)];
    // Keys are not asked for again within ten seconds: however slow the machine, a test takes no time.
    World::with_prelude(&vars, &secrets, fakes, &clock_stopped_at(0))
}

#[test]
fn behind_cloudflare_access_its_jwt_is_verified() {
    let signer = Signer(Workerd::lab(SIGNER));
    let world = behind_access(vec![signer.public_key("one")], "");
    let id = world.submit("contact", "name=Ada");
    let now = fakes::server::now_ms() / 1000;
    let header = |kid: &str| json!({ "alg": "RS256", "kid": kid, "typ": "JWT" });
    let claims = json!({
        "iss": "https://acme.cloudflareaccess.com", "aud": [AUDIENCE], "email": "ada@example.com", "sub": "1",
        "iat": now, "nbf": now, "exp": now + 600,
    });
    let with = |key: &str, value: Value| {
        let mut claims = claims.clone();
        claims[key] = value;
        claims
    };
    let good = signer.sign("one", &header("one"), &claims);
    let (text, signature) = good.rsplit_once('.').expect("a signature");
    let others = signer.sign("one", &header("one"), &with("email", json!("eve@example.com")));
    let (eve, _) = others.rsplit_once('.').expect("a signature");
    let none = signer.sign("one", &json!({ "alg": "none", "kid": "one" }), &claims);
    let (none, _) = none.rsplit_once('.').expect("a signature");
    for (name, jwt, told) in [
        ("no JWT", "rubbish", "is not a JWT"),
        ("alg none", format!("{none}.").as_str(), "is not signed with RS256"),
        ("HS256", &signer.sign("one", &json!({ "alg": "HS256", "kid": "one" }), &claims), "is not signed with RS256"),
        ("no signature", &format!("{text}."), "has a wrong signature"),
        ("another's signature", &format!("{eve}.{signature}"), "has a wrong signature"),
        ("another key under this id", &signer.sign("two", &header("one"), &claims), "has a wrong signature"),
        ("unknown key", &signer.sign("two", &header("two"), &claims), "with a key that the team does not have"),
        ("audience", &signer.sign("one", &header("one"), &with("aud", json!(["x"]))), "is for another application"),
        ("issuer", &signer.sign("one", &header("one"), &with("iss", json!("https://evil.example"))), "another team"),
        ("expired", &signer.sign("one", &header("one"), &with("exp", json!(now - 3600))), "has expired"),
    ] {
        for path in [LIST, "/console/session"] {
            let reply = world.send("GET", path, &[("cf-access-jwt-assertion", jwt)], b"");
            assert_eq!(reply.status, 401, "{name}: {}", reply.body);
            assert!(reply.json()["error"].as_str().is_some_and(|text| text.contains(told)), "{name}: {}", reply.body);
        }
    }
    let assertion = ("cf-access-jwt-assertion", good.as_str());
    let seen = world.send("GET", "/console/session", &[assertion], b"");
    assert_eq!((seen.status, seen.json()), (200, json!({ "actor": "ada@example.com", "by": "access" })));
    assert_eq!(world.send("GET", LIST, &[assertion], b"").status, 200);
    // Access recognizes a browser by its cookie, so a change needs our origin here too.
    let release = format!("/api/forms/contact/submissions/{id}/release");
    assert_eq!(world.send("POST", &release, &[assertion], b"").status, 403);
    assert_eq!(world.send("POST", &release, &[assertion, ("origin", &world.origin())], b"").status, 200);
    // There is no login beside it, and no session.
    assert_eq!(world.login("").status, 403);
    assert_eq!(world.send("GET", LIST, &[("cookie", "formcourier=1.0.x")], b"").status, 401);
    // The keys were asked for once: an unknown id asks again no more than every ten seconds.
    let asked: Vec<_> = world.requests("access").iter().map(|request| request["path"].clone()).collect();
    assert_eq!(asked, ["/cdn-cgi/access/certs"]);
}

#[test]
fn keys_of_access_change_and_may_be_out_of_reach() {
    let signer = Signer(Workerd::lab(SIGNER));
    let mut world = behind_access(vec![], ADMIN_TOKEN);
    let now = fakes::server::now_ms() / 1000;
    let claims = json!({
        "iss": "https://acme.cloudflareaccess.com", "aud": AUDIENCE, "common_name": "ci.access", "exp": now + 86_400,
    });
    let jwt = |kid: &str| signer.sign(kid, &json!({ "alg": "RS256", "kid": kid }), &claims);
    let ask = |world: &World, jwt: &str| {
        let reply = world.send("GET", "/console/session", &[("cf-access-jwt-assertion", jwt)], b"");
        (reply.status, reply.json()["actor"].clone())
    };
    let (old, new) = (jwt("old"), jwt("new"));
    assert_eq!(ask(&world, &old).0, 503, "there are no keys");
    // Scripts get in with the token.
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    assert_eq!(world.send("GET", LIST, &[("authorization", &bearer)], b"").status, 200);
    assert_eq!(world.send("GET", LIST, &[("authorization", "Bearer x")], b"").status, 401);

    world.fakes.with(|access: &mut Access| access.keys = vec![signer.public_key("old")]);
    world.worker.kill_and_restart();
    assert_eq!(ask(&world, &old), (200, json!("ci.access")));
    world.fakes.with(|access: &mut Access| access.keys.push(signer.public_key("new")));
    assert_eq!(ask(&world, &new).0, 401);
    world.fakes.always("access", Some(Mood::Answer(answer(500))));
    assert_eq!(ask(&world, &old).0, 200, "the keys of before still hold");
    world.fakes.always("access", None);
    world.worker.kill_and_restart();
    assert_eq!((ask(&world, &new).0, ask(&world, &old).0), (200, 200));
}

#[test]
fn an_error_in_the_settings_of_access_opens_nothing() {
    let jwt = [("cf-access-jwt-assertion", "a.b.c")];
    for (team, audience) in [("acme", ""), ("", AUDIENCE), ("https://acme.cloudflareaccess.com", AUDIENCE)] {
        let mut vars = vars(&json!({ "FORM_CONTACT": {} }));
        vars["ACCESS_TEAM"] = json!(team);
        vars["ACCESS_AUD"] = json!(audience);
        let world = World::new(&vars, &[], vec![]);
        let told = json!({ "ok": false, "error": "ACCESS_TEAM or ACCESS_AUD has an error: run `make check`" });
        for reply in [world.send("GET", LIST, &jwt, b""), world.login(ADMIN_TOKEN)] {
            assert_eq!((reply.status, reply.json()), (503, told.clone()), "{team} {audience}");
        }
    }
}
