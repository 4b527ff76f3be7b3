"""Validation runs started from the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from tests.factories.accounts import AdminFactory, UserFactory
from validation.models import ValidationRun

pytestmark = pytest.mark.django_db

START = "/admin/validation/validationrun/start/performance/"


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_button_queues_the_checks_once_and_the_worker_records_them() -> None:
    client = signed_in(AdminFactory())
    page = client.get("/admin/validation/validationrun/").content.decode()
    assert START in page
    for _ in range(2):
        assert client.post(START).status_code == 302
    (job,) = ProcrastinateJob.objects.filter(task_name="nfcs.validate")
    assert job.args == {"validation_type": "performance", "seed": 1}
    app.tasks["nfcs.validate"].func(**job.args)
    run = ValidationRun.objects.get()
    assert (run.validation_type, run.seed, run.total_tests) == ("performance", 1, 3)


def test_it_takes_a_post_a_permission_and_a_known_type() -> None:
    client = signed_in(AdminFactory())
    assert client.get(START).status_code == 405
    assert client.post(START.replace("performance", "dream")).status_code == 404
    assert signed_in(UserFactory()).post(START).status_code == 302
    assert not ProcrastinateJob.objects.filter(task_name="nfcs.validate").exists()


def test_without_the_permission_there_is_no_button() -> None:
    client = signed_in(UserFactory(role="readonly"))
    assert START not in client.get("/admin/validation/validationrun/").content.decode()
    assert client.post(START).status_code == 403
