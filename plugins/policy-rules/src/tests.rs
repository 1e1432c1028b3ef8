//! Rules as an operator writes them.

use bulkhead_plugin_sdk::authorizer::Action;
use bulkhead_plugin_sdk::testing::{access, configure, context};

use super::*;

const RULES: &str = r#"{"rules":[
    {"who":["user:mallory"],"repositories":["**"],"actions":["*"],"effect":"deny"},
    {"who":["group:ops"],"repositories":["**"],"actions":["pull","push","delete","list"]},
    {"who":["user:bob","group:dev"],"repositories":["team/*","shared/**"],"actions":["pull","push"]},
    {"who":["authenticated"],"repositories":["internal/**"],"actions":["pull"]},
    {"who":["*"],"repositories":["public/**"],"actions":["pull"]},
    {"who":["anonymous"],"repositories":["**"],"actions":["*"],"effect":"deny"}
]}"#;

fn ask(who: Option<&Caller>, action: Action, repository: Option<&str>) -> Verdict {
    let mut plugin: Rules = configure(RULES).unwrap();
    plugin.authorize(&context(), who, &access(action, repository)).unwrap()
}

fn refusal(rules: &str) -> String {
    match configure::<Rules>(&format!(r#"{{"rules":[{{"who":["*"],"repositories":["**"],"actions":["*"]}},{rules}]}}"#)) {
        Err(Error::Invalid(text)) => text,
        Err(other) => panic!("should be invalid, was {other:?}"),
        Ok(_) => panic!("should be refused"),
    }
}

#[test]
fn the_first_rule_that_matches_decides() {
    let ops = Identity::new("alice").with_groups(["ops"]).vouched_by("staff");
    let mallory = Identity::new("mallory").with_groups(["ops"]).vouched_by("staff");
    assert_eq!(ask(Some(&ops), Action::Delete, Some("any/where/at/all")), Verdict::allow_because("rule 2"));
    assert_eq!(ask(Some(&mallory), Action::Pull, Some("public/a")), Verdict::deny("rule 1 denies it"));
}

#[test]
fn users_and_groups_are_told_apart() {
    let bob = Identity::new("bob").vouched_by("staff");
    let dev = Identity::new("carol").with_groups(["dev"]).vouched_by("staff");
    let named_like_a_group = Identity::new("dev").with_groups(["bob"]).vouched_by("staff");
    assert_eq!(ask(Some(&bob), Action::Push, Some("team/app")), Verdict::allow_because("rule 3"));
    assert_eq!(ask(Some(&dev), Action::Push, Some("shared/a/b")), Verdict::allow_because("rule 3"));
    assert_eq!(ask(Some(&named_like_a_group), Action::Push, Some("team/app")), Verdict::Abstain);
    assert_eq!(ask(Some(&bob), Action::Push, Some("team/app/deeper")), Verdict::Abstain);
    assert_eq!(ask(Some(&bob), Action::Delete, Some("team/app")), Verdict::Abstain);
}

#[test]
fn anonymous_callers_pull_what_is_public_and_nothing_else() {
    assert_eq!(ask(None, Action::Pull, Some("public/a/b")), Verdict::allow_because("rule 5"));
    assert_eq!(ask(None, Action::Push, Some("public/a")), Verdict::deny("rule 6 denies it"));
    assert_eq!(ask(None, Action::Pull, Some("internal/a")), Verdict::deny("rule 6 denies it"));
    assert_eq!(
        ask(Some(&Identity::new("anonymous").vouched_by("staff")), Action::Pull, Some("internal/a")),
        Verdict::allow_because("rule 4")
    );
}

#[test]
fn pull_covers_reading_metadata_and_no_more() {
    assert_eq!(ask(None, Action::ReadMetadata, Some("public/a")), Verdict::allow_because("rule 5"));
    let someone = Identity::new("zoe").vouched_by("staff");
    assert_eq!(ask(Some(&someone), Action::WriteMetadata, Some("public/a")), Verdict::Abstain);
}

#[test]
fn the_registry_as_a_whole_is_for_rules_about_everything() {
    let ops = Identity::new("alice").with_groups(["ops"]).vouched_by("staff");
    assert_eq!(ask(Some(&ops), Action::ListRepositories, None), Verdict::allow_because("rule 2"));
    assert_eq!(ask(Some(&ops), Action::Administer, None), Verdict::Abstain);
    let mut plugin: Rules = configure(r#"{"rules":[{"who":["*"],"repositories":["a/**"],"actions":["*"]}]}"#).unwrap();
    assert_eq!(plugin.authorize(&context(), None, &access(Action::ListRepositories, None)), Ok(Verdict::Abstain));
}

#[test]
fn verdicts_come_in_the_order_of_the_accesses() {
    let mut plugin: Rules = configure(RULES).unwrap();
    let accesses = [access(Action::Pull, Some("public/a")), access(Action::Push, Some("public/a"))];
    let verdicts = plugin.authorize_all(&context(), Some(&Identity::new("zoe").vouched_by("staff")), &accesses);
    assert_eq!(verdicts, Ok(vec![Verdict::allow_because("rule 5"), Verdict::Abstain]));
}

#[test]
fn a_rule_can_be_for_those_alone_whom_named_plugins_vouch_for() {
    let mut plugin: Rules = configure(
        r#"{"rules":[
            {"who":["user:alice"],"repositories":["**"],"actions":["*"],"by":["staff","partners"]},
            {"who":["*"],"repositories":["shared/*"],"actions":["pull"],"by":["ci"]}
        ]}"#,
    )
    .unwrap();
    let push = access(Action::Push, Some("team/app"));
    let mut alice_of = |plugin_name: &str| {
        let alice = Identity::new("alice").vouched_by(plugin_name);
        plugin.authorize(&context(), Some(&alice), &push).unwrap()
    };
    assert_eq!(alice_of("staff"), Verdict::allow_because("rule 1"));
    assert_eq!(alice_of("partners"), Verdict::allow_because("rule 1"));
    assert_eq!(alice_of("ci"), Verdict::Abstain, "another plugin's alice");
    assert_eq!(alice_of("Staff"), Verdict::Abstain);
    let pull = access(Action::Pull, Some("shared/a"));
    let robot = Identity::new("robot").vouched_by("ci");
    assert_eq!(plugin.authorize(&context(), Some(&robot), &pull), Ok(Verdict::allow_because("rule 2")));
    assert_eq!(plugin.authorize(&context(), None, &pull), Ok(Verdict::Abstain), "nobody vouches for an anonymous caller");
}

