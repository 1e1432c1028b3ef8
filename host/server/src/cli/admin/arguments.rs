//! Arguments that several commands have.

use bulkhead_core::ports::accounts::AccountName;
use clap::Args;
use serde_json::{Map, Value, json};

use super::Answer;

/// The roles, as they are written.
pub const ROLES: [&str; 6] = ["AcrPull", "AcrPush", "AcrDelete", "Reader", "Contributor", "Owner"];

/// Which of an account's two passwords.
#[derive(Args)]
pub struct SlotArgs {
    /// Which of the two passwords.
    #[arg(long, value_name = "1|2", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    slot: u8,
}

impl SlotArgs {
    /// Its number.
    pub fn number(&self) -> u8 {
        self.slot
    }
}

/// When a new password ends.
#[derive(Args)]
pub struct Expiry {
    /// After how many days the new password ends. Without it: a service principal's after a year, any other never.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3650))]
    expires_in_days: Option<u32>,
}

impl Expiry {
    /// The body of a request that says nothing else.
    pub fn json(&self) -> Value {
        let mut body = Map::new();
        self.put(&mut body);
        Value::Object(body)
    }

    /// Adds it to a body.
    pub fn put(&self, body: &mut Map<String, Value>) {
        if let Some(days) = self.expires_in_days {
            body.insert("expires-in-days".to_owned(), days.into());
        }
    }
}

/// Whether an account can be used.
#[derive(Args)]
#[group(multiple = false)]
pub struct StatusArgs {
    /// Let it log in.
    #[arg(long)]
    enable: bool,

    /// Let it log in no more, and keep its passwords.
    #[arg(long)]
    disable: bool,
}

impl StatusArgs {
    /// Adds it to a body.
    pub fn put(&self, body: &mut Map<String, Value>) {
        let status = match (self.enable, self.disable) {
            (true, _) => "enabled",
            (_, true) => "disabled",
            (false, false) => return,
        };
        body.insert("status".to_owned(), status.into());
    }
}

/// Adds what is there to a body.
pub fn put_text(body: &mut Map<String, Value>, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        body.insert(key.to_owned(), value.into());
    }
}

/// The name of an account or scope map.
///
/// # Errors
/// What such a name looks like.
pub fn parse_name(text: &str) -> Result<AccountName, String> {
    text.parse().map_err(|error: bulkhead_core::ports::accounts::AccountNameError| error.to_string())
}

/// A password is gone.
pub fn withdrawn(name: &str, slot: &SlotArgs) -> Answer {
    let slot = slot.number();
    Answer { text: format!("password {slot} of {name} lets nobody in any more\n"), json: json!({ "name": name, "slot": slot }) }
}

/// Something is gone.
pub fn deleted(what: &str, name: &str) -> Answer {
    Answer { text: format!("{what} {name} is deleted\n"), json: json!({ "name": name }) }
}
