//! Times as text.

use bulkhead_core::ports::clock::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// As RFC 3339 has it, in UTC and whole seconds. The beginning of time if the clock is beyond what a date can say.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    let seconds = i64::try_from(at.seconds()).unwrap_or_default();
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(&Rfc3339).unwrap_or_default()
}

/// The same with seven digits of a second, as Azure Container Registry writes it: some clients cut by place.
pub(crate) fn precise(at: Timestamp) -> String {
    let text = rfc3339(at);
    let seconds = text.strip_suffix('Z').unwrap_or(&text);
    format!("{seconds}.{:03}0000Z", at.0 % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_utc() {
        assert_eq!(rfc3339(Timestamp(1_700_000_000_999)), "2023-11-14T22:13:20Z");
        assert_eq!(precise(Timestamp(1_700_000_000_042)), "2023-11-14T22:13:20.0420000Z");
    }

    #[test]
    fn a_time_beyond_all_dates_is_the_beginning_of_time() {
        assert_eq!(rfc3339(Timestamp(u64::MAX)), "1970-01-01T00:00:00Z");
    }
}
