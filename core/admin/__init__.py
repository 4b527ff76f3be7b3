"""The core tables in the admin, one subject a file."""

from core.admin import audit, configuration, fields, networks, neurons, runs, secrets

__all__ = ["audit", "configuration", "fields", "networks", "neurons", "runs", "secrets"]
