//! Everybody may pull; those named as writers may do everything. Settings: `writers = ["alice"]`.

use bulkhead_plugin_sdk::prelude::*;

#[derive(serde::Deserialize)]
struct Hello {
    writers: Vec<String>,
}

impl Plain for Hello {}

impl Authorizer for Hello {
    fn authorize(&mut self, _: &RequestContext, who: Option<&Caller>, access: &Access) -> Result<Verdict> {
        let writer = who.is_some_and(|who| self.writers.contains(&who.subject));
        Ok(match access.action {
            _ if writer => Verdict::allow(),
            authorizer::Action::Pull => Verdict::allow(),
            _ => Verdict::deny("not one of the writers"),
        })
    }
}

export!(Hello: Authorizer);

#[cfg(test)]
mod tests {
    use bulkhead_plugin_sdk::authorizer::Action;
    use bulkhead_plugin_sdk::testing::{access, configure, context};

    use super::*;

    #[test]
    fn anyone_pulls_and_writers_push() {
        let mut plugin: Hello = configure(r#"{"writers":["alice"]}"#).unwrap();
        let alice = Identity::new("alice").vouched_by("door");
        let pull = access(Action::Pull, Some("team/app"));
        let push = access(Action::Push, Some("team/app"));
        assert_eq!(plugin.authorize(&context(), None, &pull), Ok(Verdict::allow()));
        assert_eq!(plugin.authorize(&context(), None, &push), Ok(Verdict::deny("not one of the writers")));
        assert_eq!(plugin.authorize(&context(), Some(&alice), &push), Ok(Verdict::allow()));
    }
}
