-- Deletions that wait for the operator: between the plan of a pass (``plan``) and the table
-- held_deletion. Every statement runs on SQLite and on PostgreSQL.

-- name: forget_returned
DELETE FROM held_deletion
 WHERE source = :source AND NOT EXISTS (
    SELECT 1 FROM plan AS c
     WHERE c.kind = held_deletion.kind AND c.perm_id = held_deletion.perm_id
       AND c.action IN ('gone', 'kept'))
   -- what the list does not show now has not returned
   AND NOT (kind IN ('FILE', 'FILE_CONTENT') AND EXISTS (
        SELECT 1 FROM incoming_unknown AS u WHERE u.part = 'file-service'))
   AND NOT (kind = 'DATA_SET'
        AND EXISTS (SELECT 1 FROM incoming_unknown AS u WHERE u.part = 'afs')
        AND EXISTS (SELECT 1 FROM entity AS e
                     WHERE e.kind = 'DATA_SET' AND e.perm_id = held_deletion.perm_id
                       AND e.afs IS NOT NULL))
   AND NOT EXISTS (
    SELECT 1 FROM incoming_unknown AS u
     WHERE u.perm_id = held_deletion.perm_id
       AND u.kind = CASE held_deletion.kind WHEN 'DATA_SET_CONTENT' THEN 'DATA_SET'
                WHEN 'PROJECT_ATTACHMENTS' THEN 'PROJECT'
                WHEN 'EXPERIMENT_ATTACHMENTS' THEN 'EXPERIMENT'
                WHEN 'SAMPLE_ATTACHMENTS' THEN 'SAMPLE' END
       AND u.part IN ('files', 'content-copies', 'attachments'));
DELETE FROM held_part
 WHERE source = :source AND NOT EXISTS (
    SELECT 1 FROM held_deletion AS h
     WHERE h.source = held_part.source AND h.kind = held_part.kind
       AND h.perm_id = held_part.perm_id);

-- name: new_count
SELECT count(*) FROM plan AS c
 WHERE c.action = 'gone' AND NOT EXISTS (
    SELECT 1 FROM held_deletion AS h
     WHERE h.source = :source AND h.kind = c.kind AND h.perm_id = c.perm_id);

-- name: brought_count
SELECT (SELECT count(*) FROM entity WHERE source = :source)
     + (SELECT count(*) FROM service_file WHERE source = :source)
     - (SELECT count(*) FROM held_deletion WHERE source = :source
           AND kind NOT IN ('DATA_SET_CONTENT', 'PROJECT_ATTACHMENTS', 'EXPERIMENT_ATTACHMENTS',
                            'SAMPLE_ATTACHMENTS', 'FILE_CONTENT'));

-- name: vanished_spaces
-- all that was in a space is gone with it; what the operator has released already does not count.
-- CROSS JOIN keeps SQLite from reading all entities once for each space
SELECT e.home_space, count(*) AS inside FROM entity AS e
 CROSS JOIN plan AS s
  LEFT JOIN plan AS c ON c.kind = e.kind AND c.perm_id = e.perm_id AND c.action = 'gone'
 WHERE e.source = :source AND e.kind <> 'SPACE'
   AND s.kind = 'SPACE' AND s.action = 'gone' AND s.perm_id = e.home_space
   AND NOT EXISTS (SELECT 1 FROM held_deletion AS h
                    WHERE h.source = :source AND h.kind = 'SPACE' AND h.perm_id = s.perm_id)
   AND NOT EXISTS (SELECT 1 FROM held_deletion AS h
                    WHERE h.source = :source AND h.kind = e.kind AND h.perm_id = e.perm_id
                      AND h.released)
 GROUP BY e.home_space HAVING count(*) = count(c.perm_id)
 ORDER BY 1;

