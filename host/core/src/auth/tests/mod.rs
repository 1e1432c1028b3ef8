//! The gate with plugins that answer what a test says, a clock that only tests move, and an audit log in memory.

mod attacks;
mod audit;
mod buckets;
mod chain;
mod explain;
mod flights;
mod identify;
mod keys;
mod refresh;
mod refusals;
mod revocation;
mod running;
mod scopes;
mod throttle;
mod tokens;
mod verdicts;
mod visible;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, watch};

use super::*;
use crate::ports::audit::{Audit, AuditEntry};
use crate::ports::auth::{
    Access, AccessAction, Answer, Authentication, Authenticator, Authorizer, Certificate, Credential, Standing, Verdict,
};
use crate::ports::clock::{Clock, Timestamp};
use crate::ports::context::{Identity, RequestContext};
use crate::ports::plugin::{PluginError, PluginLabel};

/// When every test begins.
const START: u64 = 1_700_000_000_000;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

struct TestClock {
    now: watch::Sender<u64>,
    slept: AtomicU64,
    /// Whether a wait takes until a test has moved the clock far enough; else it moves the clock itself.
    stands: AtomicBool,
}

impl TestClock {
    fn new() -> Arc<Self> {
        Arc::new(Self { now: watch::Sender::new(START), slept: AtomicU64::new(0), stands: AtomicBool::new(false) })
    }
    fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now += by.as_millis() as u64);
    }
    /// From now on nobody's wait ends before a test says so.
    fn stand_still(&self) {
        self.stands.store(true, Ordering::SeqCst);
    }
    /// How long anybody has waited by it.
    fn slept(&self) -> Duration {
        Duration::from_millis(self.slept.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(*self.now.borrow())
    }
    async fn sleep(&self, wait: Duration) {
        self.slept.fetch_add(wait.as_millis() as u64, Ordering::SeqCst);
        if self.stands.load(Ordering::SeqCst) {
            let end = self.now().after(wait).0;
            self.now.subscribe().wait_for(|now| *now >= end).await.unwrap();
        } else {
            self.advance(wait);
        }
    }
}

#[derive(Default)]
struct AuditLog(Mutex<Vec<AuditEntry>>);

impl AuditLog {
    /// What has come since the last time.
    fn take(&self) -> Vec<AuditEntry> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[async_trait]
impl Audit for AuditLog {
    async fn record(&self, entry: AuditEntry) {
        self.0.lock().unwrap().push(entry);
    }
}

type Answers = dyn Fn(&Credential) -> Result<Authentication, PluginError> + Send + Sync;

/// An authenticator that answers what it was told to, and counts how often it was asked.
struct Who {
    label: PluginLabel,
    answers: Box<Answers>,
    standing: Mutex<Result<Standing, PluginError>>,
    asked: AtomicUsize,
    looked_up: Mutex<Vec<(String, Option<String>)>>,
    /// A call waits for a permit, and takes it.
    doors: Semaphore,
}

impl Who {
    fn new(
        name: &str,
        answers: impl Fn(&Credential) -> Result<Authentication, PluginError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            label: label(name),
            answers: Box::new(answers),
            standing: Mutex::new(Ok(Standing::Untracked)),
            asked: AtomicUsize::new(0),
            looked_up: Mutex::default(),
            doors: Semaphore::new(Semaphore::MAX_PERMITS),
        })
    }

    fn always(name: &str, answer: Result<Authentication, PluginError>) -> Arc<Self> {
        Self::new(name, move |_| answer.clone())
    }

    /// Accepts the password `right` of anybody, abstains on users named `stranger`, rejects the rest.
    fn staff(reuse: u32) -> Arc<Self> {
        Self::new("staff", move |credential| {
            Ok(match credential {
                Credential::Basic { user, .. } if user == "stranger" => Authentication::Abstained,
                Credential::Basic { user, secret } if secret == "right" => accepted(identity(user), reuse),
                _ => Authentication::Rejected("wrong password".to_owned()),
            })
        })
    }

    fn stands(&self, standing: Result<Standing, PluginError>) {
        *self.standing.lock().unwrap() = standing;
    }
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
    fn looked_up(&self) -> usize {
        self.looked_up.lock().unwrap().len()
    }
    /// From now on each call waits until it is let go.
    fn shut(&self) {
        self.doors.forget_permits(Semaphore::MAX_PERMITS);
    }
    fn let_go(&self, calls: usize) {
        self.doors.add_permits(calls);
    }
}

