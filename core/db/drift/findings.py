"""What `schema verify` reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One drift.

    Attributes:
        check: what was compared: `models`, `migrations`, `tables` or `manifest`.
        text: the thing, and what is wrong with it.
    """

    check: str
    text: str

    def __str__(self) -> str:
        return f"{self.check}: {self.text}"
