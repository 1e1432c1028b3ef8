//! Deletes many blobs by few requests: one after the other they would not be done within a call's time.
//!
//! A batch is a POST whose body has requests, and whose answer has an answer to each ("Blob Batch" of the service's reference).

use bulkhead_plugin_sdk::prelude::*;

use crate::blobs::Blobs;
use crate::failure::Failure;

/// So many requests are in a batch at most.
const MOST: usize = 256;
/// Up to so many blobs are deleted one by one.
const FEW: usize = 4;
/// What stands between the requests.
const BOUNDARY: &str = "batch-of-deletes";
const WHAT: &str = "deleting blobs";

/// What came of a batch.
enum Batch {
    Done,
    /// The first failure of a request in it.
    Failed(Failure),
    /// The service does not look into it.
    NotTaken,
}

impl Blobs {
    /// All gone when it returns; no error if one was not there.
    pub(crate) fn remove_all(&mut self, blobs: &[String]) -> Result<()> {
        if blobs.len() <= FEW {
            return blobs.iter().try_for_each(|blob| self.remove(blob));
        }
        for blobs in blobs.chunks(MOST) {
            let mut answer = self.remove_batch(blobs)?;
            if matches!(&answer, Batch::Failed(failure) if failure.is_refusal()) {
                // Each request in it bears the credential.
                self.service.refused();
                answer = self.remove_batch(blobs)?;
            }
            match answer {
                Batch::Done => {}
                Batch::Failed(failure) => return Err(failure.error(WHAT)),
                // An emulator may know no batches, or not with every credential.
                Batch::NotTaken => blobs.iter().try_for_each(|blob| self.remove(blob))?,
            }
        }
        Ok(())
    }

    fn remove_batch(&mut self, blobs: &[String]) -> Result<Batch> {
        let mut body = String::new();
        for (number, blob) in blobs.iter().enumerate() {
            let request = self.service.authorize_within(self.removal(blob))?;
            body.push_str(&part(number, &request));
        }
        body.push_str(&format!("--{BOUNDARY}--\r\n"));
        let batch = self.service.batch().with_header("content-type", format!("multipart/mixed; boundary={BOUNDARY}"));
        match self.service.send(&HttpRequest { body: body.into_bytes(), ..batch })? {
            Ok(answer) => read(&String::from_utf8_lossy(&answer.body), blobs.len()),
            Err(_) => Ok(Batch::NotTaken),
        }
    }
}

/// A request as a part of a batch.
fn part(number: usize, request: &HttpRequest) -> String {
    // `https://host/path`: what is behind the third slash.
    let path = request.url.splitn(4, '/').nth(3).unwrap_or_default();
    let headers: String = request.headers.iter().map(|header| format!("{}: {}\r\n", header.name, header.value)).collect();
    let own = format!("content-type: application/http\r\ncontent-transfer-encoding: binary\r\ncontent-id: {number}\r\n");
    format!("--{BOUNDARY}\r\n{own}\r\n{} /{path} HTTP/1.1\r\n{headers}content-length: 0\r\n\r\n", request.method)
}

/// Reads the answers in a batch's answer, of which there have to be so many.
fn read(body: &str, count: usize) -> Result<Batch> {
    let answers: Vec<Failure> = body.split("HTTP/1.1 ").skip(1).filter_map(answer).collect();
    let answered = answers.len();
    match answers.into_iter().find(|answer| answer.status != 202 && !answer.is_absence()) {
        Some(failure) => Ok(Batch::Failed(failure)),
        None if answered == count => Ok(Batch::Done),
        None => Err(Error::unavailable(format!("{WHAT}: the service answers {answered} of {count} requests"))),
    }
}

/// Status and code of an answer that begins with its status.
fn answer(text: &str) -> Option<Failure> {
    let status = text.get(..3)?.parse().ok()?;
    let headers = text.lines().filter_map(|line| line.split_once(':'));
    let code =
        headers.filter(|(name, _)| name.eq_ignore_ascii_case("x-ms-error-code")).map(|(_, value)| value.trim().to_owned()).next();
    Some(Failure::new(status, code, None))
}
