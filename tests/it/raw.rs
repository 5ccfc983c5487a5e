//! Requests that no client library would send, as bytes over a socket.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::world::{Reply, World, visitor};

/// A connection to the Worker.
#[derive(Debug)]
pub struct Raw(TcpStream);

impl Raw {
    /// Opens one.
    pub fn open(world: &World) -> Self {
        let stream = TcpStream::connect(world.worker.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        stream.set_write_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        Self(stream)
    }

    /// The same connection, for the thread that writes while this one reads.
    pub fn other_end(&self) -> Self {
        Self(self.0.try_clone().expect("a second handle"))
    }

    /// Sends a request's head: its first line, its headers. `Host` and `Connection: close` come by themselves.
    pub fn head(&mut self, first: &str, headers: &[(&str, &str)]) {
        let visitor = visitor();
        let mut head =
            format!("{first} HTTP/1.1\r\nHost: forms.example.com\r\nConnection: close\r\nUser-Agent: {visitor}\r\n");
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        self.offer(head.as_bytes());
    }

    /// Sends bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Sends bytes, or as many of them as the other side takes: it may have answered and closed already.
    pub fn offer(&mut self, bytes: &[u8]) {
        let _ = self.write(bytes);
    }

    /// Sends one chunk of a chunked body; an empty one ends it.
    pub fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(format!("{:x}\r\n", bytes.len()).as_bytes())?;
        self.write(bytes)?;
        self.write(b"\r\n")
    }

    /// Ends the sending side. The other side may have closed already.
    pub fn hang_up(&self) {
        if let Err(error) = self.0.shutdown(Shutdown::Write) {
            assert_eq!(error.kind(), io::ErrorKind::NotConnected, "a half-closed connection");
        }
    }

    /// Reads one answer; `None` when the connection closed without one.
    pub fn answer(mut self) -> Option<Reply> {
        let mut bytes = Vec::new();
        let mut piece = [0_u8; 16 * 1024];
        loop {
            if let Some(reply) = parse(&bytes, false) {
                return Some(reply);
            }
            match self.0.read(&mut piece) {
                Ok(0) | Err(_) => return parse(&bytes, true),
                Ok(count) => bytes.extend_from_slice(&piece[..count]),
            }
        }
    }
}

/// Sends a request with exactly these headers (and those of [`Raw::head`], and the body's length) and reads the answer.
pub fn send(world: &World, first: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let length = body.len().to_string();
    let headers: Vec<_> = headers.iter().copied().chain([("Content-Length", length.as_str())]).collect();
    let mut raw = Raw::open(world);
    raw.head(first, &headers);
    raw.offer(body);
    raw.answer().expect("an answer")
}

/// The answer in `bytes`, when it is whole.
fn parse(bytes: &[u8], closed: bool) -> Option<Reply> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let rest = &bytes[end + 4..];
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let pair = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    let mut reply = Reply { status, headers: lines.filter_map(pair).collect(), body: String::new() };
    let length = reply.header("content-length").and_then(|length| length.parse::<usize>().ok());
    let body = match length {
        _ if status == 204 => Vec::new(),
        Some(length) => rest.get(..length)?.to_vec(),
        None if reply.header("transfer-encoding") == Some("chunked") => dechunked(rest)?,
        None => closed.then(|| rest.to_vec())?,
    };
    reply.body = String::from_utf8(body).expect("an answer in UTF-8");
    Some(reply)
}

fn dechunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        rest = &rest[line + 2..];
        body.extend_from_slice(rest.get(..length)?);
        if length == 0 {
            return Some(body);
        }
        rest = rest.get(length + 2..)?;
    }
}
