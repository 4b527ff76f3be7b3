-- Samples of days that are over, an array a series and day: 8 octets a time and 8 a value. Moved here out of
-- metric_samples by validation.services.compaction; the two hold different samples, and together all of them.
CREATE TABLE validation.metric_days (
    run_id bigint NOT NULL,
    series_id bigint NOT NULL,
    day timestamptz NOT NULL,
    n integer NOT NULL,
    times timestamptz[] NOT NULL,
    samples double precision[] NOT NULL,
    PRIMARY KEY (run_id, series_id, day),
    CONSTRAINT metric_days_day_ck CHECK (day = date_bin('1 day', day, '1970-01-01 00:00:00+00')),
    -- A row in text stays well below the gigabyte that PostgreSQL can hand over.
    CONSTRAINT metric_days_most_ck CHECK (n <= 10000000),
    CONSTRAINT metric_days_n_ck CHECK (n > 0 AND n = cardinality(times) AND n = cardinality(samples)),
    CONSTRAINT metric_days_times_ck CHECK (times[1] >= day AND times[n] - day < interval '1 day')
) PARTITION BY RANGE (day);

CREATE TABLE validation.metric_days_default PARTITION OF validation.metric_days DEFAULT;

-- Neither measured values nor times that jitter shrink enough to be worth the time.
ALTER TABLE validation.metric_days ALTER times SET STORAGE EXTERNAL, ALTER samples SET STORAGE EXTERNAL;
ALTER TABLE validation.metric_days_default ALTER times SET STORAGE EXTERNAL, ALTER samples SET STORAGE EXTERNAL;

-- Read by whoever sees the run; written by the compaction, as the system.
SELECT nfcs_core.protect_derived_rows_v1('validation.metric_days');

-- Every sample, wherever it lies. A bound on recorded_at says nothing about days: who bounds the time bounds day_at too,
-- from a day earlier on, or reads every day of the series.
CREATE VIEW validation.metric_points WITH (security_invoker = true) AS
SELECT s.run_id, s.series_id, s.recorded_at, s.value, s.recorded_at AS day_at
FROM validation.metric_samples s
UNION ALL
SELECT d.run_id, d.series_id, p.recorded_at, p.value, d.day
FROM validation.metric_days d
CROSS JOIN LATERAL unnest(d.times, d.samples) AS p (recorded_at, value);

COMMENT ON VIEW validation.metric_points IS
    'Every sample, of open days and of compacted ones. Bound day_at as well as recorded_at, from a day earlier on.';
COMMENT ON COLUMN validation.metric_points.run_id IS 'The run of its series.';
COMMENT ON COLUMN validation.metric_points.series_id IS 'What was measured.';

-- Without SET and with nothing but a query, so that the planner takes it for the view and its bounds.
CREATE FUNCTION validation.metric_points_v1(since timestamptz, until timestamptz)
RETURNS TABLE (run_id bigint, series_id bigint, recorded_at timestamptz, value double precision)
LANGUAGE sql STABLE AS $$
    SELECT p.run_id, p.series_id, p.recorded_at, p.value
    FROM validation.metric_points p
    WHERE p.recorded_at >= since AND p.recorded_at < until
      AND p.day_at > since - interval '24 hours' AND p.day_at < until
$$;
COMMENT ON FUNCTION validation.metric_points_v1(timestamptz, timestamptz) IS
    'Every sample in [since, until), of open days and of compacted ones.';

