//! Authenticators and authorizers through the Wasm boundary, honest and hostile ones.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_core::ports::auth::{Access, AccessAction, Answer, Authentication, Certificate, Credential, Standing, Verdict};
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::context::Identity;
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_plugin::{HttpGrant, Plugin};
use serde_json::json;
use support::{context, load, server, spec, try_load};

fn basic(user: &str, secret: &str) -> Credential {
    Credential::Basic { user: user.to_owned(), secret: secret.to_owned() }
}

async fn ask(plugin: &Arc<Plugin>, user: &str) -> Result<Authentication, PluginError> {
    plugin.authenticator().unwrap().authenticate(&context(), &basic(user, "secret")).await
}

async fn lookup(plugin: &Arc<Plugin>, subject: &str, proof: Option<&str>) -> Result<Standing, PluginError> {
    plugin.authenticator().unwrap().lookup(&context(), subject, proof).await
}

async fn may(plugin: &Arc<Plugin>, who: Option<&Identity>) -> Result<Answer, PluginError> {
    let access = |action| Access { action, repository: Some("team/app".parse().unwrap()) };
    let accesses = [access(AccessAction::Pull), access(AccessAction::Push)];
    plugin.authorizer().unwrap().authorize(&context(), who, &accesses).await
}

async fn hostile(behaviour: &str) -> Arc<Plugin> {
    let mut spec = spec("hostile-auth", json!({"behaviour": behaviour}));
    spec.limits.time = Some(Duration::from_millis(500));
    try_load(spec).await.unwrap()
}

fn ann() -> Identity {
    of("staff", "ann")
}

fn of(plugin: &str, subject: &str) -> Identity {
    Identity { plugin: plugin.into(), subject: subject.to_owned(), groups: vec![], claims: vec![], expires: None }
}

fn allowed(reason: &str) -> Verdict {
    Verdict::Allow(reason.to_owned())
}

#[tokio::test]
async fn a_right_secret_is_accepted_a_wrong_one_rejected_another_kind_left_to_others() {
    let plugin = load("hello-auth", json!({"password": "secret"})).await;
    let Ok(Authentication::Accepted { identity, .. }) = ask(&plugin, "ann").await else { panic!() };
    assert_eq!((identity.subject.as_str(), &*identity.plugin), ("ann", "hello-auth"));
    let authenticator = plugin.authenticator().unwrap();
    assert!(matches!(authenticator.authenticate(&context(), &basic("ann", "no")).await, Ok(Authentication::Rejected(_))));
    let bearer = Credential::Bearer("token".to_owned());
    assert_eq!(authenticator.authenticate(&context(), &bearer).await, Ok(Authentication::Abstained));
}

#[tokio::test]
async fn an_authorizer_answers_each_access() {
    let plugin = load("hello-policy", json!({"writers": ["ann"]})).await;
    assert_eq!(may(&plugin, Some(&ann())).await, Ok(Answer { verdicts: vec![allowed(""), allowed("")], reuse: 0 }));
    let answer = may(&plugin, None).await.unwrap();
    assert!(matches!(&answer.verdicts[..], [Verdict::Allow(_), Verdict::Deny(_)]), "{answer:?}");
}

#[tokio::test]
async fn an_authorizer_is_told_who_vouches_for_the_caller_and_its_own_name() {
    let mut spec = spec("hostile-auth", json!({"behaviour": "mirror", "reuse": 7}));
    spec.name = "rules".into();
    let plugin = try_load(spec).await.unwrap();
    for (who, told) in
        [(Some(ann()), "ann of staff, own: false"), (Some(of("rules", "bob")), "bob of rules, own: true"), (None, "anonymous")]
    {
        let answer = may(&plugin, who.as_ref()).await;
        assert_eq!(answer, Ok(Answer { verdicts: vec![allowed(told), allowed(told)], reuse: 7 }));
    }
}

