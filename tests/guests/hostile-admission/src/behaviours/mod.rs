//! One behaviour a file.

use bulkhead_plugin_sdk::prelude::*;

mod count;
mod echo;
mod endless_loop;
mod error;
mod forged_warnings;
mod honest;
mod huge_reply;
mod huge_warnings;
mod many_warnings;
mod memory;
mod panic;
mod trap_on_one_tag;

/// What a hostile admission plugin does.
pub trait Behaviour {
    /// During a review. Where an attack worked, the change is admitted.
    fn review(&self, change: &Change) -> Result<Opinion>;

    /// With all that the host tells. By default only the change counts.
    fn told(&self, _: &RequestContext, _: Option<&Caller>, _: &str, change: &Change) -> Result<Opinion> {
        self.review(change)
    }
}

/// The behaviour of that name.
pub fn find(name: &str) -> Result<Box<dyn Behaviour>> {
    Ok(match name {
        "honest" => Box::new(honest::Honest),
        "count" => Box::new(count::Count),
        "echo" => Box::new(echo::Echo),
        "loop" => Box::new(endless_loop::Loop),
        "memory" => Box::new(memory::Memory),
        "panic" => Box::new(panic::Panic),
        "error" => Box::new(error::Fails),
        "huge-reply" => Box::new(huge_reply::HugeReply),
        "huge-warnings" => Box::new(huge_warnings::HugeWarnings),
        "many-warnings" => Box::new(many_warnings::ManyWarnings),
        "forged-warnings" => Box::new(forged_warnings::ForgedWarnings),
        "trap-on-one-tag" => Box::new(trap_on_one_tag::TrapOnOneTag),
        other => return Err(Error::invalid(format!("behaviour: there is no `{other}`"))),
    })
}
