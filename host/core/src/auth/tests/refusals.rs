//! So many refusals of one caller are written within a minute, and the rest is counted.

use super::*;
use crate::ports::audit::{AuditAction, AuditOutcome};

struct Bounded {
    clock: Arc<TestClock>,
    log: Arc<AuditLog>,
    refusals: Refusals,
}

impl Bounded {
    fn new() -> Self {
        let (clock, log) = (TestClock::new(), Arc::new(AuditLog::default()));
        Self { refusals: Refusals::new(log.clone(), clock.clone()), clock, log }
    }

    async fn refuse(&self, who: Option<&str>, times: usize) {
        self.refuse_from(&here(), who, times).await;
    }

    async fn refuse_from(&self, context: &RequestContext, who: Option<&str>, times: usize) {
        for _ in 0..times {
            let who = who.map(identity);
            let entry = AuditEntry::of(context, self.clock.now(), AuditAction::Access, AuditOutcome::Refused).by(who.as_ref());
            self.refusals.record(AuditEntry { targets: vec!["x".to_owned()], ..entry }).await;
        }
    }

    /// How each of what was written ended, and how many it says were not.
    fn written(&self) -> Vec<(AuditOutcome, u64)> {
        self.log.take().into_iter().map(|entry| (entry.outcome, entry.omitted)).collect()
    }
}

#[tokio::test]
async fn thirty_of_a_minute_are_written_then_that_no_more_are_and_later_how_many_there_were() {
    let world = Bounded::new();
    world.refuse(Some("alice"), 1000).await;
    let written = world.log.take();
    assert_eq!(written.len(), 31);
    assert!(written[..30].iter().all(|entry| entry.outcome == AuditOutcome::Refused && entry.targets == ["x"]));
    assert_eq!((written[30].outcome, &written[30].who), (AuditOutcome::Throttled, &written[0].who));
    assert!(written[30].reason.contains("only counted") && written[30].targets.is_empty());
    world.clock.advance(MINUTE - Duration::from_millis(1));
    world.refuse(Some("alice"), 1).await;
    assert!(world.written().is_empty());
    world.clock.advance(Duration::from_millis(1));
    world.refuse(Some("alice"), 2).await;
    assert_eq!(world.written(), [(AuditOutcome::Refused, 971), (AuditOutcome::Refused, 0)]);
}

#[tokio::test]
async fn each_caller_is_counted_alone_and_where_nobody_knows_the_source_is() {
    let world = Bounded::new();
    world.refuse(Some("alice"), 100).await;
    world.written();
    world.refuse(Some("bob"), 1).await;
    let other = context("other", "localhost:5000");
    world.refuse_from(&other, Some("alice"), 1).await;
    world.refuse(None, 1).await;
    assert_eq!(world.written(), [(AuditOutcome::Refused, 0); 3]);
    for port in 0..200 {
        let context = RequestContext { address: format!("192.0.2.1:{port}").into(), ..here() };
        world.refuse_from(&context, None, 1).await;
    }
    assert_eq!(world.written().len(), 100, "a port is no source; one was written before, and one says that there are more");
    world.refuse_from(&from("2001:db8::1"), None, 1).await;
    assert_eq!(world.written().len(), 1);
}

#[tokio::test]
async fn what_was_done_and_what_was_throttled_is_always_written() {
    let world = Bounded::new();
    for outcome in [AuditOutcome::Done, AuditOutcome::Throttled] {
        for _ in 0..100 {
            let entry = AuditEntry::of(&here(), world.clock.now(), AuditAction::PushManifest, outcome);
            world.refusals.record(entry.by(Some(&identity("alice")))).await;
        }
        assert_eq!(world.written(), [(outcome, 0); 100]);
    }
}
