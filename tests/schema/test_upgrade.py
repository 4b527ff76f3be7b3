"""A database that came up release by release is the database that was made at once."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from pytest_django.plugin import DjangoDbBlocker

from core.db.drift.manifest import find_manifest_drift
from core.db.drift.models import find_table_drift
from core.db.scratch import scratch_database
from tests import server

FIRST_RELEASE = {
    "core": "0002",
    "accounts": "0001",
    "kuramoto": "0001",
    "constitutional": "0001",
    "cognitive": "0001",
    "validation": "0001",
}
"""The last migration of each app in 0.1.0, before NeuralBlitz."""


@pytest.mark.owner
def test_an_upgraded_database_is_a_fresh_one(django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), scratch_database(server.admin_url()) as alias:
        for app, migration in FIRST_RELEASE.items():
            call_command("migrate", app, migration, database=alias, verbosity=0)
        assert find_manifest_drift(using=alias)
        call_command("migrate", database=alias, verbosity=0)
        assert [str(finding) for finding in find_manifest_drift(using=alias)] == []
        assert [str(finding) for finding in find_table_drift(using=alias)] == []
