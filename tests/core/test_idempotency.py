"""A request under an Idempotency-Key is carried out once, however often and however at once it is sent."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import close_old_connections, connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from core.models import IdempotencyKey, Run
from core.services.idempotency import RequestName, claim_request, remove_expired_keys
from tests.factories.accounts import AdminFactory, UserFactory
from tests.factories.core import RunFactory
from tests.nfcs.test_ingest import metric
from validation.models import MetricSample

pytestmark = pytest.mark.django_db
BATCH = "/api/v1/metrics/batch/"


def send(client: Any, rows: Any, key: str | None = "k1", path: str = BATCH, **headers: Any) -> Any:
    extra = headers if key is None else {"HTTP_IDEMPOTENCY_KEY": key} | headers
    return client.generic("POST", path, json.dumps(rows).encode(), content_type="application/json", **extra)


def test_a_retry_is_answered_as_the_first_request_was(admin_api: Any) -> None:
    rows = [metric(RunFactory().pk)]
    first, again = send(admin_api, rows), send(admin_api, rows)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first["Content-Type"] == again["Content-Type"]
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert MetricSample.objects.count() == 1


def test_another_body_under_the_key_is_refused(admin_api: Any) -> None:
    run = RunFactory()
    assert send(admin_api, [metric(run.pk)]).status_code == 201
    for rows, path in (([metric(run.pk, metric_value=1.0)], BATCH), ([metric(run.pk)], BATCH + "?partial=true")):
        answer = send(admin_api, rows, path=path)
        assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
    assert MetricSample.objects.count() == 1


def test_a_key_is_the_callers_and_the_routes(api: Any) -> None:
    run = RunFactory()
    for user in (AdminFactory(), AdminFactory()):
        api.force_authenticate(user)
        assert send(api, [metric(run.pk)]).status_code == 201
    assert send(api, {"name": "mine", "kind": "live"}, path="/api/v1/runs/").status_code == 201
    assert MetricSample.objects.count() == 2
    assert IdempotencyKey.objects.count() == 3


def test_every_post_takes_a_key(admin_api: Any) -> None:
    body = {"name": "once", "kind": "live"}
    first, again = (send(admin_api, body, path="/api/v1/runs/") for _ in range(2))
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert Run.objects.filter(name="once").count() == 1


def test_what_stored_nothing_is_not_remembered(admin_api: Any) -> None:
    run = RunFactory()
    assert send(admin_api, [metric(run.pk, metric_value="x")]).status_code == 400
    assert not IdempotencyKey.objects.exists()
    assert send(admin_api, [metric(run.pk)]).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\u00e9", 'a"b'])
def test_a_key_that_is_none_is_named(admin_api: Any, key: str) -> None:
    answer = send(admin_api, [metric(RunFactory().pk)], key)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


def test_a_quoted_key_is_the_same_key(admin_api: Any) -> None:
    rows = [metric(RunFactory().pk)]
    assert send(admin_api, rows, '"k1"').status_code == 201
    assert send(admin_api, rows, "k1")["Idempotency-Replayed"] == "true"


def test_expired_keys_are_removed(admin_api: Any, settings: Any) -> None:
    assert send(admin_api, [metric(RunFactory().pk)]).status_code == 201
    now = timezone.now()
    assert remove_expired_keys(now=now + timedelta(hours=23)) == 0
    settings.IDEMPOTENCY_HOURS = 1
    assert remove_expired_keys(now=now + timedelta(hours=2)) == 1
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_request_in_flight_is_a_conflict() -> None:
    user, run = AdminFactory(), RunFactory()
    client = APIClient()
    client.force_authenticate(user)
    claimed, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            claim_request(RequestName(user.pk, BATCH, "k1"))
            claimed.set()
            done.wait()
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    claimed.wait()
    try:
        answer = send(client, [metric(run.pk)])
        assert (answer.status_code, answer.json()["code"]) == (409, "in_flight")
        assert send(client, [metric(run.pk)], "k2").status_code == 201
    finally:
        done.set()
        holder.join()
    assert send(client, [metric(run.pk)]).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_equal_requests_at_once_exactly_one_stores() -> None:
    user, run = AdminFactory(), RunFactory()
    barrier = threading.Barrier(6)
    statuses: list[int] = []

    def go() -> None:
        client = APIClient()
        client.force_authenticate(user)
        barrier.wait()
        statuses.append(send(client, [metric(run.pk)]).status_code)
        connection.close()

    threads = [threading.Thread(target=go) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    close_old_connections()
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert MetricSample.objects.count() == 1


def test_nobody_has_keys(api: Any) -> None:
    assert send(api, [metric(RunFactory().pk)]).status_code == 401
    api.force_authenticate(UserFactory())
    assert not IdempotencyKey.objects.exists()
