//! One behaviour a file.

use bulkhead_plugin_sdk::prelude::*;

mod endless_loop;
mod honest;
mod huge_body;
mod many_requests;
mod metadata;
mod panic;
mod panic_in_judge;
mod redirect;
mod ungranted;

/// What a hostile webhook does.
pub trait Behaviour {
    fn format(&self, url: &str, event: &Event) -> Result<Vec<HttpRequest>>;

    fn judge(&self, answer: &HttpResponse) -> Judgement {
        webhook::judge_by_status(answer)
    }
}

/// The behaviour of that name.
pub fn find(name: &str) -> Result<Box<dyn Behaviour>> {
    Ok(match name {
        "honest" => Box::new(honest::Honest),
        "ungranted" => Box::new(ungranted::Ungranted),
        "metadata" => Box::new(metadata::Metadata),
        "redirect" => Box::new(redirect::Redirect),
        "loop" => Box::new(endless_loop::Loop),
        "many-requests" => Box::new(many_requests::ManyRequests),
        "huge-body" => Box::new(huge_body::HugeBody),
        "panic" => Box::new(panic::Panic),
        "panic-in-judge" => Box::new(panic_in_judge::PanicInJudge),
        other => return Err(Error::invalid(format!("behaviour: there is no `{other}`"))),
    })
}

/// A small request that says which event it is about.
fn about(event: &Event, url: &str) -> HttpRequest {
    HttpRequest::post(url, "text/plain", event.id.as_bytes())
}
