//! Conditional requests (RFC 9110, section 13): the specification wants its semantics wherever it says nothing else, and names them for
//! the pushes of clients that keep lists of referrers under tags.

use bulkhead_tests::config::Config;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::image::{Blob, Image};
use bulkhead_tests::registry;

use super::{Witness, assert_absent, assert_nothing_of, assert_points_to, numbered_index, open, push_index, race};

fn put_if(client: &Client, reference: &str, index: &Blob, condition: (&str, &str)) -> Response {
    client
        .request("PUT", &format!("/v2/a/app/manifests/{reference}"))
        .header("Content-Type", &index.media_type)
        .header(condition.0, condition.1)
        .body(index.bytes.clone())
        .send()
}

fn quoted(index: &Blob) -> String {
    format!("\"{}\"", index.digest)
}

#[test]
fn any_of_the_tags_that_a_client_has_spares_it_the_content() {
    let (_server, client) = open();
    let image = Image::oci(1, &[10]);
    registry::push_image(&client, "a/app", "v1", &image);
    for (target, digest) in [
        ("manifests/v1".to_owned(), &image.manifest.digest),
        (format!("blobs/{}", image.layers[0].digest), &image.layers[0].digest),
    ] {
        for condition in [format!("\"{digest}\""), format!("W/\"{digest}\""), format!("\"x\", \"{digest}\""), "*".to_owned()] {
            for method in ["GET", "HEAD"] {
                let request = client.request(method, &format!("/v2/a/app/{target}")).header("If-None-Match", &condition);
                let answer = request.send().expect(304);
                assert_eq!(answer.header("ETag"), Some(format!("\"{digest}\"").as_str()), "{method} {target} {condition}");
                assert_eq!(answer.header("Docker-Content-Digest"), Some(digest.as_str()));
            }
        }
    }
}

