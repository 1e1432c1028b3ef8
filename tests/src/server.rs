//! A server of a test's own: the real binary, a folder, a port, and its log.

use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::http::Client;
use crate::places::{self, TempDir};
use crate::users::{self, User};

/// How long a server may take to start, to stop, or to do what a test waits for.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A running server; ends with the value.
pub struct Server {
    folder: TempDir,
    address: SocketAddr,
    arguments: Vec<String>,
    child: Option<Child>,
    log: Arc<Log>,
    /// What it writes; none: what it writes by itself.
    log_filter: Option<&'static str>,
}

impl Server {
    /// Starts with this configuration.
    ///
    /// # Panics
    /// Where the server does not answer within the deadline; its log is in the message.
    #[must_use]
    pub fn start(config: &Config) -> Self {
        let mut server = Self::stopped(config);
        server.spawn();
        server
    }

    /// Starts without a configuration file, as a newcomer does.
    #[must_use]
    pub fn start_with_defaults() -> Self {
        let folder = TempDir::new();
        let data = folder.path().join("data").display().to_string();
        Self::start_in(folder, &["--data", &data])
    }

    /// Starts `bulkhead serve ARGUMENTS` in this folder, on a port of the test's own.
    ///
    /// # Panics
    /// As [`Server::start`].
    #[must_use]
    pub fn start_in(folder: TempDir, arguments: &[&str]) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], places::free_port()));
        let listen = address.to_string();
        let arguments = arguments.iter().chain(&["--listen", &listen]).map(|argument| (*argument).to_owned()).collect();
        let mut server = Self { folder, address, arguments, child: None, log: Arc::default(), log_filter: None };
        server.spawn();
        server
    }

    /// Writes the configuration, and starts nothing.
    #[must_use]
    pub fn stopped(config: &Config) -> Self {
        Self::stopped_at(Ipv4Addr::LOCALHOST.into(), config)
    }

    /// The same for another of this machine's addresses: clients trust what is at 127.0.0.1 more than they trust others.
    #[must_use]
    pub fn stopped_at(address: IpAddr, config: &Config) -> Self {
        let folder = TempDir::new();
        let address = SocketAddr::new(address, places::free_port());
        let arguments = vec!["--config".to_owned(), folder.path().join("bulkhead.toml").display().to_string()];
        let server = Self { folder, address, arguments, child: None, log: Arc::default(), log_filter: None };
        users::write_htpasswd(&server.folder.path().join("users.htpasswd"));
        server.write_config(config);
        server
    }

    /// Replaces the configuration file; the server reads it when it starts.
    pub fn write_config(&self, config: &Config) {
        let text = config.render(self.folder.path(), &self.address.to_string());
        std::fs::write(self.config_file(), text).expect("the test's folder can be written");
    }

    /// Where the configuration file lies.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.folder.path().join("bulkhead.toml")
    }

    /// The server's folder: configuration, users, and `data` with all that it stores.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// From the next start on, the log has what this filter says, such as `trace`.
    pub fn log_at(&mut self, filter: &'static str) {
        self.log_filter = Some(filter);
    }

    /// `127.0.0.1:PORT`, as clients name the registry.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// A client without credentials.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// A client that sends a user's password with every request.
    #[must_use]
    pub fn client_of(&self, user: User) -> Client {
        self.client().basic(user.name, user.password)
    }

    /// All that the server has printed since the test began, over all its starts.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The process's number while it runs.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// Ends the process as a power cut would, and waits until it is gone.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a child can be killed");
            child.wait().expect("a child can be waited for");
        }
    }

    /// Asks again and again until the condition holds: for what the server does on its own, and tells nobody of.
    ///
    /// # Panics
    /// Where it does not within the deadline.
    pub fn wait_until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let started = Instant::now();
        while !condition() {
            assert!(started.elapsed() < DEADLINE, "waited in vain for {what}");
            self.log.wait_a_moment();
        }
    }

    /// Asks the process to end, and waits until it has.
    ///
    /// # Panics
    /// Where it does not end within the deadline.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        terminate(child.id());
        let started = Instant::now();
        while child.try_wait().expect("a child can be waited for").is_none() {
            if started.elapsed() > DEADLINE {
                child.kill().ok();
                child.wait().ok();
                panic!("the server did not end within {DEADLINE:?} of SIGTERM:\n{}", self.log.text());
            }
            self.log.wait_a_moment();
        }
    }

    /// Starts again on the same folder and port, after [`Server::kill9`] or [`Server::stop`].
    pub fn restart(&mut self) {
        self.stop();
        self.spawn();
    }

    /// The same, and answers with the exit status and the log where the server ends instead of answering.
    ///
    /// # Errors
    /// With all that the server printed.
    pub fn try_start(&mut self) -> Result<(), String> {
        let before = self.log.text().len();
        let mut child = Command::new(places::binary())
            .arg("serve")
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .env_remove("RUST_LOG")
            .envs(self.log_filter.map(|filter| ("BULKHEAD_LOG", filter)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server's binary can be started");
        let readers = [
            self.log.clone().follow(child.stdout.take().expect("stdout is a pipe")),
            self.log.clone().follow(child.stderr.take().expect("stderr is a pipe")),
        ];
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                for reader in readers {
                    reader.join().expect("a reader of the log does not panic");
                }
                return Err(format!("the server ended with {status}:\n{}", &self.log.text()[before..]));
            }
            // The line is the last thing that a start prints; the answer shows that it is true.
            let said = self.log.text()[before..].to_owned();
            if said.contains("listening on") && self.answers(&said) {
                self.child = Some(child);
                return Ok(());
            }
            if started.elapsed() > DEADLINE {
                child.kill().ok();
                child.wait().ok();
                return Err(format!("the server did not answer within {DEADLINE:?}:\n{}", &self.log.text()[before..]));
            }
            self.log.wait_a_moment();
        }
    }

    /// Whether it answers. Over TLS, which this harness does not speak, whether it takes connections.
    fn answers(&self, said: &str) -> bool {
        if said.contains(&format!("https://{}", self.address)) {
            return TcpStream::connect_timeout(&self.address, DEADLINE).is_ok();
        }
        self.client().request("GET", "/healthz").try_send().is_ok_and(|response| response.status == 200)
    }

    fn spawn(&mut self) {
        if let Err(message) = self.try_start() {
            panic!("{message}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of the server {}\n{}---", self.address, self.log.text());
            self.kill9();
        } else {
            self.stop();
        }
    }
}

