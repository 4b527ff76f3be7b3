-- name: get_server
SELECT current_database() AS database,
       current_user::text AS role,
       current_setting('server_version') AS server_version,
       current_setting('server_version_num')::integer AS server_version_num,
       pg_database_size(current_database()) AS bytes,
       pg_is_in_recovery() AS is_replica

-- name: list_extensions
SELECT extname::text AS name, extversion AS version FROM pg_extension ORDER BY extname

-- name: list_roles
SELECT name, rolname IS NOT NULL AS exists, rolsuper AS is_superuser, rolbypassrls AS bypasses_row_security
FROM unnest(%(roles)s::text[]) AS name LEFT JOIN pg_roles ON rolname = name
ORDER BY name

-- name: list_schemas
SELECT name,
       count(c.oid) FILTER (WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition) AS tables,
       count(c.oid) FILTER (WHERE c.relispartition AND c.relkind = 'r') AS partitions,
       coalesce(sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relkind IN ('r', 'm')), 0)::bigint AS bytes
FROM unnest(%(schemas)s::text[]) WITH ORDINALITY AS s (name, place)
LEFT JOIN pg_class c ON c.relnamespace = to_regnamespace(name) AND c.relkind IN ('r', 'p', 'm')
GROUP BY name, place ORDER BY place
