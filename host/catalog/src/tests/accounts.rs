use bulkhead_core::ports::accounts::{
    AccountChange, AccountKind, AccountName, AccountRecord, AccountStatus, Accounts, Kept, Right, Role, ScopeEntry, ScopeMap,
    SecretRecord, Slot,
};
use bulkhead_core::ports::catalog::Catalog;
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::ids::RegistryId;

use super::{Home, NOW, fresh};
use crate::SqliteCatalog;
use crate::read::{ACCOUNT, ACCOUNTS, SCOPE_MAP, SCOPE_MAPS};

use AccountKind::{Admin, ServicePrincipal, Token};

fn account_name(text: &str) -> AccountName {
    text.parse().unwrap()
}

fn secret(slot: Slot, id: &str) -> SecretRecord {
    let expires = (slot == Slot::Second).then_some(NOW);
    SecretRecord { slot, id: id.to_owned(), hash: format!("$argon2id${id}"), created: NOW, expires }
}

fn principal(name: &str) -> AccountRecord {
    AccountRecord {
        name: account_name(name),
        kind: ServicePrincipal,
        display_name: "Büro \" 1".to_owned(),
        status: AccountStatus::Enabled,
        roles: vec![Role::AcrPull, Role::Owner],
        scope_map: None,
        created: NOW,
        secrets: vec![secret(Slot::First, "one"), secret(Slot::Second, "two")],
    }
}

fn token(name: &str, map: &str) -> AccountRecord {
    let secrets = vec![secret(Slot::Second, "only")];
    AccountRecord { kind: Token, roles: vec![], scope_map: Some(account_name(map)), secrets, ..principal(name) }
}

fn admin() -> AccountRecord {
    AccountRecord { kind: Admin, roles: vec![], secrets: vec![], ..principal("admin") }
}

fn scope_map(name: &str) -> ScopeMap {
    let all = vec![Right::ContentRead, Right::ContentWrite, Right::ContentDelete, Right::MetadataRead, Right::MetadataWrite];
    let scopes = vec![
        ScopeEntry { target: "team/*".parse().unwrap(), rights: all },
        ScopeEntry { target: "app".parse().unwrap(), rights: vec![Right::ContentRead] },
    ];
    ScopeMap { name: account_name(name), description: "for builds".to_owned(), scopes, created: NOW }
}

/// Records have no `Debug`: they hold hashes.
async fn is_kept(catalog: &SqliteCatalog, registry: RegistryId, account: &AccountRecord) -> bool {
    catalog.account(registry, &account.name).await.unwrap().as_ref() == Some(account)
}

async fn create(catalog: &SqliteCatalog, registry: RegistryId, account: &AccountRecord) -> Kept {
    catalog.create_account(registry, account).await.unwrap()
}

async fn names(catalog: &SqliteCatalog, registry: RegistryId, kind: AccountKind, after: &str, limit: u32) -> Vec<String> {
    let after = (!after.is_empty()).then(|| account_name(after));
    let found = catalog.accounts(registry, kind, after.as_ref(), limit).await.unwrap();
    found.into_iter().map(|account| account.name.to_string()).collect()
}

/// A catalog with a principal `p` and a token `t` whose map is `m`.
async fn filled() -> (Home, SqliteCatalog, RegistryId) {
    let (home, catalog, registry) = fresh().await;
    assert_eq!(catalog.put_scope_map(registry, &scope_map("m")).await.unwrap(), Kept::Done);
    assert_eq!(create(&catalog, registry, &principal("p")).await, Kept::Done);
    assert_eq!(create(&catalog, registry, &token("t", "m")).await, Kept::Done);
    (home, catalog, registry)
}

#[tokio::test]
async fn accounts_and_scope_maps_are_found_as_they_were_kept_also_after_a_restart() {
    let (home, catalog, registry) = filled().await;
    assert_eq!(create(&catalog, registry, &admin()).await, Kept::Done);
    let all_is_there = async |catalog: &SqliteCatalog| {
        for account in [principal("p"), token("t", "m"), admin()] {
            assert!(is_kept(catalog, registry, &account).await, "{}", account.name);
        }
        assert_eq!(catalog.scope_map(registry, &account_name("m")).await.unwrap(), Some(scope_map("m")));
    };
    all_is_there(&catalog).await;
    catalog.close().await.unwrap();
    all_is_there(&home.open().await).await;
}

