//! Each `plugin.toml` beside the component that it describes: what it is for, and what it asks the operator for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bulkhead_plugin::{ComponentSource, Inspection};
use bulkhead_tests::places;

use crate::world;

/// What an operator grants; `log`, `clock` and `random` every plugin has.
const GRANTED: [&str; 6] = ["http", "secrets", "kv", "accounts", "files", "below"];

struct Manifest {
    path: PathBuf,
    name: String,
    kinds: BTreeSet<String>,
    asks: BTreeSet<String>,
}

impl Manifest {
    fn read(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = table.get("name").and_then(toml::Value::as_str);
        let name = name.unwrap_or_else(|| panic!("{}: no `name`", path.display())).to_owned();
        Self { kinds: words(&path, &table, "kinds"), asks: words(&path, &table, "asks"), path, name }
    }

    /// All that it says otherwise than the component does.
    fn faults(&self, component: &Inspection) -> Vec<String> {
        let exported: BTreeSet<String> = component.kinds.iter().map(ToString::to_string).collect();
        let imported: BTreeSet<String> = component.imports.iter().filter_map(|import| granted(import)).collect();
        let mut faults = Vec::new();
        if self.kinds != exported {
            faults.push(format!("`kinds` is {:?}, and the component exports {exported:?}", self.kinds));
        }
        for import in imported.difference(&self.asks) {
            faults.push(format!("the component imports `{import}`, which `asks` does not name"));
        }
        for ask in self.asks.difference(&imported) {
            // The host sends what a webhook makes: the origin is asked for, the import is not needed.
            let delivery = ask == "http" && self.kinds.contains("webhook");
            if !delivery {
                faults.push(format!("`asks` names `{ask}`, which the component does not import"));
            }
        }
        faults.iter().map(|fault| format!("{}: {fault}", self.path.display())).collect()
    }
}

fn words(path: &Path, table: &toml::Table, key: &str) -> BTreeSet<String> {
    let list = table.get(key).and_then(toml::Value::as_array);
    let list = list.unwrap_or_else(|| panic!("{}: no list `{key}`", path.display()));
    list.iter()
        .map(|word| word.as_str().unwrap_or_else(|| panic!("{}: {word} in `{key}` is no text", path.display())).to_owned())
        .collect()
}

/// The part of `bulkhead:plugin/PART@VERSION`, where an operator has to grant it.
fn granted(import: &str) -> Option<String> {
    let part = import.strip_prefix("bulkhead:plugin/")?.split('@').next()?;
    GRANTED.contains(&part).then(|| part.to_owned())
}

/// Of all plugins of the repository: each folder that holds a crate of one.
fn manifests() -> Vec<Manifest> {
    let mut manifests = Vec::new();
    for folder in ["plugins", "examples", "tests/guests"] {
        let folder = places::repository().join(folder);
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for plugin in entries.flatten().map(|entry| entry.path()).filter(|path| path.join("Cargo.toml").is_file()) {
            manifests.push(Manifest::read(plugin.join("plugin.toml")));
        }
    }
    manifests
}

#[tokio::test(flavor = "multi_thread")]
async fn each_plugin_is_and_asks_for_what_its_manifest_says() {
    let manifests = manifests();
    assert!(manifests.len() >= 11, "only {} plugins were found", manifests.len());
    let mut faults = Vec::new();
    for manifest in &manifests {
        let component = ComponentSource::File(places::component(&manifest.name));
        let inspection = world::runtime().await.inspect(component).await;
        let inspection = inspection.unwrap_or_else(|error| panic!("{}: {error}", manifest.path.display()));
        assert!(!inspection.imports.is_empty(), "{} imports nothing, not even the shared types", manifest.name);
        faults.extend(manifest.faults(&inspection));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
