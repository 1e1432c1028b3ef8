//! `bulkhead token`: accounts for single repositories.

use std::process::ExitCode;

use bulkhead_core::ports::accounts::{AccountName, ScopeMapName};
use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::EXIT_CODES;
use super::admin::{AccountPath, CONNECTING, Expiry, SlotArgs, StatusArgs, Target, parse_name, put_text};

const EXAMPLES: &str = "\
Examples:
  bulkhead scope-map create --name apps --repository 'apps/*' content/read
  bulkhead token create --name cluster --scope-map apps
      prints its password; its name is the user's name
  bulkhead token update --name cluster --disable
  bulkhead token reset --name cluster --slot 2 --expires-in-days 90
      makes a second password; the first one goes on letting it in
  bulkhead token delete --name cluster
";

const KIND: AccountPath = AccountPath { path: "tokens", what: "token", command: "token", named: "--name" };

/// Look after tokens: accounts that may do in single repositories what their scope map says.
#[derive(Subcommand)]
#[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
pub enum Token {
    /// Make one, and print its password.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Create(Create),
    /// List all of them.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    List(List),
    /// Show one.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Show(One),
    /// Change one: its scope map, its display name, or whether it can log in.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Update(Update),
    /// Make a new password in the place of one of the two, and print it.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Reset(Reset),
    /// Take one of the two passwords away.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Withdraw(Withdraw),
    /// Delete one.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Delete(One),
}

/// Which one.
#[derive(Args)]
struct Name {
    /// The token's name, which is the user's name.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    name: AccountName,
}

#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    name: Name,

    /// The scope map that says what it may do.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    scope_map: ScopeMapName,

    /// What people call it.
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,

    #[command(flatten)]
    expiry: Expiry,

    #[command(flatten)]
    target: Target,
}

#[derive(Args)]
pub struct List {
    #[command(flatten)]
    target: Target,
}

#[derive(Args)]
pub struct One {
    #[command(flatten)]
    name: Name,

    #[command(flatten)]
    target: Target,
}

#[derive(Args)]
pub struct Update {
    #[command(flatten)]
    name: Name,

    /// The scope map that says what it may do.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    scope_map: Option<ScopeMapName>,

    /// What people call it.
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,

    #[command(flatten)]
    status: StatusArgs,

    #[command(flatten)]
    target: Target,
}

#[derive(Args)]
pub struct Reset {
    #[command(flatten)]
    name: Name,

    #[command(flatten)]
    slot: SlotArgs,

    #[command(flatten)]
    expiry: Expiry,

    #[command(flatten)]
    target: Target,
}

#[derive(Args)]
pub struct Withdraw {
    #[command(flatten)]
    name: Name,

    #[command(flatten)]
    slot: SlotArgs,

    #[command(flatten)]
    target: Target,
}

impl Create {
    fn body(&self) -> Value {
        let mut body = Map::new();
        put_text(&mut body, "name", Some(self.name.name.as_str()));
        put_text(&mut body, "scope-map", Some(self.scope_map.as_str()));
        put_text(&mut body, "display-name", self.display_name.as_deref());
        self.expiry.put(&mut body);
        Value::Object(body)
    }
}

impl Update {
    fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        put_text(&mut body, "scope-map", self.scope_map.as_ref().map(AccountName::as_str));
        put_text(&mut body, "display-name", self.display_name.as_deref());
        self.status.put(&mut body);
        body
    }
}

impl Token {
    /// Does what it says.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Create(create) => KIND.create(create.body(), create.target),
            Self::List(List { target }) => KIND.list(target),
            Self::Show(One { name, target }) => KIND.show(name.name, target),
            Self::Update(update) => KIND.update(update.name.name.clone(), update.body(), update.target),
            Self::Reset(Reset { name, slot, expiry, target }) => KIND.reset(name.name, slot, expiry, target),
            Self::Withdraw(Withdraw { name, slot, target }) => KIND.withdraw(name.name, slot, target),
            Self::Delete(One { name, target }) => KIND.delete(name.name, target),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Token,
    }

    fn parse(line: &str) -> Result<Token, clap::Error> {
        Line::try_parse_from(std::iter::once("token").chain(line.split(' '))).map(|line| line.command)
    }

    #[test]
    fn a_new_token_has_what_was_said() {
        let Ok(Token::Create(create)) = parse("create --name ci --scope-map apps --expires-in-days 7") else {
            panic!("this is right")
        };
        assert_eq!(create.body(), json!({ "name": "ci", "scope-map": "apps", "expires-in-days": 7 }));
        for wrong in [
            "create --name ci",
            "create --scope-map apps",
            "create --name .x --scope-map apps",
            "create --name a --scope-map b --expires-in-days 0",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_change_says_only_what_changes() {
        let Ok(Token::Update(update)) = parse("update --name ci --enable --scope-map more") else { panic!("this is right") };
        assert_eq!(Value::Object(update.body()), json!({ "scope-map": "more", "status": "enabled" }));
    }

    #[test]
    fn an_account_has_two_passwords() {
        assert!(parse("reset --name ci --slot 2").is_ok() && parse("withdraw --name ci --slot 1").is_ok());
        assert!(parse("reset --name ci --slot 3").is_err() && parse("reset --name ci --slot 0").is_err());
    }
}
