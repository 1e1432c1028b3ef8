//! Who decides what and why, asked afresh and without a trace.

use super::*;

fn told(steps: &[Step]) -> Vec<(&str, Said, &str)> {
    steps.iter().map(|step| (&*step.label.name, step.said, step.reason.as_str())).collect()
}

fn subject(name: &str) -> Explained {
    Explained::Subject { subject: name.to_owned() }
}

#[tokio::test]
async fn an_explanation_names_everybody_who_was_asked_and_their_reasons() {
    let (first, second) = (Who::staff(0), Who::always("others", accepts(0)));
    first.stands(Ok(Standing::Gone));
    let bob = Identity { plugin: "others".into(), groups: vec!["ops".to_owned()], ..identity("bob") };
    second.stands(Ok(Standing::Known(bob.clone())));
    let abstains = May::always("first", 60, Ok(Verdict::Abstain));
    let allows = May::new("second", 60, |who, _| Ok(Verdict::Allow(format!("{} is one of ops", who.unwrap().subject))));
    let world = World::new(vec![first, second], vec![abstains, allows]);
    assert!(world.gate.authenticators().eq(["staff", "others"]));
    let explained = world.gate.explain(&here(), &subject("bob"), &access(AccessAction::Push, "a")).await;
    assert_eq!(explained.caller, Some(bob));
    assert_eq!(
        told(&explained.identified),
        [
            ("staff", Said::Rejected, "it does not know the subject, or it is disabled or has ended"),
            ("others", Said::Accepted, "")
        ]
    );
    let decision = explained.decision;
    assert_eq!((decision.ruling, decision.reason.as_str()), (Ruling::Allowed, "bob is one of ops"));
    assert_eq!(decision.by, Some(label("second")));
    assert_eq!(told(&decision.steps), [("first", Said::Abstained, ""), ("second", Said::Allowed, "bob is one of ops")]);
    assert_eq!(Said::Abstained.as_str(), "abstained");
}

#[tokio::test]
async fn whom_nobody_knows_may_nothing_and_no_authorizer_is_asked() {
    let rules = May::always("rules", 0, allow());
    let world = World::new(vec![Who::staff(0)], vec![rules.clone()]);
    let explained = world.gate.explain(&here(), &subject("bob"), &pull("a")).await;
    assert_eq!((explained.caller, explained.decision.ruling), (None, Ruling::Denied));
    assert_eq!(explained.identified[0].said, Said::Abstained);
    assert_eq!(rules.asked(), 0);
}

#[tokio::test]
async fn a_plugin_that_fails_is_named() {
    let staff = Who::staff(0);
    staff.stands(Err(trap()));
    let world = World::new(vec![staff], vec![May::always("rules", 0, Err(trap()))]);
    let explained = world.gate.explain(&here(), &subject("bob"), &pull("a")).await;
    assert_eq!((explained.decision.ruling, explained.decision.by), (Ruling::Failed, Some(label("staff"))));
    assert_eq!(told(&explained.identified), [("staff", Said::Failed, "trapped: unreachable")]);
    let explained = world.gate.explain(&here(), &Explained::Anonymous, &pull("a")).await;
    assert_eq!((explained.decision.ruling, explained.decision.by), (Ruling::Failed, Some(label("rules"))));
    assert_eq!(told(&explained.decision.steps), [("rules", Said::Failed, "trapped: unreachable")]);
}

#[tokio::test]
async fn an_anonymous_caller_and_one_that_is_made_up_are_asked_about_as_they_are() {
    let rules = May::new("rules", 0, |who, _| match who {
        None => deny(),
        Some(who) if who.groups == ["ops"] => allow(),
        Some(_) => Ok(Verdict::Abstain),
    });
    let world = World::new(vec![Who::staff(0)], vec![rules]);
    let explain = async |who: Explained| {
        let explained = world.gate.explain(&here(), &who, &pull("a")).await;
        (explained.caller, explained.decision.ruling, explained.decision.reason)
    };
    assert_eq!(explain(Explained::Anonymous).await, (None, Ruling::Denied, "nobody may".to_owned()));
    let ops = Identity { groups: vec!["ops".to_owned()], ..identity("carol") };
    assert_eq!(explain(Explained::Hypothetical(ops.clone())).await.1, Ruling::Allowed);
    let nobody_says = explain(Explained::Hypothetical(identity("carol"))).await;
    assert_eq!((nobody_says.1, nobody_says.2.as_str()), (Ruling::Denied, "no plugin of the chain allows it"));
    let ended = Explained::Hypothetical(Identity { expires: Some(Timestamp(START)), ..ops });
    assert_eq!(explain(ended).await.1, Ruling::Denied);
}

#[tokio::test]
async fn an_explanation_asks_afresh_remembers_nothing_and_leaves_no_trace() {
    let rules = May::always("rules", 3600, deny());
    let staff = Who::staff(0);
    staff.stands(Ok(Standing::Known(identity("alice"))));
    let world = World::new(vec![staff], vec![rules.clone()]);
    for _ in 0..2 {
        world.gate.explain(&here(), &subject("alice"), &pull("a")).await;
    }
    assert_eq!(rules.asked(), 2);
    assert!(world.audit.take().is_empty());
    world.gate.permit(&here(), &known(identity("alice")), &[pull("a")]).await.unwrap_err();
    assert_eq!(rules.asked(), 3);
    world.gate.explain(&here(), &subject("alice"), &pull("a")).await;
    assert_eq!(rules.asked(), 4);
}
