-- What an update would lose: bytes that were harvested, and that the list does not show any more or
-- shows otherwise. In the plan a loss has a kind of its own (shared.store.loss_kinds) and is judged
-- like a deletion; ``loss`` says what it consists of. Every statement runs on SQLite and PostgreSQL.

-- name: new_losses
DROP TABLE IF EXISTS loss;
CREATE TABLE pg_temp.loss (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, name TEXT NOT NULL, problem TEXT NOT NULL);

-- name: find_losses
-- a data set never changes its files on openBIS; but where a source once read an empty file, and reads
-- it whole now, not a byte is lost. AFS data do change: a file with another time was edited. Where
-- no checksum says that its content is the same, the time says that it is another one
INSERT INTO loss (kind, perm_id, name, problem)
SELECT 'DATA_SET_CONTENT', d.code, d.path,
       CASE WHEN f.path IS NULL THEN 'missing'
            WHEN e.afs IS NOT NULL AND i.afs IS NOT NULL AND f.modified <> d.modified THEN 'edited'
            WHEN f.length < d.length THEN 'smaller' ELSE 'different' END
  FROM plan AS c
  JOIN entity AS e ON e.kind = 'DATA_SET' AND e.perm_id = c.perm_id AND e.source = :source
                  AND e.data_set_kind = 'PHYSICAL'
  JOIN incoming_entity AS i ON i.kind = 'DATA_SET' AND i.perm_id = c.perm_id
  JOIN data_set_file AS d ON d.code = c.perm_id
  LEFT JOIN incoming_data_set_file AS f ON f.code = d.code AND f.path = d.path
 WHERE c.kind = 'DATA_SET' AND c.action = 'changed'
   AND (f.path IS NULL OR d.length > 0)
   AND (f.path IS NULL OR f.length <> d.length OR f.crc32 <> d.crc32
     OR (substr(f.checksum, 1, 4) = substr(d.checksum, 1, 4) AND f.checksum <> d.checksum)
     OR (f.modified <> d.modified AND NOT coalesce(f.crc32 = d.crc32, FALSE)
         AND NOT coalesce(f.checksum = d.checksum, FALSE)));
INSERT INTO loss (kind, perm_id, name, problem)
SELECT 'DATA_SET_CONTENT', c.perm_id, i.data_set_kind, 'kind' FROM plan AS c
  JOIN entity AS e ON e.kind = 'DATA_SET' AND e.perm_id = c.perm_id AND e.source = :source
                  AND e.data_set_kind = 'PHYSICAL'
  JOIN incoming_entity AS i ON i.kind = 'DATA_SET' AND i.perm_id = c.perm_id
                           AND i.data_set_kind <> 'PHYSICAL'
 WHERE c.kind = 'DATA_SET' AND c.action = 'changed'
   AND EXISTS (SELECT 1 FROM data_set_file AS d WHERE d.code = c.perm_id);
INSERT INTO loss (kind, perm_id, name, problem)
SELECT 'DATA_SET_CONTENT', k.code, k.external_dms || coalesce(' ' || k.path, ''), 'copy'
  FROM plan AS c
  JOIN entity AS e ON e.kind = 'DATA_SET' AND e.perm_id = c.perm_id AND e.source = :source
                  AND e.data_set_kind = 'LINK'
  JOIN content_copy AS k ON k.code = c.perm_id
 WHERE c.kind = 'DATA_SET' AND c.action = 'changed'
   AND NOT EXISTS (SELECT 1 FROM incoming_content_copy AS i
                    WHERE i.code = k.code AND i.external_dms = k.external_dms
                      AND coalesce(i.external_code, '') = coalesce(k.external_code, '')
                      AND coalesce(i.path, '') = coalesce(k.path, '')
                      AND coalesce(i.git_commit_hash, '') = coalesce(k.git_commit_hash, '')
                      AND coalesce(i.git_repository_id, '') = coalesce(k.git_repository_id, '')
                      AND coalesce(i.id, '') = coalesce(k.id, ''));
INSERT INTO loss (kind, perm_id, name, problem)
SELECT a.kind || '_ATTACHMENTS', a.perm_id,
       a.file_name || ' (version ' || CAST(a.version AS TEXT) || ')',
       CASE WHEN x.version IS NULL THEN 'missing' ELSE 'different' END
  FROM attachment AS a
  JOIN entity AS e ON e.kind = a.kind AND e.perm_id = a.perm_id AND e.source = :source
  JOIN incoming_entity AS i ON i.kind = a.kind AND i.perm_id = a.perm_id
  LEFT JOIN incoming_attachment AS x ON x.kind = a.kind AND x.perm_id = a.perm_id
                                    AND x.file_name = a.file_name AND x.version = a.version
 WHERE x.version IS NULL OR x.sha256 <> a.sha256;
