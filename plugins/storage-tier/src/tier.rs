//! Which storage has an object, and which gets an upload.

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::storage::{BelowReceipt, BelowSlice, BelowUpload, Copying};

use crate::cache::Cache;
use crate::settings::Settings;
use crate::state::{Place, STAGES, State};
use crate::{CACHE, LARGE, SMALL, listing};

/// Two or three storages as one.
pub struct Tier {
    /// Up to which size an object is a small one. None: there are no small ones.
    small: Option<u64>,
    cache: Option<Cache>,
}

fn check_key(key: &str) -> Result<()> {
    if key.starts_with(STAGES) {
        return Err(Error::invalid(format!("`{key}`: keys that begin with `{STAGES}` are the plugin's own")));
    }
    Ok(())
}

/// Where everything but what was asked for is tidied up. What fails there is left behind, and fails nothing else.
fn tidy(what: &str, done: Result<()>) {
    if let Err(error) = done {
        log::warn!("{what} is left behind: {error:?}");
    }
}

impl Tier {
    fn in_small(&self, key: &str) -> Result<Option<ObjectInfo>> {
        self.small.map_or(Ok(None), |_| below::stat(SMALL, key))
    }

    /// Whether the upload has grown out of `small`, whatever its state says.
    fn is_staged(&self, state: &State) -> Result<bool> {
        Ok(self.in_small(&state.stage())?.is_some())
    }

    /// Makes what `small` has of an upload its stage.
    fn stage(state: &State) -> Result<()> {
        // There may be nothing yet, or more than was acknowledged: the end is where this state has it.
        let upload = below::append(SMALL, &state.small, state.offset, &[])?;
        below::commit(SMALL, &upload, &state.stage())
    }

    /// Where the bytes of an upload go that is in `small` so far.
    fn next_of_small(&self, state: State, most: u64, length: Option<u64>) -> Result<BelowUpload> {
        let room = most.saturating_sub(state.offset);
        let is_staged = self.is_staged(&state)?;
        let fits = length.map_or(room > 0, |length| length <= room);
        if fits && !is_staged {
            let most = Some(room).filter(|room| *room > 0);
            return Ok(BelowUpload { layer: SMALL.to_owned(), state: state.small, offset: state.offset, most, head: None });
        }
        if !is_staged {
            Self::stage(&state)?;
        }
        let head = (state.offset > 0).then(|| BelowSlice::of(SMALL, state.stage(), None));
        Ok(BelowUpload { layer: LARGE.to_owned(), state: state.large, offset: 0, most: None, head })
    }

    /// Commits an upload that is in `small` as far as its state says. False: it was moved on already, and is committed in `large`.
    fn commit_small(&self, state: &State, key: &str) -> Result<bool> {
        if !self.is_staged(state)? {
            return match below::commit(SMALL, &state.small, key) {
                // This was done before, with a newer state.
                Err(Error::NotFound) if self.find(key)?.is_some() => Ok(false),
                done => done.map(|()| true),
            };
        }
        // It was about to be moved, and then no more bytes came.
        let bytes = match state.offset {
            0 => Vec::new(),
            length => below::read(SMALL, &state.stage(), ByteRange { offset: 0, length })?,
        };
        let moved = below::append(LARGE, &state.large, 0, &bytes).or_else(|error| match self.find(key)? {
            Some(_) => Ok(state.large.clone()),
            None => Err(error),
        })?;
        below::commit(LARGE, &moved, key)?;
        Ok(false)
    }

    /// The object, wherever it is.
    fn find(&self, key: &str) -> Result<Option<ObjectInfo>> {
        let small = self.in_small(key);
        if let Ok(Some(_)) = small {
            return small;
        }
        // Where `small` is away, `large` may have it. If not, nobody can say.
        match below::stat(LARGE, key)? {
            None => small,
            found => Ok(found),
        }
    }

    /// Where a large object is read, or one that `small` may have and cannot tell.
    fn open_large(&self, key: &str, range: Option<ByteRange>, small: Result<()>) -> Result<Source> {
        let slice = BelowSlice::of(LARGE, key, range);
        let cached = self.cache.as_ref().filter(|_| range.is_none());
        if cached.is_none() && small.is_ok() {
            return Ok(Source::Below(slice));
        }
        let Some(info) = below::stat(LARGE, key).or_else(|error| small.clone().and(Err(error)))? else {
            return Err(small.err().unwrap_or(Error::NotFound));
        };
        Ok(match cached {
            Some(cache) if info.size <= cache.largest => Source::Copied(Copying { from: slice, to: CACHE.to_owned() }),
            _ => Source::Below(slice),
        })
    }
}

