"""Rollups of metric samples, brought up to date."""

from __future__ import annotations

from django.db import transaction

from core.db.sql import fetch_all

MOST = 50_000
"""Entries of the log that one transaction takes."""


def refresh_rollups(*, most: int = MOST) -> int:
    """Roll up every minute, hour and day that samples arrived in; how many entries of the log that took.

    Each portion is a transaction of its own: who is killed loses one at most, and the next call takes it up again.
    """
    total = 0
    while taken := _refresh(most):
        total += taken
        if taken < most:
            break
    return total


@transaction.atomic
def _refresh(most: int) -> int:
    return int(fetch_all("validation", "refresh", {"most": most}, file="rollups")[0]["taken"])
