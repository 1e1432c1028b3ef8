mod rules;
mod server;

use std::time::Duration;

use bulkhead_core::ports::event::EventAction;
use serde_json::json;

use super::model::Limits;
use super::units::{check_name, parse_duration, parse_duration_in, parse_host, parse_size};
use super::*;

const BUILTINS: &[&str] = &[
    "auth-accounts",
    "auth-htpasswd",
    "auth-http",
    "auth-mtls",
    "auth-oidc",
    "policy-content",
    "policy-immutable-tags",
    "policy-rules",
    "storage-fs",
    "webhook-http",
];

/// Lines 1 to 5 of most tests.
const PLUGINS: &str = "\
[plugins.disk]
component = 'builtin:storage-fs'
[plugins.rules]
component = 'builtin:policy-rules'

";

const REGISTRY: &str = "[registries.default]\nstorage = 'disk'\nauth = ['rules']\n";

fn read(text: &str) -> Result<Config, Faults> {
    parse("c.toml", text, Path::new("/etc/bulkhead"), &Overrides::default(), BUILTINS)
}

fn good(text: &str) -> Config {
    read(text).unwrap_or_else(|faults| panic!("{faults}"))
}

fn faults(text: &str) -> Vec<String> {
    match read(text) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

/// The only fault is at this line and says this.
#[track_caller]
fn one_fault(text: &str, line: u32, says: &str) {
    let found = faults(text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with(&format!("c.toml:{line}: ")) && found[0].contains(says), "{}", found[0]);
}

#[test]
fn a_configuration_of_two_registries_and_every_kind_of_plugin_is_read() {
    let config = good(
        r#"
[server]
listen = "127.0.0.1:5001"
data = "data"

[catalog]
url = "sqlite"

[plugins.disk]
component = "builtin:storage-fs"
config = { root = "/blobs" }
grants.directories = { "/blobs" = { path = "data/blobs", access = "read-write" } }

[plugins.staff]
component = "builtin:auth-htpasswd"
grants.files = { "/users" = "users.htpasswd" }
limits = { memory = "32MiB", time = "500ms", instances = 8 }

[plugins.rules]
component = "plugins/rules.wasm"
config.rules = [
  { who = ["group:ops"], repositories = ["**"], actions = ["pull", "push", "delete"] },
]

[plugins.ci-hook]
component = "builtin:webhook-http"
grants.http = ["https://CI.example.com:443"]
grants.secrets = { token = "{data}/token", salt = { environment = "SALT" } }
grants.kv = true

[registries.contoso]
hosts = ["Contoso.example.com", "127.0.0.2:5000"]
storage = "disk"
auth = ["staff", "rules"]
limits = { upload-bytes = "10GiB" }
token = { lifetime = "5m", refresh-lifetime = "30d" }

[[registries.contoso.webhooks]]
name = "build"
plugin = "ci-hook"
actions = ["push", "delete"]
scope = "warrantydept/*"
config = { url = "https://ci.example.com/hook" }
"#,
    );
    assert_eq!(config.listen.value.to_string(), "127.0.0.1:5001");
    assert_eq!(config.data, Path::new("/etc/bulkhead/data"));
    let names: Vec<_> = config.plugins.iter().map(|plugin| plugin.name.as_str()).collect();
    assert_eq!(names, ["disk", "staff", "rules", "ci-hook"], "the order is that of the file");
    let disk = config.plugin("disk").unwrap();
    assert_eq!((disk.location.line, disk.component.location.line, disk.settings.location.line), (9, 10, 11));
    assert_eq!(disk.component.value, Component::Builtin("storage-fs".to_owned()));
    assert_eq!(serde_json::Value::Object(disk.settings.value.clone()), json!({ "root": "/blobs" }));
    let grant = &disk.grants.directories[0];
    assert_eq!((grant.guest.as_str(), grant.access), ("/blobs", Access::ReadWrite));
    assert_eq!(grant.path, Path::new("/etc/bulkhead/data/blobs"));
    let staff = config.plugin("staff").unwrap();
    let Limits { memory, time, instances } = staff.limits.clone();
    assert_eq!(memory.map(|memory| (memory.value, memory.location.line)), Some((32 << 20, 17)));
    assert_eq!(time.map(|time| time.value), Some(Duration::from_millis(500)));
    assert_eq!(instances.map(|instances| instances.value), Some(8));
    assert_eq!(staff.grants.files[0].path, Path::new("/etc/bulkhead/users.htpasswd"));
    let rules = config.plugin("rules").unwrap();
    assert_eq!(rules.component.value, Component::File("/etc/bulkhead/plugins/rules.wasm".into()));
    assert_eq!(rules.settings.value["rules"][0]["actions"], json!(["pull", "push", "delete"]));
    let hook = config.plugin("ci-hook").unwrap();
    assert_eq!(hook.grants.http[0].to_string(), "https://ci.example.com");
    let secrets: Vec<_> = hook.grants.secrets.iter().map(|secret| (secret.name.as_str(), secret.source.clone())).collect();
    let token = SecretSource::File("/etc/bulkhead/data/token".into());
    assert_eq!(secrets, [("token", token), ("salt", SecretSource::Environment("SALT".to_owned()))]);
    assert_eq!(hook.grants.kv, State::Granted);
    let registry = &config.registries[0];
    assert_eq!(
        registry.hosts.iter().map(|host| host.value.as_str()).collect::<Vec<_>>(),
        ["contoso.example.com", "127.0.0.2:5000"]
    );
    assert_eq!(registry.auth.iter().map(|name| name.value.as_str()).collect::<Vec<_>>(), ["staff", "rules"]);
    assert_eq!((registry.rules.max_blob_bytes, registry.token_lifetime), (10 << 30, Some(Duration::from_secs(300))));
    assert_eq!(registry.refresh_lifetime, Some(Duration::from_secs(30 * 24 * 3600)));
    let webhook = &registry.webhooks[0];
    assert!(webhook.actions.contains(&EventAction::Push) && webhook.scope.matches("warrantydept/web", Some("v1")));
    assert_eq!(webhook.settings.value["url"], json!("https://ci.example.com/hook"));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn without_a_file_the_built_in_configuration_counts() {
    let overrides = Overrides { data: Some("/srv/d".into()), listen: Some("127.0.0.1:0".parse().unwrap()) };
    let config = load(None, &overrides, BUILTINS).unwrap();
    assert_eq!((config.data.as_path(), config.listen.value.port()), (Path::new("/srv/d"), 0));
    assert_eq!(config.plugin("disk").unwrap().grants.directories[0].path, Path::new("/srv/d/blobs"));
    let accounts = config.plugin("accounts").unwrap();
    assert_eq!((accounts.grants.accounts, accounts.grants.kv), (State::Granted, State::Refused));
    assert_eq!(config.audit.directory, Path::new("/srv/d/audit"));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let plain = load(None, &Overrides::default(), BUILTINS).unwrap();
    assert_eq!((plain.data.as_path(), plain.listen.value.to_string().as_str()), (Path::new("data"), "127.0.0.1:5000"));
}

#[test]
fn every_example_is_read_without_a_fault_or_a_warning() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/configs");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let config =
            load(Some(&entry.unwrap().path()), &Overrides::default(), BUILTINS).unwrap_or_else(|error| panic!("{error}"));
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        count += 1;
    }
    assert!(count >= 6, "{count}");
}

