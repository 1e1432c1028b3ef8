//! Access tokens: what they cover, whom they name, and when they end.

use super::*;

#[tokio::test]
async fn a_token_covers_what_was_asked_for_and_granted_and_nothing_else() {
    let world = open_world();
    let issued = world.token("repository:a/b:pull,push repository:A:pull repository(plugin):c:pull registry:catalog:* x").await;
    assert_eq!(issued.scope, "repository:a/b:pull,push repository:c:pull registry:catalog:*");
    let caller = world.gate.identify(&here(), Some(&bearer(&issued.token))).await.unwrap();
    let may = async |access: Access| world.gate.permit(&here(), &caller, &[access]).await;
    assert_eq!(may(access(AccessAction::Push, "a/b")).await, Ok(()));
    assert_eq!(may(Access { action: AccessAction::ListRepositories, repository: None }).await, Ok(()));
    assert_eq!(may(access(AccessAction::Delete, "a/b")).await, Err(Refusal::InsufficientScope));
    assert_eq!(may(pull("a")).await, Err(Refusal::InsufficientScope));
    assert_eq!(may(Access { action: AccessAction::Administer, repository: None }).await, Err(Refusal::InsufficientScope));
}

#[tokio::test]
async fn what_is_not_allowed_is_left_out_of_a_token() {
    let rules = May::new("rules", 0, |_, access| if access.action == AccessAction::Pull { allow() } else { deny() });
    let world = World::new(vec![Who::staff(0)], vec![rules]);
    assert_eq!(world.token("repository:a:*").await.scope, "repository:a:pull");
    assert_eq!(world.token("repository:a:push").await.scope, "");
    let failing = World::new(vec![Who::staff(0)], vec![May::always("rules", 0, Err(trap()))]);
    assert_eq!(failing.token("repository:a:pull").await.scope, "");
}

#[tokio::test]
async fn a_token_says_who_it_was_given_to_as_plugins_know_them() {
    let known = Identity {
        groups: vec!["ops".to_owned()],
        claims: vec![("team".to_owned(), "payments".to_owned())],
        ..identity("alice")
    };
    let staff = Who::always("staff", Ok(accepted(known.clone(), 0)));
    let world = World::new(vec![staff], vec![May::always("rules", 0, allow())]);
    let issued = world.token("repository:a:pull").await.token;
    let caller = world.gate.identify(&here(), Some(&bearer(&issued))).await.unwrap();
    assert_eq!(caller.identity(), Some(&known));
    let anonymous = world.gate.issue(&here(), None, &[], Offline::Wanted).await.unwrap();
    assert_eq!(anonymous.refresh_token, None);
    let caller = world.gate.identify(&here(), Some(&bearer(&anonymous.token))).await.unwrap();
    assert_eq!((caller.identity(), caller.actor()), (None, None));
}

#[tokio::test]
async fn an_identity_that_no_request_could_carry_gets_no_token() {
    let known = Identity { groups: vec!["g".repeat(100); 100], ..identity("alice") };
    let world = World::new(vec![Who::always("staff", Ok(accepted(known, 0)))], vec![]);
    assert_eq!(world.issue(&basic("x"), "", Offline::NotWanted).await, Err(AuthFailure::IdentityTooLarge));
}

#[tokio::test]
async fn a_token_lives_five_minutes_and_no_longer_than_whom_it_was_given_to_and_never_under_a_minute() {
    let life = async |ends_after: Option<Duration>| {
        let known = ends_after.map_or_else(|| identity("alice"), |after| ending("alice", after));
        let world = World::new(vec![Who::always("staff", Ok(accepted(known, 0)))], vec![]);
        world.issue(&basic("x"), "", Offline::NotWanted).await.map(|issued| issued.expires_in)
    };
    assert_eq!(life(None).await, Ok(300));
    assert_eq!(life(Some(HOUR)).await, Ok(300));
    assert_eq!(life(Some(Duration::from_secs(100))).await, Ok(100));
    assert_eq!(life(Some(MINUTE)).await, Ok(60));
    assert_eq!(life(Some(MINUTE - Duration::from_millis(1))).await, Err(AuthFailure::EndsTooSoon));
    assert_eq!(life(Some(Duration::ZERO)).await, Err(AuthFailure::Rejected));
}

#[tokio::test]
async fn a_token_ends_when_it_says_whether_it_is_remembered_or_not() {
    let world = open_world();
    let issued = world.token("repository:a:pull").await.token;
    let caller = world.gate.identify(&here(), Some(&bearer(&issued))).await.unwrap();
    world.clock.advance(Duration::from_millis(299_999));
    assert_eq!(world.shown(&here(), &bearer(&issued)).await.as_deref(), Ok("token"));
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.shown(&here(), &bearer(&issued)).await, Err(AuthFailure::InvalidToken));
    assert_eq!(world.gate.permit(&here(), &caller, &[pull("a")]).await, Err(Refusal::InsufficientScope));
    let fresh = world.beside(vec![Who::staff(0)], vec![]);
    assert_eq!(fresh.shown(&here(), &bearer(&issued)).await, Err(AuthFailure::InvalidToken));
}

#[tokio::test]
async fn a_token_buys_no_newer_token() {
    let world = open_world();
    let issued = world.token("repository:a:pull").await.token;
    assert_eq!(world.issue(&bearer(&issued), "", Offline::Wanted).await, Err(AuthFailure::Rejected));
    assert_eq!(world.gate.exchange(&here(), &issued).await, Err(AuthFailure::InvalidToken));
}

#[tokio::test]
async fn a_plugin_that_leaves_the_chain_ends_the_tokens_of_those_it_vouched_for_and_no_others() {
    let world = open_world();
    let issued = world.token("repository:a:pull").await.token;
    let anonymous = world.gate.issue(&here(), None, &[], Offline::NotWanted).await.unwrap().token;
    let without = world.beside(vec![Who::always("others", accepts(0))], vec![]);
    assert_eq!(without.shown(&here(), &bearer(&issued)).await, Err(AuthFailure::InvalidToken));
    assert_eq!(without.shown(&here(), &bearer(&anonymous)).await.as_deref(), Ok("token"));
    let with = world.beside(vec![Who::staff(0)], vec![]);
    assert_eq!(with.shown(&here(), &bearer(&issued)).await.as_deref(), Ok("token"));
}

#[tokio::test]
async fn a_token_is_made_of_a_remembered_login_without_asking_again() {
    let staff = Who::staff(60);
    let world = World::new(vec![staff.clone()], vec![May::always("rules", 0, allow())]);
    world.token("repository:a:pull").await;
    world.token("repository:b:pull").await;
    assert_eq!(staff.asked(), 1);
}
