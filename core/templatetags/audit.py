"""What templates show of the audit."""

from __future__ import annotations

from typing import Any

from django import template
from django.db.models import Model

from core.audit_selectors import Change, list_row_history, show_value
from core.db.backend.schema import schema_of

register = template.Library()
register.filter("audited_value", show_value)


@register.simple_tag
def audit_history(row: Model | None, user: Any) -> list[Change]:
    """The audited changes of a row, for who may see the audit."""
    if row is None or not user.has_perm("core.view_auditentry"):
        return []
    options = row._meta
    return list_row_history(table_name=f"{schema_of(options.app_label)}.{options.db_table}", row_key=str(row.pk))
