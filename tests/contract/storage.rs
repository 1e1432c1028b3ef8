//! The contract of storage, a test for each clause and plugin.

use std::sync::Arc;

use bulkhead_tests::places::TempDir;
use bulkhead_tests::suites::storage::Subject;
use serde_json::json;

use crate::stores;
use crate::world::Storage;

async fn subject(storage: Storage, folder: Arc<TempDir>) -> Subject {
    let storage = Arc::new(storage);
    let load = move || {
        let (storage, folder) = (Arc::clone(&storage), Arc::clone(&folder));
        Box::pin(async move { storage.load(folder.path()).await }) as std::pin::Pin<Box<dyn Future<Output = _>>>
    };
    Subject::new(Box::new(load)).await
}

macro_rules! clauses {
    ($storage:expr; $($clause:ident)+) => {
        $(
            #[test]
            fn $clause() {
                crate::world::block_on(async {
                    let subject = super::subject($storage, Arc::new(TempDir::new())).await;
                    bulkhead_tests::suites::storage::$clause(subject).await;
                });
            }
        )+
    };
}

macro_rules! contract {
    ($($module:ident: $storage:expr, also [$($more:ident)*];)+) => {
        $(
            mod $module {
                use std::sync::Arc;

                use super::*;

                clauses!($storage;
                    nothing_is_visible_before_its_commit
                    what_is_read_is_what_was_written
                    a_range_is_exactly_the_bytes_asked_for
                    what_is_not_there_is_not_found
                    a_second_commit_of_the_same_key_succeeds_and_changes_nothing
                    a_chunk_that_was_never_acknowledged_leaves_nothing_behind
                    a_commit_has_the_acknowledged_bytes_alone
                    chunks_of_every_size_become_one_object
                    an_aborted_upload_is_gone_and_may_be_aborted_again
                    a_deleted_object_is_gone_and_may_be_deleted_again
                    many_objects_are_deleted_at_once
                    a_list_goes_on_page_by_page_in_byte_order
                    a_list_is_bound_to_its_prefix
                    a_list_has_each_object_once_while_others_come_and_go
                    a_thousand_small_objects_at_once_are_all_kept
                    the_state_of_an_upload_stays_within_its_bound
                    $($more)*
                );
            }
        )+
    };
}

/// What only a storage outside its own instance can do.
macro_rules! durable {
    ($($module:ident: $storage:expr, also [$($more:ident)*];)+) => {
        contract! {
            $($module: $storage, also [
                an_object_is_seen_everywhere_as_soon_as_it_is_committed
                the_same_commit_once_more_succeeds
                an_upload_goes_on_at_another_process
                an_upload_of_several_parts_goes_on_at_another_process
                a_commit_at_another_process_has_the_acknowledged_bytes_alone
                $($more)*
            ];)+
        }
    };
}

fn key_of_a_cipher() -> (&'static str, String) {
    ("key", "0123456789abcdef".repeat(4))
}

fn encrypted(below: Storage) -> Storage {
    Storage {
        secrets: vec![key_of_a_cipher()],
        over: vec![("below", below)],
        ..Storage::new("storage-encrypt", json!({"key": "key"}))
    }
}

fn tiered(settings: serde_json::Value, over: Vec<(&'static str, Storage)>) -> Storage {
    Storage { over, ..Storage::new("storage-tier", settings) }
}

durable! {
    storage_fs: Storage::disk("blobs"),
        also [keys_at_the_edge_of_the_grammar_are_kept what_was_dropped_cannot_be_committed];
    pieces_of_a_guest: Storage { directory: Some("blobs"), ..Storage::new("hostile-storage", json!({"behaviour": "honest-pieces"})) },
        also [keys_at_the_edge_of_the_grammar_are_kept];
    // The smallest example writes a whole key as one file name, so it keeps no key of more than 255 bytes; the host makes none.
    hello_storage: Storage { directory: Some("blobs"), ..Storage::new("hello-storage", json!({"root": "/blobs"})) }, also [];
    storage_encrypt: encrypted(Storage::disk("blobs")), also [keys_at_the_edge_of_the_grammar_are_kept];
    small_and_large: tiered(json!({"small-bytes": 65536}), vec![("small", Storage::disk("small")), ("large", Storage::disk("large"))]),
        also [keys_at_the_edge_of_the_grammar_are_kept];
    a_cache: tiered(json!({"cache-bytes": 4_000_000}), vec![("large", Storage::disk("large")), ("cache", Storage::disk("cache"))]),
        also [keys_at_the_edge_of_the_grammar_are_kept];
    layers_over_layers: tiered(
        json!({"small-bytes": 65536, "cache-bytes": 4_000_000}),
        vec![
            ("small", Storage::disk("small")),
            ("large", encrypted(Storage { directory: Some("large"), ..Storage::new("hostile-storage", json!({"behaviour": "honest-pieces"})) })),
            ("cache", Storage::disk("cache")),
        ]
    ), also [keys_at_the_edge_of_the_grammar_are_kept];
}

durable! {
    moto: stores::moto(), also [keys_at_the_edge_of_the_grammar_are_kept what_was_dropped_cannot_be_committed];
    garage: stores::garage(), also [keys_at_the_edge_of_the_grammar_are_kept what_was_dropped_cannot_be_committed];
    azurite: stores::azure(("shared-key", bulkhead_tests::azurite::KEY)),
        also [keys_at_the_edge_of_the_grammar_are_kept what_was_dropped_cannot_be_committed];
}

contract! {
    // Everything is in its one instance.
    storage_memory: Storage { limits: Some((1, 256 << 20)), ..Storage::new("storage-memory", json!({"max-bytes": 128 << 20})) },
        also [keys_at_the_edge_of_the_grammar_are_kept];
}
