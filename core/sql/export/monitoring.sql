-- Health of the database: psql -f monitoring.sql. Reads only. As nfcs_owner; seeing the queries of other roles takes
-- pg_read_all_stats.

\echo Sizes of tables, with indexes and all partitions, largest first
SELECT n.nspname AS schema, c.relname AS "table", pg_size_pretty(s.bytes) AS size, s.bytes, s.partitions
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT sum(pg_total_relation_size(t.relid))::bigint AS bytes, count(*) FILTER (WHERE t.level > 0) AS partitions
    FROM pg_partition_tree(c.oid) t
    UNION ALL
    SELECT pg_total_relation_size(c.oid), 0 WHERE c.relkind = 'r'
    ORDER BY 1 DESC NULLS LAST LIMIT 1) s
WHERE n.nspname IN ('nfcs_core', 'user_mgmt', 'kuramoto', 'constitutional', 'cognitive', 'validation')
  AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY s.bytes DESC, 1, 2;

\echo Inserts, updates, deletes, live and dead rows, last vacuum
SELECT schemaname AS schema, relname AS "table", n_tup_ins, n_tup_upd, n_tup_del, n_live_tup, n_dead_tup,
       round(100.0 * n_dead_tup / nullif(n_live_tup + n_dead_tup, 0), 1) AS dead_percent,
       greatest(last_vacuum, last_autovacuum) AS vacuumed_at, greatest(last_analyze, last_autoanalyze) AS analyzed_at
FROM pg_stat_user_tables
WHERE schemaname IN ('nfcs_core', 'user_mgmt', 'kuramoto', 'constitutional', 'cognitive', 'validation')
ORDER BY n_dead_tup DESC, 1, 2;

\echo Rows in DEFAULT partitions: they wait for maintenance.sql to make their partition
SELECT format('SELECT %L AS default_partition, count(*) AS waiting_rows FROM %s', p.partdefid::regclass,
              p.partdefid::regclass)
FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE p.partdefid <> 0
  AND n.nspname IN ('nfcs_core', 'kuramoto', 'constitutional', 'cognitive', 'validation')
ORDER BY 1 \gexec

\echo How far ahead partitions reach
SELECT p.partrelid::regclass AS "table", max(l.to_ts) AS covered_until, max(l.to_ts) - now() AS ahead,
       count(*) FILTER (WHERE NOT l.is_default) AS partitions
FROM pg_partitioned_table p
JOIN pg_class c ON c.oid = p.partrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL nfcs_core.list_partitions_v1(p.partrelid) l
WHERE n.nspname IN ('nfcs_core', 'kuramoto', 'constitutional', 'cognitive', 'validation')
GROUP BY 1 ORDER BY 2 NULLS FIRST;

\echo BRIN indexes: rows inserted since the last vacuum may lie in ranges without a summary
SELECT i.indexrelid::regclass AS index, s.relid::regclass AS "table", s.n_ins_since_vacuum, s.last_autovacuum,
       coalesce(array_to_string(c.reloptions, ', '), '') AS options
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
JOIN pg_am a ON a.oid = c.relam AND a.amname = 'brin'
JOIN pg_stat_user_tables s ON s.relid = i.indrelid
ORDER BY s.n_ins_since_vacuum DESC, 1;

\echo Indexes that no query has used since the statistics were reset
SELECT schemaname AS schema, relname AS "table", indexrelname AS index,
       pg_size_pretty(pg_relation_size(indexrelid)) AS size
FROM pg_stat_user_indexes JOIN pg_index USING (indexrelid)
WHERE idx_scan = 0 AND NOT indisunique
  AND schemaname IN ('nfcs_core', 'user_mgmt', 'kuramoto', 'constitutional', 'cognitive', 'validation')
ORDER BY pg_relation_size(indexrelid) DESC, 1, 2, 3;

\echo Transactions open for more than five minutes: they keep dead rows from being removed
SELECT pid, usename AS role, state, now() - xact_start AS open_for, wait_event_type, left(query, 80) AS query
FROM pg_stat_activity
WHERE datname = current_database() AND xact_start < now() - interval '5 minutes'
ORDER BY xact_start;

\echo Sessions that wait for a lock, and who holds it
SELECT pid, usename AS role, pg_blocking_pids(pid) AS blocked_by, now() - state_change AS waiting_for,
       left(query, 80) AS query
FROM pg_stat_activity
WHERE cardinality(pg_blocking_pids(pid)) > 0
ORDER BY state_change;
