//! One test's world: a Worker under the real workerd, and the fakes that its calls go to.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use fakes::{Environment, Fake, Server, Workerd};
use serde_json::{Value, json};

/// The token of the operator's view in every test.
pub const ADMIN_TOKEN: &str = "admin-token-of-the-tests";

/// How long a delivery may take before a test calls it stuck. Generous: the machines are noisy and nothing is timed.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A Worker and its fakes.
pub struct World {
    pub worker: Workerd,
    pub fakes: Server,
    environment: Environment,
}

/// What the Worker answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.body))
    }
}

impl World {
    /// A world with these vars (a JSON object of tables) and secrets, and these fakes. `ADMIN_TOKEN` is set unless it is
    /// among the secrets; an empty secret is not set.
    pub fn new(vars: &Value, secrets: &[(&str, &str)], fakes: Vec<Box<dyn Fake>>) -> Self {
        Self::limited(vars, secrets, fakes, &[])
    }

    /// A world with these rate limits: the binding, and how much it lets through.
    pub fn limited(vars: &Value, secrets: &[(&str, &str)], fakes: Vec<Box<dyn Fake>>, rates: &[(&str, i32)]) -> Self {
        let fakes = Server::start(0, fakes).expect("the fakes start");
        let mut environment = environment(vars, secrets);
        environment.rates = rates.iter().map(|(name, most)| ((*name).to_owned(), *most)).collect();
        let worker = Workerd::start(&environment, fakes.address);
        Self { worker, fakes, environment }
    }

    /// A world whose platform does what `prelude` says (JavaScript that runs before the Worker's own).
    pub fn with_prelude(vars: &Value, secrets: &[(&str, &str)], fakes: Vec<Box<dyn Fake>>, prelude: &str) -> Self {
        let fakes = Server::start(0, fakes).expect("the fakes start");
        let environment = Environment { prelude: Some(prelude.to_owned()), ..environment(vars, secrets) };
        let worker = Workerd::start(&environment, fakes.address);
        Self { worker, fakes, environment }
    }

    /// The same world with another config, on what was stored.
    pub fn redeploy(&mut self, vars: &Value, secrets: &[(&str, &str)]) {
        let (prelude, rates) = (self.environment.prelude.take(), std::mem::take(&mut self.environment.rates));
        self.environment = Environment { prelude, rates, ..environment(vars, secrets) };
        self.worker.redeploy(&self.environment, self.fakes.address);
    }

    /// Every connection to a CRM is refused from now on: it goes to a closed port.
    pub fn cut_off(&mut self) {
        self.worker.redeploy(&self.environment, std::net::SocketAddr::from(([127, 0, 0, 1], 1)));
    }

    /// The CRMs can be reached again.
    pub fn reconnect(&mut self) {
        self.worker.redeploy(&self.environment, self.fakes.address);
    }

    /// The same world on a platform that does what `prelude` says; nothing unusual when it is empty.
    pub fn on_platform(&mut self, prelude: &str) {
        self.environment.prelude = Some(prelude.to_owned()).filter(|prelude| !prelude.is_empty());
        self.worker.redeploy(&self.environment, self.fakes.address);
    }

