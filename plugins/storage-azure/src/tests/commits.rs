//! From the last part to the object, or to nothing.

use bulkhead_plugin_sdk::prelude::*;

use super::*;
use crate::upload::{Staged, Upload};

const STAGING: &str = "/UPLOADS/u1";
const LIST: &str = "/UPLOADS/u1?comp=blocklist";

fn url(rest: &str) -> String {
    format!("{BASE}{rest}")
}

/// An upload in one short part.
fn whole(blobs: &mut Blobs) -> Vec<u8> {
    let state = blobs.begin("u1").unwrap();
    put(blobs, state, 5)
}

/// An upload in so many blocks.
fn blocks(count: usize) -> Vec<u8> {
    Upload::new("u1").unwrap().with(Staged::Blocks(vec![[1, 2, 3]; count])).state()
}

#[test]
fn a_commit_puts_blocks_together_copies_them_if_nothing_is_there_and_cleans_up() {
    let (host, mut blobs) = blobs();
    host.set_answer(&url(LIST), Ok(reply(201, &[("etag", "\"0x2\"")], "")));
    host.set_answer(&url("/k"), Ok(reply(202, &[("x-ms-copy-status", "success")], "")));
    host.set_answer(&url(STAGING), Ok(reply(202, &[], "")));
    assert_eq!(blobs.commit(&blocks(2), "k"), Ok(Progress::Done));
    assert_eq!(asked(&host), [format!("PUT {LIST}"), "PUT /k".into(), format!("DELETE {STAGING}")]);
    let requests = host.requests();
    let list = "<BlockList><Latest>MDAwMDAtMDEwMjAz</Latest><Latest>MDAwMDEtMDEwMjAz</Latest></BlockList>";
    assert!(String::from_utf8_lossy(&requests[0].body).ends_with(list));
    let copy = &requests[1];
    assert_eq!(copy.header("x-ms-copy-source"), Some(url(STAGING).as_str()));
    assert_eq!((copy.header("if-none-match"), copy.header("x-ms-source-if-match")), (Some("*"), Some("\"0x2\"")));
    assert_eq!(copy.header("x-ms-access-tier"), None);
}

