//! The contract of authenticators, a test for each clause and plugin.

use std::sync::Arc;

use bulkhead_core::ports::auth::Credential;
use bulkhead_plugin::{Grants, Plugin};
use bulkhead_tests::receiver::Answer;
use bulkhead_tests::suites::authenticator::{CredentialKind, Subject, Tracks, basic, certificate};
use bulkhead_tests::users::{self, ALICE, RITA};
use serde_json::json;

use crate::stage::{AUDIENCE, Issuer, Stage, company};
use crate::{accounts, world};

async fn hello_auth(_: &Stage) -> Subject {
    let plugin = world::plugin("hello-auth", json!({"password": "of the house"}), Grants::default()).await;
    Subject {
        plugin: authenticator(&plugin),
        kind: CredentialKind::Basic,
        right: basic("ann", "of the house"),
        subject: "ann",
        wrong: vec![basic("ann", "of another house"), basic("ann", ""), basic("of the house", "ann")],
        tracks: Tracks::Nobody,
    }
}

async fn auth_htpasswd(stage: &Stage) -> Subject {
    let file = stage.path().join("users");
    users::write_htpasswd(&file);
    let grants = Grants { files: [("/users".to_owned(), file)].into(), ..Grants::default() };
    let settings = json!({"groups": {"ops": [ALICE.name, RITA.name], "dev": [RITA.name]}});
    let plugin = world::plugin("auth-htpasswd", settings, grants).await;
    Subject {
        plugin: authenticator(&plugin),
        kind: CredentialKind::Basic,
        right: basic(ALICE.name, ALICE.password),
        subject: ALICE.name,
        wrong: vec![
            basic(ALICE.name, RITA.password),
            basic("nobody", ALICE.password),
            basic(ALICE.name, ""),
            basic(ALICE.name, &format!("{} ", ALICE.password)),
        ],
        tracks: Tracks::People,
    }
}

async fn auth_accounts(_: &Stage) -> Subject {
    let grants = Grants { accounts: true, ..Grants::default() };
    let plugin = world::plugin("auth-accounts", json!({}), grants).await;
    Subject {
        plugin: authenticator(&plugin),
        kind: CredentialKind::Basic,
        right: basic(accounts::NAME, accounts::SECRET),
        subject: accounts::NAME,
        wrong: vec![basic(accounts::NAME, "another"), basic("admin", accounts::SECRET), basic(accounts::NAME, "")],
        tracks: Tracks::People,
    }
}

async fn auth_mtls(_: &Stage) -> Subject {
    let rule = json!({"subject": "CN=*,O=Contoso", "groups": ["ci"]});
    let plugin = world::plugin("auth-mtls", json!({"rules": [rule]}), Grants::default()).await;
    Subject {
        plugin: authenticator(&plugin),
        kind: CredentialKind::Certificate,
        right: certificate("CN=runner-7,O=Contoso", &["dns:runner-7.contoso.example"]),
        subject: "runner-7",
        wrong: vec![
            certificate("CN=runner-7,O=Fabrikam", &[]),
            certificate("O=Contoso", &["dns:runner-7.contoso.example"]),
            certificate("", &["dns:CN=runner-7,O=Contoso"]),
        ],
        tracks: Tracks::Nobody,
    }
}

async fn auth_http(stage: &Stage) -> Subject {
    let (origin, grants) = stage.serve(company);
    let plugin = world::plugin("auth-http", json!({"url": format!("{origin}/login")}), grants).await;
    Subject {
        plugin: authenticator(&plugin),
        kind: CredentialKind::Basic,
        right: basic("erin", "swordfish"),
        subject: "erin",
        wrong: vec![basic("erin", "another"), basic("erin", ""), basic("nobody", "swordfish"), basic("swordfish", "erin")],
        tracks: Tracks::Nobody,
    }
}

async fn auth_oidc(stage: &Stage) -> Subject {
    let (issuer, stranger) = (Issuer::new(), Issuer::new());
    let keys = issuer.keys();
    let (origin, grants) = stage.serve(move |_| Answer::Json(keys.clone()));
    let trusted = json!({"issuer": origin, "audiences": [AUDIENCE], "jwks-uri": format!("{origin}/keys")});
    let plugin = world::plugin("auth-oidc", json!({"issuers": [trusted], "basic": false}), grants).await;
    Subject {
        plugin: authenticator(&plugin),
        kind: CredentialKind::Bearer,
        right: Credential::Bearer(issuer.token(&origin, AUDIENCE, 3600)),
        subject: "runner-7",
        wrong: [
            issuer.token(&origin, AUDIENCE, -3600),
            issuer.token(&origin, "another.example.com", 3600),
            issuer.token("https://another.example.com", AUDIENCE, 3600),
            stranger.token(&origin, AUDIENCE, 3600),
        ]
        .map(Credential::Bearer)
        .into(),
        tracks: Tracks::Nobody,
    }
}

fn authenticator(plugin: &Arc<Plugin>) -> Arc<dyn bulkhead_core::ports::auth::Authenticator> {
    plugin.authenticator().expect("an authenticator")
}

macro_rules! clauses {
    ($plugin:ident: $($clause:ident)+) => {
        mod $plugin {
            $(
                #[test]
                fn $clause() {
                    super::world::block_on(async {
                        let stage = super::Stage::new();
                        let subject = super::$plugin(&stage).await;
                        bulkhead_tests::suites::authenticator::$clause(subject).await;
                    });
                }
            )+
        }
    };
}

macro_rules! contract {
    ($($plugin:ident)+) => {
        $(
            clauses!($plugin:
                a_right_credential_is_accepted_as_whom_it_names
                a_wrong_credential_lets_nobody_in
                a_credential_of_another_kind_is_left_to_others
                a_strange_credential_is_answered_and_lets_nobody_in
                a_subject_is_whom_the_plugin_named_exactly
                the_same_credential_is_accepted_as_the_same_person
                no_secret_is_in_what_it_says_of_a_caller
                whom_it_accepted_it_knows_or_keeps_no_track_of
                whom_it_never_knew_is_gone_or_not_kept_track_of
                a_mark_of_no_credential_finds_nobody
                right_and_wrong_ones_at_once_are_told_apart
            );
        )+
    };
}

contract! { hello_auth auth_htpasswd auth_accounts auth_mtls auth_http auth_oidc }
