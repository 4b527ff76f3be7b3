"""Database errors in the words of the domain."""

from __future__ import annotations

from django.db import DataError, Error, IntegrityError, OperationalError

from core.exceptions import CONSTRAINT_FIELDS, Conflict, ConstraintViolation, DomainError, FieldError

_CONFLICTS = {"40001", "40P01", "55P03"}
"""Serialization failure, deadlock, lock not available: the same request may go through when repeated."""


def translate_database_error(error: Error) -> DomainError | None:
    """What a refusal by the database means to the caller; None for an error that is not the caller's.

    A violated constraint becomes an error of the field that `register_constraints` names for it.
    """
    cause = error.__cause__
    diagnostics = getattr(cause, "diag", None)
    state = getattr(cause, "sqlstate", None) or ""
    if isinstance(error, IntegrityError):
        name = getattr(diagnostics, "constraint_name", None) or ""
        column = getattr(diagnostics, "column_name", None)
        message = getattr(diagnostics, "message_primary", None) or "The database refused the row."
        field, detail = CONSTRAINT_FIELDS.get(name, (column or name or "row", message))
        return ConstraintViolation(errors=[FieldError(field, detail, name or "integrity")])
    if isinstance(error, DataError):
        message = getattr(diagnostics, "message_primary", None) or "A value is outside what its column holds."
        return ConstraintViolation(
            errors=[FieldError(getattr(diagnostics, "column_name", None) or "row", message, state)]
        )
    if isinstance(error, OperationalError) and state in _CONFLICTS:
        return Conflict("Another request was changing the same thing; try again.")
    return None
