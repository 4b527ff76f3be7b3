"""Materialized summaries: refreshed by the worker as the owner, with their age kept beside them."""

from __future__ import annotations

import time
from datetime import datetime

from django.db import connections, transaction
from psycopg import sql

SUMMARIES = ("consciousness_daily_summary",)
"""Materialized views, each with the unique index that a concurrent refresh needs."""


def refresh_summary(name: str, *, now: datetime, using: str = "owner") -> float:
    """Refresh one summary beside its readers, and note when and how long it took, ms.

    Raises:
        ValueError: there is no such summary.
    """
    if name not in SUMMARIES:
        raise ValueError(f"there is no summary {name!r}")
    started = time.perf_counter()
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(sql.SQL("REFRESH MATERIALIZED VIEW CONCURRENTLY {}").format(sql.Identifier(name)))
        duration_ms = (time.perf_counter() - started) * 1000
        cursor.execute(
            "INSERT INTO summary_refreshes (name, refreshed_at, duration_ms) VALUES (%s, %s, %s) "
            "ON CONFLICT (name) DO UPDATE SET refreshed_at = excluded.refreshed_at, duration_ms = excluded.duration_ms",
            [name, now, duration_ms],
        )
    return duration_ms
