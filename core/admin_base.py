"""Bases of the admin: recorded rows to look at, and rows that people edit."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import Error, models, transaction
from django.db.models import QuerySet
from django.forms.models import _get_foreign_key
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.db.errors import translate_database_error
from core.exceptions import DomainError
from core.models import Run
from core.strict_json import InvalidJSON, read_json

DEEPEST_ROW = 10_000
"""Rows that pages reach: OFFSET reads every row before its own."""
MOST_NEW_ROWS = 20
"""Rows that one form adds below a row."""


class EstimatedPaginator(Paginator):  # type: ignore[type-arg]
    """Pages of a table too large to count: exact up to 10,000 rows, beyond them the planner's estimate.

    Pages end at row 10,000; who looks further narrows the time.
    """

    @cached_property
    def count(self) -> int:
        """Rows that the pages reach."""
        return int(self._rows()[:DEEPEST_ROW].count())

    @cached_property
    def estimate(self) -> int | None:
        """The planner's estimate of all rows, where there are more than the pages reach."""
        if self.count < DEEPEST_ROW:
            return None
        plan = json.loads(self._rows().explain(format="json"))
        return max(int(plan[0]["Plan"]["Plan Rows"]), DEEPEST_ROW)

    def _rows(self) -> QuerySet[Any]:
        rows: Any = self.object_list
        return rows.order_by().values("pk")


