//! A model of the Outbox, without workerd and without a network: the shipped CRMs and the shipped state machine, driven as
//! `edge/outbox/run.rs` drives them, against the strict fakes. Every call meets a fate; every crash falls back to what was
//! last stored. Thousands of deliveries in a second say what a few end-to-end tests cannot.

mod faults;
mod refusals;
mod steps;

use std::collections::BTreeMap;

use fakes::agencyhandy::AgencyHandy;
use fakes::leadsquared::LeadSquared;
use fakes::salesmap::Salesmap;
use fakes::stateset::StateSet;
use fakes::webhook::Webhook;
use fakes::{Fake, Request, Response};
use formcourier::config::{Config, Destination};
use formcourier::crm::{self, Answer, Call, Crm, Lesson, Progress, Step, Trouble, Verdict, Why};
use formcourier::delivery::{self, Delivery, Outcome, State};
use formcourier::form::{Fields, Submission};
use formcourier::intake::form::Form;
use formcourier::lead::{self, Lead};
use serde_json::{Value, json};

/// More steps than the Outbox allows one try are a bug.
const STEPS_PER_TRY: usize = 12;

/// So many tries that no delivery of these tests uses them up.
const SCHEDULE: &[u64] = &[1_000; 100];

const SIGNING_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is answered.
    Well,
    /// The CRM does its work, and the answer is lost.
    AnswerLost,
    /// The connection breaks before the CRM has done anything.
    NotDone,
    /// The CRM does its work, and half of the answer comes, with a length that fits.
    Truncated,
    /// This status comes, and nothing is done.
    Says(u16),
    /// The CRM does its work, and this status comes all the same.
    DoneAndSays(u16),
    /// A web page comes with status 200, and nothing is done.
    Page,
    /// The object dies before the call has left.
    CrashBefore,
    /// The object dies when the CRM has done its work, before the answer is stored.
    CrashAfter,
}

/// What a CRM answers to a request that it refuses; `None` when it does not.
type Objection = Box<dyn Fn(&Request) -> Option<Response>>;

/// One destination, the fake behind it, and the deliveries on their way to it.
struct Model {
    destination: Destination,
    form: Form,
    crm: Box<dyn Crm>,
    fake: Box<dyn Fake>,
    /// What the CRM says no to, before the fake gets to see it.
    objection: Objection,
    learned: BTreeMap<String, String>,
    now: i64,
    tracks: Vec<Track>,
}

/// A delivery in memory, and as it was last stored.
struct Track {
    lead: Lead,
    delivery: Delivery,
    stored: Delivery,
    /// How many steps the try has had that is under way; 0: none is.
    steps: usize,
}

impl Model {
    /// A destination of this CRM with these options.
    fn new(name: &str, options: &Value) -> Self {
        let mut table = json!({ "crm": name });
        table.as_object_mut().unwrap().extend(options.as_object().cloned().unwrap());
        let form = json!({ "destinations": [name] });
        let vars = [("FORM_CONTACT", &form), (&*format!("DESTINATION_{}", name.to_uppercase()), &table)];
        let mut config = Config::from_vars(vars);
        assert_eq!(config.errors, [], "{table}");
        let destination = config.destinations.remove(name).unwrap();
        let fake: Box<dyn Fake> = match name {
            "agencyhandy" => Box::new(AgencyHandy::new("secret")),
            "leadsquared" => Box::new(LeadSquared::new("secret", "secret")),
            "salesmap" => Box::new(Salesmap::new("secret")),
            "stateset" => Box::new(StateSet::new("secret")),
            _ => Box::new(Webhook::new(SIGNING_SECRET)),
        };
        Self {
            form: config.forms.remove("contact").unwrap(),
            crm: crm::of(&destination),
            destination,
            fake,
            objection: Box::new(|_| None),
            learned: BTreeMap::new(),
            now: 1_763_000_000_000,
            tracks: Vec::new(),
        }
    }

    /// A submission comes in.
    fn submit(&mut self, fields: &[(&str, &str)]) {
        self.now += 10;
        let pairs = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let submission = Submission {
            id: format!("019a-{}", self.tracks.len()),
            form: "contact".into(),
            received_at: self.now,
            fields: Fields(pairs.collect()),
            page: None,
            country: None,
            locale: None,
            ignored: Vec::new(),
        };
        let delivery = Delivery::new(&*submission.id, &*self.destination.name, self.now);
        let lead = lead::from_submission(&submission, &self.form);
        self.tracks.push(Track { lead, stored: delivery.clone(), delivery, steps: 0 });
    }

