//! The contract of storage, a test for each clause and plugin.

use std::sync::Arc;

use bulkhead_core::ports::ids::RegistryName;
use bulkhead_tests::places::TempDir;
use bulkhead_tests::suites::storage::Subject;
use serde_json::Value;

use crate::world;

async fn subject(component: &'static str, settings: Value, folder: Arc<TempDir>) -> Subject {
    let load = move || {
        let (settings, folder) = (settings.clone(), Arc::clone(&folder));
        let loading = async move {
            let registry: RegistryName = "default".parse().expect("a name");
            let plugin = world::storage(component, settings, folder.path()).await;
            plugin.storage(&registry).expect("a storage plugin")
        };
        Box::pin(loading) as std::pin::Pin<Box<dyn Future<Output = _>>>
    };
    Subject::new(Box::new(load)).await
}

macro_rules! clauses {
    ($component:literal, $settings:tt: $($clause:ident)+) => {
        $(
            #[test]
            fn $clause() {
                super::world::block_on(async {
                    let folder = Arc::new(TempDir::new());
                    let subject = super::subject($component, serde_json::json!($settings), Arc::clone(&folder)).await;
                    bulkhead_tests::suites::storage::$clause(subject).await;
                });
            }
        )+
    };
}

macro_rules! contract {
    ($($module:ident: $component:literal, $settings:tt, also [$($more:ident)*];)+) => {
        $(
            mod $module {
                use std::sync::Arc;

                use super::TempDir;

                clauses!($component, $settings:
                    nothing_is_visible_before_its_commit
                    an_object_is_seen_everywhere_as_soon_as_it_is_committed
                    what_is_read_is_what_was_written
                    a_range_is_exactly_the_bytes_asked_for
                    what_is_not_there_is_not_found
                    a_second_commit_of_the_same_key_succeeds_and_changes_nothing
                    the_same_commit_once_more_succeeds
                    an_upload_goes_on_at_another_process
                    a_chunk_that_was_never_acknowledged_leaves_nothing_behind
                    an_aborted_upload_is_gone_and_may_be_aborted_again
                    a_deleted_object_is_gone_and_may_be_deleted_again
                    a_list_goes_on_page_by_page_in_byte_order
                    a_list_is_bound_to_its_prefix
                    a_thousand_small_objects_at_once_are_all_kept
                    the_state_of_an_upload_stays_within_its_bound
                    $($more)*
                );
            }
        )+
    };
}

contract! {
    storage_fs: "storage-fs", {}, also [keys_at_the_edge_of_the_grammar_are_kept];
    reader_of_a_guest: "hostile-storage", { "behaviour": "honest-reader" }, also [keys_at_the_edge_of_the_grammar_are_kept];
    // The smallest example writes a whole key as one file name, so it keeps no key of more than 255 bytes; the host makes none.
    hello_storage: "hello-storage", { "root": "/blobs" }, also [];
}
