-- What is on its way into the data store. Every statement runs on SQLite and on PostgreSQL.

-- name: announce
INSERT INTO arrival (source, area, name, content) VALUES (:source, :area, :name, :content)
ON CONFLICT (source, area, name) DO UPDATE SET content = excluded.content;

-- name: announce_stored_data_set
INSERT INTO arrival (source, area, name, content)
SELECT e.source, 'DATA_SET', e.perm_id, '' FROM entity AS e
 WHERE e.kind = 'DATA_SET' AND e.perm_id = :code AND e.source = :source
ON CONFLICT DO NOTHING;

-- name: announce_attachments
INSERT INTO arrival (source, area, name, content)
SELECT DISTINCT e.source, 'ATTACHMENT', i.sha256, '' FROM incoming_attachment AS i
  JOIN entity AS e ON e.kind = i.kind AND e.perm_id = i.perm_id AND e.source = :source
 WHERE i.sha256 IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM attachment AS a
                    WHERE a.kind = i.kind AND a.perm_id = i.perm_id AND a.sha256 = i.sha256)
ON CONFLICT DO NOTHING;

-- name: arrived
DELETE FROM arrival WHERE source = :source AND area = :area AND name = :name;

-- name: announced
SELECT name FROM arrival WHERE source = :source AND area = :area;

-- name: abandoned
-- of this section, what its list does not have (or what is here meanwhile); a record that could not
-- be read may have it, and so may a part that the source cannot show now: of a content it is not
-- known who holds it. Needed is also what another section is bringing
SELECT c.area, c.name,
       CASE WHEN c.area = 'DATA_SET' THEN EXISTS (
                SELECT 1 FROM entity AS e WHERE e.kind = 'DATA_SET' AND e.perm_id = c.name
                                            AND e.data_set_kind = 'PHYSICAL')
            WHEN c.area = 'ATTACHMENT' THEN EXISTS (
                SELECT 1 FROM attachment AS a WHERE a.sha256 = c.name) OR EXISTS (
                SELECT 1 FROM trash_attachment AS t WHERE t.sha256 = c.name)
            ELSE EXISTS (SELECT 1 FROM service_file AS f WHERE f.path = c.name) END
       OR EXISTS (SELECT 1 FROM arrival AS o
                   WHERE o.area = c.area AND o.name = c.name AND o.source <> c.source) AS needed
  FROM arrival AS c
 WHERE c.source = :source
   AND NOT (c.area = 'DATA_SET'
            AND c.name IN (SELECT i.perm_id FROM incoming_entity AS i
                            WHERE i.kind = 'DATA_SET' AND i.data_set_kind = 'PHYSICAL'
                            UNION ALL
                           SELECT u.perm_id FROM incoming_unknown AS u
                            WHERE u.kind = 'DATA_SET' AND u.part = 'files'
                            UNION ALL
                           SELECT x.perm_id FROM incoming_fault AS x WHERE x.kind = 'DATA_SET')
            AND NOT EXISTS (SELECT 1 FROM entity AS e
                             WHERE e.kind = 'DATA_SET' AND e.perm_id = c.name
                               AND e.source <> c.source))
   AND NOT (c.area = 'ATTACHMENT'
            AND (c.name IN (SELECT i.sha256 FROM incoming_attachment AS i
                              JOIN entity AS e ON e.kind = i.kind AND e.perm_id = i.perm_id
                                              AND e.source = :source
                             WHERE i.sha256 IS NOT NULL)
              OR EXISTS (SELECT 1 FROM incoming_unknown AS u WHERE u.part = 'attachments')
              OR EXISTS (SELECT 1 FROM incoming_fault AS x
                          WHERE x.kind IN ('PROJECT', 'EXPERIMENT', 'SAMPLE')))
            AND NOT EXISTS (SELECT 1 FROM attachment AS a WHERE a.sha256 = c.name))
   AND NOT (c.area = 'FILE'
            AND (c.name IN (SELECT i.path FROM incoming_service_file AS i
                             UNION ALL
                            SELECT x.perm_id FROM incoming_fault AS x WHERE x.kind = 'FILE')
              OR EXISTS (SELECT 1 FROM incoming_unknown AS u WHERE u.part = 'file-service'))
            AND NOT EXISTS (SELECT 1 FROM service_file AS f
                             WHERE f.path = c.name AND f.source <> c.source))
 ORDER BY 1, 2;

