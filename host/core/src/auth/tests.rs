//! The chain fails closed, tokens are for one place and one time, and what a gate remembers ends when it said.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::*;
use crate::ports::auth::{Access, AccessAction, Authentication, Authenticator, Authorizer, Credential, Verdict};
use crate::ports::clock::{Clock, Timestamp};
use crate::ports::context::{Identity, RequestContext};
use crate::ports::plugin::{PluginError, PluginLabel};

struct TestClock(AtomicU64);

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
    async fn sleep(&self, wait: Duration) {
        self.0.fetch_add(wait.as_millis() as u64, Ordering::SeqCst);
    }
}

fn label(name: &str) -> PluginLabel {
    PluginLabel { name: name.into(), digest: "sha256:0".into() }
}

fn identity(subject: &str) -> Identity {
    Identity { plugin: "staff".into(), subject: subject.to_owned(), groups: vec![], claims: vec![], expires: None }
}

/// Answers always the same, and counts how often it was asked.
struct Fixed<A> {
    label: PluginLabel,
    answer: A,
    asked: AtomicUsize,
}

impl<A> Fixed<A> {
    fn new(name: &str, answer: A) -> Arc<Self> {
        Arc::new(Self { label: label(name), answer, asked: AtomicUsize::new(0) })
    }
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Authenticator for Fixed<Result<Authentication, PluginError>> {
    fn label(&self) -> &PluginLabel {
        &self.label
    }
    async fn authenticate(&self, _: &RequestContext, _: &Credential) -> Result<Authentication, PluginError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.answer.clone()
    }
}

#[async_trait]
impl Authorizer for Fixed<Result<Verdict, PluginError>> {
    fn label(&self) -> &PluginLabel {
        &self.label
    }
    async fn authorize(
        &self,
        _: &RequestContext,
        _: Option<&Identity>,
        accesses: &[Access],
    ) -> Result<Vec<Verdict>, PluginError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(vec![self.answer.clone()?; accesses.len()])
    }
}

fn accepts(reuse: u32) -> Result<Authentication, PluginError> {
    Ok(Authentication::Accepted { identity: identity("alice"), reuse })
}

struct World {
    gate: Gate,
    clock: Arc<TestClock>,
}

fn world(authenticators: Vec<Arc<dyn Authenticator>>, authorizers: Vec<Arc<dyn Authorizer>>) -> World {
    let clock = Arc::new(TestClock(AtomicU64::new(1_700_000_000_000)));
    let key = TokenKey::from_pem(&TokenKey::generate().unwrap()).unwrap();
    let chain = Chain { authenticators, authorizers };
    let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
    World { gate: Gate::new(chain, key, shared, GateOptions::default()), clock }
}

fn context(registry: &str, host: &str) -> RequestContext {
    RequestContext {
        request_id: "0123456789abcdef".into(),
        registry: registry.parse().unwrap(),
        received: Timestamp(0),
        address: "127.0.0.1:1".into(),
        host: host.into(),
        method: "GET".into(),
        user_agent: None,
        encrypted: false,
    }
}

fn here() -> RequestContext {
    context("default", "localhost:5000")
}

fn basic(secret: &str) -> Credential {
    Credential::Basic { user: "alice".to_owned(), secret: secret.to_owned() }
}

fn access(action: AccessAction, name: &str) -> Access {
    Access { action, repository: Some(name.parse().unwrap()) }
}

#[tokio::test]
async fn the_first_that_does_not_abstain_says_who_a_caller_is() {
    let first = Fixed::new("first", Ok(Authentication::Abstained));
    let second = Fixed::new("second", accepts(0));
    let third = Fixed::new("third", Ok(Authentication::Rejected("no".to_owned())));
    let world = world(vec![first, second, third.clone()], vec![]);
    let caller = world.gate.identify(&here(), Some(&basic("x"))).await.unwrap();
    assert_eq!(caller.actor().as_deref(), Some("alice"));
    assert_eq!(third.asked(), 0);
}

#[tokio::test]
async fn a_credential_on_which_all_abstain_is_rejected() {
    let world = world(vec![Fixed::new("first", Ok(Authentication::Abstained))], vec![]);
    assert_eq!(world.gate.identify(&here(), Some(&basic("x"))).await.unwrap_err(), AuthFailure::Rejected);
}

