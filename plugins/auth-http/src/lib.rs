//! Bundled authenticator and authorizer: asks an HTTP service of the operator's who a caller is, and, if it is to, what a caller may do.
//!
//! Settings: `url`, asked who a caller is; `authorize-url`, asked what a caller may do (nobody is asked unless it is given); `credentials`,
//! which kinds are sent there (`["basic"]`); `secret`, the name of the granted secret that tells the service who asks, and `secret-header`,
//! the header that bears it (`authorization`, as `Bearer SECRET`); `reuse-seconds`, how long the host may reuse an answer that does not say
//! so itself (30).
//!
//! The shapes of questions and answers are in [`wire`]. Whatever goes wrong, an answer that is not understood included, lets nobody in.
//! Neither a credential nor the service's secret is ever logged.

mod service;
mod settings;
#[cfg(test)]
mod tests;
mod wire;

use bulkhead_plugin_sdk::prelude::*;

use service::Service;
use settings::{Kind, Settings};
use wire::{AskedAccess, Decided, Identified, Question, Refused};

struct HttpAuth {
    service: Service,
    url: String,
    authorize_url: Option<String>,
    credentials: Vec<Kind>,
    reuse_seconds: u32,
    /// What the last answer of the authorizer may be reused for.
    reuse_of_verdicts: u32,
}

impl Plugin for HttpAuth {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        settings.check()?;
        let Settings { url, authorize_url, credentials, secret, secret_header, reuse_seconds } = settings;
        let service = Service { secret: secret.map(|name| (name, secret_header)) };
        Ok(Self { service, url, authorize_url, credentials, reuse_seconds, reuse_of_verdicts: reuse_seconds })
    }
}

impl Authenticator for HttpAuth {
    fn authenticate(&mut self, context: &RequestContext, credential: &Credential) -> Result<Authentication> {
        if !self.credentials.contains(&Kind::of(credential)) {
            return Ok(Authentication::Abstained);
        }
        let question = Question::new(context).about(credential);
        let answer = self.service.ask(&self.url, &question)?;
        match answer.status {
            200 => {
                let found: Identified = self.service.read(&self.url, &answer)?;
                let reuse = found.reuse_seconds.unwrap_or(self.reuse_seconds);
                Ok(Authentication::accept_for(found.identity()?, reuse))
            }
            401 | 403 => Ok(Authentication::reject(Refused::reason(&answer))),
            404 => Ok(Authentication::Abstained),
            other => Err(Error::unavailable(format!("{} answers {other}", self.url))),
        }
    }
}

impl Authorizer for HttpAuth {
    fn authorize(&mut self, context: &RequestContext, who: Option<&Caller>, access: &Access) -> Result<Verdict> {
        let mut verdicts = self.authorize_all(context, who, std::slice::from_ref(access))?;
        verdicts.pop().or_internal("no verdict")
    }

    fn authorize_all(&mut self, context: &RequestContext, who: Option<&Caller>, accesses: &[Access]) -> Result<Vec<Verdict>> {
        let Some(url) = &self.authorize_url else { return Ok(vec![Verdict::Abstain; accesses.len()]) };
        let accesses: Vec<AskedAccess<'_>> = accesses.iter().map(AskedAccess::of).collect();
        let question = Question::new(context).on(who, &accesses);
        let answer = self.service.ask(url, &question)?;
        if answer.status != 200 {
            return Err(Error::unavailable(format!("{url} answers {}", answer.status)));
        }
        let decided: Decided = self.service.read(url, &answer)?;
        if decided.verdicts.len() != accesses.len() {
            let (said, asked) = (decided.verdicts.len(), accesses.len());
            return Err(Error::unavailable(format!("{url} gives {said} verdicts on {asked} accesses")));
        }
        self.reuse_of_verdicts = decided.reuse_seconds.unwrap_or(self.reuse_seconds);
        Ok(decided.verdicts.into_iter().map(Verdict::from).collect())
    }

    fn reuse(&self) -> u32 {
        self.reuse_of_verdicts
    }
}

export!(HttpAuth: Authenticator, Authorizer);
