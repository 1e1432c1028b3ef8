mod logins;
mod wiring;

use bulkhead_core::ports::accounts::{AccountName, Accounts};
use bulkhead_core::ports::audit::NoAudit;
use bulkhead_core::ports::clock::Timestamp;

use super::*;

const GOOD: &str = r#"
[plugins.disk]
component = "builtin:storage-fs"
config = { root = "/blobs" }
grants.directories = { "/blobs" = { path = "data/blobs", access = "read-write" } }
[plugins.rules]
component = "builtin:policy-rules"
config.rules = [{ who = ["*"], repositories = ["**"], actions = ["*"] }]
[registries.default]
storage = "disk"
auth = ["rules"]
"#;

/// Checks a configuration in a folder of its own, which also has `text.wasm` and `core.wasm`. The folder has nothing else afterwards.
async fn check_text(text: &str) -> Result<Checked, String> {
    let folder = ScratchDirectory::new().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, text).unwrap();
    std::fs::write(folder.path().join("text.wasm"), "no component").unwrap();
    std::fs::write(folder.path().join("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let outcome = check(Some(&file), &Overrides::default()).await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "a check leaves no trace");
    outcome.map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

/// The only fault is at this line and says this.
#[track_caller]
fn one_fault(outcome: Result<Checked, String>, line: u32, says: &str) {
    let message = outcome.map(|_| ()).expect_err("there is a fault");
    assert!(message.starts_with(&format!("c.toml:{line}: ")) && message.contains(says), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_configuration_is_told_with_its_plugins() {
    let checked = check_text(GOOD).await.unwrap();
    let plugins: Vec<_> = checked.plugins.iter().map(|plugin| (plugin.name.as_str(), plugin.kinds.as_slice())).collect();
    assert_eq!(plugins, [("disk", ["storage"].as_slice()), ("rules", ["authorizer"].as_slice())]);
    assert!(checked.plugins.iter().all(|plugin| plugin.digest.starts_with("sha256:") && plugin.digest.len() == 71));
    assert!(checked.warnings.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_built_in_configuration_is_good_before_its_first_start() {
    let folder = ScratchDirectory::new().unwrap();
    let overrides = Overrides { data: Some(folder.path().join("data")), listen: None };
    let checked = check(None, &overrides).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(checked.plugins.iter().map(|plugin| plugin.name.as_str()).collect::<Vec<_>>(), ["disk", "accounts"]);
    assert!(checked.warnings.is_empty());
    assert!(!folder.path().join("data").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_cannot_be_loaded_with_is_told_with_its_line() {
    let with = |table: &str| GOOD.replace("auth = [\"rules\"]", "auth = [\"x\", \"rules\"]") + "[plugins.x]\n" + table;
    let cases = [
        ("component = 'gone.wasm'\n", 13, "plugin x: cannot read gone.wasm"),
        ("component = 'text.wasm'\n", 13, "plugin x: this is no WebAssembly component"),
        ("component = 'core.wasm'\n", 13, "build it as a component"),
        ("component = 'builtin:auth-htpasswd'\n\ngrants.files = { '/users' = 'gone' }\n", 15, "the grant files.\"/users\""),
        (
            "component = 'builtin:storage-fs'\n\nconfig.root = '/b'\ngrants.directories = { '/b' = { path = 'gone' } }\n",
            16,
            "cannot open the directory gone",
        ),
        (
            "component = 'builtin:policy-rules'\nconfig.rules = [\n{ who = ['alice'], repositories = ['**'], actions = ['*'] }]\n",
            15,
            "rules[0].who[0]",
        ),
        ("component = 'builtin:policy-rules'\nconfig.rule = []\n", 14, "plugin x: the plugin rejects its settings"),
    ];
    for (table, line, says) in cases {
        one_fault(check_text(&with(table)).await, line, says);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_imports_and_is_not_granted_is_a_warning_at_its_line() {
    let with = |table: &str| GOOD.replace("auth = [\"rules\"]", "auth = [\"x\", \"rules\"]") + "[plugins.x]\n" + table;
    let cases = [
        ("component = 'builtin:auth-accounts'\n", "", "`accounts`, and is not granted it", "grants.accounts = true"),
        ("component = 'builtin:auth-accounts'\n", "grants.accounts = true\n", "", ""),
        ("component = 'builtin:auth-accounts'\n", "grants.accounts = false\n", "", ""),
    ];
    for (component, grants, says, advice) in cases {
        let checked = check_text(&with(&format!("{component}{grants}"))).await.unwrap();
        let warnings: Vec<_> = checked.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings.is_empty(), says.is_empty(), "{grants}: {warnings:?}");
        for warning in warnings {
            assert!(warning.contains("c.toml:12: plugin x: it imports") && warning.contains(says), "{warning}");
            assert!(warning.contains(advice), "{warning}");
        }
    }
    let service = "component = 'builtin:auth-http'\nconfig.url = 'https://auth.example.com'\n";
    let checked = check_text(&with(&format!("{service}grants.http = ['https://auth.example.com']\n"))).await.unwrap();
    let told = checked.warnings.iter().map(ToString::to_string).collect::<String>();
    assert!(told.contains("imports `secrets`") && !told.contains("imports `http`"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_faults_of_tls_and_of_plugins_are_told_at_once() {
    let text = GOOD.replace("config = { root = \"/blobs\" }", "config = { rot = \"/blobs\" }");
    let found =
        check_text(&format!("{text}[server.tls]\ncertificate = 'gone.pem'\nkey = 'lost.pem'\n")).await.map(|_| ()).unwrap_err();
    for says in ["c.toml:4: plugin disk", "c.toml:12: [server.tls] gone.pem", "c.toml:12: [server.tls] lost.pem"] {
        assert!(found.contains(says), "{says} is not in {found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_used_only_for_what_it_is() {
    one_fault(check_text(&GOOD.replace("storage = \"disk\"", "storage = \"rules\"")).await, 10, "not storage");
    let found = check_text(&GOOD.replace("auth = [\"rules\"]", "auth = [\"disk\"]")).await.map(|_| ()).unwrap_err();
    assert!(found.contains("c.toml:11: registry default: `auth` names the plugin disk, which is of the kind storage"), "{found}");
    let hook = "[[registries.default.webhooks]]\nname = 'a'\nplugin = 'rules'\nactions = ['push']\n";
    one_fault(check_text(&format!("{GOOD}{hook}")).await, 14, "not webhook");
}

/// A registry with an admission plugin: its name stands at line 12, its table begins at line 13.
const GUARDED: &str = "admission = ['guard']\n[plugins.guard]\ncomponent = 'builtin:policy-immutable-tags'\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_is_told_with_the_plugins_that_it_asks() {
    let checked = check_text(&format!("{GOOD}{GUARDED}config.tags = ['v*']\n")).await.unwrap();
    let registry = &checked.registries[0];
    assert_eq!((registry.name.as_str(), registry.storage.as_str()), ("default", "disk"));
    assert_eq!(
        (registry.auth.as_slice(), registry.admission.as_slice()),
        (["rules".to_owned()].as_slice(), ["guard".to_owned()].as_slice())
    );
    assert_eq!(checked.plugins[2].kinds, ["admission"]);
    assert!(checked.warnings.is_empty(), "it counts as used: {:?}", checked.warnings);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admission_plugin_that_rejects_its_settings_is_a_fault_at_their_line() {
    one_fault(
        check_text(&format!("{GOOD}{GUARDED}\nconfig.tag = ['v*']\n")).await,
        16,
        "plugin guard: the plugin rejects its settings",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_admission_plugin_is_not_asked_before_a_change() {
    let found = check_text(&format!("{GOOD}admission = ['disk',\n'rules']\n")).await.map(|_| ()).unwrap_err();
    let places: Vec<_> = found.lines().collect();
    assert_eq!(places.len(), 2, "{found}");
    assert!(
        places[0].starts_with("c.toml:12: registry default: `admission` names the plugin disk, which is of the kind storage")
    );
    assert!(places[1].starts_with("c.toml:13: ") && places[1].ends_with("kind authorizer, not admission"), "{found}");
    one_fault(
        check_text(&format!("{}{GUARDED}config.tags = ['v*']\n", GOOD.replace("\"rules\"]", "\"rules\", \"guard\"]"))).await,
        11,
        "not authenticator or authorizer",
    );
}

/// Every path of an example that is not its own leads into the checkout, the users' file lies beside it.
#[tokio::test(flavor = "multi_thread")]
async fn every_example_passes_the_check_with_its_plugins() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/configs");
    let checkout = examples.join("../..").canonicalize().unwrap();
    let folder = ScratchDirectory::new().unwrap();
    std::fs::write(folder.path().join("users.htpasswd"), "").unwrap();
    for entry in std::fs::read_dir(examples).unwrap() {
        let example = entry.unwrap().path();
        let text = std::fs::read_to_string(&example).unwrap().replace("../../", &format!("{}/", checkout.display()));
        let file = folder.path().join(example.file_name().unwrap());
        std::fs::write(&file, text).unwrap();
        let checked = check(Some(&file), &Overrides::default()).await.unwrap_or_else(|error| panic!("{error}"));
        assert!(checked.warnings.is_empty(), "{:?}", checked.warnings);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_without_an_authorizer_is_a_fault() {
    let staff = "[plugins.staff]\ncomponent = 'builtin:auth-htpasswd'\ngrants.files = { '/users' = 'text.wasm' }\n";
    let text = format!("{}{staff}", GOOD.replace("auth = [\"rules\"]", "auth = [\"staff\"]"));
    one_fault(check_text(&text).await, 11, "has no authorizer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_has_its_own_settings_over_its_plugins() {
    let hook = |config: &str| {
        format!(
            "{GOOD}[plugins.hook]\ncomponent = 'builtin:webhook-http'\n{config}[[registries.default.webhooks]]\nname = 'a'\nplugin = 'hook'\nactions = ['push']\n"
        )
    };
    one_fault(check_text(&hook("")).await, 14, "missing field `url`");
    one_fault(check_text(&(hook("") + "config.url = 'nowhere'\n")).await, 18, "url: `nowhere`");
    one_fault(check_text(&hook("config.url = 'nowhere'\n")).await, 14, "url: `nowhere`");
    assert!(check_text(&(hook("config.url = 'nowhere'\n") + "config.url = 'https://ci.example.com/hook'\n")).await.is_ok());
}

/// What every registry shares, in the data directory of a configuration, with nobody who hears of audit entries.
async fn services(config: &Config, clock: &Arc<dyn Clock>) -> (Services, Arc<bulkhead_catalog::SqliteCatalog>) {
    data::make_directory(&config.data).unwrap();
    make_granted(config).unwrap();
    let catalog = Arc::new(bulkhead_catalog::open(&config.data.join("catalog.sqlite")).await.unwrap());
    let keys = Arc::new(TokenKeys::open(&config.data, services::key_schedule(config), Arc::clone(clock)).unwrap());
    (Services::new(config, &catalog, Arc::new(NoAudit), keys, Arc::clone(clock)), catalog)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_makes_no_login() {
    let folder = ScratchDirectory::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let overrides = Overrides { data: Some(folder.path().join("data")), listen: Some(taken.local_addr().unwrap()) };
    let error = serve(None, &overrides).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot listen at {}", taken.local_addr().unwrap())), "{error}");
    let catalog = bulkhead_catalog::open(&folder.path().join("data/catalog.sqlite")).await.unwrap();
    let row = catalog.registry(&"default".parse().unwrap(), Timestamp(0)).await.unwrap();
    assert!(catalog.account(row, &AccountName::admin()).await.unwrap().is_none());
    assert!(!folder.path().join("data/admin.sock").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_without_a_usable_certificate_is_a_fault_at_its_line() {
    let found = check_text(&format!("{GOOD}[server.tls]\ncertificate = 'text.wasm'\nkey = 'core.wasm'\n")).await;
    let found = found.map(|_| ()).unwrap_err();
    let lines: Vec<_> = found.lines().collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line.starts_with("c.toml:12: [server.tls] ")), "{found}");
    assert!(lines[0].contains("core.wasm has no private key") && lines[1].contains("text.wasm has no certificate"), "{found}");
}

#[test]
fn a_key_stays_as_long_as_the_longest_life_of_a_token() {
    let schedule = |text: &str| {
        let parsed = config::parse("c.toml", &format!("{GOOD}{text}"), Path::new(""), &Overrides::default(), &bundled::names());
        services::key_schedule(&parsed.unwrap_or_else(|faults| panic!("{faults}")))
    };
    let days = |days: u32| Duration::from_secs(24 * 3600) * days;
    let standard = schedule("");
    assert_eq!((standard.every, standard.keep), (days(30), days(90)));
    let long = schedule("token.refresh-lifetime = '200d'\n[server]\nkey-rotation = '7d'\n");
    assert_eq!((long.every, long.keep), (days(7), days(200)));
    assert_eq!(schedule("token.refresh-lifetime = '1h'\n").keep, days(90), "what was signed before the change still holds");
}
