//! Reads `[registries.NAME]` and its webhooks.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use bulkhead_core::ports::event::{EventAction, Scope};
use bulkhead_core::ports::ids::RegistryName;

use super::json;
use super::location::Located;
use super::model::{DEFAULT_REGISTRY, Registry, Settings, Webhook};
use super::reader::{Item, Section};
use super::rules::{self, parse_scope};
use super::suggest::{did_you_mean, listed};
use super::units::{check_name, parse_duration_in, parse_host};

/// The bounds of a token's lifetime: clients expect a minute at least, and a token cannot be taken back.
const LIFETIME: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(24 * 3600);
/// The bounds of a refresh token's: it is asked about at each use, but keeps the key that signed it.
const REFRESH_LIFETIME: RangeInclusive<Duration> = Duration::from_secs(600)..=Duration::from_secs(365 * 24 * 3600);

const ACTIONS: &[(&str, EventAction)] = &[
    ("push", EventAction::Push),
    ("pull", EventAction::Pull),
    ("delete", EventAction::Delete),
    ("mount", EventAction::Mount),
    ("untag", EventAction::Untag),
];

/// Reads all of them, in the order of the file.
pub fn read(item: Option<&Item<'_>>) -> Vec<Registry> {
    item.map(Item::entries)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(name, item)| {
            let section = item.section();
            match name.value.parse::<RegistryName>() {
                Ok(parsed) => Some(read_registry(Located::new(name.location, parsed), section?)),
                Err(error) => {
                    item.fault_plain(format!("registry {:?}: {error}", name.value));
                    None
                }
            }
        })
        .collect()
}

fn read_registry(name: Located<RegistryName>, mut section: Section<'_>) -> Registry {
    let hosts = section.take("hosts");
    if name.value.as_str() != DEFAULT_REGISTRY
        && hosts.as_ref().is_none_or(|item| item.elements().is_some_and(|all| all.is_empty()))
    {
        section.fault(format!(
            "has no `hosts`: nobody could reach it, since only [registries.{DEFAULT_REGISTRY}] answers every other host"
        ));
    }
    let hosts = hosts.map(|item| item.parsed_elements(parse_host)).unwrap_or_default();
    let storage = section.require("storage", "name the storage plugin that keeps its content").and_then(|item| item.text());
    let auth = section
        .require("auth", "list the plugins that decide who may do what, in the order in which they are asked")
        .map(|item| read_chain(&item));
    let admission = section.take("admission").map(|item| read_names(&item)).unwrap_or_default();
    let rules = rules::read(&mut section);
    let (token_lifetime, refresh_lifetime) =
        section.take("token").and_then(|item| item.section()).map(read_token).unwrap_or_default();
    let webhooks = section
        .take("webhooks")
        .and_then(|item| item.elements())
        .map(|elements| elements.into_iter().filter_map(|element| read_webhook(element.section()?)).collect())
        .unwrap_or_default();
    section.finish();
    // What is missing is a fault by now, so nobody acts on this registry; it goes on for the sake of the faults of its other keys.
    let storage = storage.unwrap_or_else(|| Located::new(name.location.clone(), String::new()));
    let auth = auth.unwrap_or_default();
    Registry { name: name.value, hosts, storage, auth, admission, rules, token_lifetime, refresh_lifetime, webhooks }
}

fn read_chain(item: &Item<'_>) -> Vec<Located<String>> {
    if item.elements().is_some_and(|elements| elements.is_empty()) {
        item.fault("names no plugin: nobody could do anything");
    }
    read_names(item)
}

/// Plugins in the order in which they are asked.
fn read_names(item: &Item<'_>) -> Vec<Located<String>> {
    let mut seen = BTreeSet::new();
    let Some(texts) = item.texts() else { return Vec::new() };
    for (element, name) in &texts {
        if !seen.insert(name.as_str()) {
            element.fault(format!("names \"{name}\" twice"));
        }
    }
    texts.iter().map(|(element, name)| Located::new(element.location.clone(), name.clone())).collect()
}

/// How long a token, and a refresh token, hold.
fn read_token(mut section: Section<'_>) -> (Option<Duration>, Option<Duration>) {
    let lifetime = section.take("lifetime").and_then(|item| item.parsed(|text| parse_duration_in(text, &LIFETIME, "60s", "24h")));
    let refresh = section
        .take("refresh-lifetime")
        .and_then(|item| item.parsed(|text| parse_duration_in(text, &REFRESH_LIFETIME, "10m", "365d")));
    section.finish();
    (lifetime.map(|lifetime| lifetime.value), refresh.map(|lifetime| lifetime.value))
}

fn read_webhook(mut section: Section<'_>) -> Option<Webhook> {
    let location = section.location.clone();
    let name = section.require("name", "name the webhook").and_then(|item| {
        item.parsed(|text| {
            check_name(text)?;
            Ok(text.to_owned())
        })
    });
    let plugin = section.require("plugin", "name the webhook plugin that makes its requests").and_then(|item| item.text());
    let actions =
        section.require("actions", "list what it hears of, such as [\"push\", \"delete\"]").map(|item| read_actions(&item));
    let scope = match section.take("scope") {
        Some(item) => item.parsed(parse_scope).map(|scope| scope.value),
        None => Scope::parse("").ok(),
    };
    let settings = section.take("config").map_or_else(|| Settings::none(&location), |item| json::settings(&item));
    section.finish();
    Some(Webhook { name: name?.value, location, plugin: plugin?, actions: actions?, scope: scope?, settings })
}

fn read_actions(item: &Item<'_>) -> BTreeSet<EventAction> {
    let Some(texts) = item.texts() else { return BTreeSet::new() };
    if texts.is_empty() {
        item.fault("lists nothing: it would never hear of anything");
    }
    let names = || ACTIONS.iter().map(|(name, _)| *name);
    texts
        .iter()
        .filter_map(|(element, text)| {
            let action = ACTIONS.iter().find(|(name, _)| name == text).map(|(_, action)| *action);
            if action.is_none() {
                let suggestion = did_you_mean(text, names());
                let hint = if suggestion.is_empty() { format!("; there are {}", listed(names())) } else { suggestion };
                element.fault(format!("names no event: \"{text}\"{hint}"));
            }
            action
        })
        .collect()
}
