"""A column of PostgreSQL's `numeric` without bounds, which Django's DecimalField does not offer."""

from __future__ import annotations

from typing import Any

from django.db import models


class NumericField(models.Field):  # type: ignore[type-arg]
    """A decimal number of any length, as `decimal.Decimal`."""

    def db_type(self, connection: Any) -> str:
        """The type in the database."""
        return "numeric"
