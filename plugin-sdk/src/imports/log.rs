//! Lines in the host's log, under the plugin's name and with the request's id. Always granted; at most 8 KiB a line and 1,000 lines a call.
//!
//! Each level is a function that takes text, and a macro that formats: `log::info("ready")`, `log::info!("{count} users")`.

use super::host;

pub use crate::bindings::imports::bulkhead::plugin::log::Level;
pub use crate::{__log_debug as debug, __log_error as error, __log_info as info, __log_warn as warn};

/// Writes one line.
pub fn write(level: Level, message: &str) {
    host::log::write(level, message);
}

/// Of use to whoever debugs the plugin.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// Of use to an operator.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Something is not as it should be, and the plugin goes on.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// The plugin cannot do what it was asked.
pub fn error(message: &str) {
    write(Level::Error, message);
}

/// [`debug`](function@debug) with a format string.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_debug {
    ($($format:tt)+) => { $crate::log::debug(&::std::format!($($format)+)) };
}

/// [`info`](function@info) with a format string.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_info {
    ($($format:tt)+) => { $crate::log::info(&::std::format!($($format)+)) };
}

/// [`warn`](function@warn) with a format string.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_warn {
    ($($format:tt)+) => { $crate::log::warn(&::std::format!($($format)+)) };
}

/// [`error`](function@error) with a format string.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_error {
    ($($format:tt)+) => { $crate::log::error(&::std::format!($($format)+)) };
}
