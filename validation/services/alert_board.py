"""The alerts of one run that a batch or a sweep changes: moved in memory, written and announced together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from constitutional.evaluation import MonitorState
from validation.alert_conditions import SeriesName, describe_rule
from validation.choices import OPEN_STATES, AlertEvent, AlertState, ResolvedReason
from validation.models import AlertMemory, AlertRule, MonitoringAlert
from validation.services.delivery import Message, queue_messages

_PENDING_FIELDS = ["pending_at", "pending_value", "severity", "condition"]
_FIRED_FIELDS = ["fired_at", "fired_value", "peak_value"]
_RESOLVED_FIELDS = ["resolved_at", "resolved_value", "resolved_reason", "peak_value"]


class Board:
    """Changes of one run's alerts. The caller holds the run's guard, so that nobody else moves them.

    Attributes:
        fired, resolved: alerts that took the step, in order.
    """

    def __init__(self, run_id: int, now: datetime) -> None:
        self.run_id = run_id
        self.now = now
        self.fired: list[MonitoringAlert] = []
        self.resolved: list[MonitoringAlert] = []
        self._fired_here: set[int] = set()
        self._memories: list[AlertMemory] = []
        self._forgotten: list[AlertMemory] = []
        self._dropped: list[MonitoringAlert] = []
        self._started: list[MonitoringAlert] = []
        self._peaked: list[MonitoringAlert] = []
        self._made: list[MonitoringAlert] = []
        self._announced: list[MonitoringAlert] = []
        self._messages: list[tuple[MonitoringAlert, AlertEvent, Sequence[int]]] = []

    def remember(self, memory: AlertMemory) -> None:
        """Have a memory written."""
        self._memories.append(memory)

    def forget(self, memory: AlertMemory) -> None:
        """Have a memory deleted."""
        self._forgotten.append(memory)

    def begin(self, memory: AlertMemory, rule: AlertRule, at: datetime, value: float | None) -> MonitoringAlert:
        """The pending alert of an episode that begins at `at`, or did so in an earlier batch."""
        alert = memory.alert
        if alert is not None and alert.state == AlertState.PENDING:
            if alert.pending_at == at:
                return alert
            self.drop(alert)
        elif alert is not None and alert.state == AlertState.FIRING:
            # The memory was lost: what it stood for is over.
            self.resolve(alert, at, ResolvedReason.CALM)
        if alert is None or alert.state == AlertState.RESOLVED:
            alert = memory.alert = self._make(memory, rule)
        else:
            self._started.append(alert)
        alert.state = AlertState.PENDING
        alert.pending_at, alert.pending_value = at, value
        alert.severity, alert.condition = rule.severity, describe_rule(rule)
        return alert

    def drop(self, alert: MonitoringAlert) -> None:
        """Take a pending alert back: its condition did not last."""
        alert.state = AlertState.INACTIVE
        alert.pending_at = alert.pending_value = None
        self._dropped.append(alert)

    def fire(self, alert: MonitoringAlert, at: datetime, value: float | None, peak: float | None) -> None:
        """Let a pending alert fire."""
        alert.state = AlertState.FIRING
        alert.fired_at, alert.fired_value, alert.peak_value = at, value, peak
        self.fired.append(alert)
        self._fired_here.add(id(alert))

    def raise_peak(self, alert: MonitoringAlert, peak: float) -> None:
        """Note a value further beyond the threshold than any before."""
        alert.peak_value = peak
        self._peaked.append(alert)

    def resolve(
        self, alert: MonitoringAlert, at: datetime, reason: ResolvedReason, *, value: float | None = None
    ) -> None:
        """End a firing alert, not before it fired."""
        alert.state = AlertState.RESOLVED
        alert.resolved_at = max(at, alert.fired_at) if alert.fired_at else at
        alert.resolved_value, alert.resolved_reason = value, reason
        self.resolved.append(alert)

    def end(self, memory: AlertMemory, reason: ResolvedReason, at: datetime) -> None:
        """End whatever goes on in a series, and evaluate it anew after its last sample."""
        if memory.alert is not None and memory.alert.state == AlertState.PENDING:
            self.drop(memory.alert)
        elif memory.alert is not None and memory.alert.state == AlertState.FIRING:
            self.resolve(memory.alert, at, reason)
        memory.state = MonitorState(last_seen_s=MonitorState.from_dict(memory.state).last_seen_s).to_dict()

    def announce(self, alert: MonitoringAlert | None, rule: Any, *, is_recent: bool) -> None:
        """Tell the rule's channels that an alert fires, unless they know, or it is silenced, acknowledged or history.

        Args:
            rule: with `channel_ids`.
        """
        if alert is not None and alert.state == AlertState.FIRING and self._is_news(alert, rule, is_recent):
            self._tell(alert, AlertEvent.FIRING, rule.channel_ids)

    def announce_end(self, alert: MonitoringAlert, rule: Any, *, is_recent: bool) -> None:
        """Tell those who know of an alert that it ended; and others, where it came and went in this batch."""
        if alert.announced_at is not None or (id(alert) in self._fired_here and self._is_news(alert, rule, is_recent)):
            self._tell(alert, AlertEvent.RESOLVED, rule.channel_ids)

    def save(self) -> None:
        """Write every change, each kind in one statement, and queue the messages with them."""
        alerts = MonitoringAlert.objects
        if self._dropped:
            stored = [alert.pk for alert in self._dropped]
            alerts.filter(pk__in=stored).update(state=AlertState.INACTIVE, pending_at=None, pending_value=None)
        self._write(self._started, AlertState.PENDING, _PENDING_FIELDS)
        self._write(self.fired, AlertState.FIRING, _FIRED_FIELDS)
        self._write([one for one in self._peaked if one.state == AlertState.FIRING], AlertState.FIRING, ["peak_value"])
        self._write(self.resolved, AlertState.RESOLVED, _RESOLVED_FIELDS)
        if known := [alert.pk for alert in self._announced if alert.pk is not None]:
            alerts.filter(pk__in=known).update(announced_at=self.now)
        # After the others: only one of a series may be open.
        alerts.bulk_create(self._made)
        if self._forgotten:
            AlertMemory.objects.filter(pk__in=[memory.pk for memory in self._forgotten]).delete()
        AlertMemory.objects.bulk_create(
            self._memories,
            update_conflicts=True,
            unique_fields=["run", "series_key", "rule"],
            update_fields=["rule_version", "alert", "state", "heard_at"],
        )
        queue_messages(
            [Message(alert.pk, event, channel) for alert, event, channels in self._messages for channel in channels]
        )

    def _make(self, memory: AlertMemory, rule: AlertRule) -> MonitoringAlert:
        latest = memory.alert
        still_silent = latest is not None and latest.silenced_until is not None and latest.silenced_until > self.now
        alert = MonitoringAlert(
            rule_id=rule.pk,
            run_id=self.run_id,
            series_key=memory.series_key,
            metric=memory.metric,
            component=memory.component,
            unit=memory.unit,
            tags=memory.tags,
            silenced_until=latest.silenced_until if latest is not None and still_silent else None,
        )
        self._made.append(alert)
        return alert

    def _is_news(self, alert: MonitoringAlert, rule: Any, is_recent: bool) -> bool:
        is_silenced = alert.silenced_until is not None and alert.silenced_until > self.now
        told = alert.announced_at is not None or alert.acknowledged
        return bool(rule.channel_ids) and is_recent and not told and not is_silenced

    def _tell(self, alert: MonitoringAlert, event: AlertEvent, channels: Sequence[int]) -> None:
        if alert.announced_at is None:
            alert.announced_at = self.now
            self._announced.append(alert)
        self._messages.append((alert, event, channels))

    def _write(self, alerts: Sequence[MonitoringAlert], state: AlertState, fields: list[str]) -> None:
        """Take stored alerts one step on; where they stand in the end may be further."""
        stored = [alert for alert in alerts if alert.pk is not None]
        ends = [alert.state for alert in stored]
        for alert in stored:
            alert.state = state
        if stored:
            MonitoringAlert.objects.bulk_update(stored, ["state", *fields])
        for alert, end in zip(stored, ends, strict=True):
            alert.state = end


def make_memory(rule: AlertRule, run_id: int, name: SeriesName, now: datetime) -> AlertMemory:
    """The memory of a rule and a series before the first sample."""
    return AlertMemory(
        rule_id=rule.pk,
        run_id=run_id,
        series_key=name.key,
        metric=name.metric,
        component=name.component,
        unit=name.unit or None,
        tags=name.read_tags(),
        rule_version=rule.version,
        state=MonitorState().to_dict(),
        heard_at=now,
    )


def is_open(alert: MonitoringAlert | None) -> bool:
    """Whether an episode goes on."""
    return alert is not None and alert.state in OPEN_STATES


def read_time(unix_s: float) -> datetime:
    """A time of a series."""
    return datetime.fromtimestamp(unix_s, UTC)