#[tokio::test]
async fn an_authenticator_that_fails_lets_nobody_in_and_nobody_else_is_asked() {
    for error in [PluginError::Trapped("x".to_owned()), PluginError::TimedOut(Duration::ZERO), PluginError::NotFound] {
        let second = Fixed::new("second", accepts(0));
        let world = world(vec![Fixed::new("first", Err(error)), second.clone()], vec![]);
        assert_eq!(world.gate.identify(&here(), Some(&basic("x"))).await.unwrap_err(), AuthFailure::Unavailable);
        assert_eq!(second.asked(), 0);
    }
}

#[tokio::test]
async fn an_authorizer_that_fails_denies_even_where_the_next_would_allow() {
    let failing = Fixed::new("first", Err(PluginError::Trapped("x".to_owned())));
    let world = world(vec![], vec![failing, Fixed::new("second", Ok(Verdict::Allow))]);
    let wanted = [access(AccessAction::Pull, "a")];
    assert_eq!(world.gate.permit(&here(), &Caller::Anonymous, &wanted).await, Err(Refusal::Anonymous));
    let known = Caller::Known(Arc::new(identity("alice")));
    assert_eq!(world.gate.permit(&here(), &known, &wanted).await, Err(Refusal::Denied));
}

#[tokio::test]
async fn nobody_in_the_chain_means_denied() {
    let world = world(vec![], vec![Fixed::new("first", Ok(Verdict::Abstain))]);
    let known = Caller::Known(Arc::new(identity("alice")));
    assert_eq!(world.gate.permit(&here(), &known, &[access(AccessAction::Pull, "a")]).await, Err(Refusal::Denied));
}

#[tokio::test]
async fn an_accepted_credential_is_remembered_for_as_long_as_the_plugin_says_and_no_other_secret_with_it() {
    let plugin = Fixed::new("staff", accepts(60));
    let world = world(vec![plugin.clone()], vec![]);
    for _ in 0..3 {
        world.gate.identify(&here(), Some(&basic("x"))).await.unwrap();
    }
    assert_eq!(plugin.asked(), 1);
    world.gate.identify(&here(), Some(&basic("y"))).await.unwrap();
    assert_eq!(plugin.asked(), 2);
    world.clock.sleep(Duration::from_secs(60)).await;
    world.gate.identify(&here(), Some(&basic("x"))).await.unwrap();
    assert_eq!(plugin.asked(), 3);
}

async fn token(world: &World, scope: &str) -> IssuedToken {
    world.gate.issue(&here(), Some(&basic("x")), &ScopeRequest::parse_list(scope)).await.unwrap()
}

fn full() -> World {
    world(vec![Fixed::new("staff", accepts(0))], vec![Fixed::new("rules", Ok(Verdict::Allow))])
}

#[tokio::test]
async fn a_token_covers_what_was_asked_for_and_granted_and_nothing_else() {
    let world = full();
    let issued = token(&world, "repository:a/b:pull,push repository:A:pull repository(plugin):c:pull registry:catalog:* x").await;
    assert_eq!(issued.scope, "repository:a/b:pull,push repository:c:pull registry:catalog:*");
    let caller = world.gate.identify(&here(), Some(&Credential::Bearer(issued.token))).await.unwrap();
    let may = async |access: Access| world.gate.permit(&here(), &caller, &[access]).await;
    assert_eq!(may(access(AccessAction::Push, "a/b")).await, Ok(()));
    assert_eq!(may(Access { action: AccessAction::ListRepositories, repository: None }).await, Ok(()));
    assert_eq!(may(access(AccessAction::Delete, "a/b")).await, Err(Refusal::InsufficientScope));
    assert_eq!(may(access(AccessAction::Pull, "a")).await, Err(Refusal::InsufficientScope));
    assert_eq!(may(Access { action: AccessAction::Administer, repository: None }).await, Err(Refusal::InsufficientScope));
}

#[tokio::test]
async fn what_is_not_allowed_is_left_out_of_a_token() {
    let denies = Fixed::new("rules", Ok(Verdict::Deny("no".to_owned())));
    let world = world(vec![Fixed::new("staff", accepts(0))], vec![denies]);
    assert_eq!(token(&world, "repository:a:pull").await.scope, "");
}

#[tokio::test]
async fn a_token_is_worthless_elsewhere_later_or_changed() {
    let world = full();
    let issued = token(&world, "repository:a:pull").await.token;
    let shown = async |context: RequestContext, token: &str| {
        world.gate.identify(&context, Some(&Credential::Bearer(token.to_owned()))).await.map(|_| ())
    };
    assert_eq!(shown(here(), &issued).await, Ok(()));
    assert_eq!(shown(context("other", "localhost:5000"), &issued).await, Err(AuthFailure::InvalidToken));
    assert_eq!(shown(context("default", "elsewhere"), &issued).await, Err(AuthFailure::InvalidToken));
    let mut forged = issued.clone().into_bytes();
    let middle = forged.len() / 2;
    forged[middle] = if forged[middle] == b'A' { b'B' } else { b'A' };
    assert_eq!(shown(here(), &String::from_utf8(forged).unwrap()).await, Err(AuthFailure::InvalidToken));
    world.clock.sleep(Duration::from_secs(300)).await;
    assert_eq!(shown(here(), &issued).await, Err(AuthFailure::InvalidToken));
}

