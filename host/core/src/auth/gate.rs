//! The gate of one registry: credentials in, callers and permits out. What it remembers never crosses to another registry.
//!
//! Logging in is in `login`, tokens are in `issue` and `refresh`, lists and mounts in `visible`, explanations in `explain`.

use std::sync::Arc;
use std::time::Duration;

use tracing::debug;

use super::caller::{Caller, TokenGrant};
use super::chain::Chain;
use super::check::Check;
use super::claims::TokenUse;
use super::decision::{Decision, Ruling};
use super::failure::{AuthFailure, Refusal};
use super::flights::Flights;
use super::keyring::KeyRing;
use super::login::{Landed, Login};
use super::record::{self, RefusedLogin};
use super::remember::{Memory, Vouched, credential_id};
use super::throttle::Throttle;
use super::verdicts::{CallerMark, Verdicts};
use crate::ports::audit::{Audit, AuditAction, AuditOutcome};
use crate::ports::auth::{Access, Credential};
use crate::ports::clock::Clock;
use crate::ports::context::{Identity, RequestContext};

/// The shortest life of a token, which Docker's clients take for granted.
pub(super) const SHORTEST_LIFE: Duration = Duration::from_secs(60);

/// How a gate works.
#[derive(Clone, Copy, Debug)]
pub struct GateOptions {
    /// An access token's life; at least 60 s (shorter counts as 60 s).
    pub token_life: Duration,
    /// A refresh token's life, if the plugin that vouched can tell what becomes of the subject; at least 60 s.
    pub refresh_life: Duration,
}

impl Default for GateOptions {
    fn default() -> Self {
        Self { token_life: Duration::from_secs(300), refresh_life: Duration::from_secs(90 * 24 * 60 * 60) }
    }
}

/// What a gate is put together from.
pub struct GateParts {
    /// The plugins of the registry.
    pub chain: Chain,
    /// The host's keys; all its gates share them.
    pub keys: Arc<KeyRing>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Hears of what is refused.
    pub audit: Arc<dyn Audit>,
    /// Counts failed logins; all gates of the host share it.
    pub throttle: Arc<Throttle>,
    /// How it works.
    pub options: GateOptions,
}

/// Lets callers of one registry in.
pub struct Gate {
    pub(super) chain: Chain,
    pub(super) keys: Arc<KeyRing>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) audit: Arc<dyn Audit>,
    pub(super) throttle: Arc<Throttle>,
    pub(super) options: GateOptions,
    pub(super) memory: Memory,
    pub(super) flights: Flights<Landed>,
    verdicts: Verdicts,
}

/// What a credential turned out to be.
pub(super) enum Found {
    /// A token of this host.
    Token(Arc<TokenGrant>),
    /// A plugin vouches for it, and was asked now.
    Vouched(Vouched),
    /// A plugin vouched for it a while ago.
    Remembered(Vouched),
    /// Nobody knows it, and it was not presented on purpose.
    Nobody,
}

impl Gate {
    /// A gate that remembers nothing yet.
    pub fn new(parts: GateParts) -> Self {
        let GateParts { chain, keys, clock, audit, throttle, options } = parts;
        let options = GateOptions {
            token_life: options.token_life.max(SHORTEST_LIFE),
            refresh_life: options.refresh_life.max(SHORTEST_LIFE),
        };
        let (memory, flights, verdicts) = (Memory::default(), Flights::default(), Verdicts::default());
        Self { chain, keys, clock, audit, throttle, options, memory, flights, verdicts }
    }

    /// The public halves of the keys that sign tokens, as a JSON Web Key Set (RFC 7517).
    pub fn jwks(&self) -> serde_json::Value {
        self.keys.jwks()
    }

    /// Who presents this? Nothing presented: an anonymous caller; and so is whoever presents a certificate that nobody in the chain knows.
    ///
    /// # Errors
    /// [`AuthFailure`]: nobody is let in.
    pub async fn identify(&self, context: &RequestContext, credential: Option<&Credential>) -> Result<Caller, AuthFailure> {
        let Some(credential) = credential else { return Ok(Caller::Anonymous) };
        match self.find(context, credential).await {
            Ok(Found::Token(grant)) => Ok(Caller::Token(grant)),
            Ok(Found::Vouched(vouched) | Found::Remembered(vouched)) => Ok(Caller::Known(vouched.identity)),
            Ok(Found::Nobody) => Ok(Caller::Anonymous),
            Err(AuthFailure::Rejected) if matches!(credential, Credential::Bearer(_)) => Err(AuthFailure::InvalidToken),
            Err(failure) => Err(failure),
        }
    }

