"""The validation app."""

from django.apps import AppConfig


class ValidationConfig(AppConfig):
    """Validation runs and system metrics."""

    name = "validation"
    db_schema = "validation"
