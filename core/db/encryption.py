"""Columns that only this program can read: AES-256-GCM, bound to table, column and row, closed where anything is amiss.

A value moved to another row, column or table does not open there. The row is named by fields whose values are known
before it is inserted and never change, `bound_to`: a unique name, the owner of a one-to-one row, or a UUID of its own.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from django import forms
from django.apps import apps
from django.core import checks
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models

from core.key_ring import EncryptionError, KeyRing, SealBrokenError, get_key_ring

MASK = "********"
MAX_LENGTH = 4096
"""Characters of a secret where the field names no other number."""


class Secret:
    """A text that shows itself to `reveal` alone: not to logs, templates, serializers or pickles."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text."""
        return self._text

    def __repr__(self) -> str:
        return f"<Secret {MASK}>"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode("utf-8", "surrogatepass"), other._text.encode("utf-8", "replace"))

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret is not pickled.")


class Sealed:
    """A value as it stands in the database; it opens only as an attribute of its row."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __repr__(self) -> str:
        return f"<Sealed {MASK}>"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)


class SecretAttribute:
    """The attribute of a model that opens the value of a row when it is asked for."""

    def __init__(self, field: EncryptedTextField) -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type[models.Model] | None = None) -> Any:
        if instance is None:
            return self
        name = self.field.attname
        if name not in instance.__dict__:
            instance.refresh_from_db(fields=[name])
        value = instance.__dict__[name]
        if isinstance(value, Sealed):
            value = instance.__dict__[name] = self.field.open_for(instance, value.data)
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        if isinstance(value, str):
            value = Secret(value)
        if value is not None and not isinstance(value, Secret | Sealed):
            raise TypeError(f"{self.field.name} holds a text, not {type(value).__name__}.")
        instance.__dict__[self.field.attname] = value


class SecretFormField(forms.CharField):
    """A box for a secret: what is stored is never in it, and an empty box leaves it as it is."""

    widget = forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"})

    def __init__(self, **kwargs: Any) -> None:
        kwargs["strip"] = False
        kwargs["empty_value"] = None
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> None:
        """Nothing, whatever is stored."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether something was typed."""
        return bool(data)


