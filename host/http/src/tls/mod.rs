//! TLS: the server's certificate, which is renewed without a restart, and what is known of a client's.
//!
//! rustls with ring, TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN. A client may show a certificate where authorities are configured; one
//! that leads to none of them ends the handshake. The private key is in no message and no log. The server makes a [`ServerTls`], gives it to
//! [`Listener::Tls`](crate::Listener::Tls), and calls [`ServerTls::reload`] now and then; `connection` shakes hands with it.

mod certificate;
mod files;
mod name;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use bulkhead_core::ports::clock::Timestamp;
use rustls::ServerConfig;

pub(crate) use certificate::read as read_certificate;
use files::Contents;
pub use files::TlsError;

/// Where the certificate, its key and the authorities lie, each as PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, and behind it those that lead to its authority.
    pub certificate: PathBuf,
    /// Its private key (PKCS #8, PKCS #1 or SEC 1), not encrypted.
    pub key: PathBuf,
    /// Those who sign clients' certificates. None: no client is asked for one.
    pub client_authorities: Option<PathBuf>,
}

/// Whether there was anything new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// Handshakes use what the files have now. Connections that are there already go on as they are.
    Renewed,
    /// The files are what they were.
    Unchanged,
}

/// What handshakes are made with. Renewed while it is in use.
pub struct ServerTls {
    files: TlsFiles,
    current: RwLock<Current>,
}

struct Current {
    config: Arc<ServerConfig>,
    contents: [u8; 32],
    expires: Timestamp,
}

impl ServerTls {
    /// Reads these files. Blocks as long as the disk takes for a few kilobytes.
    ///
    /// # Errors
    /// [`TlsError`]: a file cannot be read, or what it has cannot be used.
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let current = Current::of(&Contents::read(files)?, files)?;
        Ok(Self { files: files.clone(), current: RwLock::new(current) })
    }

    /// Everything that is wrong with each of the files by itself; nothing, where only how they fit together is. For a start that failed. Blocks
    /// as `load` does.
    pub fn faults(files: &TlsFiles) -> Vec<TlsError> {
        files::faults(files)
    }

    /// Looks at the files again, and at what is in them: a time of change says nothing where a file was replaced by a link. A client's TLS
    /// session of before is not resumed after a renewal, so that an authority that is gone lets nobody in. Blocks as `load` does.
    ///
    /// # Errors
    /// [`TlsError`]. What was there before goes on being used; half of a pair that is just being replaced is such a case.
    pub fn reload(&self) -> Result<Reloaded, TlsError> {
        let contents = Contents::read(&self.files)?;
        if contents.hash() == self.current.read().unwrap_or_else(PoisonError::into_inner).contents {
            return Ok(Reloaded::Unchanged);
        }
        let renewed = Current::of(&contents, &self.files)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(Reloaded::Renewed)
    }

    /// When the server's certificate ends. One that has ended is used all the same: clients say so more clearly than a server that is not there.
    pub fn expires(&self) -> Timestamp {
        self.current.read().unwrap_or_else(PoisonError::into_inner).expires
    }

    /// For the next handshake.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).config)
    }
}

impl Current {
    fn of(contents: &Contents, files: &TlsFiles) -> Result<Self, TlsError> {
        let (config, expires) = contents.configure(files)?;
        Ok(Self { config: Arc::new(config), contents: contents.hash(), expires })
    }
}

#[cfg(test)]
mod tests;
