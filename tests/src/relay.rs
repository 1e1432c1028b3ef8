//! A relay between a client and a server that writes down what is asked and how it is answered.
//!
//! It sees the first request of each connection: Docker's daemon, podman, buildah and skopeo send no second one.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long one read or write may block.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The first byte of a TLS connection.
const TLS: u8 = 0x16;

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// The status code of the answer.
    pub status: u16,
}

#[derive(Default)]
struct Shared {
    exchanges: Mutex<Vec<Exchange>>,
    closed: AtomicBool,
}

/// Listens until it is dropped.
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Relay {
    /// Starts, in front of the server with this address.
    #[must_use]
    pub fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of the loopback interface is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared: Arc<Shared> = Arc::default();
        let accepted = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepted.closed.load(Ordering::Acquire) {
                    return;
                }
                let shared = accepted.clone();
                // A connection that breaks is the client's to complain of.
                std::thread::spawn(move || pass_on(client, server, &shared).ok());
            }
        });
        Self { address, shared }
    }

    /// `127.0.0.1:PORT`, as clients name the registry.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// All exchanges since the last call, in the order of their answers.
    #[must_use]
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.shared.exchanges.lock().expect("no holder panics"))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        // Wakes the thread that accepts.
        TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).ok();
    }
}

fn pass_on(mut client: TcpStream, server: SocketAddr, shared: &Shared) -> io::Result<()> {
    prepare(&client)?;
    let mut first = [0];
    if client.peek(&mut first)? == 1 && first[0] == TLS {
        // Docker asks with TLS first, and goes on without where it gets such an answer.
        return client.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    // Clients open connections that they never use: the server does not see these.
    let request = read_head(&mut client)?;
    let mut server = TcpStream::connect_timeout(&server, TIMEOUT)?;
    prepare(&server)?;
    server.write_all(&request)?;
    let (mut body, mut forward) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || {
        io::copy(&mut body, &mut forward).ok();
        forward.shutdown(Shutdown::Write).ok();
    });
    let mut response = read_head(&mut server)?;
    while response.starts_with(b"HTTP/1.1 100 ") {
        client.write_all(&response)?;
        response = read_head(&mut server)?;
    }
    // Written down before the client has it: what it asks next comes after.
    shared.exchanges.lock().expect("no holder panics").push(exchange(&request, &response)?);
    client.write_all(&response)?;
    io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both)
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)
}

/// Everything up to the empty line, and no byte more.
fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    const LONGEST: usize = 64 * 1024;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
        if head.len() > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a head without an end"));
        }
    }
    Ok(head)
}

fn exchange(request: &[u8], response: &[u8]) -> io::Result<Exchange> {
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "not HTTP");
    let (request, response) = (String::from_utf8_lossy(request), String::from_utf8_lossy(response));
    let mut words = request.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().ok_or_else(broken)?, words.next().ok_or_else(broken)?);
    let status = response.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    Ok(Exchange { method, target, status })
}
