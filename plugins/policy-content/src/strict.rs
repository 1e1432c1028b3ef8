//! A look at a JSON text before it is read: whether all clients read the same in it.
//!
//! JSON parsers differ where a field stands twice, and those in Go, which most clients use, take `Layers` or `layer\u{17f}` for `layers` too. A
//! manifest with both could show this policy one image, and a client another one.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What is expected at a place of a text. Whether it is there is for the types to say that read it afterwards.
pub enum Shape {
    /// Anything: nobody reads it here.
    Any,
    /// An object with keys of the author's own, none of them twice.
    Map,
    /// A list of these.
    List(&'static Shape),
    /// An object with these fields, each at most once and in no other letters, and others that nobody reads here.
    Record(&'static [(&'static str, &'static Shape)]),
}

const DESCRIPTOR: Shape = Shape::Record(&[
    ("mediaType", &Shape::Any),
    ("artifactType", &Shape::Any),
    ("digest", &Shape::Any),
    ("size", &Shape::Any),
    ("urls", &Shape::Any),
    ("data", &Shape::Any),
    ("annotations", &Shape::Map),
    ("platform", &PLATFORM),
]);

const PLATFORM: Shape = Shape::Record(&[("os", &Shape::Any), ("architecture", &Shape::Any), ("variant", &Shape::Any)]);

/// A manifest or an index (OCI image specification, "Image Manifest" and "Image Index").
pub const MANIFEST: Shape = Shape::Record(&[
    ("schemaVersion", &Shape::Any),
    ("mediaType", &Shape::Any),
    ("artifactType", &Shape::Any),
    ("config", &DESCRIPTOR),
    ("layers", &Shape::List(&DESCRIPTOR)),
    ("manifests", &Shape::List(&DESCRIPTOR)),
    ("subject", &DESCRIPTOR),
    ("annotations", &Shape::Map),
]);

/// An image's config (OCI image specification, "Image Configuration").
pub const CONFIG: Shape = Shape::Record(&[
    ("os", &Shape::Any),
    ("architecture", &Shape::Any),
    ("variant", &Shape::Any),
    ("rootfs", &Shape::Any),
    ("config", &Shape::Record(&[("Labels", &Shape::Map)])),
]);

/// The error says what can be read in two ways, and where, or why it is no JSON.
pub fn check(shape: &'static Shape, text: &[u8]) -> Result<(), String> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    shape.deserialize(&mut reader).and_then(|()| reader.end()).map_err(|error| error.to_string())
}

/// As Go's `encoding/json` compares names: letters that differ in case alone, in all of Unicode, are the same.
fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

impl<'de> DeserializeSeed<'de> for &'static Shape {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self {
            Shape::Any => deserializer.deserialize_ignored_any(IgnoredAny).map(|_| ()),
            _ => deserializer.deserialize_any(Walk(self)),
        }
    }
}

struct Walk(&'static Shape);

impl<'de> Visitor<'de> for Walk {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let (inner, counts) = match self.0 {
                Shape::Record(fields) => field(fields, &key).map_err(A::Error::custom)?,
                Shape::Map => (&Shape::Any, true),
                Shape::Any | Shape::List(_) => (&Shape::Any, false),
            };
            map.next_value_seed(inner)?;
            if counts && let Some(twice) = seen.replace(key) {
                return Err(A::Error::custom(format!("`{}` stands twice in one object", twice.escape_debug())));
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let inner = match self.0 {
            Shape::List(inner) => inner,
            Shape::Any => &Shape::Any,
            // Read as a struct it would pass, its fields in their order; no client reads it so.
            Shape::Map | Shape::Record(_) => return Err(A::Error::custom("a list stands where an object belongs")),
        };
        while list.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// What is below this key, and whether it is one that must not stand twice.
fn field(fields: &'static [(&'static str, &'static Shape)], key: &str) -> Result<(&'static Shape, bool), String> {
    if let Some((_, inner)) = fields.iter().find(|(name, _)| *name == key) {
        return Ok((inner, true));
    }
    match fields.iter().find(|(name, _)| folded(name).eq(folded(key))) {
        Some((name, _)) => Err(format!("`{}` is `{name}` in other letters, which some clients read as it", key.escape_debug())),
        None => Ok((&Shape::Any, false)),
    }
}
