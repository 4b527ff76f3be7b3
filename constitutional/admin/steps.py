"""Steps that people take on several records at once, with a page between that asks why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from constitutional.admin.forms import NoteForm
from core.admin_base import ReadOnlyAdmin
from core.exceptions import DomainError

if TYPE_CHECKING:
    from accounts.models import User

MAX_AT_ONCE = 500
"""Records that one page is about; Django takes 1000 form fields."""


@dataclass(frozen=True)
class Step:
    """Something people do to records.

    Attributes:
        title: heading of the page and label of the button.
        done: what the message says afterwards, before the number of records.
        permission: what is needed, app and codename.
        note_label: what the page asks for.
        is_note_required: whether there has to be a note.
    """

    title: str
    done: str
    permission: str
    note_label: str
    is_note_required: bool = True


class StepsAdmin(ReadOnlyAdmin):
    """Records that nobody edits, but that people take steps with.

    Attributes:
        steps: by name, the steps; an action of the same name leads to the page.
    """

    steps: ClassVar[dict[str, Step]] = {}
    change_form_template = "admin/constitutional/change_form.html"

    def list_records(self, ids: Sequence[int]) -> list[Any]:
        """The records among `ids`, with what the page of a step shows of them."""
        raise NotImplementedError

    def is_ready(self, step: str, record: Any) -> bool:
        """Whether a record may take the step as it is."""
        raise NotImplementedError

    def describe(self, record: Any) -> str:
        """The line that the page of a step has for a record."""
        return str(record)

    def take(self, step: str, ids: Sequence[int], *, actor: User, note: str) -> None:
        """Take the step with every record, all or none."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        """Django's addresses, and the page of each step."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_step"
        return [path("step/<slug:step>/", self.admin_site.admin_view(self.step_view), name=name), *super().get_urls()]

    def may_take(self, request: HttpRequest, step: str) -> bool:
        """Whether the user may take the step."""
        return cast("User", request.user).has_perm(self.steps[step].permission)

    def list_steps(self, request: HttpRequest, record: Any) -> list[dict[str, str]]:
        """Title and address of each step that the user may take with a record as it is."""
        return [
            {"title": step.title, "url": f"{self._step_url(name)}?ids={record.pk}"}
            for name, step in self.steps.items()
            if self.may_take(request, name) and self.is_ready(name, record)
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's page, with the steps the record may take."""
        record = self.get_object(request, object_id)
        steps = [] if record is None else self.list_steps(request, record)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "steps": steps})

    def step_view(self, request: HttpRequest, step: str) -> HttpResponse:
        """The page of a step: what it is about and, once the note is there, the step itself."""
        if step not in self.steps:
            raise Http404
        if not self.may_take(request, step):
            raise PermissionDenied
        given = (request.POST if request.method == "POST" else request.GET).getlist("ids")
        ids = [int(text) for text in given if text.isascii() and text.isdigit() and len(text) <= 18]
        return self.show_step(request, step, ids)

    def show_step(self, request: HttpRequest, step: str, ids: Sequence[int]) -> HttpResponse:
        """The page of a step for some records; those that may not take it are left out."""
        if len(ids) > MAX_AT_ONCE:
            self.message_user(request, f"At most {MAX_AT_ONCE} at once are possible.", messages.ERROR)
            return self._leave([])
        records = [record for record in self.list_records(ids) if self.is_ready(step, record)]
        if not records:
            self.message_user(request, "None of them can take this step.", messages.WARNING)
            return self._leave(ids)
        is_sent = request.method == "POST" and "confirm" in request.POST
        what = self.steps[step]
        form = NoteForm(request.POST if is_sent else None, is_required=what.is_note_required)
        form.fields["note"].label = what.note_label
        if is_sent and form.is_valid() and self._take(request, step, records, form.cleaned_data["note"]):
            return self._leave(ids)
        context = {
            **self.admin_site.each_context(request),
            "title": what.title,
            "opts": self.opts,
            "media": self.media,
            "records": [(record.pk, self.describe(record)) for record in records],
            "left_out": len(set(ids)) - len(records),
            "form": form,
            "url": self._step_url(step),
        }
        return TemplateResponse(request, "admin/constitutional/step.html", context)

    def _take(self, request: HttpRequest, step: str, records: Sequence[Any], note: str) -> bool:
        try:
            self.take(step, [record.pk for record in records], actor=cast("User", request.user), note=note)
        except DomainError as error:
            self.message_user(request, error.detail, messages.ERROR)
            return False
        self.message_user(request, f"{self.steps[step].done}: {len(records)}.", messages.SUCCESS)
        return True

    def _step_url(self, step: str) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_step", args=[step])

    def _leave(self, ids: Sequence[int]) -> HttpResponse:
        """To the page of the one record, or to the list."""
        base = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        one = len(ids) == 1 and self.model._default_manager.filter(pk=ids[0]).exists()
        return HttpResponseRedirect(reverse(f"{base}_change", args=ids) if one else reverse(f"{base}_changelist"))
