DROP TRIGGER metric_samples_rollup ON validation.metric_samples;
DROP FUNCTION validation.log_touched_minutes_v1();
DROP TABLE validation.metric_latest;
DROP TABLE validation.metric_rollup_log;
DROP TABLE validation.metric_rollups;
