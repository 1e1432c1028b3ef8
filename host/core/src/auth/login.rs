//! Checking a credential that is not remembered: how often it may fail, who is asked, what is kept of the answer and what is written down.
//!
//! The same credential is checked once at a time. A rejected password is answered no earlier than a set time after its check began, whoever
//! rejected it, so that the time tells nothing of whether there is such a user; nor does the time of those who wait for that check to end.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::attempt::Attempt;
use super::chain::{Authenticated, Outcome};
use super::check::{Check, Presented};
use super::decision::{Said, Step};
use super::failure::AuthFailure;
use super::flights::{Flight, Seat};
use super::gate::Gate;
use super::record::RefusedLogin;
use super::remember::Vouched;
use super::throttle::{Admitted, Cause, Throttled};
use crate::ports::audit::AuditOutcome;
use crate::ports::auth::Credential;
use crate::ports::clock::Timestamp;
use crate::ports::context::{Identity, RequestContext};

/// How a check ended.
#[derive(Clone)]
pub(super) enum Login {
    Vouched(Vouched),
    /// Nobody in the chain knows the certificate, which the client's TLS sends whether it is meant for this registry or not.
    Nobody,
}

/// What those who present the same are told.
#[derive(Clone)]
pub(super) struct Landed {
    source: IpAddr,
    login: Result<Login, AuthFailure>,
    /// Whether it is remembered, and so holds for other sources too.
    remembered: bool,
}

/// An answer that is a no, and why.
struct Refused {
    failure: AuthFailure,
    reason: &'static str,
    who: Option<Identity>,
    steps: Vec<Step>,
}

impl Gate {
    /// Checks it, or waits for somebody who does.
    pub(super) async fn log_in(&self, context: &RequestContext, check: &Check<'_>) -> Result<Login, AuthFailure> {
        let came = self.clock.now();
        let login = self.once(context, check).await;
        if matches!(login, Err(AuthFailure::Rejected)) && check.is_basic() {
            self.hold(came).await;
        }
        login
    }

    async fn once(&self, context: &RequestContext, check: &Check<'_>) -> Result<Login, AuthFailure> {
        loop {
            match self.flights.join(check.id) {
                Seat::Leads(flight) => return self.lead(context, check, flight).await,
                Seat::Follows(wait) => match wait.landed().await {
                    Some(landed) if landed.remembered || landed.source == context.source => return landed.login,
                    // A plugin that lets nothing be reused may have looked at where it came from.
                    Some(_) => return self.check(context, check).await,
                    None => {}
                },
            }
        }
    }

    async fn lead(&self, context: &RequestContext, check: &Check<'_>, flight: Flight<'_, Landed>) -> Result<Login, AuthFailure> {
        let now = self.clock.now();
        let login = match self.memory.vouched(&check.id, now) {
            // It landed between the look at the memory and the boarding.
            Some(vouched) => Ok(Login::Vouched(vouched)),
            None => self.check(context, check).await,
        };
        let remembered = matches!(&login, Ok(Login::Vouched(vouched)) if now < vouched.until);
        flight.land(Landed { source: context.source, login: login.clone(), remembered });
        login
    }

    async fn check(&self, context: &RequestContext, check: &Check<'_>) -> Result<Login, AuthFailure> {
        let admitted = self.admit(context, check).await?;
        let now = self.clock.now();
        let login = match &check.presented {
            Presented::Credential(credential) => self.ask_chain(context, check, credential, now).await,
            Presented::Refresh { token, reuse } => self.ask_again(context, token, *reuse, now).await,
        };
        let refused = match login {
            Ok(login) => {
                if let Some(admitted) = admitted {
                    admitted.right();
                }
                if let Login::Vouched(vouched) = &login {
                    self.memory.keep(check.id, vouched, now);
                }
                return Ok(login);
            }
            Err(refused) => refused,
        };
        let failure = refused.failure;
        if failure == AuthFailure::Unavailable {
            if let Some(admitted) = admitted {
                admitted.unknown();
            }
            self.tell(context, check, refused).await;
            return Err(failure);
        }
        self.tell(context, check, refused).await;
        if check.is_basic() {
            self.hold(now).await;
        }
        // Only now has it ended, for those who wait for that: else they could tell how long it took.
        drop(admitted);
        Err(failure)
    }

