"""The policies every installation begins with."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from django.core.management import call_command

from constitutional.models import ConstitutionalPolicy, PolicyVersion
from constitutional.policy_content import validate_policy_content
from constitutional.services.monitor import monitor_samples
from constitutional.services.policies import update_policy
from tests.factories.constitutional import START
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _policies(db: None) -> None:
    call_command("loaddata", "policies", verbosity=0)


def test_there_are_working_policies_of_every_kind() -> None:
    kinds = Counter(ConstitutionalPolicy.objects.values_list("policy_type", flat=True))
    assert set(kinds) == {"fundamental", "operational", "safety", "ethical"}
    for policy in ConstitutionalPolicy.objects.all():
        policy.full_clean()
        assert validate_policy_content(policy.policy_content)


def test_loading_again_changes_nothing() -> None:
    before = list(ConstitutionalPolicy.objects.values_list("pk", "version", "created_at"))
    call_command("loaddata", "policies", verbosity=0)
    assert list(ConstitutionalPolicy.objects.values_list("pk", "version", "created_at")) == before
    assert PolicyVersion.objects.count() == len(before)


def test_loading_again_takes_changes_back_in_a_version() -> None:
    policy = ConstitutionalPolicy.objects.get(policy_name="Ha warning")
    update_policy(policy_id=policy.pk, priority_level=1)
    call_command("loaddata", "policies", verbosity=0)
    policy.refresh_from_db()
    assert (policy.priority_level, policy.version) == (6, 3)


def test_a_healthy_run_breaches_none_of_them() -> None:
    run, times = RunFactory(), START.timestamp() + np.arange(120.0)
    healthy = {"ha": 0.4, "r": 1.0, "coherence": 0.0, "energy": 9000.0, "defect_density": 0.001, "integrity": 1.0}
    series = {name: (times, np.full(times.shape, value)) for name, value in healthy.items()}
    assert monitor_samples(run_id=run.pk, series=series).opened == []


def test_a_sick_run_breaches_the_ones_it_should() -> None:
    run, times = RunFactory(), START.timestamp() + np.arange(120.0)
    sick = {"ha": 4.5, "r": 0.1, "defect_density": 0.01, "integrity": 0.2, "metric:unlicensed_share": 0.02}
    series = {name: (times, np.full(times.shape, value)) for name, value in sick.items()}
    opened = monitor_samples(run_id=run.pk, series=series).opened
    assert {(violation.policy.policy_name, violation.violation_type) for violation in opened} == {
        ("Ha warning", "major"),
        ("Ha critical", "major"),
        ("Ha emergency", "major"),
        ("Loss of synchrony", "moderate"),
        ("Defect density", "critical"),
        ("Integrity holds", "major"),
        ("Licence known for every row", "major"),
    }
