//! `bulkhead credential`: a registry's administrator and its two passwords.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::json;

use super::EXIT_CODES;
use super::admin::{CONNECTING, Expiry, Holder, Registry, SlotArgs, Target};

const EXAMPLES: &str = "\
Examples:
  bulkhead credential show
  bulkhead credential enable --registry contoso
      prints the first password of a registry that never had an administrator
  bulkhead credential renew --slot 2
      makes a new second password; the first one goes on letting people in
  bulkhead credential renew --server https://registry.example.com --user admin
";

/// Look after a registry's administrator: the user `admin`, with two passwords of which each is renewed alone.
#[derive(Subcommand)]
#[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
pub enum Credential {
    /// Show whether the administrator can log in, and which passwords there are.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Show(Show),
    /// Let the administrator log in. The first time, this makes the account, and prints its first password.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Enable(Show),
    /// Let the administrator log in no more. Both passwords are kept.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Disable(Show),
    /// Make a new password in the place of one of the two, and print it.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Renew(Renew),
    /// Take one of the two passwords away.
    #[command(after_help = format!("{EXAMPLES}\n{CONNECTING}\n{EXIT_CODES}"))]
    Withdraw(Withdraw),
}

#[derive(Args)]
pub struct Show {
    #[command(flatten)]
    target: Target,
}

#[derive(Args)]
pub struct Renew {
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
    slot: SlotArgs,

    #[command(flatten)]
    target: Target,
}

impl Credential {
    /// Does what it says.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Show(Show { target }) => target.run(async |client, registry| {
                let admin = admin(registry);
                admin.shown(client, admin.call(client, Method::GET, None).await?)
            }),
            Self::Enable(Show { target }) => set_status(target, "enabled"),
            Self::Disable(Show { target }) => set_status(target, "disabled"),
            Self::Renew(Renew { slot, expiry, target }) => {
                target.run(async |client, registry| admin(registry).renew(client, &slot, &expiry).await)
            }
            Self::Withdraw(Withdraw { slot, target }) => {
                target.run(async |client, registry| admin(registry).withdraw(client, &slot).await)
            }
        }
    }
}

fn admin(registry: &Registry) -> Holder {
    let say = |verb: &str| format!("bulkhead credential {verb}{}", registry.argument());
    Holder {
        path: registry.path("admin"),
        missing: format!("the registry {registry} has no administrator yet: `{}` makes it", say("enable")),
        enable: say("enable"),
        renew: say("renew"),
    }
}

fn set_status(target: Target, status: &str) -> ExitCode {
    target.run(async |client, registry| {
        let admin = admin(registry);
        admin.shown(client, admin.call(client, Method::PATCH, Some(&json!({ "status": status }))).await?)
    })
}
