//! Pieces of SQL that several statements share. Macros, since `concat!` joins nothing else.
//!
//! Parameters are `$N`: numbered `?N` would be bound wrongly in a script whose statements use different ones. In every statement of a
//! repository, `$1` is the registry and `$2` the repository's name.

/// The row of the repository; null: there is none.
macro_rules! repository {
    () => {
        "(SELECT id FROM repositories WHERE registry_id = $1 AND name = $2)"
    };
}
pub(crate) use repository;
