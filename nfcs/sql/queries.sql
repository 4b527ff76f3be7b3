-- name: list_oscillator_buckets
-- The oscillator states of a run in [from_at, to_at), a row for each bucket of time that holds any. Of a bucket the
-- first `most` states are read, so that the cost is bounded however long and dense the run is.
SELECT extract(epoch FROM bucket.from_at)::float8 AS from_s, part.*
FROM generate_series(
    %(from_at)s::timestamptz, %(to_at)s::timestamptz - interval '1 microsecond', %(width)s::interval
) AS bucket (from_at)
CROSS JOIN LATERAL (
    SELECT count(*) AS n,
           min(sync_parameter) AS r_low, avg(sync_parameter) AS r_mean, max(sync_parameter) AS r_high,
           min(ha) AS ha_low, avg(ha) AS ha_mean, max(ha) AS ha_high,
           avg(coupling_strength) AS k_mean
    FROM (
        SELECT sync_parameter, ha, coupling_strength
        FROM kuramoto_oscillators
        WHERE run_id = %(run)s
          AND "timestamp" >= bucket.from_at AND "timestamp" < bucket.from_at + %(width)s::interval
          -- Said once more in constants: the planner then leaves out the partitions outside the whole span.
          AND "timestamp" >= %(from_at)s::timestamptz AND "timestamp" < %(to_at)s::timestamptz
        ORDER BY "timestamp"
        LIMIT %(most)s
    ) AS state
) AS part
WHERE part.n > 0
ORDER BY bucket.from_at

-- name: list_field_buckets
-- The field states of a run, as list_oscillator_buckets has the oscillators.
SELECT extract(epoch FROM bucket.from_at)::float8 AS from_s, part.*
FROM generate_series(
    %(from_at)s::timestamptz, %(to_at)s::timestamptz - interval '1 microsecond', %(width)s::interval
) AS bucket (from_at)
CROSS JOIN LATERAL (
    SELECT count(*) AS n,
           min(coherence_level) AS coherence_low, avg(coherence_level) AS coherence_mean,
           max(coherence_level) AS coherence_high,
           min(energy_state) AS energy_low, avg(energy_state) AS energy_mean, max(energy_state) AS energy_high,
           min(defect_density) AS defects_low, avg(defect_density) AS defects_mean,
           max(defect_density) AS defects_high,
           min(ha) AS ha_low, avg(ha) AS ha_mean, max(ha) AS ha_high
    FROM (
        SELECT coherence_level, energy_state, defect_density, ha
        FROM nfcs_fields
        WHERE run_id = %(run)s
          AND "timestamp" >= bucket.from_at AND "timestamp" < bucket.from_at + %(width)s::interval
          AND "timestamp" >= %(from_at)s::timestamptz AND "timestamp" < %(to_at)s::timestamptz
        ORDER BY "timestamp"
        LIMIT %(most)s
    ) AS state
) AS part
WHERE part.n > 0
ORDER BY bucket.from_at

-- name: get_run_span
-- The first and the last time of a run's telemetry, null without any: four probes of an index.
SELECT least(
           (SELECT "timestamp" FROM kuramoto_oscillators WHERE run_id = %(run)s ORDER BY "timestamp" LIMIT 1),
           (SELECT "timestamp" FROM nfcs_fields WHERE run_id = %(run)s ORDER BY "timestamp" LIMIT 1)
       ) AS first_at,
       greatest(
           (SELECT "timestamp" FROM kuramoto_oscillators WHERE run_id = %(run)s ORDER BY "timestamp" DESC LIMIT 1),
           (SELECT "timestamp" FROM nfcs_fields WHERE run_id = %(run)s ORDER BY "timestamp" DESC LIMIT 1)
       ) AS last_at

-- name: list_run_pulses
-- The newest runs going on: what they sent last, how much in the last minute, and r in steps of `step` since
-- `since`. Every part is a probe of an index or stops at `most` rows.
SELECT run.id, run.name, run.kind, run.started_at, guard.level,
       control.event_type = 'emergency_stop' AS is_stopped,
       greatest(newest.at, newest_field.at) AS last_at,
       newest.r, coalesce(newest.ha, newest_field.ha) AS ha, newest_field.coherence,
       minute.oscillator_rows, minute.field_rows,
       trace.r AS r_trace
