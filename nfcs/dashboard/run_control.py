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
from core.exceptions import DomainError
from core.models import Run
from nfcs.control import recover_run_by_hand, stop_run_by_hand

MOST_RUNS = 100
PERMISSIONS = ("kuramoto.add_synchronizationevent", "constitutional.change_runguardstate")


@dataclass(frozen=True)
class Control:
    """What an operator does to a run: the service, and how people call it."""

    act: Callable[..., None]
    title: str
    done: str
    explanation: str
    is_stop: bool


STOP = Control(
    stop_run_by_hand,
    "Emergency stop",
    "stopped",
    "An emergency stop stays latched until somebody recovers the run. It is recorded for good.",
    is_stop=True,
)
RECOVER = Control(
    recover_run_by_hand,
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
    """Ask why, then stop each run."""
    return _control(request, STOP)


def recover_runs(request: HttpRequest) -> HttpResponse:
    """Ask why, then let each run go on."""
    return _control(request, RECOVER)


def _control(request: HttpRequest, control: Control) -> HttpResponse:
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied
    runs = _find_runs(request)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        for run in runs:
            _act(request, control, run, form.cleaned_data["reason"])
        if len(runs) == 1:
            return HttpResponseRedirect(reverse("admin:nfcs_run_overview", args=[runs[0].pk]))
        return HttpResponseRedirect(reverse("admin:core_run_changelist"))
    context = {
        **admin.site.each_context(request),
        "title": control.title,
        "control": control,
        "runs": runs,
        "form": form,
    }
    return TemplateResponse(request, "nfcs/run_control.html", context)


def _act(request: HttpRequest, control: Control, run: Run, reason: str) -> None:
    """Do it to one run and tell the operator; what is refused leaves the other runs alone."""
    try:
        control.act(run=run, actor=request.user, reason=reason, now=timezone.now())
    except (DomainError, IntegrityError) as error:
        refusal = error if isinstance(error, DomainError) else translate_database_error(error)
        if refusal is None:
            raise
        details = " ".join(one.detail for one in refusal.errors) or refusal.detail
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
