//! No attack: leaves everything to the accounts that the host keeps, and tells in the claims what the host told. Whoever has no account there
//! is left to others.

use bulkhead_plugin_sdk::accounts::{self, Verification};
use bulkhead_plugin_sdk::prelude::*;

pub struct Accounts;

impl super::Behaviour for Accounts {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        Ok(true)
    }

    fn authenticate(&self, _: &RequestContext, credential: &Credential, _: &str) -> Result<Authentication> {
        let Credential::Basic(Basic { user, secret }) = credential else { return Ok(Authentication::Abstained) };
        Ok(match accounts::verify(user, secret)? {
            Verification::Right(checked) => {
                let mut identity = Identity::new(&checked.account.name).with_claim("account", format!("{:?}", checked.account));
                identity.expires = checked.expires;
                Authentication::accept(identity).with_proof(checked.proof)
            }
            Verification::Wrong(reason) => Authentication::reject(reason),
            Verification::Unknown => Authentication::Abstained,
        })
    }

    fn standing(&self, user: &str, proof: Option<&str>) -> Result<Standing> {
        let found = accounts::find(user, proof)?;
        Ok(found.map_or(Standing::Gone, |account| Standing::Known(Identity::new(account.name))))
    }
}
