//! The plugin against a store in memory, with uploads driven as the host drives them.

mod store;
mod storing;
mod uploading;

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::storage::{HttpAnswer, Part};
use bulkhead_plugin_sdk::testing::{FakeHost, Installed, configure};

use crate::store::Bucket;
use store::{ORIGIN, Shared};

const MIB: usize = 1024 * 1024;

/// A plugin with these further settings, and the store that it speaks to.
struct Setup {
    host: Installed,
    store: Shared,
    bucket: Bucket,
}

fn settings(more: &str) -> String {
    let credentials = r#"{"access-key-id":"A","secret-access-key":"key"}"#;
    format!(r#"{{"endpoint":"{ORIGIN}","region":"garage","bucket":"blobs","credentials":{credentials}{more}}}"#)
}

fn setup_with(more: &str) -> Setup {
    let store = Shared::default();
    let host = FakeHost::new().secret("key", "S").service(ORIGIN, store::service(&store)).install();
    let bucket = configure(&settings(more)).unwrap();
    Setup { host, store, bucket }
}

fn setup() -> Setup {
    setup_with("")
}

impl Setup {
    /// The keys of all that the store has.
    fn keys(&self) -> Vec<String> {
        self.store.borrow().objects.keys().cloned().collect()
    }

    fn object(&self, key: &str) -> Vec<u8> {
        self.store.borrow().objects[key].clone()
    }

    /// Has the next such request fail; `is_done`: after it was carried out.
    fn fail(&self, method: &'static str, part: &'static str, status: u16, code: &'static str, is_done: bool) {
        self.store.borrow_mut().failures.push(store::Failure { method, part, status, code, is_done });
    }

    /// What a part would send where it has these bytes, and whether it is full.
    fn gathered(part: &Part, bytes: &[u8]) -> Result<HttpRequest> {
        let mut body = match &part.head {
            None => Vec::new(),
            Some(head) => {
                let answer = http::send(&head.request)?;
                assert_eq!((answer.status, answer.body.len() as u64), (200, head.length));
                answer.body
            }
        };
        body.extend(bytes);
        assert!(body.len() as u64 <= part.most);
        let request = part.short.as_ref().filter(|_| (body.len() as u64) < part.most).unwrap_or(&part.request);
        Ok(HttpRequest { body, ..request.clone() })
    }

    /// Hands over a body as the host does; a new instance of the plugin each time.
    fn pour(&mut self, mut state: Vec<u8>, mut offset: u64, mut rest: &[u8]) -> Result<Vec<u8>> {
        loop {
            let Sink::Http(part) = self.bucket.next(&state, offset, None)? else { panic!("the host sends requests") };
            let room = part.most - part.head.as_ref().map_or(0, |head| head.length);
            let (now, later) = rest.split_at(rest.len().min(room as usize));
            let answer = http::send(&Self::gathered(&part, now)?)?;
            let receipt = Receipt::Http(HttpAnswer { status: answer.status, headers: answer.headers });
            state = self.bucket.written(state, now.len() as u64, receipt)?;
            offset += now.len() as u64;
            if (now.len() as u64) < room {
                return Ok(state);
            }
            rest = later;
        }
    }

    /// An upload that is done but for its commit, of several bodies one after the other.
    fn uploaded(&mut self, upload: &str, bodies: &[&[u8]]) -> Result<Vec<u8>> {
        let (mut state, mut offset) = (self.bucket.begin(upload)?, 0);
        for body in bodies {
            state = self.pour(state, offset, body)?;
            offset += body.len() as u64;
        }
        Ok(state)
    }

    /// Commits to the end.
    fn commit(&mut self, state: &[u8], key: &str) -> Result<()> {
        let mut state = state.to_vec();
        while let Progress::More(next) = self.bucket.commit(&state, key)? {
            state = next;
        }
        Ok(())
    }

    /// How often such a request was sent.
    fn sent(&self, method: &str, part: &str) -> usize {
        self.host.requests().iter().filter(|request| request.method == method && request.url.contains(part)).count()
    }
}

/// Bytes that are the same nowhere.
fn bytes(length: usize) -> Vec<u8> {
    (0..length.div_ceil(8))
        .flat_map(|number| (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes())
        .take(length)
        .collect()
}
