"""Forms of the constitutional admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from constitutional.constants import MAX_NOTE_LENGTH
from constitutional.models import ConstitutionalPolicy
from constitutional.policy_content import POLICY_SCHEMA, PolicyContentError, validate_policy_content
from core.admin_base import RefusableForm, StrictJSONField

_ORDER = list(POLICY_SCHEMA["properties"])


class PolicyContentFormField(StrictJSONField):
    """A policy's content as indented JSON; every problem of it is an error of the field."""

    widget = forms.Textarea(attrs={"class": "json policy-content", "rows": 26, "cols": 100, "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        """The content in the box; None for an empty one."""
        content = super().to_python(value)
        if content is None:
            return None
        try:
            validate_policy_content(content)
        except PolicyContentError as error:
            raise ValidationError([f"{path or 'The document'}: {text}" for path, text in error.problems]) from error
        return content

    def prepare_value(self, value: Any) -> Any:
        """The content as it stands in the box, in the order of the schema: JSONB keeps none."""
        if isinstance(value, dict):
            value = {name: value[name] for name in sorted(value, key=_order_of)}
        return super().prepare_value(value)


class PolicyForm(RefusableForm):
    """A policy, and why it is changed."""

    policy_content = PolicyContentFormField(
        help_text="What is measured, when it is breached, how severe that is and what follows."
    )
    change_note = forms.CharField(
        required=False,
        max_length=MAX_NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        help_text="Why; kept with the version.",
    )

    class Meta:
        model = ConstitutionalPolicy
        fields = ["policy_name", "policy_type", "policy_content", "priority_level", "is_active"]


class CompareForm(forms.Form):
    """Which two versions of a policy are compared."""

    old = forms.IntegerField(min_value=1, max_value=2**31 - 1)
    new = forms.IntegerField(min_value=1, max_value=2**31 - 1)


class NoteForm(forms.Form):
    """What is said about a step."""

    note = forms.CharField(
        max_length=MAX_NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"})
    )

    def __init__(self, *args: Any, is_required: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].required = is_required


def _order_of(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)
