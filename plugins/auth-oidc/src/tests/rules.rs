//! What rules give, to whom, and where.

use super::*;

const GITHUB: &str = r#"{
    "issuers":[{"issuer":"https://issuer.example.com","audiences":["registry.example.com"]}],
    "rules":[
        {"when":"repository == \"org/app\" && ref == \"refs/heads/main\"","repositories":["org/app"],"actions":["pull","push"]},
        {"when":"repository_owner == \"org\"","repositories":["org/**"],"actions":["pull"]},
        {"when":"environment == \"production\"","groups":["deployers"]},
        {"when":"actor == \"root\"","repositories":["**"],"actions":["*"],"groups":["ops"]}
    ]
}"#;

/// Logs in with these claims, and asks.
fn ask(settings: &str, token_claims: Value, action: Action, repository: Option<&str>) -> Verdict {
    let signer = Signer::ec("ec-1");
    let _host = issuer(std::slice::from_ref(&signer.jwk));
    let mut plugin = plugin(settings);
    let caller = accepted(bearer(&mut plugin, &signer.sign(&claims(token_claims)))).vouched_by("plugin");
    plugin.authorize(&context(), Some(&caller), &access(action, repository)).unwrap()
}

#[test]
fn the_branch_that_may_push_may_push_to_its_repository_and_nowhere_else() {
    let main = || value!({"repository": "org/app", "ref": "refs/heads/main", "repository_owner": "org"});
    let rule = |number: u32| Verdict::allow_because(format!("rule {number}"));
    assert_eq!(ask(GITHUB, main(), Action::Push, Some("org/app")), rule(1));
    assert_eq!(ask(GITHUB, main(), Action::Pull, Some("org/app")), rule(1));
    assert_eq!(ask(GITHUB, main(), Action::ReadMetadata, Some("org/other/deep")), rule(2));
    for (action, repository) in [
        (Action::Push, Some("org/other")),
        (Action::Push, Some("org/app/x")),
        (Action::Delete, Some("org/app")),
        (Action::Pull, Some("public")),
        (Action::Pull, None),
        (Action::ListRepositories, None),
        (Action::Administer, None),
    ] {
        assert_eq!(ask(GITHUB, main(), action, repository), Verdict::Abstain, "{action:?} {repository:?}");
    }
}

#[test]
fn another_branch_or_repository_of_the_same_issuer_may_not_push() {
    for other in [
        value!({"repository": "org/app", "ref": "refs/heads/mine"}),
        value!({"repository": "org/app", "ref": "refs/pull/1/merge"}),
        value!({"repository": "evil/app", "ref": "refs/heads/main"}),
        value!({"repository": "org/app"}),
        value!({"ref": "refs/heads/main"}),
        value!({"repository": ["org/app"], "ref": "refs/heads/main"}),
        value!({"repository:json": "\"org/app\"", "ref": "refs/heads/main"}),
        value!({}),
    ] {
        assert_eq!(ask(GITHUB, other.clone(), Action::Push, Some("org/app")), Verdict::Abstain, "{other}");
    }
}

#[test]
fn a_rule_about_everything_covers_the_registry_as_a_whole() {
    let root = || value!({"actor": "root"});
    assert_eq!(ask(GITHUB, root(), Action::Administer, None), Verdict::allow_because("rule 4"));
    assert_eq!(ask(GITHUB, root(), Action::Delete, Some("any/thing")), Verdict::allow_because("rule 4"));
}

#[test]
fn rules_give_groups_for_the_rules_of_other_plugins() {
    let signer = Signer::ec("ec-1");
    let _host = issuer(std::slice::from_ref(&signer.jwk));
    let groups_of = |other: Value| accepted(bearer(&mut plugin(GITHUB), &signer.sign(&claims(other)))).groups;
    assert_eq!(groups_of(value!({"environment": "production"})), ["deployers"]);
    assert_eq!(groups_of(value!({"environment": "production", "actor": "root"})), ["deployers", "ops"]);
    assert_eq!(groups_of(value!({"environment": "test"})), Vec::<String>::new());
}

#[test]
fn rules_are_for_callers_whom_this_plugin_accepted() {
    let mut plugin = plugin(GITHUB);
    let push = access(Action::Push, Some("org/app"));
    let as_accepted = || Identity::new("alice").with_claim("iss", ISSUER).with_claim("actor", "root");
    assert_eq!(
        plugin.authorize(&context(), Some(&as_accepted().vouched_by("plugin")), &push),
        Ok(Verdict::allow_because("rule 4"))
    );
    assert_eq!(plugin.authorize(&context(), Some(&as_accepted().vouched_by("staff")), &push), Ok(Verdict::Abstain));
    assert_eq!(plugin.authorize(&context(), None, &push), Ok(Verdict::Abstain));
    let nobody = Identity::new("alice").with_claim("actor", "root").vouched_by("plugin");
    assert_eq!(plugin.authorize(&context(), Some(&nobody), &push), Ok(Verdict::Abstain), "of no issuer");
}

#[test]
fn a_rule_is_about_the_claims_of_its_issuer_alone() {
    let settings = r#"{
        "issuers":[
            {"issuer":"https://issuer.example.com","audiences":["registry.example.com"],"prefix":"one:"},
            {"issuer":"two","audiences":["registry.example.com"],"prefix":"two:","jwks-uri":"https://two.example.com/keys"}
        ],
        "rules":[{"issuer":"two","when":"repository == \"org/app\"","repositories":["org/app"],"actions":["push"],"groups":["pushers"]}]
    }"#;
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    host.set_answer("https://two.example.com/keys", Ok(json(value!({"keys": [signer.jwk]}).to_string())));
    let mut plugin = plugin(settings);
    let push = access(Action::Push, Some("org/app"));
    let mut ask = |iss: &str| {
        let identity = accepted(bearer(&mut plugin, &signer.sign(&claims(value!({"iss": iss, "repository": "org/app"})))));
        let groups = identity.groups.clone();
        (plugin.authorize(&context(), Some(&identity.vouched_by("plugin")), &push).unwrap(), groups)
    };
    assert_eq!(ask("two"), (Verdict::allow_because("rule 1"), vec!["pushers".to_owned()]));
    assert_eq!(ask(ISSUER), (Verdict::Abstain, vec![]), "what this issuer says about repositories gives nothing");
}

#[test]
fn an_issuer_that_was_taken_out_of_the_settings_gives_nothing_any_more() {
    let earlier = Identity::new("alice").with_claim("iss", "https://gone.example.com").with_claim("actor", "root");
    let push = access(Action::Push, Some("org/app"));
    assert_eq!(plugin(GITHUB).authorize(&context(), Some(&earlier.vouched_by("plugin")), &push), Ok(Verdict::Abstain));
}

#[test]
fn verdicts_come_in_the_order_of_the_accesses_and_may_be_reused() {
    let mut plugin = plugin(GITHUB);
    let who = Identity::new("a").with_claim("iss", ISSUER).with_claim("repository_owner", "org").vouched_by("plugin");
    let accesses = [access(Action::Push, Some("org/a")), access(Action::Pull, Some("org/a"))];
    let verdicts = plugin.authorize_all(&context(), Some(&who), &accesses);
    assert_eq!(verdicts, Ok(vec![Verdict::Abstain, Verdict::allow_because("rule 2")]));
    assert_eq!(plugin.reuse(), 300);
}
