//! Dates as S3 writes them, to and from milliseconds since 1970. Guests have no calendar of their own.

use bulkhead_plugin_sdk::prelude::*;

const DAY: u64 = 86_400_000;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// An instant of the signature: `20130524T000000Z`.
pub fn stamp(milliseconds: u64) -> String {
    let (year, month, day) = date(milliseconds / DAY);
    let seconds = milliseconds % DAY / 1000;
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `Fri, 24 May 2013 00:00:00 GMT`, as headers have it.
pub fn from_header(text: &str) -> Result<u64> {
    let parts: Vec<&str> = text.split(' ').collect();
    let [_, day, month, year, clock, "GMT"] = parts[..] else { return Err(unreadable(text)) };
    let month = MONTHS.iter().position(|name| *name == month).ok_or_else(|| unreadable(text))? as u64 + 1;
    instant(year, month, day, clock).ok_or_else(|| unreadable(text))
}

/// `2013-05-24T00:00:00.000Z`, as XML and JSON have it.
pub fn from_iso(text: &str) -> Result<u64> {
    let read = || {
        let (day, clock) = text.strip_suffix('Z')?.split_once('T')?;
        let mut parts = day.splitn(3, '-');
        let (year, month, day) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        instant(year, month, day, clock)
    };
    read().ok_or_else(|| unreadable(text))
}

fn unreadable(text: &str) -> Error {
    Error::internal(format!("the store gives a date that is none: `{}`", text.escape_debug()))
}

/// `clock` is `07:28:00`, or with a fraction behind it.
fn instant(year: &str, month: u64, day: &str, clock: &str) -> Option<u64> {
    let (year, day): (u64, u64) = (year.parse().ok()?, day.parse().ok()?);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.splitn(3, ':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let sane = (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !sane || hour > 23 || minute > 59 || second > 60 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let milliseconds: u64 = format!("{fraction:0<3}")[..3].parse().ok()?;
    let seconds = hour * 3600 + minute * 60 + second;
    Some(days(year, month, day) * DAY + seconds * 1000 + milliseconds)
}

/// Days from 1970-01-01, by the count of days in eras of 400 years that begin in March.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The reverse of [`days`].
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + u64::from(month < 3), month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_a_date_are_the_same_instant() {
        for (milliseconds, written, header, iso) in [
            (0, "19700101T000000Z", "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"),
            (1_369_353_600_000, "20130524T000000Z", "Fri, 24 May 2013 00:00:00 GMT", "2013-05-24T00:00:00.000Z"),
            (1_709_210_096_000, "20240229T123456Z", "Thu, 29 Feb 2024 12:34:56 GMT", "2024-02-29T12:34:56Z"),
            (4_102_444_799_000, "20991231T235959Z", "Thu, 31 Dec 2099 23:59:59 GMT", "2099-12-31T23:59:59.0Z"),
        ] {
            assert_eq!(stamp(milliseconds), written);
            assert_eq!(from_header(header), Ok(milliseconds));
            assert_eq!(from_iso(iso), Ok(milliseconds));
        }
        assert_eq!(from_iso("2024-02-29T12:34:56.7894Z"), Ok(1_709_210_096_789));
    }

    #[test]
    fn what_is_no_date_is_an_error() {
        for text in ["", "now", "Thu, 29 Feb 2024 12:34:56", "Thu, 29 Fib 2024 12:34:56 GMT", "Thu, 29 Feb 1 25:34:56 GMT"] {
            assert!(from_header(text).is_err(), "{text}");
        }
        for text in
            ["", "2024-02-29", "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00.äZ"]
        {
            assert!(from_iso(text).is_err(), "{text}");
        }
    }
}
