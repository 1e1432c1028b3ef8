//! Reads what a registry takes, keeps and lets go: `sparse`, and the tables `limits`, `uploads`, `pulls` and `deletes` of `[registries.NAME]`.
//!
//! `registries.rs` calls it. The defaults are the core's; this module knows the bounds.

use std::ops::RangeInclusive;
use std::time::Duration;

use bulkhead_core::ports::catalog::{Referenced, Sparse};
use bulkhead_core::ports::event::Scope;
use bulkhead_core::registry::{Deletes, Deleting, Rules};

use super::reader::{Item, Section};
use super::suggest::parse_word;
use super::units::{parse_duration_in, parse_size};

/// The bounds of the largest manifest. The specification wants 4 MiB at least; a manifest is held in memory, so there is an end to it.
const MANIFEST_BYTES: RangeInclusive<usize> = 4 << 20..=64 << 20;

/// The bounds of an unfinished upload's life.
const UPLOAD_LIFE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(30 * 24 * 3600);

/// The bounds of a link's life. Object stores sign for a week at most.
const LINK_LIFE: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(7 * 24 * 3600);

const SPARSE: &[(&str, Sparse)] = &[("refuse", Sparse::Refuse), ("indexes", Sparse::Indexes), ("all", Sparse::All)];

const REFERENCED: &[(&str, Referenced)] = &[("refuse", Referenced::Refuse), ("allow", Referenced::Allow)];

/// Reads the keys of a registry that make its rules, and takes them from its section.
pub fn read(registry: &mut Section<'_>) -> Rules {
    let mut rules = Rules::default();
    if let Some(sparse) = registry.take("sparse").and_then(|item| item.parsed(|text| parse_word(text, SPARSE))) {
        rules.sparse = sparse.value;
    }
    if let Some(section) = table(registry, "limits") {
        read_limits(section, &mut rules);
    }
    if let Some(section) = table(registry, "uploads") {
        read_uploads(section, &mut rules);
    }
    if let Some(section) = table(registry, "pulls") {
        rules.redirect = read_redirect(section);
    }
    if let Some(section) = table(registry, "deletes") {
        rules.deletes = read_deletes(section);
    }
    rules
}

fn table<'a>(section: &mut Section<'a>, key: &'static str) -> Option<Section<'a>> {
    section.take(key).and_then(|item| item.section())
}

fn read_limits(mut section: Section<'_>, rules: &mut Rules) {
    if let Some(bytes) = section.take("upload-bytes").and_then(|item| item.parsed(parse_some)) {
        rules.max_blob_bytes = bytes.value;
    }
    let manifest = section.take("manifest-bytes").and_then(|item| {
        item.parsed(|text| {
            let size = usize::try_from(parse_size(text)?).unwrap_or(usize::MAX);
            if MANIFEST_BYTES.contains(&size) { Ok(size) } else { Err(format!("must be from 4MiB to 64MiB, not {text:?}")) }
        })
    });
    if let Some(bytes) = manifest {
        rules.max_manifest_bytes = bytes.value;
    }
    section.finish();
}

/// A size that is more than nothing.
fn parse_some(text: &str) -> Result<u64, String> {
    match parse_size(text)? {
        0 => Err("must be more than nothing".to_owned()),
        size => Ok(size),
    }
}

/// Comes after the limits, since a chunk is no larger than its upload.
fn read_uploads(mut section: Section<'_>, rules: &mut Rules) {
    let lifetime =
        section.take("lifetime").and_then(|item| item.parsed(|text| parse_duration_in(text, &UPLOAD_LIFE, "1s", "30d")));
    if let Some(lifetime) = lifetime {
        rules.upload_life = lifetime.value;
    }
    let most = rules.max_blob_bytes;
    let chunk = section.take("chunk-min").and_then(|item| {
        item.parsed(|text| match parse_some(text)? {
            size if size <= most => Ok(size),
            _ => Err(format!("must be at most what `limits.upload-bytes` allows, {most} bytes, not {text:?}")),
        })
    });
    rules.chunk_min = chunk.map(|chunk| chunk.value);
    section.finish();
}

fn read_redirect(mut section: Section<'_>) -> Option<Duration> {
    let life = section.take("redirect").and_then(|item| item.parsed(|text| parse_duration_in(text, &LINK_LIFE, "10s", "7d")));
    section.finish();
    life.map(|life| life.value)
}

fn read_deletes(mut section: Section<'_>) -> Deletes {
    let deleting = match section.take("enabled").and_then(|item| item.boolean()) {
        Some(false) => Deleting::Off,
        Some(true) | None => Deleting::On,
    };
    let referenced = section.take("referenced");
    let locked = section.take("locked");
    if deleting == Deleting::Off {
        for item in [&referenced, &locked].into_iter().flatten() {
            item.warning("has no effect, since `enabled = false` turns all deletes off");
        }
    }
    let referenced = referenced.and_then(|item| item.parsed(|text| parse_word(text, REFERENCED)));
    let locked = locked.map(|item| read_locked(&item)).unwrap_or_default();
    section.finish();
    Deletes { deleting, referenced: referenced.map(|referenced| referenced.value).unwrap_or_default(), locked }
}

fn read_locked(item: &Item<'_>) -> Vec<Scope> {
    item.parsed_elements(parse_scope).into_iter().map(|scope| scope.value).collect()
}

/// Reads a scope, such as `team/*` or `team/app:v1`.
///
/// # Errors
/// The end of a sentence that begins with the key.
pub fn parse_scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).map_err(|error| format!("is wrong: {error}"))
}
