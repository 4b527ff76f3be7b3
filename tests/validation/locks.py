"""Waiting until other connections wait."""

from __future__ import annotations

from django.db import connection


def wait_for_waiting(count: int) -> None:
    """Return once `count` connections to this database wait for a lock."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone() == (count,):
                return
