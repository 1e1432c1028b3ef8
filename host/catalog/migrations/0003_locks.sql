-- Locks: what may be done to a repository, a manifest or a tag, as Azure Container Registry has it. 0 forbids. A column of 0 or 1 takes no
-- byte but in a row's head, so that it is read without the pages of a body before it.

ALTER TABLE repositories ADD COLUMN delete_enabled INTEGER NOT NULL DEFAULT 1 CHECK (delete_enabled IN (0, 1));
ALTER TABLE repositories ADD COLUMN write_enabled INTEGER NOT NULL DEFAULT 1 CHECK (write_enabled IN (0, 1));
ALTER TABLE repositories ADD COLUMN read_enabled INTEGER NOT NULL DEFAULT 1 CHECK (read_enabled IN (0, 1));
ALTER TABLE repositories ADD COLUMN list_enabled INTEGER NOT NULL DEFAULT 1 CHECK (list_enabled IN (0, 1));
ALTER TABLE manifests ADD COLUMN delete_enabled INTEGER NOT NULL DEFAULT 1 CHECK (delete_enabled IN (0, 1));
ALTER TABLE manifests ADD COLUMN write_enabled INTEGER NOT NULL DEFAULT 1 CHECK (write_enabled IN (0, 1));
ALTER TABLE manifests ADD COLUMN read_enabled INTEGER NOT NULL DEFAULT 1 CHECK (read_enabled IN (0, 1));
ALTER TABLE manifests ADD COLUMN list_enabled INTEGER NOT NULL DEFAULT 1 CHECK (list_enabled IN (0, 1));
ALTER TABLE tags ADD COLUMN delete_enabled INTEGER NOT NULL DEFAULT 1 CHECK (delete_enabled IN (0, 1));
ALTER TABLE tags ADD COLUMN write_enabled INTEGER NOT NULL DEFAULT 1 CHECK (write_enabled IN (0, 1));
ALTER TABLE tags ADD COLUMN read_enabled INTEGER NOT NULL DEFAULT 1 CHECK (read_enabled IN (0, 1));
ALTER TABLE tags ADD COLUMN list_enabled INTEGER NOT NULL DEFAULT 1 CHECK (list_enabled IN (0, 1));

-- When a manifest or a tag of it, or its own attributes, last changed. What was deleted before this migration left no time behind.
ALTER TABLE repositories ADD COLUMN updated INTEGER NOT NULL DEFAULT 0;
UPDATE repositories SET updated = max(
    created,
    ifnull((SELECT max(created) FROM manifests WHERE repository_id = repositories.id), 0),
    ifnull((SELECT max(updated) FROM tags WHERE repository_id = repositories.id), 0)
);

-- When a manifest's attributes last changed; null: never, which is what a new one has. Nothing else of a manifest changes.
ALTER TABLE manifests ADD COLUMN updated INTEGER;

-- Lists show what may be listed, and walk over nothing else.
DROP INDEX repositories_listed;
CREATE INDEX repositories_listed ON repositories (registry_id, name) WHERE listed = 1 AND list_enabled = 1;
CREATE INDEX tags_listed ON tags (repository_id, name) WHERE list_enabled = 1;
DROP INDEX manifests_by_subject;
CREATE INDEX manifests_by_subject ON manifests (repository_id, subject, digest) WHERE subject IS NOT NULL AND list_enabled = 1;
DROP INDEX manifests_by_artifact_type;
CREATE INDEX manifests_by_artifact_type ON manifests (repository_id, subject, artifact_type, digest)
    WHERE subject IS NOT NULL AND list_enabled = 1;

-- Is anything in this repository locked? Most have nothing, and then these have no row of it.
CREATE INDEX manifests_locked ON manifests (repository_id) WHERE delete_enabled = 0 OR write_enabled = 0;
CREATE INDEX tags_locked ON tags (repository_id) WHERE delete_enabled = 0 OR write_enabled = 0;
