//! What `wasmtime::component::bindgen!` makes of the SDK's WIT package, seen from the host. Nothing is written by hand here: the
//! macro is slow to compile, so `bulkhead-plugin`, the only crate that uses it, can be edited without paying for it.
//!
//! The one world imports everything that a plugin may ask for and exports every kind. No component exports all of them: the host uses the
//! `GuestIndices` of each interface (`exports::bulkhead::plugin::<kind>`), never the world's own struct.
//!
//! What a guest is only told borrows from the host's own values: a manifest of many MiB goes into the guest without a copy in between. A type
//! that guests answer too (an identity) is an owned one everywhere.
#![allow(missing_docs, clippy::all)]

wasmtime::component::bindgen!({
    inline: "
        package bulkhead:host;

        world everything {
            include bulkhead:plugin/imports@0.1.0;
            export bulkhead:plugin/lifecycle@0.1.0;
            export bulkhead:plugin/authenticator@0.1.0;
            export bulkhead:plugin/authorizer@0.1.0;
            export bulkhead:plugin/admission@0.1.0;
            export bulkhead:plugin/storage@0.1.0;
            export bulkhead:plugin/webhook@0.1.0;
        }
    ",
    path: "../../../plugin-sdk/wit",
    world: "bulkhead:host/everything",
    ownership: Borrowing { duplicate_if_necessary: false },
    imports: {
        "bulkhead:plugin/http": async,
        "bulkhead:plugin/secrets": async,
        "bulkhead:plugin/kv": async,
        "bulkhead:plugin/accounts": async,
        "bulkhead:plugin/files": async,
        "bulkhead:plugin/below": async,
    },
    exports: { default: async },
});
