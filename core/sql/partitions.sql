-- name: list_partitions
SELECT partition_name AS name,
       to_char(from_ts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS from_at,
       to_char(to_ts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS to_at,
       is_default, estimated_rows, bytes
FROM nfcs_core.list_partitions_v1(%(table)s::regclass)

-- name: get_leaf_index
-- Schema of a partition; whether an index of it is valid, null when it is not there; whether someone vacuums, analyzes
-- or indexes the partition right now.
SELECT n.nspname::text AS schema,
       (SELECT i.indisvalid AND i.indisready
        FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND x.relname = %(name)s) AS is_valid,
       EXISTS (
           SELECT FROM pg_locks l
           WHERE l.locktype = 'relation' AND l.relation = c.oid AND l.granted
             AND l.mode = 'ShareUpdateExclusiveLock' AND l.pid <> pg_backend_pid()
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       ) AS is_busy
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(%(leaf)s)

-- name: get_partitioned_table
-- Schema, partition column and DEFAULT partition of a table.
SELECT n.nspname::text AS schema, a.attname::text AS key_column,
       (SELECT d.relname::text FROM pg_class d WHERE d.oid = p.partdefid) AS default_leaf
FROM pg_partitioned_table p
JOIN pg_class c ON c.oid = p.partrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
WHERE p.partrelid = to_regclass(%(table)s)

-- name: list_stored_columns
-- The columns of a table that hold data of their own, with their types.
SELECT a.attname::text AS name, t.typname::text AS type, format_type(a.atttypid, a.atttypmod) AS declared
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(%(table)s) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attnum

-- name: list_firing_triggers
-- The triggers of a table that people made and that fire.
SELECT tgname::text AS name, tgenabled = 'A' AS always
FROM pg_trigger
WHERE tgrelid = to_regclass(%(table)s) AND NOT tgisinternal AND tgenabled IN ('O', 'A')
ORDER BY 1

-- name: count_default_rows
SELECT nfcs_core.count_default_rows_v1(to_regclass(%(table)s)) AS rows
