//! `bulkhead principal`: service principals, the accounts of programs.

use std::process::ExitCode;

use bulkhead_core::ports::accounts::{AccountName, ScopeMapName};
use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::EXIT_CODES;
use super::admin::{AccountPath, CONNECTING, Expiry, ROLES, SlotArgs, StatusArgs, Target, parse_name, put_text};

const EXAMPLES: &str = "\
Examples:
  bulkhead principal create --display-name 'build server' --role AcrPush
      prints its id, which is the user's name, and its password, which ends after a year
  bulkhead principal list
  bulkhead principal update --id ID --role AcrPull --role AcrDelete
      these roles, in the place of those that it had
  bulkhead principal reset --id ID --slot 2 --expires-in-days 90
      makes a second password; the first one goes on letting it in
  bulkhead principal delete --id ID

Roles, for the whole registry: AcrPull (pull), AcrPush (pull and push), AcrDelete
(delete), Reader (pull and list), Contributor (all but administer), Owner (everything).
For single repositories a principal may have a scope map beside them.
";

const KIND: AccountPath = AccountPath { path: "principals", what: "service principal", command: "principal", named: "--id" };

/// Look after service principals: accounts for programs, with roles, and up to two passwords that end.
#[derive(Subcommand)]
#[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
pub enum Principal {
    /// Make one, and print its id and its password.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Create(Create),
    /// List all of them.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    List(List),
    /// Show one.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Show(One),
    /// Change one: its roles, its scope map, its display name, or whether it can log in.
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

#[derive(Args)]
pub struct Create {
    /// What people call it.
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,

    /// A role; may be said several times. None is needed where there is a --scope-map.
    #[arg(long = "role", value_name = "ROLE", value_parser = ROLES, required_unless_present = "scope_map")]
    roles: Vec<String>,

    /// The scope map that gives it rights on single repositories, beside its roles or in their place. `bulkhead scope-map list` shows which
    /// there are.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    scope_map: Option<ScopeMapName>,

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

/// Which one.
#[derive(Args)]
struct Id {
    /// The principal's id.
    #[arg(long, alias = "name", value_name = "ID", value_parser = parse_name)]
    id: AccountName,
}

#[derive(Args)]
pub struct One {
    #[command(flatten)]
    id: Id,

    #[command(flatten)]
    target: Target,
}

#[derive(Args)]
pub struct Update {
    #[command(flatten)]
    id: Id,

    /// What people call it.
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,

    /// A role, in the place of those that it had; may be said several times.
    #[arg(long = "role", value_name = "ROLE", value_parser = ROLES)]
    roles: Vec<String>,

    /// Take all roles away.
    #[arg(long, conflicts_with = "roles")]
    no_roles: bool,

    /// The scope map that gives it rights on single repositories.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    scope_map: Option<ScopeMapName>,

    /// Take its scope map away.
    #[arg(long, conflicts_with = "scope_map")]
    no_scope_map: bool,

    #[command(flatten)]
    status: StatusArgs,

    #[command(flatten)]
    target: Target,
}

#[derive(Args)]
pub struct Reset {
    #[command(flatten)]
    id: Id,

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
    id: Id,

    #[command(flatten)]
    slot: SlotArgs,

    #[command(flatten)]
    target: Target,
}

impl Create {
    fn body(&self) -> Value {
        let mut body = Map::new();
        put_text(&mut body, "display-name", self.display_name.as_deref());
        body.insert("roles".to_owned(), self.roles.clone().into());
        put_text(&mut body, "scope-map", self.scope_map.as_ref().map(AccountName::as_str));
        self.expiry.put(&mut body);
        Value::Object(body)
    }
}

impl Update {
    fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        put_text(&mut body, "display-name", self.display_name.as_deref());
        if self.no_roles || !self.roles.is_empty() {
            body.insert("roles".to_owned(), self.roles.clone().into());
        }
        put_text(&mut body, "scope-map", self.scope_map.as_ref().map(AccountName::as_str));
        if self.no_scope_map {
            body.insert("scope-map".to_owned(), Value::Null);
        }
        self.status.put(&mut body);
        body
    }
}

impl Principal {
    /// Does what it says.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Create(create) => KIND.create(create.body(), create.target),
            Self::List(List { target }) => KIND.list(target),
            Self::Show(One { id, target }) => KIND.show(id.id, target),
            Self::Update(update) => KIND.update(update.id.id.clone(), update.body(), update.target),
            Self::Reset(Reset { id, slot, expiry, target }) => KIND.reset(id.id, slot, expiry, target),
            Self::Withdraw(Withdraw { id, slot, target }) => KIND.withdraw(id.id, slot, target),
            Self::Delete(One { id, target }) => KIND.delete(id.id, target),
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
        command: Principal,
    }

    fn parse(line: &str) -> Result<Principal, clap::Error> {
        Line::try_parse_from(std::iter::once("principal").chain(line.split(' '))).map(|line| line.command)
    }

    #[test]
    fn a_new_principal_has_what_was_said() {
        let Ok(Principal::Create(create)) =
            parse("create --display-name ci --role AcrPush --role AcrDelete --scope-map apps --expires-in-days 30")
        else {
            panic!("this is right")
        };
        let body = json!({ "display-name": "ci", "roles": ["AcrPush", "AcrDelete"], "scope-map": "apps", "expires-in-days": 30 });
        assert_eq!(create.body(), body);
    }

    #[test]
    fn a_principal_without_a_right_is_none() {
        assert!(parse("create --display-name ci").is_err());
        assert!(parse("create --scope-map apps").is_ok());
        let error = parse("create --role AcrPul").map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("AcrPull"), "{error}");
    }

    #[test]
    fn a_change_says_only_what_changes() {
        let body = |line: &str| match parse(line) {
            Ok(Principal::Update(update)) => Value::Object(update.body()),
            Ok(_) => panic!("{line} is an update"),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(body("update --id a --disable"), json!({ "status": "disabled" }));
        assert_eq!(body("update --id a --enable --role Reader"), json!({ "status": "enabled", "roles": ["Reader"] }));
        assert_eq!(body("update --id a --no-roles --no-scope-map"), json!({ "roles": [], "scope-map": null }));
        assert_eq!(body("update --id a"), json!({}));
        for wrong in ["update", "update --id a --enable --disable", "update --id a --no-roles --role Owner", "update --id a/b"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
