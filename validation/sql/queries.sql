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
