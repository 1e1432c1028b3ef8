//! What patterns match, and which are refused.

use super::*;

fn matches(pattern: &str, name: &str) -> bool {
    RepositoryGlob::parse(pattern).unwrap().matches(name)
}

#[test]
fn a_star_stays_within_its_level() {
    assert!(matches("team/*", "team/app"));
    assert!(!matches("team/*", "team/app/web"));
    assert!(!matches("team/*", "team"));
    assert!(matches("*", "app") && !matches("*", "team/app"));
    assert!(matches("team/*-web", "team/my-old-web") && !matches("team/*-web", "team/my-web2"));
    assert!(matches("a*b*c", "abbbc") && matches("a*b*c", "abc") && !matches("a*b*c", "acb"));
    assert!(matches("app-?", "app-1") && !matches("app-?", "app-") && !matches("a?b", "a/b"));
}

#[test]
fn two_stars_span_levels() {
    assert!(matches("**", "app") && matches("**", "a/b/c/d"));
    assert!(matches("public/**", "public/a") && matches("public/**", "public/a/b/c"));
    assert!(!matches("public/**", "public") && !matches("public/**", "publicity/a"));
    assert!(matches("**/web", "web") && matches("**/web", "a/b/web") && !matches("**/web", "a/web/b"));
    assert!(matches("a/**/z", "a/z") && matches("a/**/z", "a/b/c/z") && !matches("a/**/z", "a/b/c"));
    assert!(matches("a/**/b/**/c", "a/x/b/b/y/c") && !matches("a/**/b/**/c", "a/x/c"));
    assert!(matches("**/*-dev/**", "x/y-dev/z/w"));
}

#[test]
fn a_literal_is_itself_alone() {
    assert!(matches("team/app", "team/app"));
    assert!(!matches("team/app", "team/app2") && !matches("team/app", "xteam/app") && !matches("team/app", "team/ap"));
}

#[test]
fn a_pattern_that_can_never_match_is_refused() {
    for pattern in ["", "/", "a/", "/a", "a//b", "a**", "a/**b", "Team/*", "[ab]", "a b", "{a,b}", "é"] {
        assert!(RepositoryGlob::parse(pattern).is_err(), "{pattern}");
    }
    assert!(RepositoryGlob::parse("Team/*").unwrap_err().contains("no capitals"));
}

#[test]
fn many_stars_do_not_take_long() {
    let name = "a".repeat(250);
    assert!(!matches(&format!("{}b", "*a".repeat(100)), &name));
    let levels = vec!["a"; 120].join("/");
    assert!(!matches(&format!("{}b", "**/a/".repeat(50)), &levels));
}

#[test]
fn only_two_stars_are_everything() {
    assert!(RepositoryGlob::parse("**").unwrap().is_everything());
    assert!(!RepositoryGlob::parse("*").unwrap().is_everything() && !RepositoryGlob::parse("a/**").unwrap().is_everything());
}

#[test]
fn a_pattern_of_text_knows_no_levels() {
    let matches = |pattern: &str, text: &str| TextGlob::parse(pattern).unwrap().matches(text);
    assert!(matches("v*", "v") && matches("v*", "v1.0") && !matches("v*", "V1") && !matches("v*", "dev1"));
    assert!(matches("release-????", "release-2026") && !matches("release-????", "release-26"));
    assert!(matches("application/*", "application/vnd.oci.image.index.v1+json") && matches("*", "a/b/c"));
    assert!(matches("?", "é") && !matches("??", "é"), "a character, not a byte");
    for pattern in ["", " ", "a b", "a\n"] {
        assert!(TextGlob::parse(pattern).is_err(), "{pattern:?}");
    }
}

#[test]
fn settings_hold_patterns_and_a_bad_one_is_named_with_its_path() {
    #[derive(Debug, Deserialize)]
    struct Settings {
        #[serde(default)]
        repositories: Repositories,
        #[serde(default)]
        types: Vec<TextGlob>,
    }
    let parse = crate::settings::parse::<Settings>;
    let refusal = |text: &str| parse(text).unwrap_err().to_string();
    assert!(parse("{}").unwrap().repositories.matches("any/where"));
    let some = parse(r#"{"repositories":["a","b/**"],"types":["x/*"]}"#).unwrap();
    assert!(some.repositories.matches("a") && some.repositories.matches("b/c/d") && !some.repositories.matches("c"));
    assert_eq!(some.types[0].as_str(), "x/*");
    assert!(refusal(r#"{"repositories":["a","B"]}"#).contains("repositories[1]: `B` holds `B`"));
    assert!(refusal(r#"{"repositories":[]}"#).contains("repositories: empty"));
    assert!(refusal(r#"{"types":[""]}"#).contains("types[0]: a pattern is never empty"));
}
