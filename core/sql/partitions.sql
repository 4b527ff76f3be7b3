-- name: list_partitions
SELECT partition_name AS name,
       to_char(from_ts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS from_at,
       to_char(to_ts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS to_at,
       is_default, estimated_rows, bytes
FROM nfcs_core.list_partitions_v1(%(table)s::regclass)
