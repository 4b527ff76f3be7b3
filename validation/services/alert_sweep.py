"""The minute's look at alerts: what is silent fires, what lost its rule or its run ends, ended silences are told."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from django.db import connection, transaction

from constitutional.evaluation import MonitorState
from constitutional.services.guard import lock_guard
from core.db.sql import named_queries
from core.models import Run
from validation.alert_conditions import SeriesName, is_watched
from validation.choices import AlertOperator, AlertState, ResolvedReason
from validation.constants import TELEMETRY
from validation.models import AlertMemory, AlertRule
from validation.services.alert_board import Board, is_open, read_time
from validation.services.rule_lock import keep_rules


def sweep_alerts(*, now: datetime) -> int:
    """Look at every series in which something is due, each run in a transaction of its own.

    An absent rule on telemetry also covers ongoing runs that never sent anything; any other rule a series since its
    first sample.

    Returns:
        How many alerts fired or were resolved.
    """
    _await_telemetry()
    runs = AlertMemory.objects.due(now).order_by("run_id").values_list("run_id", flat=True).distinct()
    return sum(_sweep_run(run_id, now) for run_id in list(runs))


@transaction.atomic
def _await_telemetry() -> None:
    first = {"series_key": SeriesName(TELEMETRY).key, "state": json.dumps(MonitorState().to_dict())}
    keep_rules()
    with connection.cursor() as cursor:
        cursor.execute(named_queries("validation")["await_telemetry"], first)


@transaction.atomic
def _sweep_run(run_id: int, now: datetime) -> int:
    run = lock_guard(run_id).run
    keep_rules()
    board = Board(run_id, now)
    memories = list(AlertMemory.objects.due(now).filter(run_id=run_id).select_related("alert").order_by("pk"))
    rules = AlertRule.objects.with_channel_ids().in_bulk({memory.rule_id for memory in memories})
    for memory in memories:
        _sweep_series(board, run, rules[memory.rule_id], memory)
    board.save()
    return len(board.fired) + len(board.resolved)


def _sweep_series(board: Board, run: Run, rule: AlertRule, memory: AlertMemory) -> None:
    _end_where_over(board, run, rule, memory)
    if rule.op == AlertOperator.ABSENT and rule.is_active and run.ended_at is None:
        if not _is_covered(rule, run, memory):
            board.forget(memory)
            return
        memory.rule_version = rule.version
        if not is_open(memory.alert):
            _fire_where_silent(board, rule, memory)
    board.announce(memory.alert, rule, is_recent=True)
    board.remember(memory)


def _end_where_over(board: Board, run: Run, rule: AlertRule, memory: AlertMemory) -> None:
    """End the episode of a run that ended, or of a rule that is off or was changed, at the last sample seen."""
    if run.ended_at is not None:
        reason = ResolvedReason.RUN_ENDED
    elif not rule.is_active:
        reason = ResolvedReason.RULE_OFF
    elif memory.rule_version != rule.version:
        reason = ResolvedReason.RULE_CHANGED
    else:
        return
    last_seen_s = MonitorState.from_dict(memory.state).last_seen_s
    alert, was_firing = memory.alert, memory.alert is not None and memory.alert.state == AlertState.FIRING
    board.end(memory, reason, board.now if last_seen_s is None else read_time(last_seen_s))
    if alert is not None and was_firing:
        board.announce_end(alert, rule, is_recent=True)


def _fire_where_silent(board: Board, rule: AlertRule, memory: AlertMemory) -> None:
    """Fire for a series that was silent for as long as the rule allows, as of then."""
    # While a rule is off nobody listens for it.
    fired_at = max(memory.heard_at, rule.updated_at) + timedelta(seconds=rule.absent_for_s or 0)
    if fired_at <= board.now:
        alert = board.begin(memory, rule, memory.heard_at, None)
        board.fire(alert, fired_at, None, None)


def _is_covered(rule: AlertRule, run: Run, memory: AlertMemory) -> bool:
    """Whether the rule as it stands is about the series."""
    if rule.run_id not in (None, run.pk) or rule.run_kind not in ("", run.kind) or rule.metric != memory.metric:
        return False
    return is_watched(rule, SeriesName.of(memory.metric, memory.component, memory.unit, memory.tags))
