DROP VIEW validation.system_metrics;
DROP FUNCTION validation.insert_system_metric_v1();
DROP FUNCTION validation.ensure_series_v1(bigint, text, text, text, jsonb);
DROP FUNCTION validation.ensure_system_run_v1();
