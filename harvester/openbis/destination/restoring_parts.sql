-- Restoring what an update took from something that is here still. What is wanted of it moves from
-- the table ``chosen`` to ``chosen_part``. Every statement runs on SQLite and on PostgreSQL.

-- name: take_parts
DROP TABLE IF EXISTS chosen_part;
CREATE TABLE pg_temp.chosen_part (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, identifier TEXT NOT NULL, part TEXT NOT NULL,
    PRIMARY KEY (kind, perm_id));
INSERT INTO chosen_part (kind, perm_id, identifier, part)
SELECT c.kind, c.perm_id, c.identifier, p.part FROM chosen AS c
  JOIN trash_part AS p ON p.deletion = :deletion AND p.kind = c.kind AND p.perm_id = c.perm_id
  JOIN deletion AS d ON d.id = p.deletion
 WHERE EXISTS (SELECT 1 FROM entity AS e
                WHERE e.kind = c.kind AND e.perm_id = c.perm_id AND e.source = d.source)
    OR (c.kind = 'FILE' AND EXISTS (SELECT 1 FROM service_file AS f
                                     WHERE f.path = c.perm_id AND f.source = d.source));
DELETE FROM chosen WHERE EXISTS (
    SELECT 1 FROM chosen_part AS p WHERE p.kind = chosen.kind AND p.perm_id = chosen.perm_id);

-- name: replaced
-- what would be replaced by what comes back goes to the trash in its turn
DROP TABLE IF EXISTS snapshot;
CREATE TABLE pg_temp.snapshot (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, part TEXT NOT NULL, PRIMARY KEY (kind, perm_id));
INSERT INTO snapshot (kind, perm_id, part)
SELECT p.kind, p.perm_id, p.part FROM chosen_part AS p
 WHERE (p.part = 'DATA_SET_CONTENT' AND EXISTS (
            SELECT 1 FROM trash_data_set_file AS t
              JOIN data_set_file AS d ON d.code = t.code AND d.path = t.path
             WHERE t.deletion = :deletion AND t.code = p.perm_id
               AND (d.length <> t.length OR coalesce(d.crc32, -1) <> coalesce(t.crc32, -1)
                 OR coalesce(d.checksum, '') <> coalesce(t.checksum, '')
                 OR (d.modified <> t.modified AND d.crc32 IS NULL AND d.checksum IS NULL))))
    OR (p.part LIKE '%ATTACHMENTS' AND EXISTS (
            SELECT 1 FROM trash_attachment AS t
              JOIN attachment AS a ON a.kind = t.kind AND a.perm_id = t.perm_id
                                  AND a.file_name = t.file_name AND a.version = t.version
             WHERE t.deletion = :deletion AND t.kind = p.kind AND t.perm_id = p.perm_id
               AND coalesce(a.sha256, '') <> coalesce(t.sha256, '')))
    OR (p.part = 'FILE_CONTENT' AND EXISTS (
            SELECT 1 FROM trash_service_file AS t JOIN service_file AS f ON f.path = t.path
             WHERE t.deletion = :deletion AND t.path = p.perm_id AND f.sha256 <> t.sha256));

-- name: snapshot_count
SELECT count(*) FROM snapshot;

-- name: part_files
SELECT p.part, p.perm_id FROM chosen_part AS p
 WHERE p.kind = 'FILE' OR EXISTS (SELECT 1 FROM trash_data_set_file AS f
                                   WHERE f.deletion = :deletion AND f.code = p.perm_id
                                     AND p.part = 'DATA_SET_CONTENT')
 ORDER BY 1, 2;

-- name: refuse_part
INSERT INTO refused (kind, perm_id, identifier, problem, subject)
SELECT kind, perm_id, identifier, 'file', :reason FROM chosen_part
 WHERE part = :part AND perm_id = :perm_id;

-- name: refuse_conflicting
INSERT INTO refused (kind, perm_id, identifier, problem, subject)
SELECT p.kind, p.perm_id, p.identifier, 'file',
       min(d.path) || ' is a file here and a folder there, or the other way round'
  FROM chosen_part AS p
  JOIN trash_data_set_file AS t ON t.deletion = :deletion AND t.code = p.perm_id
  JOIN data_set_file AS d ON d.code = t.code
 WHERE p.part = 'DATA_SET_CONTENT'
   AND (substr(d.path, 1, length(t.path) + 1) = t.path || '/'
     OR substr(t.path, 1, length(d.path) + 1) = d.path || '/')
 GROUP BY p.kind, p.perm_id, p.identifier;
INSERT INTO refused (kind, perm_id, identifier, problem, subject)
SELECT p.kind, p.perm_id, p.identifier, 'file',
       'is a ' || e.data_set_kind || ' data set now, and had content copies'
  FROM chosen_part AS p
  JOIN trash_entity AS t ON t.deletion = :deletion AND t.kind = p.kind AND t.perm_id = p.perm_id
  JOIN entity AS e ON e.kind = p.kind AND e.perm_id = p.perm_id
 WHERE p.part = 'DATA_SET_CONTENT' AND t.data_set_kind = 'LINK' AND e.data_set_kind <> 'LINK';

-- name: drop_refused_parts
DELETE FROM chosen_part WHERE EXISTS (
    SELECT 1 FROM refused AS r
     WHERE r.kind = chosen_part.kind AND r.perm_id = chosen_part.perm_id);

-- name: part_counts
SELECT part, count(*) FROM chosen_part GROUP BY part ORDER BY part;

-- name: restore_parts
-- they stay although the source shows them otherwise, as if they had been held back by that run
INSERT INTO held_deletion (source, kind, perm_id, run, released)
SELECT d.source, p.part, p.perm_id, coalesce(d.run, 0), FALSE FROM chosen_part AS p
  JOIN deletion AS d ON d.id = :deletion
 WHERE 1 = 1
