//! What is written down: refused logins and denied accesses of known callers, with everybody's word, and no secret.

use super::*;
use crate::ports::audit::{AuditAction, AuditCaller, AuditOutcome};

fn caller_of(subject: &str) -> Option<AuditCaller> {
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
    assert_eq!(entry.registry.unwrap().as_str(), "default");

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
    assert_eq!((entry.action, entry.outcome, &entry.who), (AuditAction::Refresh, AuditOutcome::Refused, &caller_of("alice")));
    assert_eq!(words(&entry), [("staff", "rejected")]);
    assert!(!serde_json::to_string(&entry).unwrap().contains(&token));
}

#[tokio::test]
async fn a_denied_access_of_a_known_caller_is_written_down() {
    let first = May::always("first", 60, Ok(Verdict::Abstain));
    let world = World::new(vec![Who::staff(0)], vec![first, May::always("rules", 60, deny())]);
    // The second time it comes from memory, and is written down just so.
    for _ in 0..2 {
        world.gate.permit(&here(), &known(identity("alice")), &[access(AccessAction::Push, "a/b")]).await.unwrap_err();
        let entry = only(&world);
        assert_eq!((entry.action, entry.outcome, &entry.who), (AuditAction::Access, AuditOutcome::Refused, &caller_of("alice")));
        assert_eq!((entry.repository, &entry.targets[..]), (pull("a/b").repository, &["repository:a/b:push".to_owned()][..]));
        assert_eq!((entry.reason.as_str(), entry.steps.len()), ("nobody may", 2));
        assert_eq!((entry.steps[1].said, entry.steps[1].reason.as_str()), ("denied", "nobody may"));
    }
}

#[tokio::test]
async fn a_token_that_is_used_beyond_its_scope_is_written_down_with_its_owner_and_one_that_has_ended_is_not() {
    let world = World::new(vec![Who::staff(0)], vec![May::always("rules", 60, allow())]);
    let issued = world.token("repository:a:pull").await.token;
    let caller = world.gate.identify(&here(), Some(&bearer(&issued))).await.unwrap();
    world.gate.permit(&here(), &caller, &[pull("a")]).await.unwrap();
    assert!(world.audit.take().is_empty());
    let push = access(AccessAction::Push, "a");
    assert_eq!(world.gate.permit(&here(), &caller, &[pull("a"), push.clone()]).await, Err(Refusal::InsufficientScope));
    let entry = only(&world);
    assert_eq!((entry.action, entry.outcome, &entry.who), (AuditAction::Access, AuditOutcome::Refused, &caller_of("alice")));
    assert_eq!(
        (&entry.targets[..], entry.reason.as_str()),
        (&["repository:a:push".to_owned()][..], "the token does not cover it")
    );
    // A token that was given to nobody in particular names nobody.
    let anonymous = world.gate.issue(&here(), None, &[], Offline::NotWanted).await.unwrap().token;
    let nobody = world.gate.identify(&here(), Some(&bearer(&anonymous))).await.unwrap();
    assert_eq!(world.gate.permit(&here(), &nobody, std::slice::from_ref(&push)).await, Err(Refusal::InsufficientScope));
    world.clock.advance(HOUR);
    assert_eq!(world.gate.permit(&here(), &caller, &[push]).await, Err(Refusal::InsufficientScope));
    assert_eq!(world.shown(&here(), &bearer(&issued)).await, Err(AuthFailure::InvalidToken));
    assert!(world.audit.take().is_empty(), "every token ends some day");
}

#[tokio::test]
async fn a_forged_token_and_one_of_another_registry_are_written_down() {
    let staff = Who::staff(0);
    staff.stands(Ok(Standing::Known(identity("alice"))));
    let world = World::new(vec![staff.clone()], vec![]);
    let issued = world.issue(&basic("right"), "", Offline::Wanted).await.unwrap();
    let (token, refresh) = (issued.token, issued.refresh_token.unwrap());
    let forged = format!("{}AA", &token[..token.len() - 2]);
    let cases = [
        (here(), &forged, "the token names a key of this host that has not signed it"),
        (context("other", "localhost:5000"), &token, "the token is for another registry, or for another name of this host"),
        (context("default", "elsewhere"), &token, "the token is for another registry, or for another name of this host"),
        (here(), &refresh, "the token is one of this host, and gives no access"),
    ];
    for (context, shown, reason) in cases {
        assert_eq!(world.shown(&context, &bearer(shown)).await, Err(AuthFailure::InvalidToken), "{reason}");
        let entry = only(&world);
        assert_eq!((entry.action, entry.outcome, entry.reason.as_str()), (AuditAction::Login, AuditOutcome::Refused, reason));
        assert_eq!((&entry.who, entry.registry.as_ref()), (&None, Some(&context.registry)));
        let text = serde_json::to_string(&entry).unwrap();
        assert!(!text.contains(&token[..40]) && !text.contains(&refresh[..40]), "{text}");
    }
    let without = world.beside(vec![Who::always("others", accepts(0))], vec![]);
    assert_eq!(without.shown(&here(), &bearer(&token)).await, Err(AuthFailure::InvalidToken));
    let entry = only(&without);
    assert_eq!((entry.who, entry.reason.contains("not in the chain")), (caller_of("alice"), true));
}

#[tokio::test]
async fn of_many_scopes_that_are_left_out_sixteen_are_named() {
    let world = World::new(vec![Who::staff(0)], vec![May::always("rules", 0, deny())]);
    let scopes: Vec<String> = (0..20).map(|number| format!("repository:a{number}:pull")).collect();
    world.token(&scopes.join(" ")).await;
    let entry = only(&world);
    assert_eq!((entry.targets.len(), entry.targets[15].as_str()), (17, "repository:a15:pull"));
    assert_eq!(entry.targets[16], "4 more");
    world.token(&scopes[..16].join(" ")).await;
    assert_eq!(only(&world).targets.len(), 16);
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
    assert_eq!((entry.action, entry.outcome, &entry.who), (AuditAction::Token, AuditOutcome::Refused, &caller_of("alice")));
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
    let plugin = Who::always("staff", Ok(Authentication::Rejected("wrong password".to_owned())));
    let options = ThrottleOptions { answer_after: Duration::ZERO, ..ThrottleOptions::default() };
    let world = World::throttled(options, vec![plugin], vec![]);
    let storm = async |source: &str| {
        for _ in 0..100 {
            world.shown(&from(source), &basic("wrong-secret")).await.unwrap_err();
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
