-- Unknown is not none: what a list does not show of an entity, and that is not gone, is added to the
-- incoming rows from the store, so that every comparison finds it there. Every statement runs on
-- SQLite and on PostgreSQL. ``completed`` are the entities whose hash is to be computed anew.

-- name: new_completion
DROP TABLE IF EXISTS completed;
CREATE TABLE pg_temp.completed (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, PRIMARY KEY (kind, perm_id));
DROP TABLE IF EXISTS marked;
CREATE TABLE pg_temp.marked (
    part TEXT NOT NULL, kind TEXT NOT NULL, perm_id TEXT NOT NULL,
    PRIMARY KEY (part, kind, perm_id));

-- name: note_marks
INSERT INTO completed (kind, perm_id)
SELECT DISTINCT u.kind, u.perm_id FROM incoming_unknown AS u
 WHERE u.part NOT IN ('file-service', 'afs');
INSERT INTO marked (part, kind, perm_id)
SELECT DISTINCT u.part, u.kind, u.perm_id FROM incoming_unknown AS u
  JOIN entity AS e ON e.kind = u.kind AND e.perm_id = u.perm_id AND e.source = :source;

-- name: keep_afs
-- AFS data are not gone because their owner could not be read, nor from a list that says nothing of
-- AFS data; without their owner they are
DELETE FROM plan
 WHERE kind = 'DATA_SET' AND action = 'gone'
   AND perm_id IN (SELECT e.perm_id FROM entity AS e
                    WHERE e.kind = 'DATA_SET' AND e.source = :source AND e.afs IS NOT NULL)
   AND (EXISTS (SELECT 1 FROM incoming_fault AS f
                 WHERE f.kind IN ('EXPERIMENT', 'SAMPLE') AND f.perm_id = plan.perm_id)
     OR (EXISTS (SELECT 1 FROM incoming_unknown AS u WHERE u.part = 'afs')
     AND EXISTS (SELECT 1 FROM incoming_entity AS o
                  WHERE o.kind IN ('EXPERIMENT', 'SAMPLE') AND o.perm_id = plan.perm_id)));

-- name: complete_files
-- the time of AFS data is that of their latest file, which may be one that is not listed now
UPDATE incoming_entity
   SET modified = (SELECT e.source_modified FROM entity AS e
                    WHERE e.kind = 'DATA_SET' AND e.perm_id = incoming_entity.perm_id)
 WHERE kind = 'DATA_SET'
   AND perm_id IN (SELECT m.perm_id FROM marked AS m
                     JOIN entity AS e ON e.kind = m.kind AND e.perm_id = m.perm_id
                     JOIN incoming_entity AS i ON i.kind = m.kind AND i.perm_id = m.perm_id
                    WHERE m.part = 'files' AND m.kind = 'DATA_SET'
                      AND e.afs IS NOT NULL AND e.source_modified > i.modified);
-- files that a source lists and cannot give now are not fetched: what is not here is not listed
DELETE FROM incoming_data_set_file
 WHERE code IN (SELECT u.perm_id FROM incoming_unknown AS u
                 WHERE u.kind = 'DATA_SET' AND u.part = 'files'
                   AND u.reason IN ('archived', 'not-mounted', 'not-fed', 'not-harvested'))
   AND NOT EXISTS (SELECT 1 FROM data_set_file AS d
                    WHERE d.code = incoming_data_set_file.code
                      AND d.path = incoming_data_set_file.path);
INSERT INTO incoming_data_set_file (code, path, length, crc32, checksum, modified)
SELECT d.code, d.path, d.length, d.crc32, d.checksum, d.modified FROM marked AS m
  JOIN data_set_file AS d ON d.code = m.perm_id
 WHERE m.part = 'files' AND m.kind = 'DATA_SET'
   AND NOT EXISTS (SELECT 1 FROM incoming_data_set_file AS f
                    WHERE f.code = d.code AND f.path = d.path)
   -- a container has no files, whatever the mark says
   AND NOT EXISTS (SELECT 1 FROM incoming_entity AS i
                    WHERE i.kind = 'DATA_SET' AND i.perm_id = d.code
                      AND i.data_set_kind = 'CONTAINER');