#[tokio::test]
async fn a_name_belongs_to_one_account_of_whatever_kind() {
    let (home, catalog, registry) = filled().await;
    let mut second = token("p", "m");
    second.secrets = vec![secret(Slot::First, "theirs")];
    assert_eq!(create(&catalog, registry, &second).await, Kept::Exists);
    assert!(is_kept(&catalog, registry, &principal("p")).await);
    assert_eq!(home.number("SELECT count(*) FROM account_secrets").await, 3);
    let new = principal("new");
    let (one, other) = tokio::join!(create(&catalog, registry, &new), create(&catalog, registry, &new));
    assert!(matches!((one, other), (Kept::Done, Kept::Exists) | (Kept::Exists, Kept::Done)));
}

#[tokio::test]
async fn accounts_are_listed_by_kind_in_byte_order_a_page_at_a_time() {
    let (_home, catalog, registry) = filled().await;
    for name in ["b", "B", "q"] {
        create(&catalog, registry, &principal(name)).await;
    }
    create(&catalog, registry, &admin()).await;
    assert_eq!(names(&catalog, registry, ServicePrincipal, "", 9).await, ["B", "b", "p", "q"]);
    assert_eq!(names(&catalog, registry, ServicePrincipal, "b", 1).await, ["p"]);
    assert_eq!(names(&catalog, registry, ServicePrincipal, "q", 9).await, Vec::<String>::new());
    assert_eq!(names(&catalog, registry, Token, "", 9).await, ["t"]);
    assert_eq!(names(&catalog, registry, Admin, "", 9).await, ["admin"]);
    let listed = catalog.accounts(registry, ServicePrincipal, None, 9).await.unwrap();
    assert!(listed[2] == principal("p"), "with its secrets");
}

#[tokio::test]
async fn a_change_leaves_what_it_does_not_name() {
    let (_home, catalog, registry) = filled().await;
    let mut expected = principal("p");
    let change = async |change: AccountChange| {
        let kept = catalog.change_account(registry, ServicePrincipal, &account_name("p"), &change).await;
        assert_eq!(kept.unwrap(), Kept::Done);
    };
    change(AccountChange::default()).await;
    assert!(is_kept(&catalog, registry, &expected).await);
    change(AccountChange { status: Some(AccountStatus::Disabled), ..AccountChange::default() }).await;
    expected.status = AccountStatus::Disabled;
    assert!(is_kept(&catalog, registry, &expected).await);
    change(AccountChange { display_name: Some(String::new()), ..AccountChange::default() }).await;
    expected.display_name = String::new();
    assert!(is_kept(&catalog, registry, &expected).await);
    change(AccountChange { scope_map: Some(Some(account_name("m"))), ..AccountChange::default() }).await;
    expected.scope_map = Some(account_name("m"));
    assert!(is_kept(&catalog, registry, &expected).await);
    change(AccountChange { roles: Some(vec![]), ..AccountChange::default() }).await;
    expected.roles = vec![];
    assert!(is_kept(&catalog, registry, &expected).await);
    change(AccountChange { scope_map: Some(None), ..AccountChange::default() }).await;
    expected.scope_map = None;
    assert!(is_kept(&catalog, registry, &expected).await);
}

#[tokio::test]
async fn an_account_of_another_kind_is_not_there_to_be_changed() {
    let (_home, catalog, registry) = filled().await;
    let name = account_name("p");
    let disable = AccountChange { status: Some(AccountStatus::Disabled), ..AccountChange::default() };
    for kind in [Admin, Token] {
        assert_eq!(catalog.change_account(registry, kind, &name, &disable).await.unwrap(), Kept::Absent);
        assert_eq!(catalog.remove_account(registry, kind, &name).await.unwrap(), Kept::Absent);
        assert_eq!(catalog.set_secret(registry, kind, &name, &secret(Slot::First, "new")).await.unwrap(), Kept::Absent);
        assert_eq!(catalog.remove_secret(registry, kind, &name, Slot::First).await.unwrap(), Kept::Absent);
    }
    assert!(is_kept(&catalog, registry, &principal("p")).await);
}

#[tokio::test]
async fn an_account_has_no_scope_map_that_is_not_there() {
    let (_home, catalog, registry) = filled().await;
    assert_eq!(create(&catalog, registry, &token("new", "none")).await, Kept::NoSuchScopeMap);
    assert!(catalog.account(registry, &account_name("new")).await.unwrap().is_none());
    let change = AccountChange {
        scope_map: Some(Some(account_name("none"))),
        status: Some(AccountStatus::Disabled),
        ..AccountChange::default()
    };
    for (kind, name, kept) in
        [(Token, "t", Kept::NoSuchScopeMap), (ServicePrincipal, "p", Kept::NoSuchScopeMap), (Token, "no", Kept::Absent)]
    {
        assert_eq!(catalog.change_account(registry, kind, &account_name(name), &change).await.unwrap(), kept, "{name}");
    }
    assert!(is_kept(&catalog, registry, &token("t", "m")).await);
    assert!(is_kept(&catalog, registry, &principal("p")).await);
}

