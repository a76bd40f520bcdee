-- Who is meant: references by perm id, and identifiers that only one may have. Every statement runs
-- on SQLite and on PostgreSQL.

-- name: refer
-- the list is whole and has nothing twice: what its references mean within it
INSERT INTO incoming_reference (kind, perm_id, project_perm_id, experiment_perm_id, sample_perm_id)
SELECT i.kind, i.perm_id, p.perm_id, x.perm_id, s.perm_id FROM incoming_entity AS i
  LEFT JOIN incoming_entity AS x ON x.kind = 'EXPERIMENT' AND x.identifier = i.experiment
  LEFT JOIN incoming_entity AS s ON s.kind = 'SAMPLE' AND s.identifier = i.sample
  LEFT JOIN incoming_entity AS p ON p.kind = 'PROJECT' AND p.identifier =
            CASE WHEN i.project IS NULL AND x.perm_id IS NOT NULL THEN x.home_project
                 ELSE i.home_project END
 WHERE i.kind IN ('EXPERIMENT', 'SAMPLE', 'DATA_SET')
   AND (i.home_project IS NOT NULL OR i.experiment IS NOT NULL OR i.sample IS NOT NULL)
 ORDER BY i.kind, i.perm_id;

-- name: lead_out
INSERT INTO incoming_outward (kind, perm_id, target_kind, target)
SELECT i.kind, i.perm_id, 'PROJECT', i.home_project FROM incoming_reference AS r
  JOIN incoming_entity AS i ON i.kind = r.kind AND i.perm_id = r.perm_id
 WHERE r.project_perm_id IS NULL AND i.home_project IS NOT NULL;
INSERT INTO incoming_outward (kind, perm_id, target_kind, target)
SELECT i.kind, i.perm_id, 'EXPERIMENT', i.experiment FROM incoming_reference AS r
  JOIN incoming_entity AS i ON i.kind = r.kind AND i.perm_id = r.perm_id
 WHERE r.experiment_perm_id IS NULL AND i.experiment IS NOT NULL;
INSERT INTO incoming_outward (kind, perm_id, target_kind, target)
SELECT i.kind, i.perm_id, 'SAMPLE', i.sample FROM incoming_reference AS r
  JOIN incoming_entity AS i ON i.kind = r.kind AND i.perm_id = r.perm_id
 WHERE r.sample_perm_id IS NULL AND i.sample IS NOT NULL;

-- name: any_outward
SELECT count(*) FROM incoming_outward;

-- name: resolve
-- what leads out of the list means what it meant before, unless the list calls that otherwise
UPDATE incoming_outward SET found = (
    SELECT CASE incoming_outward.target_kind WHEN 'PROJECT' THEN e.project_perm_id
                WHEN 'EXPERIMENT' THEN e.experiment_perm_id ELSE e.sample_perm_id END
      FROM entity AS e
     WHERE e.kind = incoming_outward.kind AND e.perm_id = incoming_outward.perm_id
       AND e.source = :source
       AND CASE incoming_outward.target_kind WHEN 'PROJECT' THEN e.home_project
                WHEN 'EXPERIMENT' THEN e.experiment ELSE e.sample END = incoming_outward.target);
UPDATE incoming_outward SET found = NULL
 WHERE found IS NOT NULL AND EXISTS (
    SELECT 1 FROM incoming_entity AS i
     WHERE i.kind = incoming_outward.target_kind AND i.perm_id = incoming_outward.found)
   -- but without its container, a list cannot call a component what its source calls it
   AND NOT (incoming_outward.target_kind = 'SAMPLE' AND EXISTS (
    SELECT 1 FROM link AS l
     WHERE l.kind = 'SAMPLE' AND l.relation = 'Component'
       AND l.to_perm_id = incoming_outward.found
       AND NOT EXISTS (SELECT 1 FROM incoming_entity AS o
                        WHERE o.kind = 'SAMPLE' AND o.perm_id = l.from_perm_id)));
