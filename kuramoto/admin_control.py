"""The pages on which an operator stops runs, or lets them go on, and says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from core.db.errors import translate_database_error
from core.models import Run
from kuramoto.choices import EventCause
from kuramoto.models import SynchronizationEvent
from kuramoto.services import recover_run, stop_run

MOST_RUNS = 100


@dataclass(frozen=True)
class Control:
    """What an operator does to a run: the service, and how people call it."""

    record: Callable[..., SynchronizationEvent]
    title: str
    done: str
    explanation: str
    is_stop: bool


STOP = Control(
    stop_run,
    "Emergency stop",
    "stopped",
    "An emergency stop stays latched until somebody recovers the run. It is recorded for good.",
    is_stop=True,
)
RECOVER = Control(
    recover_run,
    "Recover",
    "recovered",
    "A recovery ends an emergency stop. It is recorded for good.",
    is_stop=False,
)


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text="Kept with the event and shown wherever it is.",
    )


def stop_runs(request: HttpRequest) -> HttpResponse:
    """Ask why, then record an emergency stop of each run."""
    return _control(request, STOP)


def recover_runs(request: HttpRequest) -> HttpResponse:
    """Ask why, then record that each run may go on."""
    return _control(request, RECOVER)


def _control(request: HttpRequest, control: Control) -> HttpResponse:
    if not request.user.has_perm("kuramoto.add_synchronizationevent"):
        raise PermissionDenied
    runs = _find_runs(request)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        for run in runs:
            _record(request, control, run, form.cleaned_data["reason"])
        events = reverse("admin:kuramoto_synchronizationevent_changelist")
        return HttpResponseRedirect(f"{events}?run={runs[0].pk}" if len(runs) == 1 else events)
    context = {
        **admin.site.each_context(request),
        "title": control.title,
        "control": control,
        "runs": runs,
        "form": form,
    }
    return TemplateResponse(request, "kuramoto/run_control.html", context)


def _record(request: HttpRequest, control: Control, run: Run, reason: str) -> None:
    """Do it to one run and tell the operator; what the database refuses leaves the other runs alone."""
    try:
        control.record(run=run, cause=EventCause.MANUAL, reason=reason, now=timezone.now(), actor_id=request.user.pk)
    except IntegrityError as error:
        refusal = translate_database_error(error)
        if refusal is None:
            raise
        details = " ".join(one.detail for one in refusal.errors)
        messages.error(request, f"{run} was not {control.done}: {details}")
    else:
        messages.success(request, f"{run} was {control.done}.")


def _find_runs(request: HttpRequest) -> list[Run]:
    """The runs that `?runs=1,2` names.

    Raises:
        Http404: it names none, one that does not exist, or more than 100.
    """
    texts = request.GET.get("runs", "").split(",")
    if not all(text.isascii() and text.isdigit() and len(text) <= 18 for text in texts) or len(texts) > MOST_RUNS:
        raise Http404("runs: up to 100 ids of runs are needed, with commas between them.")
    wanted = {int(text) for text in texts}
    runs = list(Run.objects.filter(pk__in=wanted).order_by("pk"))
    if len(runs) != len(wanted):
        raise Http404("One of the runs does not exist.")
    return runs
