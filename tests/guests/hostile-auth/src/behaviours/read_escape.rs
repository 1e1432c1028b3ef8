//! Reads files outside its grants. It worked if any of them could be read or even seen.

use bulkhead_plugin_sdk::prelude::*;

const PATHS: &[&str] = &[
    "../../etc/passwd",
    "/users/../../etc/passwd",
    "/users/../../../../../../etc/passwd",
    "/etc/passwd",
    "etc/passwd",
    "/users/./../../etc/passwd",
    "/users//../..//etc/passwd",
    "//etc/passwd",
    "/proc/self/environ",
];

pub struct ReadEscape;

impl super::Behaviour for ReadEscape {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        let read = PATHS.iter().any(|path| files::read(path, 65_536).is_ok());
        let seen = PATHS.iter().any(|path| matches!(files::stat(path), Ok(Some(_))));
        let listed = ["/etc", "/users/..", "/users/../..", "/", ".."]
            .iter()
            .any(|path| files::list(path, None, 10).is_ok_and(|found| !found.is_empty()));
        // Not through the host's imports but the way that any program does it.
        let opened = std::fs::read("/etc/passwd").is_ok() || std::fs::read_dir("/").is_ok() || std::env::vars().next().is_some();
        let connected = std::net::TcpStream::connect("127.0.0.1:80").is_ok();
        log::info!("read {read}, seen {seen}, listed {listed}, opened {opened}, connected {connected}");
        Ok(read || seen || listed || opened || connected)
    }
}
