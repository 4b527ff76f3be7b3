"""Stopping runs by hand and letting them go on: the guard of a run and its events say the same afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from constitutional.choices import GuardLevel
from constitutional.models import RunGuardState
from constitutional.services.guard import force_emergency_stop, release_emergency_stop
from core.models import Run
from kuramoto.services import recover_run

if TYPE_CHECKING:
    from accounts.models import User


@transaction.atomic
def stop_run_by_hand(*, run: Run, actor: User, reason: str, now: datetime) -> None:
    """Stop a run; it stays stopped until somebody recovers it.

    Raises:
        Conflict: the run has failed and is stopped already.
        InvalidInput: there is no reason.
    """
    force_emergency_stop(run_id=run.pk, actor=actor, reason=reason, now=now)


@transaction.atomic
def recover_run_by_hand(*, run: Run, actor: User, reason: str, now: datetime) -> None:
    """Let a stopped run go on: release its guard, or where the guard is calm end the stop that was only recorded.

    Raises:
        InvalidInput: there is no reason.
        IntegrityError: `synchronization_events_alternate`, the run is not stopped.
    """
    held = RunGuardState.objects.filter(pk=run.pk, level__in=(GuardLevel.EMERGENCY, GuardLevel.FAILURE))
    if held.exists():
        release_emergency_stop(run_id=run.pk, actor=actor, reason=reason, now=now)
    else:
        recover_run(run=run, reason=reason, now=now, actor_id=actor.pk)
