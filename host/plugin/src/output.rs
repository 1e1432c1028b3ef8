//! What a guest says, on its way to the log: the `log` import, standard output and standard error. Under the plugin's name, with the request's
//! id, bounded in length and number, and with control characters escaped, so that no line can be forged.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bulkhead_plugin_bindings::bulkhead::plugin::log::Level;

/// The longest line, in bytes.
const MAX_LINE_BYTES: usize = 8 * 1024;
/// The most lines of one call.
const MAX_LINES: u32 = 1000;

/// Which of the two standard streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// The log of one instance.
pub(crate) struct Output {
    plugin: Arc<str>,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    request: Arc<str>,
    lines: u32,
    dropped: u32,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Output {
    /// Of a plugin of this name.
    pub(crate) fn new(plugin: Arc<str>) -> Self {
        Self { plugin, current: Mutex::default() }
    }

    /// A call begins, for this request (empty: for none).
    pub(crate) fn begin(&self, request: Arc<str>) {
        let mut current = self.lock();
        current.request = request;
        (current.lines, current.dropped) = (0, 0);
    }

    /// A call ends: what stands in an unfinished line is written, and how much was dropped.
    pub(crate) fn end(&self) {
        let mut current = self.lock();
        for stream in [Stream::Out, Stream::Err] {
            let rest = std::mem::take(current.buffer(stream));
            if !rest.is_empty() {
                self.line(&mut current, stream.level(), &rest);
            }
        }
        if current.dropped > 0 {
            tracing::warn!(
                target: "plugin",
                plugin = %self.plugin,
                request = %current.request,
                dropped = current.dropped,
                "the plugin wrote more than {MAX_LINES} lines in one call: the rest was dropped"
            );
            current.dropped = 0;
        }
    }

    /// One line of the `log` import.
    pub(crate) fn log(&self, level: Level, text: &str) {
        let mut current = self.lock();
        self.line(&mut current, level, text.as_bytes());
    }

    /// Bytes of a standard stream, cut into lines.
    pub(crate) fn write(&self, stream: Stream, bytes: &[u8]) {
        let mut current = self.lock();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let buffer = current.buffer(stream);
            let room = MAX_LINE_BYTES.saturating_sub(buffer.len());
            buffer.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(current.buffer(stream));
                self.line(&mut current, stream.level(), line.trim_ascii_end());
            }
        }
    }

    fn line(&self, current: &mut Current, level: Level, line: &[u8]) {
        if current.lines >= MAX_LINES {
            current.dropped = current.dropped.saturating_add(1);
            return;
        }
        current.lines += 1;
        let text = plain(&String::from_utf8_lossy(&line[..line.len().min(MAX_LINE_BYTES)]));
        let (plugin, request) = (&self.plugin, &current.request);
        match level {
            Level::Debug => tracing::debug!(target: "plugin", %plugin, %request, "{text}"),
            Level::Info => tracing::info!(target: "plugin", %plugin, %request, "{text}"),
            Level::Warn => tracing::warn!(target: "plugin", %plugin, %request, "{text}"),
            Level::Error => tracing::error!(target: "plugin", %plugin, %request, "{text}"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    fn buffer(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        }
    }
}

impl Stream {
    const fn level(self) -> Level {
        match self {
            Self::Out => Level::Info,
            Self::Err => Level::Warn,
        }
    }
}

/// A guest's text for the log or an error: control characters escaped.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\t' {
            // Writing to a string cannot fail.
            let _ = write!(plain, "{}", character.escape_default());
        } else {
            plain.push(character);
        }
    }
    plain
}

/// A guest's reason, for an error: at most 1 KiB, control characters escaped.
pub(crate) fn bounded(text: &str) -> String {
    const MOST: usize = 1024;
    let cut = text.floor_char_boundary(MOST);
    let mut bounded = plain(&text[..cut]);
    if cut < text.len() {
        bounded.push_str(" ...");
    }
    bounded
}

/// A guest's text that somebody is to read in one line: at most `most` bytes, a blank for each control character and line break.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let breaks = |character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}');
    let line = text[..text.floor_char_boundary(most)].replace(breaks, " ");
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_bounded_and_cannot_forge_a_line() {
        assert_eq!(bounded("no\nERROR forged\u{1b}[2J"), "no\\nERROR forged\\u{1b}[2J");
        let long = bounded(&"ä".repeat(1000));
        assert!(long.len() <= 1024 + 4 && long.ends_with("ä ..."));
    }

    #[test]
    fn a_line_for_others_is_bounded_and_only_one() {
        assert_eq!(one_line("a\r\nSet-Cookie: b\u{2028}\t\0", 1024), "a  Set-Cookie: b");
        assert_eq!((one_line("\n \n", 1024).as_str(), one_line("aä", 2).as_str()), ("", "a"));
    }

    #[test]
    fn lines_beyond_the_limit_are_counted_not_kept() {
        let output = Output::new("p".into());
        output.begin("r".into());
        output.write(Stream::Out, "x\n".repeat(1500).as_bytes());
        output.write(Stream::Err, &[b'y'; 20_000]);
        let current = output.lock();
        assert_eq!((current.lines, current.dropped), (1000, 500));
        assert_eq!((current.out.len(), current.err.len()), (0, MAX_LINE_BYTES));
    }
}
