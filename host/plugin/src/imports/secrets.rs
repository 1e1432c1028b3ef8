//! `secrets`: by the names that the operator granted, read at each use. Neither a value nor the place that it is kept in is ever logged or
//! told to the plugin.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::OpenOptionsExt as _;

use bulkhead_plugin_bindings::bulkhead::plugin::{secrets, types};
use rustix::fs::OFlags;

use super::{blocking, unavailable};
use crate::error::LoadError;
use crate::spec::SecretSource;
use crate::state::State;

/// The longest secret, in bytes.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

impl secrets::Host for State {
    async fn get(&mut self, name: String) -> Result<Vec<u8>, types::Error> {
        let Some(source) = self.reach.secrets.get(&name).cloned() else {
            return Err(types::Error::Denied(format!("the secret {name:?} is not granted: add it to grants.secrets")));
        };
        let plugin = self.reach.plugin.clone();
        blocking(move || {
            read(&source).map_err(|reason| {
                tracing::error!(%plugin, secret = %name, source = ?source, reason, "a granted secret cannot be read");
                unavailable(format!("the secret {name:?} cannot be read"))
            })
        })
        .await
    }
}

/// Whether each granted secret can be read now: what is missing shows at the start, not at the first call.
pub(crate) async fn check_secrets(secrets: &BTreeMap<String, SecretSource>) -> Result<(), LoadError> {
    if secrets.is_empty() {
        return Ok(());
    }
    let secrets = secrets.clone();
    let check = move || {
        for (name, source) in secrets {
            read(&source).map_err(|why| LoadError::Grant { what: format!("secrets.{name:?}"), why })?;
        }
        Ok(())
    };
    tokio::task::spawn_blocking(check).await.unwrap_or_else(|error| Err(LoadError::Host(format!("reading secrets: {error}"))))
}

fn read(source: &SecretSource) -> Result<Vec<u8>, String> {
    let value = match source {
        SecretSource::Environment(variable) => {
            std::env::var_os(variable).ok_or_else(|| "there is no such variable".to_owned())?.into_vec()
        }
        SecretSource::File(path) => {
            // A pipe must not make the host wait for whoever writes to it.
            let flags = OFlags::NONBLOCK.bits().cast_signed();
            let file = File::options().read(true).custom_flags(flags).open(path).map_err(|error| error.to_string())?;
            if !file.metadata().is_ok_and(|found| found.is_file()) {
                return Err("not a regular file".to_owned());
            }
            let mut value = Vec::new();
            file.take(MAX_SECRET_BYTES + 1).read_to_end(&mut value).map_err(|error| error.to_string())?;
            value
        }
    };
    if value.len() as u64 > MAX_SECRET_BYTES {
        return Err(format!("longer than {MAX_SECRET_BYTES} bytes"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_handed_out_byte_for_byte_and_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        std::fs::write(&path, b"s3cr3t\n").unwrap();
        assert_eq!(read(&SecretSource::File(path.clone())).unwrap(), b"s3cr3t\n");
        std::fs::write(&path, vec![b'x'; 64 * 1024 + 1]).unwrap();
        assert!(read(&SecretSource::File(path)).is_err());
        assert!(read(&SecretSource::File(directory.path().to_owned())).is_err());
        assert!(read(&SecretSource::Environment("BULKHEAD_NO_SUCH_VARIABLE".to_owned())).is_err());
    }
}
