//! `Warning` headers (OCI distribution specification, "Warnings"; RFC 7234, section 5.5): `299 - "text"`, never more than 4096 bytes of them.

use std::fmt::Write as _;

use axum::http::HeaderMap;
use axum::http::header::WARNING;

use crate::headers;

/// The most bytes of all values together.
const MAX_BYTES: usize = 4096;
/// The most lines: clients take a hundred header lines or so, and no more.
const MAX_LINES: usize = 25;
/// A value is this, the text, and a quote.
const BEGIN: &str = "299 - \"";
/// What a text that had to be cut ends in.
const CUT: &str = "...";

/// Adds these warnings, as far as there is room: the first that finds none is cut, and those after it are left out.
pub(crate) fn add(headers: &mut HeaderMap, warnings: &[String]) {
    let mut left = MAX_BYTES;
    for text in warnings.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).take(MAX_LINES) {
        let Some(room) = left.checked_sub(BEGIN.len() + 1) else { return };
        let (quoted, whole) = quote(text, room);
        if quoted.len() <= if whole { 0 } else { CUT.len() } {
            return;
        }
        left = room - quoted.len();
        let mut line = String::with_capacity(BEGIN.len() + quoted.len() + 1);
        // Writing to a String cannot fail.
        let _ = write!(line, "{BEGIN}{quoted}\"");
        headers.append(WARNING, headers::value(line));
        if !whole {
            return;
        }
    }
}

/// The inside of a quoted string of at most `room` bytes, and whether it is all of the text. What is neither visible ASCII nor a space
/// becomes `?`.
fn quote(text: &str, room: usize) -> (String, bool) {
    let mut quoted = String::with_capacity(text.len().min(room));
    // The longest beginning that leaves room for the dots.
    let mut fits = 0;
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ => quoted.push('?'),
        }
        if quoted.len() > room {
            quoted.truncate(fits);
            if room >= CUT.len() {
                quoted.push_str(CUT);
            }
            return (quoted, false);
        }
        if quoted.len() + CUT.len() <= room {
            fits = quoted.len();
        }
    }
    (quoted, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(warnings: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        add(&mut headers, &warnings.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        headers.get_all(WARNING).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    fn total(lines: &[String]) -> usize {
        lines.iter().map(String::len).sum()
    }

    #[test]
    fn each_warning_is_a_line_of_its_own() {
        assert_eq!(lines(&["Image is old.", " ", "No label."]), ["299 - \"Image is old.\"", "299 - \"No label.\""]);
        assert!(lines(&[]).is_empty());
    }

    #[test]
    fn a_text_cannot_leave_its_quotes() {
        assert_eq!(lines(&["a \"b\" \\ c\r\nSet-Cookie: x\u{e9}\u{7f}"]), ["299 - \"a \\\"b\\\" \\\\ c??Set-Cookie: x??\""]);
    }

    #[test]
    fn all_lines_together_are_never_over_the_bound() {
        let fits = "x".repeat(MAX_BYTES - 8);
        assert_eq!(total(&lines(&[&fits])), MAX_BYTES);
        let long = lines(&[&"x".repeat(MAX_BYTES - 7), "second"]);
        assert_eq!((long.len(), total(&long)), (1, MAX_BYTES));
        assert!(long[0].ends_with("x...\""));
        let half = "y".repeat(2000);
        let cut = lines(&[&half, &half, &half]);
        assert_eq!((cut.len(), total(&cut)), (3, MAX_BYTES));
        assert!(cut[2].ends_with("y...\""));
    }

    #[test]
    fn a_text_is_cut_between_characters_and_never_within_an_escape() {
        for extra in 0..4 {
            let quotes = format!("{}{}", "x".repeat(extra), "\"".repeat(MAX_BYTES));
            let cut = lines(&[&quotes]);
            let inside = cut[0].strip_prefix(BEGIN).and_then(|line| line.strip_suffix("...\"")).unwrap();
            assert_eq!(inside[extra..].replace("\\\"", ""), "", "{extra}");
            assert!(total(&cut) <= MAX_BYTES);
        }
    }

    #[test]
    fn what_has_room_for_nothing_but_dots_is_left_out() {
        for room in 0..=11 {
            let first = "x".repeat(MAX_BYTES - 8 - room);
            assert_eq!(lines(&[&first, "warning"]).len(), 1, "{room}");
        }
        assert_eq!(lines(&[&"x".repeat(MAX_BYTES - 8 - 12), "warning"])[1], "299 - \"w...\"");
    }

    #[test]
    fn there_are_never_more_lines_than_clients_take() {
        assert_eq!(lines(&["a"; 200]).len(), MAX_LINES);
    }
}
