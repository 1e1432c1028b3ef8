//! The examples of "Authenticating Requests: Using the Authorization Header" and "Using Query Parameters" of the S3 API reference.

use super::*;

const NOON: u64 = 1_369_353_600_000; // 2013-05-24T00:00:00Z

fn keys() -> Keys {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned();
    Keys { id: "AKIAIOSFODNN7EXAMPLE".to_owned(), secret, token: None }
}

fn draft(method: &'static str, path: &str, query: &[(&'static str, &str)], headers: &[(&'static str, &str)]) -> Draft {
    let owned = |pairs: &[(&'static str, &str)]| pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let origin = "https://examplebucket.s3.amazonaws.com".to_owned();
    Draft { method, origin, path: path.to_owned(), query: owned(query), headers: owned(headers), body: Some(Vec::new()) }
}

fn signed(draft: Draft) -> HttpRequest {
    Signer { keys: &keys(), region: "us-east-1", now: NOON }.signed(draft)
}

fn authorization(draft: Draft) -> String {
    signed(draft).header("authorization").unwrap().to_owned()
}

fn expected(names: &str, signature: &str) -> String {
    let credential = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
    format!("AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={names},Signature={signature}")
}

#[test]
fn get_object_is_signed_as_published() {
    assert_eq!(
        authorization(draft("GET", "/test.txt", &[], &[("range", "bytes=0-9")])),
        expected(
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        )
    );
}

#[test]
fn put_object_is_signed_as_published() {
    let headers = [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];
    let put = Draft { body: Some(b"Welcome to Amazon S3.".to_vec()), ..draft("PUT", "/test$file.text", &[], &headers) };
    let request = signed(put);
    assert_eq!(request.url, "https://examplebucket.s3.amazonaws.com/test%24file.text");
    assert_eq!(request.body, b"Welcome to Amazon S3.");
    assert_eq!(
        request.header("authorization").unwrap(),
        expected(
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        )
    );
}

#[test]
fn get_bucket_lifecycle_is_signed_as_published() {
    let request = signed(draft("GET", "/", &[("lifecycle", "")], &[]));
    assert_eq!(request.url, "https://examplebucket.s3.amazonaws.com/?lifecycle=");
    assert_eq!(
        request.header("authorization").unwrap(),
        expected("host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")
    );
}

#[test]
fn a_listing_is_signed_as_published_in_whatever_order_its_parameters_are() {
    for query in [[("max-keys", "2"), ("prefix", "J")], [("prefix", "J"), ("max-keys", "2")]] {
        assert_eq!(
            authorization(draft("GET", "/", &query, &[])),
            expected("host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
        );
    }
}

#[test]
fn a_presigned_url_is_as_published() {
    let signer = Signer { keys: &keys(), region: "us-east-1", now: NOON };
    let request = signer.presigned(draft("GET", "/test.txt", &[], &[]), 86_400);
    assert!(request.headers.is_empty());
    assert_eq!(
        request.url,
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z\
         &X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
         &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    );
}

#[test]
fn a_session_token_is_part_of_what_is_signed() {
    let keys = Keys { token: Some("to/ken+".to_owned()), ..keys() };
    let signer = Signer { keys: &keys, region: "us-east-1", now: NOON };
    let request = signer.signed(draft("GET", "/", &[], &[]));
    assert_eq!(request.header("x-amz-security-token"), Some("to/ken+"));
    assert!(request.header("authorization").unwrap().contains("host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"));
    let url = signer.presigned(draft("GET", "/", &[], &[]), 60).url;
    assert!(url.contains("&X-Amz-Security-Token=to%2Fken%2B&"), "{url}");
}

#[test]
fn a_body_that_the_host_sends_is_not_signed() {
    let request = signed(Draft { body: None, ..draft("PUT", "/k", &[], &[]) });
    assert_eq!(request.header("x-amz-content-sha256"), Some("UNSIGNED-PAYLOAD"));
}

#[test]
fn values_of_headers_are_trimmed_and_the_usual_port_is_left_out() {
    assert_eq!(trimmed("  a   b c "), "a b c");
    for (origin, host) in [
        ("https://a:443", "a"),
        ("http://a:80", "a"),
        ("http://a:443", "a:443"),
        ("https://a:9000", "a:9000"),
        ("http://[::1]:3900", "[::1]:3900"),
    ] {
        assert_eq!(host_of(origin), host);
    }
}
