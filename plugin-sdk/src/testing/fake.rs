//! The fake host: what it holds, how a test sets it up and looks into it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use super::below::FakeLayer;
use crate::accounts::Account;
use crate::log::Level;
use crate::{Error, HttpRequest, HttpResponse, Result, Timestamp};

thread_local! {
    static CURRENT: RefCell<State> = RefCell::new(State::default());
}

/// A host to be: says what it holds and grants. By default it grants nothing, and it is 2026-01-01T00:00:00Z.
#[derive(Debug, Default)]
#[must_use = "call `install` to use it"]
pub struct FakeHost(State);

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How bad it is.
    pub level: Level,
    /// What the plugin wrote.
    pub text: String,
}

/// The host of this thread, until this value is dropped.
#[derive(Debug)]
#[must_use = "the fake host ends when this is dropped"]
pub struct Installed(PhantomData<*const ()>);

#[derive(Debug)]
pub(super) struct State {
    pub(super) now: Timestamp,
    pub(super) random: u64,
    pub(super) directories: BTreeSet<String>,
    pub(super) granted_files: BTreeSet<String>,
    pub(super) files: BTreeMap<String, FakeFile>,
    pub(super) answers: BTreeMap<String, VecDeque<Result<HttpResponse>>>,
    pub(super) services: BTreeMap<String, Service>,
    pub(super) requests: Vec<HttpRequest>,
    pub(super) secrets: BTreeMap<String, Vec<u8>>,
    pub(super) kv: BTreeMap<String, (Vec<u8>, Option<Timestamp>)>,
    pub(super) kv_refused: bool,
    /// What other instances put into the plugin's state, and when; the earliest first.
    pub(super) kv_to_come: BTreeMap<(Timestamp, String), Vec<u8>>,
    /// None: not granted.
    pub(super) accounts: Option<BTreeMap<String, FakeAccount>>,
    /// What a storage plugin lies over.
    pub(super) layers: BTreeMap<String, FakeLayer>,
    pub(super) log: Vec<LogLine>,
}

/// Answers all requests to an origin.
#[derive(Clone)]
pub(super) struct Service(pub(super) Rc<Answering>);

type Answering = dyn Fn(&HttpRequest) -> Result<HttpResponse>;

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Service")
    }
}

#[derive(Debug, Clone)]
pub(super) struct FakeAccount {
    pub(super) account: Account,
    pub(super) secret: String,
}

#[derive(Debug, Clone)]
pub(super) struct FakeFile {
    pub(super) bytes: Vec<u8>,
    pub(super) modified: Timestamp,
}

impl Default for State {
    fn default() -> Self {
        Self {
            now: 1_767_225_600_000,
            random: 0,
            directories: BTreeSet::new(),
            granted_files: BTreeSet::new(),
            files: BTreeMap::new(),
            answers: BTreeMap::new(),
            services: BTreeMap::new(),
            requests: Vec::new(),
            secrets: BTreeMap::new(),
            kv: BTreeMap::new(),
            kv_refused: false,
            kv_to_come: BTreeMap::new(),
            accounts: None,
            layers: BTreeMap::new(),
            log: Vec::new(),
        }
    }
}

impl State {
    /// The time is this now, and what was to come until then has.
    pub(super) fn set_now(&mut self, now: Timestamp) {
        self.now = now;
        while let Some(first) = self.kv_to_come.first_entry().filter(|first| first.key().0 <= now) {
            let ((_, key), value) = first.remove_entry();
            self.kv.insert(key, (value, None));
        }
    }

    fn put(&mut self, path: &str, bytes: Vec<u8>) {
        self.files.insert(path.to_owned(), FakeFile { bytes, modified: self.now });
    }
}

/// Looks at the host of this thread, or changes it.
pub(super) fn state<T>(look: impl FnOnce(&mut State) -> T) -> T {
    CURRENT.with_borrow_mut(look)
}

impl FakeHost {
    /// A host that holds and grants nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the clock, in milliseconds since 1970.
    pub fn now(mut self, now: Timestamp) -> Self {
        self.0.now = now;
        self
    }

