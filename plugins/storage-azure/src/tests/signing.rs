//! Against signatures that Microsoft's own library makes of the same requests (azure-storage-blob 12.31 for Python), and the example of the
//! service's reference.

use bulkhead_plugin_sdk::prelude::*;

use super::KEY;
use crate::sas::Sas;
use crate::signature::{Key, encode};

fn request(method: &str, url: &str, headers: &[(&str, &str)]) -> HttpRequest {
    let bare = HttpRequest { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new() };
    headers.iter().fold(bare, |request, (name, value)| request.with_header(*name, *value))
}

fn signed(account: &str, request: &HttpRequest) -> String {
    Key::parse(KEY).unwrap().authorization(account, request)
}

const DATE: (&str, &str) = ("x-ms-date", "Thu, 01 Jan 2026 00:00:00 GMT");
const VERSION: (&str, &str) = ("x-ms-version", "2023-11-03");

#[test]
fn the_example_of_the_reference_is_signed_as_the_services_own_library_does() {
    let url = "https://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=metadata&timeout=20";
    let headers = [("x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"), ("x-ms-version", "2015-02-21")];
    let expected = "SharedKey myaccount:1u9lui2jDxj0+fpbHjQ5m5NnastJRSYM+PSmfi8TXx4=";
    assert_eq!(signed("myaccount", &request("GET", url, &headers)), expected);
}

#[test]
fn an_emulators_account_is_in_the_path_too() {
    let url = "http://127.0.0.1:10000/devstoreaccount1/layers?restype=container&comp=list&prefix=team%2F&maxresults=5";
    let expected = "SharedKey devstoreaccount1:f7V0h/yPhMCRIHF2kn0pNe7yTif5G275FCR1DBdRSzM=";
    assert_eq!(signed("devstoreaccount1", &request("GET", url, &[DATE, VERSION])), expected);
}

#[test]
fn a_body_a_range_and_the_services_headers_are_signed() {
    let url = "https://contoso.blob.core.windows.net/layers/UPLOADS/u1?comp=blocklist";
    let headers = [DATE, VERSION, ("Content-Type", "application/xml"), ("x-ms-client-request-id", " a b ")];
    let list = HttpRequest { body: vec![b'x'; 39], ..request("PUT", url, &headers) };
    assert_eq!(signed("contoso", &list), "SharedKey contoso:K6Scnwk1DkKRXelUdKH3ylvUG1QGW2Zaeihq8nC8Df4=");
    let url = "https://contoso.blob.core.windows.net/layers/a/b";
    let range = request("GET", url, &[DATE, VERSION, ("range", "bytes=1-3")]);
    assert_eq!(signed("contoso", &range), "SharedKey contoso:tUbytGFfSlbCNEptcmragjvsudlzWKqbgFrrBnIPuyA=");
}

#[test]
fn a_url_is_signed_for_one_blob_one_right_and_one_time() {
    let key = Key::parse(KEY).unwrap();
    let path = "layers/team/blobs/sha256/ab";
    let read = Sas { account: "devstoreaccount1", path, permission: "r", until: 1_767_226_200_000, encrypted: true };
    let signature = encode("hdeuHKoEgCOjtlIWXiFMlOMSHOGDAsCwQlvna49sGvM=");
    assert_eq!(read.query(&key), format!("sv=2023-11-03&sr=b&sp=r&se=2026-01-01T00%3A10%3A00Z&spr=https&sig={signature}"));
    let write = Sas { permission: "w", encrypted: false, ..read };
    let signature = encode("Uhi/gYJRIpQD6MJEsry7a5VoTPvVBG8k+60gOu6Ho/I=");
    assert_eq!(write.query(&key), format!("sv=2023-11-03&sr=b&sp=w&se=2026-01-01T00%3A10%3A00Z&sig={signature}"));
}

#[test]
fn what_is_no_key_is_invalid_and_not_repeated() {
    for text in ["", "s3cret!", "abc"] {
        let Err(error) = Key::parse(text) else { panic!("`{text}` is no key") };
        assert!(matches!(error, Error::Invalid(said) if text.is_empty() || !said.contains(text)));
    }
}
