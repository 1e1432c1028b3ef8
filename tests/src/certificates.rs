//! Certificates as `openssl` makes them: an authority of the test's own, and what it signs.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs;

/// Keys of P-256, not encrypted.
const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/// An authority in a folder: `NAME.crt`, `NAME.key`, and the same for all that it signs there.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    name: String,
}

impl Authority {
    /// Makes one.
    ///
    /// # Panics
    /// Where `openssl` does not.
    #[must_use]
    pub fn new(folder: &Path, name: &str) -> Self {
        let authority = Self { folder: folder.to_owned(), name: name.to_owned() };
        authority.request(name, &format!("/O=Contoso/CN={name}"), &[]);
        authority
    }

    /// Signs a certificate for this subject (`/O=Contoso/CN=a`) and these alternative names (`DNS:a,IP:127.0.0.1`): `FILE.crt` and
    /// `FILE.key`. One that is there is replaced.
    pub fn issue(&self, file: &str, subject: &str, names: &str) {
        let (certificate, key) = (self.certificate(), self.folder.join(format!("{}.key", self.name)).display().to_string());
        let names = format!("subjectAltName={names}");
        let by_us = ["-CA", &certificate, "-CAkey", &key, "-addext", "basicConstraints=critical,CA:FALSE", "-addext", &names];
        self.request(file, subject, &by_us);
    }

    /// Where its own certificate lies.
    #[must_use]
    pub fn certificate(&self) -> String {
        self.folder.join(format!("{}.crt", self.name)).display().to_string()
    }

    fn request(&self, file: &str, subject: &str, more: &[&str]) {
        let place = |ending: &str| self.folder.join(format!("{file}.{ending}"));
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-days", "2", "-subj", subject]).args(KEY).args(more);
        programs::run(command.arg("-keyout").arg(place("key")).arg("-out").arg(place("crt"))).expect_success();
    }
}
