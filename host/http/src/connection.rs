//! One connection, from its first byte to its last: HTTP/1.1 with keep-alive, or HTTP/2 where the client begins with its preface; with TLS,
//! without, or over the administration's socket.
//!
//! Most clients open a new connection for each request, so what is done for each is kept small: one task, one buffer, and mostly one read for
//! a request's head. Every wait for the client has a deadline here, except those within a request's body (`body` has them).

mod socket;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::app::App;
use crate::handler::answer;
use crate::peer::Peer;
use crate::tls::{ServerTls, read_certificate};
use socket::{Patient, Rewound};

/// How an HTTP/2 connection begins (RFC 9113, 3.4).
const H2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A connection over which fewer bytes go in a while, and no request begins, is stalled: what keeps it alive is smaller.
const STALLED: u64 = 4096;
/// How long a connection that is wound down because it stalled may take to end, at most.
const FAREWELL: Duration = Duration::from_secs(5);
/// Room for nearly every request's head.
const FIRST_READ: usize = 4096;

/// Where the server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Requests are taken.
    Serving,
    /// What has begun is finished.
    Draining,
    /// What is not finished is cut off.
    Closed,
}

/// What all connections have in common.
pub(crate) struct Shared {
    app: Arc<App>,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    phase: watch::Receiver<Phase>,
}

impl Shared {
    pub(crate) fn new(app: Arc<App>, phase: watch::Receiver<Phase>) -> Self {
        let limits = &app.limits;
        let mut http1 = http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(limits.head).max_header_size(limits.head_bytes);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(16)
            .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
            .initial_stream_window_size(1024 * 1024)
            .initial_connection_window_size(4 * 1024 * 1024)
            .keep_alive_interval(limits.head)
            .keep_alive_timeout(limits.head);
        Self { app, http1, http2, phase }
    }
}

/// Serves a connection over the network to its end.
pub(crate) async fn run(shared: Arc<Shared>, stream: TcpStream, address: SocketAddr) {
    set_nodelay(&stream, address);
    let traffic = Arc::new(Traffic::default());
    let stream = Patient::new(stream, Arc::clone(&traffic), shared.app.limits.idle);
    let app = Arc::clone(&shared.app);
    speak(&shared, stream, traffic, || Peer::network(app, address, false, None)).await;
}

/// The same under TLS. The handshake has a deadline of its own, and nobody waits for it but this connection.
pub(crate) async fn run_tls(shared: Arc<Shared>, stream: TcpStream, address: SocketAddr, tls: Arc<ServerTls>) {
    set_nodelay(&stream, address);
    let traffic = Arc::new(Traffic::default());
    let limits = &shared.app.limits;
    // Below TLS, so that what the client does not take is noticed whoever has written it.
    let stream = Patient::new(stream, Arc::clone(&traffic), limits.idle);
    let shaken = tokio::select! {
        biased;
        shaken = timeout(limits.handshake, TlsAcceptor::from(tls.config()).accept(stream)) => shaken,
        () = draining(shared.phase.clone()) => return,
    };
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%address, %error, "no TLS connection came about"),
        Err(_) => return tracing::debug!(%address, "a TLS handshake took too long"),
    };
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let certificate = match shown.map(|der| read_certificate(der)).transpose() {
        Ok(certificate) => certificate.map(Arc::new),
        // It led to an authority, so whoever runs this wants to know. Nobody is taken for a client that shows nothing.
        Err(error) => return tracing::warn!(%address, %error, "a client's certificate cannot be used, so it was cut off"),
    };
    let app = Arc::clone(&shared.app);
    // Boxed, since it is large, and there is a task for each connection.
    Box::pin(speak(&shared, stream, traffic, || Peer::network(app, address, true, certificate))).await;
}

/// Serves a connection over the administration's socket to its end.
pub(crate) async fn run_admin(shared: Arc<Shared>, stream: UnixStream) {
    let traffic = Arc::new(Traffic::default());
    let stream = Patient::new(stream, Arc::clone(&traffic), shared.app.limits.idle);
    let app = Arc::clone(&shared.app);
    speak(&shared, stream, traffic, || Peer::admin(app)).await;
}

fn set_nodelay(stream: &TcpStream, address: SocketAddr) {
    // Without it, an answer in two writes waits 40 ms for the client's acknowledgement of the first.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%address, %error, "TCP_NODELAY cannot be set");
    }
}

