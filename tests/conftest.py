"""What every test stands on: a real PostgreSQL, and the role that serves requests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import server
from tests.browser import browser as browser
from tests.browser import chromium as chromium

LONG = ("test_audit_server.py", "test_replica.py", "test_round_trip.py", "test_openapi_fuzz.py", "test_admin_poison.py")


def pytest_configure(config: pytest.Config) -> None:
    """Start the server once, in the process that controls the run."""
    if not hasattr(config, "workerinput"):
        server.start()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: not item.path.match("tests/e2e/*") and item.path.name not in LONG)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> None:
    """Let the tables of this run be emptied between transactional tests: audited tables refuse TRUNCATE."""
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'audit_truncate'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER audit_truncate")


@pytest.fixture(autouse=True)
def _actor() -> None:
    """Let a test act for the system, unless it says otherwise; its requests act for their own users."""
    from core.db.identity import SYSTEM, declare_actor

    # Not taken back: what is deferred is checked when the test is over.
    declare_actor(SYSTEM)


@pytest.fixture(autouse=True)
def _runtime_role(request: pytest.FixtureRequest, _actor: None) -> None:
    """Run a database test as the runtime role, so that missing grants show; mark it `owner` to change the schema."""
    marker = request.node.get_closest_marker("django_db")
    wants_database = marker is not None or "db" in request.fixturenames
    transactional = bool(marker and (marker.kwargs.get("transaction") or marker.args[:1] == (True,)))
    if not wants_database or transactional or request.node.get_closest_marker("owner"):
        return
    request.getfixturevalue("db")
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE nfcs_app")


@pytest.fixture
def acting(db: None) -> Callable[[Any], AbstractContextManager[None]]:
    """A context manager that acts for the user it is given, or with None for nobody."""
    from core.db.identity import on_behalf_of

    return lambda user: on_behalf_of(None if user is None else user.pk)


@pytest.fixture
def api() -> Any:
    """REST framework's client, signed in as nobody."""
    from rest_framework.test import APIClient

    return APIClient()


@pytest.fixture
def admin_api(db: None) -> Any:
    """REST framework's client, signed in as an administrator."""
    from rest_framework.test import APIClient

    from tests.factories.accounts import AdminFactory

    client = APIClient()
    client.force_authenticate(AdminFactory())
    return client
