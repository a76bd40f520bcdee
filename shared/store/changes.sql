-- The set operations of a sync, between the incoming tables and the store. A section may hold
-- several statements; every statement runs on SQLite and on PostgreSQL.

-- name: new_plan
DROP TABLE IF EXISTS plan;
CREATE TABLE pg_temp.plan (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, action TEXT NOT NULL, PRIMARY KEY (kind, perm_id));
DROP TABLE IF EXISTS anchored;
CREATE TABLE pg_temp.anchored (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, PRIMARY KEY (kind, perm_id));
-- where something lies that stays
DROP TABLE IF EXISTS occupied_place;
CREATE TABLE pg_temp.occupied_place (space TEXT, project TEXT, experiment TEXT, sample TEXT);
-- all that is not in every respect as the list says: the other comparisons look at nothing else
DROP TABLE IF EXISTS differing;
CREATE TABLE pg_temp.differing (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, action TEXT, PRIMARY KEY (kind, perm_id));

-- name: compare
INSERT INTO differing (kind, perm_id, action)
SELECT i.kind, i.perm_id,
       CASE WHEN e.perm_id IS NULL THEN 'new' WHEN e.source <> :source THEN 'foreign'
            WHEN e.content_hash <> i.content_hash OR e.identifier <> i.identifier
              OR coalesce(e.home_project, '') <> coalesce(i.home_project, '')
              OR coalesce(e.project_perm_id, '') <> coalesce(r.project_perm_id, '')
              OR coalesce(e.experiment_perm_id, '') <> coalesce(r.experiment_perm_id, '')
              OR coalesce(e.sample_perm_id, '') <> coalesce(r.sample_perm_id, '')
              OR coalesce(i.meta_data, e.meta_data, '{}') <> coalesce(e.meta_data, '{}')
            THEN 'changed' END
  FROM incoming_entity AS i
  LEFT JOIN entity AS e ON e.kind = i.kind AND e.perm_id = i.perm_id
  LEFT JOIN incoming_reference AS r ON r.kind = i.kind AND r.perm_id = i.perm_id
 WHERE e.perm_id IS NULL OR e.source <> :source OR e.content_hash <> i.content_hash
    OR e.identifier <> i.identifier
    OR coalesce(e.home_project, '') <> coalesce(i.home_project, '')
    OR coalesce(e.project_perm_id, '') <> coalesce(r.project_perm_id, '')
    OR coalesce(e.experiment_perm_id, '') <> coalesce(r.experiment_perm_id, '')
    OR coalesce(e.sample_perm_id, '') <> coalesce(r.sample_perm_id, '')
    OR coalesce(i.meta_data, e.meta_data, '{}') <> coalesce(e.meta_data, '{}')
    OR i.immutable_since IS NOT NULL AND e.immutable_since IS NULL
    OR e.registered <> i.registered OR e.modified <> i.modified OR e.frozen <> i.frozen
    OR coalesce(e.registrator, '') <> coalesce(i.registrator, '')
    OR coalesce(e.modifier, '') <> coalesce(i.modifier, '');
INSERT INTO plan (kind, perm_id, action)
SELECT kind, perm_id, action FROM differing WHERE action IS NOT NULL;
-- a record that could not be read is not gone
INSERT INTO plan (kind, perm_id, action)
SELECT e.kind, e.perm_id, 'gone' FROM entity AS e
 WHERE e.source = :source
   AND NOT EXISTS (SELECT 1 FROM incoming_entity AS i
                    WHERE i.kind = e.kind AND i.perm_id = e.perm_id)
   AND NOT EXISTS (SELECT 1 FROM incoming_fault AS f
                    WHERE f.kind = e.kind AND f.perm_id = e.perm_id);
UPDATE plan SET action = 'restored'
 WHERE action = 'gone' AND EXISTS (
    SELECT 1 FROM restored AS r WHERE r.kind = plan.kind AND r.perm_id = plan.perm_id);
