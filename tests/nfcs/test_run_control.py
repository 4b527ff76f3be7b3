"""Operators stop runs and let them go on, and say why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.choices import Role
from constitutional.choices import GuardLevel
from constitutional.models import RunGuardState
from constitutional.services.guard import advance_guard, lock_guard
from core.exceptions import Conflict
from core.models import Run
from kuramoto.choices import EventCause
from kuramoto.models import SynchronizationEvent
from kuramoto.services import stop_run
from nfcs.control import recover_run_by_hand, stop_run_by_hand
from nfcs.dashboard.run_control import MOST_RUNS
from tests.factories.accounts import AdminFactory, UserFactory
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db

STOP = reverse("admin:nfcs_stop_runs")
RECOVER = reverse("admin:nfcs_recover_runs")
RUNS = reverse("admin:core_run_changelist")


@pytest.fixture
def user() -> Any:
    return AdminFactory(username="ada")


@pytest.fixture
def site(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def list_events(run: Run) -> list[tuple[str, str, str, str]]:
    events = SynchronizationEvent.objects.for_run(run.pk).order_by("id").select_related("actor")
    return [(event.event_type, event.cause, str(event.actor), event.reason) for event in events]


def post(site: Client, address: str, *runs: Run, reason: str = "it hums") -> list[str]:
    """What the operator is told after the reason was given."""
    ids = ",".join(str(run.pk) for run in runs)
    answer = site.post(f"{address}?runs={ids}", {"reason": reason}, follow=True)
    assert answer.status_code == 200
    return [str(message) for message in answer.context["messages"]]


def test_a_run_is_stopped_and_recovered_with_reasons(site: Client) -> None:
    run = RunFactory(name="live")
    assert post(site, STOP, run) == [f"{run} was stopped."]
    assert RunGuardState.objects.get(run=run).level == GuardLevel.EMERGENCY
    assert post(site, RECOVER, run, reason="it is quiet") == [f"{run} was recovered."]
    assert RunGuardState.objects.get(run=run).level == GuardLevel.RECOVERY
    assert list_events(run) == [
        ("emergency_stop", "manual", "ada", "it hums"),
        ("recovery", "manual", "ada", "it is quiet"),
    ]


def test_what_is_refused_is_told_and_leaves_the_other_runs_alone(site: Client) -> None:
    stopped, calm = RunFactory(name="stopped"), RunFactory(name="calm")
    post(site, STOP, stopped)
    told = post(site, RECOVER, stopped, calm)
    assert told[0] == f"{stopped} was recovered."
    assert told[1] == f"{calm} was not recovered: This event cannot follow the last one of the run."
    assert list_events(calm) == []


def test_a_stop_without_a_guard_is_recovered_all_the_same(user: Any) -> None:
    run = RunFactory()
    stop_run(run=run, cause=EventCause.MANUAL, reason="by API", now=timezone.now(), actor_id=user.pk)
    recover_run_by_hand(run=run, actor=user, reason="well again", now=timezone.now())
    assert [event[0] for event in list_events(run)] == ["emergency_stop", "recovery"]
    with pytest.raises(IntegrityError, match="cannot follow"), transaction.atomic():
        recover_run_by_hand(run=run, actor=user, reason="again", now=timezone.now())


def test_a_stop_by_the_guard_is_recovered_by_hand(user: Any) -> None:
    run = RunFactory()
    now = timezone.now()
    times = np.array([now.timestamp() + second for second in range(4)])
    advance_guard(lock_guard(run.pk), {"ha": (times, np.full(4, 5.0))})
    assert [event[:2] for event in list_events(run)] == [("emergency_stop", "hallucination")]
    recover_run_by_hand(run=run, actor=user, reason="seen to", now=now + timedelta(minutes=1))
    assert list_events(run)[1] == ("recovery", "manual", "ada", "seen to")
    assert RunGuardState.objects.get(run=run).level == GuardLevel.RECOVERY


def test_a_run_that_failed_is_stopped_already(user: Any) -> None:
    run = RunFactory()
    times = np.array([timezone.now().timestamp() + second for second in range(4)])
    advance_guard(lock_guard(run.pk), {"ha": (times, np.full(4, 8.0))})
    with pytest.raises(Conflict):
        stop_run_by_hand(run=run, actor=user, reason="now", now=timezone.now())


@pytest.mark.parametrize("reason", ["", "  \n ", "x" * 2001, "nul \x00"])
def test_a_reason_is_needed(site: Client, reason: str) -> None:
    run = RunFactory()
    answer = site.post(f"{STOP}?runs={run.pk}", {"reason": reason})
    assert answer.status_code == 200
    assert answer.context["form"].errors["reason"]
    assert list_events(run) == []


@pytest.mark.parametrize("runs", ["", "x", "1,,2", "-1", "999999999999999999", "٣", ",".join(["1"] * (MOST_RUNS + 1))])
def test_runs_that_are_not_there_are_not_found(site: Client, runs: str) -> None:
    assert site.get(STOP, {"runs": runs}).status_code == 404
    assert site.post(f"{RECOVER}?runs={runs}", {"reason": "so"}).status_code == 404


def test_the_lists_actions_lead_to_the_page_that_asks(site: Client) -> None:
    runs = [RunFactory(), RunFactory()]
    for action, address in (("stop_runs", STOP), ("recover_runs", RECOVER)):
        chosen = {"action": action, ACTION_CHECKBOX_NAME: [run.pk for run in runs]}
        answer = site.post(RUNS, chosen)
        assert answer.headers["Location"] == f"{address}?runs={runs[0].pk},{runs[1].pk}"
        page = site.get(answer.headers["Location"]).content.decode()
        assert runs[0].name in page
        assert runs[1].name in page


def test_only_who_may_control_runs_does() -> None:
    run = RunFactory()
    reader = UserFactory(role=Role.READONLY)
    reader.groups.clear()
    reader.user_permissions.set(Permission.objects.filter(codename__in=["view_run", "add_synchronizationevent"]))
    site = Client()
    site.force_login(reader)
    assert site.get(f"{STOP}?runs={run.pk}").status_code == 403
    assert site.post(f"{STOP}?runs={run.pk}", {"reason": "so"}).status_code == 403
    assert "stop_runs" not in site.get(RUNS).content.decode()
    assert STOP not in site.get(reverse("admin:nfcs_run_overview", args=[run.pk])).content.decode()
    assert Client().get(f"{STOP}?runs={run.pk}").status_code == 302
    assert list_events(run) == []