-- Of the samples by stretches of minutes that follow one another: there is an index by time, and none by series, on what
-- is new, and where many minutes arrived at once each must not be looked for by itself. Of compacted days those of the
-- touched series, each taken apart once.
CREATE FUNCTION validation.points_of_minutes_v1(runs bigint[], series bigint[], minutes timestamptz[])
RETURNS TABLE (run_id bigint, series_id bigint, bucket timestamptz, recorded_at timestamptz, value double precision)
LANGUAGE sql STABLE AS $$
    SELECT s.run_id, s.series_id, date_bin('1 minute', s.recorded_at, '1970-01-01 00:00:00+00'), s.recorded_at, s.value
    FROM (
        SELECT min(m.bucket) AS since, max(m.bucket) + interval '1 minute' AS until
        FROM (
            SELECT u.bucket, u.bucket - row_number() OVER (ORDER BY u.bucket) * interval '1 minute' AS stretch
            FROM unnest(minutes) AS u (bucket) GROUP BY u.bucket
        ) m
        GROUP BY m.stretch
    ) stretches
    CROSS JOIN LATERAL (
        SELECT i.run_id, i.series_id, i.recorded_at, i.value FROM validation.metric_samples i
        WHERE i.recorded_at >= stretches.since AND i.recorded_at < stretches.until
    ) s
    UNION ALL
    SELECT d.run_id, d.series_id, date_bin('1 minute', p.recorded_at, '1970-01-01 00:00:00+00'), p.recorded_at, p.value
    FROM (
        SELECT DISTINCT u.run_id, u.series_id, date_bin('1 day', u.bucket, '1970-01-01 00:00:00+00') AS day
        FROM unnest(runs, series, minutes) AS u (run_id, series_id, bucket)
    ) t
    JOIN validation.metric_days d ON (d.run_id, d.series_id, d.day) = (t.run_id, t.series_id, t.day)
    CROSS JOIN LATERAL unnest(d.times, d.samples) AS p (recorded_at, value)
$$;
COMMENT ON FUNCTION validation.points_of_minutes_v1(bigint[], bigint[], timestamptz[]) IS
    'At least the samples of these series in these minutes, each with its minute.';
REVOKE ALL ON FUNCTION validation.points_of_minutes_v1(bigint[], bigint[], timestamptz[]) FROM PUBLIC;

