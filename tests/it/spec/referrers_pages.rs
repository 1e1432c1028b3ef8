//! "Listing Referrers": lists that do not fit one answer.

use std::collections::BTreeSet;

use bulkhead_tests::http::Client;
use bulkhead_tests::image::{self, Blob};
use bulkhead_tests::registry;
use serde_json::json;

use super::{numbered_index, open, push_index};

/// Bytes of annotations of each referrer: half of them are more than a manifest may have.
const NOTE: usize = 100_000;
const COUNT: usize = 100;

/// Pushes `COUNT` referrers of the subject, by turns of two types, and returns their digests.
fn push_long_referrers(client: &Client, subject: &Blob) -> Vec<String> {
    let push = |number: usize| {
        let annotations = json!({ "number": number.to_string(), "note": "x".repeat(NOTE) });
        let artifact_type = ["x/even", "x/odd"][number % 2];
        let members = json!({ "subject": subject.descriptor(), "artifactType": artifact_type, "annotations": annotations });
        let referrer = image::empty_index(&members);
        push_index(client, "a/app", &referrer.digest, &referrer);
        referrer.digest
    };
    (0..COUNT).map(push).collect()
}

/// All digests of the list from this page on, and how many pages that took.
fn walk(client: &Client, first: &str, filtered: bool) -> (Vec<String>, usize) {
    let (mut found, mut pages, mut target) = (Vec::new(), 0, Some(first.to_owned()));
    while let Some(page) = target {
        let answer = client.get(&page).expect(200);
        assert_eq!(answer.header("OCI-Filters-Applied").is_some(), filtered, "{page}");
        assert!(answer.body.len() < 4 * 1024 * 1024, "a page is no longer than a manifest may be");
        found.extend(
            answer.json()["manifests"].as_array().unwrap().iter().map(|entry| entry["digest"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        target = registry::next_page(&answer);
    }
    (found, pages)
}

#[test]
fn a_list_too_long_for_one_answer_is_given_in_pages_without_gap_or_repetition() {
    let (_server, client) = open();
    let subject = numbered_index(1);
    let all: BTreeSet<String> = push_long_referrers(&client, &subject).into_iter().collect();
    let (found, pages) = walk(&client, &format!("/v2/a/app/referrers/{}", subject.digest), false);
    assert!(pages > 1, "ten megabytes came in one answer");
    assert_eq!(found.len(), COUNT, "something came twice or is missing");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), all);
}

#[test]
fn a_filter_holds_on_every_page() {
    let (_server, client) = open();
    let subject = numbered_index(1);
    let all = push_long_referrers(&client, &subject);
    let odd: BTreeSet<String> = all.iter().skip(1).step_by(2).cloned().collect();
    let (found, pages) = walk(&client, &format!("/v2/a/app/referrers/{}?artifactType=x%2Fodd", subject.digest), true);
    assert!(pages > 1, "five megabytes came in one answer");
    assert_eq!(found.len(), odd.len(), "something came twice or is missing");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), odd);
}
