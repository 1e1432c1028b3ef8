//! The two servers that are compared, each with a folder on the same disk.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bulkhead_tests::config::Config;
use bulkhead_tests::http::Client;
use bulkhead_tests::places::{self, TempDir};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use bulkhead_tests::users::ALICE;

use crate::fill::Filled;

/// How long the peer may take to start.
const START: Duration = Duration::from_secs(20);

enum Process {
    /// Twice: open to everybody, and with logins and tokens.
    Ours {
        open: Server,
        closed: Box<Server>,
    },
    Peer {
        child: Child,
        _folder: TempDir,
    },
}

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// This project's.
    Ours,
    /// The one that it is compared with.
    Peer,
}

/// A server under measurement.
pub struct Contestant {
    /// What the table calls it.
    pub name: &'static str,
    /// Where it answers without credentials.
    pub address: SocketAddr,
    /// What lies there for the lists.
    pub filled: Filled,
    process: Process,
    seeds: AtomicU64,
}

impl Contestant {
    /// This server, which lets everybody do everything.
    pub fn bulkhead() -> Self {
        let open = Server::start(&Config::open());
        let closed = Box::new(Server::start(&Config::standard()));
        let address = open.client().address();
        Self {
            name: "bulkhead",
            address,
            filled: Filled::default(),
            process: Process::Ours { open, closed },
            seeds: AtomicU64::new(1_000_000),
        }
    }

    /// Debian's docker-registry, without logins and with its log off.
    pub fn docker_registry() -> Self {
        let folder = TempDir::new();
        let address = SocketAddr::from(([127, 0, 0, 1], places::free_port()));
        let config = folder.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\nstorage:\n  cache:\n    blobdescriptor: inmemory\n  \
             filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\nhttp:\n  addr: {address}\n",
            folder.path().join("data").display()
        );
        std::fs::write(&config, text).expect("the benchmark's folder can be written");
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is installed");
        let peer = Self {
            name: "docker-registry",
            address,
            filled: Filled::default(),
            process: Process::Peer { child, _folder: folder },
            seeds: AtomicU64::new(2_000_000),
        };
        let started = Instant::now();
        while peer.client().request("GET", "/v2/").try_send().is_err() {
            assert!(started.elapsed() < START, "docker-registry does not answer");
            std::thread::park_timeout(Duration::from_millis(50));
        }
        peer
    }

    /// Whose it is.
    pub const fn side(&self) -> Side {
        match self.process {
            Process::Ours { .. } => Side::Ours,
            Process::Peer { .. } => Side::Peer,
        }
    }

    /// A client for what is not measured.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Where this contestant answers to tokens, and a client that may push there; the peer has no tokens and answers to all.
    pub fn with_tokens(&self) -> (SocketAddr, Client, u32) {
        match &self.process {
            Process::Ours { closed, .. } => (closed.client().address(), closed.client_of(ALICE), closed.pid()),
            Process::Peer { .. } => (self.address, self.client(), self.pid()),
        }
    }

    /// The `Authorization` header for pulling from a repository with a token, where the contestant has tokens.
    pub fn token_header(&self, repository: &str) -> String {
        match &self.process {
            Process::Ours { closed, .. } => {
                let scope = format!("repository:{repository}:pull");
                let answer = registry::ask_for_token(&closed.client_of(ALICE), &[&scope]).expect(200).json();
                format!("Authorization: Bearer {}\r\n", answer["token"].as_str().expect("the answer has a token"))
            }
            Process::Peer { .. } => String::new(),
        }
    }

    /// The process that answers at `address`.
    pub fn pid(&self) -> u32 {
        match &self.process {
            Process::Ours { open, .. } => open.pid(),
            Process::Peer { child, .. } => child.id(),
        }
    }

    /// A number that no run had before: content made from it is new to the server.
    pub fn next_seed(&self) -> u64 {
        self.seeds.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        if let Process::Peer { child, .. } = &mut self.process {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// The processor time that a process has used, in seconds.
pub fn cpu_seconds(pid: u32) -> f64 {
    /// Linux counts it in hundredths for every program, whatever its own clock.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the server runs");
    // The second field is a name in parentheses, which may hold blanks.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u32 = fields[11..13].iter().map(|field| field.parse::<u32>().expect("times are numbers")).sum();
    f64::from(ticks) / TICKS
}