-- else the one that is called so here, if it is certain that this one is meant: values that are
-- loaded name what is here; a section means what its entity hung on before, what its own list has
-- and could not be read, or what another section brought from the same source
UPDATE incoming_outward SET found = (
    SELECT CASE WHEN count(*) = 1 THEN min(CASE WHEN
               :source = '' OR c.perm_id = (
                   SELECT CASE incoming_outward.target_kind WHEN 'PROJECT' THEN e.project_perm_id
                               WHEN 'EXPERIMENT' THEN e.experiment_perm_id
                               ELSE e.sample_perm_id END
                     FROM entity AS e WHERE e.kind = incoming_outward.kind
                                        AND e.perm_id = incoming_outward.perm_id)
               OR c.source = :source AND EXISTS (
                   SELECT 1 FROM incoming_fault AS f
                    WHERE f.kind = c.kind AND f.perm_id = c.perm_id)
               OR c.source <> :source AND EXISTS (
                   SELECT 1 FROM source AS theirs JOIN source AS ours ON ours.url = theirs.url
                    WHERE theirs.name = c.source AND ours.name = :source)
               THEN c.perm_id END) END
      FROM entity AS c
     WHERE c.kind = incoming_outward.target_kind AND c.identifier = incoming_outward.target
       AND NOT EXISTS (SELECT 1 FROM incoming_entity AS i
                        WHERE i.kind = c.kind AND i.perm_id = c.perm_id))
 WHERE found IS NULL;
UPDATE incoming_reference SET project_perm_id = o.found FROM incoming_outward AS o
 WHERE o.target_kind = 'PROJECT'
   AND o.kind = incoming_reference.kind AND o.perm_id = incoming_reference.perm_id;
UPDATE incoming_reference SET experiment_perm_id = o.found FROM incoming_outward AS o
 WHERE o.target_kind = 'EXPERIMENT'
   AND o.kind = incoming_reference.kind AND o.perm_id = incoming_reference.perm_id;
UPDATE incoming_reference SET sample_perm_id = o.found FROM incoming_outward AS o
 WHERE o.target_kind = 'SAMPLE'
   AND o.kind = incoming_reference.kind AND o.perm_id = incoming_reference.perm_id;

-- name: new_claims
DROP TABLE IF EXISTS claim;
CREATE TABLE pg_temp.claim (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, identifier TEXT NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (kind, perm_id), UNIQUE (kind, identifier, perm_id));
DROP TABLE IF EXISTS relocated;
CREATE TABLE pg_temp.relocated (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, PRIMARY KEY (kind, perm_id));

-- name: claim
-- who gets which identifier: what is new, what is renamed or moved by the list, and what the list
-- does not have but lies in a project that it renames or moves
INSERT INTO claim (kind, perm_id, identifier, state)
SELECT i.kind, i.perm_id, i.identifier, CASE WHEN c.action = 'new' THEN 'new' ELSE 'moves' END
  FROM plan AS c
  JOIN incoming_entity AS i ON i.kind = c.kind AND i.perm_id = c.perm_id
  LEFT JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
 WHERE c.action IN ('new', 'changed') AND c.kind IN ('PROJECT', 'EXPERIMENT', 'SAMPLE')
   AND (e.perm_id IS NULL OR e.identifier <> i.identifier);

-- name: any_project_moves
SELECT count(*) FROM claim WHERE kind = 'PROJECT' AND state = 'moves';

-- name: follow_projects
INSERT INTO claim (kind, perm_id, identifier, state)
SELECT e.kind, e.perm_id, m.identifier || substr(e.identifier, length(p.identifier) + 1), 'follows'
  FROM entity AS e CROSS JOIN claim AS m CROSS JOIN entity AS p
 WHERE e.kind IN ('EXPERIMENT', 'SAMPLE')
   AND m.kind = 'PROJECT' AND m.perm_id = e.project_perm_id AND m.state = 'moves'
   AND p.kind = 'PROJECT' AND p.perm_id = m.perm_id
   AND substr(e.identifier, 1, length(p.identifier) + 1) = p.identifier || '/'
   AND NOT EXISTS (SELECT 1 FROM plan AS c
                    WHERE c.kind = e.kind AND c.perm_id = e.perm_id AND c.action = 'changed');

