//! The accounts that the server keeps, looked after by the command line over the socket in the data directory, and what they open.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;

use bulkhead_tests::config::Config;
use bulkhead_tests::image::Image;
use bulkhead_tests::operator::{Account, Operator, first_password};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use serde_json::Value;

fn started() -> (Server, Operator) {
    let server = Server::start(&Config::accounts());
    let operator = Operator::of(&server);
    (server, operator)
}

/// What `GET /v2/` answers to this login.
fn login(server: &Server, user: &str, secret: &str) -> u16 {
    server.client().basic(user, secret).get("/v2/").status
}

#[test]
fn either_password_of_the_administrator_is_renewed_while_the_other_serves() {
    let (server, operator) = started();
    let first = first_password(&server);
    let second = Account::read(&operator.json(&["credential", "renew", "--slot", "2"])).secret;
    assert_eq!((login(&server, "admin", &first), login(&server, "admin", &second)), (200, 200));
    // The registry's own name is the administrator's, too.
    assert_eq!(login(&server, "default", &second), 200);

    let renewed = Account::read(&operator.json(&["credential", "renew", "--slot", "1", "--expires-in-days", "30"])).secret;
    let logins = [&first, &second, &renewed].map(|secret| login(&server, "admin", secret));
    assert_eq!(logins, [401, 200, 200]);
    operator.run(&["credential", "withdraw", "--slot", "2"]).expect_success();
    assert_eq!(login(&server, "admin", &second), 401);

    let shown = operator.json(&["credential", "show"]);
    assert_eq!((shown["status"].as_str(), shown["secrets"].as_array().map(Vec::len)), (Some("enabled"), Some(1)), "{shown}");
    assert!(shown["secrets"][0]["expires"].is_string() && shown.get("secret").is_none(), "{shown}");
    operator.run(&["credential", "disable"]).expect_success();
    assert_eq!(login(&server, "admin", &renewed), 401);
    operator.run(&["credential", "enable"]).expect_success();
    assert_eq!(login(&server, "admin", &renewed), 200);
}

#[test]
fn another_registry_has_no_administrator_until_somebody_enables_one() {
    let server = Server::start(&Config::accounts().other_registry("other.test"));
    let operator = Operator::of(&server);
    let here = first_password(&server);
    let there = |secret: &str| server.client().host("other.test").basic("admin", secret).get("/v2/").status;
    assert_eq!(there(&here), 401);
    let shown = operator.run(&["credential", "show", "--registry", "other"]).expect_failure();
    assert!(shown.stderr.contains("administrator"), "{}", shown.stderr);

    let made = Account::read(&operator.json(&["credential", "enable", "--registry", "other"])).secret;
    assert_eq!((there(&made), login(&server, "admin", &made)), (200, 401));
    // Enabled again, it is the same account, and nothing secret is told.
    assert!(operator.json(&["credential", "enable", "--registry", "other"]).get("secret").is_none());
}

#[test]
fn a_service_principal_does_what_its_role_says_until_it_is_deleted() {
    let (server, operator) = started();
    let admin = server.client().basic("admin", &first_password(&server));
    let image = Image::oci(1, &[1000]);
    registry::push_image(&admin, "team/app", "1", &image);

    let puller = operator.principal("AcrPull");
    let client = server.client().basic(&puller.name, &puller.secret);
    registry::assert_whole(&client, "team/app", "1", &image);
    client.post("/v2/team/app/blobs/uploads/").expect_error(&[403], &["DENIED"]);
    client.get("/v2/_catalog").expect_error(&[403], &["DENIED"]);
    client.delete("/v2/team/app/manifests/1").expect_error(&[403], &["DENIED"]);
    assert_eq!(registry::tags(&admin, "team/app"), ["1"], "the refusals left no trace");

    operator.run(&["principal", "update", "--id", &puller.name, "--role", "AcrPush"]).expect_success();
    server.wait_until("the new role", || client.post("/v2/team/new/blobs/uploads/").status == 202);
    registry::push_image(&client, "team/new", "1", &image);

    let second = Account::read(&operator.json(&["principal", "reset", "--id", &puller.name, "--slot", "2"]));
    assert_eq!((login(&server, &puller.name, &puller.secret), login(&server, &puller.name, &second.secret)), (200, 200));
    operator.run(&["principal", "withdraw", "--id", &puller.name]).expect_success();
    assert_eq!((login(&server, &puller.name, &puller.secret), login(&server, &puller.name, &second.secret)), (401, 200));
    operator.run(&["principal", "update", "--id", &puller.name, "--disable"]).expect_success();
    assert_eq!(login(&server, &puller.name, &second.secret), 401);
    operator.run(&["principal", "update", "--id", &puller.name, "--enable"]).expect_success();

    let listed = operator.json(&["principal", "list"]);
    assert_eq!(listed[0]["name"], puller.name.as_str(), "{listed}");
    assert!(!listed.to_string().contains("argon2") && !listed.to_string().contains(&second.secret), "{listed}");
    operator.run(&["principal", "delete", "--id", &puller.name]).expect_success();
    assert_eq!(login(&server, &puller.name, &second.secret), 401);
    assert_eq!(operator.json(&["principal", "list"]).as_array().map(Vec::len), Some(0));
    let gone = operator.run(&["principal", "show", "--id", &puller.name]).expect_failure();
    assert!(gone.stderr.contains("there is no service principal"), "{}", gone.stderr);
}