#[test]
fn a_short_upload_is_copied_as_it_is_in_the_tier_that_was_asked_for() {
    let (host, _) = blobs();
    let mut blobs: Blobs = configure(&SETTINGS.replace('}', r#","access-tier":"cool"}"#)).unwrap();
    host.set_answer(&url("/k"), Ok(reply(202, &[("x-ms-copy-status", "success")], "")));
    host.set_answer(&url(STAGING), Ok(reply(202, &[], "")));
    let state = whole(&mut blobs);
    assert_eq!(blobs.commit(&state, "k"), Ok(Progress::Done));
    let copy = &host.requests()[0];
    assert_eq!((copy.header("x-ms-source-if-match"), copy.header("x-ms-access-tier")), (Some("\"0x1\""), Some("Cool")));
}

#[test]
fn an_upload_of_what_is_there_already_is_dropped() {
    for code in ["BlobAlreadyExists", "ConditionNotMet"] {
        let (host, mut blobs) = blobs();
        drop(host);
        let status = if code == "ConditionNotMet" { 412 } else { 409 };
        let host = FakeHost::new().answer(&url("/k"), refusal(status, code)).answer(&url("/k"), there("5", "success"));
        let host = host.answer(&url(STAGING), reply(202, &[], "")).install();
        let state = whole(&mut blobs);
        assert_eq!(blobs.commit(&state, "k"), Ok(Progress::Done));
        assert_eq!(asked(&host), ["PUT /k", "HEAD /k", "DELETE /UPLOADS/u1"]);
    }
}

#[test]
fn a_commit_that_is_asked_again_succeeds_and_one_of_what_was_aborted_does_not() {
    let (_host, mut blobs) = blobs();
    let small = whole(&mut blobs);
    for (state, gone) in [(small, refusal(404, "BlobNotFound")), (blocks(1), refusal(400, "InvalidBlockList"))] {
        for (look, expected) in
            [(there("5", "success"), Ok(Progress::Done)), (refusal(404, "BlobNotFound"), Err(Error::NotFound))]
        {
            let host = FakeHost::new().secret("key", KEY).answer(&url(LIST), gone.clone());
            let host = if gone.status == 404 { host.answer(&url("/k"), gone.clone()) } else { host };
            let _host = host.answer(&url("/k"), look).install();
            assert_eq!(blobs.commit(&state, "k"), expected);
        }
    }
    assert!(blobs.commit(&Upload::new("u1").unwrap().state(), "k").is_err(), "nothing was ever written");
}

#[test]
fn what_a_stale_writer_put_there_is_not_committed() {
    let (_host, mut blobs) = blobs();
    let state = whole(&mut blobs);
    let other = reply(200, &[("content-length", "5"), ("last-modified", DATE), ("etag", "\"0x7\"")], "");
    let host = FakeHost::new().secret("key", KEY).answer(&url("/k"), refusal(412, "SourceConditionNotMet"));
    let _host = host.answer(&url("/k"), refusal(404, "BlobNotFound")).answer(&url(STAGING), other).install();
    assert_eq!(blobs.commit(&state, "k"), Err(Error::NotFound));
}

#[test]
fn a_copy_that_takes_longer_is_gone_on_with_in_another_call() {
    let (host, mut blobs) = blobs();
    host.set_answer(&url("/k"), Ok(reply(202, &[("x-ms-copy-status", "pending")], "")));
    let state = whole(&mut blobs);
    let Ok(Progress::More(state)) = blobs.commit(&state, "k") else { panic!("there is more to do") };
    assert!(blobs.next(&state, 5, None).is_err(), "nothing can follow");
    for (copy, more) in [("pending", true), ("success", false)] {
        let host = FakeHost::new().secret("key", KEY).answer(&url("/k"), refusal(409, "PendingCopyOperation"));
        let _host = host.answer(&url("/k"), there("0", copy)).answer(&url(STAGING), reply(202, &[], "")).install();
        assert_eq!(matches!(blobs.commit(&state, "k").unwrap(), Progress::More(_)), more);
    }
}

#[test]
fn a_copy_that_failed_is_taken_away_and_made_again() {
    let (_host, mut blobs) = blobs();
    let state = whole(&mut blobs);
    let host = FakeHost::new().secret("key", KEY).answer(&url("/k"), refusal(409, "BlobAlreadyExists"));
    let host = host
        .answer(&url("/k"), there("0", "failed"))
        .answer(&url("/k"), there("0", "failed"))
        .answer(&url("/k"), reply(202, &[], ""));
    let host = host
        .answer(&url("/k"), reply(202, &[("x-ms-copy-status", "success")], ""))
        .answer(&url(STAGING), reply(202, &[], ""))
        .install();
    assert_eq!(blobs.commit(&state, "k"), Ok(Progress::Done));
    assert_eq!(asked(&host), ["PUT /k", "HEAD /k", "HEAD /k", "DELETE /k", "PUT /k", "DELETE /UPLOADS/u1"]);
    assert_eq!(host.requests()[3].header("if-match"), Some("\"0x1\""));
}

#[test]
fn a_copy_is_sent_again_where_the_service_is_away_and_nothing_is_cleaned_up_unless_it_is_done() {
    let (_host, mut blobs) = blobs();
    let state = whole(&mut blobs);
    let host = FakeHost::new()
        .secret("key", KEY)
        .failure(&url("/k"), Error::unavailable("broken"))
        .answer(&url("/k"), refusal(503, "ServerBusy"));
    let host = host.answer(&url("/k"), reply(202, &[], "")).failure(&url(STAGING), Error::unavailable("broken")).install();
    assert_eq!(blobs.commit(&state, "k"), Ok(Progress::Done));
    assert!(host.logged("`team/UPLOADS/u1`"), "the operator learns what is left");
    let busy = reply(503, &[("x-ms-error-code", "ServerBusy"), ("retry-after", "7")], "");
    let host = FakeHost::new().secret("key", KEY).answer(&url("/k"), busy).install();
    assert!(matches!(blobs.commit(&state, "k"), Err(Error::Unavailable(away)) if away.retry_after == Some(7)));
    assert_eq!(asked(&host), ["PUT /k"; 3]);
}

#[test]
fn a_long_list_of_blocks_has_a_call_of_its_own() {
    let (host, mut blobs) = blobs();
    host.set_answer(&url(LIST), Ok(reply(201, &[("etag", "\"0x2\"")], "")));
    let Ok(Progress::More(state)) = blobs.commit(&blocks(3_000), "k") else { panic!("there is more to do") };
    assert_eq!(Upload::parse(&state).unwrap().staged, Staged::Sealed("\"0x2\"".into()));
}

#[test]
fn aborting_drops_blocks_and_blob_and_succeeds_twice() {
    let (host, mut blobs) = blobs();
    host.set_answer(&url(LIST), Ok(reply(201, &[("etag", "\"0x2\"")], "")));
    for answer in [reply(202, &[], ""), refusal(404, "BlobNotFound")] {
        host.set_answer(&url(STAGING), Ok(answer));
        assert_eq!(blobs.abort(&blocks(2)), Ok(()));
    }
    assert_eq!(asked(&host)[..2], [format!("PUT {LIST}"), format!("DELETE {STAGING}")]);
    assert!(String::from_utf8_lossy(&host.requests()[0].body).ends_with("<BlockList></BlockList>"));
}
