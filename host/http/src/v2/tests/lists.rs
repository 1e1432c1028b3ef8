use super::*;

async fn page(world: &World, target: &str) -> (Value, String) {
    let answer = world.alice("GET", target, "").await;
    assert_eq!(answer.status, 200, "{target}: {:?}", answer.body);
    (answer.json(), answer.header("link").to_owned())
}

#[tokio::test]
async fn tags_come_in_pages_that_lead_on() {
    let world = World::new();
    for tag in ["v3", "v1", "v2"] {
        world.put_manifest("a/b", tag, json!({})).await;
    }
    let tags = |tags: &[&str]| json!({ "name": "a/b", "tags": tags });
    assert_eq!(page(&world, "/v2/a/b/tags/list").await, (tags(&["v1", "v2", "v3"]), String::new()));
    let link = "</v2/a/b/tags/list?last=v2&n=2>; rel=\"next\"".to_owned();
    assert_eq!(page(&world, "/v2/a/b/tags/list?n=2").await, (tags(&["v1", "v2"]), link));
    assert_eq!(page(&world, "/v2/a/b/tags/list?last=v2&n=2").await, (tags(&["v3"]), String::new()));
    assert_eq!(page(&world, "/v2/a/b/tags/list?n=3").await, (tags(&["v1", "v2", "v3"]), String::new()));
    assert_eq!(page(&world, "/v2/a/b/tags/list?n=0").await, (tags(&[]), String::new()));
}

#[tokio::test]
async fn a_repository_that_is_not_there_has_no_tags_at_all() {
    for query in ["", "?n=0"] {
        let answer = World::new().alice("GET", &format!("/v2/nothing/tags/list{query}"), "").await;
        assert_eq!(answer.refusal(), code(404, "NAME_UNKNOWN"));
    }
}

#[tokio::test]
async fn the_catalog_comes_in_pages_and_to_whom_may_see_it() {
    let world = World::new();
    for repository in ["b", "a/x", "c"] {
        world.put_manifest(repository, "v1", json!({})).await;
    }
    let names = |names: &[&str]| json!({ "repositories": names });
    assert_eq!(page(&world, "/v2/_catalog").await, (names(&["a/x", "b", "c"]), String::new()));
    let link = "</v2/_catalog?last=a%2Fx&n=1>; rel=\"next\"".to_owned();
    assert_eq!(page(&world, "/v2/_catalog?n=1").await, (names(&["a/x"]), link));
    assert_eq!(page(&world, "/v2/_catalog?last=a%2Fx&n=9").await, (names(&["b", "c"]), String::new()));
    assert_eq!(page(&world, "/v2/_catalog?n=0").await, (names(&[]), String::new()));
    assert_eq!(world.send(as_user("bob", "GET", "/v2/_catalog"), "").await.refusal(), code(403, "DENIED"));
    assert_eq!(world.alice("GET", "/v2/_catalog?n=-1", "").await.refusal(), code(400, "UNSUPPORTED"));
}

#[tokio::test]
async fn the_catalog_shows_what_the_caller_may_pull() {
    let world = World::new();
    for repository in ["public/a", "secret", "public/b"] {
        world.put_manifest(repository, "v1", json!({})).await;
    }
    let list = async |target: &str| {
        let answer = world.send(as_user("lister", "GET", target), "").await;
        (answer.status, answer.json()["repositories"].clone(), answer.header("link").to_owned())
    };
    assert_eq!(list("/v2/_catalog").await, (200, json!(["public/a", "public/b"]), String::new()));
    let link = "</v2/_catalog?last=public%2Fa&n=1>; rel=\"next\"".to_owned();
    assert_eq!(list("/v2/_catalog?n=1").await, (200, json!(["public/a"]), link));
    assert_eq!(list("/v2/_catalog?n=1&last=public/a").await, (200, json!(["public/b"]), String::new()));
}
