//! WASI 0.2 for guests whose standard library imports it: linked, and empty. No files, sockets, environment or arguments; standard input is
//! at its end; what is written goes to the log; the time of day is the host's clock.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bulkhead_core::ports::clock::Clock;
use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{HostWallClock, WasiCtx};

use crate::output::{Output, Stream};

/// The most random bytes of one call, as for the `random` import.
const MAX_RANDOM_BYTES: u64 = 4096;
/// The most bytes that a guest may write to a stream at once.
const MAX_WRITE_BYTES: usize = 64 * 1024;

/// The empty context of one instance.
pub(crate) fn empty(output: &Arc<Output>, clock: &Arc<dyn Clock>) -> WasiCtx {
    WasiCtx::builder()
        .stdout(Logged(output.clone(), Stream::Out))
        .stderr(Logged(output.clone(), Stream::Err))
        .wall_clock(TimeOfDay(clock.clone()))
        .max_random_size(MAX_RANDOM_BYTES)
        .allow_tcp(false)
        .allow_udp(false)
        .build()
}

struct TimeOfDay(Arc<dyn Clock>);

impl HostWallClock for TimeOfDay {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.now().0)
    }
}

/// A standard stream that ends in the log.
#[derive(Clone)]
struct Logged(Arc<Output>, Stream);

impl IsTerminal for Logged {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Logged {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Logged {
    async fn ready(&mut self) {}
}

impl OutputStream for Logged {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.write(self.1, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_WRITE_BYTES)
    }
}

impl AsyncWrite for Logged {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = Pin::into_inner(self);
        this.0.write(this.1, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