class EncryptedTextField(models.Field):  # type: ignore[type-arg]
    """A secret text in a column of bytes, sealed for its row by the first key of the ring.

    The attribute of a row is a `Secret`, or None where the column is null; a text may be assigned. No row is looked up
    by it but with `isnull`; fixtures and Django's dumps leave it out; forms and serializers take it and never show it.
    It is sealed when its row is saved or created; `QuerySet.update` and `bulk_update` are refused.

    Args:
        bound_to: the field, or fields, whose values name the row.
        max_length: characters it may have.
    """

    description = "Encrypted text"
    descriptor_class = SecretAttribute
    empty_strings_allowed = False
    empty_values = [None]

    def __init__(self, *args: Any, bound_to: str | Sequence[str], max_length: int = MAX_LENGTH, **kwargs: Any) -> None:
        self.bound_to = (bound_to,) if isinstance(bound_to, str) else tuple(bound_to)
        super().__init__(*args, **{**kwargs, "max_length": max_length, "serialize": False})

    def deconstruct(self) -> Any:
        """The field as migrations write it."""
        name, path, args, kwargs = super().deconstruct()
        del kwargs["serialize"]
        kwargs["bound_to"] = self.bound_to[0] if len(self.bound_to) == 1 else self.bound_to
        return name, path, args, kwargs

    def get_internal_type(self) -> str:
        """Of Django's kinds of columns, that of bytes."""
        return "BinaryField"

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """What a column needs that is bound to its row."""
        return [*super().check(**kwargs), *self._check_binding()]

    def _check_binding(self) -> Iterator[checks.CheckMessage]:
        def wrong(words: str) -> checks.CheckMessage:
            return checks.Error(words, obj=self, id="core.E010")

        options = self.model._meta
        names = set()
        for name in self.bound_to:
            try:
                field: Any = options.get_field(name)
            except FieldDoesNotExist:
                yield wrong(f"bound_to names {name!r}, which is no field of the model.")
                continue
            names.add(field.name)
            if isinstance(field, models.fields.AutoFieldMixin) or field is self or not field.concrete or field.null:
                yield wrong(f"bound_to names {name!r}, whose value is not known before the row is inserted.")
        unique = [{field.name} for field in options.fields if field.unique]
        unique += [set(group) for group in options.unique_together]
        unique += [
            set(constraint.fields)
            for constraint in options.total_unique_constraints
            if constraint.nulls_distinct is None
        ]
        if not any(group <= names for group in unique):
            yield wrong("bound_to does not name one row: its fields are not unique.")
        if self.unique or getattr(self, "db_index", False) or self.choices:
            yield wrong("A sealed value is different every time: it has no index and no choices.")

    def get_lookup(self, lookup_name: str) -> Any:
        """Whether there is a value at all is the only question the database can answer."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def name_place(self, bound: Sequence[Any]) -> bytes:
        """Table, column and row as octets, from the values of the fields in `bound_to`.

        Raises:
            EncryptionError: a value is missing.
        """
        parts = [self.model._meta.db_table.encode(), str(self.column).encode()]
        for name, value in zip(self.bound_to, bound, strict=True):
            field: Any = self.model._meta.get_field(name)
            parts.append(_write_value(name, (field.target_field if field.is_relation else field).to_python(value)))
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)

    def seal_for(self, instance: models.Model, secret: Secret, ring: KeyRing | None = None) -> bytes:
        """The value sealed for its row.

        Raises:
            EncryptionError: the ring cannot be read, or the row has no name yet.
            ValidationError: the text is too long, or no Unicode.
        """
        text = self._encode(secret)
        return (ring or get_key_ring()).seal(text, self.name_place(self._read_bound(instance)))

    def open_for(self, instance: models.Model, sealed: bytes) -> Secret:
        """The value of a row.

        Raises:
            EncryptionError: it does not open; the message names the column.
        """
        try:
            text = get_key_ring().open(sealed, self.name_place(self._read_bound(instance)))
        except SealBrokenError as error:
            raise SealBrokenError(f"{self.model._meta.db_table}.{self.column}: {error}") from None
        return Secret(text.decode())

    def _read_bound(self, instance: models.Model) -> list[Any]:
        fields: list[Any] = [self.model._meta.get_field(name) for name in self.bound_to]
        return [getattr(instance, field.attname) for field in fields]

    def _encode(self, secret: Secret) -> bytes:
        text = secret.reveal()
        if self.max_length is not None and len(text) > self.max_length:
            raise ValidationError(f"At most {self.max_length} characters are possible.")
        try:
            return text.encode()
        except UnicodeEncodeError:
            raise ValidationError("This is not Unicode text.") from None

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Sealed | None:
        """The value, still sealed: what opens it is its row."""
        return None if value is None else Sealed(bytes(value))

    def pre_save(self, model_instance: models.Model, add: bool) -> Sealed | None:
        """The value, sealed anew; one that does not open is not written back."""
        secret = getattr(model_instance, self.attname)
        return None if secret is None else Sealed(self.seal_for(model_instance, secret))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """The octets of a sealed value; a text never goes to the database."""
        if value is None:
            return None
        if not isinstance(value, Sealed):
            raise EncryptionError(f"{self.name} is sealed for its row: assign it and save the row.")
        return connection.Database.Binary(value.data)

    def to_python(self, value: Any) -> Any:
        """A text as a secret."""
        if value is None or isinstance(value, Secret | Sealed):
            return value
        if not isinstance(value, str):
            raise ValidationError("A text is needed.", code="invalid")
        return Secret(value)

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        """The value as the column may hold it."""
        value = self.to_python(value)
        self.validate(value, model_instance)
        if isinstance(value, Secret):
            self._encode(value)
        return value

    def value_from_object(self, obj: models.Model) -> Any:
        """The value as it is, not opened for who only passes it on."""
        return obj.__dict__.get(self.attname)

    def value_to_string(self, obj: models.Model) -> str:
        """Nothing that is secret."""
        return MASK

    def save_form_data(self, instance: models.Model, data: Any) -> None:
        """Take what was typed; an empty box changes nothing."""
        if data is not None:
            setattr(instance, self.attname, data)

    def formfield(self, **kwargs: Any) -> Any:
        """A box that shows nothing."""
        kwargs.setdefault("form_class", SecretFormField)
        return super().formfield(**{"required": False, "max_length": self.max_length, **kwargs})


def _write_value(name: str, value: Any) -> bytes:
    """A value that names a row, as octets that no value of another kind has."""
    if isinstance(value, uuid.UUID):
        return b"u" + value.bytes
    if isinstance(value, str):
        return b"s" + value.encode()
    if isinstance(value, int):
        return b"i%d" % value
    raise EncryptionError(f"{name} names the row that a secret belongs to, and has no value yet.")


def list_encrypted_columns() -> list[tuple[type[models.Model], EncryptedTextField]]:
    """Every encrypted column of every model."""
    return [
        (model, field)
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
        for field in model._meta.local_concrete_fields
        if isinstance(field, EncryptedTextField)
    ]
