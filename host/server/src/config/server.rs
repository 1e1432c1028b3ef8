//! Reads `[server]` and `[catalog]`.

use std::net::SocketAddr;

use super::location::Located;
use super::model::Catalog;
use super::reader::Item;

/// `[server]` as it is written.
#[derive(Default)]
pub struct Server {
    /// Where clients connect.
    pub listen: Option<Located<SocketAddr>>,
    /// The data directory, not resolved.
    pub data: Option<String>,
}

/// Reads `[server]`.
pub fn read(item: Option<&Item<'_>>) -> Server {
    let Some(mut section) = item.and_then(Item::section) else {
        return Server::default();
    };
    let listen = section.take("listen").and_then(|item| item.parsed(parse_listen));
    let data = section.take("data").and_then(|item| {
        item.parsed(|text| if text.is_empty() { Err("must be a path".to_owned()) } else { Ok(text.to_owned()) })
    });
    section.finish();
    Server { listen, data: data.map(|data| data.value) }
}

/// Reads an address to listen at.
///
/// # Errors
/// What it looks like.
pub fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("must be an address and a port such as \"127.0.0.1:5000\", not {text:?}"))
}

/// Reads `[catalog]`.
pub fn read_catalog(item: Option<&Item<'_>>) -> Catalog {
    let Some(mut section) = item.and_then(Item::section) else {
        return Catalog::Sqlite;
    };
    let url = section.take("url").and_then(|item| item.parsed(parse_catalog));
    section.finish();
    url.map_or(Catalog::Sqlite, |url| url.value)
}

fn parse_catalog(text: &str) -> Result<Catalog, String> {
    match text {
        "sqlite" => Ok(Catalog::Sqlite),
        _ if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
            Err("names PostgreSQL, which this version cannot use yet: \"sqlite\" is what there is".to_owned())
        }
        _ => Err(format!("must be \"sqlite\", not {text:?}")),
    }
}
