//! The one map from what went wrong to status, code and headers.

use std::time::Duration;

use axum::http::header::{ALLOW, RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use bulkhead_core::auth::{AuthFailure, Refusal};
use bulkhead_core::ports::catalog::{Attribute, Lock};
use bulkhead_core::ports::store::BodyError;
use bulkhead_core::registry::{Locked, RegistryError};
use bulkhead_oci::{Digest, ErrorCode};
use serde_json::json;

use super::{ApiError, COULD_NOT};
use crate::auth::{Challenge, MalformedCredential};
use crate::headers;
use crate::parse::ParseError;

/// The methods that are left of what may not be changed.
const READING: &str = "GET, HEAD";

impl From<ParseError> for ApiError {
    fn from(error: ParseError) -> Self {
        let (status, code) = match error {
            ParseError::NoRoute | ParseError::Slot => (StatusCode::NOT_FOUND, ErrorCode::Unsupported),
            ParseError::Method { .. } => (StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported),
            ParseError::Path | ParseError::Name(_) => (StatusCode::BAD_REQUEST, ErrorCode::NameInvalid),
            ParseError::Digest(_) | ParseError::MissingDigest => (StatusCode::BAD_REQUEST, ErrorCode::DigestInvalid),
            ParseError::Tag(_) => (StatusCode::BAD_REQUEST, ErrorCode::TagInvalid),
            ParseError::ImpossibleTag => (StatusCode::NOT_FOUND, ErrorCode::ManifestUnknown),
            ParseError::UploadId => (StatusCode::NOT_FOUND, ErrorCode::BlobUploadUnknown),
            ParseError::AccountName(_)
            | ParseError::Query
            | ParseError::Repeated(_)
            | ParseError::TagsBesideTag
            | ParseError::Paging => (StatusCode::BAD_REQUEST, ErrorCode::Unsupported),
            ParseError::TooManyParameters | ParseError::TooManyTags => (StatusCode::URI_TOO_LONG, ErrorCode::Unsupported),
        };
        let answer = Self::new(status, code, error.to_string());
        match error {
            ParseError::Method { allow } => answer.header(ALLOW, HeaderValue::from_static(allow)),
            _ => answer,
        }
    }
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        use ErrorCode::{BlobUnknown, BlobUploadInvalid, BlobUploadUnknown, DigestInvalid, ManifestInvalid, ManifestUnknown};
        let bad = StatusCode::BAD_REQUEST;
        let message = error.to_string();
        match error {
            RegistryError::BlobUnknown => Self::new(StatusCode::NOT_FOUND, BlobUnknown, message),
            RegistryError::UploadUnknown => Self::new(StatusCode::NOT_FOUND, BlobUploadUnknown, message),
            RegistryError::ManifestUnknown => Self::new(StatusCode::NOT_FOUND, ManifestUnknown, message),
            RegistryError::NameUnknown => Self::new(StatusCode::NOT_FOUND, ErrorCode::NameUnknown, message),
            RegistryError::DigestMismatch { expected, found } => {
                Self::new(bad, DigestInvalid, message).detail(json!({ "expected": expected.as_str(), "found": found.as_str() }))
            }
            RegistryError::LengthMismatch { promised, got } => {
                Self::new(bad, ErrorCode::SizeInvalid, message).detail(json!({ "promised": promised, "got": got }))
            }
            RegistryError::OutOfOrder { .. } => Self::new(StatusCode::RANGE_NOT_SATISFIABLE, BlobUploadInvalid, message),
            RegistryError::UploadBusy => Self::new(StatusCode::CONFLICT, BlobUploadInvalid, message),
            RegistryError::BodyEnded(error) => error.into(),
            RegistryError::TooLarge { limit } => Self::too_large(limit),
            RegistryError::ManifestInvalid(_) | RegistryError::OtherType(_) => Self::new(bad, ManifestInvalid, message),
            RegistryError::MissingReferences(digests) => Self::missing(&digests),
            RegistryError::WrongSizes(digests) => Self::wrong_sizes(&digests),
            // A plugin's own words, for the client.
            RegistryError::Refused { reason } => Self::new(StatusCode::FORBIDDEN, ErrorCode::Denied, reason),
            RegistryError::DeletesOff => Self::disallowed(message, READING),
            // Nothing is allowed for certain where reading is not (RFC 9110, 10.2.1).
            RegistryError::Locked(Locked::ByAttribute(Lock { attribute: Attribute::Read, .. })) => Self::disallowed(message, ""),
            RegistryError::Locked(_) => Self::disallowed(message, READING),
            RegistryError::NeededBy(by) => {
                Self::new(StatusCode::CONFLICT, ErrorCode::Denied, message).detail(json!({ "digest": by.as_str() }))
            }
            RegistryError::NotAcceptable(media_type) => Self::new(StatusCode::NOT_ACCEPTABLE, ManifestUnknown, message)
                .detail(json!({ "mediaType": media_type.as_str() }))
                .header(VARY, headers::ACCEPT_VARIES),
            RegistryError::ConditionFailed => Self::new(StatusCode::PRECONDITION_FAILED, ErrorCode::Denied, message),
            RegistryError::Contended | RegistryError::TooManyToDelete => {
                Self::new(StatusCode::CONFLICT, ErrorCode::Denied, message)
            }
            RegistryError::AdmissionFailed { retry_after, reason } => Self::admission_failed(retry_after, reason),
            RegistryError::Unavailable { retry_after, reason } => Self::unavailable(retry_after, reason),
            RegistryError::Internal(cause) => Self::internal(cause),
        }
    }
}

