//! Refresh tokens: who gets one, for how long, and that the plugin that vouched has the last word at each use.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

const DAYS_90: u64 = 90 * 24 * 60 * 60;

/// Staff that know alice still, or whatever a test says.
fn tracked() -> (Arc<Who>, World) {
    let staff = Who::staff(0);
    staff.stands(Ok(Standing::Known(identity("alice"))));
    let world = World::new(vec![staff.clone()], vec![May::always("rules", 0, allow())]);
    (staff, world)
}

/// An identity provider's tokens, of which it cannot tell later.
fn untracked(identity: Identity) -> (Arc<Who>, World) {
    let issuer = Who::always("staff", Ok(accepted(identity, 0)));
    let world = World::new(vec![issuer.clone()], vec![May::always("rules", 0, allow())]);
    (issuer, world)
}

async fn offline(world: &World) -> String {
    world.issue(&basic("right"), "", Offline::Wanted).await.unwrap().refresh_token.unwrap()
}

async fn refresh(world: &World, token: &str) -> Result<IssuedToken, AuthFailure> {
    world.gate.refresh(&here(), token, &ScopeRequest::parse_list("repository:a:pull")).await
}

fn claims(token: &str) -> serde_json::Value {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&claims).unwrap()
}

#[tokio::test]
async fn a_password_earns_a_refresh_token_only_when_asked_for_and_only_where_the_plugin_can_tell_of_the_subject_later() {
    let (staff, world) = tracked();
    assert_eq!(world.issue(&basic("right"), "", Offline::NotWanted).await.unwrap().refresh_token, None);
    assert_eq!(staff.looked_up(), 0);
    offline(&world).await;
    assert_eq!(staff.looked_up.lock().unwrap()[..], [("alice".to_owned(), Some("p1".to_owned()))]);
    staff.stands(Ok(Standing::Untracked));
    assert_eq!(world.issue(&basic("right"), "", Offline::Wanted).await.unwrap().refresh_token, None);
}

#[tokio::test]
async fn a_password_that_was_withdrawn_while_it_was_remembered_earns_nothing_and_is_forgotten() {
    let staff = Who::staff(3600);
    let world = World::new(vec![staff.clone()], vec![]);
    world.shown(&here(), &basic("right")).await.unwrap();
    staff.stands(Ok(Standing::Gone));
    assert_eq!(world.issue(&basic("right"), "", Offline::Wanted).await, Err(AuthFailure::Rejected));
    world.shown(&here(), &basic("right")).await.unwrap();
    assert_eq!(staff.asked(), 3, "it was checked again for the token, and is not remembered from there");
    staff.stands(Err(trap()));
    assert_eq!(world.issue(&basic("right"), "", Offline::Wanted).await, Err(AuthFailure::Unavailable));
}

#[tokio::test]
async fn a_refresh_token_buys_access_tokens_without_a_password_and_comes_back_with_each() {
    let (staff, world) = tracked();
    let token = offline(&world).await;
    let before = staff.asked();
    let issued = refresh(&world, &token).await.unwrap();
    assert_eq!((issued.scope.as_str(), issued.expires_in), ("repository:a:pull", 300));
    assert_eq!(issued.refresh_token, Some(token.clone()));
    assert_eq!(staff.asked(), before);
    let caller = world.gate.identify(&here(), Some(&bearer(&issued.token))).await.unwrap();
    assert_eq!(caller.actor().as_deref(), Some("alice"));
    assert_eq!(world.gate.permit(&here(), &caller, &[pull("a")]).await, Ok(()));
}

