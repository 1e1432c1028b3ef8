//! What every authorizer must do, a function per clause. The words are those of `plugin-sdk/wit/auth.wit`.

use std::sync::Arc;

use bulkhead_core::ports::auth::{Access, AccessAction, Answer, Authorizer, Verdict};
use bulkhead_core::ports::context::Identity;
use futures_util::future::join_all;

use super::request;

/// The longest time that a right may outlive its withdrawal, in seconds.
const LONGEST_REUSE: u32 = 3600;

/// A plugin under test, and whom it was set up to allow what.
pub struct Subject {
    /// The plugin.
    pub plugin: Arc<dyn Authorizer>,
    /// A caller.
    pub who: Identity,
    /// Some of what they may.
    pub may: Vec<Access>,
    /// Some of what they may not: denied, or left to others.
    pub may_not: Vec<Access>,
    /// Whether nobody of the same name but another vouching plugin may any of it.
    pub names: Names,
}

/// Whose subjects a plugin's rights are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Whoever vouches for them.
    Anybodys,
    /// Those of the plugin named in [`Subject::who`] alone.
    OneVouchers,
}

impl Subject {
    async fn ask(&self, who: Option<&Identity>, accesses: &[Access]) -> Answer {
        let answer = self.plugin.authorize(&request(), who, accesses).await.expect("an answer, not a fault");
        assert_eq!(answer.verdicts.len(), accesses.len(), "one verdict for each access");
        assert!(answer.reuse <= LONGEST_REUSE, "what is taken back is allowed for {} seconds more", answer.reuse);
        answer
    }

    async fn verdicts(&self, accesses: &[Access]) -> Vec<Verdict> {
        self.ask(Some(&self.who), accesses).await.verdicts
    }

    /// What they may and what they may not, taking turns, and whether they may.
    fn mixed(&self) -> (Vec<Access>, Vec<bool>) {
        let (mut accesses, mut wanted) = (Vec::new(), Vec::new());
        for index in 0..self.may.len().max(self.may_not.len()) {
            for (list, may) in [(&self.may, true), (&self.may_not, false)] {
                accesses.push(list[index % list.len()].clone());
                wanted.push(may);
            }
        }
        (accesses, wanted)
    }
}

/// An action on a repository, or on the registry as a whole.
#[must_use]
pub fn access(action: AccessAction, repository: Option<&str>) -> Access {
    Access { action, repository: repository.map(|name| name.parse().expect("a repository's name")) }
}

const fn allows(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Allow(_))
}

/// The host lets them.
pub async fn what_a_caller_may_is_allowed(subject: Subject) {
    for access in &subject.may {
        let verdicts = subject.verdicts(std::slice::from_ref(access)).await;
        assert!(allows(&verdicts[0]), "{access:?}: {verdicts:?}");
    }
}

/// Denied, or left to the next one; nobody: denied.
pub async fn what_a_caller_may_not_is_not_allowed(subject: Subject) {
    for access in &subject.may_not {
        let verdicts = subject.verdicts(std::slice::from_ref(access)).await;
        assert!(!allows(&verdicts[0]), "{access:?}: {verdicts:?}");
    }
}

/// "One for each access, in the same order."
pub async fn verdicts_are_in_the_order_of_their_accesses(subject: Subject) {
    assert_eq!(subject.verdicts(&[]).await, []);
    let (accesses, wanted) = subject.mixed();
    let verdicts = subject.verdicts(&accesses).await;
    assert_eq!(verdicts.iter().map(allows).collect::<Vec<_>>(), wanted, "{accesses:?}: {verdicts:?}");
    let many: Vec<Access> = accesses.iter().cycle().take(accesses.len() * 100).cloned().collect();
    let verdicts = subject.verdicts(&many).await;
    assert_eq!(verdicts.iter().map(allows).collect::<Vec<_>>(), wanted.repeat(100));
}

