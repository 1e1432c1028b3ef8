//! No attack: everything is refused, for a reason that tells who asked what, and how long the content was.

use bulkhead_plugin_sdk::prelude::*;

pub struct Echo;

impl super::Behaviour for Echo {
    fn review(&self, change: &Change) -> Result<Opinion> {
        let mut change = change.clone();
        let mut content = String::new();
        if let Change::PutManifest(manifest) = &mut change {
            let (body, config) = (std::mem::take(&mut manifest.body), manifest.config.take());
            content = format!("{} {} {:?} ", body.len(), ends(&body), config.map(|config| ends(&config)));
        }
        Ok(Opinion::refuse(format!("{content}{change:?}")))
    }

    fn told(&self, context: &RequestContext, who: Option<&Caller>, repository: &str, change: &Change) -> Result<Opinion> {
        let who = who.map(|who| (&who.vouched_by, &who.subject, &who.groups, &who.claims));
        let Opinion::Refuse(told) = self.review(change)? else { return Ok(Opinion::admit()) };
        Ok(Opinion::refuse(format!("{} {} {} {who:?} {repository} {told}", context.request_id, context.registry, context.plugin)))
    }
}

/// The first and the last eight bytes, as text.
fn ends(bytes: &[u8]) -> String {
    let (first, last) = (&bytes[..bytes.len().min(8)], &bytes[bytes.len().saturating_sub(8)..]);
    format!("{}..{}", String::from_utf8_lossy(first), String::from_utf8_lossy(last))
}
