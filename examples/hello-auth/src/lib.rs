//! Lets in everybody who knows the house's password, under the name that they give.

use bulkhead_plugin_sdk::prelude::*;

#[derive(serde::Deserialize)]
struct Hello {
    password: String,
}
impl Plain for Hello {}

impl Authenticator for Hello {
    fn authenticate(&mut self, _: &RequestContext, credential: &Credential) -> Result<Authentication> {
        let Credential::Basic(Basic { user, secret }) = credential else { return Ok(Authentication::Abstained) };
        Ok(if *secret == self.password { Authentication::accept(user) } else { Authentication::reject("wrong password") })
    }
}

export!(Hello: Authenticator);
#[cfg(test)]
mod tests;
