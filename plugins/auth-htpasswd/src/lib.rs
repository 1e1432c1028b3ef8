//! Bundled authenticator: the users of an htpasswd file, with bcrypt hashes as `htpasswd -B` makes them, or argon2 hashes in PHC form.
//!
//! Settings: `file`, the granted file's path (`/users` unless said otherwise); `reuse-seconds`, how long the host may reuse an acceptance
//! (60); `groups`, from a group's name to its users.
//!
//! A user of the file is accepted or rejected; anybody else is left to the next plugin of the chain, after as much work as the slowest check of
//! the file costs, so that the time of an answer does not tell who exists. A change of the file counts at the next login, save for what the host still reuses.
//! A refresh token lives as long as the user's line: without the line, or with another password in it, it is worthless.

mod check;
mod hash;
mod users;

#[cfg(test)]
mod tests;

use bulkhead_plugin_sdk::export;

use check::Htpasswd;

export!(Htpasswd: Authenticator);
