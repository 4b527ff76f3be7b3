"""Bases of the API's serializers: what a field does not hold is refused, not converted or ignored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers

from core.db.encryption import MAX_LENGTH, EncryptedTextField

MOST_ERRORS = 20
"""Unknown fields that an error names."""


class FiniteFloatField(serializers.FloatField):
    """A finite JSON number; no text, no truth value."""

    def to_internal_value(self, data: Any) -> float:
        """The number as a float."""
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        try:
            value = float(data)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class WholeNumberField(serializers.IntegerField):
    """A whole JSON number; no text, no truth value."""

    def to_internal_value(self, data: Any) -> int:
        """The number as an int."""
        whole = isinstance(data, int) or (isinstance(data, float) and data.is_integer())
        if isinstance(data, bool) or not whole:
            self.fail("invalid")
        return int(data)


class TextField(serializers.CharField):
    """A JSON text; no number."""

    def to_internal_value(self, data: Any) -> str:
        """The text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class SecretField(TextField):
    """A JSON text that is taken and never shown."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"max_length": MAX_LENGTH, "style": {"input_type": "password"}, **kwargs},
            write_only=True,
            trim_whitespace=False,
        )


class IdRelatedField(serializers.PrimaryKeyRelatedField[Any]):
    """The id of another row, as a JSON number."""

    def to_internal_value(self, data: Any) -> Any:
        """The row."""
        if type(data) is not int:
            self.fail("incorrect_type", data_type=type(data).__name__)
        return super().to_internal_value(data)


class StrictFieldsMixin:
    """A serializer that refuses fields it does not know or does not take."""

    def to_internal_value(self, data: Any) -> Any:
        """The validated values.

        Raises:
            ValidationError: names every field at fault.
        """
        if isinstance(data, Mapping):
            fields: Mapping[str, serializers.Field[Any, Any, Any, Any]] = self.fields  # type: ignore[attr-defined]
            unknown = [name for name in data if name not in fields or fields[name].read_only]
            if unknown:
                known = ", ".join(name for name, field in fields.items() if not field.read_only)
                raise serializers.ValidationError(
                    {
                        name: [serializers.ErrorDetail(f"This cannot be set. Known: {known}.", "unknown")]
                        for name in unknown[:MOST_ERRORS]
                    }
                )
        return super().to_internal_value(data)  # type: ignore[misc]


class StrictSerializer(StrictFieldsMixin, serializers.Serializer[Any]):
    """A serializer without a model."""


class StrictModelSerializer(StrictFieldsMixin, serializers.ModelSerializer[Any]):
    """A serializer of a model that people and programs write; constraints are the database's to check."""

    serializer_field_mapping: ClassVar[
        dict[type[models.Field[Any, Any]], type[serializers.Field[Any, Any, Any, Any]]]
    ] = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.FloatField: FiniteFloatField,
        models.IntegerField: WholeNumberField,
        models.SmallIntegerField: WholeNumberField,
        models.BigIntegerField: WholeNumberField,
        models.CharField: TextField,
        models.TextField: TextField,
    }
    serializer_related_field = IdRelatedField

    def build_field(self, field_name: str, info: Any, model_class: Any, nested_depth: int) -> Any:
        """The field of a column; REST framework does not know encrypted ones."""
        column = {field.name: field for field in model_class._meta.fields}.get(field_name)
        if isinstance(column, EncryptedTextField):
            optional = {"required": False, "allow_null": True} if column.null else {}
            return SecretField, {"max_length": column.max_length, "help_text": column.help_text, **optional}
        return super().build_field(field_name, info, model_class, nested_depth)


class RowSerializer(serializers.ModelSerializer[Any]):
    """Rows read as dicts by `.values()`: its fields describe them to OpenAPI, and they pass as they are.

    The names in `Meta.fields` are the columns to read; `columns()` lists them.
    """

    @classmethod
    def columns(cls) -> list[str]:
        """The columns for `.values()`."""
        return list(cls.Meta.fields)

    def to_representation(self, instance: Any) -> Any:
        """The row."""
        return instance
