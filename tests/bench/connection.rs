//! HTTP/1.1 by hand on a blocking socket: as little work as can be, so that the server is what is measured.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Far more than any answer takes.
const TIMEOUT: Duration = Duration::from_secs(120);

/// How the end of a body is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// By `Content-Length`.
    Counted,
    /// By an empty chunk.
    Chunked,
}

/// The head of an answer, and how long its body is.
pub struct Head {
    /// The status code.
    pub status: u16,
    /// Of the body; 0 as long as its chunks are not read.
    pub length: u64,
    /// How the body comes.
    pub framing: Framing,
    /// `Location`, without scheme and host.
    pub location: Option<String>,
    /// Where `Link` says that the list goes on, without scheme and host.
    pub next: Option<String>,
}

/// A connection, kept alive unless a request asks for its end.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    // What of the buffer is read from the socket and not yet consumed.
    start: usize,
    end: usize,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server accepts connections");
        stream.set_nodelay(true).expect("a socket takes options");
        stream.set_read_timeout(Some(TIMEOUT)).expect("a socket takes options");
        Self { stream, buffer: vec![0; 1024 * 1024], start: 0, end: 0 }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads what is sent");
    }

    /// Reads the head of the next answer.
    pub fn head(&mut self) -> Head {
        loop {
            if let Some(length) = find(&self.buffer[self.start..self.end], b"\r\n\r\n") {
                let head = parse(&self.buffer[self.start..self.start + length]);
                self.start += length + 4;
                return head;
            }
            self.fill();
        }
    }

    /// Reads and forgets a body of this length, except for the pieces that `look` is shown.
    pub fn body(&mut self, length: u64, mut look: impl FnMut(&[u8])) {
        let mut left = length;
        while left > 0 {
            if self.start == self.end {
                self.fill();
            }
            let count = (self.end - self.start).min(usize::try_from(left).unwrap_or(usize::MAX));
            look(&self.buffer[self.start..self.start + count]);
            self.start += count;
            left -= count as u64;
        }
    }

    /// Sends a request and returns the head of its answer, the body being read and forgotten.
    pub fn exchange(&mut self, request: &[u8]) -> Head {
        self.exchange_with(request, |_| ())
    }

    /// The same, and shows the pieces of the body, however it comes.
    pub fn exchange_with(&mut self, request: &[u8], mut look: impl FnMut(&[u8])) -> Head {
        self.send(request);
        let mut head = self.head();
        match head.framing {
            Framing::Counted => self.body(head.length, look),
            Framing::Chunked => loop {
                let line = self.line();
                let length = u64::from_str_radix(line.trim(), 16).expect("a chunk begins with its length");
                self.body(length, &mut look);
                self.line();
                head.length += length;
                if length == 0 {
                    break;
                }
            },
        }
        head
    }

    /// What comes before the next end of a line.
    fn line(&mut self) -> String {
        loop {
            if let Some(length) = find(&self.buffer[self.start..self.end], b"\r\n") {
                let line = String::from_utf8_lossy(&self.buffer[self.start..self.start + length]).into_owned();
                self.start += length + 2;
                return line;
            }
            self.fill();
        }
    }

    fn fill(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let count = self.stream.read(&mut self.buffer[self.end..]).expect("the server answers");
        assert!(count > 0, "the server closed the connection in the middle of an answer");
        self.end += count;
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn parse(head: &[u8]) -> Head {
    let text = std::str::from_utf8(head).expect("a head is ASCII");
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer has a status");
    let mut parsed = Head { status, length: 0, framing: Framing::Counted, location: None, next: None };
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            parsed.length = value.trim().parse().expect("a length is a number");
        } else if name.eq_ignore_ascii_case("location") {
            parsed.location = Some(target_of(value.trim()));
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            parsed.framing = Framing::Chunked;
        } else if name.eq_ignore_ascii_case("link") {
            parsed.next = value.trim().strip_prefix('<').and_then(|rest| rest.split_once('>')).map(|(url, _)| target_of(url));
        }
    }
    parsed
}

/// A URL without scheme and host.
fn target_of(url: &str) -> String {
    let target = url.strip_prefix("http://").and_then(|rest| rest.find('/').map(|slash| &rest[slash..]));
    target.unwrap_or(url).to_owned()
}
