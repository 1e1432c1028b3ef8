//! Tokens as attackers make them: header and claims as they please, signed with whatever key they have.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bulkhead_core::auth::TokenKey;
use bulkhead_tests::server::Server;
use jsonwebtoken::crypto::sign;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

/// What stands in front of a point of P-256 in DER, as SubjectPublicKeyInfo (RFC 5480).
const SPKI: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200";

/// An ES256 key, with its public half.
pub struct Key {
    pem: String,
    pub jwk: Value,
}

impl Key {
    /// A new one, which nobody knows.
    pub fn new() -> Self {
        Self::of(TokenKey::generate().unwrap())
    }

    /// The one that signs the tokens of a server.
    pub fn of_server(server: &Server) -> Self {
        let folder = server.folder().join("data/keys");
        let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "pem"));
        assert_eq!(files.len(), 1, "{files:?}");
        Self::of(std::fs::read_to_string(&files[0]).unwrap())
    }

    fn of(pem: String) -> Self {
        let jwk = TokenKey::from_pem(&pem).unwrap().jwk().clone();
        Self { pem, jwk }
    }

    pub fn kid(&self) -> &str {
        self.jwk["kid"].as_str().unwrap()
    }

    /// The same key under another name.
    pub fn named(mut self, kid: &str) -> Self {
        self.jwk["kid"] = json!(kid);
        self
    }

    /// What its tokens begin with.
    pub fn header(&self) -> Value {
        json!({ "typ": "JWT", "alg": "ES256", "kid": self.kid() })
    }

    /// A token with this header, whatever it says of the algorithm.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_behind(&part(header), claims)
    }

    /// A token with this header, as it came.
    pub fn sign_behind(&self, header: &str, claims: &Value) -> String {
        let key = EncodingKey::from_ec_pem(self.pem.as_bytes()).unwrap();
        signed(header, claims, &key, Algorithm::ES256)
    }

    /// Tokens whose HMAC has the public half of this key as its secret, in every form that it may be known in.
    pub fn as_secret(&self, claims: &Value) -> Vec<String> {
        let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(self.jwk[name].as_str().unwrap()).unwrap();
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let der = [hex::decode(SPKI).unwrap(), point.clone()].concat();
        let encoded = STANDARD.encode(&der);
        let pem = |end: &str| {
            let (first, second) = encoded.split_at(64);
            format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----{end}").into_bytes()
        };
        let secrets = [self.jwk.to_string().into_bytes(), coordinate("x"), point, der, pem(""), pem("\n"), Vec::new()];
        let header = json!({ "typ": "JWT", "alg": "HS256", "kid": self.kid() });
        let token = |secret: &Vec<u8>| signed(&part(&header), claims, &EncodingKey::from_secret(secret), Algorithm::HS256);
        secrets.iter().map(token).collect()
    }
}

fn signed(header: &str, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let text = format!("{header}.{}", part(claims));
    let signature = sign(text.as_bytes(), key, algorithm).unwrap();
    format!("{text}.{signature}")
}

/// A token that nobody signed.
pub fn unsigned(header: &Value, claims: &Value, signature: &str) -> String {
    format!("{}.{}.{signature}", part(header), part(claims))
}

/// Header (as it came) and claims of a token.
pub fn read(token: &str) -> (&str, Value) {
    let parts: Vec<&str> = token.split('.').collect();
    (parts[0], serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap())
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Seconds since 1970.
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}