impl Plugin for Tier {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        let (small, cache) = settings.checked()?;
        Ok(Self { small, cache })
    }
}

impl Storage for Tier {
    fn open(&mut self, key: &str, range: Option<ByteRange>) -> Result<Source> {
        check_key(key)?;
        if self.cache.is_some() && Cache::has(key) {
            return Ok(Source::Below(BelowSlice::of(CACHE, key, range)));
        }
        match self.in_small(key) {
            Ok(Some(_)) => Ok(Source::Below(BelowSlice::of(SMALL, key, range))),
            small => self.open_large(key, range, small.map(|_| ())),
        }
    }

    fn copied(&mut self, _key: &str, _layer: &str, size: u64) -> Result<()> {
        if let Some(cache) = &mut self.cache {
            cache.grown(size);
        }
        Ok(())
    }

    fn stat(&mut self, key: &str) -> Result<Option<ObjectInfo>> {
        check_key(key)?;
        self.find(key)
    }

    fn delete(&mut self, keys: &[String]) -> Result<()> {
        keys.iter().try_for_each(|key| check_key(key))?;
        let layers = [(LARGE, true), (SMALL, self.small.is_some()), (CACHE, self.cache.is_some())];
        // All of them, also where one is away: the deletion is asked for again then.
        let done = layers.map(|(layer, is_there)| if is_there { below::delete(layer, keys) } else { Ok(()) });
        done.into_iter().collect()
    }

    fn list(&mut self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
        match self.small {
            None => below::list(LARGE, prefix, after, limit),
            Some(_) => listing::both(prefix, after, limit),
        }
    }

    fn link(&mut self, key: &str, seconds: u32) -> Result<Option<String>> {
        check_key(key)?;
        let layer = if self.in_small(key)?.is_some() { SMALL } else { LARGE };
        below::link(layer, key, seconds)
    }

    fn begin(&mut self, upload: &str) -> Result<Vec<u8>> {
        let (place, small) = match self.small {
            None => (Place::Large, Vec::new()),
            Some(_) => (Place::Small, below::begin(SMALL, upload)?),
        };
        let large = below::begin(LARGE, upload)?;
        Ok(State { place, offset: 0, name: upload.to_owned(), small, large }.write())
    }

    fn next(&mut self, state: &[u8], offset: u64, length: Option<u64>) -> Result<Sink> {
        let state = State::read(state)?;
        if offset != state.offset {
            return Err(Error::invalid(format!("the bytes from {offset} on: the upload has {}", state.offset)));
        }
        Ok(Sink::Below(match (state.place, self.small) {
            (Place::Small, Some(most)) => self.next_of_small(state, most, length)?,
            (Place::Small, None) => {
                return Err(Error::invalid("the upload began in `small`, which `over` does not name any more"));
            }
            (Place::Large, _) => BelowUpload { layer: LARGE.to_owned(), state: state.large, offset, most: None, head: None },
        }))
    }

    fn written(&mut self, state: Vec<u8>, length: u64, receipt: Receipt) -> Result<Vec<u8>> {
        let Receipt::Below(BelowReceipt { state: below, offset, .. }) = receipt else {
            return Err(Error::internal("the bytes went to no layer below"));
        };
        let mut state = State::read(&state)?;
        if state.offset + length != offset {
            let had = state.offset;
            return Err(Error::internal(format!("{length} bytes went to an upload of {had}, and it has {offset} now")));
        }
        state.offset = offset;
        match state.place {
            Place::Small if !self.is_staged(&state)? => state.small = below,
            _ => (state.place, state.small, state.large) = (Place::Large, Vec::new(), below),
        }
        Ok(state.write())
    }

    fn commit(&mut self, state: &[u8], key: &str) -> Result<Progress> {
        check_key(key)?;
        let state = State::read(state)?;
        let is_small = state.place == Place::Small && self.commit_small(&state, key)?;
        if is_small {
            tidy("the upload in `large`", below::abort(LARGE, &state.large));
            return Ok(Progress::Done);
        }
        if state.place == Place::Large {
            below::commit(LARGE, &state.large, key)?;
        }
        if self.small.is_some() {
            tidy("an upload's stage", below::delete(SMALL, &[state.stage()]));
        }
        Ok(Progress::Done)
    }

    fn abort(&mut self, state: &[u8]) -> Result<()> {
        let state = State::read(state)?;
        let large = below::abort(LARGE, &state.large);
        let (small, stage) = match self.small {
            None => (Ok(()), Ok(())),
            Some(_) if state.place == Place::Large => (Ok(()), below::delete(SMALL, &[state.stage()])),
            Some(_) => (below::abort(SMALL, &state.small), below::delete(SMALL, &[state.stage()])),
        };
        large.and(small).and(stage)
    }
}