    /// Asks the memory, the keys and the chain, in this order. A token that names one of our keys is ours or nobody's: no plugin hears
    /// of it.
    pub(super) async fn find(&self, context: &RequestContext, credential: &Credential) -> Result<Found, AuthFailure> {
        let id = credential_id(context, credential);
        let now = self.clock.now();
        let generation = self.keys.generation();
        if let Credential::Bearer(_) = credential
            && let Some(grant) = self.memory.token(&id, generation, now)
        {
            return Ok(Found::Token(grant));
        }
        if let Some(vouched) = self.memory.vouched(&id, now) {
            return Ok(Found::Remembered(vouched));
        }
        if let Credential::Bearer(token) = credential
            && let Some(key) = self.keys.maker(token)
        {
            let grant = match key.verify(token, token_use(context), now) {
                Ok(grant) if self.is_current(&grant) => Arc::new(grant),
                Ok(grant) => {
                    let reason = "the plugin that vouched for the token's subject is not in the chain any more";
                    return Err(self.no_token(context, grant.identity.as_ref(), Some(reason)).await);
                }
                Err(worthless) => return Err(self.no_token(context, None, worthless.reason()).await),
            };
            self.memory.keep_token(id, generation, &grant);
            return Ok(Found::Token(grant));
        }
        match self.log_in(context, &Check::of(credential, id)).await? {
            Login::Vouched(vouched) => Ok(Found::Vouched(vouched)),
            Login::Nobody => Ok(Found::Nobody),
        }
    }

    /// A token of this host that is worth nothing; the reason is for the audit log, if there is one.
    async fn no_token(&self, context: &RequestContext, who: Option<&Identity>, reason: Option<&'static str>) -> AuthFailure {
        if let Some(reason) = reason {
            let (action, outcome) = (AuditAction::Login, AuditOutcome::Refused);
            let refused = RefusedLogin { action, outcome, claimed: None, who, reason, steps: Vec::new() };
            self.audit.record(refused.entry(context, self.clock.now())).await;
        }
        AuthFailure::InvalidToken
    }

    /// Whether whoever vouched for the token's subject is in the chain still.
    fn is_current(&self, grant: &TokenGrant) -> bool {
        match (&grant.subject, &grant.identity) {
            (_, Some(identity)) => self.chain.authenticator(&identity.plugin).is_some(),
            (None, None) => true,
            (Some(_), None) => false,
        }
    }

    /// Whether the caller may do all of this.
    ///
    /// # Errors
    /// [`Refusal`] if it may not do one of them.
    pub async fn permit(&self, context: &RequestContext, caller: &Caller, accesses: &[Access]) -> Result<(), Refusal> {
        let now = self.clock.now();
        let who = match caller {
            Caller::Token(token) => {
                let lacking = accesses.iter().find(|access| !token.covers(access));
                if lacking.is_none() && now < token.expires {
                    return Ok(());
                }
                // Of a token that has ended, or was given to nobody in particular, nothing is told.
                if let (Some(access), Some(who)) = (lacking, token.identity.as_ref().filter(|_| now < token.expires)) {
                    let decision = Decision::denied("the token does not cover it", Vec::new());
                    self.audit.record(record::denied(context, now, who, access, decision)).await;
                }
                return Err(Refusal::InsufficientScope);
            }
            Caller::Known(identity) => Some(&**identity),
            Caller::Anonymous => None,
        };
        let mark = CallerMark::of(&context.registry, who);
        if !mark.has_ended(now) && accesses.iter().all(|access| self.chain.recalls(&self.verdicts, &mark, access, now)) {
            return Ok(());
        }
        let decisions = self.decide(context, who, accesses).await;
        let mut refused = accesses.iter().zip(decisions).filter(|(_, decision)| decision.ruling != Ruling::Allowed);
        let Some((access, decision)) = refused.next() else { return Ok(()) };
        let by = decision.by.as_ref().map_or("nobody", |label| &*label.name);
        let repository = access.repository.as_ref().map_or("", |name| name.as_str());
        let subject = who.map_or("", |who| &who.subject);
        debug!(request_id = %context.request_id, who = subject, action = ?access.action, repository, by, reason = decision.reason, "denied");
        let Some(who) = who else { return Err(Refusal::Anonymous) };
        self.audit.record(record::denied(context, now, who, access, decision)).await;
        Err(Refusal::Denied)
    }

    /// One decision for each access, in the same order, remembered as long as the plugins say.
    pub(super) async fn decide(&self, context: &RequestContext, who: Option<&Identity>, accesses: &[Access]) -> Vec<Decision> {
        let now = self.clock.now();
        if who.and_then(|who| who.expires).is_some_and(|expires| expires <= now) {
            return accesses.iter().map(|_| Decision::denied("the identity has ended", Vec::new())).collect();
        }
        self.chain.authorize(context, who, accesses, Some((&self.verdicts, now))).await
    }
}

pub(super) fn token_use(context: &RequestContext) -> TokenUse<'_> {
    TokenUse { audience: &context.host, registry: context.registry.as_str() }
}
