-- What the whole protocol needs: lists that cost the same however deep they are read, and deletions that ask who needs what.

-- 1 while the repository has a manifest. The list of repositories shows these alone, and walks over no others.
ALTER TABLE repositories ADD COLUMN listed INTEGER NOT NULL DEFAULT 0 CHECK (listed IN (0, 1));
UPDATE repositories SET listed = 1 WHERE EXISTS (SELECT 1 FROM manifests WHERE repository_id = repositories.id);
CREATE INDEX repositories_listed ON repositories (registry_id, name) WHERE listed = 1;

-- The annotations of manifests with a subject, as a JSON object of strings; no row: none. A table of its own: in the manifest's row they
-- would lie behind the body, and every page of that had to be read to come to them.
CREATE TABLE manifest_annotations (
    manifest    INTEGER PRIMARY KEY REFERENCES manifests (id) ON DELETE CASCADE,
    annotations TEXT NOT NULL
) STRICT;
INSERT INTO manifest_annotations (manifest, annotations)
SELECT id, annotations FROM (
    SELECT id, CASE WHEN json_valid(CAST(body AS TEXT)) THEN json_extract(CAST(body AS TEXT), '$.annotations') END AS annotations
    FROM manifests WHERE subject IS NOT NULL
)
WHERE CASE WHEN json_valid(annotations) THEN
    json_type(annotations) = 'object' AND annotations <> '{}'
    AND NOT EXISTS (SELECT 1 FROM json_each(annotations) WHERE type <> 'text')
END;

-- Referrers of one artifact type.
CREATE INDEX manifests_by_artifact_type ON manifests (repository_id, subject, artifact_type, digest) WHERE subject IS NOT NULL;

-- Which index lists this manifest? Blobs are left out: an entry for each layer would make a push of a manifest half as dear again, for the
-- sake of deletions of single blobs, which are rare and can walk over the repository's manifests.
CREATE INDEX manifest_references_to_manifests ON manifest_references (repository_id, digest) WHERE kind = 'manifest';

-- Which repositories have this blob?
CREATE INDEX repository_blobs_by_digest ON repository_blobs (digest, repository_id);

-- Which uploads have not grown for long?
CREATE INDEX uploads_by_touched ON uploads (registry_id, touched, id);