/// Whether the host asks about several accesses at once or about one is no business of a plugin's.
pub async fn together_is_as_one_by_one(subject: Subject) {
    let (accesses, _) = subject.mixed();
    let together = subject.verdicts(&accesses).await;
    for (access, verdict) in accesses.iter().zip(together) {
        assert_eq!(subject.verdicts(std::slice::from_ref(access)).await, [verdict], "{access:?}");
    }
}

/// What the host reuses is what it would be told again, whatever else it asked meanwhile.
pub async fn the_same_question_has_the_same_answer(subject: Subject) {
    let (accesses, _) = subject.mixed();
    let first = subject.ask(Some(&subject.who), &accesses).await;
    subject.ask(None, &accesses).await;
    assert_eq!(subject.ask(Some(&subject.who), &accesses).await, first);
}

/// "`who` is none for an anonymous caller."
pub async fn an_anonymous_caller_is_answered_and_administers_nothing(subject: Subject) {
    let (mut accesses, _) = subject.mixed();
    accesses.push(access(AccessAction::Administer, None));
    let answer = subject.ask(None, &accesses).await;
    assert!(!answer.verdicts.last().is_some_and(allows), "{answer:?}");
}

/// "Two of them may know different people by the same subject."
pub async fn a_namesake_of_another_plugin_is_somebody_else(subject: Subject) {
    let (accesses, wanted) = subject.mixed();
    let namesake = Identity { plugin: "another-plugin".into(), ..subject.who.clone() };
    let answer = subject.ask(Some(&namesake), &accesses).await;
    let allowed: Vec<bool> = answer.verdicts.iter().map(allows).collect();
    match subject.names {
        Names::Anybodys => assert_eq!(allowed, wanted),
        Names::OneVouchers => assert!(!allowed.contains(&true), "{answer:?}"),
    }
}

/// Nothing that a caller can be called makes a plugin fail, nor somebody who may more.
pub async fn a_strange_caller_is_answered_and_administers_nothing(subject: Subject) {
    let long = "x".repeat(1024);
    let strange = |subject: &str, facts: usize| Identity {
        plugin: "another-plugin".into(),
        subject: subject.to_owned(),
        groups: (0..facts).map(|number| format!("group {number}: ä*?[]{{}}\"'")).collect(),
        claims: (0..facts).map(|number| (format!("claim {number}"), "*".repeat(64))).collect(),
        expires: None,
    };
    let accesses = [access(AccessAction::Administer, None), access(AccessAction::Pull, Some("team/app"))];
    for name in ["*", "**", "user:*", "group:*", "../..", "ann\u{202e}", "'; --", &long] {
        for facts in [0, 256] {
            let answer = subject.ask(Some(&strange(name, facts)), &accesses).await;
            assert!(!allows(&answer.verdicts[0]), "{name:?}: {answer:?}");
        }
    }
}

/// "It need not exist yet": every name that a repository can have.
pub async fn names_at_the_edge_of_the_grammar_are_answered(subject: Subject) {
    let deep = ["a"; 128].join("/");
    let (long, mixed) = ("n".repeat(255), "a.b_c__d-e--f/0/x".to_owned());
    let names = ["a", "0", &deep, &long, &mixed];
    let accesses: Vec<Access> = names.iter().map(|name| access(AccessAction::Push, Some(name))).collect();
    for who in [Some(&subject.who), None] {
        subject.ask(who, &accesses).await;
    }
}

/// Calls side by side do not meet.
pub async fn many_questions_at_once_are_told_apart(subject: Subject) {
    let (accesses, wanted) = subject.mixed();
    let ask = async |(access, may): (&Access, bool)| {
        let verdicts = subject.verdicts(std::slice::from_ref(access)).await;
        assert_eq!(allows(&verdicts[0]), may, "{access:?}");
    };
    join_all(accesses.iter().zip(wanted).cycle().take(200).map(ask)).await;
}
