//! The file that Amazon's tools keep their credentials in (`~/.aws/credentials`).

use bulkhead_plugin_sdk::prelude::*;

use crate::sigv4::Keys;

/// The keys of one profile. Errors have nothing of the file in them but the names that were asked for.
pub fn read(text: &str, profile: &str) -> Result<Keys> {
    let mut keys = Keys { id: String::new(), secret: String::new(), token: None };
    let mut is_ours = false;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            is_ours = name.trim() == profile;
        } else if let Some((name, value)) = line.split_once('=').filter(|_| is_ours) {
            let value = value.trim().to_owned();
            match name.trim() {
                "aws_access_key_id" => keys.id = value,
                "aws_secret_access_key" => keys.secret = value,
                "aws_session_token" => keys.token = Some(value),
                _ => {}
            }
        }
    }
    if keys.id.is_empty() || keys.secret.is_empty() {
        return Err(Error::invalid(format!(
            "credentials.file: it has no aws_access_key_id and aws_secret_access_key in `[{}]`",
            profile.escape_debug()
        )));
    }
    Ok(keys)
}
