//! The README shows the examples as they are. Its other code is compiled, and run, as documentation tests.

const README: &str = include_str!("../README.md");
const HELLO: &str = include_str!("../../examples/hello-auth/src/lib.rs");
const HELLO_TESTS: &str = include_str!("../../examples/hello-auth/src/tests.rs");
const HELLO_ADMISSION: &str = include_str!("../../examples/hello-admission/src/lib.rs");
const HELLO_MANIFEST: &str = include_str!("../../examples/hello-auth/Cargo.toml");

#[test]
fn the_readme_shows_the_examples_and_their_tests_as_they_are() {
    for part in [HELLO, HELLO_TESTS, HELLO_ADMISSION] {
        assert!(README.contains(&format!("\n{part}```\n")), "copy this to plugin-sdk/README.md:\n{part}");
    }
}

#[test]
fn the_hello_world_has_at_most_20_lines() {
    assert!(HELLO.lines().count() <= 20, "{} lines", HELLO.lines().count());
    assert!(HELLO_MANIFEST.contains("crate-type = [\"cdylib\"]"));
}
