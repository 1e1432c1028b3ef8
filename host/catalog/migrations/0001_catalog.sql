-- The first shape of the catalog. Times are milliseconds since 1970; digests are `algorithm:hex`; text compares by bytes.

CREATE TABLE registries (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    -- What every object key of the registry begins with.
    prefix  TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE repositories (
    id          INTEGER PRIMARY KEY,
    registry_id INTEGER NOT NULL REFERENCES registries (id),
    name        TEXT NOT NULL,
    created     INTEGER NOT NULL,
    UNIQUE (registry_id, name)
) STRICT;

-- Bytes that the registry's object store has. A row outlives the last repository that names it, until it is collected.
CREATE TABLE blobs (
    registry_id INTEGER NOT NULL REFERENCES registries (id),
    digest      TEXT NOT NULL,
    size        INTEGER NOT NULL,
    object_key  TEXT NOT NULL,
    created     INTEGER NOT NULL,
    PRIMARY KEY (registry_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE repository_blobs (
    repository_id INTEGER NOT NULL REFERENCES repositories (id),
    digest        TEXT NOT NULL,
    created       INTEGER NOT NULL,
    PRIMARY KEY (repository_id, digest)
) STRICT, WITHOUT ROWID;

-- With a rowid: bodies of up to 4 KB then lie in the row's own page, which they would not in a table without.
CREATE TABLE manifests (
    id            INTEGER PRIMARY KEY,
    repository_id INTEGER NOT NULL REFERENCES repositories (id),
    digest        TEXT NOT NULL,
    media_type    TEXT NOT NULL,
    size          INTEGER NOT NULL,
    artifact_type TEXT,
    subject       TEXT,
    created       INTEGER NOT NULL,
    body          BLOB NOT NULL,
    UNIQUE (repository_id, digest)
) STRICT;

CREATE INDEX manifests_by_subject ON manifests (repository_id, subject, digest) WHERE subject IS NOT NULL;

-- What a manifest needs or refers to. `manifest` is the row of the manifest that does.
CREATE TABLE manifest_references (
    repository_id INTEGER NOT NULL,
    manifest      INTEGER NOT NULL REFERENCES manifests (id) ON DELETE CASCADE,
    kind          TEXT NOT NULL CHECK (kind IN ('blob', 'manifest', 'subject')),
    digest        TEXT NOT NULL,
    PRIMARY KEY (manifest, kind, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE tags (
    repository_id INTEGER NOT NULL,
    name          TEXT NOT NULL,
    digest        TEXT NOT NULL,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL,
    PRIMARY KEY (repository_id, name),
    FOREIGN KEY (repository_id, digest) REFERENCES manifests (repository_id, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX tags_by_digest ON tags (repository_id, digest);

-- `repository` is a name: an upload makes no repository before it is complete.
CREATE TABLE uploads (
    registry_id INTEGER NOT NULL REFERENCES registries (id),
    id          TEXT NOT NULL,
    repository  TEXT NOT NULL,
    actor       TEXT,
    offset      INTEGER NOT NULL,
    algorithm   TEXT NOT NULL,
    hash        BLOB NOT NULL,
    driver      BLOB NOT NULL,
    created     INTEGER NOT NULL,
    touched     INTEGER NOT NULL,
    PRIMARY KEY (registry_id, id)
) STRICT, WITHOUT ROWID;

-- The outbox. A number is never used twice, so that a late settlement cannot hit another delivery.
CREATE TABLE deliveries (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    registry_id INTEGER NOT NULL REFERENCES registries (id),
    webhook     TEXT NOT NULL,
    event       TEXT NOT NULL,
    attempts    INTEGER NOT NULL,
    due         INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('pending', 'given-up')),
    last_reason TEXT
) STRICT;

CREATE INDEX deliveries_due ON deliveries (due, id) WHERE state = 'pending';
CREATE INDEX deliveries_given_up ON deliveries (registry_id, id) WHERE state = 'given-up';

CREATE TABLE plugin_state (
    plugin  TEXT NOT NULL,
    key     TEXT NOT NULL,
    value   BLOB NOT NULL,
    expires INTEGER,
    PRIMARY KEY (plugin, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX plugin_state_expires ON plugin_state (expires) WHERE expires IS NOT NULL;