#[tokio::test]
async fn the_plugin_is_asked_at_each_use_about_the_subject_and_the_proof_and_its_word_is_what_counts() {
    let (staff, world) = tracked();
    let token = offline(&world).await;
    staff.stands(Ok(Standing::Known(Identity { groups: vec!["new".to_owned()], ..identity("alice") })));
    for _ in 0..2 {
        let issued = refresh(&world, &token).await.unwrap().token;
        let caller = world.gate.identify(&here(), Some(&bearer(&issued))).await.unwrap();
        assert_eq!(caller.identity().unwrap().groups, ["new"]);
    }
    assert_eq!(staff.looked_up(), 3);
    assert_eq!(staff.looked_up.lock().unwrap()[2], ("alice".to_owned(), Some("p1".to_owned())));
    for gone in [Standing::Gone, Standing::Untracked, Standing::Known(identity("bob"))] {
        staff.stands(Ok(gone));
        assert_eq!(refresh(&world, &token).await, Err(AuthFailure::InvalidToken));
        assert_eq!(world.shown(&here(), &nobody(&token)).await, Err(AuthFailure::Rejected));
    }
    staff.stands(Err(trap()));
    assert_eq!(refresh(&world, &token).await, Err(AuthFailure::Unavailable));
    staff.stands(Ok(Standing::Known(ending("alice", Duration::ZERO))));
    assert_eq!(refresh(&world, &token).await, Err(AuthFailure::InvalidToken));
    staff.stands(Ok(Standing::Known(ending("alice", Duration::from_secs(40)))));
    assert_eq!(refresh(&world, &token).await, Err(AuthFailure::EndsTooSoon));
}

#[tokio::test]
async fn a_refresh_token_of_a_plugin_that_left_the_chain_is_worthless() {
    let (staff, world) = tracked();
    let token = offline(&world).await;
    let others = Who::always("others", accepts(0));
    others.stands(Ok(Standing::Known(identity("alice"))));
    let without = world.beside(vec![others.clone()], vec![]);
    assert_eq!(refresh(&without, &token).await, Err(AuthFailure::InvalidToken));
    assert_eq!((others.looked_up(), others.asked(), staff.looked_up()), (0, 0, 1));
}

#[tokio::test]
async fn a_tracked_refresh_token_lives_ninety_days_and_says_no_more_of_its_subject_than_it_must() {
    let known = Identity { groups: vec!["ops".to_owned()], ..identity("alice") };
    let (staff, world) = untracked(known.clone());
    staff.stands(Ok(Standing::Known(known)));
    let token = offline(&world).await;
    let claims = claims(&token);
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), DAYS_90);
    assert_eq!(claims["grant_type"], "refresh_token");
    assert_eq!((&claims["version"], &claims["tracked"]), (&"1.0".into(), &true.into()));
    assert_eq!(claims["identity"], serde_json::json!({ "plugin": "staff" }));
    world.clock.advance(Duration::from_secs(DAYS_90 - 60));
    assert_eq!(refresh(&world, &token).await.unwrap().expires_in, 60, "no token outlives it");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(refresh(&world, &token).await, Err(AuthFailure::EndsTooSoon));
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(refresh(&world, &token).await, Err(AuthFailure::InvalidToken));
}

#[tokio::test]
async fn no_refresh_token_outlives_the_identity() {
    let (staff, world) = untracked(ending("alice", HOUR));
    staff.stands(Ok(Standing::Known(ending("alice", HOUR))));
    let claims = claims(&offline(&world).await);
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600);
    staff.stands(Ok(Standing::Untracked));
    let token = world.gate.exchange(&here(), "foreign").await.unwrap();
    world.clock.advance(HOUR);
    assert_eq!(refresh(&world, &token).await, Err(AuthFailure::InvalidToken));
}

#[tokio::test]
async fn an_exchanged_token_of_an_identity_provider_is_worth_at_most_three_hours_where_nobody_can_tell_of_it_later() {
    let known = Identity { groups: vec!["ops".to_owned()], ..identity("alice") };
    let (issuer, world) = untracked(known.clone());
    let token = world.gate.exchange(&here(), "foreign").await.unwrap();
    let caller = world.gate.identify(&here(), Some(&bearer(&refresh(&world, &token).await.unwrap().token))).await.unwrap();
    let until = Some(Timestamp(START).after(3 * HOUR));
    assert_eq!(caller.identity(), Some(&Identity { expires: until, ..known }));
    issuer.stands(Ok(Standing::Gone));
    assert_eq!(refresh(&world, &token).await, Err(AuthFailure::InvalidToken));
    issuer.stands(Ok(Standing::Untracked));
    world.clock.advance(3 * HOUR - MINUTE);
    refresh(&world, &token).await.unwrap();
    world.clock.advance(MINUTE);
    assert_eq!(refresh(&world, &token).await, Err(AuthFailure::InvalidToken));
}