#[test]
fn a_token_does_what_its_scope_map_says_in_repositories_that_are_not_there_yet_too() {
    let (server, operator) = started();
    let rights = ["--repository", "apps/*", "content/read", "content/write", "--repository", "base", "content/read"];
    operator.run(&[&["scope-map", "create", "--name", "apps"], &rights[..]].concat()).expect_success();
    let ci = Account::read(&operator.json(&["token", "create", "--name", "ci", "--scope-map", "apps"]));
    assert_eq!(ci.name, "ci");
    let client = server.client().basic(&ci.name, &ci.secret);
    let image = Image::oci(1, &[1000]);
    registry::push_image(&client, "apps/new", "1", &image);
    registry::assert_whole(&client, "apps/new", "1", &image);
    client.post("/v2/base/blobs/uploads/").expect_error(&[403], &["DENIED"]);
    client.post("/v2/apps/blobs/uploads/").expect_error(&[403], &["DENIED"]);
    client.delete("/v2/apps/new/manifests/1").expect_error(&[403], &["DENIED"]);
    registry::get_manifest(&client, "base", "1").expect_error(&[404], &["NAME_UNKNOWN", "MANIFEST_UNKNOWN"]);

    let used = operator.run(&["scope-map", "delete", "--name", "apps"]).expect_failure();
    assert_eq!(used.status.code(), Some(1), "{}", used.text());
    operator
        .run(&["scope-map", "update", "--name", "apps", "--repository", "base", "content/read", "content/write"])
        .expect_success();
    server.wait_until("the new right", || client.post("/v2/base/blobs/uploads/").status == 202);
    operator.run(&["token", "delete", "--name", "ci"]).expect_success();
    operator.run(&["scope-map", "delete", "--name", "apps"]).expect_success();
    assert_eq!(login(&server, "ci", &ci.secret), 401);
    let admin = server.client().basic("admin", &first_password(&server));
    assert_eq!(registry::repositories(&admin), ["apps/new"]);
}

