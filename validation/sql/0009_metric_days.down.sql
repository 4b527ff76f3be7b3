-- The samples of compacted days go back to where they came from. Rolling them up again changes nothing.
INSERT INTO validation.metric_samples (run_id, series_id, recorded_at, value)
SELECT d.run_id, d.series_id, p.recorded_at, p.value
FROM validation.metric_days d
CROSS JOIN LATERAL unnest(d.times, d.samples) AS p (recorded_at, value);

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
FROM validation.metric_samples sample
JOIN validation.metric_series series ON series.run_id = sample.run_id AND series.id = sample.series_id;
DROP FUNCTION validation.refresh_rollups_v1(integer);
DROP FUNCTION validation.points_of_minutes_v1(bigint[], bigint[], timestamptz[]);
DROP FUNCTION validation.metric_points_v1(timestamptz, timestamptz);
DROP VIEW validation.metric_points;
DROP TABLE validation.metric_days;
