-- The accounts that the host keeps, apart for each registry. Times are milliseconds since 1970.

CREATE TABLE scope_maps (
    id          INTEGER PRIMARY KEY,
    registry_id INTEGER NOT NULL REFERENCES registries (id),
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    -- A JSON array of pairs: `repository` or `prefix/*`, and an array of rights. A map is read and written as a whole.
    scopes      TEXT NOT NULL,
    created     INTEGER NOT NULL,
    UNIQUE (registry_id, name)
) STRICT;

CREATE TABLE accounts (
    id           INTEGER PRIMARY KEY,
    registry_id  INTEGER NOT NULL REFERENCES registries (id),
    name         TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('admin', 'service-principal', 'token')),
    display_name TEXT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('enabled', 'disabled')),
    -- A JSON array of names.
    roles        TEXT NOT NULL,
    -- A map of the same registry: it is looked up by the registry and its name.
    scope_map_id INTEGER REFERENCES scope_maps (id),
    created      INTEGER NOT NULL,
    UNIQUE (registry_id, name),
    -- Who may be administrator is told by the name alone, so nothing else ever has it.
    CHECK ((kind = 'admin') = (name = 'admin')),
    CHECK (kind <> 'token' OR (scope_map_id IS NOT NULL AND roles = '[]'))
) STRICT;

CREATE INDEX accounts_by_kind ON accounts (registry_id, kind, name);
CREATE INDEX accounts_by_scope_map ON accounts (scope_map_id) WHERE scope_map_id IS NOT NULL;

CREATE TABLE account_secrets (
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    slot       INTEGER NOT NULL CHECK (slot IN (1, 2)),
    -- Marks the secret in tokens. It is no part of the secret.
    id         TEXT NOT NULL,
    -- argon2id, in PHC form.
    hash       TEXT NOT NULL,
    created    INTEGER NOT NULL,
    expires    INTEGER,
    PRIMARY KEY (account_id, slot)
) STRICT, WITHOUT ROWID;
