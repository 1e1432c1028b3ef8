//! The rules: each says what is wrong, with the value, and what would be right.

use std::collections::BTreeMap;

use bulkhead_plugin_sdk::glob::TextGlob;

use crate::content::{Content, Descriptor, EMPTY, Nature, Parts, Platform, quoted};
use crate::settings::{PlatformGlob, Required, Settings};
use crate::urls::{Prefix, plain};

/// What is wrong with this content, and its config as far as the host showed it. Empty: nothing.
pub fn faults(settings: &Settings, content: &Content, config: Option<&[u8]>) -> Vec<String> {
    let mut faults = Vec::new();
    let nature = content.nature(config);
    if let Some(required) = &settings.required_annotations
        && !matches!(nature, Ok(Nature::Attestation))
    {
        annotations(required, content, &mut faults);
    }
    if let Some(allowed) = &settings.allowed_media_types {
        media_types(allowed, content, &mut faults);
    }
    if let Some(allowed) = &settings.allowed_layer_types {
        layer_types(allowed, content.layers(), &mut faults);
    }
    if let Some(most) = settings.max_layers
        && content.layers().len() > most
    {
        faults.push(format!("it has {} layers, and at most {most} are allowed", content.layers().len()));
    }
    if let Some(most) = settings.max_size {
        size(most.0, content, &mut faults);
    }
    if let Some(prefixes) = &settings.foreign_urls {
        foreign_urls(prefixes, content, &mut faults);
    }
    if settings.required_labels.is_some() || settings.allowed_platforms.is_some() {
        match nature {
            Ok(nature) => by_nature(settings, content, &nature, &mut faults),
            Err(fault) => faults.push(fault),
        }
    }
    faults
}

fn by_nature(settings: &Settings, content: &Content, nature: &Nature, faults: &mut Vec<String>) {
    match nature {
        Nature::Attestation | Nature::Artifact => {}
        Nature::Index => {
            if let Some(allowed) = &settings.allowed_platforms {
                entry_platforms(allowed, content, faults);
            }
        }
        Nature::Image(platform, labels) => {
            if let Some(allowed) = &settings.allowed_platforms
                && !allowed.iter().any(|glob| glob.matches(platform))
            {
                faults.push(format!(
                    "the image is for {}, and {}",
                    runs_on(platform),
                    only(allowed.iter().map(PlatformGlob::as_str))
                ));
            }
            for one in settings.required_labels.iter().flatten() {
                let how = |value: &str| format!("set it with `LABEL {}={value}` in the Dockerfile", one.key);
                faults.extend(missing("label", one, labels, how));
            }
        }
    }
}

fn annotations(required: &[Required], content: &Content, faults: &mut Vec<String>) {
    let level = match content.parts {
        Parts::Image(..) => "",
        Parts::Index(..) => "index:",
    };
    for one in required {
        let how = |value: &str| format!("set it, as with `docker buildx build --annotation {level}{}={value}`", one.key);
        faults.extend(missing("annotation", one, &content.annotations, how));
    }
}

fn missing(what: &str, required: &Required, present: &BTreeMap<String, String>, how: impl Fn(&str) -> String) -> Option<String> {
    let (key, wanted) = (&required.key, required.value.as_deref());
    let advice = || how(wanted.unwrap_or("..."));
    match (present.get(key), wanted) {
        (None, _) => Some(format!("the {what} `{key}` is missing: {}", advice())),
        (Some(value), None) if value.trim().is_empty() => Some(format!("the {what} `{key}` is empty: {}", advice())),
        (Some(value), Some(wanted)) if value != wanted => {
            Some(format!("the {what} `{key}` is {}, and must be `{wanted}`", quoted(value)))
        }
        (Some(_), _) => None,
    }
}

fn media_types(allowed: &[TextGlob], content: &Content, faults: &mut Vec<String>) {
    let mut types = vec![("media type", content.media_type.as_str())];
    types.extend(content.artifact_type.as_deref().map(|text| ("artifactType", text)));
    if let Parts::Image(config, _) = &content.parts
        && (config.media_type != EMPTY || content.artifact_type.is_none())
    {
        types.push(("config's media type", &config.media_type));
    }
    for (what, text) in types.into_iter().filter(|(_, text)| !any(allowed, text)) {
        faults.push(format!("the {what} {} is not allowed: {}", quoted(text), only(allowed.iter().map(TextGlob::as_str))));
    }
}

fn layer_types(allowed: &[TextGlob], layers: &[Descriptor], faults: &mut Vec<String>) {
    let first = (1..).zip(layers).find(|(_, layer)| !any(allowed, &layer.media_type));
    faults.extend(first.map(|(number, layer)| {
        format!("layer {number} is of type {}: {}", quoted(&layer.media_type), only(allowed.iter().map(TextGlob::as_str)))
    }));
}

fn size(most: u64, content: &Content, faults: &mut Vec<String>) {
    let config = match &content.parts {
        Parts::Image(config, _) => Some(config),
        Parts::Index(..) => None,
    };
    // Sizes are what the client says: many of them overflow 64 bits.
    let total: u128 = config.into_iter().chain(content.layers()).map(|part| u128::from(part.size)).sum();
    if total > u128::from(most) {
        faults.push(format!("config and layers have {total} bytes together, and at most {most} are allowed"));
    }
}

fn entry_platforms(allowed: &[PlatformGlob], content: &Content, faults: &mut Vec<String>) {
    let Parts::Index(manifests, others) = &content.parts else { return };
    for (number, entry) in (1..).zip(manifests.iter().chain(others)) {
        let Some(platform) = entry.platform.as_ref().filter(|platform| !platform.is_unknown()) else { continue };
        if !allowed.iter().any(|glob| glob.matches(platform)) {
            let only = only(allowed.iter().map(PlatformGlob::as_str));
            faults.push(format!("entry {number} of the index is for {}, and {only}", runs_on(platform)));
        }
    }
}

fn foreign_urls(prefixes: &[Prefix], content: &Content, faults: &mut Vec<String>) {
    for (what, descriptor) in content.descriptors() {
        for text in descriptor.urls.iter().flatten() {
            match plain(text) {
                Ok(url) if prefixes.iter().any(|prefix| prefix.covers(&url)) => {}
                Ok(_) if prefixes.is_empty() => {
                    faults.push(format!(
                        "{what} is said to lie at {}, and no URLs are allowed: push the content itself",
                        quoted(text)
                    ));
                }
                Ok(_) => {
                    let allowed = only(prefixes.iter().map(Prefix::as_str));
                    faults.push(format!("{what} is said to lie at {}, and {allowed}", quoted(text)));
                }
                Err(fault) => faults.push(format!("{what} is said to lie at a URL that is not allowed: {fault}")),
            }
        }
    }
}

fn any(allowed: &[TextGlob], text: &str) -> bool {
    allowed.iter().any(|glob| glob.matches(text))
}

fn runs_on(platform: &Platform) -> String {
    let or_none = |text: &str| if text.is_empty() { "(not said)".to_owned() } else { text.to_owned() };
    let (os, architecture, variant) = platform.names();
    let variant = if variant.is_empty() { String::new() } else { format!("/{variant}") };
    quoted(&format!("{}/{}{variant}", or_none(os), or_none(architecture)))
}

/// What would be right, as far as it is soon said.
fn only<'a>(allowed: impl ExactSizeIterator<Item = &'a str>) -> String {
    const MOST: usize = 5;
    let rest = allowed.len().saturating_sub(MOST);
    let names: Vec<String> = allowed.take(MOST).map(|one| format!("`{one}`")).collect();
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("only {}{rest} may be", names.join(", "))
}
