//! Who a caller is and what it may do: the chain of plugins, the host's own tokens, and the gate that every request passes.
//!
//! Plugins decide, the gate enforces, and whatever goes wrong on the way is a no. `http` calls [`Gate`]; nothing here speaks HTTP.
//!
//! How fast a withdrawn right ends: an access token within its life ([`GateOptions::token_life`]); a remembered credential or verdict within
//! what the plugin lets be reused, but a remembered credential buys no token without its plugin being asked again, where it can tell; a
//! refresh token at its next use, since its plugin is asked then (as the password of a request it is remembered for a minute). Whatever a
//! plugin vouched for ends at once when the plugin leaves the chain, and nothing outlives
//! [`Identity::expires`](crate::ports::context::Identity::expires), nor the refresh token that it was got by.

mod attempt;
mod buckets;
mod caller;
mod chain;
mod check;
mod claims;
mod decision;
mod explain;
mod failure;
mod flights;
mod gate;
mod issue;
mod key;
mod keyring;
mod login;
mod record;
mod refresh;
mod refusals;
mod remember;
mod running;
mod scope;
mod throttle;
mod tokens;
mod verdicts;
mod visible;

pub use caller::{Caller, Grant, TokenGrant};
pub use chain::Chain;
pub use decision::{Decision, Explained, Explanation, Ruling, Said, Step};
pub use failure::{AuthFailure, Refusal};
pub use gate::{Gate, GateOptions, GateParts};
pub use issue::Offline;
pub use key::{KeyError, TokenKey};
pub use keyring::KeyRing;
pub use refusals::Refusals;
pub use scope::ScopeRequest;
pub use throttle::{Throttle, ThrottleOptions};
pub use tokens::IssuedToken;

#[cfg(test)]
mod tests;
