//! The file: one `user:hash` a line, with comments (`#`) and blank lines.

use std::collections::HashMap;

use bulkhead_plugin_sdk::log;

use crate::hash::Hash;

/// What the file said.
pub struct Users {
    hashes: HashMap<String, Hash>,
    /// The hash that takes longest to check: what an unknown user's password is checked against. So nobody is told apart by a quick answer, as
    /// long as answers to wrong passwords are held back for at least as long as this takes.
    yardstick: Option<Hash>,
}

impl Users {
    /// Reads the file's text. A line that makes no sense is logged and passed over; of two lines for one user the first counts, as it does
    /// for Apache.
    pub fn parse(text: &str) -> Self {
        let mut users = Self { hashes: HashMap::new(), yardstick: None };
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once(':') {
                Some((user, hash)) if !user.is_empty() => users.add(number, user, hash),
                _ => log::warn!("line {number} is not of the form `user:hash` and is passed over"),
            }
        }
        users
    }

    fn add(&mut self, number: u32, user: &str, hash: &str) {
        if self.hashes.contains_key(user) {
            log::warn!("line {number}: {user} is there already; this line is passed over");
            return;
        }
        let hash = Hash::parse(hash.trim());
        match &hash {
            Hash::Unsupported(scheme) => {
                log::warn!(
                    "line {number}: {user} cannot log in: {scheme} hashes are not accepted; set the password anew with `htpasswd -B`"
                );
            }
            usable if self.yardstick.as_ref().is_none_or(|slowest| slowest.cost() < usable.cost()) => {
                self.yardstick = Some(usable.clone());
            }
            _ => {}
        }
        self.hashes.insert(user.to_owned(), hash);
    }

    /// The hash of a user.
    pub fn find(&self, user: &str) -> Option<&Hash> {
        self.hashes.get(user)
    }

    /// See [`spend`](Self::spend).
    #[cfg(test)]
    pub fn yardstick(&self) -> Option<&Hash> {
        self.yardstick.as_ref()
    }

    /// Does the work of a check for somebody who has no hash to check: the most that anybody's takes, and so exactly as much where all are of one
    /// scheme and cost.
    pub fn spend(&self, password: &str) {
        if let Some(hash) = &self.yardstick {
            let _ = std::hint::black_box(hash.verify(std::hint::black_box(password)));
        }
    }
}
