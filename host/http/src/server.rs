//! Listens, bounds the number of connections, and stops without cutting off what has begun.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::app::App;
use crate::connection::{Phase, Shared, run};

/// Connections that the kernel keeps for us while we are busy; it has its own upper bound.
const BACKLOG: u32 = 4096;
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

/// Serves `app` on all of `listeners` until `shutdown` comes true; then takes no more connections, tells those that are idle to go,
/// and waits for the others as long as the limits allow.
pub async fn serve(listeners: Vec<TcpListener>, app: Arc<App>, shutdown: impl Future<Output = ()>) -> Drained {
    let most = app.limits.connections.clamp(1, Semaphore::MAX_PERMITS);
    let drain = app.limits.drain;
    let slots = Arc::new(Semaphore::new(most));
    let (phase, watching) = watch::channel(Phase::Serving);
    let shared = Arc::new(Shared::new(Arc::clone(&app), watching));
    let mut acceptors = JoinSet::new();
    for listener in listeners {
        acceptors.spawn(accept_all(listener, Arc::clone(&shared), Arc::clone(&slots)));
    }
    shutdown.await;
    app.begin_draining();
    // Closes the listening sockets too.
    acceptors.shutdown().await;
    phase.send_replace(Phase::Draining);
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    let drained = match timeout(drain, slots.acquire_many(all)).await {
        Ok(_) => Drained::Whole,
        Err(_) => Drained::CutOff(most - slots.available_permits()),
    };
    phase.send_replace(Phase::Closed);
    drained
}

/// Accepts as long as there are free slots; without one, clients wait in the kernel's queue.
async fn accept_all(listener: TcpListener, shared: Arc<Shared>, slots: Arc<Semaphore>) {
    loop {
        // The semaphore is never closed.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let (stream, address) = accept(&listener).await;
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            run(shared, stream, address).await;
            drop(slot);
        });
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
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