#[test]
fn all_faults_are_told_at_once_in_the_order_of_the_file() {
    let found = faults(
        "[server]\nlisten = 'nowhere'\nport = 5\n[plugins.disk]\ncomponent = 'builtin:storage-ff'\n[registries.default]\nstorage = 'dsk'\nauth = 7\n",
    );
    assert_eq!(found.len(), 5, "{found:#?}");
    for (fault, line) in found.iter().zip([2, 3, 5, 7, 8]) {
        assert!(fault.starts_with(&format!("c.toml:{line}: ")), "{fault}");
    }
    assert!(found[2].contains("did you mean \"builtin:storage-fs\"?"), "{}", found[2]);
    assert!(found[3].contains("did you mean \"disk\"?"), "a faulty plugin is declared all the same: {}", found[3]);
}

#[test]
fn a_broken_document_is_told_with_its_line() {
    let found = faults("[server]\nlisten = \n");
    assert!(found[0].starts_with("c.toml:2: this is not TOML: "), "{}", found[0]);
    let found = faults("[plugins.a]\n[plugins.a]\n");
    assert!(found[0].starts_with("c.toml:2: this is not TOML: "), "{}", found[0]);
}

#[test]
fn an_unknown_key_is_a_fault_with_its_line_and_a_suggestion() {
    let cases = [
        ("[sever]\n", 10, "did you mean \"server\"?"),
        ("[server]\nlisten_at = '127.0.0.1:1'\n", 11, "unknown key \"listen_at\" in [server]"),
        (
            "[server]\nlisten-addr = '127.0.0.1:1'\n",
            11,
            "it has listen, data, tls, proxies, key-rotation, failed-logins and audit",
        ),
        ("[registries.default.token]\nlife-time = '5m'\n", 11, "did you mean \"lifetime\"?"),
        ("[registries.default.limits]\nupload_bytes = '5GiB'\n", 11, "did you mean \"upload-bytes\"?"),
    ];
    for (text, line, says) in cases {
        one_fault(&format!("{PLUGINS}{REGISTRY}\n{text}"), line, says);
    }
}

