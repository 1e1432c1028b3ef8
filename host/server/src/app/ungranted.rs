//! Plugins that ask for what they were not granted: legal, since a plugin may do without, and usually forgotten. What a component asks for is
//! what it imports (decision 3); what it was not granted fails when it is called, which is at the first login, not at the start.

use bulkhead_plugin::Inspection;

use crate::config::{Fault, Plugin};

/// An import that does nothing without a grant.
struct Import {
    name: &'static str,
    /// The keys of `grants`, one of which gives it.
    keys: &'static [&'static str],
    /// What such a key looks like, and what says that nothing is to be granted.
    example: &'static str,
    none: &'static str,
}

const IMPORTS: &[Import] = &[
    Import { name: "accounts", keys: &["accounts"], example: "grants.accounts = true", none: "grants.accounts = false" },
    Import { name: "http", keys: &["http"], example: "grants.http = [\"https://HOST\"]", none: "grants.http = []" },
    Import { name: "kv", keys: &["kv"], example: "grants.kv = true", none: "grants.kv = false" },
    Import {
        name: "files",
        keys: &["files", "directories"],
        example: "grants.files = { \"/NAME\" = \"PATH\" }` or `grants.directories = { \"/NAME\" = { path = \"PATH\" } }",
        none: "grants.files = {}",
    },
    Import { name: "secrets", keys: &["secrets"], example: "grants.secrets = { NAME = \"PATH\" }", none: "grants.secrets = {}" },
];

/// A warning for each import of this plugin that it is not granted. One whose key the configuration has, if with nothing in it, was
/// thought of.
pub fn warnings(plugin: &Plugin, inspection: &Inspection) -> Vec<Fault> {
    let asks = |import: &&Import| inspection.imports.iter().any(|name| interface(name) == Some(import.name));
    let forgotten = |import: &&Import| !import.keys.iter().any(|key| plugin.grants.named.contains(key));
    IMPORTS.iter().filter(asks).filter(forgotten).map(|import| warning(plugin, import)).collect()
}

fn warning(plugin: &Plugin, Import { name, example, none, .. }: &Import) -> Fault {
    let message = format!(
        "plugin {}: it imports `{name}`, and is not granted it, so that what it asks there fails: write `{example}`, or `{none}` if it is to do without",
        plugin.name
    );
    Fault::new(&plugin.location, message)
}

/// `NAME` of `bulkhead:plugin/NAME@VERSION`.
fn interface(import: &str) -> Option<&str> {
    import.strip_prefix("bulkhead:plugin/").map(|rest| rest.split('@').next().unwrap_or(rest))
}