#[tokio::test]
async fn each_secret_is_renewed_and_withdrawn_alone() {
    let (_home, catalog, registry) = filled().await;
    let name = account_name("p");
    let mut expected = principal("p");
    expected.secrets[0] = SecretRecord { expires: Some(Timestamp(7)), ..secret(Slot::First, "renewed") };
    assert_eq!(catalog.set_secret(registry, ServicePrincipal, &name, &expected.secrets[0]).await.unwrap(), Kept::Done);
    assert!(is_kept(&catalog, registry, &expected).await);
    assert_eq!(catalog.remove_secret(registry, ServicePrincipal, &name, Slot::First).await.unwrap(), Kept::Done);
    assert_eq!(catalog.remove_secret(registry, ServicePrincipal, &name, Slot::First).await.unwrap(), Kept::Absent);
    let taken = expected.secrets.remove(0);
    assert!(is_kept(&catalog, registry, &expected).await);
    assert_eq!(catalog.set_secret(registry, ServicePrincipal, &name, &taken).await.unwrap(), Kept::Done);
    expected.secrets.insert(0, taken);
    assert!(is_kept(&catalog, registry, &expected).await);
    let nobody = account_name("nobody");
    assert_eq!(catalog.set_secret(registry, Token, &nobody, &secret(Slot::First, "x")).await.unwrap(), Kept::Absent);
}

#[tokio::test]
async fn an_account_goes_with_its_secrets_and_its_name_is_free() {
    let (home, catalog, registry) = filled().await;
    assert_eq!(catalog.remove_account(registry, ServicePrincipal, &account_name("p")).await.unwrap(), Kept::Done);
    assert_eq!(catalog.remove_account(registry, ServicePrincipal, &account_name("p")).await.unwrap(), Kept::Absent);
    assert!(catalog.account(registry, &account_name("p")).await.unwrap().is_none());
    assert_eq!(home.number("SELECT count(*) FROM account_secrets").await, 1, "the token's");
    assert_eq!(create(&catalog, registry, &token("p", "m")).await, Kept::Done);
    assert!(is_kept(&catalog, registry, &token("p", "m")).await);
}

#[tokio::test]
async fn a_scope_map_is_replaced_as_a_whole_and_keeps_the_time_that_it_was_made() {
    let (_home, catalog, registry) = filled().await;
    let scopes = vec![ScopeEntry { target: "other".parse().unwrap(), rights: vec![Right::MetadataWrite] }];
    let new = ScopeMap { scopes, description: String::new(), created: Timestamp(NOW.0 + 9), ..scope_map("m") };
    assert_eq!(catalog.put_scope_map(registry, &new).await.unwrap(), Kept::Done);
    let found = catalog.scope_map(registry, &account_name("m")).await.unwrap().unwrap();
    assert_eq!(found, ScopeMap { created: NOW, ..new });
    assert!(is_kept(&catalog, registry, &token("t", "m")).await, "it has the map still");
}

#[tokio::test]
async fn a_scope_map_stays_while_an_account_has_it() {
    let (_home, catalog, registry) = filled().await;
    assert_eq!(catalog.remove_scope_map(registry, &account_name("m")).await.unwrap(), Kept::InUse);
    assert_eq!(catalog.scope_map(registry, &account_name("m")).await.unwrap(), Some(scope_map("m")));
    catalog.remove_account(registry, Token, &account_name("t")).await.unwrap();
    assert_eq!(catalog.remove_scope_map(registry, &account_name("m")).await.unwrap(), Kept::Done);
    assert_eq!(catalog.remove_scope_map(registry, &account_name("m")).await.unwrap(), Kept::Absent);
    assert_eq!(catalog.scope_map(registry, &account_name("m")).await.unwrap(), None);
}

#[tokio::test]
async fn scope_maps_are_listed_in_byte_order_a_page_at_a_time() {
    let (_home, catalog, registry) = filled().await;
    for name in ["a", "Z"] {
        catalog.put_scope_map(registry, &scope_map(name)).await.unwrap();
    }
    assert_eq!(catalog.scope_maps(registry, None, 9).await.unwrap(), ["Z", "a", "m"].map(scope_map));
    assert_eq!(catalog.scope_maps(registry, Some(&account_name("Z")), 1).await.unwrap(), ["a"].map(scope_map));
    assert_eq!(catalog.scope_maps(registry, Some(&account_name("m")), 9).await.unwrap(), []);
}

