//! Nobody pushes to a reserved tag, and who pushes without a tag is warned. Settings: `reserved = ["latest"]`.

use bulkhead_plugin_sdk::prelude::*;

#[derive(serde::Deserialize)]
struct Hello {
    reserved: Vec<String>,
}

impl Plain for Hello {}

impl Admission for Hello {
    fn review(&mut self, _: &RequestContext, _: Option<&Caller>, _: &str, change: &Change) -> Result<Opinion> {
        let Change::PutManifest(manifest) = change else { return Ok(Opinion::admit()) };
        Ok(match manifest.tags.iter().find(|state| self.reserved.contains(&state.tag)) {
            Some(state) => Opinion::refuse(format!("the tag `{}` is reserved: push another one", state.tag)),
            None if manifest.tags.is_empty() => Opinion::warn("pushed without a tag"),
            None => Opinion::admit(),
        })
    }
}

export!(Hello: Admission);

#[cfg(test)]
mod tests {
    use bulkhead_plugin_sdk::testing::{configure, context, push, tag};

    use super::*;

    #[test]
    fn a_reserved_tag_is_refused_and_no_tag_is_warned_of() {
        let mut plugin: Hello = configure(r#"{"reserved":["latest"]}"#).unwrap();
        let mut review = |change| plugin.review(&context(), None, "team/app", &change);
        let refusal = Opinion::refuse("the tag `latest` is reserved: push another one");
        assert_eq!(review(push(&[tag("v1", None), tag("latest", None)])), Ok(refusal));
        assert_eq!(review(push(&[tag("v1", None)])), Ok(Opinion::admit()));
        assert_eq!(review(push(&[])), Ok(Opinion::warn("pushed without a tag")));
        assert_eq!(review(Change::DeleteTag(tag("latest", None))), Ok(Opinion::admit()));
    }
}
