//! Conditions: what holds, what does not, and what is wrong with them from the start.

use serde_json::Map;

use crate::claims;
use crate::condition::Language;

use super::*;

/// Asked as both calls ask: through the form in which an identity carries claims.
fn holds(condition: &str, token: &Value) -> bool {
    let language = Language::new().unwrap();
    let condition = language.compile(condition).unwrap_or_else(|fault| panic!("{condition}: {fault}"));
    let names = condition.claims().cloned().collect();
    let token: Map<String, Value> = token.as_object().unwrap().clone();
    condition.holds(&language.facts(&claims::restore(&claims::keep(&token, &names))))
}

fn fault(condition: &str) -> String {
    match Language::new().unwrap().compile(condition) {
        Err(fault) => fault,
        Ok(_) => panic!("`{condition}` should be refused"),
    }
}

fn needs(condition: &str) -> Vec<String> {
    Language::new().unwrap().compile(condition).unwrap().claims().cloned().collect()
}

#[test]
fn conditions_over_texts_numbers_lists_and_objects() {
    let token = value!({
        "repository": "org/app", "ref": "refs/heads/release-1.2", "run": 7, "share": 0.5, "verified": true, "groups": ["ops", "dev"],
        "kubernetes.io": {"namespace": "ci", "serviceaccount": {"name": "builder"}}, "claims": "odd", "empty": []
    });
    for condition in [
        r#"repository == "org/app""#,
        r#"repository == 'org/app' && ref != 'refs/heads/main'"#,
        r#"repository == "x" || ref.startsWith("refs/heads/")"#,
        r#"!(repository in ["org/a", "org/b"])"#,
        r#"repository in ["org/app", "org/b"]"#,
        r#"ref.glob("refs/heads/release-*") && !ref.glob("refs/tags/*")"#,
        r#"repository.endsWith("/app") && repository.contains("rg/")"#,
        "run == 7 && run < 8 && share == 0.5",
        "verified",
        r#""ops" in groups && size(groups) == 2"#,
        r#"groups.exists(group, group.startsWith("de"))"#,
        r#"groups.all(group, group in ["ops", "dev", "hr"])"#,
        r#"claims["kubernetes.io"].namespace == "ci" && claims["kubernetes.io"].serviceaccount.name == "builder""#,
        r#"claims.repository == "org/app""#,
        r#"claims.claims == "odd""#,
        r#"has(claims.ref) && !has(claims.head_ref)"#,
        r#"string(run) == "7""#,
        r#"(verified ? "a" : "b") == "a""#,
        "true",
    ] {
        assert!(holds(condition, &token), "{condition}");
    }
    for condition in [
        r#"repository == "org/ap""#,
        r#"repository == "ORG/app""#,
        r#"ref.startsWith("refs/tags/")"#,
        "run == 8",
        "!verified",
        r#""hr" in groups"#,
        "false",
        r#""a" in empty"#,
    ] {
        assert!(!holds(condition, &token), "{condition}");
    }
}

#[test]
fn what_needs_a_claim_that_is_missing_never_holds() {
    let token = value!({"repository": "org/app", "nothing": null});
    for condition in [
        r#"ref == "x""#,
        r#"ref != "x""#,
        r#"!(ref == "x")"#,
        r#"!ref.startsWith("x")"#,
        r#"!("ops" in groups)"#,
        r#"!groups.exists(group, group == "x")"#,
        r#"claims.ref != "x""#,
        r#"claims["ref"] != "x""#,
        r#"nothing != "x""#,
        r#"nothing == null"#,
        r#"ref == claims.head_ref"#,
        r#"repository == "org/app" && ref != "x""#,
        r#"repository != "org/app" || ref != "x""#,
        r#"ref == "x" ? true : true"#,
    ] {
        assert!(!holds(condition, &token), "{condition}");
    }
    assert!(holds(r#"ref == "x" || repository == "org/app""#, &token), "what is known is enough");
}

#[test]
fn a_claim_of_another_type_than_the_condition_takes_it_for_gives_nothing() {
    for condition in [r#"groups.startsWith("ops")"#, r#"!groups.startsWith("x")"#, r#"groups == "ops""#, "groups", "size(groups)"]
    {
        assert!(!holds(condition, &value!({"groups": ["ops"]})), "{condition}");
    }
    for condition in [r#""ops" in groups"#, r#"groups.exists(group, group == "ops")"#, "groups", "groups == true"] {
        assert!(!holds(condition, &value!({"groups": "[\"ops\"]"})), "a text is no list: {condition}");
        assert!(!holds(condition, &value!({"groups": "true"})), "a text is no truth: {condition}");
    }
    assert!(!holds(r#"groups.glob(claims.pattern)"#, &value!({"groups": "a", "pattern": ""})), "no pattern");
}

#[test]
fn a_condition_says_which_claims_it_needs() {
    assert_eq!(needs(r#"repository == "a" && claims["kubernetes.io"].namespace == ref"#), ["kubernetes.io", "ref", "repository"]);
    assert_eq!(needs(r#"groups.exists(group, group == wanted)"#), ["groups", "wanted"]);
    assert_eq!(needs(r#"[1].exists(ref, ref == 1) || ref == "x""#), ["ref"]);
    assert_eq!(needs("has(claims.email)"), ["email"]);
    assert_eq!(needs(r#"{"a": b}["a"] == c"#), ["b", "c"]);
    assert_eq!(needs("true"), Vec::<String>::new());
}

#[test]
fn faults_are_found_at_the_start_and_say_where() {
    assert_eq!(fault("repository == \"org/app\" &&"), "at character 27: Syntax error: mismatched input '<EOF>'");
    assert!(fault("").contains("Syntax error"));
    assert!(fault("a ==\n  b ===").starts_with("at line 2, character "));
    assert!(fault(r#"repository.startWith("a")"#).contains("there is no function `startWith`: there are contains, double"));
    assert!(fault(r#"repository.matches("a")"#).contains("there is no function `matches`"));
    assert!(fault("claims == claims").contains("write `claims.NAME`"));
    assert!(fault(r#"claims[name] == "x""#).contains("write `claims.NAME`"));
    assert!(fault(r#"claims["a:json"] == "x""#).contains("does not end with `:json`"));
    assert!(fault(r#"claims[""] == "x""#).contains("1 to 200 bytes"));
    assert!(fault("1 == 1").contains("it asks about no claim"));
    assert!(fault(r#""repository""#).contains("it asks about no claim"));
    assert!(fault(r#"ref.glob("")"#).contains("a pattern is never empty"));
    assert!(fault(&format!("a == '{}'", "x".repeat(2_048))).contains("a condition has at most 2048"));
    assert!(fault(&format!("{}a", "(".repeat(1_000))).contains("at "));
}
