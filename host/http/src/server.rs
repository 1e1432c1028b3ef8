//! Listens, bounds the number of connections, and stops without cutting off what has begun.

use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixSocket, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::app::App;
use crate::connection::{Phase, Shared, run, run_admin, run_tls};
use crate::tls::ServerTls;

/// Connections that the kernel keeps for us while we are busy; it has its own upper bound.
const BACKLOG: u32 = 4096;
/// Connections at the same time over the administration's socket. They are apart from the others, so that an operator gets in when the
/// server is full.
const ADMIN_CONNECTIONS: usize = 16;
/// How long to wait when the process or the system is out of file descriptors or memory.
const BREATHER: Duration = Duration::from_millis(100);

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every request was answered.
    Whole,
    /// So many connections were cut off when [`HttpLimits::drain`](crate::HttpLimits::drain) was over.
    CutOff(usize),
}

/// Where connections come from.
pub enum Listener {
    /// The network, without TLS.
    Plain(TcpListener),
    /// The network, with TLS. The certificate may be renewed meanwhile.
    Tls(TcpListener, Arc<ServerTls>),
    /// The administration's socket, of [`bind_admin`]. Nothing but `/api/v1/` (and the probes) is answered there, for every registry and
    /// without credentials.
    Admin(UnixListener),
}

/// A listening socket, with address reuse so that a restarted server gets its port at once.
///
/// # Errors
/// As the system has it: the address is in use, is not of this machine, or needs a privilege.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The administration's socket at this path. Only the user that the server runs as, and root, can ever open it. A socket that is there is of a
/// server that has ended (the caller holds the lock of the data directory), so it is taken away; anything else stays. Whoever binds it removes
/// it in the end.
///
/// # Errors
/// As the system has it: something else is at the path, the path is longer than 107 bytes, or the directory cannot be written to.
pub fn bind_admin(path: &Path) -> io::Result<UnixListener> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        fs::remove_file(path)?;
    }
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    // Nobody can connect before it listens, so nobody gets in between.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    socket.listen(BACKLOG)
}

/// Serves `app` on all of `listeners` until `shutdown` comes true; then takes no more connections, tells those that are idle to go,
/// and waits for the others as long as the limits allow.
pub async fn serve(listeners: Vec<Listener>, app: Arc<App>, shutdown: impl Future<Output = ()>) -> Drained {
    let most = app.limits.connections.clamp(1, Semaphore::MAX_PERMITS);
    let drain = app.limits.drain;
    let slots = Arc::new(Semaphore::new(most));
    let admin_slots = Arc::new(Semaphore::new(ADMIN_CONNECTIONS));
    let (phase, watching) = watch::channel(Phase::Serving);
    let shared = Arc::new(Shared::new(Arc::clone(&app), watching));
    let mut acceptors = JoinSet::new();
    for listener in listeners {
        let (shared, slots, admin) = (Arc::clone(&shared), Arc::clone(&slots), Arc::clone(&admin_slots));
        match listener {
            Listener::Plain(listener) => acceptors.spawn(accept_all(listener, shared, slots, None)),
            Listener::Tls(listener, tls) => acceptors.spawn(accept_all(listener, shared, slots, Some(tls))),
            Listener::Admin(listener) => acceptors.spawn(accept_admin(listener, shared, admin)),
        };
    }
    shutdown.await;
    app.begin_draining();
    // Closes the listening sockets too.
    acceptors.shutdown().await;
    phase.send_replace(Phase::Draining);
    let ended = async { tokio::join!(wait_for_all(&slots, most), wait_for_all(&admin_slots, ADMIN_CONNECTIONS)) };
    let drained = match timeout(drain, ended).await {
        Ok(_) => Drained::Whole,
        Err(_) => Drained::CutOff(most - slots.available_permits() + ADMIN_CONNECTIONS - admin_slots.available_permits()),
    };
    phase.send_replace(Phase::Closed);
    drained
}

/// Returns when all slots are free.
async fn wait_for_all(slots: &Semaphore, most: usize) {
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    drop(slots.acquire_many(all).await);
}

/// Accepts as long as there are free slots; without one, clients wait in the kernel's queue.
async fn accept_all(listener: TcpListener, shared: Arc<Shared>, slots: Arc<Semaphore>, tls: Option<Arc<ServerTls>>) {
    loop {
        // The semaphore is never closed.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let (stream, address): (TcpStream, SocketAddr) = accepted(|| listener.accept()).await;
        let shared = Arc::clone(&shared);
        match tls.clone() {
            None => tokio::spawn(async move {
                run(shared, stream, address).await;
                drop(slot);
            }),
            Some(tls) => tokio::spawn(async move {
                run_tls(shared, stream, address, tls).await;
                drop(slot);
            }),
        };
    }
}

/// The same for the administration's socket.
async fn accept_admin(listener: UnixListener, shared: Arc<Shared>, slots: Arc<Semaphore>) {
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let (stream, _): (UnixStream, _) = accepted(|| listener.accept()).await;
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            run_admin(shared, stream).await;
            drop(slot);
        });
    }
}

/// The next connection, however often it fails.
async fn accepted<T, F: Future<Output = io::Result<T>>>(accept: impl Fn() -> F) -> T {
    loop {
        match accept().await {
            Ok(accepted) => return accepted,
            // The client went away while it waited: the next one may be there already.
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted for the moment");
                sleep(BREATHER).await;
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests;
