//! Logins and rules that attack their host. Nobody is let in, the host lives, the next call works, and nothing that was stored is lost.

use bulkhead_tests::config::Config;
use bulkhead_tests::http::Response;
use bulkhead_tests::image::Image;
use bulkhead_tests::places;
use bulkhead_tests::receiver::{Answer, Receiver};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use bulkhead_tests::users::ALICE;

const LIMITS: &str = "limits = { memory = \"32MiB\", time = \"300ms\" }";
/// Room and time for a guest to make what is too large for its host.
const WIDE: &str = "limits = { memory = \"256MiB\", time = \"5s\" }";

/// A server with an image in `team/app`, stored while all plugins were honest.
fn with_image() -> (Server, Image) {
    let server = Server::start(&Config::standard());
    let image = Image::oci(1, &[1000]);
    registry::push_image(&server.client_of(ALICE), "team/app", "1", &image);
    (server, image)
}

/// The hostile plugin in the place of the login and, asked before them, of the rules.
fn as_login(settings: &str, lines: &str) -> Config {
    hostile("staff", settings, &format!("{LIMITS}\n{lines}"))
}

/// The hostile plugin between an honest login and honest rules.
fn as_rules(settings: &str, lines: &str) -> Config {
    between("attack", hostile("attack", settings, &format!("{LIMITS}\n{lines}")))
}

fn between(name: &str, config: Config) -> Config {
    config.registry("auth", &format!("[\"staff\", \"{name}\", \"rules\"]"))
}

fn hostile(name: &str, settings: &str, lines: &str) -> Config {
    let table = format!("config = {{ {settings} }}\n{lines}");
    Config::standard().guest(name, &places::guest("hostile-auth"), &table)
}

fn restart_with(server: &mut Server, config: &Config) {
    server.write_config(config);
    server.restart();
}

/// Refused, and without a word from the inside.
fn assert_refused(what: &str, answer: &Response) {
    assert!(matches!(answer.status, 401 | 403 | 503), "{what}: {answer:?}\n{}", answer.text());
    let text = answer.text().to_lowercase();
    for word in ["wasm", "trap", "panic", "fuel", "epoch", "guest", "swordfish", "told to"] {
        assert!(!text.contains(word), "{what}: `{word}` is in {text}");
    }
}

/// Every way in is closed, twice over, and the host answers to others.
fn assert_nobody_is_let_in(server: &Server) {
    let alice = server.client_of(ALICE);
    for time in ["first", "second"] {
        assert_refused(time, &registry::get_manifest(&alice, "team/app", "1"));
        assert_refused(time, &alice.post("/v2/team/app/blobs/uploads/"));
        assert_refused(time, &alice.delete("/v2/team/app/manifests/1"));
        assert_refused(time, &registry::get_manifest(&server.client(), "team/app", "1"));
        let token = registry::ask_for_token(&alice, &["repository:team/app:pull,push"]);
        if token.status == 200 {
            let answer = token.json();
            let bearer = alice.bearer(answer["token"].as_str().unwrap());
            assert_refused(time, &registry::get_manifest(&bearer, "team/app", "1"));
        } else {
            assert_refused(time, &token);
        }
    }
    server.client().get("/healthz").expect(200);
}

/// With honest plugins again, all is as it was.
fn assert_nothing_was_lost(mut server: Server, image: &Image) {
    restart_with(&mut server, &Config::standard());
    let alice = server.client_of(ALICE);
    registry::assert_whole(&alice, "team/app", "1", image);
    assert_eq!(registry::repositories(&alice), ["team/app"]);
    assert_eq!(registry::tags(&alice, "team/app"), ["1"]);
}

fn refused_at_both_places(behaviour: &str) {
    let (mut server, image) = with_image();
    let settings = format!("behaviour = \"{behaviour}\"");
    restart_with(&mut server, &as_login(&settings, ""));
    assert_nobody_is_let_in(&server);
    restart_with(&mut server, &as_rules(&format!("{settings}, at = \"authorize\""), ""));
    assert_nobody_is_let_in(&server);
    assert_nothing_was_lost(server, &image);
}

#[test]
fn an_endless_loop_lets_nobody_in() {
    refused_at_both_places("loop");
}

#[test]
fn an_endless_recursion_lets_nobody_in() {
    refused_at_both_places("recursion");
}

#[test]
fn a_memory_bomb_lets_nobody_in() {
    refused_at_both_places("memory");
}

#[test]
fn a_panic_lets_nobody_in() {
    refused_at_both_places("panic");
}

#[test]
fn an_error_lets_nobody_in_and_its_text_stays_in_the_log() {
    refused_at_both_places("error");
}

