-- What a list has twice. Every statement runs on SQLite and on PostgreSQL.

-- name: find
DROP TABLE IF EXISTS incoming_refused;
CREATE TABLE pg_temp.incoming_refused (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, problem TEXT NOT NULL, one TEXT NOT NULL,
    other TEXT NOT NULL, PRIMARY KEY (kind, perm_id));
INSERT INTO incoming_refused (kind, perm_id, problem, one, other)
SELECT d.kind, d.perm_id, 'twice',
       'entry ' || CAST(d.first AS TEXT) || ', ' || (
           SELECT i.identifier FROM incoming_entity AS i
            WHERE i.kind = d.kind AND i.perm_id = d.perm_id AND i.position = d.first),
       'entry ' || CAST(d.last AS TEXT) || ', ' || (
           SELECT i.identifier FROM incoming_entity AS i
            WHERE i.kind = d.kind AND i.perm_id = d.perm_id AND i.position = d.last)
  FROM (SELECT kind, perm_id, min(position) AS first, max(position) AS last
          FROM incoming_entity GROUP BY kind, perm_id HAVING count(*) > 1) AS d;
INSERT INTO incoming_refused (kind, perm_id, problem, one, other)
SELECT i.kind, i.perm_id, 'identifier', i.identifier,
       CASE WHEN i.perm_id = d.one THEN d.other ELSE d.one END
  FROM (SELECT kind, identifier, min(perm_id) AS one, max(perm_id) AS other
          FROM incoming_entity WHERE kind IN ('PROJECT', 'EXPERIMENT', 'SAMPLE')
         GROUP BY kind, identifier HAVING min(perm_id) <> max(perm_id)) AS d
  JOIN incoming_entity AS i ON i.kind = d.kind AND i.identifier = d.identifier
 WHERE 1 = 1
ON CONFLICT DO NOTHING;

-- name: any_found
SELECT count(*) FROM incoming_refused;

-- name: spread
-- what lies in one of these cannot be told where it lies
INSERT INTO incoming_refused (kind, perm_id, problem, one, other)
SELECT i.kind, i.perm_id, 'place', 'PROJECT', i.home_project FROM incoming_entity AS i
 WHERE (i.kind = 'EXPERIMENT' OR i.kind = 'SAMPLE' AND i.project IS NOT NULL)
   AND i.home_project IN (
        SELECT t.identifier FROM incoming_refused AS r
          JOIN incoming_entity AS t ON t.kind = r.kind AND t.perm_id = r.perm_id
         WHERE r.kind = 'PROJECT')
ON CONFLICT DO NOTHING;
INSERT INTO incoming_refused (kind, perm_id, problem, one, other)
SELECT i.kind, i.perm_id, 'place', 'EXPERIMENT', i.experiment FROM incoming_entity AS i
 WHERE i.experiment IN (
        SELECT t.identifier FROM incoming_refused AS r
          JOIN incoming_entity AS t ON t.kind = r.kind AND t.perm_id = r.perm_id
         WHERE r.kind = 'EXPERIMENT')
ON CONFLICT DO NOTHING;
INSERT INTO incoming_refused (kind, perm_id, problem, one, other)
WITH RECURSIVE part (perm_id, container) AS (
    SELECT l.to_perm_id, l.from_perm_id FROM incoming_refused AS r
      JOIN incoming_link AS l ON l.kind = 'SAMPLE' AND l.from_perm_id = r.perm_id
                             AND l.relation = 'Component'
     WHERE r.kind = 'SAMPLE'
     UNION
    SELECT l.to_perm_id, l.from_perm_id FROM part AS p
      JOIN incoming_link AS l ON l.kind = 'SAMPLE' AND l.from_perm_id = p.perm_id
                             AND l.relation = 'Component')
SELECT 'SAMPLE', i.perm_id, 'place', 'SAMPLE', min(p.container) FROM part AS p
  JOIN incoming_entity AS i ON i.kind = 'SAMPLE' AND i.perm_id = p.perm_id
 GROUP BY i.perm_id
ON CONFLICT DO NOTHING;
INSERT INTO incoming_refused (kind, perm_id, problem, one, other)
SELECT i.kind, i.perm_id, 'place', 'SAMPLE', i.sample FROM incoming_entity AS i
 WHERE i.kind = 'DATA_SET' AND i.sample IN (
        SELECT t.identifier FROM incoming_refused AS r
          JOIN incoming_entity AS t ON t.kind = r.kind AND t.perm_id = r.perm_id
         WHERE r.kind = 'SAMPLE')
ON CONFLICT DO NOTHING;

-- name: refused
SELECT kind, perm_id, problem, one, other FROM incoming_refused ORDER BY 1, 2;

-- name: set_apart
INSERT INTO incoming_fault (kind, perm_id) SELECT kind, perm_id FROM incoming_refused;
DELETE FROM incoming_entity WHERE EXISTS (
    SELECT 1 FROM incoming_refused AS r
     WHERE r.kind = incoming_entity.kind AND r.perm_id = incoming_entity.perm_id);

-- name: in_several_kinds
-- spaces and materials have names of their own, which may be like the code of a data set; AFS data
-- have the perm id of their owner
SELECT a.perm_id, a.kind, a.identifier, b.kind, b.identifier
  FROM incoming_entity AS a
  JOIN incoming_entity AS b ON b.kind IN ('PROJECT', 'EXPERIMENT', 'SAMPLE', 'DATA_SET')
                           AND b.perm_id = a.perm_id AND b.kind > a.kind
 WHERE a.kind IN ('PROJECT', 'EXPERIMENT', 'DATA_SET')
   AND NOT (a.afs IS NOT NULL AND b.kind IN ('EXPERIMENT', 'SAMPLE'))
 ORDER BY 1, 2, 4;

-- name: double_files
SELECT path, count(*) FROM incoming_service_file GROUP BY path HAVING count(*) > 1 ORDER BY path;

-- name: set_file_apart
INSERT INTO incoming_fault (kind, perm_id) VALUES ('FILE', :path);
DELETE FROM incoming_service_file WHERE path = :path;
