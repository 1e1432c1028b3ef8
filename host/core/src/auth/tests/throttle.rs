//! How many logins may fail, and that a rejected password is answered no sooner whoever rejected it.

use super::*;

async fn fail(world: &World, context: &RequestContext, user: &str, times: usize) {
    for _ in 0..times {
        let late = RequestContext { received: Timestamp(0), ..context.clone() };
        assert_eq!(world.shown(&late, &login(user, "wrong")).await, Err(AuthFailure::Rejected));
    }
}

fn throttled(seconds: u64) -> Result<String, AuthFailure> {
    Err(AuthFailure::TooManyFailures { retry_after: Duration::from_secs(seconds) })
}

fn staff() -> (Arc<Who>, World) {
    let staff = Who::staff(0);
    (staff.clone(), World::new(vec![staff], vec![]))
}

#[tokio::test]
async fn ten_logins_as_one_account_from_one_source_may_fail_and_then_one_more_each_six_seconds() {
    let (plugin, world) = staff();
    fail(&world, &here(), "alice", 10).await;
    for _ in 0..3 {
        // Not even the right password is looked at.
        assert_eq!(world.shown(&here(), &basic("right")).await, throttled(6));
        assert_eq!(world.issue(&basic("right"), "", Offline::Wanted).await.map(|_| String::new()), throttled(6));
    }
    assert_eq!(plugin.asked(), 10);
    world.clock.advance(Duration::from_secs(6));
    fail(&world, &here(), "alice", 1).await;
    assert_eq!(world.shown(&here(), &basic("right")).await, throttled(6));
    // Others are not held up by it, nor is she elsewhere or at another registry.
    world.shown(&here(), &login("bob", "right")).await.unwrap();
    world.shown(&from("192.0.2.2"), &basic("right")).await.unwrap();
    world.shown(&context("other", "localhost:5000"), &basic("right")).await.unwrap();
    world.clock.advance(MINUTE);
    fail(&world, &here(), "alice", 10).await;
    assert_eq!(world.shown(&here(), &basic("right")).await, throttled(6));
}

#[tokio::test]
async fn an_account_is_the_same_whatever_the_case_of_its_name() {
    let (_, world) = staff();
    fail(&world, &here(), "alice", 5).await;
    fail(&world, &here(), "ALICE", 5).await;
    assert_eq!(world.shown(&here(), &login("Alice", "right")).await, throttled(6));
}

#[tokio::test]
async fn a_right_login_costs_nothing_and_one_that_is_remembered_is_not_even_counted() {
    let (_, world) = staff();
    for _ in 0..200 {
        world.shown(&here(), &basic("right")).await.unwrap();
    }
    let plugin = Who::staff(3600);
    let world = World::new(vec![plugin.clone()], vec![]);
    world.shown(&here(), &basic("right")).await.unwrap();
    fail(&world, &here(), "alice", 10).await;
    assert_eq!(world.shown(&here(), &basic("right")).await.as_deref(), Ok("alice"));
    assert_eq!(world.shown(&here(), &basic("other")).await, throttled(6));
}

#[tokio::test]
async fn when_nobody_can_say_it_costs_nothing() {
    let plugin = Who::always("staff", Err(trap()));
    let world = World::new(vec![plugin.clone()], vec![]);
    for _ in 0..200 {
        assert_eq!(world.shown(&here(), &basic("x")).await, Err(AuthFailure::Unavailable));
    }
}

#[tokio::test]
async fn sixty_logins_from_one_source_may_fail_whoever_they_are_as_and_of_whatever_kind() {
    let (plugin, world) = staff();
    for number in 0..20 {
        fail(&world, &here(), &format!("user{number}"), 1).await;
        assert_eq!(world.shown(&here(), &bearer(&format!("foreign{number}"))).await, Err(AuthFailure::InvalidToken));
        assert_eq!(world.gate.refresh(&here(), &format!("made-up{number}"), &[]).await, Err(AuthFailure::InvalidToken));
    }
    assert_eq!(world.shown(&here(), &basic("right")).await, throttled(1));
    assert_eq!(world.shown(&here(), &bearer("foreign")).await, throttled(1));
    assert_eq!(world.shown(&here(), &nobody("made-up")).await, throttled(1));
    assert!(matches!(world.gate.exchange(&here(), "foreign").await, Err(AuthFailure::TooManyFailures { .. })));
    // The source is the same at every registry of the host.
    assert_eq!(world.shown(&context("other", "localhost:5000"), &basic("right")).await, throttled(1));
    assert_eq!(plugin.asked(), 40);
    world.shown(&from("192.0.2.2"), &basic("right")).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    fail(&world, &here(), "somebody", 1).await;
    assert_eq!(world.shown(&here(), &basic("right")).await, throttled(1));
}

