//! A key that signs tokens and checks them: ES256, and nothing else.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// A key that signs tokens and checks them. Cheap to clone.
#[derive(Clone)]
pub struct TokenKey(Arc<Parts>);

struct Parts {
    id: Arc<str>,
    /// The JOSE header as each token of this key begins, and the dot behind it.
    head: String,
    /// Signatures are what limits how many tokens are issued, and how many forged ones it takes to keep a core busy. So they are made and
    /// checked by the fastest implementation there is.
    signing: EcdsaKeyPair,
    random: SystemRandom,
    checking: UnparsedPublicKey<Vec<u8>>,
    jwk: serde_json::Value,
}

/// A signing key that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ES256 private key in PKCS#8 PEM: {0}")]
pub struct KeyError(String);

impl TokenKey {
    /// A new key, as PKCS#8 PEM. Keep it secret, and keep it: without it every token is worthless.
    ///
    /// # Errors
    /// [`KeyError`] if the key cannot be written as PEM.
    pub fn generate() -> Result<String, KeyError> {
        let key = loop {
            // Out of 2^256 values, fewer than 2^224 are no key.
            if let Ok(key) = p256::SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
                break key;
            }
        };
        key.to_pkcs8_pem(LineEnding::LF).map(|pem| pem.to_string()).map_err(|error| KeyError(error.to_string()))
    }

    /// Reads a key that [`generate`](Self::generate) made.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let fault = |error: &dyn std::fmt::Display| KeyError(error.to_string());
        let key = p256::SecretKey::from_pkcs8_pem(pem).map_err(|error| fault(&error))?;
        let point = key.public_key().to_encoded_point(false);
        let id: Arc<str> = hex::encode(&Sha256::digest(point.as_bytes())[..8]).into();
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let signing = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &key.to_bytes(), point.as_bytes(), &random)
            .map_err(|error| fault(&error))?;
        let (Some(x), Some(y)) = (point.x(), point.y()) else { return Err(KeyError("no point".to_owned())) };
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let checking = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.as_bytes().to_vec());
        let head = URL_SAFE_NO_PAD.encode(json!({ "typ": "JWT", "alg": "ES256", "kid": &*id }).to_string()) + ".";
        let jwk = json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": &*id, "x": x, "y": y });
        Ok(Self(Arc::new(Parts { id, head, signing, random, checking, jwk })))
    }

    /// Its name in tokens (`kid`): 16 hex digits of the SHA-256 of its public half.
    pub fn id(&self) -> &Arc<str> {
        &self.0.id
    }

    /// The public half, as a JSON Web Key (RFC 7517).
    pub fn jwk(&self) -> &serde_json::Value {
        &self.0.jwk
    }

    /// A signed token in compact form (RFC 7515, section 7.1).
    ///
    /// # Errors
    /// Why it could not be signed, for the log.
    pub(super) fn sign<C: Serialize>(&self, claims: &C) -> Result<String, String> {
        let claims = serde_json::to_vec(claims).map_err(|error| error.to_string())?;
        let mut token = String::with_capacity(self.0.head.len() + claims.len() * 4 / 3 + 96);
        token.push_str(&self.0.head);
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.0.signing.sign(&self.0.random, token.as_bytes()).map_err(|_| "the signature failed".to_owned())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// What a token says that this key signed. Whether it is of use here and now is the caller's to see.
    ///
    /// A token begins with this key's own header to the byte, so that there is nothing in a header to believe.
    pub(super) fn signed(&self, token: &str) -> Option<Vec<u8>> {
        let (claims, signature) = token.strip_prefix(&self.0.head)?.split_once('.')?;
        let signed = &token[..self.0.head.len() + claims.len()];
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.0.checking.verify(signed.as_bytes(), &signature).ok()?;
        URL_SAFE_NO_PAD.decode(claims).ok()
    }
}

/// Whether a text is a token in compact form, as every issuer makes them: three parts in base64url, of which the first is a JSON object.
pub(super) fn is_token(text: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    text.split('.').count() == 3 && text.split('.').all(is_part) && header(text).is_some_and(|header| header.is_object())
}

/// The key that a token in compact form names. None: it is no such token, or it names none. Whatever else its header says (`alg`, `jwk`,
/// `jku`, `x5c`) is not looked at: a name of ours means our key and ES256.
pub(super) fn named_key(token: &str) -> Option<String> {
    match header(token)?.get_mut("kid")?.take() {
        serde_json::Value::String(kid) => Some(kid),
        _ => None,
    }
}

fn header(token: &str) -> Option<serde_json::Value> {
    let (head, _) = token.split_once('.')?;
    let head = URL_SAFE_NO_PAD.decode(head.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&head).ok()
}
