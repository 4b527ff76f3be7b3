-- The samples under the name and columns of NeuralBlitz.
CREATE VIEW validation.metrics WITH (security_invoker = true) AS
SELECT m.id,
       m.recorded_at AS ts,
       m.metric_name AS name,
       m.metric_value AS value,
       m.metric_unit AS unit,
       'gauge'::varchar(10) AS kind,
       m.tags || jsonb_build_object('component', m.component, 'run', m.run_id) AS labels
FROM validation.system_metrics m;
COMMENT ON VIEW validation.metrics IS 'The samples of system_metrics with NeuralBlitz''s columns; read only.';