#[test]
fn a_reply_of_64_mib_lets_nobody_in() {
    let (mut server, image) = with_image();
    let settings = "behaviour = \"huge-reply\"";
    restart_with(&mut server, &hostile("staff", settings, WIDE));
    assert_nobody_is_let_in(&server);
    assert_stopped_while_copied(&server, "staff", "authenticate");
    let settings = format!("{settings}, at = \"authorize\"");
    restart_with(&mut server, &between("attack", hostile("attack", &settings, WIDE)));
    assert_nobody_is_let_in(&server);
    assert_stopped_while_copied(&server, "attack", "authorize");
    assert_nothing_was_lost(server, &image);
}

/// The guest made its answer, and it was the host that would not copy it.
fn assert_stopped_while_copied(server: &Server, plugin: &str, function: &str) {
    let log = server.log().text();
    let wanted =
        ["fuel allocated for hostcalls has been exhausted", &format!("plugin={plugin} "), &format!("function=\"{function}\"")];
    assert!(log.lines().any(|line| wanted.iter().all(|part| line.contains(part))), "no line has all of {wanted:?}");
}

#[test]
fn the_catalog_is_refused_whole_if_a_rule_on_one_repository_fails() {
    let (mut server, image) = with_image();
    registry::push_image(&server.client_of(ALICE), "open/app", "1", &image);
    // Who may list is decided before the hostile plugin is asked, and so is the first repository.
    let rules = r#"component = "builtin:policy-rules"
config.rules = [
  { who = ["user:alice"], repositories = ["**"], actions = ["list"] },
  { who = ["user:alice"], repositories = ["open/**"], actions = ["pull"] },
]"#;
    for behaviour in ["panic", "error", "wrong-count"] {
        let attack = hostile("attack", &format!("behaviour = \"{behaviour}\", at = \"authorize\""), LIMITS);
        restart_with(&mut server, &attack.plugin("rules", rules).registry("auth", "[\"staff\", \"rules\", \"attack\"]"));
        let alice = server.client_of(ALICE);
        registry::get_manifest(&alice, "open/app", "1").expect(200);
        for page in ["/v2/_catalog", "/v2/_catalog?n=100"] {
            let answer = alice.get(page).expect(503);
            assert_refused(behaviour, &answer);
            assert!(!answer.text().contains("open/app"), "{}", answer.text());
        }
        alice.get("/v2/_catalog?n=0").expect(200);
    }
    restart_with(&mut server, &Config::standard());
    assert_eq!(registry::repositories(&server.client_of(ALICE)), ["open/app", "team/app"]);
}

#[test]
fn what_a_plugin_says_is_in_the_log_under_its_name() {
    let (mut server, image) = with_image();
    restart_with(&mut server, &as_login("behaviour = \"chatter\"", ""));
    assert_nobody_is_let_in(&server);
    for (level, text) in [
        ("INFO", "chatter on standard output"),
        ("WARN", "chatter on standard error"),
        ("WARN", "chatter through the import\\nERROR chatter forged a line"),
        ("INFO", "chatter without an end of line"),
    ] {
        assert_said(&server, level, "staff", text);
    }
    let log = server.log().text();
    assert!(!log.lines().any(|line| line.starts_with("ERROR chatter")), "a line of the log was forged");
    assert_nothing_was_lost(server, &image);
}

#[test]
fn the_words_of_a_panic_are_in_the_log_under_the_plugin_s_name() {
    let (mut server, image) = with_image();
    restart_with(&mut server, &as_login("behaviour = \"panic\"", ""));
    assert_refused("a panic", &server.client_of(ALICE).get("/v2/"));
    assert_said(&server, "ERROR", "staff", "panics, as it was told to");
    assert_nothing_was_lost(server, &image);
}

/// One line has the level, the words and the plugin's name.
fn assert_said(server: &Server, level: &str, plugin: &str, text: &str) {
    server.log().wait_for(text);
    let (log, named) = (server.log().text(), format!("plugin={plugin} "));
    let found = log.lines().any(|line| line.contains(level) && line.contains(text) && line.contains(&named));
    assert!(found, "`{text}` was not said with {level} and {named}");
}

#[test]
fn more_verdicts_than_were_asked_for_let_nobody_in() {
    let (mut server, image) = with_image();
    restart_with(&mut server, &as_rules("behaviour = \"wrong-count\", at = \"authorize\"", ""));
    assert_nobody_is_let_in(&server);
    assert_nothing_was_lost(server, &image);
}

