//! Reads `[server]` and `[catalog]`: where clients connect, what is theirs to prove, and what is kept beside the registries.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_core::auth::ThrottleOptions;
use bulkhead_http::Proxy;

use super::location::Located;
use super::model::{AuditSettings, Catalog, Tls};
use super::paths::Folders;
use super::reader::{Item, Section};
use super::units::parse_duration_in;
use super::{DEFAULT_DATA, Overrides};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How old the key that signs tokens may become. Earlier keys stay for the life of what they signed, so a week keeps their number small.
const KEY_ROTATION: RangeInclusive<Duration> = DAY.saturating_mul(7)..=DAY.saturating_mul(365);
/// The default of the above.
const KEY_ROTATION_DEFAULT: Duration = DAY.saturating_mul(30);

const PER_ACCOUNT: RangeInclusive<u32> = 1..=10_000;
const PER_SOURCE: RangeInclusive<u32> = 1..=1_000_000;
const WINDOW: RangeInclusive<Duration> = Duration::from_secs(1)..=DAY;
const ANSWER_AFTER: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(10);

/// How many files of the audit log are kept.
const KEEP: RangeInclusive<u32> = 2..=100_000;
/// The default of the above.
const KEEP_DEFAULT: u32 = 16;
/// Where the audit log lies where nothing says it.
const AUDIT: &str = "{data}/audit";

/// `[server]`, with its paths resolved.
pub struct Server {
    /// Where clients connect.
    pub listen: Option<Located<SocketAddr>>,
    /// Where paths start; the data directory among them.
    pub folders: Folders,
    /// The certificate, where it speaks TLS.
    pub tls: Option<Tls>,
    /// Who may say on whose behalf they ask.
    pub proxies: Vec<Proxy>,
    /// How old the key that signs tokens may become.
    pub key_rotation: Duration,
    /// How many logins may fail.
    pub failed_logins: ThrottleOptions,
    /// The audit log.
    pub audit: AuditSettings,
}

/// Reads `[server]`. `folder` is the configuration file's.
pub fn read(item: Option<&Item<'_>>, folder: &Path, overrides: &Overrides) -> Server {
    let mut section = item.and_then(Item::section);
    let mut take = |key: &'static str| section.as_mut().and_then(|section| section.take(key));
    let listen = take("listen").and_then(|item| item.parsed(parse_listen));
    let data = take("data").and_then(|item| {
        item.parsed(|text| if text.is_empty() { Err("must be a path".to_owned()) } else { Ok(text.to_owned()) })
    });
    let folders = Folders { config: folder.to_owned(), data: data_directory(data.map(|data| data.value), folder, overrides) };
    let tls = take("tls").and_then(|item| item.section()).and_then(|section| read_tls(section, &folders));
    let proxies = take("proxies").map(|item| item.parsed_elements(parse_proxy)).unwrap_or_default();
    let key_rotation =
        take("key-rotation").and_then(|item| item.parsed(|text| parse_duration_in(text, &KEY_ROTATION, "7d", "365d")));
    let failed_logins = take("failed-logins").and_then(|item| item.section()).map(read_failed_logins);
    let audit = take("audit").and_then(|item| item.section());
    let audit = read_audit(audit, &folders);
    if let Some(section) = section {
        section.finish();
    }
    Server {
        listen,
        folders,
        tls,
        proxies: proxies.into_iter().map(|proxy| proxy.value).collect(),
        key_rotation: key_rotation.map_or(KEY_ROTATION_DEFAULT, |rotation| rotation.value),
        failed_logins: failed_logins.unwrap_or_default(),
        audit,
    }
}

fn data_directory(data: Option<String>, folder: &Path, overrides: &Overrides) -> PathBuf {
    match &overrides.data {
        Some(data) => data.clone(),
        None => folder.join(data.as_deref().unwrap_or(DEFAULT_DATA)),
    }
}

/// Reads an address to listen at.
///
/// # Errors
/// What it looks like.
pub fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("must be an address and a port such as \"127.0.0.1:5000\", not {text:?}"))
}

fn parse_proxy(text: &str) -> Result<Proxy, String> {
    text.parse().map_err(|error| format!("is wrong: {error}"))
}

fn read_tls(mut section: Section<'_>, folders: &Folders) -> Option<Tls> {
    let location = section.location.clone();
    let path = |item: Item<'_>| item.parsed(|text| folders.resolve(text)).map(|path| path.value);
    let certificate = section.require("certificate", "name the PEM file of the certificate and those above it").and_then(path);
    let key = section.require("key", "name the PEM file of the certificate's private key").and_then(path);
    let client_authorities = section.take("client-authorities").map(path);
    section.finish();
    // A path that is wrong is a fault by now, so nobody acts on this.
    Some(Tls { location, certificate: certificate?, key: key?, client_authorities: client_authorities.flatten() })
}

fn read_failed_logins(mut section: Section<'_>) -> ThrottleOptions {
    let mut options = ThrottleOptions::default();
    if let Some(most) = section.take("per-account").and_then(|item| item.integer(PER_ACCOUNT)) {
        options.per_account = most.value;
    }
    if let Some(most) = section.take("per-source").and_then(|item| item.integer(PER_SOURCE)) {
        options.per_source = most.value;
    }
    let window = section.take("window").and_then(|item| item.parsed(|text| parse_duration_in(text, &WINDOW, "1s", "24h")));
    if let Some(window) = window {
        options.window = window.value;
    }
    let wait =
        section.take("answer-after").and_then(|item| item.parsed(|text| parse_duration_in(text, &ANSWER_AFTER, "0s", "10s")));
    if let Some(wait) = wait {
        options.answer_after = wait.value;
    }
    section.finish();
    options
}

fn read_audit(section: Option<Section<'_>>, folders: &Folders) -> AuditSettings {
    let standard = || folders.resolve(AUDIT).expect("{data} may be followed by /");
    let Some(mut section) = section else { return AuditSettings { directory: standard(), keep: KEEP_DEFAULT } };
    let directory = section.take("directory").and_then(|item| item.parsed(|text| folders.resolve(text)));
    let keep = section.take("keep").and_then(|item| item.integer(KEEP));
    section.finish();
    AuditSettings {
        directory: directory.map_or_else(standard, |directory| directory.value),
        keep: keep.map_or(KEEP_DEFAULT, |keep| keep.value),
    }
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
