"""The cognitive app."""

from django.apps import AppConfig


class CognitiveConfig(AppConfig):
    """Module sessions and long-term memory."""

    name = "cognitive"
    db_schema = "cognitive"

    def ready(self) -> None:
        """Give the constraints their words."""
        from cognitive import exceptions  # noqa: F401