#[test]
fn an_explanation_names_who_decided_and_why() {
    let (server, operator) = started();
    let puller = operator.principal("AcrPull");
    let explain = |who: &[&str], action: &str| {
        operator.json(&[&["auth", "explain"], who, &["--action", action, "--repository", "team/app"]].concat())
    };
    let known = ["--user", puller.name.as_str()];
    let allowed = explain(&known, "pull");
    assert_eq!((allowed["ruling"].as_str(), allowed["by"].as_str()), (Some("allowed"), Some("accounts")), "{allowed}");
    assert_eq!(allowed["caller"]["subject"], puller.name.as_str(), "{allowed}");
    let denied = explain(&known, "push");
    assert_eq!(denied["ruling"], "denied", "{denied}");
    assert!(denied["decided"][0]["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{denied}");
    let nobody = explain(&["--user", "nobody"], "pull");
    assert_eq!((nobody["ruling"].as_str(), &nobody["caller"]), (Some("denied"), &Value::Null), "{nobody}");
    assert_eq!(explain(&["--anonymous"], "pull")["ruling"], "denied");

    let text = operator.run(&["auth", "explain", "--user", &puller.name, "--action", "push", "--repository", "team/app"]);
    let text = text.expect_success().stdout;
    assert!(text.contains("denied") && text.contains("accounts") && text.contains(&puller.name), "{text}");

    // What the audit log says of a denial bears the same steps.
    let client = server.client().basic(&puller.name, &puller.secret);
    client.post("/v2/team/app/blobs/uploads/").expect_error(&[403], &["DENIED"]);
    let line = || audit_lines(&server).into_iter().find(|line| line["action"] == "access");
    server.wait_until("the denial in the audit log", || line().is_some());
    let line = line().unwrap();
    assert_eq!(line["outcome"], "refused", "{line}");
    assert!(line["steps"].to_string().contains("accounts") && line.to_string().contains(&puller.name), "{line}");
    assert!(
        registry::repositories(&server.client().basic("admin", &first_password(&server))).is_empty(),
        "the refusal left no trace"
    );
}

fn audit_file(server: &Server) -> std::path::PathBuf {
    let folder = server.folder().join("data/audit");
    let mut files = std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
    files.find(|path| path.extension().is_some_and(|ending| ending == "jsonl")).expect("there is an audit log")
}

fn audit_lines(server: &Server) -> Vec<Value> {
    let text = std::fs::read_to_string(audit_file(server)).unwrap();
    // The last line may be on its way.
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn the_audit_log_is_whole_bears_no_secret_and_shows_a_line_that_is_gone() {
    let (mut server, operator) = started();
    let puller = operator.principal("AcrPull");
    let renewed = Account::read(&operator.json(&["principal", "reset", "--id", &puller.name]));
    assert_eq!(login(&server, &puller.name, "a wrong password"), 401);
    assert_eq!(login(&server, &puller.name, &renewed.secret), 200);
    let refresh = registry::post_form(
        &server.client(),
        "/oauth2/token",
        &[("grant_type", "password"), ("access_type", "offline"), ("username", &puller.name), ("password", &renewed.secret)],
    );
    let refresh = refresh.expect(200).json()["refresh_token"].as_str().unwrap().to_owned();
    operator.run(&["principal", "delete", "--id", &puller.name]).expect_success();
    registry::refresh(&server.client(), &refresh, &["repository:team/app:pull"]).expect_error(&[401], &["UNAUTHORIZED"]);
    server.stop();

    let whole = operator.run(&["audit", "verify"]).expect_success().stdout;
    let end = whole.lines().last().unwrap().to_owned();
    let actions: Vec<String> = audit_lines(&server).iter().map(|line| line["action"].as_str().unwrap().to_owned()).collect();
    for action in ["create-account", "renew-secret", "login", "delete-account", "refresh"] {
        assert!(actions.iter().any(|found| found == action), "{action} is not in {actions:?}");
    }
    let (first, log) = (first_password(&server), server.log().text());
    let file = audit_file(&server);
    let text = std::fs::read_to_string(&file).unwrap();
    for secret in [&puller.secret, &renewed.secret, &refresh, &"a wrong password".to_owned(), &first] {
        assert!(!text.contains(secret.as_str()), "a secret is in the audit log");
    }
    for secret in [&puller.secret, &renewed.secret, &refresh] {
        assert!(!log.contains(secret.as_str()), "a secret is in the log");
    }

    let lines: Vec<&str> = text.lines().collect();
    let write = |lines: &[&str]| std::fs::write(&file, format!("{}\n", lines.join("\n"))).unwrap();
    let fails = |arguments: &[&str]| operator.run(&[&["audit", "verify"], arguments].concat()).expect_failure().text();
    write(&[&lines[..1], &lines[2..]].concat());
    assert!(fails(&[]).contains("not whole"));
    let forged = lines[1].replace(&puller.name, "00000000-0000-4000-8000-000000000000");
    assert_ne!(forged, lines[1]);
    write(&[&lines[..1], &[forged.as_str()], &lines[2..]].concat());
    assert!(fails(&[]).contains("not whole"));
    // Lines that are cut off at the end show only to who has kept the end.
    write(&lines[..lines.len() - 1]);
    operator.run(&["audit", "verify"]).expect_success();
    fails(&["--expect", &end]);
    write(&lines);
    operator.run(&["audit", "verify", "--expect", &end]).expect_success();
}

#[test]
fn a_new_key_signs_from_now_on_and_the_earlier_one_still_counts() {
    let (mut server, operator) = started();
    let admin = server.client().basic("admin", &first_password(&server));
    let kids = |server: &Server| -> Vec<String> {
        let keys = server.client().get("/oauth2/keys").expect(200).json();
        keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    let before = kids(&server);
    let early = registry::with_token(&admin, &["registry:catalog:*"]);
    let rotated = operator.json(&["keys", "rotate"]);
    assert_eq!((before.len(), rotated["keys"].as_u64()), (1, Some(2)), "{rotated}");
    let after = kids(&server);
    assert!(after.contains(&before[0]) && after.contains(&rotated["kid"].as_str().unwrap().to_owned()), "{after:?}");
    let late = registry::with_token(&admin, &["registry:catalog:*"]);
    for _ in 0..2 {
        early.get("/v2/_catalog").expect(200);
        late.get("/v2/_catalog").expect(200);
        server.restart();
    }
    for entry in std::fs::read_dir(server.folder().join("data/keys")).unwrap().flatten() {
        assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display());
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_socket_is_its_owner_s_alone_and_goes_with_the_server() {
    let (mut server, operator) = started();
    let socket = server.folder().join("data/admin.sock");
    assert!(std::fs::metadata(&socket).unwrap().file_type().is_socket());
    assert_eq!(mode(&socket), 0o600);
    server.stop();
    assert!(!socket.exists());
    let alone = operator.run(&["credential", "show"]).expect_failure();
    assert_eq!(alone.status.code(), Some(1));
    assert!(alone.stderr.contains("no server is running") && alone.stderr.contains("bulkhead serve"), "{}", alone.stderr);
    // Neither does a socket that a crash has left stand in the way.
    server.restart();
    server.kill9();
    server.restart();
    operator.run(&["credential", "show"]).expect_success();
}

#[test]
fn no_password_is_kept_but_as_a_hash() {
    let (mut server, operator) = started();
    let principal = operator.principal("AcrPull");
    assert_eq!(principal.secret.len(), 40);
    server.stop();
    let catalog: Vec<u8> = std::fs::read_dir(server.folder().join("data"))
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().is_file())
        .flat_map(|entry| std::fs::read(entry.path()).unwrap())
        .collect();
    let has = |text: &str| catalog.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("$argon2id$v=19$m=19456,t=2,p=1$"), "no hash is kept");
    assert!(!has(&principal.secret) && !has(&first_password(&server)), "a password is kept");
}
