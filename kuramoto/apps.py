"""The kuramoto app."""

from django.apps import AppConfig

from core.db.closing import ClosingIndex, register_closing_index


class KuramotoConfig(AppConfig):
    """Oscillators, synchronization events and the phase dynamics."""

    name = "kuramoto"
    db_schema = "kuramoto"

    def ready(self) -> None:
        """Give the constraints their words, name what closing builds."""
        from kuramoto import exceptions  # noqa: F401
        from kuramoto.similar import INDEX_DEFINITION, INDEX_SUFFIX, TABLE

        # Similar states; a graph slows its writers a hundredfold, and in less memory it is built many times slower.
        register_closing_index(ClosingIndex(TABLE, INDEX_SUFFIX, INDEX_DEFINITION, memory="1GB"))