#[tokio::test]
async fn no_account_or_scope_map_crosses_from_one_registry_to_another() {
    let (_home, catalog, registry) = filled().await;
    let other = catalog.registry(&"other".parse().unwrap(), NOW).await.unwrap();
    let (p, t, m) = (account_name("p"), account_name("t"), account_name("m"));
    assert!(catalog.account(other, &p).await.unwrap().is_none());
    assert!(names(&catalog, other, ServicePrincipal, "", 9).await.is_empty());
    assert_eq!(catalog.scope_map(other, &m).await.unwrap(), None);
    assert_eq!(catalog.scope_maps(other, None, 9).await.unwrap(), []);
    let change = AccountChange { status: Some(AccountStatus::Disabled), ..AccountChange::default() };
    assert_eq!(catalog.change_account(other, ServicePrincipal, &p, &change).await.unwrap(), Kept::Absent);
    assert_eq!(catalog.remove_account(other, Token, &t).await.unwrap(), Kept::Absent);
    assert_eq!(catalog.set_secret(other, Token, &t, &secret(Slot::First, "x")).await.unwrap(), Kept::Absent);
    assert_eq!(catalog.remove_secret(other, Token, &t, Slot::Second).await.unwrap(), Kept::Absent);
    assert_eq!(catalog.remove_scope_map(other, &m).await.unwrap(), Kept::Absent);
    assert_eq!(create(&catalog, other, &token("t", "m")).await, Kept::NoSuchScopeMap);
    // The same names, for others.
    let theirs = AccountRecord { roles: vec![Role::AcrPull], secrets: vec![], ..principal("p") };
    assert_eq!(create(&catalog, other, &theirs).await, Kept::Done);
    assert_eq!(catalog.put_scope_map(other, &scope_map("m")).await.unwrap(), Kept::Done);
    assert_eq!(catalog.remove_scope_map(other, &m).await.unwrap(), Kept::Done, "the token of the first one has its own map");
    assert!(is_kept(&catalog, other, &theirs).await);
    assert!(is_kept(&catalog, registry, &principal("p")).await);
    assert!(is_kept(&catalog, registry, &token("t", "m")).await);
    assert_eq!(catalog.scope_map(registry, &m).await.unwrap(), Some(scope_map("m")));
}

#[tokio::test]
async fn nobody_but_the_administrator_is_administrator_and_no_token_is_without_a_map() {
    let (_home, catalog, registry) = filled().await;
    let named = |kind, name| AccountRecord { kind, ..principal(name) };
    for wrong in [named(Admin, "root"), named(ServicePrincipal, "admin"), named(Token, "bare")] {
        assert!(catalog.create_account(registry, &wrong).await.is_err());
        assert!(catalog.account(registry, &wrong.name).await.unwrap().is_none());
    }
    let bare = AccountChange { scope_map: Some(None), ..AccountChange::default() };
    let strong = AccountChange { roles: Some(vec![Role::Owner]), ..AccountChange::default() };
    for change in [bare, strong] {
        assert!(catalog.change_account(registry, Token, &account_name("t"), &change).await.is_err());
    }
    assert!(is_kept(&catalog, registry, &token("t", "m")).await);
}

#[tokio::test]
async fn an_account_that_other_hands_changed_is_an_error_and_no_account() {
    for script in [
        r#"UPDATE accounts SET roles = '["Root"]' WHERE name = 'p'"#,
        "UPDATE accounts SET roles = 'Owner' WHERE name = 'p'",
        "UPDATE account_secrets SET expires = -1",
        "UPDATE accounts SET created = -1",
    ] {
        let (home, catalog, registry) = filled().await;
        home.run(script).await;
        assert!(catalog.account(registry, &account_name("p")).await.is_err(), "{script}");
    }
    let (home, catalog, registry) = filled().await;
    home.run(r#"UPDATE scope_maps SET scopes = '[["a//b", ["content/read"]]]'"#).await;
    assert!(catalog.scope_map(registry, &account_name("m")).await.is_err());
}

#[tokio::test]
async fn every_question_about_accounts_is_answered_from_an_index() {
    let (home, _catalog, _registry) = fresh().await;
    for query in [ACCOUNT, ACCOUNTS, SCOPE_MAP, SCOPE_MAPS] {
        let plan = home.plan(query).await;
        assert!(plan.iter().all(|step| !step.contains("SCAN") && !step.contains("TEMP B-TREE")), "{plan:?}");
    }
}
