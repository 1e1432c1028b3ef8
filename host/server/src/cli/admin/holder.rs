//! An account with passwords: the administrator, a service principal or a token. What is done to its passwords is the same for all of them;
//! what differs are the words of the commands that an operator is told to use.

use reqwest::Method;
use serde_json::Value;

use super::{Account, AdminError, Answer, Client, Expiry, NewSecret, SlotArgs, withdrawn};

/// Where an account lies, and which commands look after it.
pub struct Holder {
    /// Its path in the administration's interface.
    pub path: String,
    /// What to say where it is not there.
    pub missing: String,
    /// The command that lets it log in.
    pub enable: String,
    /// The command that makes a password for it.
    pub renew: String,
}

impl Holder {
    /// Asks for something at its path.
    ///
    /// # Errors
    /// [`AdminError`], in the command's own words where the account is not there.
    pub async fn call(&self, client: &Client, method: Method, body: Option<&Value>) -> Result<Value, AdminError> {
        client.call(method, &self.path, body).await.map_err(|error| error.in_words(&self.missing))
    }

    /// Shows it, as the server answered.
    ///
    /// # Errors
    /// [`AdminError::Strange`].
    pub fn shown(&self, client: &Client, json: Value) -> Result<Answer, AdminError> {
        let account = Account::read(client, &json)?;
        let mut text = account.text();
        if account.secrets.is_empty() {
            text.push_str(&format!("\nMake a password with: {}\n", self.renew));
        }
        Ok(Answer { text, json })
    }

    /// Makes a new password, and shows it.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn renew(&self, client: &Client, slot: &SlotArgs, expiry: &Expiry) -> Result<Answer, AdminError> {
        let before = self.read(client).await?;
        let path = format!("{}/secrets/{}", self.path, slot.number());
        let json = client.call(Method::POST, &path, Some(&expiry.json())).await.map_err(|error| error.in_words(&self.missing))?;
        let mut text = NewSecret::read(client, &json)?.text(&before);
        if before.is_disabled() {
            text.push_str(&format!(
                "\n{} is disabled, so no password lets it in. Enable it with: {}\n",
                before.name, self.enable
            ));
        }
        Ok(Answer { text, json })
    }

    /// Takes a password away.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn withdraw(&self, client: &Client, slot: &SlotArgs) -> Result<Answer, AdminError> {
        let before = self.read(client).await?;
        let none = format!("{} has no password {}: it has {}", before.name, slot.number(), before.slots());
        let path = format!("{}/secrets/{}", self.path, slot.number());
        client.call(Method::DELETE, &path, None).await.map_err(|error| error.in_words(&none))?;
        Ok(withdrawn(&before.name, slot))
    }

    async fn read(&self, client: &Client) -> Result<Account, AdminError> {
        Account::read(client, &self.call(client, Method::GET, None).await?)
    }
}
