//! The largest bundled plugin, `auth-oidc`, within the limits that every plugin has unless its operator says otherwise: 64 MiB and a second,
//! in which it fetches an issuer's keys, and checks a signature of RSA.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod support;

use std::time::Instant;

use bulkhead_core::ports::auth::{Access, AccessAction, Authentication, Credential, Verdict};
use bulkhead_core::ports::clock::Timestamp;
use serde_json::json;
use support::{context, server, spec, try_load};

/// A key of 2048 bits that was made for this test, and a token that it has signed, of the time at which the tests' clock stands.
const MODULUS: &str = "nMsJAjvxG_fn4bts4J6KMT-c_RT01Y_KBZ6hPlxdON0urVl_Hjc__ghyxYCdk7VaPI_NJ3bM4HL3siHTMMk641aIfbUu_Pz6O8JV4t3PT-m65X\
     cMw9F7EQUlnuNJcGOYtACK1oRj_JLRrTKBLFqqem8f4clX5YVrR4FLxF39owvmicPPaf6PUKAQQJkt9-2PYaMQhlz8Kvz8G988g1ZeWjMRMvAQ\
     iSlXy4tTFz2wQUqwVgJrfjf-zaghypV4E2lJi_Xj8h7wxmJCzTM-F09lRToMh2fMiwtkrRSk06fVDV70LxXhJAc6tl254Vis6pOR2pxiIK-GIM\
     OsSLzKuAZoCw";
const SIGNED: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6Im9uZSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3Rva2VuLmFjdGlvbnMuZ2l0aHVidXNlcmNvb\
     nRlbnQuY29tIiwiYXVkIjoicmVnaXN0cnkuZXhhbXBsZS5jb20iLCJzdWIiOiJyZXBvOm9yZy9hcHA6cmVmOnJlZnMvaGVhZHMvbWFpbiIsInJ\
     lcG9zaXRvcnkiOiJvcmcvYXBwIiwicmVmIjoicmVmcy9oZWFkcy9tYWluIiwiaWF0IjoxNzY3MjI1NjAwLCJuYmYiOjE3NjcyMjU2MDAsImV4c\
     CI6NDEwMjQ0NDgwMH0";
const SIGNATURE: &str = "C7VCH0QP3Mnm1av0CIJh-YUBH1V0c9J1M61iOxRWd2azpkpmMUzYo0jvo8qMxR2J5t-CGX0WfFEldvY1tkHGv1ycD_rfx2fo9j7N2boeQHQK3C\
     GdWX9LILHcavJxrSQyoW072GjKydgbi4NQ_W_2iMu-GVVhwe7hNL6DefhYBVfkVpRDK28MZ8rd7YSaBPCHpEobGHeiGapc3isnL5HX7mgX1-8s\
     cNVoguQOkeCwaIbc-Y2h_1HFMUtFMA1z7cIL6h6GFYSMaymA6hm9R3rzmJoqh37KJtyhZ_8Ev-3aS2WQhhltftJhzcPbrBRBYiNeBwjPXZ984V\
     pcK609rTACfA";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_checked_and_its_rules_are_asked_within_the_usual_limits() {
    let keys =
        json!({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one", "n": MODULUS, "e": "AQAB"}]}).to_string();
    let length = keys.len();
    let origin =
        server(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{keys}").into_bytes()).await;
    let settings = json!({
        "issuers": [{"issuer": ISSUER, "audiences": ["registry.example.com"], "jwks-uri": format!("{origin}/keys")}],
        "rules": [{
            "when": "repository == \"org/app\" && ref == \"refs/heads/main\"",
            "repositories": ["org/app"],
            "actions": ["pull", "push"],
        }],
    });
    let mut spec = spec("auth-oidc", settings);
    spec.grants.http.origins = vec![origin.parse().unwrap()];
    let begun = Instant::now();
    let plugin = try_load(spec).await.unwrap();
    println!("loaded in {:?}", begun.elapsed());
    let (authenticator, authorizer) = (plugin.authenticator().unwrap(), plugin.authorizer().unwrap());
    let context = context();

    let right = Credential::Bearer(format!("{SIGNED}.{SIGNATURE}"));
    let begun = Instant::now();
    let Ok(Authentication::Accepted { identity, .. }) = authenticator.authenticate(&context, &right).await else {
        panic!("the token is a right one")
    };
    println!("the first token, with the fetching of the keys: {:?}", begun.elapsed());
    assert_eq!(identity.subject, "repo:org/app:ref:refs/heads/main");
    assert_eq!(identity.expires, Some(Timestamp(4_102_444_800_000)));
    let begun = Instant::now();
    for _ in 0..20 {
        assert!(matches!(authenticator.authenticate(&context, &right).await, Ok(Authentication::Accepted { .. })));
    }
    println!("each of 20 more: {:?}", begun.elapsed() / 20);

    let other = SIGNATURE.replacen(&SIGNATURE[..1], if SIGNATURE.starts_with('A') { "B" } else { "A" }, 1);
    let wrong = Credential::Bearer(format!("{SIGNED}.{other}"));
    assert!(matches!(authenticator.authenticate(&context, &wrong).await, Ok(Authentication::Rejected(_))));

    let access = |repository: &str| Access { action: AccessAction::Push, repository: Some(repository.parse().unwrap()) };
    let begun = Instant::now();
    let answer = authorizer.authorize(&context, Some(&identity), &[access("org/app"), access("org/other")]).await.unwrap();
    println!("two accesses: {:?}", begun.elapsed());
    assert_eq!(answer.verdicts, [Verdict::Allow("rule 1".to_owned()), Verdict::Abstain]);
}
