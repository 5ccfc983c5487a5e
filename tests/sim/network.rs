//! The network between Outboxes and vendors: it carries calls to the fakes, and does to them what the weather says.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use fakes::{Fake, Request, Response as Raw, Vendor};
use formcourier::connectors::redact::redact;
use formcourier::connectors::{Call, Destination, Response, Safety};
use formcourier::delivery::Event;
use formcourier::domain::settings::secret_name;

use crate::faults::{self, Fate, Forecast, Weather};
use crate::tasks::Later;
use crate::world::{Machine, World};

/// How long after a call's deadline a late request still arrives: within the look-up delay.
const LATEST_MS: i64 = 20_000;

/// A destination's account at its vendor, as long as the world lives.
pub struct Account {
    pub fake: RefCell<Box<dyn Fake>>,
    pub forecast: RefCell<Forecast>,
    /// A firewall in front of it does not like the evil leads.
    pub has_firewall: bool,
}

/// What the network saw of one submission's delivery to one destination.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    pub calls: u32,
    /// Creates whose response did not reach the sender as the API's own word.
    pub unknown: u32,
    /// A create is in doubt; nothing may be sent before this, by the object's clock.
    pub not_before: i64,
    /// The same by the true time.
    true_not_before: i64,
    /// A clock that jumped ahead brought a call forward while a create was in doubt.
    pub has_jumped: bool,
    /// Something in front of the vendor rejected it in words that the connector cannot tell from the vendor's.
    pub is_rejected: bool,
}

/// What the network saw, by destination and submission.
#[derive(Default)]
pub struct Sightings {
    pub of: RefCell<BTreeMap<(String, usize), Seen>>,
    pub total: Cell<u32>,
}

/// Carries a call of an object to its vendor.
pub fn send(world: &Rc<World>, machine: &Rc<Machine>, found: &Destination, call: &Call, event: &Later<Event>) {
    let secrets = |name: &str| world.secret(name);
    let sealed = match call.seal(&found.name, machine.clock(world), secrets) {
        Ok(sealed) => sealed,
        Err(error) => return event.give(Event::NotSent(error.to_string())),
    };
    let submission = world.visitors.submission_of(call);
    let now = machine.clock(world);
    let timeout = i64::try_from(found.timeout_ms).unwrap_or(0);
    if let Some(submission) = submission {
        saw(world, machine, found, call, submission, now, timeout);
    }
    world.sightings.total.set(world.sightings.total.get() + 1);
    let account = world.account(&found.name);
    let fate = {
        let mut random = world.random.borrow_mut();
        let weather = if world.is_healed() { Weather::Calm } else { account.forecast.borrow().at(world.now()) };
        let is_evil = submission.is_some_and(|index| world.visitors.is_evil(index));
        if is_evil && account.has_firewall && !world.is_healed() {
            let by = Raw::html(*random.pick(&[403, 403, 401, 406]), "<h1>Request blocked</h1>");
            Fate::Replaced { by, arrives: false }
        } else {
            faults::fate(weather, call.safety, &mut random)
        }
    };
    world.log(|| {
        let who = submission.map_or_else(|| "probe".to_owned(), |index| index.to_string());
        format!("{} -> {} {} of {who}: {fate:?}", machine.name, found.name, call.step)
    });
    let request = Rc::new(request(call, sealed));
    let answer = Answer {
        world: Rc::clone(world),
        machine: Rc::clone(machine),
        instance: machine.instance.get(),
        destination: found.clone(),
        call: call.clone(),
        submission,
        event: event.clone(),
        request,
    };
    let delay = world.between(5, 400);
    // Whatever happens, the sender gives up after its timeout.
    let silence = format!("no complete response within {timeout} ms");
    let gives_up = event.clone();
    world.tasks.after(timeout, move |_| gives_up.give(Event::NoResponse(silence)));
    match fate {
        Fate::Through => answer.exchange(delay),
        Fate::Slow => answer.exchange(world.between(delay, timeout.max(delay + 1))),
        Fate::Lost { at_once: false } => {}
        Fate::Lost { at_once: true } => answer.fail(delay),
        Fate::NoReply { at_once } => {
            answer.arrive(delay);
            if at_once {
                answer.fail(delay + 20);
            }
        }
        Fate::Late => answer.arrive(timeout + world.between(1, LATEST_MS)),
        Fate::Twice => {
            answer.arrive(delay);
            answer.exchange(delay + world.between(1, 2_000));
        }
        Fate::Damaged { cut } => answer.damaged(delay, cut),
        Fate::Replaced { by, arrives } => {
            if arrives {
                answer.arrive(delay / 2);
            }
            answer.replaced(delay, by);
        }
        Fate::WrongKey { status } => answer.wrong_key(delay, status),
        Fate::OwnError { arrives } => {
            if arrives {
                answer.arrive(delay / 2);
            }
            answer.wrong_key(delay, Some(500));
        }
    }
}

