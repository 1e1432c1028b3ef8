//! Accounts as the administration's interface shows them, and how people see them.

use std::process::ExitCode;

use bulkhead_core::ports::accounts::AccountName;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{AdminError, Answer, Client, Detail, Expiry, Holder, Registry, SlotArgs, Table, Target, deleted};

/// An account, or the administrator.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Account {
    /// Its name.
    pub name: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    display_name: String,
    status: String,
    #[serde(default)]
    roles: Vec<String>,
    scope_map: Option<String>,
    created: Option<String>,
    /// What is known of its passwords.
    #[serde(default)]
    pub secrets: Vec<Secret>,
    /// Where the answer is the only one that has it.
    secret: Option<String>,
}

/// A password, without itself.
#[derive(Deserialize)]
pub struct Secret {
    slot: u8,
    created: String,
    expires: Option<String>,
}

/// A secret that was made just now.
#[derive(Deserialize)]
pub struct NewSecret {
    name: String,
    slot: u8,
    secret: String,
    expires: Option<String>,
}

impl Account {
    /// Reads it.
    ///
    /// # Errors
    /// [`AdminError::Strange`].
    pub fn read(client: &Client, value: &Value) -> Result<Self, AdminError> {
        Self::deserialize(value).map_err(|error| client.strange(&error.to_string()))
    }

    /// All that is known of it, and its secret where the answer has one.
    pub fn text(&self) -> String {
        let mut detail = Detail::default()
            .line("name", &self.name)
            .line("also", self.aliases.join(", "))
            .line("display name", &self.display_name)
            .line("status", &self.status)
            .line("roles", self.roles.join(", "))
            .line("scope map", self.scope_map.as_deref().unwrap_or_default())
            .line("created", self.created.as_deref().unwrap_or_default());
        for secret in &self.secrets {
            detail = detail.line("passwords", secret.text());
        }
        if self.secrets.is_empty() {
            detail = detail.line("passwords", "none: nobody can log in");
        }
        let mut text = detail.text();
        if let Some(secret) = &self.secret {
            text.push_str(&shown(&self.name, secret));
        }
        text
    }

    /// Whether nobody can log in with it, whatever passwords there are.
    pub fn is_disabled(&self) -> bool {
        self.status == "disabled"
    }

    /// Which passwords it has, for a sentence.
    pub fn slots(&self) -> String {
        let slots: Vec<_> = self.secrets.iter().map(|secret| secret.slot.to_string()).collect();
        if slots.is_empty() { "none".to_owned() } else { format!("password {}", slots.join(" and ")) }
    }

    fn row(&self) -> Vec<String> {
        let secrets: Vec<_> = self.secrets.iter().map(Secret::short).collect();
        vec![
            self.name.clone(),
            self.display_name.clone(),
            self.status.clone(),
            self.roles.join(", "),
            self.scope_map.clone().unwrap_or_default(),
            secrets.join("; "),
        ]
    }
}

impl Secret {
    fn text(&self) -> String {
        let Self { slot, created, expires } = self;
        let end = expires.as_ref().map_or_else(|| "no end".to_owned(), |expires| format!("until {expires}"));
        format!("{slot}: made {created}, {end}")
    }

    fn short(&self) -> String {
        // The day is enough for a table.
        let day = |time: &String| time.get(..10).unwrap_or(time).to_owned();
        let end = self.expires.as_ref().map(|expires| format!(" until {}", day(expires))).unwrap_or_default();
        format!("{}{end}", self.slot)
    }
}

impl NewSecret {
    /// Reads it.
    ///
    /// # Errors
    /// [`AdminError::Strange`].
    pub fn read(client: &Client, value: &Value) -> Result<Self, AdminError> {
        Self::deserialize(value).map_err(|error| client.strange(&error.to_string()))
    }

    /// What it is, this once. `before` is the account as it was until then.
    pub fn text(&self, before: &Account) -> String {
        let Self { name, slot, secret, expires } = self;
        let end = expires.as_ref().map_or_else(|| "without an end".to_owned(), |expires| format!("until {expires}"));
        let replaced = match before.secrets.iter().any(|secret| secret.slot == *slot) {
            true => "the one that was there before lets nobody in any more",
            false => "there was none there before",
        };
        format!("password {slot} of {name}, {end}; {replaced}\n{}", shown(name, secret))
    }
}