-- name: interrupted_data_sets
SELECT c.name FROM arrival AS c
  JOIN entity AS e ON e.kind = 'DATA_SET' AND e.perm_id = c.name AND e.source = c.source
  JOIN incoming_entity AS i ON i.kind = 'DATA_SET' AND i.perm_id = c.name
                           AND i.data_set_kind = 'PHYSICAL'
 WHERE c.source = :source AND c.area = 'DATA_SET';

-- name: unwritten_data_sets
-- the same, whether or not a list has them: their rows are still those of before
SELECT c.name FROM arrival AS c
  JOIN entity AS e ON e.kind = 'DATA_SET' AND e.perm_id = c.name AND e.source = c.source
 WHERE c.source = :source AND c.area = 'DATA_SET';

-- name: interrupted_service_files
SELECT i.path, i.modified, i.length, i.sha256, i.href, f.source AS owner,
       f.sha256 AS stored_sha256 FROM arrival AS c
  JOIN service_file AS f ON f.path = c.name AND f.source = c.source
  JOIN incoming_service_file AS i ON i.path = c.name AND i.sha256 = f.sha256
 WHERE c.source = :source AND c.area = 'FILE'
 ORDER BY 1;

-- name: owners_of_arrived
-- data sets that have arrived and that another section has registered since the plan was made
SELECT c.perm_id, e.source FROM plan AS c
  JOIN entity AS e ON e.kind = c.kind AND e.perm_id = c.perm_id AND e.source <> :source
 WHERE c.kind = 'DATA_SET' AND c.action IN ('new', 'changed');

-- name: places_of_arrived
-- in whose places files lie that are still to be moved away, or back
SELECT c.perm_id, min(m.source) FROM plan AS c
  JOIN file_move AS m ON m.area = 'DATA_SET' AND m.name = c.perm_id
 WHERE c.kind = 'DATA_SET' AND c.action IN ('new', 'changed')
 GROUP BY c.perm_id;

-- name: unknown_places
-- data sets that have arrived and of which no row says what should lie in their places, and no note
-- that a section was bringing it: what lies there all the same is not known to be ours
SELECT c.perm_id FROM plan AS c
 WHERE c.kind = 'DATA_SET' AND c.action IN ('new', 'changed')
   AND NOT EXISTS (SELECT 1 FROM data_set_file AS f WHERE f.code = c.perm_id)
   AND (EXISTS (SELECT 1 FROM entity AS e WHERE e.kind = c.kind AND e.perm_id = c.perm_id)
        OR NOT EXISTS (SELECT 1 FROM arrival AS o
                        WHERE o.area = 'DATA_SET' AND o.name = c.perm_id));

-- name: place_of_file
SELECT min(m.source) FROM file_move AS m WHERE m.area = 'FILE' AND m.name = :path;

-- name: rivals
SELECT f.source, f.sha256, 1 AS is_here FROM service_file AS f
 WHERE f.path = :path AND f.source <> :source
 UNION ALL
SELECT c.source, c.content, 0 FROM arrival AS c
 WHERE c.area = 'FILE' AND c.name = :path AND c.source <> :source
 ORDER BY 3 DESC, 1;

-- name: keep_service_file
DELETE FROM service_file WHERE path = :path AND source = :source;
INSERT INTO service_file (path, source, modified, length, sha256)
VALUES (:path, :source, :modified, :length, :sha256)
ON CONFLICT DO NOTHING;
