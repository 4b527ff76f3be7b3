"""What a list of the API shows can be opened, and what it does not show is 404."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from cognitive.analysis import analyse_run
from core.db.summaries import refresh_summary
from core.models import Run
from kuramoto.models import SynchronizationState
from kuramoto.services import record_oscillators
from tests.factories.core import RunFactory
from tests.factories.kuramoto import START, make_batch
from tests.factories.validation import AlertFactory, EmailChannelFactory
from validation.services import send_test

pytestmark = pytest.mark.django_db


def record_run() -> Run:
    """A run of a minute that falls into step."""
    run = RunFactory()
    levels = [0.2] * 20 + [0.9] * 40
    record_oscillators(run=run, batch=make_batch(levels), defect=np.full(len(levels), np.nan))
    return run


def make_event() -> None:
    run = record_run()
    assert SynchronizationState.objects.get(run=run).settings["threshold_on"] == 0.8


def make_analysis() -> None:
    analyse_run(run=record_run(), now=START + timedelta(minutes=2))


def make_summary() -> None:
    make_analysis()
    refresh_summary("consciousness_daily_summary", now=START + timedelta(minutes=3), using="default")


def make_delivery() -> None:
    AlertFactory()
    send_test(channel_id=EmailChannelFactory().pk, now=START)


@pytest.mark.owner
@pytest.mark.parametrize(
    ("make", "collection", "detail"),
    [
        (make_event, "/api/v1/sync-events/", "/api/v1/sync-events/{}/"),
        (make_analysis, "/api/v1/complexity/records/", "/api/v1/complexity/records/{}/"),
        (make_analysis, "/api/v1/complexity/snapshots/", "/api/v1/complexity/snapshots/{}/"),
        (make_analysis, "/api/v1/complexity/summary/", "/api/v1/complexity/summary/{}/"),
        (make_summary, "/api/v1/complexity/daily/", "/api/v1/complexity/daily/{}/"),
        (make_delivery, "/api/v1/alert-deliveries/", "/api/v1/alert-deliveries/{}/"),
        (record_run, "/api/v1/users/activity/", "/api/v1/users/activity/{}/"),
    ],
)
def test_rows_of_a_list_can_be_opened(admin_api: Any, make: Callable[[], Any], collection: str, detail: str) -> None:
    make()
    rows = admin_api.get(collection).json()["results"]
    assert rows
    for row in rows:
        opened = admin_api.get(detail.format(row["id"])).json()
        assert {name: opened[name] for name in row} == row
    assert admin_api.get(detail.format(2**31 - 1)).status_code == 404
