-- name: list_days
-- The days in [since, until) that have samples, and how many the series has that has most.
SELECT day, sum(n)::bigint AS rows, max(n) AS most
FROM (
    SELECT date_bin('1 day', recorded_at, '1970-01-01 00:00:00+00') AS day, count(*) AS n
    FROM metric_samples
    WHERE recorded_at >= %(since)s::timestamptz AND recorded_at < %(until)s::timestamptz
    GROUP BY 1, run_id, series_id
) s
GROUP BY day
ORDER BY day

-- name: lock
SELECT pg_advisory_xact_lock(hashtextextended('nfcs compaction', 0))

-- name: move_day
-- Moves the samples of a day into its arrays, in one statement and so as of one moment: those that come meanwhile stay
-- where they are. Answers what was moved and what is there now of the same series: number, and sum of a hash of every
-- sample, whatever the order.
WITH gone AS MATERIALIZED (
    DELETE FROM metric_samples
    WHERE recorded_at >= %(day)s::timestamptz AND recorded_at < %(day)s::timestamptz + interval '24 hours'
    RETURNING run_id, series_id, recorded_at, value
), moved AS (
    INSERT INTO metric_days AS kept (run_id, series_id, day, n, times, samples)
    SELECT run_id, series_id, %(day)s::timestamptz, count(*), array_agg(recorded_at ORDER BY recorded_at, value),
           array_agg(value ORDER BY recorded_at, value)
    FROM gone
    GROUP BY run_id, series_id
    ON CONFLICT (run_id, series_id, day) DO UPDATE
    SET (n, times, samples) = (
        SELECT count(*), array_agg(merged.t ORDER BY merged.t, merged.v), array_agg(merged.v ORDER BY merged.t, merged.v)
        FROM (
            SELECT p.t, p.v FROM unnest(kept.times, kept.samples) AS p (t, v)
            UNION ALL
            SELECT p.t, p.v FROM unnest(excluded.times, excluded.samples) AS p (t, v)
        ) merged
    )
    RETURNING run_id, series_id, day, times, samples
), before AS (
    SELECT run_id, series_id, recorded_at, value FROM gone
    UNION ALL
    SELECT d.run_id, d.series_id, p.recorded_at, p.value
    FROM metric_days d
    JOIN (SELECT DISTINCT run_id, series_id FROM gone) touched USING (run_id, series_id)
    CROSS JOIN LATERAL unnest(d.times, d.samples) AS p (recorded_at, value)
    WHERE d.day = %(day)s::timestamptz
), now AS (
    SELECT m.run_id, m.series_id, p.recorded_at, p.value
    FROM moved m
    CROSS JOIN LATERAL unnest(m.times, m.samples) AS p (recorded_at, value)
)
SELECT (SELECT count(*) FROM gone) AS rows,
       (SELECT count(*) FROM moved) AS series,
       (SELECT row(count(*), sum(hash_record_extended(row(run_id, series_id, recorded_at, value), 0)))::text
        FROM before) AS before,
       (SELECT row(count(*), sum(hash_record_extended(row(run_id, series_id, recorded_at, value), 0)))::text
        FROM now) AS after

-- name: get_sizes
-- Octets of a partition and of its indexes.
SELECT pg_relation_size(leaf) AS heap, pg_indexes_size(leaf) AS indexes FROM to_regclass(%(leaf)s) AS leaf
