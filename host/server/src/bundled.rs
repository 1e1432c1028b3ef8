//! The components that are embedded in this binary as `builtin:NAME`; `build.rs` makes the table.

include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// Their names.
pub fn names() -> Vec<&'static str> {
    BUNDLED.iter().map(|(name, _)| *name).collect()
}

/// The component of this name.
pub fn component(name: &str) -> Option<&'static [u8]> {
    BUNDLED.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
}
