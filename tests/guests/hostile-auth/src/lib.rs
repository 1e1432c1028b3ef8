//! An authenticator and authorizer that attacks its host, in the one way that the setting `behaviour` names.
//!
//! Wherever an attack works, the caller is let in and everything is allowed, so that a test sees it from outside. Where it fails, the caller
//! is rejected and everything denied. `at` confines the behaviour to one of the two calls; the other one is honest then.

mod behaviours;

use bulkhead_plugin_sdk::prelude::*;

use behaviours::Behaviour;

struct Hostile {
    behaviour: Box<dyn Behaviour>,
    at: At,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    behaviour: String,
    #[serde(default)]
    at: At,
    /// For those that fetch.
    url: Option<String>,
}

/// Where it attacks.
#[derive(serde::Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum At {
    #[default]
    Both,
    Authenticate,
    Authorize,
}

impl Plugin for Hostile {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        let behaviour = behaviours::find(&settings.behaviour, settings.url)?;
        behaviour.configure();
        Ok(Self { behaviour, at: settings.at })
    }
}

impl Authenticator for Hostile {
    fn authenticate(&mut self, _: &RequestContext, credential: &Credential) -> Result<Authentication> {
        let user = match credential {
            Credential::Basic(basic) => basic.user.as_str(),
            _ => "somebody",
        };
        if self.at == At::Authorize {
            return Ok(Authentication::accept(user));
        }
        let worked = self.behaviour.attack(Some(user))?;
        Ok(if worked {
            Authentication::accept(self.behaviour.identity(user))
        } else {
            Authentication::reject("the attack failed")
        })
    }
}

impl Authorizer for Hostile {
    fn authorize(&mut self, _: &RequestContext, _: Option<&Identity>, _: &Access) -> Result<Verdict> {
        Err(Error::internal("`authorize_all` answers instead"))
    }

    fn authorize_all(&mut self, _: &RequestContext, who: Option<&Identity>, accesses: &[Access]) -> Result<Vec<Verdict>> {
        if self.at == At::Authenticate {
            return Ok(vec![Verdict::Allow; accesses.len()]);
        }
        // The host may put the accepting plugin's name before the user's.
        let user = who.map(|who| who.subject.rsplit(['/', ':']).next().unwrap_or_default());
        let worked = self.behaviour.attack(user)?;
        Ok(if worked {
            self.behaviour.verdicts(accesses.len())
        } else {
            vec![Verdict::deny("the attack failed"); accesses.len()]
        })
    }
}

export!(Hostile: Authenticator, Authorizer);
