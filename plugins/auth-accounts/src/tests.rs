//! Through the SDK's fake host, which keeps accounts as the real one does.

use bulkhead_plugin_sdk::accounts::{Kind, Right, Role, Scope};
use bulkhead_plugin_sdk::authorizer::Action;
use bulkhead_plugin_sdk::testing::{FakeHost, access, account, basic, certificate, configure, context};

use super::*;

const ALL: [Action; 7] = [
    Action::Pull,
    Action::Push,
    Action::Delete,
    Action::ReadMetadata,
    Action::WriteMetadata,
    Action::ListRepositories,
    Action::Administer,
];

fn principal(roles: &[Role]) -> Account {
    Account { roles: roles.to_vec(), ..account("ci", Kind::ServicePrincipal) }
}

fn token(scopes: &[(&str, &[Right])]) -> Account {
    let scope =
        |(repositories, rights): &(&str, &[Right])| Scope { repositories: (*repositories).to_owned(), rights: rights.to_vec() };
    Account { scopes: scopes.iter().map(scope).collect(), ..account("robot", Kind::Token) }
}

fn plugin() -> Accounts {
    configure("{}").unwrap()
}

/// As this plugin accepted it.
fn own(subject: &str) -> Caller {
    Identity::new(subject).vouched_by("plugin")
}

fn ask(account: Account, action: Action, repository: Option<&str>) -> Verdict {
    let caller = own(&account.name);
    let _host = FakeHost::new().account(account, "s3cret").install();
    plugin().authorize(&context(), Some(&caller), &access(action, repository)).unwrap()
}

/// What an account may do to `team/app`, and to the registry as a whole.
fn may(account: &Account) -> (Vec<Action>, Vec<Action>) {
    let allowed = |repository: Option<&str>| {
        let is_allowed = |action: &Action| matches!(ask(account.clone(), *action, repository), Verdict::Allow(_));
        ALL.into_iter().filter(is_allowed).collect()
    };
    (allowed(Some("team/app")), allowed(None))
}

#[test]
fn the_right_secret_is_accepted_with_roles_kind_and_proof() {
    let _host = FakeHost::new().account(principal(&[Role::AcrPush, Role::AcrDelete]), "s3cret").install();
    let Ok(Authentication::Accepted(acceptance)) = plugin().authenticate(&context(), &basic("ci", "s3cret")) else {
        panic!("not accepted")
    };
    let expected = Identity::new("ci").with_groups(["AcrPush", "AcrDelete"]).with_claim("kind", "service-principal");
    assert_eq!(acceptance.identity, expected);
    assert_eq!((acceptance.reuse, acceptance.proof.as_deref()), (30, Some("1")));
}

