//! "Listing Tags".

use bulkhead_tests::http::Client;
use bulkhead_tests::image;
use bulkhead_tests::registry::{self, next_page, put_with_tags};
use serde_json::json;

use super::{assert_digest, numbered_index, open, push_index};

/// In a thousand requests.
const MANY: usize = 100_000;
const AT_ONCE: usize = 100;
const CLIENTS: usize = 8;

fn list(client: &Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("/v2/a/app/tags/list{query}")).expect(200).json();
    assert_eq!(answer["name"], "a/app");
    serde_json::from_value(answer["tags"].clone()).expect("tags are a list of texts")
}

#[test]
fn the_list_of_a_repository_without_tags_is_empty() {
    let (_server, client) = open();
    let index = numbered_index(1);
    push_index(&client, "a/app", &index.digest, &index);
    assert_eq!(list(&client, ""), Vec::<String>::new());
    push_index(&client, "a/app", "v1", &index);
    client.delete("/v2/a/app/manifests/v1").expect(202);
    assert_eq!(list(&client, ""), Vec::<String>::new());
    let empty = client.get("/v2/a/app/tags/list").expect(200);
    assert_eq!(empty.json(), json!({ "name": "a/app", "tags": [] }));
    assert_eq!(empty.header("Link"), None);
    client.get("/v2/a/nowhere/tags/list").expect_error(&[404], &["NAME_UNKNOWN"]);
}

#[test]
fn tags_come_in_the_order_of_their_bytes() {
    let (_server, client) = open();
    let tags = ["_", "a", "A", "Z", "z", "1", "10", "2", "a-b", "a.b", "a_b", "aB", "ab", "v1.0", "v1.10", "v1.9"];
    put_with_tags(&client, "a/app", &numbered_index(1), &tags).expect(201);
    let mut sorted = tags.map(str::to_owned);
    sorted.sort();
    assert_eq!(list(&client, ""), sorted);
    for n in 1..=tags.len() + 1 {
        assert_eq!(registry::pages(&client, &format!("/v2/a/app/tags/list?n={n}"), "tags").concat(), sorted, "n={n}");
    }
}

#[test]
fn a_page_has_as_many_tags_as_were_asked_for_and_a_link_only_if_there_are_more() {
    let (_server, client) = open();
    let index = numbered_index(1);
    for tag in ["a", "b", "c", "d"] {
        push_index(&client, "a/app", tag, &index);
    }
    for (query, expected, more) in [
        ("?n=1", &["a"][..], true),
        ("?n=3", &["a", "b", "c"], true),
        ("?n=4", &["a", "b", "c", "d"], false),
        ("?n=5", &["a", "b", "c", "d"], false),
        ("?n=2&last=a", &["b", "c"], true),
        ("?n=2&last=b", &["c", "d"], false),
        ("?last=b", &["c", "d"], false),
        // The last one need not be a tag of this repository, nor does it come again.
        ("?n=1&last=bb", &["c"], true),
        ("?last=d", &[], false),
        ("?n=2&last=zzz", &[], false),
    ] {
        let answer = client.get(&format!("/v2/a/app/tags/list{query}")).expect(200);
        assert_eq!(answer.json()["tags"], json!(expected), "{query}");
        assert_eq!(next_page(&answer).is_some(), more, "{query}");
    }
}

#[test]
fn a_page_of_none_is_empty_and_leads_nowhere() {
    let (_server, client) = open();
    push_index(&client, "a/app", "v1", &numbered_index(1));
    for query in ["?n=0", "?n=0&last=a", "?n=0&last=z"] {
        let answer = client.get(&format!("/v2/a/app/tags/list{query}")).expect(200);
        assert_eq!(answer.json()["tags"], json!([]), "{query}");
        assert_eq!(answer.header("Link"), None, "{query}");
    }
    client.get("/v2/a/nowhere/tags/list?n=0").expect_error(&[404], &["NAME_UNKNOWN"]);
}

#[test]
fn tags_of_a_repository_whose_name_begins_another_s_are_its_own() {
    let (_server, client) = open();
    let names = ["a/app", "a/app/sub", "a/app-2", "a/app.x", "a/app__y", "a/ap", "a"];
    for name in names {
        let tag = name.replace('/', "-");
        push_index(&client, name, &tag, &image::empty_index(&json!({})));
    }
    for name in names {
        assert_eq!(registry::tags(&client, name), [name.replace('/', "-")], "{name}");
    }
}

#[test]
fn a_hundred_thousand_tags_are_listed_whole_and_in_order_from_any_place() {
    let (_server, client) = open();
    let index = numbered_index(1);
    // Spread, so that no request's tags lie together in the list; of several lengths and letters.
    let name = |number: usize| {
        let scrambled = number * 7919 % MANY;
        format!("{}{scrambled:05}{}", ["v", "V", "_"][scrambled % 3], ["", "-rc.1"][scrambled % 2])
    };
    std::thread::scope(|scope| {
        for worker in 0..CLIENTS {
            let (client, index) = (client.clone(), &index);
            scope.spawn(move || {
                for first in (worker * AT_ONCE..MANY).step_by(CLIENTS * AT_ONCE) {
                    let tags: Vec<String> = (first..first + AT_ONCE).map(name).collect();
                    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
                    put_with_tags(&client, "a/app", index, &tags).expect(201);
                }
            });
        }
    });
    let mut all: Vec<String> = (0..MANY).map(name).collect();
    all.sort();

    let pages = registry::pages(&client, "/v2/a/app/tags/list?n=1000", "tags");
    assert!(
        pages.iter().all(|page| page.len() == 1000) && pages.len() == 100,
        "{:?}",
        pages.iter().map(Vec::len).collect::<Vec<_>>()
    );
    assert!(pages.concat() == all, "tags are missing, out of order or there twice");

    let middle = &all[MANY / 2];
    assert_eq!(list(&client, &format!("?n=3&last={middle}")), all[MANY / 2 + 1..MANY / 2 + 4]);
    assert_eq!(list(&client, &format!("?last={}", all[MANY - 3])), all[MANY - 2..]);
    assert_eq!(list(&client, "?n=0"), Vec::<String>::new());
    assert_eq!(registry::pages(&client, "/v2/a/app/tags/list", "tags").concat().len(), MANY);
    assert_digest(&registry::get_manifest(&client, "a/app", middle).expect(200), &index.digest);
    // All of them go with the manifest that they point to.
    client.delete(&format!("/v2/a/app/manifests/{}", index.digest)).expect(202);
    assert_eq!(registry::tags(&client, "a/app"), Vec::<String>::new());
    registry::get_manifest(&client, "a/app", middle).expect(404);
}
