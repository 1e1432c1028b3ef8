//! A small blocking HTTP/1.1 client with full control over what goes out: a connection for each request, as Docker has it.
//!
//! It follows no redirect, decodes nothing but chunks, and says whether a body came to its end.

use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine as _;

use crate::refusal;
pub use crate::response::Response;
use crate::response::read_response;

/// How long one read or write may block.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Who asks which server, with which credentials.
#[derive(Clone, Debug)]
pub struct Client {
    address: SocketAddr,
    host: String,
    authorization: Option<String>,
}

impl Client {
    /// Without credentials.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address, host: address.to_string(), authorization: None }
    }

    /// With a user's name and password on every request.
    #[must_use]
    pub fn basic(&self, user: &str, password: &str) -> Self {
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        self.authorization(&format!("Basic {encoded}"))
    }

    /// With a token on every request.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Self {
        self.authorization(&format!("Bearer {token}"))
    }

    /// With this very header on every request.
    #[must_use]
    pub fn authorization(&self, value: &str) -> Self {
        Self { authorization: Some(value.to_owned()), ..self.clone() }
    }

    /// As another host's name.
    #[must_use]
    pub fn host(&self, host: &str) -> Self {
        Self { host: host.to_owned(), ..self.clone() }
    }

    /// Where it connects to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A request to build up and send. `target` goes out as it stands.
    #[must_use]
    pub fn request(&self, method: &str, target: &str) -> Request {
        let mut headers = vec![("Host".to_owned(), self.host.clone())];
        if let Some(value) = &self.authorization {
            headers.push(("Authorization".to_owned(), value.clone()));
        }
        Request { address: self.address, method: method.to_owned(), target: target_of(target), headers, body: Body::None }
    }

    /// Sends a GET.
    #[must_use]
    pub fn get(&self, target: &str) -> Response {
        self.request("GET", target).send()
    }

    /// Sends a HEAD.
    #[must_use]
    pub fn head(&self, target: &str) -> Response {
        self.request("HEAD", target).send()
    }

    /// Sends a DELETE.
    #[must_use]
    pub fn delete(&self, target: &str) -> Response {
        self.request("DELETE", target).send()
    }

    /// Sends a POST without a body.
    #[must_use]
    pub fn post(&self, target: &str) -> Response {
        self.request("POST", target).body(Vec::new()).send()
    }
}

/// The path and query of an absolute URL; anything else as it is.
fn target_of(url: &str) -> String {
    match url.strip_prefix("http://").map(|rest| rest.find('/').map_or("/", |slash| &rest[slash..])) {
        Some(target) => target.to_owned(),
        None => url.to_owned(),
    }
}

enum Body {
    None,
    /// With a Content-Length.
    Bytes(Vec<u8>),
    /// With a Content-Length, from a source that need not fit into memory.
    Reader(Box<dyn Read + Send>, u64),
    /// In chunked transfer, each piece a chunk.
    Chunked(Vec<Vec<u8>>),
    /// A Content-Length of more than what is sent before the connection is closed.
    CutShort(Vec<u8>, u64),
}

/// A request that is not sent yet.
pub struct Request {
    address: SocketAddr,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Body,
}

impl Request {
    /// Adds a header line.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a parameter to the target's query; the value is percent-encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        let separator = if self.target.contains('?') { '&' } else { '?' };
        self.target = format!("{}{separator}{name}={}", self.target, percent_encode(value));
        self
    }

    /// With these bytes, and their Content-Length.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Bytes(bytes.into());
        self
    }

    /// With so many bytes from this source.
    #[must_use]
    pub fn reader(mut self, source: impl Read + Send + 'static, length: u64) -> Self {
        self.body = Body::Reader(Box::new(source), length);
        self
    }

    /// In chunked transfer.
    #[must_use]
    pub fn chunked(mut self, pieces: Vec<Vec<u8>>) -> Self {
        self.body = Body::Chunked(pieces);
        self
    }

    /// Announces `length` bytes, sends only these, and closes its side of the connection.
    #[must_use]
    pub fn cut_short(mut self, bytes: impl Into<Vec<u8>>, length: u64) -> Self {
        self.body = Body::CutShort(bytes.into(), length);
        self
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Panics
    /// Where no answer comes.
    #[must_use]
    pub fn send(self) -> Response {
        let shown = format!("{} {}", self.method, self.target);
        self.try_send().unwrap_or_else(|error| panic!("no answer to {shown}: {error}"))
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Errors
    /// Where the server cannot be reached, or closes the connection before a whole head.
    ///
    /// # Panics
    /// Where the registry's API refuses in another form than the specification's.
    pub fn try_send(self) -> io::Result<Response> {
        let (method, target) = (self.method.clone(), self.target.clone());
        let mut body = Vec::new();
        let mut response = self.send_into(&mut body)?;
        response.body = body;
        refusal::check(&method, &target, &response);
        Ok(response)
    }

    /// Sends it, and hands the answer's body to `sink` as it comes; the answer itself then has none.
    ///
    /// # Errors
    /// As [`Request::try_send`].
    pub fn send_into(mut self, sink: &mut dyn Write) -> io::Result<Response> {
        let mut stream = TcpStream::connect_timeout(&self.address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        let method = self.method.clone();
        stream.write_all(self.head().as_bytes())?;
        // A server that refuses early may stop reading: what it said still counts.
        let sent = self.send_body(&mut stream);
        match read_response(&method, BufReader::with_capacity(256 * 1024, stream), sink) {
            Err(error) => Err(sent.err().unwrap_or(error)),
            answered => answered,
        }
    }

    fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match &self.body {
            Body::None => {}
            Body::Bytes(bytes) => head.push_str(&format!("Content-Length: {}\r\n", bytes.len())),
            Body::Reader(_, length) | Body::CutShort(_, length) => head.push_str(&format!("Content-Length: {length}\r\n")),
            Body::Chunked(_) => head.push_str("Transfer-Encoding: chunked\r\n"),
        }
        head.push_str("Connection: close\r\n\r\n");
        head
    }

    fn send_body(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        match &mut self.body {
            Body::None => Ok(()),
            Body::Bytes(bytes) => stream.write_all(bytes),
            Body::Reader(source, length) => {
                let mut buffer = vec![0; 256 * 1024];
                let mut limited = source.take(*length);
                loop {
                    let count = limited.read(&mut buffer)?;
                    if count == 0 {
                        return Ok(());
                    }
                    stream.write_all(&buffer[..count])?;
                }
            }
            Body::Chunked(pieces) => {
                for piece in pieces {
                    stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
                    stream.write_all(piece)?;
                    stream.write_all(b"\r\n")?;
                }
                stream.write_all(b"0\r\n\r\n")
            }
            Body::CutShort(bytes, _) => {
                stream.write_all(bytes)?;
                stream.shutdown(std::net::Shutdown::Write)
            }
        }
    }
}

/// Everything but letters, digits and `-._~` as `%XX`.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
