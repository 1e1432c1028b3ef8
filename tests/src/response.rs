//! What a server answered: read as it comes, with a word on whether the body came to its end.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;

/// What a server answered.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// As sent, in their order.
    pub headers: Vec<(String, String)>,
    /// What came of the body.
    pub body: Vec<u8>,
    /// Whether the body came to the end that its head announced.
    pub complete: bool,
}

impl Response {
    /// The first header of this name, whatever the case of its letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All headers of this name, in their order.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// Panics with the whole answer unless it has this status.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?}\n{}", self.headers, self.text());
        self
    }

    /// Panics unless it has one of these statuses, and an error body with one of these codes.
    pub fn expect_error(self, statuses: &[u16], codes: &[&str]) -> Self {
        let code = self.code();
        assert!(
            statuses.contains(&self.status) && code.as_deref().is_some_and(|code| codes.contains(&code)),
            "expected {statuses:?} with {codes:?}, got {} with {code:?}\n{:?}\n{}",
            self.status,
            self.headers,
            self.text()
        );
        self
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in: {}", self.text()))
    }

    /// The code of the first error in the body.
    #[must_use]
    pub fn code(&self) -> Option<String> {
        let value: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        value["errors"][0]["code"].as_str().map(str::to_owned)
    }
}

/// Reads an answer to a request of this method; its body goes to `sink`.
///
/// # Errors
/// Where the connection is closed before a whole head.
pub(crate) fn read_response(method: &str, mut reader: BufReader<TcpStream>, sink: &mut dyn Write) -> io::Result<Response> {
    loop {
        let (status, headers) = read_head(&mut reader)?;
        if status == 100 {
            continue;
        }
        let mut response = Response { status, headers, body: Vec::new(), complete: true };
        if method != "HEAD" && status != 204 && status != 304 {
            response.complete = read_body(&response, &mut reader, sink)?;
        }
        return Ok(response);
    }
}

fn read_head(reader: &mut impl BufRead) -> io::Result<(u16, Vec<(String, String)>)> {
    let broken = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("not an HTTP answer: {what}"));
    let first = read_line(reader)?;
    let status = first.split(' ').nth(1).and_then(|text| text.parse().ok()).ok_or_else(|| broken(&first))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| broken(&line))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed"));
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Whether the body came to its announced end.
fn read_body(response: &Response, reader: &mut BufReader<TcpStream>, sink: &mut dyn Write) -> io::Result<bool> {
    if response.header("Transfer-Encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return read_chunks(reader, sink);
    }
    match response.header("Content-Length").and_then(|value| value.parse().ok()) {
        Some(length) => copy(reader, sink, length),
        None => copy(reader, sink, u64::MAX).map(|_| true),
    }
}

fn read_chunks(reader: &mut BufReader<TcpStream>, sink: &mut dyn Write) -> io::Result<bool> {
    loop {
        let Ok(line) = read_line(reader) else { return Ok(false) };
        let Ok(length) = u64::from_str_radix(line.split(';').next().unwrap_or_default(), 16) else { return Ok(false) };
        if length == 0 {
            read_line(reader).ok();
            return Ok(true);
        }
        if !copy(reader, sink, length)? || read_line(reader).is_err() {
            return Ok(false);
        }
    }
}

/// Whether so many bytes came; a connection that breaks off counts as a body that is too short.
fn copy(reader: &mut BufReader<TcpStream>, sink: &mut dyn Write, length: u64) -> io::Result<bool> {
    let mut left = length;
    while left > 0 {
        let piece = match reader.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(false),
            Err(error) => return Err(error),
        };
        if piece.is_empty() {
            return Ok(false);
        }
        let count = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        sink.write_all(&piece[..count])?;
        reader.consume(count);
        left -= count as u64;
    }
    Ok(true)
}