-- Takes up to `most` entries out of the log and computes their minutes, hours and days anew, and the newest sample of
-- their series; how many entries it took.
-- One caller at a time. Who is killed in between takes nothing out. Samples that a transaction has not committed yet
-- have their entries in the same transaction: they are rolled up after it. A bucket never shrinks: samples are only ever
-- added, and where a partition was dropped the rollup of what it held stays.
CREATE OR REPLACE FUNCTION validation.refresh_rollups_v1(most integer DEFAULT 50000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    origin CONSTANT timestamptz := '1970-01-01 00:00:00+00';
    runs bigint[];
    series bigint[];
    minutes timestamptz[];
    last_runs bigint[];
    last_series bigint[];
    last_minutes timestamptz[];
    taken bigint;
    finer integer;
    wider integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('nfcs rollups', 0));
    WITH gone AS (
        DELETE FROM validation.metric_rollup_log
        WHERE ctid = ANY (ARRAY(SELECT ctid FROM validation.metric_rollup_log LIMIT most))
        RETURNING run_id, series_id, bucket
    ), touched AS (
        SELECT DISTINCT run_id, series_id, bucket FROM gone
    )
    SELECT (SELECT count(*) FROM gone), array_agg(run_id), array_agg(series_id), array_agg(bucket)
    INTO taken, runs, series, minutes
    FROM touched;
    IF taken = 0 THEN
        RETURN 0;
    END IF;

    INSERT INTO validation.metric_rollups AS kept (run_id, series_id, width_s, bucket, n, v_min, v_max, v_sum)
    SELECT t.run_id, t.series_id, 60, t.bucket, found.n, found.v_min, found.v_max, found.v_sum
    FROM (
        SELECT p.run_id, p.series_id, p.bucket, count(*) AS n, min(p.value) AS v_min, max(p.value) AS v_max,
               sum(p.value::numeric) AS v_sum
        FROM validation.points_of_minutes_v1(runs, series, minutes) p
        GROUP BY p.run_id, p.series_id, p.bucket
    ) found
    JOIN unnest(runs, series, minutes) AS t (run_id, series_id, bucket)
        ON (t.run_id, t.series_id, t.bucket) = (found.run_id, found.series_id, found.bucket)
    ON CONFLICT (run_id, series_id, width_s, bucket) DO UPDATE
    SET n = excluded.n, v_min = excluded.v_min, v_max = excluded.v_max, v_sum = excluded.v_sum
    WHERE excluded.n >= kept.n;

    -- Of samples of one time the greatest value. The newest minute that was touched holds the newest new sample.
    SELECT array_agg(last.run_id), array_agg(last.series_id), array_agg(last.bucket)
    INTO last_runs, last_series, last_minutes
    FROM (
        SELECT m.run_id, m.series_id, max(m.bucket) AS bucket
        FROM unnest(runs, series, minutes) AS m (run_id, series_id, bucket) GROUP BY m.run_id, m.series_id
    ) last;
    INSERT INTO validation.metric_latest AS kept (run_id, series_id, recorded_at, value)
    SELECT DISTINCT ON (t.run_id, t.series_id) t.run_id, t.series_id, found.recorded_at, found.value
    FROM unnest(last_runs, last_series, last_minutes) AS t (run_id, series_id, bucket)
    JOIN validation.points_of_minutes_v1(last_runs, last_series, last_minutes) found
        ON (found.run_id, found.series_id, found.bucket) = (t.run_id, t.series_id, t.bucket)
    ORDER BY t.run_id, t.series_id, found.recorded_at DESC, found.value DESC
    ON CONFLICT (run_id, series_id) DO UPDATE SET recorded_at = excluded.recorded_at, value = excluded.value
    WHERE (excluded.recorded_at, excluded.value) > (kept.recorded_at, kept.value);

    FOREACH wider IN ARRAY ARRAY[3600, 86400] LOOP
        finer := CASE wider WHEN 3600 THEN 60 ELSE 3600 END;
        INSERT INTO validation.metric_rollups AS kept (run_id, series_id, width_s, bucket, n, v_min, v_max, v_sum)
        SELECT t.run_id, t.series_id, wider, t.bucket, found.n, found.v_min, found.v_max, found.v_sum
        FROM (
            SELECT DISTINCT run_id, series_id, date_bin(make_interval(secs => wider), bucket, origin) AS bucket
            FROM unnest(runs, series, minutes) AS m (run_id, series_id, bucket)
        ) t
        CROSS JOIN LATERAL (
            SELECT sum(r.n) AS n, min(r.v_min) AS v_min, max(r.v_max) AS v_max, sum(r.v_sum) AS v_sum
            FROM validation.metric_rollups r
            WHERE r.run_id = t.run_id AND r.series_id = t.series_id AND r.width_s = finer
              AND r.bucket >= t.bucket AND r.bucket < t.bucket + make_interval(secs => wider)
        ) found
        WHERE found.n > 0
        ON CONFLICT (run_id, series_id, width_s, bucket) DO UPDATE
        SET n = excluded.n, v_min = excluded.v_min, v_max = excluded.v_max, v_sum = excluded.v_sum;
    END LOOP;
    RETURN taken;
END;
$$;
COMMENT ON FUNCTION validation.refresh_rollups_v1(integer) IS
    'Rolls up the minutes, hours and days that samples arrived in, and finds the newest of each series; how many entries of the log it took.';
REVOKE ALL ON FUNCTION validation.refresh_rollups_v1(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION validation.refresh_rollups_v1(integer) TO nfcs_app;

-- The seed's table, of all samples.
CREATE OR REPLACE VIEW validation.system_metrics WITH (security_invoker = true) AS
SELECT hashint8extended((extract(epoch FROM sample.recorded_at) * 1000000)::bigint, sample.series_id)
           & 9223372036854775807 AS id,
       series.metric_name,
       sample.value AS metric_value,
       series.metric_unit,
       series.component,
       series.tags,
       sample.recorded_at,
       sample.run_id
FROM validation.metric_points sample
JOIN validation.metric_series series ON series.run_id = sample.run_id AND series.id = sample.series_id;
