//! One behaviour a file.

use bulkhead_plugin_sdk::prelude::*;

mod chatter;
mod configure_loop;
mod configure_panic;
mod endless_loop;
mod error;
mod fetch_metadata;
mod fetch_ungranted;
mod honest;
mod huge_reply;
mod log_flood;
mod memory;
mod panic;
mod read_escape;
mod recursion;
mod trap_on_one_user;
mod wrong_count;

/// What a hostile login does. By default nothing but to let everybody in.
pub trait Behaviour {
    /// While the plugin is made.
    fn configure(&self) {}

    /// During a call. Whether it worked: then the caller is let in.
    fn attack(&self, user: Option<&str>) -> Result<bool>;

    /// Who the caller becomes.
    fn identity(&self, user: &str) -> Identity {
        Identity::new(user)
    }

    /// What is said about so many accesses.
    fn verdicts(&self, count: usize) -> Vec<Verdict> {
        vec![Verdict::Allow; count]
    }
}

/// The behaviour of that name.
pub fn find(name: &str, url: Option<String>) -> Result<Box<dyn Behaviour>> {
    Ok(match name {
        "honest" => Box::new(honest::Honest),
        "loop" => Box::new(endless_loop::Loop),
        "recursion" => Box::new(recursion::Recursion),
        "memory" => Box::new(memory::Memory),
        "panic" => Box::new(panic::Panic),
        "huge-reply" => Box::new(huge_reply::HugeReply),
        "log-flood" => Box::new(log_flood::LogFlood),
        "chatter" => Box::new(chatter::Chatter),
        "error" => Box::new(error::Fails),
        "wrong-count" => Box::new(wrong_count::WrongCount),
        "trap-on-one-user" => Box::new(trap_on_one_user::TrapOnOneUser),
        "fetch-ungranted" => Box::new(fetch_ungranted::FetchUngranted { url }),
        "fetch-metadata" => {
            let url = url.or_invalid("url: `fetch-metadata` needs a granted one that redirects")?;
            Box::new(fetch_metadata::FetchMetadata { url })
        }
        "read-escape" => Box::new(read_escape::ReadEscape),
        "configure-loop" => Box::new(configure_loop::ConfigureLoop),
        "configure-panic" => Box::new(configure_panic::ConfigurePanic),
        other => return Err(Error::invalid(format!("behaviour: there is no `{other}`"))),
    })
}
