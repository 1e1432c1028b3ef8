//! Several ranges of an object as one body, `multipart/byteranges` (RFC 9110, 14.6). One part is open at a time.

use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderValue;
use bulkhead_core::ports::store::ObjectBody;
use bulkhead_core::registry::RegistryError;
use bulkhead_oci::ByteRange;
use bytes::Bytes;
use futures_util::future::{Either, ready};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::outgoing::{Exactly, Fault, Promised};
use crate::headers;

/// A body of several parts, and what its headers say of it.
pub(crate) struct Multipart {
    pub body: Body,
    pub media_type: HeaderValue,
    /// In bytes, with all that stands between the parts.
    pub length: u64,
}

/// `ranges` of an object of `size` bytes. The first is open already, so that a store that is away is found out before the answer begins;
/// `open` opens the others, each when the one before it has gone out. `request_id` divides the parts: nobody knows it beforehand, so no
/// object can contain it on purpose.
pub(crate) fn multipart<F, O>(
    ranges: Vec<ByteRange>,
    size: u64,
    first: ObjectBody,
    mut open: O,
    request_id: &Arc<str>,
) -> Multipart
where
    F: Future<Output = Result<ObjectBody, RegistryError>> + Send + 'static,
    O: FnMut(ByteRange) -> F + Send + 'static,
{
    let end = Bytes::from(format!("\r\n--{request_id}--\r\n"));
    let parts: Vec<(Bytes, ByteRange)> =
        ranges.into_iter().enumerate().map(|(index, range)| (head(index, range, size, request_id), range)).collect();
    let length = parts.iter().map(|(head, range)| head.len() as u64 + range.length).sum::<u64>() + end.len() as u64;
    let mut first = Some(first);
    let opened = stream::iter(parts).then(move |(head, range)| {
        let object = match first.take() {
            Some(object) => Either::Left(ready(Ok(object))),
            None => Either::Right(open(range)),
        };
        async move { Ok::<_, Fault>(stream::iter([Ok(head)]).chain(Exactly::new(object.await?, range.length))) }
    });
    let pieces = opened.try_flatten().chain(stream::iter([Ok(end)]));
    Multipart {
        body: Promised::body(Box::pin(pieces), length, request_id),
        media_type: headers::value(format!("multipart/byteranges; boundary={request_id}")),
        length,
    }
}

/// What stands before a part.
fn head(index: usize, range: ByteRange, size: u64, boundary: &str) -> Bytes {
    let line = if index == 0 { "" } else { "\r\n" };
    let place = headers::content_range(range, size);
    format!("{line}--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: {place}\r\n\r\n").into()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http_body::Body as _;
    use http_body_util::BodyExt;

    use super::*;

    const CONTENT: &[u8] = b"0123456789";
    const RANGES: [ByteRange; 3] =
        [ByteRange { offset: 8, length: 2 }, ByteRange { offset: 0, length: 1 }, ByteRange { offset: 3, length: 3 }];

    fn slice(range: ByteRange) -> ObjectBody {
        let (from, to) = (range.offset as usize, (range.offset + range.length) as usize);
        let bytes = CONTENT[from..to].iter().map(|byte| Ok(Bytes::copy_from_slice(&[*byte]))).collect::<Vec<_>>();
        ObjectBody::Stream(Box::pin(stream::iter(bytes)))
    }

    #[tokio::test]
    async fn the_parts_are_those_of_the_rfc_byte_for_byte() {
        let multipart = multipart(RANGES.to_vec(), 10, slice(RANGES[0]), async |range| Ok(slice(range)), &"line".into());
        assert_eq!(multipart.media_type, "multipart/byteranges; boundary=line");
        assert_eq!(multipart.body.size_hint().exact(), Some(multipart.length));
        let body = multipart.body.collect().await.unwrap().to_bytes();
        let expected = "--line\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 8-9/10\r\n\r\n89\
            \r\n--line\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 0-0/10\r\n\r\n0\
            \r\n--line\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 3-5/10\r\n\r\n345\
            \r\n--line--\r\n";
        assert_eq!(body, expected);
        assert_eq!(multipart.length, expected.len() as u64);
    }

    #[tokio::test]
    async fn a_part_is_opened_when_it_is_its_turn() {
        let opened = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&opened);
        let open = move |range: ByteRange| {
            log.lock().unwrap().push(range.offset);
            ready(Ok(slice(range)))
        };
        let mut body = multipart(RANGES.to_vec(), 10, slice(RANGES[0]), open, &"line".into()).body;
        let mut open_at_each_frame = Vec::new();
        while let Some(frame) = body.frame().await {
            frame.unwrap();
            open_at_each_frame.push(opened.lock().unwrap().len());
        }
        // A head and a frame for each byte, three times, and the end.
        assert_eq!(open_at_each_frame, [0, 0, 0, 1, 1, 2, 2, 2, 2, 2]);
        assert_eq!(*opened.lock().unwrap(), [0, 3]);
    }

    #[tokio::test]
    async fn a_part_that_is_too_short_too_long_or_not_there_ends_the_answer() {
        let short = ByteRange { offset: 0, length: 2 };
        for bad in
            [Ok(ByteRange { offset: 0, length: 1 }), Ok(ByteRange { offset: 0, length: 3 }), Err(RegistryError::BlobUnknown)]
        {
            let name = format!("{bad:?}");
            let open = move |_| ready(bad.clone().map(slice));
            let body = multipart(vec![RANGES[0], short], 10, slice(RANGES[0]), open, &"line".into()).body;
            assert!(body.collect().await.is_err(), "{name}");
        }
    }
}
