//! The fields of a manifest, by their exact letters.
//!
//! Clients written in Go take `Layers` for `layers`. A body with both would show them other content than the registry has checked.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use super::ManifestError;

/// What is read of a manifest.
const KNOWN: [&str; 9] =
    ["schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests", "subject", "annotations", "fsLayers"];

/// Refuses a body with a field that differs from a known one in its letters' case alone.
pub(super) fn check(body: &[u8]) -> Result<(), ManifestError> {
    let object: BTreeMap<String, IgnoredAny> =
        serde_json::from_slice(body).map_err(|error| ManifestError::Malformed(error.to_string()))?;
    for key in object.keys() {
        // Go folds two letters outside ASCII, the long s and the Kelvin sign, to `s` and `k`.
        let folded = key.replace('\u{17f}', "s").replace('\u{212a}', "k");
        if KNOWN.iter().any(|known| known != key && known.eq_ignore_ascii_case(&folded)) {
            return Err(ManifestError::Contradiction(format!(
                "the field {key:?} differs from one of a manifest in its letters alone: some clients would take it for that one"
            )));
        }
    }
    Ok(())
}