-- what is gone stays as long as something lies in it that stays: because it is of another owner,
-- was restored, could not be read, or stays itself for these reasons
INSERT INTO occupied_place (space, project, experiment, sample)
SELECT DISTINCT CASE WHEN kind <> 'SPACE' THEN home_space END,
       project_perm_id, experiment_perm_id, sample_perm_id
  FROM entity WHERE source <> :source;
INSERT INTO occupied_place (space, project, experiment, sample)
SELECT DISTINCT CASE WHEN e.kind <> 'SPACE' THEN e.home_space END,
       e.project_perm_id, e.experiment_perm_id, e.sample_perm_id
  FROM restored AS r JOIN entity AS e ON e.kind = r.kind AND e.perm_id = r.perm_id;
INSERT INTO occupied_place (space, project, experiment, sample)
SELECT DISTINCT CASE WHEN e.kind <> 'SPACE' THEN e.home_space END,
       e.project_perm_id, e.experiment_perm_id, e.sample_perm_id
  FROM incoming_fault AS f JOIN entity AS e ON e.kind = f.kind AND e.perm_id = f.perm_id;
INSERT INTO anchored (kind, perm_id)
SELECT DISTINCT 'SAMPLE', o.sample FROM occupied_place AS o WHERE o.sample IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO anchored (kind, perm_id)
SELECT DISTINCT 'EXPERIMENT', o.experiment FROM occupied_place AS o WHERE o.experiment IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO anchored (kind, perm_id)
SELECT DISTINCT 'PROJECT', o.project FROM occupied_place AS o WHERE o.project IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO anchored (kind, perm_id)
SELECT DISTINCT 'SPACE', o.space FROM occupied_place AS o WHERE o.space IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO anchored (kind, perm_id)
SELECT DISTINCT 'EXPERIMENT', inside.experiment_perm_id FROM anchored AS s
  JOIN plan AS c ON c.kind = s.kind AND c.perm_id = s.perm_id AND c.action = 'gone'
  JOIN entity AS inside ON inside.kind = s.kind AND inside.perm_id = s.perm_id
 WHERE s.kind = 'SAMPLE' AND inside.experiment_perm_id IS NOT NULL
ON CONFLICT DO NOTHING;
UPDATE plan SET action = 'kept'
 WHERE action = 'gone' AND EXISTS (
    SELECT 1 FROM anchored AS s WHERE s.kind = plan.kind AND s.perm_id = plan.perm_id);

-- name: plan_files
INSERT INTO plan (kind, perm_id, action)
SELECT 'FILE', f.path,
       CASE WHEN EXISTS (SELECT 1 FROM restored AS r WHERE r.kind = 'FILE' AND r.perm_id = f.path)
            THEN 'restored' ELSE 'gone' END
  FROM service_file AS f
 WHERE f.source = :source
   AND NOT EXISTS (SELECT 1 FROM incoming_service_file AS i WHERE i.path = f.path)
   AND NOT EXISTS (SELECT 1 FROM incoming_fault AS x WHERE x.kind = 'FILE' AND x.perm_id = f.path);

-- name: planned
SELECT c.kind, c.perm_id, coalesce(i.identifier, e.identifier, c.perm_id)
  FROM plan AS c
  LEFT JOIN incoming_entity AS i ON i.kind = c.kind AND i.perm_id = c.perm_id
  LEFT JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
 WHERE c.action = :action
 ORDER BY 1, 3, 2 LIMIT :most;

-- name: register
INSERT INTO entity (
    kind, perm_id, code, identifier, type, space, project, experiment, sample, project_perm_id,
    experiment_perm_id, sample_perm_id, home_space,
    home_project, description, registrator, modifier, registered, modified, frozen, properties,
    data_set_kind, content_hash, unknown, meta_data, immutable_since, afs, source, source_modified)
