//! The contract of authorizers, a test for each clause and plugin.

use std::sync::Arc;

use bulkhead_core::ports::auth::{Access, AccessAction, Authorizer};
use bulkhead_core::ports::context::Identity;
use bulkhead_plugin::{Grants, Plugin};
use bulkhead_tests::suites::authorizer::{Names, Subject, access};
use serde_json::json;

use crate::{accounts, world};

async fn hello_policy() -> Subject {
    let plugin = world::plugin("hello-policy", json!({"writers": ["ann"]}), Grants::default()).await;
    Subject {
        plugin: authorizer(&plugin),
        who: identity("staff", "bob", &[]),
        may: vec![pull("team/app"), pull("a")],
        may_not: vec![push("team/app"), access(AccessAction::Delete, Some("a")), access(AccessAction::ListRepositories, None)],
        names: Names::Anybodys,
    }
}

fn rules() -> serde_json::Value {
    json!({"rules": [
        {"who": ["user:ann"], "repositories": ["team/secret"], "actions": ["*"], "effect": "deny"},
        {"who": ["user:ann"], "repositories": ["team/**"], "actions": ["pull", "push"]},
        {"who": ["group:ops"], "repositories": ["**"], "actions": ["list"]},
        {"who": ["anonymous"], "repositories": ["public/**"], "actions": ["pull"]},
    ]})
}

async fn policy_rules() -> Subject {
    let plugin = world::plugin("policy-rules", rules(), Grants::default()).await;
    Subject {
        plugin: authorizer(&plugin),
        who: identity("staff", "ann", &["ops"]),
        may: vec![pull("team/app"), push("team/app"), push("team/a/b"), access(AccessAction::ListRepositories, None)],
        may_not: vec![
            pull("team/secret"),
            pull("team"),
            pull("public/app"),
            push("teams/app"),
            access(AccessAction::Delete, Some("team/app")),
            access(AccessAction::Administer, None),
        ],
        names: Names::Anybodys,
    }
}

async fn policy_rules_of_one_voucher() -> Subject {
    let rule = json!({"who": ["user:ann"], "by": ["staff"], "repositories": ["team/**"], "actions": ["pull"]});
    let plugin = world::plugin("policy-rules", json!({"rules": [rule]}), Grants::default()).await;
    Subject {
        plugin: authorizer(&plugin),
        who: identity("staff", "ann", &["ops"]),
        may: vec![pull("team/app")],
        may_not: vec![push("team/app"), pull("other")],
        names: Names::OneVouchers,
    }
}

async fn auth_accounts() -> Subject {
    let grants = Grants { accounts: true, ..Grants::default() };
    let plugin = world::plugin("auth-accounts", json!({}), grants).await;
    Subject {
        plugin: authorizer(&plugin),
        who: identity("auth-accounts", accounts::NAME, &["AcrPull"]),
        may: vec![pull("team/app"), pull("a"), push("team/app"), push("team/a/b")],
        may_not: vec![
            push("team"),
            push("a"),
            access(AccessAction::Delete, Some("team/app")),
            access(AccessAction::ListRepositories, None),
            access(AccessAction::Administer, None),
        ],
        names: Names::OneVouchers,
    }
}

fn authorizer(plugin: &Arc<Plugin>) -> Arc<dyn Authorizer> {
    plugin.authorizer().expect("an authorizer")
}

fn identity(plugin: &str, subject: &str, groups: &[&str]) -> Identity {
    Identity {
        plugin: plugin.into(),
        subject: subject.to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        claims: Vec::new(),
        expires: None,
    }
}

fn pull(repository: &str) -> Access {
    access(AccessAction::Pull, Some(repository))
}

fn push(repository: &str) -> Access {
    access(AccessAction::Push, Some(repository))
}

macro_rules! clauses {
    ($plugin:ident: $($clause:ident)+) => {
        mod $plugin {
            $(
                #[test]
                fn $clause() {
                    super::world::block_on(async {
                        bulkhead_tests::suites::authorizer::$clause(super::$plugin().await).await;
                    });
                }
            )+
        }
    };
}

macro_rules! contract {
    ($($plugin:ident)+) => {
        $(
            clauses!($plugin:
                what_a_caller_may_is_allowed
                what_a_caller_may_not_is_not_allowed
                verdicts_are_in_the_order_of_their_accesses
                together_is_as_one_by_one
                the_same_question_has_the_same_answer
                an_anonymous_caller_is_answered_and_administers_nothing
                a_namesake_of_another_plugin_is_somebody_else
                a_strange_caller_is_answered_and_administers_nothing
                names_at_the_edge_of_the_grammar_are_answered
                many_questions_at_once_are_told_apart
            );
        )+
    };
}

contract! { hello_policy policy_rules policy_rules_of_one_voucher auth_accounts }
