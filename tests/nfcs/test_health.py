"""`/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client, override_settings
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from accounts.choices import Role
from core.constants import PARTITIONED_TABLES
from core.metrics import count_ingested
from nfcs.metrics import process_registry
from tests.factories.accounts import UserFactory
from tests.factories.constitutional import ViolationFactory


@pytest.fixture
def client() -> Client:
    """A visitor."""
    return Client(raise_request_exception=False)


def refuse(*_: Any, **__: Any) -> Any:
    raise OperationalError("the server closed the connection, and its password is hunter2")


def make_partitions() -> None:
    with connection.cursor() as cursor:
        for table in PARTITIONED_TABLES:
            cursor.execute("SELECT nfcs_core.create_monthly_partition(%s, %s)", [table, datetime.now(UTC).date()])


def figures(response: Any) -> dict[tuple[str, ...], float]:
    assert response.status_code == 200
    return {
        (sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


def test_a_living_process_says_so_without_a_database(client: Client) -> None:
    response = client.get("/healthz", headers={"Host": "10.0.0.1", "Cookie": "sessionid=" + "x" * 32})
    assert (response.status_code, response.json()) == (200, {"alive": True})


@pytest.mark.django_db
@pytest.mark.owner
def test_a_server_with_everything_in_place_is_ready(client: Client) -> None:
    make_partitions()
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "ready": True,
        "checks": {"database": {"ok": True}, "migrations": {"ok": True}, "partitions": {"ok": True}},
    }


@pytest.mark.django_db
def test_missing_partitions_are_named(client: Client) -> None:
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "nfcs_fields has no partition for now" in response.json()["checks"]["partitions"]["problem"]


@pytest.mark.django_db
@pytest.mark.owner
def test_a_migration_that_is_not_applied_is_named(client: Client) -> None:
    make_partitions()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'core' AND name = '0002_substrate'")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "core.0002_substrate is not applied" in response.json()["checks"]["migrations"]["problem"]


@pytest.mark.django_db
def test_a_database_that_does_not_answer_is_not_ready_and_keeps_its_secrets(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nfcs.health.connection", type("Broken", (), {"cursor": refuse})())
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] == {"ok": False, "problem": "the database does not answer"}
    assert b"hunter2" not in response.content


@pytest.mark.django_db
def test_metrics_count_requests_by_view_method_and_status(client: Client) -> None:
    key = ("nfcs_http_requests_total", "method=GET", "status=401", "view=runs-detail")
    before = figures(client.get("/metrics")).get(key, 0)
    for number in range(3):
        client.get(f"/api/v1/runs/{number}/")
    client.get("/nowhere/at/all/")
    after = figures(client.get("/metrics"))
    assert after[key] == before + 3
    assert after["nfcs_http_requests_total", "method=GET", "status=404", "view=unnamed"] >= 1
    assert after["nfcs_http_request_duration_seconds_count", "method=GET", "view=runs-detail"] >= 3
    assert not any("/" in part for labels in after for part in labels[1:])


@pytest.mark.django_db
def test_metrics_measure_the_database(client: Client) -> None:
    ViolationFactory(severity_score=0.6)
    found = figures(client.get("/metrics"))
    assert found["nfcs_database_up",] == 1
    assert found["nfcs_database_bytes",] > 1_000_000
    assert found["nfcs_open_violations", "type=moderate"] == 1
    assert found["nfcs_open_violations", "type=critical"] == 0
    assert found["nfcs_table_bytes", "table=nfcs_fields"] > 0
    assert found["nfcs_default_partition_rows", "table=metric_samples"] == 0


@pytest.mark.django_db
def test_metrics_come_without_a_database_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nfcs.metrics.fetch_all", refuse)
    found = figures(client.get("/metrics"))
    assert found["nfcs_database_up",] == 0
    assert ("nfcs_database_bytes",) not in found


@pytest.mark.django_db
def test_ingested_rows_count_once_they_are_committed(client: Client, django_capture_on_commit_callbacks: Any) -> None:
    key = ("nfcs_ingested_rows_total", "table=nfcs_fields")
    before = figures(client.get("/metrics")).get(key, 0)
    with django_capture_on_commit_callbacks(execute=False):
        count_ingested("nfcs_fields", 10)
    assert figures(client.get("/metrics")).get(key, 0) == before
    with django_capture_on_commit_callbacks(execute=True):
        count_ingested("nfcs_fields", 10)
    assert figures(client.get("/metrics"))[key] == before + 10


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_metrics_are_for_callers_on_this_machine(address: str, client: Client) -> None:
    assert client.get("/metrics", REMOTE_ADDR=address).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["192.0.2.1", "", "nonsense"])
def test_metrics_are_not_for_strangers(address: str, client: Client) -> None:
    assert client.get("/metrics", REMOTE_ADDR=address).status_code == 401


@pytest.mark.django_db
def test_behind_a_proxy_nobody_counts_as_on_this_machine(client: Client) -> None:
    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        assert client.get("/metrics").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "status"), [(Role.OPERATOR, 200), (Role.READONLY, 200), (Role.USER, 403)])
def test_metrics_are_for_those_with_the_permission(role: Role, status: int) -> None:
    call_command("loaddata", "roles", verbosity=0)
    client = APIClient()
    client.force_authenticate(UserFactory(role=role))
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == status


def test_metrics_of_several_processes_are_added_up(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    count = "from prometheus_client import Counter; Counter('worked', 'Jobs.').inc(2)"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", count], check=True)
    assert b"worked_total 4.0" in generate_latest(process_registry())
