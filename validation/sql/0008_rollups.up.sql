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

-- Read by whoever sees the run; written by functions, as the owner.
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

-- What was recorded before is rolled up as if it had just arrived.
INSERT INTO validation.metric_rollup_log (run_id, series_id, bucket)
SELECT DISTINCT run_id, series_id, date_bin('1 minute', recorded_at, '1970-01-01 00:00:00+00')
FROM validation.metric_samples;
