//! Key pairs, and tokens signed with them.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use jsonwebtoken::{Algorithm, EncodingKey};
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};

/// One key pair.
#[derive(Clone)]
pub struct Signer {
    pub kid: String,
    pub alg: &'static str,
    /// The public key, as an issuer publishes it.
    pub jwk: Value,
    key: EncodingKey,
    algorithm: Algorithm,
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    /// Made once for all tests, since it takes long.
    pub fn rsa() -> Self {
        static ONE: OnceLock<Signer> = OnceLock::new();
        ONE.get_or_init(|| Self::new_rsa("rsa-1", 2048)).clone()
    }

    pub fn new_rsa(kid: &str, bits: usize) -> Self {
        let pair = rsa::RsaPrivateKey::new(&mut rand::thread_rng(), bits).unwrap();
        let jwk = json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
            "n": encode(pair.n().to_bytes_be()), "e": encode(pair.e().to_bytes_be()),
        });
        let key = EncodingKey::from_rsa_der(pair.to_pkcs1_der().unwrap().as_bytes());
        Self { kid: kid.to_owned(), alg: "RS256", jwk, key, algorithm: Algorithm::RS256 }
    }

    pub fn ec(kid: &str) -> Self {
        let pair = p256::SecretKey::random(&mut rand::thread_rng());
        let point = pair.public_key().to_encoded_point(false);
        let (x, y) = (encode(point.x().unwrap()), encode(point.y().unwrap()));
        let key = EncodingKey::from_ec_der(pair.to_pkcs8_der().unwrap().as_bytes());
        let jwk = json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y});
        Self { kid: kid.to_owned(), alg: "ES256", jwk, key, algorithm: Algorithm::ES256 }
    }

    pub fn ed(kid: &str) -> Self {
        let pair = ed25519_dalek::SigningKey::generate(&mut rand::thread_rng());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": encode(pair.verifying_key().to_bytes())});
        let key = EncodingKey::from_ed_der(pair.to_pkcs8_der().unwrap().as_bytes());
        Self { kid: kid.to_owned(), alg: "EdDSA", jwk, key, algorithm: Algorithm::EdDSA }
    }

    /// A token with the usual header.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&json!({"alg": self.alg, "kid": self.kid, "typ": "JWT"}), claims)
    }

    /// A token with any header, rightly signed.
    pub fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{signed}.{signature}")
    }
}

/// A token signed with HS256 and this secret.
pub fn sign_with_secret(secret: &[u8], header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &EncodingKey::from_secret(secret), Algorithm::HS256).unwrap();
    format!("{signed}.{signature}")
}
