"""The validation app."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class ValidationConfig(AppConfig):
    """Validation runs and system metrics."""

    name = "validation"
    db_schema = "validation"

    def ready(self) -> None:
        """Give the constraints their words, and let each new connection find its series anew."""
        from validation import exceptions  # noqa: F401
        from validation.series import forget_series

        connection_created.connect(forget_series, dispatch_uid="validation.forget_series")