/// Sends SIGTERM.
pub fn terminate(pid: u32) {
    signal(pid, "TERM");
}

/// Sends a signal, by its name.
pub fn signal(pid: u32, name: &str) {
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().expect("a shell can be started");
    assert!(status.success(), "process {pid} cannot be signalled");
}

/// What a server prints, as it comes.
#[derive(Default)]
pub struct Log {
    text: Mutex<String>,
    grown: Condvar,
}

impl Log {
    /// All of it so far.
    #[must_use]
    pub fn text(&self) -> String {
        self.text.lock().expect("no holder of the log panics").clone()
    }

    /// Waits until the text occurs.
    ///
    /// # Panics
    /// Where it does not within the deadline.
    pub fn wait_for(&self, wanted: &str) {
        let text = self.text.lock().expect("no holder of the log panics");
        let (text, waited) =
            self.grown.wait_timeout_while(text, DEADLINE, |text| !text.contains(wanted)).expect("no holder of the log panics");
        assert!(!waited.timed_out(), "`{wanted}` is not in the log:\n{text}");
    }

    /// Until the log grows, at most a few milliseconds: the pace of polling.
    fn wait_a_moment(&self) {
        let text = self.text.lock().expect("no holder of the log panics");
        drop(self.grown.wait_timeout(text, Duration::from_millis(10)).expect("no holder of the log panics"));
    }

    fn follow(self: Arc<Self>, pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<()> {
        std::thread::spawn(move || {
            let mut reader = BufReader::new(pipe);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                self.text.lock().expect("no holder of the log panics").push_str(&String::from_utf8_lossy(&line));
                self.grown.notify_all();
                line.clear();
            }
        })
    }
}
