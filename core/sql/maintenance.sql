-- name: list_stale_tables
-- Tables of which more than a share changed since their last analyze, by PostgreSQL's own rule for autovacuum. A
-- partitioned table counts no changes itself: those of its partitions stand for it, or, where autovacuum analyzed
-- these meanwhile, how far their rows are from what the last analyze of the whole found. A partition is left out when
-- the whole is stale: analyzing that analyzes all of them.
WITH stale AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind, greatest(c.reltuples, 0)::bigint AS rows, m.modified_rows
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (
        SELECT greatest(
                   sum(pg_stat_get_mod_since_analyze(relid)),
                   CASE c.relkind WHEN 'p' THEN
                       abs(sum(pg_stat_get_live_tuples(relid)) - greatest(c.reltuples, 0)::bigint) END
               )::bigint AS modified_rows
        FROM (SELECT relid FROM pg_partition_tree(c.oid) WHERE isleaf UNION SELECT c.oid) AS leaves
    ) m
    WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'm', 'p')
      AND m.modified_rows
          > current_setting('autovacuum_analyze_threshold')::bigint + %(share)s::float8 * greatest(c.reltuples, 0)
)
SELECT s.nspname::text AS schema, s.relname::text AS name, s.relkind = 'p' AS is_partitioned, s.rows, s.modified_rows
FROM stale s
WHERE NOT EXISTS (
    SELECT FROM pg_partition_ancestors(s.oid) AS a (relid) JOIN stale whole ON whole.oid = a.relid WHERE a.relid <> s.oid
)
ORDER BY s.modified_rows DESC, 1, 2

-- name: list_invalid_indexes
-- Indexes that no query uses: a concurrent build failed, or goes on. Left over is what REINDEX CONCURRENTLY made beside
-- an index and could not finish or drop. Busy is a table that someone vacuums, analyzes or indexes right now.
SELECT n.nspname::text AS schema,
       x.relname::text AS name,
       c.relname::text AS "table",
       x.relkind = 'I' AS is_partitioned,
       x.relname ~ '_cc(new|old)\d*$' AND EXISTS (
           SELECT FROM pg_index twin JOIN pg_class t ON t.oid = twin.indexrelid
           WHERE twin.indrelid = i.indrelid AND twin.indexrelid <> i.indexrelid AND t.relname !~ '_cc(new|old)\d*$'
             AND (twin.indkey, twin.indclass, twin.indisunique) = (i.indkey, i.indclass, i.indisunique)
             AND pg_get_expr(twin.indexprs, twin.indrelid) IS NOT DISTINCT FROM pg_get_expr(i.indexprs, i.indrelid)
             AND pg_get_expr(twin.indpred, twin.indrelid) IS NOT DISTINCT FROM pg_get_expr(i.indpred, i.indrelid)
       ) AS is_left_over,
       EXISTS (
           SELECT FROM pg_locks l
           WHERE l.locktype = 'relation' AND l.relation = i.indrelid AND l.granted
             AND l.mode = 'ShareUpdateExclusiveLock' AND l.pid <> pg_backend_pid()
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       ) AS is_busy
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%(schemas)s) AND (NOT i.indisvalid OR NOT i.indisready)
ORDER BY 1, 2