-- name: complete_attachments
-- a version whose content cannot be given now comes without, unless it is here
UPDATE incoming_attachment SET sha256 = NULL, length = NULL
 WHERE href IS NULL AND sha256 IS NOT NULL
   AND EXISTS (SELECT 1 FROM incoming_unknown AS u
                WHERE u.kind = incoming_attachment.kind AND u.part = 'attachments'
                  AND u.perm_id = incoming_attachment.perm_id)
   AND NOT EXISTS (SELECT 1 FROM attachment AS a
                    WHERE a.kind = incoming_attachment.kind
                      AND a.perm_id = incoming_attachment.perm_id
                      AND a.file_name = incoming_attachment.file_name
                      AND a.version = incoming_attachment.version
                      AND a.sha256 = incoming_attachment.sha256);
INSERT INTO incoming_attachment (kind, perm_id, file_name, version, title, description,
                                 registrator, registered, length, sha256)
SELECT a.kind, a.perm_id, a.file_name, a.version, a.title, a.description,
       a.registrator, a.registered, a.length, a.sha256
  FROM marked AS m JOIN attachment AS a ON a.kind = m.kind AND a.perm_id = m.perm_id
 WHERE m.part = 'attachments'
   AND NOT EXISTS (SELECT 1 FROM incoming_attachment AS i
                    WHERE i.kind = a.kind AND i.perm_id = a.perm_id
                      AND i.file_name = a.file_name AND i.version = a.version);

-- name: complete_links
INSERT INTO incoming_link (kind, from_perm_id, relation, to_perm_id, ordinal)
SELECT l.kind, l.from_perm_id, l.relation, l.to_perm_id, l.ordinal FROM marked AS m
  JOIN link AS l ON l.kind = m.kind AND l.from_perm_id = m.perm_id
 WHERE m.part = 'connections'
   AND NOT EXISTS (SELECT 1 FROM incoming_link AS i
                    WHERE i.kind = l.kind AND i.from_perm_id = l.from_perm_id
                      AND i.relation = l.relation AND i.to_perm_id = l.to_perm_id)
   AND NOT EXISTS (SELECT 1 FROM incoming_entity AS i
                    WHERE i.kind = l.kind AND i.perm_id = l.to_perm_id);

-- name: complete_copies
INSERT INTO incoming_content_copy (code, ordinal, external_dms, external_code, path,
                                   git_commit_hash, git_repository_id, id)
SELECT k.code,
       k.ordinal + (SELECT coalesce(max(o.ordinal) + 1, 0) FROM incoming_content_copy AS o
                     WHERE o.code = k.code),
       k.external_dms, k.external_code, k.path, k.git_commit_hash, k.git_repository_id, k.id
  FROM marked AS m JOIN content_copy AS k ON k.code = m.perm_id
 WHERE m.part = 'content-copies' AND m.kind = 'DATA_SET'
   AND NOT EXISTS (SELECT 1 FROM incoming_content_copy AS i
                    WHERE i.code = k.code AND i.external_dms = k.external_dms
                      AND coalesce(i.external_code, '') = coalesce(k.external_code, '')
                      AND coalesce(i.path, '') = coalesce(k.path, '')
                      AND coalesce(i.git_commit_hash, '') = coalesce(k.git_commit_hash, '')
                      AND coalesce(i.git_repository_id, '') = coalesce(k.git_repository_id, '')
                      AND coalesce(i.id, '') = coalesce(k.id, ''));

-- name: complete_service_files
-- the mark is one of the whole list
INSERT INTO incoming_service_file (path, modified, length, sha256)
SELECT f.path, f.modified, f.length, f.sha256 FROM service_file AS f
 WHERE f.source = :source
   AND EXISTS (SELECT 1 FROM incoming_unknown AS u WHERE u.part = 'file-service')
   AND NOT EXISTS (SELECT 1 FROM incoming_service_file AS i WHERE i.path = f.path)
   AND NOT EXISTS (SELECT 1 FROM restored AS r WHERE r.kind = 'FILE' AND r.perm_id = f.path);