/// Speaks HTTP. Which one is told by the first bytes alone: what ALPN settled is what the client then sends.
async fn speak<S>(shared: &Shared, mut stream: S, traffic: Arc<Traffic>, peer: impl FnOnce() -> Peer)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &shared.app.limits;
    let begun = tokio::select! {
        biased;
        begun = timeout(limits.head, begin(&mut stream)) => begun,
        // Nobody has asked for anything yet, so nobody is cut off.
        () = draining(shared.phase.clone()) => return,
    };
    let Ok(Ok((protocol, first))) = begun else { return };
    let peer = Arc::new(peer());
    let io = TokioIo::new(Rewound { first, stream });
    let (count, asked) = (Arc::clone(&traffic), Arc::clone(&peer));
    let service = service_fn(move |request: axum::http::Request<Incoming>| {
        count.requests.fetch_add(1, Ordering::Relaxed);
        let peer = Arc::clone(&asked);
        async move { Ok::<_, Infallible>(answer(&peer, request).await) }
    });
    let phase = shared.phase.clone();
    let ended = match protocol {
        Protocol::Http1 => {
            let connection = shared.http1.serve_connection(io, service);
            drive(connection, phase, std::future::pending(), FAREWELL, http1::Connection::graceful_shutdown).await
        }
        Protocol::Http2 => {
            let connection = shared.http2.serve_connection(io, service);
            let farewell = FAREWELL.min(limits.idle);
            drive(connection, phase, stalled(traffic, limits.idle), farewell, http2::Connection::graceful_shutdown).await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(address = peer.address(), %error, "connection ended");
    }
}

/// Returns when the server is about to stop.
async fn draining(mut phase: watch::Receiver<Phase>) {
    // A server that is gone drains too.
    let _ = phase.wait_for(|phase| *phase != Phase::Serving).await;
}

/// What has gone over a connection.
#[derive(Default)]
struct Traffic {
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// Drives a connection; winds it down when the server does, or when it is `retired`, and then, after `farewell`, cuts it off.
async fn drive<C: Future<Output = hyper::Result<()>>>(
    connection: C,
    mut phase: watch::Receiver<Phase>,
    retired: impl Future<Output = ()>,
    farewell: Duration,
    wind_down: impl Fn(Pin<&mut C>),
) -> hyper::Result<()> {
    let mut connection = pin!(connection);
    let mut retired = pin!(retired);
    let mut is_retired = false;
    let mut end = pin!(sleep(farewell));
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            changed = phase.changed() => match (changed, *phase.borrow_and_update()) {
                (Ok(()), Phase::Draining) => wind_down(connection.as_mut()),
                (Ok(()), Phase::Serving) => {}
                (Ok(()), Phase::Closed) | (Err(_), _) => return Ok(()),
            },
            () = retired.as_mut(), if !is_retired => {
                is_retired = true;
                wind_down(connection.as_mut());
                end.as_mut().reset(Instant::now() + farewell);
            }
            () = end.as_mut(), if is_retired => return Ok(()),
        }
    }
}

/// Returns when no request has begun for a while and next to nothing has moved. HTTP/1.1 has deadlines of its own; an HTTP/2 client that
/// answers pings and takes no bytes would hold its answers for good.
async fn stalled(traffic: Arc<Traffic>, idle: Duration) {
    let seen = || (traffic.requests.load(Ordering::Relaxed), traffic.bytes.load(Ordering::Relaxed));
    loop {
        let before = seen();
        sleep(idle).await;
        let now = seen();
        if now.0 == before.0 && now.1 - before.1 < STALLED {
            return;
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

/// Reads until it is clear which protocol the client speaks. HTTP/1.1 is at the first byte that differs from the preface.
async fn begin(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(Protocol, Bytes)> {
    let mut first = BytesMut::with_capacity(FIRST_READ);
    loop {
        if stream.read_buf(&mut first).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let compared = first.len().min(H2_PREFACE.len());
        if first[..compared] != H2_PREFACE[..compared] {
            return Ok((Protocol::Http1, first.freeze()));
        }
        if compared == H2_PREFACE.len() {
            return Ok((Protocol::Http2, first.freeze()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn begun(bytes: &[u8]) -> Option<(Protocol, Bytes)> {
        begin(&mut &*bytes).await.ok()
    }

    #[tokio::test]
    async fn the_first_bytes_tell_the_protocol_and_are_not_lost() {
        let request = b"GET /v2/ HTTP/1.1\r\n\r\n";
        assert_eq!(begun(request).await, Some((Protocol::Http1, Bytes::from_static(request))));
        assert_eq!(begun(b"PUT").await, Some((Protocol::Http1, Bytes::from_static(b"PUT"))));
        let preface = [H2_PREFACE, b"more"].concat();
        assert_eq!(begun(&preface).await, Some((Protocol::Http2, Bytes::from(preface.clone()))));
        assert_eq!(begun(b"PRI * HT").await, None);
        assert_eq!(begun(b"").await, None);
    }
}
