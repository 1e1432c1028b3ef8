//! The pages of `examples/login/`: each command of each page, as it stands there, against a server with the page's own configuration,
//! with real clients; and what the page promises in between.

use base64::Engine as _;
use bulkhead_tests::containerd::{self, Ctr};
use bulkhead_tests::docker::Docker;
use bulkhead_tests::http::Client;
use bulkhead_tests::issuer::Issuer;
use bulkhead_tests::operator::first_password;
use bulkhead_tests::places::{self, TempDir};
use bulkhead_tests::registry;
use bulkhead_tests::samples::{self, Form, Platform};
use bulkhead_tests::server::Server;
use bulkhead_tests::shell::{self, Shell};
use serde_json::{Value, json};

/// A page whose commands are run one after the other.
struct Page {
    blocks: std::vec::IntoIter<String>,
    configuration: Option<String>,
}

impl Page {
    /// Reads it, and puts what a test has in the place of what the page has.
    fn open(name: &str, places_taken: &[(&str, &str)]) -> Self {
        let path = places::repository().join("examples/login").join(name);
        let mut text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for (shown, ours) in places_taken {
            assert!(text.contains(shown), "{name} does not have {shown}");
            text = text.replace(shown, ours);
        }
        let configuration = shell::blocks(&text, "toml").into_iter().next();
        Self { blocks: shell::blocks(&text, "sh").into_iter(), configuration }
    }

    /// Starts a server with the page's configuration, in this folder.
    fn serve(&self, folder: TempDir) -> Server {
        let configuration = self.configuration.as_ref().expect("the page has a configuration");
        std::fs::write(folder.path().join("bulkhead.toml"), configuration).unwrap();
        Server::start_in(folder, &["--config", "bulkhead.toml"])
    }

    /// Runs the next block, which has to have this in it: so a page that changes is a test that changes.
    fn step(&mut self, shell: &mut Shell, has: &str) -> String {
        let block = self.blocks.next().unwrap_or_else(|| panic!("the page ends before {has}"));
        assert!(block.contains(has), "the next commands are not {has}, but:\n{block}");
        shell.run(&block)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let left = self.blocks.next();
        assert!(left.is_none() || std::thread::panicking(), "nobody ran: {left:?}");
    }
}

/// What the pages take from the environment.
fn names(server: &Server, scheme: &str) -> Vec<(String, String)> {
    let data = server.folder().join("data").display().to_string();
    [("REGISTRY", server.host()), ("SERVER", format!("{scheme}://{}", server.host())), ("DATA", data)]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
}

fn admin(server: &Server) -> Client {
    server.client().basic("admin", &first_password(server))
}

/// What a docker client keeps of its login.
fn kept(docker: &Docker, host: &str) -> Value {
    let text = std::fs::read_to_string(docker.auth_file()).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["auths"][host].clone()
}

fn is_in(folder: &TempDir, file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.path().join(file)).unwrap()).unwrap()
}

#[test]
fn a_person_logs_in_pushes_pulls_changes_the_password_and_leaves() {
    let server = Server::start_with_defaults();
    let (folder, docker) = (TempDir::new(), Docker::new());
    let (mut page, mut shell) = (Page::open("person.md", &[]), Shell::start(folder.path()));
    shell.set(&names(&server, "http"));
    shell.set(&docker.environment());
    docker.import("hello:1", "hello");
    let image = format!("{}/team/hello:1", server.host());

    page.step(&mut shell, "principal create");
    let alice = is_in(&folder, "alice.json");
    let (name, first) = (alice["name"].as_str().unwrap(), alice["secret"].as_str().unwrap());
    assert!(page.step(&mut shell, "docker login").contains("Login Succeeded"));
    let login = kept(&docker, &server.host());
    assert!(login["identitytoken"].as_str().is_some_and(|token| token.split('.').count() == 3), "{login}");
    assert!(!std::fs::read_to_string(docker.auth_file()).unwrap().contains(first), "docker keeps the password");
    page.step(&mut shell, "docker push");
    assert_eq!(registry::tags(&admin(&server), "team/hello"), ["1"]);
    assert!(page.step(&mut shell, "skopeo inspect").contains("\"Digest\""), "skopeo uses docker's login");
    assert!(page.step(&mut shell, "skopeo login").contains("\"Digest\""));

    let elsewhere = Docker::new();
    elsewhere.login_as(&server.host(), name, first).expect_success();
    elsewhere.run(&["pull", &image]).expect_success();
    page.step(&mut shell, "principal reset");
    let second = is_in(&folder, "second.json")["secret"].as_str().unwrap().to_owned();
    let refused = elsewhere.run(&["pull", &image]).expect_failure().text();
    assert!(refused.contains("unauthorized") || refused.contains("denied"), "{refused}");

    let explained = page.step(&mut shell, "auth explain");
    assert!(explained.contains("denied") && explained.contains("accounts"), "{explained}");

    elsewhere.login_as(&server.host(), name, &second).expect_success();
    elsewhere.run(&["pull", &image]).expect_success();
    page.step(&mut shell, "principal delete");
    assert_eq!(kept(&docker, &server.host()), Value::Null);
    elsewhere.run(&["pull", &image]).expect_failure();
    elsewhere.run(&["push", &image]).expect_failure();
    assert_eq!(registry::repositories(&admin(&server)), ["team/hello"]);
}

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const GITLAB: &str = "https://gitlab.com";

