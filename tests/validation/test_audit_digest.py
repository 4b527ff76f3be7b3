"""The digest of a statement: computed again from the rows it stored, it shows whatever is done to one of them."""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import numpy as np
import pytest
from django.db import connection

from core.models import AuditEntry
from tests.factories.core import RunFactory
from validation.services import record_metrics

pytestmark = pytest.mark.django_db

Row = tuple[int, int, int, float]


def compute_digest(rows: list[Row]) -> str:
    """As docs/audit.md has it."""
    digests = (
        hashlib.sha512(b"".join(struct.pack(form, value) for value in column)).digest()
        for form, column in zip((">q", ">q", ">q", ">d"), zip(*rows, strict=True), strict=True)
    )
    return hashlib.sha256(b"".join(digests)).hexdigest()


@pytest.mark.parametrize("count", [5, 4_000])
def test_a_digest_is_of_the_rows_in_their_order_and_of_nothing_else(count: int) -> None:
    """By parameters and by COPY."""
    run = RunFactory()
    values = np.random.default_rng(5).normal(size=count)
    times = np.datetime64("2026-01-01", "us") + np.arange(count) * np.timedelta64(1, "s")
    record_metrics(
        run_id=run.pk,
        names=["a", "b", "a", "a", "b"] * (count // 5),
        components=["c"] * count,
        units=[None] * count,
        tags=[None] * count,
        times=times,
        values=values,
    )
    entry = AuditEntry.objects.filter(table_name="validation.metric_samples").latest("id")
    said: dict[str, Any] = json.loads(bytes(entry.payload))
    assert (said["statement"], said["rows"], said["runs"]) == ("INSERT", count, [run.pk, run.pk])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT run_id, series_id, ((extract(epoch FROM recorded_at) - 946684800) * 1000000)::bigint, value"
            " FROM metric_samples WHERE run_id = %s ORDER BY recorded_at",
            [run.pk],
        )
        rows = cursor.fetchall()
    assert compute_digest(rows) == said["sha256"]
    first, second, third, *others = rows
    for changed in (
        [(first[0] + 1, *first[1:]), second, third, *others],
        [first, (second[0], second[1] + 1, *second[2:]), third, *others],
        [first, (*second[:2], second[2] + 1, second[3]), third, *others],
        [first, second, (*third[:3], float(np.nextafter(third[3], 9))), *others],
        [first, third, *others],
        [first, second, second, third, *others],
        [second, first, third, *others],
        [(*first[:3], second[3]), (*second[:3], first[3]), third, *others],
    ):
        assert compute_digest(changed) != said["sha256"]
