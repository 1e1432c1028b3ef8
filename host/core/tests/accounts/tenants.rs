use bulkhead_core::accounts::{ManageError, SecretLife, first_admin};
use bulkhead_core::ports::accounts::{AccountDirectory, AccountKind, AccountStatus, Role, Slot, Verification};

use super::{PRINCIPAL, World, name, new_token, scopes, with_status};

#[tokio::test]
async fn an_account_of_one_registry_is_unknown_in_another() {
    let world = World::new().await;
    let (account, secret) = world.principal(&[Role::Owner]).await;
    let (_, proof) = world.enter(account.name.as_str(), &secret).await;
    let (directory, other) = (&world.directory, &world.other.1);
    for user in [account.name.as_str(), "admin", "team", "other"] {
        assert_eq!(directory.verify(other, user, &secret.secret).await.unwrap(), Verification::Unknown);
        assert_eq!(directory.find(other, user, None).await.unwrap(), None);
        assert_eq!(directory.find(other, user, Some(&proof)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn the_administrator_of_one_registry_is_nobody_in_another() {
    let world = World::new().await;
    let ours = first_admin(&world.manager, &world.team()).await.unwrap().unwrap();
    assert!(world.manager.admin(&world.other()).await.unwrap().is_none());
    let theirs = first_admin(&world.manager, &world.other()).await.unwrap().unwrap();
    world.enter("admin", &ours).await;
    assert!(world.is_wrong("admin", &theirs.secret).await);
    assert!(world.is_wrong("team", &theirs.secret).await);
    assert_eq!(
        world.verify("other", &theirs.secret).await,
        Verification::Unknown,
        "that is their administrator's name, not ours"
    );
    let verified = world.directory.verify(&world.other.1, "other", &theirs.secret).await.unwrap();
    assert!(matches!(verified, Verification::Right { .. }));
}

#[tokio::test]
async fn whoever_administers_one_registry_changes_and_sees_nothing_of_another() {
    let world = World::new().await;
    let (account, secret) = world.principal(&[Role::Owner]).await;
    let (token, token_secret) = world.token("ci").await;
    let (manager, other) = (&world.manager, world.other());
    for (kind, user) in [(PRINCIPAL, &account.name), (AccountKind::Token, &token.name)] {
        assert!(matches!(manager.account(&other, kind, user).await, Err(ManageError::Absent)));
        assert!(manager.accounts(&other, kind, None, 9).await.unwrap().is_empty());
        let disable = with_status(AccountStatus::Disabled);
        assert!(matches!(manager.change(&other, kind, user, disable).await, Err(ManageError::Absent)));
        assert_eq!(manager.remove(&other, kind, user).await, Err(ManageError::Absent));
        let renewed = manager.renew_secret(&other, kind, user, Slot::First, SecretLife::Usual).await;
        assert_eq!(renewed, Err(ManageError::Absent));
        assert_eq!(manager.withdraw_secret(&other, kind, user, Slot::First).await, Err(ManageError::Absent));
    }
    assert_eq!(manager.scope_map(&other, &name("m")).await, Err(ManageError::Absent));
    assert_eq!(manager.scope_maps(&other, None, 9).await, Ok(vec![]));
    assert_eq!(manager.remove_scope_map(&other, &name("m")).await, Err(ManageError::Absent));
    assert!(matches!(manager.create_token(&other, new_token("ci")).await, Err(ManageError::NoSuchScopeMap)));
    let mut more = scopes();
    more[0].target = "secret/*".parse().unwrap();
    manager.put_scope_map(&other, name("m"), String::new(), more).await.unwrap();
    assert_eq!(world.enter("ci", &token_secret).await.0.scopes, scopes(), "a map of the same name is another one");
    world.enter(account.name.as_str(), &secret).await;
}
