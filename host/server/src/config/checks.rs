//! What only shows when the parts of a configuration are seen together: names that refer to nothing, hosts that two registries claim,
//! plugins that nobody uses, or that are too small for what they are asked about.

use std::collections::BTreeMap;

use super::location::{Fault, Located, Location};
use super::model::{Plugin, Registry};
use super::suggest::{did_you_mean, listed};

/// How much memory an admission plugin wants for each byte of a manifest: for the manifest, and for what it makes of it.
const MEMORY_FOR_A_BYTE: usize = 4;

/// What there is to say.
#[derive(Default)]
pub struct Findings {
    /// What must be mended.
    pub faults: Vec<Fault>,
    /// What is legal, and probably not meant.
    pub warnings: Vec<Fault>,
}

/// Checks plugins and registries against each other. `declared` are the names of all plugin tables, faulty ones among them, so that one
/// fault does not cause another.
pub fn check(declared: &[Located<String>], plugins: &[Plugin], registries: &[Registry]) -> Findings {
    let mut findings = Findings::default();
    references(declared, registries, &mut findings);
    layers(declared, plugins, &mut findings);
    owners(plugins, registries, &mut findings);
    hosts(registries, &mut findings);
    for registry in registries {
        webhook_names(registry, &mut findings);
    }
    unused(plugins, registries, &mut findings);
    memory(plugins, registries, &mut findings);
    findings
}

/// What the registry names. An empty name stands for a key that is missing, which is a fault already.
fn named(registry: &Registry) -> impl Iterator<Item = (&'static str, &Located<String>)> {
    registry.plugins().filter(|(_, name)| !name.value.is_empty())
}

fn references(declared: &[Located<String>], registries: &[Registry], findings: &mut Findings) {
    let names = || declared.iter().map(|name| name.value.as_str());
    for registry in registries {
        for (key, used) in named(registry).filter(|(_, used)| names().all(|name| name != used.value)) {
            findings.faults.push(undeclared(&format!("registry {}: `{key}`", registry.name), used, declared));
        }
    }
}

fn undeclared(what: &str, used: &Located<String>, declared: &[Located<String>]) -> Fault {
    let names = || declared.iter().map(|name| name.value.as_str());
    let suggestion = did_you_mean(&used.value, names());
    let hint = if suggestion.is_empty() { format!("; there are {}", listed(names())) } else { suggestion };
    Fault::new(&used.location, format!("{what} names the plugin \"{}\", which no [plugins] table declares{hint}", used.value))
}

/// Layers end at a storage that lies over nothing.
fn layers(declared: &[Located<String>], plugins: &[Plugin], findings: &mut Findings) {
    let below =
        |name: &str| plugins.iter().find(|plugin| plugin.name == name).map(|plugin| plugin.over.as_slice()).unwrap_or_default();
    for plugin in plugins {
        for layer in &plugin.over {
            let what = format!("plugin {}: `over`", plugin.name);
            if declared.iter().all(|name| name.value != layer.plugin.value) {
                findings.faults.push(undeclared(&what, &layer.plugin, declared));
                continue;
            }
            let (mut deepest, mut reached) = (vec![layer.plugin.value.as_str()], vec![layer.plugin.value.as_str()]);
            while let Some(name) = deepest.pop() {
                for next in below(name) {
                    if !reached.contains(&next.plugin.value.as_str()) {
                        reached.push(&next.plugin.value);
                        deepest.push(&next.plugin.value);
                    }
                }
            }
            if reached.contains(&plugin.name.as_str()) {
                let message =
                    format!("{what} leads back to {} itself: a layer must end at a storage that lies over nothing", plugin.name);
                findings.faults.push(Fault::new(&layer.plugin.location, message));
            }
        }
    }
}

/// A storage that a layer lies over belongs to that layer alone: it may take it for a cache and delete what it did not put there, or read what
/// another registry keeps.
fn owners(plugins: &[Plugin], registries: &[Registry], findings: &mut Findings) {
    let named = registries.iter().map(|registry| (format!("registry {}: `storage`", registry.name), &registry.storage));
    let mut owned: BTreeMap<&str, String> = BTreeMap::new();
    let layers = plugins
        .iter()
        .flat_map(|plugin| plugin.over.iter().map(move |layer| (format!("plugin {}: `over`", plugin.name), &layer.plugin)));
    for (place, used) in layers {
        if let Some(other) = owned.insert(&used.value, place.clone()) {
            findings.faults.push(shared(&place, used, &other));
        }
    }
    for (place, used) in named {
        if let Some(other) = owned.get(used.value.as_str()) {
            findings.faults.push(shared(&place, used, other));
        }
    }
}

fn shared(place: &str, used: &Located<String>, other: &str) -> Fault {
    let message = format!(
        "{place} names the storage \"{}\", which {other} has for itself: declare another plugin, with a place of its own",
        used.value
    );
    Fault::new(&used.location, message)
}

fn hosts(registries: &[Registry], findings: &mut Findings) {
    let mut claimed: BTreeMap<&str, (&Registry, &Location)> = BTreeMap::new();
    for registry in registries {
        for host in &registry.hosts {
            if let Some((other, line)) = claimed.insert(&host.value, (registry, &host.location)) {
                let message = format!(
                    "registry {}: the host \"{}\" is claimed by registry {} already ({line})",
                    registry.name, host.value, other.name
                );
                findings.faults.push(Fault::new(&host.location, message));
            }
        }
    }
}

fn webhook_names(registry: &Registry, findings: &mut Findings) {
    let mut seen: BTreeMap<&str, &Location> = BTreeMap::new();
    for webhook in &registry.webhooks {
        if let Some(line) = seen.insert(&webhook.name, &webhook.location) {
            let message = format!("registry {} has a webhook \"{}\" already ({line})", registry.name, webhook.name);
            findings.faults.push(Fault::new(&webhook.location, message));
        }
    }
}

fn unused(plugins: &[Plugin], registries: &[Registry], findings: &mut Findings) {
    let is_below = |name: &str| plugins.iter().flat_map(|plugin| &plugin.over).any(|layer| layer.plugin.value == name);
    let is_named = |name: &str| registries.iter().flat_map(named).any(|(_, used)| used.value == name);
    for plugin in plugins.iter().filter(|plugin| !is_named(&plugin.name) && !is_below(&plugin.name)) {
        let message = format!("plugin {} is declared, and no registry uses it", plugin.name);
        findings.warnings.push(Fault::new(&plugin.location, message));
    }
}

fn memory(plugins: &[Plugin], registries: &[Registry], findings: &mut Findings) {
    for registry in registries {
        let manifest = registry.rules.max_manifest_bytes;
        let wanted = manifest * MEMORY_FOR_A_BYTE;
        for used in &registry.admission {
            let Some(plugin) = plugins.iter().find(|plugin| plugin.name == used.value) else { continue };
            let memory = plugin.limits.memory_bytes();
            if memory < wanted {
                let message = format!(
                    "registry {}: `admission` asks the plugin {} about manifests of up to {} MiB, for which its memory of {} MiB may \
                     be too small: raise its `limits.memory` to \"{}MiB\"",
                    registry.name,
                    plugin.name,
                    mebibytes(manifest),
                    mebibytes(memory),
                    mebibytes(wanted)
                );
                findings.warnings.push(Fault::new(&used.location, message));
            }
        }
    }
}

/// Rounded up, so that who does as a message says has enough.
fn mebibytes(bytes: usize) -> usize {
    bytes.div_ceil(1 << 20)
}
