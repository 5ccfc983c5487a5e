//! A Worker with its static assets, and the fakes, for tests that are not written in Rust: the browser's and those of the
//! npm clients. The fakes take the secrets of `development.vars`.
//!
//! One JSON object per line, on both sides. First comes `{"vars": {..}, "texts": {..}}`, answered by
//! `{"worker": port, "fakes": port}`; then each `{"records": fake}`, `{"complaints": fake}`, `{"mood": [fake, mood]}` or
//! `{"log": true}` is answered by its value. The end of the input ends everything.

use std::io::BufRead;
use std::process::ExitCode;

use fakes::{Environment, Mood, Server, VENDORS, Vendor, Workerd};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let mut lines = std::io::stdin().lock().lines().map_while(Result::ok);
    let Some(config) = lines.next().and_then(|line| serde_json::from_str::<Value>(&line).ok()) else {
        eprintln!("the first line of the input is the config, a JSON object");
        return ExitCode::FAILURE;
    };
    let environment = environment(&config);
    let fakes = Server::start(0, VENDORS.iter().map(Vendor::fake).collect()).expect("the fakes start");
    let worker = Workerd::start(&environment, fakes.address);
    println!("{}", json!({ "worker": worker.address.port(), "fakes": fakes.address.port() }));
    for line in lines {
        let asked: Value = serde_json::from_str(&line).unwrap_or_default();
        println!("{}", answer(&asked, &worker, &fakes));
    }
    ExitCode::SUCCESS
}

fn answer(asked: &Value, worker: &Workerd, fakes: &Server) -> Value {
    if let Some(fake) = asked["records"].as_str() {
        return fakes.records(fake).into();
    }
    if let Some(fake) = asked["complaints"].as_str() {
        return fakes.complaints(fake).into();
    }
    if let (Some(fake), Some(mood)) = (asked["mood"][0].as_str(), asked["mood"][1].as_str()) {
        fakes.always(fake, Mood::named(mood));
        return Value::Bool(true);
    }
    if asked["log"] == true {
        return worker.log().into();
    }
    json!({ "error": "unknown question" })
}

fn environment(config: &Value) -> Environment {
    let members = |name: &str| config[name].as_object().cloned().unwrap_or_default().into_iter();
    let text = |(name, value): (String, Value)| Some((name, value.as_str()?.to_owned()));
    Environment {
        vars: members("vars").collect(),
        texts: members("texts").filter_map(text).collect(),
        assets: true,
        ..Environment::default()
    }
}
