//! What the status and the code of an answer mean. Nothing else of it goes into a text.

use bulkhead_plugin_sdk::prelude::*;

use crate::xml;

/// The answer, where it is a success; `what` is the operation's name.
pub fn expect(what: &str, answer: HttpResponse) -> Result<HttpResponse> {
    let code = xml::error_code(&answer.body);
    // Copies and completions that take their time begin with a 200 whatever comes of them.
    if is_success(answer.status) && code.is_none() { Ok(answer) } else { Err(error(what, &answer)) }
}

/// What the answer's status and code mean. One without a body (of a HEAD, of a part) has a status alone.
pub fn error(what: &str, answer: &HttpResponse) -> Error {
    let code = xml::error_code(&answer.body);
    let text = format!(
        "{what}: the store answers {}{}",
        answer.status,
        code.as_deref().map(|code| format!(" {code}")).unwrap_or_default()
    );
    match (answer.status, code.as_deref()) {
        (_, Some("NoSuchBucket")) => Error::internal(text),
        (_, Some("ExpiredToken" | "InvalidToken" | "AuthorizationHeaderMalformed")) | (401 | 403, _) => Error::denied(text),
        (404, _) => Error::NotFound,
        (409 | 412, _) => Error::Conflict,
        (429 | 500..=599, _) | (_, Some("InternalError" | "SlowDown" | "ServiceUnavailable" | "RequestTimeout")) => {
            let seconds = answer.header("retry-after").and_then(|value| value.trim().parse().ok());
            seconds.map_or_else(|| Error::unavailable(text.clone()), |seconds| Error::unavailable_for(text.clone(), seconds))
        }
        _ => Error::internal(text),
    }
}

/// Whether it is of the 200s.
pub const fn is_success(status: u16) -> bool {
    status >= 200 && status < 300
}

#[cfg(test)]
mod tests {
    use bulkhead_plugin_sdk::testing::answer;

    use super::*;

    fn refused(status: u16, code: &str) -> Error {
        let body = format!("<Error><Code>{code}</Code><Message>AKIA wJalr</Message></Error>").into_bytes();
        expect("GetObject", HttpResponse { body, ..answer(status) }).unwrap_err()
    }

    #[test]
    fn each_status_is_an_error_of_its_kind_and_tells_nothing_but_a_code() {
        assert_eq!(refused(404, "NoSuchKey"), Error::NotFound);
        assert_eq!(refused(403, "AccessDenied"), Error::denied("GetObject: the store answers 403 AccessDenied"));
        assert_eq!(refused(400, "ExpiredToken"), Error::denied("GetObject: the store answers 400 ExpiredToken"));
        assert_eq!(refused(404, "NoSuchBucket"), Error::internal("GetObject: the store answers 404 NoSuchBucket"));
        assert_eq!(refused(412, "PreconditionFailed"), Error::Conflict);
        assert_eq!(refused(503, "SlowDown"), Error::unavailable("GetObject: the store answers 503 SlowDown"));
        assert_eq!(refused(400, "EntityTooSmall"), Error::internal("GetObject: the store answers 400 EntityTooSmall"));
        assert!(matches!(refused(200, "InternalError"), Error::Unavailable(_)), "an error that begins as a success");
        assert!(expect("GetObject", answer(204)).is_ok());
    }

    #[test]
    fn when_to_try_again_is_handed_on() {
        let slow = HttpRequest::get("").with_header("Retry-After", "7");
        let busy = HttpResponse { headers: slow.headers, ..answer(503) };
        assert_eq!(error("ListObjects", &busy), Error::unavailable_for("ListObjects: the store answers 503", 7));
    }
}