/// Whoever broke the connection does not hear this; whoever fell silent may.
impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::Broken(_) => StatusCode::BAD_REQUEST,
            BodyError::Stalled => StatusCode::REQUEST_TIMEOUT,
        };
        Self::new(status, ErrorCode::BlobUploadInvalid, "the request's body ended before it was whole")
    }
}

impl ApiError {
    /// A body over its bound.
    pub(crate) fn too_large(limit: u64) -> Self {
        let message = format!("the body is larger than the {limit} bytes that are taken here");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::SizeInvalid, message).detail(json!({ "limit": limit }))
    }

    /// What nobody may at the moment, whoever asks; and the methods that the path takes all the same (RFC 9110, 15.5.6).
    fn disallowed(message: String, allow: &'static str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported, message).header(ALLOW, HeaderValue::from_static(allow))
    }

    /// A deletion that was not done. Where none is done at all, the methods that the path takes instead (RFC 9110, 15.5.6).
    pub(crate) fn not_deleted(error: RegistryError, instead: &'static str) -> Self {
        let answer = Self::from(error);
        match answer.status {
            StatusCode::METHOD_NOT_ALLOWED => answer.header(ALLOW, HeaderValue::from_static(instead)),
            _ => answer,
        }
    }

    /// A condition that cannot be read: to pass over it would do what the client wanted to prevent.
    pub(crate) fn unreadable_condition(name: &HeaderName) -> Self {
        let message = format!("{name} is neither * nor a list of entity tags such as \"sha256:...\", in quotes");
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::Unsupported, message)
    }

    /// A plugin, or what stands behind it, is away. What it said is logged.
    pub(crate) fn unavailable(retry_after: Option<Duration>, cause: String) -> Self {
        let seconds = retry_after.map_or(1, seconds);
        Self { cause: Some(cause), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unknown, COULD_NOT) }
            .header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// An admission plugin failed. Only where it said so itself may a second try help.
    fn admission_failed(retry_after: Option<Duration>, cause: String) -> Self {
        let message = "a policy of this registry failed, so nothing was changed";
        let answer = Self { cause: Some(cause), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unknown, message) };
        match retry_after {
            None => answer,
            Some(wait) => answer.header(RETRY_AFTER, HeaderValue::from(seconds(wait))),
        }
    }

    fn missing(digests: &[Digest]) -> Self {
        let message = "the manifest refers to content that is not in this repository: push that first";
        let answer = Self::new(StatusCode::BAD_REQUEST, ErrorCode::ManifestBlobUnknown, message);
        digests.iter().fold(answer, |answer, digest| answer.detail(json!({ "digest": digest.as_str() })))
    }

    fn wrong_sizes(digests: &[Digest]) -> Self {
        let message = "the manifest gives content another size than it has: make it again from the content itself";
        let answer = Self::new(StatusCode::BAD_REQUEST, ErrorCode::ManifestInvalid, message);
        digests.iter().fold(answer, |answer, digest| answer.detail(json!({ "digest": digest.as_str() })))
    }

    /// Nobody of this host's name.
    pub(crate) fn nobodys_host() -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorCode::NameUnknown, "no registry is served under this host name")
    }

    /// A Host header that is missing or none.
    pub(crate) fn bad_host() -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::Unsupported, "the request names no host, or in a way that cannot be read")
    }

    /// A caller that is not let in.
    pub(crate) fn refused(refusal: Refusal, challenge: &Challenge) -> Self {
        let (status, code) = match refusal {
            Refusal::Anonymous => (StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized),
            Refusal::InsufficientScope => (StatusCode::UNAUTHORIZED, ErrorCode::Denied),
            Refusal::Denied => (StatusCode::FORBIDDEN, ErrorCode::Denied),
        };
        Self::new(status, code, refusal.to_string()).challenged(challenge)
    }

    /// A caller of whom it is not known who it is.
    pub(crate) fn not_identified(failure: AuthFailure, challenge: &Challenge) -> Self {
        match failure {
            AuthFailure::Rejected | AuthFailure::InvalidToken | AuthFailure::EndsTooSoon => {
                Self::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, failure.to_string()).challenged(challenge)
            }
            AuthFailure::Unavailable | AuthFailure::IdentityTooLarge | AuthFailure::TooManyFailures { .. } => {
                Self::no_token(failure)
            }
        }
    }

    /// A caller whose credential cannot be read.
    pub(crate) fn malformed_credential(malformed: MalformedCredential, challenge: &Challenge) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, malformed.to_string()).challenged(challenge)
    }

    /// The same at the token service, where there is nothing to be challenged for.
    pub(crate) fn no_token(failure: AuthFailure) -> Self {
        match failure {
            AuthFailure::Rejected | AuthFailure::InvalidToken | AuthFailure::EndsTooSoon => {
                Self::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, failure.to_string())
            }
            AuthFailure::Unavailable => Self::unavailable(None, "an auth plugin failed, so the caller was denied".to_owned()),
            AuthFailure::IdentityTooLarge => Self::new(StatusCode::FORBIDDEN, ErrorCode::Denied, failure.to_string()),
            AuthFailure::TooManyFailures { retry_after } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests, failure.to_string())
                    .header(RETRY_AFTER, HeaderValue::from(seconds(retry_after)))
            }
        }
    }

    /// An `Authorization` header that the token service cannot use.
    pub(crate) fn no_token_for(malformed: MalformedCredential) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, malformed.to_string())
    }

    /// A 403 bears no challenge: another token would not help.
    fn challenged(self, challenge: &Challenge) -> Self {
        let answer = match self.status {
            StatusCode::UNAUTHORIZED => self.header(WWW_AUTHENTICATE, challenge.header.clone()),
            _ => self,
        };
        // A detail is one value here, the list itself, as Docker's registry has it.
        match challenge.detail.as_array() {
            Some(list) if list.is_empty() => answer,
            _ => answer.detail(challenge.detail.clone()),
        }
    }
}

/// Whole seconds, so many that a client that comes back then does not come too early.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}
