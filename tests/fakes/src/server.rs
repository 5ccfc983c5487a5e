//! All fakes behind one loopback port: it reads requests, lets a fake answer, and records what came.
//!
//! A request is for the vendor whose host it names; when it comes to a loopback host (through `CRM_ORIGIN`), the first
//! path segment names the fake. Each fake can be given moods: what it does instead of, before or after its answer.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{Fake, Gate, Request, Response, dashboard};

/// How a fake misbehaves, for one request.
#[derive(Debug, Clone)]
pub enum Mood {
    /// Answers this, and does nothing.
    Answer(Response),
    /// Does its work and answers this all the same: a record is made and the answer does not say so.
    WorkThenAnswer(Response),
    /// Works and answers as always, after a pause.
    Slow(Duration),
    /// Works and answers as always, once the gate is open.
    Hold(Gate),
    /// Does its work, sends the head and half of the body, and falls silent for this long.
    Stall(Duration),
    /// Closes the connection when the headers are read, before the body.
    DropBeforeBody,
    /// Reads all, closes the connection, does nothing.
    DropUnread,
    /// Reads all, does its work, closes the connection: the answer is lost.
    DropAfterWork,
    /// Does its work and sends the answer cut in half, with a length that fits.
    Truncate,
}

impl Mood {
    /// The moods that the page for people offers; the first is good behaviour.
    pub const NAMES: &[&str] =
        &["well", "slow", "down", "busy", "html", "refusing", "hung-up", "answer-lost", "truncated"];

    /// The mood of this name; `None` for good behaviour.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "slow" => Self::Slow(Duration::from_secs(10)),
            "down" => Self::Answer(Response::html(503, "Service Unavailable")),
            "busy" => Self::Answer(Response::html(429, "Too Many Requests").with("Retry-After", "10")),
            "html" => Self::Answer(Response::html(200, "<!doctype html><title>Sign in</title>")),
            "refusing" => Self::Answer(Response::json(400, serde_json::json!({ "message": "refused by the fake" }))),
            "hung-up" => Self::DropUnread,
            "answer-lost" => Self::DropAfterWork,
            "truncated" => Self::Truncate,
            _ => return None,
        })
    }
}

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
    next_moods: Mutex<HashMap<String, VecDeque<Mood>>>,
    standing_moods: Mutex<HashMap<String, Mood>>,
    /// Requests under way, and the most that there ever were.
    load: Mutex<HashMap<String, (usize, usize)>>,
}

/// A request under way; it ends before its answer leaves.
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

impl std::fmt::Debug for dyn Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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

    /// One more fake, once it is known what secret it takes.
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

    /// What `fake` would have swallowed in silence.
    pub fn complaints(&self, fake: &str) -> Vec<String> {
        lock(&self.shared.fakes).iter().find(|f| f.name() == fake).map(|f| f.complaints()).unwrap_or_default()
    }

    /// The most requests that `fake` ever had under way at one time; [`ALL`] for all of them together.
    pub fn most_at_once(&self, fake: &str) -> usize {
        lock(&self.shared.load).get(fake).map_or(0, |(_, most)| *most)
    }

    /// The next request to `fake` meets this mood; several queue up.
    pub fn next(&self, fake: &str, mood: Mood) {
        lock(&self.shared.next_moods).entry(fake.to_owned()).or_default().push_back(mood);
    }

    /// Every request to `fake` meets this mood until it is `None` again.
    pub fn always(&self, fake: &str, mood: Option<Mood>) {
        let mut moods = lock(&self.shared.standing_moods);
        match mood {
            Some(mood) => drop(moods.insert(fake.to_owned(), mood)),
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
            Some(Mood::Slow(_) | Mood::Hold(_)) | None => self.answer(&name, &request),
        };
        drop(busy);
        send(stream, &response).map(|()| true)
    }

    /// The page for people, and its buttons: `POST /mood/{fake}/{mood}`.
    fn dashboard(&self, head: &Head) -> Response {
        let path: Vec<&str> = head.path.split('/').skip(1).collect();
        if let ("POST", ["mood", fake, mood]) = (head.method.as_str(), path.as_slice()) {
            let mut moods = lock(&self.standing_moods);
            match Mood::named(mood) {
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
        next.or_else(|| lock(&self.standing_moods).get(name).cloned())
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

/// The time that fakes are told.
pub(crate) fn now_ms() -> i64 {
    #[allow(clippy::disallowed_methods, reason = "the fakes run natively, never in the Worker")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A request's first part.
struct Head {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    /// What was read past the head already.
    rest: Vec<u8>,
}

impl Head {
    fn read(stream: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut buffer = Vec::new();
        let mut chunk = [0_u8; 8192];
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 100];
            let mut parsed = httparse::Request::new(&mut headers);
            match parsed.parse(&buffer) {
                Ok(httparse::Status::Complete(length)) => {
                    let target = parsed.path.unwrap_or("/");
                    let (path, query) = target.split_once('?').unwrap_or((target, ""));
                    let headers = parsed.headers.iter().map(|header| {
                        (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
                    });
                    return Ok(Some(Self {
                        method: parsed.method.unwrap_or_default().to_owned(),
                        path: path.to_owned(),
                        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
                        headers: headers.collect(),
                        rest: buffer[length..].to_vec(),
                    }));
                }
                Ok(httparse::Status::Partial) => {}
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
            let read = stream.read(&mut chunk)?;
            if read == 0 {
                return Ok(None);
            }
            buffer.extend_from_slice(&chunk[..read]);
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn host(&self) -> String {
        self.header("host").unwrap_or_default().to_ascii_lowercase()
    }

    /// The body by its length; the Worker's requests always have one or none.
    fn read_body(&self, stream: &mut TcpStream) -> io::Result<String> {
        let length: usize = self.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = self.rest.clone();
        let have = body.len().min(length);
        body.resize(length, 0);
        stream.read_exact(&mut body[have..])?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    fn into_request(self, path: String, body: String) -> Request {
        let host = self.host();
        Request { method: self.method, host, path, query: self.query, headers: self.headers, body }
    }
}

fn send(stream: &mut TcpStream, response: &Response) -> io::Result<()> {
    stream.write_all(text(response).as_bytes())
}

/// A response as it goes over the wire.
fn text(response: &Response) -> String {
    let mut text = format!("HTTP/1.1 {} Fake\r\nContent-Length: {}\r\n", response.status, response.body.len());
    for (name, value) in &response.headers {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text.push_str("\r\n");
    text.push_str(&response.body);
    text
}
