//! A component, compiled and linked: what it is for, what it imports, and everything that is looked up once rather than at each instance.

use std::fmt;
use std::sync::Arc;

use bulkhead_plugin_bindings::exports::bulkhead::plugin as exports;
use sha2::{Digest as _, Sha256};
use wasmtime::component::{Component, Instance, InstancePre, Linker};
use wasmtime::{Engine, Store};

use crate::error::LoadError;
use crate::state::State;

/// Components larger than this are not taken, in bytes.
pub(crate) const MAX_COMPONENT_BYTES: u64 = 256 * 1024 * 1024;

/// What a plugin is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Says who a caller is.
    Authenticator,
    /// Says what a caller may do.
    Authorizer,
    /// Looks at content before it changes.
    Admission,
    /// Says where bytes lie.
    Storage,
    /// Turns events into requests.
    Webhook,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Authenticator, Self::Authorizer, Self::Admission, Self::Storage, Self::Webhook];

    /// As the interface is named.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authenticator => "authenticator",
            Self::Authorizer => "authorizer",
            Self::Admission => "admission",
            Self::Storage => "storage",
            Self::Webhook => "webhook",
        }
    }

    fn interface(self) -> String {
        format!("bulkhead:plugin/{}@0.1.0", self.as_str())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What can be told of a component without running it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// What it is for, by what it exports.
    pub kinds: Vec<Kind>,
    /// The interfaces that it imports, as it names them.
    pub imports: Vec<String>,
    /// `sha256:` and hex, of its bytes.
    pub digest: Arc<str>,
    /// Its size in bytes.
    pub size: u64,
}

/// Where each interface's functions are in the component.
struct Indices {
    lifecycle: exports::lifecycle::GuestIndices,
    authenticator: Option<exports::authenticator::GuestIndices>,
    authorizer: Option<exports::authorizer::GuestIndices>,
    admission: Option<exports::admission::GuestIndices>,
    storage: Option<exports::storage::GuestIndices>,
    webhook: Option<exports::webhook::GuestIndices>,
}

/// The functions of one instance.
pub(crate) struct Exports {
    pub(crate) lifecycle: exports::lifecycle::Guest,
    pub(crate) authenticator: Option<exports::authenticator::Guest>,
    pub(crate) authorizer: Option<exports::authorizer::Guest>,
    pub(crate) admission: Option<exports::admission::Guest>,
    pub(crate) storage: Option<exports::storage::Guest>,
    pub(crate) webhook: Option<exports::webhook::Guest>,
}

/// See the module. Shared by all plugins that were made of the same load.
pub(crate) struct Compiled {
    pub(crate) inspection: Inspection,
    pub(crate) pre: InstancePre<State>,
    indices: Indices,
}

/// Compiles `bytes`, from the cache where they were compiled before. Blocks, for seconds where a component is large.
pub(crate) fn compile(engine: &Engine, bytes: &[u8]) -> Result<(Component, Inspection), LoadError> {
    check_header(bytes)?;
    let component = translate(engine, bytes)?;
    let ty = component.component_type();
    let exported: Vec<&str> = ty.exports(engine).map(|(name, _)| name).collect();
    let inspection = Inspection {
        kinds: Kind::ALL.into_iter().filter(|kind| exported.contains(&kind.interface().as_str())).collect(),
        imports: ty.imports(engine).map(|(name, _)| name.to_owned()).collect(),
        digest: format!("sha256:{}", hex::encode(Sha256::digest(bytes))).into(),
        size: bytes.len() as u64,
    };
    Ok((component, inspection))
}

/// On threads that end with the work: idle ones would keep what the compiler freed on them, which is tens of MiB.
fn translate(engine: &Engine, bytes: &[u8]) -> Result<Component, LoadError> {
    let compiled = match rayon::ThreadPoolBuilder::new().build() {
        Ok(threads) => threads.install(|| Component::from_binary(engine, bytes)),
        Err(error) => return Err(LoadError::Host(format!("threads to compile on cannot be started: {error}"))),
    };
    compiled.map_err(|error| LoadError::NotAComponent(format!("{error:#}")))
}

/// Names the two usual mistakes before the compiler finds other words for them.
fn check_header(bytes: &[u8]) -> Result<(), LoadError> {
    let fault = |text: &str| Err(LoadError::NotAComponent(text.to_owned()));
    match bytes {
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            fault("it is a core WebAssembly module; build it as a component, with `cargo build --release --target wasm32-wasip2`")
        }
        _ => fault("it does not begin as a WebAssembly binary does"),
    }
}