#[test]
fn a_value_that_is_wrong_is_a_fault_with_its_line() {
    let cases = [
        ("[server]\nlisten = 5000\n", 11, "server.listen must be a string, not a whole number"),
        ("[server]\nlisten = 'localhost'\n", 11, "must be an address and a port"),
        ("[server]\ndata = ''\n", 11, "must be a path"),
        ("[catalog]\nurl = 'postgres://u@h/d'\n", 11, "cannot use yet"),
        ("[catalog]\nurl = 'mysql'\n", 11, "must be \"sqlite\""),
        ("[registries.default.token]\nlifetime = '5s'\n", 11, "must be from 60s to 24h"),
        ("[registries.default.token]\nrefresh-lifetime = '5m'\n", 11, "must be from 10m to 365d"),
        ("[registries.default.limits]\nupload-bytes = '5 apples'\n", 11, "must be a size"),
        ("[registries.Contoso]\n", 10, "a registry's name is"),
        ("[registries.b]\nhosts = ['b:0']\nstorage = 'disk'\nauth = ['rules']\n", 11, "must be a host"),
        ("[registries.b]\nhosts = ['b']\nstorage = 'disk'\nauth = []\n", 13, "names no plugin"),
        ("[registries.b]\nhosts = ['b']\nstorage = 'disk'\nauth = ['rules',\n'rules']\n", 14, "twice"),
    ];
    for (text, line, says) in cases {
        one_fault(&format!("{PLUGINS}{REGISTRY}\n{text}"), line, says);
    }
}

