//! Bodies that are JSON objects with a fixed few keys. A key that is not known is an error that names it: what a client wrote and nobody
//! reads would be taken for done.

use std::fmt;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use bulkhead_core::suggest::did_you_mean;
use bulkhead_oci::{ErrorCode, MediaType};
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::body::ClientBody;
use crate::error::ApiError;
use crate::headers;

/// The largest body of most requests, in bytes.
pub(crate) const USUAL: usize = 64 * 1024;
/// What of a client's own words a message repeats, in characters.
const MAX_QUOTED: usize = 200;

/// An object that a client sends.
pub(crate) trait Shape: DeserializeOwned {
    /// Its keys.
    const KEYS: &'static [&'static str];
}

/// Reads a body of at most `limit` bytes. No body at all is an object without keys.
///
/// # Errors
/// 400 that says what is wrong with it, 413, or what a broken body means.
pub(crate) async fn read<T: Shape>(body: ClientBody, limit: usize) -> Result<T, ApiError> {
    let bytes = body.read(limit).await?;
    of_json(if bytes.is_empty() { b"{}" } else { &bytes })
}

/// Whether the body is said to be JSON. Asked before it is read: a browser sends another site's form without asking, and JSON only after
/// it did.
///
/// # Errors
/// 415.
pub(crate) fn expect_json(request: &HeaderMap) -> Result<(), ApiError> {
    let kind: Option<MediaType> = headers::one(request, &CONTENT_TYPE).and_then(|kind| kind.parse().ok());
    match kind {
        Some(kind) if kind.as_str().eq_ignore_ascii_case("application/json") => Ok(()),
        _ => Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::Unsupported,
            "the body must be JSON: send Content-Type: application/json",
        )),
    }
}

/// The object that this text is.
///
/// # Errors
/// 400.
pub(crate) fn of_json<T: Shape>(text: &[u8]) -> Result<T, ApiError> {
    let Keys(keys) = serde_json::from_slice(text).map_err(|error| malformed(&error))?;
    if let Some(unknown) = keys.iter().find(|key| !T::KEYS.contains(&key.as_str())) {
        let known = T::KEYS.join(", ");
        let nearest = did_you_mean(quoted(unknown), T::KEYS.iter().copied());
        return Err(bad(format!("there is no key `{}` here, only {known}{nearest}", quoted(unknown))));
    }
    serde_json::from_slice(text).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> ApiError {
    let error = error.to_string();
    bad(format!("the body cannot be read as what is wanted here: {}", quoted(&error)))
}

fn bad(message: String) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, ErrorCode::Unsupported, message)
}

/// The beginning of a text, for a message.
fn quoted(text: &str) -> &str {
    text.char_indices().nth(MAX_QUOTED).map_or(text, |(end, _)| &text[..end])
}

/// The keys of an object, whatever their values. Twice the same is left to the second reading, which refuses it.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Eq)]
    #[serde(rename_all = "kebab-case")]
    struct Colours {
        first_one: u8,
        #[serde(default)]
        second: Option<bool>,
    }

    impl Shape for Colours {
        const KEYS: &'static [&'static str] = &["first-one", "second"];
    }

    fn refused(text: &str) -> String {
        format!("{:?}", of_json::<Colours>(text.as_bytes()).unwrap_err())
    }

    #[test]
    fn an_object_is_read() {
        assert_eq!(of_json::<Colours>(br#"{"first-one":1}"#).unwrap(), Colours { first_one: 1, second: None });
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest_known_one() {
        let message = refused(r#"{"first-one":1,"secnd":true}"#);
        assert!(message.contains("there is no key `secnd` here, only first-one, second; did you mean"), "{message}");
        let long = refused(&format!("{{\"{}\":1}}", "x".repeat(10_000)));
        assert!(long.len() < 1_000, "{long}");
    }

    #[test]
    fn what_is_none_of_these_objects_is_refused() {
        for text in ["", "[]", "1", "{", "{}", r#"{"first-one":"1"}"#, r#"{"first-one":1,"first-one":1}"#, r#"{"first-one":300}"#]
        {
            assert!(refused(text).contains("cannot be read"), "{text}");
        }
        let deep = format!("{{\"second\":{}", "[".repeat(10_000));
        assert!(refused(&deep).contains("cannot be read"));
    }
}
