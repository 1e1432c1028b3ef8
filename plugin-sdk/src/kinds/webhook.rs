//! Turns an event into requests.

use crate::bindings::webhook::exports::bulkhead::plugin::webhook as generated;
use crate::export::{Adapter, Held, with};
use crate::{HttpRequest, HttpResponse, Plugin, Result, log};

pub use generated::{Action, Event, Judgement, Target};

/// A plugin that turns events into requests. The host delivers them, and keeps the event until it is delivered or given up.
pub trait Webhook: Plugin {
    /// Pure: the same event gives the same requests. None: this event is of no interest.
    fn format(&mut self, event: &Event) -> Result<Vec<HttpRequest>>;

    /// What the answer to one of them means. As [`judge_by_status`] has it, unless the plugin knows better.
    fn judge(&mut self, answer: &HttpResponse) -> Judgement {
        judge_by_status(answer)
    }
}

/// 2xx and 3xx are delivered; 408, 425, 429 and 5xx are tried again, after the seconds of a `Retry-After` if there are any; everything else is
/// given up.
pub fn judge_by_status(answer: &HttpResponse) -> Judgement {
    match answer.status {
        200..=399 => Judgement::Delivered,
        408 | 425 | 429 | 500..=599 => {
            Judgement::Retry(answer.header("retry-after").and_then(|seconds| seconds.trim().parse().ok()))
        }
        status => Judgement::GiveUp(format!("the receiver answered {status}, which trying again does not change")),
    }
}

impl Action {
    /// In lower case, as most receivers expect it: `push`, `pull`, `delete`, `mount`, `tag`, `untag`, `ping`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
            Self::Delete => "delete",
            Self::Mount => "mount",
            Self::Tag => "tag",
            Self::Untag => "untag",
            Self::Ping => "ping",
        }
    }
}

impl<P: Held + Webhook> generated::Guest for Adapter<P> {
    fn format(event: Event) -> Result<Vec<HttpRequest>> {
        with(|plugin: &mut P| plugin.format(&event))
    }

    fn judge(answer: HttpResponse) -> Judgement {
        with(|plugin: &mut P| Ok(plugin.judge(&answer))).unwrap_or_else(|error| {
            // The interface has no error here; the event must not be lost for it.
            log::error(&error.to_string());
            Judgement::Retry(None)
        })
    }
}
