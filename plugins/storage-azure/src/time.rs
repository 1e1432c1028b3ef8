//! Times as the service writes them, from and to milliseconds since 1970.

use bulkhead_plugin_sdk::Timestamp;

const DAY: u64 = 86_400;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// 1970-01-01 was a Thursday.
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// As headers have it: `Thu, 01 Jan 2026 00:00:00 GMT` (RFC 1123).
pub fn http_date(at: Timestamp) -> String {
    let seconds = at / 1000;
    let (year, month, day) = civil(seconds / DAY);
    let (weekday, month) = (WEEKDAYS[(seconds / DAY % 7) as usize], MONTHS[month as usize - 1]);
    format!("{weekday}, {day:02} {month} {year:04} {} GMT", clock(seconds))
}

/// As a SAS has it: `2026-01-01T00:00:00Z`.
pub fn iso(at: Timestamp) -> String {
    let seconds = at / 1000;
    let (year, month, day) = civil(seconds / DAY);
    format!("{year:04}-{month:02}-{day:02}T{}Z", clock(seconds))
}

/// What [`http_date`] writes. None: it is no such date.
pub fn parse_http_date(text: &str) -> Option<Timestamp> {
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as u64 + 1;
    let year: u64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<u64>().ok());
    let (hours, minutes, seconds) = (clock.next()??, clock.next()??, clock.next()??);
    let is_date = (1970..=9999).contains(&year) && (1..=31).contains(&day) && hours < 24 && minutes < 60 && seconds <= 60;
    (is_date && words.next() == Some("GMT"))
        .then(|| (days(year, month, day) * DAY + hours * 3600 + minutes * 60 + seconds) * 1000)
}

fn clock(seconds: u64) -> String {
    let second = seconds % DAY;
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// Year, month and day of a day since 1970-01-01. Years are counted from March here, so that the leap day is a year's last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

/// The inverse of [`civil`].
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_headers_and_signatures_have_them() {
        assert_eq!(http_date(1_767_225_600_999), "Thu, 01 Jan 2026 00:00:00 GMT");
        assert_eq!(http_date(1_435_361_952_000), "Fri, 26 Jun 2015 23:39:12 GMT");
        assert_eq!(iso(951_782_400_000 + 3_723_000), "2000-02-29T01:02:03Z");
        assert_eq!(iso(0), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn every_day_of_centuries_is_read_as_it_was_written() {
        for day in 0..90_000 {
            let at = (day * DAY + day % DAY) * 1000;
            assert_eq!(parse_http_date(&http_date(at)), Some(at), "{}", http_date(at));
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "Thu", "Thu, 01 Jan 2026 00:00:00", "Thu, 01 Foo 2026 00:00:00 GMT", "Thu, 0 Jan 2026 00:00:00 GMT"] {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }
}
