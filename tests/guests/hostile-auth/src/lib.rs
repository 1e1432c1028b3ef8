//! An authenticator and authorizer that attacks its host, in the one way that the setting `behaviour` names.
//!
//! Wherever an attack works, the caller is let in, known and allowed everything, so that a test sees it from outside. Where it fails, the
//! caller is rejected, gone and denied everything. `at` confines the behaviour to one of the three calls; the other two are honest then.
//! `reuse` is for how many seconds the host may reuse what was said.

mod behaviours;

use bulkhead_plugin_sdk::prelude::*;

use behaviours::Behaviour;

struct Hostile {
    behaviour: Box<dyn Behaviour>,
    at: At,
    reuse: u32,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    behaviour: String,
    #[serde(default)]
    at: At,
    #[serde(default)]
    reuse: u32,
    /// For those that fetch.
    url: Option<String>,
}

/// Where it attacks.
#[derive(serde::Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum At {
    #[default]
    Everywhere,
    Authenticate,
    Lookup,
    Authorize,
}

impl Hostile {
    fn attacks(&self, at: At) -> bool {
        self.at == At::Everywhere || self.at == at
    }
}

impl Plugin for Hostile {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        let behaviour = behaviours::find(&settings.behaviour, settings.url)?;
        behaviour.configure();
        Ok(Self { behaviour, at: settings.at, reuse: settings.reuse })
    }
}

impl Authenticator for Hostile {
    fn authenticate(&mut self, context: &RequestContext, credential: &Credential) -> Result<Authentication> {
        let user = match credential {
            Credential::Basic(basic) => basic.user.as_str(),
            Credential::Bearer(_) => "somebody",
            Credential::Certificate(certificate) => certificate.subject.as_str(),
        };
        self.behaviour.asked("authenticate", user);
        if !self.attacks(At::Authenticate) {
            return Ok(Authentication::accept_for(user, self.reuse));
        }
        Ok(match self.behaviour.authenticate(context, credential, user)? {
            Authentication::Accepted(accepted) => {
                let proof = accepted.proof.or_else(|| self.behaviour.proof(user));
                Authentication::Accepted(Acceptance { reuse: self.reuse, proof, ..accepted })
            }
            other => other,
        })
    }

    fn lookup(&mut self, _: &RequestContext, subject: &str, proof: Option<&str>) -> Result<Standing> {
        self.behaviour.asked("lookup", subject);
        if !self.attacks(At::Lookup) {
            return Ok(Standing::Known(subject.into()));
        }
        self.behaviour.standing(subject, proof)
    }
}

impl Authorizer for Hostile {
    fn authorize(&mut self, _: &RequestContext, _: Option<&Caller>, _: &Access) -> Result<Verdict> {
        Err(Error::internal("`authorize_all` answers instead"))
    }

    fn authorize_all(&mut self, context: &RequestContext, who: Option<&Caller>, accesses: &[Access]) -> Result<Vec<Verdict>> {
        // Another plugin of the same kind may have put something before the user's name.
        let user = who.map(|who| who.subject.rsplit(['/', ':']).next().unwrap_or_default());
        self.behaviour.asked("authorize", user.unwrap_or("nobody"));
        if !self.attacks(At::Authorize) {
            return Ok(vec![Verdict::allow(); accesses.len()]);
        }
        let worked = self.behaviour.attack(user)?;
        Ok(if worked {
            self.behaviour.verdicts_on(context, who, accesses.len())
        } else {
            vec![Verdict::deny("the attack failed"); accesses.len()]
        })
    }

    fn reuse(&self) -> u32 {
        self.reuse
    }
}

export!(Hostile: Authenticator, Authorizer);