    /// Sends a request; redirects are not followed.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.worker.address));
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("user-agent")) {
            request = request.header("user-agent", visitor());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).expect("a request");
        let mut response = agent.run(request).expect("an answer");
        Reply {
            status: response.status().as_u16(),
            headers: response
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
                .collect(),
            body: response.body_mut().read_to_string().expect("a body"),
        }
    }

    /// Posts as a plain HTML form in a browser does.
    pub fn post_html(&self, form: &str, body: &str) -> Reply {
        let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let headers = [("accept", accept), ("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", &format!("/f/{form}"), &headers, body.as_bytes())
    }

    /// Posts these fields as the browser of a visitor does, from a page of the website, and follows up as the operator:
    /// the id of the submission.
    pub fn visit(&self, form: &str, fields: &[(&str, &str)]) -> String {
        let headers = [
            ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            ("accept-language", "ko-KR,ko;q=0.9"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", "https://www.example.com"),
            ("referer", "https://www.example.com/contact?utm_source=not-from-here"),
        ];
        let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let reply = self.send("POST", &format!("/f/{form}"), &headers, body.as_bytes());
        assert_eq!((reply.status, reply.header("location")), (303, Some(format!("/f/{form}/thanks").as_str())));
        self.newest(form)["id"].as_str().expect("an id").to_owned()
    }

    /// Every request that `fake` got, whole: method, host, path, query, headers and body, as JSON where it is JSON. Of the
    /// headers only those are left out that the platform sets by itself.
    pub fn requests(&self, fake: &str) -> Vec<Value> {
        self.fakes.requests(fake).iter().map(request_json).collect()
    }

    /// Posts an HTML form's body and asks for JSON, to learn the id.
    pub fn submit(&self, form: &str, body: &str) -> String {
        let headers = [("accept", "application/json"), ("content-type", "application/x-www-form-urlencoded")];
        let reply = self.send("POST", &format!("/f/{form}"), &headers, body.as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()["id"].as_str().expect("an id").to_owned()
    }

    /// The operator's view of a submission.
    pub fn submission(&self, form: &str, id: &str) -> Value {
        let token = format!("Bearer {ADMIN_TOKEN}");
        let reply = self.send("GET", &format!("/api/forms/{form}/submissions/{id}"), &[("authorization", &token)], b"");
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    }

    /// When a submission came in, as `2025-11-13T02:13:20.000Z`.
    pub fn received_at(&self, form: &str, id: &str) -> String {
        self.submission(form, id)["received_at"].as_str().expect("a time").to_owned()
    }

    /// The newest submission of a form.
    pub fn newest(&self, form: &str) -> Value {
        self.api("GET", &format!("/api/submissions?form={form}&limit=1"), "")["submissions"][0].clone()
    }

    /// Asks the operator API for what works: the JSON of its reply.
    #[track_caller]
    pub fn api(&self, method: &str, path: &str, body: &str) -> Value {
        let reply = self.operator(method, path, body);
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.body);
        reply.json()
    }

    /// Asks the operator API.
    pub fn operator(&self, method: &str, path: &str, body: &str) -> Reply {
        let token = format!("Bearer {ADMIN_TOKEN}");
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        self.send(method, path, &headers, body.as_bytes())
    }

    /// Waits until `done` says so of the operator's view, and returns that view.
    pub fn wait_until(&self, form: &str, id: &str, done: impl Fn(&Value) -> bool) -> Value {
        let start = now();
        loop {
            let view = self.submission(form, id);
            if done(&view) {
                return view;
            }
            assert!(start.elapsed() < PATIENCE, "still {view:#}\n{}", self.worker.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until there is what `look` looks for.
    pub fn wait_for<T>(&self, look: impl Fn() -> Option<T>) -> T {
        let start = now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "it never came\n{}", self.worker.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until no delivery of the submission is pending.
    pub fn settled(&self, form: &str, id: &str) -> Value {
        self.wait_until(form, id, |view| deliveries(view).iter().all(|delivery| delivery["state"] != "pending"))
    }

    /// Waits until the submission's only delivery is through, and returns the record's id.
    pub fn delivered(&self, form: &str, id: &str) -> String {
        let view = self.settled(form, id);
        assert_eq!(view["deliveries"][0]["state"], "delivered", "{view:#}");
        view["deliveries"][0]["record"]["id"].as_str().expect("a record").to_owned()
    }
}

/// Runs a test on all rows at the same time: each has a separate world and mostly waits.
pub fn at_once<T: Send>(rows: Vec<T>, test: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        for row in rows {
            scope.spawn(|| test(row));
        }
    });
}

/// The same with at most `most` rows at a time: each has a process.
pub fn few_at_once<T: Send>(most: usize, rows: Vec<T>, test: impl Fn(T) + Sync) {
    let rows = std::sync::Mutex::new(rows.into_iter());
    let next = || rows.lock().expect("no row panics while it is taken").next();
    std::thread::scope(|scope| {
        for _ in 0..most {
            scope.spawn(|| {
                while let Some(row) = next() {
                    test(row);
                }
            });
        }
    });
}

/// A visitor of his own for each request: the same one sending the same twice in a minute is answered from the first.
pub fn visitor() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("test visitor {}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The deliveries of an operator's view.
pub fn deliveries(view: &Value) -> &[Value] {
    view["deliveries"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The one delivery of a view that goes to `destination`.
pub fn delivery<'a>(view: &'a Value, destination: &str) -> &'a Value {
    let found = deliveries(view).iter().find(|delivery| delivery["destination"] == destination);
    found.unwrap_or_else(|| panic!("no delivery to {destination} in {view:#}"))
}

fn request_json(request: &fakes::Request) -> Value {
    const PLATFORM: &[&str] = &["host", "content-length"];
    let texts = |pairs: &[(String, String)]| -> serde_json::Map<String, Value> {
        pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
    };
    let mut headers = texts(&request.headers);
    headers.retain(|name, _| !PLATFORM.contains(&name.as_str()));
    let agent = headers.remove("user-agent");
    assert_eq!(agent, Some(json!(concat!("formcourier/", env!("CARGO_PKG_VERSION")))), "who calls");
    json!({
        "method": request.method,
        "host": request.host,
        "path": request.path,
        "query": texts(&request.query),
        "headers": headers,
        "body": request.json().unwrap_or_else(|| json!(request.body)),
    })
}

/// The milliseconds since 1970 of a time that the operator API shows.
pub fn at_millis(time: &Value) -> i64 {
    let time = time.as_str().and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
    time.expect("a time").timestamp_millis()
}

/// The time, for deadlines.
#[allow(clippy::disallowed_methods, reason = "tests run natively")]
pub fn now() -> Instant {
    Instant::now()
}

fn environment(vars: &Value, secrets: &[(&str, &str)]) -> Environment {
    let mut texts: Vec<(String, String)> =
        secrets.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    if !texts.iter().any(|(name, _)| name == "ADMIN_TOKEN") {
        texts.push(("ADMIN_TOKEN".into(), ADMIN_TOKEN.into()));
    }
    texts.retain(|(_, text)| !text.is_empty());
    let vars = vars.as_object().cloned().unwrap_or_default();
    let (tables, plain): (Vec<_>, Vec<_>) = vars.into_iter().partition(|(_, value)| !value.is_string());
    texts.extend(plain.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))));
    Environment { vars: tables, texts, ..Environment::default() }
}

/// A table with more keys.
pub fn with(mut table: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().into_iter().flatten() {
        table[key] = value.clone();
    }
    table
}

/// A destination's var with a schedule that tests can wait for, and the patience of a busy machine.
pub fn quick(mut destination: Value) -> Value {
    destination["retry"] = json!(["100ms", "100ms", "100ms", "100ms", "100ms"]);
    destination["timeout"] = json!("5s");
    destination
}

/// A destination's var with so many quick attempts that a test has time to fix the cause of a failure.
pub fn patient(destination: Value) -> Value {
    let mut destination = quick(destination);
    destination["retry"] = json!(vec!["200ms"; 50]);
    destination["timeout"] = json!("1s");
    destination
}
