use std::time::Duration;

use bulkhead_core::accounts::SecretLife;
use bulkhead_core::ports::accounts::{
    AccountDirectory, AccountKind, AccountStatus, DirectoryError, KnownAccount, Role, Slot, Verification,
};

use super::{PRINCIPAL, World, name, scopes, with_map, with_roles, with_status};

#[tokio::test]
async fn the_administrator_is_known_as_admin_and_by_the_registrys_name() {
    let world = World::new().await;
    let secret = world.manager.set_admin_status(&world.team(), AccountStatus::Enabled).await.unwrap().1.unwrap();
    let admin = KnownAccount { name: name("admin"), kind: AccountKind::Admin, roles: vec![], scopes: vec![] };
    for user in ["admin", "team"] {
        let (account, proof) = world.enter(user, &secret).await;
        assert_eq!(account, admin);
        assert_eq!(world.find(user, Some(&proof)).await, Some(admin.clone()));
    }
    for user in ["Admin", "ADMIN", "Team", "other", "admin ", "", "a/b", &"x".repeat(129)] {
        assert_eq!(world.verify(user, &secret.secret).await, Verification::Unknown, "{user}");
        assert_eq!(world.find(user, None).await, None, "{user}");
    }
}

#[tokio::test]
async fn either_of_two_secrets_is_right_and_each_has_its_own_proof() {
    let world = World::new().await;
    let (account, first) = world.principal(&[Role::AcrPush, Role::AcrPull, Role::AcrPush]).await;
    let user = account.name.as_str();
    let second = world.manager.renew_secret(&world.team(), PRINCIPAL, &account.name, Slot::Second, SecretLife::Usual).await;
    let second = second.unwrap();
    let (known, proof) = world.enter(user, &first).await;
    assert_eq!(known.roles, [Role::AcrPull, Role::AcrPush]);
    assert_eq!(known.kind, PRINCIPAL);
    let (_, other_proof) = world.enter(user, &second).await;
    assert_ne!(proof, other_proof);
    assert!(![&first.secret, &second.secret].into_iter().any(|secret| secret.contains(&proof)));
    assert_eq!(world.find(user, Some(&proof)).await, Some(known.clone()));
    assert_eq!(world.find(user, Some(&other_proof)).await, Some(known.clone()));
    assert_eq!(world.find(user, None).await, Some(known));
    assert_eq!(world.find(user, Some("")).await, None);
    assert_eq!(world.find(user, Some(&first.secret)).await, None, "a secret is no proof");
}

/// So the number of hashes, and with it the time, tells nobody which names there are.
#[tokio::test]
async fn every_answer_costs_one_hash() {
    let world = World::new().await;
    let (account, first) = world.principal(&[Role::Reader]).await;
    let user = account.name.as_str();
    let renew = async |slot| world.manager.renew_secret(&world.team(), PRINCIPAL, &account.name, slot, SecretLife::Usual).await;
    // `World::verify` counts. The two wrong ones are for one slot each.
    for wrong in ["wrong-a", "wrong-b", "", &first.secret[1..], &first.secret.to_lowercase()] {
        assert!(world.is_wrong(user, wrong).await);
        assert_eq!(world.verify("nobody", wrong).await, Verification::Unknown);
        assert_eq!(world.verify("nobody at all", wrong).await, Verification::Unknown);
        assert_eq!(world.verify("admin", wrong).await, Verification::Unknown, "it was never enabled");
    }
    let second = renew(Slot::Second).await.unwrap();
    for wrong in ["wrong-a", "wrong-b", ""] {
        assert!(world.is_wrong(user, wrong).await, "an account with two");
    }
    world.enter(user, &second).await;
    for slot in [Slot::First, Slot::Second] {
        world.manager.withdraw_secret(&world.team(), PRINCIPAL, &account.name, slot).await.unwrap();
    }
    for wrong in ["wrong-a", "wrong-b", &first.secret, &second.secret] {
        assert!(world.is_wrong(user, wrong).await, "an account with none");
    }
    let third = renew(Slot::First).await.unwrap();
    world.change(&account, with_status(AccountStatus::Disabled)).await.unwrap();
    for secret in ["wrong-a", "wrong-b", &third.secret] {
        assert!(world.is_wrong(user, secret).await, "a disabled one");
    }
    world.change(&account, with_status(AccountStatus::Enabled)).await.unwrap();
    world.clock.advance(Duration::from_secs(366 * 86_400));
    for secret in ["wrong-a", "wrong-b", &third.secret] {
        assert!(world.is_wrong(user, secret).await, "one whose secret has ended");
    }
}

