//! Reads `[plugins.NAME]`: component, settings, grants and limits.

use std::time::Duration;

use bulkhead_plugin::Origin;
use toml::de::DeValue;

use super::json;
use super::location::Located;
use super::model::{
    Access, Component, DirectoryGrant, FileGrant, Grants, Layer, Limits, Plugin, SecretGrant, SecretSource, Settings, State,
};
use super::paths::{Folders, check_guest_path};
use super::reader::{Item, Section};
use super::suggest::{did_you_mean, listed, parse_word};
use super::units::{check_name, parse_duration_in, parse_size};

/// The bounds of a plugin's limits: what the runtime's pool is made for.
const MEMORY: std::ops::RangeInclusive<u64> = 64 << 10..=256 << 20;
const TIME: std::ops::RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(60);
const INSTANCES: std::ops::RangeInclusive<u32> = 1..=256;

/// Who vouches for the operator at the administration's socket: nobody else may.
const HOST: &str = "host";

/// What there is to grant.
const GRANTS: [&str; 6] = ["directories", "files", "http", "secrets", "kv", "accounts"];

/// What a plugin calls the storage that it lies over, where there is one alone.
const ONLY_LAYER: &str = "below";

const ACCESS: &[(&str, Access)] = &[("read", Access::Read), ("read-write", Access::ReadWrite)];

/// Reads all of them, in the order of the file. `builtins` are the embedded components.
pub fn read(item: Option<&Item<'_>>, folders: &Folders, builtins: &[&str]) -> Vec<Plugin> {
    item.map(Item::entries)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(name, item)| {
            if let Err(message) = check_name(&name.value) {
                item.fault_plain(format!("plugin {message}"));
            }
            if name.value == HOST {
                item.fault_plain("a plugin cannot be called \"host\": that is who vouches for the operator in the audit log");
            }
            read_plugin(name, item.section()?, folders, builtins)
        })
        .collect()
}

fn read_plugin(name: Located<String>, mut section: Section<'_>, folders: &Folders, builtins: &[&str]) -> Option<Plugin> {
    let component = section
        .require("component", "name a component, \"builtin:NAME\" or the path of a .wasm file")
        .and_then(|item| item.parsed(|text| parse_component(text, folders, builtins)));
    let settings = section.take("config").map_or_else(|| Settings::none(&name.location), |item| json::settings(&item));
    let grants = section.take("grants").and_then(|item| item.section()).map(|section| read_grants(section, folders));
    let limits = section.take("limits").and_then(|item| item.section()).map(read_limits);
    let over = section.take("over").map(|item| read_over(&item)).unwrap_or_default();
    section.finish();
    Some(Plugin {
        location: name.location,
        name: name.value,
        component: component?,
        settings,
        grants: grants.unwrap_or_default(),
        limits: limits.unwrap_or_default(),
        over,
    })
}

/// `over = "disk"`, which the plugin calls `below`, or `over = { large = "s3", cache = "disk" }`.
fn read_over(item: &Item<'_>) -> Vec<Layer> {
    if matches!(item.value(), DeValue::String(_)) {
        return item.text().map(|plugin| Layer { name: ONLY_LAYER.to_owned(), plugin }).into_iter().collect();
    }
    let mut layers = Vec::new();
    for (name, item) in item.entries() {
        if let Err(message) = check_name(&name.value) {
            item.fault_plain(format!("layer {message}"));
        }
        layers.extend(item.text().map(|plugin| Layer { name: name.value, plugin }));
    }
    layers
}

fn parse_component(text: &str, folders: &Folders, builtins: &[&str]) -> Result<Component, String> {
    if let Some(name) = text.strip_prefix("builtin:") {
        if builtins.contains(&name) {
            return Ok(Component::Builtin(name.to_owned()));
        }
        let full: Vec<String> = builtins.iter().map(|name| format!("builtin:{name}")).collect();
        let suggestion = did_you_mean(text, full.iter().map(String::as_str));
        let hint = if suggestion.is_empty() { format!("; there are {}", listed(builtins.iter().copied())) } else { suggestion };
        return Err(format!("names no bundled plugin: \"{text}\"{hint}"));
    }
    if text.starts_with("oci://") {
        return Err("cannot be fetched from a registry yet: download the component and name its path".to_owned());
    }
    folders.resolve(text).map(Component::File)
}

