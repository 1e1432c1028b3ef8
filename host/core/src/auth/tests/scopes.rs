//! The grammar of scopes, and that no name parses to another.

use super::*;

/// What a scope asks for, in the words of a token.
fn asked(text: &str) -> Vec<Access> {
    ScopeRequest::parse_list(text).iter().flat_map(ScopeRequest::accesses).collect()
}

#[test]
fn each_action_of_a_repository_is_an_access() {
    use AccessAction::{Delete, Pull, Push, ReadMetadata, WriteMetadata};
    let all = [Pull, Push, Delete, ReadMetadata, WriteMetadata].map(|action| access(action, "a/b"));
    assert_eq!(asked("repository:a/b:pull,push,delete,metadata_read,metadata_write"), all);
    assert_eq!(asked("repository:a/b:*"), all);
    assert_eq!(asked("repository:a/b:*,pull"), all);
    assert_eq!(asked("repository(plugin):a/b:pull"), all[..1]);
    assert_eq!(asked("repository:a/b:pull,read,PULL,"), all[..1]);
}

#[test]
fn the_registry_has_a_catalog_and_an_administration_and_nothing_else() {
    let whole = |action| vec![Access { action, repository: None }];
    assert_eq!(asked("registry:catalog:*"), whole(AccessAction::ListRepositories));
    assert_eq!(asked("registry:administration:*"), whole(AccessAction::Administer));
    for other in ["registry:catalog:pull", "registry:administration:pull", "registry:*:*", "registry::*", "repository:catalog"] {
        assert_eq!(asked(other), vec![], "{other}");
    }
}

#[test]
fn a_name_with_a_port_parses_and_what_is_no_repository_here_asks_for_nothing() {
    let [scope] = &ScopeRequest::parse_list("repository:registry.example.com:5000/a/b:pull,push")[..] else { panic!() };
    assert_eq!((scope.kind.as_str(), scope.name.as_str()), ("repository", "registry.example.com:5000/a/b"));
    assert_eq!(scope.actions, ["pull", "push"]);
    assert_eq!(scope.accesses(), vec![]);
}

#[tokio::test]
async fn a_name_that_would_parse_to_another_is_left_out_of_the_token() {
    let world = open_world();
    for name in ["../a", "a/../b", "a//b", "/a", "a/", "A", "a%2fb", "a\0b", "a\u{0}", ".", "..", "a/./b", "a b", "ａ", "a\\b"] {
        let scope = ScopeRequest { kind: "repository".to_owned(), name: name.to_owned(), actions: vec!["pull".to_owned()] };
        let issued = world.gate.issue(&here(), Some(&basic("right")), &[scope], Offline::NotWanted).await.unwrap();
        assert_eq!(issued.scope, "", "{name:?}");
        let caller = world.gate.identify(&here(), Some(&bearer(&issued.token))).await.unwrap();
        for other in ["a", "b", "a/b"] {
            assert_eq!(world.gate.permit(&here(), &caller, &[pull(other)]).await, Err(Refusal::InsufficientScope), "{name:?}");
        }
    }
}

#[tokio::test]
async fn only_an_administrator_gets_the_scope_of_one() {
    let rules = May::new("rules", 0, |who, access| match (who, access.action) {
        (Some(who), AccessAction::Administer) if who.subject == "admin" => allow(),
        (_, AccessAction::Administer) => deny(),
        _ => allow(),
    });
    let world = World::new(vec![Who::staff(0)], vec![rules]);
    let scope = "registry:administration:* registry:catalog:*";
    assert_eq!(world.token(scope).await.scope, "registry:catalog:*");
    let issued = world.issue(&login("admin", "right"), scope, Offline::NotWanted).await.unwrap();
    assert_eq!(issued.scope, scope);
    let caller = world.gate.identify(&here(), Some(&bearer(&issued.token))).await.unwrap();
    let administer = Access { action: AccessAction::Administer, repository: None };
    assert_eq!(world.gate.permit(&here(), &caller, &[administer]).await, Ok(()));
    assert_eq!(world.gate.permit(&here(), &caller, &[pull("a")]).await, Err(Refusal::InsufficientScope));
}

#[tokio::test]
async fn no_more_than_64_scopes_are_answered() {
    let world = open_world();
    let scopes: Vec<String> = (0..100).map(|number| format!("repository:r{number}:pull")).collect();
    assert_eq!(world.token(&scopes.join(" ")).await.scope.split(' ').count(), 64);
}
