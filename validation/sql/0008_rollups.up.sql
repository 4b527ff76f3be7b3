-- What is known of each series in each minute, hour and day. Sums are numeric: they come out the same in whatever order
-- the samples arrived and however they were added up, so that a rollup equals the same aggregate over the samples.
CREATE TABLE validation.metric_rollups (
    run_id bigint NOT NULL,
    series_id bigint NOT NULL,
    width_s integer NOT NULL,
    bucket timestamptz NOT NULL,
    n bigint NOT NULL,
    v_min double precision NOT NULL,
    v_max double precision NOT NULL,
    v_sum numeric NOT NULL,
    PRIMARY KEY (run_id, series_id, width_s, bucket),
    CONSTRAINT metric_rollups_width_ck CHECK (width_s = ANY (ARRAY[60, 3600, 86400])),
    CONSTRAINT metric_rollups_n_ck CHECK (n > 0),
    CONSTRAINT metric_rollups_range_ck CHECK (v_min > '-Infinity' AND v_min <= v_max AND v_max < 'Infinity')
);

-- Minutes that samples arrived in since they were last rolled up. Append-only and without a key: a writer that skipped
-- a minute which stands here already would lose it to the worker that is just taking it out.
CREATE TABLE validation.metric_rollup_log (
    run_id bigint NOT NULL,
    series_id bigint NOT NULL,
    bucket timestamptz NOT NULL
);
-- What is not rolled up yet of the series that are read.
CREATE INDEX metric_rollup_log_series_idx ON validation.metric_rollup_log (run_id, series_id, bucket);

-- The newest sample of each series: finding it among the samples means looking into each series.
CREATE TABLE validation.metric_latest (
    run_id bigint NOT NULL,
    series_id bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (run_id, series_id)
);

-- Read by whoever sees the run; written by the two functions below, as the owner.
SELECT nfcs_core.protect_derived_rows_v1('validation.metric_rollups');
SELECT nfcs_core.protect_derived_rows_v1('validation.metric_latest');
SELECT nfcs_core.protect_derived_rows_v1('validation.metric_rollup_log');

-- As the owner: whoever may write samples notes down what was touched, and nobody reads or writes here otherwise.
CREATE FUNCTION validation.log_touched_minutes_v1() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO validation.metric_rollup_log (run_id, series_id, bucket)
    SELECT DISTINCT run_id, series_id, date_bin('1 minute', recorded_at, '1970-01-01 00:00:00+00')
    FROM inserted;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION validation.log_touched_minutes_v1() IS 'Trigger: notes down the minutes that new samples lie in.';
REVOKE ALL ON FUNCTION validation.log_touched_minutes_v1() FROM PUBLIC;
CREATE TRIGGER metric_samples_rollup AFTER INSERT ON validation.metric_samples
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION validation.log_touched_minutes_v1();

-- Takes up to `most` entries out of the log and computes their minutes, hours and days anew, and the newest sample of
-- their series; how many entries it took.
-- One caller at a time. Who is killed in between takes nothing out. Samples that a transaction has not committed yet
-- have their entries in the same transaction: they are rolled up after it. A bucket never shrinks: samples are only ever
-- added, and where a partition was dropped the rollup of what it held stays.
CREATE FUNCTION validation.refresh_rollups_v1(most integer DEFAULT 50000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    origin CONSTANT timestamptz := '1970-01-01 00:00:00+00';
    runs bigint[];
    series bigint[];
    minutes timestamptz[];
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

    -- Minute by minute: there is an index by time, and none by series, on what is new.
    INSERT INTO validation.metric_rollups AS kept (run_id, series_id, width_s, bucket, n, v_min, v_max, v_sum)
    SELECT t.run_id, t.series_id, 60, t.bucket, found.n, found.v_min, found.v_max, found.v_sum
    FROM (SELECT DISTINCT bucket FROM unnest(minutes) AS m (bucket)) touched_minutes
    CROSS JOIN LATERAL (
        SELECT s.run_id, s.series_id, count(*) AS n, min(s.value) AS v_min, max(s.value) AS v_max,
               sum(s.value::numeric) AS v_sum
        FROM validation.metric_samples s
        WHERE s.recorded_at >= touched_minutes.bucket AND s.recorded_at < touched_minutes.bucket + interval '1 minute'
        GROUP BY s.run_id, s.series_id
    ) found
    JOIN unnest(runs, series, minutes) AS t (run_id, series_id, bucket)
        ON (t.run_id, t.series_id, t.bucket) = (found.run_id, found.series_id, touched_minutes.bucket)
    ON CONFLICT (run_id, series_id, width_s, bucket) DO UPDATE
    SET n = excluded.n, v_min = excluded.v_min, v_max = excluded.v_max, v_sum = excluded.v_sum
    WHERE excluded.n >= kept.n;

    -- Of samples of one time the greatest value. The newest minute that was touched holds the newest new sample.
    INSERT INTO validation.metric_latest AS kept (run_id, series_id, recorded_at, value)
    SELECT DISTINCT ON (t.run_id, t.series_id) t.run_id, t.series_id, found.recorded_at, found.value
    FROM (
        SELECT run_id, series_id, max(bucket) AS bucket
        FROM unnest(runs, series, minutes) AS m (run_id, series_id, bucket) GROUP BY run_id, series_id
    ) t
    JOIN (
        SELECT newest.bucket, s.run_id, s.series_id, s.recorded_at, s.value
        FROM (SELECT DISTINCT bucket FROM unnest(minutes) AS m (bucket)) newest
        JOIN validation.metric_samples s
          ON s.recorded_at >= newest.bucket AND s.recorded_at < newest.bucket + interval '1 minute'
    ) found ON (found.run_id, found.series_id, found.bucket) = (t.run_id, t.series_id, t.bucket)
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

-- What was recorded before is rolled up as if it had just arrived.
INSERT INTO validation.metric_rollup_log (run_id, series_id, bucket)
SELECT DISTINCT run_id, series_id, date_bin('1 minute', recorded_at, '1970-01-01 00:00:00+00')
FROM validation.metric_samples;
