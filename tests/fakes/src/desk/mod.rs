//! All fakes together, without I/O: finds the fake that a request is for, applies its mood, and records what came. The
//! native [`Server`](crate::Server) and, as Wasm, the npm package put it behind a loopback port.
//!
//! A request is for the vendor whose host it names; when it comes to a loopback host (through `CRM_ORIGIN`), the first
//! path segment names the fake. Each fake can be given moods: what it does instead of, before or after its response.

mod dashboard;
mod mood;

use std::collections::BTreeMap;
use std::time::Duration;

pub use mood::{Gate, Mood};

use crate::{Fake, Request, Response};

/// The standing moods by fake, each with its name.
type Moods = BTreeMap<String, (&'static str, Mood)>;

/// The console's sample leads that meet a mood of their own, by the beginning of their email.
const SAMPLES: &[(&str, &str)] = &[("sample-refusing", "refusing"), ("sample-down", "down")];

/// The fakes, their moods, and every request that they got.
#[derive(Debug, Default)]
pub struct Desk {
    pub(crate) fakes: Vec<Box<dyn Fake>>,
    pub(crate) seen: Vec<(String, Request)>,
    moods: Moods,
}

impl Desk {
    /// A desk in front of these fakes.
    pub fn new(fakes: Vec<Box<dyn Fake>>) -> Self {
        Self { fakes, ..Self::default() }
    }

    /// Handles a request that came to this host and path: how long to wait, and the response; `None` closes the
    /// connection.
    pub fn handle(&mut self, mut request: Request, now_ms: i64) -> (Duration, Option<Response>) {
        let (name, path) = self.addressee(&request.host, &request.path);
        let Some(name) = name else {
            return (Duration::ZERO, Some(self.page(&request.method, &request.path)));
        };
        request.path = path;
        self.seen.push((name.clone(), request.clone()));
        let mood = self.mood(&name).cloned();
        let pause = if let Some(Mood::Slow(pause)) = mood { pause } else { Duration::ZERO };
        (pause, self.outcome(&name, &request, mood.as_ref(), now_ms))
    }

    /// The fake of this name.
    pub(crate) fn fake(&self, name: &str) -> Option<&dyn Fake> {
        self.fakes.iter().find(|fake| fake.name() == name).map(AsRef::as_ref)
    }

    /// The standing mood of a fake.
    pub(crate) fn mood(&self, fake: &str) -> Option<&Mood> {
        self.moods.get(fake).map(|(_, mood)| mood)
    }

    /// Sets the standing mood of a fake, with its name for the page; `None` is good behavior.
    pub(crate) fn set_mood(&mut self, fake: &str, mood: Option<(&'static str, Mood)>) {
        match mood {
            Some(mood) => drop(self.moods.insert(fake.to_owned(), mood)),
            None => drop(self.moods.remove(fake)),
        }
    }

    /// Which fake a request is for, and the path as that fake sees it.
    pub(crate) fn addressee(&self, host: &str, path: &str) -> (Option<String>, String) {
        let bare = host.split(':').next().unwrap_or_default();
        if let Some(fake) = self.fakes.iter().find(|fake| fake.hosts().contains(&bare)) {
            return (Some(fake.name().to_owned()), path.to_owned());
        }
        if bare == "127.0.0.1" || bare == "localhost" {
            let rest = path.trim_start_matches('/');
            let (first, path) = rest.split_once('/').unwrap_or((rest, ""));
            return (self.fake(first).map(|fake| fake.name().to_owned()), format!("/{path}"));
        }
        (Some("webhook".to_owned()), path.to_owned())
    }

    /// What comes of a request under a mood, waits apart; `None`: the connection is closed.
    pub(crate) fn outcome(
        &mut self,
        name: &str,
        request: &Request,
        mood: Option<&Mood>,
        now_ms: i64,
    ) -> Option<Response> {
        let is_of = |(address, _): &&(&str, &str)| request.body.contains(address) || request.path.contains(address);
        let sample = SAMPLES.iter().find(is_of).and_then(|(_, mood)| Mood::named(mood));
        let mood = sample.as_ref().or(mood);
        match mood {
            Some(Mood::Answer(response)) => return Some(response.clone()),
            Some(Mood::Firewall(text)) if request.body.contains(text) => {
                return Some(Response::html(403, "<h1>403 Forbidden</h1>"));
            }
            Some(Mood::DropUnread | Mood::DropBeforeBody) => return None,
            _ => {}
        }
        let mut response = match self.fakes.iter_mut().find(|fake| fake.name() == name) {
            Some(fake) => fake.answer(request, now_ms),
            None => Response::html(404, "no such fake"),
        };
        match mood {
            Some(Mood::WorkThenAnswer(response)) => return Some(response.clone()),
            Some(Mood::DropAfterWork) => return None,
            Some(Mood::Truncate) => {
                let half = response.body.len() / 2;
                response.body.truncate((0..=half).rev().find(|at| response.body.is_char_boundary(*at)).unwrap_or(0));
            }
            _ => {}
        }
        Some(response)
    }

    /// The page for people, and its buttons: `POST /mood/{fake}/{mood}`.
    pub(crate) fn page(&mut self, method: &str, path: &str) -> Response {
        let path: Vec<&str> = path.split('/').skip(1).collect();
        if let ("POST", ["mood", fake, mood]) = (method, path.as_slice()) {
            let known = Mood::NAMES.iter().find(|(name, _)| name == mood);
            self.set_mood(fake, known.and_then(|(name, _)| Some((*name, Mood::named(name)?))));
            return Response::html(303, "").with("Location", "/");
        }
        dashboard::page(&self.fakes, &self.seen, &self.moods)
    }
}
