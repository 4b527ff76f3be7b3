"""Rules that people change: what goes on ends, what makes no sense is refused."""

from __future__ import annotations

from typing import Any

import pytest

from core.exceptions import InvalidInput, NotFound
from tests.factories.core import RunFactory
from tests.factories.validation import AbsenceRuleFactory, AlertRuleFactory
from tests.validation.alert_feed import after, feed, list_rows
from validation.alert_conditions import describe_rule
from validation.exceptions import RuleInUse
from validation.models import AlertMemory, MonitoringAlert
from validation.services import (
    change_alert_rule,
    create_alert_rule,
    delete_alert_rule,
)

pytestmark = pytest.mark.django_db


class TestRules:
    def test_a_changed_condition_ends_the_episode_and_begins_anew(self) -> None:
        rule, run = AlertRuleFactory(), RunFactory()
        (old,) = feed(run, [0.2, 0.2, 0.2]).fired
        change_alert_rule(rule_id=rule.pk, threshold=0.25, for_s=1.0)
        outcome = feed(run, [0.2, 0.2], start=3)
        assert outcome.resolved == [old]
        old.refresh_from_db()
        assert (old.resolved_at, old.resolved_value, old.resolved_reason) == (after(2), None, "rule_changed")
        (new,) = outcome.fired
        assert (new.pending_at, new.fired_at) == (after(3), after(4))
        assert new.condition == "r below 0.25 for 1 s; ends at or above 0.4"

    def test_a_change_of_anything_else_does_not(self) -> None:
        rule, run = AlertRuleFactory(), RunFactory()
        feed(run, [0.2, 0.2, 0.2])
        change_alert_rule(rule_id=rule.pk, runbook="Look at the coupling.", severity="critical", labels={"team": "a"})
        assert feed(run, [0.2], start=3).resolved == []
        assert MonitoringAlert.objects.get().severity == "warning"

    def test_a_changed_condition_drops_a_pending_alert(self) -> None:
        rule, run = AlertRuleFactory(), RunFactory()
        feed(run, [0.2])
        change_alert_rule(rule_id=rule.pk, threshold=0.1)
        feed(run, [0.2], start=1)
        assert [state for _, state in list_rows()] == ["inactive"]

    def test_a_rule_without_alerts_can_be_deleted(self) -> None:
        rule, run = AlertRuleFactory(), RunFactory()
        feed(run, [0.2])
        feed(run, [0.5], start=1)
        delete_alert_rule(rule_id=rule.pk)
        assert not AlertMemory.objects.exists()
        kept = AlertRuleFactory(for_s=0.0)
        feed(run, [0.2], start=2)
        with pytest.raises(RuleInUse):
            delete_alert_rule(rule_id=kept.pk)
        with pytest.raises(NotFound):
            delete_alert_rule(rule_id=kept.pk + 1)

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"threshold": 1.5, "clear_threshold": None}, "threshold"),
            ({"threshold": -0.1}, "threshold"),
            ({"op": "outside", "threshold_high": 2.0, "clear_threshold": None}, "threshold_high"),
            ({"labels": {"a": "x" * 5000}}, "labels"),
        ],
    )
    def test_what_never_happens_is_refused(self, fields: dict, field: str) -> None:
        values: Any = {"name": "x", "metric": "r", "op": "lt", "threshold": 0.3, "severity": "info", **fields}
        with pytest.raises(InvalidInput) as error:
            create_alert_rule(**values)
        assert {one.field for one in error.value.errors} == {field}

    def test_conditions_in_words(self) -> None:
        kwargs: Any = {"op": "gt", "threshold": 2.0, "clear_threshold": None, "for_s": 0.0}
        tagged = AlertRuleFactory(metric="metric:loss", component="esc", tags={"fold": 1}, **kwargs)
        both = AlertRuleFactory(
            metric="energy",
            op="outside",
            threshold=1.0,
            threshold_high=3.0,
            clear_threshold=1.5,
            clear_threshold_high=2,
        )
        assert describe_rule(tagged) == 'esc.loss with {"fold": 1} above 2; ends at or below 2'
        assert describe_rule(both) == "energy outside 1 to 3 for 2 s; ends within 1.5 to 2"
        assert describe_rule(AbsenceRuleFactory()) == "telemetry absent for 60 s"
