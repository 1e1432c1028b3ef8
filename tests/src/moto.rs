//! A real server of `moto`, the AWS of Python's tests, of which S3 is used: a second implementation, with other habits than Garage's. What
//! it has is in its memory, and it checks no signature.

use std::path::PathBuf;

use crate::http::Client;
use crate::places::{self, TempDir};
use crate::s3::{Access, Running};

const BUCKET: &str = "bulkhead";

/// A running server; ends with the value.
pub struct Moto {
    // Before the folder, since it is written to until the end.
    _running: Running,
    _folder: TempDir,
    port: u16,
}

impl Moto {
    /// Where its program is: `BULKHEAD_MOTO`, or where `cargo xtask test` puts it.
    ///
    /// # Panics
    /// Where it is not there.
    #[must_use]
    pub fn program() -> PathBuf {
        let usual = || places::repository().join("target/python/bin/moto_server");
        let path = std::env::var_os("BULKHEAD_MOTO").map_or_else(usual, PathBuf::from);
        assert!(path.is_file(), "moto is not at {}: `cargo xtask test` installs it", path.display());
        path
    }

    /// Starts one that has an empty bucket.
    ///
    /// # Panics
    /// Where it is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        let (folder, port) = (TempDir::new(), places::free_port());
        let arguments = ["-H", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned);
        let running = Running::start(folder.path(), &Self::program(), &arguments);
        running.wait_until("moto's port", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        let client = Client::new(([127, 0, 0, 1], port).into());
        let made = client.request("PUT", &format!("/{BUCKET}")).body(Vec::new()).send();
        assert_eq!(made.status, 200, "moto makes no bucket");
        Self { _running: running, _folder: folder, port }
    }

    /// What a client has to know.
    #[must_use]
    pub fn access(&self) -> Access {
        Access {
            endpoint: format!("http://127.0.0.1:{}", self.port),
            region: "us-east-1".to_owned(),
            bucket: BUCKET.to_owned(),
            access_key_id: "tests".to_owned(),
            secret_access_key: "moto-takes-any".to_owned(),
        }
    }
}
