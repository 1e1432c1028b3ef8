//! TLS for clients: rustls with ring, and the system's authorities. Plugins' requests use it, and the command line's.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// A configuration that trusts what the system trusts. Where the system trusts nobody (no `ca-certificates`), it says so once, and every
/// https request fails.
///
/// # Errors
/// What rustls says: no version of TLS is left.
pub fn config() -> Result<ClientConfig, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(found.certs);
    if taken == 0 {
        tracing::warn!(
            errors = ?found.errors,
            "the system has no certificate authorities: https requests will fail until the package ca-certificates is installed"
        );
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
