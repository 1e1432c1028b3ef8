//! Between the core's values and what a row can hold. A row that does not parse is a fault of the catalog, never a value.

use std::fmt::Display;
use std::str::FromStr;

use bulkhead_core::ports::catalog::{Attributes, CatalogError};
use bulkhead_core::ports::clock::Timestamp;

/// SQLite's integers end at 2^63 - 1.
pub(crate) fn to_row(number: u64, what: &str) -> Result<i64, CatalogError> {
    i64::try_from(number).map_err(|_| CatalogError(format!("{what} of {number} is more than the catalog can hold")))
}

pub(crate) fn from_row(number: i64, what: &str) -> Result<u64, CatalogError> {
    u64::try_from(number)
        .map_err(|_| CatalogError(format!("the catalog holds {number} as {what}: it was changed by other hands")))
}

/// What the sum of `sql::attributes` says.
pub(crate) fn attributes(sum: i64) -> Result<Attributes, CatalogError> {
    if !(0..16).contains(&sum) {
        return Err(CatalogError(format!("the catalog holds {sum} as attributes: it was changed by other hands")));
    }
    Ok(Attributes {
        delete_enabled: sum & 1 != 0,
        write_enabled: sum & 2 != 0,
        read_enabled: sum & 4 != 0,
        list_enabled: sum & 8 != 0,
    })
}

/// A time later than a row can hold is the end of time.
pub(crate) fn time(at: Timestamp) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

pub(crate) fn parse<T: FromStr>(text: &str, what: &str) -> Result<T, CatalogError>
where
    T::Err: Display,
{
    text.parse()
        .map_err(|error| CatalogError(format!("the catalog holds {text:?} as {what}: {error}: it was changed by other hands")))
}

/// JSON that a statement takes apart.
pub(crate) fn json(written: serde_json::Result<String>) -> String {
    written.expect("lists and maps of text and numbers have no form that JSON lacks")
}

/// Names what was done when SQLite refused.
pub(crate) fn failed(doing: &'static str) -> impl Fn(sqlx::Error) -> CatalogError {
    move |error| CatalogError(format!("{doing}: {error}"))
}

/// The longest prefix of at most `most` bytes that does not cut a character.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