impl Compiled {
    /// Links `component` and looks up what it exports.
    pub(crate) fn link(linker: &Linker<State>, component: &Component, inspection: Inspection) -> Result<Self, LoadError> {
        check_imports(&inspection)?;
        let pre = linker
            .instantiate_pre(component)
            .map_err(|error| LoadError::UnknownImport { name: import_in(&inspection, &error), reason: format!("{error:#}") })?;
        if inspection.kinds.is_empty() {
            let engine = component.engine();
            let found: Vec<String> = component.component_type().exports(engine).map(|(name, _)| format!("`{name}`")).collect();
            let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
            return Err(LoadError::NoKind { found });
        }
        let indices = Indices::of(&pre, &inspection.kinds)?;
        Ok(Self { inspection, pre, indices })
    }

    /// The functions of an instance, their types checked.
    pub(crate) fn exports(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Exports> {
        let indices = &self.indices;
        Ok(Exports {
            lifecycle: indices.lifecycle.load(&mut *store, instance)?,
            authenticator: indices.authenticator.as_ref().map(|found| found.load(&mut *store, instance)).transpose()?,
            authorizer: indices.authorizer.as_ref().map(|found| found.load(&mut *store, instance)).transpose()?,
            admission: indices.admission.as_ref().map(|found| found.load(&mut *store, instance)).transpose()?,
            storage: indices.storage.as_ref().map(|found| found.load(&mut *store, instance)).transpose()?,
            webhook: indices.webhook.as_ref().map(|found| found.load(&mut *store, instance)).transpose()?,
        })
    }
}

impl Indices {
    fn of(pre: &InstancePre<State>, kinds: &[Kind]) -> Result<Self, LoadError> {
        let has = |kind: Kind| kinds.contains(&kind);
        let missing = |name: &str| {
            let name = format!("bulkhead:plugin/{name}@0.1.0");
            move |error: wasmtime::Error| LoadError::MissingExport { name, reason: format!("{error:#}") }
        };
        Ok(Self {
            lifecycle: exports::lifecycle::GuestIndices::new(pre).map_err(missing("lifecycle"))?,
            authenticator: has(Kind::Authenticator)
                .then(|| exports::authenticator::GuestIndices::new(pre).map_err(missing("authenticator")))
                .transpose()?,
            authorizer: has(Kind::Authorizer)
                .then(|| exports::authorizer::GuestIndices::new(pre).map_err(missing("authorizer")))
                .transpose()?,
            admission: has(Kind::Admission)
                .then(|| exports::admission::GuestIndices::new(pre).map_err(missing("admission")))
                .transpose()?,
            storage: has(Kind::Storage)
                .then(|| exports::storage::GuestIndices::new(pre).map_err(missing("storage")))
                .transpose()?,
            webhook: has(Kind::Webhook)
                .then(|| exports::webhook::GuestIndices::new(pre).map_err(missing("webhook")))
                .transpose()?,
        })
    }
}

/// Ours in this version, and WASI 0.2 without its HTTP.
fn check_imports(inspection: &Inspection) -> Result<(), LoadError> {
    const OURS: [&str; 11] =
        ["types", "objects", "log", "clock", "random", "http", "secrets", "kv", "accounts", "files", "below"];
    const WASI: [&str; 6] = ["io", "cli", "clocks", "filesystem", "random", "sockets"];
    for name in &inspection.imports {
        let known = match (name.strip_prefix("bulkhead:plugin/"), name.strip_prefix("wasi:")) {
            (Some(ours), _) => ours.strip_suffix("@0.1.0").is_some_and(|interface| OURS.contains(&interface)),
            (_, Some(wasi)) => wasi.split('/').next().is_some_and(|package| WASI.contains(&package)) && wasi.contains("@0.2."),
            _ => false,
        };
        if !known {
            let reason = "offered are the imports of bulkhead:plugin@0.1.0, and WASI 0.2 without its HTTP".to_owned();
            return Err(LoadError::UnknownImport { name: name.clone(), reason });
        }
    }
    Ok(())
}

/// The import that an error of the linker is about.
fn import_in(inspection: &Inspection, error: &wasmtime::Error) -> String {
    let text = format!("{error:#}");
    inspection.imports.iter().find(|name| text.contains(name.as_str())).cloned().unwrap_or_else(|| "?".to_owned())
}
