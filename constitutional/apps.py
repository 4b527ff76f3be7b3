"""The constitutional app."""

from django.apps import AppConfig


class ConstitutionalConfig(AppConfig):
    """Policies, violations and the monitor."""

    name = "constitutional"
    db_schema = "constitutional"

    def ready(self) -> None:
        """Say in words what the constraints ask for."""
        from constitutional import exceptions  # noqa: F401