-- name: block
-- an identifier is taken if who has it stays where it is, or comes to it with its project
DROP TABLE IF EXISTS blocked;
CREATE TABLE pg_temp.blocked (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, reason TEXT NOT NULL, subject TEXT NOT NULL,
    PRIMARY KEY (kind, perm_id));
INSERT INTO blocked (kind, perm_id, reason, subject)
SELECT c.kind, c.perm_id, 'taken', min(e.perm_id) FROM claim AS c CROSS JOIN entity AS e
 WHERE e.kind = c.kind AND e.identifier = c.identifier AND e.perm_id <> c.perm_id
   AND NOT EXISTS (SELECT 1 FROM claim AS m WHERE m.kind = e.kind AND m.perm_id = e.perm_id)
 GROUP BY c.kind, c.perm_id;
INSERT INTO blocked (kind, perm_id, reason, subject)
SELECT c.kind, c.perm_id, 'taken', min(f.perm_id) FROM claim AS f CROSS JOIN claim AS c
 WHERE f.state = 'follows'
   AND c.kind = f.kind AND c.identifier = f.identifier AND c.perm_id <> f.perm_id
 GROUP BY c.kind, c.perm_id
ON CONFLICT DO NOTHING;
-- places of another owner that do not lie where this list has them
DROP TABLE IF EXISTS elsewhere;
CREATE TABLE pg_temp.elsewhere (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, PRIMARY KEY (kind, perm_id));
INSERT INTO elsewhere (kind, perm_id)
SELECT c.kind, c.perm_id FROM plan AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
  JOIN incoming_entity AS i ON i.kind = c.kind AND i.perm_id = c.perm_id
 WHERE c.action = 'foreign' AND c.kind IN ('PROJECT', 'EXPERIMENT', 'SAMPLE')
   AND e.identifier <> i.identifier;

-- name: any_elsewhere
SELECT count(*) FROM elsewhere;

-- name: block_elsewhere
INSERT INTO blocked (kind, perm_id, reason, subject)
SELECT c.kind, c.perm_id, 'elsewhere', min(w.kind || ' ' || w.perm_id)
  FROM incoming_reference AS r CROSS JOIN elsewhere AS w
  JOIN plan AS c ON c.kind = r.kind AND c.perm_id = r.perm_id AND c.action IN ('new', 'changed')
 WHERE w.kind = 'PROJECT' AND w.perm_id = r.project_perm_id
    OR w.kind = 'EXPERIMENT' AND w.perm_id = r.experiment_perm_id
    OR w.kind = 'SAMPLE' AND w.perm_id = r.sample_perm_id
 GROUP BY c.kind, c.perm_id
ON CONFLICT DO NOTHING;

-- name: any_blocked
SELECT count(*) FROM blocked;

-- name: spread
-- what waits for what: for who has the identifier, for the place, and a project for all that has to
-- move with it
DROP TABLE IF EXISTS edge;
CREATE TABLE pg_temp.edge (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, on_kind TEXT NOT NULL, on_perm_id TEXT NOT NULL,
    PRIMARY KEY (on_kind, on_perm_id, kind, perm_id), UNIQUE (kind, perm_id, on_kind, on_perm_id));
INSERT INTO edge (kind, perm_id, on_kind, on_perm_id)
SELECT c.kind, c.perm_id, m.kind, m.perm_id FROM claim AS c CROSS JOIN entity AS e
  JOIN claim AS m ON m.kind = e.kind AND m.perm_id = e.perm_id
 WHERE e.kind = c.kind AND e.identifier = c.identifier AND e.perm_id <> c.perm_id;
INSERT INTO edge (kind, perm_id, on_kind, on_perm_id)
SELECT r.kind, r.perm_id, 'PROJECT', r.project_perm_id FROM incoming_reference AS r
  JOIN plan AS c ON c.kind = r.kind AND c.perm_id = r.perm_id AND c.action IN ('new', 'changed')
 WHERE r.kind IN ('EXPERIMENT', 'SAMPLE') AND r.project_perm_id IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO edge (kind, perm_id, on_kind, on_perm_id)
