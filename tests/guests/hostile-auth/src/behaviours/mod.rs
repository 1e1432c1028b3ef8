//! One behaviour a file.

use bulkhead_plugin_sdk::prelude::*;

mod accounts;
mod chatter;
mod configure_loop;
mod configure_panic;
mod endless_loop;
mod error;
mod fetch_metadata;
mod fetch_ungranted;
mod honest;
mod huge_proof;
mod huge_reply;
mod log_flood;
mod marked;
mod memory;
mod mirror;
mod panic;
mod read_escape;
mod recursion;
mod stranger;
mod telltale;
mod trap_on_one_user;
mod untracked;
mod wrong_count;

/// What a hostile login does. By default nothing but to let everybody in.
pub trait Behaviour {
    /// While the plugin is made.
    fn configure(&self) {}

    /// During a call. Whether it worked: then the caller is let in.
    fn attack(&self, user: Option<&str>) -> Result<bool>;

    /// Before a call, wherever the attack is.
    fn asked(&self, _function: &str, _user: &str) {}

    /// Who the caller becomes.
    fn identity(&self, user: &str) -> Identity {
        Identity::new(user)
    }

    /// What is said of a caller, with all that the host tells.
    fn authenticate(&self, _: &RequestContext, _: &Credential, user: &str) -> Result<Authentication> {
        Ok(if self.attack(Some(user))? {
            Authentication::accept(self.identity(user))
        } else {
            Authentication::reject("the attack failed")
        })
    }

    /// The mark of the credential that was accepted.
    fn proof(&self, _user: &str) -> Option<String> {
        None
    }

    /// What has become of somebody who was let in.
    fn standing(&self, user: &str, _proof: Option<&str>) -> Result<Standing> {
        Ok(if self.attack(Some(user))? { Standing::Known(self.identity(user)) } else { Standing::Gone })
    }

    /// What is said about so many accesses.
    fn verdicts(&self, count: usize) -> Vec<Verdict> {
        vec![Verdict::allow(); count]
    }

    /// The same, with all that the host tells.
    fn verdicts_on(&self, _: &RequestContext, _: Option<&Caller>, count: usize) -> Vec<Verdict> {
        self.verdicts(count)
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
        "huge-proof" => Box::new(huge_proof::HugeProof),
        "huge-reply" => Box::new(huge_reply::HugeReply),
        "log-flood" => Box::new(log_flood::LogFlood),
        "accounts" => Box::new(accounts::Accounts),
        "marked" => Box::new(marked::Marked),
        "mirror" => Box::new(mirror::Mirror),
        "stranger" => Box::new(stranger::Stranger),
        "telltale" => Box::new(telltale::Telltale),
        "untracked" => Box::new(untracked::Untracked),
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
