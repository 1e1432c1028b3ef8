//! What is written down: refused logins and denied accesses of known callers, with everybody's word, and no secret.

use super::*;
use crate::ports::audit::{AuditAction, AuditCaller, AuditOutcome};

fn caller(subject: &str) -> Option<AuditCaller> {
    Some(AuditCaller { plugin: "staff".to_owned(), subject: subject.to_owned() })
}

/// The only entry since the last time, which has no secret in it.
fn only(world: &World) -> AuditEntry {
    let mut entries = world.audit.take();
    assert_eq!(entries.len(), 1, "{entries:?}");
    let entry = entries.remove(0);
    let text = serde_json::to_string(&entry).unwrap();
    for secret in ["wrong", "right", "made-up", "foreign"] {
        assert!(!text.contains(&format!("{secret}-secret")), "{text}");
    }
    entry
}

fn words(entry: &AuditEntry) -> Vec<(&str, &str)> {
    entry.steps.iter().map(|step| (step.plugin.as_str(), step.said)).collect()
}

fn staff(answer: Result<Authentication, PluginError>) -> World {
    World::new(vec![Who::always("first", Ok(Authentication::Abstained)), Who::always("staff", answer)], vec![])
}

#[tokio::test]
async fn a_refused_login_is_written_down_with_the_name_that_was_claimed_and_who_said_what() {
    let world = staff(Ok(Authentication::Rejected("wrong password".to_owned())));
    world.shown(&here(), &basic("wrong-secret")).await.unwrap_err();
    let entry = only(&world);
    assert_eq!((entry.action, entry.outcome), (AuditAction::Login, AuditOutcome::Refused));
    assert_eq!((entry.claimed.as_deref(), &entry.who), (Some("alice"), &None));
    assert_eq!(words(&entry), [("first", "abstained"), ("staff", "rejected")]);
    assert_eq!((entry.steps[1].reason.as_str(), entry.steps[1].digest.as_str()), ("wrong password", "sha256:0"));
    assert_eq!((entry.request.as_deref(), entry.address.as_deref()), (Some("0123456789abcdef"), Some("192.0.2.1:1")));
    assert_eq!(entry.registry.as_str(), "default");

    world.issue(&basic("wrong-secret"), "", Offline::NotWanted).await.unwrap_err();
    assert_eq!(only(&world).action, AuditAction::Login);
    world.gate.exchange(&here(), "foreign-secret").await.unwrap_err();
    assert_eq!(only(&world).action, AuditAction::Exchange);
    world.gate.refresh(&here(), "made-up-secret", &[]).await.unwrap_err();
    assert_eq!(only(&world).action, AuditAction::Refresh);
    world.shown(&here(), &nobody("made-up-secret")).await.unwrap_err();
    assert_eq!((only(&world).claimed, world.audit.take().len()), (None, 0));
}

#[tokio::test]
async fn a_plugin_that_fails_at_a_login_and_one_whom_nobody_knows_are_written_down() {
    let world = staff(Err(trap()));
    world.shown(&here(), &basic("right-secret")).await.unwrap_err();
    let entry = only(&world);
    assert_eq!(entry.outcome, AuditOutcome::Failed);
    assert_eq!(words(&entry), [("first", "abstained"), ("staff", "failed")]);
    assert_eq!(entry.steps[1].reason, "trapped: unreachable");

    let world = staff(Ok(Authentication::Abstained));
    world.shown(&here(), &basic("right-secret")).await.unwrap_err();
    assert_eq!(only(&world).reason, "nobody in the chain knows the credential");
    // A certificate that nobody knows is an anonymous caller, which is no refusal.
    world.shown(&here(), &certificate(Timestamp(START).after(HOUR))).await.unwrap();
    assert!(world.audit.take().is_empty());
}

#[tokio::test]
async fn a_login_that_is_right_and_an_anonymous_caller_are_not_written_down() {
    let world = World::new(vec![Who::staff(0)], vec![May::always("rules", 0, deny())]);
    world.shown(&here(), &basic("right")).await.unwrap();
    world.gate.permit(&here(), &Caller::Anonymous, &[pull("a")]).await.unwrap_err();
    world.gate.issue(&here(), None, &ScopeRequest::parse_list("repository:a:pull"), Offline::NotWanted).await.unwrap();
    assert!(world.audit.take().is_empty());
}

