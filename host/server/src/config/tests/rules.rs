//! What a registry takes, keeps and lets go, and the plugins that it asks before a change.

use bulkhead_core::ports::catalog::{Referenced, Sparse};
use bulkhead_core::registry::{Deleting, Rules};

use super::*;

/// A plugin that can stand under `admission`, at the lines 10 and 11.
const GUARD: &str = "[plugins.guard]\ncomponent = 'builtin:policy-immutable-tags'\n";

/// The rules of a registry with these lines, of which the first is line 10.
fn rules(lines: &str) -> Rules {
    let config = good(&format!("{PLUGINS}{REGISTRY}\n{lines}"));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    config.registries[0].rules.clone()
}

/// The warnings of a whole configuration.
fn warnings(text: &str) -> Vec<String> {
    good(text).warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_registry_that_says_nothing_has_the_rules_of_the_core() {
    let (read, standard) = (rules(""), Rules::default());
    assert_eq!(
        (read.max_blob_bytes, read.max_manifest_bytes, read.upload_life, read.chunk_min),
        (standard.max_blob_bytes, standard.max_manifest_bytes, standard.upload_life, standard.chunk_min)
    );
    assert_eq!((read.sparse, read.deletes.deleting, read.deletes.referenced), (Sparse::Refuse, Deleting::On, Referenced::Refuse));
    assert!(read.deletes.locked.is_empty());
    assert!(good(&format!("{PLUGINS}{REGISTRY}")).registries[0].admission.is_empty());
}

#[test]
fn every_rule_of_a_registry_is_read() {
    let read = rules(
        "sparse = 'indexes'
[registries.default.deletes]
enabled = true
referenced = 'allow'
locked = ['release/*', 'app:v1']
[registries.default.uploads]
lifetime = '90m'
chunk-min = '1MiB'
[registries.default.limits]
upload-bytes = '10GiB'
manifest-bytes = '8MiB'
",
    );
    assert_eq!((read.max_blob_bytes, read.max_manifest_bytes), (10 << 30, 8 << 20));
    assert_eq!((read.upload_life, read.chunk_min), (Duration::from_secs(5400), Some(1 << 20)));
    assert_eq!((read.sparse, read.deletes.deleting, read.deletes.referenced), (Sparse::Indexes, Deleting::On, Referenced::Allow));
    let locked = |repository: &str, tag: &str| read.deletes.locked.iter().any(|scope| scope.matches(repository, Some(tag)));
    assert!(locked("release/web", "any") && locked("app", "v1") && !locked("app", "v2") && !locked("other", "v1"));
}

#[test]
fn every_word_of_a_rule_has_its_meaning() {
    for (word, meaning) in [("refuse", Sparse::Refuse), ("indexes", Sparse::Indexes), ("all", Sparse::All)] {
        assert_eq!(rules(&format!("sparse = '{word}'\n")).sparse, meaning, "{word}");
    }
    for (word, meaning) in [("refuse", Referenced::Refuse), ("allow", Referenced::Allow)] {
        assert_eq!(rules(&format!("deletes.referenced = '{word}'\n")).deletes.referenced, meaning, "{word}");
    }
    for (value, meaning) in [(true, Deleting::On), (false, Deleting::Off)] {
        assert_eq!(rules(&format!("deletes.enabled = {value}\n")).deletes.deleting, meaning, "{value}");
    }
}

#[test]
fn the_bounds_of_a_rule_are_taken_themselves() {
    for (text, bytes) in [("4MiB", 4 << 20), ("64MiB", 64 << 20)] {
        assert_eq!(rules(&format!("limits.manifest-bytes = '{text}'\n")).max_manifest_bytes, bytes, "{text}");
    }
    for (text, seconds) in [("1s", 1), ("30d", 30 * 86_400)] {
        assert_eq!(rules(&format!("uploads.lifetime = '{text}'\n")).upload_life, Duration::from_secs(seconds), "{text}");
    }
    assert_eq!(rules("limits.upload-bytes = '5MiB'\nuploads.chunk-min = '5MiB'\n").chunk_min, Some(5 << 20));
    assert_eq!(rules("uploads.chunk-min = '200GiB'\n").chunk_min, Some(200 << 30), "the default of `upload-bytes`");
}

#[test]
fn a_rule_that_is_wrong_is_a_fault_with_its_line() {
    let cases = [
        ("sparse = 'indexs'\n", 10, "must be \"refuse\", \"indexes\" or \"all\", not \"indexs\"; did you mean \"indexes\"?"),
        ("sparse = 'some'\n", 10, "registries.default.sparse must be \"refuse\", \"indexes\" or \"all\", not \"some\""),
        ("sparse = true\n", 10, "must be a string, not true or false"),
        ("deletes = false\n", 10, "registries.default.deletes must be a table, not true or false"),
        ("deletes.enabled = 'no'\n", 10, "must be true or false, not a string"),
        ("deletes.enabled = true\ndeletes.referenced = 'allowed'\n", 11, "did you mean \"allow\"?"),
        ("deletes.referenced = 'keep'\n", 10, "must be \"refuse\" or \"allow\", not \"keep\""),
        ("deletes.locked = 'app'\n", 10, "must be a list, not a string"),
        ("deletes.locked = [\n'app',\n'App']\n", 12, "registries.default.deletes.locked is wrong: the scope \"App\""),
        ("deletes.locked = ['app', 5]\n", 10, "must be a string, not a whole number"),
        ("uploads.lifetime = '999ms'\n", 10, "registries.default.uploads.lifetime must be from 1s to 30d, not \"999ms\""),
        ("uploads.lifetime = '31d'\n", 10, "must be from 1s to 30d"),
        ("uploads.lifetime = 'never'\n", 10, "must be a duration"),
        ("uploads.chunk-min = '0B'\n", 10, "must be more than nothing"),
        ("uploads.chunk-min = '1 apple'\n", 10, "must be a size"),
        (
            "uploads.chunk-min = '2KiB'\nlimits.upload-bytes = '1KiB'\n",
            10,
            "`limits.upload-bytes` allows, 1024 bytes, not \"2KiB\"",
        ),
        ("uploads.chunk-min = '201GiB'\n", 10, "`limits.upload-bytes` allows, 214748364800 bytes"),
        ("limits.upload-bytes = '0B'\n", 10, "must be more than nothing"),
        (
            "limits.manifest-bytes = '3MiB'\n",
            10,
            "registries.default.limits.manifest-bytes must be from 4MiB to 64MiB, not \"3MiB\"",
        ),
        ("limits.manifest-bytes = '65MiB'\n", 10, "must be from 4MiB to 64MiB"),
        ("limits.manifest-bytes = 5000000\n", 10, "must be a string, not a whole number"),
    ];
    for (text, line, says) in cases {
        one_fault(&format!("{PLUGINS}{REGISTRY}\n{text}"), line, says);
    }
}

#[test]
fn an_unknown_key_among_the_rules_is_a_fault_with_a_suggestion() {
    let cases = [
        ("sparce = 'all'\n", "did you mean \"sparse\"?"),
        ("admissions = []\n", "did you mean \"admission\"?"),
        ("delete.enabled = false\n", "did you mean \"deletes\"?"),
        ("upload.lifetime = '1h'\n", "did you mean \"uploads\"?"),
        ("deletes.enable = false\n", "unknown key \"enable\" in [registries.default.deletes]; did you mean \"enabled\"?"),
        ("deletes.tags = false\n", "it has enabled, referenced and locked"),
        ("uploads.life = '1h'\n", "it has lifetime and chunk-min"),
        ("limits.manifest_bytes = '4MiB'\n", "did you mean \"manifest-bytes\"?"),
    ];
    for (text, says) in cases {
        one_fault(&format!("{PLUGINS}{REGISTRY}\n{text}"), 10, says);
    }
}

#[test]
fn what_deletes_that_are_off_make_pointless_is_a_warning() {
    let text =
        format!("{PLUGINS}{REGISTRY}\n[registries.default.deletes]\nenabled = false\nlocked = ['app']\nreferenced = 'allow'\n");
    assert_eq!(
        warnings(&text),
        [
            "c.toml:12: registries.default.deletes.locked has no effect, since `enabled = false` turns all deletes off",
            "c.toml:13: registries.default.deletes.referenced has no effect, since `enabled = false` turns all deletes off",
        ]
    );
    assert!(warnings(&text.replace("false", "true")).is_empty());
}

#[test]
fn admission_plugins_are_read_in_their_order_and_count_as_used() {
    let more = GUARD.replace("guard", "content");
    let config = good(&format!("{PLUGINS}{REGISTRY}admission = ['guard', 'content']\n{GUARD}{more}"));
    let names: Vec<_> = config.registries[0].admission.iter().map(|name| (name.value.as_str(), name.location.line)).collect();
    assert_eq!(names, [("guard", 9), ("content", 9)]);
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    assert!(config.uses("guard") && config.uses("content"));
}

#[test]
fn no_admission_plugin_is_fine() {
    assert!(warnings(&format!("{PLUGINS}{REGISTRY}admission = []\n")).is_empty());
}

#[test]
fn an_admission_plugin_that_is_not_there_or_named_twice_is_a_fault() {
    let with = |admission: &str| format!("{PLUGINS}{REGISTRY}admission = {admission}\n{GUARD}");
    one_fault(&with("['gaurd']"), 9, "`admission` names the plugin \"gaurd\", which no [plugins] table declares; did you mean");
    one_fault(&with("['guard',\n'guard']"), 10, "registries.default.admission names \"guard\" twice");
    one_fault(&with("'guard'"), 9, "must be a list, not a string");
}

#[test]
fn an_admission_plugin_that_is_small_beside_the_manifests_is_a_warning() {
    let with =
        |registry: &str, plugin: &str| warnings(&format!("{PLUGINS}{REGISTRY}{registry}admission = ['guard']\n{GUARD}{plugin}"));
    assert!(with("", "").is_empty() && with("limits.manifest-bytes = '16MiB'\n", "").is_empty());
    let found = with("limits.manifest-bytes = '64MiB'\n", "");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("c.toml:10: registry default: `admission` asks the plugin guard about manifests of up to 64 MiB")
    );
    assert!(found[0].ends_with("raise its `limits.memory` to \"256MiB\""), "{}", found[0]);
    assert!(with("limits.manifest-bytes = '64MiB'\n", "limits.memory = '256MiB'\n").is_empty());
    assert_eq!(with("", "limits.memory = '8MiB'\n").len(), 1);
    let found = with("limits.manifest-bytes = '5000KB'\n", "limits.memory = '19MiB'\n");
    assert!(found[0].ends_with("to \"20MiB\""), "{found:?}");
}

#[test]
fn warnings_come_in_the_order_of_the_file() {
    let unused = "[plugins.extra]\ncomponent = 'x.wasm'\n";
    let found = warnings(&format!(
        "{unused}{PLUGINS}{REGISTRY}deletes = {{ enabled = false, locked = [] }}\n[plugins.last]\ncomponent = 'x.wasm'\n"
    ));
    let lines: Vec<_> = found.iter().map(|warning| warning.split(':').nth(1).unwrap()).collect();
    assert_eq!(lines, ["1", "11", "12"], "{found:?}");
}
