//! `bulkhead audit verify`: whether an audit log is whole.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::EXIT_CODES;
use super::admin::{AdminError, Answer, Print, run};
use crate::audit;
use crate::audit::verify::{Expected, Verified, VerifyError, verify};
use crate::bundled;
use crate::config::{self, Overrides};

const EXAMPLES: &str = "\
Examples:
  bulkhead audit verify
  bulkhead audit verify --config bulkhead.toml --output json
  bulkhead audit verify audit-000001.jsonl audit-000002.jsonl
  bulkhead audit verify --expect 4711:9f86d081...
      fails unless line 4711 is in the log, with this hash

The last line of the result is the end of the log, SEQ:HASH. Whoever can write to the
files could write all of them anew, and only that end, kept elsewhere, would show it.
The server may run meanwhile.
";

/// Look at the audit log.
#[derive(Subcommand)]
#[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
pub enum Audit {
    /// Check that no line of the audit log was changed, moved or taken out.
    #[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
    Verify(Verify),
}

#[derive(Args)]
pub struct Verify {
    /// The files, the oldest first, in place of those of a server.
    #[arg(value_name = "FILE", conflicts_with_all = ["config", "data"])]
    files: Vec<PathBuf>,

    /// The configuration file of the server whose audit log it is.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The data directory of the server, in place of what the configuration says.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// An earlier end of the log, which must be in it.
    #[arg(long, value_name = "SEQ:HASH")]
    expect: Option<Expected>,

    #[command(flatten)]
    print: Print,
}

impl Audit {
    /// Does what it says.
    pub fn run(self) -> ExitCode {
        let Self::Verify(arguments) = self;
        run(arguments.print.output, async || {
            let files = arguments.files()?;
            let verified = verify(&files, arguments.expect.as_ref())
                .map_err(|error| AdminError::Impossible(format!("the audit log is not whole: {error}")))?;
            Ok(answer(&verified))
        })
    }
}

impl Verify {
    fn files(&self) -> Result<Vec<PathBuf>, AdminError> {
        if !self.files.is_empty() {
            return Ok(self.files.clone());
        }
        let overrides = Overrides { data: self.data.clone(), listen: None };
        let directory = config::load(self.config.as_deref(), &overrides, &bundled::names())?.audit.directory;
        let found = audit::list(&directory).map_err(|error| VerifyError::Unreadable { path: directory.clone(), error });
        let found = found.map_err(|error| AdminError::Impossible(error.to_string()))?;
        if found.is_empty() {
            let empty = VerifyError::Empty(directory.display().to_string());
            return Err(AdminError::Impossible(empty.to_string()));
        }
        Ok(found.into_iter().map(|file| file.path).collect())
    }
}

fn answer(verified: &Verified) -> Answer {
    let Verified { files, first, last, torn } = verified;
    let count = if *files == 1 { "1 file".to_owned() } else { format!("{files} files") };
    let mut text = format!("{count}, lines {first} to {}: every line goes on from the one before\n", last.seq);
    if *first > 1 {
        text.push_str(&format!("lines 1 to {} are not there: their files are gone (`keep` in [server.audit])\n", first - 1));
    }
    if let Some((path, bytes)) = torn {
        let path = path.display();
        text.push_str(&format!("{path} ends with {bytes} bytes of no whole line: it is being written, or a crash tore it\n"));
    }
    text.push_str(&format!("{}:{}\n", last.seq, last.hash));
    let torn = torn.as_ref().map(|(path, bytes)| json!({ "file": path, "bytes": bytes }));
    let json = json!({ "ok": true, "files": files, "first": first, "last": last.seq, "hash": last.hash, "torn": torn });
    Answer { text, json }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_log_is_told_with_its_end() {
        let end = |seq| audit::verify::ChainEnd { seq, hash: "ab".repeat(32) };
        let whole = Verified { files: 2, first: 1, last: end(9), torn: None };
        let hash = "ab".repeat(32);
        assert_eq!(answer(&whole).text, format!("2 files, lines 1 to 9: every line goes on from the one before\n9:{hash}\n"));
        let part = Verified { files: 1, first: 5, last: end(9), torn: Some(("a.jsonl".into(), 7)) };
        let Answer { text, json } = answer(&part);
        assert!(text.contains("lines 1 to 4 are not there") && text.contains("a.jsonl ends with 7 bytes"), "{text}");
        assert_eq!((json["first"].as_u64(), json["torn"]["bytes"].as_u64()), (Some(5), Some(7)));
    }
}
