//! What the audit log says of changes.

use std::sync::Arc;

use bulkhead_core::accounts::{Actor, SecretLife};
use bulkhead_core::ports::accounts::{AccountKind, AccountStatus, Role, Slot};
use bulkhead_core::ports::audit::{AuditAction, AuditCaller, AuditEntry, AuditOutcome};
use bulkhead_core::ports::clock::Clock;
use bulkhead_core::ports::context::{Identity, RequestContext};

use super::{PRINCIPAL, World, name, new_principal, new_token, scopes, with_roles, with_status};

fn context(world: &World) -> RequestContext {
    RequestContext {
        request_id: "0123456789abcdef".into(),
        registry: world.other.1.clone(),
        received: world.clock.now(),
        address: "192.0.2.7:9".into(),
        source: "192.0.2.7".parse().unwrap(),
        host: "localhost:5000".into(),
        method: "POST".into(),
        user_agent: None,
        encrypted: false,
    }
}

fn operator() -> Identity {
    Identity { plugin: "host".into(), subject: "operator".to_owned(), groups: vec![], claims: vec![], expires: None }
}

/// Action, targets and outcome of each line.
fn lines(world: &World) -> Vec<(AuditAction, String, AuditOutcome)> {
    let line = |entry: AuditEntry| (entry.action, entry.targets.join(" "), entry.outcome);
    world.ledger.take().into_iter().map(line).collect()
}

#[tokio::test]
async fn a_line_says_who_did_what_where_and_to_whom() {
    let world = World::new().await;
    let (context, who) = (context(&world), operator());
    let actor = Actor { context: Some(&context), who: Some(&who), ..world.team() };
    let (account, _) = world.manager.create_principal(&actor, new_principal(&[Role::AcrPush, Role::AcrPull])).await.unwrap();
    let [line] = &world.ledger.take()[..] else { panic!("one line") };
    assert_eq!(line.action, AuditAction::CreateAccount);
    assert_eq!(line.outcome, AuditOutcome::Done);
    assert_eq!(line.at, world.clock.now());
    assert_eq!(line.registry, Some(world.team.1.clone()), "where it was done, not where the request went");
    assert_eq!(line.request.as_deref(), Some("0123456789abcdef"));
    assert_eq!(line.address.as_deref(), Some("192.0.2.7:9"));
    assert_eq!(line.who, Some(AuditCaller { plugin: "host".to_owned(), subject: "operator".to_owned() }));
    assert_eq!(line.targets, [account.name.as_str(), "kind=service-principal", "roles=AcrPull,AcrPush"]);
    let (token, _) = world.token("ci").await;
    let host = world.ledger.take().pop().unwrap();
    assert_eq!((host.request, host.address, host.who), (None, None, None));
    assert_eq!(host.targets, [token.name.as_str(), "kind=token", "scope-map=m"]);
}

#[tokio::test]
async fn every_change_is_one_line() {
    let world = World::new().await;
    let (manager, team, ci) = (&world.manager, world.team(), name("ci"));
    let (account, _) = world.token("ci").await;
    manager.renew_secret(&team, AccountKind::Token, &ci, Slot::Second, SecretLife::Usual).await.unwrap();
    manager.withdraw_secret(&team, AccountKind::Token, &ci, Slot::First).await.unwrap();
    world.change(&account, with_status(AccountStatus::Disabled)).await.unwrap();
    manager.remove(&team, AccountKind::Token, &ci).await.unwrap();
    manager.remove_scope_map(&team, &name("m")).await.unwrap();
    manager.set_admin_status(&team, AccountStatus::Enabled).await.unwrap();
    manager.set_admin_status(&team, AccountStatus::Disabled).await.unwrap();
    let expected = [
        (AuditAction::PutScopeMap, "m a/*=content/read"),
        (AuditAction::CreateAccount, "ci kind=token scope-map=m"),
        (AuditAction::RenewSecret, "ci secret=2"),
        (AuditAction::WithdrawSecret, "ci secret=1"),
        (AuditAction::ChangeAccount, "ci status=disabled"),
        (AuditAction::DeleteAccount, "ci kind=token"),
        (AuditAction::DeleteScopeMap, "m"),
        (AuditAction::CreateAccount, "admin kind=admin"),
        (AuditAction::ChangeAccount, "admin status=disabled"),
    ];
    assert_eq!(lines(&world), expected.map(|(action, targets)| (action, targets.to_owned(), AuditOutcome::Done)));
}

