-- The trash: what was deleted, kept for a while. Every statement runs on SQLite and on PostgreSQL.

-- name: moves
SELECT m.area, m.name, m.goal, m.deletion,
       CASE WHEN m.area = 'DATA_SET' THEN EXISTS (
                SELECT 1 FROM entity AS e WHERE e.kind = 'DATA_SET' AND e.perm_id = m.name
                                            AND e.data_set_kind = 'PHYSICAL')
            ELSE EXISTS (SELECT 1 FROM service_file AS f WHERE f.path = m.name) END
       OR EXISTS (SELECT 1 FROM arrival AS c
                   WHERE c.area = m.area AND c.name = m.name AND c.source <> m.source) AS needed
  FROM file_move AS m WHERE m.source = :source ORDER BY 1, 2;

-- name: move_to_trash
INSERT INTO file_move (source, area, name, goal, deletion)
SELECT :source, 'DATA_SET', c.perm_id, 'TRASH', d.id FROM plan AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id
  JOIN deletion AS d ON d.id = :deletion
 WHERE c.action = 'gone' AND c.kind = 'DATA_SET' AND e.data_set_kind = 'PHYSICAL'
ON CONFLICT (source, area, name) DO UPDATE SET goal = 'TRASH', deletion = excluded.deletion;
INSERT INTO file_move (source, area, name, goal, deletion)
SELECT :source, 'FILE', c.perm_id, 'TRASH', d.id FROM plan AS c
  JOIN deletion AS d ON d.id = :deletion
 WHERE c.action = 'gone' AND c.kind = 'FILE'
ON CONFLICT (source, area, name) DO UPDATE SET goal = 'TRASH', deletion = excluded.deletion;

-- name: purge
INSERT INTO file_removal (area, name) VALUES ('TRASH', CAST(:deletion AS TEXT))
ON CONFLICT DO NOTHING;
INSERT INTO file_removal (area, name)
SELECT DISTINCT 'ATTACHMENT', sha256 FROM trash_attachment
 WHERE deletion = :deletion AND sha256 IS NOT NULL
ON CONFLICT DO NOTHING;
DELETE FROM trash_part WHERE deletion = :deletion;
DELETE FROM trash_entity WHERE deletion = :deletion;
DELETE FROM trash_link WHERE deletion = :deletion;
DELETE FROM trash_data_set_file WHERE deletion = :deletion;
DELETE FROM trash_content_copy WHERE deletion = :deletion;
DELETE FROM trash_attachment WHERE deletion = :deletion;
DELETE FROM trash_service_file WHERE deletion = :deletion;
DELETE FROM deletion WHERE id = :deletion;

-- name: deletions
SELECT d.id, d.source, coalesce(r.section, d.source) AS section, r.id AS run, d.deleted
  FROM deletion AS d LEFT JOIN run AS r ON r.id = d.run
 ORDER BY d.id DESC;

-- name: deletion_counts
SELECT t.deletion, coalesce(p.part, t.kind), count(*) FROM trash_entity AS t
  LEFT JOIN trash_part AS p ON p.deletion = t.deletion AND p.kind = t.kind
                           AND p.perm_id = t.perm_id
 GROUP BY 1, 2
UNION ALL
SELECT f.deletion, coalesce(p.part, 'FILE'), count(*) FROM trash_service_file AS f
  LEFT JOIN trash_part AS p ON p.deletion = f.deletion AND p.kind = 'FILE' AND p.perm_id = f.path
 GROUP BY 1, 2
 ORDER BY 1, 2;

-- name: deletion_bytes
SELECT found.deletion, sum(found.length) FROM (
    SELECT f.deletion, f.length FROM trash_data_set_file AS f
      JOIN trash_entity AS e ON e.deletion = f.deletion AND e.kind = 'DATA_SET'
                            AND e.perm_id = f.code AND e.data_set_kind = 'PHYSICAL'
     UNION ALL
    SELECT a.deletion, a.length FROM trash_attachment AS a WHERE a.sha256 IS NOT NULL
     UNION ALL
    SELECT s.deletion, s.length FROM trash_service_file AS s) AS found
 GROUP BY found.deletion;

-- name: items
SELECT t.kind, t.perm_id, t.identifier FROM trash_entity AS t WHERE t.deletion = :deletion
UNION ALL
SELECT 'FILE', f.path, f.path FROM trash_service_file AS f WHERE f.deletion = :deletion
 ORDER BY 1, 3, 2;

-- name: pass_over_sqlite
INSERT INTO sqlite_sequence (name, seq)
SELECT 'deletion', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'deletion');
UPDATE sqlite_sequence SET seq = :highest WHERE name = 'deletion' AND seq < :highest;

-- name: pass_over_postgresql
SELECT setval('deletion_id_seq', cast(:highest AS bigint))
 WHERE :highest > (SELECT last_value FROM deletion_id_seq);