SELECT i.kind, i.perm_id, i.code, i.identifier, i.type, i.space, i.project, i.experiment, i.sample,
       r.project_perm_id, r.experiment_perm_id, r.sample_perm_id, i.home_space, i.home_project, i.description,
       coalesce(:user_id, i.registrator), coalesce(:user_id, i.modifier),
       coalesce(:now, i.registered), coalesce(:now, i.modified), 0, i.properties,
       i.data_set_kind, i.content_hash, i.unknown, i.meta_data, NULL, i.afs, :source, i.modified
  FROM incoming_entity AS i
  JOIN plan AS c ON c.kind = i.kind AND c.perm_id = i.perm_id AND c.action = 'new'
  LEFT JOIN incoming_reference AS r ON r.kind = i.kind AND r.perm_id = i.perm_id
 WHERE i.kind = :kind ORDER BY i.perm_id;

-- name: update
UPDATE entity
   SET code = i.code, identifier = i.identifier, type = i.type, space = i.space,
       project = i.project, experiment = i.experiment, sample = i.sample,
       project_perm_id = r.project_perm_id, experiment_perm_id = r.experiment_perm_id,
       sample_perm_id = r.sample_perm_id,
       home_space = i.home_space, home_project = i.home_project, description = i.description,
       properties = i.properties, data_set_kind = i.data_set_kind, content_hash = i.content_hash,
       unknown = i.unknown, meta_data = coalesce(i.meta_data, entity.meta_data), afs = i.afs,
       modifier = coalesce(:user_id, entity.modifier), modified = coalesce(:now, entity.modified),
       source_modified = i.modified
  FROM incoming_entity AS i
  LEFT JOIN incoming_reference AS r ON r.kind = i.kind AND r.perm_id = i.perm_id, plan AS c
 WHERE c.kind = :kind AND c.action = 'changed'
   AND i.kind = :kind AND i.perm_id = c.perm_id
   AND entity.kind = :kind AND entity.perm_id = c.perm_id
   AND entity.perm_id IN (SELECT perm_id FROM plan WHERE kind = :kind AND action = 'changed');

-- name: drop_files
INSERT INTO file_removal (area, name)
SELECT 'DATA_SET', c.perm_id FROM plan AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
  JOIN incoming_entity AS i ON i.kind = c.kind AND i.perm_id = c.perm_id
 WHERE c.kind = 'DATA_SET' AND c.action = 'changed'
   AND e.data_set_kind = 'PHYSICAL' AND i.data_set_kind <> 'PHYSICAL'
ON CONFLICT DO NOTHING;

-- name: replace_links
DELETE FROM link
 WHERE kind = :kind AND from_perm_id IN (
    SELECT perm_id FROM plan WHERE kind = :kind AND action IN ('new', 'changed'));
INSERT INTO link (kind, from_perm_id, relation, to_perm_id, ordinal)
SELECT kind, from_perm_id, relation, to_perm_id, ordinal FROM incoming_link
 WHERE kind = :kind AND from_perm_id IN (
    SELECT perm_id FROM plan WHERE kind = :kind AND action IN ('new', 'changed'))
ON CONFLICT DO NOTHING;

-- name: replace_files
DELETE FROM data_set_file WHERE code IN (
    SELECT perm_id FROM plan WHERE kind = 'DATA_SET' AND action IN ('new', 'changed'));
INSERT INTO data_set_file (code, path, length, crc32, checksum, modified)
SELECT code, path, length, crc32, checksum, modified FROM incoming_data_set_file
 WHERE code IN (
    SELECT perm_id FROM plan WHERE kind = 'DATA_SET' AND action IN ('new', 'changed'))
ON CONFLICT DO NOTHING;
DELETE FROM content_copy WHERE code IN (
    SELECT perm_id FROM plan WHERE kind = 'DATA_SET' AND action IN ('new', 'changed'));
INSERT INTO content_copy (code, ordinal, external_dms, external_code, path, git_commit_hash,
                          git_repository_id, id)
SELECT code, ordinal, external_dms, external_code, path, git_commit_hash, git_repository_id, id
  FROM incoming_content_copy
 WHERE code IN (
    SELECT perm_id FROM plan WHERE kind = 'DATA_SET' AND action IN ('new', 'changed'))
ON CONFLICT DO NOTHING;