#[tokio::test]
async fn what_is_refused_is_a_line_and_what_is_only_looked_at_is_none() {
    let world = World::new().await;
    world.token("ci").await;
    world.ledger.take();
    let (manager, team) = (&world.manager, world.team());
    manager.remove_scope_map(&team, &name("m")).await.unwrap_err();
    manager.create_token(&team, new_token("ci")).await.map(|_| ()).unwrap_err();
    manager.remove(&team, AccountKind::Token, &name("nobody")).await.unwrap_err();
    let refused = [
        (AuditAction::DeleteScopeMap, "m"),
        (AuditAction::CreateAccount, "ci kind=token scope-map=m"),
        (AuditAction::DeleteAccount, "nobody kind=token"),
    ];
    assert_eq!(lines(&world), refused.map(|(action, targets)| (action, targets.to_owned(), AuditOutcome::Refused)));
    manager.account(&team, AccountKind::Token, &name("ci")).await.map(|_| ()).unwrap();
    manager.accounts(&team, AccountKind::Token, None, 9).await.map(|_| ()).unwrap();
    manager.scope_maps(&team, None, 9).await.unwrap();
    manager.admin(&team).await.map(|_| ()).unwrap();
    manager.create_principal(&team, new_principal(&[])).await.map(|_| ()).unwrap_err();
    world.verify("ci", "wrong").await;
    assert_eq!(lines(&world), []);
}

#[tokio::test]
async fn no_line_has_a_secret_or_a_hash() {
    let world = World::new().await;
    let (account, secret) = world.principal(&[Role::Owner]).await;
    let renewed = world.manager.renew_secret(&world.team(), PRINCIPAL, &account.name, Slot::Second, SecretLife::Usual).await;
    world.change(&account, with_roles(&[Role::Reader])).await.unwrap();
    world.manager.put_scope_map(&world.team(), name("m"), String::new(), scopes()).await.unwrap();
    let text = format!("{:?}", world.ledger.take());
    let account = world.manager.account(&world.team(), PRINCIPAL, &account.name).await.unwrap_or_else(|error| panic!("{error}"));
    let secrets = account.secrets.iter().map(|secret| secret.hash.clone());
    for hidden in secrets.chain([secret.secret, renewed.unwrap().secret]) {
        assert!(!text.contains(&hidden));
    }
    assert!(!text.contains("argon2"));
}

/// Otherwise whoever hangs up at the right moment would change something that no line tells of.
#[tokio::test]
async fn a_change_whose_caller_goes_away_is_made_and_told_of() {
    let world = World::new().await;
    let manager = Arc::clone(&world.manager);
    let team = world.team.clone();
    let mut asking = Box::pin(async move {
        let actor = Actor { registry: (team.0, &team.1), context: None, who: None };
        manager.set_admin_status(&actor, AccountStatus::Enabled).await.map(|_| ())
    });
    // Until the hash is under way; then the caller is gone.
    while world.hasher.hashes() == 0 {
        assert!(futures_util::poll!(&mut asking).is_pending());
        tokio::task::yield_now().await;
    }
    drop(asking);
    world.ledger.recorded().await;
    assert_eq!(lines(&world), [(AuditAction::CreateAccount, "admin kind=admin".to_owned(), AuditOutcome::Done)]);
    assert!(world.manager.admin(&world.team()).await.unwrap().is_some());
}
