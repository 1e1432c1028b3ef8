use bulkhead_core::accounts::{ManageError, SecretLife, first_admin};
use bulkhead_core::ports::accounts::{AccountChange, AccountKind, AccountStatus, Role, Slot};

use super::{PRINCIPAL, World, name, new_principal, new_token, scopes, with_map, with_roles, with_status};

fn invalid<T>(result: Result<T, ManageError>) -> bool {
    matches!(result, Err(ManageError::Invalid(_)))
}

#[tokio::test]
async fn the_first_administrator_is_made_once() {
    let world = World::new().await;
    assert!(world.manager.admin(&world.team()).await.unwrap().is_none());
    let secret = first_admin(&world.manager, &world.team()).await.unwrap().unwrap();
    let admin = world.manager.admin(&world.team()).await.unwrap().unwrap();
    assert_eq!((admin.kind, admin.status, admin.secrets.len()), (AccountKind::Admin, AccountStatus::Enabled, 1));
    world.enter("admin", &secret).await;
    assert!(first_admin(&world.manager, &world.team()).await.unwrap().is_none());
    world.change(&admin, with_status(AccountStatus::Disabled)).await.unwrap();
    assert!(first_admin(&world.manager, &world.team()).await.unwrap().is_none(), "a disabled one stays disabled");
    assert!(world.is_wrong("admin", &secret.secret).await);
}

#[tokio::test]
async fn two_first_starts_make_one_administrator() {
    let world = World::new().await;
    let (one, other) = (world.team(), world.team());
    let (one, other) = tokio::join!(first_admin(&world.manager, &one), first_admin(&world.manager, &other));
    let secrets: Vec<_> = [one, other].into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(secrets.len(), 1);
    world.enter("admin", &secrets[0]).await;
}

#[tokio::test]
async fn the_administrator_is_enabled_and_disabled_and_gets_its_secret_once() {
    let world = World::new().await;
    let set = async |status| world.manager.set_admin_status(&world.team(), status).await;
    assert!(matches!(set(AccountStatus::Disabled).await, Err(ManageError::Absent)), "there is none yet");
    let secret = set(AccountStatus::Enabled).await.unwrap().1.unwrap();
    let (admin, again) = set(AccountStatus::Enabled).await.unwrap();
    assert_eq!(again, None);
    assert!(set(AccountStatus::Disabled).await.unwrap().1.is_none());
    let (_, nothing_new) = set(AccountStatus::Enabled).await.unwrap();
    assert_eq!(nothing_new, None);
    world.enter("admin", &secret).await;
    assert!(invalid(world.change(&admin, with_roles(&[Role::AcrPull])).await));
    assert!(invalid(world.change(&admin, with_map(None)).await));
    assert!(invalid(world.manager.remove(&world.team(), AccountKind::Admin, &name("admin")).await));
    world.enter("admin", &secret).await;
}

