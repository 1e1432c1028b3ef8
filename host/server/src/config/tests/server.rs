//! `[server]`: TLS, proxies, keys, failed logins, the audit log.

use bulkhead_core::auth::ThrottleOptions;

use super::*;

/// A configuration that begins with these lines.
fn with(server: &str) -> String {
    format!("{server}\n{PLUGINS}{REGISTRY}")
}

const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn a_server_that_says_nothing_has_the_defaults() {
    let config = good(&with(""));
    assert_eq!((config.tls, config.proxies.len(), config.key_rotation), (None, 0, 30 * DAY));
    assert_eq!((config.audit.directory.as_path(), config.audit.keep), (Path::new("/etc/bulkhead/data/audit"), 16));
    let (read, standard) = (config.failed_logins, ThrottleOptions::default());
    assert_eq!((read.per_account, read.per_source), (standard.per_account, standard.per_source));
    assert_eq!((read.window, read.answer_after), (standard.window, standard.answer_after));
}

#[test]
fn every_key_of_the_server_is_read() {
    let config = good(&with(
        "[server]
data = 'd'
proxies = ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32']
key-rotation = '7d'
[server.tls]
certificate = 'tls/cert.pem'
key = '/etc/ssl/key.pem'
client-authorities = '{data}/clients.pem'
[server.failed-logins]
per-account = 3
per-source = 30
window = '5m'
answer-after = '0s'
[server.audit]
directory = '/var/log/bulkhead'
keep = 100
",
    ));
    let tls = config.tls.unwrap();
    assert_eq!(
        (tls.location.line, tls.certificate.as_path(), tls.key.as_path(), tls.client_authorities.as_deref()),
        (
            5,
            Path::new("/etc/bulkhead/tls/cert.pem"),
            Path::new("/etc/ssl/key.pem"),
            Some(Path::new("/etc/bulkhead/d/clients.pem"))
        )
    );
    assert_eq!((config.proxies.len(), config.key_rotation), (3, 7 * DAY));
    let ThrottleOptions { per_account, per_source, window, answer_after } = config.failed_logins;
    assert_eq!((per_account, per_source, window, answer_after), (3, 30, Duration::from_secs(300), Duration::ZERO));
    assert_eq!((config.audit.directory.as_path(), config.audit.keep), (Path::new("/var/log/bulkhead"), 100));
}

#[test]
fn the_audit_log_lies_in_the_data_directory_that_the_command_line_names() {
    let overrides = Overrides { data: Some("/srv/d".into()), listen: None };
    let text = with("[server]\ndata = 'elsewhere'\n");
    let config = parse("c.toml", &text, Path::new("/etc"), &overrides, BUILTINS).unwrap();
    assert_eq!((config.data.as_path(), config.audit.directory.as_path()), (Path::new("/srv/d"), Path::new("/srv/d/audit")));
}

#[test]
fn what_is_wrong_with_the_server_is_a_fault_with_its_line() {
    let cases = [
        ("[server]\nproxies = '10.0.0.0/8'\n", 2, "server.proxies must be a list, not a string"),
        ("[server]\nproxies = [\n'10.0.0.0/8',\n'ten']\n", 4, "server.proxies is wrong"),
        ("[server]\nproxies = ['10.0.0.0/33']\n", 2, "server.proxies is wrong"),
        ("[server]\nproxys = []\n", 2, "did you mean \"proxies\"?"),
        ("[server]\nkey-rotation = '1d'\n", 2, "server.key-rotation must be from 7d to 365d, not \"1d\""),
        ("[server]\nkey_rotation = '30d'\n", 2, "did you mean \"key-rotation\"?"),
        ("[server.tls]\nkey = 'k'\n", 1, "[server.tls] has no `certificate`"),
        ("[server.tls]\ncertificate = 'c'\n", 1, "[server.tls] has no `key`"),
        ("[server.tls]\ncertificate = 'c'\nkey = ''\n", 3, "server.tls.key must be a path"),
        ("[server.tls]\ncertificate = 'c'\nkey = 'k'\nclient-authority = 'a'\n", 4, "did you mean \"client-authorities\"?"),
        ("[server.failed-logins]\nper-account = 0\n", 2, "must be a whole number from 1 to 10000"),
        ("[server.failed-logins]\nper-source = -1\n", 2, "must be a whole number from 1 to 1000000"),
        ("[server.failed-logins]\nwindow = '0s'\n", 2, "must be from 1s to 24h"),
        ("[server.failed-logins]\nanswer-after = '11s'\n", 2, "must be from 0s to 10s"),
        ("[server.failed-login]\n", 1, "did you mean \"failed-logins\"?"),
        ("[server.audit]\nkeep = 1\n", 2, "must be a whole number from 2 to 100000"),
        ("[server.audit]\ndirectory = 5\n", 2, "must be a string, not a whole number"),
        ("[server.audit]\nfolder = 'a'\n", 2, "it has directory and keep"),
    ];
    for (text, line, says) in cases {
        one_fault(&with(text), line, says);
    }
}
