"""Databases that a test may change as it likes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connections, transaction
from pytest_django import DjangoDbBlocker

from core.db.scratch import scratch_database
from tests import server


@pytest.fixture(scope="module")
def scratch(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The alias of a migrated database of this module's own, as the owner of the tables."""
    with django_db_blocker.unblock(), scratch_database(server.admin_url(), template=server.template_name()) as alias:
        yield alias


@pytest.fixture
def rolled_back(scratch: str) -> Iterator[str]:
    """The same, in a transaction that is rolled back after the test."""
    with transaction.atomic(using=scratch):
        yield scratch
        transaction.set_rollback(True, using=scratch)


@pytest.fixture
def owner(scratch: str) -> Iterator[psycopg.Connection]:
    """A connection of its own to the scratch database, as the owner, committing every statement."""
    with psycopg.connect(server.TEST_SERVER.url(server.OWNER, scratch), autocommit=True) as connection:
        yield connection


def execute(alias: str, statement: str, *parameters: object) -> None:
    """Run a statement on the connection of `alias`."""
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, parameters or None)


def ask(alias: str, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """The rows that a query answers on the connection of `alias`."""
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall()


def ensure(alias: str, name: str | None, from_at: str, to_at: str, table: str = "everything") -> tuple[bool, int]:
    """What `ensure_partition_v2` answers: whether it made the partition, and how many rows moved."""
    return ask(alias, "SELECT * FROM ensure_partition_v2(%s::regclass, %s, %s, %s)", table, name, from_at, to_at)[0]
