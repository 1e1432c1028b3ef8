//! An emulator of Azure's storage accounts: npm's `azurite`, with one container in its well-known account.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::Client;
use crate::places::{self, TempDir};
use crate::server::DEADLINE;

/// The account that every emulator has.
pub const ACCOUNT: &str = "devstoreaccount1";
/// Its key, which is no secret.
pub const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// A SAS of the account that this key has signed: the rights to read, write, delete, list and create, until 2099.
pub const SAS: &str =
    "sv=2023-11-03&ss=b&srt=co&sp=rwdlc&se=2099-01-01T00%3A00%3A00Z&sig=Vyp4KtagaS5Vs21kplL27Lf7mI%2BtFecroZUeGMnEB7M%3D";
/// The container that is there from the start.
pub const CONTAINER: &str = "layers";

/// How long it may take to write down what it has.
const END: Duration = Duration::from_secs(20);

/// Runs the emulator until standard input closes: when the test process ends, however it does.
const KEEPER: &str = "process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM')).resume();
require(process.argv[1]);";

/// A running emulator; ends with the value.
pub struct Azurite {
    /// None: it is stopped.
    child: Option<Child>,
    port: u16,
    folder: TempDir,
}

impl Azurite {
    /// Starts one with an empty container.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start() -> Self {
        let mut azurite = Self { child: None, port: places::free_port(), folder: TempDir::new() };
        azurite.start_again();
        azurite.create_container(CONTAINER);
        azurite
    }

    /// Starts it after [`Azurite::stop`], at the same port and with what it had.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start_again(&mut self) {
        let main = places::node_folder("azurite").join("node_modules/azurite/dist/src/blob/main.js");
        let log = File::options().create(true).append(true).open(self.log()).expect("the test's folder can be written");
        let child = Command::new("node")
            .args(["-e", KEEPER, "--"])
            .arg(main)
            .args(["--silent", "--disableTelemetry", "--blobPort", &self.port.to_string(), "--location"])
            .arg(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a file's handle can be copied"))
            .stderr(log)
            .spawn()
            .expect("node is installed");
        self.child = Some(child);
        let started = Instant::now();
        // Without credentials it is a refusal, but an answer.
        while self.client().request("GET", &format!("/{ACCOUNT}?comp=list")).try_send().is_err() {
            if started.elapsed() > DEADLINE {
                panic!("azurite does not answer:\n{}", std::fs::read_to_string(self.log()).unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it in order: what it has acknowledged it writes down every few seconds alone, and then. Until [`Azurite::start_again`] nobody
    /// answers at its port.
    ///
    /// # Panics
    /// Where it does not end.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        drop(child.stdin.take());
        let begun = Instant::now();
        while child.try_wait().expect("a child can be waited for").is_none() {
            if begun.elapsed() > END {
                child.kill().ok();
                panic!("azurite does not end:\n{}", std::fs::read_to_string(self.log()).unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Makes one more container.
    pub fn create_container(&self, name: &str) {
        let target = format!("/{ACCOUNT}/{name}?restype=container&{SAS}");
        self.client().request("PUT", &target).body(Vec::new()).send().expect(201);
    }

    /// `http://127.0.0.1:PORT`, for a grant.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The account's URL: the account is the first part of the path.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{}/{ACCOUNT}", self.origin())
    }

    /// The names of all blobs of the container whose names begin with `prefix`, in their order; at most 5,000.
    #[must_use]
    pub fn blobs(&self, prefix: &str) -> Vec<String> {
        let target = format!("/{ACCOUNT}/{CONTAINER}?restype=container&comp=list&{SAS}");
        let listing = self.client().request("GET", &target).query("prefix", prefix).send().expect(200).text();
        let names = listing.split("<Name>").skip(1).filter_map(|rest| rest.split("</Name>").next());
        names.map(str::to_owned).collect()
    }

    fn client(&self) -> Client {
        Client::new(self.address())
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_emulator_takes_its_account_and_keeps_its_blobs_while_it_is_stopped() {
        let mut azurite = Azurite::start();
        let target = format!("/{ACCOUNT}/{CONTAINER}/a/b?{SAS}");
        let put = azurite.client().request("PUT", &target).header("x-ms-blob-type", "BlockBlob").body("hello");
        put.send().expect(201);
        azurite.stop();
        assert!(azurite.client().request("GET", &target).try_send().is_err());
        azurite.start_again();
        assert_eq!((azurite.blobs("a/"), azurite.blobs("b")), (vec!["a/b".to_owned()], Vec::new()));
        assert_eq!(azurite.client().get(&target).expect(200).text(), "hello");
    }
}
