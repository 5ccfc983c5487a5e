//! A Worker and the fakes for tests that are not written in Rust: the browser's and those of the npm clients.
//!
//! One JSON object per line, on both sides. First comes `{"vars": {..}, "texts": {..}}`, answered by
//! `{"worker": port, "fakes": port}`; then each `{"records": fake}`, `{"complaints": fake}`, `{"mood": [fake, mood]}` or
//! `{"log": true}` is answered by its value. The end of the input ends everything.

use std::io::BufRead;
use std::process::ExitCode;

use fakes::agencyhandy::AgencyHandy;
use fakes::leadsquared::LeadSquared;
use fakes::salesmap::Salesmap;
use fakes::stateset::StateSet;
use fakes::webhook::Webhook;
use fakes::{Environment, Fake, Mood, Server, Workerd};
use serde_json::{Value, json};

/// The secret that every fake takes, the webhook's aside.
const SECRET: &str = "development";

fn main() -> ExitCode {
    let mut lines = std::io::stdin().lock().lines().map_while(Result::ok);
    let Some(config) = lines.next().and_then(|line| serde_json::from_str::<Value>(&line).ok()) else {
        eprintln!("the first line of the input is the config, a JSON object");
        return ExitCode::FAILURE;
    };
    let environment = environment(&config);
    let signing = environment.texts.iter().find(|(name, _)| name.ends_with("_SIGNING_SECRET"));
    let mut fakes: Vec<Box<dyn Fake>> = vec![
        Box::new(AgencyHandy::new(SECRET)),
        Box::new(Salesmap::new(SECRET)),
        Box::new(LeadSquared::new(SECRET, SECRET)),
        Box::new(StateSet::new(SECRET)),
    ];
    if let Some((_, secret)) = signing {
        fakes.push(Box::new(Webhook::new(secret)));
    }
    let fakes = Server::start(0, fakes).expect("the fakes start");
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
        ..Environment::default()
    }
}
