//! Bundled authenticator and authorizer: the accounts that the host keeps for the registry, as Azure Container Registry has them.
//!
//! Settings: `reuse-seconds`, how long the host may reuse an acceptance (30); `anonymous-pull`, what callers without a login may pull:
//! `false` (nothing, unless said otherwise), `true` (everything) or patterns of repositories.
//!
//! The host keeps the accounts and checks their secrets; what an account may do is decided here, each time as the account is now, so that a
//! role that was taken away is gone within [`REUSE_OF_A_VERDICT`] seconds. Only those whom this plugin itself accepted are decided on; who
//! lacks a right is left to the next plugin of the chain, and denied if there is none.

mod anonymous;
mod rights;
#[cfg(test)]
mod tests;

use bulkhead_plugin_sdk::accounts::{Account, Verification};
use bulkhead_plugin_sdk::prelude::*;

use anonymous::AnonymousPull;

/// Seconds for which the host may reuse what this plugin says about an access.
const REUSE_OF_A_VERDICT: u32 = 10;

/// The longest name of an account, in bytes.
const MOST_NAME: usize = 128;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Accounts {
    #[serde(default = "default_reuse")]
    reuse_seconds: u32,
    #[serde(default)]
    anonymous_pull: AnonymousPull,
}

fn default_reuse() -> u32 {
    30
}

impl Plain for Accounts {}

impl Authenticator for Accounts {
    fn authenticate(&mut self, _: &RequestContext, credential: &Credential) -> Result<Authentication> {
        let Credential::Basic(Basic { user, secret }) = credential else { return Ok(Authentication::Abstained) };
        if !can_be_a_name(user) {
            return Ok(Authentication::Abstained);
        }
        Ok(match accounts::verify(user, secret)? {
            Verification::Right(checked) => {
                let identity = Identity { expires: checked.expires, ..identity(&checked.account) };
                Authentication::accept_for(identity, self.reuse_seconds).with_proof(checked.proof)
            }
            Verification::Wrong(reason) => Authentication::reject(reason),
            Verification::Unknown => Authentication::Abstained,
        })
    }

    fn lookup(&mut self, _: &RequestContext, subject: &str, proof: Option<&str>) -> Result<Standing> {
        if !can_be_a_name(subject) {
            return Ok(Standing::Gone);
        }
        Ok(match accounts::find(subject, proof)? {
            Some(account) => Standing::Known(identity(&account)),
            None => Standing::Gone,
        })
    }
}

impl Authorizer for Accounts {
    fn authorize(&mut self, context: &RequestContext, who: Option<&Caller>, access: &Access) -> Result<Verdict> {
        let mut verdicts = self.authorize_all(context, who, std::slice::from_ref(access))?;
        verdicts.pop().or_internal("no verdict")
    }

    fn authorize_all(&mut self, context: &RequestContext, who: Option<&Caller>, accesses: &[Access]) -> Result<Vec<Verdict>> {
        let Some(who) = who else {
            return Ok(accesses.iter().map(|access| self.anonymous_pull.judge(access)).collect());
        };
        if !who.is_own(context) {
            return Ok(vec![Verdict::Abstain; accesses.len()]);
        }
        let Some(account) = accounts::find(&who.subject, None)? else {
            return Ok(vec![Verdict::deny("the account is gone or disabled"); accesses.len()]);
        };
        Ok(accesses.iter().map(|access| rights::judge(&account, access)).collect())
    }

    fn reuse(&self) -> u32 {
        REUSE_OF_A_VERDICT
    }
}

/// The host takes no other name for a question. A caller of such a name is somebody else's: a token as a password may come with no name at all.
fn can_be_a_name(text: &str) -> bool {
    (1..=MOST_NAME).contains(&text.len())
}

/// Its groups are its roles, for the rules of other plugins.
fn identity(account: &Account) -> Identity {
    let roles = account.roles.iter().map(|role| role.name());
    Identity::new(&account.name).with_groups(roles).with_claim("kind", account.kind.name())
}

export!(Accounts: Authenticator, Authorizer);
