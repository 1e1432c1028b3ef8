//! Has the server use a certificate that was renewed: on SIGHUP, and when the files have changed, which is looked at each minute.
//!
//! A pair of files that cannot be used leaves the one before in place, and is logged once.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_core::ports::clock::Clock;
use bulkhead_http::tls::{Reloaded, ServerTls, TlsError, TlsFiles};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{Fault, Faults, Tls};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(60);
/// How long before a certificate ends somebody should know.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

/// Looks after the certificate.
pub struct Renewal {
    /// None: there is none.
    tls: Option<Arc<ServerTls>>,
    clock: Arc<dyn Clock>,
    hangups: Signal,
    /// The last complaint, so that the same one is not logged each minute.
    complaint: Option<String>,
}

/// Reads the certificate of `[server.tls]`.
///
/// # Errors
/// Everything that is wrong with its files, at the line of the table.
pub fn load(tls: &Tls) -> Result<ServerTls, Faults> {
    let files = TlsFiles {
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
        client_authorities: tls.client_authorities.clone(),
    };
    let fault = |error: &TlsError| Fault::new(&tls.location, format!("[server.tls] {error}"));
    let error = match ServerTls::load(&files) {
        Ok(loaded) => return Ok(loaded),
        Err(error) => error,
    };
    // The first one alone would have the operator start once for each file.
    Faults::check(ServerTls::faults(&files).iter().map(fault).collect())?;
    Err(Faults::one(fault(&error)))
}

impl Renewal {
    /// For this certificate. From now on SIGHUP does not end the process.
    ///
    /// # Errors
    /// The system's words: there are no signals.
    pub fn new(tls: Option<Arc<ServerTls>>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let renewal = Self { tls, clock, hangups: signal(SignalKind::hangup())?, complaint: None };
        renewal.warn_of_the_end();
        Ok(renewal)
    }

    /// Looks after it for ever.
    pub async fn run(mut self) {
        loop {
            let asked = tokio::select! {
                _ = self.hangups.recv() => true,
                () = self.clock.sleep(LOOK) => false,
            };
            let found = self.look().await;
            if asked && found == Found::Nothing {
                tracing::info!("SIGHUP: there is no new certificate");
            }
        }
    }

    async fn look(&mut self) -> Found {
        let Some(tls) = self.tls.clone() else { return Found::Nothing };
        let outcome = match tokio::task::spawn_blocking(move || tls.reload()).await {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match outcome {
            Ok(Reloaded::Unchanged) => {
                self.complaint = None;
                Found::Nothing
            }
            Ok(Reloaded::Renewed) => {
                self.complaint = None;
                tracing::info!("the certificate was renewed: new connections get the new one");
                self.warn_of_the_end();
                Found::Renewed
            }
            Err(complaint) => {
                if self.complaint.as_ref() != Some(&complaint) {
                    tracing::error!("the new certificate cannot be used, so the one before stays: {complaint}");
                }
                self.complaint = Some(complaint);
                Found::Useless
            }
        }
    }

    fn warn_of_the_end(&self) {
        let Some(tls) = &self.tls else { return };
        let (now, end) = (self.clock.now(), tls.expires());
        if end <= now {
            tracing::error!("the certificate has ended: clients will refuse it");
        } else if end <= now.after(SOON) {
            let days = (end.seconds() - now.seconds()) / (24 * 3600);
            tracing::warn!(days, "the certificate ends in so many days");
        }
    }
}

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Renewed,
    Useless,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::clock::SystemClock;
    use crate::config::Location;
    use crate::data::ScratchDirectory;

    /// A certificate of its own for a day, and its key.
    fn write_pair(folder: &Path) {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let now = time::OffsetDateTime::now_utc();
        (params.not_before, params.not_after) = (now, now + time::Duration::days(1));
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    }

    fn settings(folder: &Path) -> Tls {
        Tls {
            location: Location { file: "c.toml".into(), line: 7 },
            certificate: folder.join("cert.pem"),
            key: folder.join("key.pem"),
            client_authorities: None,
        }
    }

    #[test]
    fn a_certificate_that_cannot_be_used_is_a_fault_at_the_line_of_its_table() {
        let scratch = ScratchDirectory::new().unwrap();
        let error = load(&settings(scratch.path())).map(|_| ()).unwrap_err().to_string();
        let lines: Vec<_> = error.lines().collect();
        assert_eq!(lines.len(), 2, "all of it at once: {error}");
        assert!(lines.iter().all(|line| line.starts_with("c.toml:7: [server.tls] ")), "{error}");
        assert!(lines[0].contains("cert.pem") && lines[1].contains("key.pem"), "{error}");
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_used_and_a_useless_one_leaves_it_in_place() {
        let scratch = ScratchDirectory::new().unwrap();
        write_pair(scratch.path());
        let tls = Arc::new(load(&settings(scratch.path())).unwrap());
        let mut renewal = Renewal::new(Some(tls), Arc::new(SystemClock)).unwrap();
        assert_eq!(renewal.look().await, Found::Nothing);
        write_pair(scratch.path());
        assert_eq!(renewal.look().await, Found::Renewed);
        assert_eq!(renewal.look().await, Found::Nothing);
        std::fs::write(scratch.path().join("key.pem"), "scrap").unwrap();
        assert_eq!(renewal.look().await, Found::Useless);
        assert!(renewal.complaint.is_some());
        write_pair(scratch.path());
        assert_eq!(renewal.look().await, Found::Renewed);
        assert!(renewal.complaint.is_none());
    }

    /// A clock by which a minute has passed each time that the test says so.
    #[derive(Default)]
    struct Minutes {
        waited: std::sync::Mutex<Vec<Duration>>,
        waiting: tokio::sync::Notify,
        passed: tokio::sync::Notify,
    }

    #[async_trait::async_trait]
    impl Clock for Minutes {
        fn now(&self) -> bulkhead_core::ports::clock::Timestamp {
            SystemClock.now()
        }

        async fn sleep(&self, wait: Duration) {
            self.waited.lock().unwrap().push(wait);
            self.waiting.notify_one();
            self.passed.notified().await;
        }
    }

    #[tokio::test]
    async fn the_files_are_looked_at_each_minute() {
        let scratch = ScratchDirectory::new().unwrap();
        write_pair(scratch.path());
        let tls = Arc::new(load(&settings(scratch.path())).unwrap());
        let clock = Arc::new(Minutes::default());
        let renewal = Renewal::new(Some(Arc::clone(&tls)), Arc::clone(&clock) as _).unwrap();
        let running = tokio::spawn(renewal.run());
        clock.waiting.notified().await;
        write_pair(scratch.path());
        // Nobody has looked until the minute is over, and after it, nothing is new to whoever looks next.
        clock.passed.notify_one();
        clock.waiting.notified().await;
        assert_eq!(tls.reload().unwrap(), Reloaded::Unchanged, "the pair was taken when the minute was over");
        assert_eq!(*clock.waited.lock().unwrap(), [LOOK, LOOK]);
        assert_eq!(LOOK, Duration::from_secs(60));
        write_pair(scratch.path());
        assert_eq!(tls.reload().unwrap(), Reloaded::Renewed, "and not before the next one is");
        running.abort();
    }

    #[tokio::test]
    async fn a_server_without_a_certificate_has_nothing_to_renew() {
        let mut renewal = Renewal::new(None, Arc::new(SystemClock)).unwrap();
        assert_eq!(renewal.look().await, Found::Nothing);
    }
}