#[tokio::test]
async fn a_certificate_is_shown_whole_and_nobody_outlives_it() {
    let plugin = hostile("mirror").await;
    let certificate = Certificate {
        subject: "CN=ci,O=Contoso".to_owned(),
        names: vec!["dns:ci.example.com".to_owned(), "uri:spiffe://contoso/ci".to_owned()],
        fingerprint: "ab".repeat(32),
        expires: Timestamp(1_800_000_000_123),
    };
    let credential = Credential::Certificate(Arc::new(certificate));
    let answer = plugin.authenticator().unwrap().authenticate(&context(), &credential).await;
    let Ok(Authentication::Accepted { identity, reuse: 0, proof: None }) = answer else { panic!("{answer:?}") };
    assert_eq!((&*identity.plugin, identity.subject.as_str()), ("hostile-auth", "CN=ci,O=Contoso"));
    assert_eq!(identity.expires, Some(Timestamp(1_800_000_000_123)), "the plugin named no end");
    let told: Vec<(&str, &str)> = identity.claims.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let fingerprint = "ab".repeat(32);
    let names = "dns:ci.example.com uri:spiffe://contoso/ci";
    let shown = [("names", names), ("fingerprint", &fingerprint), ("expires", "1800000000123")];
    assert_eq!(told, [&[("plugin", "hostile-auth")][..], &shown].concat());
}

