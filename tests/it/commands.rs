//! What the commands say where something is not as whoever typed them thought: the object, and the command that helps.

use bulkhead_tests::config::Config;
use bulkhead_tests::image::Image;
use bulkhead_tests::operator::{Account, Operator, first_password};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;

fn started() -> (Server, Operator) {
    let server = Server::start(&Config::accounts());
    let operator = Operator::of(&server);
    (server, operator)
}

/// What a command that fails says, which ends with this code.
#[track_caller]
fn says(operator: &Operator, line: &str, code: i32) -> String {
    let ended = operator.run(&line.split(' ').collect::<Vec<_>>()).expect_failure();
    assert_eq!(ended.status.code(), Some(code), "{line}: {}", ended.text());
    assert_eq!(ended.stdout, "", "{line}");
    ended.stderr
}

#[test]
fn what_is_not_there_is_named_with_the_command_that_lists_what_is() {
    let (_server, operator) = started();
    for (line, object, command) in [
        ("principal show --id nobody", "service principal nobody", "`bulkhead principal list`"),
        ("principal reset --id nobody", "service principal nobody", "`bulkhead principal list`"),
        ("token delete --name ci", "token ci", "`bulkhead token list`"),
        ("scope-map show --name apps", "scope map apps", "`bulkhead scope-map list`"),
        ("token create --name ci --scope-map apps", "scope map apps", "create it first"),
        ("repository show --name team/app", "repository team/app", "here"),
        ("credential show --registry nosuch", "registry nosuch", "default"),
        ("repository show --name team/app --registry nosuch", "registry nosuch", "default"),
        ("credential withdraw --slot 2", "admin has no password 2", "it has password 1"),
    ] {
        let says = says(&operator, line, 1);
        assert!(says.contains(object) && says.contains(command), "{line}: {says}");
        assert!(!says.contains("PATCH") && !says.contains("/api/v1"), "{line}: {says}");
    }
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_its_own_code_and_says_what_is_missing() {
    let (_server, operator) = started();
    for (line, words) in [
        ("token update --name ci", "nothing was said that should change"),
        ("scope-map update --name apps", "nothing was said that should change"),
        ("auth explain --anonymous --action pull", "say --repository"),
        ("scope-map create --name apps", "--repository <NAME> <RIGHT>"),
        ("scope-map create --name apps --repository app content/raed", "Usage: bulkhead scope-map create"),
        ("principal create --display-name ci", "--role <ROLE>"),
    ] {
        let says = says(&operator, line, 2);
        assert!(says.contains(words), "{line}: {says}");
    }
}

#[test]
fn an_account_that_nobody_can_log_in_with_is_told_of_with_what_helps() {
    let (server, operator) = started();
    let text = |line: &str| operator.run(&line.split(' ').collect::<Vec<_>>()).expect_success().stdout;
    assert!(text("credential renew --slot 2").contains("password 2 of admin, without an end; there was none there before"));
    assert!(text("credential renew --slot 2").contains("the one that was there before lets nobody in any more"));
    let _ = text("credential disable");
    assert!(
        text("credential renew")
            .contains("admin is disabled, so no password lets it in. Enable it with: bulkhead credential enable")
    );
    for slot in ["1", "2"] {
        let _ = text(&format!("credential withdraw --slot {slot}"));
    }
    assert!(text("credential enable").ends_with("Make a password with: bulkhead credential renew\n"));
    let _ = text("scope-map create --name apps --repository app content/read");
    let ci = Account::read(&operator.json(&["token", "create", "--name", "ci", "--scope-map", "apps"]));
    assert!(!text("token list").contains("ROLES"), "{}", text("token list"));
    let explained = text("auth explain --user ci --action push --repository app");
    assert!(explained.contains("the account ci has no role and the scope map apps: content/read on app"), "{explained}");
    let _ = text("token update --name ci --disable");
    assert!(text("auth explain --user ci --action pull --repository app").contains("the account ci is disabled"));
    let vouching = says(&operator, "auth explain --user ci --plugin nosuch --action list", 1);
    assert!(vouching.contains("no plugin nosuch") && vouching.contains("accounts"), "{vouching}");
    assert_eq!(server.client().basic(&ci.name, &ci.secret).get("/v2/").status, 401);
}

#[test]
fn a_registry_whose_chain_checks_no_accounts_makes_them_with_a_warning() {
    let server = Server::start(&Config::standard());
    let operator = Operator::of(&server);
    for line in ["credential enable", "principal create --role AcrPull"] {
        let made = operator.run(&line.split(' ').collect::<Vec<_>>()).expect_success();
        assert!(made.stderr.contains("warning: no plugin in the chain of the registry default"), "{line}: {}", made.text());
        assert!(made.stdout.contains("The password, shown this once"), "{line}: {}", made.text());
    }
}

#[test]
fn locks_are_looked_at_and_set_over_the_socket() {
    let (server, operator) = started();
    let admin = server.client().basic("admin", &first_password(&server));
    let (first, second) = (Image::docker(1, &[1000]), Image::docker(2, &[1000]));
    registry::push_image(&admin, "team/app", "v1", &first);
    let update = ["repository", "update", "--name", "team/app", "--tag", "v1"];
    let locked = operator.json(&[&update[..], &["--write-enabled", "false"]].concat());
    assert_eq!(locked["tag"]["changeableAttributes"]["writeEnabled"], false, "{locked}");
    registry::try_push_image(&admin, "team/app", "other", &second).unwrap();
    registry::put_manifest(&admin, "team/app", "v1", &second.manifest).expect_error(&[405], &["UNSUPPORTED"]);
    registry::assert_whole(&admin, "team/app", "v1", &first);
    operator.run(&[&update[..], &["--write-enabled", "true"]].concat()).expect_success();
    registry::put_manifest(&admin, "team/app", "v1", &second.manifest).expect(201);
}

#[test]
fn a_server_without_tls_is_told_from_one_that_is_not_there() {
    let (server, _) = started();
    let url = format!("https://{}", server.host());
    let mut command = std::process::Command::new(bulkhead_tests::places::binary());
    command.args(["credential", "show", "--server", &url, "--user", "admin"]).env("BULKHEAD_PASSWORD", "x");
    let said = bulkhead_tests::programs::run(&mut command).expect_failure().stderr;
    assert!(said.contains("does not speak TLS") && said.contains("http://"), "{said}");
}
