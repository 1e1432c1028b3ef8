//! Keys as issuers publish them (RFC 7517), and the check of a signature with one.
//!
//! Each key is for one algorithm, which follows from the key and never from a token: RSA of 2048 to 4096 bits for RS256, P-256 for ES256,
//! Ed25519 for EdDSA. Every other key is passed over.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

/// The most keys of an issuer that are looked at.
const MOST_KEYS: usize = 64;

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Key {
    /// How tokens name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The numbers, in base64url.
    #[serde(flatten)]
    numbers: Numbers,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kty")]
enum Numbers {
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
    #[serde(rename = "EC")]
    P256 { x: String, y: String },
    #[serde(rename = "OKP")]
    Ed25519 { x: String },
}

/// The keys of a key set that can be used. None: it is no key set.
pub fn read_set(set: &Value) -> Option<Vec<Key>> {
    let keys = set.get("keys")?.as_array()?;
    Some(keys.iter().take(MOST_KEYS).filter_map(Key::read).collect())
}

impl Key {
    fn read(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let is_or_absent = |name: &str, expected: &str| jwk.get(name).is_none_or(|value| value == expected);
        let verifies = jwk.get("key_ops").is_none_or(|ops| ops.as_array().is_some_and(|ops| ops.contains(&"verify".into())));
        if !is_or_absent("use", "sig") || !verifies {
            return None;
        }
        let numbers = match text("kty")? {
            "RSA" if is_or_absent("alg", "RS256") => Numbers::Rsa { n: text("n")?.to_owned(), e: text("e")?.to_owned() },
            "EC" if is_or_absent("alg", "ES256") && text("crv") == Some("P-256") => {
                Numbers::P256 { x: text("x")?.to_owned(), y: text("y")?.to_owned() }
            }
            "OKP" if is_or_absent("alg", "EdDSA") && text("crv") == Some("Ed25519") => {
                Numbers::Ed25519 { x: text("x")?.to_owned() }
            }
            _ => return None,
        };
        let key = Self { kid: text("kid").map(str::to_owned), numbers };
        key.is_sound().then_some(key)
    }

    /// Whether the numbers are of the size that they have to be: checking a signature never costs more than it should, nor is it worth less.
    fn is_sound(&self) -> bool {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        let is_32 = |text: &str| decode(text).is_some_and(|bytes| bytes.len() == 32);
        match &self.numbers {
            Numbers::Rsa { n, e } => decode(n).zip(decode(e)).is_some_and(|(n, e)| is_rsa(&n, &e)),
            Numbers::P256 { x, y } => is_32(x) && is_32(y),
            Numbers::Ed25519 { x } => is_32(x),
        }
    }

    /// The algorithm that this key is for, as a token's header names it.
    pub fn algorithm(&self) -> &'static str {
        match self.numbers {
            Numbers::Rsa { .. } => "RS256",
            Numbers::P256 { .. } => "ES256",
            Numbers::Ed25519 { .. } => "EdDSA",
        }
    }

    /// Whether it made this signature.
    pub fn verifies(&self, signed: &str, signature: &str) -> bool {
        let (key, algorithm) = match &self.numbers {
            Numbers::Rsa { n, e } => (DecodingKey::from_rsa_components(n, e), Algorithm::RS256),
            Numbers::P256 { x, y } => (DecodingKey::from_ec_components(x, y), Algorithm::ES256),
            Numbers::Ed25519 { x } => (DecodingKey::from_ed_components(x), Algorithm::EdDSA),
        };
        let verified = key.and_then(|key| jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key, algorithm));
        verified.unwrap_or(false)
    }
}

/// A modulus of 2048 to 4096 bits and an exponent of at most 32 bits, both odd, without zeros in front.
fn is_rsa(n: &[u8], e: &[u8]) -> bool {
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    let leads = |number: &[u8]| number.first().is_some_and(|first| *first != 0);
    let bits = (n.len() * 8).saturating_sub(n.first().map_or(0, |first| first.leading_zeros() as usize));
    (2048..=4096).contains(&bits) && leads(n) && is_odd(n) && e.len() <= 4 && leads(e) && is_odd(e) && e != [1]
}