#[async_trait]
impl Authenticator for Who {
    fn label(&self) -> &PluginLabel {
        &self.label
    }
    async fn authenticate(&self, _: &RequestContext, credential: &Credential) -> Result<Authentication, PluginError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.doors.acquire().await.unwrap().forget();
        (self.answers)(credential)
    }
    async fn lookup(&self, _: &RequestContext, subject: &str, proof: Option<&str>) -> Result<Standing, PluginError> {
        self.looked_up.lock().unwrap().push((subject.to_owned(), proof.map(str::to_owned)));
        self.standing.lock().unwrap().clone()
    }
}

type Judges = dyn Fn(Option<&Identity>, &Access) -> Result<Verdict, PluginError> + Send + Sync;

/// An authorizer that decides as it was told to, and counts the accesses that it was asked about.
struct May {
    label: PluginLabel,
    judges: Box<Judges>,
    reuse: u32,
    asked: AtomicUsize,
}

impl May {
    fn new(
        name: &str,
        reuse: u32,
        judges: impl Fn(Option<&Identity>, &Access) -> Result<Verdict, PluginError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { label: label(name), judges: Box::new(judges), reuse, asked: AtomicUsize::new(0) })
    }
    fn always(name: &str, reuse: u32, answer: Result<Verdict, PluginError>) -> Arc<Self> {
        Self::new(name, reuse, move |_, _| answer.clone())
    }
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Authorizer for May {
    fn label(&self) -> &PluginLabel {
        &self.label
    }
    async fn authorize(&self, _: &RequestContext, who: Option<&Identity>, accesses: &[Access]) -> Result<Answer, PluginError> {
        self.asked.fetch_add(accesses.len(), Ordering::SeqCst);
        let verdicts = accesses.iter().map(|access| (self.judges)(who, access)).collect::<Result<_, _>>()?;
        Ok(Answer { verdicts, reuse: self.reuse })
    }
}

/// A gate with all that it works with.
struct World {
    gate: Gate,
    clock: Arc<TestClock>,
    audit: Arc<AuditLog>,
    keys: Arc<KeyRing>,
    throttle: Arc<Throttle>,
}

impl World {
    fn new(authenticators: Vec<Arc<dyn Authenticator>>, authorizers: Vec<Arc<dyn Authorizer>>) -> Self {
        Self::throttled(ThrottleOptions::default(), authenticators, authorizers)
    }

    fn throttled(
        options: ThrottleOptions,
        authenticators: Vec<Arc<dyn Authenticator>>,
        authorizers: Vec<Arc<dyn Authorizer>>,
    ) -> Self {
        let clock = TestClock::new();
        let throttle = Arc::new(Throttle::new(options, clock.clone()));
        let keys = Arc::new(KeyRing::new(new_key(), vec![]));
        let audit = Arc::new(AuditLog::default());
        Self::of(Chain { authenticators, authorizers }, clock, audit, keys, throttle)
    }

    /// Another gate with the same clock, audit log, keys and throttle.
    fn beside(&self, authenticators: Vec<Arc<dyn Authenticator>>, authorizers: Vec<Arc<dyn Authorizer>>) -> Self {
        let chain = Chain { authenticators, authorizers };
        Self::of(chain, self.clock.clone(), self.audit.clone(), self.keys.clone(), self.throttle.clone())
    }

    fn of(chain: Chain, clock: Arc<TestClock>, audit: Arc<AuditLog>, keys: Arc<KeyRing>, throttle: Arc<Throttle>) -> Self {
        let gate = Gate::new(GateParts {
            chain,
            keys: keys.clone(),
            clock: clock.clone(),
            audit: audit.clone(),
            throttle: throttle.clone(),
            options: GateOptions::default(),
        });
        Self { gate, clock, audit, keys, throttle }
    }