-- name: hold_back_data_sets
UPDATE plan SET action = 'waiting'
 WHERE kind = 'DATA_SET' AND action IN ('new', 'changed')
   AND EXISTS (SELECT 1 FROM incoming_entity AS i
                WHERE i.kind = 'DATA_SET' AND i.perm_id = plan.perm_id
                  AND i.data_set_kind = 'PHYSICAL')
   AND (EXISTS (SELECT 1 FROM incoming_data_set_file AS f
                 WHERE f.code = plan.perm_id AND NOT EXISTS (
                    SELECT 1 FROM data_set_file AS d
                     WHERE d.code = f.code AND d.path = f.path AND d.length = f.length
                       AND coalesce(d.crc32, -1) = coalesce(f.crc32, -1)
                       AND coalesce(d.checksum, '') = coalesce(f.checksum, '')
                       -- where there is no checksum, the time tells whether it is the same
                       AND (f.crc32 IS NOT NULL OR f.checksum IS NOT NULL
                         OR f.modified IS NULL OR f.modified = d.modified)))
     OR EXISTS (SELECT 1 FROM data_set_file AS d
                 WHERE d.code = plan.perm_id AND NOT EXISTS (
                    SELECT 1 FROM incoming_data_set_file AS f
                     WHERE f.code = d.code AND f.path = d.path))
     -- other empty folders
     OR EXISTS (SELECT 1 FROM incoming_entity AS i
                  LEFT JOIN entity AS e ON e.kind = 'DATA_SET' AND e.perm_id = plan.perm_id
                 WHERE i.kind = 'DATA_SET' AND i.perm_id = plan.perm_id
                   AND coalesce(i.afs, '[]') <> coalesce(e.afs, '[]')));

-- name: await_data_set
-- what another section has, or was made here, is not ours to bring
INSERT INTO plan (kind, perm_id, action)
SELECT 'DATA_SET', i.perm_id, 'waiting' FROM incoming_entity AS i
 WHERE i.kind = 'DATA_SET' AND i.perm_id = :code AND i.data_set_kind = 'PHYSICAL'
   AND NOT EXISTS (
    SELECT 1 FROM entity AS e
    WHERE e.kind = 'DATA_SET' AND e.perm_id = :code AND e.source <> :source)
ON CONFLICT (kind, perm_id) DO UPDATE SET action = 'waiting' WHERE plan.action <> 'stranded';

-- name: admit_data_set
UPDATE plan
   SET action = CASE WHEN EXISTS (SELECT 1 FROM entity AS e
                                   WHERE e.kind = 'DATA_SET' AND e.perm_id = :code)
                THEN 'changed' ELSE 'new' END
 WHERE kind = 'DATA_SET' AND perm_id = :code AND action = 'waiting';

-- name: yield_data_sets
UPDATE plan SET action = 'foreign'
 WHERE kind = 'DATA_SET' AND action IN ('new', 'changed')
   AND EXISTS (SELECT 1 FROM entity AS e
                WHERE e.kind = plan.kind AND e.perm_id = plan.perm_id
                  AND e.source <> :source);

-- name: settle_data_sets
UPDATE plan SET action = 'done' WHERE kind = 'DATA_SET' AND action IN ('new', 'changed');

-- name: remove_files
INSERT INTO file_removal (area, name)
SELECT 'DATA_SET', c.perm_id FROM plan AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
 WHERE c.action = 'gone' AND c.kind = 'DATA_SET' AND e.data_set_kind = 'PHYSICAL'
ON CONFLICT DO NOTHING;
INSERT INTO file_move (source, area, name, goal)
SELECT f.source, 'FILE', f.path, 'GONE' FROM plan AS c
  JOIN service_file AS f ON f.path = c.perm_id
 WHERE c.action = 'gone' AND c.kind = 'FILE'
ON CONFLICT (source, area, name) DO UPDATE SET goal = 'GONE', deletion = NULL;

-- name: delete
INSERT INTO file_removal (area, name)
SELECT DISTINCT 'ATTACHMENT', a.sha256 FROM attachment AS a
  JOIN plan AS c ON c.kind = a.kind AND c.perm_id = a.perm_id AND c.action = 'gone'
 WHERE a.sha256 IS NOT NULL
