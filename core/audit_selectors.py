"""Reads of the audit: the state of its chain, and the history of a row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db.models import Sum
from django.utils.dateparse import parse_datetime

from core.models import AuditCheckpoint, AuditEntry, AuditLane

VERIFIED_TABLE = "nfcs_core.golden_dag_audit"
VERIFIED_ROW = "verification"


@dataclass(frozen=True)
class ChainStatus:
    """The chain as of its last verification.

    Attributes:
        state: unverified before the first verification.
        first_bad_entry: id of the first bad entry, where it can be told.
    """

    state: Literal["ok", "broken", "unverified"]
    words: str
    links: int
    last_checkpoint: int | None
    last_checkpoint_at: datetime | None
    verified_at: datetime | None
    first_bad_entry: int | None


@dataclass(frozen=True)
class Change:
    """One entry of a row's history.

    Attributes:
        differences: column, value before, value after; only columns that differ.
    """

    entry: AuditEntry
    differences: list[tuple[str, Any, Any]]


def get_last_verification() -> dict[str, Any] | None:
    """The outcome of the last background verification, or None before the first."""
    entry = AuditEntry.objects.filter(table_name=VERIFIED_TABLE, row_key=VERIFIED_ROW).order_by("-ts", "-id").first()
    if entry is None:
        return None
    outcome: dict[str, Any] = json.loads(bytes(entry.payload))["details"]
    return outcome


def get_chain_status() -> ChainStatus:
    """How the chain stands: links, last checkpoint, and what the last verification found."""
    links = AuditLane.objects.aggregate(n=Sum("sequence"))["n"] or 0
    checkpoint = AuditCheckpoint.objects.order_by("-number").first()
    try:
        outcome = get_last_verification()
    except (ValueError, KeyError):
        outcome = {"ok": False, "first_bad": {"detail": "the record of the last verification cannot be read"}}
    last = f"last checkpoint {checkpoint.number}" if checkpoint else "no checkpoint yet"
    bad = (outcome or {}).get("first_bad") or {}
    state: Literal["ok", "broken", "unverified"] = (
        "unverified" if outcome is None else "ok" if outcome.get("ok") is True else "broken"
    )
    words = f"{links} entries linked, {last}" if state != "broken" else f"broken: {bad.get('detail', 'no detail')}"
    return ChainStatus(
        state,
        words,
        links,
        checkpoint.number if checkpoint else None,
        checkpoint.made_at if checkpoint else None,
        parse_datetime(outcome["verified_at"]) if outcome and outcome.get("verified_at") else None,
        bad.get("entry"),
    )


def list_row_history(*, table_name: str, row_key: str, limit: int = 100) -> list[Change]:
    """What happened to a row, newest first."""
    entries = AuditEntry.objects.filter(table_name=table_name, row_key=row_key).order_by("-ts", "-id")[:limit]
    return [Change(entry, list_differences(bytes(entry.payload))) for entry in entries]


def list_differences(payload: bytes) -> list[tuple[str, Any, Any]]:
    """Columns that differ between before and after, secrets as changed; [] for what tells of no row."""
    try:
        content = json.loads(payload)
    except ValueError:
        return []
    if not isinstance(content, dict) or not {"before", "after"} <= content.keys():
        return []
    before, after = content["before"] or {}, content["after"] or {}
    differences = [
        (name, before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    return differences + [(name, "(secret)", "(secret, changed)") for name in content.get("changed_secrets", [])]


def show_value(value: Any) -> str:
    """A value of a payload as text."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