INSERT INTO loss (kind, perm_id, name, problem)
SELECT 'FILE_CONTENT', f.path, f.path, 'different' FROM service_file AS f
  JOIN incoming_service_file AS i ON i.path = f.path AND i.sha256 <> f.sha256
 WHERE f.source = :source;
INSERT INTO plan (kind, perm_id, action) SELECT DISTINCT kind, perm_id, 'gone' FROM loss;

-- name: losses
SELECT kind, perm_id, name, problem FROM loss ORDER BY 1, 2, 4, 3;

-- name: hold_contents
-- AFS data of which files were only edited go on, as files of the file service do
UPDATE plan SET action = 'held'
 WHERE action = 'gone' AND kind = 'DATA_SET_CONTENT' AND EXISTS (
    SELECT 1 FROM loss AS l
     WHERE l.kind = plan.kind AND l.perm_id = plan.perm_id AND l.problem <> 'edited')
   AND NOT EXISTS (
    SELECT 1 FROM held_deletion AS h
     WHERE h.source = :source AND h.kind = plan.kind AND h.perm_id = plan.perm_id);

-- name: new_contents_count
SELECT count(*) FROM plan AS c
 WHERE c.action = 'gone' AND c.kind = 'DATA_SET_CONTENT' AND EXISTS (
    SELECT 1 FROM loss AS l
     WHERE l.kind = c.kind AND l.perm_id = c.perm_id AND l.problem <> 'edited')
   AND NOT EXISTS (
    SELECT 1 FROM held_deletion AS h
     WHERE h.source = :source AND h.kind = c.kind AND h.perm_id = c.perm_id);

-- name: vanished_service_files
-- all that a source had in its file service, if that was more than one
SELECT count(*) FROM plan AS c
 WHERE c.kind = 'FILE' AND c.action = 'gone'
   AND NOT EXISTS (SELECT 1 FROM incoming_service_file)
   AND NOT EXISTS (SELECT 1 FROM held_deletion AS h
                    WHERE h.source = :source AND h.kind = 'FILE' AND h.perm_id = c.perm_id);

-- name: spare
UPDATE plan SET action = 'spared'
 WHERE action = 'gone' AND kind IN ('DATA_SET_CONTENT', 'PROJECT_ATTACHMENTS',
        'EXPERIMENT_ATTACHMENTS', 'SAMPLE_ATTACHMENTS', 'FILE_CONTENT');

-- name: keep
-- the store's rows take the place of the list's
INSERT INTO completed (kind, perm_id)
SELECT 'DATA_SET', c.perm_id FROM plan AS c
 WHERE c.kind = 'DATA_SET_CONTENT' AND c.action IN ('held', 'spared')
ON CONFLICT DO NOTHING;
UPDATE incoming_entity
   SET data_set_kind = e.data_set_kind
  FROM entity AS e, plan AS c
 WHERE c.kind = 'DATA_SET_CONTENT' AND c.action IN ('held', 'spared')
   AND e.kind = 'DATA_SET' AND e.perm_id = c.perm_id
   AND incoming_entity.kind = 'DATA_SET' AND incoming_entity.perm_id = c.perm_id;
DELETE FROM incoming_data_set_file
 WHERE code IN (SELECT c.perm_id FROM plan AS c
                 WHERE c.kind = 'DATA_SET_CONTENT' AND c.action IN ('held', 'spared'))
   AND NOT EXISTS (SELECT 1 FROM data_set_file AS d
                    WHERE d.code = incoming_data_set_file.code
                      AND d.path = incoming_data_set_file.path
                      AND d.length = incoming_data_set_file.length
                      AND coalesce(d.crc32, -1) = coalesce(incoming_data_set_file.crc32, -1)
                      AND coalesce(d.checksum, '')
                          = coalesce(incoming_data_set_file.checksum, '')
                      AND (d.crc32 IS NOT NULL OR d.checksum IS NOT NULL
                        OR incoming_data_set_file.modified IS NULL
                        OR incoming_data_set_file.modified = d.modified))
   -- AFS data go on to get files
   AND NOT EXISTS (SELECT 1 FROM incoming_entity AS i
                    WHERE i.kind = 'DATA_SET' AND i.perm_id = incoming_data_set_file.code
                      AND i.afs IS NOT NULL
                      AND NOT EXISTS (SELECT 1 FROM data_set_file AS d
                                       WHERE d.code = incoming_data_set_file.code
                                         AND d.path = incoming_data_set_file.path));
INSERT INTO incoming_data_set_file (code, path, length, crc32, checksum, modified)
SELECT d.code, d.path, d.length, d.crc32, d.checksum, d.modified FROM plan AS c
  JOIN data_set_file AS d ON d.code = c.perm_id
 WHERE c.kind = 'DATA_SET_CONTENT' AND c.action IN ('held', 'spared')
   AND NOT EXISTS (SELECT 1 FROM incoming_data_set_file AS f
                    WHERE f.code = d.code AND f.path = d.path);
