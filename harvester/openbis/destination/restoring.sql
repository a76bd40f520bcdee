-- Restoring from the trash. What is wanted stands in the connection's own table ``chosen``; what
-- cannot be is moved from there to ``refused`` (see restoring.py). Every statement runs on SQLite
-- and on PostgreSQL.

-- name: choose_all
INSERT INTO chosen (kind, perm_id, identifier)
SELECT kind, perm_id, identifier FROM trash_entity WHERE deletion = :deletion
 UNION ALL
SELECT 'FILE', path, path FROM trash_service_file WHERE deletion = :deletion;

-- name: drop_other_kinds
DELETE FROM chosen WHERE kind <> :kind;

-- name: unknown_wishes
SELECT w.perm_id FROM wished AS w
 WHERE NOT EXISTS (SELECT 1 FROM chosen AS c WHERE c.perm_id = w.perm_id) ORDER BY 1;

-- name: drop_unwished
DELETE FROM chosen WHERE perm_id NOT IN (SELECT perm_id FROM wished);

-- name: needed
-- containers of what is chosen, and files that its texts mention, as far as they lie in the same
-- deletion and are not here
SELECT t.kind, t.perm_id, t.identifier FROM trash_entity AS t
 WHERE t.deletion = :deletion AND t.kind IN ('SPACE', 'PROJECT', 'EXPERIMENT', 'SAMPLE')
   AND NOT EXISTS (SELECT 1 FROM chosen AS c WHERE c.kind = t.kind AND c.perm_id = t.perm_id)
   AND NOT EXISTS (SELECT 1 FROM entity AS e
                    WHERE e.kind = t.kind AND e.perm_id = t.perm_id)
   AND t.kind || ' ' || t.perm_id IN (
        SELECT 'SPACE ' || i.home_space FROM trash_entity AS i
          JOIN chosen AS c ON c.kind = i.kind AND c.perm_id = i.perm_id
         WHERE i.deletion = :deletion
         UNION
        SELECT 'PROJECT ' || i.project_perm_id FROM trash_entity AS i
          JOIN chosen AS c ON c.kind = i.kind AND c.perm_id = i.perm_id
         WHERE i.deletion = :deletion
         UNION
        SELECT 'EXPERIMENT ' || i.experiment_perm_id FROM trash_entity AS i
          JOIN chosen AS c ON c.kind = i.kind AND c.perm_id = i.perm_id
         WHERE i.deletion = :deletion
         UNION
        SELECT 'SAMPLE ' || i.sample_perm_id FROM trash_entity AS i
          JOIN chosen AS c ON c.kind = i.kind AND c.perm_id = i.perm_id
         WHERE i.deletion = :deletion)
 UNION ALL
SELECT 'FILE', f.path, f.path FROM trash_service_file AS f
 WHERE f.deletion = :deletion
   AND NOT EXISTS (SELECT 1 FROM chosen AS c WHERE c.kind = 'FILE' AND c.perm_id = f.path)
   AND NOT EXISTS (SELECT 1 FROM service_file AS s WHERE s.path = f.path)
   AND EXISTS (SELECT 1 FROM trash_entity AS i
                 JOIN chosen AS c ON c.kind = i.kind AND c.perm_id = i.perm_id
                WHERE i.deletion = :deletion
                  AND (replace(i.properties, 'openbis/file-service/' || f.path, '') <> i.properties
                    OR replace(i.description, 'openbis/file-service/' || f.path, '')
                       <> i.description))
 ORDER BY 1, 3, 2;

-- name: choose
INSERT INTO chosen (kind, perm_id, identifier) VALUES (:kind, :perm_id, :identifier);

-- name: name_as_now
-- what lies in a project that was renamed or moved since comes back where that is now
UPDATE chosen SET identifier = p.identifier || substr(chosen.identifier, length(t.home_project) + 1)
  FROM trash_entity AS t, entity AS p
 WHERE chosen.kind IN ('EXPERIMENT', 'SAMPLE')
   AND t.deletion = :deletion AND t.kind = chosen.kind AND t.perm_id = chosen.perm_id
   AND p.kind = 'PROJECT' AND p.perm_id = t.project_perm_id
   AND substr(chosen.identifier, 1, length(t.home_project) + 1) = t.home_project || '/';

