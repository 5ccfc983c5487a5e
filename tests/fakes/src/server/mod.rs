//! All fakes behind one loopback port: reads requests, lets a fake answer, and records what came.
//!
//! A request is for the vendor whose host it names; when it comes to a loopback host (through `CRM_ORIGIN`), the first
//! path segment names the fake. Each fake can be given moods: what it does instead of, before or after its response.

mod dashboard;
mod http;
mod mood;

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use mood::{Gate, Mood};

use crate::{Fake, Request, Response};
use http::{Head, send, text};

/// The standing moods by fake, each with its name.
type Moods = BTreeMap<String, (&'static str, Mood)>;

/// The running fakes.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    fakes: Mutex<Vec<Box<dyn Fake>>>,
    seen: Mutex<Vec<(String, Request)>>,
    next_moods: Mutex<BTreeMap<String, VecDeque<Mood>>>,
    standing_moods: Mutex<Moods>,
    /// Requests in progress, and the most that there ever were.
    load: Mutex<BTreeMap<String, (usize, usize)>>,
}

/// A request in progress; it ends before its response leaves.
struct Busy<'a>(&'a Shared, &'a str);

impl<'a> Busy<'a> {
    fn new(shared: &'a Shared, fake: &'a str) -> Self {
        for name in [fake, ALL] {
            let mut load = lock(&shared.load);
            let (now, most) = load.entry(name.to_owned()).or_default();
            *now += 1;
            *most = (*most).max(*now);
        }
        Self(shared, fake)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        for name in [self.1, ALL] {
            if let Some((now, _)) = lock(&self.0.load).get_mut(name) {
                *now -= 1;
            }
        }
    }
}

