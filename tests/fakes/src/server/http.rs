//! Reading requests from a connection and writing responses to it.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::TcpStream;

use crate::{Request, Response};

/// A request's first part.
pub(super) struct Head {
    pub(super) method: String,
    pub(super) path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    /// What was read beyond the head.
    rest: Vec<u8>,
}

impl Head {
    pub(super) fn read(stream: &mut TcpStream) -> io::Result<Option<Self>> {
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

    pub(super) fn host(&self) -> String {
        self.header("host").unwrap_or_default().to_ascii_lowercase()
    }

    /// The body by its length; the Worker's requests always have one or none.
    pub(super) fn read_body(&self, stream: &mut TcpStream) -> io::Result<String> {
        let length: usize = self.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = self.rest.clone();
        let have = body.len().min(length);
        body.resize(length, 0);
        stream.read_exact(&mut body[have..])?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    pub(super) fn into_request(self, path: String, body: String) -> Request {
        let host = self.host();
        Request { method: self.method, host, path, query: self.query, headers: self.headers, body }
    }
}

pub(super) fn send(stream: &mut TcpStream, response: &Response) -> io::Result<()> {
    stream.write_all(text(response).as_bytes())
}

/// A response as it goes over the wire.
pub(super) fn text(response: &Response) -> String {
    let mut text = format!("HTTP/1.1 {} Fake\r\nContent-Length: {}\r\n", response.status, response.body.len());
    for (name, value) in &response.headers {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text.push_str("\r\n");
    text.push_str(&response.body);
    text
}