#[tokio::test]
async fn a_token_of_another_key_or_another_registry_is_refused_by_a_gate_that_never_saw_it() {
    let (ours, theirs) = (full(), full());
    let issued = token(&theirs, "repository:a:pull").await.token;
    let caller = ours.gate.identify(&here(), Some(&Credential::Bearer(issued))).await;
    assert!(!matches!(caller, Ok(Caller::Token(_))));

    let issued = token(&ours, "repository:a:pull").await.token;
    let bearer = Credential::Bearer(issued);
    let fresh = Gate::new(Chain::default(), ours.gate.key_for_tests(), ours.clock.clone(), GateOptions::default());
    let other = context("other", "localhost:5000");
    assert_eq!(fresh.identify(&other, Some(&bearer)).await.unwrap_err(), AuthFailure::InvalidToken);
}

#[tokio::test]
async fn a_token_buys_no_newer_token() {
    let world = full();
    let issued = token(&world, "repository:a:pull").await.token;
    let again = world.gate.issue(&here(), Some(&Credential::Bearer(issued)), &[]).await;
    assert_eq!(again, Err(AuthFailure::Rejected));
}

#[tokio::test]
async fn a_token_says_who_it_was_given_to_as_plugins_know_them() {
    let known = Identity {
        groups: vec!["ops".to_owned()],
        claims: vec![("team".to_owned(), "payments".to_owned())],
        ..identity("alice")
    };
    let answer = Ok(Authentication::Accepted { identity: known.clone(), reuse: 0 });
    let world = world(vec![Fixed::new("staff", answer)], vec![Fixed::new("rules", Ok(Verdict::Allow))]);
    let issued = token(&world, "repository:a:pull").await.token;
    let caller = world.gate.identify(&here(), Some(&Credential::Bearer(issued))).await.unwrap();
    assert_eq!(caller.identity(), Some(&known));
    let anonymous = world.gate.issue(&here(), None, &[]).await.unwrap().token;
    let caller = world.gate.identify(&here(), Some(&Credential::Bearer(anonymous))).await.unwrap();
    assert_eq!((caller.identity(), caller.actor()), (None, None));
}

#[tokio::test]
async fn an_identity_that_no_request_could_carry_gets_no_token() {
    let known = Identity { groups: vec!["g".repeat(100); 100], ..identity("alice") };
    let world = world(vec![Fixed::new("staff", Ok(Authentication::Accepted { identity: known, reuse: 0 }))], vec![]);
    assert_eq!(world.gate.issue(&here(), Some(&basic("x")), &[]).await, Err(AuthFailure::IdentityTooLarge));
}

#[tokio::test]
async fn what_a_caller_may_see_is_asked_of_the_chain_whatever_the_scope_of_its_token() {
    let world = full();
    let names = vec!["a".parse().unwrap(), "b".parse().unwrap()];
    let issued = token(&world, "repository:c:push").await.token;
    let caller = world.gate.identify(&here(), Some(&Credential::Bearer(issued))).await.unwrap();
    assert_eq!(world.gate.visible(&here(), &caller, names.clone()).await, Ok(names.clone()));
    // One that names somebody of whom it says nothing more: nobody can say.
    let grant = TokenGrant { subject: Some("alice".to_owned()), identity: None, grants: vec![], expires: Timestamp(u64::MAX) };
    assert_eq!(world.gate.visible(&here(), &Caller::Token(Arc::new(grant)), names.clone()).await, Ok(vec![]));
    let with = |answer| {
        let chain = Chain { authenticators: vec![], authorizers: vec![Fixed::new("rules", answer)] };
        Gate::new(chain, world.gate.key_for_tests(), world.clock.clone(), GateOptions::default())
    };
    let denying = with(Ok(Verdict::Deny("no".to_owned())));
    assert_eq!(denying.visible(&here(), &Caller::Anonymous, names.clone()).await, Ok(vec![]));
    let failing = with(Err(PluginError::Trapped("x".to_owned())));
    assert_eq!(failing.visible(&here(), &Caller::Anonymous, names).await, Err(AuthFailure::Unavailable));
}