-- name: settle
-- so do its texts, and those of what hangs on something else that was
INSERT INTO claim (kind, perm_id, identifier, state)
SELECT c.kind, c.perm_id, c.identifier, 'follows' FROM chosen AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
 WHERE c.kind IN ('EXPERIMENT', 'SAMPLE') AND e.identifier <> c.identifier;
INSERT INTO relocated (kind, perm_id)
SELECT x.kind, x.perm_id FROM chosen AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
  JOIN entity AS x ON x.kind = 'EXPERIMENT' AND x.perm_id = e.experiment_perm_id
 UNION
SELECT s.kind, s.perm_id FROM chosen AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
  JOIN entity AS s ON s.kind = 'SAMPLE' AND s.perm_id = e.sample_perm_id;

-- name: chosen_with_files
SELECT c.kind, c.perm_id FROM chosen AS c
  JOIN trash_entity AS t ON t.deletion = :deletion AND t.kind = c.kind AND t.perm_id = c.perm_id
 WHERE c.kind = 'DATA_SET' AND t.data_set_kind = 'PHYSICAL'
   AND EXISTS (SELECT 1 FROM trash_data_set_file AS f
                WHERE f.deletion = :deletion AND f.code = c.perm_id)
 UNION ALL
SELECT c.kind, c.perm_id FROM chosen AS c WHERE c.kind = 'FILE'
 ORDER BY 1, 2;

-- name: refuse
INSERT INTO refused (kind, perm_id, identifier, problem, subject)
SELECT kind, perm_id, identifier, 'file', :reason FROM chosen
 WHERE kind = :kind AND perm_id = :perm_id;

-- name: refuse_present
INSERT INTO refused (kind, perm_id, identifier, problem, subject)
SELECT c.kind, c.perm_id, c.identifier, 'here', e.source FROM chosen AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id;
INSERT INTO refused (kind, perm_id, identifier, problem, subject)
SELECT c.kind, c.perm_id, c.identifier, 'here', f.source FROM chosen AS c
  JOIN service_file AS f ON c.kind = 'FILE' AND f.path = c.perm_id;
INSERT INTO refused (kind, perm_id, identifier, problem, subject)
SELECT c.kind, c.perm_id, c.identifier, 'taken', min(e.perm_id) FROM chosen AS c
  JOIN entity AS e ON e.kind = c.kind AND e.identifier = c.identifier AND e.perm_id <> c.perm_id
 WHERE c.kind IN ('PROJECT', 'EXPERIMENT', 'SAMPLE')
 GROUP BY c.kind, c.perm_id, c.identifier;
INSERT INTO refused (kind, perm_id, identifier, problem, subject)
SELECT c.kind, c.perm_id, c.identifier, 'twice', min(o.perm_id) FROM chosen AS c
  JOIN chosen AS o ON o.kind = c.kind AND o.identifier = c.identifier AND o.perm_id <> c.perm_id
 WHERE c.kind IN ('PROJECT', 'EXPERIMENT', 'SAMPLE')
 GROUP BY c.kind, c.perm_id, c.identifier;

-- name: refuse_homeless
INSERT INTO refused (kind, perm_id, identifier, problem, subject, place)
SELECT n.kind, n.perm_id, n.identifier, n.container, n.called, n.place FROM (
    SELECT c.kind, c.perm_id, c.identifier, 'SPACE' AS container, '/' || t.home_space AS called,
           t.home_space AS place
      FROM chosen AS c JOIN trash_entity AS t
        ON t.deletion = :deletion AND t.kind = c.kind AND t.perm_id = c.perm_id
     WHERE c.kind <> 'SPACE'
     UNION ALL
    SELECT c.kind, c.perm_id, c.identifier, 'PROJECT', t.home_project, t.project_perm_id
      FROM chosen AS c JOIN trash_entity AS t
        ON t.deletion = :deletion AND t.kind = c.kind AND t.perm_id = c.perm_id
     WHERE c.kind <> 'PROJECT'
     UNION ALL
    SELECT c.kind, c.perm_id, c.identifier, 'EXPERIMENT', t.experiment, t.experiment_perm_id
      FROM chosen AS c JOIN trash_entity AS t
        ON t.deletion = :deletion AND t.kind = c.kind AND t.perm_id = c.perm_id
     UNION ALL
    SELECT c.kind, c.perm_id, c.identifier, 'SAMPLE', t.sample, t.sample_perm_id
      FROM chosen AS c JOIN trash_entity AS t
        ON t.deletion = :deletion AND t.kind = c.kind AND t.perm_id = c.perm_id) AS n
 WHERE n.place IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM entity AS e
                    WHERE e.kind = n.container AND e.perm_id = n.place)
   AND NOT EXISTS (SELECT 1 FROM chosen AS o
                    WHERE o.kind = n.container AND o.perm_id = n.place);

