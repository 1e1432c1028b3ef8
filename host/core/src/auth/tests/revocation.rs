//! What is taken away ends no later than it must: a remembered login buys no token whose account is gone, and no token outlives the secret
//! that it was got by.

use super::*;
use crate::ports::audit::{AuditAction, AuditOutcome};

/// Accounts as they are by default: an acceptance may be reused for half a minute.
fn accounts() -> (Arc<Who>, World) {
    let staff = Who::staff(30);
    staff.stands(Ok(Standing::Known(identity("alice"))));
    let world = World::new(vec![staff.clone()], vec![May::always("rules", 10, allow())]);
    (staff, world)
}

#[tokio::test]
async fn a_login_that_is_remembered_buys_no_token_once_its_account_is_gone() {
    let deleted = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let gone = deleted.clone();
    let staff = Who::new("staff", move |_| if gone.load(Ordering::SeqCst) { Ok(Authentication::Abstained) } else { accepts(30) });
    staff.stands(Ok(Standing::Known(identity("alice"))));
    let world = World::new(vec![staff.clone()], vec![May::always("rules", 10, allow())]);
    world.token("repository:a:pull").await;
    world.clock.advance(Duration::from_secs(20));
    world.token("repository:a:pull").await;
    assert_eq!((staff.asked(), staff.looked_up()), (1, 1), "the password is not checked again");
    deleted.store(true, Ordering::SeqCst);
    staff.stands(Ok(Standing::Gone));
    for offline in [Offline::NotWanted, Offline::Wanted] {
        assert_eq!(world.issue(&basic("right"), "repository:a:pull", offline).await, Err(AuthFailure::Rejected));
    }
    let entries = world.audit.take();
    assert!(entries.iter().all(|entry| (entry.action, entry.outcome) == (AuditAction::Login, AuditOutcome::Refused)));
    assert_eq!(entries.len(), 2);
    assert_eq!(world.shown(&here(), &basic("right")).await, Err(AuthFailure::Rejected), "nor is it remembered any more");
}

#[tokio::test]
async fn a_remembered_login_buys_what_its_owner_may_now() {
    let (staff, world) = accounts();
    world.token("repository:a:pull").await;
    staff.stands(Ok(Standing::Known(Identity { groups: vec!["new".to_owned()], ..identity("alice") })));
    let token = world.token("repository:a:pull").await.token;
    let caller = world.gate.identify(&here(), Some(&bearer(&token))).await.unwrap();
    assert_eq!(caller.identity().unwrap().groups, ["new"]);
    assert_eq!(staff.looked_up.lock().unwrap()[0], ("alice".to_owned(), Some("p1".to_owned())));
}

#[tokio::test]
async fn a_password_that_is_right_for_what_is_there_now_is_checked_again_and_good() {
    let (staff, world) = accounts();
    world.token("").await;
    staff.stands(Ok(Standing::Gone));
    world.token("").await;
    assert_eq!(staff.asked(), 2);
    staff.stands(Ok(Standing::Known(identity("bob"))));
    world.token("").await;
    assert_eq!(staff.asked(), 3, "another one of that name is not the one who logged in");
}

#[tokio::test]
async fn where_the_plugin_fails_there_is_no_token_and_where_it_cannot_say_its_word_holds() {
    let (staff, world) = accounts();
    world.token("").await;
    staff.stands(Err(trap()));
    assert_eq!(world.issue(&basic("right"), "", Offline::NotWanted).await, Err(AuthFailure::Unavailable));
    staff.stands(Ok(Standing::Untracked));
    world.token("").await;
    assert_eq!(staff.asked(), 1);
}

#[tokio::test]
async fn a_login_without_a_mark_is_remembered_for_as_long_as_the_plugin_says() {
    let accepted = Authentication::Accepted { identity: identity("alice"), reuse: 30, proof: None };
    let staff = Who::always("staff", Ok(accepted));
    let world = World::new(vec![staff.clone()], vec![]);
    world.token("").await;
    world.token("").await;
    assert_eq!((staff.asked(), staff.looked_up()), (1, 0));
}

#[tokio::test]
async fn a_token_ends_with_the_secret_that_it_was_got_by_though_the_plugin_tells_no_end_later() {
    // The secret ends; of the account itself the plugin tells no end.
    let secret_ends = Duration::from_secs(200);
    let staff = Who::always("staff", Ok(accepted(ending("alice", secret_ends), 30)));
    staff.stands(Ok(Standing::Known(identity("alice"))));
    let world = World::new(vec![staff.clone()], vec![]);
    let first = world.issue(&basic("x"), "", Offline::Wanted).await.unwrap();
    assert_eq!(first.expires_in, 200);
    let refresh = first.refresh_token.unwrap();
    world.clock.advance(Duration::from_secs(20));
    let remembered = world.issue(&basic("x"), "", Offline::NotWanted).await.unwrap();
    assert_eq!((remembered.expires_in, staff.asked()), (180, 1));
    let by_form = world.gate.refresh(&here(), &refresh, &[]).await.unwrap();
    assert_eq!(by_form.expires_in, 180);
    let by_password = world.issue(&nobody(&refresh), "", Offline::NotWanted).await.unwrap();
    assert_eq!(by_password.expires_in, 180);
    world.clock.advance(Duration::from_secs(121));
    assert_eq!(world.gate.refresh(&here(), &refresh, &[]).await, Err(AuthFailure::EndsTooSoon));
}
