//! Deliveries: at least once, with back-off, given up in the end, and never to a webhook that is not there.

#![allow(clippy::unwrap_used, reason = "a test may stop at once where something is not as it needs it")]

mod support;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_core::events::{Courier, MAX_ATTEMPTS};
use bulkhead_core::ports::catalog::Catalog;
use bulkhead_core::ports::clock::Clock;
use bulkhead_core::ports::event::{Event, EventAction, HttpRequest, HttpResponse, Judgement, WebhookPlugin};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_core::ports::plugin::{PluginError, PluginLabel};
use support::World;
use tokio::sync::watch;

/// Answers by script, then always 200; remembers what was sent.
struct Scripted {
    label: PluginLabel,
    statuses: Mutex<VecDeque<u16>>,
    sent: watch::Sender<Vec<String>>,
}

impl Scripted {
    fn new(statuses: &[u16]) -> Arc<Self> {
        let label = PluginLabel { name: "hook".into(), digest: "sha256:0".into() };
        Arc::new(Self { label, statuses: Mutex::new(statuses.iter().copied().collect()), sent: watch::Sender::default() })
    }
    fn sent(&self) -> usize {
        self.sent.borrow().len()
    }
}

#[async_trait]
impl WebhookPlugin for Scripted {
    fn label(&self) -> &PluginLabel {
        &self.label
    }
    async fn format(&self, event: &Event) -> Result<Vec<HttpRequest>, PluginError> {
        let request = HttpRequest { method: "POST".into(), url: event.id.clone(), headers: Vec::new(), body: Vec::new() };
        Ok(vec![request])
    }
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, PluginError> {
        self.sent.send_modify(|sent| sent.push(request.url));
        let status = self.statuses.lock().unwrap().pop_front().unwrap_or(200);
        Ok(HttpResponse { status, headers: Vec::new(), body: Vec::new() })
    }
    async fn judge(&self, answer: HttpResponse) -> Result<Judgement, PluginError> {
        Ok(match answer.status {
            200 => Judgement::Delivered,
            400 => Judgement::GiveUp("no".to_owned()),
            429 => Judgement::Retry(Some(30)),
            _ => Judgement::Retry(None),
        })
    }
}

fn courier(world: &World, plugin: Option<Arc<Scripted>>) -> Courier {
    let mut webhooks: HashMap<(RegistryId, String), Arc<dyn WebhookPlugin>> = HashMap::new();
    if let Some(plugin) = plugin {
        webhooks.insert((world.id, "build".to_owned()), plugin);
    }
    Courier::new(world.catalog.clone(), world.clock.clone(), Arc::clone(&world.outbox), webhooks)
}

async fn pushed() -> World {
    let world = World::hearing(&[EventAction::Push]).await;
    world.push_image("a", "v1", b"content").await;
    world
}

#[tokio::test]
async fn a_delivery_that_went_through_is_not_sent_again() {
    let (world, plugin) = (pushed().await, Scripted::new(&[]));
    let courier = courier(&world, Some(plugin.clone()));
    assert_eq!(courier.round().await.unwrap(), 1);
    world.clock.advance(Duration::from_secs(100_000));
    assert_eq!((courier.round().await.unwrap(), plugin.sent()), (0, 1));
}

#[tokio::test]
async fn a_failed_delivery_waits_for_its_back_off_or_for_as_long_as_the_receiver_says() {
    let (world, plugin) = (pushed().await, Scripted::new(&[500, 429]));
    let courier = courier(&world, Some(plugin.clone()));
    for (wait, sent) in [(0, 1), (0, 1), (1, 2), (29, 2), (1, 3)] {
        world.clock.advance(Duration::from_secs(wait));
        courier.round().await.unwrap();
        assert_eq!(plugin.sent(), sent);
    }
    let ids = plugin.sent.borrow().clone();
    assert!(ids.iter().all(|id| *id == ids[0]), "the event keeps its id over its attempts");
}

#[tokio::test]
async fn a_delivery_is_given_up_at_a_judgement_or_after_its_last_attempt() {
    let (world, plugin) = (pushed().await, Scripted::new(&[400]));
    courier(&world, Some(plugin.clone())).round().await.unwrap();
    assert_eq!(world.catalog.next_due().await.unwrap(), None);

    let (world, plugin) = (pushed().await, Scripted::new(&[500; 100]));
    let courier = courier(&world, Some(plugin.clone()));
    while world.catalog.next_due().await.unwrap().is_some() {
        world.clock.advance(Duration::from_secs(3600));
        courier.round().await.unwrap();
    }
    assert_eq!(plugin.sent(), MAX_ATTEMPTS as usize);
}

#[tokio::test]
async fn a_delivery_for_a_webhook_that_is_no_more_is_given_up() {
    let world = pushed().await;
    courier(&world, None).round().await.unwrap();
    assert_eq!(world.catalog.next_due().await.unwrap(), None);
}

#[tokio::test]
async fn what_is_left_in_the_outbox_is_delivered_by_the_next_process_and_a_ring_wakes_it() {
    let (world, plugin) = (pushed().await, Scripted::new(&[]));
    let task = tokio::spawn(courier(&world, Some(plugin.clone())).run());
    let mut sent = plugin.sent.subscribe();
    sent.wait_for(|sent| sent.len() == 1).await.unwrap();
    world.push_image("b", "v1", b"content").await;
    sent.wait_for(|sent| sent.len() == 2).await.unwrap();
    task.abort();
    assert!(world.clock.now().0 > 0);
}
