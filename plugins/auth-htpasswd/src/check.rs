//! The plugin itself: keeps what the file said, reads it again when it changed, and checks a password.

use std::collections::BTreeMap;

use bulkhead_plugin_sdk::prelude::*;

use crate::hash::Hash;
use crate::users::Users;

const MOST: u32 = 1024 * 1024;
/// A file may change twice within one tick of its clock. So what changed this short a while ago is read again at each login.
const SETTLED_MILLIS: u64 = 2_000;
const WRONG: &str = "wrong user name or password";

/// Users of one htpasswd file.
pub struct Htpasswd {
    settings: Settings,
    users: Users,
    read: Version,
}

/// The plugin's `config` table.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    #[serde(default = "default_file")]
    file: String,
    #[serde(default = "default_reuse")]
    reuse_seconds: u32,
    #[serde(default)]
    groups: BTreeMap<String, Vec<String>>,
}

fn default_file() -> String {
    "/users".to_owned()
}

fn default_reuse() -> u32 {
    60
}

/// What tells one state of the file from the next.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version {
    modified: u64,
    size: u64,
    settled: bool,
}

impl Plugin for Htpasswd {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        let load = || -> Result<(Version, Users)> { Ok((version(&settings.file)?, read(&settings.file)?)) };
        let (read, users) = load().map_err(|error| error.context(format_args!("file: cannot read `{}`", settings.file)))?;
        Ok(Self { settings, users, read })
    }
}

impl Authenticator for Htpasswd {
    fn authenticate(&mut self, _: &RequestContext, credential: &Credential) -> Result<Authentication> {
        let Credential::Basic(Basic { user, secret }) = credential else { return Ok(Authentication::Abstained) };
        self.refresh()?;
        let Some(hash) = self.users.find(user) else {
            self.users.spend(secret);
            return Ok(Authentication::Abstained);
        };
        let known = match hash {
            Hash::Unsupported(scheme) => {
                self.users.spend(secret);
                log::warn!("{user} cannot log in: {scheme} hashes are not accepted; set the password anew with `htpasswd -B`");
                false
            }
            hash => hash.verify(secret)?,
        };
        if !known {
            return Ok(Authentication::reject(WRONG));
        }
        let accepted = Authentication::accept_for(self.identity(user), self.settings.reuse_seconds);
        Ok(match hash.proof() {
            Some(proof) => accepted.with_proof(proof),
            None => accepted,
        })
    }

    /// Another password is another line: what was given for the old one is worthless then.
    fn lookup(&mut self, _: &RequestContext, subject: &str, proof: Option<&str>) -> Result<Standing> {
        self.refresh()?;
        let Some(current) = self.users.find(subject).and_then(Hash::proof) else { return Ok(Standing::Gone) };
        if proof.is_some_and(|proof| proof != current) {
            return Ok(Standing::Gone);
        }
        Ok(Standing::Known(self.identity(subject)))
    }
}

impl Htpasswd {
    fn identity(&self, user: &str) -> Identity {
        let is_member = |members: &[String]| members.iter().any(|member| member == user);
        let groups = self.settings.groups.iter().filter(|(_, members)| is_member(members)).map(|(group, _)| group);
        Identity::new(user).with_groups(groups)
    }

    /// Any trouble with the file is an error, thus a refusal: what it said earlier may be what its owner took back.
    fn refresh(&mut self) -> Result<()> {
        let gone = |error| match error {
            Error::NotFound => Error::unavailable(format!("`{}` is gone", self.settings.file)),
            other => other,
        };
        let now = version(&self.settings.file).map_err(gone)?;
        if now != self.read || !now.settled {
            self.users = read(&self.settings.file).map_err(gone)?;
            self.read = now;
        }
        Ok(())
    }
}

/// Taken before the file is read: if it changes in between, the next login sees another version and reads again.
fn version(file: &str) -> Result<Version> {
    let entry = files::stat(file)?.ok_or(Error::NotFound)?;
    let settled = clock::now().saturating_sub(entry.modified) >= SETTLED_MILLIS;
    Ok(Version { modified: entry.modified, size: entry.size, settled })
}

fn read(file: &str) -> Result<Users> {
    let text = String::from_utf8(files::read(file, MOST)?).or_invalid("not UTF-8 text")?;
    Ok(Users::parse(&text))
}