-- name: vanished_projects
-- as vanished_spaces; projects of a space that is gone itself are named with it
WITH gone AS MATERIALIZED (
    SELECT p.identifier FROM plan AS s
      JOIN entity AS p ON p.kind = s.kind AND p.perm_id = s.perm_id
     WHERE s.kind = 'PROJECT' AND s.action = 'gone'
       AND NOT EXISTS (SELECT 1 FROM plan AS z WHERE z.kind = 'SPACE' AND z.action = 'gone'
                                                   AND z.perm_id = p.home_space)
       AND NOT EXISTS (SELECT 1 FROM held_deletion AS h
                        WHERE h.source = :source AND h.kind = 'PROJECT' AND h.perm_id = s.perm_id))
SELECT e.home_project, count(*) AS inside FROM entity AS e
  JOIN gone AS g ON g.identifier = e.home_project
  LEFT JOIN plan AS c ON c.kind = e.kind AND c.perm_id = e.perm_id AND c.action = 'gone'
 WHERE e.source = :source AND e.kind <> 'PROJECT'
   AND NOT EXISTS (SELECT 1 FROM held_deletion AS h
                    WHERE h.source = :source AND h.kind = e.kind AND h.perm_id = e.perm_id
                      AND h.released)
 GROUP BY e.home_project HAVING count(*) = count(c.perm_id)
 ORDER BY 1;

-- name: vanished_kinds
-- kinds of which several were here and none is listed any more; spaces and projects are named by
-- themselves, and what was held back or released before does not count. AFS data are a kind of
-- their own: a service that has lost its folder has no files of anything
SELECT found.kind, found.number FROM (
    SELECT CASE WHEN e.afs IS NULL THEN e.kind ELSE 'AFS_DATA' END AS kind, count(*) AS number,
           count(c.perm_id) AS gone FROM entity AS e
      LEFT JOIN plan AS c ON c.kind = e.kind AND c.perm_id = e.perm_id AND c.action = 'gone'
     WHERE e.source = :source AND e.kind NOT IN ('SPACE', 'PROJECT')
       AND NOT EXISTS (SELECT 1 FROM held_deletion AS h
                        WHERE h.source = :source AND h.kind = e.kind AND h.perm_id = e.perm_id)
     GROUP BY CASE WHEN e.afs IS NULL THEN e.kind ELSE 'AFS_DATA' END) AS found
 WHERE found.number = found.gone AND found.number > 1
   AND NOT EXISTS (SELECT 1 FROM incoming_entity AS i
                    WHERE CASE WHEN i.afs IS NULL THEN i.kind ELSE 'AFS_DATA' END = found.kind)
 ORDER BY 1;

-- name: vanished_shared_samples
-- samples without a space; what was held back or released before does not count
SELECT count(*) FROM plan AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
 WHERE c.kind = 'SAMPLE' AND c.action = 'gone' AND e.home_space IS NULL
   AND NOT EXISTS (SELECT 1 FROM held_deletion AS h
                    WHERE h.source = :source AND h.kind = c.kind AND h.perm_id = c.perm_id);

-- name: hold_waiting
UPDATE plan SET action = 'held'
 WHERE action = 'gone' AND EXISTS (
    SELECT 1 FROM held_deletion AS h
     WHERE h.source = :source AND h.kind = plan.kind AND h.perm_id = plan.perm_id
       AND NOT h.released);

-- name: hold_new
UPDATE plan SET action = 'held'
 WHERE action = 'gone' AND NOT EXISTS (
    SELECT 1 FROM held_deletion AS h
     WHERE h.source = :source AND h.kind = plan.kind AND h.perm_id = plan.perm_id);

-- name: hold_containers
-- what waits must not lose the place in which it lies
DELETE FROM anchored;
INSERT INTO anchored (kind, perm_id)
SELECT DISTINCT 'SAMPLE', inside.sample_perm_id FROM plan AS h
  JOIN entity AS inside ON inside.kind = h.kind AND inside.perm_id = h.perm_id
 WHERE h.action = 'held' AND inside.sample_perm_id IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO anchored (kind, perm_id)