    /// Who this is, told of as briefly as can be: a user's name, `anonymous`, or `token`.
    async fn shown(&self, context: &RequestContext, credential: &Credential) -> Result<String, AuthFailure> {
        Ok(match self.gate.identify(context, Some(credential)).await? {
            Caller::Anonymous => "anonymous".to_owned(),
            Caller::Known(identity) => identity.subject.clone(),
            Caller::Token(_) => "token".to_owned(),
        })
    }

    async fn issue(&self, credential: &Credential, scope: &str, offline: Offline) -> Result<IssuedToken, AuthFailure> {
        self.gate.issue(&here(), Some(credential), &ScopeRequest::parse_list(scope), offline).await
    }

    async fn token(&self, scope: &str) -> IssuedToken {
        self.issue(&basic("right"), scope, Offline::NotWanted).await.unwrap()
    }
}

/// Staff who need asking each time, and rules that allow everything.
fn open_world() -> World {
    World::new(vec![Who::staff(0)], vec![May::always("rules", 0, allow())])
}

fn new_key() -> TokenKey {
    TokenKey::from_pem(&TokenKey::generate().unwrap()).unwrap()
}

fn label(name: &str) -> PluginLabel {
    PluginLabel { name: name.into(), digest: "sha256:0".into() }
}

fn identity(subject: &str) -> Identity {
    Identity { plugin: "staff".into(), subject: subject.to_owned(), groups: vec![], claims: vec![], expires: None }
}

fn ending(subject: &str, after: Duration) -> Identity {
    Identity { expires: Some(Timestamp(START).after(after)), ..identity(subject) }
}

fn accepted(identity: Identity, reuse: u32) -> Authentication {
    Authentication::Accepted { identity, reuse, proof: Some("p1".to_owned()) }
}

fn accepts(reuse: u32) -> Result<Authentication, PluginError> {
    Ok(accepted(identity("alice"), reuse))
}

fn allow() -> Result<Verdict, PluginError> {
    Ok(Verdict::Allow("everybody may".to_owned()))
}

fn deny() -> Result<Verdict, PluginError> {
    Ok(Verdict::Deny("nobody may".to_owned()))
}

fn trap() -> PluginError {
    PluginError::Trapped("unreachable".to_owned())
}

fn context(registry: &str, host: &str) -> RequestContext {
    RequestContext {
        request_id: "0123456789abcdef".into(),
        registry: registry.parse().unwrap(),
        received: Timestamp(START),
        address: "192.0.2.1:1".into(),
        source: "192.0.2.1".parse().unwrap(),
        host: host.into(),
        method: "GET".into(),
        user_agent: None,
        encrypted: false,
    }
}

fn here() -> RequestContext {
    context("default", "localhost:5000")
}

fn from(source: &str) -> RequestContext {
    RequestContext { source: source.parse().unwrap(), address: source.into(), ..here() }
}

fn login(user: &str, secret: &str) -> Credential {
    Credential::Basic { user: user.to_owned(), secret: secret.to_owned() }
}

fn basic(secret: &str) -> Credential {
    login("alice", secret)
}

fn bearer(token: &str) -> Credential {
    Credential::Bearer(token.to_owned())
}

/// A refresh token as Docker presents it.
fn nobody(token: &str) -> Credential {
    login("00000000-0000-0000-0000-000000000000", token)
}

fn certificate(expires: Timestamp) -> Credential {
    let certificate = Certificate { subject: "CN=alice".to_owned(), names: vec![], fingerprint: "ab".repeat(32), expires };
    Credential::Certificate(Arc::new(certificate))
}

fn access(action: AccessAction, name: &str) -> Access {
    Access { action, repository: Some(name.parse().unwrap()) }
}

fn pull(name: &str) -> Access {
    access(AccessAction::Pull, name)
}

fn known(identity: Identity) -> Caller {
    Caller::Known(Arc::new(identity))
}
