//! What a caller may know of: what it may pull, whatever its token was asked for.

use super::*;

fn names() -> Vec<bulkhead_oci::RepositoryName> {
    vec!["a".parse().unwrap(), "b".parse().unwrap()]
}

#[tokio::test]
async fn what_a_caller_may_see_is_asked_of_the_chain_whatever_the_scope_of_its_token() {
    let world = open_world();
    let issued = world.token("repository:c:push").await.token;
    let caller = world.gate.identify(&here(), Some(&bearer(&issued))).await.unwrap();
    assert_eq!(world.gate.visible(&here(), &caller, names()).await, Ok(names()));
    // One that names somebody of whom it says nothing more: nobody can say.
    let grant = TokenGrant { subject: Some("alice".to_owned()), identity: None, grants: vec![], expires: Timestamp(u64::MAX) };
    assert_eq!(world.gate.visible(&here(), &Caller::Token(Arc::new(grant)), names()).await, Ok(vec![]));
    let denying = World::new(vec![], vec![May::always("rules", 0, deny())]);
    assert_eq!(denying.gate.visible(&here(), &Caller::Anonymous, names()).await, Ok(vec![]));
    let failing = World::new(vec![], vec![May::always("rules", 0, Err(trap()))]);
    assert_eq!(failing.gate.visible(&here(), &Caller::Anonymous, names()).await, Err(AuthFailure::Unavailable));
}

#[tokio::test]
async fn nothing_is_mounted_from_where_the_caller_may_not_pull() {
    let rules = || May::new("rules", 0, |_, access| if access.repository == pull("a").repository { allow() } else { deny() });
    let world = World::new(vec![Who::staff(0)], vec![rules()]);
    let issued = world.token("repository:c:push").await.token;
    let token = world.gate.identify(&here(), Some(&bearer(&issued))).await.unwrap();
    for caller in [token, known(identity("alice")), Caller::Anonymous] {
        assert!(world.gate.may_mount(&here(), &caller, &names()[0]).await);
        assert!(!world.gate.may_mount(&here(), &caller, &names()[1]).await);
    }
}

#[tokio::test]
async fn what_was_decided_on_a_list_is_remembered() {
    let rules = May::always("rules", 60, allow());
    let world = World::new(vec![], vec![rules.clone()]);
    for _ in 0..2 {
        assert_eq!(world.gate.visible(&here(), &Caller::Anonymous, names()).await, Ok(names()));
    }
    assert_eq!(rules.asked(), 2);
}