-- name: carry_over
-- what an original does not say: checksums of contents, and all versions but the latest
UPDATE incoming_attachment
   SET sha256 = a.sha256, length = a.length,
       registrator = coalesce(incoming_attachment.registrator, a.registrator),
       registered = coalesce(incoming_attachment.registered, a.registered)
  FROM attachment AS a, entity AS e
 WHERE incoming_attachment.sha256 IS NULL AND a.sha256 IS NOT NULL
   AND a.kind = incoming_attachment.kind AND a.perm_id = incoming_attachment.perm_id
   AND a.file_name = incoming_attachment.file_name AND a.version = incoming_attachment.version
   AND e.kind = a.kind AND e.perm_id = a.perm_id AND e.source = :source;
INSERT INTO incoming_attachment (kind, perm_id, file_name, version, title, description,
                                 registrator, registered, length, sha256)
SELECT a.kind, a.perm_id, a.file_name, a.version, a.title, a.description,
       a.registrator, a.registered, a.length, a.sha256
  FROM attachment AS a
  JOIN entity AS e ON e.kind = a.kind AND e.perm_id = a.perm_id AND e.source = :source
 WHERE EXISTS (SELECT 1 FROM incoming_attachment AS i
                WHERE i.kind = a.kind AND i.perm_id = a.perm_id
                  AND i.file_name = a.file_name AND i.version > a.version)
   AND NOT EXISTS (SELECT 1 FROM incoming_attachment AS i
                    WHERE i.kind = a.kind AND i.perm_id = a.perm_id
                      AND i.file_name = a.file_name AND i.version = a.version);
-- and checksums of files that it has not computed yet
INSERT INTO completed (kind, perm_id)
SELECT DISTINCT 'DATA_SET', c.perm_id FROM plan AS c
  JOIN incoming_data_set_file AS f ON f.code = c.perm_id
  JOIN data_set_file AS d ON d.code = f.code AND d.path = f.path AND d.length = f.length
 WHERE c.kind = 'DATA_SET' AND c.action = 'changed'
   AND (f.crc32 IS NULL AND d.crc32 IS NOT NULL OR f.checksum IS NULL AND d.checksum IS NOT NULL)
   AND (f.modified IS NULL OR f.modified = d.modified)
ON CONFLICT DO NOTHING;
UPDATE incoming_data_set_file
   SET crc32 = coalesce(incoming_data_set_file.crc32, d.crc32),
       checksum = coalesce(incoming_data_set_file.checksum, d.checksum)
  FROM data_set_file AS d
 WHERE d.code = incoming_data_set_file.code AND d.path = incoming_data_set_file.path
   AND d.length = incoming_data_set_file.length
   AND (incoming_data_set_file.crc32 IS NULL OR incoming_data_set_file.checksum IS NULL)
   AND (incoming_data_set_file.modified IS NULL OR incoming_data_set_file.modified = d.modified)
   AND d.code IN (SELECT perm_id FROM completed WHERE kind = 'DATA_SET');

-- name: keep_links
-- links to what the list does not have and that stays here, be it that its deletion is held back
-- or forbidden: a narrower role hides both
INSERT INTO completed (kind, perm_id)
SELECT DISTINCT c.kind, c.perm_id FROM plan AS c
  JOIN link AS l ON l.kind = c.kind AND l.from_perm_id = c.perm_id
  JOIN entity AS t ON t.kind = l.kind AND t.perm_id = l.to_perm_id AND t.source = :source
 WHERE c.action = 'changed'
   AND NOT EXISTS (SELECT 1 FROM incoming_entity AS i
                    WHERE i.kind = l.kind AND i.perm_id = l.to_perm_id)
