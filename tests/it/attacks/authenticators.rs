//! Plugins of the chain that fail for one user alone: whoever they fail for is let in by nobody, and nobody else is held up.

use std::process::Command;

use bulkhead_tests::config::Config;
use bulkhead_tests::http::Client;
use bulkhead_tests::places;
use bulkhead_tests::programs;
use bulkhead_tests::registry;

use super::{World, patient, refresh, stored};

/// Of a user that the plugin traps for, and who has a right password all the same.
const MALLORY: (&str, &str) = ("mallory", "the right one");

/// Mallory may do everything; the rest as ever.
const RULES: &str = r#"component = "builtin:policy-rules"
config.rules = [
  { who = ["user:alice", "user:mallory"], repositories = ["**"], actions = ["*"] },
  { who = ["user:rita", "user:sam"], repositories = ["team/**"], actions = ["pull", "push"] },
]"#;

/// The plugin that traps, asked at this place, in this chain.
fn trapping(at: &str, chain: &str) -> Config {
    let settings = format!("config = {{ behaviour = \"trap-on-one-user\", at = \"{at}\" }}");
    patient().plugin("rules", RULES).guest("attack", &places::guest("hostile-auth"), &settings).registry("auth", chain)
}

/// A server that knows Mallory; the plugin comes into its chain later.
fn world() -> World {
    let world = World::with(patient().plugin("rules", RULES));
    let (user, password) = MALLORY;
    let line = programs::run(Command::new("htpasswd").args(["-nbB", "-C", "5", user, password])).expect_success();
    let file = world.server.folder().join("users.htpasswd");
    let users = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{users}{}\n", line.stdout.trim())).unwrap();
    world
}

fn mallory(world: &World) -> Client {
    world.server.client().basic(MALLORY.0, MALLORY.1)
}

/// What Mallory is told on every way in.
#[derive(Clone, Copy)]
enum Told {
    /// Nobody can say who this is: an authenticator trapped.
    Unavailable,
    /// Nobody can say what this caller may, so it may nothing: an authorizer trapped.
    Denied,
}

fn assert_not_let_in(world: &World, mallory: &Client, told: Told) {
    let before = stored(&world.server);
    for _ in 0..3 {
        for answer in [
            mallory.get("/v2/_catalog"),
            registry::get_manifest(mallory, "secret/app", "1"),
            registry::get_blob(mallory, "secret/app", &world.secret.config.digest),
            mallory.post("/v2/team/app/blobs/uploads/"),
            registry::put_manifest(mallory, "team/app", "2", &world.team.manifest),
            mallory.delete("/v2/team/app/manifests/1"),
            mallory.delete("/acr/v1/team/app"),
        ] {
            let answer = match told {
                Told::Unavailable => answer.expect(503),
                Told::Denied => answer.expect_error(&[403], &["DENIED"]),
            };
            world.assert_not_told("Mallory", &answer);
        }
        let token = registry::ask_for_token(mallory, &["repository:secret/app:pull", "registry:catalog:*"]);
        match told {
            Told::Unavailable => drop(token.expect(503)),
            Told::Denied => assert_eq!(super::granted(&token.expect(200).json()), ""),
        }
    }
    assert_eq!(stored(&world.server), before, "something was stored");
}

#[test]
fn an_authenticator_that_traps_on_one_user_is_not_passed_over_for_the_next_one() {
    let mut world = world();
    mallory(&world).get("/v2/secret/app/manifests/1").expect(200);
    // Without a reuse: the plugin is asked each time. Who is not Mallory is let in by it, as whoever they say they are.
    world.restart_with(trapping("authenticate", "[\"attack\", \"staff\", \"rules\"]"));
    assert_not_let_in(&world, &mallory(&world), Told::Unavailable);
    registry::assert_whole(&world.rita(), "team/app", "1", &world.team);
    finish(world);
}

#[test]
fn an_authorizer_that_traps_on_one_user_is_not_passed_over_for_the_next_one() {
    let mut world = world();
    world.restart_with(trapping("authorize", "[\"staff\", \"attack\", \"rules\"]"));
    assert_not_let_in(&world, &mallory(&world), Told::Denied);
    finish(world);
}

#[test]
fn a_login_that_traps_when_it_is_asked_again_refreshes_nothing() {
    let mut world = world();
    world.restart_with(trapping("lookup", "[\"attack\", \"rules\"]"));
    // Nobody can say what has become of Mallory, so there is no token to come back with.
    let answer = mallory(&world).request("GET", "/oauth2/token").query("offline_token", "true").send();
    let answer = answer.expect(503);
    assert!(!answer.text().contains("refresh_token"), "{}", answer.text());
    // Others have one.
    let token = super::refresh_token(&world.rita());
    refresh(&world.server.client(), &token, "repository:team/app:pull").expect(200);
    finish(world);
}

/// With honest plugins again all is as it was.
fn finish(mut world: World) {
    world.restart_with(patient().plugin("rules", RULES));
    world.assert_untouched();
}