SELECT r.kind, r.perm_id, 'EXPERIMENT', r.experiment_perm_id FROM incoming_reference AS r
  JOIN plan AS c ON c.kind = r.kind AND c.perm_id = r.perm_id AND c.action IN ('new', 'changed')
 WHERE r.experiment_perm_id IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO edge (kind, perm_id, on_kind, on_perm_id)
SELECT r.kind, r.perm_id, 'SAMPLE', r.sample_perm_id FROM incoming_reference AS r
  JOIN plan AS c ON c.kind = r.kind AND c.perm_id = r.perm_id AND c.action IN ('new', 'changed')
 WHERE r.sample_perm_id IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO edge (kind, perm_id, on_kind, on_perm_id)
SELECT DISTINCT 'SAMPLE', l.to_perm_id, 'SAMPLE', l.from_perm_id FROM incoming_link AS l
  JOIN plan AS c ON c.kind = 'SAMPLE' AND c.perm_id = l.to_perm_id
                  AND c.action IN ('new', 'changed')
 WHERE l.kind = 'SAMPLE' AND l.relation = 'Component'
ON CONFLICT DO NOTHING;
INSERT INTO edge (kind, perm_id, on_kind, on_perm_id)
SELECT f.kind, f.perm_id, 'PROJECT', e.project_perm_id FROM claim AS f
  JOIN entity AS e ON e.kind = f.kind AND e.perm_id = f.perm_id
 WHERE f.state = 'follows'
ON CONFLICT DO NOTHING;
INSERT INTO edge (kind, perm_id, on_kind, on_perm_id)
SELECT m.kind, m.perm_id, c.kind, c.perm_id FROM claim AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
 CROSS JOIN claim AS m
 WHERE c.kind IN ('EXPERIMENT', 'SAMPLE')
   AND m.kind = 'PROJECT' AND m.perm_id = e.project_perm_id AND m.state = 'moves'
ON CONFLICT DO NOTHING;
INSERT INTO blocked (kind, perm_id, reason, subject)
WITH RECURSIVE reached (kind, perm_id) AS (
    SELECT kind, perm_id FROM blocked
     UNION
    SELECT d.kind, d.perm_id FROM reached AS r
      JOIN edge AS d ON d.on_kind = r.kind AND d.on_perm_id = r.perm_id)
SELECT r.kind, r.perm_id, 'stranded', '' FROM reached AS r
 WHERE NOT EXISTS (SELECT 1 FROM blocked AS b WHERE b.kind = r.kind AND b.perm_id = r.perm_id);
UPDATE blocked SET subject = (
    SELECT min(d.on_kind || ' ' || d.on_perm_id) FROM edge AS d
      JOIN blocked AS b ON b.kind = d.on_kind AND b.perm_id = d.on_perm_id
     WHERE d.kind = blocked.kind AND d.perm_id = blocked.perm_id)
 WHERE reason = 'stranded';
DELETE FROM claim WHERE EXISTS (
    SELECT 1 FROM blocked AS b WHERE b.kind = claim.kind AND b.perm_id = claim.perm_id);
UPDATE plan SET action = CASE WHEN (
    SELECT b.reason FROM blocked AS b
     WHERE b.kind = plan.kind AND b.perm_id = plan.perm_id) = 'taken'
   THEN 'taken' ELSE 'stranded' END
 WHERE action IN ('new', 'changed') AND EXISTS (
    SELECT 1 FROM blocked AS b WHERE b.kind = plan.kind AND b.perm_id = plan.perm_id);

-- name: relocate
-- what will be called or lie otherwise than it does: the texts of what hangs on it follow
INSERT INTO relocated (kind, perm_id)
SELECT c.kind, c.perm_id FROM plan AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
  JOIN incoming_entity AS i ON i.kind = c.kind AND i.perm_id = c.perm_id
  LEFT JOIN incoming_reference AS r ON r.kind = c.kind AND r.perm_id = c.perm_id
 WHERE c.action = 'changed' AND c.kind IN ('EXPERIMENT', 'SAMPLE')
   AND (e.identifier <> i.identifier
     OR coalesce(e.home_space, '') <> coalesce(i.home_space, '')
     OR coalesce(e.home_project, '') <> coalesce(i.home_project, '')
     OR coalesce(e.project_perm_id, '') <> coalesce(r.project_perm_id, ''));
