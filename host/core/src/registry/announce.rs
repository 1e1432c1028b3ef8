//! Makes the events of one request: what is known of it, kept so that the events can be made later and elsewhere.

use std::sync::Arc;

use super::{Act, Registry};
use crate::events::Subscription;
use crate::ports::catalog::NewDelivery;
use crate::ports::event::{Event, EventAction, EventTarget};

/// Makes the events of one request.
pub(super) struct Announcer {
    subscriptions: Arc<[Subscription]>,
    registry: String,
    host: String,
    at: u64,
    actor: Option<String>,
    request_id: String,
    method: String,
    user_agent: Option<String>,
    address: String,
}

impl Announcer {
    /// One delivery for each webhook that wants to hear of it; all bear the same event.
    pub(super) fn deliveries(&self, action: EventAction, target: EventTarget) -> Vec<NewDelivery> {
        let wanted = |subscription: &&Subscription| subscription.wants(action, &target);
        let webhooks: Vec<String> =
            self.subscriptions.iter().filter(wanted).map(|subscription| subscription.webhook.clone()).collect();
        if webhooks.is_empty() {
            return Vec::new();
        }
        let event = Event {
            id: hex::encode(rand::random::<[u8; 16]>()),
            action,
            registry: self.registry.clone(),
            host: self.host.clone(),
            at: self.at,
            target: Some(target),
            actor: self.actor.clone(),
            request_id: self.request_id.clone(),
            method: self.method.clone(),
            user_agent: self.user_agent.clone(),
            address: self.address.clone(),
        };
        webhooks.into_iter().map(|webhook| NewDelivery { webhook, event: event.clone() }).collect()
    }
}

impl Registry {
    pub(super) fn announcer(&self, act: Act<'_>) -> Announcer {
        let context = act.context;
        Announcer {
            subscriptions: Arc::clone(&self.subscriptions),
            registry: self.parts.name.to_string(),
            host: context.host.to_string(),
            at: self.parts.clock.now().0,
            actor: act.caller.actor(),
            request_id: context.request_id.to_string(),
            method: context.method.to_string(),
            user_agent: context.user_agent.as_deref().map(str::to_owned),
            address: context.address.to_string(),
        }
    }

    /// The deliveries that an event means. Most registries have no webhook, and then nothing is made.
    pub(super) fn deliveries(&self, act: Act<'_>, action: EventAction, target: EventTarget) -> Vec<NewDelivery> {
        if self.subscriptions.is_empty() { Vec::new() } else { self.announcer(act).deliveries(action, target) }
    }

    /// Rings the outbox if a change has put something in.
    pub(super) fn ring(&self, any: bool) {
        if any {
            self.parts.outbox.notify_one();
        }
    }
}
