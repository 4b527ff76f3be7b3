"""The monitor: holds every batch of a run to the active policies and keeps one violation an episode."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from django.db import connection, transaction

from constitutional.choices import ClearedReason
from constitutional.evaluation import Breach, MonitorState, evaluate
from constitutional.models import PolicyMonitorState, PolicyVersion, Violation
from constitutional.policy_content import Policy, PolicyContentError, describe, validate_policy_content
from constitutional.services.guard import GuardOutcome, Series, advance_guard, lock_guard
from core.db.identity import SYSTEM, on_behalf_of
from core.db.sql import named_queries

EPISODE_FIELDS = ["severity_score", "peak_value", "peak_at", "sample_count", "cleared_at", "cleared_reason"]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class MonitorOutcome:
    """What a batch brought.

    Attributes:
        opened: violations of episodes that began to count in this batch, ended or not.
        updated: violations of earlier batches whose episode reached a new peak and goes on.
        cleared: violations whose episode ended in this batch.
        invalid: metrics with 3 invalid samples in a row.
        unreadable: active policies whose content is not valid, so that nothing could be held to them.
        guard: the decision on the batch, and changes of the run's level.
    """

    opened: list[Violation] = field(default_factory=list)
    updated: list[Violation] = field(default_factory=list)
    cleared: list[Violation] = field(default_factory=list)
    invalid: set[str] = field(default_factory=set)
    unreadable: list[str] = field(default_factory=list)
    guard: GuardOutcome = field(default_factory=GuardOutcome)


@on_behalf_of(SYSTEM)
@transaction.atomic(savepoint=False)
def monitor_samples(*, run_id: int, series: Series) -> MonitorOutcome:
    """Evaluate the active policies whose metric is in `series`, and guard the run; batches of one run take turns.

    An episode is one violation however a series is cut into batches; samples not later than those seen are left out.
    The number of queries does not depend on the length of the series or the number of policies; an emergency stop
    and a recovery take one each.

    Raises:
        ValueError: times and values of a metric differ in shape, or a time is not one.
    """
    if "ha" not in series and not _is_monitored(run_id, list(series)):
        return MonitorOutcome()
    guard = lock_guard(run_id)
    outcome = MonitorOutcome(guard=advance_guard(guard, series))
    memory = _Memory(run_id, outcome)
    rules = _list_rules(outcome)
    memory.end_episodes_except({rule.policy_id for rule in rules})
    for rule in rules:
        if rule.policy.metric in series:
            _apply_rule(memory, rule, series)
    memory.save()
    return outcome


@on_behalf_of(SYSTEM)
@transaction.atomic
def end_monitoring(*, run_id: int) -> int:
    """End the episodes of a run that ended, each at the last sample seen.

    Returns:
        How many episodes were going on.
    """
    lock_guard(run_id)
    outcome = MonitorOutcome()
    memory = _Memory(run_id, outcome)
    memory.end_episodes_except(set(), ClearedReason.RUN_ENDED)
    memory.save()
    return len(outcome.cleared)


class _Rule(NamedTuple):
    policy_id: int
    version: PolicyVersion
    policy: Policy


class _Memory:
    """The monitor states of one run, and the violations that a batch changed."""

    def __init__(self, run_id: int, outcome: MonitorOutcome) -> None:
        self.run_id = run_id
        self.outcome = outcome
        rows = PolicyMonitorState.objects.filter(run_id=run_id).select_related("violation")
        self.rows = {row.policy_id: row for row in rows}
        self.changed_rows: list[PolicyMonitorState] = []
        self.changed: dict[int, Violation] = {}

    def end_episodes_except(self, policy_ids: set[int], reason: str = ClearedReason.POLICY_INACTIVE) -> None:
        """End the episodes of policies that are not among `policy_ids`."""
        for row in self.rows.values():
            if row.policy_id not in policy_ids and row.violation is not None:
                self.restart(row, reason)
                self.changed_rows.append(row)

    def restart(self, row: PolicyMonitorState, reason: str) -> None:
        """End the row's episode at the last sample seen, and begin anew after it."""
        state = MonitorState.from_dict(row.state)
        if row.violation is not None and state.episode is not None and state.last_seen_s is not None:
            self.clear(row.violation, _datetime(state.last_seen_s), state.episode.samples, reason)
            row.violation = None
        row.state = MonitorState(last_seen_s=state.last_seen_s).to_dict()

    def clear(self, violation: Violation, at: datetime, samples: int, reason: str) -> None:
        """End the episode of a violation."""
        violation.cleared_at = at
        violation.cleared_reason = reason
        violation.sample_count = samples
        self.outcome.cleared.append(violation)
        self.touch(violation)

    def touch(self, violation: Violation) -> None:
        """Remember that a stored violation changed; one of this batch is written as it is at the end."""
        if violation.pk is not None:
            self.changed[violation.pk] = violation

    def save(self) -> None:
        """Write everything."""
        Violation.objects.bulk_create(self.outcome.opened)
        if self.changed:
            # In the order of ids, as reviews lock them.
            list(Violation.objects.select_for_update().filter(pk__in=self.changed).order_by("pk").values_list("pk"))
            Violation.objects.bulk_update(self.changed.values(), EPISODE_FIELDS)
        self.outcome.updated.extend(violation for violation in self.changed.values() if violation.cleared_at is None)
        PolicyMonitorState.objects.bulk_create(
            self.changed_rows,
            update_conflicts=True,
            unique_fields=["run", "policy"],
            update_fields=["policy_version", "violation", "state"],
        )


