//! What the service's refusals mean. Of an answer only its status and the service's own code get into a text: neither its body, which may
//! quote what was signed, nor a URL.

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::storage::HttpAnswer;

use crate::xml;

/// An answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The status.
    pub status: u16,
    /// The service's code, such as `BlobNotFound`; empty if there is none.
    pub code: String,
    retry_after: Option<u32>,
}

impl Failure {
    /// Of a request that the plugin had sent.
    pub fn of(answer: &HttpResponse) -> Self {
        let in_body = || str::from_utf8(&answer.body).ok().and_then(|body| xml::text(body, "Code"));
        Self::new(
            answer.status,
            answer.header("x-ms-error-code").map(str::to_owned).or_else(in_body),
            answer.header("retry-after"),
        )
    }

    /// Of a request that the host sent with a body.
    pub fn of_part(answer: &HttpAnswer) -> Self {
        Self::new(answer.status, answer.header("x-ms-error-code").map(str::to_owned), answer.header("retry-after"))
    }

    /// Of an answer with this status, and these headers where it has them.
    pub fn new(status: u16, code: Option<String>, retry_after: Option<&str>) -> Self {
        let is_code = |code: &String| code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let retry_after = retry_after.and_then(|seconds| seconds.trim().parse().ok());
        Self { status, code: code.filter(is_code).unwrap_or_default(), retry_after }
    }

    /// Whether the service does not take the credential.
    pub const fn is_refusal(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// Whether there is no such blob: not so where the whole container is missing.
    pub fn is_absence(&self) -> bool {
        self.status == 404 && !self.code.starts_with("Container")
    }

    /// Whether the same request may go through later.
    pub fn is_passing(&self) -> bool {
        matches!(self.status, 408 | 429 | 500..=599)
    }

    /// As the interface has it; `what` was being done.
    pub fn error(&self, what: &str) -> Error {
        let said = format!("{what}: the service answers {} {}", self.status, self.code);
        let said = said.trim_end();
        if self.is_absence() {
            return Error::NotFound;
        }
        if self.is_refusal() {
            return Error::denied(said);
        }
        if self.status == 404 || self.is_passing() || self.is_busy() {
            return match self.retry_after {
                Some(seconds) => Error::unavailable_for(said, seconds),
                None => Error::unavailable(said),
            };
        }
        Error::internal(said)
    }

    /// Conflicts that go away by themselves, or once an operator has done something.
    fn is_busy(&self) -> bool {
        matches!(
            self.code.as_str(),
            "ContainerBeingDeleted" | "ContainerDisabled" | "PendingCopyOperation" | "AccountBeingCreated"
        )
    }
}
