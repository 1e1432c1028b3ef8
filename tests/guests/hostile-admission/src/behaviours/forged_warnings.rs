//! Admits, with warnings that try to be headers of their own, or to end the header or its quoted text early.

use bulkhead_plugin_sdk::prelude::*;

pub struct ForgedWarnings;

impl super::Behaviour for ForgedWarnings {
    fn review(&self, _: &Change) -> Result<Opinion> {
        let warnings = [
            "a line\r\nSet-Cookie: forged=1\r\n\r\nforged body",
            "a quote\", 299 - \"a second one\\",
            "\0 \u{1b}[31m \u{7f} \u{85} \u{2028}",
            "\u{202e}gnirts nredom",
            "Stra\u{df}e \u{1f600}",
            "",
            "   ",
        ];
        Ok(Opinion::Admit(warnings.map(str::to_owned).to_vec()))
    }
}
