use std::collections::VecDeque;
use std::sync::Mutex;

use axum::http::StatusCode;
use bulkhead_core::ports::store::{ObjectBody, StoreError};
use futures_util::stream;
use tokio::sync::mpsc;

use super::*;

const IDLE: Duration = Duration::from_secs(60);

/// A body of these pieces, whose length is not told.
fn pieces(pieces: &[&'static str]) -> ClientBody {
    let pieces: Vec<Result<Bytes, std::io::Error>> =
        pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
    ClientBody::new(Body::from_stream(stream::iter(pieces)), Sending::Now, IDLE)
}

fn status(error: ApiError) -> StatusCode {
    error.into_response("").status()
}

#[tokio::test]
async fn a_body_within_its_bound_is_read_whole() {
    assert_eq!(pieces(&[]).read(4).await.unwrap(), "");
    assert_eq!(pieces(&["abcd"]).read(4).await.unwrap(), "abcd");
    assert_eq!(pieces(&["a", "", "b", "cd"]).read(4).await.unwrap(), "abcd");
    assert_eq!(ClientBody::new(Body::from("abcd"), Sending::Now, IDLE).read(4).await.unwrap(), "abcd");
}

#[tokio::test]
async fn a_body_over_its_bound_is_refused_whether_or_not_it_says_how_long_it_is() {
    for body in [pieces(&["abcde"]), pieces(&["ab", "cde"]), pieces(&["ab", "cd", "e"])] {
        assert_eq!(status(body.read(4).await.unwrap_err()), StatusCode::PAYLOAD_TOO_LARGE);
    }
    let long = ClientBody::new(Body::from("abcde"), Sending::Now, IDLE);
    assert_eq!(status(long.read(4).await.unwrap_err()), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn an_empty_body_has_a_length_and_a_chunked_one_has_none() {
    assert_eq!(ClientBody::new(Body::empty(), Sending::Now, IDLE).length(), Some(0));
    assert_eq!(ClientBody::new(Body::from("abc"), Sending::Now, IDLE).length(), Some(3));
    assert_eq!(pieces(&["a"]).length(), None);
}

#[tokio::test]
async fn a_client_that_falls_silent_is_given_up() {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    sender.send(Ok(Bytes::from_static(b"a"))).await.unwrap();
    let stream = stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|item| (item, receiver)) });
    let mut body = ClientBody::new(Body::from_stream(stream), Sending::Now, Duration::from_millis(5)).into_incoming();
    assert_eq!(body.next().await, Some(Ok(Bytes::from_static(b"a"))));
    assert_eq!(body.next().await, Some(Err(BodyError::Stalled)));
    assert_eq!(body.next().await, None);
    drop(sender);
}

#[tokio::test]
async fn a_broken_connection_ends_the_body_with_an_error() {
    let broken = stream::iter([Ok(Bytes::from_static(b"a")), Err(std::io::Error::other("gone"))]);
    let mut body = ClientBody::new(Body::from_stream(broken), Sending::Now, IDLE).into_incoming();
    assert_eq!(body.next().await, Some(Ok(Bytes::from_static(b"a"))));
    assert!(matches!(body.next().await, Some(Err(BodyError::Broken(_)))));
    assert_eq!(body.next().await, None);
}

/// A body of endless pieces that tells how many were taken when it is dropped.
fn endless(sending: Sending) -> (ClientBody, tokio::sync::oneshot::Receiver<usize>) {
    struct Count(usize, Option<tokio::sync::oneshot::Sender<usize>>);
    impl Drop for Count {
        fn drop(&mut self) {
            let _ = self.1.take().unwrap().send(self.0);
        }
    }
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let stream = stream::unfold(Count(0, Some(sender)), |mut count| async {
        count.0 += 1;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(&[0; 1024 * 1024])), count))
    });
    (ClientBody::new(Body::from_stream(stream), sending, IDLE), receiver)
}

#[tokio::test]
async fn what_nobody_wants_of_a_body_is_read_up_to_a_bound() {
    let (body, taken) = endless(Sending::Now);
    drop(body);
    assert_eq!(taken.await.unwrap(), DRAIN_BYTES / (1024 * 1024) + 1);
}

#[tokio::test]
async fn a_client_that_waits_to_be_told_is_not_told_to_send_what_nobody_wants() {
    let (body, taken) = endless(Sending::WhenTold);
    drop(body);
    assert_eq!(taken.await.unwrap(), 0);
}

fn store(pieces: Vec<Result<Bytes, StoreError>>) -> ObjectBody {
    let pieces = Mutex::new(VecDeque::from(pieces));
    ObjectBody::Stream(Box::pin(stream::poll_fn(move |_| Poll::Ready(pieces.lock().unwrap().pop_front()))))
}

async fn sent(object: ObjectBody, length: u64) -> Result<Bytes, axum::Error> {
    outgoing(object, length, &"id".into()).unwrap().collect().await.map(http_body_util::Collected::to_bytes)
}

#[tokio::test]
async fn an_object_goes_out_in_exactly_its_length() {
    let piece = |text: &'static str| Ok(Bytes::from_static(text.as_bytes()));
    assert_eq!(sent(ObjectBody::Bytes("abc".into()), 3).await.unwrap(), "abc");
    assert_eq!(sent(store(vec![piece("ab"), piece("c")]), 3).await.unwrap(), "abc");
    assert_eq!(outgoing(store(vec![]), 7, &"id".into()).unwrap().size_hint().exact(), Some(7));
    assert!(sent(store(vec![piece("ab")]), 3).await.is_err(), "too short");
    assert!(sent(store(vec![piece("ab"), piece("cd")]), 3).await.is_err(), "too long");
    assert!(sent(store(vec![piece("ab"), Err(StoreError::NotFound)]), 3).await.is_err(), "failed");
    assert!(outgoing(ObjectBody::Bytes("ab".into()), 3, &"id".into()).is_err());
}