#[tokio::test]
async fn a_refused_refresh_token_names_whom_it_was_given_to() {
    let staff = Who::staff(0);
    staff.stands(Ok(Standing::Known(identity("alice"))));
    let world = World::new(vec![staff.clone()], vec![]);
    let token = world.issue(&basic("right"), "", Offline::Wanted).await.unwrap().refresh_token.unwrap();
    assert!(world.audit.take().is_empty());
    staff.stands(Ok(Standing::Gone));
    world.gate.refresh(&here(), &token, &[]).await.unwrap_err();
    let entry = only(&world);
    assert_eq!((entry.action, entry.outcome, &entry.who), (AuditAction::Refresh, AuditOutcome::Refused, &caller("alice")));
    assert_eq!(words(&entry), [("staff", "rejected")]);
    assert!(!serde_json::to_string(&entry).unwrap().contains(&token));
}

#[tokio::test]
async fn a_denied_access_of_a_known_caller_is_written_down_and_a_token_without_the_scope_is_not() {
    let first = May::always("first", 60, Ok(Verdict::Abstain));
    let world = World::new(vec![Who::staff(0)], vec![first, May::always("rules", 60, deny())]);
    // The second time it comes from memory, and is written down just so.
    for _ in 0..2 {
        world.gate.permit(&here(), &known(identity("alice")), &[access(AccessAction::Push, "a/b")]).await.unwrap_err();
        let entry = only(&world);
        assert_eq!((entry.action, entry.outcome, &entry.who), (AuditAction::Access, AuditOutcome::Refused, &caller("alice")));
        assert_eq!((entry.repository, &entry.targets[..]), (pull("a/b").repository, &["repository:a/b:push".to_owned()][..]));
        assert_eq!((entry.reason.as_str(), entry.steps.len()), ("nobody may", 2));
        assert_eq!((entry.steps[1].said, entry.steps[1].reason.as_str()), ("denied", "nobody may"));
    }
    let issued = world.token("").await.token;
    let caller = world.gate.identify(&here(), Some(&bearer(&issued))).await.unwrap();
    world.gate.permit(&here(), &caller, &[pull("a")]).await.unwrap_err();
    assert!(world.audit.take().is_empty());
}

#[tokio::test]
async fn what_is_left_out_of_a_token_is_one_entry() {
    let rules = May::new("rules", 0, |_, access| match access.action {
        AccessAction::Pull => allow(),
        AccessAction::Delete => Err(trap()),
        _ => deny(),
    });
    let world = World::new(vec![Who::staff(0)], vec![rules]);
    assert_eq!(world.token("repository:a:pull,push repository:b:push").await.scope, "repository:a:pull");
    let entry = only(&world);
    assert_eq!((entry.action, entry.outcome, &entry.who), (AuditAction::Token, AuditOutcome::Refused, &caller("alice")));
    assert_eq!(entry.targets, ["repository:a:push", "repository:b:push"]);
    assert_eq!((entry.repository, entry.steps.len()), (None, 1));
    world.token("repository:a:delete,push").await;
    let entry = only(&world);
    assert_eq!((entry.outcome, entry.repository), (AuditOutcome::Failed, pull("a").repository));
    world.token("repository:a:pull").await;
    assert!(world.audit.take().is_empty());
}

#[tokio::test]
async fn throttled_logins_are_one_entry_a_minute_and_source() {
    let world = staff(Ok(Authentication::Rejected("wrong password".to_owned())));
    let late = |source: &str| RequestContext { received: Timestamp(0), ..from(source) };
    let storm = async |source: &str| {
        for _ in 0..100 {
            world.shown(&late(source), &basic("wrong-secret")).await.unwrap_err();
        }
        let entries = world.audit.take();
        let throttled: Vec<_> = entries.iter().filter(|entry| entry.outcome == AuditOutcome::Throttled).collect();
        assert!(throttled.iter().all(|entry| entry.claimed.as_deref() == Some("alice") && entry.steps.is_empty()));
        (throttled.len(), entries.len() - throttled.len())
    };
    assert_eq!(storm("192.0.2.1").await, (1, 10));
    assert_eq!(storm("192.0.2.1").await, (0, 0));
    assert_eq!(storm("192.0.2.2").await, (1, 10));
    world.clock.advance(MINUTE);
    assert_eq!(storm("192.0.2.1").await, (1, 10));
}

#[tokio::test]
async fn a_long_name_is_cut_off() {
    let world = staff(Ok(Authentication::Abstained));
    world.shown(&here(), &login(&"ä".repeat(500), "wrong-secret")).await.unwrap_err();
    assert_eq!(only(&world).claimed.unwrap(), "ä".repeat(128));
}
