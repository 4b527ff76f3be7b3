-- name: find_series
SELECT wanted.position - 1, series.id
FROM unnest(%(names)s::text[], %(components)s::text[], %(units)s::text[], %(tags)s::text[]::jsonb[]) WITH ORDINALITY
    AS wanted (metric_name, component, metric_unit, tags, position)
JOIN metric_series series
  ON series.run_id = %(run_id)s
 AND series.metric_name = wanted.metric_name
 AND series.component = wanted.component
 AND coalesce(series.metric_unit, '') = coalesce(wanted.metric_unit, '')
 AND md5(series.tags::text) = md5(wanted.tags::text)

-- name: make_series
INSERT INTO metric_series (run_id, metric_name, component, metric_unit, tags)
SELECT %(run_id)s, wanted.metric_name, wanted.component, nullif(wanted.metric_unit, ''), wanted.tags
FROM unnest(%(names)s::text[], %(components)s::text[], %(units)s::text[], %(tags)s::text[]::jsonb[])
    AS wanted (metric_name, component, metric_unit, tags)
-- Two batches that make the same series take them in the same order, and wait instead of deadlocking.
ORDER BY wanted.metric_name, wanted.component, wanted.metric_unit, wanted.tags
ON CONFLICT DO NOTHING

-- name: list_series_buckets
-- A series in [since, until): median, least and largest value of each stretch of time that holds a sample.
SELECT date_bin(%(step)s::interval, recorded_at, %(since)s::timestamptz) AS from_at,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY value) AS median,
       min(value) AS least,
       max(value) AS largest
FROM metric_points_v1(%(since)s::timestamptz, %(until)s::timestamptz)
WHERE run_id = %(run_id)s AND series_id = %(series_id)s
GROUP BY from_at
ORDER BY from_at

-- name: await_telemetry
-- Have the active absent rules on telemetry listen for every ongoing run they cover, from when both were there.
INSERT INTO alert_memories
    (rule_id, run_id, series_key, metric, component, tags, rule_version, state, heard_at)
SELECT rule.id, run.id, %(series_key)s, 'telemetry', '', '{}', rule.version, %(state)s,
       greatest(run.created_at, rule.created_at)
FROM alert_rules rule
JOIN runs run ON (rule.run_id IS NULL OR rule.run_id = run.id) AND (rule.run_kind = '' OR rule.run_kind = run.kind)
WHERE rule.is_active AND rule.op = 'absent' AND rule.metric = 'telemetry' AND run.ended_at IS NULL
ON CONFLICT DO NOTHING

-- name: is_run_watched
-- Whether an active rule may be about a batch; quicker to ask than to load the rules.
SELECT EXISTS (
    SELECT FROM alert_rules
    WHERE is_active AND metric = ANY(%(metrics)s::text[]) AND coalesce(run_id, %(run_id)s) = %(run_id)s)
