//! Names that are read as one repository here and as another there: in paths, in scopes and in forms. Rita may pull and push below `team/`,
//! and whatever she writes, it leads nowhere else.

use bulkhead_tests::digest;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::registry::{self, post_form, send_json};
use bulkhead_tests::users::RITA;
use serde_json::json;

use super::{World, access_token, granted, refresh, refresh_token};

/// What somebody might take for `secret/app`, and somebody else for a name below `team/`.
const PATHS: [&str; 26] = [
    "team/../secret/app",
    "team/app/../../secret/app",
    "team/%2e%2e/secret/app",
    "team/%2E%2E/secret/app",
    "team/.%2e/secret/app",
    "team%2f..%2fsecret/app",
    "team%2F..%2Fsecret%2Fapp",
    "team/..%2fsecret/app",
    "team/..;/secret/app",
    "team\\..\\secret/app",
    "team%5c..%5csecret/app",
    "team/%252e%252e/secret/app",
    "team/%c0%ae%c0%ae/secret/app",
    "team/%u002e%u002e/secret/app",
    "team/./../secret/app",
    "team//../secret/app",
    "/secret/app",
    "//secret//app",
    "secret%2Fapp",
    "./secret/app",
    "secret/./app",
    "secret//app",
    "secret/app%00",
    "secret/app%00/../../team/app",
    "Secret/App",
    "SECRET/APP",
];

/// The same in scopes, where nothing is decoded.
const SCOPES: [&str; 18] = [
    "repository:team/../secret/app:pull,push",
    "repository:team/app/../../secret/app:pull",
    "repository:team/%2e%2e/secret/app:pull",
    "repository:team%2f..%2fsecret/app:pull",
    "repository:team/..%2Fsecret/app:pull",
    "repository:secret%2Fapp:pull",
    "repository:secret//app:pull",
    "repository:/secret/app:pull",
    "repository:secret/app/:pull",
    "repository:Secret/App:pull",
    "repository:SECRET/APP:*",
    "repository:team/app:pull:secret/app:pull",
    "repository:team/*:pull",
    "repository:**:pull",
    "repository:*:*",
    "repository::pull",
    "Repository:secret/app:pull",
    "repository(team):secret/app:pull",
];

/// And those that no request can say.
const UNREADABLE: [&str; 2] = ["repository:secret/app\0:pull", "repository:secret/app\0team/app:pull"];

fn answers(client: &Client, name: &str, blob: &str) -> Vec<Response> {
    let send = |method: &str, target: String| client.request(method, &target).body("stolen").try_send();
    let sent = [
        client.request("GET", &format!("/v2/{name}/manifests/1")).try_send(),
        client.request("HEAD", &format!("/v2/{name}/manifests/1")).try_send(),
        client.request("GET", &format!("/v2/{name}/blobs/{blob}")).try_send(),
        client.request("GET", &format!("/v2/{name}/tags/list")).try_send(),
        client.request("GET", &format!("/acr/v1/{name}")).try_send(),
        send("POST", format!("/v2/{name}/blobs/uploads/")),
        send("POST", format!("/v2/{name}/blobs/uploads/?digest={}", digest::sha256(b"stolen"))),
        send("PUT", format!("/v2/{name}/manifests/2")),
        send("DELETE", format!("/v2/{name}/manifests/1")),
        send("DELETE", format!("/acr/v1/{name}")),
    ];
    // A target that is none may cost the connection.
    let answers: Vec<Response> = sent.into_iter().flatten().collect();
    assert!(answers.len() >= 5, "{name}: hardly an answer");
    answers
}

#[test]
fn a_name_that_parses_to_another_leads_nowhere() {
    let world = World::new();
    let scopes = ["repository:team/app:pull,push", "repository:secret/app:pull,push,delete"];
    let token = registry::with_token(&world.rita(), &scopes);
    for name in PATHS {
        for client in [world.rita(), token.clone(), world.server.client()] {
            for answer in answers(&client, name, &world.secret.config.digest) {
                world.assert_nothing_of_the_secret(name, &answer);
                assert_eq!(answer.header("Location"), None, "{name}: {answer:?}");
            }
        }
    }
    world.assert_untouched();
}

#[test]
fn not_even_who_may_everything_reaches_a_repository_by_a_name_that_is_none() {
    let world = World::new();
    for name in PATHS {
        for answer in answers(&world.alice(), name, &world.secret.config.digest) {
            world.assert_nothing_of_the_secret(name, &answer);
            assert_eq!(answer.header("Location"), None, "{name}: {answer:?}");
        }
    }
    world.assert_untouched();
}

#[test]
fn a_name_with_a_nul_or_a_line_of_its_own_is_no_request() {
    let world = World::new();
    for target in ["/v2/secret/app\0/manifests/1", "/v2/team\0/../secret/app/manifests/1", "/v2/team/app/manifests/1\0"] {
        // The connection may be closed without a word.
        if let Ok(answer) = world.alice().request("GET", target).try_send() {
            world.assert_nothing_of_the_secret(target, &answer);
        }
    }
    for target in [
        "/v2/secret/app%0d%0aX-Injected:1/manifests/1",
        "/v2/secret/app/manifests/1%0d%0aX-Injected:1",
        "/v2/secret/app/manifests/1%00",
        "/v2/secret/app/tags/list?last=%0d%0aX-Injected:1",
        "/v2/_catalog?n=1&last=%0d%0aX-Injected:1",
    ] {
        let answer = world.alice().get(target);
        world.assert_nothing_of_the_secret(target, &answer);
        assert_eq!(answer.header("X-Injected"), None, "{target}: {answer:?}");
    }
    world.assert_untouched();
}

