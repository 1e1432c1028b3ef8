//! When a request is sent once more: the counterpart was away or busy for the moment, and being asked twice does it no harm (RFC 9110,
//! section 9.2.2). Storage plugins alone get this; whoever else sends requests repeats them by rules of their own.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tokio::time::Instant;

use super::message::retry_after;

/// The most tries of one request.
const TRIES: u32 = 5;
/// The first pause; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(100);

/// Whether requests are sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Each once.
    Never,
    /// Those that may be.
    Idempotent,
}

impl Retry {
    /// For a request of this method with these headers. One with a condition is not sent twice: the answer to the second would be about what
    /// the first has done.
    pub(crate) fn of(self, method: &str, headers: &[(String, String)]) -> Self {
        let conditional = |(name, _): &(String, String)| {
            let name = name.to_ascii_lowercase();
            name.starts_with("if-") && name != "if-range"
        };
        match (self, method) {
            (Self::Idempotent, "GET" | "HEAD") => Self::Idempotent,
            (Self::Idempotent, "PUT" | "DELETE") if !headers.iter().any(conditional) => Self::Idempotent,
            _ => Self::Never,
        }
    }
}

/// Tries of one request.
pub(crate) struct Tries {
    retry: Retry,
    made: u32,
    deadline: Instant,
}

impl Tries {
    /// All of them have begun by `deadline`.
    pub(crate) const fn new(retry: Retry, deadline: Instant) -> Self {
        Self { retry, made: 0, deadline }
    }

    /// Waits before the next try, at least for `wanted`; false: there is none.
    pub(crate) async fn pause(&mut self, wanted: Option<Duration>) -> bool {
        let Some(pause) = self.next(wanted, Instant::now()) else { return false };
        tokio::time::sleep(pause).await;
        true
    }

    fn next(&mut self, wanted: Option<Duration>, now: Instant) -> Option<Duration> {
        self.made += 1;
        if self.retry == Retry::Never || self.made >= TRIES {
            return None;
        }
        // Spread, so that many that failed together do not come back together.
        let usual = (FIRST * 2_u32.pow(self.made - 1)).mul_f64(rand::random_range(0.75..1.25));
        Some(usual.max(wanted.unwrap_or_default())).filter(|pause| now + *pause < self.deadline)
    }
}

/// Whether an answer says that it may be different in a moment, and when to ask again where it says that.
pub(crate) fn passing(status: StatusCode, headers: &HeaderMap) -> Option<Option<Duration>> {
    let passes = matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504);
    passes.then(|| retry_after(headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_condition_or_an_effect_of_its_own_is_sent_once() {
        let headers = |name: &str| vec![(name.to_owned(), "*".to_owned())];
        for (method, header, expected) in [
            ("GET", "range", Retry::Idempotent),
            ("GET", "if-match", Retry::Idempotent),
            ("PUT", "x-amz-date", Retry::Idempotent),
            ("DELETE", "x", Retry::Idempotent),
            ("PUT", "If-None-Match", Retry::Never),
            ("DELETE", "if-match", Retry::Never),
            ("POST", "x", Retry::Never),
            ("PATCH", "x", Retry::Never),
        ] {
            assert_eq!(Retry::Idempotent.of(method, &headers(header)), expected, "{method} {header}");
            assert_eq!(Retry::Never.of(method, &headers(header)), Retry::Never);
        }
    }

    #[test]
    fn pauses_grow_and_end_with_the_tries_or_the_time() {
        let now = Instant::now();
        let mut tries = Tries::new(Retry::Idempotent, now + Duration::from_secs(60));
        let pauses: Vec<Duration> = std::iter::from_fn(|| tries.next(None, now)).collect();
        assert_eq!(pauses.len(), 4);
        assert!(pauses.windows(2).all(|pair| pair[1] > pair[0]), "{pauses:?}");
        let mut late = Tries::new(Retry::Idempotent, now + Duration::from_secs(1));
        assert_eq!(late.next(Some(Duration::from_secs(2)), now), None, "a service that wants more time than there is");
        assert_eq!(Tries::new(Retry::Never, now + Duration::from_secs(60)).next(None, now), None);
    }
}