fn read_grants(mut section: Section<'_>, folders: &Folders) -> Grants {
    let named = GRANTS.into_iter().filter(|key| section.has(key)).collect();
    let directories = section.take("directories").map(|item| read_directories(&item, folders)).unwrap_or_default();
    let files = section.take("files").map(|item| read_files(&item, folders)).unwrap_or_default();
    let http = section.take("http").map(|item| item.parsed_elements(parse_origin)).unwrap_or_default();
    let http = http.into_iter().map(|origin| origin.value).collect();
    let secrets = section.take("secrets").map(|item| read_secrets(&item, folders)).unwrap_or_default();
    let kv = read_state(&mut section, "kv");
    let accounts = read_state(&mut section, "accounts");
    section.finish();
    Grants { named, directories, files, http, secrets, kv, accounts }
}

fn read_state(section: &mut Section<'_>, key: &'static str) -> State {
    match section.take(key).and_then(|item| item.boolean()) {
        Some(true) => State::Granted,
        Some(false) | None => State::Refused,
    }
}

fn parse_origin(text: &str) -> Result<Origin, String> {
    text.parse().map_err(|error| format!("is wrong: {error}"))
}

fn read_directories(item: &Item<'_>, folders: &Folders) -> Vec<DirectoryGrant> {
    item.entries()
        .into_iter()
        .filter_map(|(guest, item)| {
            if let Err(message) = check_guest_path(&guest.value) {
                item.fault(message);
            }
            let mut section = item.section()?;
            let path = section.require("path", "name the directory").and_then(|item| item.parsed(|text| folders.resolve(text)));
            let access = match section.take("access") {
                Some(item) => item.parsed(|text| parse_word(text, ACCESS)).map(|access| access.value),
                None => Some(Access::Read),
            };
            section.finish();
            Some(DirectoryGrant { location: guest.location, guest: guest.value, path: path?.value, access: access? })
        })
        .collect()
}

fn read_files(item: &Item<'_>, folders: &Folders) -> Vec<FileGrant> {
    item.entries()
        .into_iter()
        .filter_map(|(guest, item)| {
            if let Err(message) = check_guest_path(&guest.value) {
                item.fault(message);
            }
            let path = item.parsed(|text| folders.resolve(text))?;
            Some(FileGrant { location: guest.location, guest: guest.value, path: path.value })
        })
        .collect()
}

/// A secret is the path of a file, or `{ environment = "NAME" }`.
fn read_secrets(item: &Item<'_>, folders: &Folders) -> Vec<SecretGrant> {
    item.entries()
        .into_iter()
        .filter_map(|(name, item)| {
            if let Err(message) = check_secret_name(&name.value) {
                item.fault(message);
            }
            let source = match item.value() {
                DeValue::Table(_) => {
                    let mut section = item.section()?;
                    let variable =
                        section.require("environment", "name the variable that holds the secret, or write the path of a file");
                    let variable = variable.and_then(|item| item.parsed(parse_variable));
                    section.finish();
                    SecretSource::Environment(variable?.value)
                }
                _ => SecretSource::File(item.parsed(|text| folders.resolve(text))?.value),
            };
            Some(SecretGrant { location: name.location, name: name.value, source })
        })
        .collect()
}

fn parse_variable(text: &str) -> Result<String, String> {
    let good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if good { Ok(text.to_owned()) } else { Err(format!("must be the name of an environment variable, not {text:?}")) }
}

fn check_secret_name(text: &str) -> Result<(), String> {
    let good =
        (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if good { Ok(()) } else { Err("must be named with 1 to 100 letters, digits, -, _ and .".to_owned()) }
}

fn read_limits(mut section: Section<'_>) -> Limits {
    let memory = section.take("memory").and_then(|item| {
        item.parsed(|text| {
            let size = parse_size(text)?;
            if MEMORY.contains(&size) { Ok(size) } else { Err(format!("must be from 64KiB to 256MiB, not {text:?}")) }
        })
    });
    let time = section.take("time").and_then(|item| item.parsed(|text| parse_duration_in(text, &TIME, "10ms", "60s")));
    let instances = section.take("instances").and_then(|item| item.integer(INSTANCES));
    section.finish();
    Limits { memory, time, instances }
}