#[test]
fn how_long_an_acceptance_is_reused_is_a_setting() {
    let _host = FakeHost::new().account(principal(&[]), "s3cret").install();
    let mut plugin: Accounts = configure(r#"{"reuse-seconds":0}"#).unwrap();
    let answer = plugin.authenticate(&context(), &basic("ci", "s3cret"));
    assert!(matches!(answer, Ok(Authentication::Accepted(Acceptance { reuse: 0, .. }))), "{answer:?}");
}

#[test]
fn a_wrong_secret_is_rejected_and_an_unknown_name_is_left_to_the_next() {
    let _host = FakeHost::new().account(principal(&[Role::Owner]), "s3cret").install();
    assert_eq!(plugin().authenticate(&context(), &basic("ci", "s3cre")), Ok(Authentication::reject("none of its secrets")));
    assert_eq!(plugin().authenticate(&context(), &basic("ci", "")), Ok(Authentication::reject("none of its secrets")));
    assert_eq!(plugin().authenticate(&context(), &basic("cy", "s3cret")), Ok(Authentication::Abstained));
}

#[test]
fn other_credentials_are_left_to_the_next() {
    let _host = FakeHost::new().account(principal(&[Role::Owner]), "s3cret").install();
    for credential in [Credential::Bearer("s3cret".into()), Credential::Certificate(certificate("CN=ci", &[]))] {
        assert_eq!(plugin().authenticate(&context(), &credential), Ok(Authentication::Abstained));
    }
}

#[test]
fn what_can_be_no_name_of_an_account_is_left_to_the_next() {
    let _host = FakeHost::new().account(principal(&[Role::Owner]), "s3cret").install();
    for name in ["", &"x".repeat(129)] {
        assert_eq!(plugin().authenticate(&context(), &basic(name, "s3cret")), Ok(Authentication::Abstained));
        assert_eq!(plugin().lookup(&context(), name, None), Ok(Standing::Gone));
    }
    assert_eq!(plugin().authenticate(&context(), &basic(&"x".repeat(128), "s3cret")), Ok(Authentication::Abstained));
}

#[test]
fn without_the_grant_every_question_is_an_error() {
    let _host = FakeHost::new().install();
    assert!(matches!(plugin().authenticate(&context(), &basic("ci", "s3cret")), Err(Error::Denied(_))));
    assert!(matches!(plugin().lookup(&context(), "ci", None), Err(Error::Denied(_))));
    let pull = access(Action::Pull, Some("team/app"));
    assert!(matches!(plugin().authorize(&context(), Some(&own("ci")), &pull), Err(Error::Denied(_))));
}

#[test]
fn an_account_is_known_while_it_is_there_with_the_secret_that_was_right() {
    let host = FakeHost::new().account(principal(&[Role::AcrPull]), "s3cret").install();
    let lookup = |proof| plugin().lookup(&context(), "ci", proof).unwrap();
    let known = |role: &str| Standing::Known(Identity::new("ci").with_groups([role]).with_claim("kind", "service-principal"));
    assert_eq!(lookup(Some("1")), known("AcrPull"));
    assert_eq!(lookup(None), known("AcrPull"));
    assert_eq!(lookup(Some("2")), Standing::Gone, "that secret was withdrawn");
    host.set_account(principal(&[Role::Reader]), "s3cret");
    assert_eq!(lookup(Some("1")), known("Reader"), "the roles are those of now");
    host.remove_account("ci");
    assert_eq!((lookup(Some("1")), lookup(None)), (Standing::Gone, Standing::Gone));
}

#[test]
fn each_role_gives_what_it_says_and_no_more() {
    use Action::{Administer, Delete, ListRepositories, Pull, Push, ReadMetadata, WriteMetadata};
    let table: [(Role, &[Action]); 6] = [
        (Role::AcrPull, &[Pull, ReadMetadata]),
        (Role::AcrPush, &[Pull, Push, ReadMetadata]),
        (Role::AcrDelete, &[Delete]),
        (Role::Reader, &[Pull, ReadMetadata, ListRepositories]),
        (Role::Contributor, &[Pull, Push, Delete, ReadMetadata, WriteMetadata, ListRepositories]),
        (Role::Owner, &[Pull, Push, Delete, ReadMetadata, WriteMetadata, ListRepositories, Administer]),
    ];
    for (role, expected) in table {
        let (repository, registry) = may(&principal(&[role]));
        assert_eq!(repository, expected, "{role:?}");
        assert_eq!(registry, expected, "{role:?}: a role is for the whole registry");
    }
}

#[test]
fn roles_add_up_and_the_reason_names_the_one_that_gives_the_right() {
    let both = principal(&[Role::AcrPull, Role::AcrDelete]);
    assert_eq!(may(&both).0, [Action::Pull, Action::Delete, Action::ReadMetadata]);
    assert_eq!(ask(both, Action::Delete, Some("team/app")), Verdict::allow_because("role AcrDelete"));
    assert_eq!(may(&principal(&[])), (vec![], vec![]));
}

#[test]
fn the_administrator_may_everything() {
    let admin = account("admin", Kind::Admin);
    assert_eq!(may(&admin), (ALL.to_vec(), ALL.to_vec()));
    assert_eq!(ask(admin, Action::Administer, None), Verdict::allow_because("the administrator"));
}

#[test]
fn each_right_of_a_scope_gives_one_action() {
    for (right, action) in [
        (Right::ContentRead, Action::Pull),
        (Right::ContentWrite, Action::Push),
        (Right::ContentDelete, Action::Delete),
        (Right::MetadataRead, Action::ReadMetadata),
        (Right::MetadataWrite, Action::WriteMetadata),
    ] {
        assert_eq!(may(&token(&[("team/app", &[right])])), (vec![action], vec![]), "{right:?}");
    }
}

#[test]
fn a_scope_holds_in_its_repositories_alone_even_before_they_exist() {
    let token = token(&[("team/app", &[Right::ContentRead]), ("ci/*", &[Right::ContentWrite, Right::ContentRead])]);
    assert_eq!(ask(token.clone(), Action::Push, Some("ci/new/deep")), Verdict::allow_because("scope ci/*"));
    assert_eq!(ask(token.clone(), Action::Pull, Some("team/app")), Verdict::allow_because("scope team/app"));
    for (action, repository) in [
        (Action::Push, "team/app"),
        (Action::Pull, "team/app/x"),
        (Action::Pull, "team/apps"),
        (Action::Push, "ci"),
        (Action::Push, "cix/a"),
        (Action::Delete, "ci/a"),
    ] {
        assert_eq!(ask(token.clone(), action, Some(repository)), Verdict::Abstain, "{action:?} {repository}");
    }
}

#[test]
fn scopes_that_meet_in_a_repository_add_up() {
    let token = token(&[("team/*", &[Right::ContentRead]), ("team/app", &[Right::ContentWrite])]);
    assert_eq!(may(&token).0, [Action::Pull, Action::Push]);
}

#[test]
fn a_token_has_nothing_of_the_registry_as_a_whole() {
    let all = [Right::ContentRead, Right::ContentWrite, Right::ContentDelete, Right::MetadataRead, Right::MetadataWrite];
    assert_eq!(may(&token(&[("team/*", &all)])).1, []);
}

#[test]
fn a_service_principal_has_its_roles_and_its_scopes() {
    let both = Account { scopes: token(&[("team/*", &[Right::ContentDelete])]).scopes, ..principal(&[Role::AcrPull]) };
    assert_eq!(may(&both).0, [Action::Pull, Action::Delete, Action::ReadMetadata]);
}

#[test]
fn what_an_account_may_is_asked_afresh_and_never_taken_from_the_token() {
    let host = FakeHost::new().account(principal(&[Role::Owner]), "s3cret").install();
    let push = access(Action::Push, Some("team/app"));
    let caller = Identity::new("ci").with_groups(["Owner"]).with_claim("kind", "admin").vouched_by("plugin");
    let mut plugin = plugin();
    assert_eq!(plugin.authorize(&context(), Some(&caller), &push), Ok(Verdict::allow_because("role Owner")));
    host.set_account(principal(&[Role::AcrPull]), "s3cret");
    assert_eq!(plugin.authorize(&context(), Some(&caller), &push), Ok(Verdict::Abstain), "the role was taken away");
    host.remove_account("ci");
    assert_eq!(
        plugin.authorize(&context(), Some(&caller), &push),
        Ok(Verdict::deny("the account is gone or disabled")),
        "nobody further down the chain may allow it"
    );
    assert_eq!(plugin.reuse(), 10);
}

#[test]
fn callers_whom_another_plugin_accepted_are_left_to_others_whatever_they_are_called() {
    let _host = FakeHost::new().account(account("admin", Kind::Admin), "s3cret").install();
    let stranger = Identity::new("admin").with_groups(["Owner"]).with_claim("kind", "admin").vouched_by("staff");
    for action in ALL {
        assert_eq!(plugin().authorize(&context(), Some(&stranger), &access(action, None)), Ok(Verdict::Abstain));
    }
}

#[test]
fn verdicts_come_in_the_order_of_the_accesses() {
    let _host = FakeHost::new().account(principal(&[Role::AcrPull]), "s3cret").install();
    let accesses = [access(Action::Push, Some("a")), access(Action::Pull, Some("a")), access(Action::ListRepositories, None)];
    let verdicts = plugin().authorize_all(&context(), Some(&own("ci")), &accesses).unwrap();
    assert_eq!(verdicts, [Verdict::Abstain, Verdict::allow_because("role AcrPull"), Verdict::Abstain]);
}

#[test]
fn anonymous_callers_pull_what_the_setting_says() {
    let judge = |setting: &str, action: Action, repository: Option<&str>| {
        let mut plugin: Accounts = configure(&format!(r#"{{"anonymous-pull":{setting}}}"#)).unwrap();
        plugin.authorize(&context(), None, &access(action, repository)).unwrap()
    };
    let allowed = Verdict::allow_because("anonymous pull");
    assert_eq!(judge("false", Action::Pull, Some("public/a")), Verdict::Abstain);
    for setting in ["true", r#"["public/**","base"]"#] {
        assert_eq!(judge(setting, Action::Pull, Some("public/a")), allowed);
        assert_eq!(judge(setting, Action::ReadMetadata, Some("base")), allowed);
        for action in ALL.into_iter().filter(|action| !matches!(action, Action::Pull | Action::ReadMetadata)) {
            assert_eq!(judge(setting, action, Some("public/a")), Verdict::Abstain, "{setting} {action:?}");
        }
        for action in ALL {
            assert_eq!(judge(setting, action, None), Verdict::Abstain, "{setting} {action:?} of the registry as a whole");
        }
    }
    assert_eq!(judge("true", Action::Pull, Some("secret/a")), allowed);
    assert_eq!(judge(r#"["public/**"]"#, Action::Pull, Some("secret/a")), Verdict::Abstain);
    assert_eq!(plugin().authorize(&context(), None, &access(Action::Pull, Some("a"))), Ok(Verdict::Abstain), "the default");
}

#[test]
fn settings_that_make_no_sense_stop_the_start() {
    let refusal = |settings: &str| match configure::<Accounts>(settings) {
        Err(Error::Invalid(text)) => text,
        other => panic!("should be refused as invalid, was {:?}", other.err()),
    };
    assert!(refusal(r#"{"anonymous-pull":"yes"}"#).starts_with("anonymous-pull: `\"yes\"` is neither `true`"));
    assert!(refusal(r#"{"anonymous-pull":[]}"#).starts_with("anonymous-pull: empty"));
    assert!(refusal(r#"{"anonymous-pull":["A"]}"#).contains("no capitals"));
    assert!(refusal(r#"{"reuse":1}"#).starts_with("reuse: unknown field `reuse`, expected `reuse-seconds` or `anonymous-pull`"));
}
