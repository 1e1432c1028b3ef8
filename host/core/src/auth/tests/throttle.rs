//! How many logins may fail, and that a rejected password is answered no sooner whoever rejected it.

use super::*;

async fn fail(world: &World, context: &RequestContext, user: &str, times: usize) {
    for _ in 0..times {
        assert_eq!(world.shown(context, &login(user, "wrong")).await, Err(AuthFailure::Rejected));
    }
}

fn throttled(seconds: u64) -> Result<String, AuthFailure> {
    Err(AuthFailure::TooManyFailures { retry_after: Duration::from_secs(seconds) })
}

/// Staff whose rejections are told at once, so that no time goes by.
fn staff() -> (Arc<Who>, World) {
    let staff = Who::staff(0);
    (staff.clone(), prompt(staff))
}

fn prompt(plugin: Arc<Who>) -> World {
    let options = ThrottleOptions { answer_after: Duration::ZERO, ..ThrottleOptions::default() };
    World::throttled(options, vec![plugin], vec![])
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
    let world = prompt(plugin.clone());
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
async fn tokens_as_passwords_count_by_source_alone_so_that_nobody_can_use_up_the_name_that_jobs_log_in_under() {
    // Header and payload are JSON, as every issuer's tokens have them.
    let token = |number: usize| format!("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln{number}");
    let plugin = Who::new("staff", move |credential| {
        Ok(match credential {
            Credential::Basic { secret, .. } if secret.ends_with("c2lnMA") => accepted(identity("job"), 0),
            _ => Authentication::Rejected("no".to_owned()),
        })
    });
    let world = prompt(plugin.clone());
    for source in 0..10 {
        for number in 0..20 {
            let shown = login("ci", &token(number));
            assert_eq!(world.shown(&from(&format!("198.51.100.{source}")), &shown).await, Err(AuthFailure::Rejected));
        }
    }
    // Nor does what was guessed as that user's password.
    for source in 20..30 {
        fail(&world, &from(&format!("198.51.100.{source}")), "ci", 10).await;
    }
    assert_eq!(world.shown(&from("192.0.2.9"), &login("ci", "wrong")).await, throttled(1), "a password is held up");
    let right = login("ci", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnMA");
    assert_eq!(world.shown(&from("192.0.2.9"), &right).await.as_deref(), Ok("job"));
    // The source counts as ever.
    for number in 20..60 {
        world.shown(&from("198.51.100.0"), &login("ci", &token(number))).await.unwrap_err();
    }
    assert_eq!(world.shown(&from("198.51.100.0"), &right).await, throttled(1));
    // What only looks a little like a token is a password.
    for secret in ["a.b.c", "eyJhbGciOiJSUzI1NiJ9.x", "eyJhbGciOiJSUzI1NiJ9..x", "eyJhbGciOiJSUzI1NiJ9.a b.c", "MQ.a.b"] {
        assert_eq!(world.shown(&from("192.0.2.9"), &login("ci", secret)).await, throttled(1), "{secret}");
    }
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
async fn a_rejected_password_is_answered_half_a_second_after_it_was_known_whoever_rejected_it() {
    let rejected = [
        // A wrong password, an unknown user, and a token that is none.
        login("alice", "wrong"),
        login("stranger", "right"),
        nobody("made-up"),
    ];
    for shown in rejected {
        for late in [0, 100, 499, 500, 60_000] {
            let (_, world) = (Who::staff(0), World::new(vec![Who::staff(0)], vec![]));
            // Its head came long before: a client that holds back the form with the password is answered no sooner.
            world.clock.advance(Duration::from_millis(late));
            assert_eq!(world.shown(&here(), &shown).await, Err(AuthFailure::Rejected));
            assert_eq!(world.clock.slept(), Duration::from_millis(500));
            assert_eq!(world.gate.issue(&here(), Some(&shown), &[], Offline::Wanted).await, Err(AuthFailure::Rejected));
            assert_eq!(world.clock.slept(), Duration::from_millis(1000));
        }
    }
}

#[tokio::test]
async fn the_time_that_a_check_takes_is_part_of_the_half_second() {
    for (took, waits) in [(0, 500), (100, 400), (499, 1), (500, 0), (2000, 0)] {
        let clock: Arc<std::sync::OnceLock<Arc<TestClock>>> = Arc::default();
        let moved = clock.clone();
        let plugin = Who::new("staff", move |_| {
            moved.get().unwrap().advance(Duration::from_millis(took));
            Ok(Authentication::Rejected("no".to_owned()))
        });
        let world = World::new(vec![plugin], vec![]);
        clock.set(world.clock.clone()).ok().unwrap();
        world.shown(&here(), &basic("wrong")).await.unwrap_err();
        assert_eq!(world.clock.slept(), Duration::from_millis(waits), "{took}");
    }
}

#[tokio::test]
async fn nobody_else_waits() {
    let (_, world) = (Who::staff(0), World::new(vec![Who::staff(0)], vec![]));
    world.shown(&here(), &basic("right")).await.unwrap();
    world.shown(&here(), &bearer("foreign")).await.unwrap_err();
    assert_eq!(world.clock.slept(), Duration::ZERO);
    fail(&world, &here(), "alice", 10).await;
    let slept = world.clock.slept();
    assert_eq!(slept, 10 * Duration::from_millis(500));
    // Five seconds went by.
    assert_eq!(world.shown(&here(), &basic("right")).await, throttled(2));
    assert_eq!(world.clock.slept(), slept);
}

#[test]
fn a_rejection_that_takes_longer_than_answers_are_held_back_is_told_once_a_minute() {
    let clock = TestClock::new();
    let with = |answer_after: Duration| Throttle::new(ThrottleOptions { answer_after, ..Default::default() }, clock.clone());
    let throttle = with(Duration::from_millis(500));
    let tells = |millis: u64| throttle.tells_of_time(Duration::from_millis(millis));
    assert!(!tells(0) && !tells(500));
    assert!(tells(501));
    assert!(!tells(501) && !tells(9000));
    clock.advance(MINUTE);
    assert!(tells(501) && !tells(501));
    // Where nothing is held back, that is as it was wished.
    assert!(!with(Duration::ZERO).tells_of_time(HOUR));
}
