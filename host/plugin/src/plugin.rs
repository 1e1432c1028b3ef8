//! A loaded plugin with its settings: the handle from which the ports are made.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_core::ports::admission::Admission;
use bulkhead_core::ports::auth::{Authenticator, Authorizer};
use bulkhead_core::ports::driver::StorageDriver;
use bulkhead_core::ports::event::WebhookPlugin;
use bulkhead_core::ports::ids::RegistryName;
use bulkhead_core::ports::plugin::{PluginError, PluginLabel};
use bulkhead_plugin_bindings::bulkhead::plugin::types;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;
use wasmtime::Store;

use crate::call::{Call, Fault, Outcome, full, within};
use crate::checks::Load;
use crate::compiled::{Compiled, Exports, Inspection, Kind};
use crate::error::LoadError;
use crate::kinds;
use crate::output::bounded;
use crate::pool::{Instance, Keeping, Pool, Slots};
use crate::state::{Layers, Reach, State};

/// Bytes that one answer of a guest may have: what auth, admission and webhooks need.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// And what a storage driver's listings and pieces need.
pub(crate) const STORAGE_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// How long a call may take where the limits do not say.
const TIME: Duration = Duration::from_secs(1);
/// And for a storage driver, which may have to ask a counterpart.
const STORAGE_TIME: Duration = Duration::from_secs(10);
/// And for a plugin that checks secrets of the host's accounts: they may wait 10 seconds for their turn to be hashed.
const ACCOUNTS_TIME: Duration = Duration::from_secs(15);

/// A loaded plugin. Its component is compiled and its settings are accepted. Shared behind an `Arc`; dropping the last one ends all its
/// instances.
pub struct Plugin {
    label: PluginLabel,
    compiled: Arc<Compiled>,
    reach: Arc<Reach>,
    slots: Arc<Slots>,
    /// Bounds the calls under way of this plugin with whatever settings.
    permits: Arc<Semaphore>,
    pool: Arc<Pool>,
    settings: Value,
    /// As the guest gets them.
    settings_text: String,
    no_request: Arc<str>,
}

impl Plugin {
    /// A plugin that nobody has called yet: see [`Plugin::try_out`].
    pub(crate) fn new(
        compiled: Arc<Compiled>,
        reach: Arc<Reach>,
        slots: Arc<Slots>,
        permits: Arc<Semaphore>,
        settings: Value,
    ) -> Result<Arc<Self>, LoadError> {
        let settings = match settings {
            Value::Null => Value::Object(serde_json::Map::new()),
            Value::Object(_) => settings,
            _ => return Err(LoadError::Settings("the settings of a plugin are a table".to_owned())),
        };
        Ok(Arc::new(Self {
            label: PluginLabel { name: reach.plugin.clone(), digest: compiled.inspection.digest.clone() },
            pool: slots.pool(if reach.limits.instances == 1 { Keeping::Always } else { Keeping::WhileUseful }),
            settings_text: settings.to_string(),
            settings,
            no_request: "".into(),
            compiled,
            reach,
            slots,
            permits,
        }))
    }

    /// Makes one instance and hands it the settings.
    pub(crate) async fn try_out(self: &Arc<Self>) -> Result<(), LoadError> {
        let mut instance = self.instantiate(None).await.map_err(|fault| self.load_error(fault))?;
        match self.configure(&mut instance).await.map_err(|fault| self.load_error(fault))? {
            Ok(()) => Ok(()),
            Err(types::Error::Invalid(text)) => Err(LoadError::Settings(bounded(&text))),
            Err(error) => Err(LoadError::Settings(kinds::guest_error(error).to_string())),
        }
    }

    /// Which plugin this is.
    pub fn label(&self) -> &PluginLabel {
        &self.label
    }

    /// What it is for.
    pub fn kinds(&self) -> &[Kind] {
        &self.compiled.inspection.kinds
    }

    /// What its component is.
    pub fn inspection(&self) -> &Inspection {
        &self.compiled.inspection
    }

