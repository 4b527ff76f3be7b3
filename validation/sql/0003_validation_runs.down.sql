DROP TRIGGER validation_runs_append_only ON validation.validation_runs;
ALTER TABLE validation.validation_runs
    DROP CONSTRAINT validation_runs_failed_ck,
    DROP CONSTRAINT validation_runs_results_ck,
    DROP CONSTRAINT validation_runs_parameters_ck;
