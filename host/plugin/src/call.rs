//! One call into a guest: its deadline, and what its end means.
//!
//! The guest's own errors, traps and time-outs are told apart. After a trap or a time-out the instance is dropped, and so it is when the
//! caller gives up half-way; otherwise [`Call::release`] hands it to the next call.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_core::ports::plugin::PluginError;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout_at;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap};
use wasmtime_wasi::I32Exit;

use crate::compiled::Exports;
use crate::output::bounded;
use crate::plugin::Plugin;
use crate::pool::Instance;
use crate::state::{Layers, State};

/// How long after the deadline a guest that waits in an import is cut off from outside. One that computes stops by itself before that.
const GRACE: Duration = Duration::from_millis(20);
/// The longest trap with its trace in the log, in bytes.
const MAX_TRACE_BYTES: usize = 4096;

/// How a call ended, as far as the machine is concerned.
pub(crate) enum Outcome<T> {
    /// The guest answered.
    Answered(T),
    /// It trapped, or the host failed.
    Failed(wasmtime::Error),
    /// It was cut off.
    CutOff,
}

/// Waits for a call until shortly after its deadline.
pub(crate) async fn within<T>(deadline: Instant, call: impl Future<Output = wasmtime::Result<T>>) -> Outcome<T> {
    match timeout_at((deadline + GRACE).into(), call).await {
        Ok(Ok(answer)) => Outcome::Answered(answer),
        Ok(Err(error)) => Outcome::Failed(error),
        Err(_) => Outcome::CutOff,
    }
}

/// An instance on loan.
pub(crate) struct Call {
    plugin: Arc<Plugin>,
    instance: Option<Instance>,
    request: Arc<str>,
    function: &'static str,
    /// Dropped after the instance: the bound on calls counts it until then.
    _permit: OwnedSemaphorePermit,
}

impl Call {
    /// Begins it; the plugin has found an instance and a permit.
    pub(crate) fn new(
        plugin: Arc<Plugin>,
        mut instance: Instance,
        request: Arc<str>,
        function: &'static str,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        instance.arm(Instant::now() + plugin.time(), request.clone());
        Self { plugin, instance: Some(instance), request, function, _permit: permit }
    }

    /// Lets the guest reach what it lies over.
    pub(crate) fn over(mut self, layers: &Layers) -> Self {
        if let Some(instance) = &mut self.instance {
            instance.store.data_mut().layers = Arc::clone(layers);
        }
        self
    }

    /// Store, functions and deadline, if the instance still lives.
    pub(crate) fn parts(&mut self) -> Result<(&mut Store<State>, &Exports, Instant), PluginError> {
        match &mut self.instance {
            Some(Instance { store, exports, .. }) => {
                let deadline = store.data().deadline;
                Ok((store, exports, deadline))
            }
            None => Err(PluginError::Trapped("an earlier call of this instance failed".to_owned())),
        }
    }

    /// What the end of a call means. Unless the guest answered, its instance goes.
    pub(crate) fn check<T>(&mut self, outcome: Outcome<T>) -> Result<T, PluginError> {
        let state = self.instance.as_ref().map(|instance| instance.store.data());
        if let Some(state) = state {
            state.output.end();
        }
        let fault = match outcome {
            Outcome::Answered(answer) => return Ok(answer),
            Outcome::CutOff => Fault::TimedOut,
            Outcome::Failed(error) => Fault::of(error, state),
        };
        self.instance = None;
        fault.log(&self.plugin, &self.request, self.function);
        Err(fault.into_error(self.plugin.time()))
    }

    /// Ends it; a sound instance waits for the next call.
    pub(crate) fn release(mut self) {
        if let Some(instance) = self.instance.take() {
            self.plugin.give_back(instance);
        }
    }
}

/// Why an instance is not fit for use.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Its time was over.
    TimedOut,
    /// It trapped: in few words, and with the trace.
    Trapped(String, String),
    /// No room for it.
    Full,
}

impl Fault {
    /// What an error of the engine means for the instance whose state this is.
    pub(crate) fn of(error: wasmtime::Error, state: Option<&State>) -> Self {
        if state.is_some_and(|state| state.overdue) || error.downcast_ref::<Trap>() == Some(&Trap::Interrupt) {
            return Self::TimedOut;
        }
        if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
            return Self::Full;
        }
        let mut words = match (error.downcast_ref::<I32Exit>(), error.downcast_ref::<Trap>()) {
            (Some(exit), _) => format!("it exited with status {}", exit.0),
            (_, Some(trap)) => trap.to_string(),
            _ => error.root_cause().to_string(),
        };
        if let Some(state) = state.filter(|state| state.memory.refused) {
            words = format!("{words} (after it was refused more than its {} bytes of memory)", state.reach.limits.memory);
        }
        let mut trace = format!("{error:?}");
        let cut = (0..=MAX_TRACE_BYTES.min(trace.len())).rev().find(|at| trace.is_char_boundary(*at)).unwrap_or(0);
        trace.truncate(cut);
        Self::Trapped(bounded(&words), trace)
    }

    /// Once for each.
    pub(crate) fn log(&self, plugin: &Plugin, request: &str, function: &str) {
        let name = &plugin.label().name;
        match self {
            Self::TimedOut => tracing::error!(
                plugin = %name, request, function, limit = ?plugin.time(), "the plugin ran over its time; its instance is dropped"
            ),
            Self::Trapped(words, trace) => tracing::error!(
                plugin = %name, request, function, trap = %words, trace = %trace, "the plugin trapped; its instance is dropped"
            ),
            Self::Full => tracing::warn!(plugin = %name, request, function, "there is no room for another instance"),
        }
    }

    /// For the caller.
    pub(crate) fn into_error(self, limit: Duration) -> PluginError {
        match self {
            Self::TimedOut => PluginError::TimedOut(limit),
            Self::Trapped(words, _) => PluginError::Trapped(words),
            Self::Full => full(),
        }
    }
}

/// The engine's pool has no room.
pub(crate) fn full() -> PluginError {
    PluginError::Unavailable {
        reason: "there is no room for another plugin instance".to_owned(),
        retry_after: Some(Duration::from_secs(1)),
    }
}

/// Calls a function of an exported interface, and tells how that ended: `invoke!(call, storage, call_stat(key))`. The instance is kept on
/// loan either way.
macro_rules! invoke {
    ($call:ident, $kind:ident, $function:ident($($argument:expr),* $(,)?)) => {{
        let outcome = {
            let (store, exports, deadline) = $call.parts()?;
            let guest = exports.$kind.as_ref().ok_or_else($crate::call::not_exported)?;
            $crate::call::within(deadline, guest.$function(store, $($argument),*)).await
        };
        $call.check(outcome)
    }};
}
pub(crate) use invoke;

/// The handle of a kind is made only for components that export it, so nobody sees this.
pub(crate) fn not_exported() -> PluginError {
    PluginError::Internal("the component does not export what it was loaded for".to_owned())
}