#[tokio::test]
async fn a_proof_comes_back_and_a_lookup_with_another_one_finds_nobody() {
    let plugin = hostile("marked").await;
    let answer = ask(&plugin, "ann").await;
    let Ok(Authentication::Accepted { proof: Some(proof), .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(lookup(&plugin, "ann", Some(&proof)).await, Ok(Standing::Known(of("hostile-auth", "ann"))));
    assert_eq!(lookup(&plugin, "ann", None).await, Ok(Standing::Known(of("hostile-auth", "ann"))));
    assert_eq!(lookup(&plugin, "ann", Some("another")).await, Ok(Standing::Gone));
    assert_eq!(lookup(&hostile("untracked").await, "ann", None).await, Ok(Standing::Untracked));
    assert_eq!(lookup(&load("hello-auth", json!({"password": "secret"})).await, "ann", None).await, Ok(Standing::Untracked));
    let gone = try_load(spec("hostile-auth", json!({"behaviour": "chatter", "at": "lookup"}))).await.unwrap();
    assert_eq!(lookup(&gone, "ann", None).await, Ok(Standing::Gone));
}

#[tokio::test]
async fn how_long_an_answer_may_be_reused_is_handed_on_as_it_was_said() {
    for reuse in [0, 1, 30, u32::MAX] {
        let plugin = load("hostile-auth", json!({"behaviour": "honest", "reuse": reuse})).await;
        assert!(matches!(ask(&plugin, "ann").await, Ok(Authentication::Accepted { reuse: said, .. }) if said == reuse));
        assert_eq!(may(&plugin, None).await.unwrap().reuse, reuse);
    }
}

#[tokio::test]
async fn a_proof_that_no_token_has_room_for_is_nonsense() {
    let answer = ask(&hostile("huge-proof").await, "ann").await;
    assert!(matches!(answer, Err(PluginError::Nonsense(_))), "{answer:?}");
}

#[tokio::test]
async fn a_lookup_that_goes_wrong_leaves_the_logins_whole() {
    for behaviour in ["loop", "panic", "recursion", "huge-reply", "error"] {
        let mut spec = spec("hostile-auth", json!({"behaviour": behaviour, "at": "lookup"}));
        spec.limits.time = Some(Duration::from_millis(500));
        let plugin = try_load(spec).await.unwrap();
        for _ in 0..2 {
            let answer = lookup(&plugin, "ann", None).await;
            match behaviour {
                "loop" => assert_eq!(answer, Err(PluginError::TimedOut(Duration::from_millis(500)))),
                "error" => assert!(matches!(answer, Err(PluginError::Internal(_))), "{answer:?}"),
                _ => assert!(matches!(answer, Err(PluginError::Trapped(_))), "{behaviour}: {answer:?}"),
            }
            assert!(matches!(ask(&plugin, "ann").await, Ok(Authentication::Accepted { .. })), "{behaviour}");
        }
    }
    let plugin = load("hostile-auth", json!({"behaviour": "trap-on-one-user", "at": "lookup"})).await;
    assert!(matches!(lookup(&plugin, "mallory", None).await, Err(PluginError::Trapped(_))));
    assert_eq!(lookup(&plugin, "ann", None).await, Ok(Standing::Known(of("hostile-auth", "ann"))));
}

#[tokio::test]
async fn a_loop_ends_with_its_time_and_the_next_call_works() {
    let plugin = hostile("loop").await;
    let begun = Instant::now();
    assert_eq!(ask(&plugin, "ann").await, Err(PluginError::TimedOut(Duration::from_millis(500))));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(may(&plugin, None).await, Err(PluginError::TimedOut(Duration::from_millis(500))));
}

#[tokio::test(flavor = "current_thread")]
async fn an_authorizer_that_loops_does_not_keep_others_from_running() {
    let mut spec = spec("hostile-auth", json!({"behaviour": "loop"}));
    spec.limits.time = Some(Duration::from_secs(60));
    let plugin = try_load(spec).await.unwrap();
    let honest = load("hello-policy", json!({"writers": ["ann"]})).await;
    let looping = tokio::spawn(async move { may(&plugin, None).await });
    for _ in 0..20 {
        assert!(may(&honest, None).await.is_ok());
        tokio::task::yield_now().await;
    }
    assert!(!looping.is_finished());
    looping.abort();
    assert!(looping.await.unwrap_err().is_cancelled(), "a call that its caller gives up ends too");
}

#[tokio::test]
async fn panics_recursion_and_huge_replies_are_traps() {
    for behaviour in ["panic", "recursion", "huge-reply"] {
        let plugin = hostile(behaviour).await;
        for _ in 0..3 {
            let answer = ask(&plugin, "ann").await;
            assert!(matches!(answer, Err(PluginError::Trapped(_))), "{behaviour}: {answer:?}");
        }
        let answer = may(&plugin, Some(&ann())).await;
        assert!(matches!(answer, Err(PluginError::Trapped(_))), "{behaviour}: {answer:?}");
    }
}

#[tokio::test]
async fn a_guest_gets_no_more_memory_than_its_limit() {
    let answer = ask(&hostile("memory").await, "ann").await;
    assert!(
        matches!(answer, Ok(Authentication::Rejected(_)) | Err(PluginError::Trapped(_) | PluginError::TimedOut(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_guests_own_error_and_its_nonsense_are_told_apart() {
    let answer = ask(&hostile("error").await, "ann").await;
    assert!(
        !matches!(answer, Ok(_) | Err(PluginError::Trapped(_) | PluginError::TimedOut(_) | PluginError::Nonsense(_))),
        "{answer:?}"
    );
    let answer = may(&hostile("wrong-count").await, Some(&ann())).await;
    assert!(matches!(answer, Err(PluginError::Nonsense(_))), "{answer:?}");
}

#[tokio::test]
async fn a_trap_for_one_user_is_none_for_the_next() {
    let plugin = hostile("trap-on-one-user").await;
    let mut trapped = 0;
    for user in ["mallory", "ann", "mallory", "bob"] {
        match ask(&plugin, user).await {
            Ok(_) => {}
            Err(PluginError::Trapped(_)) => trapped += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(trapped, 2);
    assert!(ask(&plugin, "ann").await.is_ok());
}

#[tokio::test]
async fn a_guest_reads_nothing_that_is_not_granted() {
    let plugin = hostile("read-escape").await;
    assert!(matches!(ask(&plugin, "ann").await, Ok(Authentication::Rejected(_))));
}

#[tokio::test]
async fn a_flood_of_log_lines_is_dropped() {
    let answer = ask(&hostile("log-flood").await, "ann").await;
    assert!(matches!(answer, Ok(Authentication::Accepted { .. }) | Err(PluginError::TimedOut(_))), "{answer:?}");
}

#[tokio::test]
async fn a_guest_reaches_no_origin_that_is_not_granted() {
    let origin = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok".to_vec()).await;
    let spec = spec("hostile-auth", json!({"behaviour": "fetch-ungranted", "url": format!("{origin}/")}));
    let plugin = try_load(spec).await.unwrap();
    assert!(!matches!(ask(&plugin, "ann").await, Ok(Authentication::Accepted { .. })));
}

#[tokio::test]
async fn a_redirect_to_the_metadata_service_leads_nowhere() {
    let redirect = b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest/meta-data/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let origin = server(redirect.to_vec()).await;
    let mut spec = spec("hostile-auth", json!({"behaviour": "fetch-metadata", "url": format!("{origin}/")}));
    spec.grants.http = HttpGrant { origins: vec![origin.parse().unwrap()], ..HttpGrant::default() };
    let answer = ask(&try_load(spec).await.unwrap(), "ann").await;
    assert!(matches!(answer, Ok(Authentication::Rejected(_))), "{answer:?}");
}

#[tokio::test]
async fn many_calls_at_once_share_a_few_instances() {
    let mut spec = spec("hello-auth", json!({"password": "secret"}));
    spec.limits.instances = 2;
    let plugin = try_load(spec).await.unwrap();
    let calls: Vec<_> = (0..200)
        .map(|number| {
            let plugin = plugin.clone();
            tokio::spawn(async move { ask(&plugin, &format!("user{number}")).await })
        })
        .collect();
    for (number, call) in calls.into_iter().enumerate() {
        let Ok(Authentication::Accepted { identity, .. }) = call.await.unwrap() else { panic!() };
        assert_eq!(identity.subject, format!("user{number}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_finds_every_instance_busy_is_told_so_in_time() {
    let mut spec = spec("hostile-auth", json!({"behaviour": "loop", "at": "authorize"}));
    spec.limits.instances = 1;
    spec.limits.time = Some(Duration::from_millis(300));
    let plugin = try_load(spec).await.unwrap();
    let looping: Vec<_> = (0..4)
        .map(|_| {
            let plugin = plugin.clone();
            tokio::spawn(async move { may(&plugin, None).await })
        })
        .collect();
    let mut busy = 0;
    for call in looping {
        match call.await.unwrap() {
            Err(PluginError::TimedOut(_)) => {}
            Err(PluginError::Unavailable { .. }) => busy += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(busy > 0);
    assert!(ask(&plugin, "ann").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_right_passwords_at_once_than_there_are_cores_are_all_accepted() {
    let home = tempfile::tempdir().unwrap();
    let users = home.path().join("users");
    // `htpasswd -B -C 10`: each takes a core for nearly a tenth of a second, 40 of them longer than one call may take.
    std::fs::write(&users, "ann:$2y$10$d4IyqGE6D3qAhziizgZ0tey7.P9k2m.pIGSwTq/U8K1pnhbSIJVpm\n").unwrap();
    let mut spec = spec("auth-htpasswd", json!({}));
    spec.grants.files = [("/users".to_owned(), users)].into();
    let plugin = try_load(spec).await.unwrap();
    let asking: Vec<_> = (0..40)
        .map(|_| {
            let plugin = plugin.clone();
            tokio::spawn(async move { ask(&plugin, "ann").await })
        })
        .collect();
    for asked in asking {
        let answer = asked.await.unwrap();
        assert!(matches!(answer, Ok(Authentication::Accepted { .. })), "{answer:?}");
    }
}