/// Conditions that do not hold where this is what there is.
fn false_conditions(digest: &str) -> [(&'static str, String); 6] {
    [
        ("If-Match", format!("\"{}\"", numbered_index(99).digest)),
        ("If-Match", "\"x\", \"y\"".to_owned()),
        // A weak tag matches nothing here (RFC 9110, 13.1.1).
        ("If-Match", format!("W/\"{digest}\"")),
        ("If-None-Match", "*".to_owned()),
        ("If-None-Match", format!("\"{digest}\"")),
        ("If-None-Match", format!("\"x\", W/\"{digest}\"")),
    ]
}

/// An image under `v1` in `a/app`, and what of it can be named: tag, manifest and layer, each with its digest.
fn targets(client: &Client) -> (Image, [(String, String); 3]) {
    let image = Image::oci(1, &[10]);
    registry::push_image(client, "a/app", "v1", &image);
    let (manifest, layer) = (image.manifest.digest.clone(), image.layers[0].digest.clone());
    let targets = [
        ("/v2/a/app/manifests/v1".to_owned(), manifest.clone()),
        (format!("/v2/a/app/manifests/{manifest}"), manifest),
        (format!("/v2/a/app/blobs/{layer}"), layer),
    ];
    (image, targets)
}

#[test]
fn a_pull_that_wants_something_else_than_there_is_gets_nothing() {
    let (_server, client) = open();
    let (_image, targets) = targets(&client);
    for (target, digest) in &targets {
        let ask = |method: &str, condition: &str| client.request(method, target).header("If-Match", condition).send();
        for (_, condition) in false_conditions(digest).iter().filter(|(name, _)| *name == "If-Match") {
            ask("GET", condition).expect_error(&[412], &["DENIED"]);
            assert_eq!(ask("HEAD", condition).status, 412, "{target} {condition}");
        }
        for condition in [format!("\"{digest}\""), format!("\"x\", \"{digest}\""), "*".to_owned()] {
            for method in ["GET", "HEAD"] {
                let answer = ask(method, &condition).expect(200);
                assert_eq!(answer.header("Docker-Content-Digest"), Some(digest.as_str()), "{method} {target} {condition}");
            }
        }
    }
}

#[test]
fn a_delete_whose_condition_does_not_hold_deletes_nothing() {
    let (witness, _server, client) = Witness::open(Config::open().registry("deletes.referenced", "\"allow\""));
    let (image, targets) = targets(&client);
    let delete = |target: &str, name: &str, condition: &str| client.request("DELETE", target).header(name, condition).send();
    for (target, digest) in &targets {
        for (name, condition) in false_conditions(digest) {
            delete(target, name, &condition).expect_error(&[412], &["DENIED"]);
        }
        let unreadable = delete(target, "If-Match", "sha256:unquoted");
        assert!(matches!(unreadable.status, 400 | 412), "{unreadable:?}");
    }
    // The tag moved since it was looked at.
    let newer = numbered_index(1);
    push_index(&client, "a/app", "v1", &newer);
    delete(&targets[0].0, "If-Match", &format!("\"{}\"", image.manifest.digest)).expect_error(&[412], &["DENIED"]);
    assert_points_to(&client, "a/app", "v1", &newer);
    registry::assert_whole(&client, "a/app", &image.manifest.digest, &image);
    witness.assert_told(&client, &["push a/app:v1", "push a/app:v1"]);
}

#[test]
fn a_delete_whose_condition_holds_is_done() {
    for (name, right) in [("If-Match", true), ("If-None-Match", false)] {
        let (_server, client) = open();
        let (image, targets) = targets(&client);
        for (target, digest) in &targets {
            let condition = if right { format!("\"{digest}\"") } else { "\"x\", \"y\"".to_owned() };
            client.request("DELETE", target).header(name, &condition).send().expect(202);
            assert_eq!(client.head(target).status, 404, "{target}");
        }
        assert_absent(&client, "a/app", &image.manifest);
        assert_eq!(registry::tags(&client, "a/app"), Vec::<String>::new());
    }
}

#[test]
fn a_push_that_wants_no_tag_there_is_refused_once_there_is_one() {
    let (witness, _server, client) = Witness::open(Config::open());
    let (first, second) = (numbered_index(1), numbered_index(2));
    put_if(&client, "v1", &first, ("If-None-Match", "*")).expect(201);
    put_if(&client, "v1", &second, ("If-None-Match", "*")).expect_error(&[412], &["DENIED"]);
    assert_points_to(&client, "a/app", "v1", &first);
    assert_absent(&client, "a/app", &second);
    // By digest it is the manifest that must not be there.
    put_if(&client, &first.digest, &first, ("If-None-Match", "*")).expect_error(&[412], &["DENIED"]);
    put_if(&client, "v2", &second, ("If-None-Match", "*")).expect(201);
    witness.assert_told(&client, &["push a/app:v1", "push a/app:v2"]);
}

#[test]
fn a_push_that_wants_a_tag_as_it_was_is_refused_once_it_moved() {
    let (witness, _server, client) = Witness::open(Config::open());
    let (first, second, third) = (numbered_index(1), numbered_index(2), numbered_index(3));
    push_index(&client, "a/app", "list", &first);
    put_if(&client, "list", &second, ("If-Match", &quoted(&first))).expect(201);
    put_if(&client, "list", &third, ("If-Match", &quoted(&first))).expect_error(&[412], &["DENIED"]);
    put_if(&client, "missing", &third, ("If-Match", &quoted(&first))).expect_error(&[412], &["DENIED"]);
    assert_points_to(&client, "a/app", "list", &second);
    assert_absent(&client, "a/app", &third);
    assert_eq!(registry::tags(&client, "a/app"), ["list"]);
    witness.assert_told(&client, &["push a/app:list", "push a/app:list"]);
}

#[test]
fn a_push_that_wants_a_tag_not_to_be_something_is_refused_where_it_is() {
    let (_server, client) = open();
    let (first, second, third) = (numbered_index(1), numbered_index(2), numbered_index(3));
    push_index(&client, "a/app", "v1", &first);
    put_if(&client, "v1", &second, ("If-None-Match", &quoted(&first))).expect_error(&[412], &["DENIED"]);
    assert_points_to(&client, "a/app", "v1", &first);
    assert_absent(&client, "a/app", &second);
    put_if(&client, "v1", &third, ("If-None-Match", &quoted(&second))).expect(201);
    assert_points_to(&client, "a/app", "v1", &third);
}

#[test]
fn a_condition_on_several_tags_must_hold_for_each() {
    let (_server, client) = open();
    let (first, second) = (numbered_index(1), numbered_index(2));
    push_index(&client, "a/app", "taken", &first);
    let target = format!("{}?tag=free&tag=taken", second.digest);
    put_if(&client, &target, &second, ("If-None-Match", "*")).expect_error(&[412], &["DENIED"]);
    assert_eq!(registry::tags(&client, "a/app"), ["taken"]);
    assert_points_to(&client, "a/app", "taken", &first);
    assert_absent(&client, "a/app", &second);
}

#[test]
fn of_many_that_create_a_tag_at_once_one_succeeds() {
    const CLIENTS: usize = 8;
    let (_server, client) = open();
    let statuses = race((0..CLIENTS).collect(), |number| put_if(&client, "v1", &numbered_index(number), ("If-None-Match", "*")));
    let mut sorted = statuses.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [[201].as_slice(), &[412; CLIENTS - 1]].concat());
    for (number, status) in statuses.into_iter().enumerate() {
        match status {
            201 => assert_points_to(&client, "a/app", "v1", &numbered_index(number)),
            _ => assert_absent(&client, "a/app", &numbered_index(number)),
        }
    }
}

#[test]
fn of_many_that_add_to_a_list_at_once_none_is_lost() {
    const CLIENTS: usize = 4;
    let (_server, client) = open();
    push_index(&client, "a/app", "list", &numbered_index(0));
    // Each replaces what it has seen, as clients do that keep referrers under a tag, until it is the one who succeeds.
    std::thread::scope(|scope| {
        for number in 1..=CLIENTS {
            let client = client.clone();
            scope.spawn(move || {
                loop {
                    let seen = registry::get_manifest(&client, "a/app", "list").expect(200);
                    let mut list = seen.json();
                    let name = format!("client-{number}");
                    list["annotations"][name.as_str()] = "was here".into();
                    let next = Blob::json(&numbered_index(0).media_type, &list);
                    let answer = put_if(&client, "list", &next, ("If-Match", seen.header("ETag").unwrap()));
                    match answer.status {
                        201 => return,
                        _ => drop(answer.expect_error(&[412], &["DENIED"])),
                    }
                }
            });
        }
    });
    let list = registry::get_manifest(&client, "a/app", "list").expect(200).json();
    for number in 1..=CLIENTS {
        assert_eq!(list["annotations"][format!("client-{number}").as_str()], "was here");
    }
}

#[test]
fn a_condition_that_cannot_be_read_stores_nothing() {
    let (_server, client) = open();
    let index = numbered_index(1);
    let answer = put_if(&client, "v1", &index, ("If-Match", "sha256:unquoted"));
    assert!(matches!(answer.status, 400 | 412), "{answer:?}");
    assert_nothing_of(&client, "a/app", &index.digest);
}
