//! Who a caller is and what it may do: the chain of plugins, the host's own tokens, and the gate that every request passes.
//!
//! Plugins decide, the gate enforces, and whatever goes wrong on the way is a no. `http` calls [`Gate`]; nothing here speaks HTTP.

mod caller;
mod chain;
mod gate;
mod scope;
mod tokens;
mod visible;

pub use caller::{Caller, Grant, TokenGrant};
pub use chain::{Chain, Decision, Ruling};
pub use gate::{AuthFailure, Gate, GateOptions, Refusal};
pub use scope::ScopeRequest;
pub use tokens::{IssuedToken, KeyError, TokenKey};

#[cfg(test)]
mod tests;
