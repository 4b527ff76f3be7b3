"""The constitutional app."""

from django.apps import AppConfig


class ConstitutionalConfig(AppConfig):
    """Policies, violations and the monitor."""

    name = "constitutional"
    db_schema = "constitutional"
