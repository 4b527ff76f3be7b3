"""Validation runs started from the admin: the worker carries them out."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from validation.choices import ValidationType

TASK = "nfcs.validate"


def start_validation(request: HttpRequest, validation_type: str) -> HttpResponse:
    """Have the worker run the checks of one type; asked twice, it runs them once."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not request.user.has_perm("validation.add_validationrun"):
        raise PermissionDenied
    if validation_type not in ValidationType.values:
        raise Http404
    try:
        # A refused job leaves the request's transaction usable.
        with transaction.atomic():
            task = app.configure_task(TASK, queueing_lock=f"{TASK}.{validation_type}")
            task.defer(validation_type=validation_type, seed=1)
        messages.success(request, f"The {validation_type} checks run in the worker; their outcome appears here.")
    except AlreadyEnqueued:
        messages.info(request, f"The {validation_type} checks are waiting to run already.")
    return redirect("admin:validation_validationrun_changelist")
