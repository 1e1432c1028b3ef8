//! From PEM files to what rustls shakes hands with.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bulkhead_core::ports::clock::Timestamp;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest as _, Sha256};

use super::TlsFiles;
use super::certificate::expiry;

/// Far more than a chain or a bundle of authorities takes, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// Why there is no TLS. The message names the file, and never what is in it.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{file} cannot be read: {error}")]
    Read {
        /// Which one.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is larger than 1 MiB.
    #[error("{0} is larger than 1 MiB, which no certificate and no key is")]
    TooLarge(PathBuf),
    /// A file is no PEM.
    #[error("{file} is damaged: {error}")]
    Pem {
        /// Which one.
        file: PathBuf,
        /// What is wrong.
        error: pem::Error,
    },
    /// A file has no certificate.
    #[error("{0} has no certificate: a PEM file has BEGIN CERTIFICATE in it")]
    NoCertificate(PathBuf),
    /// A file has no private key.
    #[error("{0} has no private key that can be used: a PEM file has BEGIN PRIVATE KEY in it, and the key is not encrypted")]
    NoKey(PathBuf),
    /// The certificate and the key are no pair, or one of them is of a kind that is not spoken.
    #[error("{certificate} and {key} cannot be used together: {error}")]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        error: rustls::Error,
    },
    /// The certificate is none that can be read.
    #[error("the first certificate of {0} cannot be read")]
    Certificate(PathBuf),
    /// An authority of clients cannot be used.
    #[error("an authority in {file} cannot be used: {error}")]
    Authority {
        /// Its file.
        file: PathBuf,
        /// Why.
        error: rustls::Error,
    },
    /// Clients' certificates cannot be checked.
    #[error("clients cannot be checked against {file}: {error}")]
    Verifier {
        /// The file of the authorities.
        file: PathBuf,
        /// Why.
        error: VerifierBuilderError,
    },
    /// rustls and ring are not made for each other; a fault of the build.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// What the files had when they were read.
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authorities: Option<Vec<u8>>,
}

impl Contents {
    pub(super) fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self {
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
            authorities: files.client_authorities.as_deref().map(read).transpose()?,
        })
    }

    /// Tells contents apart.
    pub(super) fn hash(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for part in [&self.certificate, &self.key].into_iter().chain(&self.authorities) {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }

    /// What handshakes are made with, and when the certificate ends.
    pub(super) fn configure(&self, files: &TlsFiles) -> Result<(ServerConfig, Timestamp), TlsError> {
        let provider = Arc::new(ring::default_provider());
        let chain = certificates(&self.certificate, &files.certificate)?;
        let key = private_key(&self.key, &files.key)?;
        let expires = expiry(&chain[0]).ok_or_else(|| TlsError::Certificate(files.certificate.clone()))?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(TlsError::Setup)?;
        let builder = match (&self.authorities, &files.client_authorities) {
            (Some(authorities), Some(file)) => {
                let roots = roots(authorities, file)?;
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).allow_unauthenticated();
                let verifier = verifier.build().map_err(|error| TlsError::Verifier { file: file.clone(), error })?;
                builder.with_client_cert_verifier(verifier)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| TlsError::Pair {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            error,
        })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Most clients open a connection for each request: those that keep a ticket save a handshake, and the server keeps nothing for them.
        config.ticketer = ring::Ticketer::new().map_err(TlsError::Setup)?;
        Ok((config, expires))
    }
}

/// What is wrong with each of the files by itself. How they fit together shows only once each is sound.
pub(super) fn faults(files: &TlsFiles) -> Vec<TlsError> {
    let certificate = read(&files.certificate).and_then(|contents| certificates(&contents, &files.certificate).map(drop));
    let key = read(&files.key).and_then(|contents| private_key(&contents, &files.key).map(drop));
    let authorities =
        files.client_authorities.as_deref().map_or(Ok(()), |file| read(file).and_then(|found| roots(&found, file).map(drop)));
    [certificate, key, authorities].into_iter().filter_map(Result::err).collect()
}

fn private_key(contents: &[u8], file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(contents).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey(file.to_owned()),
        error => TlsError::Pem { file: file.to_owned(), error },
    })
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    let error = |error| TlsError::Read { file: file.to_owned(), error };
    let mut contents = Vec::new();
    File::open(file).map_err(error)?.take(MAX_FILE + 1).read_to_end(&mut contents).map_err(error)?;
    if contents.len() as u64 > MAX_FILE { Err(TlsError::TooLarge(file.to_owned())) } else { Ok(contents) }
}

/// At least one.
fn certificates(contents: &[u8], file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(contents).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(TlsError::NoCertificate(file.to_owned())),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(TlsError::Pem { file: file.to_owned(), error }),
    }
}

/// Every certificate of the file counts: one that cannot be used is a fault, not left out.
fn roots(contents: &[u8], file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(contents, file)? {
        roots.add(authority).map_err(|error| TlsError::Authority { file: file.to_owned(), error })?;
    }
    Ok(roots)
}
