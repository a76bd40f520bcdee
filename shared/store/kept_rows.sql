-- What is needed to keep the incoming tables from one run to the next. Only for SQLite.

-- name: create
DROP TABLE IF EXISTS incoming_touched;
CREATE TABLE pg_temp.incoming_touched (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, PRIMARY KEY (kind, perm_id));
DROP TABLE IF EXISTS incoming_order;
CREATE TABLE pg_temp.incoming_order (
    generation INTEGER NOT NULL, number INTEGER NOT NULL, entries BLOB NOT NULL,
    PRIMARY KEY (generation, number));

-- name: clear
DELETE FROM incoming_fault;
DELETE FROM incoming_service_file;
DELETE FROM incoming_unknown WHERE kind = 'FILE';

-- name: touched
SELECT i.position FROM incoming_touched AS t
  JOIN incoming_entity AS i ON i.kind = t.kind AND i.perm_id = t.perm_id;

-- name: forget_touched
DELETE FROM incoming_touched;

-- name: last_position
SELECT coalesce(max(position), 0) FROM incoming_entity;

-- name: begin_drop
DROP TABLE IF EXISTS incoming_dropped;
CREATE TABLE pg_temp.incoming_dropped (position INTEGER PRIMARY KEY);
DROP TABLE IF EXISTS dropped_entity;
CREATE TABLE pg_temp.dropped_entity (
    kind TEXT NOT NULL, perm_id TEXT NOT NULL, PRIMARY KEY (kind, perm_id));

-- name: drop
-- rows without a position were added by a pass; what is newer than the last position was read now
INSERT INTO dropped_entity (kind, perm_id)
SELECT i.kind, i.perm_id FROM incoming_dropped AS d
  JOIN incoming_entity AS i ON i.position = d.position;
DELETE FROM incoming_entity WHERE position IN (SELECT position FROM incoming_dropped);
DELETE FROM incoming_link
 WHERE (kind, from_perm_id) IN (SELECT kind, perm_id FROM dropped_entity)
   AND coalesce(position, 0) <= :last;
DELETE FROM incoming_data_set_file
 WHERE code IN (SELECT perm_id FROM dropped_entity WHERE kind = 'DATA_SET')
   AND coalesce(position, 0) <= :last;
DELETE FROM incoming_content_copy
 WHERE code IN (SELECT perm_id FROM dropped_entity WHERE kind = 'DATA_SET')
   AND coalesce(position, 0) <= :last;
DELETE FROM incoming_attachment
 WHERE (kind, perm_id) IN (SELECT kind, perm_id FROM dropped_entity)
   AND coalesce(position, 0) <= :last;
DELETE FROM incoming_unknown
 WHERE (kind, perm_id) IN (SELECT kind, perm_id FROM dropped_entity)
   AND coalesce(position, 0) <= :last;

-- name: clear_references
DELETE FROM incoming_reference;
DELETE FROM incoming_outward;
