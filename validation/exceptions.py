"""What the constraints of the validation app ask for, in words."""

from core.exceptions import register_constraints

register_constraints(
    {
        "metric_series_run_id_fk": ("run", "There is no such run."),
        "metric_series_names_ck": ("metric_name", "Metric and component have a name."),
        "metric_series_tags_ck": ("tags", "An object is needed."),
        "metric_samples_value_ck": ("metric_value", "A finite number is needed."),
        "metric_samples_recorded_at_ck": ("recorded_at", "A time between the years 1900 and 9000 is needed."),
        "validation_runs_type_ck": ("validation_type", "The type is none of theoretical, performance, statistical."),
        "validation_runs_code_ck": ("code_version", "The version of the code is needed."),
        "validation_runs_total_ck": ("total_tests", "At least one check has run."),
        "validation_runs_passed_ck": ("failed_tests", "No more checks can fail than ran."),
        "validation_runs_failed_ck": ("failed_tests", "Every check that failed has a name."),
        "validation_runs_duration_ck": ("duration_ms", "A finite number of at least 0 is needed."),
        "validation_runs_parameters_ck": ("test_parameters", "An object is needed."),
        "validation_runs_results_ck": ("results_data", "An object is needed."),
    }
)