INSERT INTO relocated (kind, perm_id)
SELECT kind, perm_id FROM claim WHERE state = 'follows' ON CONFLICT DO NOTHING;

-- name: blocked_items
SELECT b.kind, b.perm_id, b.reason, b.subject, coalesce(i.identifier, b.perm_id) AS identifier,
       h.source AS owner, h.identifier AS name, p.action, f.perm_id AS unread
  FROM blocked AS b
  JOIN plan AS c ON c.kind = b.kind AND c.perm_id = b.perm_id
                  AND c.action IN ('taken', 'stranded')
  JOIN incoming_entity AS i ON i.kind = b.kind AND i.perm_id = b.perm_id
  LEFT JOIN entity AS h ON b.reason = 'taken' AND h.kind = b.kind AND h.perm_id = b.subject
  LEFT JOIN plan AS p ON b.reason = 'taken' AND p.kind = b.kind AND p.perm_id = b.subject
  LEFT JOIN incoming_fault AS f ON b.reason = 'taken' AND f.kind = b.kind
                               AND f.perm_id = b.subject
 WHERE b.kind = :kind
 ORDER BY 5, 2;

-- name: any_relocated
SELECT count(*) FROM relocated;

-- name: follow
UPDATE entity
   SET identifier = c.identifier, space = p.space, project = p.code, home_space = p.space,
       home_project = p.identifier
  FROM claim AS c, entity AS p
 WHERE c.state = 'follows' AND entity.kind = c.kind AND entity.perm_id = c.perm_id
   AND p.kind = 'PROJECT' AND p.perm_id = entity.project_perm_id;
INSERT INTO relocated (kind, perm_id)
SELECT e.kind, e.perm_id FROM entity AS e
 WHERE e.kind = 'SAMPLE' AND e.project IS NULL
   AND e.experiment_perm_id IN (SELECT perm_id FROM relocated WHERE kind = 'EXPERIMENT')
ON CONFLICT DO NOTHING;
UPDATE entity
   SET (experiment, home_project, project_perm_id) = (
       SELECT x.identifier,
              CASE WHEN entity.project IS NULL THEN x.home_project ELSE entity.home_project END,
              CASE WHEN entity.project IS NULL THEN x.project_perm_id
                   ELSE entity.project_perm_id END
         FROM entity AS x WHERE x.kind = 'EXPERIMENT' AND x.perm_id = entity.experiment_perm_id)
 WHERE kind = 'SAMPLE'
   AND experiment_perm_id IN (SELECT perm_id FROM relocated WHERE kind = 'EXPERIMENT');
UPDATE entity
   SET (experiment, home_space, home_project, project_perm_id) = (
       SELECT x.identifier, x.home_space, x.home_project, x.project_perm_id
         FROM entity AS x WHERE x.kind = 'EXPERIMENT' AND x.perm_id = entity.experiment_perm_id)
 WHERE kind = 'DATA_SET'
   AND experiment_perm_id IN (SELECT perm_id FROM relocated WHERE kind = 'EXPERIMENT');
UPDATE entity
   SET sample = (SELECT s.identifier FROM entity AS s
                  WHERE s.kind = 'SAMPLE' AND s.perm_id = entity.sample_perm_id)
 WHERE kind = 'DATA_SET'
   AND sample_perm_id IN (SELECT perm_id FROM relocated WHERE kind = 'SAMPLE');
UPDATE entity
   SET (home_space, home_project, project_perm_id) = (
       SELECT s.home_space, s.home_project, s.project_perm_id
         FROM entity AS s WHERE s.kind = 'SAMPLE' AND s.perm_id = entity.sample_perm_id)
 WHERE kind = 'DATA_SET' AND experiment IS NULL
   AND sample_perm_id IN (SELECT perm_id FROM relocated WHERE kind = 'SAMPLE');

