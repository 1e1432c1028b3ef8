//! The configuration file: TOML with kebab-case keys, read into typed values.
//!
//! All faults are found at once, each with file and line; an unknown key is one. Nothing here opens a plugin, a socket or a database:
//! `cli` reads the file, `app` acts on what it says.

mod checks;
mod json;
mod location;
mod model;
mod paths;
mod plugins;
mod reader;
mod registries;
mod rules;
mod server;
mod suggest;
mod units;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

pub use location::{Fault, Faults, Located, Location};
pub use model::{
    Access, Catalog, Component, Config, DEFAULT_REGISTRY, DirectoryGrant, Grants, Plugin, Registry, SecretGrant, SecretSource,
    Settings, State, Tls, Webhook,
};
pub use paths::Folders;
pub use server::parse_listen;

use reader::{Section, Source};

/// The most bytes of a configuration file; far more than anyone writes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What `serve` uses without a file.
const BUILT_IN: &str = include_str!("default.toml");

/// How the built-in configuration is called in messages.
const BUILT_IN_NAME: &str = "<built-in configuration>";

/// The data directory where nothing names one.
const DEFAULT_DATA: &str = "data";

/// Where clients connect where nothing says it.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {path} cannot be read: {reason}")]
    Unreadable {
        /// As the operator named it.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// What it says is wrong.
    #[error("{0}")]
    Faulty(#[from] Faults),
}

/// What the command line puts above the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--data`, relative to the working directory.
    pub data: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
}

/// Reads this file, or the built-in configuration where there is none. `builtins` are the embedded components.
///
/// # Errors
/// [`ConfigError`].
pub fn load(file: Option<&Path>, overrides: &Overrides, builtins: &[&str]) -> Result<Config, ConfigError> {
    let Some(path) = file else {
        return Ok(parse(BUILT_IN_NAME, BUILT_IN, Path::new(""), overrides, builtins)?);
    };
    let unreadable = |reason: String| ConfigError::Unreadable { path: path.to_owned(), reason };
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > MAX_BYTES {
        return Err(unreadable(format!("it has {size} bytes, more than {MAX_BYTES}")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Ok(parse(&path.display().to_string(), &text, folder, overrides, builtins)?)
}

/// Reads a configuration from its text. `file` is its name in messages, `folder` what its relative paths start at.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(file: &str, text: &str, folder: &Path, overrides: &Overrides, builtins: &[&str]) -> Result<Config, Faults> {
    let source = Source::new(file, text);
    let (document, errors) = toml::de::DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What a broken document seems to say would only bring faults that are none.
        let fault = |error: &toml::de::Error| {
            Fault::new(&source.locate(error.span().unwrap_or(0..0)), format!("this is not TOML: {}", error.message()))
        };
        Faults::check(errors.iter().map(fault).collect())?;
    }
    let mut root = Section::root(&source, document.get_ref());
    let server = server::read(root.take("server").as_ref(), folder, overrides);
    let catalog = server::read_catalog(root.take("catalog").as_ref());
    let tables = root.take("plugins");
    let plugins = plugins::read(tables.as_ref(), &server.folders, builtins);
    let declared: Vec<Located<String>> =
        tables.map(|item| item.entries().into_iter().map(|(name, _)| name).collect()).unwrap_or_default();
    let item = root.take("registries");
    let registries = registries::read(item.as_ref());
    let first_line = root.location.clone();
    root.finish();

    let mut faults = source.take_faults();
    let mut warnings = source.take_warnings();
    if item.is_none_or(|item| item.entries().is_empty()) {
        faults.push(Fault::new(&first_line, "there is no registry: add a table [registries.default] with `storage` and `auth`"));
    }
    let findings = checks::check(&declared, &plugins, &registries);
    faults.extend(findings.faults);
    Faults::check(faults)?;
    warnings.extend(findings.warnings);
    warnings.sort();
    let listen = server.listen.unwrap_or_else(|| Located::new(first_line, DEFAULT_LISTEN));
    Ok(Config {
        listen: Located { value: overrides.listen.unwrap_or(listen.value), ..listen },
        data: server.folders.data,
        tls: server.tls,
        proxies: server.proxies,
        key_rotation: server.key_rotation,
        failed_logins: server.failed_logins,
        audit: server.audit,
        catalog,
        plugins,
        registries,
        warnings,
    })
}
