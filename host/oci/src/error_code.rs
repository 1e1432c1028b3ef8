//! The closed list of error codes that a client may see (OCI distribution specification, "Error Codes").

/// An error code of the protocol. Which HTTP status bears it is the HTTP layer's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// code-1: the blob is unknown to the registry.
    BlobUnknown,
    /// code-2: the upload was invalid.
    BlobUploadInvalid,
    /// code-3: the upload is unknown.
    BlobUploadUnknown,
    /// code-4: the provided digest did not match the content.
    DigestInvalid,
    /// code-5: the manifest references an unknown manifest or blob.
    ManifestBlobUnknown,
    /// code-6: the manifest is invalid.
    ManifestInvalid,
    /// code-7: the manifest is unknown.
    ManifestUnknown,
    /// code-8: the repository's name is invalid.
    NameInvalid,
    /// code-9: the repository is unknown.
    NameUnknown,
    /// code-10: the provided length did not match the content.
    SizeInvalid,
    /// code-11: authentication is required.
    Unauthorized,
    /// code-12: access to the resource is denied.
    Denied,
    /// code-13: the operation is unsupported.
    Unsupported,
    /// code-14: too many requests.
    TooManyRequests,
    /// Docker's code for a tag that is outside the grammar.
    TagInvalid,
    /// Docker's code for a fault of the server; the reason is in its log alone.
    Unknown,
}

impl ErrorCode {
    /// As it stands in the error body.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Denied => "DENIED",
            Self::Unsupported => "UNSUPPORTED",
            Self::TooManyRequests => "TOOMANYREQUESTS",
            Self::TagInvalid => "TAG_INVALID",
            Self::Unknown => "UNKNOWN",
        }
    }
}