#[test]
fn verdicts_may_be_reused_for_five_minutes_or_as_the_settings_say() {
    assert_eq!(configure::<Rules>(r#"{"rules":[]}"#).unwrap().reuse(), 300);
    assert_eq!(configure::<Rules>(r#"{"rules":[],"reuse-seconds":0}"#).unwrap().reuse(), 0);
}

#[test]
fn mistakes_are_named_with_rule_and_key() {
    let bare = refusal(r#"{"who":["alice"],"repositories":["**"],"actions":["pull"]}"#);
    assert_eq!(
        bare,
        "rules[1].who[0]: `alice` is nobody: write `user:alice` or `group:alice`, or one of `anonymous`, `authenticated`, `*` (in rule number 2)"
    );
    let glob = refusal(r#"{"who":["*"],"repositories":["ok","a**"],"actions":["pull"]}"#);
    assert!(glob.starts_with("rules[1].repositories[1]: `a**` has `**` beside"), "{glob}");
    assert!(refusal(r#"{"who":["*"],"repositories":[],"actions":["pull"]}"#).starts_with("rules[1].repositories: empty"));
    assert!(
        refusal(r#"{"who":["*"],"repositories":["**"],"actions":["pul"]}"#)
            .starts_with("rules[1].actions[0]: unknown variant `pul`")
    );
    assert!(
        refusal(r#"{"who":["*"],"repositories":["**"],"actions":["*"],"efect":"deny"}"#)
            .starts_with("rules[1].efect: unknown field")
    );
    assert!(refusal(r#"{"who":["*"],"repositories":["**"],"actions":["*"],"by":[]}"#).starts_with("rules[1].by: empty, so that"));
    assert!(
        refusal(r#"{"who":["anonymous"],"repositories":["**"],"actions":["*"],"by":["staff"]}"#)
            .starts_with("rules[1].by: nobody vouches for an anonymous caller")
    );
    assert!(refusal(r#"{"who":["team:x"],"repositories":["**"],"actions":["*"]}"#).contains("user:NAME"));
    assert!(configure::<Rules>("{}").is_err());
}
