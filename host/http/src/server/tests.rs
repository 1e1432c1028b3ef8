mod admin;
mod tls;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::HttpLimits;
use crate::testing::{World, basic, sha256};

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Drained>,
    world: World,
}

async fn start(limits: HttpLimits) -> Running {
    start_with(World::limited(limits), Listener::Plain)
}

/// On a port of its own.
fn start_with(world: World, listener: impl FnOnce(TcpListener) -> Listener) -> Running {
    start_on(world, |port| vec![listener(port)])
}

/// On a port of its own, and perhaps more.
fn start_on(world: World, listeners: impl FnOnce(TcpListener) -> Vec<Listener>) -> Running {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(serve(listeners(listener), world.app(), async {
        let _ = stopped.await;
    }));
    Running { address, stop, ended, world }
}

/// Reads one answer whose length is told; its head and its body.
async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "{}", String::from_utf8_lossy(&bytes));
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |text| text.parse().unwrap());
        let mut body = bytes.split_off(end + 4);
        while body.len() < length {
            assert_ne!(stream.read_buf(&mut body).await.unwrap(), 0);
        }
        return (head, body);
    }
}

fn put(content: &[u8], more: &str) -> String {
    let (digest, credential) = (sha256(content), basic("alice", "ecila"));
    format!(
        "POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: x.test\r\nAuthorization: {credential}\r\nContent-Length: {}\r\n{more}\r\n",
        content.len()
    )
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let server = start(HttpLimits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for _ in 0..3 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let (head, body) = read_answer(&mut stream).await;
        assert!(head.starts_with("http/1.1 200") && body == b"ok", "{head}");
    }
    stream.write_all(&[put(b"content", "").as_bytes(), b"content"].concat()).await.unwrap();
    assert!(read_answer(&mut stream).await.0.starts_with("http/1.1 201"));
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let (head, _) = read_answer(&mut stream).await;
    assert!(head.contains("connection: close"), "{head}");
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_refused_body_is_not_stored_and_the_client_still_reads_its_answer() {
    let server = start(HttpLimits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let content = vec![b'x'; 1024 * 1024];
    let head = put(&content, "").replace("Authorization", "X-Nothing");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&content).await.unwrap();
    assert!(read_answer(&mut stream).await.0.starts_with("http/1.1 401"));
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(read_answer(&mut stream).await.0.starts_with("http/1.1 200"));
    assert_eq!(server.world.store.count(), (0, 0));
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on_only_if_it_may() {
    let server = start(HttpLimits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(put(b"content", "Expect: 100-continue\r\n").as_bytes()).await.unwrap();
    assert!(read_answer(&mut stream).await.0.starts_with("http/1.1 100"));
    stream.write_all(b"content").await.unwrap();
    assert!(read_answer(&mut stream).await.0.starts_with("http/1.1 201"));
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let refused = put(b"content", "Expect: 100-continue\r\n").replace("Authorization", "X-Nothing");
    stream.write_all(refused.as_bytes()).await.unwrap();
    assert!(read_answer(&mut stream).await.0.starts_with("http/1.1 401"));
}

#[tokio::test]
async fn http2_without_tls_is_spoken_to_who_begins_with_it() {
    let server = start(HttpLimits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // The preface, then an empty SETTINGS frame; the answer begins with the server's own SETTINGS.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "{frame:?}");
}

/// A frame of HTTP/2 (RFC 9113, 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// The kinds and streams of the frames in these bytes.
fn frames(mut bytes: &[u8]) -> Vec<(u8, u8)> {
    let mut frames = Vec::new();
    while let [a, b, c, kind, _, _, _, _, stream, rest @ ..] = bytes {
        frames.push((*kind, *stream));
        bytes = rest.get(usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c)..).unwrap_or_default();
    }
    frames
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

#[tokio::test]
async fn an_http2_client_that_is_alive_and_takes_no_bytes_is_cut_off() {
    // No deadline but that for stalled connections can end this one.
    let head = Duration::from_secs(3600);
    let limits = HttpLimits { idle: Duration::from_millis(200), head, connections: 1, ..HttpLimits::default() };
    let server = start(limits).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // No answer's body may be sent (SETTINGS_INITIAL_WINDOW_SIZE is 0); GET http://x/healthz by HPACK's static table; pings.
    let opening = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]),
        frame(HEADERS, 5, 1, b"\x82\x86\x04\x08/healthz\x01\x01x"),
        frame(PING, 0, 0, &[7; 8]),
        frame(PING, 0, 0, &[8; 8]),
    ];
    stream.write_all(&opening.concat()).await.unwrap();
    let mut taken = Vec::new();
    // Ends when the server closes the connection, in whichever way.
    let ended = timeout(Duration::from_secs(30), async { while matches!(stream.read_buf(&mut taken).await, Ok(1..)) {} });
    ended.await.expect("a stalled connection is closed");
    let frames = frames(&taken);
    assert!(frames.contains(&(HEADERS, 1)) && frames.contains(&(PING, 0)) && frames.contains(&(GOAWAY, 0)), "{frames:?}");
    assert!(!frames.iter().any(|(kind, _)| *kind == DATA), "{frames:?}");
    // What it held is free again: there is one slot.
    let mut next = TcpStream::connect(server.address).await.unwrap();
    next.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(read_answer(&mut next).await.0.starts_with("http/1.1 200"));
}

#[tokio::test]
async fn a_client_that_never_finishes_its_head_is_let_go() {
    let server = start(HttpLimits { head: Duration::from_millis(20), ..HttpLimits::default() }).await;
    for beginning in ["", "GET /he", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        // Ends when the server closes the connection.
        stream.read_to_end(&mut rest).await.unwrap();
    }
}

#[tokio::test]
async fn connections_over_the_bound_wait_for_a_free_slot() {
    let server = start(HttpLimits { connections: 1, ..HttpLimits::default() }).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    read_answer(&mut first).await;
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // While the first is served many times, the second would have its turn if it could.
    for _ in 0..50 {
        first.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        read_answer(&mut first).await;
    }
    assert!(second.try_read(&mut [0; 1]).is_err(), "the second was answered beside the first");
    drop(first);
    assert!(read_answer(&mut second).await.0.starts_with("http/1.1 200"));
}

#[tokio::test]
async fn a_stopping_server_finishes_what_has_begun_and_takes_nothing_new() {
    let server = start(HttpLimits::default()).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    read_answer(&mut idle).await;
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(put(b"content", "Expect: 100-continue\r\n").as_bytes()).await.unwrap();
    assert!(read_answer(&mut busy).await.0.starts_with("http/1.1 100"));
    server.stop.send(()).unwrap();
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0, "an idle connection is closed");
    busy.write_all(b"content").await.unwrap();
    assert!(read_answer(&mut busy).await.0.starts_with("http/1.1 201"));
    assert_eq!(server.ended.await.unwrap(), Drained::Whole);
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn what_is_not_finished_in_time_is_cut_off_and_counted() {
    let server = start(HttpLimits { drain: Duration::from_millis(20), ..HttpLimits::default() }).await;
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(put(b"content", "Expect: 100-continue\r\n").as_bytes()).await.unwrap();
    read_answer(&mut busy).await;
    server.stop.send(()).unwrap();
    assert_eq!(server.ended.await.unwrap(), Drained::CutOff(1));
}

#[tokio::test]
async fn a_connection_over_which_nothing_was_asked_does_not_hold_up_the_end() {
    let limits = HttpLimits { drain: Duration::from_secs(600), head: Duration::from_secs(600), ..HttpLimits::default() };
    let server = start(limits).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    // Its slot is taken once a later connection has been answered.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    read_answer(&mut stream).await;
    server.stop.send(()).unwrap();
    assert_eq!(timeout(Duration::from_secs(60), server.ended).await.unwrap().unwrap(), Drained::Whole);
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0);
}