#[test]
fn a_trap_for_one_user_leaves_the_next_call_whole() {
    let (mut server, image) = with_image();
    restart_with(&mut server, &as_login("behaviour = \"trap-on-one-user\"", ""));
    for _ in 0..20 {
        assert_refused("mallory", &server.client().basic("mallory", "x").get("/v2/team/app/manifests/1"));
        registry::assert_whole(&server.client().basic("bob", "x"), "team/app", "1", &image);
    }
    assert_nothing_was_lost(server, &image);
}

#[test]
fn many_traps_at_once_leave_room_for_an_honest_call() {
    let (mut server, image) = with_image();
    restart_with(&mut server, &as_login("behaviour = \"trap-on-one-user\"", ""));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let mallory = server.client().basic("mallory", "x");
            scope.spawn(move || {
                for _ in 0..25 {
                    assert_refused("mallory", &mallory.get("/v2/team/app/manifests/1"));
                }
            });
        }
    });
    registry::assert_whole(&server.client().basic("bob", "x"), "team/app", "1", &image);
}

#[test]
fn a_flood_of_log_lines_is_cut_and_the_host_lives() {
    let (mut server, image) = with_image();
    restart_with(&mut server, &as_login("behaviour = \"log-flood\"", ""));
    let before = server.log().text().len();
    // Whether the flood ends within its time is the machine's affair; how much of it is kept is not.
    let answer = server.client_of(ALICE).get("/v2/");
    assert!(matches!(answer.status, 200 | 401 | 403 | 503), "{answer:?}");
    server.client().get("/healthz").expect(200);
    let grown = server.log().text().len() - before;
    assert!(grown < 20 * 1024 * 1024, "{grown} bytes of log from one call");
    assert_nothing_was_lost(server, &image);
}

#[test]
fn a_path_out_of_the_granted_file_reads_nothing() {
    let (mut server, image) = with_image();
    let grant = "grants.files = { \"/users\" = \"@DIR@/users.htpasswd\" }";
    restart_with(&mut server, &as_login("behaviour = \"read-escape\"", grant));
    assert_nobody_is_let_in(&server);
    let grant = "grants.directories = { \"/users\" = { path = \"@DIR@/data\", access = \"read-write\" } }";
    restart_with(&mut server, &as_login("behaviour = \"read-escape\"", grant));
    assert_nobody_is_let_in(&server);
    assert_nothing_was_lost(server, &image);
}

#[test]
fn a_request_to_an_origin_that_was_not_granted_is_not_sent() {
    let (mut server, image) = with_image();
    let (granted, other) = (Receiver::start([]), Receiver::start([]));
    let grant = format!("grants.http = [\"{}\"]", granted.origin());
    for url in [
        format!("{}/", other.origin()),
        other.origin().replace("127.0.0.1", "localhost"),
        format!("{}@{}", granted.origin(), &other.origin()[7..]),
    ] {
        restart_with(&mut server, &as_login(&format!("behaviour = \"fetch-ungranted\", url = \"{url}\""), &grant));
        assert_nobody_is_let_in(&server);
    }
    assert!(other.received().is_empty() && granted.received().is_empty());
    // The grant itself is good: the same plugin reaches it.
    restart_with(&mut server, &as_login(&format!("behaviour = \"fetch-ungranted\", url = \"{}/\"", granted.origin()), &grant));
    registry::assert_whole(&server.client_of(ALICE), "team/app", "1", &image);
    assert!(!granted.received().is_empty());
    assert_nothing_was_lost(server, &image);
}

#[test]
fn a_redirect_to_a_metadata_service_leads_nowhere() {
    let (mut server, image) = with_image();
    let other = Receiver::start([]);
    for target in ["http://169.254.169.254/latest/meta-data/".to_owned(), format!("{}/inside", other.origin())] {
        let granted = Receiver::start((0..1000).map(|_| Answer::Redirect(target.clone())));
        let settings = format!("behaviour = \"fetch-metadata\", url = \"{}/\"", granted.origin());
        restart_with(&mut server, &as_login(&settings, &format!("grants.http = [\"{}\"]", granted.origin())));
        assert_nobody_is_let_in(&server);
        assert!(!granted.received().is_empty(), "the granted origin was asked");
    }
    assert!(other.received().is_empty(), "the redirect was followed");
    assert_nothing_was_lost(server, &image);
}

#[test]
fn a_plugin_that_cannot_be_made_stops_the_start_with_its_name() {
    for behaviour in ["configure-loop", "configure-panic"] {
        let mut server = Server::stopped(&as_login(&format!("behaviour = \"{behaviour}\""), ""));
        let said = server.try_start().expect_err("the server started with a plugin that cannot be made");
        assert!(said.contains("staff") && said.contains("bulkhead.toml"), "{said}");
    }
}