#[tokio::test]
async fn another_issuers_token_earns_a_refresh_token_at_the_token_service_too_and_a_certificate_earns_none() {
    let (issuer, world) = untracked(identity("alice"));
    assert!(world.issue(&bearer("foreign"), "", Offline::Wanted).await.unwrap().refresh_token.is_some());
    issuer.stands(Ok(Standing::Known(identity("alice"))));
    let shown = certificate(Timestamp(START).after(HOUR));
    assert_eq!(world.issue(&shown, "", Offline::Wanted).await.unwrap().refresh_token, None);
}

#[tokio::test]
async fn an_exchange_that_the_chain_refuses_gives_nothing() {
    for (answer, failure) in [
        (Ok(Authentication::Rejected("no".to_owned())), AuthFailure::InvalidToken),
        (Ok(Authentication::Abstained), AuthFailure::InvalidToken),
        (Err(trap()), AuthFailure::Unavailable),
        (Ok(accepted(ending("alice", Duration::from_secs(30)), 0)), AuthFailure::EndsTooSoon),
    ] {
        let world = World::new(vec![Who::always("staff", answer)], vec![]);
        assert_eq!(world.gate.exchange(&here(), "foreign").await, Err(failure));
    }
}

#[tokio::test]
async fn a_refresh_token_is_the_password_of_nobody_at_the_token_service_and_its_plugin_is_asked_each_time() {
    let (staff, world) = tracked();
    let token = offline(&world).await;
    let issued = world.issue(&nobody(&token), "repository:a:pull", Offline::NotWanted).await.unwrap();
    assert_eq!((issued.scope.as_str(), issued.refresh_token), ("repository:a:pull", None));
    let again = world.issue(&nobody(&token), "", Offline::Wanted).await.unwrap();
    assert_eq!(again.refresh_token, Some(token));
    assert_eq!((staff.looked_up(), staff.asked()), (3, 1));
}

#[tokio::test]
async fn a_refresh_token_as_the_password_of_a_request_is_remembered_for_a_minute() {
    let (staff, world) = tracked();
    let token = offline(&world).await;
    for _ in 0..3 {
        assert_eq!(world.shown(&here(), &nobody(&token)).await.as_deref(), Ok("alice"));
    }
    assert_eq!(staff.looked_up(), 2);
    staff.stands(Ok(Standing::Gone));
    world.clock.advance(MINUTE);
    assert_eq!(world.shown(&here(), &nobody(&token)).await, Err(AuthFailure::Rejected));
    // What ends earlier is remembered no longer.
    world.clock.advance(Duration::from_secs(DAYS_90 - 90));
    staff.stands(Ok(Standing::Known(identity("alice"))));
    world.shown(&here(), &nobody(&token)).await.unwrap();
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(world.shown(&here(), &nobody(&token)).await, Err(AuthFailure::Rejected));
}

#[tokio::test]
async fn nobody_with_another_password_than_a_refresh_token_is_rejected_and_no_plugin_hears_of_it() {
    let (staff, world) = tracked();
    let access = world.token("").await.token;
    let before = (staff.asked(), staff.looked_up());
    for secret in ["right", "", &access] {
        assert_eq!(world.shown(&here(), &nobody(secret)).await, Err(AuthFailure::Rejected));
        assert_eq!(world.issue(&nobody(secret), "", Offline::Wanted).await, Err(AuthFailure::Rejected));
    }
    assert_eq!((staff.asked(), staff.looked_up()), before);
}