/// All fakes together, for [`Server::most_at_once`].
pub const ALL: &str = "";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    /// Starts on a loopback port; 0 picks a free one.
    pub fn start(port: u16, fakes: Vec<Box<dyn Fake>>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { fakes: Mutex::new(fakes), ..Shared::default() });
        let for_thread = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&for_thread);
                thread::spawn(move || shared.serve(stream));
            }
        });
        Ok(Self { address, shared })
    }

    /// Adds a fake whose secret is only known now.
    pub fn add(&self, fake: Box<dyn Fake>) {
        lock(&self.shared.fakes).push(fake);
    }

    /// Every request that `fake` got, in order.
    pub fn requests(&self, fake: &str) -> Vec<Request> {
        lock(&self.shared.seen).iter().filter(|(name, _)| name == fake).map(|(_, request)| request.clone()).collect()
    }

    /// The records that `fake` holds.
    pub fn records(&self, fake: &str) -> Vec<serde_json::Value> {
        lock(&self.shared.fakes).iter().find(|f| f.name() == fake).map(|f| f.records()).unwrap_or_default()
    }

    /// What the real vendor would have accepted silently and a careful client must not send.
    pub fn complaints(&self, fake: &str) -> Vec<String> {
        lock(&self.shared.fakes).iter().find(|f| f.name() == fake).map(|f| f.complaints()).unwrap_or_default()
    }

    /// The most requests that `fake` ever had in progress at one time; [`ALL`] for all of them together.
    pub fn most_at_once(&self, fake: &str) -> usize {
        lock(&self.shared.load).get(fake).map_or(0, |(_, most)| *most)
    }

    /// The next request to `fake` meets this mood; several form a queue.
    pub fn next(&self, fake: &str, mood: Mood) {
        lock(&self.shared.next_moods).entry(fake.to_owned()).or_default().push_back(mood);
    }

    /// Every request to `fake` meets this mood until it is `None` again.
    pub fn always(&self, fake: &str, mood: Option<Mood>) {
        let mut moods = lock(&self.shared.standing_moods);
        match mood {
            Some(mood) => drop(moods.insert(fake.to_owned(), ("", mood))),
            None => drop(moods.remove(fake)),
        }
    }

    /// Works on the fake of type `T` itself.
    ///
    /// # Panics
    /// When there is no such fake.
    pub fn with<T: Fake, R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let mut fakes = lock(&self.shared.fakes);
        let fake = fakes
            .iter_mut()
            .find_map(|fake| {
                let any: &mut dyn Any = fake.as_mut();
                any.downcast_mut::<T>()
            })
            .expect("a fake of this type");
        work(fake)
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let _ = stream.set_read_timeout(Some(Duration::from_mins(1)));
        while let Ok(Some(head)) = Head::read(&mut stream) {
            match self.handle(&mut stream, head) {
                Ok(true) => {}
                Ok(false) | Err(_) => return,
            }
        }
    }

    /// Handles one request; whether the connection stays open.
    fn handle(&self, stream: &mut TcpStream, head: Head) -> io::Result<bool> {
        let (name, path) = self.addressee(&head);
        let Some(name) = name else {
            head.read_body(stream)?;
            return send(stream, &self.dashboard(&head)).map(|()| true);
        };
        let mood = self.mood(&name);
        if matches!(mood, Some(Mood::DropBeforeBody)) {
            return Ok(false);
        }
        let body = head.read_body(stream)?;
        let request = head.into_request(path, body);
        lock(&self.seen).push((name.clone(), request.clone()));
        let mood = match mood {
            Some(Mood::Firewall(text)) if request.body.contains(text) => {
                Some(Mood::Answer(Response::html(403, "<h1>403 Forbidden</h1>")))
            }
            mood => mood,
        };
        let busy = Busy::new(self, &name);
        if let Some(Mood::Slow(pause)) = &mood {
            thread::sleep(*pause);
        }
        if let Some(Mood::Hold(gate)) = &mood {
            gate.pass();
        }
        let response = match mood {
            Some(Mood::Answer(response)) => response,
            Some(Mood::DropUnread | Mood::DropBeforeBody) => return Ok(false),
            Some(Mood::DropAfterWork) => {
                self.answer(&name, &request);
                return Ok(false);
            }
            Some(Mood::WorkThenAnswer(response)) => {
                self.answer(&name, &request);
                response
            }
            Some(Mood::Truncate) => {
                let mut response = self.answer(&name, &request);
                let half = response.body.len() / 2;
                response.body.truncate((0..=half).rev().find(|at| response.body.is_char_boundary(*at)).unwrap_or(0));
                response
            }
            Some(Mood::Stall(pause)) => {
                let response = self.answer(&name, &request);
                let text = text(&response);
                let silent = text.len() - response.body.len() / 2;
                stream.write_all(&text.as_bytes()[..silent])?;
                thread::sleep(pause);
                return Ok(false);
            }
            Some(Mood::Slow(_) | Mood::Hold(_) | Mood::Firewall(_)) | None => self.answer(&name, &request),
        };
        drop(busy);
        send(stream, &response).map(|()| true)
    }

    /// The page for people, and its buttons: `POST /mood/{fake}/{mood}`.
    fn dashboard(&self, head: &Head) -> Response {
        let path: Vec<&str> = head.path.split('/').skip(1).collect();
        if let ("POST", ["mood", fake, mood]) = (head.method.as_str(), path.as_slice()) {
            let mut moods = lock(&self.standing_moods);
            let known = Mood::NAMES.iter().find(|(name, _)| name == mood);
            match known.and_then(|(name, _)| Some((*name, Mood::named(name)?))) {
                Some(mood) => drop(moods.insert((*fake).to_owned(), mood)),
                None => drop(moods.remove(*fake)),
            }
            return Response::html(303, "").with("Location", "/");
        }
        dashboard::page(&lock(&self.fakes), &lock(&self.seen), &lock(&self.standing_moods))
    }

    fn answer(&self, name: &str, request: &Request) -> Response {
        let mut fakes = lock(&self.fakes);
        match fakes.iter_mut().find(|fake| fake.name() == name) {
            Some(fake) => fake.answer(request, now_ms()),
            None => Response::html(404, "no such fake"),
        }
    }

    fn mood(&self, name: &str) -> Option<Mood> {
        let next = lock(&self.next_moods).get_mut(name).and_then(VecDeque::pop_front);
        next.or_else(|| lock(&self.standing_moods).get(name).map(|(_, mood)| mood.clone()))
    }

    /// Which fake a request is for, and the path as that fake sees it.
    fn addressee(&self, head: &Head) -> (Option<String>, String) {
        let fakes = lock(&self.fakes);
        let host = head.host();
        let bare = host.split(':').next().unwrap_or_default();
        if let Some(fake) = fakes.iter().find(|fake| fake.hosts().contains(&bare)) {
            return (Some(fake.name().to_owned()), head.path.clone());
        }
        if bare == "127.0.0.1" || bare == "localhost" {
            let rest = head.path.trim_start_matches('/');
            let (first, path) = rest.split_once('/').unwrap_or((rest, ""));
            let name = fakes.iter().find(|fake| fake.name() == first).map(|fake| fake.name().to_owned());
            return (name, format!("/{path}"));
        }
        (Some("webhook".to_owned()), head.path.clone())
    }
}

/// The time that the server gives to its fakes, milliseconds since 1970.
pub fn now_ms() -> i64 {
    #[allow(clippy::disallowed_methods, reason = "the fakes run natively, never in the Worker")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
