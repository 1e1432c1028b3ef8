//! SIGTERM and Ctrl-C: the first ends the server in order, the second at once.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Tells that the process was asked to end.
#[derive(Clone)]
pub struct Shutdown {
    asked: watch::Receiver<bool>,
}

impl Shutdown {
    /// From now on these signals do not end the process by themselves, save the second of them.
    ///
    /// # Errors
    /// The system's words.
    pub fn listen() -> io::Result<Self> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (sender, asked) = watch::channel(false);
        tokio::spawn(async move {
            let mut next = async || {
                tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                }
            };
            let name = next().await;
            tracing::info!("{name}: no new connections; waiting for the requests under way (a second signal ends at once)");
            sender.send_replace(true);
            next().await;
            tracing::warn!("a second signal: ending at once");
            std::process::exit(1);
        });
        Ok(Self { asked })
    }

    /// Returns when the first has come.
    pub async fn asked(mut self) {
        // Its task lives as long as the process, so the channel is not closed before.
        self.asked.wait_for(|asked| *asked).await.ok();
    }
}
