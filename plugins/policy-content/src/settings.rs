//! The settings, and the values in them that read themselves.

use std::fmt;

use bulkhead_plugin_sdk::glob::{Repositories, TextGlob};
use bulkhead_plugin_sdk::{Error, Result};
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use crate::content::Platform;
use crate::urls::Prefix;

/// The rules; one that is not set does not hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// For which repositories the rules hold.
    #[serde(default)]
    pub repositories: Repositories,
    /// On each manifest and index.
    pub required_annotations: Option<Vec<Required>>,
    /// In each image's config.
    pub required_labels: Option<Vec<Required>>,
    /// For manifests, their `artifactType` and their configs.
    pub allowed_media_types: Option<Vec<TextGlob>>,
    /// For layers.
    pub allowed_layer_types: Option<Vec<TextGlob>>,
    /// For images, and entries of an index.
    pub allowed_platforms: Option<Vec<PlatformGlob>>,
    /// The most layers.
    pub max_layers: Option<usize>,
    /// The most that config and layers have together.
    pub max_size: Option<Size>,
    /// Where content may lie that the registry need not hold. Empty: nowhere.
    pub foreign_urls: Option<Vec<Prefix>>,
}

impl Settings {
    /// Refuses what would hold for nothing, or would let nothing pass.
    pub fn check(&self) -> Result<()> {
        fn is_empty<T>(list: &Option<Vec<T>>) -> bool {
            list.as_ref().is_some_and(Vec::is_empty)
        }
        let requires = [("required-annotations", &self.required_annotations), ("required-labels", &self.required_labels)];
        for (key, list) in requires {
            if is_empty(list) {
                return Err(Error::invalid(format!(
                    "{key}: empty, so that nothing is required: name something, or leave it out"
                )));
            }
            contradiction(key, list.as_deref().unwrap_or_default())?;
        }
        let allows = [
            ("allowed-media-types", is_empty(&self.allowed_media_types)),
            ("allowed-layer-types", is_empty(&self.allowed_layer_types)),
            ("allowed-platforms", is_empty(&self.allowed_platforms)),
        ];
        if let Some((key, _)) = allows.iter().find(|(_, empty)| *empty) {
            return Err(Error::invalid(format!(
                "{key}: empty, so that nothing could be pushed: name what may be, or leave it out"
            )));
        }
        if self.max_layers == Some(0) {
            return Err(Error::invalid("max-layers: 0 would refuse every image"));
        }
        if self.has_no_rule() {
            return Err(Error::invalid(
                "no rule is set: set one of required-annotations, required-labels, allowed-media-types, allowed-layer-types, \
                 allowed-platforms, max-layers, max-size and foreign-urls",
            ));
        }
        Ok(())
    }

    fn has_no_rule(&self) -> bool {
        let Self {
            repositories: _,
            required_annotations,
            required_labels,
            allowed_media_types,
            allowed_layer_types,
            allowed_platforms,
            max_layers,
            max_size,
            foreign_urls,
        } = self;
        required_annotations.is_none()
            && required_labels.is_none()
            && allowed_media_types.is_none()
            && allowed_layer_types.is_none()
            && allowed_platforms.is_none()
            && max_layers.is_none()
            && max_size.is_none()
            && foreign_urls.is_none()
    }
}

/// A key that stands twice asks the same twice, or for two values at once.
fn contradiction(key: &str, list: &[Required]) -> Result<()> {
    for (place, one) in list.iter().enumerate() {
        if list[..place].iter().any(|before| before.key == one.key) {
            return Err(Error::invalid(format!("{key}[{place}]: `{}` stands twice", one.key)));
        }
    }
    Ok(())
}

/// An annotation or label that must be there.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub struct Required {
    /// Its key.
    pub key: String,
    /// None: any value but an empty one.
    pub value: Option<String>,
}

impl TryFrom<String> for Required {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (text.as_str(), None),
        };
        if key.is_empty() || key.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
            return Err(format!("{text:?} must be KEY or KEY=VALUE, with no blank in or around the key"));
        }
        Ok(Self { key: key.to_owned(), value })
    }
}

/// A pattern for what images run on.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub struct PlatformGlob {
    text: String,
    os: TextGlob,
    architecture: TextGlob,
    /// None: any.
    variant: Option<TextGlob>,
}

impl PlatformGlob {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this platform is one of those meant.
    pub fn matches(&self, platform: &Platform) -> bool {
        let (os, architecture, variant) = platform.names();
        self.os.matches(os)
            && self.architecture.matches(architecture)
            && self.variant.as_ref().is_none_or(|glob| glob.matches(variant))
            // `*` is any system and any architecture; one that is not named is none.
            && !os.is_empty()
            && !architecture.is_empty()
    }
}

impl TryFrom<String> for PlatformGlob {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fault = || format!("{text:?} must be like `linux/amd64`, `linux/*` or `linux/arm/v7`");
        let part = |pattern: &str| TextGlob::parse(pattern).map_err(|_| fault());
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant)),
            _ => return Err(fault()),
        };
        let (os, architecture, variant) = (part(os)?, part(architecture)?, variant.map(part).transpose()?);
        Ok(Self { os, architecture, variant, text })
    }
}

/// A size in bytes: a whole number, or a text with a unit as in the server's own settings (`"2GiB"`). Never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl Size {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, unit) = text.split_at(digits);
        let factor: u64 = match unit.trim_start_matches(' ') {
            "B" => 1,
            "KB" | "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(factor).filter(|bytes| *bytes > 0).map(Self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesOrText;
        impl Visitor<'_> for BytesOrText {
            type Value = Size;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number of bytes above 0, or a size such as \"2GiB\" (B, KiB, MiB, GiB, TiB)")
            }

            fn visit_u64<E: serde::de::Error>(self, bytes: u64) -> Result<Size, E> {
                if bytes == 0 {
                    return Err(E::invalid_value(serde::de::Unexpected::Unsigned(0), &self));
                }
                Ok(Size(bytes))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Size, E> {
                Size::parse(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(BytesOrText)
    }
}
