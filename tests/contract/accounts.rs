//! The accounts of the contracts' runtime: one service principal, which no other name and no other secret leads to.

use async_trait::async_trait;
use bulkhead_core::ports::accounts::{
    AccountDirectory, AccountKind, DirectoryError, KnownAccount, Right, Role, ScopeEntry, Verification,
};
use bulkhead_core::ports::ids::RegistryName;

/// The principal's name.
pub const NAME: &str = "0b8f1c1e-7f0e-4d0a-9f43-1f3c7c0d6a11";
/// Its secret.
pub const SECRET: &str = "vq2TnTqBBq5wYkJ0oYyqf3m5o0a1mTr8ZcX7uQpL";
/// What marks it.
const PROOF: &str = "5f2c9a7e1b3d4c6f8a0b2d4e6f8091a3";

/// The directory. It pulls everywhere, and pushes below `team/`.
pub struct Few;

fn principal() -> KnownAccount {
    KnownAccount {
        name: NAME.parse().expect("a name"),
        kind: AccountKind::ServicePrincipal,
        roles: vec![Role::AcrPull],
        scopes: vec![ScopeEntry { target: "team/*".parse().expect("a target"), rights: vec![Right::ContentWrite] }],
    }
}

#[async_trait]
impl AccountDirectory for Few {
    async fn verify(&self, _: &RegistryName, name: &str, secret: &str) -> Result<Verification, DirectoryError> {
        Ok(match (name, secret) {
            (NAME, SECRET) => Verification::Right { account: principal(), expires: None, proof: PROOF.to_owned() },
            (NAME, _) => Verification::Wrong("none of its secrets".to_owned()),
            _ => Verification::Unknown,
        })
    }

    async fn find(&self, _: &RegistryName, name: &str, proof: Option<&str>) -> Result<Option<KnownAccount>, DirectoryError> {
        Ok((name == NAME && proof.is_none_or(|proof| proof == PROOF)).then(principal))
    }
}