ON CONFLICT (source, kind, perm_id) DO UPDATE SET released = FALSE;
INSERT INTO file_move (source, area, name, goal, deletion)
SELECT d.source, 'DATA_SET', p.perm_id, 'MERGED', d.id FROM chosen_part AS p
  JOIN trash_entity AS t ON t.deletion = :deletion AND t.kind = p.kind AND t.perm_id = p.perm_id
  JOIN deletion AS d ON d.id = t.deletion
 WHERE p.part = 'DATA_SET_CONTENT' AND t.data_set_kind = 'PHYSICAL';
INSERT INTO file_move (source, area, name, goal, deletion)
SELECT d.source, 'FILE', p.perm_id, 'HOME', d.id FROM chosen_part AS p
  JOIN deletion AS d ON d.id = :deletion
 WHERE p.part = 'FILE_CONTENT';
-- the next run finds it changed, and computes its hash
UPDATE entity
   SET content_hash = :no_hash,
       data_set_kind = (SELECT t.data_set_kind FROM trash_entity AS t
                         WHERE t.deletion = :deletion AND t.kind = 'DATA_SET'
                           AND t.perm_id = entity.perm_id)
 WHERE kind = 'DATA_SET' AND perm_id IN (
    SELECT p.perm_id FROM chosen_part AS p WHERE p.part = 'DATA_SET_CONTENT');
DELETE FROM data_set_file
 WHERE code IN (SELECT p.perm_id FROM chosen_part AS p WHERE p.part = 'DATA_SET_CONTENT')
   AND EXISTS (SELECT 1 FROM trash_data_set_file AS t
                WHERE t.deletion = :deletion AND t.code = data_set_file.code
                  AND t.path = data_set_file.path);
INSERT INTO data_set_file (code, path, length, crc32, checksum, modified)
SELECT t.code, t.path, t.length, t.crc32, t.checksum, t.modified FROM chosen_part AS p
  JOIN trash_data_set_file AS t ON t.deletion = :deletion AND t.code = p.perm_id
 WHERE p.part = 'DATA_SET_CONTENT';
INSERT INTO content_copy (code, ordinal, external_dms, external_code, path, git_commit_hash,
                          git_repository_id, id)
SELECT t.code,
       t.ordinal + (SELECT coalesce(max(o.ordinal) + 1, 0) FROM content_copy AS o
                     WHERE o.code = t.code),
       t.external_dms, t.external_code, t.path, t.git_commit_hash, t.git_repository_id, t.id
  FROM chosen_part AS p
  JOIN trash_content_copy AS t ON t.deletion = :deletion AND t.code = p.perm_id
 WHERE p.part = 'DATA_SET_CONTENT'
   AND NOT EXISTS (SELECT 1 FROM content_copy AS k
                    WHERE k.code = t.code AND k.external_dms = t.external_dms
                      AND coalesce(k.external_code, '') = coalesce(t.external_code, '')
                      AND coalesce(k.path, '') = coalesce(t.path, '')
                      AND coalesce(k.git_commit_hash, '') = coalesce(t.git_commit_hash, '')
                      AND coalesce(k.git_repository_id, '') = coalesce(t.git_repository_id, '')
                      AND coalesce(k.id, '') = coalesce(t.id, ''));
INSERT INTO file_removal (area, name)
SELECT DISTINCT 'ATTACHMENT', t.sha256 FROM chosen_part AS p
  JOIN trash_attachment AS t ON t.deletion = :deletion AND t.kind = p.kind
                            AND t.perm_id = p.perm_id
 WHERE t.sha256 IS NOT NULL
ON CONFLICT DO NOTHING;
DELETE FROM attachment
 WHERE EXISTS (SELECT 1 FROM chosen_part AS p
                 JOIN trash_attachment AS t ON t.deletion = :deletion AND t.kind = p.kind
                                           AND t.perm_id = p.perm_id
                WHERE p.part LIKE '%ATTACHMENTS' AND t.kind = attachment.kind
                  AND t.perm_id = attachment.perm_id AND t.file_name = attachment.file_name
                  AND t.version = attachment.version);
INSERT INTO attachment (kind, perm_id, file_name, version, title, description, registrator,
                        registered, length, sha256)
SELECT t.kind, t.perm_id, t.file_name, t.version, t.title, t.description, t.registrator,
       t.registered, t.length, t.sha256
  FROM chosen_part AS p
  JOIN trash_attachment AS t ON t.deletion = :deletion AND t.kind = p.kind
                            AND t.perm_id = p.perm_id
 WHERE p.part LIKE '%ATTACHMENTS';
DELETE FROM service_file
 WHERE path IN (SELECT p.perm_id FROM chosen_part AS p WHERE p.part = 'FILE_CONTENT');
INSERT INTO service_file (path, source, modified, length, sha256)
SELECT t.path, t.source, t.modified, t.length, t.sha256 FROM chosen_part AS p
  JOIN trash_service_file AS t ON t.deletion = :deletion AND t.path = p.perm_id
 WHERE p.part = 'FILE_CONTENT';

-- name: forget_parts
-- also those of what was deleted as a whole later, and is restored as a whole
DELETE FROM trash_part
 WHERE deletion = :deletion AND (
    EXISTS (SELECT 1 FROM chosen_part AS p
             WHERE p.kind = trash_part.kind AND p.perm_id = trash_part.perm_id)
    OR EXISTS (SELECT 1 FROM chosen AS c
                WHERE c.kind = trash_part.kind AND c.perm_id = trash_part.perm_id));
