//! `plugins/README.md` says of each bundled plugin what it takes and what it has to be granted, and its examples are a configuration.

use std::collections::BTreeSet;
use std::process::Command;

use bulkhead_tests::config::Config;
use bulkhead_tests::places;
use bulkhead_tests::programs::{self, Ended};
use bulkhead_tests::server::Server;

const DOCUMENT: &str = "plugins/README.md";

fn read(path: &str) -> String {
    std::fs::read_to_string(places::repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of the bundled plugins: each folder beside the document.
fn plugins() -> Vec<String> {
    let entries = std::fs::read_dir(places::repository().join("plugins")).unwrap().flatten();
    let names: Vec<String> = entries
        .filter(|entry| entry.path().join("plugin.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert!(!names.is_empty(), "no plugin is bundled");
    names
}

/// What the document says of a plugin.
fn section<'a>(document: &'a str, plugin: &str) -> &'a str {
    let begin = format!("\n## {plugin}\n");
    let rest = document.split(&begin).nth(1).unwrap_or_else(|| panic!("{DOCUMENT} says nothing of {plugin}"));
    rest.split("\n## ").next().unwrap_or_default()
}

/// The texts between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// What `bulkhead config check` says of this file.
fn check(text: &str) -> Ended {
    let server = Server::stopped(&Config::standard());
    std::fs::write(server.config_file(), text).unwrap();
    programs::run(
        Command::new(places::binary())
            .args(["config", "check", "--config"])
            .arg(server.config_file())
            .current_dir(server.folder())
            // What the example of `auth-http` reads.
            .env("AUTH_SERVICE_SECRET", "a secret")
            // What the one of `storage-s3` reads.
            .env("S3_SECRET_KEY", "a secret")
            // What the example of `storage-azure` reads: an account key is base64.
            .env("AZURE_STORAGE_KEY", "c2VjcmV0"),
    )
}

/// The settings that a plugin knows, in its own words: it is given one that nobody knows. `config` has it as JSON-like TOML.
fn known(plugin: &str, config: &str) -> Vec<String> {
    let said = check(&format!(
        "[plugins.it]\ncomponent = \"builtin:{plugin}\"\nconfig = {config}\n[registries.default]\nstorage = \"it\"\nauth = [\"it\"]\n"
    ));
    let said = said.expect_failure().text();
    let list = said.split("unknown field `no-such-setting`, expected ").nth(1);
    let list =
        list.and_then(|rest| rest.lines().next()).unwrap_or_else(|| panic!("{plugin} does not say what it takes:\n{said}"));
    quoted(list).map(str::to_owned).collect()
}

#[test]
fn every_setting_of_every_bundled_plugin_is_in_its_table_and_nothing_else() {
    let document = read(DOCUMENT);
    for plugin in plugins() {
        let mut settings: BTreeSet<String> = known(&plugin, "{ no-such-setting = 1 }").into_iter().collect();
        for list in ["issuers", "rules"] {
            if settings.contains(list) {
                let inner = known(&plugin, &format!("{{ {list} = [{{ no-such-setting = 1 }}] }}"));
                settings.extend(inner.into_iter().map(|setting| format!("{list}[].{setting}")));
            }
        }
        let rows = section(&document, &plugin).lines().filter(|line| line.starts_with("| `"));
        let told: BTreeSet<String> = rows.filter_map(|row| quoted(row).next()).map(str::to_owned).collect();
        assert_eq!(told, settings, "the table of {plugin} in {DOCUMENT}");
    }
}

#[test]
fn what_a_bundled_plugin_asks_for_is_what_has_to_be_granted() {
    let document = read(DOCUMENT);
    for plugin in plugins() {
        let manifest = read(&format!("plugins/{plugin}/plugin.toml"));
        let asks = manifest.lines().find_map(|line| line.strip_prefix("asks = ")).expect("a plugin says what it asks for");
        let grants = section(&document, &plugin).split("To be granted: ").nth(1).and_then(|rest| rest.lines().next());
        let grants = grants.unwrap_or_else(|| panic!("{DOCUMENT} does not say what {plugin} is to be granted"));
        let asked: Vec<&str> = asks.split('"').skip(1).step_by(2).collect();
        for ask in &asked {
            let expected: &[&str] = match *ask {
                "files" => &["`grants.files`", "`grants.directories`"],
                "http" => &["`grants.http`"],
                "secrets" => &["`grants.secrets`"],
                "kv" => &["`grants.kv = true`"],
                "accounts" => &["`grants.accounts = true`"],
                "below" => &["`over`"],
                other => panic!("{plugin} asks for {other}: have this test know how that is granted"),
            };
            assert!(
                expected.iter().any(|grant| grants.contains(grant)),
                "{plugin} asks for {ask}, and {DOCUMENT} says: {grants}"
            );
        }
        assert_eq!(asked.is_empty(), grants == "nothing.", "{plugin} asks for {asks}, and {DOCUMENT} says: {grants}");
    }
}

#[test]
fn the_examples_of_the_bundled_plugins_are_a_configuration_without_fault() {
    let document = read(DOCUMENT);
    let blocks: Vec<&str> = document.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    for plugin in plugins() {
        assert!(blocks.iter().any(|block| block.contains(&format!("\"builtin:{plugin}\""))), "{DOCUMENT} shows no {plugin}");
    }
    let said = check(&blocks.join("\n")).expect_success().text();
    // A registry has one storage, and the document shows all that there are.
    let warned: Vec<&str> =
        said.lines().filter(|line| line.contains("warning") && !line.contains("no registry uses it")).collect();
    assert!(warned.is_empty(), "{said}");
}