ON CONFLICT DO NOTHING;
DELETE FROM attachment WHERE EXISTS (
    SELECT 1 FROM plan AS c WHERE c.action = 'gone'
       AND c.kind = attachment.kind AND c.perm_id = attachment.perm_id);
DELETE FROM link WHERE EXISTS (
    SELECT 1 FROM plan AS c WHERE c.action = 'gone'
       AND c.kind = link.kind AND c.perm_id = link.from_perm_id);
DELETE FROM data_set_file WHERE EXISTS (
    SELECT 1 FROM plan AS c WHERE c.action = 'gone'
       AND c.kind = 'DATA_SET' AND c.perm_id = data_set_file.code);
DELETE FROM content_copy WHERE EXISTS (
    SELECT 1 FROM plan AS c WHERE c.action = 'gone'
       AND c.kind = 'DATA_SET' AND c.perm_id = content_copy.code);
DELETE FROM service_file WHERE EXISTS (
    SELECT 1 FROM plan AS c WHERE c.action = 'gone'
       AND c.kind = 'FILE' AND c.perm_id = service_file.path);
DELETE FROM entity WHERE EXISTS (
    SELECT 1 FROM plan AS c WHERE c.action = 'gone'
       AND c.kind = entity.kind AND c.perm_id = entity.perm_id);

-- name: stamps_differ
SELECT e.kind, e.perm_id, e.identifier FROM differing AS a CROSS JOIN entity AS e
  JOIN incoming_entity AS i ON i.kind = a.kind AND i.perm_id = a.perm_id
 WHERE e.kind = a.kind AND e.perm_id = a.perm_id AND e.source = :source
   AND (e.registered <> i.registered OR e.modified <> i.modified
     OR coalesce(e.registrator, '') <> coalesce(i.registrator, '')
     OR coalesce(e.modifier, '') <> coalesce(i.modifier, ''))
 ORDER BY 1, 3, 2;

-- name: copy_stamps
UPDATE entity SET registered = i.registered, modified = i.modified, source_modified = i.modified,
                  registrator = i.registrator, modifier = i.modifier
  FROM incoming_entity AS i, differing AS a
 WHERE a.kind = entity.kind AND a.perm_id = entity.perm_id
   AND i.kind = entity.kind AND i.perm_id = entity.perm_id AND entity.source = :source
   AND (entity.registered <> i.registered OR entity.modified <> i.modified
     OR coalesce(entity.registrator, '') <> coalesce(i.registrator, '')
     OR coalesce(entity.modifier, '') <> coalesce(i.modifier, ''));

-- name: users
SELECT registrator FROM incoming_entity WHERE registrator IS NOT NULL
UNION
SELECT modifier FROM incoming_entity WHERE modifier IS NOT NULL;

-- name: flags_differ
SELECT e.kind, e.perm_id, e.identifier FROM differing AS a CROSS JOIN entity AS e
  JOIN incoming_entity AS i ON i.kind = a.kind AND i.perm_id = a.perm_id
 WHERE e.kind = a.kind AND e.perm_id = a.perm_id AND e.source = :source AND e.frozen <> i.frozen
 ORDER BY 1, 3, 2;

-- name: copy_flags
UPDATE entity SET frozen = i.frozen FROM incoming_entity AS i, differing AS a
 WHERE a.kind = entity.kind AND a.perm_id = entity.perm_id
   AND i.kind = entity.kind AND i.perm_id = entity.perm_id AND entity.source = :source
   AND entity.frozen <> i.frozen;

