"""A series of r for the tests of alerts: a second from sample to sample."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from validation.models import MonitoringAlert
from validation.services import evaluate_alerts
from validation.services.alerts import AlertOutcome

START = datetime(2026, 1, 1, tzinfo=UTC)
T0 = START.timestamp()
PENDING = {"state": "pending", "fired_at": None, "fired_value": None, "peak_value": None}


def feed(run: Any, values: Any, *, start: float = 0.0, metric: str = "r", now: datetime = START) -> AlertOutcome:
    samples = np.asarray(values, dtype=np.float64)
    times = T0 + start + np.arange(samples.size)
    return evaluate_alerts(run_id=run.pk, series={metric: (times, samples)}, now=now)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def list_rows(*columns: str) -> list[tuple]:
    return list(MonitoringAlert.objects.order_by("pk").values_list("pk", "state", *columns))
