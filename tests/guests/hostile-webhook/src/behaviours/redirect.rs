//! Posts to the granted receiver, which answers with a redirect, and calls anything but that redirect a failure: if the host followed it, the
//! event is never delivered.

use super::*;

pub struct Redirect;

impl Behaviour for Redirect {
    fn format(&self, url: &str, event: &Event) -> Result<Vec<HttpRequest>> {
        Ok(vec![about(event, url)])
    }

    fn judge(&self, answer: &HttpResponse) -> Judgement {
        match answer.status {
            300..=399 => Judgement::Delivered,
            status => Judgement::GiveUp(format!("the redirect was followed: {status}")),
        }
    }
}