    /// Counts what can be guessed, and waits for its turn. A certificate cannot: TLS has checked that the client has its key.
    async fn admit(&self, context: &RequestContext, check: &Check<'_>) -> Result<Option<Admitted<'_>>, AuthFailure> {
        if check.certificate().is_some() {
            return Ok(None);
        }
        let attempt = Attempt::of(&context.registry, context.source, check.counted_user());
        match self.throttle.admit(attempt).await {
            Ok(admitted) => Ok(Some(admitted)),
            Err(Throttled { retry_after, cause, first }) => {
                if first {
                    let throttled = RefusedLogin {
                        action: check.action,
                        outcome: AuditOutcome::Throttled,
                        claimed: check.user(),
                        who: None,
                        reason: match cause {
                            Cause::Failed => "too many logins failed",
                            Cause::Busy => "too many logins are under way",
                        },
                        steps: Vec::new(),
                    };
                    self.audit.record(throttled.entry(context, self.clock.now())).await;
                }
                Err(AuthFailure::TooManyFailures { retry_after })
            }
        }
    }

    async fn ask_chain(
        &self,
        context: &RequestContext,
        check: &Check<'_>,
        credential: &Credential,
        now: Timestamp,
    ) -> Result<Login, Refused> {
        let end = check.certificate().map(|certificate| certificate.expires);
        if end.is_some_and(|end| end <= now) {
            return Err(Refused::rejected("the certificate has ended", None, Vec::new()));
        }
        if let Credential::Basic { secret, .. } = credential
            && self.keys.maker(secret).is_some()
        {
            // No plugin sees a token of this host, not even by a client's mistake.
            return Err(Refused::rejected("the password is a token of this host", None, Vec::new()));
        }
        let Authenticated { outcome, steps } = self.chain.authenticate(context, credential).await;
        let (mut identity, reuse, proof) = match outcome {
            Outcome::Accepted { identity, reuse, proof } => (identity, reuse, proof),
            Outcome::Rejected => return Err(Refused::rejected("the credential is wrong", None, steps)),
            Outcome::Unknown if check.certificate().is_some() => return Ok(Login::Nobody),
            Outcome::Unknown => return Err(Refused::rejected("nobody in the chain knows the credential", None, steps)),
            Outcome::Failed => return Err(Refused::failed(None, steps)),
        };
        identity.expires = earlier(identity.expires, end);
        self.vouch(identity, proof, now, reuse).map_err(|identity| {
            let reason = "the identity has ended";
            Refused::rejected(reason, Some(identity), steps)
        })
    }

    /// Asks the plugin that vouched for the subject of a refresh token whether it still does.
    async fn ask_again(&self, context: &RequestContext, token: &str, reuse: u32, now: Timestamp) -> Result<Login, Refused> {
        let Some(grant) = self.refresh_grant(context, token, now) else {
            return Err(Refused::rejected("it is no refresh token that is valid here", None, Vec::new()));
        };
        let (expires, proof) = (grant.expires, grant.proof.clone());
        let (identity, steps) = match self.stands(context, grant).await {
            Ok(stands) => stands,
            Err((identity, None)) => {
                let reason = "the plugin that vouched for the subject is not in the chain any more";
                return Err(Refused::rejected(reason, Some(identity), Vec::new()));
            }
            Err((identity, Some(step))) if step.said == Said::Failed => {
                return Err(Refused::failed(Some(identity), vec![step]));
            }
            Err((identity, Some(step))) => {
                return Err(Refused::rejected("the plugin does not vouch any more", Some(identity), vec![step]));
            }
        };
        // What the plugin tells now knows nothing of the secret that the token was given for, whose end is in the token's own.
        let identity = Identity { expires: earlier(identity.expires, Some(expires)), ..identity };
        self.vouch(identity, proof, now, reuse)
            .map_err(|identity| Refused::rejected("the identity has ended", Some(identity), vec![steps]))
    }

    /// # Errors
    /// The identity, if it has ended.
    fn vouch(&self, identity: Identity, proof: Option<String>, asked: Timestamp, reuse: u32) -> Result<Login, Identity> {
        if identity.expires.is_some_and(|expires| expires <= self.clock.now()) {
            return Err(identity);
        }
        let until = asked.after(Duration::from_secs(u64::from(reuse)));
        let until = identity.expires.map_or(until, |expires| expires.min(until));
        Ok(Login::Vouched(Vouched { identity: Arc::new(identity), proof: proof.map(Into::into), until }))
    }

    /// Writes down that a login was refused.
    async fn tell(&self, context: &RequestContext, check: &Check<'_>, refused: Refused) {
        let Refused { failure, reason, who, steps } = refused;
        let word = steps.last().map_or("", |step| &step.reason);
        info!(request_id = %context.request_id, address = %context.address, reason, word, "login refused");
        let outcome = if failure == AuthFailure::Unavailable { AuditOutcome::Failed } else { AuditOutcome::Refused };
        let login = RefusedLogin { action: check.action, outcome, claimed: check.user(), who: who.as_ref(), reason, steps };
        self.audit.record(login.entry(context, self.clock.now())).await;
    }

    /// Waits until the set time after this.
    async fn hold(&self, begun: Timestamp) {
        let longest = self.throttle.answer_after();
        let now = self.clock.now();
        let took = Duration::from_millis(now.0.saturating_sub(begun.0));
        if self.throttle.tells_of_time(took) {
            warn!(
                ?took,
                ?longest,
                "a wrong password took longer to check than its answer is held back for, so that the time may tell who exists: \
                 set `answer-after` in [server.failed-logins] above that"
            );
        }
        // Should the clock have been set back meanwhile, the client does not wait for that.
        let left = longest.saturating_sub(took);
        if !left.is_zero() {
            self.clock.sleep(left).await;
        }
    }
}

impl Refused {
    const fn rejected(reason: &'static str, who: Option<Identity>, steps: Vec<Step>) -> Self {
        Self { failure: AuthFailure::Rejected, reason, who, steps }
    }

    const fn failed(who: Option<Identity>, steps: Vec<Step>) -> Self {
        Self { failure: AuthFailure::Unavailable, reason: "a plugin failed", who, steps }
    }
}

/// The earlier of two ends; none: never.
pub(super) fn earlier(first: Option<Timestamp>, second: Option<Timestamp>) -> Option<Timestamp> {
    first.into_iter().chain(second).min()
}