ON CONFLICT DO NOTHING;
INSERT INTO incoming_link (kind, from_perm_id, relation, to_perm_id, ordinal)
SELECT l.kind, l.from_perm_id, l.relation, l.to_perm_id, l.ordinal FROM plan AS c
  JOIN link AS l ON l.kind = c.kind AND l.from_perm_id = c.perm_id
  JOIN entity AS t ON t.kind = l.kind AND t.perm_id = l.to_perm_id AND t.source = :source
 WHERE c.action = 'changed'
   AND NOT EXISTS (SELECT 1 FROM incoming_entity AS i
                    WHERE i.kind = l.kind AND i.perm_id = l.to_perm_id)
   AND NOT EXISTS (SELECT 1 FROM incoming_fault AS f
                    WHERE f.kind = l.kind AND f.perm_id = l.to_perm_id)
   AND NOT EXISTS (SELECT 1 FROM incoming_link AS i
                    WHERE i.kind = l.kind AND i.from_perm_id = l.from_perm_id
                      AND i.relation = l.relation AND i.to_perm_id = l.to_perm_id);

-- name: keep_containers
-- a component is called after its container, also if the list does not have that and it stays here
DROP TABLE IF EXISTS kept_container;
CREATE TABLE pg_temp.kept_container (perm_id TEXT NOT NULL PRIMARY KEY, container TEXT NOT NULL);
INSERT INTO kept_container (perm_id, container)
SELECT c.perm_id, min(t.code) FROM plan AS c
  JOIN link AS l ON l.kind = 'SAMPLE' AND l.relation = 'Component' AND l.to_perm_id = c.perm_id
  JOIN entity AS t ON t.kind = 'SAMPLE' AND t.perm_id = l.from_perm_id AND t.source = :source
 WHERE c.kind = 'SAMPLE' AND c.action = 'changed'
   AND NOT EXISTS (SELECT 1 FROM incoming_entity AS i
                    WHERE i.kind = 'SAMPLE' AND i.perm_id = l.from_perm_id)
   AND NOT EXISTS (SELECT 1 FROM incoming_link AS i
                    WHERE i.kind = 'SAMPLE' AND i.relation = 'Component'
                      AND i.to_perm_id = c.perm_id)
 GROUP BY c.perm_id;
UPDATE incoming_entity
   SET identifier = substr(incoming_entity.identifier, 1,
                           length(incoming_entity.identifier) - length(incoming_entity.code))
                    || k.container || ':' || incoming_entity.code
  FROM kept_container AS k
 WHERE incoming_entity.kind = 'SAMPLE' AND incoming_entity.perm_id = k.perm_id
   AND incoming_entity.perm_id IN (SELECT perm_id FROM kept_container);
INSERT INTO completed (kind, perm_id)
SELECT 'SAMPLE', perm_id FROM kept_container WHERE 1 = 1
ON CONFLICT DO NOTHING;

-- name: keep_owners
-- a marked entity may lie in an experiment, or belong to a sample, that is hidden and stays; who that
-- is, its perm id says: its identifier may mean another one by now
DROP TABLE IF EXISTS kept_owner;
CREATE TABLE pg_temp.kept_owner (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, owner_kind TEXT NOT NULL, owner TEXT NOT NULL,
    PRIMARY KEY (kind, perm_id, owner_kind));
INSERT INTO kept_owner (kind, perm_id, owner_kind, owner)
SELECT e.kind, e.perm_id, t.kind, t.perm_id FROM marked AS m
  JOIN plan AS c ON c.kind = m.kind AND c.perm_id = m.perm_id AND c.action = 'changed'
  JOIN entity AS e ON e.kind = m.kind AND e.perm_id = m.perm_id
  JOIN incoming_entity AS i ON i.kind = m.kind AND i.perm_id = m.perm_id
  JOIN entity AS t ON t.kind = 'EXPERIMENT' AND t.perm_id = e.experiment_perm_id
 WHERE m.part = 'connections' AND i.experiment IS NULL
   AND NOT EXISTS (SELECT 1 FROM incoming_entity AS o
                    WHERE o.kind = t.kind AND o.perm_id = t.perm_id);
