-- name: list_series
SELECT id, component, metric_unit AS unit, tags::text AS tags
FROM metric_series
WHERE run_id = %(run_id)s AND metric_name = %(metric_name)s
  AND (%(component)s::text IS NULL OR component = %(component)s)
ORDER BY id
LIMIT %(most)s

-- name: list_samples
-- Samples of some series in [since, until).
SELECT series_id, recorded_at, value
FROM metric_points_v1(%(since)s::timestamptz, %(until)s::timestamptz)
WHERE run_id = %(run_id)s AND series_id = ANY (%(series)s)
LIMIT %(most)s

-- name: read_samples
-- The same by steps.
SELECT series_id,
       date_bin(%(step)s::interval, recorded_at, '1970-01-01 00:00:00+00') AS at,
       count(*) AS n,
       min(value) AS v_min,
       max(value) AS v_max,
       (sum(value::numeric) / count(*))::float8 AS v_mean
FROM metric_points_v1(%(since)s::timestamptz, %(until)s::timestamptz)
WHERE run_id = %(run_id)s AND series_id = ANY (%(series)s)
GROUP BY series_id, at

-- name: rollups
-- The same from rollups of one width, which divides the step. What has samples that are not rolled up yet is put
-- together from its minutes, and those minutes from their samples: the answer is that of the samples, at one moment.
-- One of the two queries below follows.
WITH waiting AS MATERIALIZED (
    SELECT DISTINCT series_id, bucket
    FROM metric_rollup_log
    WHERE run_id = %(run_id)s AND series_id = ANY (%(series)s)
      AND bucket >= %(since)s::timestamptz AND bucket < %(until)s::timestamptz
), waiting_buckets AS MATERIALIZED (
    SELECT DISTINCT series_id, date_bin(%(width)s::interval, bucket, '1970-01-01 00:00:00+00') AS bucket FROM waiting
), parts AS (
    SELECT r.series_id, r.bucket, r.n, r.v_min, r.v_max, r.v_sum
    FROM metric_rollups r
    WHERE r.run_id = %(run_id)s AND r.series_id = ANY (%(series)s) AND r.width_s = %(width_s)s
      AND r.bucket >= %(since)s::timestamptz AND r.bucket < %(until)s::timestamptz
      AND NOT EXISTS (SELECT FROM waiting_buckets w WHERE (w.series_id, w.bucket) = (r.series_id, r.bucket))
    UNION ALL
    SELECT r.series_id, r.bucket, r.n, r.v_min, r.v_max, r.v_sum
    FROM waiting_buckets b
    JOIN metric_rollups r
      ON r.run_id = %(run_id)s AND r.series_id = b.series_id AND r.width_s = 60
     AND r.bucket >= b.bucket AND r.bucket < b.bucket + %(width)s::interval
    WHERE NOT EXISTS (SELECT FROM waiting w WHERE (w.series_id, w.bucket) = (r.series_id, r.bucket))
    UNION ALL
    -- Of compacted days too, each taken apart once.
    SELECT series_id, bucket, sum(n)::bigint, min(v_min), max(v_max), sum(v_sum)
    FROM (
        SELECT w.series_id, w.bucket, s.n, s.v_min, s.v_max, s.v_sum
        FROM waiting w
        CROSS JOIN LATERAL (
            SELECT count(*) AS n, min(value) AS v_min, max(value) AS v_max, sum(value::numeric) AS v_sum
            FROM metric_samples
            WHERE run_id = %(run_id)s AND series_id = w.series_id
              AND recorded_at >= w.bucket AND recorded_at < w.bucket + interval '1 minute'
        ) s
        WHERE s.n > 0
        UNION ALL
        SELECT d.series_id, date_bin('1 minute', p.recorded_at, '1970-01-01 00:00:00+00'),
               count(*), min(p.value), max(p.value), sum(p.value::numeric)
        FROM (
            SELECT DISTINCT series_id, date_bin('1 day', bucket, '1970-01-01 00:00:00+00') AS day FROM waiting
        ) w
        JOIN metric_days d ON d.run_id = %(run_id)s AND d.series_id = w.series_id AND d.day = w.day
        CROSS JOIN LATERAL unnest(d.times, d.samples) AS p (recorded_at, value)
        WHERE (d.series_id, date_bin('1 minute', p.recorded_at, '1970-01-01 00:00:00+00'))
           IN (SELECT series_id, bucket FROM waiting)
        GROUP BY 1, 2
    ) fresh
    GROUP BY series_id, bucket
)

