"""Reads of the constitutional tables that join, aggregate or compare."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from constitutional.choices import OPEN_STATUSES, ViolationType
from constitutional.constants import SYSTEMIC_VIOLATIONS
from constitutional.models import PolicyMonitorState, PolicyVersion, Violation, ViolationNote


@dataclass(frozen=True)
class OpenViolations:
    """How many violations wait for somebody.

    Attributes:
        by_status: pending and acknowledged.
        by_type: minor, moderate, major and critical.
    """

    by_status: dict[str, int]
    by_type: dict[str, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by_status.values())


@dataclass(frozen=True)
class ValueChange:
    """One difference of two versions of a policy.

    Attributes:
        field: a column, or policy_content with a JSON pointer into it.
        old, new: as JSON; '' where there is no such value.
    """

    field: str
    old: str
    new: str


def list_open_violations(*, run_id: int | None = None) -> QuerySet[Violation]:
    """The review queue, newest first, with the names it shows."""
    violations = Violation.objects.open().with_names().newest_first()
    return violations if run_id is None else violations.for_run(run_id)


def list_violation_times(run_id: int, start: datetime, end: datetime) -> list[datetime]:
    """When violations of a run were detected, start <= detected_at <= end."""
    violations = Violation.objects.for_run(run_id).filter(detected_at__gte=start, detected_at__lte=end)
    return list(violations.values_list("detected_at", flat=True))


def count_open_violations(*, run_id: int | None = None) -> OpenViolations:
    """Open violations by status and by type, all of them or one run's."""
    violations = Violation.objects.open()
    if run_id is not None:
        violations = violations.for_run(run_id)
    by_status = dict.fromkeys(map(str, OPEN_STATUSES), 0)
    by_type = dict.fromkeys(ViolationType.values, 0)
    counted = violations.order_by().values_list("resolution_status", "violation_type").annotate(Count("pk"))
    for status, kind, count in counted:
        by_status[status] += count
        by_type[kind] += count
    return OpenViolations(by_status, by_type)


def list_systemic_runs(run_ids: Collection[int] | None = None) -> set[int]:
    """Ids of the runs, or of those among `run_ids`, whose open violations are 5 or more: their trouble is systemic."""
    violations = Violation.objects.open()
    if run_ids is not None:
        violations = violations.filter(run_id__in=run_ids)
    counted = violations.order_by().values("run_id").annotate(n=Count("pk")).filter(n__gte=SYSTEMIC_VIOLATIONS)
    return set(counted.values_list("run_id", flat=True))


def list_runs_to_release() -> list[int]:
    """Runs that ended while episodes of theirs go on."""
    return list(
        PolicyMonitorState.objects.filter(run__ended_at__isnull=False, violation__isnull=False)
        .order_by("run_id")
        .values_list("run_id", flat=True)
        .distinct()
    )


def list_notes(violation_id: int) -> QuerySet[ViolationNote]:
    """What was noted about a violation, oldest first, with the authors."""
    return ViolationNote.objects.filter(violation_id=violation_id).select_related("author")


def list_versions(policy_id: int) -> QuerySet[PolicyVersion]:
    """The versions of a policy, newest first, with their authors."""
    return PolicyVersion.objects.filter(policy_id=policy_id).select_related("author").order_by("-version")


def compare_versions(older: PolicyVersion, newer: PolicyVersion) -> list[ValueChange]:
    """What differs between two versions, field by field, the content value by value."""
    old, new = dict(_list_values(older)), dict(_list_values(newer))
    return [
        ValueChange(field, old.get(field, ""), new.get(field, ""))
        for field in dict.fromkeys([*old, *new])
        if old.get(field) != new.get(field)
    ]


def _list_values(version: PolicyVersion) -> Iterator[tuple[str, str]]:
    for field in ("policy_name", "policy_type", "priority_level", "is_active"):
        yield field, _show(getattr(version, field))
    # Not by recursion: a document written past the services may be deep.
    pending: list[tuple[str, Any]] = [("policy_content", version.policy_content)]
    while pending:
        pointer, value = pending.pop()
        if isinstance(value, dict) and value:
            pending += [
                (f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", item)
                for key, item in reversed(value.items())
            ]
        elif isinstance(value, list) and value:
            pending += [(f"{pointer}/{index}", item) for index, item in reversed(list(enumerate(value)))]
        else:
            yield pointer, _show(value)


def _show(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
