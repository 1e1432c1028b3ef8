//! Takes what is due from the outbox, has the webhook's plugin turn it into requests, sends them, and says what became of it: at least once,
//! with back-off, over restarts. It never drops a delivery but by giving up, which is logged and kept.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::ports::catalog::{Catalog, CatalogError, Delivery, Settlement};
use crate::ports::clock::Clock;
use crate::ports::event::{HttpRequest, Judgement, WebhookPlugin};
use crate::ports::ids::RegistryId;
use crate::ports::plugin::PluginError;

/// Attempts before a delivery is given up: with the back-off below, after some thirteen hours.
pub const MAX_ATTEMPTS: u32 = 24;
/// Deliveries taken at once.
const BATCH: u32 = 64;
/// Deliveries under way at once.
const AT_ONCE: usize = 8;
/// The longest wait between attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// The longest wait between looks at the outbox: a change whose request was dropped at its very end has not rung.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// An attempt's whole time: all requests of one event.
const ATTEMPT: Duration = Duration::from_secs(60);
/// The requests that one event may turn into.
const MAX_REQUESTS: usize = 16;
/// Bytes of a reason that are kept.
const MAX_REASON: usize = 1024;

/// Delivers what is in the outbox.
pub struct Courier {
    catalog: Arc<dyn Catalog>,
    clock: Arc<dyn Clock>,
    outbox: Arc<Notify>,
    webhooks: HashMap<(RegistryId, String), Arc<dyn WebhookPlugin>>,
}

/// How an attempt failed.
enum Failure {
    Later(Option<Duration>, String),
    Never(String),
}

impl Courier {
    /// A courier for these webhooks; `outbox` is rung when something new is in it.
    pub fn new(
        catalog: Arc<dyn Catalog>,
        clock: Arc<dyn Clock>,
        outbox: Arc<Notify>,
        webhooks: HashMap<(RegistryId, String), Arc<dyn WebhookPlugin>>,
    ) -> Self {
        Self { catalog, clock, outbox, webhooks }
    }

    /// Delivers for ever; ends only by being dropped, which loses nothing.
    pub async fn run(self) {
        loop {
            match self.round().await {
                Ok(0) => self.wait().await,
                Ok(_) => {}
                Err(error) => {
                    warn!(%error, "the outbox cannot be read");
                    self.clock.sleep(Duration::from_secs(5)).await;
                }
            }
        }
    }

    /// Delivers what is due now, and says how much that was.
    ///
    /// # Errors
    /// [`CatalogError`] if the outbox cannot be read.
    pub async fn round(&self) -> Result<usize, CatalogError> {
        let due = self.catalog.due(self.clock.now(), BATCH).await?;
        let count = due.len();
        stream::iter(due).for_each_concurrent(AT_ONCE, |delivery| self.deliver(delivery)).await;
        Ok(count)
    }

    async fn wait(&self) {
        let wait = match self.catalog.next_due().await {
            Ok(Some(due)) => Duration::from_millis(due.0.saturating_sub(self.clock.now().0)).min(LOOK_EVERY),
            Ok(None) => LOOK_EVERY,
            Err(_) => Duration::from_secs(5),
        };
        tokio::select! {
            () = self.outbox.notified() => {}
            () = self.clock.sleep(wait) => {}
        }
    }

    async fn deliver(&self, delivery: Delivery) {
        let id = delivery.id;
        let settlement = match self.attempt(&delivery).await {
            Ok(()) => Settlement::Delivered,
            Err(failure) => self.settle_failure(&delivery, failure),
        };
        if let Err(error) = self.catalog.settle(id, settlement).await {
            warn!(webhook = delivery.webhook, event = delivery.event.id, %error, "a delivery's outcome is not kept: it will be tried again");
            // The row is still due: without a pause the same delivery would be sent in a tight loop.
            self.clock.sleep(Duration::from_secs(5)).await;
        }
    }

    fn settle_failure(&self, delivery: &Delivery, failure: Failure) -> Settlement {
        let attempts = delivery.attempts.saturating_add(1);
        let (wait, reason) = match failure {
            Failure::Never(reason) => {
                warn!(webhook = delivery.webhook, event = delivery.event.id, attempts, reason, "delivery given up");
                return Settlement::GivenUp { reason: cut(reason) };
            }
            Failure::Later(_, reason) if attempts >= MAX_ATTEMPTS => {
                warn!(webhook = delivery.webhook, event = delivery.event.id, attempts, reason, "delivery given up");
                return Settlement::GivenUp { reason: cut(reason) };
            }
            Failure::Later(wait, reason) => (wait.unwrap_or_default().max(back_off(attempts)).min(LONGEST_WAIT), reason),
        };
        info!(
            webhook = delivery.webhook,
            event = delivery.event.id,
            attempts,
            reason,
            ?wait,
            "delivery failed, to be tried again"
        );
        Settlement::Retry { at: self.clock.now().after(wait), reason: cut(reason) }
    }

    async fn attempt(&self, delivery: &Delivery) -> Result<(), Failure> {
        let key = (delivery.registry, delivery.webhook.clone());
        let Some(plugin) = self.webhooks.get(&key) else {
            return Err(Failure::Never("the configuration names no such webhook any more".to_owned()));
        };
        let work = async {
            let requests = plugin.format(&delivery.event).await.map_err(failed)?;
            if requests.len() > MAX_REQUESTS {
                return Err(Failure::Never(format!("the plugin made {} requests of one event", requests.len())));
            }
            for request in requests {
                send(&**plugin, request).await?;
            }
            Ok(())
        };
        tokio::select! {
            result = work => result,
            () = self.clock.sleep(ATTEMPT) => Err(Failure::Later(None, format!("not done after {ATTEMPT:?}"))),
        }
    }
}

async fn send(plugin: &dyn WebhookPlugin, request: HttpRequest) -> Result<(), Failure> {
    let answer = plugin.send(request).await.map_err(failed)?;
    let status = answer.status;
    match plugin.judge(answer).await.map_err(failed)? {
        Judgement::Delivered => Ok(()),
        Judgement::Retry(after) => {
            let wait = after.map(|seconds| Duration::from_secs(u64::from(seconds)));
            Err(Failure::Later(wait, format!("the receiver answered {status}")))
        }
        Judgement::GiveUp(reason) => Err(Failure::Never(format!("the receiver answered {status}: {reason}"))),
    }
}

/// What was not granted today may be granted after the operator has read the log, so that is tried again too.
fn failed(error: PluginError) -> Failure {
    let wait = match &error {
        PluginError::Unavailable { retry_after, .. } => *retry_after,
        _ => None,
    };
    Failure::Later(wait, error.to_string())
}

/// 1 s, 2 s, 4 s ... an hour.
fn back_off(attempts: u32) -> Duration {
    Duration::from_secs(1 << attempts.saturating_sub(1).min(12)).min(LONGEST_WAIT)
}

fn cut(mut reason: String) -> String {
    if reason.len() > MAX_REASON {
        let end = (0..=MAX_REASON).rev().find(|index| reason.is_char_boundary(*index)).unwrap_or(0);
        reason.truncate(end);
    }
    reason
}