-- name: immutable_times_differ
-- once known, such a time stays: openBIS never takes it back. It says that the AFS data, whose code is
-- the perm id of the owner, can no longer change, and so comes when they are here as the source has
-- them: not while they cannot be read, their files never came, or an older content is kept
SELECT e.kind, e.perm_id, e.identifier FROM differing AS a CROSS JOIN entity AS e
  JOIN incoming_entity AS i ON i.kind = a.kind AND i.perm_id = a.perm_id
 WHERE e.kind = a.kind AND e.perm_id = a.perm_id AND e.source = :source
   AND e.immutable_since IS NULL AND i.immutable_since IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM plan AS p
                    WHERE p.perm_id = e.perm_id
                      AND (p.kind = 'DATA_SET'
                       AND p.action IN ('new', 'changed', 'waiting', 'stranded')
                        OR p.kind = 'DATA_SET_CONTENT' AND p.action IN ('held', 'spared')))
   AND NOT EXISTS (SELECT 1 FROM incoming_fault AS f
                    WHERE f.kind = 'DATA_SET' AND f.perm_id = e.perm_id)
   AND NOT EXISTS (SELECT 1 FROM entity AS d
                    WHERE d.kind = 'DATA_SET' AND d.perm_id = e.perm_id
                      AND d.unknown LIKE '%"files"%')
 ORDER BY 1, 3, 2;

-- name: copy_immutable_times
UPDATE entity SET immutable_since = i.immutable_since FROM incoming_entity AS i, differing AS a
 WHERE a.kind = entity.kind AND a.perm_id = entity.perm_id
   AND i.kind = entity.kind AND i.perm_id = entity.perm_id AND entity.source = :source
   AND entity.immutable_since IS NULL AND i.immutable_since IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM plan AS p
                    WHERE p.perm_id = entity.perm_id
                      AND (p.kind = 'DATA_SET'
                       AND p.action IN ('new', 'changed', 'waiting', 'stranded')
                        OR p.kind = 'DATA_SET_CONTENT' AND p.action IN ('held', 'spared')))
   AND NOT EXISTS (SELECT 1 FROM incoming_fault AS f
                    WHERE f.kind = 'DATA_SET' AND f.perm_id = entity.perm_id)
   AND NOT EXISTS (SELECT 1 FROM entity AS d
                    WHERE d.kind = 'DATA_SET' AND d.perm_id = entity.perm_id
                      AND d.unknown LIKE '%"files"%');

-- name: holders_differ
WITH holder AS (
    SELECT i.kind, i.perm_id FROM incoming_attachment AS i WHERE NOT EXISTS (
        SELECT 1 FROM attachment AS a
         WHERE a.kind = i.kind AND a.perm_id = i.perm_id
           AND a.file_name = i.file_name AND a.version = i.version
           AND coalesce(a.title, '') = coalesce(i.title, '')
           AND coalesce(a.description, '') = coalesce(i.description, '')
           AND (i.sha256 IS NULL OR a.sha256 = i.sha256)
           AND coalesce(i.registrator, '') IN ('', a.registrator)
           AND coalesce(i.registered, a.registered, 0) = coalesce(a.registered, 0))
    UNION
    SELECT a.kind, a.perm_id FROM attachment AS a WHERE NOT EXISTS (
        SELECT 1 FROM incoming_attachment AS i
         WHERE i.kind = a.kind AND i.perm_id = a.perm_id
           AND i.file_name = a.file_name AND i.version >= a.version))
SELECT e.kind, e.perm_id, e.identifier FROM holder AS h
  JOIN entity AS e ON e.kind = h.kind AND e.perm_id = h.perm_id
 WHERE e.source = :source AND e.kind IN ('PROJECT', 'EXPERIMENT', 'SAMPLE')
   AND EXISTS (SELECT 1 FROM incoming_entity AS i
                WHERE i.kind = e.kind AND i.perm_id = e.perm_id)
 ORDER BY 1, 3, 2;

-- name: drop_attachments
INSERT INTO file_removal (area, name)
SELECT DISTINCT 'ATTACHMENT', sha256 FROM attachment
 WHERE kind = :kind AND perm_id = :perm_id AND sha256 IS NOT NULL
ON CONFLICT DO NOTHING;
DELETE FROM attachment WHERE kind = :kind AND perm_id = :perm_id;

