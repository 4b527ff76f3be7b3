"""Alerts: every batch of a run is held to the active rules, and each episode of a series is one alert."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db import connection, transaction

from constitutional.evaluation import MAX_VALUE, MonitorState, evaluate
from constitutional.services.guard import lock_guard
from core.db.identity import SYSTEM, on_behalf_of
from core.db.sql import named_queries
from core.series import select_on_time
from core.telemetry import FloatArray
from validation.alert_conditions import SeriesName, build_policy, is_watched
from validation.choices import AlertOperator, AlertState, ResolvedReason
from validation.constants import ANNOUNCED_AGE, METRIC_PREFIX, TELEMETRY
from validation.models import AlertMemory, AlertRule, MonitoringAlert
from validation.services.alert_board import Board, make_memory, read_time
from validation.services.rule_lock import keep_rules

Samples = tuple[FloatArray, FloatArray]
"""Times in unix seconds and values, each float64 (n,)."""
Split = Callable[[str], Mapping[SeriesName, Samples]]
"""From a stored metric's name in `series` to its samples series by series."""


@dataclass(frozen=True)
class AlertOutcome:
    """Alerts that fired in a batch and that were resolved in it, in order; one may be in both."""

    fired: Sequence[MonitoringAlert] = ()
    resolved: Sequence[MonitoringAlert] = ()


@on_behalf_of(SYSTEM)
@transaction.atomic(savepoint=False)
def evaluate_alerts(
    *, run_id: int, series: Mapping[str, Samples], now: datetime, split: Split | None = None
) -> AlertOutcome:
    """Hold a batch of a run to the active rules, and queue the messages about what fired and what was resolved.

    An episode is one alert however a series is cut into batches; samples not later than those seen are left out. A
    pending alert fires on a sample, never by the clock alone: what is silent is the matter of absent rules. The number
    of queries depends neither on the length of the series nor on the number of rules.

    Args:
        series: by metric. Whatever it holds, the run was heard of.
        split: tells the series of `metric:` names apart; without it a metric is one series.

    Raises:
        ValueError: times and values of a metric differ in shape, or a time is not one.
    """
    metrics = [*series, TELEMETRY]
    if not _is_watched(run_id, metrics):
        return AlertOutcome()
    lock_guard(run_id)
    keep_rules()
    watched = list(_list_watched(list(AlertRule.objects.watching(run_id, metrics)), series, split))
    if not watched:
        return AlertOutcome()
    board = Board(run_id, now)
    memories = _load_memories(run_id, watched, now)
    for rule, name, samples in watched:
        memory = memories[rule.pk, name.key]
        if memory.rule_version != rule.version:
            board.end(memory, ResolvedReason.RULE_CHANGED, _last_seen(memory, now))
            memory.rule_version = rule.version
        if rule.op == AlertOperator.ABSENT:
            _hear(board, memory, rule)
        else:
            _follow(board, memory, rule, samples)
        memory.heard_at = now
        board.remember(memory)
    board.save()
    return AlertOutcome(board.fired, board.resolved)


class _Watched(NamedTuple):
    rule: AlertRule
    name: SeriesName
    samples: Samples


