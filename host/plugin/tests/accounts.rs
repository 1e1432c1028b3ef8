//! The `accounts` import through the Wasm boundary: what a guest is told of the accounts, and when it is told nothing.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_core::ports::accounts::{
    AccountDirectory, AccountKind, DirectoryError, KnownAccount, Right, Role, ScopeEntry, Verification,
};
use bulkhead_core::ports::auth::{Authentication, Credential, Standing};
use bulkhead_core::ports::catalog::CatalogError;
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::ids::RegistryName;
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_plugin::{LoadError, Plugin, Runtime, RuntimeOptions};
use serde_json::json;
use support::{StoppedClock, context, spec};

/// Knows `ci`, with the secret `right`; writes down what it was asked, and on which thread.
#[derive(Default)]
struct Few {
    asked: Mutex<Vec<String>>,
}

impl Few {
    fn note(&self, text: String) {
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        self.asked.lock().unwrap().push(format!("{thread}: {text}"));
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn ci() -> KnownAccount {
    let scope = |target: &str, rights: &[Right]| ScopeEntry { target: target.parse().unwrap(), rights: rights.to_vec() };
    let all = [Right::ContentRead, Right::ContentWrite, Right::ContentDelete, Right::MetadataRead, Right::MetadataWrite];
    KnownAccount {
        name: "ci".parse().unwrap(),
        kind: AccountKind::ServicePrincipal,
        roles: vec![Role::AcrPull, Role::AcrPush, Role::AcrDelete, Role::Reader, Role::Contributor, Role::Owner],
        scopes: vec![scope("team/app", &all), scope("team/*", &[Right::ContentRead])],
    }
}

#[async_trait]
impl AccountDirectory for Few {
    async fn verify(&self, registry: &RegistryName, name: &str, secret: &str) -> Result<Verification, DirectoryError> {
        self.note(format!("verify {name} at {registry}"));
        match (name, secret) {
            ("ci", "right") => {
                Ok(Verification::Right { account: ci(), expires: Some(Timestamp(1_800_000_000_000)), proof: "id-1".to_owned() })
            }
            ("ci", _) => Ok(Verification::Wrong("none of its secrets".to_owned())),
            ("busy", _) => Err(DirectoryError::Busy),
            ("broken", _) => Err(DirectoryError::Catalog(CatalogError("a secret path of the host".to_owned()))),
            ("slow", _) => std::future::pending().await,
            _ => Ok(Verification::Unknown),
        }
    }

    async fn find(
        &self,
        registry: &RegistryName,
        name: &str,
        proof: Option<&str>,
    ) -> Result<Option<KnownAccount>, DirectoryError> {
        self.note(format!("find {name} by {proof:?} at {registry}"));
        Ok((name == "ci" && proof.is_none_or(|proof| proof == "id-1")).then(ci))
    }
}

fn runtime(accounts: Option<Arc<dyn AccountDirectory>>) -> Arc<Runtime> {
    let mut options = RuntimeOptions::new(Arc::new(StoppedClock));
    options.instances = 8;
    options.accounts = accounts;
    Runtime::new(options).unwrap()
}

/// The plugin that leaves everything to the accounts, with these or without.
async fn plugin(accounts: &Arc<Few>, granted: bool) -> Arc<Plugin> {
    let mut spec = spec("hostile-auth", json!({"behaviour": "accounts"}));
    spec.grants.accounts = granted;
    runtime(Some(accounts.clone())).load(spec).await.unwrap()
}

async fn ask(plugin: &Arc<Plugin>, user: &str, secret: &str) -> Result<Authentication, PluginError> {
    let credential = Credential::Basic { user: user.to_owned(), secret: secret.to_owned() };
    plugin.authenticator().unwrap().authenticate(&context(), &credential).await
}

async fn lookup(plugin: &Arc<Plugin>, subject: &str, proof: Option<&str>) -> Result<Standing, PluginError> {
    plugin.authenticator().unwrap().lookup(&context(), subject, proof).await
}

#[tokio::test]
async fn a_right_secret_tells_the_account_a_wrong_one_and_an_unknown_name_do_not() {
    let accounts = Arc::new(Few::default());
    let plugin = plugin(&accounts, true).await;
    let answer = ask(&plugin, "ci", "right").await;
    let Ok(Authentication::Accepted { identity, proof, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!((identity.subject.as_str(), proof.as_deref()), ("ci", Some("id-1")));
    assert_eq!(identity.expires, Some(Timestamp(1_800_000_000_000)));
    let told = &identity.claims[0].1;
    for part in ["ServicePrincipal", "AcrPull", "AcrPush", "AcrDelete", "Reader", "Contributor", "Owner"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    for part in ["\"team/app\"", "\"team/*\"", "ContentRead", "ContentWrite", "ContentDelete", "MetadataRead", "MetadataWrite"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(ask(&plugin, "ci", "no").await, Ok(Authentication::Rejected("none of its secrets".to_owned())));
    assert_eq!(ask(&plugin, "nobody", "right").await, Ok(Authentication::Abstained));
    let asked = accounts.asked();
    let wanted = ["ci", "ci", "nobody"].map(|name| format!("plugin-check: verify {name} at default"));
    assert_eq!(asked, wanted, "on a thread of the checks, and for the registry that is served");
}

#[tokio::test]
async fn an_account_is_found_by_its_proof_or_by_none() {
    let accounts = Arc::new(Few::default());
    let plugin = plugin(&accounts, true).await;
    for (proof, found) in [(None, true), (Some("id-1"), true), (Some("id-2"), false)] {
        assert_eq!(matches!(lookup(&plugin, "ci", proof).await, Ok(Standing::Known(_))), found, "{proof:?}");
    }
    assert_eq!(lookup(&plugin, "nobody", None).await, Ok(Standing::Gone));
    assert_eq!(accounts.asked()[1], "plugin-check: find ci by Some(\"id-1\") at default");
}

#[tokio::test]
async fn accounts_that_are_not_granted_are_denied_and_nobody_is_asked() {
    let accounts = Arc::new(Few::default());
    let plugin = plugin(&accounts, false).await;
    for answer in [ask(&plugin, "ci", "right").await.map(|_| ()), lookup(&plugin, "ci", None).await.map(|_| ())] {
        assert!(matches!(&answer, Err(PluginError::Denied(text)) if text.contains("grants.accounts = true")), "{answer:?}");
    }
    assert!(accounts.asked().is_empty());
}

#[tokio::test]
async fn a_grant_of_accounts_that_nobody_keeps_stops_the_load() {
    let mut spec = spec("hostile-auth", json!({"behaviour": "accounts"}));
    spec.grants.accounts = true;
    assert!(matches!(runtime(None).load(spec).await, Err(LoadError::Grant { what, .. }) if what == "accounts"));
}

#[tokio::test]
async fn names_and_proofs_that_no_account_can_have_lead_to_none_and_nobody_is_asked() {
    let accounts = Arc::new(Few::default());
    let plugin = plugin(&accounts, true).await;
    for name in ["", &"n".repeat(129)] {
        assert_eq!(ask(&plugin, name, "right").await, Ok(Authentication::Abstained));
        assert_eq!(lookup(&plugin, name, None).await, Ok(Standing::Gone));
    }
    for proof in ["", &"p".repeat(257)] {
        assert_eq!(lookup(&plugin, "ci", Some(proof)).await, Ok(Standing::Gone));
    }
    let answer = ask(&plugin, "ci", &"s".repeat(8 * 1024 + 1)).await;
    assert!(matches!(answer, Err(PluginError::Invalid(_))), "{answer:?}");
    assert!(accounts.asked().is_empty());
    assert_eq!(ask(&plugin, &"n".repeat(128), &"s".repeat(8 * 1024)).await, Ok(Authentication::Abstained));
}

#[tokio::test]
async fn nobody_can_say_while_the_hashing_is_busy_or_the_catalog_is_away() {
    let accounts = Arc::new(Few::default());
    let plugin = plugin(&accounts, true).await;
    let busy = ask(&plugin, "busy", "x").await;
    let later = Some(Duration::from_secs(1));
    assert!(matches!(&busy, Err(PluginError::Unavailable { retry_after, .. }) if *retry_after == later), "{busy:?}");
    let broken = ask(&plugin, "broken", "x").await;
    assert!(matches!(&broken, Err(PluginError::Unavailable { reason, .. }) if !reason.contains("secret path")), "{broken:?}");
    assert!(matches!(ask(&plugin, "ci", "right").await, Ok(Authentication::Accepted { .. })));
}

#[tokio::test]
async fn a_directory_that_does_not_answer_ends_with_the_call() {
    let mut spec = spec("hostile-auth", json!({"behaviour": "accounts"}));
    spec.grants.accounts = true;
    spec.limits.time = Some(Duration::from_millis(50));
    let accounts = Arc::new(Few::default());
    let plugin = runtime(Some(accounts.clone())).load(spec).await.unwrap();
    assert_eq!(ask(&plugin, "slow", "x").await, Err(PluginError::TimedOut(Duration::from_millis(50))));
    assert!(matches!(ask(&plugin, "ci", "no").await, Ok(Authentication::Rejected(_))));
}
