"""What events do to neurons, and histories computed again: pure functions of what was recorded."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from core.neuron_dynamics import apply_pair_gate, choose_entry, evolve, list_pair, read_pair
from core.neuron_replay import replay
from core.pair_state import exchange_systems, product_state, reduce_pair
from core.two_level import derive_label, rabi_probability

UP, PLUS = [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]
BELL = np.array([1, 0, 0, 1]) / np.sqrt(2) + 0j


@pytest.mark.parametrize(
    ("event", "before", "parameters", "after"),
    [
        ("prepare", UP, {"bloch": [0.1, 0.2, 0.3]}, [0.1, 0.2, 0.3]),
        ("gate", UP, {"gate": "h"}, PLUS),
        ("gate", UP, {"gate": "ry", "angle_rad": math.pi / 2}, PLUS),
        ("gate", PLUS, {"gate": "rz", "angle_rad": math.pi / 2}, [0.0, 1.0, 0.0]),
        ("gate", UP, {"gate": "rx", "angle_rad": math.pi / 2}, [0.0, -1.0, 0.0]),
        ("gate", UP, {"gate": "drive", "duration_s": math.pi / 2, "bias": 0.0, "delta": 1.0}, [0.0, 0.0, -1.0]),
        ("measure", PLUS, {"draw": 0.49}, [0.0, 0.0, -1.0]),
        ("measure", PLUS, {"draw": 0.51}, UP),
        ("relax", PLUS, {"elapsed_s": 0.0, "t1_s": 1.0, "t2_s": 1.0, "omega": 3.0, "p_eq": 0.0}, PLUS),
        ("sweep_start", PLUS, {"start_bias": 1.0, "rate": 1.0, "delta": 1.0}, PLUS),
        ("sweep_end", PLUS, {"start_bias": 1.0, "end_bias": 1.0, "rate": 1.0, "delta": 1.0}, PLUS),
        ("gate2", PLUS, {"control": 0, "system": 0, "pair_state": list_pair(product_state(PLUS, UP))}, [0, 0, 0]),
        ("disentangle", [0, 0, 0], {"cause": "prepare"}, [0, 0, 0]),
        (
            "disentangle",
            [0, 0, 0],
            {"cause": "measure", "outcome": 1, "system": 1, "pair_state": list_pair(BELL)},
            [0, 0, -1],
        ),
        ("calibrate", PLUS, {}, PLUS),
    ],
)
def test_events(event: str, before: list[float], parameters: dict[str, Any], after: list[float]) -> None:
    np.testing.assert_allclose(evolve(event, before, parameters).bloch, after, atol=1e-15)


def test_a_drive_oscillates_as_rabi_says() -> None:
    for duration in np.linspace(0, 7, 20):
        parameters = {"gate": "drive", "duration_s": float(duration), "bias": 0.8, "delta": 0.6}
        p1 = (1 - evolve("gate", UP, parameters).bloch[2]) / 2
        assert p1 == pytest.approx(float(rabi_probability(duration, 0.8, 0.6)), abs=1e-12)


@pytest.mark.parametrize("control", [0, 1])
def test_a_gate_of_two_flips_the_target_of_a_control_at_level_1(control: int) -> None:
    tilted, down = [0.6, 0.0, 0.8], [0.0, 0.0, -1.0]
    pair = product_state(down, tilted) if control == 0 else product_state(tilted, down)
    flipped = reduce_pair(apply_pair_gate(pair, control))[1 - control]
    np.testing.assert_allclose(flipped, [0.6, 0.0, -0.8], atol=1e-15)
    np.testing.assert_allclose(apply_pair_gate(apply_pair_gate(pair, control), control), pair, atol=1e-15)


def test_the_state_of_a_pair_as_numbers_and_back(rng: np.random.Generator) -> None:
    state = rng.normal(size=4) + 1j * rng.normal(size=4)
    assert len(list_pair(state)) == 8
    np.testing.assert_array_equal(read_pair(list_pair(state)), state)
    swapped = exchange_systems(BELL)
    np.testing.assert_array_equal(read_pair(list_pair(swapped)), swapped)


@pytest.mark.parametrize(
    ("start", "rate", "entry"),
    [(-20.0, 1.0, -3.0), (20.0, -1.0, 3.0), (2.5, 1.0, 2.5), (3.0, 1.0, 3.0), (0.0, -1.0, 0.0)],
)
def test_a_sweep_enters_the_crossing(start: float, rate: float, entry: float) -> None:
    assert choose_entry(start, rate, 1.0) == entry
    label = derive_label(UP, last_event="sweep_start", sweep_open=True, bias=entry, tunnelling=1.0)
    assert label == "tunneling"


def test_a_sweep_in_two_parts_is_the_whole() -> None:
    whole = evolve("sweep_end", UP, {"start_bias": -20.0, "end_bias": 20.0, "rate": 1.0, "delta": 0.4}).bloch
    start = evolve("sweep_start", UP, {"start_bias": -20.0, "rate": 1.0, "delta": 0.4})
    assert start.sweep_bias == pytest.approx(-1.2)
    end = evolve(
        "sweep_end", start.bloch, {"start_bias": start.sweep_bias, "end_bias": 20.0, "rate": 1.0, "delta": 0.4}
    )
    np.testing.assert_allclose(end.bloch, whole, atol=1e-4)


RELAX = {"elapsed_s": 1.0, "t1_s": 1.0, "t2_s": 1.0, "omega": 0.0, "p_eq": 0.0}
SWEEP = {"start_bias": -1.0, "end_bias": 1.0, "rate": 1.0, "delta": 1.0}


@pytest.mark.parametrize(
    ("event", "parameters", "name"),
    [
        ("gate", {"gate": "drive", "duration_s": 1e300, "bias": 1e300, "delta": 1.0}, "duration_s"),
        ("gate", {"gate": "rx", "angle_rad": 1e13}, "angle_rad"),
        ("relax", RELAX | {"elapsed_s": 1e200, "omega": 1e200}, "elapsed_s"),
        ("relax", RELAX | {"elapsed_s": 0.0, "t1_s": 5e-324, "t2_s": 5e-324}, "elapsed_s"),
        ("sweep_start", {"start_bias": 1.0, "rate": 1.0, "delta": 0.0}, "start_bias"),
        ("sweep_start", {"start_bias": 4.0, "rate": 1.0, "delta": 1.0}, "rate"),
        ("sweep_start", {"start_bias": -1e300, "rate": 1.0, "delta": 1.0}, "rate"),
        ("sweep_end", SWEEP | {"end_bias": -2.0}, "end_bias"),
        ("sweep_end", SWEEP | {"rate": 1e-9}, "rate"),
        ("sweep_end", SWEEP | {"end_bias": 1e308, "start_bias": -1e308}, "rate"),
        ("gate2", {"control": 0, "system": 0, "pair_state": list_pair(BELL)}, "pair_state"),
    ],
)
def test_what_cannot_be_computed_is_named(event: str, parameters: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: "):
        evolve(event, UP, parameters)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(26)


def make_history() -> list[dict[str, Any]]:
    """Prepared, turned, relaxed, swept, measured, calibrated."""
    sweep = {"start_bias": -9.0, "rate": 2.0, "delta": 1.0}
    steps = [
        ("prepare", {"bloch": UP}),
        ("gate", {"gate": "h"}),
        ("relax", {"elapsed_s": 0.5, "t1_s": 3.0, "t2_s": 2.0, "omega": 7.0, "p_eq": 0.1}),
        ("sweep_start", sweep),
        ("sweep_end", sweep | {"start_bias": -3.0, "end_bias": 9.0}),
        ("measure", {"draw": 0.3}),
        ("calibrate", {"t1_s": {"from": 3.0, "to": 4.0}}),
    ]
    rows: list[dict[str, Any]] = []
    bloch, state = [0.0, 0.0, 0.0], "decoherent"
    for seq, (event, parameters) in enumerate(steps, 1):
        after = evolve(event, bloch, parameters)
        x, y, _ = after.bloch.tolist()
        to_state = derive_label(
            after.bloch,
            last_event=event,
            sweep_open=after.sweep_bias is not None,
            bias=after.sweep_bias or 0.0,
            tunnelling=1.0,
        )
        row = {
            "seq": seq,
            "event": event,
            "from_state": state,
            "to_state": state if event == "calibrate" else to_state,
            "bloch_before": bloch,
            "bloch_after": after.bloch.tolist(),
            "c_before": math.hypot(*bloch[:2]),
            "c_after": math.hypot(x, y),
            "outcome": after.outcome,
            "parameters": parameters,
        }
        rows.append(row)
        bloch, state = row["bloch_after"], row["to_state"]
    return rows


def test_an_honest_history_replays() -> None:
    assert list(replay(make_history())) == []
    assert list(replay([])) == []


def test_a_history_whose_beginning_is_gone_replays_from_there() -> None:
    rows = make_history()
    for first in range(1, len(rows)):
        assert list(replay(rows[first:])) == []


@pytest.mark.parametrize(
    ("index", "change", "fields"),
    [
        (1, {"bloch_after": [0.9, 0.0, 0.0]}, {(2, "bloch_after"), (2, "c_after"), (3, "bloch_before")}),
        (2, {"to_state": "coherent"}, {(3, "to_state"), (4, "from_state")}),
        (2, {"parameters": {"elapsed_s": 0.5}}, {(3, "parameters")}),
        (2, {"c_after": 0.5}, {(3, "c_after")}),
        (3, {"seq": 5}, {(5, "seq")}),
        (4, {"parameters": {"start_bias": -2.0, "rate": 2.0, "delta": 1.0, "end_bias": 9.0}}, {(5, "parameters")}),
        (5, {"outcome": 0}, {(6, "outcome")}),
        (5, {"parameters": {"draw": 0.999}}, {(6, "outcome"), (6, "bloch_after")}),
    ],
)
def test_what_was_changed_afterwards_is_found(index: int, change: dict[str, Any], fields: set[tuple[int, str]]) -> None:
    rows = make_history()
    rows[index] = rows[index] | change
    found = {(one.seq, one.field) for one in replay(rows)}
    assert fields <= found


def test_a_missing_event_is_found() -> None:
    rows = make_history()
    del rows[2]
    assert {one.field for one in replay(rows)} >= {"seq", "bloch_before"}