def _is_watched(run_id: int, metrics: Sequence[str]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(named_queries("validation")["is_run_watched"], {"run_id": run_id, "metrics": list(metrics)})
        return bool(cursor.fetchone()[0])


def _list_watched(rules: Sequence[AlertRule], series: Mapping[str, Samples], split: Split | None) -> Iterator[_Watched]:
    """Each rule with each of its series in the batch."""
    nothing = np.empty(0)
    parts: dict[str, Mapping[SeriesName, Samples]] = {TELEMETRY: {SeriesName(TELEMETRY): (nothing, nothing)}}
    for rule in rules:
        if rule.metric not in parts:
            is_stored = rule.metric.startswith(METRIC_PREFIX) and split is not None
            whole = {SeriesName(rule.metric): series[rule.metric]}
            parts[rule.metric] = split(rule.metric) if is_stored and split else whole
        for name, samples in parts[rule.metric].items():
            if is_watched(rule, name):
                yield _Watched(rule, name, samples)


def _load_memories(run_id: int, watched: Sequence[_Watched], now: datetime) -> dict[tuple[int, str], AlertMemory]:
    """What is remembered of each rule and series of the batch; new where it is the first."""
    of_batch = {
        "run_id": run_id,
        "rule_id__in": {rule.pk for rule, _, _ in watched},
        "series_key__in": {name.key for _, name, _ in watched},
    }
    found = AlertMemory.objects.filter(**of_batch).select_related("alert")
    memories = {(memory.rule_id, memory.series_key): memory for memory in found}
    new = {
        (rule.pk, name.key): make_memory(rule, run_id, name, now)
        for rule, name, _ in watched
        if (rule.pk, name.key) not in memories
    }
    if new:
        # Nothing goes on in a new series, unless its memory was deleted.
        for alert in MonitoringAlert.objects.open().filter(**of_batch):
            if (alert.rule_id, alert.series_key) in new:
                new[alert.rule_id, alert.series_key].alert = alert
    return memories | new


def _hear(board: Board, memory: AlertMemory, rule: AlertRule) -> None:
    """End the absence of a series."""
    alert = memory.alert
    if alert is not None and alert.state == AlertState.FIRING:
        board.resolve(alert, board.now, ResolvedReason.CALM)
        board.announce_end(alert, rule, is_recent=True)


def _follow(board: Board, memory: AlertMemory, rule: AlertRule, samples: Samples) -> None:
    """Feed the samples of a series to the evaluation, and take its alerts where that leads."""
    before = MonitorState.from_dict(memory.state)
    times, values = _select_usable(samples, before.last_seen_s)
    after, breaches = evaluate(build_policy(rule), before, times, values)
    is_recent = bool(times.size) and times[-1] >= (board.now - ANNOUNCED_AGE).timestamp()
    for breach in breaches:
        if breach.change == "opened":
            began_at = read_time(breach.first_crossing_s)
            alert = board.begin(memory, rule, began_at, _value_at(times, values, breach.first_crossing_s))
            opening = np.searchsorted(times, breach.opened_at_s)
            board.fire(alert, read_time(breach.opened_at_s), float(values[opening]), breach.peak)
            continue
        if memory.alert is None or memory.alert.state != AlertState.FIRING:
            continue  # somebody ended it past the services
        board.raise_peak(memory.alert, breach.peak)
        if breach.cleared_at_s is not None:
            value = _value_at(times, values, breach.cleared_at_s)
            board.resolve(memory.alert, read_time(breach.cleared_at_s), ResolvedReason.CALM, value=value)
            board.announce_end(memory.alert, rule, is_recent=is_recent)
    crossing = after.episode
    if crossing is not None and not crossing.is_open:
        began_at = read_time(crossing.first_crossing_s)
        board.begin(memory, rule, began_at, _value_at(times, values, crossing.first_crossing_s))
    elif memory.alert is not None and memory.alert.state == AlertState.PENDING:
        board.drop(memory.alert)
    board.announce(memory.alert, rule, is_recent=is_recent)
    memory.state = after.to_dict()


def _select_usable(samples: Samples, last_seen_s: float | None) -> Samples:
    """The samples that the evaluation looks at."""
    times, values = samples
    valid = np.abs(values) <= MAX_VALUE
    times, values = times[valid], values[valid]
    on_time = select_on_time(times, last_seen_s)
    return times[on_time], values[on_time]


def _value_at(times: FloatArray, values: FloatArray, at_s: float) -> float | None:
    """The value at a time; None where that was in an earlier batch."""
    position = int(np.searchsorted(times, at_s))
    return float(values[position]) if position < times.size and times[position] == at_s else None


def _last_seen(memory: AlertMemory, now: datetime) -> datetime:
    last_seen_s = MonitorState.from_dict(memory.state).last_seen_s
    return now if last_seen_s is None else read_time(last_seen_s)
