//! A real Garage: a distributed object store, here of a single node, with a folder and ports of its own.
//!
//! `cargo xtask test --all` builds it. Tests that need it are in modules named `garage`, which a run without it leaves out.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::places::{self, TempDir};
use crate::programs::{self, Ended};
use crate::s3::{Access, Running};

const REGION: &str = "garage";
const BUCKET: &str = "bulkhead";
/// Keys of the form that Garage gives them; it is told to take these.
const KEY_ID: &str = "GKb01c4ead000000000000b01c";
const SECRET: &str = "5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2";

const SETTINGS: &str = r#"metadata_dir = "@DIR@/meta"
data_dir = "@DIR@/data"
db_engine = "lmdb"
replication_factor = 1
rpc_bind_addr = "127.0.0.1:@RPC@"
rpc_public_addr = "127.0.0.1:@RPC@"
rpc_secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

[s3_api]
s3_region = "garage"
api_bind_addr = "127.0.0.1:@S3@"
root_domain = ".s3.garage.localhost"
"#;

/// A running Garage; ends with the value.
pub struct Garage {
    // Before the folder, since it is written to until the end.
    running: Option<Running>,
    folder: TempDir,
    program: PathBuf,
    port: u16,
}

impl Garage {
    /// Where its program is: `BULKHEAD_GARAGE`, or where `cargo xtask test --all` puts it.
    #[must_use]
    pub fn program() -> Option<PathBuf> {
        let usual = || places::repository().join("target/garage/bin/garage");
        let path = std::env::var_os("BULKHEAD_GARAGE").map_or_else(usual, PathBuf::from);
        path.is_file().then_some(path)
    }

    /// Starts one that has an empty bucket.
    ///
    /// # Panics
    /// Where it is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        let program = Self::program().expect("Garage is not there: `cargo xtask test --all` builds it, or set BULKHEAD_GARAGE");
        let (folder, port) = (TempDir::new(), places::free_port());
        let settings = SETTINGS
            .replace("@DIR@", &folder.path().display().to_string())
            .replace("@RPC@", &places::free_port().to_string())
            .replace("@S3@", &port.to_string());
        std::fs::write(folder.path().join("garage.toml"), settings).expect("the store's folder can be written");
        let mut garage = Self { running: None, folder, program, port };
        let running = garage.run();
        running.wait_until("Garage's node", || garage.ask(&["status"]).status.success());
        garage.lay_out(&running);
        garage.running = Some(running);
        garage
    }

    /// What a client has to know.
    #[must_use]
    pub fn access(&self) -> Access {
        Access {
            endpoint: format!("http://127.0.0.1:{}", self.port),
            region: REGION.to_owned(),
            bucket: BUCKET.to_owned(),
            access_key_id: KEY_ID.to_owned(),
            secret_access_key: SECRET.to_owned(),
        }
    }

    /// Kills it, as a crash does.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Starts it again with all that it had.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start_again(&mut self) {
        self.stop();
        let running = self.run();
        running.wait_until("Garage's port", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
        running.wait_until("Garage's bucket", || self.ask(&["bucket", "info", BUCKET]).status.success());
        self.running = Some(running);
    }

    fn run(&self) -> Running {
        let settings = self.settings().display().to_string();
        Running::start(self.folder.path(), &self.program, &["-c".to_owned(), settings, "server".to_owned()])
    }

    /// One node that has everything, and a bucket with a key to it.
    fn lay_out(&self, running: &Running) {
        let node = self.ask(&["node", "id", "-q"]).expect_success().stdout;
        let id = node.split('@').next().unwrap_or_default().trim().to_owned();
        self.ask(&["layout", "assign", "-z", "here", "-c", "10G", &id]).expect_success();
        self.ask(&["layout", "apply", "--version", "1"]).expect_success();
        running.wait_until("Garage's layout", || self.ask(&["bucket", "create", BUCKET]).status.success());
        self.ask(&["key", "import", "--yes", "-n", "tests", KEY_ID, SECRET]).expect_success();
        self.ask(&["bucket", "allow", "--read", "--write", "--owner", BUCKET, "--key", KEY_ID]).expect_success();
    }

    fn ask(&self, arguments: &[&str]) -> Ended {
        programs::run(Command::new(&self.program).arg("-c").arg(self.settings()).args(arguments).env("RUST_LOG", "error"))
    }

    fn settings(&self) -> PathBuf {
        Path::new(self.folder.path()).join("garage.toml")
    }
}
