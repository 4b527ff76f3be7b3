"""The kuramoto app."""

from django.apps import AppConfig


class KuramotoConfig(AppConfig):
    """Oscillators, synchronization events and the phase dynamics."""

    name = "kuramoto"
    db_schema = "kuramoto"