#[tokio::test]
async fn a_principal_is_named_by_a_new_id_and_has_rights_of_some_kind() {
    let world = World::new().await;
    let (one, secret) = world.principal(&[Role::AcrPull]).await;
    let (other, _) = world.principal(&[Role::AcrPull]).await;
    assert_ne!(one.name, other.name);
    let id = one.name.as_str();
    assert!(id.len() == 36 && id.as_bytes()[14] == b'4' && matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
    assert_eq!(secret.slot, Slot::First);
    assert!(secret.expires.is_some());
    let hash = &one.secrets[0].hash;
    assert!(hash.starts_with("$argon2id$") && !hash.contains(&secret.secret));
    assert!(invalid(world.manager.create_principal(&world.team(), new_principal(&[])).await));
    let mut odd = new_principal(&[Role::AcrPull]);
    odd.display_name = "a\u{1b}[2J".to_owned();
    assert!(invalid(world.manager.create_principal(&world.team(), odd).await));
    let mut endless = new_principal(&[Role::AcrPull]);
    endless.expires = SecretLife::For(std::time::Duration::ZERO);
    assert!(invalid(world.manager.create_principal(&world.team(), endless).await));
    assert_eq!(world.manager.accounts(&world.team(), PRINCIPAL, None, 9).await.unwrap().len(), 2, "nothing of it was kept");
}

#[tokio::test]
async fn a_principal_keeps_a_role_or_a_scope_map() {
    let world = World::new().await;
    let (account, _) = world.principal(&[Role::AcrPull]).await;
    assert!(invalid(world.change(&account, with_roles(&[])).await));
    world.token("ci").await;
    world.change(&account, with_map(Some("m"))).await.unwrap();
    let changed = world.change(&account, with_roles(&[])).await.unwrap();
    assert_eq!((changed.roles, changed.scope_map), (vec![], Some(name("m"))));
    assert!(invalid(world.change(&account, with_map(None)).await));
    let both = AccountChange { scope_map: Some(None), ..with_roles(&[Role::Reader, Role::AcrPull, Role::Reader]) };
    let changed = world.change(&account, both).await.unwrap();
    assert_eq!((changed.roles, changed.scope_map), (vec![Role::AcrPull, Role::Reader], None));
}

#[tokio::test]
async fn a_token_has_a_scope_map_and_no_roles_and_nobody_elses_name() {
    let world = World::new().await;
    assert!(matches!(world.manager.create_token(&world.team(), new_token("ci")).await, Err(ManageError::NoSuchScopeMap)));
    let (account, secret) = world.token("ci").await;
    assert_eq!(secret.expires, None);
    assert!(matches!(world.manager.create_token(&world.team(), new_token("ci")).await, Err(ManageError::Exists)));
    world.enter("ci", &secret).await;
    for wrong in ["admin", "team", "00000000-0000-0000-0000-000000000000"] {
        assert!(invalid(world.manager.create_token(&world.team(), new_token(wrong)).await), "{wrong}");
    }
    assert!(invalid(world.change(&account, with_roles(&[Role::Owner])).await));
    assert!(invalid(world.change(&account, with_map(None)).await));
    assert!(matches!(world.change(&account, with_map(Some("none"))).await, Err(ManageError::NoSuchScopeMap)));
    world.change(&account, with_roles(&[])).await.unwrap();
    assert_eq!(world.enter("ci", &secret).await.0.scopes, scopes());
}

#[tokio::test]
async fn a_scope_map_that_is_in_use_stays() {
    let world = World::new().await;
    let (account, secret) = world.token("ci").await;
    assert_eq!(world.manager.remove_scope_map(&world.team(), &name("m")).await, Err(ManageError::InUse));
    assert_eq!(world.enter("ci", &secret).await.0.scopes, scopes());
    world.manager.remove(&world.team(), AccountKind::Token, &account.name).await.unwrap();
    world.manager.remove_scope_map(&world.team(), &name("m")).await.unwrap();
    assert_eq!(world.manager.scope_map(&world.team(), &name("m")).await, Err(ManageError::Absent));
    assert!(invalid(world.manager.put_scope_map(&world.team(), name("m"), String::new(), vec![]).await));
    assert!(invalid(world.manager.put_scope_map(&world.team(), name("m"), "\n".to_owned(), scopes()).await));
    assert_eq!(world.manager.scope_maps(&world.team(), None, 9).await, Ok(vec![]));
}

#[tokio::test]
async fn a_list_is_bounded_whatever_is_asked_for() {
    let world = World::new().await;
    for number in 0..102 {
        world.manager.put_scope_map(&world.team(), name(&format!("m{number:03}")), String::new(), scopes()).await.unwrap();
    }
    let maps = world.manager.scope_maps(&world.team(), None, u32::MAX).await.unwrap();
    assert_eq!(maps.len(), 100);
    let rest = world.manager.scope_maps(&world.team(), maps.last().map(|map| &map.name), u32::MAX).await.unwrap();
    assert_eq!(rest.len(), 2);
}