    /// What the random bytes follow from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.random = seed;
        self
    }

    /// Has a layer of this name below the plugin, empty so far.
    pub fn layer(mut self, name: &str) -> Self {
        self.0.layers.insert(name.to_owned(), FakeLayer::default());
        self
    }

    /// Grants a directory, empty so far.
    pub fn directory(mut self, path: &str) -> Self {
        self.0.directories.insert(path.trim_end_matches('/').to_owned());
        self
    }

    /// Grants a single file that has this content.
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.0.granted_files.insert(path.to_owned());
        self.0.put(path, content.into());
        self
    }

    /// Answers the next request to exactly this URL; several answers are given one after the other, the last one for good. A request to any
    /// other URL is denied.
    pub fn answer(mut self, url: &str, answer: HttpResponse) -> Self {
        self.0.answers.entry(url.to_owned()).or_default().push_back(Ok(answer));
        self
    }

    /// Like [`FakeHost::answer`], for a request that fails.
    pub fn failure(mut self, url: &str, error: Error) -> Self {
        self.0.answers.entry(url.to_owned()).or_default().push_back(Err(error));
        self
    }

    /// Answers every request to this origin, as [`http::origin`](crate::http::origin) writes it, for which no other answer is set.
    pub fn service(mut self, origin: &str, answer: impl Fn(&HttpRequest) -> Result<HttpResponse> + 'static) -> Self {
        self.0.services.insert(origin.to_owned(), Service(Rc::new(answer)));
        self
    }

    /// Grants a secret.
    pub fn secret(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.0.secrets.insert(name.to_owned(), value.into());
        self
    }

    /// Sets a value of the plugin's own state.
    pub fn kv(mut self, key: &str, value: impl Into<Vec<u8>>) -> Self {
        self.0.kv.insert(key.to_owned(), (value.into(), None));
        self
    }

    /// Refuses the plugin a state of its own, which is granted otherwise.
    pub fn without_kv(mut self) -> Self {
        self.0.kv_refused = true;
        self
    }

    /// Grants the accounts of the registry, none so far.
    pub fn accounts(mut self) -> Self {
        self.0.accounts.get_or_insert_default();
        self
    }

    /// Grants the accounts, with this one among them. The proof of its one secret is `1`, and the secret never ends.
    pub fn account(mut self, account: Account, secret: &str) -> Self {
        let known = FakeAccount { secret: secret.to_owned(), account };
        self.0.accounts.get_or_insert_default().insert(known.account.name.clone(), known);
        self
    }

    /// Makes it the host of this thread.
    pub fn install(self) -> Installed {
        state(|current| *current = self.0);
        Installed(PhantomData)
    }
}

impl Installed {
    /// Sets the clock.
    pub fn set_now(&self, now: Timestamp) {
        state(|state| state.set_now(now));
    }

    /// At that time another instance will set a value of the plugin's state.
    pub fn set_kv_at(&self, at: Timestamp, key: &str, value: impl Into<Vec<u8>>) {
        state(|state| state.kv_to_come.insert((at, key.to_owned()), value.into()));
    }

    /// Writes a file, as an operator does or the host itself for a sink. Its modification time is the clock's.
    pub fn set_file(&self, path: &str, content: impl Into<Vec<u8>>) {
        state(|state| state.put(path, content.into()));
    }

    /// Takes a file away.
    pub fn remove_file(&self, path: &str) {
        state(|state| state.files.remove(path));
    }

    /// What a file holds.
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        state(|state| state.files.get(path).map(|file| file.bytes.clone()))
    }

    /// The paths of all files, in byte order.
    pub fn paths(&self) -> Vec<String> {
        state(|state| state.files.keys().cloned().collect())
    }

    /// What a layer has under a key.
    pub fn object(&self, layer: &str, key: &str) -> Option<Vec<u8>> {
        state(|state| state.layers.get(layer)?.objects.get(key).map(|(bytes, _)| bytes.clone()))
    }

    /// Puts an object into a layer.
    pub fn set_object(&self, layer: &str, key: &str, bytes: impl Into<Vec<u8>>) {
        state(|state| {
            let now = state.now;
            if let Some(layer) = state.layers.get_mut(layer) {
                layer.objects.insert(key.to_owned(), (bytes.into(), now));
            }
        });
    }

    /// The keys of a layer's objects, in byte order.
    pub fn objects(&self, layer: &str) -> Vec<String> {
        state(|state| state.layers.get(layer).map(|layer| layer.objects.keys().cloned().collect()).unwrap_or_default())
    }

    /// How many uploads of a layer are under way.
    pub fn uploads(&self, layer: &str) -> usize {
        state(|state| state.layers.get(layer).map_or(0, |layer| layer.uploads.len()))
    }

    /// The requests so far, refused ones included.
    pub fn requests(&self) -> Vec<HttpRequest> {
        state(|state| state.requests.clone())
    }

    /// Answers each request to this URL with that from now on.
    pub fn set_answer(&self, url: &str, answer: Result<HttpResponse>) {
        state(|state| state.answers.insert(url.to_owned(), VecDeque::from([answer])));
    }

    /// Puts an account in the place of the one of its name, as if an administrator had changed it.
    pub fn set_account(&self, account: Account, secret: &str) {
        let known = FakeAccount { secret: secret.to_owned(), account };
        state(|state| state.accounts.get_or_insert_default().insert(known.account.name.clone(), known));
    }

    /// Takes an account away.
    pub fn remove_account(&self, name: &str) {
        state(|state| state.accounts.as_mut().and_then(|accounts| accounts.remove(name)));
    }

    /// A value of the plugin's own state, if it still lives.
    pub fn kv(&self, key: &str) -> Option<Vec<u8>> {
        crate::kv::get(key).ok().flatten()
    }

    /// The log so far.
    pub fn log(&self) -> Vec<LogLine> {
        state(|state| state.log.clone())
    }

    /// Whether a line of the log has this in it.
    pub fn logged(&self, part: &str) -> bool {
        state(|state| state.log.iter().any(|line| line.text.contains(part)))
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        state(|state| *state = State::default());
    }
}
