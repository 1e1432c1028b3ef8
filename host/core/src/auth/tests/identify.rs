//! What is remembered of credentials, and for how long; certificates.

use super::*;

#[tokio::test]
async fn an_accepted_credential_is_remembered_for_as_long_as_the_plugin_says_and_no_other_secret_with_it() {
    let plugin = Who::always("staff", accepts(60));
    let world = World::new(vec![plugin.clone()], vec![]);
    for _ in 0..3 {
        world.shown(&here(), &basic("x")).await.unwrap();
    }
    assert_eq!(plugin.asked(), 1);
    world.shown(&here(), &basic("y")).await.unwrap();
    world.shown(&here(), &login("bob", "x")).await.unwrap();
    assert_eq!(plugin.asked(), 3);
    world.clock.advance(MINUTE);
    world.shown(&here(), &basic("x")).await.unwrap();
    assert_eq!(plugin.asked(), 4);
}

#[tokio::test]
async fn an_accepted_credential_is_not_remembered_at_another_registry_or_under_another_name() {
    let plugin = Who::always("staff", accepts(60));
    let world = World::new(vec![plugin.clone()], vec![]);
    for context in [here(), context("other", "localhost:5000"), context("default", "elsewhere")] {
        world.shown(&context, &basic("x")).await.unwrap();
    }
    assert_eq!(plugin.asked(), 3);
}

#[tokio::test]
async fn a_rejection_and_a_failure_are_never_remembered() {
    let (rejects, fails) = (Who::staff(60), Who::always("staff", Err(trap())));
    for plugin in [rejects, fails] {
        let world = World::new(vec![plugin.clone()], vec![]);
        for _ in 0..3 {
            world.shown(&here(), &basic("wrong")).await.unwrap_err();
        }
        assert_eq!(plugin.asked(), 3);
    }
}

#[tokio::test]
async fn an_identity_that_has_ended_is_rejected_and_one_that_ends_is_remembered_no_longer() {
    let plugin = Who::always("staff", Ok(accepted(ending("alice", MINUTE), 3600)));
    let world = World::new(vec![plugin.clone()], vec![May::always("rules", 3600, allow())]);
    let caller = world.gate.identify(&here(), Some(&basic("x"))).await.unwrap();
    assert_eq!(world.gate.permit(&here(), &caller, &[pull("a")]).await, Ok(()));
    world.clock.advance(MINUTE - Duration::from_millis(1));
    world.shown(&here(), &basic("x")).await.unwrap();
    assert_eq!((plugin.asked(), world.gate.permit(&here(), &caller, &[pull("a")]).await), (1, Ok(())));
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.shown(&here(), &basic("x")).await, Err(AuthFailure::Rejected));
    assert_eq!(plugin.asked(), 2);
    // Nor may it what it might.
    assert_eq!(world.gate.permit(&here(), &caller, &[pull("a")]).await, Err(Refusal::Denied));
    assert_eq!(world.gate.visible(&here(), &caller, vec!["a".parse().unwrap()]).await, Ok(vec![]));
}

#[tokio::test]
async fn no_credential_is_an_anonymous_caller_and_nobody_is_asked() {
    let plugin = Who::staff(0);
    let world = World::new(vec![plugin.clone()], vec![]);
    assert!(matches!(world.gate.identify(&here(), None).await, Ok(Caller::Anonymous)));
    assert_eq!(plugin.asked(), 0);
}

#[tokio::test]
async fn a_certificate_that_nobody_knows_is_an_anonymous_caller_and_one_that_is_rejected_is_not() {
    let end = Timestamp(START).after(HOUR);
    let world = World::new(vec![Who::always("mtls", Ok(Authentication::Abstained))], vec![]);
    assert_eq!(world.shown(&here(), &certificate(end)).await.as_deref(), Ok("anonymous"));
    assert!(world.gate.issue(&here(), Some(&certificate(end)), &[], Offline::NotWanted).await.is_ok());
    let world = World::new(vec![Who::always("mtls", Ok(Authentication::Rejected("revoked".to_owned())))], vec![]);
    assert_eq!(world.shown(&here(), &certificate(end)).await, Err(AuthFailure::Rejected));
    let world = World::new(vec![Who::always("mtls", Err(trap()))], vec![]);
    assert_eq!(world.shown(&here(), &certificate(end)).await, Err(AuthFailure::Unavailable));
}

#[tokio::test]
async fn whoever_is_known_by_a_certificate_is_known_no_longer_than_it_lasts() {
    let plugin = Who::always("mtls", accepts(3600));
    let world = World::new(vec![plugin.clone()], vec![]);
    let shown = certificate(Timestamp(START).after(2 * MINUTE));
    let caller = world.gate.identify(&here(), Some(&shown)).await.unwrap();
    assert_eq!(caller.identity().unwrap().expires, Some(Timestamp(START).after(2 * MINUTE)));
    assert_eq!(world.issue(&shown, "", Offline::NotWanted).await.unwrap().expires_in, 120);
    world.clock.advance(2 * MINUTE);
    assert_eq!(world.shown(&here(), &shown).await, Err(AuthFailure::Rejected));
    assert_eq!(plugin.asked(), 1);
}

#[tokio::test]
async fn somebody_elses_bearer_token_goes_to_the_chain_and_is_remembered_like_any_credential() {
    let plugin = Who::always("oidc", accepts(60));
    let world = World::new(vec![plugin.clone()], vec![]);
    for _ in 0..2 {
        assert_eq!(world.shown(&here(), &bearer("e30.e30.c2ln")).await.as_deref(), Ok("alice"));
    }
    assert_eq!(plugin.asked(), 1);
}