fn saw(
    world: &Rc<World>,
    machine: &Rc<Machine>,
    found: &Destination,
    call: &Call,
    submission: usize,
    now: i64,
    timeout: i64,
) {
    let mut of = world.sightings.of.borrow_mut();
    let seen = of.entry((found.name.clone(), submission)).or_default();
    seen.calls += 1;
    seen.has_jumped |= world.plan.clock_jumps && world.now() < seen.true_not_before;
    let is_exact = !world.plan.clock_jumps && world.visitors.is_single(submission);
    if is_exact && now < seen.not_before {
        let (step, early) = (call.step, seen.not_before - now);
        world.violation(format!("{}: {step} of {submission} to {} leaves {early} ms early", machine.name, found.name));
    }
    if !world.visitors.may_leave(submission) {
        world.violation(format!("{} of {submission} leaves for {} out of quarantine", call.step, found.name));
    }
    if call.safety == Safety::Create {
        // The look-up delay is 30 seconds. Until the response is read, the outcome is unknown.
        seen.unknown += 1;
        seen.not_before = now + timeout + 30_000;
        seen.true_not_before = world.now() + timeout + 30_000;
    }
}

fn request(call: &Call, headers: Vec<(&'static str, String)>) -> Request {
    let rest = call.url.split_once("://").map_or("", |(_, rest)| rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Request {
        method: call.method.name().to_owned(),
        host: host.to_owned(),
        path: format!("/{path}"),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
        body: call.body.clone().unwrap_or_default(),
    }
}

/// A call on its way, and who waits for its response.
#[derive(Clone)]
struct Answer {
    world: Rc<World>,
    machine: Rc<Machine>,
    instance: u64,
    destination: Destination,
    call: Call,
    submission: Option<usize>,
    event: Later<Event>,
    request: Rc<Request>,
}

impl Answer {
    fn after(self, delay: i64, work: impl FnOnce(&Self, &Rc<World>) + 'static) {
        let world = Rc::clone(&self.world);
        world.tasks.after(delay, move |world| work(&self, world));
    }

    fn ask(&self, world: &World) -> Raw {
        let account = world.account(&self.destination.name);
        let response = account.fake.borrow_mut().answer(&self.request, world.now());
        world.log(|| {
            format!("   {} {} -> {} {}", self.destination.name, self.call.step, response.status, response.body)
        });
        response
    }

    /// The vendor gets the request, and its response is lost.
    fn arrive(&self, delay: i64) {
        self.clone().after(delay, |answer, world| drop(answer.ask(world)));
    }

    fn fail(&self, delay: i64) {
        self.clone().after(delay, |answer, _| answer.event.give(Event::NoResponse("the connection failed".to_owned())));
    }

    fn exchange(&self, delay: i64) {
        self.clone().after(delay, |answer, world| {
            let response = answer.ask(world);
            answer.respond(response, true);
        });
    }

    fn damaged(&self, delay: i64, cut: bool) {
        self.clone().after(delay, move |answer, world| {
            let mut response = answer.ask(world);
            response.body = faults::damage(&response.body, cut, &mut world.random.borrow_mut());
            answer.respond(response, false);
        });
    }

    fn replaced(&self, delay: i64, mut by: Raw) {
        // To a webhook every 2xx is a success, whoever sent it.
        if self.destination.descriptor.name == "webhook" && (200..300).contains(&by.status) {
            by.status = 503;
        }
        self.clone().after(delay, move |answer, _| answer.respond(by, false));
    }

    /// The vendor's own words about a wrong key, with this status.
    fn wrong_key(&self, delay: i64, status: Option<u16>) {
        self.clone().after(delay, move |answer, world| {
            let wrong = |_: &str| Some("whsec_d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmc=".to_owned());
            let sealed = answer.call.seal(&answer.destination.name, world.now(), wrong).expect("a secret");
            let account = world.account(&answer.destination.name);
            let mut response = account.fake.borrow_mut().answer(&request(&answer.call, sealed), world.now());
            response.status = status.unwrap_or(response.status);
            answer.respond(response, status.is_none_or(|status| status < 500));
        });
    }

    fn respond(&self, raw: Raw, is_own: bool) {
        let Self { world, machine, destination, .. } = self;
        // Its sender may have died meanwhile; then the create stays in doubt.
        let is_read = is_own && raw.status < 500 && raw.status != 408 && machine.instance.get() == self.instance;
        if let Some(submission) = self.submission.filter(|_| is_read)
            && self.call.safety == Safety::Create
            && let Some(seen) = world.sightings.of.borrow_mut().get_mut(&(destination.name.clone(), submission))
        {
            seen.unknown = seen.unknown.saturating_sub(1);
            seen.not_before = 0;
        }
        let headers = raw.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let secrets = destination.secrets().filter_map(|name| world.secret(&name));
        let body = secrets.fold(raw.body, |body, secret| redact(body, &secret));
        let response = Response::new(destination.descriptor.format(), raw.status, headers, &body, machine.clock(world));
        if let Some(submission) = self.submission.filter(|_| !is_own && response.json().is_some()) {
            let key = (destination.name.clone(), submission);
            world.sightings.of.borrow_mut().entry(key).or_default().is_rejected = true;
        }
        self.event.give(Event::Response(Box::new(response)));
    }
}

/// The names and values of a destination's secrets.
pub fn secrets(destination: &str, vendor: &Vendor) -> Vec<(String, String)> {
    let secret = |suffix: &&'static str| (secret_name(destination, suffix), Vendor::secret(suffix).to_owned());
    vendor.secrets.iter().map(secret).collect()
}
