-- name: get_database_size
SELECT pg_database_size(current_database()) AS bytes

-- name: count_connections
-- Connections of this role to this database by their state, such as idle.
SELECT coalesce(state, 'unknown') AS state, count(*) AS connections
FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user
GROUP BY 1

-- name: measure_partitions
-- Size of each partitioned table, the rows in its DEFAULT partition (counted to 10,000), and for how many seconds from
-- a time on there are partitions.
SELECT t.table_name,
       sum(p.bytes)::bigint AS bytes,
       nfcs_core.count_default_rows_v1(to_regclass(t.table_name)) AS stray_rows,
       coalesce(extract(epoch FROM max(p.to_ts) FILTER (WHERE NOT p.is_default) - %(at)s), 0)::float8 AS covered_s
FROM unnest(%(tables)s::text[]) AS t (table_name)
CROSS JOIN LATERAL nfcs_core.list_partitions_v1(to_regclass(t.table_name)) AS p
GROUP BY t.table_name
ORDER BY t.table_name

-- name: list_uncovered_tables
-- The tables without a proper partition for a time.
SELECT t.table_name
FROM unnest(%(tables)s::text[]) AS t (table_name)
WHERE NOT EXISTS (
    SELECT FROM nfcs_core.list_partitions_v1(to_regclass(t.table_name)) AS p
    WHERE p.from_ts <= %(at)s AND %(at)s < p.to_ts
)
ORDER BY t.table_name