/// A secret, with what to do with it.
fn shown(name: &str, secret: &str) -> String {
    format!(
        "\nThe password, shown this once; only a salted hash of it is kept:\n\n  {secret}\n\nLog in with: docker login -u {name} -p PASSWORD HOST\n"
    )
}

/// Accounts for people.
///
/// # Errors
/// [`AdminError::Strange`].
pub fn table(client: &Client, accounts: &[Value], nothing: &str) -> Result<String, AdminError> {
    let mut table = Table::new(&["NAME", "DISPLAY NAME", "STATUS", "ROLES", "SCOPE MAP", "PASSWORDS"]);
    for account in accounts {
        table.row(Account::read(client, account)?.row());
    }
    Ok(table.text(nothing))
}

/// Accounts of one kind: what all of them have in common.
pub struct AccountPath {
    /// Their part of the path.
    pub path: &'static str,
    /// What one of them is called.
    pub what: &'static str,
    /// The command that looks after them.
    pub command: &'static str,
    /// The command's argument that names one of them.
    pub named: &'static str,
}

impl AccountPath {
    fn holder(&self, registry: &Registry, name: &AccountName) -> Holder {
        let Self { path, what, command, named } = self;
        let say = |verb: &str| format!("bulkhead {command} {verb} {named} {name}{}", registry.argument());
        Holder {
            path: registry.path(&format!("{path}/{name}")),
            missing: format!(
                "there is no {what} {name} in the registry {registry}: `bulkhead {command} list{}` shows which there are",
                registry.argument()
            ),
            enable: format!("{} --enable", say("update")),
            renew: say("reset"),
        }
    }

    /// Makes one, and shows it with its password.
    pub fn create(&self, body: Value, target: Target) -> ExitCode {
        target.run(async |client, registry| {
            let json = client.call(Method::POST, &registry.path(self.path), Some(&body)).await?;
            Ok(Answer { text: Account::read(client, &json)?.text(), json })
        })
    }

    /// Lists all of them.
    pub fn list(&self, target: Target) -> ExitCode {
        target.run(async |client, registry| {
            let accounts = client.list(&registry.path(self.path)).await?;
            let text = table(client, &accounts, &format!("there is no {}", self.what))?;
            Ok(Answer { text, json: accounts.into() })
        })
    }

    /// Shows one.
    pub fn show(&self, name: AccountName, target: Target) -> ExitCode {
        target.run(async |client, registry| {
            let holder = self.holder(registry, &name);
            holder.shown(client, holder.call(client, Method::GET, None).await?)
        })
    }

    /// Changes one, and shows it.
    pub fn update(&self, name: AccountName, body: Map<String, Value>, target: Target) -> ExitCode {
        target.run(async |client, registry| {
            if body.is_empty() {
                return Err(AdminError::Usage("nothing was said that should change; see --help".to_owned()));
            }
            let holder = self.holder(registry, &name);
            holder.shown(client, holder.call(client, Method::PATCH, Some(&Value::Object(body))).await?)
        })
    }

    /// Makes a new password, and shows it.
    pub fn reset(&self, name: AccountName, slot: SlotArgs, expiry: Expiry, target: Target) -> ExitCode {
        target.run(async |client, registry| self.holder(registry, &name).renew(client, &slot, &expiry).await)
    }

    /// Takes a password away.
    pub fn withdraw(&self, name: AccountName, slot: SlotArgs, target: Target) -> ExitCode {
        target.run(async |client, registry| self.holder(registry, &name).withdraw(client, &slot).await)
    }

    /// Deletes one.
    pub fn delete(&self, name: AccountName, target: Target) -> ExitCode {
        target.run(async |client, registry| {
            self.holder(registry, &name).call(client, Method::DELETE, None).await?;
            Ok(deleted(self.what, name.as_str()))
        })
    }
}