#[tokio::test]
async fn a_source_is_an_ipv4_address_however_it_is_written_or_the_first_half_of_an_ipv6_address() {
    let (_, world) = staff();
    fail(&world, &from("2001:db8:1:2::1"), "alice", 5).await;
    fail(&world, &from("2001:db8:1:2:ffff::9"), "alice", 5).await;
    assert_eq!(world.shown(&from("2001:db8:1:2:3:4:5:6"), &basic("right")).await, throttled(6));
    world.shown(&from("2001:db8:1:3::1"), &basic("right")).await.unwrap();
    fail(&world, &from("192.0.2.1"), "alice", 10).await;
    assert_eq!(world.shown(&from("::ffff:192.0.2.1"), &basic("right")).await, throttled(6));
    world.shown(&from("192.0.2.3"), &basic("right")).await.unwrap();
}

#[tokio::test]
async fn a_hundred_logins_as_one_account_may_fail_over_all_sources_and_who_logged_in_lately_is_not_held_up() {
    let (_, world) = staff();
    world.shown(&from("192.0.2.1"), &basic("right")).await.unwrap();
    for source in 0..10 {
        fail(&world, &from(&format!("198.51.100.{source}")), "alice", 10).await;
    }
    assert_eq!(world.shown(&from("198.51.100.99"), &basic("right")).await, throttled(1));
    assert_eq!(world.shown(&from("192.0.2.1"), &basic("right")).await.as_deref(), Ok("alice"));
    // Nor does it count what fails from there.
    fail(&world, &from("192.0.2.1"), "alice", 10).await;
    assert_eq!(world.shown(&from("192.0.2.1"), &basic("right")).await, throttled(6));
    world.clock.advance(HOUR);
    for source in 0..10 {
        fail(&world, &from(&format!("198.51.100.{source}")), "alice", 10).await;
    }
    assert_eq!(world.shown(&from("192.0.2.1"), &basic("right")).await, throttled(1));
}

#[tokio::test]
async fn an_attempt_whose_client_goes_away_in_the_middle_counts() {
    let (plugin, world) = staff();
    plugin.shut();
    for _ in 0..10 {
        let (context, shown) = (here(), basic("right"));
        let mut attempt = Box::pin(world.shown(&context, &shown));
        assert!(futures_util::poll!(&mut attempt).is_pending());
    }
    assert_eq!(world.shown(&here(), &basic("right")).await, throttled(6));
    assert_eq!(plugin.asked(), 10);
}

#[tokio::test]
async fn a_certificate_is_not_counted() {
    let world = World::new(vec![Who::staff(0)], vec![]);
    for _ in 0..100 {
        let shown = certificate(Timestamp(START).after(HOUR));
        assert_eq!(world.shown(&here(), &shown).await, Err(AuthFailure::Rejected));
    }
}

#[tokio::test]
async fn a_rejected_password_is_answered_half_a_second_after_it_came_whoever_rejected_it() {
    let rejected = [
        // A wrong password, an unknown user, and a token that is none.
        login("alice", "wrong"),
        login("stranger", "right"),
        nobody("made-up"),
    ];
    for shown in rejected {
        for elapsed in [0, 100, 499] {
            let (_, world) = staff();
            world.clock.advance(Duration::from_millis(elapsed));
            assert_eq!(world.shown(&here(), &shown).await, Err(AuthFailure::Rejected));
            assert_eq!(world.clock.slept(), Duration::from_millis(500 - elapsed));
            let later = RequestContext { received: world.clock.now(), ..here() };
            assert_eq!(world.gate.issue(&later, Some(&shown), &[], Offline::Wanted).await, Err(AuthFailure::Rejected));
            assert_eq!(world.clock.slept(), Duration::from_millis(1000 - elapsed));
        }
    }
}

#[tokio::test]
async fn nobody_else_waits() {
    let (_, world) = staff();
    world.shown(&here(), &basic("right")).await.unwrap();
    world.shown(&here(), &bearer("foreign")).await.unwrap_err();
    fail(&world, &here(), "alice", 10).await;
    assert_eq!(world.shown(&here(), &basic("right")).await, throttled(6));
    assert_eq!(world.clock.slept(), Duration::ZERO);
    // A clock that was set back holds nobody up for longer.
    let early = RequestContext { received: Timestamp(START).after(HOUR), ..from("192.0.2.9") };
    world.shown(&early, &basic("wrong")).await.unwrap_err();
    assert_eq!(world.clock.slept(), Duration::from_millis(500));
}