-- name: list_bloated_indexes
-- B-trees much larger than their entries need. An entry takes a line pointer (4 bytes), a header (8) and its columns,
-- aligned; a page of block_size gives its 24 bytes of header and 16 of B-tree links away, and is filled to fillfactor.
-- Two pages more are the root and what describes the tree. Duplicates that PostgreSQL keeps once make an index
-- smaller than this: of such an index less bloat is seen.
SELECT schema, name, "table", bytes, needed_bytes
FROM (
    SELECT n.nspname::text AS schema,
           x.relname::text AS name,
           c.relname::text AS "table",
           pg_relation_size(x.oid) AS bytes,
           (block_size * (2 + ceil(
               greatest(x.reltuples, 0) * (4 + 8 * ceil((8 + width) / 8)) / ((block_size - 40) * fillfactor / 100)
           )))::bigint AS needed_bytes
    FROM pg_index i
    JOIN pg_class x ON x.oid = i.indexrelid AND x.relkind = 'i'
    JOIN pg_am am ON am.oid = x.relam AND am.amname = 'btree'
    JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (
        SELECT current_setting('block_size')::float8 AS block_size,
               coalesce((SELECT option_value FROM pg_options_to_table(x.reloptions)
                         WHERE option_name = 'fillfactor'), '90')::float8 AS fillfactor
    ) page
    CROSS JOIN LATERAL (
        -- NULL when a column's width is not known: never analyzed, or hidden by row security.
        SELECT CASE count(*) WHEN count(w.width) THEN sum(ceil(w.width / align) * align) END AS width
        FROM pg_attribute key
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[key.attnum - 1] AND a.attnum > 0
        LEFT JOIN pg_stats s
            ON s.schemaname = n.nspname AND NOT s.inherited
            AND (s.tablename, s.attname) = (CASE WHEN a.attnum IS NULL THEN x.relname ELSE c.relname END,
                                            coalesce(a.attname, key.attname))
        CROSS JOIN LATERAL (
            -- A short value of varying length has a header of one byte and no alignment; that of an expression was
            -- measured with four.
            SELECT (1 - coalesce(s.null_frac, 0)) * CASE
                       WHEN key.attlen > 0 THEN key.attlen
                       WHEN a.attnum IS NULL AND s.avg_width <= 127 THEN s.avg_width - 3
                       ELSE s.avg_width END AS width,
                   CASE WHEN key.attlen = -1 AND s.avg_width <= 127 THEN 1 ELSE
                       CASE key.attalign WHEN 'c' THEN 1 WHEN 's' THEN 2 WHEN 'i' THEN 4 ELSE 8 END END AS align
        ) w
        WHERE key.attrelid = x.oid
    ) entry
    WHERE n.nspname = ANY (%(schemas)s) AND i.indisvalid AND x.reltuples >= 0 AND width IS NOT NULL
) AS estimated
WHERE bytes - needed_bytes >= greatest(%(min_bytes)s::bigint, %(share)s::float8 * bytes)
ORDER BY bytes - needed_bytes DESC, 1, 2

-- name: list_closed_brin_indexes
-- BRIN indexes of the partitions whose span is over.
SELECT n.nspname::text AS schema, x.relname::text AS name, c.relname::text AS "table"
FROM unnest(%(tables)s::text[]) AS t (table_name)
JOIN pg_class parent ON parent.oid = to_regclass(t.table_name)
CROSS JOIN LATERAL nfcs_core.list_partitions_v1(parent.oid) AS p
JOIN pg_class c ON c.relname = p.partition_name AND c.relnamespace = parent.relnamespace
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_index i ON i.indrelid = c.oid AND i.indisvalid
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_am am ON am.oid = x.relam AND am.amname = 'brin'
WHERE p.to_ts <= %(now)s
ORDER BY 1, 2

-- name: summarise_brin_index
SELECT brin_summarize_new_values(to_regclass(%(index)s)) AS summarised_ranges

-- name: list_vacuum_states
-- Dead rows and ages of every table, its TOAST table included, and the ages at which autovacuum is forced to freeze.
SELECT n.nspname::text AS schema,
       c.relname::text AS name,
       pg_stat_get_live_tuples(c.oid) AS live_rows,
       pg_stat_get_dead_tuples(c.oid) AS dead_rows,
       greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)) AS vacuumed_at,
       greatest(age(c.relfrozenxid), age(toast.relfrozenxid)) AS xid_age,
       greatest(mxid_age(c.relminmxid), mxid_age(toast.relminmxid)) AS multixact_age,
       current_setting('autovacuum_freeze_max_age')::bigint AS max_xid_age,
       current_setting('autovacuum_multixact_freeze_max_age')::bigint AS max_multixact_age
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid
WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'm')
ORDER BY xid_age DESC, 1, 2
