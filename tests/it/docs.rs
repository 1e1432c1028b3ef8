//! What the documents promise is what is there.

use std::collections::BTreeSet;
use std::path::Path;

use bulkhead_tests::image::Image;
use bulkhead_tests::operator::first_password;
use bulkhead_tests::places::{self, TempDir};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use bulkhead_tests::shell::{self, Shell};

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
    let pages =
        ["README.md", "person.md", "ci.md", "kubernetes.md", "containerd.md"].map(|page| format!("examples/login/{page}"));
    let documents = ["README.md", "host/ARCHITECTURE.md", "plugin-sdk/README.md", "plugins/README.md", "tests/README.md"];
    for document in documents.into_iter().chain(pages.iter().map(String::as_str)) {
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
fn the_example_of_the_defaults_is_what_a_server_without_a_file_uses() {
    let table = |path: &str| read(path).parse::<toml::Table>().unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(table("examples/configs/default-like.toml"), table("host/server/src/config/default.toml"));
}

#[test]
fn the_readme_s_locks_are_set_and_taken_off_as_it_says() {
    let server = Server::start_with_defaults();
    let password = first_password(&server);
    let admin = server.client().basic("admin", &password);
    let (first, second) = (Image::docker(1, &[1000]), Image::docker(2, &[1000]));
    let push = |image: &Image| registry::put_manifest(&admin, "team/tools/busybox", "1", &image.manifest).status;
    registry::push_image(&admin, "team/tools/busybox", "other", &second);
    registry::push_image(&admin, "team/tools/busybox", "1", &first);

    let readme = read("README.md");
    let section = readme.split("## Lock what must not change\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    let blocks = shell::blocks(section.expect("README.md has the section"), "sh");
    let [lock, unlock] = blocks.as_slice() else { panic!("not two blocks: {blocks:?}") };
    let mut shell = Shell::start(server.folder());
    shell.set(
        &[("SERVER", format!("http://{}", server.host())), ("BULKHEAD_PASSWORD", password)]
            .map(|(name, value)| (name.to_owned(), value)),
    );
    let shown = shell.run(lock);
    assert!(shown.lines().any(|line| line.starts_with("write ") && line.ends_with("locked")), "{shown}");
    assert_eq!(push(&second), 405, "the tag is locked");
    admin.delete("/v2/team/tools/busybox/manifests/other").expect_error(&[405], &["UNSUPPORTED"]);
    registry::assert_whole(&admin, "team/tools/busybox", "1", &first);
    registry::assert_whole(&admin, "team/tools/busybox", "other", &second);
    let _ = shell.run(unlock);
    assert_eq!(push(&second), 201, "the lock is off");
    registry::assert_whole(&admin, "team/tools/busybox", "1", &second);
}

#[test]
fn the_readme_s_paths_and_keys_are_there_and_take_what_it_says() {
    let server = Server::start_with_defaults();
    let readme = read("README.md");
    let rows: Vec<&str> = readme.lines().filter(|line| line.starts_with("| `/api/v1/")).collect();
    assert!(rows.len() > 10, "the table is not there");
    for row in rows {
        let mut words = row.split('`').skip(1).step_by(2);
        let path = words.next().unwrap_or_default();
        let path = path
            .replace("NAME", "default")
            .replace("REPOSITORY", "app")
            .replace("ID", "x")
            .replace("TOKEN", "x")
            .replace("MAP", "x");
        let answer = server.client().request("TRACE", &path).send().expect(405);
        let allowed: BTreeSet<&str> =
            answer.header("Allow").unwrap_or_default().split(", ").filter(|method| *method != "HEAD").collect();
        let told: BTreeSet<&str> = words.filter(|word| word.bytes().all(|byte| byte.is_ascii_uppercase())).collect();
        assert_eq!(told, allowed, "{path}");
    }
    for path in ["/oauth2/keys", "/.well-known/jwks.json"] {
        assert!(readme.contains(path), "README.md does not name {path}");
        assert!(server.client().get(path).expect(200).json()["keys"][0]["kid"].is_string(), "{path}");
    }
}

/// The tests of a source file, by the lines `#[test]` and the function below.
fn tests_in(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let functions = text.split("#[test]\n").skip(1).filter_map(|rest| rest.trim_start().strip_prefix("fn "));
    functions.filter_map(|rest| rest.split('(').next()).map(str::to_owned).collect()
}

#[test]
fn the_table_of_the_specification_s_rules_names_tests_that_exist_and_all_of_them() {
    let text = read("tests/README.md");
    let tables = text.split("## The specification, rule by rule").nth(1).expect("tests/README.md has the table");
    let named: BTreeSet<&str> = tables.split('`').skip(1).step_by(2).filter(|code| code.contains("::")).collect();
    let folder = places::repository().join("tests/it");
    for name in &named {
        let (module, test) = name.rsplit_once("::").expect("a test has a module");
        let source = folder.join(format!("{}.rs", module.replace("::", "/")));
        assert!(tests_in(&source).iter().any(|found| found == test), "tests/README.md names {name}, which is not there");
    }
    for module in ["spec", "attacks"] {
        for entry in std::fs::read_dir(folder.join(module)).expect("the tests of this module are there").flatten() {
            let inner = entry.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
            for test in tests_in(&entry.path()) {
                let name = format!("{module}::{inner}::{test}");
                assert!(named.contains(name.as_str()), "tests/README.md does not name {name}");
            }
        }
    }
    for line in
        tables.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Section") && !line.starts_with("| Matter"))
    {
        assert!(line.contains("::"), "a rule without a test: {line}");
    }
}

#[test]
fn the_readme_s_configuration_serves_the_hello_world() {
    const BUILT: &str = "target/wasm32-wasip2/release/hello_auth.wasm";
    let readme = read("README.md");
    let mut blocks = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let block =
        blocks.find(|block| block.contains(BUILT)).expect("README.md shows hello.toml, with the component as cargo builds it");
    let password =
        block.split("password = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("hello.toml has a password");
    assert!(readme.contains(&format!("docker login -u alice -p \"{password}\"")), "README.md logs in with another password");

    let folder = TempDir::new();
    let component = folder.path().join(BUILT);
    std::fs::create_dir_all(component.parent().unwrap()).unwrap();
    std::fs::copy(places::guest("hello-auth"), component).unwrap();
    std::fs::write(folder.path().join("hello.toml"), block).unwrap();
    let server = Server::start_in(folder, &["--config", "hello.toml"]);

    let scopes = ["repository:team/app:pull,push"];
    let alice = registry::with_token(&server.client().basic("alice", password), &scopes);
    alice.get("/v2/").expect(200);
    let image = Image::docker(1, &[1000]);
    registry::push_image(&alice, "team/app", "1", &image);
    registry::assert_whole(&alice, "team/app", "1", &image);
    registry::ask_for_token(&server.client().basic("alice", "please"), &scopes).expect(401);
    server.client().get("/v2/").expect(401);
}
