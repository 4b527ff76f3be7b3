"""A neuron's history computed again, event by event, and compared with what was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.neuron_dynamics import Evolution, evolve
from core.two_level import coherence_l1, derive_label

TOLERANCE = 1e-9
BEFORE_ALL = {"seq": 0, "to_state": "decoherent", "bloch_after": [0.0, 0.0, 0.0]}
"""Before its first preparation nothing is known of a neuron."""


@dataclass(frozen=True)
class Disagreement:
    """One number or name in which a history is not what its own events give.

    Attributes:
        seq: number of the event; 0 stands for the neuron as it is now.
        field: column of the history or of the neuron.
    """

    seq: int
    field: str
    recorded: Any
    computed: Any

    def __str__(self) -> str:
        return f"event {self.seq}, {self.field}: recorded {self.recorded!r}, computed {self.computed!r}"


def replay(rows: Iterable[Mapping[str, Any]]) -> Iterator[Disagreement]:
    """Compute the events of one neuron again, in their order.

    Args:
        rows: rows of the history by column, ordered by `seq`; the first ones may be gone with their partitions.
    """
    before: Mapping[str, Any] | None = None
    sweep: float | None = None
    for row in rows:
        if before is None:
            before, sweep = _imagine_before(row), row["parameters"].get("start_bias")
        evolution = None
        try:
            evolution = evolve(row["event"], row["bloch_before"], row["parameters"])
        except (ValueError, KeyError, TypeError) as error:
            yield Disagreement(row["seq"], "parameters", row["parameters"], repr(error))
        yield from _compare(row["seq"], row, _expect(row, before, sweep, evolution))
        before, sweep = row, evolution.sweep_bias if evolution else None


def compare_present(neuron: Mapping[str, Any], last: Mapping[str, Any]) -> Iterator[Disagreement]:
    """Compare a neuron as it is now, by column, with the last row of its history."""
    expected = {
        "state": last["to_state"],
        "event_seq": last["seq"],
        "last_event": last["event"],
        "last_event_at": last["ts"],
        **dict(zip(("bloch_x", "bloch_y", "bloch_z"), last["bloch_after"], strict=True)),
    }
    return _compare(0, neuron, expected)


def _imagine_before(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row before the first one that is there."""
    if row["seq"] == 1:
        return BEFORE_ALL
    return {"seq": row["seq"] - 1, "to_state": row["from_state"], "bloch_after": row["bloch_before"]}


def _expect(
    row: Mapping[str, Any], before: Mapping[str, Any], sweep: float | None, evolution: Evolution | None
) -> dict[str, Any]:
    """What the columns of a row have to hold, from the row before and the event computed again."""
    expected: dict[str, Any] = {
        "seq": before["seq"] + 1,
        "from_state": before["to_state"],
        "bloch_before": before["bloch_after"],
        "c_before": float(coherence_l1(row["bloch_before"])),
        "c_after": float(coherence_l1(row["bloch_after"])),
    }
    if evolution is None:
        return expected
    if row["event"] == "sweep_end":
        expected["parameters"] = {**row["parameters"], "start_bias": sweep}
    return expected | {
        "bloch_after": evolution.bloch.tolist(),
        "outcome": evolution.outcome,
        "to_state": row["from_state"] if row["event"] == "calibrate" else _name_state(row, evolution),
    }


def _name_state(row: Mapping[str, Any], evolution: Evolution) -> str:
    return derive_label(
        # The recorded numbers: those computed again may lie on the other side of a bound.
        row["bloch_after"],
        last_event=row["event"],
        sweep_open=evolution.sweep_bias is not None,
        bias=evolution.sweep_bias or 0.0,
        tunnelling=row["parameters"].get("delta", 0.0),
        concurrence=evolution.concurrence,
    )


def _compare(seq: int, recorded: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[Disagreement]:
    for field, value in expected.items():
        found = recorded[field]
        if isinstance(value, float | list):
            agrees = np.shape(found) == np.shape(value) and np.allclose(found, value, rtol=0, atol=TOLERANCE)
        else:
            agrees = found == value
        if not agrees:
            yield Disagreement(seq, field, found, value)
