//! The [`Desk`] behind a loopback port: reads requests, waits where a mood says so, and writes responses.

mod http;

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{Desk, Fake, Mood, Request};
use http::{Head, send, text};

/// The running fakes.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    desk: Mutex<Desk>,
    next_moods: Mutex<BTreeMap<String, VecDeque<Mood>>>,
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
        let shared = Arc::new(Shared { desk: Mutex::new(Desk::new(fakes)), ..Shared::default() });
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
        lock(&self.shared.desk).fakes.push(fake);
    }

    /// Every request that `fake` got, in order.
    pub fn requests(&self, fake: &str) -> Vec<Request> {
        let desk = lock(&self.shared.desk);
        desk.seen.iter().filter(|(name, _)| name == fake).map(|(_, request)| request.clone()).collect()
    }

    /// The records that `fake` holds.
    pub fn records(&self, fake: &str) -> Vec<serde_json::Value> {
        lock(&self.shared.desk).fake(fake).map(Fake::records).unwrap_or_default()
    }

    /// What the real vendor would have accepted silently and a careful client must not send.
    pub fn complaints(&self, fake: &str) -> Vec<String> {
        lock(&self.shared.desk).fake(fake).map(Fake::complaints).unwrap_or_default()
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
        lock(&self.shared.desk).set_mood(fake, mood.map(|mood| ("", mood)));
    }

    /// Works on the fake of type `T` itself.
    ///
    /// # Panics
    /// When there is no such fake.
    pub fn with<T: Fake, R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let mut desk = lock(&self.shared.desk);
        let fake = desk
            .fakes
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
        let (name, path) = lock(&self.desk).addressee(&head.host(), &head.path);
        let Some(name) = name else {
            head.read_body(stream)?;
            let page = lock(&self.desk).page(&head.method, &head.path);
            return send(stream, &page).map(|()| true);
        };
        let mood = self.mood(&name);
        if matches!(mood, Some(Mood::DropBeforeBody)) {
            return Ok(false);
        }
        let body = head.read_body(stream)?;
        let request = head.into_request(path, body);
        lock(&self.desk).seen.push((name.clone(), request.clone()));
        let busy = Busy::new(self, &name);
        match &mood {
            Some(Mood::Slow(pause)) => thread::sleep(*pause),
            Some(Mood::Hold(gate)) => gate.pass(),
            _ => {}
        }
        let Some(response) = lock(&self.desk).outcome(&name, &request, mood.as_ref(), now_ms()) else {
            return Ok(false);
        };
        if let Some(Mood::Stall(pause)) = mood {
            let text = text(&response);
            let silent = text.len() - response.body.len() / 2;
            stream.write_all(&text.as_bytes()[..silent])?;
            thread::sleep(pause);
            return Ok(false);
        }
        drop(busy);
        send(stream, &response).map(|()| true)
    }

    fn mood(&self, name: &str) -> Option<Mood> {
        let next = lock(&self.next_moods).get_mut(name).and_then(VecDeque::pop_front);
        next.or_else(|| lock(&self.desk).mood(name).cloned())
    }
}

/// The time that the server gives to its fakes, milliseconds since 1970.
pub fn now_ms() -> i64 {
    #[allow(clippy::disallowed_methods, reason = "the fakes run natively, never in the Worker")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
