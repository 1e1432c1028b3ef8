//! The catalog of repositories: not in the specification, but of Docker's registry, and paged as tags are.

use bulkhead_tests::config::Config;
use bulkhead_tests::http::Client;
use bulkhead_tests::registry::{self, next_page};
use bulkhead_tests::server::Server;
use bulkhead_tests::users::{ALICE, RITA, SAM};
use serde_json::json;

use super::{numbered_index, open, open_with, push_index};

const MANY: usize = 10_000;
const CLIENTS: usize = 16;

/// Alice may do everything, Rita may list and read below `team/` and what is named `shared`, Sam may list and read nothing.
const RULES: &str = r#"component = "builtin:policy-rules"
config.rules = [
  { who = ["user:alice"], repositories = ["**"], actions = ["*"] },
  { who = ["user:rita", "user:sam"], repositories = ["**"], actions = ["list"] },
  { who = ["user:rita"], repositories = ["team/**", "**/shared"], actions = ["pull"] },
]"#;

fn list(client: &Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("/v2/_catalog{query}")).expect(200).json();
    serde_json::from_value(answer["repositories"].clone()).expect("repositories are a list of texts")
}

/// Names that are the beginnings of each other, with every separator, and of the greatest length.
fn odd_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "a",
        "a/b",
        "a/b/c",
        "a-b",
        "a--b",
        "a.b",
        "a_b",
        "a__b",
        "a0",
        "aa",
        "a-b/c",
        "a.b/c",
        "a__b/c",
        "ab",
        "0",
        "0/0",
        "z__z--z.z_z",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("l".repeat(255));
    names.push(format!("{}/{}", "l".repeat(127), "m".repeat(127)));
    names.push(format!("{}a", "l/".repeat(127)));
    names
}

#[test]
fn repositories_come_in_the_order_of_their_bytes_whatever_their_names() {
    let (_server, client) = open();
    let mut names = odd_names();
    for name in &names {
        push_index(&client, name, "v1", &numbered_index(1));
    }
    names.sort();
    assert_eq!(list(&client, ""), names);
    for n in [1, 2, 3, 7, names.len(), names.len() + 1] {
        let pages = registry::pages(&client, &format!("/v2/_catalog?n={n}"), "repositories");
        assert!(pages.iter().all(|page| page.len() <= n), "n={n}");
        assert_eq!(pages.concat(), names, "n={n}");
    }
    for (place, name) in names.iter().enumerate() {
        let last = name.replace('/', "%2F");
        assert_eq!(list(&client, &format!("?n=2&last={last}")), names[place + 1..names.len().min(place + 3)], "{name}");
    }
}

#[test]
fn a_page_of_no_repositories_is_empty_and_leads_nowhere() {
    let (_server, client) = open();
    assert_eq!(list(&client, ""), Vec::<String>::new());
    push_index(&client, "a/app", "v1", &numbered_index(1));
    for query in ["?n=0", "?n=0&last=a", "?last=z"] {
        let answer = client.get(&format!("/v2/_catalog{query}")).expect(200);
        assert_eq!((answer.json(), answer.header("Link")), (json!({ "repositories": [] }), None), "{query}");
    }
    let all = client.get("/v2/_catalog?n=1").expect(200);
    assert_eq!((all.json(), next_page(&all)), (json!({ "repositories": ["a/app"] }), None));
}

#[test]
fn ten_thousand_repositories_are_listed_whole_and_in_order_from_any_place() {
    let (_server, client) = open();
    let mut names = odd_names();
    let groups = ["app", "app-x", "app.x", "app__x", "app/x"];
    names.extend((0..MANY - names.len()).map(|number| format!("{}/n{}", groups[number % groups.len()], number * 7919 % MANY)));
    std::thread::scope(|scope| {
        for worker in 0..CLIENTS {
            let (client, names) = (client.clone(), &names);
            scope.spawn(move || {
                for name in names.iter().skip(worker).step_by(CLIENTS) {
                    push_index(&client, name, "v1", &numbered_index(1));
                }
            });
        }
    });
    names.sort();

    let pages = registry::pages(&client, "/v2/_catalog?n=1000", "repositories");
    assert!(pages.iter().all(|page| page.len() <= 1000), "{:?}", pages.iter().map(Vec::len).collect::<Vec<_>>());
    assert!(pages.concat() == names, "repositories are missing, out of order or there twice");
    let middle = names[MANY / 2].replace('/', "%2F");
    assert_eq!(list(&client, &format!("?n=3&last={middle}")), names[MANY / 2 + 1..MANY / 2 + 4]);
    assert_eq!(list(&client, "?n=0"), Vec::<String>::new());
    assert_eq!(registry::tags(&client, &names[MANY / 2]), ["v1"]);
}

