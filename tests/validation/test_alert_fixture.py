"""The rules every installation begins with."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from core.constants import SEED_FIXTURES
from tests.factories.validation import EmailChannelFactory
from validation.alert_conditions import describe_rule, find_rule_faults
from validation.models import AlertRule

pytestmark = pytest.mark.django_db


def test_they_are_what_they_say_and_can_be_loaded_again() -> None:
    assert "alert_rules" in SEED_FIXTURES
    for _ in range(2):
        call_command("loaddata", "alert_rules", verbosity=0)
    rules = AlertRule.objects.order_by("id")
    assert [describe_rule(rule) for rule in rules] == [
        "r below 0.3 for 10 s; ends at or above 0.4",
        "ha above 4 for 5 s; ends at or below 2",
        "telemetry absent for 60 s",
    ]
    assert all(rule.is_active and rule.runbook and not list(find_rule_faults(rule)) for rule in rules)
    assert {rule.version for rule in rules} == {1}


def test_loading_again_restores_the_rule_and_keeps_its_channels() -> None:
    call_command("loaddata", "alert_rules", verbosity=0)
    rule = AlertRule.objects.get(metric="r")
    made_at = rule.created_at
    rule.channels.add(EmailChannelFactory())
    AlertRule.objects.filter(pk=rule.pk).update(threshold=0.1, name="ORDER PARAMETER LOW")
    call_command("loaddata", "alert_rules", verbosity=0)
    rule.refresh_from_db()
    assert (rule.name, rule.threshold, rule.version) == ("Order parameter low", 0.3, 3)
    assert (rule.created_at, rule.channels.count()) == (made_at, 1)
