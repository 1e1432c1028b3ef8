//! What plugins are told of a client's certificate.
//!
//! rustls has verified it. What is read here is only what it says of its holder; a certificate of which not all can be told as the port has it
//! is refused whole, since a part of a name may be the name of somebody else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bulkhead_core::ports::auth::Certificate;
use bulkhead_core::ports::clock::Timestamp;
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::name::rfc4514;

/// As [`Certificate`] has them, in bytes.
const MAX_SUBJECT: usize = 1024;
const MAX_NAME: usize = 512;
const MAX_NAMES: usize = 64;

/// Why a client's certificate cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CertificateError {
    #[error("it cannot be read")]
    Malformed,
    #[error("its subject is longer than {MAX_SUBJECT} bytes")]
    LongSubject,
    #[error("it has more than {MAX_NAMES} alternative names, or one of more than {MAX_NAME} bytes")]
    TooManyNames,
    #[error("one of its alternative names has characters that no such name has")]
    StrangeName,
}

/// Reads a certificate (DER).
pub(crate) fn read(der: &[u8]) -> Result<Certificate, CertificateError> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
    let subject = rfc4514(certificate.subject()).ok_or(CertificateError::Malformed)?;
    if subject.len() > MAX_SUBJECT {
        return Err(CertificateError::LongSubject);
    }
    let extension = certificate.subject_alternative_name().map_err(|_| CertificateError::Malformed)?;
    let names = extension.map_or(Ok(Vec::new()), |extension| names(&extension.value.general_names))?;
    Ok(Certificate { subject, names, fingerprint: fingerprint(der), expires: ends(&certificate) })
}

/// When a certificate (DER) ends; none: it cannot be read.
pub(super) fn expiry(der: &[u8]) -> Option<Timestamp> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| ends(&certificate))
}

fn ends(certificate: &X509Certificate<'_>) -> Timestamp {
    let seconds = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or_default();
    Timestamp(seconds.saturating_mul(1000))
}

/// The names of the four kinds that rules are written about. Others (directory names, a vendor's own) are left out.
fn names(all: &[GeneralName<'_>]) -> Result<Vec<String>, CertificateError> {
    let mut names = Vec::new();
    for name in all {
        let name = match name {
            GeneralName::DNSName(name) => visible("dns", &name.to_ascii_lowercase())?,
            GeneralName::RFC822Name(name) => visible("email", name)?,
            GeneralName::URI(name) => visible("uri", name)?,
            GeneralName::IPAddress(bytes) => format!("ip:{}", address(bytes).ok_or(CertificateError::StrangeName)?),
            GeneralName::Invalid(..) => return Err(CertificateError::Malformed),
            _ => continue,
        };
        if names.len() == MAX_NAMES || name.len() > MAX_NAME {
            return Err(CertificateError::TooManyNames);
        }
        names.push(name);
    }
    Ok(names)
}

fn visible(kind: &str, name: &str) -> Result<String, CertificateError> {
    let visible = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    if visible { Ok(format!("{kind}:{name}")) } else { Err(CertificateError::StrangeName) }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(|octets| Ipv4Addr::from(octets).into()),
        16 => <[u8; 16]>::try_from(bytes).ok().map(|octets| Ipv6Addr::from(octets).into()),
        _ => None,
    }
}

fn fingerprint(der: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(der).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
