//! The keys: secrets by the names in the settings, each with a short id that chunks bear.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bulkhead_plugin_sdk::prelude::*;

use crate::cipher::{self, Key};

/// Says which key a chunk was made with.
pub type KeyId = [u8; 4];

/// How long a secret is used before it is read again, in milliseconds.
const FRESH: u64 = 60_000;
/// How long at least after the keys were read they are not read again for a chunk of an unknown key, in milliseconds.
const PAUSE: u64 = 1_000;

const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);

/// A key and its id.
#[derive(Clone)]
pub struct Known {
    /// The id.
    pub id: KeyId,
    /// The key.
    pub key: Key,
}

impl From<Key> for Known {
    fn from(key: Key) -> Self {
        let [a, b, c, d, ..] = cipher::derived(&key, b"bulkhead key id\0");
        Self { id: [a, b, c, d], key }
    }
}

/// The secrets that the settings name.
pub struct Keys {
    /// With the setting that names it. The first is the one that encrypts.
    names: Vec<(String, String)>,
    known: Vec<Known>,
    /// When they were read.
    read: u64,
}

impl Keys {
    /// Reads all of them: a missing grant, or a secret that is no key, stops the start.
    pub fn new(key: String, previous: Vec<String>) -> Result<Self> {
        let previous = previous.into_iter().enumerate().map(|(place, name)| (format!("previous-keys[{place}]"), name));
        let names: Vec<_> = [("key".to_owned(), key)].into_iter().chain(previous).collect();
        Ok(Self { known: read(&names)?, names, read: clock::now() })
    }

    /// What encrypts now.
    pub fn current(&mut self) -> &Known {
        self.refresh(FRESH);
        &self.known[0]
    }

    /// What decrypts a chunk.
    pub fn of(&mut self, id: KeyId) -> Result<&Known> {
        self.refresh(FRESH);
        if !self.known.iter().any(|known| known.id == id) {
            // Perhaps another node uses a new key already.
            self.refresh(PAUSE);
        }
        self.known.iter().find(|known| known.id == id).ok_or_else(|| {
            let id = u32::from_be_bytes(id);
            Error::internal(format!(
                "the bytes need the key {id:08x}, which is neither `key` nor one of `previous-keys`, or are damaged"
            ))
        })
    }

    /// Reads them again if that was so long ago. While they cannot be read, those that were serve on.
    fn refresh(&mut self, age: u64) {
        let now = clock::now();
        if now.saturating_sub(self.read) < age {
            return;
        }
        self.read = now;
        match read(&self.names) {
            Ok(known) => self.known = known,
            Err(error) => log::warn!("the keys cannot be read again, and those of before are used: {error:?}"),
        }
    }
}

fn read(names: &[(String, String)]) -> Result<Vec<Known>> {
    let mut all: Vec<Known> = Vec::with_capacity(names.len());
    for (setting, name) in names {
        let secret = secrets::get(name).map_err(|error| error.context(setting))?;
        let known = Known::from(parse(&secret).ok_or_else(|| {
            Error::invalid(format!(
                "{setting}: the secret `{name}` is no key: it must be 32 random bytes, or those as 64 hex digits or in Base64"
            ))
        })?);
        if all.iter().any(|other| other.id == known.id && other.key != known.key) {
            return Err(Error::invalid(format!(
                "{setting}: the key of `{name}` has by chance the id of another one: make a new key"
            )));
        }
        all.push(known);
    }
    Ok(all)
}

/// Bytes as they are, hex digits, or Base64 of either alphabet.
fn parse(secret: &[u8]) -> Option<Key> {
    if let Ok(key) = secret.try_into() {
        return Some(key);
    }
    let text = secret.trim_ascii();
    let bytes = if text.len() == 64 { hex(text) } else { BASE64.decode(text).or_else(|_| BASE64_URL.decode(text)).ok() };
    bytes?.try_into().ok()
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    text.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_be_written_in_any_of_the_usual_ways() {
        let key: Key = std::array::from_fn(|place| place as u8 | 0xf0);
        let hex: String = key.iter().map(|byte| format!("{byte:02X}")).collect();
        let (base64, url) = (BASE64.encode(key), BASE64_URL.encode(key));
        for text in [&hex, &format!("{hex}\r\n"), &base64, &format!(" {base64}\n"), &url, &url.trim_end_matches('=').to_owned()] {
            assert_eq!(parse(text.as_bytes()), Some(key), "{text}");
        }
        assert_eq!(parse(&key), Some(key));
        for wrong in
            [&[][..], &key[1..], &[key.as_slice(), b"\n"].concat(), &hex.as_bytes()[..62], &[b'z'; 64], &base64.as_bytes()[4..]]
        {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }
}