#[test]
fn a_fault_of_a_plugins_table_has_its_line() {
    let cases = [
        ("config = {}\n", 10, "[plugins.x] has no `component`"),
        (
            "component = 'builtin:none-of-them'\n",
            11,
            "there are auth-accounts, auth-htpasswd, auth-http, auth-mtls, auth-oidc, policy-content, policy-immutable-tags, policy-rules, storage-fs and webhook-http",
        ),
        ("component = 'oci://host/a@sha256:00'\n", 11, "cannot be fetched from a registry yet"),
        ("component = '{data}x.wasm'\n", 11, "must go on with /"),
        ("component = 'x.wasm'\nconfig = 'a'\n", 12, "plugins.x.config must be a table, not a string"),
        ("component = 'x.wasm'\nconfig.since = [1,\n2026-01-01]\n", 13, "is a date"),
        ("component = 'x.wasm'\nconfig.much = inf\n", 12, "cannot be handed"),
        ("component = 'x.wasm'\ngrants.http = ['ftp://a']\n", 12, "neither http nor https"),
        ("component = 'x.wasm'\ngrants.http = [\n'https://a/b']\n", 13, "more than scheme, host and port"),
        ("component = 'x.wasm'\ngrants.files = { users = 'u' }\n", 12, "plugins.x.grants.files.users must be a path such as"),
        ("component = 'x.wasm'\ngrants.directories = { '/b' = 'b' }\n", 12, "must be a table, not a string"),
        ("component = 'x.wasm'\ngrants.directories = { '/b' = { access = 'read' } }\n", 12, "has no `path`"),
        (
            "component = 'x.wasm'\ngrants.directories = { '/b' = { path = 'b', access = 'write' } }\n",
            12,
            "\"read\" or \"read-write\"",
        ),
        ("component = 'x.wasm'\ngrants.directories = { '/b/..' = { path = 'b' } }\n", 12, "must be a path such as"),
        ("component = 'x.wasm'\ngrants.secrets = { 'a b' = 'b' }\n", 12, "must be named with"),
        ("component = 'x.wasm'\ngrants.secrets = { a = { environment = 'A=B' } }\n", 12, "name of an environment variable"),
        ("component = 'x.wasm'\ngrants.secrets = { a = {} }\n", 12, "has no `environment`"),
        ("component = 'x.wasm'\ngrants.kv = 'yes'\n", 12, "must be true or false, not a string"),
        ("component = 'x.wasm'\ngrants.accounts = 1\n", 12, "must be true or false, not a whole number"),
        ("component = 'x.wasm'\ngrants.account = true\n", 12, "did you mean \"accounts\"?"),
        ("component = 'x.wasm'\ngrants.file = {}\n", 12, "did you mean \"files\"?"),
        ("component = 'x.wasm'\nlimits.memory = '1GiB'\n", 12, "from 64KiB to 256MiB"),
        ("component = 'x.wasm'\nlimits.time = '1ms'\n", 12, "from 10ms to 60s"),
        ("component = 'x.wasm'\nlimits.instances = 0\n", 12, "from 1 to 256"),
        ("component = 'x.wasm'\nlimits.instances = '4'\n", 12, "must be a whole number, not a string"),
    ];
    for (body, line, says) in cases {
        one_fault(&format!("{PLUGINS}{REGISTRY}\n[plugins.x]\n{body}"), line, says);
    }
    one_fault(&format!("{PLUGINS}{REGISTRY}\n[plugins.Not_A_Name]\ncomponent = 'x.wasm'\n"), 10, "is no name");
    one_fault(&format!("{PLUGINS}{REGISTRY}\n[plugins.host]\ncomponent = 'x.wasm'\n"), 10, "cannot be called \"host\"");
}

#[test]
fn a_plugins_complaint_is_put_at_the_line_of_the_value_that_it_names() {
    let text = format!(
        "{PLUGINS}{REGISTRY}\n[plugins.x]\ncomponent = 'x.wasm'\nconfig.rules = [\n{{ who = ['a'] }},\n{{ who = ['b'], deep.er = 1 }},\n]\nconfig.url = 'u'\n"
    );
    let settings = good(&text).plugin("x").unwrap().settings.clone();
    let line = |settings: &Settings, complaint: &str| settings.blame(complaint).line;
    assert_eq!(line(&settings, "rules[1].who[0]: nobody"), 14);
    assert_eq!(line(&settings, "rules[1].deep.er.x: wrong"), 14);
    assert_eq!(line(&settings, "rules[7].who: wrong"), 12, "the nearest that there is");
    assert_eq!(line(&settings, "url: wrong"), 16);
    for complaint in ["missing field `password`", "", ":", "nothing: known"] {
        assert_eq!(line(&settings, complaint), settings.location.line, "{complaint}");
    }
    let here = Location { file: "h.toml".into(), line: 99 };
    let hook = Settings {
        location: here.clone(),
        value: json!({ "rules": [] }).as_object().unwrap().clone(),
        lines: [("rules".to_owned(), here.clone())].into(),
    };
    let both = settings.overlaid(&hook);
    assert_eq!(both.value["rules"], json!([]));
    assert_eq!((line(&both, "rules[1].who: wrong"), line(&both, "url: wrong"), line(&both, "wrong")), (99, 16, 99));
}

