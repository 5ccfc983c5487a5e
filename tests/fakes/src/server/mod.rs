//! The [`Desk`] behind a loopback port: reads requests, waits where a mood says so, and writes responses.

mod http;

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
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
    /// Where requests that may change the fakes are written down.
    journal: Option<File>,
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
        Self::serve(port, Shared { desk: Mutex::new(Desk::new(fakes)), ..Shared::default() })
    }

    /// Starts with the records of the last time: whatever changed the fakes then is asked again, from the journal.
    pub fn start_again(port: u16, fakes: Vec<Box<dyn Fake>>, journal: &Path) -> io::Result<Self> {
        let mut desk = Desk::new(fakes);
        let past = fs::read_to_string(journal).unwrap_or_default();
        for question in past.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            let (request, now) = Request::from_json(&question);
            desk.handle(request, now);
        }
        journal.parent().map_or(Ok(()), fs::create_dir_all)?;
        let journal = File::options().create(true).append(true).open(journal)?;
        Self::serve(port, Shared { desk: Mutex::new(desk), journal: Some(journal), ..Shared::default() })
    }

    fn serve(port: u16, shared: Shared) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(shared);
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
        let asked = head.path.clone();
        let (name, path) = lock(&self.desk).addressee(&head.host(), &asked);
        let Some(name) = name else {
            let body = head.read_body(stream)?;
            let request = head.into_request(path, body);
            let mut desk = lock(&self.desk);
            let page = desk.page(&request.method, &asked);
            self.keep(&request, &asked, now_ms());
            drop(desk);
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
        let mut desk = lock(&self.desk);
        let now = now_ms();
        let response = desk.outcome(&name, &request, mood.as_ref(), now);
        self.keep(&request, &asked, now);
        drop(desk);
        let Some(response) = response else { return Ok(false) };
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

    /// Writes down a request that may have changed the fakes, with the path that it came to.
    fn keep(&self, request: &Request, path: &str, now: i64) {
        let Some(mut journal) = self.journal.as_ref().filter(|_| request.method != "GET") else { return };
        let request = Request { path: path.to_owned(), ..request.clone() };
        if let Err(error) = writeln!(journal, "{}", request.to_json(now)) {
            eprintln!("A record of the fake CRMs will be lost at the next start: {error}");
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DEVELOPMENT, VENDORS, Vendor};

    fn ask(server: &Server, request: &str) -> String {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        io::read_to_string(stream).unwrap()
    }

    #[test]
    fn records_and_moods_are_there_after_a_restart() {
        let folder = std::env::temp_dir().join(format!("fakes-{}", std::process::id()));
        let journal = folder.join("deep/journal");
        let start = || Server::start_again(0, VENDORS.iter().map(Vendor::fake).collect(), &journal).unwrap();
        let first = start();
        let body = r#"{"name":"Ada <b>","email":"ada@example.com"}"#;
        let head = format!("Host: 127.0.0.1\r\nAuthorization: Bearer {DEVELOPMENT}\r\nContent-Type: application/json");
        let reply = ask(
            &first,
            &format!("POST /salesmap/api/v2/people HTTP/1.1\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
        );
        assert!(reply.starts_with("HTTP/1.1 201"), "{reply}");
        ask(&first, "POST /mood/hubspot/busy HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        let records = first.records("salesmap");
        assert_eq!(records.len(), 1);
        let second = start();
        assert_eq!(second.records("salesmap"), records);
        let page = ask(&second, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        for part in [
            "Ada &lt;b&gt;",
            "/mood/hubspot/busy\" title=\"responds with 429 and Retry-After: 10, and does nothing\" aria-pressed=\"true\"",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
