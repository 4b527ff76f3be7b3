"""Pieces of the admin pages: bars, facts, durations."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from constitutional.models import Violation

Fact = tuple[str, Any]

_LABELS = {
    "rule": "Rule",
    "metric": "Metric",
    "value": "Worst value at detection",
    "samples": "Samples beyond the bound at detection",
    "low": "Breached below",
    "high": "Breached above",
    "clear_low": "Calm again at or above",
    "clear_high": "Calm again at or below",
    "aggregate": "Aggregate",
    "window_s": "Window, s",
    "dwell_s": "Dwell, s",
    "action": "Action asked for",
    "enforcement": "Enforcement, 0 to 1",
}
_TOLD_ELSEWHERE = {"policy_name", "policy_version"}


def draw_severity(violation: Violation) -> SafeString:
    """A bar as long as the severity, in the colour of the type, with both in words."""
    return format_html(
        '<span class="severity"><svg class="severity-bar" viewBox="0 0 100 10" width="60" height="10" '
        'preserveAspectRatio="none" role="img" aria-label="severity {score}">'
        '<rect class="severity-track" width="100" height="10" rx="3"/>'
        '<rect class="severity-fill severity-{kind}" width="{width}" height="10" rx="3"/></svg> '
        '<span class="severity-word">{kind} {score}</span></span>',
        kind=violation.violation_type,
        score=show_severity(violation.severity_score),
        width=f"{max(100 * violation.severity_score, 2):.1f}",
    )


def show_severity(score: float) -> str:
    """A severity to two digits, rounded down: what is shown as 1.00 is critical."""
    return f"{math.floor(100 * score + 1e-9) / 100:.2f}"


def list_evidence(data: Mapping[str, Any]) -> list[Fact]:
    """What the evidence says, known facts first and in words, whatever else there is after them."""
    known = [(label, data[key]) for key, label in _LABELS.items() if data.get(key) is not None]
    others = [(key, value) for key, value in data.items() if key not in _LABELS and key not in _TOLD_ELSEWHERE]
    return [*known, *others]


def draw_facts(facts: Iterable[Fact]) -> SafeString:
    """Facts as a list of terms."""
    rows = format_html_join("", "<dt>{}</dt><dd>{}</dd>", ((label, _show(value)) for label, value in facts))
    return format_html('<dl class="facts">{}</dl>', rows)


def describe_duration(duration: timedelta) -> str:
    """Say a duration in its two largest units."""
    seconds = duration.total_seconds()
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def _show(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6g}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