SELECT DISTINCT 'EXPERIMENT', inside.experiment_perm_id FROM plan AS h
  JOIN entity AS inside ON inside.kind = h.kind AND inside.perm_id = h.perm_id
 WHERE h.action = 'held' AND inside.experiment_perm_id IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO anchored (kind, perm_id)
SELECT DISTINCT 'EXPERIMENT', inside.experiment_perm_id FROM anchored AS s
  JOIN plan AS c ON c.kind = s.kind AND c.perm_id = s.perm_id AND c.action = 'gone'
  JOIN entity AS inside ON inside.kind = s.kind AND inside.perm_id = s.perm_id
 WHERE s.kind = 'SAMPLE' AND inside.experiment_perm_id IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO anchored (kind, perm_id)
SELECT DISTINCT 'PROJECT', inside.project_perm_id FROM plan AS h
  JOIN entity AS inside ON inside.kind = h.kind AND inside.perm_id = h.perm_id
 WHERE h.action = 'held' AND inside.project_perm_id IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO anchored (kind, perm_id)
SELECT DISTINCT 'SPACE', inside.home_space FROM plan AS h
  JOIN entity AS inside ON inside.kind = h.kind AND inside.perm_id = h.perm_id
 WHERE h.action = 'held' AND inside.home_space IS NOT NULL
ON CONFLICT DO NOTHING;
UPDATE plan SET action = 'held'
 WHERE action = 'gone' AND EXISTS (
    SELECT 1 FROM anchored AS s WHERE s.kind = plan.kind AND s.perm_id = plan.perm_id);

-- name: remember_held
INSERT INTO held_deletion (source, kind, perm_id, run, released)
SELECT :source, c.kind, c.perm_id, :run, FALSE FROM plan AS c WHERE c.action = 'held'
ON CONFLICT (source, kind, perm_id) DO NOTHING;
INSERT INTO held_part (source, kind, perm_id, name)
SELECT DISTINCT :source, l.kind, l.perm_id, l.name FROM plan AS c
  JOIN loss AS l ON l.kind = c.kind AND l.perm_id = c.perm_id
 WHERE c.action = 'held'
ON CONFLICT (source, kind, perm_id, name) DO NOTHING;

-- name: forget_done
DELETE FROM held_deletion
 WHERE source = :source AND EXISTS (
    SELECT 1 FROM plan AS c
     WHERE c.kind = held_deletion.kind AND c.perm_id = held_deletion.perm_id
       AND c.action = 'gone');

-- name: outgrown_count
-- losses of which more would go now than was held back, and could be looked at; with what was held
-- back before parts were remembered
SELECT count(DISTINCT l.kind || ' ' || l.perm_id) FROM loss AS l
  JOIN held_deletion AS h ON h.source = :source AND h.kind = l.kind AND h.perm_id = l.perm_id
 WHERE NOT EXISTS (
    SELECT 1 FROM held_part AS p
     WHERE p.source = h.source AND p.kind = l.kind AND p.perm_id = l.perm_id AND p.name = l.name);

-- name: hold_outgrown
UPDATE held_deletion SET run = :run, released = FALSE
 WHERE source = :source AND EXISTS (
    SELECT 1 FROM loss AS l
     WHERE l.kind = held_deletion.kind AND l.perm_id = held_deletion.perm_id AND NOT EXISTS (
        SELECT 1 FROM held_part AS p
         WHERE p.source = held_deletion.source AND p.kind = l.kind AND p.perm_id = l.perm_id
           AND p.name = l.name));
-- what was seen is what this run shows
DELETE FROM held_part
 WHERE source = :source AND EXISTS (
    SELECT 1 FROM held_deletion AS h
     WHERE h.source = held_part.source AND h.kind = held_part.kind
       AND h.perm_id = held_part.perm_id AND h.run = :run);
