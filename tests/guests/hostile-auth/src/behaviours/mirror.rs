//! No attack: tells what it was told, in the claims of whom it lets in and in the reasons of its verdicts.

use bulkhead_plugin_sdk::prelude::*;

pub struct Mirror;

impl super::Behaviour for Mirror {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        Ok(true)
    }

    fn authenticate(&self, context: &RequestContext, credential: &Credential, user: &str) -> Result<Authentication> {
        let identity = Identity::new(user).with_claim("plugin", context.plugin.as_str());
        Ok(Authentication::accept(match credential {
            Credential::Certificate(shown) => identity
                .with_claim("names", shown.names.join(" "))
                .with_claim("fingerprint", shown.fingerprint.as_str())
                .with_claim("expires", shown.expires.to_string()),
            _ => identity,
        }))
    }

    fn verdicts_on(&self, context: &RequestContext, who: Option<&Caller>, count: usize) -> Vec<Verdict> {
        let told = match who {
            Some(who) => format!("{} of {}, own: {}", who.subject, who.vouched_by, who.is_own(context)),
            None => "anonymous".to_owned(),
        };
        vec![Verdict::allow_because(told); count]
    }
}