#[tokio::test]
async fn a_secret_ends_when_its_time_is_over() {
    let world = World::new().await;
    let (account, _) = world.token("ci").await;
    let life = SecretLife::For(Duration::from_secs(60));
    let renewed = world.manager.renew_secret(&world.team(), AccountKind::Token, &account.name, Slot::First, life).await;
    let secret = renewed.unwrap();
    world.clock.advance(Duration::from_millis(59_999));
    let (known, proof) = world.enter("ci", &secret).await;
    assert_eq!(known.scopes, scopes());
    assert!(world.find("ci", Some(&proof)).await.is_some());
    world.clock.advance(Duration::from_millis(1));
    assert!(world.is_wrong("ci", &secret.secret).await);
    assert_eq!(world.find("ci", Some(&proof)).await, None);
    assert!(world.find("ci", None).await.is_some(), "the account is there");
}

#[tokio::test]
async fn what_is_changed_of_an_account_is_seen_at_once() {
    let world = World::new().await;
    let (account, secret) = world.principal(&[Role::Owner]).await;
    let user = account.name.as_str();
    let (_, proof) = world.enter(user, &secret).await;
    world.change(&account, with_roles(&[Role::AcrPull])).await.unwrap();
    assert_eq!(world.find(user, Some(&proof)).await.unwrap().roles, [Role::AcrPull]);
    assert_eq!(world.enter(user, &secret).await.0.roles, [Role::AcrPull]);
    world.manager.put_scope_map(&world.team(), name("m"), String::new(), scopes()).await.unwrap();
    world.change(&account, with_map(Some("m"))).await.unwrap();
    assert_eq!(world.find(user, Some(&proof)).await.unwrap().scopes, scopes());
    let mut fewer = scopes();
    fewer[0].target = "b".parse().unwrap();
    world.manager.put_scope_map(&world.team(), name("m"), String::new(), fewer.clone()).await.unwrap();
    assert_eq!(world.find(user, Some(&proof)).await.unwrap().scopes, fewer);
    world.change(&account, with_status(AccountStatus::Disabled)).await.unwrap();
    assert_eq!(world.find(user, Some(&proof)).await, None);
    assert_eq!(world.find(user, None).await, None);
    assert!(world.is_wrong(user, &secret.secret).await);
    world.change(&account, with_status(AccountStatus::Enabled)).await.unwrap();
    world.enter(user, &secret).await;
    world.manager.remove(&world.team(), PRINCIPAL, &account.name).await.unwrap();
    assert_eq!(world.find(user, Some(&proof)).await, None);
    assert_eq!(world.verify(user, &secret.secret).await, Verification::Unknown);
}

#[tokio::test]
async fn a_secret_that_was_renewed_or_withdrawn_is_worth_nothing_and_the_other_one_still_serves() {
    let world = World::new().await;
    let admin = name("admin");
    let first = world.manager.set_admin_status(&world.team(), AccountStatus::Enabled).await.unwrap().1.unwrap();
    let renew = async |slot| {
        world.manager.renew_secret(&world.team(), AccountKind::Admin, &admin, slot, SecretLife::Usual).await.unwrap()
    };
    let second = renew(Slot::Second).await;
    let (_, proof) = world.enter("admin", &first).await;
    let (_, other_proof) = world.enter("admin", &second).await;
    let renewed = renew(Slot::First).await;
    assert!(world.is_wrong("admin", &first.secret).await);
    assert_eq!(world.find("admin", Some(&proof)).await, None);
    world.enter("admin", &renewed).await;
    world.enter("admin", &second).await;
    world.manager.withdraw_secret(&world.team(), AccountKind::Admin, &admin, Slot::Second).await.unwrap();
    assert!(world.is_wrong("admin", &second.secret).await);
    assert_eq!(world.find("admin", Some(&other_proof)).await, None);
    world.enter("admin", &renewed).await;
}

/// A token of the old one would otherwise be a token of the new one.
#[tokio::test]
async fn an_account_that_is_made_again_under_the_same_name_is_another_one() {
    let world = World::new().await;
    let (account, old) = world.token("ci").await;
    let (_, proof) = world.enter("ci", &old).await;
    world.manager.remove(&world.team(), AccountKind::Token, &account.name).await.unwrap();
    let (_, new) = world.token("ci").await;
    assert!(world.is_wrong("ci", &old.secret).await);
    assert_eq!(world.find("ci", Some(&proof)).await, None);
    world.enter("ci", &new).await;
}

#[tokio::test]
async fn of_a_registry_that_the_host_does_not_serve_nobody_can_say_anything() {
    let world = World::new().await;
    let stranger = "stranger".parse().unwrap();
    assert!(matches!(world.directory.verify(&stranger, "admin", "x").await, Err(DirectoryError::Catalog(_))));
    assert!(matches!(world.directory.find(&stranger, "admin", None).await, Err(DirectoryError::Catalog(_))));
}
