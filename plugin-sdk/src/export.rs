//! From an author's type to a component: what [`export!`](crate::export) expands to.
//!
//! The instance lives in a thread-local slot that `configure` fills; a call before that is an error, never a panic. Authors use the macro
//! alone.

use core::cell::RefCell;
use core::marker::PhantomData;
use std::thread::LocalKey;

use crate::bindings::lifecycle::exports::bulkhead::plugin::lifecycle;
use crate::{Error, Plugin, Result, log, settings};

/// Where an instance is kept.
pub type Slot<P> = RefCell<Option<P>>;

/// A plugin with a place to keep its instance; implemented by [`export!`](crate::export).
pub trait Held: Plugin {
    /// That place.
    fn slot() -> &'static LocalKey<Slot<Self>>;
}

/// Implements the generated traits of each kind that `P` implements in Rust.
pub struct Adapter<P>(PhantomData<P>);

impl<P: Held> lifecycle::Guest for Adapter<P> {
    fn configure(text: String) -> Result<()> {
        std::panic::set_hook(Box::new(|panic| log::error(&panic.to_string())));
        let plugin = P::new(settings::parse(&text)?)?;
        P::slot().with_borrow_mut(|slot| *slot = Some(plugin));
        Ok(())
    }
}

/// Calls the instance.
pub(crate) fn with<P: Held, T>(call: impl FnOnce(&mut P) -> Result<T>) -> Result<T> {
    P::slot().with_borrow_mut(|slot| match slot {
        Some(plugin) => call(plugin),
        None => Err(Error::internal("called before it was configured")),
    })
}

/// Exports a plugin under the kinds named: `export!(Mine: Authenticator, Authorizer);`.
///
/// Kinds are `Authenticator`, `Authorizer`, `Admission`, `Storage` and `Webhook`. Use it once in a crate, whose `crate-type` is `cdylib`.
#[macro_export]
macro_rules! export {
    ($plugin:ident : $($kind:ident),+ $(,)?) => {
        #[allow(unsafe_code, reason = "generated: the component model's calling convention")]
        const _: () = {
            ::std::thread_local! {
                static INSTANCE: $crate::export::Slot<$plugin> = const { ::core::cell::RefCell::new(None) };
            }

            impl $crate::export::Held for $plugin {
                fn slot() -> &'static ::std::thread::LocalKey<$crate::export::Slot<Self>> {
                    &INSTANCE
                }
            }

            #[cfg(target_arch = "wasm32")]
            type Exported = $crate::export::Adapter<$plugin>;
            #[cfg(target_arch = "wasm32")]
            $crate::bindings::lifecycle::export!(Exported with_types_in $crate::bindings::lifecycle);
            $($crate::__export_kind!($kind $plugin);)+
        };
    };
}

/// One kind of [`export!`]. Outside Wasm it only checks that the plugin implements the trait.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_kind {
    (Authenticator $plugin:ident) => { $crate::__export_kind!(@ Authenticator authenticator $plugin); };
    (Authorizer $plugin:ident) => { $crate::__export_kind!(@ Authorizer authorizer $plugin); };
    (Admission $plugin:ident) => { $crate::__export_kind!(@ Admission admission $plugin); };
    (Storage $plugin:ident) => { $crate::__export_kind!(@ Storage storage $plugin); };
    (Webhook $plugin:ident) => { $crate::__export_kind!(@ Webhook webhook $plugin); };
    ($other:ident $plugin:ident) => {
        ::core::compile_error!(::core::concat!(
            "`", ::core::stringify!($other), "` is no kind of plugin: Authenticator, Authorizer, Admission, Storage, Webhook"
        ));
    };
    (@ $trait:ident $module:ident $plugin:ident) => {
        const _: () = {
            const fn implements<P: $crate::$trait>() {}
            implements::<$plugin>();
            #[cfg(target_arch = "wasm32")]
            type Exported = $crate::export::Adapter<$plugin>;
            #[cfg(target_arch = "wasm32")]
            $crate::bindings::$module::export!(Exported with_types_in $crate::bindings::$module);
        };
    };
}
