"""Policies and violations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import factory

from constitutional.choices import PolicyType
from constitutional.models import ConstitutionalPolicy, Violation
from constitutional.services.review import acknowledge_violations, resolve_violations
from tests.factories.core import RunFactory

START = datetime(2026, 1, 1, tzinfo=UTC)


def make_content(**changes: Any) -> dict[str, Any]:
    """A valid content: Ha above 2 for 2 s, clear at or below 1.5; a key given as None is left out."""
    content = {
        "schema": 1,
        "metric": "ha",
        "aggregate": "last",
        "op": "gt",
        "threshold": 2,
        "clear_threshold": 1.5,
        "dwell_s": 2,
        "action": "alert",
        "enforcement": 0.8,
        "severity": {"scale": "ha"},
        "rationale": "Confabulation grows from here.",
    } | changes
    return {key: value for key, value in content.items() if value is not None}


class PolicyFactory(factory.django.DjangoModelFactory):
    """An active safety policy on Ha."""

    class Meta:
        model = ConstitutionalPolicy

    policy_name = factory.Sequence(lambda n: f"policy {n}")
    policy_type = PolicyType.SAFETY
    policy_content = factory.LazyFunction(make_content)
    priority_level = 5


class FundamentalPolicyFactory(PolicyFactory):
    """A policy that cannot be switched off."""

    policy_type = PolicyType.FUNDAMENTAL
    priority_level = 10


class ViolationFactory(factory.django.DjangoModelFactory):
    """A pending violation whose episode goes on."""

    class Meta:
        model = Violation

    policy = factory.SubFactory(PolicyFactory)
    policy_version = factory.LazyAttribute(lambda violation: violation.policy.versions.get(valid_to=None))
    run = factory.SubFactory(RunFactory)
    violation_data = factory.LazyFunction(lambda: {"metric": "ha", "value": 3.0})
    severity_score = 0.6
    ha_value = 3.0
    first_crossing_at = START
    detected_at = START
    peak_value = 3.0
    peak_at = START
    sample_count = 3


def make_reviewed(status: str) -> Violation:
    """A violation that the review took to `status`, an hour after START."""
    violation = ViolationFactory()
    now = START + timedelta(hours=1)
    if status != "pending":
        acknowledge_violations(ids=[violation.pk], actor=None, now=now)
    if status in ("resolved", "false_positive"):
        is_false = status == "false_positive"
        resolve_violations(ids=[violation.pk], actor=None, note="done", now=now, false_positive=is_false)
    violation.refresh_from_db()
    return violation
