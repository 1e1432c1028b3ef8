//! The functions of the fake host: what the generated imports are in a component. Each keeps to its contract in `wit/host.wit`.

pub(crate) use super::below;
use super::fake::{FakeFile, LogLine, State, state};
use crate::{Error, Result};

pub(crate) mod log {
    use super::{LogLine, state};
    use crate::log::Level;

    pub(crate) fn write(level: Level, message: &str) {
        state(|state| state.log.push(LogLine { level, text: message.to_owned() }));
    }
}

pub(crate) mod clock {
    pub(crate) fn now() -> u64 {
        super::state(|state| state.now)
    }

    /// Nobody waits: the clock is put on.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn sleep(time: std::time::Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        super::state(|state| state.set_now(state.now.saturating_add(millis)));
    }
}

pub(crate) mod random {
    /// SplitMix64: repeatable, and not at all secure.
    pub(crate) fn bytes(length: u32) -> Vec<u8> {
        super::state(|state| {
            (0..length.min(4096))
                .map(|_| {
                    state.random = state.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
                    let mixed = (state.random ^ (state.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                    (mixed >> 56) as u8
                })
                .collect()
        })
    }
}

pub(crate) mod http {
    use super::{Error, Result, state};
    use crate::{HttpRequest, HttpResponse};

    pub(crate) fn send(request: &HttpRequest) -> Result<HttpResponse> {
        let set = state(|state| {
            state.requests.push(request.clone());
            let answers = state.answers.get_mut(&request.url)?;
            let last = answers.len() == 1;
            if last { answers.front().cloned() } else { answers.pop_front() }
        });
        let origin = crate::http::origin(&request.url).unwrap_or_default();
        match (set, state(|state| state.services.get(&origin).cloned())) {
            (Some(answer), _) => answer,
            // It may ask the host itself, such as for the time.
            (None, Some(service)) => (service.0)(request),
            (None, None) => Err(Error::denied(format!("no answer is set for {}", request.url))),
        }
    }
}

pub(crate) mod secrets {
    use super::{Error, Result, state};

    pub(crate) fn get(name: &str) -> Result<Vec<u8>> {
        state(|state| state.secrets.get(name).cloned())
            .ok_or_else(|| Error::denied(format!("the secret `{name}` is not granted")))
    }
}

pub(crate) mod kv {
    use super::{Error, Result, state};

    pub(crate) fn get(key: &str) -> Result<Option<Vec<u8>>> {
        check(key, &[])?;
        state(|state| {
            let now = state.now;
            let alive = |until: Option<u64>| until.is_none_or(|until| now < until);
            Ok(state.kv.get(key).filter(|(_, until)| alive(*until)).map(|(value, _)| value.clone()))
        })
    }

    pub(crate) fn set(key: &str, value: &[u8], live: Option<u32>) -> Result<()> {
        check(key, value)?;
        state(|state| {
            let until = live.map(|seconds| state.now + u64::from(seconds) * 1000);
            state.kv.insert(key.to_owned(), (value.to_vec(), until));
            Ok(())
        })
    }

    pub(crate) fn delete(key: &str) -> Result<()> {
        check(key, &[])?;
        state(|state| state.kv.remove(key));
        Ok(())
    }

    fn check(key: &str, value: &[u8]) -> Result<()> {
        if state(|state| state.kv_refused) {
            return Err(Error::denied("state of its own is not granted: set grants.kv"));
        }
        if key.is_empty() || key.len() > 256 {
            return Err(Error::invalid("a key has 1 to 256 bytes"));
        }
        if value.len() > 64 * 1024 {
            return Err(Error::invalid("a value has at most 64 KiB"));
        }
        Ok(())
    }
}

pub(crate) mod accounts {
    use super::{Error, Result, state};
    use crate::accounts::{Account, Checked, Verification};
    use crate::testing::fake::FakeAccount;

    pub(crate) fn verify(name: &str, secret: &str) -> Result<Verification> {
        Ok(match known(name)? {
            None => Verification::Unknown,
            Some(known) if known.secret == secret => {
                Verification::Right(Checked { account: known.account, expires: None, proof: "1".to_owned() })
            }
            Some(_) => Verification::Wrong("none of its secrets".to_owned()),
        })
    }

    pub(crate) fn find(name: &str, proof: Option<&str>) -> Result<Option<Account>> {
        Ok(known(name)?.filter(|_| proof.is_none_or(|proof| proof == "1")).map(|known| known.account))
    }

    fn known(name: &str) -> Result<Option<FakeAccount>> {
        if name.is_empty() || name.len() > 128 {
            return Err(Error::invalid("a name has 1 to 128 bytes"));
        }
        state(|state| match &state.accounts {
            None => Err(Error::denied("the accounts are not granted: set grants.accounts")),
            Some(accounts) => Ok(accounts.get(name).cloned()),
        })
    }
}

pub(crate) mod files {
    use super::{Error, FakeFile, Result, State, state};
    use crate::files::Entry;

    pub(crate) fn read(path: &str, most: u32) -> Result<Vec<u8>> {
        state(|state| {
            let file = find(state, path)?.ok_or(Error::NotFound)?;
            if file.bytes.len() as u64 > u64::from(most) {
                return Err(Error::invalid(format!("{path} has more than {most} bytes")));
            }
            Ok(file.bytes)
        })
    }

    pub(crate) fn stat(path: &str) -> Result<Option<Entry>> {
        state(|state| Ok(find(state, path)?.map(|file| entry(path, &file))))
    }

    pub(crate) fn publish(from: &str, to: &str) -> Result<()> {
        state(|state| {
            let file = find(state, from)?.ok_or(Error::NotFound)?;
            granted(state, to)?;
            if state.files.contains_key(to) || is_directory(state, to) {
                return Err(Error::Conflict);
            }
            if state.files.keys().any(|path| to.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/'))) {
                return Err(Error::invalid(format!("{to} lies below a file")));
            }
            state.files.remove(from);
            state.files.insert(to.to_owned(), file);
            Ok(())
        })
    }

    pub(crate) fn remove(path: &str) -> Result<()> {
        state(|state| {
            granted(state, path)?;
            state.files.remove(path).map(|_| ()).ok_or(Error::NotFound)
        })
    }

    pub(crate) fn list(directory: &str, after: Option<&str>, limit: u32) -> Result<Vec<Entry>> {
        state(|state| {
            let directory = directory.trim_end_matches('/');
            granted(state, directory)?;
            let below = format!("{directory}/");
            let mut entries: Vec<Entry> = Vec::new();
            for (path, file) in state.files.range(below.clone()..).take_while(|(path, _)| path.starts_with(&below)) {
                let name = &path[below.len()..];
                let entry = match name.find('/') {
                    None => entry(path, file),
                    Some(slash) => Entry { path: path[..=below.len() + slash].to_owned(), size: 0, modified: file.modified },
                };
                if entries.last().is_none_or(|last| last.path != entry.path) {
                    entries.push(entry);
                }
            }
            entries.sort_by(|one, other| one.path.cmp(&other.path));
            entries.retain(|entry| after.is_none_or(|after| entry.path.as_str() > after));
            entries.truncate(limit.min(1000) as usize);
            Ok(entries)
        })
    }

    fn entry(path: &str, file: &FakeFile) -> Entry {
        Entry { path: path.to_owned(), size: file.bytes.len() as u64, modified: file.modified }
    }

    fn find(state: &State, path: &str) -> Result<Option<FakeFile>> {
        granted(state, path)?;
        Ok(state.files.get(path).cloned())
    }

    fn is_directory(state: &State, path: &str) -> bool {
        let below = format!("{path}/");
        state.files.range(below.clone()..).next().is_some_and(|(path, _)| path.starts_with(&below))
    }

    fn granted(state: &State, path: &str) -> Result<()> {
        let plain = !path.split('/').skip(1).any(|segment| matches!(segment, "" | "." | ".."));
        let below = |directory: &String| {
            path.strip_prefix(directory.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if plain && (state.granted_files.contains(path) || state.directories.iter().any(below)) {
            return Ok(());
        }
        Err(Error::denied(format!("{path} is not granted")))
    }
}