class TimeWindowFilter(admin.SimpleListFilter):
    """How far back a list reaches in the admin's `time_field`; a week, where nothing is chosen."""

    title = "time"
    parameter_name = "within"
    default = "week"
    windows: ClassVar[dict[str, tuple[str, timedelta | None]]] = {
        "hour": ("Last hour", timedelta(hours=1)),
        "day": ("Last day", timedelta(days=1)),
        "week": ("Last 7 days", timedelta(days=7)),
        "month": ("Last 31 days", timedelta(days=31)),
        "all": ("All time", None),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The windows."""
        self.time_field = getattr(model_admin, "time_field", "timestamp")
        return [(name, label) for name, (label, _) in self.windows.items()]

    def choices(self, changelist: Any) -> Any:
        """The windows as links; there is no choice without one."""
        for name, label in self.lookup_choices:
            yield {
                "selected": name == (self.value() or self.default),
                "query_string": changelist.get_query_string({self.parameter_name: name}),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the window."""
        if (name := self.value() or self.default) not in self.windows:
            raise IncorrectLookupParameters
        width = self.windows[name][1]
        if width is None:
            return queryset
        return queryset.filter(**{f"{self.time_field}__gte": timezone.now() - width})


class RunFilter(admin.SimpleListFilter):
    """Telemetry of one run; the latest runs to choose from, any run by `?run=`."""

    title = "run"
    parameter_name = "run"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The latest runs, and the chosen one."""
        chosen = request.GET.get(self.parameter_name, "")
        runs = list(Run.objects.order_by("-started_at", "-id").values_list("pk", "name")[:12])
        if chosen.isascii() and chosen.isdigit() and int(chosen[:19]) not in dict(runs):
            runs += Run.objects.filter(pk=chosen[:19]).values_list("pk", "name")
        return [(str(pk), f"{name} ({pk})") for pk, name in runs]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the chosen run."""
        if self.value() is None:
            return queryset
        return queryset.filter(run_id=self.value()) if self.value() in dict(self.lookup_choices) else queryset.none()


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that the system writes: looked at, never added, changed or deleted."""

    actions = None
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


class TelemetryAdmin(ReadOnlyAdmin):
    """Rows of a partitioned table, newest first: bounded in time, never counted, sorted by time alone."""

    time_field = "timestamp"
    list_filter: ClassVar[Any] = (TimeWindowFilter, RunFilter)
    ordering = ("-timestamp", "-id")
    sortable_by = ()
    list_select_related: ClassVar[Any] = ("run",)
    paginator = EstimatedPaginator


class StrictJSONField(forms.JSONField):
    """A box for strict JSON."""

    widget = forms.Textarea(attrs={"class": "json", "rows": 6, "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        """The value in the box."""
        if self.disabled or value in self.empty_values:
            return super().to_python(value)
        try:
            return read_json(str(value).encode("utf-8", "surrogatepass"))
        except InvalidJSON as error:
            raise forms.ValidationError(str(error), "invalid") from error

    def prepare_value(self, value: Any) -> Any:
        """The value as it stands in the box; what could not be read stands there unchanged."""
        if isinstance(value, forms.fields.InvalidJSONInput):
            return value
        return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed, read where it can be."""
        try:
            return self.to_python(data)
        except forms.ValidationError:
            return forms.fields.InvalidJSONInput(data)


class SearchedSelect(AutocompleteSelect):
    """Django's box in which rows are searched; what is no key at all is shown as nothing chosen."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """The chosen row, where there is one."""
        return super().optgroups(name, [text for text in value if self._is_key(text)], attr)

    def _is_key(self, text: Any) -> bool:
        try:
            self.field.target_field.to_python(text)
        except ValidationError:
            return False
        return True


class RefusableForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form that shows what services and database refused beside the fields at fault."""

    refusal: ClassVar[DomainError | None] = None

    def clean(self) -> Any:
        """The cleaned values, with the refusal's errors added."""
        cleaned = super().clean()
        if self.refusal is not None:
            errors = self.refusal.errors
            for error in errors:
                field = error.field.partition(".")[0]
                self.add_error(field if field in self.fields else None, error.detail)
            if not errors:
                self.add_error(None, self.refusal.detail)
        return cleaned


class BoundedInline(admin.TabularInline):  # type: ignore[type-arg]
    """Rows below a row; a form that claims thousands more is cut, because each is drawn."""

    extra = 0

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """The rows that are there, and a few more."""
        rows = 0
        if obj is not None:
            parent = _get_foreign_key(self.parent_model, self.model, fk_name=self.fk_name)
            rows = self.get_queryset(request).filter(**{parent.name: obj}).count()
        most = rows + MOST_NEW_ROWS
        return super().get_formset(request, obj, **{**kwargs, "max_num": most, "absolute_max": most})


class EditableAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that people edit; `save_model` calls a service, and what it refuses comes back in the form."""

    form = RefusableForm
    list_per_page = 50
    show_full_result_count = False
    formfield_overrides: ClassVar[Any] = {models.JSONField: {"form_class": StrictJSONField}}

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Django's view; a refusal is shown in the form instead of a page of its own."""
        try:
            with transaction.atomic():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except (DomainError, Error) as error:
            refusal = error if isinstance(error, DomainError) else translate_database_error(error)
            if refusal is None or request.method != "POST":
                raise
            request.refusal = refusal  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Django's field; a box that searches survives what is no key."""
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", SearchedSelect(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which knows what was refused."""
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"refusal": getattr(request, "refusal", None)})


def number_column(name: str, description: str | None = None, digits: int = 5) -> Callable[[Any, Any], str]:
    """A list column of the field `name`, to `digits` significant digits."""

    @admin.display(description=description or name.replace("_", " "), ordering=name)
    def column(self: Any, row: Any) -> str:
        value = getattr(row, name)
        return "-" if value is None else f"{value:.{digits}g}"

    return column


def time_column(name: str) -> Callable[[Any, Any], str]:
    """A list column of the time field `name`, UTC, to the millisecond."""

    @admin.display(description=name.replace("_", " "), ordering=name)
    def column(self: Any, row: Any) -> str:
        return getattr(row, name).astimezone(UTC).isoformat(" ", "milliseconds").removesuffix("+00:00")

    return column


def show_json(value: Any) -> SafeString:
    """A JSON value on lines of its own, for people."""
    return format_html('<pre class="json">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False, default=str))
