//! The form of a refusal (OCI distribution specification, "Error Codes"). The HTTP client holds every answer of the registry's API against
//! it, so that no test can see a refusal in another form without failing; nothing else has to ask for it.

use crate::response::Response;

/// The specification's list, and the one that it leaves to Docker's registry ("Legacy Docker support error codes"): of a tag outside the
/// grammar.
pub const CODES: [&str; 15] = [
    "BLOB_UNKNOWN",
    "BLOB_UPLOAD_INVALID",
    "BLOB_UPLOAD_UNKNOWN",
    "DIGEST_INVALID",
    "MANIFEST_BLOB_UNKNOWN",
    "MANIFEST_INVALID",
    "MANIFEST_UNKNOWN",
    "NAME_INVALID",
    "NAME_UNKNOWN",
    "SIZE_INVALID",
    "UNAUTHORIZED",
    "DENIED",
    "UNSUPPORTED",
    "TOOMANYREQUESTS",
    "TAG_INVALID",
];

/// The answer is a refusal with a JSON body, in the form of the specification, and with a word on what is wrong.
///
/// # Panics
/// Where it is not.
pub fn assert_in_form(what: &str, answer: &Response) {
    assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
    assert!(is_json(answer), "{what}: no JSON: {answer:?}");
    let body = answer.json();
    let members: Vec<&String> = body.as_object().unwrap_or_else(|| panic!("{what}: no object: {body}")).keys().collect();
    assert_eq!(members, ["errors"], "{what}");
    let errors = body["errors"].as_array().unwrap_or_else(|| panic!("{what}: no list of errors: {body}"));
    assert!(!errors.is_empty(), "{what}");
    for error in errors {
        let code = error["code"].as_str().unwrap_or_else(|| panic!("{what}: no code: {body}"));
        assert!(CODES.contains(&code), "{what}: {code} is not of the list");
        let is_text = |message: &serde_json::Value| message.as_str().is_some_and(|text| !text.is_empty());
        assert!(error.get("message").is_none_or(is_text), "{what}: {body}");
        let known = |key: &String| ["code", "message", "detail"].contains(&key.as_str());
        assert!(error.as_object().is_some_and(|members| members.keys().all(known)), "{what}: {body}");
    }
}

/// What the client does with every answer of the API: a body in another format than JSON is free.
pub(crate) fn check(method: &str, target: &str, answer: &Response) {
    let of_the_api = ["/v2/", "/acr/"].iter().any(|prefix| target.starts_with(prefix));
    if of_the_api && (400..500).contains(&answer.status) && answer.complete && !answer.body.is_empty() && is_json(answer) {
        assert_in_form(&format!("{method} {target}"), answer);
    }
}

fn is_json(answer: &Response) -> bool {
    answer.header("Content-Type").is_some_and(|value| value.starts_with("application/json"))
}