-- name: shared_identifier
SELECT c.kind, c.identifier, min(e.perm_id), max(e.perm_id) FROM claim AS c
 CROSS JOIN entity AS e
 WHERE e.kind = c.kind AND e.identifier = c.identifier
 GROUP BY c.kind, c.identifier HAVING min(e.perm_id) <> max(e.perm_id)
 ORDER BY 1, 2 LIMIT 1;

-- name: fill_entities
-- once, for rows of a time when references were identifiers; what two entities are called stays
-- without a reference until the next list says who is meant
UPDATE entity SET experiment_perm_id = (
    SELECT CASE WHEN count(*) = 1 THEN min(x.perm_id) END FROM entity AS x
     WHERE x.kind = 'EXPERIMENT' AND x.identifier = entity.experiment)
 WHERE experiment IS NOT NULL;
UPDATE entity SET sample_perm_id = (
    SELECT CASE WHEN count(*) = 1 THEN min(s.perm_id) END FROM entity AS s
     WHERE s.kind = 'SAMPLE' AND s.identifier = entity.sample)
 WHERE sample IS NOT NULL;
UPDATE entity SET project_perm_id = (
    SELECT CASE WHEN count(*) = 1 THEN min(p.perm_id) END FROM entity AS p
     WHERE p.kind = 'PROJECT' AND p.identifier = entity.home_project)
 WHERE kind IN ('EXPERIMENT', 'SAMPLE', 'DATA_SET') AND home_project IS NOT NULL;
UPDATE entity SET project_perm_id = (
    SELECT x.project_perm_id FROM entity AS x
     WHERE x.kind = 'EXPERIMENT' AND x.perm_id = entity.experiment_perm_id)
 WHERE kind IN ('SAMPLE', 'DATA_SET') AND project IS NULL AND experiment_perm_id IS NOT NULL;

-- name: fill_trash
-- meant is who was deleted with it (number of a deletion), else who is here or in the trash (0)
DROP TABLE IF EXISTS called;
CREATE TABLE pg_temp.called (
    deletion INTEGER NOT NULL, kind TEXT NOT NULL, identifier TEXT NOT NULL, perm_id TEXT NOT NULL,
    PRIMARY KEY (kind, identifier, deletion));
INSERT INTO called (deletion, kind, identifier, perm_id)
SELECT deletion, kind, identifier, min(perm_id) FROM trash_entity
 WHERE kind IN ('PROJECT', 'EXPERIMENT', 'SAMPLE')
 GROUP BY deletion, kind, identifier HAVING count(*) = 1;
INSERT INTO called (deletion, kind, identifier, perm_id)
SELECT 0, a.kind, a.identifier, min(a.perm_id) FROM (
    SELECT kind, identifier, perm_id FROM entity UNION ALL
    SELECT kind, identifier, perm_id FROM trash_entity) AS a
 WHERE a.kind IN ('PROJECT', 'EXPERIMENT', 'SAMPLE')
 GROUP BY a.kind, a.identifier HAVING min(a.perm_id) = max(a.perm_id);
UPDATE trash_entity SET experiment_perm_id = (
    SELECT c.perm_id FROM called AS c
     WHERE c.kind = 'EXPERIMENT' AND c.identifier = trash_entity.experiment
       AND c.deletion IN (0, trash_entity.deletion) ORDER BY c.deletion DESC LIMIT 1)
 WHERE experiment IS NOT NULL;
UPDATE trash_entity SET sample_perm_id = (
    SELECT c.perm_id FROM called AS c
     WHERE c.kind = 'SAMPLE' AND c.identifier = trash_entity.sample
       AND c.deletion IN (0, trash_entity.deletion) ORDER BY c.deletion DESC LIMIT 1)
 WHERE sample IS NOT NULL;
UPDATE trash_entity SET project_perm_id = (
    SELECT c.perm_id FROM called AS c
     WHERE c.kind = 'PROJECT' AND c.identifier = trash_entity.home_project
       AND c.deletion IN (0, trash_entity.deletion) ORDER BY c.deletion DESC LIMIT 1)
 WHERE kind IN ('EXPERIMENT', 'SAMPLE', 'DATA_SET') AND home_project IS NOT NULL;
DROP TABLE called;
