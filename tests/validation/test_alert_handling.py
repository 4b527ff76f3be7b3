"""Alerts in people's hands: acknowledged once, silenced for a while."""

from __future__ import annotations

import pytest

from core.exceptions import InvalidInput, NotFound
from tests.factories.accounts import OperatorFactory
from tests.factories.core import RunFactory
from tests.factories.validation import AlertFactory, AlertRuleFactory
from tests.validation.alert_feed import PENDING, START, after, feed
from validation.exceptions import AlertOrder
from validation.services import acknowledge_alert, silence_alert

pytestmark = pytest.mark.django_db


def test_it_is_acknowledged_once() -> None:
    actor = OperatorFactory()
    pending, firing = AlertFactory(**PENDING), AlertFactory()
    alert = acknowledge_alert(alert_id=firing.pk, actor=actor, now=START)
    assert (alert.acknowledged, alert.acknowledged_at, alert.acknowledged_by) == (True, START, actor)
    for pk in (firing.pk, pending.pk):
        with pytest.raises(AlertOrder):
            acknowledge_alert(alert_id=pk, actor=actor, now=START)
    with pytest.raises(NotFound):
        acknowledge_alert(alert_id=firing.pk + 99, actor=actor, now=START)


def test_one_that_waits_is_none_to_people() -> None:
    waiting = AlertFactory(**PENDING | {"state": "inactive", "pending_at": None, "pending_value": None})
    for act in (
        lambda: acknowledge_alert(alert_id=waiting.pk, actor=None, now=START),
        lambda: silence_alert(alert_id=waiting.pk, until=after(9), now=START),
    ):
        with pytest.raises(NotFound):
            act()


@pytest.mark.parametrize("seconds", [-1, 0, 31 * 86400])
def test_a_silence_ends_in_time(seconds: int) -> None:
    with pytest.raises(InvalidInput) as error:
        silence_alert(alert_id=AlertFactory().pk, until=after(seconds), now=START)
    assert error.value.errors[0].field == "until"


def test_open_alerts_are_silenced() -> None:
    alert = silence_alert(alert_id=AlertFactory().pk, until=after(60), now=START)
    assert alert.silenced_until == after(60)
    assert silence_alert(alert_id=alert.pk, until=None, now=after(1)).silenced_until == after(1)
    over = AlertFactory(state="resolved", resolved_at=after(9), resolved_reason="calm")
    with pytest.raises(AlertOrder):
        silence_alert(alert_id=over.pk, until=after(60), now=START)


def test_a_silence_is_handed_on_to_the_next_episode() -> None:
    AlertRuleFactory(for_s=0.0)
    run = RunFactory()
    (first,) = feed(run, [0.1]).fired
    silence_alert(alert_id=first.pk, until=after(100), now=START)
    (second,) = feed(run, [0.5, 0.1], start=1, now=after(2)).fired
    assert second.silenced_until == after(100)
    (third,) = feed(run, [0.5, 0.1], start=3, now=after(100)).fired
    assert third.silenced_until is None