/// Who asks at GitHub: the subject as it is there, and the claims that rules are about.
fn github() -> Value {
    let job = |repository: &str, branch: &str| json!({ "repository": repository, "ref": format!("refs/heads/{branch}") });
    json!({
        "repo:org/app:ref:refs/heads/main": job("org/app", "main"),
        "repo:org/app:ref:refs/heads/feature": job("org/app", "feature"),
        "repo:stranger/app:ref:refs/heads/main": job("stranger/app", "main"),
    })
}

fn gitlab() -> Value {
    let job = |branch: &str, protected: &str| json!({ "project_path": "org/tool", "ref": branch, "ref_type": "branch", "ref_protected": protected });
    json!({ "main": job("main", "true"), "unprotected": job("main", "false"), "topic": job("topic", "true") })
}

#[test]
fn a_ci_job_logs_in_with_a_password_or_with_its_own_identity() {
    let (github, gitlab) = (Issuer::start(&github()), Issuer::start(&gitlab()));
    let mut page = Page::open("ci.md", &[(GITHUB, github.origin()), (GITLAB, gitlab.origin())]);
    let server = page.serve(TempDir::new());
    let (folder, docker) = (TempDir::new(), Docker::new());
    let mut shell = Shell::start(folder.path());
    shell.set(&names(&server, "http"));
    shell.set(&docker.environment());
    let main = "repo:org/app:ref:refs/heads/main";
    shell.set(&[
        ("ACTIONS_ID_TOKEN_REQUEST_URL".to_owned(), format!("{}/test/actions?run=1", github.origin())),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN".to_owned(), main.to_owned()),
        ("REGISTRY_TOKEN".to_owned(), gitlab.token("main")),
    ]);
    docker.import("hello:1", "hello");
    let admin = admin(&server);

    page.step(&mut shell, "principal create");
    page.step(&mut shell, "$REGISTRY_PASSWORD");
    assert_eq!(registry::tags(&admin, "org/app"), ["build-1"]);
    page.step(&mut shell, "$ACTIONS_ID_TOKEN_REQUEST_URL");
    assert_eq!(registry::tags(&admin, "org/app"), ["build-1", "main"]);
    page.step(&mut shell, "$REGISTRY_TOKEN");
    assert_eq!(registry::tags(&admin, "org/tool"), ["1"]);
    others_may_do_less(&server, &github, &gitlab);
    assert_eq!(registry::tags(&admin, "org/app"), ["build-1", "main"], "the refusals left no trace");
    assert_eq!(registry::repositories(&admin), ["org/app", "org/tool"], "the refusals left no trace");

    page.step(&mut shell, "/oauth2/exchange");
    let list = page.step(&mut shell, "grant_type=refresh_token");
    assert!(list.contains(r#""tags":["1"]"#), "{list}");
    page.step(&mut shell, "00000000-0000-0000-0000-000000000000");
    let explained = page.step(&mut shell, "auth explain");
    assert!(explained.contains("denied") && explained.contains("ci"), "{explained}");
}

/// A job of another branch may pull, one of another repository is let in and may do nothing, and no other branch pushes.
fn others_may_do_less(server: &Server, github: &Issuer, gitlab: &Issuer) {
    let image = |name: &str| format!("{}/{name}", server.host());
    let feature = Docker::new();
    feature.login_as(&server.host(), "github", &github.token("repo:org/app:ref:refs/heads/feature")).expect_success();
    feature.run(&["pull", &image("org/app:main")]).expect_success();
    feature.run(&["tag", "hello:1", &image("org/app:feature")]).expect_success();
    feature.run(&["push", &image("org/app:feature")]).expect_failure();

    let stranger = Docker::new();
    stranger.login_as(&server.host(), "github", &github.token("repo:stranger/app:ref:refs/heads/main")).expect_success();
    stranger.run(&["pull", &image("org/app:main")]).expect_failure();
    for client in ["unprotected", "topic"] {
        let other = Docker::new();
        other.login_as(&server.host(), "gitlab", &gitlab.token(client)).expect_success();
        other.run(&["tag", "hello:1", &image("org/tool:2")]).expect_success();
        other.run(&["push", &image("org/tool:2")]).expect_failure();
    }
}

#[test]
fn a_cluster_pulls_what_its_secret_is_for() {
    let server = Server::start_with_defaults();
    let admin = admin(&server);
    for repository in ["prod/app", "other/app"] {
        samples::image_of(Form::Docker, Platform::LinuxAmd64, repository).push(&admin, repository, "1");
    }
    let folder = TempDir::new();
    let (mut page, mut shell) = (Page::open("kubernetes.md", &[]), Shell::start(folder.path()));
    shell.set(&names(&server, "http"));

    page.step(&mut shell, "scope-map create");
    let first = is_in(&folder, "cluster.json")["secret"].as_str().unwrap().to_owned();
    page.step(&mut shell, "kubectl create secret docker-registry");
    let (app, other) = (format!("{}/prod/app:1", server.host()), format!("{}/other/app:1", server.host()));
    let node = with_pull_secret(&folder);
    node.run(&["pull", &app]).expect_success();
    node.run(&["pull", &other]).expect_failure();
    let pushed = format!("{}/prod/app:2", server.host());
    node.run(&["tag", &app, &pushed]).expect_success();
    node.run(&["push", &pushed]).expect_failure();
    assert_eq!(registry::tags(&admin, "prod/app"), ["1"], "the refusal left no trace");

    page.step(&mut shell, "token reset");
    let second = is_in(&folder, "second.json")["secret"].as_str().unwrap().to_owned();
    let (old, new) = (node, with_pull_secret(&folder));
    let manifest = |secret: &str| registry::get_manifest(&server.client().basic("cluster", secret), "prod/app", "1").status;
    page.step(&mut shell, "token withdraw");
    // What was accepted is remembered for as long as README.md says.
    server.wait_until("the first password to end", || manifest(&first) == 401);
    old.run(&["pull", &app]).expect_failure();
    new.run(&["pull", &app]).expect_success();
    assert_eq!(manifest(&second), 200);

    page.step(&mut shell, "--disable");
    server.wait_until("the token to end", || manifest(&second) != 200);
    new.run(&["pull", &app]).expect_failure();
    page.step(&mut shell, "token delete");
    new.run(&["pull", &app]).expect_failure();
}

/// A docker client with the pull secret that lies in the folder, as a node has it.
fn with_pull_secret(folder: &TempDir) -> Docker {
    let secret = std::fs::read_to_string(folder.path().join("secret.yaml")).unwrap();
    assert!(secret.contains("type: kubernetes.io/dockerconfigjson"), "{secret}");
    let line = secret.lines().find_map(|line| line.trim().strip_prefix(".dockerconfigjson: ")).expect("the secret has a login");
    let docker = Docker::new();
    std::fs::write(docker.auth_file(), base64::engine::general_purpose::STANDARD.decode(line).unwrap()).unwrap();
    docker
}

#[test]
fn containerd_pushes_and_pulls_with_client_certificates() {
    let mut page = Page::open("containerd.md", &[]);
    let folder = TempDir::new();
    let mut shell = Shell::start(folder.path());
    page.step(&mut shell, "openssl req");
    let image = samples::image_of(Form::Oci, Platform::LinuxAmd64, "with a certificate");
    containerd::write_archive(&image, &folder.path().join("hello.tar"));
    let server = page.serve(folder);
    let (builder, node) = (Ctr::new(), Ctr::new());
    let name = format!("{}/prod/hello:1", server.host());
    shell.set(&names(&server, "https"));

    page.step(&mut shell, "hosts.toml");
    shell.set(&builder.environment());
    page.step(&mut shell, "ctr images push");
    shell.set(&node.environment());
    page.step(&mut shell, "ctr images pull");
    let received = TempDir::new();
    node.export(&name, received.path());
    image.assert_layout(received.path());

    // What the page's rules do not give.
    let hosts = server.folder().join("node").display().to_string();
    let second = format!("{}/prod/hello:2", server.host());
    node.run(&["images", "tag", &name, &second]).expect_success();
    node.run(&["images", "push", "--hosts-dir", &hosts, &second]).expect_failure();
    let elsewhere = format!("{}/other/hello:1", server.host());
    builder.run(&["images", "tag", &name, &elsewhere]).expect_success();
    let builders = server.folder().join("builder").display().to_string();
    builder.run(&["images", "push", "--hosts-dir", &builders, &elsewhere]).expect_failure();
    Ctr::new().run(&["content", "fetch", "--hosts-dir", &hosts, &second]).expect_failure();
    Ctr::new().run(&["content", "fetch", "--hosts-dir", &hosts, &elsewhere]).expect_failure();
    Ctr::new().run(&["content", "fetch", "--hosts-dir", &hosts, &name]).expect_success();
}
