//! Posts, and panics at the answer.

use super::*;

pub struct PanicInJudge;

impl Behaviour for PanicInJudge {
    fn format(&self, url: &str, event: &Event) -> Result<Vec<HttpRequest>> {
        Ok(vec![about(event, url)])
    }

    fn judge(&self, _: &HttpResponse) -> Judgement {
        panic!("panics at the answer, as it was told to")
    }
}
