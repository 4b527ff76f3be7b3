"""Frames of a batch are kept as its sender asks, else as the policy of the run says; scalars always are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from core.models import FieldState, Run
from kuramoto.choices import EventType
from kuramoto.models import SynchronizationEvent
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 1, tzinfo=UTC)


def send(client: Any, run: Run, seconds: list[float], **fields: Any) -> Any:
    values = np.exp(1j * np.linspace(0, 2 * np.pi, 64)).reshape(8, 8)
    body = [
        {
            "run": run.pk,
            "timestamp": (START + timedelta(seconds=at)).isoformat(),
            "resolution": 8,
            "real": values.real.tolist(),
            "imag": values.imag.tolist(),
        }
        | fields
        for at in seconds
    ]
    return client.generic("POST", "/api/v1/fields/batch/", json.dumps(body), content_type="application/json")


def list_kept(run: Run) -> list[float]:
    rows = FieldState.objects.for_run(run.pk).filter(frame__isnull=False).order_by("timestamp")
    return [(at - START).total_seconds() for at in rows.values_list("timestamp", flat=True)]


def test_frames_come_every_so_many_seconds_over_batches(admin_api: Any) -> None:
    run = RunFactory(parameters={"frame_policy": {"every_s": 10}})
    for seconds in ([0, 1, 2], [3, 9, 11], [12, 13], [25]):
        assert send(admin_api, run, seconds).status_code == 201
    assert list_kept(run) == [0, 11, 25]
    assert FieldState.objects.for_run(run.pk).exclude(energy_state=None).count() == 9


def test_the_sender_has_the_last_word(admin_api: Any) -> None:
    run = RunFactory(parameters={"frame_policy": {"every_s": 10}})
    send(admin_api, run, [0, 1], keep_frame=True)
    send(admin_api, run, [20, 21], keep_frame=False)
    assert list_kept(run) == [0, 1]
    free = RunFactory()
    send(admin_api, free, [0, 1])
    send(admin_api, free, [2], keep_frame=False)
    assert list_kept(free) == [0, 1]


def test_an_event_brings_a_frame(admin_api: Any) -> None:
    run = RunFactory(parameters={"frame_policy": {"every_s": 100, "on_events": True}})
    quiet = RunFactory(parameters={"frame_policy": {"every_s": 100}})
    for one in (run, quiet):
        send(admin_api, one, [0, 1, 2])
        SynchronizationEvent.objects.create(
            run=one,
            event_type=EventType.SYNC_ACHIEVED,
            occurred_at=START + timedelta(seconds=2.5),
            sync_level_before=0.2,
            sync_level_after=0.9,
            entered_at=START + timedelta(seconds=1.5),
            threshold_on=0.8,
            threshold_off=0.6,
            dwell_s=1.0,
        )
        send(admin_api, one, [3, 4])
        send(admin_api, one, [5, 6])
    assert list_kept(run) == [0, 3]
    assert list_kept(quiet) == [0]


def test_a_policy_that_makes_no_sense_is_named(admin_api: Any) -> None:
    run = RunFactory(parameters={"frame_policy": {"every_s": -1}})
    answer = send(admin_api, run, [0])
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "parameters.frame_policy.every_s"
    assert not FieldState.objects.for_run(run.pk).exists()
    body = {"name": "run", "parameters": {"frame_policy": {"encoding": "zip"}}}
    answer = admin_api.post("/api/v1/runs/", json.dumps(body), content_type="application/json")
    assert answer.json()["errors"][0]["field"] == "parameters.frame_policy.encoding"
