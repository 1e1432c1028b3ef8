//! The fields of a manifest, by their exact letters.
//!
//! Clients written in Go take `Layers` for `layers`, and take a list for no object. A body with both would show them other content than the
//! registry has checked. The body is walked once, without being built up.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::ManifestError;

/// What stands at a place of a manifest.
#[derive(Clone, Copy)]
enum Place {
    Manifest,
    Descriptor,
    Descriptors,
    Platform,
    /// Whatever it is, it is not read here.
    Other,
}

/// The fields that are read at a place, by this host or by clients, and what stands in them.
type Fields = &'static [(&'static str, Place)];

const MANIFEST: Fields = &[
    ("schemaVersion", Place::Other),
    ("mediaType", Place::Other),
    ("artifactType", Place::Other),
    ("config", Place::Descriptor),
    ("layers", Place::Descriptors),
    ("manifests", Place::Descriptors),
    ("blobs", Place::Descriptors),
    ("subject", Place::Descriptor),
    ("annotations", Place::Other),
    ("fsLayers", Place::Other),
];
const DESCRIPTOR: Fields = &[
    ("mediaType", Place::Other),
    ("digest", Place::Other),
    ("size", Place::Other),
    ("urls", Place::Other),
    ("annotations", Place::Other),
    ("data", Place::Other),
    ("artifactType", Place::Other),
    ("platform", Place::Platform),
];
const PLATFORM: Fields = &[
    ("architecture", Place::Other),
    ("os", Place::Other),
    ("os.version", Place::Other),
    ("os.features", Place::Other),
    ("variant", Place::Other),
];

/// Refuses a body with a field that differs from a known one in its letters' case alone, at any place that is read.
pub(super) fn check(body: &[u8]) -> Result<(), ManifestError> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    Place::Manifest.deserialize(&mut deserializer).map_err(|error| ManifestError::Contradiction(error.to_string()))
}

impl Place {
    const fn fields(self) -> Fields {
        match self {
            Self::Manifest => MANIFEST,
            Self::Descriptor => DESCRIPTOR,
            Self::Platform => PLATFORM,
            Self::Descriptors | Self::Other => &[],
        }
    }

    /// What stands in the field of this name.
    fn of(self, key: &str) -> Result<Self, String> {
        let fields = self.fields();
        if let Some((_, place)) = fields.iter().find(|(known, _)| *known == key) {
            return Ok(*place);
        }
        // Go folds two letters outside ASCII, the long s and the Kelvin sign, to `s` and `k`.
        let folded = key.replace('\u{17f}', "s").replace('\u{212a}', "k");
        match fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(&folded)) {
            Some((known, _)) => Err(format!(
                "the field {key:?} differs from {known:?} in its letters alone: some clients would take it for that one"
            )),
            None => Ok(Self::Other),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Place {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self {
            Self::Other => deserializer.deserialize_ignored_any(IgnoredAny).map(|_| ()),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Place {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manifest => "a manifest, which is an object",
            Self::Descriptor => "a descriptor, which is an object",
            Self::Descriptors => "a list of descriptors",
            Self::Platform => "a platform, which is an object",
            Self::Other => "anything",
        })
    }

    /// `null`, which counts as absent.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if let Self::Descriptors = self {
            return Err(A::Error::custom("an object stands where a list of descriptors belongs"));
        }
        while let Some(key) = map.next_key::<String>()? {
            map.next_value_seed(self.of(&key).map_err(A::Error::custom)?)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self::Descriptors = self else {
            return Err(A::Error::custom(format_args!("a list stands where {} belongs", Expected(self))));
        };
        while list.next_element_seed(Self::Descriptor)?.is_some() {}
        Ok(())
    }
}

/// What belongs at a place, in words.
struct Expected(Place);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}
