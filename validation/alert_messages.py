"""What a message about an alert says: JSON for programs, plain text for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from validation.choices import AlertEvent
from validation.models import AlertChannel, MonitoringAlert

_TEST = "This is a test of the channel; nothing is wrong."


def build_payload(event: AlertEvent, alert: MonitoringAlert | None, channel: AlertChannel) -> dict[str, Any]:
    """The body of a webhook.

    Args:
        alert: with rule and run; None for a test.
    """
    if alert is None:
        return {"event": str(AlertEvent.TEST), "channel": channel.name, "message": _TEST}
    return {
        "event": str(event),
        "channel": channel.name,
        "alert": {
            "id": alert.pk,
            "state": alert.state,
            "severity": alert.severity,
            "condition": alert.condition,
            "pending_at": _write_time(alert.pending_at),
            "pending_value": alert.pending_value,
            "fired_at": _write_time(alert.fired_at),
            "fired_value": alert.fired_value,
            "peak_value": alert.peak_value,
            "resolved_at": _write_time(alert.resolved_at),
            "resolved_value": alert.resolved_value,
            "resolved_reason": alert.resolved_reason,
            "acknowledged": alert.acknowledged,
        },
        "rule": {
            "id": alert.rule_id,
            "name": alert.rule.name,
            "labels": alert.rule.labels,
            "runbook": alert.rule.runbook,
        },
        "run": {"id": alert.run_id, "uuid": str(alert.run.run_uuid), "name": alert.run.name},
        "series": {
            "metric": alert.metric,
            "component": alert.component,
            "unit": alert.unit,
            "tags": alert.tags,
        },
    }


def write_subject(event: AlertEvent, alert: MonitoringAlert | None) -> str:
    """The subject of an e-mail, on one line."""
    if alert is None:
        return "[NFCS] test"
    words = f"[NFCS {alert.severity}] {event}: {alert.rule.name} in {alert.run.name}"
    return "".join(letter if letter.isprintable() else " " for letter in words)


def write_text(event: AlertEvent, alert: MonitoringAlert | None) -> str:
    """The text of an e-mail."""
    if alert is None:
        return f"{_TEST}\n"
    facts = [
        ("rule", alert.rule.name),
        ("condition", alert.condition),
        ("severity", alert.severity),
        ("run", f"{alert.run.name} ({alert.run_id})"),
        ("series", alert.describe_series()),
        ("since", _show(alert.pending_at, alert.pending_value)),
        ("fired", _show(alert.fired_at, alert.fired_value)),
        ("peak", _show(None, alert.peak_value)),
        ("resolved", _show(alert.resolved_at, alert.resolved_value)),
        ("because", alert.get_resolved_reason_display() if alert.resolved_reason else ""),
        ("alert", str(alert.pk)),
    ]
    lines = [f"{label + ':':<11}{value}" for label, value in facts if value]
    if event == AlertEvent.FIRING and alert.rule.runbook:
        lines += ["", "What to do:", alert.rule.runbook]
    return "\n".join(lines) + "\n"


def _write_time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _show(at: datetime | None, value: float | None) -> str:
    """A time, a value, or both; '' for neither."""
    words = [] if at is None else [f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"]
    return " at ".join(words + ([] if value is None else [f"{value:.6g}"]))
