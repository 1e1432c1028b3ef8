//! What the documents promise is what is there.

use bulkhead_tests::config::Config;
use bulkhead_tests::{places, server};

fn read(path: &str) -> String {
    std::fs::read_to_string(places::repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_readme_names_the_two_commands() {
    let readme = read("README.md");
    for command in ["cargo xtask serve", "cargo xtask test"] {
        assert!(readme.contains(command), "`{command}` is not in README.md");
    }
    assert!(read(".ci/run").contains("cargo xtask test"));
}

#[test]
fn the_readme_shows_the_hello_world_as_it_is_compiled() {
    let code = read("examples/hello-auth/src/lib.rs");
    let body = code.split("#[cfg(test)]").next().unwrap_or_default().trim();
    assert!(body.lines().count() <= 20, "the hello world has {} lines", body.lines().count());
    assert!(read("README.md").contains(body), "README.md does not show examples/hello-auth/src/lib.rs as it is");
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    for document in ["README.md", "host/ARCHITECTURE.md", "plugin-sdk/README.md"] {
        let folder = places::repository().join(document).parent().unwrap().to_path_buf();
        for link in read(document).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains("://") {
                assert!(folder.join(path).exists(), "{document} links to {link}, which is not there");
            }
        }
    }
}

#[test]
fn the_readme_s_configuration_starts_a_server() {
    let readme = read("README.md");
    let blocks = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let plugin = blocks.into_iter().find(|block| block.contains("hello_auth.wasm") || block.contains("hello-auth"));
    let plugin = plugin.expect("README.md shows how to name the hello world in the configuration");
    assert!(plugin.contains("component"), "{plugin}");
    // The whole of it depends on folders of the reader's; the harness writes the same tables for its own.
    let lines = "config = { password = \"open sesame\" }";
    let server = server::Server::start(&Config::standard().guest("staff", &places::guest("hello-auth"), lines));
    server.client().basic("alice", "open sesame").get("/v2/").expect(200);
    server.client().basic("alice", "wrong").get("/v2/").expect(401);
}