/// Thirty repositories, of which Rita may read every fifth.
fn ruled() -> (Server, Vec<String>) {
    let server = Server::start(&Config::standard().plugin("rules", RULES));
    let mut readable = Vec::new();
    for number in 0..30 {
        let name = match number % 10 {
            3 => format!("team/n{number:02}"),
            8 => format!("n{number:02}/shared"),
            _ => format!("n{number:02}/secret"),
        };
        push_index(&server.client_of(ALICE), &name, "v1", &numbered_index(1));
        if number % 5 == 3 {
            readable.push(name);
        }
    }
    readable.sort();
    (server, readable)
}

#[test]
fn the_catalog_shows_what_the_caller_may_read_and_nothing_else() {
    let (server, readable) = ruled();
    assert_eq!(list(&server.client_of(ALICE), "").len(), 30);
    let token = registry::with_token(&server.client_of(RITA), &["registry:catalog:*"]);
    for rita in [server.client_of(RITA), token] {
        assert_eq!(registry::pages(&rita, "/v2/_catalog", "repositories").concat(), readable);
        for n in [1, 2, 4, 100] {
            let pages = registry::pages(&rita, &format!("/v2/_catalog?n={n}"), "repositories");
            assert!(pages.iter().all(|page| page.len() <= n), "n={n}: {pages:?}");
            assert_eq!(pages.concat(), readable, "n={n}");
        }
    }
    assert_eq!(registry::pages(&server.client_of(SAM), "/v2/_catalog?n=7", "repositories").concat(), Vec::<String>::new());
}

#[test]
fn a_link_of_the_catalog_names_no_repository_that_the_caller_may_not_read() {
    let (server, _readable) = ruled();
    for user in [RITA, SAM] {
        let client = server.client_of(user);
        let mut target = Some("/v2/_catalog?n=2".to_owned());
        while let Some(page) = target {
            assert!(!page.contains("secret"), "{page} tells what is there");
            let answer = client.get(&page).expect(200);
            assert!(!answer.text().contains("secret"), "{}", answer.text());
            target = next_page(&answer);
        }
    }
}

#[test]
fn the_catalog_is_closed_to_who_may_not_list() {
    let server = Server::start(&Config::standard());
    push_index(&server.client_of(ALICE), "team/app", "v1", &numbered_index(1));
    server.client_of(RITA).get("/v2/_catalog").expect_error(&[401, 403], &["DENIED", "UNAUTHORIZED"]);
    server.client().get("/v2/_catalog").expect_error(&[401], &["UNAUTHORIZED"]);
}

#[test]
fn the_catalog_of_one_registry_shows_nothing_of_another() {
    let (server, client) = open_with(&Config::open().other_registry("other.test"));
    let other = server.client().host("other.test");
    push_index(&client, "a/one", "v1", &numbered_index(1));
    push_index(&other, "a/two", "v1", &numbered_index(1));
    assert_eq!((list(&client, ""), list(&other, "")), (vec!["a/one".to_owned()], vec!["a/two".to_owned()]));
}

#[test]
fn a_repository_without_manifests_is_not_listed() {
    let (_server, client) = open();
    registry::push_blob(&client, "a/blobs", b"only");
    let index = numbered_index(1);
    push_index(&client, "a/app", &index.digest, &index);
    assert_eq!(list(&client, ""), ["a/app"]);
    client.delete(&format!("/v2/a/app/manifests/{}", index.digest)).expect(202);
    assert_eq!(list(&client, ""), Vec::<String>::new());
}
