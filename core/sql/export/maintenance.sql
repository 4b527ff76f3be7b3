-- Routine maintenance, as nfcs_owner: psql -f maintenance.sql. Run hourly or daily; repeating it does no harm.

SET timezone TO 'UTC';

-- Partitions of this and the next three months. Rows never wait for them: DEFAULT takes what has none, and gives it up
-- here.
SELECT format('SELECT %L AS partition, * FROM nfcs_core.ensure_partition_v1(%L, %L, %L, %L)',
              name, "table", name, from_ts, from_ts + ('1 ' || width)::interval)
FROM (VALUES
{partitioned_tables}
) AS t ("table", width)
CROSS JOIN LATERAL generate_series(
    date_trunc(width, now()), date_trunc('month', now()) + interval '4 months - 1 second', ('1 ' || width)::interval
) AS from_ts
CROSS JOIN LATERAL (
    SELECT "table" || to_char(from_ts, CASE width WHEN 'week' THEN '"_y"IYYY"w"IW' ELSE '"_y"YYYY"m"MM' END) AS name
) n
ORDER BY 1 \gexec

-- Ranges of BRIN indexes that no summary covers yet: until then every scan reads them.
SELECT format('SELECT %L AS index, brin_summarize_new_values(%L) AS ranges_summarised', i.indexrelid::regclass,
              i.indexrelid::regclass)
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am a ON a.oid = c.relam AND a.amname = 'brin'
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'i' AND n.nspname IN ('nfcs_core', 'kuramoto', 'constitutional', 'cognitive', 'validation')
ORDER BY 1 \gexec

-- The planner's statistics of partitioned tables: autovacuum keeps those of the partitions, not of the whole.
SELECT format('ANALYZE %s', p.partrelid::regclass)
FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('nfcs_core', 'kuramoto', 'constitutional', 'cognitive', 'validation')
ORDER BY 1 \gexec

-- Tables with many dead rows that autovacuum has not come to.
SELECT format('VACUUM (ANALYZE) %I.%I', schemaname, relname)
FROM pg_stat_user_tables
WHERE n_dead_tup > 1000 AND n_dead_tup > 0.2 * n_live_tup
  AND schemaname IN ('public', 'nfcs_core', 'user_mgmt', 'kuramoto', 'constitutional', 'cognitive', 'validation')
ORDER BY n_dead_tup DESC \gexec
