//! TLS in the server: certificates of clients, and certificates that are renewed without a restart. What clients of registries make of it is in
//! `tls_docker`.

use std::net::IpAddr;
use std::process::Command;

use bulkhead_tests::certificates::Authority;
use bulkhead_tests::config::Config;
use bulkhead_tests::operator::{Operator, first_password};
use bulkhead_tests::places;
use bulkhead_tests::programs::{self, Ended};
use bulkhead_tests::server::{Server, signal};
use bulkhead_tests::users::ALICE;

const NAMES: &str = "DNS:localhost,IP:127.0.0.1";

/// A server with a certificate, and with clients' certificates of two authorities beside it, of which it trusts one.
pub(crate) struct World {
    pub(crate) server: Server,
    ours: Authority,
}

/// `CN=ci-...` of Contoso may do everything below `team`; who has a password may do what `Config::standard` says.
fn config() -> Config {
    let machines = "component = \"builtin:auth-mtls\"\nconfig.rules = [{ subject = \"CN=ci-*,O=Contoso\", groups = [\"ci\"] }]";
    let rules = r#"component = "builtin:policy-rules"
config.rules = [
  { who = ["group:ci"], by = ["machines"], repositories = ["team/**"], actions = ["pull", "push"] },
  { who = ["user:alice"], repositories = ["**"], actions = ["*"] },
  { who = ["anonymous"], repositories = ["public/**"], actions = ["pull"] },
]"#;
    Config::standard()
        .server("tls", r#"{ certificate = "registry.crt", key = "registry.key", client-authorities = "ours.crt" }"#)
        .plugin("machines", machines)
        .plugin("rules", rules)
        .registry("auth", r#"["machines", "staff", "rules"]"#)
}

impl World {
    pub(crate) fn new() -> Self {
        Self::at(IpAddr::from([127, 0, 0, 1]))
    }

    pub(crate) fn at(address: IpAddr) -> Self {
        let mut server = Server::stopped_at(address, &config());
        let folder = server.folder();
        let (ours, theirs) = (Authority::new(folder, "ours"), Authority::new(folder, "theirs"));
        ours.issue("registry", "/O=Contoso/CN=registry", &format!("{NAMES},IP:{address}"));
        ours.issue("ci-1", "/O=Contoso/CN=ci-1", "DNS:ci-1.example.com");
        ours.issue("visitor", "/O=Contoso/CN=visitor", "DNS:visitor.example.com");
        theirs.issue("forged", "/O=Contoso/CN=ci-1", "DNS:ci-1.example.com");
        server.restart();
        Self { server, ours }
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.server.folder().join(name).display().to_string()
    }

    /// Runs curl against the server, which has to be the one that `ours` vouches for.
    fn curl(&self, arguments: &[&str], target: &str) -> Ended {
        let mut command = Command::new("curl");
        command.args([
            "--silent",
            "--show-error",
            "--cacert",
            &self.file("ours.crt"),
            "--write-out",
            "\n%{http_code} %{http_version}",
        ]);
        programs::run(command.args(arguments).arg(format!("https://{}{target}", self.server.host())))
    }

    /// The status of an answer.
    fn status(&self, arguments: &[&str], target: &str) -> u16 {
        let said = self.curl(arguments, target).expect_success().stdout;
        let last = said.lines().last().unwrap_or_default();
        last.split(' ').next().and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no status in {said}"))
    }

    /// The arguments that present a client's certificate.
    fn certificate(&self, name: &str) -> Vec<String> {
        vec!["--cert".to_owned(), self.file(&format!("{name}.crt")), "--key".to_owned(), self.file(&format!("{name}.key"))]
    }

    fn status_as(&self, name: &str, arguments: &[&str], target: &str) -> u16 {
        let certificate = self.certificate(name);
        let all: Vec<&str> = certificate.iter().map(String::as_str).chain(arguments.iter().copied()).collect();
        self.status(&all, target)
    }

    /// The end and the number of the certificate that the server shows.
    fn shown(&self) -> String {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-connect", &self.server.host(), "-servername", "localhost"]);
        let chain = programs::run(&mut command).stdout;
        let pem = programs::run_with_input(Command::new("openssl").args(["x509", "-noout", "-serial"]), chain.as_bytes());
        pem.expect_success().stdout
    }

    pub(crate) fn repositories(&self) -> String {
        let login = format!("{}:{}", ALICE.name, ALICE.password);
        let listed = self.curl(&["--fail", "--user", &login], "/v2/_catalog").expect_success().stdout;
        listed.lines().next().unwrap_or_default().to_owned()
    }
}

#[test]
fn a_certificate_of_a_client_says_who_it_is() {
    let world = World::new();
    let begin = ["--request", "POST"];
    let upload = "/v2/team/app/blobs/uploads/";
    assert_eq!(world.status_as("ci-1", &begin, upload), 202);
    assert_eq!(world.status_as("ci-1", &begin, "/v2/other/app/blobs/uploads/"), 403);
    assert_eq!(world.status_as("ci-1", &[], "/v2/"), 200);
    // Vouched for, but known to no plugin: as good as none. So is no certificate.
    assert_eq!(world.status_as("visitor", &begin, upload), 401);
    assert_eq!(world.status(&begin, upload), 401);
    assert_eq!(world.status_as("visitor", &[], "/v2/public/app/manifests/1"), 404);
    // Of an authority that the server does not trust: it says so in the handshake.
    let forged = world.certificate("forged");
    let forged: Vec<&str> = forged.iter().map(String::as_str).chain(begin).collect();
    world.curl(&forged, upload).expect_failure();
    assert_eq!(world.repositories(), r#"{"repositories":[]}"#, "the refusals left no trace");
}

#[test]
fn who_sends_a_password_means_it_whatever_the_certificate() {
    let world = World::new();
    let login = format!("{}:{}", ALICE.name, ALICE.password);
    let begin = ["--request", "POST", "--user"];
    let other = "/v2/other/app/blobs/uploads/";
    assert_eq!(world.status_as("ci-1", &[&begin[..], &[&login]].concat(), other), 202);
    assert_eq!(world.status_as("ci-1", &[&begin[..], &["alice:guessed"]].concat(), "/v2/team/app/blobs/uploads/"), 401);
    let token = world.curl(&["--user", &login], "/oauth2/token?service=x&scope=repository:a:pull").expect_success().stdout;
    assert!(token.contains("\"access_token\""), "{token}");
    // A certificate gets a token, too.
    let certificate = world.certificate("ci-1");
    let certificate: Vec<&str> = certificate.iter().map(String::as_str).collect();
    let token =
        world.curl(&certificate, "/oauth2/token?service=x&scope=repository:team/app:pull,push,delete").expect_success().stdout;
    assert!(token.contains("\"scope\":\"repository:team/app:pull,push\""), "{token}");
}

#[test]
fn the_server_speaks_http_2_and_nothing_without_tls() {
    let world = World::new();
    let said = world.curl(&["--http2"], "/healthz").expect_success().stdout;
    assert!(said.ends_with("200 2"), "{said}");
    let said = world.curl(&["--http1.1"], "/healthz").expect_success().stdout;
    assert!(said.ends_with("200 1.1"), "{said}");
    world.curl(&["--tls-max", "1.1"], "/healthz").expect_failure();
    let plain =
        programs::run(Command::new("curl").args(["--silent", "--fail"]).arg(format!("http://{}/healthz", world.server.host())));
    plain.expect_failure();
    let challenged = world.curl(&["--include"], "/v2/").expect_success().stdout;
    let realm = format!("realm=\"https://{}/oauth2/token\"", world.server.host());
    assert!(challenged.to_lowercase().contains(&realm), "{challenged}");
}

#[test]
fn a_renewed_certificate_is_shown_after_a_hangup_without_a_restart() {
    let world = World::new();
    let (before, pid) = (world.shown(), world.server.pid());
    world.ours.issue("registry", "/O=Contoso/CN=renewed", NAMES);
    signal(pid, "HUP");
    world.server.log().wait_for("the certificate was renewed");
    let renewed = world.shown();
    assert_ne!(renewed, before);
    assert_eq!(world.status(&[], "/healthz"), 200);

    // A pair that does not go together leaves the one before in place.
    std::fs::write(world.file("registry.key"), std::fs::read(world.file("ci-1.key")).unwrap()).unwrap();
    signal(pid, "HUP");
    world.server.log().wait_for("the new certificate cannot be used");
    assert_eq!(world.shown(), renewed);
    assert_eq!(world.status_as("ci-1", &[], "/v2/"), 200);
    assert_eq!(world.server.pid(), pid);
}

#[test]
fn an_authority_that_is_trusted_no_more_lets_nobody_in_after_a_hangup() {
    let world = World::new();
    assert_eq!(world.status_as("ci-1", &[], "/v2/"), 200);
    // The server's own certificate is of the old one still; its clients' have to be of the other.
    let ours = std::fs::read(world.file("ours.crt")).unwrap();
    std::fs::write(world.file("ours.crt"), std::fs::read(world.file("theirs.crt")).unwrap()).unwrap();
    signal(world.server.pid(), "HUP");
    world.server.log().wait_for("the certificate was renewed");
    let trusted = world.server.folder().join("trusted.crt");
    std::fs::write(&trusted, ours).unwrap();
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--cacert"]).arg(&trusted).args(world.certificate("ci-1"));
    programs::run(command.arg(format!("https://{}/v2/", world.server.host()))).expect_failure();
    let mut command = Command::new("curl");
    command.args(["--silent", "--fail", "--cacert"]).arg(&trusted).args(world.certificate("forged"));
    programs::run(command.arg(format!("https://{}/v2/", world.server.host()))).expect_success();
}

#[test]
fn a_server_whose_certificate_cannot_be_used_does_not_start() {
    let mut server = Server::stopped(&config());
    let said = server.try_start().expect_err("there is no certificate");
    assert!(said.contains("[server.tls]") && said.contains("registry.crt") && said.contains("exit status: 2"), "{said}");
}

#[test]
fn the_command_line_reaches_a_server_whose_authority_it_is_told_of() {
    let mut server =
        Server::stopped(&Config::accounts().server("tls", r#"{ certificate = "registry.crt", key = "registry.key" }"#));
    let ours = Authority::new(server.folder(), "ours");
    ours.issue("registry", "/O=Contoso/CN=registry", NAMES);
    server.restart();
    let password = first_password(&server);
    let url = format!("https://{}", server.host());
    let show = |authority: Option<&str>| {
        let mut command = Command::new(places::binary());
        command.args(["credential", "show", "--server", &url, "--user", "admin"]).env("BULKHEAD_PASSWORD", &password);
        match authority {
            Some(file) => command.env("SSL_CERT_FILE", file),
            None => command.env_remove("SSL_CERT_FILE"),
        };
        programs::run(&mut command)
    };
    show(Some(&ours.certificate())).expect_success();
    show(None).expect_failure();
    Operator::of(&server).run(&["credential", "show"]).expect_success();
}
