//! Admission. What the guest is told borrows from the core's values: a manifest's bytes are copied once, into the guest.

use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_core::ports::admission::{Admission, Change, Opinion, TagState};
use bulkhead_core::ports::context::{Identity, RequestContext};
use bulkhead_core::ports::plugin::{PluginError, PluginLabel};
use bulkhead_oci::{Digest, RepositoryName, Tag};
use bulkhead_plugin_bindings::exports::bulkhead::plugin::admission;

use super::answered;
use super::values::{wit_caller, wit_context, wit_identity};
use crate::call::invoke;
use crate::output::{bounded, one_line};
use crate::plugin::Plugin;

/// The most warnings of one review. A warning is advice, so that more of them are no reason to refuse: the rest is dropped.
const MAX_WARNINGS: usize = 16;
/// The longest warning, in bytes.
const MAX_WARNING_BYTES: usize = 1024;

/// A plugin as admission plugin; made only for one that exports the interface.
pub(crate) struct AdmissionPlugin(pub(crate) Arc<Plugin>);

#[async_trait]
impl Admission for AdmissionPlugin {
    fn label(&self) -> &PluginLabel {
        self.0.label()
    }

    async fn review(
        &self,
        context: &RequestContext,
        who: Option<&Identity>,
        repository: &RepositoryName,
        change: &Change<'_>,
    ) -> Result<Opinion, PluginError> {
        // The generated types borrow lists too: these are what they borrow.
        let (states, names) = (wit_states(change), wit_names(change));
        let change = wit_change(change, &states, &names);
        let identity = who.map(wit_identity);
        let mut call = self.0.begin(&context.registry, Some(&context.request_id), "review").await?;
        let asked = wit_context(context, self.label());
        let who = wit_caller(who, identity.as_ref());
        let answer = invoke!(call, admission, call_review(asked, who, repository.as_str(), change));
        call.release();
        Ok(match answered(answer)? {
            admission::Opinion::Admit(given) => {
                let (warnings, dropped) = warnings(&given);
                if dropped > 0 {
                    let (plugin, request) = (&self.label().name, &context.request_id);
                    tracing::warn!(%plugin, %request, dropped, "the plugin gave more than {MAX_WARNINGS} warnings: the rest was dropped");
                }
                Opinion::Admit(warnings)
            }
            admission::Opinion::Refuse(reason) => Opinion::Refuse(bounded(&reason)),
        })
    }
}

/// What clients may be given of a guest's warnings, and how many they are not.
fn warnings(given: &[String]) -> (Vec<String>, usize) {
    let mut warnings: Vec<String> = given.iter().map(|warning| one_line(warning, MAX_WARNING_BYTES)).collect();
    warnings.retain(|warning| !warning.is_empty());
    let dropped = warnings.len().saturating_sub(MAX_WARNINGS);
    warnings.truncate(MAX_WARNINGS);
    (warnings, dropped)
}

fn wit_change<'a>(change: &Change<'a>, states: &'a [admission::TagState<'a>], names: &'a [&'a str]) -> admission::Change<'a> {
    match *change {
        Change::PutManifest(manifest) => admission::Change::PutManifest(admission::Manifest {
            digest: manifest.digest.as_str(),
            media_type: manifest.media_type.as_str(),
            body: manifest.body,
            config: manifest.config,
            tags: states,
        }),
        Change::DeleteTag(state) => admission::Change::DeleteTag(wit_state(state)),
        Change::DeleteManifest { digest, .. } => {
            admission::Change::DeleteManifest(admission::ManifestDeletion { digest: digest.as_str(), tags: names })
        }
        Change::DeleteBlob(digest) => admission::Change::DeleteBlob(digest.as_str()),
        Change::DeleteRepository(_) => admission::Change::DeleteRepository(states),
    }
}

fn wit_states<'a>(change: &Change<'a>) -> Vec<admission::TagState<'a>> {
    let tags = match *change {
        Change::PutManifest(manifest) => manifest.tags,
        Change::DeleteRepository(tags) => tags,
        Change::DeleteTag(_) | Change::DeleteManifest { .. } | Change::DeleteBlob(_) => &[],
    };
    tags.iter().map(wit_state).collect()
}

fn wit_names<'a>(change: &Change<'a>) -> Vec<&'a str> {
    match *change {
        Change::DeleteManifest { tags, .. } => tags.iter().map(Tag::as_str).collect(),
        _ => Vec::new(),
    }
}

fn wit_state(state: &TagState) -> admission::TagState<'_> {
    admission::TagState { tag: state.tag.as_str(), now: state.now.as_ref().map(Digest::as_str) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_bounded_in_number_and_length_and_empty_ones_do_not_count() {
        let mut given = vec![String::new(), "\n".to_owned(), "x".repeat(5000)];
        given.extend((0..40).map(|number| format!("warning {number}")));
        let (warnings, dropped) = warnings(&given);
        assert_eq!((warnings.len(), dropped, warnings[0].len()), (16, 25, 1024));
        assert_eq!((warnings[1].as_str(), warnings[15].as_str()), ("warning 0", "warning 14"));
    }
}