INSERT INTO kept_owner (kind, perm_id, owner_kind, owner)
SELECT e.kind, e.perm_id, t.kind, t.perm_id FROM marked AS m
  JOIN plan AS c ON c.kind = m.kind AND c.perm_id = m.perm_id AND c.action = 'changed'
  JOIN entity AS e ON e.kind = m.kind AND e.perm_id = m.perm_id
  JOIN incoming_entity AS i ON i.kind = m.kind AND i.perm_id = m.perm_id
  JOIN entity AS t ON t.kind = 'SAMPLE' AND t.perm_id = e.sample_perm_id
 WHERE m.part = 'connections' AND i.sample IS NULL
   AND NOT EXISTS (SELECT 1 FROM incoming_entity AS o
                    WHERE o.kind = t.kind AND o.perm_id = t.perm_id);
INSERT INTO incoming_reference (kind, perm_id)
SELECT DISTINCT k.kind, k.perm_id FROM kept_owner AS k
 WHERE NOT EXISTS (SELECT 1 FROM incoming_reference AS r
                    WHERE r.kind = k.kind AND r.perm_id = k.perm_id);
UPDATE incoming_reference
   SET experiment_perm_id = t.perm_id,
       project_perm_id = CASE WHEN i.project IS NULL THEN t.project_perm_id
                              ELSE incoming_reference.project_perm_id END
  FROM kept_owner AS k, entity AS t, incoming_entity AS i
 WHERE k.owner_kind = 'EXPERIMENT' AND t.kind = k.owner_kind AND t.perm_id = k.owner
   AND i.kind = k.kind AND i.perm_id = k.perm_id
   AND incoming_reference.kind = k.kind AND incoming_reference.perm_id = k.perm_id;
UPDATE incoming_entity
   SET experiment = t.identifier,
       home_space = CASE WHEN k.kind = 'DATA_SET' THEN t.home_space
                         ELSE incoming_entity.home_space END,
       home_project = CASE WHEN incoming_entity.project IS NULL THEN t.home_project
                           ELSE incoming_entity.home_project END
  FROM kept_owner AS k, entity AS t
 WHERE k.owner_kind = 'EXPERIMENT' AND t.kind = k.owner_kind AND t.perm_id = k.owner
   AND incoming_entity.kind = k.kind AND incoming_entity.perm_id = k.perm_id;
UPDATE incoming_reference
   SET sample_perm_id = t.perm_id,
       project_perm_id = CASE WHEN i.experiment IS NULL THEN t.project_perm_id
                              ELSE incoming_reference.project_perm_id END
  FROM kept_owner AS k, entity AS t, incoming_entity AS i
 WHERE k.owner_kind = 'SAMPLE' AND t.kind = k.owner_kind AND t.perm_id = k.owner
   AND i.kind = k.kind AND i.perm_id = k.perm_id
   AND incoming_reference.kind = k.kind AND incoming_reference.perm_id = k.perm_id;
UPDATE incoming_entity
   SET sample = t.identifier,
       home_space = CASE WHEN incoming_entity.experiment IS NULL THEN t.home_space
                         ELSE incoming_entity.home_space END,
       home_project = CASE WHEN incoming_entity.experiment IS NULL THEN t.home_project
                           ELSE incoming_entity.home_project END
  FROM kept_owner AS k, entity AS t
 WHERE k.owner_kind = 'SAMPLE' AND t.kind = k.owner_kind AND t.perm_id = k.owner
   AND incoming_entity.kind = k.kind AND incoming_entity.perm_id = k.perm_id;

-- name: any_hidden_target
SELECT c.perm_id FROM plan AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id AND e.source = :source
 WHERE c.kind IN ('SAMPLE', 'MATERIAL') AND c.action IN ('gone', 'kept', 'held', 'restored')
 LIMIT 1;

