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

/// The attributes of a row of the table, as `convert::attributes` reads them. A sum: SQLite's shifts bind no tighter than its `|`.
macro_rules! attributes {
    ($table:literal) => {
        concat!(
            $table,
            ".delete_enabled + 2 * ",
            $table,
            ".write_enabled + 4 * ",
            $table,
            ".read_enabled + 8 * ",
            $table,
            ".list_enabled"
        )
    };
}
pub(crate) use attributes;

/// Whether a manifest or a tag of the repository may not be deleted. The conditions are those of
/// the indexes, word for word; named, since SQLite takes the table's own key for as good.
macro_rules! guarded {
    () => {
        concat!(
            "(EXISTS (SELECT 1 FROM manifests INDEXED BY manifests_locked WHERE repository_id = ",
            $crate::sql::repository!(),
            " AND (delete_enabled = 0 OR write_enabled = 0))
             OR EXISTS (SELECT 1 FROM tags INDEXED BY tags_locked WHERE repository_id = ",
            $crate::sql::repository!(),
            " AND (delete_enabled = 0 OR write_enabled = 0)))"
        )
    };
}
pub(crate) use guarded;
