//! Certificates for tests: authorities, and whom they sign.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::tls::TlsFiles;

/// The name of every server here.
pub(crate) const SERVER: &str = "registry.test";

/// Signs certificates.
pub(crate) struct Authority {
    pub pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) struct Pair {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), der: certificate.der().clone(), issuer: Issuer::new(params, key) }
    }

    pub(crate) fn sign(&self, params: &CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        Pair { certificate: params.signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }

    /// A server of the name [`SERVER`].
    pub(crate) fn server(&self) -> Pair {
        self.sign(&CertificateParams::new(vec![SERVER.to_owned()]).unwrap())
    }

    /// A client whose subject is `CN=name`.
    pub(crate) fn client(&self, name: &str) -> Pair {
        self.sign(&named(name))
    }

    /// How a client shakes hands that trusts this authority, and is this one.
    pub(crate) fn trusted(&self, client: Option<&Pair>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        match client {
            None => builder.with_no_client_auth(),
            Some(pair) => builder.with_client_auth_cert(vec![pair.der()], pair.key_der()).unwrap(),
        }
    }
}

impl Pair {
    pub(crate) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()
    }

    fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap()
    }

    /// Puts them into a directory, in the place of those that are there.
    pub(crate) fn put(&self, directory: &Path) {
        fs::write(directory.join("tls.crt"), &self.certificate).unwrap();
        fs::write(directory.join("tls.key"), &self.key).unwrap();
    }
}

/// A certificate to be, of the subject `CN=name`.
pub(crate) fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// The files of a directory; with the authorities of clients, where there are any.
pub(crate) fn files(directory: &Path, authorities: Option<&Authority>) -> TlsFiles {
    let client_authorities = authorities.map(|authority| {
        let file = directory.join("clients.crt");
        fs::write(&file, &authority.pem).unwrap();
        file
    });
    TlsFiles { certificate: directory.join("tls.crt"), key: directory.join("tls.key"), client_authorities }
}
