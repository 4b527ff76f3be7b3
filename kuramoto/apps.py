"""The kuramoto app."""

from django.apps import AppConfig


class KuramotoConfig(AppConfig):
    """Oscillators, synchronization events and the phase dynamics."""

    name = "kuramoto"
    db_schema = "kuramoto"

    def ready(self) -> None:
        """Say in words what the constraints ask for."""
        from kuramoto import exceptions  # noqa: F401
