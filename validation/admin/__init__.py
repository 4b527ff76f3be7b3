"""The validation tables in the admin, one subject a file."""

from validation.admin import metrics

__all__ = ["metrics"]
