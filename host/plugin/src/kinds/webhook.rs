//! Webhook.

use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_core::ports::event::{Event, EventAction, EventTarget, HttpRequest, HttpResponse, Judgement, WebhookPlugin};
use bulkhead_core::ports::ids::RegistryName;
use bulkhead_core::ports::plugin::{PluginError, PluginLabel};
use bulkhead_plugin_bindings::exports::bulkhead::plugin::webhook;
use tokio::time::Instant;

use super::values::{http_request, wit_http_response};
use super::{answered, nonsense};
use crate::call::invoke;
use crate::net::Retry;
use crate::output::bounded;
use crate::plugin::Plugin;

/// The most requests that tell of one event.
const MAX_REQUESTS: usize = 16;

/// A plugin as a webhook of one registry.
pub(crate) struct HookPlugin {
    plugin: Arc<Plugin>,
    registry: RegistryName,
}

impl HookPlugin {
    /// Of a plugin that exports the interface.
    pub(crate) fn new(plugin: Arc<Plugin>, registry: RegistryName) -> Self {
        Self { plugin, registry }
    }
}

#[async_trait]
impl WebhookPlugin for HookPlugin {
    fn label(&self) -> &PluginLabel {
        self.plugin.label()
    }

    async fn format(&self, event: &Event) -> Result<Vec<HttpRequest>, PluginError> {
        let request: Arc<str> = event.request_id.as_str().into();
        let mut call = self.plugin.begin(&self.registry, Some(&request), "format").await?;
        let answer = invoke!(call, webhook, call_format(wit_event(event)));
        call.release();
        let requests = answered(answer)?;
        if requests.len() > MAX_REQUESTS {
            return nonsense(format!("{} requests for one event: at most {MAX_REQUESTS}", requests.len()));
        }
        Ok(requests.into_iter().map(http_request).collect())
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, PluginError> {
        let reach = self.plugin.reach();
        let deadline = Instant::now() + reach.limits.exchange;
        Ok(reach.client.exchange(&reach.http, request, Retry::Never, deadline).await?)
    }

    async fn judge(&self, answer: HttpResponse) -> Result<Judgement, PluginError> {
        let answer = wit_http_response(answer);
        let mut call = self.plugin.begin(&self.registry, None, "judge").await?;
        let judgement = invoke!(call, webhook, call_judge(&answer));
        call.release();
        Ok(match judgement? {
            webhook::Judgement::Delivered => Judgement::Delivered,
            webhook::Judgement::Retry(after) => Judgement::Retry(after),
            webhook::Judgement::GiveUp(reason) => Judgement::GiveUp(bounded(&reason)),
        })
    }
}

fn wit_event(event: &Event) -> webhook::Event<'_> {
    let action = match event.action {
        EventAction::Push => webhook::Action::Push,
        EventAction::Pull => webhook::Action::Pull,
        EventAction::Delete => webhook::Action::Delete,
        EventAction::Mount => webhook::Action::Mount,
        EventAction::Tag => webhook::Action::Tag,
        EventAction::Untag => webhook::Action::Untag,
        EventAction::Ping => webhook::Action::Ping,
    };
    webhook::Event {
        id: &event.id,
        action,
        registry: &event.registry,
        host: &event.host,
        at: event.at,
        target: event.target.as_ref().map(wit_target),
        actor: event.actor.as_deref(),
        request_id: &event.request_id,
        method: &event.method,
        user_agent: event.user_agent.as_deref(),
        address: &event.address,
    }
}

fn wit_target(target: &EventTarget) -> webhook::Target<'_> {
    webhook::Target {
        repository: &target.repository,
        digest: target.digest.as_str(),
        media_type: &target.media_type,
        size: target.size,
        tag: target.tag.as_deref(),
        mounted_from: target.mounted_from.as_deref(),
        artifact_type: target.artifact_type.as_deref(),
    }
}
