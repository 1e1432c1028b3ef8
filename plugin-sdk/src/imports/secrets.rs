//! Secrets by the names that the operator granted. Read afresh at each call, so that a changed secret is used at once; never log one.

use super::host;
use crate::{OrError, Result};

/// The bytes of a secret. `denied` if no secret of that name was granted.
pub fn get(name: &str) -> Result<Vec<u8>> {
    host::secrets::get(name)
}

/// A secret that is text, without the line break at its end that editors add to files.
pub fn text(name: &str) -> Result<String> {
    let text = String::from_utf8(get(name)?).or_invalid("this secret is not UTF-8 text")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