def _apply_rule(memory: _Memory, rule: _Rule, series: Series) -> None:
    policy_id, version, policy = rule
    row = memory.rows.get(policy_id) or PolicyMonitorState(
        run_id=memory.run_id, policy_id=policy_id, policy_version=version, state=MonitorState().to_dict()
    )
    if row.policy_version_id != version.pk:
        memory.restart(row, ClearedReason.POLICY_CHANGED)
        row.policy_version = version
    before = MonitorState.from_dict(row.state)
    after, breaches = evaluate(policy, before, *series[policy.metric])
    for breach in breaches:
        if breach.change == "opened":
            row.violation = _open_violation(memory.run_id, rule, breach, series)
            memory.outcome.opened.append(row.violation)
        else:
            _follow_episode(memory, row, breach)
    if after.invalid_alarms > before.invalid_alarms:
        memory.outcome.invalid.add(policy.metric)
    row.state = after.to_dict()
    memory.changed_rows.append(row)


def _open_violation(run_id: int, rule: _Rule, breach: Breach, series: Series) -> Violation:
    policy_id, version, policy = rule
    return Violation(
        run_id=run_id,
        policy_id=policy_id,
        policy_version=version,
        violation_data={
            "rule": describe(policy),
            "policy_name": version.policy_name,
            "policy_version": version.version,
            "metric": policy.metric,
            "aggregate": policy.aggregate,
            "window_s": policy.window_s,
            "low": _finite(policy.low),
            "high": _finite(policy.high),
            "clear_low": _finite(policy.clear_low),
            "clear_high": _finite(policy.clear_high),
            "dwell_s": policy.dwell_s,
            "action": policy.action,
            "enforcement": policy.enforcement,
            "value": breach.peak,
            "samples": breach.samples,
        },
        ha_value=_find_ha(series, breach.opened_at_s),
        first_crossing_at=_datetime(breach.first_crossing_s),
        detected_at=_datetime(breach.opened_at_s),
        severity_score=breach.severity,
        peak_value=breach.peak,
        peak_at=_datetime(breach.peak_at_s),
        sample_count=breach.samples,
    )


def _follow_episode(memory: _Memory, row: PolicyMonitorState, breach: Breach) -> None:
    violation = row.violation
    if violation is None:
        raise ValueError(f"run {row.run_id}, policy {row.policy_id}: an episode without its violation")
    violation.severity_score = max(violation.severity_score, breach.severity)
    violation.peak_value = breach.peak
    violation.peak_at = _datetime(breach.peak_at_s)
    if breach.cleared_at_s is None:
        memory.touch(violation)
    else:
        memory.clear(violation, _datetime(breach.cleared_at_s), breach.samples, ClearedReason.CALM)
        row.violation = None


def _is_monitored(run_id: int, metrics: Sequence[str]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            named_queries("constitutional")["is_batch_monitored"], {"run_id": run_id, "metrics": list(metrics)}
        )
        return bool(cursor.fetchone()[0])


def _list_rules(outcome: MonitorOutcome) -> list[_Rule]:
    """The policies in force; one that was written past the services and is not valid cannot be applied."""
    rules = []
    for version in PolicyVersion.objects.in_force().order_by("policy_id"):
        try:
            policy = _parse_policy(json.dumps(version.policy_content))
        except PolicyContentError as error:
            logger.error("Policy %r is not valid and not applied: %s", version.policy_name, error)
            outcome.unreadable.append(version.policy_name)
        else:
            rules.append(_Rule(version.policy_id, version, policy))
    return rules


@lru_cache(maxsize=256)
def _parse_policy(content: str) -> Policy:
    return validate_policy_content(json.loads(content))


def _find_ha(series: Series, at_s: float) -> float | None:
    """The last valid Ha of the batch at or before a time, else None."""
    if "ha" not in series:
        return None
    times, values = series["ha"]
    earlier = np.flatnonzero((times <= at_s) & (values >= 0) & (values <= 10))
    return float(values[earlier[-1]]) if earlier.size else None


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _datetime(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
