"""The validation app."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from core.db.closing import ClosingIndex, register_closing_index


class ValidationConfig(AppConfig):
    """Validation runs and system metrics."""

    name = "validation"
    db_schema = "validation"

    def ready(self) -> None:
        """Give the constraints their words, let each new connection find its series anew, name what closing builds."""
        from validation import exceptions  # noqa: F401
        from validation.series import forget_series

        connection_created.connect(forget_series, dispatch_uid="validation.forget_series")
        # Long spans of one series, and its newest sample; while the partition is open the index would slow ingest down.
        register_closing_index(ClosingIndex("metric_samples", "series", "USING btree (series_id, recorded_at)"))