#[test]
fn a_scope_for_a_name_that_parses_to_another_grants_nothing() {
    let world = World::new();
    let nobody = world.server.client();
    let renewed = refresh_token(&world.rita());
    let ask = |scope: &str| {
        let login = [("grant_type", "password"), ("service", "x"), ("username", RITA.name), ("password", RITA.password)];
        let form = [&login[..], &[("scope", scope)]].concat();
        [
            registry::ask_for_token(&world.rita(), &[scope]),
            post_form(&nobody, "/oauth2/token", &form),
            refresh(&nobody, &renewed, scope),
        ]
    };
    // Each of the three ways works: what grants nothing is the scope.
    for answer in ask("repository:team/app:pull") {
        assert_eq!(granted(&answer.expect(200).json()), "repository:team/app:pull");
    }
    for scope in SCOPES {
        for answer in ask(scope) {
            let answer = answer.expect(200).json();
            assert_eq!(granted(&answer), "", "{scope:?}");
            let rita = nobody.bearer(answer["token"].as_str().unwrap());
            for answer in [
                registry::get_manifest(&rita, "secret/app", "1"),
                registry::get_blob(&rita, "secret/app", &world.secret.config.digest),
                rita.post("/v2/secret/app/blobs/uploads/"),
                rita.post("/v2/team/app/blobs/uploads/"),
                rita.delete("/v2/secret/app/manifests/1"),
            ] {
                world.assert_nothing_of_the_secret(scope, &answer.expect(401));
            }
        }
    }
    for scope in UNREADABLE {
        for answer in ask(scope) {
            world.assert_nothing_of_the_secret(scope, &answer.expect(400));
        }
    }
    world.assert_untouched();
}

#[test]
fn of_several_scopes_each_is_granted_by_itself() {
    let world = World::new();
    for scopes in [
        ["repository:team/app:pull repository:secret/app:pull,push", "registry:administration:*"],
        ["repository:secret/app:pull,push", "repository:team/app:pull,delete,metadata_write"],
        ["repository:secret/app:* repository:team/app:pull", "repository:secret/app:pull"],
    ] {
        let answer = registry::ask_for_token(&world.rita(), &scopes).expect(200).json();
        assert_eq!(granted(&answer), "repository:team/app:pull", "{scopes:?}");
    }
    // A thousand of them do not wear the check out.
    let many = "repository:secret/app:pull ".repeat(100);
    let answer = registry::ask_for_token(&world.rita(), &[&many]).expect(200).json();
    assert_eq!(granted(&answer), "");
    world.assert_untouched();
}

#[test]
fn a_name_in_a_parameter_that_parses_to_another_names_nothing() {
    let world = World::new();
    let blob = &world.secret.config.digest;
    for from in PATHS {
        let target = format!("/v2/team/app/blobs/uploads/?mount={blob}&from={from}");
        let Ok(answer) = world.rita().request("POST", &target).body(Vec::new()).try_send() else { continue };
        world.assert_not_told(from, &answer);
        match answer.status {
            // An upload as any other, of nothing.
            202 => drop(world.rita().delete(&registry::location(&answer)).expect(204)),
            status => assert!((400..500).contains(&status), "{from}: {answer:?}"),
        }
        registry::get_blob(&world.rita(), "team/app", blob).expect(404);
    }
    world.assert_untouched();
}

#[test]
fn a_scope_map_for_a_name_that_parses_to_another_is_not_taken() {
    let world = World::with(super::with_accounts());
    let maps = "/api/v1/registries/default/scope-maps";
    for repositories in [
        "team/../secret/app",
        "team/%2e%2e/secret/*",
        "team%2f..%2fsecret/app",
        "secret//app",
        "/secret/app",
        "Secret/App",
        "secret/app\0",
        "../*",
        "*/app",
        "**",
        "",
    ] {
        let map = json!({ "scopes": [{ "repositories": repositories, "rights": ["content/read"] }] });
        let answer = send_json(&world.alice(), "PUT", &format!("{maps}/tricky"), &map);
        assert!(matches!(answer.status, 400 | 422), "{repositories:?}: {answer:?}\n{}", answer.text());
    }
    for name in ["..", "%2e%2e", "a%2fb", "a%00", "%2e%2e%2fprincipals"] {
        let answer = send_json(&world.alice(), "PUT", &format!("{maps}/{name}"), &json!({ "scopes": [] }));
        assert!(matches!(answer.status, 400 | 404 | 405 | 422), "{name}: {answer:?}\n{}", answer.text());
    }
    assert_eq!(world.alice().get(maps).expect(200).json()["value"], json!([]));
    // A token for what is sound is for that alone.
    let map = json!({ "scopes": [{ "repositories": "team/*", "rights": ["content/read"] }] });
    send_json(&world.alice(), "PUT", &format!("{maps}/team"), &map).expect(201);
    let made =
        send_json(&world.alice(), "POST", "/api/v1/registries/default/tokens", &json!({ "name": "ci", "scope-map": "team" }));
    let secret = made.expect(201).json()["secret"].as_str().unwrap().to_owned();
    let ci = world.server.client().basic("ci", &secret);
    let token = access_token(&ci, &["repository:team/app:pull"]);
    registry::get_manifest(&world.server.client().bearer(&token), "team/app", "1").expect(200);
    for name in PATHS.iter().chain(&["secret/app", "teams/app", "team"]) {
        for answer in answers(&ci, name, &world.secret.config.digest) {
            world.assert_nothing_of_the_secret(name, &answer);
        }
    }
    world.assert_untouched();
}