-- name: drop_refused
DELETE FROM chosen WHERE EXISTS (
    SELECT 1 FROM refused AS r WHERE r.kind = chosen.kind AND r.perm_id = chosen.perm_id);

-- name: refused
SELECT kind, perm_id, identifier, problem, subject, place FROM refused ORDER BY 1, 3, 2, 4;

-- name: where_deleted
SELECT deletion, perm_id FROM trash_entity
 WHERE kind = :kind AND perm_id = :perm_id ORDER BY deletion DESC LIMIT 1;

-- name: chosen_counts
SELECT kind, count(*) FROM chosen GROUP BY kind ORDER BY kind;

-- name: restore
INSERT INTO restored (kind, perm_id) SELECT kind, perm_id FROM chosen WHERE 1 = 1
ON CONFLICT (kind, perm_id) DO NOTHING;
INSERT INTO file_move (source, area, name, goal, deletion)
SELECT d.source, 'DATA_SET', c.perm_id, 'HOME', d.id FROM chosen AS c
  JOIN trash_entity AS t ON t.deletion = :deletion AND t.kind = c.kind AND t.perm_id = c.perm_id
  JOIN deletion AS d ON d.id = t.deletion
 WHERE c.kind = 'DATA_SET' AND t.data_set_kind = 'PHYSICAL';
INSERT INTO file_move (source, area, name, goal, deletion)
SELECT d.source, 'FILE', c.perm_id, 'HOME', d.id FROM chosen AS c
  JOIN deletion AS d ON d.id = :deletion
 WHERE c.kind = 'FILE';

-- name: finish
INSERT INTO file_removal (area, name)
SELECT 'TRASH', CAST(d.id AS TEXT) FROM deletion AS d
 WHERE d.id = :deletion
   AND NOT EXISTS (SELECT 1 FROM trash_entity AS t WHERE t.deletion = d.id)
   AND NOT EXISTS (SELECT 1 FROM trash_service_file AS f WHERE f.deletion = d.id)
ON CONFLICT DO NOTHING;
DELETE FROM deletion
 WHERE id = :deletion
   AND NOT EXISTS (SELECT 1 FROM trash_entity AS t WHERE t.deletion = deletion.id)
   AND NOT EXISTS (SELECT 1 FROM trash_service_file AS f WHERE f.deletion = deletion.id);

-- name: forget_marks
-- the source has it again, or it is here no longer
DELETE FROM restored
 WHERE kind <> 'FILE' AND NOT EXISTS (
    SELECT 1 FROM entity AS e WHERE e.kind = restored.kind AND e.perm_id = restored.perm_id);
DELETE FROM restored
 WHERE kind = 'FILE' AND NOT EXISTS (
    SELECT 1 FROM service_file AS f WHERE f.path = restored.perm_id);
DELETE FROM restored
 WHERE EXISTS (SELECT 1 FROM incoming_entity AS i
                 JOIN entity AS e ON e.kind = i.kind AND e.perm_id = i.perm_id
                                 AND e.source = :source
                WHERE i.kind = restored.kind AND i.perm_id = restored.perm_id);
DELETE FROM restored
 WHERE kind = 'FILE'
   AND EXISTS (SELECT 1 FROM incoming_service_file AS i
                 JOIN service_file AS f ON f.path = i.path AND f.source = :source
                WHERE i.path = restored.perm_id);

-- name: marked
SELECT r.kind, r.perm_id, coalesce(e.identifier, r.perm_id) FROM restored AS r
  LEFT JOIN entity AS e ON e.kind = r.kind AND e.perm_id = r.perm_id
 ORDER BY 1, 3, 2;

-- name: unmark
DELETE FROM restored WHERE kind = :kind AND perm_id = :perm_id;
