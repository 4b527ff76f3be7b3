"""What an alert rule asks for: in words, as a policy of the monitor's evaluation, and of which series."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import orjson

from constitutional.policy_content import METRIC_RANGES, Policy
from core.exceptions import FieldError
from validation.choices import AlertOperator
from validation.constants import MAX_TAGS_BYTES
from validation.series import NO_TAGS, write_tags

if TYPE_CHECKING:
    from validation.models import AlertRule


class SeriesName(NamedTuple):
    """A series within its run: the metric as rules name it, and of a stored one the rest of its description.

    Attributes:
        tags: JSON with sorted keys, as in `validation.series`.
    """

    metric: str
    component: str = ""
    unit: str | None = None
    tags: bytes = NO_TAGS

    @classmethod
    def of(cls, metric: str, component: str, unit: str | None, tags: dict[str, Any]) -> Self:
        """The series that columns describe."""
        return cls(metric, component, unit, write_tags(tags))

    @property
    def key(self) -> str:
        """SHA-256 of the description, hex."""
        described = [self.metric, self.component, self.unit or "", self.read_tags()]
        return hashlib.sha256(orjson.dumps(described, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def read_tags(self) -> dict[str, Any]:
        """The tags as an object."""
        return orjson.loads(self.tags) or {}


def build_policy(rule: AlertRule) -> Policy:
    """The rule's condition for `constitutional.evaluation`; not of an absent rule, which has no bounds."""
    low, high = -math.inf, math.inf
    clear_low, clear_high = low, high
    if rule.op == AlertOperator.ABOVE:
        high = _bound(rule.threshold)
        clear_high = _bound(rule.clear_threshold, high)
    else:
        low = _bound(rule.threshold)
        clear_low = _bound(rule.clear_threshold, low)
    if rule.op == AlertOperator.OUTSIDE:
        high = _bound(rule.threshold_high)
        clear_high = _bound(rule.clear_threshold_high, high)
    return Policy(
        metric=rule.metric,
        aggregate="last",
        window_s=0.0,
        low=low,
        high=high,
        clear_low=clear_low,
        clear_high=clear_high,
        dwell_s=rule.for_s,
        action="alert",
        enforcement=0.0,
        severity_scale=1.0,
        breakpoints=(),
        rationale=rule.name,
        source="",
    )


def has_bounds(rule: AlertRule) -> bool:
    """Whether a rule holds what its condition needs; half a form may not."""
    if rule.op == AlertOperator.ABSENT:
        return True
    needed = [rule.threshold, *([rule.threshold_high] if rule.op == AlertOperator.OUTSIDE else [])]
    return rule.op in AlertOperator.values and None not in needed


def describe_rule(rule: AlertRule) -> str:
    """The rule's condition in one sentence."""
    what = rule.metric.removeprefix("metric:")
    if rule.component:
        what = f"{rule.component}.{what}"
    if rule.tags:
        what = f"{what} with {_dump(rule.tags)}"
    if rule.op == AlertOperator.ABSENT:
        return f"{what} absent for {rule.absent_for_s or 0:.12g} s"
    policy = build_policy(rule)
    if rule.op == AlertOperator.ABOVE:
        holds, ends = f"above {policy.high:.12g}", f"at or below {policy.clear_high:.12g}"
    elif rule.op == AlertOperator.BELOW:
        holds, ends = f"below {policy.low:.12g}", f"at or above {policy.clear_low:.12g}"
    else:
        holds = f"outside {policy.low:.12g} to {policy.high:.12g}"
        ends = f"within {policy.clear_low:.12g} to {policy.clear_high:.12g}"
    lasting = f" for {rule.for_s:.12g} s" if rule.for_s else ""
    return f"{what} {holds}{lasting}; ends {ends}"


def find_rule_faults(rule: AlertRule) -> Iterator[FieldError]:
    """What the database does not see: a threshold that the metric never reaches, more tags or labels than are read."""
    low, high = METRIC_RANGES.get(rule.metric, (-math.inf, math.inf))
    for name in ("threshold", "threshold_high"):
        bound = getattr(rule, name)
        if bound is not None and not low <= bound <= high:
            yield FieldError(name, f"{rule.metric} lies between {low:g} and {high:g}.", "out_of_range")
    for name in ("tags", "labels"):
        if len(_dump(getattr(rule, name)).encode()) > MAX_TAGS_BYTES:
            yield FieldError(name, f"At most {MAX_TAGS_BYTES} bytes are possible.", "too_long")


def is_watched(rule: AlertRule, name: SeriesName) -> bool:
    """Whether the rule's component and tags are those of the series; its metric is."""
    if rule.component and rule.component != name.component:
        return False
    tags = name.read_tags() if rule.tags else {}
    # As JSON, because Python takes 1, 1.0 and true for equal.
    return all(key in tags and _dump(tags[key]) == _dump(value) for key, value in rule.tags.items())


def _bound(*values: float | None) -> float:
    """The first that is given."""
    return next(float(value) for value in values if value is not None)


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