    /// One step of one delivery: the beginning of a try when none is under way, and a call.
    fn step(&mut self, at: usize, fate: Fate) {
        let track = &mut self.tracks[at];
        if track.delivery.state != State::Pending {
            return;
        }
        if track.steps == 0 {
            self.now = self.now.max(track.delivery.next_at);
            assert!(delivery::start(&mut track.delivery, SCHEDULE, self.now, 0.5), "the schedule is long enough");
            track.stored = track.delivery.clone();
        }
        // A webhook has no record to answer with: for it, a page is a receiver's thanks.
        let fate = if fate == Fate::Page && self.destination.name == "webhook" { Fate::NotDone } else { fate };
        track.steps += 1;
        assert!(track.steps <= STEPS_PER_TRY, "no end: {:?}", track.delivery.progress);
        track.delivery.progress.learned = self.learned.clone();
        let call = match self.crm.next(&track.lead, &track.delivery.progress) {
            Step::Call(call) => *call,
            Step::Delivered(record) => {
                delivery::deliver(&mut track.delivery, record);
                return track.store(false);
            }
            Step::Refused(trouble) => {
                delivery::refuse(&mut track.delivery, trouble);
                return track.store(false);
            }
        };
        if delivery::intend(&mut track.delivery, &call, self.now + 2_000) {
            track.stored = track.delivery.clone();
        }
        self.now += 300;
        let request = request(&call, self.now);
        let mut work = || (self.objection)(&request).unwrap_or_else(|| self.fake.answer(&request, self.now));
        let answer = match fate {
            Fate::Well => Some(work()),
            Fate::Says(status) => Some(Response::html(status, "<h1>Trouble</h1>")),
            Fate::Page => Some(Response::html(200, "<!doctype html><title>Sign in</title>")),
            Fate::DoneAndSays(status) => {
                work();
                Some(Response::html(status, "<h1>Trouble</h1>"))
            }
            Fate::Truncated => {
                let mut response = work();
                let half = response.body.len() / 2;
                let cut = (0..=half).rev().find(|at| response.body.is_char_boundary(*at)).unwrap_or(0);
                response.body.truncate(cut);
                Some(response)
            }
            Fate::AnswerLost | Fate::CrashAfter => {
                work();
                None
            }
            Fate::NotDone | Fate::CrashBefore => None,
        };
        if matches!(fate, Fate::CrashBefore | Fate::CrashAfter) {
            track.delivery = track.stored.clone();
            track.steps = 0;
            return;
        }
        let outcome = match answer {
            Some(response) => Outcome::Answered(self.crm.read(&call, &answer_of(response))),
            None => Outcome::NoAnswer(Trouble::new(Why::NoAnswer, "reset")),
        };
        if let Outcome::Answered(Verdict::GoOn(lessons)) = &outcome {
            learn(&mut self.learned, lessons);
        }
        let goes_on = delivery::advance(&mut track.delivery, &call, outcome, SCHEDULE, self.now, 0.5);
        track.store(goes_on);
    }

    /// Every call is answered well until every delivery has come to its end.
    fn finish(&mut self) {
        for at in 0..self.tracks.len() {
            for _ in 0..200 {
                self.step(at, Fate::Well);
            }
            assert_ne!(self.tracks[at].delivery.state, State::Pending, "{:?}", self.tracks[at].delivery);
        }
    }

    /// How many records of this kind there are.
    fn count(&self, kind: &str) -> usize {
        self.fake.records().iter().filter(|record| record["record"] == kind).count()
    }
}

impl Track {
    fn store(&mut self, goes_on: bool) {
        self.stored = self.delivery.clone();
        if !goes_on {
            self.steps = 0;
        }
    }
}

/// What the account's answers taught, as the Outbox keeps it.
fn learn(learned: &mut BTreeMap<String, String>, lessons: &[Lesson]) {
    let mut progress = Progress { learned: std::mem::take(learned), ..Progress::default() };
    progress.take(lessons);
    *learned = progress.learned;
}

/// A call as its fake sees it.
fn request(call: &Call, now: i64) -> Request {
    let secret = |name: &str| if name.ends_with("SIGNING_SECRET") { SIGNING_SECRET } else { "secret" };
    let headers = call.sealed(now, |name| Some(secret(name).to_owned())).unwrap();
    let (host, rest) = call.url.split_once("://").unwrap().1.split_once('/').unwrap();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    Request {
        method: call.method.name().into(),
        host: host.into(),
        path: format!("/{path}"),
        query: url_query(query),
        headers: headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
        body: call.body.clone().unwrap_or_default(),
    }
}

fn url_query(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn answer_of(response: Response) -> Answer {
    let headers = response.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    Answer { status: response.status, headers, body: response.body }
}
