//! A small HTTP server that webhooks are delivered to: it keeps what it gets, and answers by script.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::server::DEADLINE;

/// What the receiver answers to a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// This status, without a body.
    Status(u16),
    /// 200, with this text as JSON.
    Json(String),
    /// 302, to this URL.
    Redirect(String),
    /// The connection is closed without a word.
    Hangup,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// As sent.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Received {
    /// The first header of this name, whatever the case of its letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

/// All events of all envelopes, in the order in which they came.
///
/// # Panics
/// Where a body is no JSON.
#[must_use]
pub fn events(received: &[Received]) -> Vec<serde_json::Value> {
    received.iter().flat_map(|request| request.json()["events"].as_array().cloned().unwrap_or_default()).collect()
}

/// What is answered to a request that the script says nothing of.
type Rule = Box<dyn Fn(&Received) -> Answer + Send + Sync>;

#[derive(Default)]
struct Shared {
    script: Mutex<VecDeque<Answer>>,
    /// None: 200.
    rule: Option<Rule>,
    received: Mutex<Vec<Received>>,
    arrived: Condvar,
    closed: AtomicBool,
}

/// Listens until it is dropped.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Answers by the script first, and with 200 after its end.
    #[must_use]
    pub fn start(script: impl IntoIterator<Item = Answer>) -> Self {
        Self::listen(Shared { script: Mutex::new(script.into_iter().collect()), ..Shared::default() })
    }

    /// Answers each request as this says: a service of somebody's own.
    #[must_use]
    pub fn answering(rule: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen(Shared { rule: Some(Box::new(rule)), ..Shared::default() })
    }

    fn listen(shared: Shared) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of the loopback interface is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(shared);
        let accepted = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepted.closed.load(Ordering::Acquire) {
                    return;
                }
                let shared = accepted.clone();
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, shared }
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has arrived so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().expect("no holder panics").clone()
    }

    /// Waits until so many requests have arrived, and returns all that have.
    ///
    /// # Panics
    /// Where fewer arrive within the deadline.
    pub fn wait_for(&self, count: usize) -> Vec<Received> {
        self.wait_until(&format!("{count} requests"), |received| received.len() >= count)
    }

    /// Waits until what has arrived satisfies the condition, and returns all of it.
    ///
    /// # Panics
    /// Where it does not within the deadline.
    pub fn wait_until(&self, what: &str, condition: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let received = self.shared.received.lock().expect("no holder panics");
        let (received, waited) = self
            .shared
            .arrived
            .wait_timeout_while(received, DEADLINE, |received| !condition(received))
            .expect("no holder panics");
        assert!(!waited.timed_out(), "waited in vain for {what}; arrived: {received:#?}");
        received.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        // Wakes the thread that accepts.
        TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).ok();
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    let Ok(mut writer) = stream.try_clone() else { return };
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        if shared.closed.load(Ordering::Acquire) {
            return;
        }
        let scripted = shared.script.lock().expect("no holder panics").pop_front();
        let by_rule = || shared.rule.as_ref().map_or(Answer::Status(200), |rule| rule(&request));
        let answer = scripted.unwrap_or_else(by_rule);
        let written = match &answer {
            Answer::Status(status) => write!(writer, "HTTP/1.1 {status} Scripted\r\nContent-Length: 0\r\n\r\n"),
            Answer::Json(text) => {
                let length = text.len();
                write!(writer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{text}")
            }
            Answer::Redirect(url) => write!(writer, "HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n"),
            Answer::Hangup => writer.shutdown(std::net::Shutdown::Both),
        };
        shared.received.lock().expect("no holder panics").push(request);
        shared.arrived.notify_all();
        if written.is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
            None => break,
        }
    }
    let mut request = Received { method, target, headers, body: Vec::new() };
    let length: u64 = request.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    reader.take(length).read_to_end(&mut request.body).ok()?;
    Some(request)
}