    /// The same component with more settings: those of `extra` (an object, or null) take the place of its own of the same name. Grants,
    /// limits and the bound on calls are shared; instances are not.
    ///
    /// # Errors
    /// [`LoadError`] if the plugin does not take them.
    pub async fn with_settings(&self, extra: &Value) -> Result<Arc<Self>, LoadError> {
        let mut settings = self.settings.clone();
        match (&mut settings, extra) {
            (Value::Object(own), Value::Object(extra)) => {
                own.extend(extra.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            (_, Value::Null) => {}
            _ => return Err(LoadError::Settings("the settings of a plugin are a table".to_owned())),
        }
        let (compiled, reach) = (self.compiled.clone(), self.reach.clone());
        let plugin = Self::new(compiled, reach, self.slots.clone(), self.permits.clone(), settings)?;
        plugin.try_out().await?;
        Ok(plugin)
    }

    /// As an authenticator; none if it is not of that kind.
    pub fn authenticator(self: &Arc<Self>) -> Option<Arc<dyn Authenticator>> {
        self.is(Kind::Authenticator).then(|| Arc::new(kinds::AuthPlugin(self.clone())) as _)
    }

    /// As an authorizer; none if it is not of that kind.
    pub fn authorizer(self: &Arc<Self>) -> Option<Arc<dyn Authorizer>> {
        self.is(Kind::Authorizer).then(|| Arc::new(kinds::AuthPlugin(self.clone())) as _)
    }

    /// As an admission plugin; none if it is not of that kind.
    pub fn admission(self: &Arc<Self>) -> Option<Arc<dyn Admission>> {
        self.is(Kind::Admission).then(|| Arc::new(kinds::AdmissionPlugin(self.clone())) as _)
    }

    /// As the storage driver of a registry, over these layers; none if it is not of that kind.
    pub fn storage(self: &Arc<Self>, registry: &RegistryName, layers: Layers) -> Option<Arc<dyn StorageDriver>> {
        self.is(Kind::Storage).then(|| Arc::new(kinds::StoragePlugin::new(self.clone(), registry.clone(), layers)) as _)
    }

    /// As a webhook of a registry; none if it is not of that kind.
    pub fn webhook(self: &Arc<Self>, registry: &RegistryName) -> Option<Arc<dyn WebhookPlugin>> {
        self.is(Kind::Webhook).then(|| Arc::new(kinds::HookPlugin::new(self.clone(), registry.clone())) as _)
    }

    fn is(&self, kind: Kind) -> bool {
        self.kinds().contains(&kind)
    }

    pub(crate) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// How long a call may take.
    pub(crate) fn time(&self) -> Duration {
        let usual = match (&self.reach.accounts, self.is(Kind::Storage)) {
            (Some(_), _) => ACCOUNTS_TIME,
            (None, true) => STORAGE_TIME,
            (None, false) => TIME,
        };
        self.reach.limits.time.unwrap_or(usual)
    }

    /// Begins a call for a registry, on behalf of a request where there is one.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        registry: &RegistryName,
        request: Option<&Arc<str>>,
        function: &'static str,
    ) -> Result<Call, PluginError> {
        let request = request.unwrap_or(&self.no_request).clone();
        let permit = self.permit().await?;
        let registry = Some(registry.clone());
        let instance = match self.pool.take(&registry) {
            Some(instance) => instance,
            None => self.fresh(registry, &request).await?,
        };
        Ok(Call::new(self.clone(), instance, request, function, permit))
    }

    /// Runs a call about a credential where such calls run: see [`Checks`](crate::checks::Checks). One that is granted origins or accounts waits
    /// for others more than it computes.
    ///
    /// # Errors
    /// Those of `check`, and [`PluginError::Unavailable`] where it found no turn.
    pub(crate) async fn check<T: Send + 'static>(
        &self,
        check: impl Future<Output = Result<T, PluginError>> + Send + 'static,
    ) -> Result<T, PluginError> {
        let waits = !self.reach.http.origins.is_empty() || self.reach.accounts.is_some();
        let load = if waits { Load::Waits } else { Load::Computes };
        self.reach.checks.run(load, check).await
    }

    /// Keeps a sound instance.
    pub(crate) fn give_back(&self, instance: Instance) {
        self.pool.give_back(instance, &self.slots);
    }

    /// Waits at most as long as a call may take.
    async fn permit(&self) -> Result<OwnedSemaphorePermit, PluginError> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let deadline = Instant::now() + self.time();
        match timeout_at(deadline.into(), self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(PluginError::Unavailable {
                reason: format!("all {} instances that the plugin's limits allow are busy", self.reach.limits.instances),
                retry_after: Some(Duration::from_secs(1)),
            }),
        }
    }

    /// A new instance, configured.
    async fn fresh(self: &Arc<Self>, registry: Option<RegistryName>, request: &str) -> Result<Instance, PluginError> {
        let fail = |fault: Fault| {
            fault.log(self, request, "configure");
            fault.into_error(self.time())
        };
        let mut instance = self.instantiate(registry).await.map_err(fail)?;
        match self.configure(&mut instance).await.map_err(fail)? {
            Ok(()) => Ok(instance),
            // It took the same settings when it was loaded.
            Err(error) => Err(PluginError::Internal(format!("configure: {}", kinds::guest_error(error)))),
        }
    }

    async fn instantiate(self: &Arc<Self>, registry: Option<RegistryName>) -> Result<Instance, Fault> {
        let deadline = Instant::now() + self.time();
        let Some(slot) = self.slots.take(deadline).await else { return Err(Fault::Full) };
        let mut store = Store::new(self.compiled.pre.engine(), State::new(self.reach.clone(), registry));
        State::watch(&mut store);
        store.set_hostcall_fuel(if self.is(Kind::Storage) { STORAGE_ANSWER_BYTES } else { ANSWER_BYTES });
        store.data_mut().deadline = deadline;
        store.set_epoch_deadline(1);
        let made = within(deadline, self.compiled.pre.instantiate_async(&mut store)).await;
        let made = checked(made, &store)?;
        let exports: Exports = self.compiled.exports(&mut store, &made).map_err(|error| Fault::of(error, Some(store.data())))?;
        Ok(Instance::new(store, exports, slot))
    }

    async fn configure(&self, instance: &mut Instance) -> Result<Result<(), types::Error>, Fault> {
        let deadline = Instant::now() + self.time();
        instance.rearm(deadline);
        let call = instance.exports.lifecycle.call_configure(&mut instance.store, &self.settings_text);
        let outcome = within(deadline, call).await;
        instance.store.data().output.end();
        checked(outcome, &instance.store)
    }

    fn load_error(&self, fault: Fault) -> LoadError {
        match fault {
            Fault::TimedOut => LoadError::TimedOut(self.time()),
            Fault::Trapped(words, trace) => {
                tracing::debug!(plugin = %self.label.name, %trace, "the plugin trapped while it started");
                LoadError::Trapped(words)
            }
            Fault::Full => LoadError::Host(full().to_string()),
        }
    }
}

fn checked<T>(outcome: Outcome<T>, store: &Store<State>) -> Result<T, Fault> {
    match outcome {
        Outcome::Answered(answer) => Ok(answer),
        Outcome::CutOff => Err(Fault::TimedOut),
        Outcome::Failed(error) => Err(Fault::of(error, Some(store.data()))),
    }
}