-- name: sum_rollups
SELECT series_id,
       date_bin(%(step)s::interval, bucket, '1970-01-01 00:00:00+00') AS at,
       sum(n)::bigint AS n,
       min(v_min) AS v_min,
       max(v_max) AS v_max,
       (sum(v_sum) / sum(n))::float8 AS v_mean
FROM parts
GROUP BY series_id, at

-- name: list_rollups
-- Where a step is a minute: each stands in one part, waiting or rolled up.
SELECT series_id, bucket AS at, n, v_min, v_max, (v_sum / n)::float8 AS v_mean FROM parts

-- name: list_latest
-- The newest sample of each series of a run, by the ids of the series. Where minutes wait to be rolled up the newest of
-- them is read from its samples.
WITH waiting AS MATERIALIZED (
    SELECT series_id, max(bucket) AS bucket FROM metric_rollup_log WHERE run_id = %(run_id)s GROUP BY series_id
), points AS (
    SELECT s.series_id, s.recorded_at, s.value
    FROM metric_samples s
    JOIN waiting w ON w.series_id = s.series_id
     AND s.recorded_at >= w.bucket AND s.recorded_at < w.bucket + interval '1 minute'
    WHERE s.run_id = %(run_id)s
      AND s.recorded_at >= (SELECT min(bucket) FROM waiting)
      AND s.recorded_at < (SELECT max(bucket) + interval '1 minute' FROM waiting)
    UNION ALL
    SELECT d.series_id, p.recorded_at, p.value
    FROM waiting w
    JOIN metric_days d ON d.run_id = %(run_id)s AND d.series_id = w.series_id
     AND d.day = date_bin('1 day', w.bucket, '1970-01-01 00:00:00+00')
    CROSS JOIN LATERAL unnest(d.times, d.samples) AS p (recorded_at, value)
    WHERE p.recorded_at >= w.bucket AND p.recorded_at < w.bucket + interval '1 minute'
), fresh AS MATERIALIZED (
    SELECT DISTINCT ON (series_id) series_id, recorded_at, value
    FROM points
    ORDER BY series_id, recorded_at DESC, value DESC
)
SELECT m.id, m.metric_name AS metric, m.component, m.metric_unit AS unit, m.tags::text AS tags, newest.t, newest.value
FROM metric_series m
LEFT JOIN fresh f ON f.series_id = m.id
LEFT JOIN metric_latest l ON l.run_id = m.run_id AND l.series_id = m.id
CROSS JOIN LATERAL (
    SELECT f.recorded_at AS t, f.value WHERE (f.recorded_at, f.value) > (l.recorded_at, l.value) OR l.recorded_at IS NULL
    UNION ALL
    SELECT l.recorded_at, l.value WHERE NOT (f.recorded_at, f.value) > (l.recorded_at, l.value) OR f.recorded_at IS NULL
) newest
WHERE m.run_id = %(run_id)s AND m.id > %(after)s AND newest.t IS NOT NULL
  AND (%(metric)s::text IS NULL OR m.metric_name = %(metric)s)
  AND (%(component)s::text IS NULL OR m.component = %(component)s)
ORDER BY m.id
LIMIT %(most)s

-- name: refresh
SELECT validation.refresh_rollups_v1(%(most)s) AS taken
