"""Stopping and recovering a run over the API: guard and events say the same."""

from __future__ import annotations

from typing import Any

import pytest

from constitutional.models import RunGuardState
from tests.factories.accounts import OperatorFactory, UserFactory
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db

STOP, RECOVER = "/api/v1/sync-events/stop/", "/api/v1/sync-events/recover/"


def test_a_stop_is_held_by_the_guard_until_a_recovery(admin_api: Any) -> None:
    run = RunFactory()
    answer = admin_api.post(STOP, {"run": run.pk, "reason": "smoke"})
    assert answer.status_code == 201, answer.content
    assert (answer.json()["event_type"], answer.json()["reason"]) == ("emergency_stop", "smoke")
    assert RunGuardState.objects.get(pk=run.pk).level == "emergency"
    answer = admin_api.post(RECOVER, {"run": run.pk, "reason": "aired"})
    assert (answer.status_code, answer.json()["event_type"]) == (201, "recovery")
    assert RunGuardState.objects.get(pk=run.pk).level != "emergency"
    listed = admin_api.get("/api/v1/sync-events/", {"run": run.pk}).json()["results"]
    assert {event["event_type"] for event in listed} == {"emergency_stop", "recovery"}


def test_what_is_not_stopped_is_not_recovered(admin_api: Any) -> None:
    answer = admin_api.post(RECOVER, {"run": RunFactory().pk, "reason": "why not"})
    assert answer.status_code in (400, 409)
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"run": 12345678, "reason": "x"}, "run"),
        ({"run": 2**63, "reason": "x"}, "run"),
        ({"run": 1, "reason": " "}, "reason"),
        ({"run": 1, "reason": "x" * 2001}, "reason"),
        ({"run": 1}, "reason"),
    ],
)
def test_a_bad_request_names_its_field(admin_api: Any, body: dict[str, Any], field: str) -> None:
    for address in (STOP, RECOVER):
        answer = admin_api.post(address, body)
        assert answer.status_code == 400
        assert field in [error["field"] for error in answer.json()["errors"]]


def test_who_may_stop_a_run(api: Any) -> None:
    run = RunFactory()
    assert api.post(STOP, {"run": run.pk, "reason": "x"}).status_code == 401
    api.force_authenticate(UserFactory())
    assert api.post(STOP, {"run": run.pk, "reason": "x"}).status_code == 403
    assert not run.sync_events.exists()
    assert OperatorFactory().role == "operator"