-- name: removals
SELECT r.area, r.name,
       CASE WHEN r.area = 'DATA_SET' THEN EXISTS (
                SELECT 1 FROM entity AS e WHERE e.kind = 'DATA_SET' AND e.perm_id = r.name
                                            AND e.data_set_kind = 'PHYSICAL')
            WHEN r.area = 'ATTACHMENT' THEN EXISTS (
                SELECT 1 FROM attachment AS a WHERE a.sha256 = r.name) OR EXISTS (
                SELECT 1 FROM trash_attachment AS t WHERE t.sha256 = r.name)
            WHEN r.area = 'TRASH' THEN EXISTS (
                SELECT 1 FROM deletion AS d WHERE CAST(d.id AS TEXT) = r.name) OR EXISTS (
                SELECT 1 FROM file_move AS m WHERE CAST(m.deletion AS TEXT) = r.name)
            ELSE EXISTS (SELECT 1 FROM service_file AS f WHERE f.path = r.name) END
       OR EXISTS (SELECT 1 FROM arrival AS c
                   WHERE c.area = r.area AND c.name = r.name AND c.source <> :source)
  FROM file_removal AS r ORDER BY 1, 2;

-- name: removed
DELETE FROM file_removal WHERE area = :area AND name = :name;

-- name: service_files
SELECT i.path, i.modified, i.length, i.sha256, i.href,
       f.source AS owner, f.sha256 AS stored_sha256
  FROM incoming_service_file AS i LEFT JOIN service_file AS f ON f.path = i.path
 WHERE f.path IS NULL OR f.sha256 <> i.sha256
 ORDER BY i.path;

-- name: service_files_gone
SELECT f.path FROM service_file AS f
 WHERE f.source = :source
   AND NOT EXISTS (SELECT 1 FROM incoming_service_file AS i WHERE i.path = f.path)
   AND NOT EXISTS (SELECT 1 FROM incoming_fault AS x WHERE x.kind = 'FILE' AND x.perm_id = f.path)
   AND NOT EXISTS (SELECT 1 FROM restored AS r WHERE r.kind = 'FILE' AND r.perm_id = f.path)
 ORDER BY f.path;

-- name: put_service_file
DELETE FROM service_file WHERE path = :path;
INSERT INTO service_file (path, source, modified, length, sha256)
VALUES (:path, :source, :modified, :length, :sha256);

-- name: foreign_differ
SELECT e.kind, e.perm_id, e.identifier, e.source FROM plan AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
  JOIN incoming_entity AS i ON i.kind = c.kind AND i.perm_id = c.perm_id
 WHERE c.action = 'foreign'
   AND (e.content_hash <> i.content_hash
     OR coalesce(i.meta_data, e.meta_data, '{}') <> coalesce(e.meta_data, '{}'))
   -- what the source cannot show now says nothing about what is here
   AND NOT EXISTS (SELECT 1 FROM incoming_unknown AS u
                    WHERE u.kind = c.kind AND u.perm_id = c.perm_id)
 ORDER BY 1, 3, 2;

-- name: physical_files
SELECT f.code, f.path, f.length, f.crc32, f.checksum, f.modified FROM data_set_file AS f
  JOIN entity AS e ON e.kind = 'DATA_SET' AND e.perm_id = f.code
 WHERE e.source = :source AND e.data_set_kind = 'PHYSICAL'
 ORDER BY 1, 2;

-- name: empty_folders
SELECT e.perm_id, e.afs FROM entity AS e
 WHERE e.source = :source AND e.kind = 'DATA_SET' AND e.afs IS NOT NULL AND e.afs <> '[]'
 ORDER BY 1;

-- name: attachment_contents
SELECT a.kind, a.perm_id, a.file_name, a.version, a.length, a.sha256 FROM attachment AS a
  JOIN entity AS e ON e.kind = a.kind AND e.perm_id = a.perm_id
 WHERE e.source = :source AND a.sha256 IS NOT NULL
 ORDER BY 1, 2, 3, 4;

-- name: service_contents
SELECT f.path, f.length, f.sha256 FROM service_file AS f WHERE f.source = :source ORDER BY 1;
