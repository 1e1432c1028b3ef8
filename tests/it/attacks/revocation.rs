//! What is taken away is gone: accounts, passwords, groups, plugins. Refresh tokens end at their next use, access tokens of a plugin that left
//! the chain at once, others within their own life, which no test waits for.

use bulkhead_tests::config::Config;
use bulkhead_tests::http::Client;
use bulkhead_tests::registry::{self, send_json};
use bulkhead_tests::users::RITA;
use serde_json::{Value, json};

use super::{NOBODY, World, access_token, granted, patient, refresh, refresh_token, with_accounts};

const PRINCIPALS: &str = "/api/v1/registries/default/principals";
const PULL: &str = "repository:team/app:pull";

/// A service principal of the server's own, and how it shows who it is.
struct Principal {
    place: String,
    client: Client,
    refresh_token: String,
}

fn principal(world: &World, role: &str) -> Principal {
    let made = send_json(&world.alice(), "POST", PRINCIPALS, &json!({ "roles": [role] })).expect(201).json();
    let (id, secret) = (made["name"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let client = world.server.client().basic(id, secret);
    let refresh_token = refresh_token(&client);
    Principal { place: format!("{PRINCIPALS}/{id}"), client, refresh_token }
}

/// The refresh token is worth nothing any more, in either of its uses.
fn assert_revoked(world: &World, token: &str) {
    let client = world.server.client();
    for answer in [
        refresh(&client, token, PULL),
        registry::ask_for_token(&client.basic(NOBODY, token), &[PULL]),
        registry::get_manifest(&client.basic(NOBODY, token), "team/app", "1"),
        client.basic(NOBODY, token).post("/v2/team/app/blobs/uploads/"),
    ] {
        assert_eq!(answer.status, 401, "{answer:?}\n{}", answer.text());
        assert!(!answer.text().contains("eyJ"), "a token was given: {}", answer.text());
        world.assert_nothing_of_the_secret("a revoked token", &answer);
    }
}

fn assert_good(world: &World, token: &str) {
    let answer = refresh(&world.server.client(), token, PULL).expect(200).json();
    assert_eq!((granted(&answer), answer["refresh_token"].as_str()), (PULL, Some(token)));
}

#[test]
fn a_deleted_principal_s_refresh_token_and_password_are_worth_nothing() {
    let world = World::with(with_accounts());
    let principal = principal(&world, "AcrPush");
    assert_good(&world, &principal.refresh_token);
    registry::get_manifest(&principal.client, "team/app", "1").expect(200);
    world.alice().delete(&principal.place).expect(204);
    assert_revoked(&world, &principal.refresh_token);
    registry::get_manifest(&principal.client, "team/app", "1").expect(401);
    registry::ask_for_token(&principal.client, &[PULL]).expect(401);
    world.alice().get(&principal.place).expect(404);
    world.assert_untouched();
}

/// Acceptances are remembered for half a minute, as they are where nothing is set.
#[test]
fn a_deleted_principal_gets_no_token_by_a_login_that_is_remembered() {
    let accounts = "component = \"builtin:auth-accounts\"\ngrants.accounts = true";
    let world = World::with(with_accounts().plugin("accounts", accounts));
    let principal = principal(&world, "AcrPush");
    registry::get_manifest(&principal.client, "team/app", "1").expect(200);
    access_token(&principal.client, &[PULL]);
    world.alice().delete(&principal.place).expect(204);
    for offline in ["false", "true"] {
        let asked = principal.client.request("GET", "/oauth2/token").query("scope", PULL).query("offline_token", offline);
        let answer = asked.send();
        assert_eq!(answer.status, 401, "{answer:?}\n{}", answer.text());
        assert!(!answer.text().contains("eyJ"), "a token was given: {}", answer.text());
    }
    assert_revoked(&world, &principal.refresh_token);
    world.assert_untouched();
}

#[test]
fn a_disabled_principal_is_out_until_it_is_enabled_again() {
    let world = World::with(with_accounts());
    let principal = principal(&world, "AcrPush");
    let set = |status: &str| send_json(&world.alice(), "PATCH", &principal.place, &json!({ "status": status })).expect(200);
    set("disabled");
    let client = world.server.client();
    refresh(&client, &principal.refresh_token, PULL).expect(401);
    registry::get_manifest(&principal.client, "team/app", "1").expect(401);
    set("enabled");
    assert_good(&world, &principal.refresh_token);
    registry::get_manifest(&principal.client, "team/app", "1").expect(200);
    world.assert_untouched();
}

#[test]
fn a_renewed_secret_ends_the_one_before_and_what_was_got_by_it() {
    let world = World::with(with_accounts());
    let principal = principal(&world, "AcrPush");
    let renew = |slot: u32| -> Value {
        send_json(&world.alice(), "POST", &format!("{}/secrets/{slot}", principal.place), &json!({})).expect(201).json()
    };
    let id = principal.place.rsplit('/').next().unwrap();
    // The second one serves while the first is changed.
    let second = world.server.client().basic(id, renew(2)["secret"].as_str().unwrap());
    let of_second = refresh_token(&second);
    assert_good(&world, &principal.refresh_token);
    let first = world.server.client().basic(id, renew(1)["secret"].as_str().unwrap());
    assert_revoked(&world, &principal.refresh_token);
    registry::get_manifest(&principal.client, "team/app", "1").expect(401);
    for client in [&first, &second] {
        registry::get_manifest(client, "team/app", "1").expect(200);
    }
    assert_good(&world, &of_second);
    world.alice().delete(&format!("{}/secrets/2", principal.place)).expect(204);
    assert_revoked(&world, &of_second);
    registry::get_manifest(&second, "team/app", "1").expect(401);
    registry::get_manifest(&first, "team/app", "1").expect(200);
    world.assert_untouched();
}

#[test]
fn a_role_that_was_taken_away_is_in_no_token_from_then_on() {
    let world = World::with(with_accounts());
    let principal = principal(&world, "AcrPush");
    let scope = "repository:team/app:pull,push";
    send_json(&world.alice(), "PATCH", &principal.place, &json!({ "roles": ["AcrPull"] })).expect(200);
    let answer = refresh(&world.server.client(), &principal.refresh_token, scope).expect(200).json();
    assert_eq!(granted(&answer), PULL);
    let bearer = world.server.client().bearer(answer["token"].as_str().unwrap());
    bearer.post("/v2/team/app/blobs/uploads/").expect_error(&[401], &["DENIED"]);
    registry::put_manifest(&bearer, "team/app", "2", &world.team.manifest).expect_error(&[401], &["DENIED"]);
    principal.client.post("/v2/team/app/blobs/uploads/").expect_error(&[403], &["DENIED"]);
    world.assert_untouched();
}

#[test]
fn a_token_of_a_scope_map_loses_what_the_map_loses() {
    let world = World::with(with_accounts());
    let alice = world.alice();
    let map = |rights: &[&str]| json!({ "scopes": [{ "repositories": "team/*", "rights": rights }] });
    let place = "/api/v1/registries/default/scope-maps/team";
    send_json(&alice, "PUT", place, &map(&["content/read", "content/write"])).expect(201);
    let tokens = "/api/v1/registries/default/tokens";
    let made = send_json(&alice, "POST", tokens, &json!({ "name": "ci", "scope-map": "team" })).expect(201).json();
    let token = refresh_token(&world.server.client().basic("ci", made["secret"].as_str().unwrap()));
    send_json(&alice, "PUT", place, &map(&["content/read"])).expect(200);
    let answer = refresh(&world.server.client(), &token, "repository:team/app:pull,push,delete repository:secret/app:pull");
    assert_eq!(granted(&answer.expect(200).json()), PULL);
    alice.delete(place).expect(409);
    alice.delete(&format!("{tokens}/ci")).expect(204);
    assert_revoked(&world, &token);
    world.assert_untouched();
}

/// The password file with Rita's line changed by this.
fn change_rita(world: &World, change: impl Fn(&str) -> Option<String>) {
    let file = world.server.folder().join("users.htpasswd");
    let users = std::fs::read_to_string(&file).unwrap();
    let lines = users.lines().filter_map(|line| match line.starts_with("rita:") {
        true => change(line),
        false => Some(line.to_owned()),
    });
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    std::fs::write(&file, text).unwrap();
}

fn htpasswd(user: &str, password: &str) -> String {
    let mut command = std::process::Command::new("htpasswd");
    let ended = bulkhead_tests::programs::run(command.args(["-nbB", "-C", "5", user, password])).expect_success();
    ended.stdout.trim().to_owned()
}

/// Nothing that the password file said is reused.
fn forgetful() -> Config {
    let staff = format!("{}\nconfig.reuse-seconds = 0", bulkhead_tests::config::STAFF);
    patient().plugin("staff", &staff)
}

#[test]
fn a_password_that_was_reset_ends_what_was_got_by_it() {
    let world = World::with(forgetful());
    let token = refresh_token(&world.rita());
    assert_good(&world, &token);
    change_rita(&world, |_| Some(htpasswd("rita", "another")));
    assert_revoked(&world, &token);
    registry::get_manifest(&world.rita(), "team/app", "1").expect(401);
    let again = world.server.client().basic("rita", "another");
    assert_good(&world, &refresh_token(&again));
    // The same password set anew is another line, and ends it as well.
    let token = refresh_token(&again);
    change_rita(&world, |_| Some(htpasswd("rita", "another")));
    assert_revoked(&world, &token);
    world.assert_untouched();
}

#[test]
fn a_user_who_was_taken_out_of_the_file_is_out() {
    let world = World::with(forgetful());
    let token = refresh_token(&world.rita());
    assert_good(&world, &token);
    change_rita(&world, |_| None);
    assert_revoked(&world, &token);
    registry::get_manifest(&world.rita(), "team/app", "1").expect(401);
    world.assert_untouched();
}

#[test]
fn a_plugin_that_was_removed_ends_all_that_it_vouched_for() {
    let mut world = World::with(with_accounts());
    let principal = principal(&world, "AcrPush");
    let bearer = world.server.client().bearer(&access_token(&principal.client, &["repository:team/app:pull,push"]));
    let staff = world.server.client().bearer(&access_token(&world.rita(), &["repository:team/app:pull"]));
    let of_staff = refresh_token(&world.rita());
    registry::get_manifest(&bearer, "team/app", "1").expect(200);
    world.restart_with(patient());
    for answer in [
        registry::get_manifest(&bearer, "team/app", "1"),
        bearer.post("/v2/team/app/blobs/uploads/"),
        bearer.get("/v2/"),
        registry::get_manifest(&principal.client, "team/app", "1"),
    ] {
        answer.expect_error(&[401], &["UNAUTHORIZED"]);
    }
    assert_revoked(&world, &principal.refresh_token);
    // Of others nothing changes.
    registry::get_manifest(&staff, "team/app", "1").expect(200);
    assert_good(&world, &of_staff);
    world.assert_untouched();
}

#[test]
fn a_group_that_was_taken_away_gives_nothing_any_more() {
    let rules = r#"component = "builtin:policy-rules"
config.rules = [
  { who = ["user:alice"], repositories = ["**"], actions = ["*"] },
  { who = ["group:ops"], repositories = ["team/**"], actions = ["pull", "push"] },
]"#;
    let with_ops = |members: &str| {
        let staff = format!("{}\nconfig.groups = {{ ops = [{members}] }}", bulkhead_tests::config::STAFF);
        patient().plugin("staff", &staff).plugin("rules", rules)
    };
    let mut world = World::with(with_ops("\"rita\", \"sam\""));
    let token = refresh_token(&world.rita());
    assert_good(&world, &token);
    world.restart_with(with_ops("\"sam\""));
    let answer = refresh(&world.server.client(), &token, "repository:team/app:pull,push").expect(200).json();
    assert_eq!(granted(&answer), "", "who she is still counts, what she was in does not");
    let bearer = world.server.client().bearer(answer["token"].as_str().unwrap());
    registry::get_manifest(&bearer, "team/app", "1").expect_error(&[401], &["DENIED"]);
    bearer.post("/v2/team/app/blobs/uploads/").expect_error(&[401], &["DENIED"]);
    world.rita().post("/v2/team/app/blobs/uploads/").expect_error(&[403], &["DENIED"]);
    world.assert_untouched();
}

#[test]
fn a_password_of_the_administrator_that_was_renewed_is_worth_nothing() {
    let world = World::with(with_accounts());
    let admin = "/api/v1/registries/default/admin";
    let renewed = |slot: u32| {
        let answer = send_json(&world.alice(), "POST", &format!("{admin}/secrets/{slot}"), &json!({})).expect(201).json();
        world.server.client().basic("admin", answer["secret"].as_str().unwrap())
    };
    let (first, second) = (renewed(1), renewed(2));
    let token = refresh_token(&first);
    registry::get_manifest(&second, "secret/app", "1").expect(200);
    let third = renewed(1);
    assert_revoked(&world, &token);
    world.assert_nothing_of_the_secret("the old one", &registry::get_manifest(&first, "secret/app", "1").expect(401));
    for client in [&second, &third] {
        registry::get_manifest(client, "secret/app", "1").expect(200);
    }
    // Disabled, none of them is.
    send_json(&world.alice(), "PATCH", admin, &json!({ "status": "disabled" })).expect(200);
    for client in [&first, &second, &third] {
        world.assert_nothing_of_the_secret("disabled", &registry::get_manifest(client, "secret/app", "1").expect(401));
        send_json(client, "PATCH", admin, &json!({ "status": "enabled" })).expect(401);
    }
    assert_eq!(world.server.client_of(RITA).get("/v2/").expect(200).status, 200);
    world.assert_untouched();
}