#[test]
fn a_fault_of_a_webhook_has_its_line() {
    let whole = "name = 'a'\nplugin = 'rules'\nactions = ['push']\n";
    let cases = [
        ("plugin = 'rules'\nactions = ['push']\n".to_owned(), 10, "has no `name`"),
        ("name = 'a'\nplugin = 'rules'\nactions = []\n".to_owned(), 13, "lists nothing"),
        ("name = 'a'\nplugin = 'rules'\nactions = ['pushed']\n".to_owned(), 13, "did you mean \"push\"?"),
        ("name = 'a'\nplugin = 'nobody'\nactions = ['push']\n".to_owned(), 12, "which no [plugins] table declares"),
        (format!("{whole}scope = 'UPPER'\n"), 14, "is wrong"),
        (format!("{whole}config = 5\n"), 14, "must be a table"),
        (format!("{whole}[[registries.default.webhooks]]\n{whole}"), 14, "has a webhook \"a\" already (c.toml:10)"),
    ];
    for (body, line, says) in cases {
        one_fault(&format!("{PLUGINS}{REGISTRY}\n[[registries.default.webhooks]]\n{body}"), line, says);
    }
}

#[test]
fn a_host_belongs_to_one_registry_and_only_the_default_needs_none() {
    let two = |hosts: &str| {
        format!(
            "{PLUGINS}[registries.a]\nhosts = ['x:1']\nstorage = 'disk'\nauth = ['rules']\n[registries.b]\n{hosts}storage = 'disk'\nauth = ['rules']\n"
        )
    };
    one_fault(&two("hosts = [ 'y',\n'X:1' ]\n"), 12, "is claimed by registry a already (c.toml:7)");
    one_fault(&two(""), 10, "[registries.b] has no `hosts`");
    good(&two("hosts = ['x:2']\n"));
}

#[test]
fn a_configuration_without_a_registry_is_a_fault() {
    one_fault(PLUGINS, 1, "there is no registry");
    one_fault("", 1, "there is no registry");
}

#[test]
fn a_plugin_that_nobody_uses_is_a_warning() {
    let config = good(&format!("{PLUGINS}{REGISTRY}\n[plugins.extra]\ncomponent = 'x.wasm'\n"));
    assert_eq!(config.warnings.len(), 1);
    assert_eq!(config.warnings[0].to_string(), "c.toml:10: plugin extra is declared, and no registry uses it");
}

#[test]
fn a_file_that_is_not_there_is_told_by_its_name() {
    let error = load(Some(Path::new("/nowhere/c.toml")), &Overrides::default(), BUILTINS).unwrap_err();
    assert!(error.to_string().starts_with("the configuration file /nowhere/c.toml cannot be read: "), "{error}");
}

#[test]
fn sizes_have_units() {
    for (text, bytes) in
        [("0B", 0), ("1 KiB", 1024), ("32MiB", 32 << 20), ("10GiB", 10 << 30), ("2TB", 2_000_000_000_000), ("5MB", 5_000_000)]
    {
        assert_eq!(parse_size(text), Ok(bytes), "{text}");
    }
    for text in ["", "5", "MiB", "-1MiB", "1.5GiB", "1mib", "99999999999999TiB", "5 apples", "5MiB "] {
        assert!(parse_size(text).is_err(), "{text}");
    }
}

#[test]
fn durations_have_units() {
    for (text, millis) in [("500ms", 500), ("2s", 2_000), ("5m", 300_000), ("1h", 3_600_000), ("2 d", 172_800_000)] {
        assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
    }
    for text in ["", "5", "ms", "-1s", "1.5s", "1S", "1M", "999999999999999999d"] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
    let minute = Duration::from_secs(1)..=Duration::from_secs(60);
    assert!(parse_duration_in("1s", &minute, "1s", "60s").is_ok() && parse_duration_in("1m", &minute, "1s", "60s").is_ok());
    assert_eq!(parse_duration_in("61s", &minute, "1s", "60s"), Err("must be from 1s to 60s, not \"61s\"".to_owned()));
}

#[test]
fn hosts_and_names_have_a_grammar() {
    assert_eq!(parse_host("A.b:5000").as_deref(), Ok("a.b:5000"));
    assert!(["", ":5", "a:", "a:b", "a..b", "a b", "a/b", "-a", "[::1", "a:0"].iter().all(|text| parse_host(text).is_err()));
    assert!(check_name("ci-hook2").is_ok());
    assert!(["", "-a", "a_b", "A", "a.b"].iter().all(|text| check_name(text).is_err()));
}