-- name: other_properties
SELECT c.kind, c.perm_id, e.properties AS stored, i.properties AS listed FROM plan AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
  JOIN incoming_entity AS i ON i.kind = c.kind AND i.perm_id = c.perm_id
 WHERE c.action = 'changed' AND e.properties <> i.properties
   AND (c.kind, c.perm_id) > (:kind, :perm_id)
 ORDER BY 1, 2 LIMIT :most;

-- name: order_links
-- with gaps in the list, an ordinal is no place in the order any more: that which is here counts
UPDATE incoming_link
   SET ordinal = coalesce(
        (SELECT l.ordinal FROM link AS l
          WHERE l.kind = incoming_link.kind AND l.from_perm_id = incoming_link.from_perm_id
            AND l.relation = incoming_link.relation
            AND l.to_perm_id = incoming_link.to_perm_id),
        incoming_link.ordinal + 1000000)
 WHERE EXISTS (SELECT 1 FROM completed AS c
                WHERE c.kind = incoming_link.kind AND c.perm_id = incoming_link.from_perm_id)
   AND EXISTS (SELECT 1 FROM incoming_link AS k
                WHERE k.kind = incoming_link.kind
                  AND k.from_perm_id = incoming_link.from_perm_id AND k.position IS NULL);

-- name: to_be_hashed
SELECT d.kind, d.perm_id FROM completed AS d
  JOIN plan AS c ON c.kind = d.kind AND c.perm_id = d.perm_id AND c.action IN ('new', 'changed')
 WHERE (d.kind, d.perm_id) > (:kind, :perm_id)
 ORDER BY 1, 2 LIMIT :most;

-- name: settle_completed
-- what differed only in what is unknown does not differ
DELETE FROM plan
 WHERE action = 'changed'
   AND EXISTS (SELECT 1 FROM completed AS d
                 JOIN incoming_entity AS i ON i.kind = d.kind AND i.perm_id = d.perm_id
                 JOIN entity AS e ON e.kind = d.kind AND e.perm_id = d.perm_id
                 LEFT JOIN incoming_reference AS r ON r.kind = d.kind AND r.perm_id = d.perm_id
                WHERE d.kind = plan.kind AND d.perm_id = plan.perm_id
                  AND e.content_hash = i.content_hash AND e.identifier = i.identifier
                  AND coalesce(i.meta_data, e.meta_data, '{}') = coalesce(e.meta_data, '{}')
                  AND coalesce(e.home_project, '') = coalesce(i.home_project, '')
                  AND coalesce(e.project_perm_id, '') = coalesce(r.project_perm_id, '')
                  AND coalesce(e.experiment_perm_id, '') = coalesce(r.experiment_perm_id, '')
                  AND coalesce(e.sample_perm_id, '') = coalesce(r.sample_perm_id, ''));

-- name: shown_unknown
-- parts that the list does not show, whether they are here or not; but of AFS data only if there
-- are any: not every openBIS has them
SELECT u.part, u.reason, count(DISTINCT u.kind || ' ' || u.perm_id) FROM incoming_unknown AS u
 WHERE u.part <> 'afs'
    OR EXISTS (SELECT 1 FROM entity AS e
                WHERE e.kind = 'DATA_SET' AND e.source = :source AND e.afs IS NOT NULL)
 GROUP BY u.part, u.reason ORDER BY 1, 2;

-- name: never_came
-- the same, of what the list says now: there are few marks, and many entities
SELECT u.part, u.reason, count(*) FROM (
    SELECT DISTINCT part, reason, kind, perm_id FROM incoming_unknown) AS u
  JOIN entity AS e ON e.kind = u.kind AND e.perm_id = u.perm_id AND e.source = :source
 WHERE e.unknown LIKE '%"' || u.part || '"%'
 GROUP BY u.part, u.reason ORDER BY 1, 2;

-- name: waits_for_files
-- data sets whose files the source cannot give now
SELECT DISTINCT u.perm_id FROM incoming_unknown AS u
 WHERE u.kind = 'DATA_SET' AND u.part = 'files'
   AND u.reason IN ('archived', 'not-mounted', 'not-fed', 'not-harvested') ORDER BY 1;
