-- Contents that were lost, part by part. Every statement runs on SQLite and on PostgreSQL. A file of
-- the file service that is gone and one that has other bytes are the same loss.

-- name: decayed_attachments
WITH lost AS (
    SELECT u.kind, u.perm_id, u.name FROM unconfirmed_loss AS u
     WHERE u.source = :source AND u.deleted >= :since AND u.kind <> 'FILE_CONTENT'
     UNION
    SELECT l.kind, l.perm_id, l.name FROM loss AS l
      JOIN plan AS c ON c.kind = l.kind AND c.perm_id = l.perm_id AND c.action = 'gone'
     WHERE l.kind IN ('PROJECT_ATTACHMENTS', 'EXPERIMENT_ATTACHMENTS', 'SAMPLE_ATTACHMENTS')
       AND NOT EXISTS (SELECT 1 FROM held_deletion AS h
                        WHERE h.source = :source AND h.kind = l.kind AND h.perm_id = l.perm_id
                          AND h.released)),
here AS (
    SELECT a.kind || '_ATTACHMENTS', a.perm_id,
           a.file_name || ' (version ' || CAST(a.version AS TEXT) || ')'
      FROM attachment AS a
      JOIN entity AS e ON e.kind = a.kind AND e.perm_id = a.perm_id AND e.source = :source)
SELECT (SELECT count(*) FROM lost),
       (SELECT count(*) FROM (SELECT * FROM lost UNION SELECT * FROM here) AS brought);

-- name: decayed_service_files
WITH lost AS (
    SELECT u.perm_id FROM unconfirmed_loss AS u
     WHERE u.source = :source AND u.deleted >= :since AND u.kind = 'FILE_CONTENT'
     UNION
    SELECT c.perm_id FROM plan AS c
     WHERE c.kind IN ('FILE', 'FILE_CONTENT') AND c.action = 'gone'
       AND NOT EXISTS (SELECT 1 FROM held_deletion AS h
                        WHERE h.source = :source AND h.kind = c.kind AND h.perm_id = c.perm_id
                          AND h.released)),
here AS (
    SELECT f.path FROM service_file AS f WHERE f.source = :source)
SELECT (SELECT count(*) FROM lost),
       (SELECT count(*) FROM (SELECT * FROM lost UNION SELECT * FROM here) AS brought);

-- name: note_decay
INSERT INTO unconfirmed_loss (source, kind, perm_id, name, deleted)
SELECT DISTINCT :source, l.kind, l.perm_id, l.name, CAST(:now AS BIGINT) FROM loss AS l
  JOIN plan AS c ON c.kind = l.kind AND c.perm_id = l.perm_id AND c.action = 'gone'
 WHERE l.kind <> 'DATA_SET_CONTENT'
   AND NOT EXISTS (SELECT 1 FROM held_deletion AS h
                    WHERE h.source = :source AND h.kind = l.kind AND h.perm_id = l.perm_id)
ON CONFLICT (source, kind, perm_id, name) DO UPDATE SET deleted = excluded.deleted;
INSERT INTO unconfirmed_loss (source, kind, perm_id, name, deleted)
SELECT :source, 'FILE_CONTENT', c.perm_id, c.perm_id, CAST(:now AS BIGINT) FROM plan AS c
 WHERE c.kind = 'FILE' AND c.action = 'gone'
   AND NOT EXISTS (SELECT 1 FROM held_deletion AS h
                    WHERE h.source = :source AND h.kind = c.kind AND h.perm_id = c.perm_id)
ON CONFLICT (source, kind, perm_id, name) DO UPDATE SET deleted = excluded.deleted;

-- name: forget_decay
DELETE FROM unconfirmed_loss WHERE source = :source AND deleted < :before;
