"""The core tables in the admin, one subject a file."""

from core.admin import configuration, fields, networks, neurons, runs

__all__ = ["configuration", "fields", "networks", "neurons", "runs"]
