//! What `wit-bindgen` makes of `wit/`: the only place in this crate with unsafe code, all of it generated.
//!
//! One world for each kind, because a component must export the kinds that its author named and no other; all of them share the types and
//! imports of the first one. `lifecycle`, which every plugin exports once, has a world of its own too, so that a plugin of several kinds
//! does not export it twice. The export macros are called by [`export!`](crate::export), the types are re-exported by the modules of the
//! kinds; nobody else uses this module.
#![allow(unsafe_code, missing_docs, clippy::all)]

/// What a plugin may ask of the host, and the types that every kind shares.
pub mod imports {
    wit_bindgen::generate!({
        path: "wit",
        world: "imports",
        generate_unused_types: true,
        additional_derives: [PartialEq, Eq],
    });
}

/// The export that every plugin has.
pub mod lifecycle {
    wit_bindgen::generate!({
        inline: "package bulkhead:sdk; world lifecycle-alone { export bulkhead:plugin/lifecycle@0.1.0; }",
        path: "wit",
        world: "lifecycle-alone",
        with: { "bulkhead:plugin/types@0.1.0": crate::bindings::imports::bulkhead::plugin::types },
        pub_export_macro: true,
        default_bindings_module: "bulkhead_plugin_sdk::bindings::lifecycle",
    });
}

/// Kind `authenticator`.
pub mod authenticator {
    wit_bindgen::generate!({
        inline: "package bulkhead:sdk; world authenticator-alone { export bulkhead:plugin/authenticator@0.1.0; }",
        path: "wit",
        world: "authenticator-alone",
        with: { "bulkhead:plugin/types@0.1.0": crate::bindings::imports::bulkhead::plugin::types },
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        default_bindings_module: "bulkhead_plugin_sdk::bindings::authenticator",
    });
}

/// Kind `authorizer`.
pub mod authorizer {
    wit_bindgen::generate!({
        inline: "package bulkhead:sdk; world authorizer-alone { export bulkhead:plugin/authorizer@0.1.0; }",
        path: "wit",
        world: "authorizer-alone",
        with: { "bulkhead:plugin/types@0.1.0": crate::bindings::imports::bulkhead::plugin::types },
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        default_bindings_module: "bulkhead_plugin_sdk::bindings::authorizer",
    });
}

/// Kind `admission`.
pub mod admission {
    wit_bindgen::generate!({
        inline: "package bulkhead:sdk; world admission-alone { export bulkhead:plugin/admission@0.1.0; }",
        path: "wit",
        world: "admission-alone",
        with: { "bulkhead:plugin/types@0.1.0": crate::bindings::imports::bulkhead::plugin::types },
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        default_bindings_module: "bulkhead_plugin_sdk::bindings::admission",
    });
}

/// Kind `storage`.
pub mod storage {
    wit_bindgen::generate!({
        inline: "package bulkhead:sdk; world storage-alone { export bulkhead:plugin/storage@0.1.0; }",
        path: "wit",
        world: "storage-alone",
        with: {
            "bulkhead:plugin/types@0.1.0": crate::bindings::imports::bulkhead::plugin::types,
            "bulkhead:plugin/objects@0.1.0": crate::bindings::imports::bulkhead::plugin::objects,
        },
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        default_bindings_module: "bulkhead_plugin_sdk::bindings::storage",
    });
}

/// Kind `webhook`.
pub mod webhook {
    wit_bindgen::generate!({
        inline: "package bulkhead:sdk; world webhook-alone { export bulkhead:plugin/webhook@0.1.0; }",
        path: "wit",
        world: "webhook-alone",
        with: { "bulkhead:plugin/types@0.1.0": crate::bindings::imports::bulkhead::plugin::types },
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        default_bindings_module: "bulkhead_plugin_sdk::bindings::webhook",
    });
}