DELETE FROM incoming_content_copy
 WHERE code IN (SELECT c.perm_id FROM plan AS c
                 WHERE c.kind = 'DATA_SET_CONTENT' AND c.action IN ('held', 'spared'));
INSERT INTO incoming_content_copy (code, ordinal, external_dms, external_code, path,
                                   git_commit_hash, git_repository_id, id)
SELECT k.code, k.ordinal, k.external_dms, k.external_code, k.path,
       k.git_commit_hash, k.git_repository_id, k.id
  FROM plan AS c JOIN content_copy AS k ON k.code = c.perm_id
 WHERE c.kind = 'DATA_SET_CONTENT' AND c.action IN ('held', 'spared');
DELETE FROM incoming_attachment
 WHERE EXISTS (SELECT 1 FROM plan AS c
                WHERE c.kind = incoming_attachment.kind || '_ATTACHMENTS'
                  AND c.perm_id = incoming_attachment.perm_id AND c.action IN ('held', 'spared'))
   AND EXISTS (SELECT 1 FROM attachment AS a
                WHERE a.kind = incoming_attachment.kind
                  AND a.perm_id = incoming_attachment.perm_id
                  AND a.file_name = incoming_attachment.file_name
                  AND a.version = incoming_attachment.version
                  AND a.sha256 <> incoming_attachment.sha256);
INSERT INTO incoming_attachment (kind, perm_id, file_name, version, title, description,
                                 registrator, registered, length, sha256)
SELECT a.kind, a.perm_id, a.file_name, a.version, a.title, a.description,
       a.registrator, a.registered, a.length, a.sha256
  FROM plan AS c
  JOIN attachment AS a ON a.perm_id = c.perm_id AND a.kind || '_ATTACHMENTS' = c.kind
 WHERE c.action IN ('held', 'spared')
   AND c.kind IN ('PROJECT_ATTACHMENTS', 'EXPERIMENT_ATTACHMENTS', 'SAMPLE_ATTACHMENTS')
   AND NOT EXISTS (SELECT 1 FROM incoming_attachment AS i
                    WHERE i.kind = a.kind AND i.perm_id = a.perm_id
                      AND i.file_name = a.file_name AND i.version = a.version);
UPDATE incoming_service_file
   SET sha256 = f.sha256, length = f.length, modified = f.modified, href = NULL, content = NULL
  FROM service_file AS f, plan AS c
 WHERE c.kind = 'FILE_CONTENT' AND c.action IN ('held', 'spared')
   AND f.path = c.perm_id AND incoming_service_file.path = c.perm_id;

-- name: choose_lost
-- of what the plan lets go, a copy as it is now is kept in the trash
DROP TABLE IF EXISTS snapshot;
CREATE TABLE pg_temp.snapshot (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, part TEXT NOT NULL, PRIMARY KEY (kind, perm_id));
INSERT INTO snapshot (kind, perm_id, part)
SELECT CASE c.kind WHEN 'DATA_SET_CONTENT' THEN 'DATA_SET' WHEN 'FILE_CONTENT' THEN 'FILE'
                   WHEN 'PROJECT_ATTACHMENTS' THEN 'PROJECT'
                   WHEN 'EXPERIMENT_ATTACHMENTS' THEN 'EXPERIMENT' ELSE 'SAMPLE' END,
       c.perm_id, c.kind
  FROM plan AS c
 WHERE c.action = 'gone' AND c.kind IN ('DATA_SET_CONTENT', 'PROJECT_ATTACHMENTS',
        'EXPERIMENT_ATTACHMENTS', 'SAMPLE_ATTACHMENTS', 'FILE_CONTENT');

-- name: note_snapshot
INSERT INTO trash_part (deletion, kind, perm_id, part)
SELECT :deletion, kind, perm_id, part FROM snapshot;
INSERT INTO file_move (source, area, name, goal, deletion)
SELECT e.source, 'DATA_SET', s.perm_id, 'TRASH', :deletion FROM snapshot AS s
  JOIN entity AS e ON e.kind = s.kind AND e.perm_id = s.perm_id
 WHERE s.kind = 'DATA_SET' AND e.data_set_kind = 'PHYSICAL'
ON CONFLICT (source, area, name) DO UPDATE SET goal = 'TRASH', deletion = excluded.deletion;
INSERT INTO file_move (source, area, name, goal, deletion)
SELECT f.source, 'FILE', s.perm_id, 'TRASH', :deletion FROM snapshot AS s
  JOIN service_file AS f ON f.path = s.perm_id
 WHERE s.kind = 'FILE'
ON CONFLICT (source, area, name) DO UPDATE SET goal = 'TRASH', deletion = excluded.deletion;