FROM (
    SELECT id, name, kind, started_at
    FROM runs
    WHERE ended_at IS NULL AND run_uuid <> %(system_run)s::uuid
    ORDER BY started_at DESC, id DESC
    LIMIT %(runs)s
) AS run
LEFT JOIN run_guard_states AS guard ON guard.run_id = run.id
LEFT JOIN LATERAL (
    SELECT event_type
    FROM synchronization_events
    WHERE run_id = run.id AND event_type IN ('emergency_stop', 'recovery')
    ORDER BY occurred_at DESC, id DESC
    LIMIT 1
) AS control ON true
LEFT JOIN LATERAL (
    SELECT "timestamp" AS at, sync_parameter AS r, ha
    FROM kuramoto_oscillators
    WHERE run_id = run.id
    ORDER BY "timestamp" DESC
    LIMIT 1
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT "timestamp" AS at, coherence_level AS coherence, ha
    FROM nfcs_fields
    WHERE run_id = run.id
    ORDER BY "timestamp" DESC
    LIMIT 1
) AS newest_field ON true
CROSS JOIN LATERAL (
    SELECT (SELECT count(*) FROM (
                SELECT FROM kuramoto_oscillators
                WHERE run_id = run.id
                  AND "timestamp" > %(now)s::timestamptz - interval '1 minute' AND "timestamp" <= %(now)s::timestamptz
                LIMIT %(most)s) AS state) AS oscillator_rows,
           (SELECT count(*) FROM (
                SELECT FROM nfcs_fields
                WHERE run_id = run.id
                  AND "timestamp" > %(now)s::timestamptz - interval '1 minute' AND "timestamp" <= %(now)s::timestamptz
                LIMIT %(most)s) AS state) AS field_rows
) AS minute
CROSS JOIN LATERAL (
    SELECT array_agg(probe.r ORDER BY step.from_at) AS r
    FROM generate_series(
        %(since)s::timestamptz, %(now)s::timestamptz - %(step)s::interval, %(step)s::interval
    ) AS step (from_at)
    LEFT JOIN LATERAL (
        SELECT sync_parameter AS r
        FROM kuramoto_oscillators
        WHERE run_id = run.id
          AND "timestamp" >= step.from_at AND "timestamp" < step.from_at + %(step)s::interval
          AND "timestamp" >= %(since)s::timestamptz AND "timestamp" <= %(now)s::timestamptz
        ORDER BY "timestamp"
        LIMIT 1
    ) AS probe ON true
) AS trace
ORDER BY run.started_at DESC, run.id DESC

-- name: get_frame
-- A frame; of a plain one every `step`-th row, so that no picture reads more than 512 of them.
SELECT resolution, ndim, frame_encoding, picked.step,
       CASE WHEN ndim = 1 OR frame_encoding IS NOT NULL THEN frame ELSE (
           SELECT string_agg(substring(frame FROM row_index * resolution * 8 + 1 FOR resolution * 8), ''::bytea
                             ORDER BY row_index)
           FROM generate_series(0, resolution - 1, picked.step) AS row_index
       ) END AS payload
FROM nfcs_fields
CROSS JOIN LATERAL (SELECT greatest(1, resolution / 256) AS step) AS picked
WHERE run_id = %(run)s AND "timestamp" = %(at)s::timestamptz AND id = %(id)s AND frame IS NOT NULL

-- name: list_partition_health
-- Partitions of each table: how many, until when they are ready, rows and size by the server's own estimates; those in
-- DEFAULT counted to 10,000.
SELECT parent.name AS table_name,
       count(*) FILTER (WHERE NOT leaf.is_default) AS partitions,
       max(leaf.to_ts) AS covered_until,
       sum(greatest(leaf.estimated_rows, pg_stat_get_live_tuples(class.oid)))::bigint AS estimated_rows,
       nfcs_core.count_default_rows_v1(to_regclass(parent.name)) AS default_rows,
       sum(leaf.bytes)::bigint AS bytes
FROM unnest(%(tables)s::text[]) WITH ORDINALITY AS parent (name, place)
JOIN pg_class AS root ON root.oid = to_regclass(parent.name)
CROSS JOIN LATERAL nfcs_core.list_partitions_v1(root.oid::regclass) AS leaf
JOIN pg_class AS class ON class.relname = leaf.partition_name AND class.relnamespace = root.relnamespace
GROUP BY parent.name, parent.place
ORDER BY parent.place

-- name: get_server_health
SELECT current_setting('server_version') AS version,
       pg_database_size(current_database()) AS bytes,
       pg_postmaster_start_time() AS started_at,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       current_setting('max_connections')::integer AS max_connections
