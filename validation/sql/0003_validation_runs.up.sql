ALTER TABLE validation.validation_runs
    ADD CONSTRAINT validation_runs_parameters_ck CHECK (jsonb_typeof(test_parameters) = 'object'),
    ADD CONSTRAINT validation_runs_results_ck CHECK (jsonb_typeof(results_data) = 'object'),
    -- Every failed check is named.
    ADD CONSTRAINT validation_runs_failed_ck CHECK (
        cardinality(failed_tests) = total_tests - passed_tests
        AND array_position(failed_tests, NULL) IS NULL AND array_position(failed_tests, '') IS NULL);

CREATE TRIGGER validation_runs_append_only BEFORE UPDATE OR DELETE ON validation.validation_runs
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.refuse_change_v1();
